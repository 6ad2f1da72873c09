// What a user sees of an IovaDomain, by examples.
#include <gtest/gtest.h>

#include <memory>
#include <system_error>

#include "smmu/iommu/iova.h"

namespace smmu::iommu::iova_domain_test {
namespace {

constexpr Pfn k32Bits = 0xfffff;

std::unique_ptr<IovaDomain> domain(IovaOrder order = IovaOrder::kHighestGap, Pfn start = 1) {
  auto made = IovaDomain::create(4096, start, {.order = order});
  return made ? *std::move(made) : nullptr;
}

Pfn first(const Result<IovaRange, std::errc>& range) { return range ? range->first() : ~Pfn{0}; }

TEST(IovaDomain, IsMadeOfPagesOfAPowerOfTwo) {
  const auto refusal = [](std::uint64_t granule, Pfn start) {
    const auto made = IovaDomain::create(granule, start);
    return made ? std::errc() : made.error();
  };
  EXPECT_EQ(refusal(0, 1), std::errc::invalid_argument);
  EXPECT_EQ(refusal(4097, 1), std::errc::invalid_argument);
  EXPECT_EQ(refusal(4096, Pfn{1} << 52), std::errc::invalid_argument);
  EXPECT_EQ(refusal(4096, (Pfn{1} << 52) - 1), std::errc());
  EXPECT_EQ(refusal(1, 0), std::errc());
  EXPECT_EQ(refusal(std::uint64_t{1} << 63, 0), std::errc());
}

TEST(IovaDomain, GivesTheHighestPlace) {
  const auto space = domain();
  EXPECT_EQ(first(space->allocate(1, k32Bits)), 0xfffffU);
  EXPECT_EQ(first(space->allocate(5, k32Bits)), 0xffff8U);  // aligned to 8
  EXPECT_EQ(first(space->allocate(5, k32Bits, Alignment::kNone)), 0xffff3U);
  EXPECT_EQ(first(space->allocate(2, 0xffff2)), 0xffff0U);
}

TEST(IovaDomain, TakesWhatWasFreedAboveFirst) {
  const auto space = domain();
  const auto high = space->allocate(1, k32Bits);
  ASSERT_TRUE(high);
  ASSERT_TRUE(space->allocate(1, k32Bits));
  EXPECT_TRUE(space->free(*high));
  EXPECT_EQ(first(space->allocate(1, k32Bits)), high->first());
}

TEST(IovaDomain, GoesOnBelowTheLastRangeAsLinuxDoes) {
  const auto space = domain(IovaOrder::kLinuxExact);
  const auto high = space->allocate(1, k32Bits);
  const auto low = space->allocate(1, k32Bits);
  ASSERT_TRUE(high && low);
  EXPECT_TRUE(space->free(*high));
  // Freed above the last one, so the search begins there again.
  EXPECT_EQ(first(space->allocate(1, k32Bits)), high->first());
  ASSERT_TRUE(space->free(*low));
  ASSERT_TRUE(space->allocate(4, k32Bits));
  EXPECT_EQ(first(space->allocate(1, k32Bits)), 0xffff7U);  // not 0xffffe
}

TEST(IovaDomain, FreesOnce) {
  const auto space = domain();
  const auto range = space->allocate(8, k32Bits);
  ASSERT_TRUE(range);
  EXPECT_TRUE(space->free(*range));
  EXPECT_FALSE(space->free(*range));
  EXPECT_FALSE(space->free(range->first()));
}

// The tree that knew it may be gone, memory and all.
TEST(IovaDomain, DoesNotTakeARangeOfAnotherDomainOrOfBeforeAReset) {
  const auto space = domain();
  auto other = domain();
  const auto own = space->allocate(8, k32Bits);
  const auto others = other->allocate(8, k32Bits);
  ASSERT_TRUE(own && others);
  ASSERT_EQ(*own, *others);
  const auto refuses = [&](const IovaRange& range) {
    const auto removed = space->split_and_remove(range, range.first(), range.first());
    return !space->free(range) && !space->is_reserved(range) && !removed &&
           removed.error() == std::errc::invalid_argument;
  };
  EXPECT_TRUE(refuses(*others));
  other = nullptr;
  EXPECT_TRUE(refuses(*others));
  EXPECT_EQ(space->statistics().ranges, 1U);

  const auto window = space->reserve(0x10, 0x1f);
  ASSERT_TRUE(window && space->is_reserved(*window));
  space->reset();
  EXPECT_TRUE(refuses(*own));
  EXPECT_TRUE(refuses(*window));
  const auto again = space->allocate(8, k32Bits);
  ASSERT_TRUE(again);
  ASSERT_EQ(*again, *own);
  EXPECT_TRUE(refuses(*own));
  EXPECT_TRUE(space->free(*again));
}

TEST(IovaDomain, FindsARangeByAnyOfItsPages) {
  const auto space = domain();
  const auto range = space->allocate(8, k32Bits);
  ASSERT_TRUE(range);
  EXPECT_EQ(space->find(range->first() + 3), *range);
  EXPECT_EQ(space->find(range->first() - 1), std::nullopt);
  EXPECT_EQ(space->find(range->last() + 1), std::nullopt);
  EXPECT_EQ(space->find_from(0), *range);
  EXPECT_EQ(space->find_from(range->last() + 1), std::nullopt);
}

TEST(IovaDomain, ReservesWhatIsFree) {
  const auto space = domain();
  const auto window = space->reserve(0xff000, 0xff0ff);
  ASSERT_TRUE(window);
  EXPECT_TRUE(space->is_reserved(*window));
  const auto wider = space->reserve(0xff080, 0xff17f);
  ASSERT_TRUE(wider);
  EXPECT_EQ(wider->first(), 0xff000U);
  EXPECT_EQ(wider->last(), 0xff17fU);
  EXPECT_EQ(space->statistics().ranges, 1U);

  const auto range = space->allocate(0x1000, k32Bits);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first(), 0xfe000U);
  const auto taken = space->reserve(0xfe800, 0xff000);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error(), std::errc::address_in_use);
}

TEST(IovaDomain, SplitsARange) {
  const auto space = domain();
  const auto range = space->allocate(16, k32Bits);
  ASSERT_TRUE(range);
  const auto remains = space->split_and_remove(*range, range->first() + 4, range->first() + 7);
  ASSERT_TRUE(remains);
  ASSERT_TRUE(remains->below && remains->above);
  EXPECT_EQ(remains->below->pages(), 4U);
  EXPECT_EQ(remains->above->pages(), 8U);
  EXPECT_FALSE(space->free(*range));
  EXPECT_EQ(first(space->allocate(4, k32Bits)), range->first() + 4);
}

}  // namespace
}  // namespace smmu::iommu::iova_domain_test
