// The IOVA domain: ranges of one page that come and go below 48 bits of address, and in a full
// 32-bit space.  One thread uses a domain, which knows that and takes no lock; not so where there
// are magazines, which are for many.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/rows.h"
#include "smmu/iommu/flush_queue.h"
#include "smmu/iommu/iova.h"

namespace smmu::bench {
namespace {

using iommu::Alignment;
using iommu::IovaDomain;
using iommu::IovaOrder;
using iommu::IovaRange;
using iommu::Pfn;

using Loop = std::function<void(std::uint64_t)>;

constexpr Pfn k48Bits = (Pfn{1} << 36) - 1;
constexpr Pfn k32Bits = (Pfn{1} << 20) - 1;
constexpr auto kLinux = IovaOrder::kLinuxExact;
constexpr auto kHighest = IovaOrder::kHighestGap;

// A domain with so many ranges of one page.
class Space {
 public:
  Space(IovaOrder order, std::uint64_t ranges, Pfn limit) : limit_(limit) {
    auto made = IovaDomain::create(4096, 1, {.order = order, .threads = iommu::Threads::kOne});
    if (!made) give_up("no domain");
    domain_ = *std::move(made);
    live_.reserve(ranges);
    for (std::uint64_t i = 0; i != ranges; ++i) live_.push_back(allocate());
  }

  IovaDomain& domain() { return *domain_; }
  IovaRange allocate() {
    const auto range = domain_->allocate(1, limit_);
    if (!range) give_up("no room");
    return *range;
  }
  void free(const IovaRange& range) {
    if (!domain_->free(range)) give_up("nothing to free");
  }
  std::vector<IovaRange>& live() { return live_; }
  // One of the live ranges.
  IovaRange& any() {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;
    return live_[static_cast<std::size_t>((random_ >> 32) * live_.size() >> 32)];
  }
  // Puts another in its place.
  void replace(IovaRange& range) {
    free(range);
    range = allocate();
  }
  // As many replacements as there are ranges: now the tree is as it stays.
  void mix() {
    for (std::size_t i = 0; i != live_.size(); ++i) replace(any());
  }

 private:
  const Pfn limit_;
  std::unique_ptr<IovaDomain> domain_;
  std::vector<IovaRange> live_;
  std::uint64_t random_ = 1;
};

Loop lifo(IovaOrder order, std::uint64_t ranges) {
  auto space = std::make_shared<Space>(order, ranges, k48Bits);
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) space->free(space->allocate());
  };
}

Loop fifo(IovaOrder order, std::uint64_t ranges) {
  auto space = std::make_shared<Space>(order, ranges, k48Bits);
  return [space](std::uint64_t n) {
    auto oldest = space->live().begin();
    for (std::uint64_t i = 0; i != n; ++i) {
      space->replace(*oldest);
      if (++oldest == space->live().end()) oldest = space->live().begin();
    }
  };
}

Loop random(IovaOrder order, std::uint64_t ranges) {
  auto space = std::make_shared<Space>(order, ranges, k48Bits);
  space->mix();
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) space->replace(space->any());
  };
}

Loop only_choosing() {
  auto space = std::make_shared<Space>(kHighest, 100, k48Bits);
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) keep(space->any());
  };
}

// All pages below 4 GiB are taken, but for one at a time.
Loop full(IovaOrder order) {
  auto space = std::make_shared<Space>(order, k32Bits, k32Bits);
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) space->replace(space->any());
  };
}

// The same, and then a request that there is no room for.
Loop fail(IovaOrder order) {
  auto space = std::make_shared<Space>(order, k32Bits, k32Bits);
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      IovaRange& range = space->any();
      space->free(range);
      if (space->domain().allocate(2, k32Bits)) give_up("two pages in one");
      range = space->allocate();
    }
  };
}

Loop find(std::uint64_t ranges) {
  auto space = std::make_shared<Space>(kHighest, ranges, k48Bits);
  space->mix();
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) keep(space->domain().find(space->any().first()));
  };
}

