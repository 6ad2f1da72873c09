// Which counter groups this model can be (IHI 0070, 10.5).
#ifndef SMMU_EMULATOR_PMCG_COUNTER_GROUP_OBJECTION_H_
#define SMMU_EMULATOR_PMCG_COUNTER_GROUP_OBJECTION_H_

#include <optional>
#include <string>

#include "smmu/emulator/config.h"

namespace smmu::emulator {

// A sentence that says which value of a group of `config` is not modelled or not
// allowed; none if every one can be honoured.
std::optional<std::string> counter_group_objection(const SmmuV3Config& config);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_PMCG_COUNTER_GROUP_OBJECTION_H_
