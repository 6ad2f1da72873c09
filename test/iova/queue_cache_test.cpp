// A queue's own cache.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/cache_domain.h"

namespace smmu::iommu::queue_cache_test {
namespace {

static_assert(!std::is_copy_constructible_v<IovaQueue> && !std::is_copy_assignable_v<IovaQueue>);
static_assert(std::is_nothrow_move_constructible_v<IovaQueue> &&
              std::is_nothrow_move_assignable_v<IovaQueue>);

IovaQueue queue_of(IovaDomain& domain) {
  auto added = domain.add_queue();
  EXPECT_TRUE(added);
  return *std::move(added);
}
// Lets it keep so many ranges.
std::vector<Pfn> keep(IovaQueue& queue, std::size_t ranges, std::uint64_t pages = 1) {
  std::vector<Pfn> all;
  for (std::size_t i = 0; i != ranges; ++i) all.push_back(*queue.allocate_fast(pages, k32Bits));
  for (const Pfn first : all) EXPECT_EQ(queue.free_fast(first, pages), std::nullopt);
  return all;
}

struct IovaQueues : ::testing::Test {
  std::unique_ptr<IovaDomain> domain = domain_with_cache({.magazine = 4});
};

TEST_F(IovaQueues, KeepWhatIsFreedThere) {
  IovaQueue queue = queue_of(*domain);
  IovaQueue other = queue_of(*domain);
  const Pfn kept = keep(queue, 1).front();
  EXPECT_NE(*other.allocate_fast(1, k32Bits), kept);
  EXPECT_NE(*domain->allocate_fast(1, k32Bits), kept);
  EXPECT_EQ(*queue.allocate_fast(1, k32Bits), kept);
}

TEST_F(IovaQueues, ShareTheDepotWithThreads) {
  IovaQueue queue = queue_of(*domain);
  keep(queue, 20);
  EXPECT_EQ(domain->statistics().ranges, 20U);
  for (int i = 0; i != 12; ++i) EXPECT_TRUE(domain->allocate_fast(1, k32Bits));
  EXPECT_EQ(domain->statistics().ranges, 20U);
  EXPECT_TRUE(domain->allocate_fast(1, k32Bits));
  EXPECT_EQ(domain->statistics().ranges, 21U);
}

TEST_F(IovaQueues, GiveBackWhatTheyKeep) {
  {
    IovaQueue queue = queue_of(*domain);
    keep(queue, 8, 1);
    keep(queue, 8, 32);
    EXPECT_EQ(domain->statistics().ranges, 16U);
  }
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaQueues, AreFlushedWithTheOthers) {
  IovaQueue queue = queue_of(*domain);
  keep(queue, 20);
  EXPECT_EQ(domain->trim(1), 8U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
  EXPECT_EQ(keep(queue, 1).front(), k32Bits);
  // By one that finds nothing free, too.
  keep(queue, 10);
  IovaQueue other = queue_of(*domain);
  EXPECT_FALSE(other.allocate_fast(k32Bits, k32Bits, FlushOnFailure::kNo));
  EXPECT_EQ(domain->statistics().ranges, 10U);
  EXPECT_FALSE(other.allocate_fast(k32Bits, k32Bits, FlushOnFailure::kYes));
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaQueues, AnswerAsTheDomain) {
  IovaQueue queue = queue_of(*domain);
  EXPECT_EQ(queue.allocate_fast(0, k32Bits).error(), std::errc::invalid_argument);
  EXPECT_EQ(queue.allocate_fast(k32Bits + 1, k32Bits).error(), std::errc::not_enough_memory);
  const Pfn large = *queue.allocate_fast(33, k32Bits);
  EXPECT_EQ(queue.free_fast(large, 34), FreeFault::kWrongSize);
  EXPECT_EQ(queue.free_fast(large, 33), std::nullopt);
  EXPECT_EQ(queue.free_fast(large, 33), FreeFault::kForeignPfn);
  EXPECT_EQ(queue.free_fast(large, 0), FreeFault::kForeignPfn);
}

TEST_F(IovaQueues, OfACheckedDomainAreChecked) {
  domain = domain_with_cache({.checked = true});
  IovaQueue queue = queue_of(*domain);
  const Pfn first = keep(queue, 1).front();
  EXPECT_EQ(queue.free_fast(first, 1), FreeFault::kDoubleFree);
  EXPECT_EQ(domain->free_fast(first, 1), FreeFault::kDoubleFree);
  EXPECT_EQ(*queue.allocate_fast(1, k32Bits), first);
  EXPECT_EQ(queue.free_fast(first, 2), FreeFault::kWrongSize);
  EXPECT_EQ(domain->free_fast(first, 1), std::nullopt);  // where it is kept now
  EXPECT_EQ(*domain->allocate_fast(1, k32Bits), first);
}

TEST_F(IovaQueues, OfADomainWithoutACacheKeepNothing) {
  domain = domain_with_cache({.sizes = 0});
  IovaQueue queue = queue_of(*domain);
  keep(queue, 3);
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaQueues, AreMoved) {
  IovaQueue queue = queue_of(*domain);
  const Pfn kept = keep(queue, 1).front();
  IovaQueue moved = std::move(queue);
  EXPECT_EQ(*moved.allocate_fast(1, k32Bits), kept);
  EXPECT_EQ(moved.free_fast(kept, 1), std::nullopt);

  // Assigned to one that has ranges, too; these are given back with whoever has them then.
  const auto other = domain_with({});
  {
    IovaQueue target = queue_of(*other);
    keep(target, 5);
    IovaQueue none;
    none = std::move(target);
    target = std::move(moved);
    EXPECT_EQ(*target.allocate_fast(1, k32Bits), kept);
    EXPECT_EQ(target.free_fast(kept, 1), std::nullopt);
    EXPECT_EQ(other->statistics().ranges, 5U);
    EXPECT_EQ(domain->statistics().ranges, 1U);
  }
  EXPECT_EQ(other->statistics().ranges, 0U);
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaQueues, EndInAnyOrder) {
  std::vector<IovaQueue> queues;
  for (int i = 0; i != 10; ++i) {
    queues.push_back(queue_of(*domain));
    keep(queues.back(), 2);
  }
  for (const std::size_t end : {4U, 0U, 7U, 6U}) {
    queues.erase(queues.begin() + static_cast<std::ptrdiff_t>(end));
  }
  EXPECT_EQ(domain->statistics().ranges, 12U);
  queues.clear();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

TEST_F(IovaQueues, AreOfOneThreadsDomainToo) {
  domain = domain_with({.threads = Threads::kOne});
  IovaQueue queue = queue_of(*domain);
  const Pfn kept = keep(queue, 1).front();
  EXPECT_EQ(*queue.allocate_fast(1, k32Bits), kept);
  domain->flush_caches();
  EXPECT_EQ(queue.free_fast(kept, 1), std::nullopt);
  EXPECT_EQ(domain->statistics().ranges, 1U);
  domain->flush_caches();
  EXPECT_EQ(domain->statistics().ranges, 0U);
}

// One thread after the other.
TEST_F(IovaQueues, GoFromThreadToThread) {
  IovaQueue queue = queue_of(*domain);
  const Pfn kept = keep(queue, 1).front();
  std::thread([&] {
    EXPECT_EQ(*queue.allocate_fast(1, k32Bits), kept);
    EXPECT_EQ(queue.free_fast(kept, 1), std::nullopt);
  }).join();
  EXPECT_EQ(*queue.allocate_fast(1, k32Bits), kept);
}

}  // namespace
}  // namespace smmu::iommu::queue_cache_test
