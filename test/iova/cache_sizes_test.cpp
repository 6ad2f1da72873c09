// Which requests the cache of a domain answers, and how many pages they get.
#include <gtest/gtest.h>

#include <bit>
#include <climits>
#include <cstdint>
#include <memory>
#include <system_error>
#include <utility>

#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"

namespace smmu::iommu::cache_sizes_test {
namespace {

// Pages that a request for so many gets, at a place that is aligned for them.
std::uint64_t given(IovaDomain& domain, std::uint64_t pages) {
  const auto first = domain.allocate_fast(pages, k32Bits);
  if (!first) return 0;
  const auto range = domain.find(*first);
  if (!range || range->first() != *first) return 0;
  EXPECT_EQ(*first % std::bit_ceil(pages), 0U) << pages;
  return range->pages();
}

// Whether a range of so many pages stays one when it is freed.
bool keeps(IovaDomain& domain, std::uint64_t pages) {
  const auto first = domain.allocate_fast(pages, k32Bits);
  EXPECT_TRUE(first) << pages;
  if (!first) return false;
  EXPECT_EQ(domain.free_fast(*first, pages), std::nullopt) << pages;
  return domain.find(*first).has_value();
}

// As Linux does up to 32 pages.
TEST(IovaCacheSizes, AreRoundedUpToAPowerOfTwoAsFarAsTheyAreKept) {
  const auto domain = domain_with({});
  for (std::uint64_t pages = 1; pages <= 32; ++pages) {
    EXPECT_EQ(given(*domain, pages), std::bit_ceil(pages));
  }
  for (const std::uint64_t pages : {33U, 48U, 63U, 64U, 100U})
    EXPECT_EQ(given(*domain, pages), pages);
}

TEST(IovaCacheSizes, AreKeptUpToTheLargest) {
  for (unsigned sizes = 1; sizes <= 16; ++sizes) {
    const std::uint64_t largest = std::uint64_t{1} << (sizes - 1);
    const auto domain = domain_with_cache({.sizes = sizes});
    EXPECT_TRUE(keeps(*domain, 1));
    EXPECT_TRUE(keeps(*domain, largest / 2 + 1));
    EXPECT_TRUE(keeps(*domain, largest));
    EXPECT_FALSE(keeps(*domain, largest + 1));
    if (largest > 2) {
      EXPECT_EQ(given(*domain, largest - 1), largest);
    }
    EXPECT_EQ(given(*domain, largest + 1), largest + 1);
  }
}

TEST(IovaCacheSizes, AreNotRoundedWhereNothingIsKept) {
  const auto domain = domain_with_cache({.sizes = 0});
  for (const std::uint64_t pages : {1U, 2U, 3U, 31U, 33U}) {
    EXPECT_FALSE(keeps(*domain, pages));
    EXPECT_EQ(given(*domain, pages), pages);
  }
  domain->flush_caches();
  EXPECT_EQ(domain->trim(0), 0U);
}

// A range is found again by any request that is rounded to the same size, and by no other.
TEST(IovaCacheSizes, ShareWhatIsRoundedToTheSame) {
  const auto domain = domain_with({});
  const auto four = domain->allocate_fast(4, k32Bits);
  ASSERT_TRUE(four);
  EXPECT_EQ(domain->free_fast(*four, 3), std::nullopt);
  const auto two = domain->allocate_fast(2, k32Bits);
  const auto eight = domain->allocate_fast(5, k32Bits);
  const auto three = domain->allocate_fast(3, k32Bits);
  ASSERT_TRUE(two && eight && three);
  EXPECT_NE(*two, *four);
  EXPECT_NE(*eight, *four);
  EXPECT_EQ(*three, *four);
}

TEST(IovaCacheSizes, RefuseNoPages) {
  for (const unsigned sizes : {0U, 6U, 16U}) {
    for (const bool checked : {false, true}) {
      const auto domain = domain_with_cache({.sizes = sizes, .checked = checked});
      const auto none = domain->allocate_fast(0, k32Bits);
      ASSERT_FALSE(none);
      EXPECT_EQ(none.error(), std::errc::invalid_argument);
      const auto one = domain->allocate_fast(1, k32Bits);
      ASSERT_TRUE(one);
      EXPECT_EQ(domain->free_fast(*one, 0), FreeFault::kWrongSize);
      EXPECT_EQ(domain->free_fast(*one - 1, 0), FreeFault::kForeignPfn);
      EXPECT_TRUE(domain->find(*one));
    }
  }
}

TEST(IovaCacheSizes, RefuseMoreThanThereIs) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  for (const unsigned sizes : {0U, 6U, 16U}) {
    const auto domain = domain_with_cache({.sizes = sizes});
    const auto one = domain->allocate_fast(1, k32Bits);
    ASSERT_TRUE(one);
    for (const std::uint64_t pages : {kHalf - 1, kHalf, kHalf + 1, ~std::uint64_t{0}}) {
      const auto range = domain->allocate_fast(pages, kAnywhere);
      ASSERT_FALSE(range) << pages;
      EXPECT_EQ(range.error(), std::errc::not_enough_memory);
      EXPECT_EQ(domain->free_fast(*one, pages), FreeFault::kWrongSize);
      EXPECT_EQ(domain->free_fast(*one - 1, pages), FreeFault::kForeignPfn);
    }
    EXPECT_TRUE(domain->find(*one));
  }
}

TEST(IovaCacheSizes, GoUpToHalfOfAllBytes) {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  auto domain = IovaDomain::create(1, 0);
  ASSERT_TRUE(domain);
  const auto half = (*domain)->allocate_fast(kHalf, kAnywhere);
  ASSERT_TRUE(half);
  EXPECT_EQ(*half, 0U);
  EXPECT_EQ((*domain)->free_fast(0, kHalf - 1), FreeFault::kWrongSize);
  EXPECT_EQ((*domain)->free_fast(0, kHalf), std::nullopt);
  EXPECT_EQ((*domain)->statistics().ranges, 0U);
}

TEST(IovaCacheSizes, AreLimited) {
  const auto refusal = [](const IovaCacheConfig& cache) {
    const auto made = IovaDomain::create(4096, 1, {.cache = cache});
    return made ? std::errc() : made.error();
  };
  for (const unsigned sizes : {17U, 64U, 65U, UINT_MAX}) {
    EXPECT_EQ(refusal({.sizes = sizes}), std::errc::invalid_argument) << sizes;
  }
  for (const unsigned magazine : {0U, 65537U, UINT_MAX}) {
    EXPECT_EQ(refusal({.magazine = magazine}), std::errc::invalid_argument) << magazine;
    EXPECT_EQ(refusal({.sizes = 0, .magazine = magazine}), std::errc::invalid_argument);
  }
  EXPECT_EQ(refusal({.sizes = 16, .magazine = 1}), std::errc());
  EXPECT_EQ(refusal({.sizes = 0, .magazine = 65536}), std::errc());
}

// 0 is a page like any other, as an answer and as a limit.
TEST(IovaCacheLimits, HavePageZero) {
  const auto domain = domain_with({}, 0);
  const auto zero = domain->allocate_fast(1, 0);
  ASSERT_TRUE(zero);
  EXPECT_EQ(*zero, 0U);
  EXPECT_FALSE(domain->allocate_fast(1, 0));
  EXPECT_EQ(domain->free_fast(0, 1), std::nullopt);
  EXPECT_EQ(domain->statistics().ranges, 1U);  // kept
  const auto again = domain->allocate_fast(1, 0);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, 0U);
}

