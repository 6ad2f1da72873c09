// The stage 2 that a context bank describes (IHI 0062).
#ifndef SMMU_EMULATOR_V2_STAGE2_OF_BANK_H_
#define SMMU_EMULATOR_V2_STAGE2_OF_BANK_H_

#include "emulator/v2/registers.h"
#include "emulator/walk/regime.h"

namespace smmu::emulator {

// Of a bank that translates.  What the architecture does not allow refuses every
// IPA.
Stage2 stage2_of(const FeaturesV2& features, const BankRegisters& bank);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_STAGE2_OF_BANK_H_
