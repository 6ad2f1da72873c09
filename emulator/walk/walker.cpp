#include "emulator/walk/walker.h"

#include <algorithm>

#include "emulator/walk/aarch32_short.h"
#include "emulator/walk/descent.h"
#include "emulator/walk/permissions.h"
#include "emulator/walk/plain.h"
#include "emulator/walk/stage1_memory.h"
#include "emulator/walk/stage2.h"

namespace smmu::emulator {
namespace {

using vmsa::Leaf_Stage1;
using vmsa::Table_Stage1;

// Stage 1 with all that can come together with it.
class Stage1Walk : public Descent<Stage1Walk, Attempt, false> {
 public:
  Stage1Walk(const Walker& walker, const PhysicalSpaces& spaces, Observer* observer,
             const Regime& regime, CanonicalAddress address, const Access& access, Leaf& leaf,
             WalkCopies* copies)
      : memory_(walker, spaces, observer, regime, regime.stage1.half[address.half].tables, access,
                copies),
        regime_(regime),
        stage1_(regime.stage1),
        half_(regime.stage1.half[address.half]),
        address_(address),
        access_(access),
        leaf_(leaf),
        copies_(copies) {}

  // From the table nearest to the leaf that is known.
  Attempt run() {
    const Tables& tables = half_.tables;
    StartingTable start;
    if (copies_ != nullptr && copies_->find_table(address_.value, start)) {
      leave_secure_space(start.hierarchy);
      return descend_from(tables, address_.value, start.level, start.table, start.hierarchy);
    }
    return descend(tables, address_.value);
  }

  bool load(std::uint64_t where, int level, std::uint64_t& word) {
    return memory_.load(where, level, word);
  }
  Attempt not_loaded(std::uint64_t, int level) const {
    return {.fault = memory_.not_loaded(level)};
  }
  Attempt fault(FaultType type, std::uint64_t, int level) const {
    return {.fault = memory_.fault(type, level)};
  }
  template <int kLevel>
  void next_table(std::uint64_t table, std::uint64_t hierarchy) {
    leave_secure_space(hierarchy);
    if (copies_ == nullptr) return;
    copies_->keep_table(address_.value, {.level = kLevel, .table = table, .hierarchy = hierarchy});
  }

