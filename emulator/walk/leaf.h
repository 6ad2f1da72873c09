// What a walk finds.
#ifndef SMMU_EMULATOR_WALK_LEAF_H_
#define SMMU_EMULATOR_WALK_LEAF_H_

#include <cstdint>

#include "emulator/walk/attributes.h"
#include "emulator/walk/regime.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// What the last descriptors of a walk say together.
struct Leaf {
  Pa output;                   // of the first byte it maps
  std::uint8_t size_bits = 0;  // it maps 2^size_bits bytes; 0: there is none
  std::int8_t level = 0;       // of stage 1, or of stage 2 where that is alone
  Granule granule = Granule::k4K;
  bool global = false;
  Permissions permissions;
  MemoryAttributes attributes;
  // A write that is not permitted might be, after the descriptor's dirty state
  // has been set: that takes a walk.
  bool writable_clean = false;
  bool no_translation = false;  // nT: a block that is being changed for a table, or back

  // It is a part of 2^stage1_bits bytes that one descriptor of stage 1 maps, or
  // of stage 2 where that is alone.
  std::uint8_t stage1_bits = 0;

  // Of a regime with stage 2.
  Permissions stage1_permissions = Permissions::all();
  Stage2Memory stage2_memory;  // where stage 1 does not translate: for combine()
  Ipa ipa;                     // of the first byte
};

// What a stage 2 leaf says.
struct Stage2Leaf {
  Pa output;
  std::uint8_t size_bits = 0;
  std::int8_t level = 0;
  Granule granule = Granule::k4K;
  bool writable_clean = false;
  bool no_translation = false;
  Permissions permissions;
  Stage2Memory memory;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_LEAF_H_
