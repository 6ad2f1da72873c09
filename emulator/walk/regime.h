// What a walk has to know of the configuration, in the form that a walk wants
// it: the fields of a CD and an STE (or of v2 context banks) checked, decoded
// and limited to what the implementation has.  Granule and format are resolved
// here, once; a walk follows masks and shifts.
#ifndef SMMU_EMULATOR_WALK_REGIME_H_
#define SMMU_EMULATOR_WALK_REGIME_H_

#include <array>
#include <cstdint>

#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::emulator {

// A granule, by the number of address bits it covers.
enum class Granule : std::uint8_t { k4K = 12, k16K = 14, k64K = 16 };

constexpr unsigned granule_bits(Granule granule) { return static_cast<unsigned>(granule); }
// Address bits that one table resolves: a table of 8-byte descriptors fills a
// granule (DDI 0487, D8.2).
constexpr unsigned stride_bits(Granule granule) { return granule_bits(granule) - 3; }
// The low address bits that a leaf at `level` leaves to the access.
constexpr unsigned leaf_bits(Granule granule, int level) {
  return granule_bits(granule) + static_cast<unsigned>(3 - level) * stride_bits(granule);
}
// The level whose index has `shift` address bits below it.
constexpr int level_of(Granule granule, unsigned shift) {
  int level = 3;
  for (unsigned bits = granule_bits(granule); bits < shift; bits += stride_bits(granule)) --level;
  return level;
}
// The level of the first table when `input_bits` have to be resolved and
// nothing else is said.
constexpr int start_level(Granule granule, unsigned input_bits) {
  return 3 - static_cast<int>((input_bits - 1 - granule_bits(granule)) / stride_bits(granule));
}

// Where a descriptor has the bits of an address: most of them in place, and
// in some formats a few moved.
struct AddressBits {
  std::uint64_t in_place = 0;
  std::uint64_t moved = 0;
  std::uint8_t up = 0;  // by so many places

  constexpr std::uint64_t of(std::uint64_t descriptor) const {
    return (descriptor & in_place) | (descriptor & moved) << up;
  }
};

// A tree of translation tables with 64-bit descriptors.
struct Tables {
  std::uint64_t root = 0;  // a Pa, or an Ipa where stage 2 translates too
  AddressBits address;
  std::uint64_t out_of_range = 0;      // bits that no address in a descriptor may have
  std::uint64_t first_index_bits = 0;  // the offsets of descriptors in the first table
  Granule granule = Granule::k4K;
  std::uint8_t input_bits = 48;
  std::int8_t first_level = 0;
  std::uint8_t first_shift = 0;      // address bits below the first table's index
  std::uint8_t last_table_bits = 0;  // a table of the last level covers 2^n bytes
  std::uint8_t block_levels = 0;     // bit level + 1: blocks exist there
  bool big_endian = false;
  bool plain = false;  // little-endian, and every address bit in place

  bool has_blocks(int level) const {
    return (static_cast<unsigned>(block_levels) >> (level + 1) & 1) != 0;
  }
};

// What a Tables is made from.
struct TableShape {
  Granule granule;
  unsigned input_bits;
  int first_level;
  unsigned output_bits;  // the effective size of addresses in descriptors
  std::uint64_t root;    // aligned by table_at() to the size of the first table
  // Output addresses may have 52 bits: by bits [15:12] of a descriptor with the
  // 64 KiB granule (FEAT_LPA), by DS with the others (FEAT_LPA2).
  bool wide = false;
  bool big_endian = false;
};
Tables tables(const TableShape& shape);

// One of the two halves of a stage 1 input range: what TTB0 or TTB1 covers.
struct Stage1Half {
  bool enabled = false;              // EPDx is 0
  bool top_byte_ignored = false;     // TBIx
  bool hierarchy_disabled = false;   // HADx: table attributes do not limit leaves
  bool unprivileged_denied = false;  // E0PDx
  Tables tables;                     // input_bits is valid whether or not it is enabled
};

// Which accesses a leaf allows, by what its descriptor says in short
// (permissions.h).
using Stage1Permissions = std::array<Permissions, 16>;

// The memory attributes of a leaf, by its SH and AttrIndx (attributes.h).
using Stage1Attributes = std::array<MemoryAttributes, 32>;

// A stage 1 translation regime.
struct Stage1 {
  std::array<Stage1Half, 2> half;  // by bit 55 of the input address
  Stage1Attributes attributes{};
  Stage1Permissions permissions{};
  bool access_flag_ignored = false;  // AFFD
};

struct Regime {
  Stage1 stage1;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_REGIME_H_
