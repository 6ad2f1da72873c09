// What a thread keeps of the ranges it frees, in which order it uses them again, and what becomes
// of them otherwise.  One thread.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <system_error>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"

namespace smmu::iommu::cache_magazines_test {
namespace {

std::vector<Pfn> allocate(IovaDomain& domain, std::size_t ranges, std::uint64_t pages = 1) {
  std::vector<Pfn> all;
  for (std::size_t i = 0; i != ranges; ++i) {
    const auto first = domain.allocate_fast(pages, k32Bits, FlushOnFailure::kNo);
    EXPECT_TRUE(first);
    all.push_back(first ? *first : 0);
  }
  return all;
}

void free(IovaDomain& domain, const std::vector<Pfn>& ranges, std::uint64_t pages = 1) {
  for (const Pfn first : ranges) EXPECT_EQ(domain.free_fast(first, pages), std::nullopt);
}

// Frees so many ranges, all of which are new, so that this thread keeps as many.
std::vector<Pfn> keep(IovaDomain& domain, std::size_t ranges, std::uint64_t pages = 1) {
  const std::vector<Pfn> all = allocate(domain, ranges, pages);
  free(domain, all, pages);
  return all;
}

class IovaMagazines : public ::testing::TestWithParam<unsigned> {
 protected:
  unsigned capacity() const { return GetParam(); }
  std::unique_ptr<IovaDomain> domain = domain_with_cache({.magazine = GetParam()});
};

INSTANTIATE_TEST_SUITE_P(OfCapacity, IovaMagazines, ::testing::Values(1U, 2U, 3U, 127U));

// The last that was freed is the first to be used, whatever number of magazines that takes; and
// then the ranges are asked for one more, which is new.
TEST_P(IovaMagazines, GiveTheNewestFirst) {
  for (const unsigned ranges :
       {1U, capacity(), capacity() + 1, 2 * capacity(), 2 * capacity() + 1, 3 * capacity(),
        3 * capacity() + 1, 5 * capacity(), 10 * capacity() + 1}) {
    std::vector<Pfn> kept = keep(*domain, ranges);
    EXPECT_EQ(domain->statistics().ranges, ranges);
    std::ranges::reverse(kept);
    EXPECT_EQ(allocate(*domain, ranges), kept) << ranges;
    EXPECT_EQ(domain->statistics().ranges, ranges);
    const Pfn fresh = allocate(*domain, 1).front();
    EXPECT_EQ(domain->statistics().ranges, ranges + 1);
    EXPECT_EQ(std::ranges::count(kept, fresh), 0);
    kept.push_back(fresh);
    free(*domain, kept);
    domain->flush_caches();
    EXPECT_EQ(domain->statistics().ranges, 0U);
  }
}

// Around the edges of magazines nothing is lost, given twice, or searched for.
TEST_P(IovaMagazines, LoseNothingAtTheirEdges) {
  const std::vector<Pfn> all = keep(*domain, 4 * capacity() + 2);
  const std::set<Pfn> distinct(all.begin(), all.end());
  ASSERT_EQ(distinct.size(), all.size());
  for (unsigned held = 0; held <= all.size(); ++held) {
    for (unsigned around = 1; around <= std::min<std::size_t>(all.size() - held, 3); ++around) {
      std::vector<Pfn> taken = allocate(*domain, held);
      for (int i = 0; i != 3; ++i) free(*domain, allocate(*domain, around));
      const std::vector<Pfn> rest = allocate(*domain, all.size() - held);
      taken.insert(taken.end(), rest.begin(), rest.end());
      ASSERT_EQ(std::set<Pfn>(taken.begin(), taken.end()), distinct) << held << ' ' << around;
      free(*domain, taken);
    }
  }
  EXPECT_EQ(domain->statistics().ranges, all.size());
}

// Two magazines are the thread's; only what is more can be trimmed.
TEST_P(IovaMagazines, AreTrimmedDownToANumber) {
  const unsigned c = capacity();
  EXPECT_EQ(domain->trim(0), 0U);
  std::vector<Pfn> all = keep(*domain, 2 * c);
  EXPECT_EQ(domain->trim(0), 0U);
  EXPECT_EQ(domain->statistics().ranges, 2 * c);

  all = keep(*domain, 7 * c + 1);  // six full ones are nobody's, and one range is at hand
  EXPECT_EQ(domain->trim(std::numeric_limits<std::uint64_t>::max()), 0U);
  EXPECT_EQ(domain->trim(6), 0U);
  EXPECT_EQ(domain->trim(5), c);
  EXPECT_EQ(domain->trim(5), 0U);
  EXPECT_EQ(domain->statistics().ranges, 6 * c + 1);
  EXPECT_EQ(domain->trim(2), 3 * c);
  EXPECT_EQ(domain->trim(0), 2 * c);
  EXPECT_EQ(domain->statistics().ranges, c + 1);

  // What was freed is free, and the others are still kept.
  const std::vector<Pfn> kept = allocate(*domain, c + 1);
  EXPECT_EQ(domain->statistics().ranges, c + 1);
  const auto gone = std::ranges::count_if(all, [&](Pfn page) { return !domain->find(page); });
  EXPECT_EQ(gone, 6 * c);
  for (const Pfn page : kept) EXPECT_EQ(std::ranges::count(all, page), 1);
}

TEST(IovaMagazinesTogether, AreTrimmedOfEachSize) {
  const auto domain = domain_with_cache({.sizes = 3, .magazine = 2});
  keep(*domain, 7, 1);  // two magazines more than a thread's own
  keep(*domain, 5, 2);  // one
  keep(*domain, 9, 4);  // three
  EXPECT_EQ(domain->trim(1), 2U * (1 + 0 + 2));
  EXPECT_EQ(domain->trim(0), 2U * 3);
  EXPECT_EQ(domain->statistics().ranges, 7U + 5 + 9 - 12);
}

// It does not matter from where a range was, and whether it was from here.
TEST(IovaMagazinesTogether, TakeRangesOfTheTree) {
  const auto domain = domain_with({});
  const auto range = domain->allocate(8, k32Bits);
  ASSERT_TRUE(range);
  EXPECT_EQ(domain->free_fast(range->first(), 8), std::nullopt);
  EXPECT_EQ(domain->find(range->first()), *range);
  EXPECT_EQ(allocate(*domain, 1, 8).front(), range->first());
  EXPECT_TRUE(domain->free(*range));
}

// All that is at hand is looked through from the newest on, and what is put in the place of the one
// that is taken is the newest.
TEST(IovaMagazinesTogether, LookForARangeBelowTheLimit) {
  const auto domain = domain_with({});
  const std::vector<Pfn> ranges = allocate(*domain, 5);  // from the top down
  const Pfn lowest = ranges[4];
  free(*domain, {ranges[4], ranges[3], ranges[0], ranges[1], ranges[2]});
  const auto low = domain->allocate_fast(1, ranges[3]);
  ASSERT_TRUE(low);
  EXPECT_EQ(*low, ranges[3]);
  const auto lower = domain->allocate_fast(1, lowest);
  ASSERT_TRUE(lower);
  EXPECT_EQ(*lower, lowest);
  EXPECT_EQ(domain->statistics().ranges, 5U);
  // None fits, so a new one does; the others stay.
  const auto fresh = domain->allocate_fast(1, lowest);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(*fresh, lowest - 1);
  EXPECT_EQ(domain->statistics().ranges, 6U);
  const std::vector<Pfn> others = allocate(*domain, 3);
  EXPECT_EQ(std::set<Pfn>(others.begin(), others.end()),
            std::set<Pfn>({ranges[0], ranges[1], ranges[2]}));
  EXPECT_EQ(domain->statistics().ranges, 6U);
}

// As in Linux, the other magazine is not looked at while there is something at hand.
TEST(IovaMagazinesTogether, LookNowhereElseForALimit) {
  const auto domain = domain_with_cache({.magazine = 1});
  const std::vector<Pfn> ranges = allocate(*domain, 2);
  free(*domain, {ranges[1], ranges[0]});
  const auto fresh = domain->allocate_fast(1, ranges[1]);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(*fresh, ranges[1] - 1);
  EXPECT_EQ(allocate(*domain, 2), (std::vector<Pfn>{ranges[0], ranges[1]}));
}

// A magazine of the depot is fetched for a request that it may not help.
TEST(IovaMagazinesTogether, FetchOneThatDoesNotFit) {
  const auto domain = domain_with_cache({.magazine = 1});
  const std::vector<Pfn> ranges = allocate(*domain, 3);
  free(*domain, ranges);
  EXPECT_EQ(allocate(*domain, 2), (std::vector<Pfn>{ranges[2], ranges[1]}));
  const auto low = domain->allocate_fast(1, ranges[2]);
  ASSERT_TRUE(low);
  EXPECT_EQ(*low, ranges[2] - 1);
  EXPECT_EQ(allocate(*domain, 1).front(), ranges[0]);
}

TEST(IovaMagazinesTogether, AreFlushed) {
  const auto domain = domain_with_cache({.sizes = 4, .magazine = 3});
  std::vector<Pfn> pages[4];
  for (unsigned size = 0; size != 4; ++size) pages[size] = keep(*domain, 20, 1U << size);
  const std::vector<Pfn> used = allocate(*domain, 2, 4);
  EXPECT_EQ(domain->statistics().ranges, 80U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 2U);
  for (const auto& ranges : pages) {
    for (const Pfn page : ranges) {
      EXPECT_EQ(domain->find(page).has_value(), std::ranges::count(used, page) != 0);
    }
  }
  // And then kept again.
  free(*domain, used, 4);
  EXPECT_EQ(domain->statistics().ranges, 2U);
  EXPECT_EQ(allocate(*domain, 1, 4).front(), used[1]);
  domain->flush_caches();
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 1U);
}

// 15 pages, of which all are kept one by one.
struct IovaFlushOnFailure : ::testing::Test {
  IovaFlushOnFailure() { keep(*domain, 15, 1); }
  std::vector<Pfn> allocate(IovaDomain& of, std::size_t ranges, std::uint64_t pages) {
    std::vector<Pfn> all;
    for (std::size_t i = 0; i != ranges; ++i) all.push_back(*of.allocate_fast(pages, 15));
    return all;
  }
  void keep(IovaDomain& of, std::size_t ranges, std::uint64_t pages) {
    free(of, allocate(of, ranges, pages), pages);
  }
  std::unique_ptr<IovaDomain> domain = domain_with({});
};

TEST_F(IovaFlushOnFailure, TakesBackWhatIsKept) {
  const auto refused = domain->allocate_fast(8, 15, FlushOnFailure::kNo);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::not_enough_memory);
  EXPECT_EQ(domain->statistics().ranges, 15U);
  const auto given = domain->allocate_fast(8, 15, FlushOnFailure::kYes);
  ASSERT_TRUE(given);
  EXPECT_EQ(*given, 8U);
  EXPECT_EQ(domain->statistics().ranges, 1U);
}

