// What a snapshot begins with: that it is one, and of which SMMU.
#ifndef SMMU_EMULATOR_V3_SNAPSHOT_HEAD_H_
#define SMMU_EMULATOR_V3_SNAPSHOT_HEAD_H_

#include <cstddef>
#include <vector>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

// `waiting_ports`: for each port, whether its device can wait.
void write_head(SnapshotWriter& snapshot, const SmmuV3Config& config,
                const std::vector<bool>& waiting_ports);
// Says how long the whole is, when it is written.
void finish_head(SnapshotWriter& snapshot);

// Fails unless all that `config` says is the same, and there is as much as the
// head says.
void read_head(SnapshotReader& snapshot, const SmmuV3Config& config,
               const std::vector<bool>& waiting_ports);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_SNAPSHOT_HEAD_H_
