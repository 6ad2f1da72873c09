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

}  // namespace

std::vector<Row> command_rows() {
  return {
      {"empty/commands", [] { return tlbi_va<Ringing::kNo>(0); }},
      {"command/tlbi_va", [] { return tlbi_va(0); }, "empty/commands"},
      {"command/tlbi_va_4096_held", [] { return tlbi_va(4096); }, "empty/commands"},
  };
}

}  // namespace smmu::bench
