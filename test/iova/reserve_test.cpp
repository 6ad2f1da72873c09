// Reservations: over what is free, allocated, reserved or all of these, and from another domain.
// What Linux does differently is in linux_behaviour_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/seen.h"

namespace smmu::iommu::reserve_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Pfn k32Bits = 0xfffff;

std::unique_ptr<IovaDomain> domain(IovaOrder order = IovaOrder::kHighestGap,
                                   std::uint64_t granule = 4096, Pfn start = 0x100) {
  auto made = IovaDomain::create(granule, start, {.order = order});
  return made ? *std::move(made) : nullptr;
}
template <class T>
std::errc why(const Result<T, std::errc>& answer) {
  return answer ? std::errc() : answer.error();
}

TEST(IovaReserve, WhatIsReservedIsNotGivenOut) {
  const auto space = domain();
  ASSERT_TRUE(space->reserve(0x200, 0xfffff));
  EXPECT_EQ(space->allocate(1, k32Bits)->first(), 0x1ffU);
  ASSERT_TRUE(space->free(Pfn{0x300}));
  EXPECT_EQ(space->allocate(1, k32Bits)->first(), 0xfffffU);
}

TEST(IovaReserve, PagesBelowTheStartMayBeReserved) {
  const auto space = domain();
  EXPECT_TRUE(space->reserve(0, 0));
  EXPECT_TRUE(space->reserve(0x80, 0x120));
  EXPECT_THAT(seen(*space), ElementsAre(SeenRange{0, 0, true}, SeenRange{0x80, 0x120, true}));
  EXPECT_EQ(why(space->allocate(0x20, 0x120, Alignment::kNone)), std::errc::not_enough_memory);
  // Free of reservations they are not given out either.
  ASSERT_TRUE(space->free(Pfn{0x80}));
  EXPECT_EQ(space->allocate(0x21, 0x120, Alignment::kNone)->first(), 0x100U);
  EXPECT_EQ(why(space->allocate(1, 0x120)), std::errc::not_enough_memory);
}

TEST(IovaReserve, TheWholeSpaceCanBeReserved) {
  const auto space = domain();
  const auto whole = space->reserve(0, space->last());
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->pages(), std::uint64_t{1} << 52);
  EXPECT_EQ(why(space->allocate(1, ~Pfn{0})), std::errc::not_enough_memory);
  EXPECT_TRUE(space->free(*whole));
  EXPECT_EQ(space->allocate(1, ~Pfn{0})->first(), space->last());
}

TEST(IovaReserve, ReservationsThatOverlapBecomeOne) {
  const auto space = domain();
  ASSERT_TRUE(space->reserve(0x1000, 0x10ff) && space->reserve(0x1200, 0x12ff) &&
              space->reserve(0x1400, 0x14ff) && space->reserve(0x1600, 0x16ff));
  const auto one = space->reserve(0x1280, 0x1400);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->first(), 0x1200U);
  EXPECT_EQ(one->last(), 0x14ffU);
  EXPECT_THAT(seen(*space),
              ElementsAre(SeenRange{0x1000, 0x10ff, true}, SeenRange{0x1200, 0x14ff, true},
                          SeenRange{0x1600, 0x16ff, true}));
  const auto inside = space->reserve(0x1300, 0x1300);
  ASSERT_TRUE(inside);
  EXPECT_EQ(*inside, *one);
  EXPECT_TRUE(space->free(*one));
}

TEST(IovaReserve, NeighboursStayTwo) {
  const auto space = domain();
  ASSERT_TRUE(space->reserve(0x1000, 0x10ff) && space->reserve(0x1200, 0x12ff) &&
              space->reserve(0x1100, 0x11ff));
  EXPECT_EQ(space->statistics().ranges, 3U);
}

TEST(IovaReserve, AnAllocatedPageIsInUseWhereverItIs) {
  const auto space = domain();
  const auto range = space->allocate(4, 0x2003);
  ASSERT_TRUE(range && space->reserve(0x1ff8, 0x1ffb) && space->reserve(0x2008, 0x200f));
  const auto before = seen(*space);
  for (const auto& [first, last] : std::vector<std::pair<Pfn, Pfn>>{{0x2000, 0x2003},
                                                                    {0x2003, 0x2003},
                                                                    {0x2000, 0x2000},
                                                                    {0x1ffa, 0x2000},
                                                                    {0x2003, 0x2008},
                                                                    {0, space->last()}}) {
    EXPECT_EQ(why(space->reserve(first, last)), std::errc::address_in_use) << first;
    EXPECT_EQ(seen(*space), before);
  }
  EXPECT_TRUE(space->reserve(0x1ffc, 0x1fff));
  EXPECT_TRUE(space->reserve(0x2004, 0x2007));
}

TEST(IovaReserve, AReservedRangeCanBeSplitAndStaysReserved) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    const auto space = domain(order);
    const auto range = space->reserve(0x1000, 0x10ff);
    ASSERT_TRUE(range);
    const auto remains = space->split_and_remove(*range, 0x1040, 0x107f);
    ASSERT_TRUE(remains && remains->below && remains->above);
    EXPECT_TRUE(space->is_reserved(*remains->below));
    EXPECT_TRUE(space->is_reserved(*remains->above));
    EXPECT_THAT(seen(*space),
                ElementsAre(SeenRange{0x1000, 0x103f, true}, SeenRange{0x1080, 0x10ff, true}));
    EXPECT_EQ(space->allocate(0x40, 0x10ff)->first(), 0x1040U);
  }
}

