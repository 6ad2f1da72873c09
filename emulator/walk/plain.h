// The way of most walks: VMSAv8-64, tables in the host's byte order with every
// address bit in place, descriptors that nobody updates, nobody who watches.
#ifndef SMMU_EMULATOR_WALK_PLAIN_H_
#define SMMU_EMULATOR_WALK_PLAIN_H_

#include <algorithm>
#include <cstdint>

#include "emulator/walk/attributes.h"
#include "emulator/walk/descent.h"
#include "emulator/walk/leaf.h"
#include "emulator/walk/permissions.h"
#include "emulator/walk/regime.h"
#include "emulator/walk/stage1_memory.h"
#include "emulator/walk/walker.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// Addresses below are translated by the lower half of a stage 1, which is enabled
// and denied to nobody, and walks are plain; 0: none are.
constexpr std::uint64_t plain_below(const Regime& regime) {
  const Stage1Half& half = regime.stage1.half[0];
  const bool upstream = regime.stage1.range == InputRange::kUpstream;
  const unsigned bits =
      std::min<unsigned>(half.tables.input_bits, upstream ? regime.stage1.sign_bit : 64);
  const bool stage1 = regime.has_stage1 &&
                      (upstream || regime.stage1.range == InputRange::kSignExtended) &&
                      !regime.stage1.update.access_flag && !regime.global && half.enabled &&
                      !half.unprivileged_denied && half.tables.plain;
  const bool stage2 = !regime.has_stage2 || regime.stage2.tables.plain;
  return stage1 && stage2 ? std::uint64_t{1} << bits : 0;
}

// What a stage 1 leaf says of rights under the tables above it.
[[gnu::always_inline]] inline unsigned rights_of(const Stage1Half& half, const LeafDescriptor& at) {
  const unsigned rights = stage1_rights(vmsa::Leaf_Stage1({at.value}));
  if ((at.hierarchy & kStage1Limits) == 0 || half.hierarchy_disabled) [[likely]]
    return rights;
  return limited(rights, vmsa::Table_Stage1({at.hierarchy}));
}

// What it says in all, if its Access flag is set or ignored.
[[gnu::always_inline]] inline void describe(const Stage1& stage1, const Stage1Half& half,
                                            const LeafDescriptor& at, Leaf& leaf) {
  using vmsa::Leaf_Stage1;
  const Leaf_Stage1 descriptor({at.value});
  leaf.output = Pa(at.target);
  leaf.size_bits = static_cast<std::uint8_t>(at.shift);
  leaf.level = static_cast<std::int8_t>(at.level);
  leaf.granule = at.granule;
  leaf.global = !descriptor[Leaf_Stage1::nG];
  leaf.permissions = stage1.permissions[rights_of(half, at)];
  leaf.attributes = stage1.attributes[attributes_index(descriptor)];
  leaf.writable_clean = false;
  leaf.no_translation = at.level != 3 && vmsa::Block_Stage1({at.value})[vmsa::Block_Stage1::nT];
  leaf.stage1_bits = static_cast<std::uint8_t>(at.shift);
}

// Stage 1 alone.
class PlainStage1 : public Descent<PlainStage1, bool, true> {
 public:
  PlainStage1(PhysicalMemory& memory, const Stage1& stage1, const Stage1Half& half, Leaf& leaf,
              LastTable& last, WalkFault& fault)
      : words_(memory), stage1_(stage1), half_(half), leaf_(leaf), last_(last), fault_(fault) {}

  [[gnu::always_inline]] bool load(std::uint64_t where, int, std::uint64_t& word) {
    return words_.load(Pa(where), word);
  }
  [[gnu::always_inline]] bool not_loaded(std::uint64_t where, int level) {
    return fault(FaultType::kExternalAbort, where, level);
  }
  // `fault_` as a parameter: `this` may live in registers.
  [[gnu::always_inline]] bool fault(FaultType type, std::uint64_t where, int level) {
    return note(fault_, type, where, level);
  }
  template <int kLevel>
  [[gnu::always_inline]] void next_table(std::uint64_t table, std::uint64_t hierarchy) {
    if constexpr (kLevel == 3) {
      last_ = {.table = table, .hierarchy = hierarchy};
    }
  }
  [[gnu::always_inline]] bool leaf(const LeafDescriptor& at) {
    using vmsa::Leaf_Stage1;
    if (!Leaf_Stage1({at.value})[Leaf_Stage1::AF] && !stage1_.access_flag_ignored) [[unlikely]]
      return fault(FaultType::kAccessFlag, at.where, at.level);
    describe(stage1_, half_, at, leaf_);
    return true;
  }

 private:
  [[gnu::noinline]] static bool note(WalkFault& fault, FaultType type, std::uint64_t where,
                                     int level) {
    fault = stage1_fault(type, where, level);
    return false;
  }

  const Words words_;
  const Stage1& stage1_;
  const Stage1Half& half_;
  Leaf& leaf_;
  LastTable& last_;
  WalkFault& fault_;
};

template <unsigned kHalf>
[[gnu::always_inline]] inline bool Walker::walk_last(const Stage1& stage1, std::uint64_t address,
                                                     Leaf& leaf, LastTable& last,
                                                     WalkFault& fault) const {
  const Stage1Half& half = stage1.half[kHalf];
  PlainStage1 walk(memory_, stage1, half, leaf, last, fault);
  return walk.descend_last(half.tables, address, last.table, last.hierarchy);
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_PLAIN_H_
