// When a flush queue frees what it was given: by room, by time, by word.
#include <gtest/gtest.h>

#include <chrono>
#include <climits>
#include <cstdint>
#include <limits>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "smmu/iommu/flush_queue.h"
#include "test/iova/cache_domain.h"
#include "test/iova/flush_queue_iommu.h"

namespace smmu::iommu::flush_queue_test {
namespace {

using Time = FlushQueue::Time;
using Tables = FlushedIommu::Tables;
using std::chrono::milliseconds;

class FlushQueueTest : public ::testing::Test {
 protected:
  void make(const FlushQueueConfig& config = {}) {
    auto made = FlushQueue::create(*domain, iommu, config);
    ASSERT_TRUE(made);
    queue = *std::move(made);
  }
  Pfn allocate(std::uint64_t pages = 1) {
    const auto first = domain->allocate_fast(pages, k32Bits);
    return first ? *first : 0;
  }
  // Lets a new range wait.
  Pfn add(Time now = Time(0), void* tables = nullptr) {
    const Pfn first = allocate();
    queue->add(first, 1, tables, now);
    return first;
  }
  bool taken(Pfn page) const { return domain->find(page).has_value(); }
  std::uint64_t waiting() const { return queue->statistics().waiting; }

  FlushedIommu iommu;
  // It keeps nothing, so what was freed is no range any more.
  std::unique_ptr<IovaDomain> domain = domain_with_cache({.sizes = 0});
  std::unique_ptr<FlushQueue> queue;
};

TEST_F(FlushQueueTest, IsMadeWithAPowerOfTwoOfEntries) {
  const auto refusal = [this](const FlushQueueConfig& config) {
    const auto made = FlushQueue::create(*domain, iommu, config);
    return made ? std::errc() : made.error();
  };
  for (const unsigned entries : {0U, 3U, 255U, 257U, 65535U, 131072U, UINT_MAX}) {
    EXPECT_EQ(refusal({.entries = entries}), std::errc::invalid_argument) << entries;
  }
  for (const unsigned entries : {1U, 2U, 256U, 65536U}) {
    EXPECT_EQ(refusal({.entries = entries, .rings = 1}), std::errc()) << entries;
  }
  for (const unsigned rings : {0U, 1025U, UINT_MAX}) {
    EXPECT_EQ(refusal({.rings = rings}), std::errc::invalid_argument) << rings;
  }
  EXPECT_EQ(refusal({.entries = 1, .rings = 1024}), std::errc());
  EXPECT_EQ(refusal({.patience = Time(-1)}), std::errc::invalid_argument);
  EXPECT_EQ(refusal({.patience = Time(0)}), std::errc());
  EXPECT_EQ(refusal({.patience = Time::max()}), std::errc());
  EXPECT_EQ(iommu.flushes(), 0U);
}

TEST_F(FlushQueueTest, KeepsARangeUntilItIsFlushed) {
  make();
  const Pfn first = add();
  EXPECT_TRUE(taken(first));
  EXPECT_EQ(waiting(), 1U);
  EXPECT_EQ(iommu.flushes(), 0U);
  queue->flush();
  EXPECT_FALSE(taken(first));
  EXPECT_EQ(iommu.flushes(), 1U);
  const FlushQueueStatistics statistics = queue->statistics();
  EXPECT_EQ(statistics.flushes, 1U);
  EXPECT_EQ(statistics.full, 0U);
  EXPECT_EQ(statistics.waiting, 0U);
  EXPECT_EQ(statistics.released, 1U);
  EXPECT_EQ(statistics.refused, 0U);
}

TEST_F(FlushQueueTest, DoesNotFlushForNobody) {
  make();
  queue->flush();
  add();
  queue->flush();
  queue->flush();
  queue.reset();
  EXPECT_EQ(iommu.flushes(), 1U);
}

TEST_F(FlushQueueTest, StaysCorrectWhereRangesHaveSizes) {
  make();
  const Pfn small = allocate(3);
  const Pfn large = allocate(100);
  queue->add(small, 3, nullptr, Time(0));
  queue->add(large, 100, nullptr, Time(0));
  queue->flush();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(FlushQueueTest, TellsOfWhatTheDomainRefuses) {
  domain = domain_with_cache({.checked = true});
  make();
  const Pfn first = allocate(2);
  queue->add(first, 1, nullptr, Time(0));      // of another size
  queue->add(first, 2, nullptr, Time(0));      // well
  queue->add(first, 2, nullptr, Time(0));      // twice
  queue->add(first - 9, 1, nullptr, Time(0));  // nobody's
  queue->flush();
  EXPECT_EQ(queue->statistics().released, 4U);
  EXPECT_EQ(queue->statistics().refused, 3U);
}

TEST_F(FlushQueueTest, FlushesItselfWhenThereIsNoRoom) {
  for (const unsigned entries : {1U, 2U, 16U, 32U, 256U}) {
    make({.entries = entries, .rings = 1});
    const std::uint64_t before = iommu.flushes();
    std::vector<Pfn> ranges;
    for (unsigned i = 0; i != entries; ++i) ranges.push_back(add());
    EXPECT_EQ(iommu.flushes(), before) << entries;
    EXPECT_EQ(waiting(), entries);
    const Pfn last = add();
    EXPECT_EQ(iommu.flushes(), before + 1) << entries;
    for (const Pfn first : ranges) EXPECT_FALSE(taken(first));
    EXPECT_TRUE(taken(last));
    EXPECT_EQ(queue->statistics().full, 1U);
    EXPECT_EQ(queue->statistics().released, entries);
    EXPECT_EQ(waiting(), 1U);
    queue.reset();
  }
}

// One flush for each time that the ring has filled up again, however often it goes round.
TEST_F(FlushQueueTest, GoesRoundItsRing) {
  make({.entries = 8, .rings = 1});
  for (int i = 0; i != 8 * 100; ++i) add();
  EXPECT_EQ(iommu.flushes(), 99U);
  EXPECT_EQ(queue->statistics().released, 8U * 99U);
  EXPECT_EQ(waiting(), 8U);
}

TEST_F(FlushQueueTest, FreesAllAtItsEnd) {
  make();
  Tables tables;
  tables.unmapped = iommu.moment();
  const Pfn first = add(Time(0), &tables);
  add();
  queue.reset();
  EXPECT_EQ(iommu.flushes(), 1U);
  EXPECT_FALSE(taken(first));
  EXPECT_EQ(domain->statistics().ranges, 0U);
  EXPECT_EQ(tables.freed, 1U);
  EXPECT_EQ(iommu.early(), 0U);
}

TEST_F(FlushQueueTest, FreesTablesOnceAndAfterTheFlush) {
  make({.entries = 32, .rings = 1});
  std::vector<Tables> tables(100);
  for (Tables& each : tables) {
    each.unmapped = iommu.moment();
    add(Time(0), &each);
  }
  for (std::size_t i = 0; i != tables.size(); ++i) {
    EXPECT_EQ(tables[i].freed, i < 96 ? 1U : 0U) << i;
  }
  queue->flush();
  for (const Tables& each : tables) EXPECT_EQ(each.freed, 1U);
  EXPECT_EQ(iommu.early(), 0U);
}

TEST_F(FlushQueueTest, IsDueWhenTheFirstRangeHasWaitedLongEnough) {
  make({.patience = milliseconds(10)});
  EXPECT_EQ(queue->deadline(), std::nullopt);
  const Pfn first = add(milliseconds(5));
  EXPECT_EQ(queue->deadline(), milliseconds(15));
  const Pfn second = add(milliseconds(14));
  EXPECT_EQ(queue->deadline(), milliseconds(15));
  EXPECT_FALSE(queue->tick(milliseconds(15) - Time(1)));
  EXPECT_TRUE(taken(first));
  EXPECT_TRUE(queue->tick(milliseconds(15)));
  EXPECT_FALSE(taken(first));
  EXPECT_FALSE(taken(second));
  EXPECT_EQ(iommu.flushes(), 1U);
  EXPECT_EQ(queue->deadline(), std::nullopt);
  EXPECT_FALSE(queue->tick(Time::max()));
  add(milliseconds(20));
  EXPECT_EQ(queue->deadline(), milliseconds(30));
}

// Nothing is due any more, and the next range waits as long as any.
TEST_F(FlushQueueTest, IsNotDueForRangesThatAreFreed) {
  make({.patience = milliseconds(10)});
  add(milliseconds(0));
  queue->flush();
  EXPECT_EQ(queue->deadline(), std::nullopt);
  EXPECT_FALSE(queue->tick(milliseconds(10)));
  const Pfn second = add(milliseconds(11));
  EXPECT_EQ(queue->deadline(), milliseconds(21));
  EXPECT_FALSE(queue->tick(milliseconds(20)));
  EXPECT_TRUE(taken(second));
}

// A flush for want of room frees one ring's ranges; those of the others are still due.
TEST_F(FlushQueueTest, StaysDueWhenItHadToFlush) {
  make({.entries = 1, .rings = 1, .patience = milliseconds(10)});
  add(milliseconds(0));
  const Pfn second = add(milliseconds(1));
  ASSERT_TRUE(queue->deadline());
  EXPECT_LE(*queue->deadline(), milliseconds(11));
  EXPECT_TRUE(queue->tick(milliseconds(11)));
  EXPECT_FALSE(taken(second));
}

TEST_F(FlushQueueTest, TakesAnyTime) {
  constexpr Time kFirst = Time::min();
  constexpr Time kLast = Time::max();
  const Time patiences[] = {Time(0), Time(1), milliseconds(10), kLast - Time(1), kLast};
  const Time times[] = {kFirst,  kFirst + Time(1), Time(-1), Time(0),
                        Time(1), kLast - Time(1),  kLast};
  for (const Time patience : patiences) {
    for (const Time now : times) {
      make({.patience = patience});
      const Pfn first = add(now);
      const auto deadline = queue->deadline();
      ASSERT_TRUE(deadline) << now.count();
      // The end of time comes early by one, for a deadline that is never told from one.
      constexpr Time kLatest = kLast - Time(1);
      const Time due = now > kLatest - patience ? kLatest : now + patience;
      EXPECT_EQ(*deadline, due) << now.count() << '+' << patience.count();
      if (due != kFirst) {
        EXPECT_FALSE(queue->tick(due - Time(1)));
        EXPECT_TRUE(taken(first));
      }
      EXPECT_TRUE(queue->tick(due));
      EXPECT_FALSE(taken(first));
      queue.reset();
    }
  }
}

// The client may come back: a range that waited for its tables is another one's to give.
TEST_F(FlushQueueTest, IsCalledByWhoFreesTables) {
  class Recycler : public FlushedIommu {
   public:
    void free_tables(void* tables) override {
      auto& queue = **static_cast<std::unique_ptr<FlushQueue>*>(tables);
      for (const Pfn first : std::exchange(more, {})) queue.add(first, 1, nullptr, Time(0));
      waiting = queue.statistics().waiting;
      queue.flush();
    }
    std::vector<Pfn> more;
    std::uint64_t waiting = 0;
  };
  Recycler recycler;
  recycler.more = {allocate(), allocate(), allocate()};
  auto made = FlushQueue::create(*domain, recycler, {.entries = 2, .rings = 1});
  ASSERT_TRUE(made);
  queue = *std::move(made);
  add(Time(0), &queue);
  queue->flush();
  EXPECT_EQ(recycler.waiting, 1U);
  EXPECT_EQ(recycler.flushes(), 3U);  // for the first, for want of room, and in free_tables()
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

}  // namespace
}  // namespace smmu::iommu::flush_queue_test
