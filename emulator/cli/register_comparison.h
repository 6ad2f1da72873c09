// Which bits of a register count when it is held against what was recorded.
#ifndef EMULATOR_CLI_REGISTER_COMPARISON_H_
#define EMULATOR_CLI_REGISTER_COMPARISON_H_

#include <cstdint>

#include "smmu/platform/mmio.h"

namespace smmu::cli {

// captures/README has one mask for registers, of SMMU_CMDQ_CONS.  `command_error` says whether
// SMMU_GERROR.CMDQ_ERR is active.
std::uint64_t compared_bits(std::uint32_t offset, bool command_error);

// An error is active while SMMU_GERROR and SMMU_GERRORN differ (IHI 0070, 6.3.19).
bool command_error_active(Mmio& registers);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGISTER_COMPARISON_H_
