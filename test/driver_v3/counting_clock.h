// Time that passes only while somebody waits.
#ifndef TEST_DRIVER_V3_COUNTING_CLOCK_H_
#define TEST_DRIVER_V3_COUNTING_CLOCK_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "smmu/platform/clock.h"

namespace smmu::testing {

class CountingClock final : public Clock {
 public:
  std::chrono::nanoseconds now() override { return std::chrono::nanoseconds(now_.load()); }
  void wait(std::chrono::nanoseconds duration) override {
    now_ += std::max<std::int64_t>(duration.count(), 1);
    ++waits_;
  }
  std::uint64_t waits() const { return waits_; }

 private:
  std::atomic<std::int64_t> now_{0};
  std::atomic<std::uint64_t> waits_{0};
};

}  // namespace smmu::testing

#endif  // TEST_DRIVER_V3_COUNTING_CLOCK_H_
