// Allocators for tests that replay: the domain itself, in Linux's order, and ones that are easily
// foretold.
#ifndef TEST_STUDY_TRACE_DOMAIN_ALLOCATOR_H_
#define TEST_STUDY_TRACE_DOMAIN_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bench/study/allocator.h"
#include "smmu/iommu/iova.h"

namespace smmu::study {

class DomainAllocator final : public AnyAllocator {
 public:
  DomainAllocator(std::uint64_t granule, Pfn start)
      : domain_(std::move(*iommu::IovaDomain::create(granule, start,
                                                     {.order = iommu::IovaOrder::kLinuxExact,
                                                      .failure_memo = iommu::FailureMemo::kOn,
                                                      .threads = iommu::Threads::kOne}))) {}

  std::optional<Pfn> allocate(const Request& request) override {
    const auto range = domain_->allocate(request.pages, request.limit, request.alignment);
    if (!range) return std::nullopt;
    return range->first();
  }
  // What is freed is live, or the replay is at fault.
  void free(Pfn first, std::uint64_t pages) override {
    const auto freed = domain_->free(first);
    if (!freed || freed->first() != first || freed->pages() != pages) std::abort();
  }
  std::uint64_t visits() const override { return domain_->statistics().visits; }
  std::uint64_t bytes() const override { return domain_->statistics().bytes; }

 private:
  std::unique_ptr<iommu::IovaDomain> domain_;
};

// Refuses requests of more than one page and gives out page after page, from the start on.
class SinglePages final : public AnyAllocator {
 public:
  explicit SinglePages(Pfn start) : next_(start) {}
  std::optional<Pfn> allocate(const Request& request) override {
    if (request.pages != 1 || next_ > request.limit) return std::nullopt;
    ++live_;
    return next_++;
  }
  void free(Pfn first, std::uint64_t pages) override {
    if (pages != 1 || first >= next_ || live_-- == 0) std::abort();
  }
  std::uint64_t visits() const override { return 7; }
  std::uint64_t bytes() const override { return 100; }

 private:
  Pfn next_;
  std::uint64_t live_ = 0;
};

inline std::vector<NamedAllocator> test_allocators() {
  return {
      {"linux", "Linux's order, with its memo",
       [](Pfn start) { return std::make_unique<DomainAllocator>(4096, start); },
       [](std::uint64_t granule, Pfn start) {
         return std::make_unique<DomainAllocator>(granule, start);
       }},
      {"single", "single pages alone",
       [](Pfn start) { return std::make_unique<SinglePages>(start); }},
  };
}

}  // namespace smmu::study

#endif  // TEST_STUDY_TRACE_DOMAIN_ALLOCATOR_H_
