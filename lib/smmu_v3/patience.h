// How long a driver goes on looking at hardware that has not answered.
#ifndef SMMU_LIB_SMMU_V3_PATIENCE_H_
#define SMMU_LIB_SMMU_V3_PATIENCE_H_

#include <algorithm>
#include <chrono>

#include "smmu/platform/clock.h"

namespace smmu::iommu {

class Patience {
 public:
  Patience(Clock& clock, std::chrono::nanoseconds timeout) : clock_(clock), timeout_(timeout) {}

  // Lets some time pass, more each time.  False: it has been long enough.
  bool wait() {
    if (!begun_) {
      begun_ = true;
      start_ = clock_.now();
    } else if (std::max(clock_.now() - start_, waited_) >= timeout_) {
      return false;
    }
    clock_.wait(next_);
    // What was asked for counts even if the clock stands still: no wait is for ever.
    waited_ += next_;
    if (looks_ < kEagerLooks) {
      ++looks_;
    } else {
      next_ = std::clamp(2 * next_, kFirst, kLongest);
    }
    return true;
  }

  // Something has happened: looks often again.  Not without end: who looks often lets little time
  // pass or, by a clock that moves only with wait(), none.
  void hurry() {
    if (hurries_ == kMostHurries) return;
    ++hurries_;
    next_ = std::chrono::nanoseconds(0);
    looks_ = 0;
  }

  // Waits until `done` says so, and returns whether it did.
  template <class F>
  bool until(F&& done) {
    while (!done()) {
      if (!wait()) return done();
    }
    return true;
  }

 private:
  static constexpr unsigned kEagerLooks = 16;
  static constexpr unsigned kMostHurries = 1 << 12;
  static constexpr std::chrono::nanoseconds kFirst = std::chrono::microseconds(1);
  static constexpr std::chrono::nanoseconds kLongest = std::chrono::milliseconds(1);

  Clock& clock_;
  const std::chrono::nanoseconds timeout_;
  std::chrono::nanoseconds start_{0};
  std::chrono::nanoseconds waited_{0};
  std::chrono::nanoseconds next_{0};
  unsigned looks_ = 0;
  unsigned hurries_ = 0;
  bool begun_ = false;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_PATIENCE_H_
