#include "emulator/cli/scenario_player.h"

#include <fmt/format.h>

namespace smmu::cli {

void ScenarioPlayer::play(Judge& judge, ScenarioCounts& counts,
                          std::vector<OpDisagreement>& disagreements) {
  const std::string& name = scenario_.name;
  const std::size_t before = disagreements.size();
  const auto disagree = [&](std::string op, std::string what, std::optional<Disagreement> wrong) {
    if (wrong) disagreements.push_back({name, std::move(op), std::move(what), std::move(*wrong)});
  };
  ++counts.scenarios;
  bool stopped = false;
  for (std::size_t op = 0; op < scenario_.ops.size() && !stopped; ++op) {
    stopped = stage_->stopped(op, judge);
    if (stopped) break;
    const Op& todo = scenario_.ops[op];
    const std::string number = fmt::format("{}", op);
    if (const auto* write = std::get_if<MemoryWrite>(&todo)) {
      if (!stage_->make(*write)) ++counts.lost_writes;
    } else if (const auto* register_write = std::get_if<RegisterWrite>(&todo)) {
      stage_->make(*register_write);
    } else if (const auto* read = std::get_if<RegisterRead>(&todo)) {
      ++counts.reads;
      disagree(number, "read of " + stage_->register_name(read->offset),
               stage_->ask(op, *read, judge));
    } else {
      const auto& access = std::get<DeviceAccess>(todo);
      ++counts.accesses;
      disagree(number,
               fmt::format("{} of {:#x} by stream {:#x}", access.write ? "write" : "read",
                           access.iova, access.stream),
               stage_->ask(op, access, judge));
    }
  }
  // The end comes after the last op.
  if (stopped || stage_->stopped(scenario_.ops.size(), judge)) {
    ++counts.stopped;
  } else {
    for (const EndValue& end : scenario_.end) {
      ++counts.end_values;
      disagree("end", "value of " + stage_->register_name(end.offset), stage_->ask(end, judge));
    }
  }
  if (disagreements.size() == before) ++counts.agreeing;
}

}  // namespace smmu::cli
