// An IOMMU as far as a FlushQueue sees it.
#ifndef SMMU_TEST_IOVA_FLUSH_QUEUE_IOMMU_H_
#define SMMU_TEST_IOVA_FLUSH_QUEUE_IOMMU_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "smmu/iommu/flush_queue.h"

namespace smmu::iommu {

// It flushes, and knows what came before what.  Nothing here orders the accesses of threads, so
// that ThreadSanitizer sees whether the queue does.
class FlushedIommu : public FlushQueueClient {
 public:
  // What was unmapped together with a range.
  struct Tables {
    std::uint64_t unmapped = 0;  // the moment
    std::atomic<unsigned> freed{0};
  };

  // Is done in the next flush, once.
  std::function<void()> while_flushing;

  // Moments are numbered; no two are the same.
  std::uint64_t moment() { return moments_.fetch_add(1, std::memory_order_relaxed) + 1; }
  // Whether a flush has ended that began after that moment.
  bool flushed_since(std::uint64_t moment) const {
    return last_begin_.load(std::memory_order_relaxed) > moment;
  }
  std::uint64_t flushes() const { return flushes_.load(std::memory_order_relaxed); }
  // Tables that were freed too early.
  std::uint64_t early() const { return early_.load(std::memory_order_relaxed); }

  void flush() override {
    const std::uint64_t begin = moment();
    flushes_.fetch_add(1, std::memory_order_relaxed);
    if (while_flushing) std::exchange(while_flushing, nullptr)();
    std::uint64_t last = last_begin_.load(std::memory_order_relaxed);
    while (last < begin &&
           !last_begin_.compare_exchange_weak(last, begin, std::memory_order_relaxed))
      continue;
  }
  void free_tables(void* tables) override {
    auto* const freed = static_cast<Tables*>(tables);
    if (!flushed_since(freed->unmapped)) early_.fetch_add(1, std::memory_order_relaxed);
    freed->freed.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> moments_{0};
  std::atomic<std::uint64_t> last_begin_{0};  // of the flushes that have ended
  std::atomic<std::uint64_t> flushes_{0};
  std::atomic<std::uint64_t> early_{0};
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_FLUSH_QUEUE_IOMMU_H_
