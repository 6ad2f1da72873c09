// What a walk finds.
#ifndef SMMU_EMULATOR_WALK_LEAF_H_
#define SMMU_EMULATOR_WALK_LEAF_H_

#include <cstdint>

#include "emulator/walk/regime.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What the last descriptor of a walk says.
struct Leaf {
  Pa output;                   // of the first byte it maps
  std::uint8_t size_bits = 0;  // it maps 2^size_bits bytes; 0: there is none
  std::int8_t level = 0;
  Granule granule = Granule::k4K;
  bool global = false;
  Permissions permissions;
  MemoryAttributes attributes;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_LEAF_H_