// A reservation among all ranges, and its end.
Loop reserve(std::uint64_t ranges) {
  auto space = std::make_shared<Space>(kHighest, ranges, k48Bits);
  space->mix();
  return [space](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      // Between two of them: the page of one that was freed.
      IovaRange& range = space->any();
      space->free(range);
      const auto reserved = space->domain().reserve(range.first(), range.first());
      if (!reserved) give_up("not reserved");
      space->free(*reserved);
      range = space->allocate();
    }
  };
}

// A range that a thread keeps for itself.
Loop magazine_pair() {
  auto made = IovaDomain::create(4096, 1);
  if (!made) give_up("no domain");
  std::shared_ptr<IovaDomain> domain = *std::move(made);
  return [domain](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      const auto first = domain->allocate_fast(1, k48Bits);
      if (!first || domain->free_fast(*first, 1)) give_up("no range");
    }
  };
}

Loop queue_pair() {
  struct Used {
    std::unique_ptr<IovaDomain> domain;
    iommu::IovaQueue queue;
  };
  auto used = std::make_shared<Used>();
  auto made = IovaDomain::create(4096, 1);
  if (!made) give_up("no domain");
  used->domain = *std::move(made);
  auto added = used->domain->add_queue();
  if (!added) give_up("no queue");
  used->queue = *std::move(added);
  return [used](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      const auto first = used->queue.allocate_fast(1, k48Bits);
      if (!first || used->queue.free_fast(*first, 1)) give_up("no range");
    }
  };
}

// A range that is allocated, waits, and is freed by the thread that flushes, which every hundredth
// does.
Loop flush_queue_pair() {
  struct NothingMapped : iommu::FlushQueueClient {
    void flush() override {}
    void free_tables(void*) override {}
  };
  struct Used {
    NothingMapped client;
    std::unique_ptr<IovaDomain> domain;
    std::unique_ptr<iommu::FlushQueue> queue;
  };
  auto used = std::make_shared<Used>();
  auto made = IovaDomain::create(4096, 1);
  if (!made) give_up("no domain");
  used->domain = *std::move(made);
  auto queue = iommu::FlushQueue::create(*used->domain, used->client);
  if (!queue) give_up("no queue");
  used->queue = *std::move(queue);
  return [used](std::uint64_t n) {
    for (std::uint64_t i = 0; i != n; ++i) {
      const auto first = used->domain->allocate_fast(1, k48Bits);
      if (!first) give_up("no range");
      used->queue->add(*first, 1, nullptr, std::chrono::nanoseconds(0));
      if (i % 100 == 99) used->queue->flush();
    }
  };
}

}  // namespace

std::vector<Row> iova_rows() {
  std::vector<Row> rows = {{"empty/any_range", [] { return only_choosing(); }}};
  const auto add = [&rows](std::string name, std::function<Loop()> prepare,
                           std::string baseline = "empty") {
    rows.push_back({std::move(name), std::move(prepare), std::move(baseline)});
  };
  for (const IovaOrder order : {kLinux, kHighest}) {
    const std::string family = order == kLinux ? "iova/" : "iova/highest_gap/";
    for (const std::uint64_t ranges : {0U, 10'000U}) {
      add(family + "lifo/" + std::to_string(ranges), [=] { return lifo(order, ranges); });
    }
    add(family + "fifo/10000", [=] { return fifo(order, 10'000); });
    for (const std::uint64_t ranges : {10'000U, 1'000'000U}) {
      add(
          family + "random/" + std::to_string(ranges), [=] { return random(order, ranges); },
          "empty/any_range");
    }
    add(
        family + "full32", [=] { return full(order); }, "empty/any_range");
    add(
        family + "fail32", [=] { return fail(order); }, "empty/any_range");
  }
  add("iova/magazine_pair", [] { return magazine_pair(); });
  add("iova/queue_pair", [] { return queue_pair(); });
  add("iova/flush_queue_pair", [] { return flush_queue_pair(); });
  for (const std::uint64_t ranges : {1'000U, 1'000'000U}) {
    add(
        "iova/find/" + std::to_string(ranges), [=] { return find(ranges); }, "empty/any_range");
    add(
        "iova/reserve/" + std::to_string(ranges), [=] { return reserve(ranges); },
        "empty/any_range");
  }
  return rows;
}

}  // namespace smmu::bench
