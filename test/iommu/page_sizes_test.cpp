#include "lib/iommu/page_sizes.h"

#include <gtest/gtest.h>

#include <random>

namespace smmu::iommu::page_sizes_test {
namespace {

constexpr std::uint64_t k4K = 1ull << 12;
constexpr std::uint64_t k16K = 1ull << 14;
constexpr std::uint64_t k64K = 1ull << 16;
constexpr std::uint64_t k1M = 1ull << 20;
constexpr std::uint64_t k2M = 1ull << 21;
constexpr std::uint64_t k16M = 1ull << 24;
constexpr std::uint64_t k32M = 1ull << 25;
constexpr std::uint64_t k512M = 1ull << 29;
constexpr std::uint64_t k1G = 1ull << 30;
constexpr std::uint64_t kSizes4K = k4K | k2M | k1G;

static_assert(choose_pages(kSizes4K, 0x1000, 0x5000, k4K) == PageRun{k4K, 1});

TEST(PageSizes, TheLargestThatFitsAndIsAlignedIsChosen) {
  EXPECT_EQ(choose_pages(kSizes4K, 0, 0, k2M), (PageRun{k2M, 1}));
  EXPECT_EQ(choose_pages(kSizes4K, 0, 0, k1G), (PageRun{k1G, 1}));
  EXPECT_EQ(choose_pages(kSizes4K, k1G, k1G * 5, k1G * 3), (PageRun{k1G, 3}));
  EXPECT_EQ(choose_pages(kSizes4K, 0, 0, k2M - k4K), (PageRun{k4K, 511}));
}

TEST(PageSizes, AddressesThatDisagreeAreMappedBySmallPagesAlone) {
  EXPECT_EQ(choose_pages(kSizes4K, 0, k4K, k2M * 4), (PageRun{k4K, 2048}));
  EXPECT_EQ(choose_pages(kSizes4K, k4K, k4K * 3, k1G), (PageRun{k4K, k1G / k4K}));
}

TEST(PageSizes, SmallPagesEndWhereTheNextSizeCanGoOn) {
  // One page before 2M, then 2M fits.
  EXPECT_EQ(choose_pages(kSizes4K, k2M - k4K, k2M * 9 - k4K, k2M + k4K), (PageRun{k4K, 1}));
  // It does not fit: no reason to stop.
  EXPECT_EQ(choose_pages(kSizes4K, k2M - k4K, k2M * 9 - k4K, k2M), (PageRun{k4K, 512}));
  // Blocks before a larger one.
  EXPECT_EQ(choose_pages(kSizes4K, k1G - k2M, k1G - k2M, k2M + k1G), (PageRun{k2M, 1}));
}

TEST(PageSizes, AStraddlingRangeHasAHeadABodyAndATail) {
  std::uint64_t at = k2M - 2 * k4K;
  std::uint64_t left = 2 * k4K + k2M + 3 * k4K;
  const PageRun runs[] = {{k4K, 2}, {k2M, 1}, {k4K, 3}};
  for (const PageRun& expected : runs) {
    const PageRun run = choose_pages(kSizes4K, at, at, left);
    EXPECT_EQ(run, expected);
    at += run.page_size * run.count;
    left -= run.page_size * run.count;
  }
  EXPECT_EQ(left, 0u);
}

TEST(PageSizes, TheTopOfTheAddressSpaceIsNoBoundaryToGoOnBehind) {
  constexpr std::uint64_t top = 0 - k2M;
  EXPECT_EQ(choose_pages(kSizes4K, top, top, k2M), (PageRun{k2M, 1}));
  EXPECT_EQ(choose_pages(kSizes4K, top + k4K, top + k4K, k2M - k4K), (PageRun{k4K, 511}));
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  EXPECT_EQ(choose_pages(k4K | half, 0, 0, half), (PageRun{half, 1}));
  EXPECT_EQ(choose_pages(k4K | half, half - k4K, half - k4K, half + k4K), (PageRun{k4K, 1}));
}

// The rules in their own words, one page at a time.
PageRun chosen_slowly(std::uint64_t sizes, std::uint64_t iova, std::uint64_t pa,
                      std::uint64_t size) {
  const auto possible = [&](std::uint64_t page, std::uint64_t at) {
    return (iova + at) % page == 0 && (pa + at) % page == 0 && size - at >= page;
  };
  std::uint64_t page = 0;
  std::uint64_t next = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::uint64_t candidate = std::uint64_t{1} << bit;
    if ((sizes & candidate) != 0 && possible(candidate, 0)) page = candidate;
  }
  for (unsigned bit = 63; bit < 64; --bit) {
    const std::uint64_t candidate = std::uint64_t{1} << bit;
    if ((sizes & candidate) != 0 && candidate > page) next = candidate;
  }
  std::uint64_t count = 0;
  for (std::uint64_t at = 0; size - at >= page; at += page) {
    if (at != 0 && next != 0 && possible(next, at)) break;
    ++count;
  }
  return {page, count};
}

TEST(PageSizes, ManyRangesAreCutAsTheRulesSay) {
  std::mt19937_64 random(1);
  const std::uint64_t sets[] = {kSizes4K, k16K | k32M,      k64K | k512M, k4K | k64K | k1M | k16M,
                                k4K,      k4K | k16K | k64K};
  for (int round = 0; round < 20000; ++round) {
    const std::uint64_t sizes = sets[random() % std::size(sets)];
    const std::uint64_t smallest = smallest_page(sizes);
    const std::uint64_t coarse = smallest << (random() % 10);
    const std::uint64_t iova = random() % 4096 * coarse;
    const std::uint64_t pa =
        random() % 2 == 0 ? iova + random() % 4 * coarse : random() % 4096 * smallest;
    const std::uint64_t size = (1 + random() % 2048) * smallest;
    ASSERT_EQ(choose_pages(sizes, iova, pa, size), chosen_slowly(sizes, iova, pa, size))
        << std::hex << sizes << ' ' << iova << ' ' << pa << ' ' << size;
  }
}

}  // namespace
}  // namespace smmu::iommu::page_sizes_test
