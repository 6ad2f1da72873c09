#include "emulator/cli/scenario_player.h"

#include <fmt/format.h>

#include "emulator/cli/register_comparison.h"

namespace smmu::cli {

namespace {

// captures/README: RAM here, and every other address aborts.
constexpr std::uint64_t kRamBase = 0x40000000;
constexpr std::uint64_t kRamBytes = 0x8000000;

MemoryMap ram() {
  MemoryMap map;
  map.add(kRamBase, kRamBytes);
  return map;
}

emulator::SmmuV3Config config_of(const Scenario& scenario, const emulator::Caching& caching) {
  emulator::SmmuV3Config config = configuration(scenario.idr);
  config.caching = caching;
  return config;
}

std::string register_name(std::uint32_t offset) {
  const RegisterInfo* info = find_register(offset);
  return info != nullptr ? info->layout.name : fmt::format("offset {:#x}", offset);
}

}  // namespace

ScenarioPlayer::ScenarioPlayer(const Scenario& scenario, const emulator::Caching& caching,
                               const std::string& source)
    : scenario_(scenario),
      machine_(config_of(scenario, caching), ram(), source),
      events_(machine_.smmu(), machine_.memory()) {}

bool ScenarioPlayer::make(const MemoryWrite& write) {
  return machine_.memory().store64(Pa(write.address), write.value) == BusResponse::kOkay;
}

void ScenarioPlayer::make(const RegisterWrite& write) {
  if (write.bytes == 8) {
    machine_.smmu().write64(write.offset, write.value);
  } else {
    machine_.smmu().write32(write.offset, static_cast<std::uint32_t>(write.value));
  }
}

std::uint64_t ScenarioPlayer::make(const RegisterRead& read) {
  return read.bytes == 8 ? machine_.smmu().read64(read.offset)
                         : machine_.smmu().read32(read.offset);
}

Answer ScenarioPlayer::make(const DeviceAccess& access) {
  machine_.recorder().forget();
  events_.mark();
  Answer answer;
  answer.outcome = machine_.port().translate(
      {.stream = StreamId(access.stream),
       .address = Iova(access.iova),
       .direction = access.write ? emulator::Direction::kWrite : emulator::Direction::kRead});
  answer.records = events_.since_mark();
  if (access.acknowledged) events_.acknowledge();
  return answer;
}

void ScenarioPlayer::play(Judge& judge, ScenarioCounts& counts,
                          std::vector<OpDisagreement>& disagreements) {
  const std::string& name = scenario_.name;
  const std::size_t before = disagreements.size();
  ++counts.scenarios;
  bool stopped = false;
  for (std::size_t op = 0; op < scenario_.ops.size() && !stopped; ++op) {
    stopped = judge.stopped(name, op);
    if (stopped) break;
    const Op& todo = scenario_.ops[op];
    if (const auto* write = std::get_if<MemoryWrite>(&todo)) {
      if (!make(*write)) ++counts.lost_writes;
    } else if (const auto* register_write = std::get_if<RegisterWrite>(&todo)) {
      make(*register_write);
    } else if (const auto* read = std::get_if<RegisterRead>(&todo)) {
      ++counts.reads;
      const std::uint64_t got = make(*read);
      if (auto wrong = judge.read(name, op, *read, got, command_error_active(machine_.smmu()))) {
        disagreements.push_back({name, fmt::format("{}", op),
                                 "read of " + register_name(read->offset), std::move(*wrong)});
      }
    } else {
      const auto& access = std::get<DeviceAccess>(todo);
      ++counts.accesses;
      const Answer answer = make(access);
      if (auto wrong = judge.access(name, op, access, answer)) {
        disagreements.push_back(
            {name, fmt::format("{}", op),
             fmt::format("{} of {:#x} by stream {:#x}", access.write ? "write" : "read",
                         access.iova, access.stream),
             std::move(*wrong)});
      }
    }
  }
  // The end comes after the last op.
  if (stopped || judge.stopped(name, scenario_.ops.size())) {
    ++counts.stopped;
  } else {
    for (const EndValue& end : scenario_.end) {
      ++counts.end_values;
      const std::uint64_t got = machine_.smmu().read32(end.offset);
      if (auto wrong = judge.end(name, end, got, command_error_active(machine_.smmu()))) {
        disagreements.push_back(
            {name, "end", "value of " + register_name(end.offset), std::move(*wrong)});
      }
    }
  }
  if (disagreements.size() == before) ++counts.agreeing;
}

}  // namespace smmu::cli