TEST(IovaCacheLimits, MayBeBelowTheStart) {
  const auto domain = domain_with({}, 16);
  const auto first = domain->allocate_fast(1, 16);
  ASSERT_TRUE(first);
  EXPECT_EQ(domain->free_fast(*first, 1), std::nullopt);
  for (const Pfn limit : {0U, 15U}) {
    const auto range = domain->allocate_fast(1, limit, FlushOnFailure::kNo);
    ASSERT_FALSE(range);
    EXPECT_EQ(range.error(), std::errc::not_enough_memory);
  }
  const auto again = domain->allocate_fast(1, 16, FlushOnFailure::kNo);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *first);
}

TEST(IovaCacheLimits, MayBeAboveTheLastPage) {
  for (const std::uint64_t granule : {std::uint64_t{1}, std::uint64_t{4096}}) {
    auto made = IovaDomain::create(granule, 1);
    ASSERT_TRUE(made);
    IovaDomain& domain = **made;
    const auto top = domain.allocate_fast(1, kAnywhere);
    ASSERT_TRUE(top);
    EXPECT_EQ(*top, domain.last());
    EXPECT_EQ(domain.free_fast(*top, 1), std::nullopt);
    const auto again = domain.allocate_fast(1, kAnywhere);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *top);
  }
}

// All of a range is at the limit or below, to the page.
TEST(IovaCacheLimits, HoldForTheLastPageOfARange) {
  for (std::uint64_t pages = 1; pages <= 32; pages *= 2) {
    const auto domain = domain_with({});
    const auto high = domain->allocate_fast(pages, k32Bits);
    ASSERT_TRUE(high);
    EXPECT_EQ(*high + pages - 1, k32Bits);
    EXPECT_EQ(domain->free_fast(*high, pages), std::nullopt);
    const auto low = domain->allocate_fast(pages, k32Bits - 1);
    ASSERT_TRUE(low);
    EXPECT_EQ(*low + pages, *high);
    const auto again = domain->allocate_fast(pages, k32Bits);
    ASSERT_TRUE(again);
    EXPECT_EQ(*again, *high);
  }
}

}  // namespace
}  // namespace smmu::iommu::cache_sizes_test
