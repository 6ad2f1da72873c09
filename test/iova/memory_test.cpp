// What domains ask of the heap, and what becomes of them if they do not get it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/heap/heap.h"
#include "test/iova/seeds.h"
#include "test/iova/seen.h"

namespace smmu::iommu::memory_test {
namespace {

constexpr Pfn k32Bits = 0xfffff;
constexpr Pfn k48Bits = (Pfn{1} << 36) - 1;

class IovaMemory : public ::testing::TestWithParam<IovaOrder> {
 protected:
  std::unique_ptr<IovaDomain> domain() const {
    auto made = IovaDomain::create(4096, 1, {.order = GetParam(), .threads = Threads::kOne});
    return made ? *std::move(made) : nullptr;
  }
  // Live ranges with gaps of one page between; with the next, memory is asked for.
  static std::vector<IovaRange> fill(IovaDomain& space, std::size_t at_least) {
    std::vector<IovaRange> live;
    for (Pfn limit = k32Bits;; limit -= 8) {
      const HeapRefusal refusal(live.size() < at_least ? ~std::uint64_t{0} : 0);
      const auto range = space.allocate(7, limit, Alignment::kNone);
      if (!range) return live;
      live.push_back(*range);
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Order, IovaMemory,
                         ::testing::Values(IovaOrder::kHighestGap, IovaOrder::kLinuxExact),
                         [](const auto& order) {
                           return order.param == IovaOrder::kHighestGap ? "HighestGap"
                                                                        : "LinuxExact";
                         });

TEST_P(IovaMemory, NoneForADomainIsAnAnswer) {
  const std::uint64_t held = heap_counts().held;
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = IovaDomain::create(4096, 1, {.order = GetParam()});
    if (made) break;
    EXPECT_EQ(made.error(), std::errc::not_enough_memory);
  }
  EXPECT_GT(granted, 0U);
  EXPECT_EQ(heap_counts().held, held);
}

TEST_P(IovaMemory, IsAllGivenBack) {
  const std::uint64_t held = heap_counts().held;
  {
    const auto space = domain();
    ASSERT_FALSE(fill(*space, 5000).empty());
    const std::uint64_t with_domain = heap_counts().held;
    space->reset();
    EXPECT_LT(heap_counts().held, with_domain);
    EXPECT_EQ(space->statistics().ranges, 0U);
    EXPECT_EQ(space->statistics().bytes, domain()->statistics().bytes);
    ASSERT_FALSE(fill(*space, 5000).empty());
  }
  EXPECT_EQ(heap_counts().held, held);
}

TEST_P(IovaMemory, NoneForARangeChangesNothing) {
  for (const std::size_t ranges : {1U, 200U, 3000U}) {
    const auto space = domain();
    const auto twin = domain();
    const auto other = domain();
    const std::vector<IovaRange> live = fill(*space, ranges);
    const std::vector<IovaRange> twins = fill(*twin, ranges);
    ASSERT_GE(live.size(), ranges);
    ASSERT_EQ(live.size(), twins.size());
    // One place is left for two, which is not enough for both.
    ASSERT_TRUE(space->free(live.back()) && twin->free(twins.back()));
    ASSERT_TRUE(other->reserve(0x10, 0x11) && other->reserve(0x20, 0x21));

    const auto before = seen(*space);
    const IovaStatistics statistics = space->statistics();
    {
      const HeapRefusal refusal;
      const auto refused = space->reserve_from(*other);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error(), std::errc::not_enough_memory);
      EXPECT_EQ(refusal.refused(), 1U);
    }
    EXPECT_EQ(seen(*space), before);
    const auto last_one = space->allocate(1, 0x8000);
    ASSERT_TRUE(last_one && twin->allocate(1, 0x8000));

    const auto full = seen(*space);
    const std::uint64_t held = heap_counts().held;
    {
      const HeapRefusal refusal;
      const auto allocated = space->allocate(1, k32Bits);
      const auto reserved = space->reserve(0x10, 0x1f);
      const auto split = space->split_and_remove(live[0], live[0].first() + 2, live[0].first() + 3);
      ASSERT_FALSE(allocated || reserved || split);
      EXPECT_EQ(allocated.error(), std::errc::not_enough_memory);
      EXPECT_EQ(reserved.error(), std::errc::not_enough_memory);
      EXPECT_EQ(split.error(), std::errc::not_enough_memory);
      EXPECT_EQ(refusal.refused(), 3U);
      EXPECT_EQ(seen(*space), full);
      // What needs none goes on.
      EXPECT_TRUE(space->split_and_remove(live[0], live[0].first(), live[0].first() + 3));
      EXPECT_EQ(space->statistics().ranges, full.size());
    }
    ASSERT_TRUE(twin->split_and_remove(twins[0], twins[0].first(), twins[0].first() + 3));
    EXPECT_EQ(space->statistics().bytes, statistics.bytes);
    EXPECT_EQ(heap_counts().held, held);

    EXPECT_EQ(seen(*space), seen(*twin));
    Dice dice(1);
    for (unsigned i = 0; i != 500; ++i) {
      const std::uint64_t pages = mixed_pages(dice);
      const auto range = space->allocate(pages, k32Bits);
      const auto twin_range = twin->allocate(pages, k32Bits);
      ASSERT_TRUE(range && twin_range);
      ASSERT_EQ(*range, *twin_range);
    }
  }
}

// Where many are wanted at once, what is left of what there was is not forgotten.
TEST_P(IovaMemory, IsUsedToTheLastPlaceBeforeMoreIsAskedFor) {
  const auto other = domain();
  for (Pfn page = 0; page != 200; page += 2) ASSERT_TRUE(other->reserve(page, page));
  const auto space = domain();
  const std::uint64_t empty = space->statistics().bytes;
  ASSERT_TRUE(space->allocate(1, k32Bits));
  const std::uint64_t with_one = space->statistics().bytes;
  ASSERT_TRUE(space->reserve_from(*other));
  ASSERT_GT(space->statistics().bytes, with_one);
  {
    const HeapRefusal refusal;
    while (space->allocate(1, k32Bits)) {
    }
  }
  const IovaStatistics full = space->statistics();
  // Two pieces of memory by now, each of which has a line for itself.
  EXPECT_EQ(64 * (full.ranges + 2), full.bytes - empty);
}

TEST_P(IovaMemory, NothingIsAskedForInSteadyState) {
  const auto space = domain();
  std::vector<IovaRange> live;
  live.reserve(1000);
  for (unsigned i = 0; i != 1000; ++i) live.push_back(*space->allocate(1 + i % 7, k48Bits));
  Dice dice(1);
  const std::uint64_t asked = heap_counts().asked;
  for (unsigned i = 0; i != 10'000; ++i) {
    IovaRange& range = live[dice.below(live.size())];
    if (!space->free(range)) FAIL();
    const auto next = space->allocate(mixed_pages(dice), k48Bits);
    if (!next) FAIL();
    range = *next;
  }
  EXPECT_EQ(heap_counts().asked, asked);
}

TEST_P(IovaMemory, ARangeCosts64Bytes) {
  const auto space = domain();
  for (unsigned i = 0; i != 100'000; ++i) ASSERT_TRUE(space->allocate(1, k48Bits));
  const double bytes = static_cast<double>(space->statistics().bytes);
  EXPECT_GE(bytes, 64.0 * 100'000);
  EXPECT_LE(bytes, 64.0 * 100'000 * 1.02 + 4096);
}

}  // namespace
}  // namespace smmu::iommu::memory_test
