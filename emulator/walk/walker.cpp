#include "emulator/walk/walker.h"

#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {
namespace {

using vmsa::Leaf_Stage1;
using vmsa::Table_Stage1;

[[gnu::noinline]] WalkFault fault(FaultType type, int level, std::uint64_t where) {
  return {.type = type,
          .stage = Stage::k1,
          .level = static_cast<std::int8_t>(level),
          .purpose = Purpose::kInput,
          .table_write = false,
          .ipa = {},
          .descriptor = Pa(where)};
}

// Reads descriptors, in the host's byte order and through pointers where it
// can.
class PlainLoad {
 public:
  explicit PlainLoad(PhysicalMemory& memory) : words_(memory) {}
  [[gnu::always_inline]] bool operator()(std::uint64_t where, int, std::uint64_t& word) {
    return words_.load(Pa(where), word);
  }

 private:
  Words words_;
};

// Reads them in the tables' byte order, and tells the observer.
class ObservedLoad {
 public:
  ObservedLoad(PhysicalMemory& memory, Observer* observer, bool big_endian)
      : memory_(memory), observer_(observer), big_endian_(big_endian) {}

  bool operator()(std::uint64_t where, int level, std::uint64_t& word) {
    const auto loaded = memory_.load64(Pa(where));
    if (observer_ != nullptr) {
      observer_->on_table_access({.stage = 1,
                                  .level = level,
                                  .address = Pa(where),
                                  .descriptor = loaded ? std::optional(*loaded) : std::nullopt});
    }
    if (!loaded) return false;
    word = big_endian_ ? __builtin_bswap64(*loaded) : *loaded;
    return true;
  }

 private:
  PhysicalMemory& memory_;
  Observer* observer_;
  bool big_endian_;
};

// A walk of stage 1 tables.  Its levels are unrolled, so that every shift is a
// constant.  `Load(where, level, word)` reads a descriptor, and returns false
// if it could not.
template <class Load, bool kPlain>
class Stage1Walk {
 public:
  using Result = std::optional<WalkFault>;

  Stage1Walk(const Stage1& stage1, CanonicalAddress address, Leaf& leaf, LastTable& last, Load load)
      : stage1_(stage1),
        half_(stage1.half[address.half]),
        tables_(half_.tables),
        in_place_(tables_.address.in_place),
        out_of_range_(tables_.out_of_range),
        address_(address.value),
        leaf_(leaf),
        last_(last),
        load_(load) {}

  [[gnu::always_inline]] Result run() {
    switch (tables_.granule) {
      case Granule::k4K:
        return start<Granule::k4K>();
      case Granule::k16K:
        return start<Granule::k16K>();
      case Granule::k64K:
        break;
    }
    return start<Granule::k64K>();
  }

 private:
  template <Granule kGranule>
  [[gnu::always_inline]] Result start() {
    if (last_.known) {
      return level<kGranule, 3>(last_.table, mask(stride_bits(kGranule) + 2, 3), last_.hierarchy);
    }
    // What is above the input size has been found to be copies of one bit: the
    // first index ends there.
    const std::uint64_t root = tables_.root;
    const std::uint64_t index_bits = tables_.first_index_bits;
    switch (tables_.first_level) {
      case -1:
        if constexpr (kGranule == Granule::k4K) return level<kGranule, -1>(root, index_bits, 0);
        break;
      case 0:
        if constexpr (kGranule != Granule::k64K) return level<kGranule, 0>(root, index_bits, 0);
        break;
      case 1:
        return level<kGranule, 1>(root, index_bits, 0);
      case 2:
        return level<kGranule, 2>(root, index_bits, 0);
      default:
        break;
    }
    return level<kGranule, 3>(root, index_bits, 0);
  }

