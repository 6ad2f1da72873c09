// Calls of handlers that are under way: who is about to go waits until none is for him.
#ifndef SMMU_LIB_SMMU_V3_DELIVERIES_H_
#define SMMU_LIB_SMMU_V3_DELIVERIES_H_

#include <condition_variable>
#include <mutex>
#include <thread>

namespace smmu::iommu {

class Deliveries {
 public:
  // A call, by the thread that makes it, on behalf of a domain, a device.
  class Call {
   public:
    Call() = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    friend class Deliveries;
    const void* recipient_ = nullptr;
    std::thread::id thread_ = {};
    Call* next_ = nullptr;
  };

  // Guards who is attached to what, as handlers are found.  Held for moments, and never when a
  // handler or a register is called.
  std::mutex& mutex() { return mutex_; }

  // REQUIRES: the mutex is held.
  void begin(Call& call, const void* recipient) {
    call.recipient_ = recipient;
    call.thread_ = std::this_thread::get_id();
    call.next_ = first_;
    first_ = &call;
  }
  // Of a call that was never begun nothing ends.  The recipient may be gone: its handler may have
  // seen to that.
  void end(Call& call) {
    if (call.recipient_ == nullptr) return;
    const std::lock_guard guard(mutex_);
    Call** at = &first_;
    while (*at != &call) at = &(*at)->next_;
    *at = call.next_;
    ended_.notify_all();
  }
  // Returns when other threads have nothing under way for it.
  // REQUIRES: it cannot be found any more.
  void wait(const void* recipient) {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [this, recipient] { return !others_call(recipient); });
  }

 private:
  bool others_call(const void* recipient) const {
    for (const Call* call = first_; call != nullptr; call = call->next_) {
      if (call->recipient_ == recipient && call->thread_ != std::this_thread::get_id()) return true;
    }
    return false;
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  Call* first_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_DELIVERIES_H_
