// What Linux 6.12's allocator is known to do, some of which nobody would expect: each was seen in a
// run of its own code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/seen.h"

namespace smmu::iommu::linux_behaviour_test {
namespace {

using ::testing::ElementsAre;

constexpr Pfn k32Bits = 0xfffff;
constexpr Pfn k48Bits = (Pfn{1} << 36) - 1;
constexpr Pfn kNowhere = ~Pfn{0};

std::unique_ptr<IovaDomain> linux_domain(FailureMemo memo = FailureMemo::kOff, Pfn start = 1) {
  auto made =
      IovaDomain::create(4096, start, {.order = IovaOrder::kLinuxExact, .failure_memo = memo});
  return made ? *std::move(made) : nullptr;
}
Pfn place(IovaDomain& space, std::uint64_t pages, Pfn limit,
          Alignment alignment = Alignment::kNatural) {
  const auto range = space.allocate(pages, limit, alignment);
  return range ? range->first() : kNowhere;
}

// A refusal is remembered by its size alone, whatever its limit was.
TEST(IovaLinuxMemo, ALowLimitMakesAnEmptySpaceRefuse) {
  const auto space = linux_domain(FailureMemo::kOn, 100);
  EXPECT_EQ(place(*space, 1, 50), kNowhere);
  EXPECT_EQ(place(*space, 1, k32Bits), kNowhere);
  // Above 4 GiB nothing is remembered.
  EXPECT_EQ(place(*space, 1, k32Bits + 1), k32Bits + 1);
  // A range that is freed there does not help, and one below does.
  ASSERT_TRUE(space->free(k32Bits + 1));
  EXPECT_EQ(place(*space, 1, k32Bits), kNowhere);
  const auto below = space->reserve(0x10, 0x10);
  ASSERT_TRUE(below);
  EXPECT_EQ(place(*space, 1, k32Bits), kNowhere);
  ASSERT_TRUE(space->free(*below));
  EXPECT_EQ(place(*space, 1, k32Bits), k32Bits);
}

TEST(IovaLinuxMemo, IsAChoice) {
  const auto space = linux_domain(FailureMemo::kOff, 100);
  EXPECT_EQ(place(*space, 1, 50), kNowhere);
  EXPECT_EQ(place(*space, 1, k32Bits), k32Bits);
}

TEST(IovaLinuxMemo, IsNotOfTheOtherOrder) {
  auto made = IovaDomain::create(4096, 100, {.failure_memo = FailureMemo::kOn});
  ASSERT_TRUE(made);
  EXPECT_EQ(place(**made, 1, 50), kNowhere);
  EXPECT_EQ(place(**made, 1, k32Bits), k32Bits);
}

// So is one of a request that may go above 4 GiB, though it says nothing of another alignment.
TEST(IovaLinuxMemo, ARefusalWithALimitAbove4GiBIsRememberedToo) {
  for (const FailureMemo memo : {FailureMemo::kOff, FailureMemo::kOn}) {
    const auto space = linux_domain(memo);
    ASSERT_TRUE(space->reserve(0, 0x100) && space->reserve(0x10a, k48Bits));
    EXPECT_EQ(place(*space, 8, k48Bits), kNowhere);
    EXPECT_EQ(place(*space, 8, k32Bits, Alignment::kNone),
              memo == FailureMemo::kOn ? kNowhere : 0x102);
    EXPECT_EQ(place(*space, 8, k48Bits, Alignment::kNone),
              memo == FailureMemo::kOn ? 0x102 : kNowhere);
  }
}

// Aligned or not.
TEST(IovaLinuxMemo, AnUnalignedRequestIsHeldToAnAlignedOnesRefusal) {
  const auto space = linux_domain(FailureMemo::kOn);
  EXPECT_EQ(place(*space, 8, 7), kNowhere);
  EXPECT_EQ(place(*space, 9, k32Bits, Alignment::kNone), kNowhere);
  EXPECT_EQ(place(*space, 8, k32Bits, Alignment::kNone), kNowhere);
  EXPECT_EQ(place(*space, 7, k32Bits, Alignment::kNone), k32Bits - 6);
}

// Until then it is what there is.
TEST(IovaLinuxMemo, BeforeAnyRefusalItIsAllPagesBelow4GiB) {
  const auto space = linux_domain(FailureMemo::kOn, 0);
  EXPECT_EQ(place(*space, k32Bits + 1, k32Bits), kNowhere);
  EXPECT_EQ(place(*space, k32Bits, k32Bits), 0U);
  EXPECT_EQ(place(*linux_domain(FailureMemo::kOff, 0), k32Bits + 1, k32Bits), 0U);
}

// What the memo refuses is not remembered in its turn.
TEST(IovaLinuxMemo, KeepsTheSizeOfTheRefusalThatWasSearchedFor) {
  const auto space = linux_domain(FailureMemo::kOn);
  EXPECT_EQ(place(*space, 4, 2), kNowhere);
  EXPECT_EQ(place(*space, 64, k32Bits), kNowhere);
  EXPECT_EQ(place(*space, 4, k32Bits), kNowhere);
  EXPECT_EQ(place(*space, 3, k32Bits), k32Bits - 3);
}

// A size is not rounded up, what it is aligned to is.
TEST(IovaLinuxOrder, FivePagesAreAlignedToEightAndStayFive) {
  const auto space = linux_domain();
  const auto range = space->allocate(5, k32Bits);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first(), 0xffff8U);
  EXPECT_EQ(range->last(), 0xffffcU);
  // The three above are left behind: the next search begins below.
  EXPECT_EQ(place(*space, 1, k32Bits), 0xffff7U);
}

TEST(IovaLinuxOrder, GoesBackToTheTopOnlyWhenThereIsNothingBelow) {
  const auto space = linux_domain(FailureMemo::kOff, k32Bits - 15);
  EXPECT_EQ(place(*space, 5, k32Bits), 0xffff8U);
  EXPECT_EQ(place(*space, 8, k32Bits), 0xffff0U);
  EXPECT_EQ(place(*space, 1, k32Bits), 0xfffffU);
  EXPECT_EQ(place(*space, 2, k32Bits, Alignment::kNone), 0xffffdU);
  EXPECT_EQ(place(*space, 1, k32Bits), kNowhere);
}

// One range is remembered for limits below 4 GiB and one for the others.
TEST(IovaLinuxOrder, HasAPlaceToGoOnOnEitherSideOf4GiB) {
  const auto space = linux_domain();
  EXPECT_EQ(place(*space, 5, k32Bits), 0xffff8U);
  EXPECT_EQ(place(*space, 5, k48Bits), k48Bits - 7);
  EXPECT_EQ(place(*space, 1, k32Bits), 0xffff7U);
  EXPECT_EQ(place(*space, 1, k48Bits), k48Bits - 8);
  // This ends below 4 GiB, so it is where low limits go on, although its own limit is not low.
  const auto wall = space->reserve(k32Bits + 1, k48Bits - 8);
  ASSERT_TRUE(wall);
  EXPECT_EQ(place(*space, 16, k48Bits), 0xfffe0U);
  EXPECT_EQ(place(*space, 1, k32Bits), 0xfffdfU);
}

TEST(IovaLinuxOrder, GoesOnFromTheNextRangeAboveOneThatWasFreed) {
  const auto space = linux_domain();
  std::vector<Pfn> places;
  for (unsigned i = 0; i != 4; ++i) places.push_back(place(*space, 1, k32Bits));
  // Below the last one nothing changes.
  const auto low = space->reserve(0x100, 0x1ff);
  ASSERT_TRUE(low && space->free(*low));
  EXPECT_EQ(place(*space, 2, k32Bits), 0xffffaU);
  ASSERT_TRUE(space->free(places[1]));
  EXPECT_EQ(place(*space, 1, k32Bits), places[1]);
  EXPECT_EQ(place(*space, 1, k32Bits), 0xffff9U);
}

// 6.12: a pfn of 0 is a failure only to the cache in front.
TEST(IovaLinuxOrder, PageZeroIsGivenOut) {
  const auto space = linux_domain(FailureMemo::kOff, 0);
  EXPECT_EQ(place(*space, 1, 0), 0U);
  EXPECT_EQ(place(*space, 1, 0), kNowhere);
}

// Linux makes a range whose end is below its begin.
TEST(IovaLinuxOrder, NoPagesAreRefusedUnlikeLinux) {
  const auto range = linux_domain()->allocate(0, k32Bits);
  ASSERT_FALSE(range);
  EXPECT_EQ(range.error(), std::errc::invalid_argument);
}

TEST(IovaLinuxReserve, ARangeIsExtendedDownAndTheRestIsNew) {
  const auto space = linux_domain();
  ASSERT_TRUE(space->reserve(0xf, 0x14));
  const auto rest = space->reserve(0xa, 0x1e);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->first(), 0x15U);
  EXPECT_EQ(rest->last(), 0x1eU);
  EXPECT_THAT(seen(*space), ElementsAre(SeenRange{0xa, 0x14, true}, SeenRange{0x15, 0x1e, true}));
}

