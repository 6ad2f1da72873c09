#include "emulator/walk/stage2_start.h"

namespace smmu::emulator {
namespace {

// The level that SL0 and SL2 name (VTCR_EL2); none: there is no such encoding.
std::optional<int> named_level(const Stage2Start& start) {
  const unsigned sl0 = start.sl0;
  if (!start.aarch64) return sl0 <= 1 ? std::optional(2 - static_cast<int>(sl0)) : std::nullopt;
  if (start.granule == Granule::k4K) {
    if (start.large_addresses && start.sl2) return sl0 == 0 ? std::optional(-1) : std::nullopt;
    if (sl0 == 3) return start.small_tables ? std::optional(3) : std::nullopt;
    return 2 - static_cast<int>(sl0);
  }
  if (sl0 == 3) {
    return start.granule == Granule::k16K && start.large_addresses ? std::optional(0)
                                                                   : std::nullopt;
  }
  return 3 - static_cast<int>(sl0);
}

// AArch64.S2InvalidSL(): how large physical addresses have to be for a walk to
// begin there.
unsigned least_output_bits(Granule granule, int level) {
  switch (granule) {
    case Granule::k4K:
      return level == -1 ? 52 : level == 0 ? 44 : 0;
    case Granule::k16K:
      return level == 0 ? 52 : level == 1 ? 42 : 0;
    case Granule::k64K:
      return level == 1 ? 44 : 0;
  }
  return 0;
}

}  // namespace

std::optional<int> first_level(const Stage2Start& start) {
  const auto level = named_level(start);
  if (!level) return std::nullopt;
  if (start.aarch64 && start.output_bits < least_output_bits(start.granule, *level)) {
    return std::nullopt;
  }
  // The first table, concatenated ones included, has to be indexed by at least
  // one bit, and is at most sixteen tables.
  const int bits =
      static_cast<int>(start.input_bits) - static_cast<int>(leaf_bits(start.granule, *level));
  if (bits < 1 || bits > static_cast<int>(stride_bits(start.granule)) + 4) return std::nullopt;
  return level;
}

}  // namespace smmu::emulator
