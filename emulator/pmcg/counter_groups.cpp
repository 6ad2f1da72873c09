#include "emulator/pmcg/counter_groups.h"

#include "emulator/tcu/attribution.h"

namespace smmu::emulator {

using v3::MonitorEvent;

std::unique_ptr<CounterGroups> CounterGroups::make(const SmmuV3Config& config, const Wires& wires,
                                                   const PhysicalSpaces& spaces) {
  if (config.counter_groups.empty()) return nullptr;
  return std::make_unique<CounterGroups>(config, wires, spaces);
}

CounterGroups::CounterGroups(const SmmuV3Config& config, const Wires& wires,
                             const PhysicalSpaces& spaces)
    : has_secure_(config.s_idr1[v3::SMMU_S_IDR1::SECURE_IMPL]), user_(wires.observer) {
  for (const CounterGroupConfig& group : config.counter_groups) {
    const std::size_t n = groups_.size();
    InterruptLine* line = n < wires.counter_groups.size() ? wires.counter_groups[n] : nullptr;
    groups_.push_back(std::make_unique<CounterGroupModel>(group, config, spaces, line));
  }
}

std::uint32_t CounterGroups::step(std::uint32_t most) {
  std::uint32_t performed = 0;
  for (const auto& group : groups_) {
    if (performed == most) break;
    if (group->step()) ++performed;
  }
  return performed;
}

void CounterGroups::on_configuration_fetch(const ConfigurationFetch& fetch) {
  count(MonitorEvent::kConfigurationAccess, fetch.stream, fetch.security);
  Attribution* const reader = Attribution::innermost();
  if (reader != nullptr && reader->take_configuration_miss()) {
    count(MonitorEvent::kConfigurationCacheMiss, fetch.stream, fetch.security);
  }
  if (user_ != nullptr) user_->on_configuration_fetch(fetch);
}

void CounterGroups::on_table_access(const TableAccess& access) {
  count_table_access();
  if (user_ != nullptr) user_->on_table_access(access);
}

void CounterGroups::on_table_update(const TableUpdate& update) {
  count_table_access();
  if (user_ != nullptr) user_->on_table_update(update);
}

void CounterGroups::count_table_access() {
  Attribution* const reader = Attribution::innermost();
  if (reader == nullptr) return;
  count(MonitorEvent::kTableWalkAccess, reader->stream(), reader->security());
  if (reader->take_table_miss()) {
    count(MonitorEvent::kTlbMiss, reader->stream(), reader->security());
  }
}

}  // namespace smmu::emulator
