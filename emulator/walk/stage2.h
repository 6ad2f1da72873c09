// A walk of stage 2 tables (DDI 0487, D8.2 to D8.6; IHI 0070, 3.13).
#ifndef SMMU_EMULATOR_WALK_STAGE2_H_
#define SMMU_EMULATOR_WALK_STAGE2_H_

#include <optional>

#include "emulator/walk/walker.h"

namespace smmu::emulator {

// One attempt at a walk.
struct Attempt {
  std::optional<WalkFault> fault;
  // A descriptor changed while it was being updated: nothing is known.
  bool again = false;
};

// Somebody who changes descriptors all the time does not keep a walk for ever:
// after so many attempts the update counts as aborted.
inline constexpr unsigned kMostAttempts = 64;

Attempt attempt_stage2(PhysicalMemory& memory, Observer* observer, const Stage2& stage2, Ipa ipa,
                       Purpose purpose, const Access& access, Stage2Leaf& leaf);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_STAGE2_H_
