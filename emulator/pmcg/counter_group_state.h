// What a counter group holds between two events.
#ifndef SMMU_EMULATOR_PMCG_COUNTER_GROUP_STATE_H_
#define SMMU_EMULATOR_PMCG_COUNTER_GROUP_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "smmu/arch/v3/pmcg_registers.h"

namespace smmu::emulator {

// Registers as they read, but that the three bitmaps stand for SET and CLR.
struct CounterGroupState {
  static constexpr std::size_t kMostCounters = 64;

  std::array<std::uint64_t, kMostCounters> counters{};
  std::array<std::uint64_t, kMostCounters> shadows{};
  std::array<v3::SMMU_PMCG_EVTYPERn, kMostCounters> types{};
  std::array<v3::SMMU_PMCG_SMRn, kMostCounters> filters{};
  std::uint64_t enabled = 0;
  std::uint64_t interrupting = 0;
  std::uint64_t overflown = 0;
  v3::SMMU_PMCG_SCR scr{};
  v3::SMMU_PMCG_CR cr{};
  v3::SMMU_PMCG_IRQ_CTRL irq_ctrl{};
  v3::SMMU_PMCG_IRQ_CTRLACK irq_ctrlack{};
  v3::SMMU_PMCG_IRQ_CFG0 irq_cfg0{};
  v3::SMMU_PMCG_IRQ_CFG1 irq_cfg1{};
  v3::SMMU_PMCG_IRQ_CFG2 irq_cfg2{};
  v3::SMMU_PMCG_IRQ_STATUS irq_status{};

  // 10.2.1: all counters at once.
  void capture() { shadows = counters; }
};

// A structured binding names every member: a new one does not compile until it
// is here.
template <class Snapshot>
void archive(Snapshot& snapshot, CounterGroupState& state) {
  auto& [counters, shadows, types, filters, enabled, interrupting, overflown, scr, cr, irq_ctrl,
         irq_ctrlack, irq_cfg0, irq_cfg1, irq_cfg2, irq_status] = state;
  const auto registers = [&](auto&... all) {
    const auto one = [&](auto& value) {
      auto raw = value.raw();
      snapshot(raw);
      value = std::remove_reference_t<decltype(value)>(raw);
    };
    (one(all), ...);
  };
  snapshot(counters, shadows, enabled, interrupting, overflown);
  for (auto& type : types) registers(type);
  for (auto& filter : filters) registers(filter);
  registers(scr, cr, irq_ctrl, irq_ctrlack, irq_cfg0, irq_cfg1, irq_cfg2, irq_status);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTER_GROUP_STATE_H_
