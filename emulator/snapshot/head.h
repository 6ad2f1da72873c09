// What a snapshot begins with: that it is one, and of which SMMU.
#ifndef SMMU_EMULATOR_SNAPSHOT_HEAD_H_
#define SMMU_EMULATOR_SNAPSHOT_HEAD_H_

#include <cstdint>
#include <vector>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/writer.h"

namespace smmu::emulator {

struct SnapshotKind {
  std::uint64_t magic;
  std::uint32_t version;  // goes up with every change of what follows the head
  const char* of;         // "an SMMUv3"
};

// A part of what an SMMU is built to be, by the name that it has in an error.
struct SnapshotItem {
  const char* name;
  std::uint64_t value;
};

// `waiting_ports`: for each port, whether its device can wait.
void write_head(SnapshotWriter& snapshot, const SnapshotKind& kind,
                const std::vector<SnapshotItem>& items, const std::vector<bool>& waiting_ports);
// Says how long the whole is, when it is written.
void finish_head(SnapshotWriter& snapshot);

// Fails unless all of that is the same, and there is as much as the head says.
void read_head(SnapshotReader& snapshot, const SnapshotKind& kind,
               const std::vector<SnapshotItem>& items, const std::vector<bool>& waiting_ports);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_SNAPSHOT_HEAD_H_
