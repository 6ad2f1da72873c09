// What a walk has to know of the configuration, in the form that a walk wants
// it: the fields of a CD (or of a v2 context bank) checked, decoded and
// limited to what the implementation has.
#ifndef SMMU_EMULATOR_WALK_REGIME_H_
#define SMMU_EMULATOR_WALK_REGIME_H_

#include <array>
#include <cstdint>

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
// The level of the first table when `input_bits` have to be resolved.
constexpr int start_level(Granule granule, unsigned input_bits) {
  return 3 - static_cast<int>((input_bits - 1 - granule_bits(granule)) / stride_bits(granule));
}

// One of the two halves of a stage 1 input range: what TTB0 or TTB1 covers.
struct Stage1Half {
  bool enabled = false;              // EPDx is 0
  bool top_byte_ignored = false;     // TBIx
  bool hierarchy_disabled = false;   // HADx: table attributes do not limit leaves
  bool unprivileged_denied = false;  // E0PDx
  Granule granule = Granule::k4K;
  std::uint8_t input_bits = 0;  // 64 - TxSZ
  std::int8_t first_level = 0;
  std::int8_t first_block_level = 0;  // blocks exist from this level to level 2
  Pa table;                           // TTBx, aligned to the table's size
};

// A stage 1 translation regime with two privilege levels.
struct Regime {
  std::array<Stage1Half, 2> half;             // by bit 55 of the input address
  std::array<std::uint8_t, 8> memory_type{};  // MAIR, by AttrIndx; no reserved codes
  std::uint8_t output_bits = 0;               // the effective IPS, as a width
  bool access_flag_ignored = false;           // AFFD
  bool write_implies_execute_never = false;   // WXN
  bool privileged_access_never = false;       // PAN
  bool enhanced_pan = false;                  // EPAN, if implemented
  bool big_endian = false;                    // ENDI
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_REGIME_H_
