// What becomes of a thread's ranges when it ends, and of a thread when a domain ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"

namespace smmu::iommu::thread_end_test {
namespace {

// Allocates so many ranges and frees them again, so that the calling thread keeps them.
std::vector<Pfn> keep(IovaDomain& domain, std::size_t ranges, std::uint64_t pages = 1) {
  std::vector<Pfn> all;
  for (std::size_t i = 0; i != ranges; ++i) {
    const auto first = domain.allocate_fast(pages, k32Bits);
    EXPECT_TRUE(first);
    all.push_back(first ? *first : 0);
  }
  for (const Pfn first : all) EXPECT_EQ(domain.free_fast(first, pages), std::nullopt);
  return all;
}

template <class Do>
void in_a_thread(Do something) {
  std::thread(something).join();
}

TEST(IovaThreadConcurrency, GivesBackWhatItKeeps) {
  for (const bool checked : {false, true}) {
    const auto domain = domain_with_cache({.checked = checked});
    in_a_thread([&] {
      for (const std::uint64_t pages : {1U, 4U, 32U}) keep(*domain, 254, pages);
      EXPECT_EQ(domain->statistics().ranges, 3U * 254);
    });
    EXPECT_EQ(domain->statistics().ranges, 0U);
    EXPECT_TRUE(domain->allocate_fast(k32Bits / 2, k32Bits));
  }
}

// The depot is nobody's: other threads find it.
TEST(IovaThreadConcurrency, LeavesTheDepotToOthers) {
  const auto domain = domain_with_cache({.magazine = 10});
  std::vector<Pfn> kept;
  in_a_thread([&] { kept = keep(*domain, 55); });
  EXPECT_EQ(domain->statistics().ranges, 40U);
  std::set<Pfn> found;
  in_a_thread([&] {
    for (int i = 0; i != 40; ++i) found.insert(*domain->allocate_fast(1, k32Bits));
    EXPECT_EQ(domain->statistics().ranges, 40U);
    for (const Pfn first : found) EXPECT_EQ(domain->free_fast(first, 1), std::nullopt);
  });
  EXPECT_EQ(found.size(), 40U);
  for (const Pfn first : found) EXPECT_EQ(std::count(kept.begin(), kept.end(), first), 1);
}

// Memory of a thread is used again by the next, and given back when it is trimmed.
TEST(IovaThreadConcurrency, GivesItsMemoryBack) {
  const auto domain = domain_with({});
  in_a_thread([&] { keep(*domain, 100); });
  domain->trim(0);
  const std::uint64_t before = domain->statistics().bytes;
  for (int i = 0; i != 5; ++i) {
    in_a_thread([&] { keep(*domain, 100); });
    EXPECT_GT(domain->statistics().bytes, before);
  }
  domain->trim(0);
  EXPECT_EQ(domain->statistics().bytes, before);
}

// What one allocates another frees, and keeps for itself.
TEST(IovaThreadConcurrency, KeepsWhatOthersHaveAllocated) {
  const auto domain = domain_with({});
  const Pfn first = *domain->allocate_fast(4, k32Bits);
  in_a_thread([&] {
    EXPECT_EQ(domain->free_fast(first, 4), std::nullopt);
    EXPECT_EQ(*domain->allocate_fast(4, k32Bits), first);
    EXPECT_EQ(domain->free_fast(first, 4), std::nullopt);
  });
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST(IovaThreadConcurrency, OutlivesADomain) {
  auto first = domain_with({});
  auto second = domain_with({});
  std::barrier step(2);
  std::thread thread([&] {
    keep(*first, 300);
    keep(*second, 300);
    step.arrive_and_wait();
    step.arrive_and_wait();  // the first is gone
    EXPECT_EQ(keep(*second, 1).size(), 1U);
    {
      // One that may have the memory of the other, and has nothing else of it.
      const auto third = domain_with({});
      EXPECT_EQ(keep(*third, 1).front(), k32Bits);
      EXPECT_EQ(third->statistics().ranges, 1U);
    }
    step.arrive_and_wait();
    step.arrive_and_wait();  // so is the second
  });
  step.arrive_and_wait();
  first.reset();
  step.arrive_and_wait();
  step.arrive_and_wait();
  second.reset();
  step.arrive_and_wait();
  thread.join();
}

// More than a thread finds at once, some of which are gone before it is.
TEST(IovaThreadConcurrency, HasManyDomains) {
  constexpr std::size_t kDomains = 50;
  std::vector<std::unique_ptr<IovaDomain>> domains;
  for (std::size_t i = 0; i != kDomains; ++i) domains.push_back(domain_with({}));
  std::barrier step(4);
  const auto run = [&] {
    std::vector<Pfn> kept;
    for (const auto& domain : domains) kept.push_back(keep(*domain, 1).front());
    // Each domain's own is found again, and not that of one that shares the place.
    for (int round = 0; round != 3; ++round) {
      for (std::size_t i = 0; i != kDomains; ++i) {
        const auto again = domains[i]->allocate_fast(1, k32Bits);
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, kept[i]);
        EXPECT_EQ(domains[i]->free_fast(*again, 1), std::nullopt);
      }
    }
    step.arrive_and_wait();
    step.arrive_and_wait();  // every third is gone
    for (std::size_t i = 0; i != kDomains; ++i) {
      if (!domains[i]) continue;
      EXPECT_EQ(*domains[i]->allocate_fast(1, k32Bits), kept[i]);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i != 3; ++i) threads.emplace_back(run);
  step.arrive_and_wait();
  for (const auto& domain : domains) EXPECT_EQ(domain->statistics().ranges, 3U);
  for (std::size_t i = 0; i < kDomains; i += 3) domains[i].reset();
  step.arrive_and_wait();
  for (std::thread& thread : threads) thread.join();
  for (const auto& domain : domains) {
    if (!domain) continue;
    EXPECT_EQ(domain->statistics().ranges, 3U);  // which are in use
  }
}

// Domains come and go while threads that use others come and go.
TEST(IovaThreadConcurrency, EndsWhileDomainsEnd) {
  std::vector<std::thread> threads;
  const auto lasting = domain_with_cache({.magazine = 2});
  for (int i = 0; i != 3; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round != 200; ++round) {
        auto domain = domain_with_cache({.magazine = 2});
        std::thread other([&] {
          keep(*domain, 5);
          keep(*lasting, 5);
        });
        keep(*domain, 5);
        other.join();
        EXPECT_EQ(keep(*lasting, 1).size(), 1U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  lasting->trim(0);
  EXPECT_EQ(lasting->statistics().ranges, 0U);
}

// Lives as long as its thread, and uses domains at its end.
struct AtTheEnd {
  ~AtTheEnd() {
    if (domain) *answer = domain->free_fast(first, 1);
    if (!then) return;
    const auto more = then->allocate_fast(1, k32Bits);
    if (more) (void)then->free_fast(*more, 1);
  }
  IovaDomain* domain = nullptr;
  Pfn first = 0;
  std::optional<FreeFault>* answer = nullptr;
  IovaDomain* then = nullptr;
};
thread_local AtTheEnd at_the_end;

// Before the end of the thread's caches, or after it: what was made first ends last.
TEST(IovaThreadConcurrency, MayFreeAtTheEndOfItsObjects) {
  for (const bool checked : {false, true}) {
    for (const bool after : {false, true}) {
      const auto domain = domain_with_cache({.checked = checked});
      const auto unused = domain_with_cache({.checked = checked});
      std::optional<FreeFault> answer = FreeFault::kForeignPfn;
      in_a_thread([&] {
        if (after) at_the_end.domain = nullptr;
        const Pfn first = *domain->allocate_fast(1, k32Bits);
        keep(*domain, 3);
        at_the_end.domain = domain.get();
        at_the_end.first = first;
        at_the_end.answer = &answer;
        at_the_end.then = unused.get();
      });
      EXPECT_EQ(answer, std::nullopt);
      EXPECT_EQ(domain->statistics().ranges, 0U) << after;
      EXPECT_EQ(unused->statistics().ranges, 0U);
    }
  }
}

// A thread that uses a domain for the first time when its objects end.
TEST(IovaThreadConcurrency, MayBeginAtItsEnd) {
  const auto domain = domain_with({});
  const Pfn first = *domain->allocate_fast(1, k32Bits);
  std::optional<FreeFault> answer = FreeFault::kForeignPfn;
  in_a_thread([&] {
    at_the_end.domain = domain.get();
    at_the_end.first = first;
    at_the_end.answer = &answer;
    at_the_end.then = domain.get();
  });
  EXPECT_EQ(answer, std::nullopt);
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

// One at a time, whichever: there is one cache, which stays when a thread ends.
TEST(IovaThreadConcurrency, SharesTheCacheOfOneThreadsDomain) {
  auto domain = domain_with({.threads = Threads::kOne});
  std::vector<Pfn> kept;
  in_a_thread([&] { kept = keep(*domain, 2); });
  EXPECT_EQ(domain->statistics().ranges, 2U);
  EXPECT_EQ(*domain->allocate_fast(1, k32Bits), kept[1]);
  in_a_thread([&] {
    EXPECT_EQ(*domain->allocate_fast(1, k32Bits), kept[0]);
    EXPECT_EQ(domain->free_fast(kept[0], 1), std::nullopt);
    domain.reset();
  });
}

// Its ranges and its use of the heap go when others flush, too; it goes on with nothing.
TEST(IovaThreadConcurrency, GoesOnAfterAFlushByAnother) {
  const auto domain = domain_with_cache({.magazine = 4});
  std::barrier step(2);
  std::thread thread([&] {
    keep(*domain, 20);
    step.arrive_and_wait();
    step.arrive_and_wait();
    EXPECT_EQ(keep(*domain, 20).front(), k32Bits);
  });
  step.arrive_and_wait();
  EXPECT_EQ(domain->statistics().ranges, 20U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
  step.arrive_and_wait();
  thread.join();
}

}  // namespace
}  // namespace smmu::iommu::thread_end_test
