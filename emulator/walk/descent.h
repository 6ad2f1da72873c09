// The way down a tree of translation tables with 64-bit descriptors, the same
// for every granule and both stages (DDI 0487, D8.2 and D8.3, G5.5).
#ifndef SMMU_EMULATOR_WALK_DESCENT_H_
#define SMMU_EMULATOR_WALK_DESCENT_H_

#include <cstdint>

#include "emulator/walk/fault.h"
#include "emulator/walk/regime.h"
#include "smmu/arch/bits.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {

// A leaf descriptor, and the way to it.
struct LeafDescriptor {
  std::uint64_t where;
  std::uint64_t value;
  std::uint64_t target;     // the address in it, of the first byte it maps
  std::uint64_t hierarchy;  // the table descriptors before it, or-ed
  unsigned shift;           // it maps 2^shift bytes
  int level;
  Granule granule;
};

// Levels are unrolled, so that every shift is a constant.  `Walk` derives from
// this and has
//
//   Result                              what a walk returns
//   load(where, level, word)            reads a descriptor in the host's byte
//                                       order; false: it could not
//   Result not_loaded(where, level)     why
//   Result fault(type, where, level)    the descriptor is no good
//   Result leaf(descriptor)             it is one
//   next_table<level>(table, hierarchy) the walk goes on to that level
//
// REQUIRES: tables.plain, if kPlain.
template <class Walk, class Result, bool kPlain>
class Descent {
 public:
  [[gnu::always_inline]] Result descend(const Tables& tables, std::uint64_t address) {
    switch (tables.granule) {
      case Granule::k4K:
        return first<Granule::k4K>(tables, address);
      case Granule::k16K:
        return first<Granule::k16K>(tables, address);
      case Granule::k64K:
        break;
    }
    return first<Granule::k64K>(tables, address);
  }

  // From a table of the last level.
  [[gnu::always_inline]] Result descend_last(const Tables& tables, std::uint64_t address,
                                             std::uint64_t table, std::uint64_t hierarchy) {
    switch (tables.granule) {
      case Granule::k4K:
        return from<Granule::k4K, 3>(tables, address, table, hierarchy);
      case Granule::k16K:
        return from<Granule::k16K, 3>(tables, address, table, hierarchy);
      case Granule::k64K:
        break;
    }
    return from<Granule::k64K, 3>(tables, address, table, hierarchy);
  }

  // From a table of any level but the first of the tree.
  Result descend_from(const Tables& tables, std::uint64_t address, int at, std::uint64_t table,
                      std::uint64_t hierarchy) {
    switch (tables.granule) {
      case Granule::k4K:
        if (at == 0) return from<Granule::k4K, 0>(tables, address, table, hierarchy);
        if (at == 1) return from<Granule::k4K, 1>(tables, address, table, hierarchy);
        if (at == 2) return from<Granule::k4K, 2>(tables, address, table, hierarchy);
        break;
      case Granule::k16K:
        if (at == 1) return from<Granule::k16K, 1>(tables, address, table, hierarchy);
        if (at == 2) return from<Granule::k16K, 2>(tables, address, table, hierarchy);
        break;
      case Granule::k64K:
        if (at == 2) return from<Granule::k64K, 2>(tables, address, table, hierarchy);
        break;
    }
    return descend_last(tables, address, table, hierarchy);
  }

 private:
  // The offsets of descriptors in a table that is not the first.
  template <Granule kGranule>
  static constexpr std::uint64_t kIndexBits = mask(stride_bits(kGranule) + 2, 3);

  template <Granule kGranule, int kLevel>
  [[gnu::always_inline]] Result from(const Tables& tables, std::uint64_t address,
                                     std::uint64_t table, std::uint64_t hierarchy) {
    return level<kGranule, kLevel>(tables, address, table, kIndexBits<kGranule>, hierarchy);
  }

  Walk& walk() { return static_cast<Walk&>(*this); }

