// A mutex for what takes a few dozen instructions.
#ifndef SMMU_EMULATOR_TLB_BRIEF_MUTEX_H_
#define SMMU_EMULATOR_TLB_BRIEF_MUTEX_H_

#include <atomic>
#include <cstdint>

namespace smmu::emulator {

// Meets std::lock_guard's needs.  Costs two exchanges when nobody else is
// there, a quarter of std::mutex; who has to wait sleeps in the kernel.
class BriefMutex {
 public:
  void lock() {
    std::uint32_t found = kFree;
    if (!state_.compare_exchange_strong(found, kHeld, std::memory_order_acquire)) [[unlikely]]
      wait();
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) [[unlikely]]
      state_.notify_one();
  }

 private:
  enum : std::uint32_t { kFree, kHeld, kAwaited };

  // Whoever has waited leaves kAwaited behind: it does not know whether others
  // wait too.
  void wait() {
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) {
      state_.wait(kAwaited, std::memory_order_relaxed);
    }
  }

  std::atomic<std::uint32_t> state_{kFree};
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_BRIEF_MUTEX_H_
