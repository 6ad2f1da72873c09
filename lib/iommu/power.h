// Whether the registers of an SMMU may be accessed, and who is at it.
#ifndef SMMU_LIB_IOMMU_POWER_H_
#define SMMU_LIB_IOMMU_POWER_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

namespace smmu::iommu {

// They may not while the SMMU is suspended, nor after the end.  At first a thread brings it up.
class Power {
 public:
  // Accesses by this thread, if they may be made: then the registers are there until it ends.
  class Use {
   public:
    explicit Use(Power& power) : power_(power) {
      const std::lock_guard guard(power_.mutex_);
      if (!power_.is_there_for(thread_)) return;
      may_ = true;
      next_ = power_.first_;
      power_.first_ = this;
    }
    ~Use() {
      if (!may_) return;
      const std::lock_guard guard(power_.mutex_);
      Use** at = &power_.first_;
      while (*at != this) at = &(*at)->next_;
      *at = next_;
      power_.ended_.notify_all();
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    explicit operator bool() const { return may_; }

   private:
    friend class Power;
    Power& power_;
    const std::thread::id thread_ = std::this_thread::get_id();
    Use* next_ = nullptr;
    bool may_ = false;
  };

  // For every thread, and for none.
  bool is_on() const { return state_.load() == State::kOn; }
  bool is_off() const { return state_.load() == State::kOff; }
  // Whether this thread is in the middle of an access.
  bool is_used_here() {
    const std::lock_guard guard(mutex_);
    return is_used([](std::thread::id user) { return user == std::this_thread::get_id(); });
  }

  // For all threads, for this one alone, for none.  The last two return when no other thread is at
  // it any more.
  void turn_on() { set(State::kOn); }
  void bring_up() { set(State::kBringUp); }
  void turn_off() { set(State::kOff); }

 private:
  enum class State : std::uint8_t { kOff, kBringUp, kOn };

  bool is_there_for(std::thread::id thread) const {
    const State state = state_.load();
    return state == State::kOn || (state == State::kBringUp && thread == thread_);
  }
  template <class F>
  bool is_used(F&& by) const {
    for (const Use* use = first_; use != nullptr; use = use->next_) {
      if (by(use->thread_)) return true;
    }
    return false;
  }
  void set(State state) {
    std::unique_lock lock(mutex_);
    thread_ = std::this_thread::get_id();
    state_.store(state);
    if (state == State::kOn) return;
    ended_.wait(lock, [this] {
      return !is_used([this](std::thread::id user) { return user != thread_; });
    });
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  std::atomic<State> state_{State::kBringUp};            // changes under the mutex
  std::thread::id thread_ = std::this_thread::get_id();  // who changed it last
  Use* first_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_POWER_H_
