#include "emulator/cli/register_comparison.h"

#include "emulator/cli/input.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

std::uint64_t compared_bits(std::uint32_t offset, bool command_error) {
  // 6.3.28: ERR is UNKNOWN while CMDQ_ERR is not active.
  if (offset == v3::SMMU_CMDQ_CONS::kOffset && !command_error) {
    return ~decltype(v3::SMMU_CMDQ_CONS::ERR)::kMask;
  }
  return kMax64;
}

bool command_error_active(Mmio& registers) {
  return registers.read<v3::SMMU_GERROR>()[v3::SMMU_GERROR::CMDQ_ERR] !=
         registers.read<v3::SMMU_GERRORN>()[v3::SMMU_GERRORN::CMDQ_ERR];
}

}  // namespace smmu::cli
