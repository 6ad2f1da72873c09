// Pages of an IOVA space.
#ifndef SMMU_IOMMU_PFN_H_
#define SMMU_IOMMU_PFN_H_

#include <cstdint>

namespace smmu::iommu {

// A page frame number: an IOVA divided by its domain's granule.  0 is a page like any other.
using Pfn = std::uint64_t;

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_PFN_H_
