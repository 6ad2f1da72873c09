// A checked cache says what is wrong with a range that is freed, changes nothing then, and
// otherwise does what one that is not checked does.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <system_error>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"

namespace smmu::iommu::cache_checked_test {
namespace {

struct IovaChecked : ::testing::Test {
  Pfn allocate(std::uint64_t pages) {
    const auto first = domain->allocate_fast(pages, k32Bits);
    EXPECT_TRUE(first);
    return first ? *first : 0;
  }
  // Nobody else may have been given the range, and it can still be freed.
  void expect_unharmed(Pfn first, std::uint64_t pages) {
    const auto range = domain->find(first);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->first(), first);
    EXPECT_NE(allocate(pages), first);
    EXPECT_EQ(domain->free_fast(first, pages), std::nullopt);
  }

  std::unique_ptr<IovaDomain> domain = domain_with_cache({.checked = true});
};

TEST_F(IovaChecked, NamesFaults) {
  EXPECT_EQ(name(FreeFault::kWrongSize), "wrong size");
  EXPECT_EQ(name(FreeFault::kDoubleFree), "double free");
  EXPECT_EQ(name(FreeFault::kForeignPfn), "foreign pfn");
}

TEST_F(IovaChecked, FindsAWrongSize) {
  // 33 and more are not kept, neither as what they are nor as what they are said to be.
  for (const std::uint64_t pages : {1U, 4U, 32U, 33U, 40U, 64U}) {
    for (const std::uint64_t said : {1U, 2U, 3U, 4U, 8U, 17U, 33U, 40U, 64U, 1000U}) {
      const bool same_size =
          pages == said || (pages == 4 && said == 3) || (pages == 32 && said == 17);
      if (same_size) continue;
      const Pfn first = allocate(pages);
      EXPECT_EQ(domain->free_fast(first, said), FreeFault::kWrongSize) << pages << ' ' << said;
      expect_unharmed(first, pages);
    }
  }
}

TEST_F(IovaChecked, FindsADoubleFree) {
  for (const std::uint64_t pages : {1U, 4U, 32U}) {
    const Pfn first = allocate(pages);
    EXPECT_EQ(domain->free_fast(first, pages), std::nullopt);
    EXPECT_EQ(domain->free_fast(first, pages), FreeFault::kDoubleFree);
    EXPECT_EQ(domain->free_fast(first, 2 * pages), FreeFault::kDoubleFree);
    EXPECT_EQ(allocate(pages), first);
    EXPECT_NE(allocate(pages), first);
    EXPECT_EQ(domain->free_fast(first, pages), std::nullopt);
  }
}

// The second time it is nobody's range.
TEST_F(IovaChecked, FindsADoubleFreeOfWhatIsNotKept) {
  const Pfn large = allocate(40);
  EXPECT_EQ(domain->free_fast(large, 40), std::nullopt);
  EXPECT_EQ(domain->free_fast(large, 40), FreeFault::kForeignPfn);

  const Pfn small = allocate(4);
  EXPECT_EQ(domain->free_fast(small, 4), std::nullopt);
  domain->flush_caches();
  EXPECT_EQ(domain->free_fast(small, 4), FreeFault::kForeignPfn);
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaChecked, FindsADoubleFreeWhereverTheRangeIsKept) {
  domain = domain_with_cache({.magazine = 2, .checked = true});
  std::vector<Pfn> ranges;
  for (int i = 0; i != 20; ++i) ranges.push_back(allocate(1));
  for (const Pfn first : ranges) EXPECT_EQ(domain->free_fast(first, 1), std::nullopt);
  for (const Pfn first : ranges) {
    EXPECT_EQ(domain->free_fast(first, 1), FreeFault::kDoubleFree);
  }
  EXPECT_EQ(domain->trim(0), 16U);
  int kept = 0;
  for (const Pfn first : ranges) {
    const auto fault = domain->free_fast(first, 1);
    EXPECT_EQ(fault, domain->find(first) ? FreeFault::kDoubleFree : FreeFault::kForeignPfn);
    if (fault == FreeFault::kDoubleFree) ++kept;
  }
  EXPECT_EQ(kept, 4);
}

TEST_F(IovaChecked, FindsAForeignPfn) {
  const Pfn range = allocate(8);
  const auto window = domain->reserve(0x1000, 0x1003);
  ASSERT_TRUE(window);
  // In the middle of a range, beside it, reserved, free, and no page at all.
  for (const Pfn page : {range + 1, range + 7, range + 8, range - 1, Pfn{0x1000}, Pfn{0x1001},
                         Pfn{0}, domain->last(), domain->last() + 1, ~Pfn{0}}) {
    for (const std::uint64_t pages : {1U, 4U, 8U, 40U}) {
      EXPECT_EQ(domain->free_fast(page, pages), FreeFault::kForeignPfn) << page << ' ' << pages;
    }
  }
  EXPECT_TRUE(domain->is_reserved(*domain->find(0x1000)));
  expect_unharmed(range, 8);
}

// A range of allocate() may be freed here if it is one as allocate_fast() would have given.
TEST_F(IovaChecked, TakesRangesOfTheTree) {
  for (const std::uint64_t pages : {1U, 4U, 33U, 40U}) {
    const auto range = domain->allocate(pages, k32Bits);
    ASSERT_TRUE(range);
    EXPECT_EQ(domain->free_fast(range->first(), pages), std::nullopt);
  }
  for (const std::uint64_t pages : {3U, 5U, 31U}) {
    const auto range = domain->allocate(pages, k32Bits);
    ASSERT_TRUE(range);
    EXPECT_EQ(domain->free_fast(range->first(), pages), FreeFault::kWrongSize) << pages;
    EXPECT_TRUE(domain->free(*range));
  }
}

// However somebody tries, what is kept is not freed again.
TEST_F(IovaChecked, RefusesToFreeWhatIsKept) {
  const Pfn first = allocate(4);
  EXPECT_EQ(domain->free_fast(first, 4), std::nullopt);
  const auto range = domain->find(first);
  ASSERT_TRUE(range);
  EXPECT_FALSE(domain->free(*range));
  for (Pfn page = first; page != first + 4; ++page) {
    const auto freed = domain->free(page);
    ASSERT_FALSE(freed);
    EXPECT_EQ(freed.error(), std::errc::invalid_argument);
  }
  for (const Pfn last : {first, first + 1, first + 3}) {
    EXPECT_FALSE(domain->split_and_remove(*range, first, last));
  }
  EXPECT_EQ(domain->find(first), *range);
  EXPECT_EQ(allocate(4), first);
  EXPECT_TRUE(domain->free(*range));
  EXPECT_NE(domain->free_fast(first, 4), std::nullopt);
}

// What is not kept is always looked at.
TEST(IovaUnchecked, FindsWhatIsWrongWithLargeRanges) {
  const auto domain = domain_with({});
  const auto large = domain->allocate_fast(40, k32Bits);
  ASSERT_TRUE(large);
  EXPECT_EQ(domain->free_fast(*large, 41), FreeFault::kWrongSize);
  EXPECT_EQ(domain->free_fast(*large + 1, 40), FreeFault::kForeignPfn);
  EXPECT_EQ(domain->free_fast(*large, 40), std::nullopt);
  EXPECT_EQ(domain->free_fast(*large, 40), FreeFault::kForeignPfn);
}

// As in Linux; and when such ranges go back, only what is a range is freed and counted.
TEST(IovaUnchecked, GivesTwiceWhatIsFreedTwice) {
  const auto domain = domain_with_cache({.magazine = 2});
  const auto first = domain->allocate_fast(1, k32Bits);
  ASSERT_TRUE(first);
  for (int i = 0; i != 2; ++i) EXPECT_EQ(domain->free_fast(*first, 1), std::nullopt);
  for (int i = 0; i != 2; ++i) EXPECT_EQ(*domain->allocate_fast(1, k32Bits), *first);
  for (int i = 0; i != 7; ++i) EXPECT_EQ(domain->free_fast(*first, 1), std::nullopt);
  EXPECT_EQ(domain->trim(0), 1U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

// Whatever was freed: the domain is whole when it has all back.
TEST(IovaUnchecked, SurvivesWhateverIsFreed) {
  const unsigned seed = 20261130;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  const auto domain = domain_with_cache({.magazine = 3}, 0);
  for (int i = 0; i != 20'000; ++i) {
    const std::uint64_t pages = random() % 40;
    switch (random() % 8) {
      case 0:
        (void)domain->free_fast(random(), pages);
        break;
      case 1:
      case 2:
      case 3:
        (void)domain->free_fast(random() % 256, pages);
        break;
      case 4:
        (void)domain->free(random() % 256);
        break;
      case 5:
        if (random() % 16 == 0) domain->flush_caches();
        break;
      default:
        (void)domain->allocate_fast(pages, random() % 256);
    }
  }
  domain->flush_caches();
  for (Pfn page = 0; page != 256; ++page) (void)domain->free(page);
  EXPECT_EQ(domain->statistics().ranges, 0U);
  EXPECT_EQ(*domain->allocate_fast(256, 255), 0U);
}

// Random requests of one thread, which both answer the same.
TEST(IovaCheckedAndNot, AreTheSame) {
  const unsigned seed = 20261130;
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    for (const unsigned magazine : {1U, 5U, 127U}) {
      const auto plain =
          domain_with({.order = order, .cache = {.magazine = magazine, .checked = false}});
      const auto checked =
          domain_with({.order = order, .cache = {.magazine = magazine, .checked = true}});
      struct Live {
        Pfn first;
        std::uint64_t pages;
      };
      std::vector<Live> live;
      const auto both = [&](auto&& ask) {
        const auto answer = ask(*plain);
        EXPECT_EQ(ask(*checked), answer);
        return answer;
      };
      for (int i = 0; i != 20'000; ++i) {
        const auto choice = random() % 1000;
        const std::uint64_t pages = random() % 4 == 0 ? random() % 50 : 1 + random() % 4;
        const Pfn limit = random() % 8 == 0 ? 2047 - random() % 1024 : 2047;
        if (choice < 500) {
          const auto flush = choice % 2 == 0 ? FlushOnFailure::kYes : FlushOnFailure::kNo;
          const auto first = both([&](IovaDomain& domain) -> std::optional<Pfn> {
            const auto given = domain.allocate_fast(pages, limit, flush);
            return given ? std::optional(*given) : std::nullopt;
          });
          if (first) live.push_back({*first, pages});
        } else if (choice < 990) {
          if (live.empty()) continue;
          const std::size_t which = random() % live.size();
          const Pfn first = live[which].first;
          const std::uint64_t had = live[which].pages;
          live[which] = live.back();
          live.pop_back();
          both([&](IovaDomain& domain) { return domain.free_fast(first, had); });
        } else if (choice < 995) {
          const auto most = random() % 4;
          both([&](IovaDomain& domain) { return domain.trim(most); });
        } else {
          both([](IovaDomain& domain) { return domain.flush_caches(), 0; });
        }
        both([](IovaDomain& domain) { return domain.statistics().ranges; });
        ASSERT_FALSE(HasFailure()) << i;
      }
    }
  }
}

}  // namespace
}  // namespace smmu::iommu::cache_checked_test
