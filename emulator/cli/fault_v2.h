// What the registers of an SMMUv2 tell of a fault, and why it came about.
#ifndef EMULATOR_CLI_FAULT_V2_H_
#define EMULATOR_CLI_FAULT_V2_H_

#include <string>
#include <vector>

#include "emulator/cli/session_v2.h"
#include "emulator/cli/step.h"
#include "emulator/cli/walk_v2_story.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

// The registers that it is recorded in, as they are.
std::vector<Step> tell_fault(SessionV2& session, const emulator::FaultRecorded& fault);

// Why the access did not go on, and why the device sees no error if it sees none; empty if it did.
// `steps` are those of tell_walk().
std::string why_not(const StreamMeaning& meaning, const Recorder& recorder,
                    const emulator::Outcome& outcome, const std::vector<Step>& steps);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_FAULT_V2_H_
