// Which bits of an STE or a CD the SMMU looks at, given the others (IHI 0070, 5.2 and 5.4).
#ifndef SMMU_LIB_SMMU_V3_USED_BITS_H_
#define SMMU_LIB_SMMU_V3_USED_BITS_H_

#include <array>
#include <cstdint>

#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::iommu {

// An STE or a CD: both have eight words, and V in the first.
using EntryWords = std::array<std::uint64_t, 8>;

// Ones where a change may change what transactions get.  Fields that this driver never sets, in its
// own or in a guest's part, count as looked at where the manual does not say otherwise.
EntryWords used_bits(const v3::STE& ste);
EntryWords used_bits(const v3::CD& cd);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_USED_BITS_H_
