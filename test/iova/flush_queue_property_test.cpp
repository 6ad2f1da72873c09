// No range is used again before a flush that began after its unmap, and every range is after one.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "smmu/iommu/flush_queue.h"
#include "test/iova/cache_domain.h"
#include "test/iova/flush_queue_iommu.h"

namespace smmu::iommu::flush_queue_property_test {
namespace {

using Time = FlushQueue::Time;
using Tables = FlushedIommu::Tables;

std::unique_ptr<FlushQueue> queue_of(IovaDomain& domain, FlushQueueClient& client,
                                     const FlushQueueConfig& config) {
  auto made = FlushQueue::create(domain, client, config);
  if (!made) std::abort();
  return *std::move(made);
}

// An IOMMU whose flush does not end until it is let go.
class SlowIommu : public FlushedIommu {
 public:
  void flush() override {
    {
      std::unique_lock lock(mutex_);
      const bool slow = std::exchange(next_is_slow_, false);
      if (slow) {
        under_way_ = true;
        changed_.notify_all();
        changed_.wait(lock, [this] { return let_go_; });
      }
    }
    FlushedIommu::flush();
  }
  void make_next_slow() { next_is_slow_ = true; }
  void await() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return under_way_; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    let_go_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool next_is_slow_ = false;
  bool under_way_ = false;
  bool let_go_ = false;
};

struct FlushQueueConcurrency : ::testing::Test {
  Pfn allocate() {
    const auto first = domain->allocate_fast(1, k32Bits);
    return first ? *first : 0;
  }
  bool taken(Pfn page) const { return domain->find(page).has_value(); }

  SlowIommu iommu;
  std::unique_ptr<IovaDomain> domain = domain_with_cache({.sizes = 0});
};

TEST_F(FlushQueueConcurrency, AFlushThatIsUnderWayDoesNotCount) {
  for (const unsigned rings : {1U, 8U}) {
    const auto queue = queue_of(*domain, iommu, {.rings = rings});
    const Pfn before = allocate();
    const Pfn meanwhile = allocate();
    queue->add(before, 1, nullptr, Time(0));
    iommu.while_flushing = [&] {
      std::thread([&] { queue->add(meanwhile, 1, nullptr, Time(1)); }).join();
      EXPECT_TRUE(taken(before));
    };
    queue->flush();
    EXPECT_FALSE(taken(before));
    EXPECT_TRUE(taken(meanwhile));
    EXPECT_EQ(queue->statistics().waiting, 1U);
    EXPECT_TRUE(queue->deadline());
    queue->flush();
    EXPECT_FALSE(taken(meanwhile));
  }
}

// What comes while the timer's flush is under way is not forgotten: it is due in its turn.
TEST_F(FlushQueueConcurrency, ARangeThatComesDuringATickIsDueLater) {
  const auto queue = queue_of(*domain, iommu, {.patience = Time(100)});
  queue->add(allocate(), 1, nullptr, Time(0));
  const Pfn meanwhile = allocate();
  iommu.while_flushing = [&] {
    std::thread([&] { queue->add(meanwhile, 1, nullptr, Time(105)); }).join();
  };
  EXPECT_TRUE(queue->tick(Time(100)));
  EXPECT_TRUE(taken(meanwhile));
  EXPECT_EQ(queue->deadline(), Time(205));
  EXPECT_TRUE(queue->tick(Time(205)));
  EXPECT_FALSE(taken(meanwhile));
}

// A full ring of a thread that comes during a flush makes a second one, which ends first.
TEST_F(FlushQueueConcurrency, AFullRingFlushesDuringAFlush) {
  const auto queue = queue_of(*domain, iommu, {.entries = 1, .rings = 1});
  const Pfn before = allocate();
  const Pfn meanwhile = allocate();
  queue->add(before, 1, nullptr, Time(0));
  iommu.while_flushing = [&] {
    std::thread([&] {
      queue->add(meanwhile, 1, nullptr, Time(1));
      EXPECT_FALSE(taken(before));  // by the second flush, which began and ended after its unmap
    }).join();
  };
  queue->flush();
  EXPECT_TRUE(taken(meanwhile));
  EXPECT_EQ(queue->statistics().flushes, 2U);
  EXPECT_EQ(queue->statistics().full, 1U);
}

// A flush that takes its time must not keep those that come after it from counting: flush() frees
// all that waited when it was called, and tick() too, which leaves nobody without a deadline.
TEST_F(FlushQueueConcurrency, AFlushCountsThoughAnEarlierOneIsUnderWay) {
  for (const bool by_tick : {false, true}) {
    SlowIommu slow;
    const auto queue = queue_of(*domain, slow, {.patience = Time(100)});
    queue->add(allocate(), 1, nullptr, Time(0));
    slow.make_next_slow();
    std::thread other([&] { queue->flush(); });
    slow.await();
    const Pfn later = allocate();
    queue->add(later, 1, nullptr, Time(1));
    if (by_tick) {
      EXPECT_TRUE(queue->tick(Time(101)));
    } else {
      queue->flush();
    }
    EXPECT_FALSE(taken(later));
    EXPECT_EQ(queue->statistics().waiting, 0U);
    slow.let_go();
    other.join();
    EXPECT_EQ(queue->statistics().flushes, 2U);
  }
}

// Nor does the end of the earlier one make the later one not to have been: what waits in a ring
// where nobody comes goes with whichever ends last.
TEST_F(FlushQueueConcurrency, AnEarlierFlushThatEndsLaterFreesForBoth) {
  const auto queue = queue_of(*domain, iommu, {.entries = 4, .rings = 2});
  queue->add(allocate(), 1, nullptr, Time(0));
  iommu.make_next_slow();
  std::thread other([&] { queue->flush(); });
  iommu.await();
  const Pfn later = allocate();
  std::thread([&] { queue->add(later, 1, nullptr, Time(0)); }).join();
  // The next thread has the next ring, which it fills until it has to flush.
  std::thread([&] {
    while (queue->statistics().full == 0) queue->add(allocate(), 1, nullptr, Time(0));
  }).join();
  EXPECT_TRUE(taken(later));
  iommu.let_go();
  other.join();
  EXPECT_FALSE(taken(later));
  EXPECT_EQ(queue->statistics().waiting, 1U);
  EXPECT_EQ(queue->statistics().flushes, 2U);
}

// One ring as it is described, to hold the queue against.
class Description {
 public:
  explicit Description(std::size_t entries) : entries_(entries) {}

