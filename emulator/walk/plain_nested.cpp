// Plain walks through both stages.
#include "emulator/walk/plain.h"
#include "emulator/walk/stage2.h"
#include "emulator/walk/walker.h"

namespace smmu::emulator {
namespace {

// Says of what is no leaf only that: the walk in full says what it is.
template <class Self>
class Silent : public Descent<Self, bool, true> {
 public:
  bool not_loaded(std::uint64_t, int) { return false; }
  bool fault(FaultType, std::uint64_t, int) { return false; }
  template <int kLevel>
  void next_table(std::uint64_t, std::uint64_t) {}
};

// To the descriptor of stage 2 that has the Access flag, or to nothing.
class PlainStage2 : public Silent<PlainStage2> {
 public:
  PlainStage2(const Words& words, const Stage2& stage2) : words_(words), stage2_(stage2) {}

  [[gnu::noinline]] bool find(std::uint64_t ipa) {
    return (ipa >> stage2_.tables.input_bits) == 0 && descend(stage2_.tables, ipa);
  }
  // What was found.
  const LeafDescriptor& at() const { return at_; }
  std::uint64_t output(std::uint64_t ipa) const { return at_.target | (ipa & within()); }
  std::uint64_t within() const { return (std::uint64_t{1} << at_.shift) - 1; }

  [[gnu::always_inline]] bool load(std::uint64_t where, int, std::uint64_t& word) {
    return words_.load(Pa(where), word);
  }
  [[gnu::always_inline]] bool leaf(const LeafDescriptor& at) {
    using vmsa::Leaf_Stage2;
    at_ = at;
    // With S2HA it would be set, even if it is ignored.
    return Leaf_Stage2({at.value})[Leaf_Stage2::AF] ||
           (stage2_.access_flag_ignored && !stage2_.update.access_flag);
  }

 private:
  const Words& words_;
  const Stage2& stage2_;
  LeafDescriptor at_;
};

class PlainNested : public Silent<PlainNested> {
 public:
  PlainNested(PhysicalMemory& memory, const Regime& regime, Leaf& leaf, LastTable& last)
      : words_(memory),
        regime_(regime),
        half_(regime.stage1.half[0]),
        stage2_(words_, regime.stage2),
        leaf_(leaf),
        last_(last) {}

  bool load(std::uint64_t where, int level, std::uint64_t& word) {
    if (!find(where)) return false;
    const std::uint64_t place = stage2_.output(where);
    // The whole of a table lies together where the page of stage 2 is as large.
    // The first table of a tree is smaller, and not aligned as the others.
    const unsigned table_bits = granule_bits(half_.tables.granule);
    if (level == 3 && half_.tables.first_level != 3 && stage2_.at().shift >= table_bits) {
      last_.table = place >> table_bits << table_bits;
    }
    return words_.load(Pa(place), word);
  }
  template <int kLevel>
  [[gnu::always_inline]] void next_table(std::uint64_t, std::uint64_t hierarchy) {
    if constexpr (kLevel == 3) last_.hierarchy = hierarchy;
  }
  [[gnu::always_inline]] bool leaf(const LeafDescriptor& at) {
    using vmsa::Leaf_Stage1;
    if (!Leaf_Stage1({at.value})[Leaf_Stage1::AF] && !regime_.stage1.access_flag_ignored) {
      return false;
    }
    describe(regime_.stage1, half_, at, leaf_);
    return true;
  }

 private:
  // A descriptor of stage 1, which the SMMU reads as privileged data.
  bool find(std::uint64_t where) {
    if (!stage2_.find(where)) return false;
    const vmsa::Leaf_Stage2 found({stage2_.at().value});
    const Stage2& stage2 = regime_.stage2;
    if (stage2.device_walks_denied && memory_of(stage2, found).is_device()) return false;
    return stage2.permissions[stage2_rights(found)].allow(Privilege::kPrivileged, Direction::kRead,
                                                          Content::kData);
  }

  const Words words_;
  const Regime& regime_;
  const Stage1Half& half_;
  PlainStage2 stage2_;
  Leaf& leaf_;
  LastTable& last_;
};

// From a table of which the place is known.
class PlainLast : public Silent<PlainLast> {
 public:
  PlainLast(PhysicalMemory& memory, const Stage1& stage1, Leaf& leaf)
      : words_(memory), stage1_(stage1), leaf_(leaf) {}

  [[gnu::always_inline]] bool load(std::uint64_t where, int, std::uint64_t& word) {
    return words_.load(Pa(where), word);
  }
  [[gnu::always_inline]] bool leaf(const LeafDescriptor& at) {
    using vmsa::Leaf_Stage1;
    if (!Leaf_Stage1({at.value})[Leaf_Stage1::AF] && !stage1_.access_flag_ignored) return false;
    describe(stage1_, stage1_.half[0], at, leaf_);
    return true;
  }

 private:
  const Words words_;
  const Stage1& stage1_;
  Leaf& leaf_;
};

}  // namespace

bool Walker::walk_nested_stage1(const Regime& regime, std::uint64_t address, Leaf& leaf,
                                LastTable& last) const {
  const Tables& tables = regime.stage1.half[0].tables;
  if (last.known()) {
    return PlainLast(memory_, regime.stage1, leaf)
        .descend_last(tables, address, last.table, last.hierarchy);
  }
  return PlainNested(memory_, regime, leaf, last).descend(tables, address);
}

bool Walker::walk_nested_stage2(const Stage2& stage2, std::uint64_t ipa, Stage2Leaf& leaf) const {
  const Words words(memory_);
  PlainStage2 walk(words, stage2);
  if (!walk.find(ipa)) return false;
  leaf = describe(stage2, walk.at(), stage2_rights(vmsa::Leaf_Stage2({walk.at().value})));
  return true;
}

}  // namespace smmu::emulator
