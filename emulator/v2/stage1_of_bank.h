// The stage 1 that a context bank describes (IHI 0062).
#ifndef SMMU_EMULATOR_V2_STAGE1_OF_BANK_H_
#define SMMU_EMULATOR_V2_STAGE1_OF_BANK_H_

#include "emulator/tcu/configuration_source.h"
#include "emulator/v2/registers.h"
#include "emulator/walk/overrides.h"
#include "smmu/arch/v2/translation_format.h"

namespace smmu::emulator {

// The format of a bank's tables.  EAE is not looked at with VA64, nor VA64 or EAE
// where there is one value for it.
v2::TranslationFormat format_of(const FeaturesV2& features, const BankRegisters& bank);

// Whose the translations of a bank of stage 1 are: HYPC, E2HC, MONC.
// `hypervisor_mode`: SMMU_IDR2.E2HS and SMMU_sCR0.HYPMODE are 1.
StreamWorld world_of(const BankRegisters& bank, SecurityState owner, bool hypervisor_mode);

// The bit of an address that is extended into those above, in AArch64.
unsigned sign_bit_of(const FeaturesV2& features, const BankRegisters& bank);

// The ASID of entries of a bank, whose world has ASIDs.
Asid asid_of(const FeaturesV2& features, const BankRegisters& bank);

// Adds to a context, of which the world and whether there is a stage 2 are known,
// a stage 1 that translates.  `privileged_access_never`: what the stream adds.
void set_stage1(const FeaturesV2& features, const BankRegisters& bank, bool privileged_access_never,
                Context& context);

// Changes the memory that stage 1 describes to what follows it makes of that.
void put_behind(const Overrides& then, Stage1& stage1);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_STAGE1_OF_BANK_H_
