// What a capture's registers and memory say of the records that its Event queue took.
#ifndef EMULATOR_CLI_EVENT_QUEUE_DUMP_H_
#define EMULATOR_CLI_EVENT_QUEUE_DUMP_H_

#include <string>
#include <vector>

#include "emulator/cli/capture.h"

namespace smmu::cli {

// True if SMMU_GERROR ever said EVENTQ_ABT_ERR, which QEMU's queue does when it is full: then
// records are lost.
bool queue_was_full(const Capture& capture);

// How events.tsv differs from SMMU_EVENTQ_PROD, which counts the records, and from the queue in
// memory.txt, which still has the last ones.  Empty if it does not.  REQUIRES: the queue was never
// full.
std::vector<std::string> queue_differences(const Capture& capture);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_EVENT_QUEUE_DUMP_H_
