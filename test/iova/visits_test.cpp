// How many nodes a search looks at: at most 4 log2 n + 16 of n ranges, whatever state they are in
// and whether there is a place or not.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/seeds.h"

namespace smmu::iommu::visits_test {
namespace {

constexpr Pfn k32Bits = 0xfffff;
constexpr Pfn k48Bits = (Pfn{1} << 36) - 1;
constexpr std::uint64_t kCounts[] = {1, 2, 3, 7, 16, 100, 1000, 1 << 13, 1 << 17};

// The most nodes that a call has looked at for every search it made, as a part of what is allowed.
struct Worst {
  double part = 0;
  std::string of;
  std::uint64_t places = 0;
  std::uint64_t refusals = 0;
};

class IovaVisits : public ::testing::TestWithParam<IovaOrder> {
 protected:
  void make(Pfn start = 1) {
    auto made = IovaDomain::create(4096, start, {.order = GetParam(), .threads = Threads::kOne});
    ASSERT_TRUE(made);
    domain_ = *std::move(made);
    live_.clear();
  }
  void add(std::uint64_t pages, Pfn limit, Alignment alignment = Alignment::kNatural) {
    const auto range = domain_->allocate(pages, limit, alignment);
    ASSERT_TRUE(range);
    live_.push_back(*range);
  }
  void remove(std::size_t index) {
    ASSERT_TRUE(domain_->free(live_[index]));
    live_[index] = live_.back();
    live_.pop_back();
  }
  // Frees every other one, as they were allocated.
  void remove_every_other() {
    std::vector<IovaRange> kept;
    for (std::size_t i = 0; i != live_.size(); ++i) {
      if (i % 2 == 0) {
        kept.push_back(live_[i]);
      } else {
        ASSERT_TRUE(domain_->free(live_[i]));
      }
    }
    live_ = kept;
  }

  void ask(std::uint64_t pages, Pfn limit, Alignment alignment = Alignment::kNatural) {
    const IovaStatistics before = domain_->statistics();
    const auto range = domain_->allocate(pages, limit, alignment);
    const IovaStatistics after = domain_->statistics();
    ++(range ? worst_.places : worst_.refusals);
    if (range) live_.push_back(*range);
    if (after.searches == before.searches) return;
    // Two searches of one call can only be told apart together.
    const double allowed =
        4 * std::log2(std::max<double>(1, static_cast<double>(before.ranges))) + 16;
    const double part = static_cast<double>(after.visits - before.visits) /
                        static_cast<double>(after.searches - before.searches) / allowed;
    if (part > worst_.part) {
      worst_.part = part;
      worst_.of = fmt::format("{} pages below {:x} beside {} ranges: {} visits in {} searches",
                              pages, limit, before.ranges, after.visits - before.visits,
                              after.searches - before.searches);
    }
  }
  // Something of every kind, and something freed between.
  void ask_all(Dice& dice, Pfn limit) {
    for (unsigned i = 0; i != 300; ++i) {
      const Pfn low = live_[dice.below(live_.size())].first() + dice.below(3);
      const auto alignment = dice.one_in(3) ? Alignment::kNone : Alignment::kNatural;
      ask(dice.one_in(3) ? mixed_pages(dice) : std::uint64_t{1} << dice.below(16),
          dice.one_in(3) ? low : limit, alignment);
      if (dice.one_in(2) && live_.size() > 1) remove(dice.below(live_.size()));
    }
  }

  void expect_few() const {
    EXPECT_LE(worst_.part, 1.0) << worst_.of;
    RecordProperty("worst", worst_.of);
  }

  std::unique_ptr<IovaDomain> domain_;
  std::vector<IovaRange> live_;
  Worst worst_;
};

INSTANTIATE_TEST_SUITE_P(Order, IovaVisits,
                         ::testing::Values(IovaOrder::kHighestGap, IovaOrder::kLinuxExact),
                         [](const auto& order) {
                           return order.param == IovaOrder::kHighestGap ? "HighestGap"
                                                                        : "LinuxExact";
                         });

TEST_P(IovaVisits, AreFewWhereRangesCameAndWentAtRandom) {
  Dice dice(1);
  for (const std::uint64_t count : kCounts) {
    make();
    for (std::uint64_t i = 0; i != count; ++i) add(mixed_pages(dice), k48Bits);
    for (std::uint64_t i = 0; i != count; ++i) {
      remove(dice.below(live_.size()));
      add(mixed_pages(dice), k48Bits);
    }
    ask_all(dice, k48Bits);
  }
  EXPECT_GT(worst_.places, 1000U);
  expect_few();
}

TEST_P(IovaVisits, AreFewWhereEveryOtherRangeIsFree) {
  Dice dice(2);
  for (const std::uint64_t count : kCounts) {
    make();
    for (std::uint64_t i = 0; i != 2 * count; ++i) add(1 + i % 2, k48Bits);
    remove_every_other();
    ask_all(dice, k48Bits);
  }
  expect_few();
}

// Gaps of two pages at odd addresses: long enough for two aligned pages, and none has a place.
TEST_P(IovaVisits, AreFewWhereLongGapsAreMisaligned) {
  for (const std::uint64_t count : kCounts) {
    const Pfn top = k48Bits - 1;
    make(top - 4 * count + 1);
    for (std::uint64_t i = 0; i != 2 * count; ++i) add(2, top, Alignment::kNone);
    remove_every_other();
    const std::uint64_t refusals = worst_.refusals;
    for (unsigned i = 0; i != 100; ++i) ask(2, top - 4 * (i % count));
    EXPECT_EQ(worst_.refusals, refusals + 100);
    ask(2, top, Alignment::kNone);
    EXPECT_EQ(worst_.refusals, refusals + 100);
    ask(3, top, Alignment::kNone);
  }
  expect_few();
}

TEST_P(IovaVisits, AreFewWhereThe32BitSpaceIsFull) {
  Dice dice(3);
  for (const std::uint64_t count : kCounts) {
    make(k32Bits + 1 - count);
    for (std::uint64_t i = 0; i != count; ++i) add(1, k32Bits);
    for (unsigned i = 0; i != 300; ++i) {
      ask(1, k32Bits);
      ask(1, k32Bits - dice.below(count));
      remove(dice.below(live_.size()));
      ask(2, k32Bits);
      ask(1, k32Bits - dice.below(count));
      ask(1, k32Bits);
    }
    if (count > 100) ask_all(dice, k32Bits);
  }
  EXPECT_GT(worst_.refusals, 1000U);
  EXPECT_GT(worst_.places, 1000U);
  expect_few();
}

// A tree that was only ever added to at one end leans as far as a red-black tree can.
TEST_P(IovaVisits, AreFewWhereReservationsRiseOneByOne) {
  Dice dice(4);
  for (const std::uint64_t count : kCounts) {
    make();
    for (std::uint64_t i = 0; i != count; ++i) {
      const auto range = domain_->reserve(0x1000 + 4 * i, 0x1000 + 4 * i + i % 2);
      ASSERT_TRUE(range);
      live_.push_back(*range);
    }
    ask_all(dice, 0x1000 + 4 * count);
  }
  expect_few();
}

}  // namespace
}  // namespace smmu::iommu::visits_test
