// Who flushes shuts the owners of caches out, which look for that without a fence.
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "lib/iova/process_barrier.h"
#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"
#include "test/iova/thread_pages.h"

namespace smmu::iommu::cache_shut_out_test {
namespace {

struct IovaShutOutConcurrency : ::testing::Test {
  ~IovaShutOutConcurrency() override { use_process_barrier(ProcessBarrier::kAskSystem); }
};

// A store that takes long, where that can be had: what the same thread stores after it is seen by
// others much later than what it loads is loaded.
class SlowStore {
 public:
  void store() {
#ifdef __SSE2__
    _mm_clflush(&line_);
#endif
    const_cast<volatile char&>(line_) = 1;
  }

 private:
  alignas(64) char line_ = 0;
};

// Lets the calling thread run on one processor, the n-th of those that it may use.
void stay_on_processor(int n) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2) return;
  int cpu = 0;
  for (n %= CPU_COUNT(&all);; ++cpu) {
    if (CPU_ISSET(cpu, &all) && n-- == 0) break;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  sched_setaffinity(0, sizeof(one), &one);
}

// An owner does nothing but come in and go out, and whoever flushes takes what was kept for himself
// then.  Where the owner's "I am in" is still on its way to memory when he looks, which a barrier
// in the owner's thread prevents, both have the page.
TEST_F(IovaShutOutConcurrency, NobodyIsInWhileSomebodyFlushes) {
  constexpr Pfn kLast = 7;
  const auto domain = domain_with_cache({.sizes = 1, .magazine = 8}, 0);
  ThreadPages pages(kLast);
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> pairs{0};
  std::atomic<std::uint64_t> faults{0};
  std::thread owner([&] {
    stay_on_processor(0);
    SlowStore before;
    while (!done.load(std::memory_order_relaxed)) {
      before.store();
      const auto first = domain->allocate_fast(1, kLast, FlushOnFailure::kNo);
      if (!first) continue;
      pages.take(*first, 1);
      pages.give_back(*first, 1);
      before.store();
      if (domain->free_fast(*first, 1)) ++faults;
      pairs.fetch_add(1, std::memory_order_relaxed);
    }
  });
  std::thread other([&] {
    stay_on_processor(1);
    while (pairs.load(std::memory_order_relaxed) == 0) std::this_thread::yield();
    for (int i = 0; i != 500'000 && pairs.load(std::memory_order_relaxed) < 50'000; ++i) {
      domain->flush_caches();
      const auto range = domain->allocate(1, kLast);
      if (!range) continue;
      pages.take(range->first(), 1);
      const std::uint64_t now = pairs.load(std::memory_order_relaxed);
      for (int wait = 0; wait != 100 && pairs.load(std::memory_order_relaxed) == now;) ++wait;
      pages.give_back(range->first(), 1);
      if (!domain->free(*range)) ++faults;
    }
  });
  other.join();
  done = true;
  owner.join();
  EXPECT_EQ(pages.shared(), 0U);
  EXPECT_EQ(faults, 0U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

// Without one the owner comes by the lock, and all is as it was.
TEST_F(IovaShutOutConcurrency, NeedsNoBarrier) {
  use_process_barrier(ProcessBarrier::kRefuse);
  ASSERT_FALSE(has_process_barrier());
  const auto domain = domain_with_cache({.magazine = 2});
  auto queue = domain->add_queue();
  ASSERT_TRUE(queue);
  const auto use = [](auto& cache) {
    Pfn kept[5];
    for (Pfn& first : kept) first = *cache.allocate_fast(1, k32Bits);
    for (const Pfn first : kept) EXPECT_EQ(cache.free_fast(first, 1), std::nullopt);
    for (int i = 4; i >= 0; --i) EXPECT_EQ(*cache.allocate_fast(1, k32Bits), kept[i]);
    for (const Pfn first : kept) EXPECT_EQ(cache.free_fast(first, 1), std::nullopt);
  };
  use(*domain);
  use(*queue);
  EXPECT_EQ(domain->statistics().ranges, 8U);  // two of them found in the depot
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
  use(*domain);
}

// A barrier that fails though there is one: nobody may look at what threads have at hand.
TEST_F(IovaShutOutConcurrency, LeavesOwnersAloneWhereTheBarrierFails) {
  if (!has_process_barrier()) GTEST_SKIP() << "no such barrier here";
  const auto domain = domain_with_cache({.magazine = 2});
  Pfn kept[7];
  for (Pfn& first : kept) first = *domain->allocate_fast(1, k32Bits);
  for (const Pfn first : kept) EXPECT_EQ(domain->free_fast(first, 1), std::nullopt);
  use_process_barrier(ProcessBarrier::kRefuse);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 3U);  // without the two magazines of the depot
  for (int i = 6; i != 3; --i) EXPECT_EQ(*domain->allocate_fast(1, k32Bits), kept[i]);
  for (int i = 4; i != 7; ++i) EXPECT_EQ(domain->free_fast(kept[i], 1), std::nullopt);
  use_process_barrier(ProcessBarrier::kAskSystem);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

// The cache of one thread's domain needs nobody's.
TEST_F(IovaShutOutConcurrency, IsNotNeededByOneThread) {
  use_process_barrier(ProcessBarrier::kRefuse);
  const auto domain = domain_with({.threads = Threads::kOne});
  const Pfn first = *domain->allocate_fast(1, k32Bits);
  EXPECT_EQ(domain->free_fast(first, 1), std::nullopt);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

}  // namespace
}  // namespace smmu::iommu::cache_shut_out_test
