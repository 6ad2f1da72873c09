// Calls of handlers that are under way: who is about to go waits until none is for him.
#ifndef LIB_SMMU_V3_DELIVERIES_H_
#define LIB_SMMU_V3_DELIVERIES_H_

#include <condition_variable>
#include <mutex>

namespace smmu::iommu {

// Whom a call may be for: a domain, a device.  Guarded by the mutex of Deliveries.
class Recipient {
 private:
  friend class Deliveries;
  unsigned calls_ = 0;
};

class Deliveries {
 public:
  // Guards who is attached to what, as handlers are found.  Held for moments, and never when a
  // handler or a register is called.
  std::mutex& mutex() { return mutex_; }

  // REQUIRES: the mutex is held.
  void begin(Recipient& recipient) { ++recipient.calls_; }
  void end(Recipient& recipient) {
    const std::lock_guard guard(mutex_);
    if (--recipient.calls_ == 0) ended_.notify_all();
  }
  // Returns when nothing is under way for it.
  // REQUIRES: it cannot be found any more, and this is not called from one of its handlers.
  void wait(const Recipient& recipient) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&recipient] { return recipient.calls_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
};

}  // namespace smmu::iommu

#endif  // LIB_SMMU_V3_DELIVERIES_H_