  // `hierarchy`: the table descriptors so far, or-ed.
  template <Granule kGranule, int kLevel>
  [[gnu::always_inline]] Result level(std::uint64_t table, std::uint64_t index_bits,
                                      std::uint64_t hierarchy) {
    constexpr unsigned kShift = leaf_bits(kGranule, kLevel);
    const std::uint64_t where = table + (address_ >> (kShift - 3) & index_bits);
    std::uint64_t descriptor;
    if (!load_(where, kLevel, descriptor)) [[unlikely]]
      return fault(FaultType::kExternalAbort, kLevel, where);

    const std::uint64_t target = kPlain ? descriptor & in_place_ : tables_.address.of(descriptor);
    const Table_Stage1 as_table({descriptor});
    if (as_table[Table_Stage1::Valid] & as_table[Table_Stage1::Type]) [[likely]] {
      if ((target & out_of_range_) != 0) [[unlikely]]
        return fault(FaultType::kAddressSize, kLevel, where);
      if constexpr (kLevel == 3) {
        return leaf<kGranule>(kLevel, kShift, where, descriptor, target, hierarchy);
      } else {
        if constexpr (kLevel == 2) {
          last_ = {.table = target, .hierarchy = hierarchy | descriptor, .known = true};
        }
        return level<kGranule, kLevel + 1>(target, mask(stride_bits(kGranule) + 2, 3),
                                           hierarchy | descriptor);
      }
    }
    if (!as_table[Table_Stage1::Valid] || !tables_.has_blocks(kLevel)) {
      return fault(FaultType::kTranslation, kLevel, where);
    }
    if ((target & out_of_range_) != 0) return fault(FaultType::kAddressSize, kLevel, where);
    return leaf<kGranule>(kLevel, kShift, where, descriptor, target, hierarchy);
  }

  template <Granule kGranule>
  [[gnu::always_inline]] Result leaf(int level, unsigned shift, std::uint64_t where,
                                     std::uint64_t descriptor, std::uint64_t target,
                                     std::uint64_t hierarchy) {
    const Leaf_Stage1 leaf({descriptor});
    if (!leaf[Leaf_Stage1::AF] && !stage1_.access_flag_ignored) [[unlikely]]
      return fault(FaultType::kAccessFlag, level, where);
    leaf_.output = Pa(target & ~mask(shift - 1, 0));
    leaf_.size_bits = static_cast<std::uint8_t>(shift);
    leaf_.level = static_cast<std::int8_t>(level);
    leaf_.granule = kGranule;
    leaf_.global = !leaf[Leaf_Stage1::nG];
    unsigned rights = stage1_rights(leaf);
    if ((hierarchy & kStage1Limits) != 0 && !half_.hierarchy_disabled) [[unlikely]]
      rights = limited(rights, Table_Stage1({hierarchy}));
    leaf_.permissions = stage1_.permissions[rights];
    leaf_.attributes = stage1_.attributes[attributes_index(leaf)];
    return std::nullopt;
  }

  const Stage1& stage1_;
  const Stage1Half& half_;
  const Tables& tables_;
  const std::uint64_t in_place_;
  const std::uint64_t out_of_range_;
  const std::uint64_t address_;
  Leaf& leaf_;
  LastTable& last_;
  Load load_;
};

}  // namespace

std::optional<WalkFault> Walker::walk_stage1(const Regime& regime, CanonicalAddress address,
                                             Leaf& leaf, LastTable& last) const {
  const Tables& tables = regime.stage1.half[address.half].tables;
  if (observer_ != nullptr || !tables.plain) [[unlikely]]
    return walk_any(regime, address, leaf, last);
  return Stage1Walk<PlainLoad, true>(regime.stage1, address, leaf, last, PlainLoad(memory_)).run();
}

std::optional<WalkFault> Walker::walk_any(const Regime& regime, CanonicalAddress address,
                                          Leaf& leaf, LastTable& last) const {
  const bool big_endian = regime.stage1.half[address.half].tables.big_endian;
  return Stage1Walk<ObservedLoad, false>(regime.stage1, address, leaf, last,
                                         ObservedLoad(memory_, observer_, big_endian))
      .run();
}

}  // namespace smmu::emulator
