// What an STE says of stage 2 (IHI 0070, 5.2).
#ifndef SMMU_EMULATOR_V3_STAGE2_CONFIGURATION_H_
#define SMMU_EMULATOR_V3_STAGE2_CONFIGURATION_H_

#include "emulator/v3/features.h"
#include "emulator/walk/regime.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::emulator {

// Whether its stage 2 fields make an STE ILLEGAL: the part of 5.2.2 about them.
bool stage2_illegal(const Features& features, const v3::STE& ste);

// What they say, if they do not.
void set_stage2(const Features& features, const v3::STE& ste, Regime& regime);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_STAGE2_CONFIGURATION_H_
