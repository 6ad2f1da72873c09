// Any number of threads with one domain: what one of them holds no other gets.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "smmu/iommu/iova.h"
#include "test/iova/seeds.h"
#include "test/iova/seen.h"

namespace smmu::iommu::concurrency_test {
namespace {

constexpr Pfn kStart = 0x1000;
constexpr Pfn kPages = 0x1000;
constexpr Pfn kLimit = kStart + kPages - 1;
constexpr unsigned kThreads = 4;
constexpr unsigned kSteps = 4000;

// Who holds which page; 0: nobody.
class Owners {
 public:
  void take(const IovaRange& range, unsigned owner) {
    change(range.first(), range.last(), 0, owner);
  }
  void give_back(const IovaRange& range, unsigned owner) {
    change(range.first(), range.last(), owner, 0);
  }
  void give_back(Pfn first, Pfn last, unsigned owner) { change(first, last, owner, 0); }
  // How often a page was not whose it should have been.
  unsigned wrong() const { return wrong_.load(); }
  unsigned held() const {
    unsigned pages = 0;
    for (const auto& owner : owners_) pages += owner.load() != 0;
    return pages;
  }

 private:
  // Relaxed: the domain's lock is what orders it, if anything does.
  void change(Pfn first, Pfn last, unsigned from, unsigned to) {
    for (Pfn page = first; page <= last; ++page) {
      if (page < kStart || page > kLimit ||
          owners_[page - kStart].exchange(to, std::memory_order_relaxed) != from) {
        wrong_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }

  std::atomic<unsigned> owners_[kPages] = {};
  std::atomic<unsigned> wrong_{0};
};

class Worker {
 public:
  Worker(IovaDomain& domain, Owners& owners, unsigned self)
      : domain_(domain), owners_(owners), self_(self), dice_(self) {}

  void run() {
    for (unsigned i = 0; i != kSteps; ++i) {
      const std::uint64_t choice = dice_.below(16);
      if (choice < 7) {
        allocate();
      } else if (choice < 13) {
        free();
      } else if (choice < 14) {
        split();
      } else if (choice < 15) {
        reserve();
      } else {
        look();
      }
    }
    while (!held_.empty()) free();
  }
  unsigned failures() const { return failures_; }

 private:
  void expect(bool yes) { failures_ += !yes; }

  void allocate() {
    const auto range = domain_.allocate(mixed_pages(dice_), kLimit);
    if (!range) return expect(range.error() == std::errc::not_enough_memory);
    owners_.take(*range, self_);
    held_.push_back(*range);
  }
  IovaRange pick() {
    std::swap(held_[dice_.below(held_.size())], held_.back());
    const IovaRange range = held_.back();
    held_.pop_back();
    return range;
  }
  void free() {
    if (held_.empty()) return;
    const IovaRange range = pick();
    owners_.give_back(range, self_);
    if (dice_.one_in(2)) return expect(domain_.free(range));
    const auto freed = domain_.free(dice_.between(range.first(), range.last()));
    expect(freed && *freed == range);
  }
  void split() {
    if (held_.empty()) return;
    const IovaRange range = pick();
    const Pfn first = dice_.between(range.first(), range.last());
    const Pfn last = dice_.between(first, range.last());
    owners_.give_back(first, last, self_);
    const auto remains = domain_.split_and_remove(range, first, last);
    expect(remains.has_value());
    if (!remains) return;
    if (remains->below) held_.push_back(*remains->below);
    if (remains->above) held_.push_back(*remains->above);
  }
  // Of one page, so that it never joins another's.
  void reserve() {
    const Pfn page = dice_.between(kStart, kLimit);
    if (domain_.find(page)) return;
    // Somebody may have come since: then it is theirs, or reserved by them.
    const auto range = domain_.reserve(page, page);
    if (!range) return expect(range.error() == std::errc::address_in_use);
    // Linux's order answers with an allocated range that contains it.
    expect(range->first() <= page && page <= range->last());
  }
  void look() {
    expect(held_.empty() || domain_.find(held_.back().first()) == held_.back());
    expect(held_.empty() || !domain_.is_reserved(held_.back()));
    const auto range = domain_.find_from(dice_.between(kStart, kLimit));
    expect(!range || range->first() <= kLimit);
    expect(domain_.statistics().ranges <= kPages);
  }

  IovaDomain& domain_;
  Owners& owners_;
  const unsigned self_;
  Dice dice_;
  std::vector<IovaRange> held_;
  unsigned failures_ = 0;
};

class IovaConcurrency : public ::testing::TestWithParam<IovaOrder> {
 protected:
  std::unique_ptr<IovaDomain> domain() const {
    auto made = IovaDomain::create(4096, kStart, {.order = GetParam()});
    return made ? *std::move(made) : nullptr;
  }
};

INSTANTIATE_TEST_SUITE_P(Order, IovaConcurrency,
                         ::testing::Values(IovaOrder::kHighestGap, IovaOrder::kLinuxExact),
                         [](const auto& order) {
                           return order.param == IovaOrder::kHighestGap ? "HighestGap"
                                                                        : "LinuxExact";
                         });

TEST_P(IovaConcurrency, NoPageIsHeldByTwo) {
  const auto space = domain();
  const auto owners = std::make_unique<Owners>();
  std::vector<Worker> workers;
  for (unsigned i = 1; i <= kThreads; ++i) workers.emplace_back(*space, *owners, i);
  {
    std::vector<std::jthread> threads;
    for (Worker& worker : workers) threads.emplace_back([&worker] { worker.run(); });
  }
  EXPECT_EQ(owners->wrong(), 0U);
  EXPECT_EQ(owners->held(), 0U);
  for (const Worker& worker : workers) EXPECT_EQ(worker.failures(), 0U);
  // Only reservations are left.
  for (const SeenRange& range : seen(*space)) EXPECT_TRUE(range.reserved);
}

// Each takes from the other, which takes two locks.
TEST_P(IovaConcurrency, TwoDomainsReserveFromEachOther) {
  const auto one = domain();
  const auto other = domain();
  constexpr unsigned kRanges = 200;
  const auto take_turns = [](IovaDomain& own, IovaDomain& others, Pfn first) {
    for (unsigned i = 0; i != kRanges; ++i) {
      EXPECT_TRUE(own.reserve(first + 4 * i, first + 4 * i));
      EXPECT_TRUE(own.reserve_from(others));
      EXPECT_TRUE(own.reserve_from(own));
    }
  };
  {
    const std::jthread first([&] { take_turns(*one, *other, 0); });
    const std::jthread second([&] { take_turns(*other, *one, 2); });
  }
  ASSERT_TRUE(one->reserve_from(*other));
  ASSERT_TRUE(other->reserve_from(*one));
  EXPECT_EQ(one->statistics().ranges, 2 * kRanges);
  EXPECT_EQ(seen(*one), seen(*other));
}

// What one thread allocates another frees.
TEST_P(IovaConcurrency, ARangeIsFreedByAnotherThread) {
  const auto space = domain();
  std::vector<std::atomic<const IovaRange*>> mailboxes(64);
  constexpr unsigned kRanges = 10'000;
  {
    const std::jthread producer([&] {
      for (unsigned i = 0; i != kRanges; ++i) {
        auto& mailbox = mailboxes[i % mailboxes.size()];
        while (mailbox.load(std::memory_order_relaxed)) std::this_thread::yield();
        const auto range = space->allocate(1 + i % 8, kLimit);
        ASSERT_TRUE(range);
        mailbox.store(new IovaRange(*range), std::memory_order_release);
      }
    });
    const std::jthread consumer([&] {
      for (unsigned i = 0; i != kRanges; ++i) {
        auto& mailbox = mailboxes[i % mailboxes.size()];
        const IovaRange* range = nullptr;
        while (!(range = mailbox.load(std::memory_order_acquire))) std::this_thread::yield();
        EXPECT_TRUE(space->free(*range));
        delete range;
        mailbox.store(nullptr, std::memory_order_release);
      }
    });
  }
  EXPECT_EQ(space->statistics().ranges, 0U);
}

}  // namespace
}  // namespace smmu::iommu::concurrency_test
