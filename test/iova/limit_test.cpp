// Sizes, limits and alignments at the ends of what they can be.
#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/seen.h"

namespace smmu::iommu::limit_test {
namespace {

constexpr Pfn k32Bits = 0xfffff;
constexpr std::uint64_t kAllOnes = ~std::uint64_t{0};

class IovaLimit : public ::testing::TestWithParam<IovaOrder> {
 protected:
  std::unique_ptr<IovaDomain> domain(std::uint64_t granule, Pfn start) const {
    auto made = IovaDomain::create(granule, start, {.order = GetParam()});
    return made ? *std::move(made) : nullptr;
  }
  // What a domain answers, as one number: no pages are ever at ~0.
  static Pfn place(IovaDomain& space, std::uint64_t pages, Pfn limit,
                   Alignment alignment = Alignment::kNatural) {
    const auto range = space.allocate(pages, limit, alignment);
    if (!range) {
      EXPECT_EQ(range.error(), std::errc::not_enough_memory);
      return kNowhere;
    }
    EXPECT_EQ(range->pages(), pages);
    return range->first();
  }
  static constexpr Pfn kNowhere = ~Pfn{0};
};

INSTANTIATE_TEST_SUITE_P(Order, IovaLimit,
                         ::testing::Values(IovaOrder::kHighestGap, IovaOrder::kLinuxExact),
                         [](const auto& order) {
                           return order.param == IovaOrder::kHighestGap ? "HighestGap"
                                                                        : "LinuxExact";
                         });

// Every page once, and then none: the space below 4 GiB from its last 4096 pages on.
TEST_P(IovaLimit, AFullSpaceRefusesUntilSomethingIsFreed) {
  const auto space = domain(4096, k32Bits - 4095);
  for (Pfn page = k32Bits; page != k32Bits - 4096; --page) {
    ASSERT_EQ(place(*space, 1, k32Bits), page);
  }
  EXPECT_EQ(place(*space, 1, k32Bits), kNowhere);
  EXPECT_EQ(space->statistics().ranges, 4096U);
  ASSERT_TRUE(space->free(k32Bits - 1000));
  EXPECT_EQ(place(*space, 2, k32Bits, Alignment::kNone), kNowhere);
  EXPECT_EQ(place(*space, 1, k32Bits), k32Bits - 1000);
  // Above 4 GiB there is room still.
  EXPECT_EQ(place(*space, 1, k32Bits + 1), k32Bits + 1);
}

// The limit is a page that may be part of the range.
TEST_P(IovaLimit, TheLimitIsInclusive) {
  const auto space = domain(4096, 0x100);
  EXPECT_EQ(place(*space, 1, 0x100), 0x100U);
  EXPECT_EQ(place(*space, 1, 0xff), kNowhere);
  EXPECT_EQ(place(*space, 3, 0x103, Alignment::kNone), 0x101U);
  EXPECT_EQ(place(*space, 1, 0x103), kNowhere);
  EXPECT_EQ(place(*space, 1, 0), kNowhere);
}

TEST_P(IovaLimit, ALimitInsideARangeIsItsFirstPage) {
  const auto space = domain(4096, 1);
  ASSERT_TRUE(space->reserve(0x200, 0x2ff));
  for (const Pfn limit : {Pfn{0x200}, Pfn{0x280}, Pfn{0x2ff}}) {
    EXPECT_LT(place(*space, 1, limit), 0x200U);
  }
  space->reset();
  ASSERT_TRUE(space->reserve(0x200, 0x2ff));
  EXPECT_EQ(place(*space, 1, 0x300), 0x300U);
}

TEST_P(IovaLimit, ALimitAboveTheLastPageIsTheLastPage) {
  const auto space = domain(65536, 1);
  EXPECT_EQ(space->last(), (Pfn{1} << 48) - 1);
  EXPECT_EQ(place(*space, 1, kAllOnes), space->last());
  EXPECT_EQ(place(*space, 1, space->last() + 1), space->last() - 1);
}

// A range begins at a multiple of its size rounded up, and its size is what was asked for.
TEST_P(IovaLimit, AlignmentIsThatOfTheNextPowerOfTwo) {
  for (unsigned bits = 0; bits != 16; ++bits) {
    const std::uint64_t size = std::uint64_t{1} << bits;
    for (const std::uint64_t pages : {size, size + 1, size + size / 2, 2 * size - 1}) {
      const std::uint64_t multiple = std::bit_ceil(pages);
      const auto space = domain(4096, 1);
      // A page on top makes every place that is not aligned tempting.
      ASSERT_EQ(place(*space, 1, k32Bits), k32Bits);
      const Pfn aligned = (k32Bits - pages) / multiple * multiple;
      EXPECT_EQ(place(*space, pages, k32Bits), aligned) << pages;
      EXPECT_EQ(place(*space, pages, k32Bits), aligned - multiple) << pages;
      EXPECT_EQ(place(*domain(4096, 1), pages, k32Bits, Alignment::kNone), k32Bits + 1 - pages);
    }
  }
}

// A gap of as many pages as it takes, but one page off.
TEST_P(IovaLimit, AnAlignedRangeDoesNotFitIntoAGapThatIsNotAligned) {
  for (unsigned bits = 1; bits != 16; ++bits) {
    const std::uint64_t pages = std::uint64_t{1} << bits;
    const auto space = domain(4096, 0x10001);
    EXPECT_EQ(place(*space, pages, 0x10000 + pages), kNowhere) << pages;
    EXPECT_EQ(place(*space, pages, 0x10000 + 2 * pages - 2), kNowhere) << pages;
    EXPECT_EQ(place(*space, pages, 0x10000 + 2 * pages - 1), 0x10000 + pages) << pages;
  }
}

// 2^64 bytes in pages of 4096, and then in bytes, of which the last is not one.
TEST_P(IovaLimit, AllOf64BitsCanBeOneRange) {
  const auto pages = domain(4096, 0);
  const std::uint64_t all = std::uint64_t{1} << 52;
  EXPECT_EQ(pages->last(), all - 1);
  EXPECT_EQ(place(*pages, all + 1, kAllOnes, Alignment::kNone), kNowhere);
  EXPECT_EQ(place(*pages, all, kAllOnes), 0U);
  EXPECT_EQ(place(*pages, 1, kAllOnes), kNowhere);

  const auto bytes = domain(1, 0);
  EXPECT_EQ(bytes->last(), kAllOnes - 1);
  EXPECT_EQ(place(*bytes, kAllOnes, kAllOnes, Alignment::kNone), 0U);
  EXPECT_EQ(place(*bytes, 1, kAllOnes), kNowhere);
  EXPECT_EQ(seen(*bytes), (std::vector<SeenRange>{{0, kAllOnes - 1}}));
  ASSERT_TRUE(bytes->free(Pfn{12345}));
  // Rounded up this is 2^64, of which 0 is the one multiple.
  EXPECT_EQ(place(*bytes, kAllOnes - 5, kAllOnes), 0U);
}

// first + pages is not in 64 bits, nor is a size rounded up.
TEST_P(IovaLimit, SizesNear2To64AreRefusedAndNotWrapped) {
  for (const std::uint64_t granule : {1U, 4096U}) {
    const auto space = domain(granule, 1);
    for (const std::uint64_t pages :
         {kAllOnes, kAllOnes - 1, (std::uint64_t{1} << 63) + 1, std::uint64_t{1} << 63}) {
      for (const Pfn limit : {Pfn{0}, Pfn{1}, k32Bits, pages - 1, pages, kAllOnes}) {
        if (granule == 1 && pages == std::uint64_t{1} << 63) continue;
        if (granule == 1 && pages != kAllOnes) {
          EXPECT_EQ(place(*space, pages, limit), kNowhere) << pages << ' ' << limit;
        } else {
          EXPECT_EQ(place(*space, pages, limit, Alignment::kNone), kNowhere)
              << pages << ' ' << limit;
        }
      }
    }
    EXPECT_EQ(space->statistics().ranges, 0U);
  }
}

TEST_P(IovaLimit, RangesEndAtTheLastByte) {
  const auto space = domain(1, kAllOnes - 16);
  EXPECT_EQ(place(*space, 1, kAllOnes), kAllOnes - 1);
  EXPECT_EQ(place(*space, 4, kAllOnes), kAllOnes - 7);
  EXPECT_EQ(place(*space, 8, kAllOnes), kAllOnes - 15);
  EXPECT_EQ(space->find(kAllOnes), std::nullopt);
  EXPECT_EQ(space->find_from(kAllOnes), std::nullopt);
  EXPECT_FALSE(space->reserve(kAllOnes - 16, kAllOnes));
  ASSERT_TRUE(space->find(kAllOnes - 1));
  EXPECT_EQ(space->find(kAllOnes - 1)->last(), kAllOnes - 1);
}

// The tree tells gaps of 2^31 pages and more from smaller ones, but not from one another.
TEST_P(IovaLimit, GapsTooSmallForAHugeRequestArePassedOver) {
  const std::uint64_t big = std::uint64_t{1} << 32;
  const Pfn top = 42 * big;
  for (const std::uint64_t granule : {1U, 4096U}) {
    // From the bottom: 2^33 pages less one, and then 40 gaps of 2^32 pages less one.
    const auto fresh = [&](std::uint64_t pages, Alignment alignment) {
      const auto space = domain(granule, 1);
      for (Pfn wall = 2 * big; wall <= top; wall += big) EXPECT_TRUE(space->reserve(wall, wall));
      return place(*space, pages, top, alignment);
    };
    EXPECT_EQ(fresh(big - 1, Alignment::kNone), top - big + 1);
    EXPECT_EQ(fresh(big, Alignment::kNone), big);
    EXPECT_EQ(fresh(2 * big - 1, Alignment::kNone), 1U);
    EXPECT_EQ(fresh(2 * big, Alignment::kNone), kNowhere);
    EXPECT_EQ(fresh(big / 2, Alignment::kNatural), top - big / 2);
    EXPECT_EQ(fresh(big / 2 + 1, Alignment::kNatural), big);
    EXPECT_EQ(fresh(big, Alignment::kNatural), big);
    EXPECT_EQ(fresh(big + 1, Alignment::kNatural), kNowhere);
  }
}

// Where just less than 2^31 pages, just that, and just more are asked for.
TEST_P(IovaLimit, TheLargestGapThatIsToldApartIsUsedToItsEnd) {
  const std::uint64_t cap = 0x7eff'ffff;
  for (const std::uint64_t gap : {cap - 1, cap, cap + 1}) {
    for (const std::uint64_t pages : {cap - 2, cap - 1, cap, cap + 1, cap + 2}) {
      const auto space = domain(4096, 0x1000);
      const bool fits = pages <= gap;
      EXPECT_EQ(place(*space, pages, 0x1000 + gap - 1, Alignment::kNone),
                fits ? 0x1000 + gap - pages : kNowhere)
          << gap << ' ' << pages;
    }
  }
}

TEST_P(IovaLimit, PagesMayBeAsLargeAsHalfOf64Bits) {
  const auto space = domain(std::uint64_t{1} << 63, 0);
  EXPECT_EQ(space->last(), 1U);
  EXPECT_EQ(place(*space, 1, kAllOnes), 1U);
  EXPECT_EQ(place(*space, 1, kAllOnes), 0U);
  EXPECT_EQ(place(*space, 1, kAllOnes), kNowhere);
  EXPECT_EQ(space->find_from(1)->first(), 1U);
}

}  // namespace
}  // namespace smmu::iommu::limit_test
