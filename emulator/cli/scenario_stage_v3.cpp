#include "emulator/cli/scenario_stage_v3.h"

#include <fmt/format.h>

#include "emulator/cli/register_comparison.h"
#include "emulator/cli/registers.h"

namespace smmu::cli {

ScenarioStageV3::ScenarioStageV3(const std::string& name, const emulator::SmmuV3Config& config,
                                 const std::string& source)
    : name_(name), machine_(config, ram(), source), events_(machine_.smmu(), machine_.memory()) {}

bool ScenarioStageV3::make(const MemoryWrite& write) {
  return machine_.memory().store64(Pa(write.address), write.value) == BusResponse::kOkay;
}

void ScenarioStageV3::make(const RegisterWrite& write) {
  if (write.bytes == 8) {
    machine_.smmu().write64(write.offset, write.value);
  } else {
    machine_.smmu().write32(write.offset, static_cast<std::uint32_t>(write.value));
  }
}

std::optional<Disagreement> ScenarioStageV3::ask(std::uint64_t op, const RegisterRead& read,
                                                 Judge& judge) {
  const std::uint64_t got =
      read.bytes == 8 ? machine_.smmu().read64(read.offset) : machine_.smmu().read32(read.offset);
  return judge.read(name_, op, read, got, command_error_active(machine_.smmu()));
}

std::optional<Disagreement> ScenarioStageV3::ask(std::uint64_t op, const DeviceAccess& access,
                                                 Judge& judge) {
  machine_.recorder().forget();
  events_.mark();
  Answer answer;
  answer.outcome = machine_.port().translate(transaction(access));
  answer.records = events_.since_mark();
  if (access.acknowledged) events_.acknowledge();
  return judge.access(name_, op, access, answer);
}

std::optional<Disagreement> ScenarioStageV3::ask(const EndValue& end, Judge& judge) {
  const std::uint64_t got = machine_.smmu().read32(end.offset);
  return judge.end(name_, end, got, command_error_active(machine_.smmu()));
}

std::string ScenarioStageV3::register_name(std::uint32_t offset) const {
  const RegisterInfo* info = find_register(offset);
  return info != nullptr ? info->layout.name : fmt::format("offset {:#x}", offset);
}

}  // namespace smmu::cli
