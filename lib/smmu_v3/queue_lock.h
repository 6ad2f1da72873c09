// The lock of the Command queue.  A simulator may run everything that a doorbell sets in motion
// inside the register write: so whoever holds the lock may come back for it, and finds the queue in
// order.
#ifndef SMMU_LIB_SMMU_V3_QUEUE_LOCK_H_
#define SMMU_LIB_SMMU_V3_QUEUE_LOCK_H_

#include <atomic>
#include <cstdint>

namespace smmu::iommu {

class QueueLock {
 public:
  void lock() {
    if (held_here()) [[unlikely]] {
      ++depth_;
      return;
    }
    State free = State::kFree;
    if (!state_.compare_exchange_strong(free, State::kHeld, std::memory_order_acquire))
        [[unlikely]] {
      wait();
    }
    owner_.store(this_thread(), std::memory_order_relaxed);
  }
  // Whether the lock is free again, or for others to take.
  bool unlock() {
    if (depth_ != 0) [[unlikely]] {
      --depth_;
      return false;
    }
    owner_.store(nullptr, std::memory_order_relaxed);
    if (state_.exchange(State::kFree, std::memory_order_release) == State::kWanted) [[unlikely]]
      state_.notify_one();
    return true;
  }
  // By this thread.
  bool held_here() const { return owner_.load(std::memory_order_relaxed) == this_thread(); }

 private:
  enum class State : std::uint32_t { kFree, kHeld, kWanted };

  // Whoever gets it here leaves it as wanted: there may be others who wait.
  [[gnu::noinline]] void wait() {
    while (state_.exchange(State::kWanted, std::memory_order_acquire) != State::kFree) {
      state_.wait(State::kWanted, std::memory_order_relaxed);
    }
  }
  static const void* this_thread() {
    static constinit thread_local const char mark = 0;
    return &mark;
  }

  std::atomic<State> state_{State::kFree};
  std::atomic<const void*> owner_{nullptr};  // only the owner can find itself here
  unsigned depth_ = 0;                       // times the owner came back
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_QUEUE_LOCK_H_