TEST(IovaLinuxReserve, EveryRangeIsExtendedDownAndTheHighestIsTheAnswer) {
  const auto space = linux_domain();
  ASSERT_TRUE(space->reserve(0xf, 0x14) && space->reserve(0x19, 0x28));
  const auto highest = space->reserve(0xa, 0x1e);
  ASSERT_TRUE(highest);
  EXPECT_EQ(highest->first(), 0x15U);
  EXPECT_EQ(highest->last(), 0x28U);
  EXPECT_THAT(seen(*space), ElementsAre(SeenRange{0xa, 0x14, true}, SeenRange{0x15, 0x28, true}));
}

TEST(IovaLinuxReserve, ARangeThatContainsItIsTheAnswer) {
  const auto space = linux_domain();
  const auto whole = space->reserve(0x10, 0x1f);
  const auto part = space->reserve(0x18, 0x1f);
  ASSERT_TRUE(whole && part);
  EXPECT_EQ(*part, *whole);
  EXPECT_EQ(space->statistics().ranges, 1U);
}

TEST(IovaLinuxReserve, NeighboursStayTwo) {
  const auto space = linux_domain();
  ASSERT_TRUE(space->reserve(0x10, 0x1f) && space->reserve(0x20, 0x2f) && space->reserve(0, 0xf));
  EXPECT_EQ(space->statistics().ranges, 3U);
}

