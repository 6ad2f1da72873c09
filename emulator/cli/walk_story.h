// One translation as a list of steps, each a thing that the SMMU looked at.
#ifndef EMULATOR_CLI_WALK_STORY_H_
#define EMULATOR_CLI_WALK_STORY_H_

#include <string>
#include <vector>

#include "emulator/cli/driver.h"
#include "emulator/cli/recorder.h"
#include "emulator/cli/step.h"

namespace smmu::cli {

// The registers that say where the Stream table lies, and everything that was read after them.
std::vector<Step> tell_walk(Machine& machine, const emulator::Transaction& transaction);

// Why the access did not go on, and why there is no record if there is none, in a sentence or two;
// empty if it did.  `steps` are those of tell_walk().
std::string why_not(Machine& machine, const emulator::Outcome& outcome,
                    const std::vector<Step>& steps);

// A record as a step.
Step tell_event(const EventWords& words);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_WALK_STORY_H_