TEST_F(IovaFlushOnFailure, IsTheDefault) { EXPECT_TRUE(domain->allocate_fast(8, 15)); }

TEST_F(IovaFlushOnFailure, IsForLargeRangesToo) {
  auto large = domain_with_cache({.sizes = 2});
  keep(*large, 15, 1);
  EXPECT_FALSE(large->allocate_fast(7, 15, FlushOnFailure::kNo));
  const auto given = large->allocate_fast(7, 15);
  ASSERT_TRUE(given);
  EXPECT_EQ(*given, 8U);
}

TEST_F(IovaFlushOnFailure, MayBeInVain) {
  const auto refused = domain->allocate_fast(16, 15, FlushOnFailure::kYes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::not_enough_memory);
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaFlushOnFailure, IsNotForWhatIsInvalid) {
  EXPECT_EQ(domain->allocate_fast(0, 15).error(), std::errc::invalid_argument);
  EXPECT_EQ(domain->statistics().ranges, 15U);
}

// Linux's memo of the last refusal is of no consequence, because what is flushed ends it.
TEST_F(IovaFlushOnFailure, EndsTheMemoOfLinux) {
  const auto linux_exact =
      domain_with({.order = IovaOrder::kLinuxExact, .failure_memo = FailureMemo::kOn});
  keep(*linux_exact, 15, 1);
  EXPECT_FALSE(linux_exact->allocate_fast(8, 15, FlushOnFailure::kNo));
  EXPECT_TRUE(linux_exact->allocate_fast(8, 15));
}

