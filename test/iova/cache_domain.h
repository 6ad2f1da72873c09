// IOVA domains as the tests of caches and queues want them.
#ifndef SMMU_TEST_IOVA_CACHE_DOMAIN_H_
#define SMMU_TEST_IOVA_CACHE_DOMAIN_H_

#include <cstdlib>
#include <memory>
#include <utility>

#include "smmu/iommu/iova.h"

namespace smmu::iommu {

constexpr Pfn k32Bits = 0xfffff;  // the last page of 4 KiB below 4 GiB
constexpr Pfn kAnywhere = ~Pfn{0};

// Pages of 4 KiB from `start` on.
inline std::unique_ptr<IovaDomain> domain_with(const IovaConfig& config, Pfn start = 1) {
  auto made = IovaDomain::create(4096, start, config);
  if (!made) std::abort();
  return *std::move(made);
}
inline std::unique_ptr<IovaDomain> domain_with_cache(const IovaCacheConfig& cache, Pfn start = 1) {
  return domain_with({.cache = cache}, start);
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_CACHE_DOMAIN_H_
