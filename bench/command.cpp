// Commands through the queue and its doorbell.
#include <memory>

#include "bench/machine.h"
#include "bench/rows.h"
#include "smmu/arch/v3/commands.h"

namespace smmu::bench {
namespace {

constexpr Iova kHeld(0x12'3400'0000);
constexpr Iova kOther(0x56'7800'0000);

// Batches of 63 invalidations and a CMD_SYNC; N counts commands.  What is
// invalidated is never held, so that what is held stays.
enum class Ringing : std::uint8_t { kNo, kYes };
template <Ringing kRinging = Ringing::kYes>
std::function<void(std::uint64_t)> tlbi_va(std::uint64_t held) {
  using v3::CMD_SYNC;
  using v3::CMD_TLBI_NH_VA;
  auto machine = std::make_shared<Machine>();
  machine->map(kHeld, held);
  for (std::uint64_t page = 0; page != held; ++page) {
    keep(machine->port().translate(
        {.stream = Machine::kTranslated, .address = Iova(kHeld.value + page * 4096)}));
  }
  return [machine](std::uint64_t n) {
    const auto sync = CMD_SYNC().set(CMD_SYNC::Opcode, CMD_SYNC::kOpcode);
    for (std::uint64_t i = 0; i != n; ++i) {
      if (i % 64 == 63) {
        machine->enqueue(sync.words());
        if constexpr (kRinging == Ringing::kYes) machine->ring();
        continue;
      }
      machine->enqueue(CMD_TLBI_NH_VA()
                           .set(CMD_TLBI_NH_VA::Opcode, CMD_TLBI_NH_VA::kOpcode)
                           .set(CMD_TLBI_NH_VA::ASID, 1)
                           .set(CMD_TLBI_NH_VA::Leaf, true)
                           .set(CMD_TLBI_NH_VA::Address, kOther.value + i % 64 * 4096)
                           .words());
    }
    if constexpr (kRinging == Ringing::kYes) machine->ring();
  };
}

// What a driver waits for after it has changed something, and the translation
// that comes then.
template <Ringing kRinging, class Command>
std::function<void(std::uint64_t)> then_translate(const Command& command) {
  using v3::CMD_SYNC;
  auto machine = std::make_shared<Machine>();
  machine->map(kHeld, 1);
  const emulator::Transaction transaction{.stream = Machine::kTranslated, .address = kHeld};
  expect(machine->port().translate(transaction), true);
  return [machine, command, transaction](std::uint64_t n) {
    const auto sync = CMD_SYNC().set(CMD_SYNC::Opcode, CMD_SYNC::kOpcode);
    for (std::uint64_t i = 0; i != n; ++i) {
      machine->enqueue(command.words());
      machine->enqueue(sync.words());
      if constexpr (kRinging == Ringing::kYes) {
        machine->ring();
        keep(machine->port().translate(transaction));
      } else {
        keep(transaction);
      }
    }
  };
}

template <Ringing kRinging = Ringing::kYes>
std::function<void(std::uint64_t)> tlbi_then_translate() {
  using v3::CMD_TLBI_NH_VA;
  return then_translate<kRinging>(CMD_TLBI_NH_VA()
                                      .set(CMD_TLBI_NH_VA::Opcode, CMD_TLBI_NH_VA::kOpcode)
                                      .set(CMD_TLBI_NH_VA::ASID, 1)
                                      .set(CMD_TLBI_NH_VA::Leaf, true)
                                      .set(CMD_TLBI_NH_VA::Address, kHeld.value));
}

std::function<void(std::uint64_t)> cfgi_then_translate() {
  using v3::CMD_CFGI_STE;
  return then_translate<Ringing::kYes>(CMD_CFGI_STE()
                                           .set(CMD_CFGI_STE::Opcode, CMD_CFGI_STE::kOpcode)
                                           .set(CMD_CFGI_STE::StreamID, Machine::kTranslated.value)
                                           .set(CMD_CFGI_STE::Leaf, true));
}

}  // namespace

std::vector<Row> command_rows() {
  return {
      {"empty/commands", [] { return tlbi_va<Ringing::kNo>(0); }},
      {"empty/then_translate", [] { return tlbi_then_translate<Ringing::kNo>(); }},
      {"command/tlbi_va", [] { return tlbi_va(0); }, "empty/commands"},
      {"command/tlbi_va_4096_held", [] { return tlbi_va(4096); }, "empty/commands"},
      {"command/tlbi_sync_translate", [] { return tlbi_then_translate(); }, "empty/then_translate"},
      {"command/cfgi_sync_translate", [] { return cfgi_then_translate(); }, "empty/then_translate"},
  };
}

}  // namespace smmu::bench
