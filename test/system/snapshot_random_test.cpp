// An SMMU that is saved and restored, wherever that is, goes on as one that is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "test/system/moved.h"
#include "test/system/random_driver.h"

namespace smmu::testing::snapshot_random_test {
namespace {

using emulator::CachePolicy;
using emulator::Pace;

class MovedAndUnmoved : public ::testing::TestWithParam<std::tuple<CachePolicy, Pace, bool>> {
 protected:
  static RandomDriver::Options options(unsigned seed) {
    const auto [policy, pace, wide] = GetParam();
    RandomDriver::Options options{.seed = seed, .wide = wide};
    options.config.caching.policy = policy;
    // Small, so that entries have to go.
    options.config.caching.main_tlb = {.sets = 4, .ways = 2};
    options.config.caching.configuration = {.sets = 2, .ways = 2};
    options.config.caching.stage2 = {.sets = 4, .ways = 1};
    options.config.caching.walk = {.sets = 2, .ways = 1};
    options.config.caching.cap = seed % 2 == 0 ? 4096 : 12;
    if (seed % 5 == 0) {
      options.config.counter_groups = {emulator::CounterGroupConfig::everything()};
    }
    if (seed % 3 == 0) options.config.merging = emulator::EventMerging::kPermitted;
    options.config.pace = pace;
    return options;
  }
};

TEST_P(MovedAndUnmoved, SeeTheSame) {
  const bool stepped = std::get<Pace>(GetParam()) == Pace::kStepped;
  for (unsigned seed = 1; seed != 21; ++seed) {
    RandomDriver unmoved(options(seed));
    RandomDriver moved(options(seed));
    Dice dice(seed);
    for (unsigned i = 0; i != 300; ++i) {
      unmoved.act();
      moved.act();
      if (stepped) {
        const unsigned steps = dice.below(4);
        unmoved.step(steps);
        moved.step(steps);
      }
      if (dice.one_in(12)) {
        ASSERT_EQ(unmoved.registers(), moved.registers()) << "seed " << seed << ", act " << i;
        // And within: all that a snapshot says.
        ASSERT_TRUE(saved(unmoved.smmu()) == saved(moved.smmu()))
            << "seed " << seed << ", act " << i;
        moved.move();
        if (HasFailure()) FAIL() << "seed " << seed << ", act " << i;
      }
      ASSERT_EQ(unmoved.seen(), moved.seen()) << "seed " << seed << ", act " << i;
    }
    unmoved.settle();
    moved.settle();
    ASSERT_EQ(unmoved.events(), moved.events()) << "seed " << seed;
    ASSERT_EQ(unmoved.seen(), moved.seen()) << "seed " << seed;
    ASSERT_EQ(unmoved.interrupts(), moved.interrupts()) << "seed " << seed;
    ASSERT_EQ(unmoved.registers(), moved.registers()) << "seed " << seed;
    ASSERT_EQ(unmoved.memory(), moved.memory()) << "seed " << seed;
    ASSERT_TRUE(saved(unmoved.smmu()) == saved(moved.smmu())) << "seed " << seed;
    ASSERT_FALSE(unmoved.events().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Everything, MovedAndUnmoved,
                         ::testing::Combine(::testing::Values(CachePolicy::kNone,
                                                              CachePolicy::kRealistic,
                                                              CachePolicy::kAdversarial),
                                            ::testing::Values(Pace::kAtOnce, Pace::kStepped),
                                            ::testing::Bool()));

}  // namespace
}  // namespace smmu::testing::snapshot_random_test
