// What a walk finds.
#ifndef SMMU_EMULATOR_WALK_LEAF_H_
#define SMMU_EMULATOR_WALK_LEAF_H_

#include <algorithm>
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
  Permissions permissions;
  MemoryAttributes attributes;
  std::int8_t level = 0;  // of stage 1, or of stage 2 where that is alone
  Granule granule = Granule::k4K;
  bool global = false;
  // A write that is not permitted might be, after the descriptor's dirty state
  // has been set: that takes a walk.
  bool writable_clean = false;
  bool no_translation = false;  // nT: a block that is being changed for a table, or back
  SecurityState space = SecurityState::kNonSecure;  // of the output

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
  SecurityState space = SecurityState::kNonSecure;
  Permissions permissions;
  Stage2Memory memory;
};

// Makes of what stage 1 says, by which an address is `ipa`, what both stages
// guarantee together.
inline void put_behind(Leaf& stage1, std::uint64_t ipa, const Stage2Leaf& stage2) {
  const unsigned size_bits = std::min(stage1.size_bits, stage2.size_bits);
  const std::uint64_t block = (std::uint64_t{1} << size_bits) - 1;
  const std::uint64_t within = (std::uint64_t{1} << stage2.size_bits) - 1;
  stage1.output = Pa((stage2.output.value | (ipa & within)) & ~block);
  stage1.ipa = Ipa(ipa & ~block);
  stage1.size_bits = static_cast<std::uint8_t>(size_bits);
  stage1.stage1_permissions = stage1.permissions;
  stage1.permissions = stage1.permissions & stage2.permissions;
  stage1.attributes = combine(stage1.attributes, stage2.memory);
  stage1.writable_clean = stage1.writable_clean || stage2.writable_clean;
  stage1.no_translation = stage1.no_translation || stage2.no_translation;
  stage1.space = stage2.space;
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_LEAF_H_
