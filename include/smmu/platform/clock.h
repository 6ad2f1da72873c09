// Time, as a driver that waits for its hardware sees it.
#ifndef SMMU_PLATFORM_CLOCK_H_
#define SMMU_PLATFORM_CLOCK_H_

#include <chrono>
#include <thread>

namespace smmu {

// Callable from any number of threads at once.
class Clock {
 public:
  virtual ~Clock() = default;

  // Does not go back.
  virtual std::chrono::nanoseconds now() = 0;

  // Lets about so much time pass, between two looks at a device that has not finished: a thread
  // sleeps, a simulator runs its devices.  A driver asks for little at first, none even, and for
  // more each time.
  virtual void wait(std::chrono::nanoseconds duration) = 0;
};

// The time of the host.
class HostClock final : public Clock {
 public:
  std::chrono::nanoseconds now() override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
  void wait(std::chrono::nanoseconds duration) override {
    if (duration.count() == 0) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(duration);
    }
  }
};

}  // namespace smmu

#endif  // SMMU_PLATFORM_CLOCK_H_
