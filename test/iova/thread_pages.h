// Whose the pages of a domain are, as the threads of a test know it.
#ifndef SMMU_TEST_IOVA_THREAD_PAGES_H_
#define SMMU_TEST_IOVA_THREAD_PAGES_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "smmu/iommu/iova.h"

namespace smmu::iommu {

// Pages from 0 to a last one.  What a thread writes into a page of its own is not atomic: the
// domain orders it when the page goes from one thread to another, or ThreadSanitizer sees that it
// does not.
class ThreadPages {
 public:
  explicit ThreadPages(Pfn last) : pages_(static_cast<std::size_t>(last) + 1) {}

  // Takes a range that a domain has given, and gives it back before the domain has it again.
  void take(Pfn first, std::uint64_t pages) {
    for (Pfn page = first; page != first + pages; ++page) {
      Page& taken = pages_[static_cast<std::size_t>(page)];
      if (taken.taken.exchange(true, std::memory_order_relaxed)) {
        shared_.fetch_add(1, std::memory_order_relaxed);
      }
      ++taken.written;
    }
  }
  void give_back(Pfn first, std::uint64_t pages) {
    for (Pfn page = first; page != first + pages; ++page) {
      Page& taken = pages_[static_cast<std::size_t>(page)];
      ++taken.written;
      if (!taken.taken.exchange(false, std::memory_order_relaxed)) {
        shared_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
  // How often a page was somebody else's.
  std::uint64_t shared() const { return shared_; }

 private:
  struct Page {
    std::atomic<bool> taken{false};
    std::uint64_t written = 0;
  };
  std::vector<Page> pages_;
  std::atomic<std::uint64_t> shared_{0};
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_THREAD_PAGES_H_
