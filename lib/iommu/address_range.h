// Ranges of addresses, by their first and their size.
#ifndef SMMU_LIB_IOMMU_ADDRESS_RANGE_H_
#define SMMU_LIB_IOMMU_ADDRESS_RANGE_H_

#include <cstdint>

namespace smmu::iommu {

// Whether a range goes beyond the last address there is.
// REQUIRES: the size is not 0.
constexpr bool wraps(std::uint64_t first, std::uint64_t size) {
  return size - 1 > UINT64_MAX - first;
}

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_ADDRESS_RANGE_H_
