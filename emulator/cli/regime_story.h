// A walk of a given regime as a list of steps.
#ifndef EMULATOR_CLI_REGIME_STORY_H_
#define EMULATOR_CLI_REGIME_STORY_H_

#include <vector>

#include "emulator/cli/descriptor_step.h"
#include "emulator/cli/direct_regime.h"
#include "emulator/cli/raw_memory.h"
#include "emulator/cli/recorder.h"
#include "emulator/cli/regime_walk.h"
#include "emulator/cli/step.h"

namespace smmu::cli {

// What there is to tell of.
struct RegimeStory {
  const DirectRegime& regime;
  const emulator::Transaction& transaction;
  const Recorder& recorder;
  const RawMemory& memory;
  const RegimeWalk& walk;
};

// The regime, every descriptor that was read, and those that hardware would have written.
std::vector<Step> steps_of(const RegimeStory& story);

// Of a stage; `half`: of stage 1.
TableTree tree_of(const DirectRegime& direct, unsigned stage, unsigned half);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGIME_STORY_H_
