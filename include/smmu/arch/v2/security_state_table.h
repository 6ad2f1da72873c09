// The security state determination table: which devices are Secure (IHI 0062; registers.h says what
// the layouts rest on).
//
// Offsets are from the start of the table's page, which is page 4, of Secure accesses.
#ifndef SMMU_ARCH_V2_SECURITY_STATE_TABLE_H_
#define SMMU_ARCH_V2_SECURITY_STATE_TABLE_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v2 {

// Bit b of register n is the device with SSD_Index 32 * n + b.  Not sure: the name of the field.
struct SMMU_SSDRn : RegisterArray<SMMU_SSDRn, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> SSD{"SSD"};  // 1: Non-secure

  static constexpr FieldInfo kFields[] = {SSD};
};
static_assert(covers_exactly<SMMU_SSDRn>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_SECURITY_STATE_TABLE_H_