TEST(IovaMagazinesTogether, AreEmptyAfterReset) {
  const auto domain = domain_with_cache({.magazine = 2});
  const std::vector<Pfn> ranges = keep(*domain, 20);
  domain->reset();
  EXPECT_EQ(domain->statistics().ranges, 0U);
  EXPECT_EQ(allocate(*domain, 1).front(), k32Bits);
  EXPECT_EQ(domain->statistics().ranges, 1U);
  EXPECT_EQ(domain->trim(0), 0U);
  free(*domain, {k32Bits});
  EXPECT_EQ(allocate(*domain, 1).front(), k32Bits);
}

TEST(IovaMagazinesTogether, AreLarge) {
  const auto domain = domain_with_cache({.sizes = 1, .magazine = 65536});
  std::vector<Pfn> kept = keep(*domain, 3 * 65536 + 1);
  EXPECT_EQ(domain->trim(1), 65536U);
  kept = allocate(*domain, 2 * 65536 + 1);
  EXPECT_EQ(domain->statistics().ranges, kept.size());
  EXPECT_EQ(std::set<Pfn>(kept.begin(), kept.end()).size(), kept.size());
}

TEST(IovaMagazinesTogether, AreOfOneThreadsDomain) {
  const auto domain = domain_with({.threads = Threads::kOne, .cache = {.magazine = 2}});
  std::vector<Pfn> kept = keep(*domain, 9);
  std::ranges::reverse(kept);
  EXPECT_EQ(allocate(*domain, 9), kept);
  free(*domain, kept);
  EXPECT_EQ(domain->trim(1), 4U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

}  // namespace
}  // namespace smmu::iommu::cache_magazines_test
