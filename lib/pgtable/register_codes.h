// The fields of registers and structures that code what PgtableRegisters say in other numbers.
#ifndef SMMU_LIB_PGTABLE_REGISTER_CODES_H_
#define SMMU_LIB_PGTABLE_REGISTER_CODES_H_

#include <cstdint>

#include "smmu/arch/encodings.h"
#include "smmu/iommu/io_pgtable.h"

namespace smmu::iommu {

constexpr TG1 tg1_of(const PgtableRegisters& registers) {
  switch (registers.granule) {
    case TG0::k16K:
      return TG1::k16K;
    case TG0::k64K:
      return TG1::k64K;
    case TG0::k4K:
      break;
  }
  return TG1::k4K;
}

// SL0, S2SL0: the further down walks start, the smaller the number.
constexpr std::uint32_t sl0_of(const PgtableRegisters& registers) {
  const unsigned uppermost = registers.granule == TG0::k4K ? 2 : 3;
  if (registers.start_level <= uppermost) return uppermost - registers.start_level;
  // Level 3 of 4 KiB tables, which only small address spaces (STT) start at.
  return 3;
}

}  // namespace smmu::iommu

#endif  // SMMU_LIB_PGTABLE_REGISTER_CODES_H_