TEST(IovaReserveFrom, TakesTheReservationsAndNothingElse) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    const auto from = domain();
    ASSERT_TRUE(from->reserve(0, 0xf) && from->reserve(0x8000, 0x8fff) &&
                from->allocate(16, k32Bits));
    const auto to = domain(order);
    const auto count = to->reserve_from(*from);
    ASSERT_TRUE(count);
    EXPECT_EQ(*count, 2U);
    EXPECT_THAT(seen(*to), ElementsAre(SeenRange{0, 0xf, true}, SeenRange{0x8000, 0x8fff, true}));
    // Once more adds nothing.
    EXPECT_EQ(*to->reserve_from(*from), 2U);
    EXPECT_EQ(to->statistics().ranges, 2U);
    EXPECT_EQ(from->statistics().ranges, 3U);
  }
}

TEST(IovaReserveFrom, JoinsWhatIsReservedAlready) {
  const auto from = domain();
  ASSERT_TRUE(from->reserve(0x8000, 0x8fff) && from->reserve(0xa000, 0xafff));
  const auto to = domain();
  ASSERT_TRUE(to->reserve(0x8800, 0xa7ff));
  ASSERT_TRUE(to->reserve_from(*from));
  EXPECT_THAT(seen(*to), ElementsAre(SeenRange{0x8000, 0xafff, true}));
}

TEST(IovaReserveFrom, TakesAllOrNothing) {
  const auto from = domain();
  const auto to = domain();
  ASSERT_TRUE(to->allocate(1, 0x9000));
  ASSERT_TRUE(from->reserve(0x8000, 0x8fff) && from->reserve(0x9000, 0x9000) &&
              from->reserve(0xa000, 0xa000));
  const auto before = seen(*to);
  EXPECT_EQ(why(to->reserve_from(*from)), std::errc::address_in_use);
  EXPECT_EQ(seen(*to), before);
  // As Linux: what is allocated becomes a part of it.
  const auto exact = domain(IovaOrder::kLinuxExact);
  ASSERT_TRUE(exact->allocate(1, 0x8800));
  ASSERT_TRUE(exact->reserve_from(*from));
  EXPECT_THAT(seen(*exact),
              ElementsAre(SeenRange{0x8000, 0x8800, false}, SeenRange{0x8801, 0x8fff, true},
                          SeenRange{0x9000, 0x9000, true}, SeenRange{0xa000, 0xa000, true}));
}

TEST(IovaReserveFrom, NoOrderTakesWhatIsAllocatedIfNoneShall) {
  const auto from = domain();
  ASSERT_TRUE(from->reserve(0x7000, 0x7000) && from->reserve(0x8000, 0x8fff) &&
              from->reserve(0xa000, 0xafff));
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    const auto to = domain(order);
    ASSERT_TRUE(to->reserve(0x8f00, 0x90ff));
    const auto page = to->allocate(1, 0xa800);
    ASSERT_TRUE(page);
    const auto before = seen(*to);
    EXPECT_EQ(why(to->reserve_from(*from, OverAllocated::kNever)), std::errc::address_in_use);
    EXPECT_EQ(seen(*to), before);
    ASSERT_TRUE(to->free(*page));
    EXPECT_TRUE(to->reserve_from(*from, OverAllocated::kNever)) << "over reservations";
    for (const Pfn there : {0x7000U, 0x8000U, 0x8fffU, 0x90ffU, 0xa000U, 0xafffU}) {
      const auto range = to->find(there);
      ASSERT_TRUE(range) << there;
      EXPECT_TRUE(to->is_reserved(*range)) << there;
    }
  }
}

TEST(IovaReserveFrom, TheDomainItselfHasThemAlready) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    const auto space = domain(order);
    ASSERT_TRUE(space->reserve(0x8000, 0x8fff) && space->allocate(1, k32Bits));
    const auto before = seen(*space);
    const auto count = space->reserve_from(*space);
    ASSERT_TRUE(count);
    EXPECT_EQ(*count, 1U);
    EXPECT_EQ(seen(*space), before);
  }
}

TEST(IovaReserveFrom, PagesOfAnotherSizeAreNotTheSame) {
  const auto to = domain();
  for (const std::uint64_t granule :
       {std::uint64_t{1}, std::uint64_t{2048}, std::uint64_t{65536}}) {
    // Nothing to reserve, and still.
    const auto from = domain(IovaOrder::kHighestGap, granule);
    EXPECT_EQ(why(to->reserve_from(*from)), std::errc::invalid_argument);
    ASSERT_TRUE(from->reserve(0x200, 0x2ff));
    EXPECT_EQ(why(to->reserve_from(*from)), std::errc::invalid_argument);
  }
  EXPECT_THAT(seen(*to), IsEmpty());
}

}  // namespace
}  // namespace smmu::iommu::reserve_test
