// Where a walk through stage 2 tables begins (DDI 0487, D8.2 and G5.5).
#ifndef SMMU_EMULATOR_WALK_STAGE2_START_H_
#define SMMU_EMULATOR_WALK_STAGE2_START_H_

#include <optional>

#include "emulator/walk/regime.h"

namespace smmu::emulator {

// What configuration says of it.
struct Stage2Start {
  bool aarch64 = true;
  Granule granule = Granule::k4K;  // of VMSAv8-32: k4K
  unsigned input_bits = 48;
  unsigned sl0 = 0;
  bool sl2 = false;              // with large_addresses
  bool large_addresses = false;  // DS, with a granule below 64 KiB
  bool small_tables = false;     // FEAT_TTST
  unsigned output_bits = 48;     // of a physical address
};

// The level of the first table.  None: SL0 is reserved, or does not go with the
// size of the input or of addresses.
std::optional<int> first_level(const Stage2Start& start);

// The size of the input of VMSAv8-32: T0SZ is a number of four bits with a sign.
constexpr unsigned aarch32_stage2_input_bits(unsigned t0sz) { return 32 - (t0sz & 7) + (t0sz & 8); }

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_STAGE2_START_H_