  struct Waiting {
    Pfn first;
    std::uint64_t since;
  };
  void release(std::uint64_t finished) {
    while (!ring_.empty() && ring_.front().since < finished) {
      freed_.push_back(ring_.front().first);
      ring_.pop_front();
    }
  }
  bool full() const { return ring_.size() == entries_; }
  void add(Pfn first, std::uint64_t begun) { ring_.push_back({first, begun}); }
  const std::deque<Waiting>& waiting() const { return ring_; }
  std::vector<Pfn> take_freed() { return std::exchange(freed_, {}); }

 private:
  const std::size_t entries_;
  std::deque<Waiting> ring_;
  std::vector<Pfn> freed_;
};

// Random calls, some of them while a flush is under way, from another thread.  After each, exactly
// those wait that should.
TEST_F(FlushQueueConcurrency, FreesWhatItShouldAndNothingElse) {
  const unsigned seed = 20261130;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto below = [&random](unsigned n) { return static_cast<unsigned>(random()) % n; };
  for (const unsigned entries : {1U, 4U, 16U, 64U}) {
    const auto queue = queue_of(*domain, iommu, {.entries = entries, .rings = 1});
    Description ring(entries);
    std::uint64_t begun = 0;
    std::uint64_t released = 0;
    const auto note_flush = [&](auto meanwhile) {
      const std::uint64_t number = ++begun;
      meanwhile();
      ring.release(number);
    };
    // As many as fit while a flush is under way.
    std::vector<Pfn> more;
    const auto add_more = [&] {
      std::thread([&] {
        for (const Pfn first : more) queue->add(first, 1, nullptr, Time(0));
      }).join();
    };
    const auto note_more = [&] {
      for (const Pfn first : std::exchange(more, {})) ring.add(first, begun);
    };
    for (int i = 0; i != 3000; ++i) {
      const bool interrupted = below(20) == 0;
      if (below(10) != 0) {
        const Pfn first = allocate();
        if (ring.full()) {
          queue->add(first, 1, nullptr, Time(0));
          note_flush([] {});
        } else {
          queue->add(first, 1, nullptr, Time(0));
        }
        ring.add(first, begun);
      } else {
        if (interrupted) {
          const std::size_t room = entries - ring.waiting().size();
          for (unsigned n = below(static_cast<unsigned>(room) + 1); n != 0; --n) {
            more.push_back(allocate());
          }
          if (!ring.waiting().empty()) iommu.while_flushing = add_more;
        }
        queue->flush();
        if (!ring.waiting().empty()) {
          note_flush(note_more);
        } else {
          for (const Pfn first : std::exchange(more, {})) {
            queue->add(first, 1, nullptr, Time(0));
            ring.add(first, begun);
          }
        }
      }
      for (const Pfn first : ring.take_freed()) {
        ++released;
        ASSERT_FALSE(taken(first)) << i;
      }
      for (const auto& entry : ring.waiting()) ASSERT_TRUE(taken(entry.first)) << i;
      const FlushQueueStatistics statistics = queue->statistics();
      ASSERT_EQ(statistics.flushes, begun) << i;
      ASSERT_EQ(statistics.waiting, ring.waiting().size()) << i;
      ASSERT_EQ(statistics.released, released) << i;
      ASSERT_EQ(domain->statistics().ranges, ring.waiting().size()) << i;
    }
  }
}

// Threads that map and unmap, and one that has the clock.  Few pages, so that what is freed is used
// again at once, by whoever comes first.
void map_and_unmap(const FlushQueueConfig& config, const IovaCacheConfig& cache) {
  constexpr Pfn kPages = 256;
  constexpr unsigned kThreads = 3;
  constexpr std::uint64_t kMappings = 100'000;
  struct Page {
    std::atomic<bool> mapped{false};
    std::uint64_t unmapped = 0;  // whose accesses the domain and the queue order
    Tables tables;
  };
  std::vector<Page> pages(kPages + 1);
  std::atomic<std::uint64_t> shared{0};
  std::atomic<std::uint64_t> early{0};
  std::atomic<std::uint64_t> mapped{0};
  std::atomic<unsigned> running{kThreads};
  FlushedIommu iommu;
  const auto domain = domain_with_cache(cache);
  {
    const auto queue = queue_of(*domain, iommu, config);
    const auto now = [begin = std::chrono::steady_clock::now()] {
      return Time(std::chrono::steady_clock::now() - begin);
    };
    const auto run = [&] {
      for (std::uint64_t i = 0; i != kMappings; ++i) {
        const auto first = domain->allocate_fast(1, kPages);
        if (!first) {
          queue->flush();
          continue;
        }
        Page& page = pages[static_cast<std::size_t>(*first)];
        if (page.mapped.exchange(true, std::memory_order_relaxed)) ++shared;
        if (page.unmapped != 0 && !iommu.flushed_since(page.unmapped)) ++early;
        mapped.fetch_add(1, std::memory_order_relaxed);
        page.mapped.store(false, std::memory_order_relaxed);
        page.unmapped = iommu.moment();
        page.tables.unmapped = page.unmapped;
        queue->add(*first, 1, &page.tables, now());
      }
      --running;
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i != kThreads; ++i) threads.emplace_back(run);
    while (running != 0) {
      if (!queue->tick(now())) std::this_thread::yield();
    }
    for (std::thread& thread : threads) thread.join();
    const FlushQueueStatistics statistics = queue->statistics();
    EXPECT_EQ(statistics.waiting + statistics.released, mapped);
    EXPECT_EQ(statistics.flushes, iommu.flushes());
    EXPECT_EQ(statistics.refused, 0U);
    EXPECT_TRUE(statistics.waiting == 0 || queue->deadline());
  }
  EXPECT_EQ(shared, 0U);
  EXPECT_EQ(early, 0U);
  EXPECT_EQ(iommu.early(), 0U);
  std::uint64_t freed = 0;
  for (const Page& page : pages) freed += page.tables.freed;
  EXPECT_EQ(freed, mapped);
  EXPECT_GT(mapped, kMappings);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(FlushQueueConcurrency, NothingIsUsedAgainEarlyByThreadsOfOneRing) {
  map_and_unmap({.entries = 64, .rings = 1, .patience = std::chrono::microseconds(200)}, {});
}

TEST_F(FlushQueueConcurrency, NothingIsUsedAgainEarlyByThreadsOfTheirOwnRings) {
  map_and_unmap({.entries = 32, .rings = 8, .patience = std::chrono::microseconds(200)},
                {.magazine = 4});
}

TEST_F(FlushQueueConcurrency, NothingIsUsedAgainEarlyWhereRingsAreAlwaysFull) {
  map_and_unmap({.entries = 1, .rings = 2, .patience = Time::max()}, {.sizes = 0});
}

}  // namespace
}  // namespace smmu::iommu::flush_queue_property_test