  template <Granule kGranule>
  [[gnu::always_inline]] Result first(const Tables& tables, std::uint64_t address) {
    // What is above the input size has been found to be copies of one bit: the
    // first index ends there.
    const std::uint64_t root = tables.root;
    const std::uint64_t index_bits = tables.first_index_bits;
    if constexpr (kGranule == Granule::k4K) {
      // 40 to 48 bits.
      if (tables.first_level == 0) [[likely]]
        return level<kGranule, 0>(tables, address, root, index_bits, 0);
    }
    switch (tables.first_level) {
      case -1:
        if constexpr (kGranule == Granule::k4K) {
          return level<kGranule, -1>(tables, address, root, index_bits, 0);
        }
        break;
      case 0:
        if constexpr (kGranule == Granule::k16K) {
          return level<kGranule, 0>(tables, address, root, index_bits, 0);
        }
        break;
      case 1:
        return level<kGranule, 1>(tables, address, root, index_bits, 0);
      case 2:
        return level<kGranule, 2>(tables, address, root, index_bits, 0);
      default:
        break;
    }
    return level<kGranule, 3>(tables, address, root, index_bits, 0);
  }

  template <Granule kGranule, int kLevel>
  [[gnu::always_inline]] Result level(const Tables& tables, std::uint64_t address,
                                      std::uint64_t table, std::uint64_t index_bits,
                                      std::uint64_t hierarchy) {
    using vmsa::Table_Stage1;
    constexpr unsigned kShift = leaf_bits(kGranule, kLevel);
    const std::uint64_t where = table + (address >> (kShift - 3) & index_bits);
    std::uint64_t word;
    if (!walk().load(where, kLevel, word)) [[unlikely]]
      return walk().not_loaded(where, kLevel);

    if constexpr (kPlain) {
      // One look for what follows below.
      if ((word & tables.type_and_range) == 0b11) [[likely]] {
        return go_on<kGranule, kLevel>(tables, address, where, word, word & tables.address.in_place,
                                       hierarchy);
      }
    }
    const std::uint64_t target = kPlain ? word & tables.address.in_place : tables.address.of(word);
    const std::uint64_t beyond = target & tables.out_of_range;
    // Valid and Type are at the same place in every descriptor.
    constexpr BitsOf<Table_Stage1, 1, 0> kTypeAndValid{"Type and Valid"};
    const Table_Stage1 descriptor({word});
    if (descriptor[kTypeAndValid] == 0b11) {
      if (kPlain || beyond != 0) return walk().fault(FaultType::kAddressSize, where, kLevel);
      return go_on<kGranule, kLevel>(tables, address, where, word, target, hierarchy);
    }
    if (!descriptor[Table_Stage1::Valid] || !tables.has_blocks(kLevel)) {
      return walk().fault(FaultType::kTranslation, where, kLevel);
    }
    // What lies below the block's size is no address, and out of no range.
    constexpr std::uint64_t kBlock = ~mask(kShift - 1, 0);
    if ((beyond & kBlock) != 0) return walk().fault(FaultType::kAddressSize, where, kLevel);
    return walk().leaf(
        LeafDescriptor{where, word, target & kBlock, hierarchy, kShift, kLevel, kGranule});
  }

  // From a table or to a page.
  template <Granule kGranule, int kLevel>
  [[gnu::always_inline]] Result go_on(const Tables& tables, std::uint64_t address,
                                      std::uint64_t where, std::uint64_t word, std::uint64_t target,
                                      std::uint64_t hierarchy) {
    if constexpr (kLevel == 3) {
      constexpr unsigned kShift = granule_bits(kGranule);
      return walk().leaf(LeafDescriptor{where, word, target, hierarchy, kShift, kLevel, kGranule});
    } else {
      walk().template next_table<kLevel + 1>(target, hierarchy | word);
      return level<kGranule, kLevel + 1>(tables, address, target, kIndexBits<kGranule>,
                                         hierarchy | word);
    }
  }
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_DESCENT_H_
