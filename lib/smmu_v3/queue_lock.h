// The lock of the Command queue.  A simulator may run everything that a doorbell sets in motion
// inside the register write: so whoever holds the lock may come back for it, and finds the queue in
// order.
#ifndef LIB_SMMU_V3_QUEUE_LOCK_H_
#define LIB_SMMU_V3_QUEUE_LOCK_H_

#include <atomic>
#include <mutex>

namespace smmu::iommu {

class QueueLock {
 public:
  void lock() {
    if (held_here()) {
      ++depth_;
      return;
    }
    mutex_.lock();
    owner_.store(this_thread(), std::memory_order_relaxed);
  }
  // Whether the lock is free again, or for others to take.
  bool unlock() {
    if (depth_ != 0) {
      --depth_;
      return false;
    }
    owner_.store(nullptr, std::memory_order_relaxed);
    mutex_.unlock();
    return true;
  }
  // By this thread.
  bool held_here() const { return owner_.load(std::memory_order_relaxed) == this_thread(); }

 private:
  static const void* this_thread() {
    static thread_local const char mark = 0;
    return &mark;
  }

  std::mutex mutex_;
  std::atomic<const void*> owner_{nullptr};  // only the owner can find itself here
  unsigned depth_ = 0;                       // times the owner came back
};

}  // namespace smmu::iommu

#endif  // LIB_SMMU_V3_QUEUE_LOCK_H_
