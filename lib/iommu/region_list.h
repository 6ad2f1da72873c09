// Reserved regions, sorted and merged, in memory that is there already.
#ifndef SMMU_LIB_IOMMU_REGION_LIST_H_
#define SMMU_LIB_IOMMU_REGION_LIST_H_

#include <cstddef>

#include "smmu/iommu/reserved_regions.h"

namespace smmu::iommu {

// insert() for the first `count` of an array; returns how many they are then, one more at most.
// REQUIRES: there is room for that.
std::size_t insert(ReservedRegion* regions, std::size_t count, const ReservedRegion& region);

// Takes the software's MSI regions out if there is one that is real, where doorbells need no
// mapping.  Returns how many are left.
std::size_t drop_needless_msi(ReservedRegion* regions, std::size_t count);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_REGION_LIST_H_
