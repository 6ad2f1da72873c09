#include "bench/study/domain_allocator.h"

#include <stdexcept>
#include <utility>

namespace smmu::study {

DomainAllocator::DomainAllocator(std::uint64_t granule, Pfn start, iommu::IovaOrder order,
                                 iommu::FailureMemo memo) {
  auto made = iommu::IovaDomain::create(
      granule, start, {.order = order, .failure_memo = memo, .threads = iommu::Threads::kOne});
  if (!made) throw std::invalid_argument("an IOVA space that begins above its end");
  domain_ = *std::move(made);
}

}  // namespace smmu::study
