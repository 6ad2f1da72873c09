// What a counter group holds between two events.
#ifndef SMMU_EMULATOR_V3_COUNTER_GROUP_STATE_H_
#define SMMU_EMULATOR_V3_COUNTER_GROUP_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>

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

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_COUNTER_GROUP_STATE_H_
