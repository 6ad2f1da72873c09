// `smmu walk` of an SMMUv2.
#ifndef EMULATOR_CLI_EXPLAIN_V2_H_
#define EMULATOR_CLI_EXPLAIN_V2_H_

#include "emulator/cli/explain.h"
#include "emulator/cli/walk_report.h"

namespace smmu::cli {

// BadInput if the folder is not what it should be, or not that of an SMMUv2.
WalkReport explain_walk_v2(const WalkOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_EXPLAIN_V2_H_