// It is one range then, and what is freed by any page of it goes as a whole.
TEST(IovaLinuxReserve, AnAllocatedRangeIsExtendedToo) {
  const auto space = linux_domain();
  const auto allocated = space->allocate(4, 0x103);
  ASSERT_TRUE(allocated);
  const auto rest = space->reserve(0xf8, 0x107);
  ASSERT_TRUE(rest);
  EXPECT_THAT(seen(*space),
              ElementsAre(SeenRange{0xf8, 0x103, false}, SeenRange{0x104, 0x107, true}));
  // As it was told of, it is no more.
  EXPECT_FALSE(space->free(*allocated));
  const auto freed = space->free(0x101);
  ASSERT_TRUE(freed);
  EXPECT_EQ(freed->first(), 0xf8U);
  EXPECT_EQ(freed->last(), 0x103U);
  EXPECT_EQ(place(*space, 1, 0xf8), 0xf8U);
}

// The range to go on from may have been extended: the search begins below all of it.
TEST(IovaLinuxReserve, ASearchGoesOnBelowARangeThatWasExtended) {
  const auto space = linux_domain();
  ASSERT_EQ(place(*space, 4, k32Bits), 0xffffcU);
  const auto range = space->reserve(0xffff0, 0xfffff);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first(), 0xffff0U);
  EXPECT_EQ(place(*space, 1, k32Bits), 0xfffefU);
}

// A range of Linux's that is not one: its end is below its begin, or is no page.
TEST(IovaLinuxReserve, NoRangeIsRefusedUnlikeLinux) {
  const auto space = linux_domain();
  for (const auto& [first, last] : std::vector<std::pair<Pfn, Pfn>>{
           {0x20, 0x1f}, {0x10, ~Pfn{0}}, {0x10, Pfn{1} << 52}, {Pfn{1} << 52, Pfn{1} << 52}}) {
    const auto range = space->reserve(first, last);
    ASSERT_FALSE(range);
    EXPECT_EQ(range.error(), std::errc::invalid_argument);
  }
  EXPECT_EQ(space->statistics().ranges, 0U);
}

// Linux finds the end of its tree there.
TEST(IovaLinuxOrder, NothingIsFoundWhereNothingIsUnlikeLinux) {
  const auto space = linux_domain();
  EXPECT_EQ(space->find(~Pfn{0}), std::nullopt);
  EXPECT_EQ(space->find_from(0), std::nullopt);
  EXPECT_FALSE(space->free(~Pfn{0}));
}

}  // namespace
}  // namespace smmu::iommu::linux_behaviour_test
