// The IOVA domain of the library, in either of its orders.
#ifndef BENCH_STUDY_DOMAIN_ALLOCATOR_H_
#define BENCH_STUDY_DOMAIN_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "bench/study/allocator.h"
#include "smmu/iommu/iova.h"

namespace smmu::study {

// For one thread, so without its lock.  Frees by page, as the others must: a range's own handle
// would save the way down the tree.
class DomainAllocator {
 public:
  DomainAllocator(std::uint64_t granule, Pfn start, iommu::IovaOrder order,
                  iommu::FailureMemo memo);

  std::optional<Pfn> allocate(const Request& request) {
    ++allocations_;
    const auto range = domain_->allocate(request.pages, request.limit, request.alignment);
    if (!range) return std::nullopt;
    return range->first();
  }
  void free(Pfn first, std::uint64_t) { (void)domain_->free(first); }
  // The domain counts what a search of the tree looks at; before that, every request looks at the
  // range where the last one ended.
  std::uint64_t visits() const { return domain_->statistics().visits + allocations_; }
  std::uint64_t bytes() const { return domain_->statistics().bytes; }

 private:
  std::unique_ptr<iommu::IovaDomain> domain_;
  std::uint64_t allocations_ = 0;
};

class HighestGap : public DomainAllocator {
 public:
  explicit HighestGap(Pfn start, std::uint64_t granule = 4096)
      : DomainAllocator(granule, start, iommu::IovaOrder::kHighestGap, iommu::FailureMemo::kOff) {}
};

// Linux with all it does: it remembers its last refusal too.
class LinuxExact : public DomainAllocator {
 public:
  explicit LinuxExact(Pfn start, std::uint64_t granule = 4096)
      : DomainAllocator(granule, start, iommu::IovaOrder::kLinuxExact, iommu::FailureMemo::kOn) {}
};

class LinuxExactWithoutMemo : public DomainAllocator {
 public:
  explicit LinuxExactWithoutMemo(Pfn start, std::uint64_t granule = 4096)
      : DomainAllocator(granule, start, iommu::IovaOrder::kLinuxExact, iommu::FailureMemo::kOff) {}
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_DOMAIN_ALLOCATOR_H_
