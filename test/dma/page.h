#ifndef SMMU_TEST_DMA_PAGE_H_
#define SMMU_TEST_DMA_PAGE_H_

#include <cstdint>

namespace smmu::iommu {

inline constexpr std::uint64_t kPage = 4096;

}  // namespace smmu::iommu

#endif
