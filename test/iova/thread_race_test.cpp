// Threads that allocate and free at full speed, while others take away what they keep.  No page is
// ever given to two, and in the end all are there again.
#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <ostream>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "lib/iova/process_barrier.h"
#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"
#include "test/iova/thread_pages.h"

namespace smmu::iommu::thread_race_test {
namespace {

constexpr Pfn kLast = 1023;

struct Range {
  Pfn first;
  std::uint64_t pages;
};

// Ranges on their way from the thread that has allocated them to the one that will free them.
class Mailbox {
 public:
  void put(const Range& range) {
    const std::lock_guard lock(mutex_);
    ranges_.push_back(range);
  }
  bool take(Range& range) {
    const std::lock_guard lock(mutex_);
    if (ranges_.empty()) return false;
    range = ranges_.back();
    ranges_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<Range> ranges_;
};

struct Race {
  std::string name;
  IovaConfig config = {};
  ProcessBarrier barrier = ProcessBarrier::kAskSystem;

  friend std::ostream& operator<<(std::ostream& out, const Race& race) { return out << race.name; }
};

class IovaCacheConcurrency : public ::testing::TestWithParam<Race> {
 protected:
  IovaCacheConcurrency() {
    use_process_barrier(GetParam().barrier);
    domain = domain_with(GetParam().config, 0);
  }
  ~IovaCacheConcurrency() override { use_process_barrier(ProcessBarrier::kAskSystem); }

  // Random requests through a domain or a queue.
  template <class Cache>
  void use(Cache& cache, unsigned seed) {
    std::minstd_rand random(seed);
    std::vector<Range> own;
    const auto free = [&](const Range& range) {
      pages.give_back(range.first, range.pages);
      if (cache.free_fast(range.first, range.pages)) ++faults;
    };
    for (int i = 0; i != 40'000; ++i) {
      const std::uint64_t length = random() % 16 == 0 ? 1 + random() % 40 : 1 + random() % 2;
      const auto flush = random() % 64 == 0 ? FlushOnFailure::kYes : FlushOnFailure::kNo;
      if (const auto first = cache.allocate_fast(length, kLast, flush)) {
        pages.take(*first, length);
        own.push_back({*first, length});
      }
      if (!own.empty() && random() % 8 == 0) {
        mailbox.put(own.back());
        own.pop_back();
      }
      Range other{};
      if (random() % 8 == 0 && mailbox.take(other)) free(other);
      while (own.size() > 20 || (!own.empty() && random() % 2 == 0)) {
        std::swap(own.back(), own[random() % own.size()]);
        free(own.back());
        own.pop_back();
      }
    }
    for (const Range& range : own) free(range);
  }
  std::thread user(unsigned seed) {
    ++running;
    return std::thread([this, seed] {
      use(*domain, seed);
      --running;
    });
  }
  // All come to their end, and their ranges back.
  void finish(std::vector<std::thread> threads) {
    for (std::thread& thread : threads) thread.join();
    Range left{};
    while (mailbox.take(left)) {
      pages.give_back(left.first, left.pages);
      EXPECT_EQ(domain->free_fast(left.first, left.pages), std::nullopt);
    }
    EXPECT_EQ(pages.shared(), 0U);
    EXPECT_EQ(faults, 0U);
    domain->flush_caches();
    EXPECT_EQ(domain->statistics().ranges, 0U);
    const auto all = domain->allocate(kLast + 1, kLast);
    EXPECT_TRUE(all);
  }
  // Something that goes on for as long as they do.
  template <class Do>
  std::thread meanwhile(Do something) {
    return std::thread([this, something] {
      while (running != 0) {
        something();
        // A lock is not fair: whoever takes it again at once leaves the others waiting.
        std::this_thread::sleep_for(std::chrono::microseconds(20));
      }
    });
  }

  std::unique_ptr<IovaDomain> domain;
  ThreadPages pages{kLast + 64};
  Mailbox mailbox;
  std::atomic<std::uint64_t> faults{0};
  std::atomic<unsigned> running{0};
};

INSTANTIATE_TEST_SUITE_P(
    Of, IovaCacheConcurrency,
    ::testing::Values(Race{.name = "Usual"},
                      Race{.name = "SmallMagazines", .config = {.cache = {.magazine = 2}}},
                      Race{.name = "LinuxOrder",
                           .config = {.order = IovaOrder::kLinuxExact, .cache = {.magazine = 7}}},
                      Race{.name = "Checked",
                           .config = {.cache = {.magazine = 3, .checked = true}}},
                      Race{.name = "NoBarrier",
                           .config = {.cache = {.magazine = 3}},
                           .barrier = ProcessBarrier::kRefuse},
                      Race{.name = "NoCache", .config = {.cache = {.sizes = 0}}}),
    [](const auto& race) { return race.param.name; });

TEST_P(IovaCacheConcurrency, OfThreadsThatGiveEachOtherRanges) {
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 4; ++i) threads.push_back(user(i));
  finish(std::move(threads));
}

TEST_P(IovaCacheConcurrency, OfThreadsAndOneThatFlushes) {
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 3; ++i) threads.push_back(user(i));
  threads.push_back(meanwhile([this] {
    domain->flush_caches();
    (void)domain->statistics();
  }));
  finish(std::move(threads));
}

TEST_P(IovaCacheConcurrency, OfThreadsAndTwoThatTrim) {
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 2; ++i) threads.push_back(user(i));
  for (unsigned i = 0; i != 2; ++i) {
    threads.push_back(meanwhile([this, i] {
      domain->trim(i);
      std::this_thread::yield();
    }));
  }
  finish(std::move(threads));
}

// Queues come and go, and go from thread to thread.
TEST_P(IovaCacheConcurrency, OfThreadsAndQueues) {
  std::vector<std::thread> threads;
  for (unsigned i = 1; i <= 2; ++i) threads.push_back(user(i));
  for (unsigned i = 3; i <= 4; ++i) {
    ++running;
    threads.emplace_back([this, i] {
      auto queue = domain->add_queue();
      ASSERT_TRUE(queue);
      use(*queue, i);
      std::thread([this, moved = *std::move(queue)]() mutable { use(moved, 7); }).join();
      --running;
    });
  }
  threads.push_back(meanwhile([this] {
    domain->flush_caches();
    (void)domain->add_queue();
  }));
  finish(std::move(threads));
}

// Threads that end while there is a flush, one after the other.
TEST_P(IovaCacheConcurrency, OfThreadsThatEnd) {
  std::vector<std::thread> threads;
  ++running;
  threads.emplace_back([this] {
    for (int i = 0; i != 300; ++i) {
      std::thread([this] {
        std::vector<Pfn> ranges;
        for (int n = 0; n != 10; ++n) {
          const auto first = domain->allocate_fast(1, kLast);
          if (!first) continue;
          pages.take(*first, 1);
          ranges.push_back(*first);
        }
        for (const Pfn first : ranges) {
          pages.give_back(first, 1);
          if (domain->free_fast(first, 1)) ++faults;
        }
      }).join();
    }
    --running;
  });
  threads.push_back(user(1));
  threads.push_back(meanwhile([this] { domain->flush_caches(); }));
  finish(std::move(threads));
}

}  // namespace
}  // namespace smmu::iommu::thread_race_test
