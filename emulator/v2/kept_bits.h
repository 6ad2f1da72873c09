// What registers keep of what is written to them, or of what a configuration has
// them hold after reset: the fields that this SMMU has, and those that are fixed at
// what they are fixed at (IHI 0062).
#ifndef SMMU_EMULATOR_V2_KEPT_BITS_H_
#define SMMU_EMULATOR_V2_KEPT_BITS_H_

#include <cstdint>

#include "emulator/v2/features.h"
#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/types.h"

namespace smmu::emulator {

// `of`: whose copy it is.
v2::SMMU_sCR0 kept_cr0(const FeaturesV2& features, const SmmuV2Config& config, SecurityState of,
                       std::uint32_t value);
v2::SMMU_sACR kept_acr(const SmmuV2Config& config, SecurityState of, std::uint32_t value);
v2::SMMU_sGFSYNR0 kept_gfsynr0(const SmmuV2Config& config, SecurityState of, std::uint32_t value);
// SMMU_sGFAR has the bits that a device's bus has, SMMU_IDR2.UBS.
std::uint64_t kept_gfar(const FeaturesV2& features, std::uint64_t value);
v2::SMMU_sGFSYNR1 kept_gfsynr1(SecurityState of, std::uint32_t value);

// Of a context bank.
v2::SMMU_CBARn kept_cbar(const FeaturesV2& features, std::uint32_t bank, std::uint32_t value);
v2::SMMU_CBn_SCTLR kept_sctlr(const SmmuV2Config& config, std::uint32_t value);
v2::SMMU_CBn_ACTLR kept_actlr(const SmmuV2Config& config, std::uint32_t value);
v2::SMMU_CBn_TCR2 kept_tcr2(const SmmuV2Config& config, std::uint32_t value);
v2::SMMU_CBn_FSYNR0 kept_fsynr0(const SmmuV2Config& config, std::uint32_t value);
// `owner`: of the bank.
v2::SMMU_CBA2Rn kept_cba2r(const FeaturesV2& features, SecurityState owner, std::uint32_t value);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_KEPT_BITS_H_