  Attempt leaf(const LeafDescriptor& at) {
    Leaf_Stage1 leaf({at.value});
    const bool sets_flag = stage1_.update.access_flag && !access_.speculative;
    if (!leaf[Leaf_Stage1::AF] && !sets_flag && !stage1_.access_flag_ignored) {
      return fault(FaultType::kAccessFlag, at.where, at.level);
    }
    // D8.5.2: what is read-only by its own AP[2] alone, and has DBM, is dirtied
    // by a write that is otherwise allowed.
    unsigned rights = rights_of(half_, at);
    const unsigned limits = half_.hierarchy_disabled ? 0 : limited(0, Table_Stage1({at.hierarchy}));
    const bool dirtiable = stage1_.update.dirty_state && leaf[Leaf_Stage1::DBM] &&
                           (rights & kWritesDenied) != 0 && (limits & kWritesDenied) == 0;
    bool set_dirty = false;
    if (dirtiable) {
      set_dirty = !access_.speculative && access_.direction == Direction::kWrite &&
                  access_.allowed_by(stage1_.permissions[rights & ~kWritesDenied]);
      rights = set_dirty ? rights & ~kWritesDenied : rights | kWritableClean;
    }
    const SecurityState space = output_space(leaf);
    Permissions permissions = stage1_.permissions[rights];
    if (regime_.secure_fetches_only && space == SecurityState::kNonSecure) {
      constexpr Rights kNoFetch{.read = true, .write = true, .execute = false};
      permissions = permissions & Permissions(kNoFetch, kNoFetch);
    }
    if (checks_permissions() && !access_.allowed_by(permissions)) {
      return fault(FaultType::kPermission, at.where, at.level);
    }
    const bool set_flag = !leaf[Leaf_Stage1::AF] && sets_flag;
    if ((set_flag || set_dirty) && access_.updates == Updates::kMade) {
      if (set_flag) leaf.set(Leaf_Stage1::AF, true);
      if (set_dirty) leaf.set(Leaf_Stage1::AP, leaf[Leaf_Stage1::AP] & ~kWritesDenied);
      if (!memory_.find(at.where, Direction::kWrite)) return {.fault = memory_.stage2_fault()};
      switch (memory_.exchange(at.value, leaf.word(0))) {
        case DescriptorMemory::Exchanged::kYes:
          break;
        case DescriptorMemory::Exchanged::kChangedMeanwhile: {
          Attempt changed = fault(FaultType::kExternalAbort, at.where, at.level);
          changed.again = true;
          return changed;
        }
        case DescriptorMemory::Exchanged::kAborted:
          return fault(FaultType::kExternalAbort, at.where, at.level);
      }
    }
    const Tables& tables = half_.tables;
    const unsigned size_bits = size_within_range(at.shift);
    const std::uint64_t below = address_.value & mask(at.shift - 1, 0);
    leaf_.output = Pa((at.target | below) >> size_bits << size_bits);
    leaf_.size_bits = static_cast<std::uint8_t>(size_bits);
    leaf_.stage1_bits = static_cast<std::uint8_t>(at.shift);
    leaf_.level = static_cast<std::int8_t>(at.level);
    leaf_.granule = tables.granule;
    leaf_.global = (!leaf[Leaf_Stage1::nG] && !from_outside()) || regime_.global;
    leaf_.space = space;
    leaf_.permissions = permissions;
    leaf_.writable_clean = dirtiable && !set_dirty;
    leaf_.no_translation = at.level != 3 && vmsa::Block_Stage1({at.value})[vmsa::Block_Stage1::nT];
    const unsigned index =
        (attributes_index(leaf) & ~unsigned{tables.fixed_attributes}) | tables.attributes;
    leaf_.attributes = stage1_.attributes[index];
    return {};
  }

 private:
  // See Walker::walk().
  bool checks_permissions() const {
    return !access_.speculative && (regime_.has_stage2 || stage1_.update.access_flag);
  }

  // DDI 0487, D8.4.6: what a Secure walk reads of Non-secure memory is Non-secure
  // from there on; and not global (IHI 0070, 3.17.1).
  bool from_outside() const {
    return regime_.security == SecurityState::kSecure &&
           memory_.space() == SecurityState::kNonSecure;
  }
  SecurityState output_space(Leaf_Stage1 leaf) const {
    const bool secure = memory_.space() == SecurityState::kSecure && !leaf[Leaf_Stage1::NS];
    return secure ? SecurityState::kSecure : SecurityState::kNonSecure;
  }
  void leave_secure_space(std::uint64_t hierarchy) {
    const bool leaves = memory_.space() == SecurityState::kSecure &&
                        Table_Stage1({hierarchy})[Table_Stage1::NSTable];
    if (leaves) memory_.enter(SecurityState::kNonSecure);
  }

  // G5.5.5.1: a block may reach beyond the half that it is a part of.  The
  // largest aligned part of it around the address that does not is what maps.
  unsigned size_within_range(unsigned size_bits) const {
    if (stage1_.range != InputRange::kAArch32) return size_bits;
    const unsigned other = stage1_.half[1 - address_.half].tables.input_bits;
    if (half_.tables.input_bits != 32 || other == 32) return size_bits;
    const std::uint64_t border = address_.half == 0
                                     ? (std::uint64_t{1} << 32) - (std::uint64_t{1} << other)
                                     : std::uint64_t{1} << other;
    for (;; --size_bits) {
      const std::uint64_t first = address_.value >> size_bits << size_bits;
      const std::uint64_t last = first + mask(size_bits - 1, 0);
      if (address_.half == 0 ? last < border : first >= border) return size_bits;
    }
  }

