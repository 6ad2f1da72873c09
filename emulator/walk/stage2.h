// A walk of stage 2 tables (DDI 0487, D8.2 to D8.6; IHI 0070, 3.13).
#ifndef SMMU_EMULATOR_WALK_STAGE2_H_
#define SMMU_EMULATOR_WALK_STAGE2_H_

#include <optional>

#include "emulator/walk/descent.h"
#include "emulator/walk/permissions.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {

// One attempt at a walk.
struct Attempt {
  std::optional<WalkFault> fault;
  // A descriptor changed while it was being updated: nothing is known.
  bool again = false;
};

// Somebody who changes descriptors all the time does not keep a walk for ever:
// after so many attempts the update counts as aborted.
inline constexpr unsigned kMostAttempts = 64;

// What a leaf of stage 2 says of memory.
inline Stage2Memory memory_of(const Stage2& stage2, vmsa::Leaf_Stage2 leaf) {
  using vmsa::Leaf_Stage2;
  return {.mem_attr = static_cast<std::uint8_t>(leaf[Leaf_Stage2::MemAttr]),
          .shareability = stage2.tables.fixed_attributes == 0
                              ? leaf[Leaf_Stage2::SH]
                              : static_cast<Shareability>(stage2.tables.attributes >> 3),
          .encoding = stage2.mem_attr};
}

// What it says in all, where it comes to those rights.
inline Stage2Leaf describe(const Stage2& stage2, const LeafDescriptor& at, unsigned rights) {
  using vmsa::Leaf_Stage2;
  const Leaf_Stage2 leaf({at.value});
  return {.output = Pa(at.target),
          .size_bits = static_cast<std::uint8_t>(at.shift),
          .level = static_cast<std::int8_t>(at.level),
          .granule = at.granule,
          .writable_clean =
              stage2.update.dirty_state && leaf[Leaf_Stage2::DBM] && (rights & kWritable2) == 0,
          .no_translation = at.level != 3 && vmsa::Block_Stage2({at.value})[vmsa::Block_Stage2::nT],
          .space = stage2.output,
          .permissions = stage2.permissions[rights],
          .memory = memory_of(stage2, leaf)};
}

Attempt attempt_stage2(const PhysicalSpaces& spaces, Observer* observer, const Stage2& stage2,
                       Ipa ipa, Purpose purpose, const Access& access, Stage2Leaf& leaf);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_STAGE2_H_
