// An IovaSpace and its lock.
#ifndef SMMU_LIB_IOVA_GUARDED_SPACE_H_
#define SMMU_LIB_IOVA_GUARDED_SPACE_H_

#include <mutex>
#include <utility>

#include "lib/iova/iova_space.h"
#include "smmu/iommu/iova.h"

namespace smmu::iommu {

class GuardedSpace {
 public:
  // As the IovaSpace is made.
  GuardedSpace(Pfn start, Pfn end, Pfn boundary, const IovaConfig& config)
      : threads_(config.threads), space_(start, end, boundary, config) {}

  // What `something(space)` answers, while nobody else is at the ranges.
  template <class Do>
  auto with(Do something) {
    if (threads_ == Threads::kOne) return something(space_);
    return locked(std::move(something));
  }

  // The same while nobody is at the ranges of either of two.
  template <class Do>
  auto with_other(GuardedSpace& other, Do something) {
    const std::scoped_lock locks(mutex_, other.mutex_);
    return something(space_, other.space_);
  }
  // The space itself, if it is for one thread at a time, which takes no lock; null otherwise.
  IovaSpace* alone() { return threads_ == Threads::kOne ? &space_ : nullptr; }
  // For what never changes.
  const IovaSpace& unguarded() const { return space_; }
  Threads threads() const { return threads_; }

 private:
  template <class Do>
  [[gnu::noinline]] auto locked(Do something) {
    const std::lock_guard lock(mutex_);
    return something(space_);
  }

  const Threads threads_;
  std::mutex mutex_;
  IovaSpace space_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_GUARDED_SPACE_H_