  Stage1Memory memory_;
  const Regime& regime_;
  const Stage1& stage1_;
  const Stage1Half& half_;
  const CanonicalAddress address_;
  const Access& access_;
  Leaf& leaf_;
  WalkCopies* const copies_;
};

}  // namespace

// The bits above the sign are copies of it; or zeros, if they are not on the bus of
// the device.
std::optional<CanonicalAddress> Walker::upstream(const Stage1& stage1, Iova address) {
  const unsigned sign = stage1.sign_bit;
  const unsigned half = static_cast<unsigned>(address.value >> sign) & 1;
  const Stage1Half& tables = stage1.half[half];
  const unsigned last = tables.top_byte_ignored ? 55 : 63;
  if (last > sign) {
    const std::uint64_t all = mask(last, sign + 1);
    const std::uint64_t above = address.value & all;
    const bool absent = above == 0 && sign < 55;
    if (above != (half != 0 ? all : 0) && !absent) return std::nullopt;
  }
  const unsigned unused = 63 - sign;
  const std::int64_t value = static_cast<std::int64_t>(address.value << unused) >> unused;
  if (value >> tables.tables.input_bits != -static_cast<std::int64_t>(half)) return std::nullopt;
  return CanonicalAddress{static_cast<std::uint64_t>(value), half};
}

std::optional<CanonicalAddress> Walker::canonical_any(const Regime& regime, Iova address) {
  if (!regime.has_stage1) return CanonicalAddress{address.value, 0};
  if (regime.stage1.range == InputRange::kSignExtended) return sign_extended(regime, address);
  if (regime.stage1.range == InputRange::kUpstream) return upstream(regime.stage1, address);
  if ((address.value >> 32) != 0) return std::nullopt;
  if (regime.stage1.range == InputRange::kAArch32Short) {
    // G5.4.4: the topmost N bits are all zero, or they are not.
    const unsigned lower_bits = regime.stage1.half[0].tables.input_bits;
    return CanonicalAddress{address.value, (address.value >> lower_bits) == 0 ? 0U : 1U};
  }
  // G5.5.5: the topmost TxSZ bits are all zero in the lower half, all one in the
  // upper one.  A half whose TxSZ is 0 is what the other one leaves; if both
  // are, it is the lower one.
  const auto& half = regime.stage1.half;
  const unsigned lower_bits = half[0].tables.input_bits;
  const unsigned upper_bits = half[1].tables.input_bits;
  const bool lower = (address.value >> lower_bits) == 0;
  const bool upper = upper_bits < 32 && (~address.value & mask(31, 0)) >> upper_bits == 0;
  if (lower_bits < 32 && upper_bits < 32 && !lower && !upper) return std::nullopt;
  if (upper) return CanonicalAddress{address.value, 1};
  return CanonicalAddress{address.value, lower ? 0U : 1U};
}

std::optional<WalkFault> Walker::walk(const Regime& regime, CanonicalAddress address,
                                      const Access& access, Leaf& leaf, LastTable& last,
                                      WalkCopies* copies) const {
  const Stage1& stage1 = regime.stage1;
  const Stage1Half& half = stage1.half[address.half];
  if (observer_ != nullptr || !regime.simple || !half.tables.plain) [[unlikely]]
    return walk_any(regime, address, access, leaf, copies);
  const auto plain = [&]<unsigned kHalf>(WalkFault& why) {
    if (last.known()) return walk_last<kHalf>(stage1, address.value, leaf, last, why);
    return walk_plain<kHalf>(stage1, address.value, leaf, last, why);
  };
  WalkFault fault;
  const bool found =
      address.half == 0 ? plain.template operator()<0>(fault) : plain.template operator()<1>(fault);
  if (!found) return fault;
  return std::nullopt;
}

[[gnu::always_inline]] inline std::optional<WalkFault> Walker::descend_stage1(
    const Regime& regime, CanonicalAddress address, const Access& access, Leaf& leaf,
    WalkCopies* copies) const {
  Attempt attempt;
  if (regime.stage1.range == InputRange::kAArch32Short) {
    Stage1Memory memory(*this, spaces_, observer_, regime, regime.stage1.half[address.half].tables,
                        access, copies);
    attempt.fault = walk_aarch32_short(memory, regime, address, access, leaf);
  } else {
    for (unsigned i = 0; i != kMostAttempts; ++i) {
      Stage1Walk walk(*this, spaces_, observer_, regime, address, access, leaf, copies);
      attempt = walk.run();
      if (!attempt.again) break;
    }
  }
  return attempt.fault;
}

std::optional<WalkFault> Walker::walk_stage1(const Regime& regime, CanonicalAddress address,
                                             const Access& access, Leaf& leaf) const {
  return descend_stage1(regime, address, access, leaf, nullptr);
}

std::optional<WalkFault> Walker::walk_any(const Regime& regime, CanonicalAddress address,
                                          const Access& access, Leaf& leaf,
                                          WalkCopies* copies) const {
  leaf.writable_clean = false;
  if (regime.has_stage1) {
    if (auto fault = descend_stage1(regime, address, access, leaf, copies)) return fault;
    if (!regime.has_stage2) return std::nullopt;
  } else if (regime.bypass_bits < 64 && (address.value >> regime.bypass_bits) != 0) {
    // IHI 0070, 3.4: stage 1 cannot pass it on.
    return stage1_fault(FaultType::kAddressSize, 0, 0);
  }

  const std::uint64_t ipa = regime.has_stage1
                                ? leaf.output.value | (address.value & mask(leaf.size_bits - 1U, 0))
                                : address.value;
  const SecurityState space = regime.has_stage1 ? leaf.space : access.space;
  Stage2Leaf stage2;
  if (const auto fault =
          walk_stage2(regime.stage2_of(space), Ipa(ipa), Purpose::kInput, access, stage2, copies)) {
    return fault;
  }
  if (regime.has_stage1) {
    put_behind(leaf, ipa, stage2);
    return std::nullopt;
  }
  leaf.output = stage2.output;
  leaf.ipa = Ipa(ipa & ~mask(stage2.size_bits - 1U, 0));
  leaf.size_bits = stage2.size_bits;
  leaf.stage1_bits = stage2.size_bits;
  leaf.level = stage2.level;
  leaf.granule = stage2.granule;
  leaf.global = true;
  leaf.permissions = stage2.permissions;
  leaf.stage1_permissions = Permissions::all();
  leaf.writable_clean = stage2.writable_clean;
  leaf.no_translation = stage2.no_translation;
  leaf.space = stage2.space;
  leaf.stage2_memory = stage2.memory;
  return std::nullopt;
}

std::optional<WalkFault> Walker::walk_stage2(const Stage2& stage2, Ipa ipa, Purpose purpose,
                                             const Access& access, Stage2Leaf& leaf,
                                             WalkCopies* copies) const {
  if (copies != nullptr && copies->find_stage2(ipa, leaf)) {
    const bool device_walk =
        stage2.device_walks_denied && purpose != Purpose::kInput && leaf.memory.is_device();
    if (access.speculative || (!device_walk && access.allowed_by(leaf.permissions))) {
      return std::nullopt;
    }
    const bool may_be_dirtied =
        leaf.writable_clean && access.direction == Direction::kWrite && !device_walk;
    if (!may_be_dirtied) {
      return WalkFault{
          .type = FaultType::kPermission,
          .stage = Stage::k2,
          .level = leaf.level,
          .purpose = purpose,
          .table_write = purpose == Purpose::kTable && access.direction == Direction::kWrite,
          .ipa = ipa,
          .ipa_space = stage2.input,
          .descriptor = {}};
    }
  }
  Attempt attempt;
  for (unsigned i = 0; i != kMostAttempts; ++i) {
    attempt = attempt_stage2(spaces_, observer_, stage2, ipa, purpose, access, leaf);
    if (!attempt.again) break;
  }
  if (!attempt.fault && copies != nullptr) copies->keep_stage2(ipa, leaf);
  return attempt.fault;
}

}  // namespace smmu::emulator
