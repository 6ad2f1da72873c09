#include "emulator/cli/driver.h"

#include <fmt/format.h>

#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

// Range 31 is CMD_CFGI_ALL (4.3.6).
constexpr std::uint32_t kAllStreams = 31;

template <class C>
C command() {
  return C().set(C::Opcode, C::kOpcode);
}

}  // namespace

MemoryMap memory_map(const RegisterValues& registers, const MemoryImage& memory) {
  const auto idr1 = registers.get<v3::SMMU_IDR1>();
  MemoryMap map;
  map.add(memory);
  const Extent commands = Ring(registers.get<v3::SMMU_CMDQ_BASE>(), idr1).extent();
  const Extent events = Ring(registers.get<v3::SMMU_EVENTQ_BASE>(), idr1).extent();
  map.add(commands.base, commands.bytes);
  map.add(events.base, events.bytes);
  return map;
}

Driver::Driver(Machine& machine) : machine_(machine), events_(machine.smmu(), machine.memory()) {}

void Driver::switch_on(std::uint32_t cr0) {
  Mmio& registers = machine_.smmu();
  registers.write(v3::SMMU_CR0(cr0));
  const std::uint32_t acknowledged = registers.read<v3::SMMU_CR0ACK>().raw();
  const std::uint32_t wanted = registers.read<v3::SMMU_CR0>().raw();
  if (acknowledged != wanted && complaint_.empty()) {
    complaint_ =
        fmt::format("SMMU_CR0ACK is {:#x} after {:#x} was written to SMMU_CR0", acknowledged, cr0);
  }
}

void Driver::bring_up(const RegisterValues& values) {
  Mmio& registers = machine_.smmu();
  switch_on(0);
  registers.write(values.get<v3::SMMU_CR1>());
  registers.write(values.get<v3::SMMU_CR2>());
  registers.write(values.get<v3::SMMU_STRTAB_BASE>());
  registers.write(values.get<v3::SMMU_STRTAB_BASE_CFG>());

  const std::uint32_t position = values.get<v3::SMMU_CMDQ_CONS>()[v3::SMMU_CMDQ_CONS::RD];
  registers.write(values.get<v3::SMMU_CMDQ_BASE>());
  registers.write(v3::SMMU_CMDQ_PROD(position));
  registers.write(v3::SMMU_CMDQ_CONS(position));
  auto cr0 = v3::SMMU_CR0().set(v3::SMMU_CR0::CMDQEN, true);
  switch_on(cr0.raw());
  invalidate_all();

  const auto prod = values.get<v3::SMMU_EVENTQ_PROD>();
  registers.write(values.get<v3::SMMU_EVENTQ_BASE>());
  registers.write(prod);
  registers.write(v3::SMMU_EVENTQ_CONS(prod.raw()));
  const auto last = values.get<v3::SMMU_CR0>();
  cr0.set(v3::SMMU_CR0::EVENTQEN, last[v3::SMMU_CR0::EVENTQEN]);
  switch_on(cr0.raw());

  registers.write(values.get<v3::SMMU_IRQ_CTRL>());
  switch_on(v3::SMMU_CR0(last).set(v3::SMMU_CR0::CMDQEN, true).raw());
}

void Driver::submit(std::initializer_list<CommandWords> commands) {
  Mmio& registers = machine_.smmu();
  const Ring ring(registers.read<v3::SMMU_CMDQ_BASE>(), registers.read<v3::SMMU_IDR1>());
  std::uint32_t position = registers.read<v3::SMMU_CMDQ_PROD>()[v3::SMMU_CMDQ_PROD::WR];
  const auto issue = [&](const CommandWords& words) {
    const std::uint64_t address = ring.address(position);
    for (std::size_t word = 0; word < words.size(); ++word) {
      // An abort here shows as CERROR_ABT below.
      (void)machine_.memory().store64(Pa(address + 8 * word), words[word]);
    }
    position = ring.advance(position, 1);
    registers.write(v3::SMMU_CMDQ_PROD(position));
  };
  for (const CommandWords& words : commands) issue(words);
  issue(command<v3::CMD_SYNC>().words());

  const auto cons = registers.read<v3::SMMU_CMDQ_CONS>();
  if (cons[v3::SMMU_CMDQ_CONS::RD] != position && complaint_.empty()) {
    complaint_ = fmt::format("SMMU_CMDQ_CONS is {:#x} after SMMU_CMDQ_PROD became {:#x}",
                             cons.raw(), position);
  }
}

void Driver::invalidate_all() {
  submit({command<v3::CMD_CFGI_STE_RANGE>().set(v3::CMD_CFGI_STE_RANGE::Range, kAllStreams).words(),
          command<v3::CMD_TLBI_NSNH_ALL>().words()});
}

Answer Driver::ask(const emulator::Transaction& transaction) {
  events_.mark();
  const emulator::Outcome outcome = machine_.port().translate(transaction);
  std::vector<EventWords> records = events_.since_mark();
  if (!records.empty()) events_.acknowledge();
  return {outcome, std::move(records)};
}

}  // namespace smmu::cli
