// The stage 1 walk of VMSAv8-32 Short descriptors (DDI 0487, G5.4).
#ifndef SMMU_EMULATOR_WALK_AARCH32_SHORT_H_
#define SMMU_EMULATOR_WALK_AARCH32_SHORT_H_

#include <optional>

#include "emulator/walk/stage1_memory.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator {

// Faults as Walker::walk() does, of stage 1 alone, with level 1 or 2.  A Domain
// fault ends every walk, for whomever it is made.
// REQUIRES: the regime's range is kAArch32Short.
std::optional<WalkFault> walk_aarch32_short(Stage1Memory& memory, const Regime& regime,
                                            CanonicalAddress address, const Access& access,
                                            Leaf& leaf);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_AARCH32_SHORT_H_
