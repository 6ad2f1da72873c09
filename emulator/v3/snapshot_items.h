// What an SMMUv3 is built to be, in a snapshot.
#ifndef SMMU_EMULATOR_V3_SNAPSHOT_ITEMS_H_
#define SMMU_EMULATOR_V3_SNAPSHOT_ITEMS_H_

#include <vector>

#include "emulator/snapshot/head.h"
#include "smmu/emulator/config.h"

namespace smmu::emulator {

inline constexpr SnapshotKind kSnapshotV3{.magic = 0x7061'6e73'554d'4d53,  // "SMMUsnap"
                                          .version = 2,
                                          .of = "an SMMU"};

std::vector<SnapshotItem> items_of(const SmmuV3Config& config);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_SNAPSHOT_ITEMS_H_
