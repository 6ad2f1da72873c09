// Which streams' events a counter counts (IHI 0070, 10.4).
#ifndef SMMU_EMULATOR_PMCG_COUNTER_FILTER_H_
#define SMMU_EMULATOR_PMCG_COUNTER_FILTER_H_

#include "smmu/arch/v3/pmcg_registers.h"
#include "smmu/emulator/counter_group.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// 10.4.1 and 10.6: whether the group has to do with the stream at all.
bool observes(const CounterGroupConfig& config, StreamId stream, SecurityState security);

// Whether a counter counts its event of the stream.  `secure_observation`:
// SMMU_PMCG_SCR.SO, 0 where there is none.
// REQUIRES: the group observes the stream, and the event can be filtered.
bool admits(const CounterGroupConfig& config, v3::SMMU_PMCG_EVTYPERn type,
            v3::SMMU_PMCG_SMRn filter, bool secure_observation, StreamId stream,
            SecurityState security);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTER_FILTER_H_
