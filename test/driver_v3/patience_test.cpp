// Waiting for hardware ends, whatever the hardware does and however the clock moves.
#include "lib/smmu_v3/patience.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

namespace smmu::testing::patience_test {
namespace {

using iommu::Patience;
using namespace std::chrono_literals;

// Moves by what it is asked for alone: not at all by nothing.
class LazyClock : public Clock {
 public:
  std::chrono::nanoseconds now() override { return now_; }
  void wait(std::chrono::nanoseconds duration) override {
    now_ += duration;
    ++waits_;
  }
  std::uint64_t waits() const { return waits_; }

 private:
  std::chrono::nanoseconds now_{0};
  std::uint64_t waits_ = 0;
};

class StoppedClock final : public LazyClock {
 public:
  std::chrono::nanoseconds now() override { return 0ns; }
};

constexpr std::uint64_t kManyWaits = 10'000'000;

TEST(Patience, EndsThoughSomethingHappensAtEveryLook) {
  LazyClock lazy;
  StoppedClock stopped;
  for (LazyClock* const clock : {&lazy, static_cast<LazyClock*>(&stopped)}) {
    Patience patience(*clock, 100ms);
    while (patience.wait() && clock->waits() != kManyWaits) patience.hurry();
    EXPECT_LT(clock->waits(), kManyWaits);
  }
}

TEST(Patience, LooksOftenAgainAfterSomethingHappened) {
  LazyClock clock;
  Patience patience(clock, 100ms);
  while (clock.now() < 10ms) ASSERT_TRUE(patience.wait());
  const auto before = clock.now();
  patience.hurry();
  for (int i = 0; i != 16; ++i) ASSERT_TRUE(patience.wait());
  EXPECT_EQ(clock.now(), before);
}

TEST(Patience, LastsAsLongAsItWasToldTo) {
  LazyClock clock;
  Patience patience(clock, 100ms);
  EXPECT_FALSE(patience.until([] { return false; }));
  EXPECT_GE(clock.now(), 100ms);
  EXPECT_LE(clock.now(), 102ms);
}

}  // namespace
}  // namespace smmu::testing::patience_test
