// A capture's machine with an SMMU that records every fault there is a record for.
//
// What was recorded was so when software let it be; software may have forbidden it since.
#ifndef EMULATOR_CLI_RECORDING_SESSION_H_
#define EMULATOR_CLI_RECORDING_SESSION_H_

#include <memory>

#include "emulator/cli/capture.h"
#include "emulator/cli/session.h"

namespace smmu::cli {

// The capture's session but for SMMU_CR0.EVENTQEN, SMMU_CR2.RECINVSID and CD.R, which are 1.
std::unique_ptr<Session> recording_session(const Capture& capture,
                                           const emulator::Caching& caching);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_RECORDING_SESSION_H_
