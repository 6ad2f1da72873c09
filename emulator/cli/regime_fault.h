// How the walk of a given regime ended without a translation, and why.
#ifndef EMULATOR_CLI_REGIME_FAULT_H_
#define EMULATOR_CLI_REGIME_FAULT_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "emulator/cli/regime_story.h"
#include "emulator/cli/step.h"
#include "emulator/walk/fault.h"

namespace smmu::cli {

// "Translation fault at stage 1, level 2, CLASS IN".
std::string fault_text(const emulator::WalkFault& fault);
nlohmann::ordered_json to_json(const emulator::WalkFault& fault);

// What it was that faulted, in a sentence or two.  REQUIRES: it has.
std::string why_fault(const RegimeStory& story, const std::vector<Step>& steps);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REGIME_FAULT_H_
