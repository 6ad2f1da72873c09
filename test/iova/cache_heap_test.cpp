// What the domain and its caches take from the heap: nothing while things go on as they do, all of
// it given back, and no range lost when there is no more.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "smmu/iommu/flush_queue.h"
#include "smmu/iommu/iova.h"
#include "test/heap/heap.h"
#include "test/iova/cache_domain.h"
#include "test/iova/flush_queue_iommu.h"

namespace smmu::iommu::cache_heap_test {
namespace {

struct IovaHeapConcurrency : ::testing::Test {
  // What `something` asks of the heap; one that throws counts, too.
  static std::uint64_t requests(const std::function<void()>& something) {
    heap.watch();
    something();
    heap.leave();
    return heap.requests();
  }
  ~IovaHeapConcurrency() override { heap.leave(); }
};

// 10,000 pairs, in batches that need one magazine, two, and the depot.
TEST_F(IovaHeapConcurrency, IsNotAskedByAThreadAlone) {
  for (const bool checked : {false, true}) {
    const auto domain = domain_with_cache({.checked = checked});
    const auto queue = domain->add_queue();
    ASSERT_TRUE(queue);
    for (const std::size_t batch : {1U, 127U, 254U, 255U, 1000U}) {
      std::vector<Pfn> ranges(batch);
      const auto run = [&](auto& cache) {
        for (std::size_t done = 0; done < 10'000; done += batch) {
          for (Pfn& first : ranges) first = *cache.allocate_fast(1, k32Bits);
          for (const Pfn first : ranges) (void)cache.free_fast(first, 1);
        }
      };
      run(*domain);
      EXPECT_EQ(requests([&] { run(*domain); }), 0U) << batch;
      domain->flush_caches();
      auto& own = const_cast<IovaQueue&>(*queue);
      run(own);
      EXPECT_EQ(requests([&] { run(own); }), 0U) << batch;
      domain->flush_caches();
    }
  }
}

// One allocates, the other frees; whole magazines go to and fro.
TEST_F(IovaHeapConcurrency, IsNotAskedByAProducerAndAConsumer) {
  const auto domain = domain_with({});
  std::vector<Pfn> ranges(1000);
  // The consumer has one magazine and a part of another when it stops; by then, any part.
  constexpr int kWarmUp = 2 * 127;
  constexpr int kRounds = kWarmUp + 10;
  std::uint64_t live = 0;
  std::barrier turn(2);
  std::thread consumer([&] {
    for (int round = 0; round != kRounds; ++round) {
      turn.arrive_and_wait();
      for (const Pfn first : ranges) (void)domain->free_fast(first, 1);
      turn.arrive_and_wait();
    }
    turn.arrive_and_wait();
  });
  for (int round = 0; round != kRounds; ++round) {
    if (round == kWarmUp) {
      live = domain->statistics().ranges;
      heap.watch();
    }
    for (Pfn& first : ranges) first = *domain->allocate_fast(1, k32Bits);
    turn.arrive_and_wait();
    turn.arrive_and_wait();
  }
  heap.leave();
  EXPECT_EQ(domain->statistics().ranges, live);
  EXPECT_LE(live, 1000U + 2 * 127);
  turn.arrive_and_wait();
  consumer.join();
  EXPECT_EQ(heap.requests(), 0U);
}

TEST_F(IovaHeapConcurrency, IsNotAskedByAFlushQueue) {
  const auto domain = domain_with({});
  FlushedIommu iommu;
  const auto queue = FlushQueue::create(*domain, iommu);
  ASSERT_TRUE(queue);
  const auto run = [&] {
    for (int i = 0; i != 10'000; ++i) {
      (*queue)->add(*domain->allocate_fast(1, k32Bits), 1, nullptr, FlushQueue::Time(i));
      if (i % 100 == 0) (*queue)->tick(FlushQueue::Time::max());
    }
  };
  run();
  EXPECT_EQ(requests(run), 0U);
}

// To the byte, from the first range to the last magazine.
TEST_F(IovaHeapConcurrency, IsHeldAsTheStatisticsSay) {
  for (const unsigned magazine : {1U, 127U}) {
    const auto domain = domain_with_cache({.magazine = magazine});
    const std::uint64_t empty = domain->statistics().bytes;
    const auto held = [&] {
      EXPECT_EQ(heap.throwing(), 0U);
      return domain->statistics().bytes - empty;
    };
    std::vector<Pfn> ranges;
    ranges.reserve(1000);
    heap.watch();
    for (int i = 0; i != 1000; ++i) {
      ranges.push_back(*domain->allocate_fast(1, k32Bits));
      if (i == 0) {
        EXPECT_EQ(heap.held(), held());
      }
    }
    EXPECT_EQ(heap.held(), held());
    for (const Pfn first : ranges) (void)domain->free_fast(first, 1);
    EXPECT_EQ(heap.held(), held());
    {
      const auto queue = domain->add_queue();
      EXPECT_EQ(heap.held(), held());
    }
    domain->trim(1);
    EXPECT_EQ(heap.held(), held());
    domain->flush_caches();
    EXPECT_EQ(heap.held(), held());
    domain->reset();
    EXPECT_EQ(heap.held(), held());
    heap.leave();
  }
}

TEST_F(IovaHeapConcurrency, GetsAllBackAtTheEnd) {
  heap.watch();
  {
    const auto domain = domain_with_cache({.magazine = 2});
    std::thread([&domain] {
      for (int i = 0; i != 10; ++i) (void)domain->allocate_fast(1, k32Bits);
      for (Pfn page = k32Bits - 9; page != k32Bits; ++page) (void)domain->free_fast(page, 1);
    }).join();
    for (int i = 0; i != 10; ++i) (void)domain->allocate_fast(2, k32Bits);
  }
  heap.leave();
  EXPECT_EQ(heap.held(), 0U);
}

// A life of a domain: what it does with so much from the heap, and no more.  The answers may be
// that there is no memory; all that was given must be free at the end, and nothing of the heap
// held.
void live(const IovaConfig& config) {
  constexpr std::size_t kRanges = 60;
  std::array<Pfn, kRanges> ranges{};
  std::size_t given = 0;
  {
    auto made = IovaDomain::create(4096, 1, config);
    if (!made) {
      ASSERT_EQ(made.error(), std::errc::not_enough_memory);
      return;
    }
    IovaDomain& domain = **made;
    const auto check = [&](const auto& answer) {
      if (!answer) {
        ASSERT_EQ(answer.error(), std::errc::not_enough_memory);
      }
    };
    for (const std::uint64_t pages : {1U, 4U, 40U}) {
      for (int round = 0; round != 2; ++round) {
        given = 0;
        for (std::size_t i = 0; i != kRanges; ++i) {
          const auto first = domain.allocate_fast(pages, k32Bits);
          check(first);
          if (first) ranges[given++] = *first;
        }
        for (std::size_t i = 0; i != given; ++i) {
          ASSERT_TRUE(domain.find(ranges[i]));
          ASSERT_EQ(domain.free_fast(ranges[i], pages), std::nullopt);
        }
      }
      auto queue = domain.add_queue();
      check(queue);
      if (!queue) continue;
      given = 0;
      for (std::size_t i = 0; i != kRanges; ++i) {
        const auto first = queue->allocate_fast(pages, k32Bits);
        check(first);
        if (first) ranges[given++] = *first;
      }
      for (std::size_t i = 0; i != given; ++i) {
        ASSERT_EQ(queue->free_fast(ranges[i], pages), std::nullopt);
      }
    }
    FlushedIommu iommu;
    const auto waiting = FlushQueue::create(domain, iommu, {.entries = 4, .rings = 3});
    check(waiting);
    for (int i = 0; waiting && i != 10; ++i) {
      if (const auto first = domain.allocate_fast(1, k32Bits)) {
        (*waiting)->add(*first, 1, nullptr, FlushQueue::Time(0));
      }
    }
    if (waiting) (*waiting)->flush();
    domain.trim(1);
    domain.flush_caches();
    EXPECT_EQ(domain.statistics().ranges, 0U);
  }
}

TEST_F(IovaHeapConcurrency, MayRefuseAnyTime) {
  for (const bool checked : {false, true}) {
    for (const std::uint64_t refusals : {std::uint64_t{1}, std::uint64_t{3}, Heap::kNever}) {
      const IovaConfig config{.cache = {.sizes = 3, .magazine = 4, .checked = checked}};
      heap.watch();
      live(config);
      const std::uint64_t all = heap.requests();
      EXPECT_GT(all, 40U);
      for (std::uint64_t n = 1; n <= all; ++n) {
        heap.watch(n, refusals);
        live(config);
        heap.leave();
        ASSERT_EQ(heap.throwing(), 0U);
        ASSERT_EQ(heap.held(), 0U) << n;
        ASSERT_FALSE(HasFailure()) << n << ' ' << refusals;
      }
    }
  }
}

}  // namespace
}  // namespace smmu::iommu::cache_heap_test
