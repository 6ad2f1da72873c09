// Which features a version of the architecture has (IHI 0070, 2.2 to 2.9).
#ifndef SMMU_EMULATOR_V3_ARCHITECTURE_VERSION_H_
#define SMMU_EMULATOR_V3_ARCHITECTURE_VERSION_H_

#include <optional>
#include <string>

#include "smmu/emulator/config.h"

namespace smmu::emulator {

// A sentence that names a field which the version that SMMU_AIDR says must
// have and `config` has not, or cannot have and `config` has.
std::optional<std::string> version_objection(const SmmuV3Config& config);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_ARCHITECTURE_VERSION_H_
