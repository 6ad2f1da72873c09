// What an SMMUv2 is built to be, in a snapshot.
#ifndef SMMU_EMULATOR_V2_SNAPSHOT_ITEMS_H_
#define SMMU_EMULATOR_V2_SNAPSHOT_ITEMS_H_

#include <vector>

#include "emulator/snapshot/head.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::emulator {

inline constexpr SnapshotKind kSnapshotV2{.magic = 0x3276'736e'554d'4d53,  // "SMMUnsv2"
                                          .version = 1,
                                          .of = "an SMMUv2"};

std::vector<SnapshotItem> items_of(const SmmuV2Config& config);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_SNAPSHOT_ITEMS_H_
