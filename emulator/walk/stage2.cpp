#include "emulator/walk/stage2.h"

#include "emulator/walk/descent.h"
#include "emulator/walk/descriptor_memory.h"
#include "emulator/walk/permissions.h"

namespace smmu::emulator {
namespace {

using vmsa::Leaf_Stage2;

template <bool kPlain>
class Stage2Walk : public Descent<Stage2Walk<kPlain>, Attempt, kPlain> {
 public:
  Stage2Walk(const PhysicalSpaces& spaces, Observer* observer, const Stage2& stage2, Ipa ipa,
             Purpose purpose, const Access& access, Stage2Leaf& leaf)
      : words_(spaces[stage2.tables.space]),
        memory_(spaces, stage2.tables.space, observer, Stage::k2, stage2.tables.big_endian),
        stage2_(stage2),
        ipa_(ipa),
        purpose_(purpose),
        access_(access),
        result_(leaf) {}

  [[gnu::always_inline]] bool load(std::uint64_t where, int level, std::uint64_t& word) {
    if constexpr (kPlain) return words_.load(Pa(where), word);
    return memory_.load(Pa(where), level, word);
  }
  Attempt not_loaded(std::uint64_t where, int level) {
    return fault(FaultType::kExternalAbort, where, level);
  }
  [[gnu::noinline]] Attempt fault(FaultType type, std::uint64_t where, int level) {
    return {.fault = WalkFault{.type = type,
                               .stage = Stage::k2,
                               .level = static_cast<std::int8_t>(level),
                               .purpose = purpose_,
                               .table_write = purpose_ == Purpose::kTable &&
                                              access_.direction == Direction::kWrite,
                               .ipa = ipa_,
                               .ipa_space = stage2_.input,
                               .descriptor = Pa(where)}};
  }
  template <int kLevel>
  void next_table(std::uint64_t, std::uint64_t) {}

  Attempt leaf(const LeafDescriptor& at) {
    Leaf_Stage2 leaf({at.value});
    // Neither the hardware's update nor a Permission fault is for nobody's
    // walks.
    const bool sets_flag = stage2_.update.access_flag && !access_.speculative;
    if (!leaf[Leaf_Stage2::AF] && !sets_flag && !stage2_.access_flag_ignored) {
      return fault(FaultType::kAccessFlag, at.where, at.level);
    }
    unsigned rights = stage2_rights(leaf);
    const bool dirtiable =
        stage2_.update.dirty_state && leaf[Leaf_Stage2::DBM] && (rights & kWritable2) == 0;
    if (dirtiable && access_.direction == Direction::kWrite && !access_.speculative) {
      rights |= kWritable2;
    }
    const Stage2Leaf found = describe(stage2_, at, rights);
    if (!access_.speculative) {
      const bool device_walk =
          stage2_.device_walks_denied && purpose_ != Purpose::kInput && found.memory.is_device();
      if (device_walk || !access_.allowed_by(found.permissions)) {
        return fault(FaultType::kPermission, at.where, at.level);
      }
      const bool set_flag = !leaf[Leaf_Stage2::AF] && sets_flag;
      const bool set_dirty = dirtiable && (rights & kWritable2) != 0;
      if ((set_flag || set_dirty) && access_.updates == Updates::kMade) {
        if (set_flag) leaf.set(Leaf_Stage2::AF, true);
        if (set_dirty) leaf.set(Leaf_Stage2::S2AP, leaf[Leaf_Stage2::S2AP] | kWritable2);
        switch (memory_.exchange(Pa(at.where), at.value, leaf.word(0))) {
          case DescriptorMemory::Exchanged::kYes:
            break;
          case DescriptorMemory::Exchanged::kChangedMeanwhile:
            return {.fault = fault(FaultType::kExternalAbort, at.where, at.level).fault,
                    .again = true};
          case DescriptorMemory::Exchanged::kAborted:
            return fault(FaultType::kExternalAbort, at.where, at.level);
        }
      }
    }
    result_ = found;
    return {};
  }

 private:
  const Words words_;
  DescriptorMemory memory_;
  const Stage2& stage2_;
  const Ipa ipa_;
  const Purpose purpose_;
  const Access& access_;
  Stage2Leaf& result_;
};

}  // namespace

Attempt attempt_stage2(const PhysicalSpaces& spaces, Observer* observer, const Stage2& stage2,
                       Ipa ipa, Purpose purpose, const Access& access, Stage2Leaf& leaf) {
  const Tables& tables = stage2.tables;
  if (observer == nullptr && tables.plain) [[likely]] {
    Stage2Walk<true> walk(spaces, observer, stage2, ipa, purpose, access, leaf);
    // 3.4: stage 2 has one range, from 0 on.
    if ((ipa.value >> tables.input_bits) != 0) {
      return walk.fault(FaultType::kTranslation, 0, tables.no_level);
    }
    return walk.descend(tables, ipa.value);
  }
  Stage2Walk<false> walk(spaces, observer, stage2, ipa, purpose, access, leaf);
  if (tables.refusal != Refusal::kNone) {
    return walk.fault(fault_of(tables.refusal), 0, tables.no_level);
  }
  if ((ipa.value >> tables.input_bits) != 0) {
    return walk.fault(FaultType::kTranslation, 0, tables.no_level);
  }
  return walk.descend(tables, ipa.value);
}

}  // namespace smmu::emulator
