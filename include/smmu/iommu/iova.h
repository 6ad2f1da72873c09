// IOVA space: which pages of a device's address space are taken.  An IovaDomain hands out ranges of
// page frame numbers, remembers them in a red-black tree and takes them back; it maps nothing.
//
// Every answer is found in O(log n) steps for n live ranges, refusals too, and a live range costs
// 64 bytes.  Only where 2^31 - 2^24 pages or more are asked for, each gap as large as that may be a
// step.
// docs/iova.md tells how, and what other ways cost.
#ifndef SMMU_IOMMU_IOVA_H_
#define SMMU_IOMMU_IOVA_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "smmu/iommu/iova_cache.h"
#include "smmu/iommu/pfn.h"
#include "smmu/result.h"

namespace smmu::iommu {

// Where the next range comes from.
enum class IovaOrder {
  // The highest place that fits, whatever happened before.  Packs tightly.
  kHighestGap,
  // The place Linux 6.12 takes (drivers/iommu/iova.c): below the range that was allocated last, and
  // from the limit again only when there is nothing.  The same addresses and, with the memo, the
  // same refusals.
  kLinuxExact,
};

// For kLinuxExact alone.  Linux remembers the size of its last refusal and refuses requests of that
// size and more below 4 GiB until something there is freed, though they may well fit: the refusal
// may have come from a low limit.  While there was none, that size is all pages below 4 GiB.
enum class FailureMemo { kOff, kOn };

// Whether a range begins at a multiple of its size rounded up to a power of two.
enum class Alignment { kNone, kNatural };

// Who uses a domain: one thread at a time, which the caller sees to, or any number at once.
enum class Threads { kOne, kMany };

// Whether reserve_from() takes pages that are allocated: as the domain's order has it, or never.
enum class OverAllocated { kByOrder, kNever };

// The magazines of allocate_fast() and free_fast().
struct IovaCacheConfig {
  // Ranges of 1, 2, 4, ... 2^(sizes - 1) pages are kept.  At most 16; 0: none are.
  unsigned sizes = 6;
  // Ranges a magazine holds, 1 to 65536.  A thread has two of each size.
  unsigned magazine = 127;
  // Every range that is freed is looked at first, under a lock: for finding out who frees what is
  // not theirs.
  bool checked = false;
};

struct IovaConfig {
  IovaOrder order = IovaOrder::kHighestGap;
  FailureMemo failure_memo = FailureMemo::kOff;
  Threads threads = Threads::kMany;
  IovaCacheConfig cache = {};
};

// Whether a request that nothing is free for takes back what all threads keep, and tries again.
enum class FlushOnFailure { kNo, kYes };

// Why a range was not freed.
enum class FreeFault {
  kWrongSize,   // a range begins there, and has another size
  kDoubleFree,  // it is free, and kept for the next request
  kForeignPfn,  // no range begins there; one that was freed twice and is not kept any more, too
};
std::string_view name(FreeFault fault);

struct IovaNode;  // lib/iova

// A range of pages that is allocated or reserved, as it was when the domain told of it.
class IovaRange {
 public:
  Pfn first() const { return first_; }
  Pfn last() const { return last_; }
  // The one number that may not fit, all 2^64 pages, is out of any domain's reach.
  std::uint64_t pages() const { return last_ - first_ + 1; }

  friend bool operator==(const IovaRange& a, const IovaRange& b) {
    return a.first_ == b.first_ && a.last_ == b.last_;
  }

 private:
  friend class IovaSpace;
  IovaRange(Pfn first, Pfn last, IovaNode* node, std::uint64_t era)
      : first_(first), last_(last), node_(node), era_(era) {}

  Pfn first_;
  Pfn last_;
  IovaNode* node_;     // may be gone, if another era has begun
  std::uint64_t era_;  // of one domain, up to its next reset()
};

// What split_and_remove() leaves of a range.
struct IovaRemains {
  std::optional<IovaRange> below;
  std::optional<IovaRange> above;
};

struct IovaStatistics {
  std::uint64_t ranges = 0;    // live now; those that are reserved or kept for allocate_fast(), too
  std::uint64_t searches = 0;  // of the tree, since the domain was made
  std::uint64_t visits = 0;    // nodes that these looked at
  std::uint64_t bytes = 0;     // of memory for ranges, held now
};

// A cache of ranges for a caller that knows when it is alone, a queue of a device for instance:
// what allocate_fast() and free_fast() of a domain are, without having to find out which thread
// calls.  For one thread at a time; what is freed here may have been allocated elsewhere.
class IovaQueue {
 public:
  IovaQueue() = default;
  // Its ranges become free for everybody.  REQUIRES: the domain is still there.
  ~IovaQueue();
  IovaQueue(IovaQueue&& other) noexcept
      : home_(other.home_), cache_(std::exchange(other.cache_, nullptr)) {}
  IovaQueue& operator=(IovaQueue&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(cache_, other.cache_);
    return *this;
  }

  // REQUIRES: add_queue() has made it.
  [[gnu::always_inline]] Result<Pfn, std::errc> allocate_fast(
      std::uint64_t pages, Pfn limit, FlushOnFailure flush = FlushOnFailure::kYes) {
    Pfn first = 0;
    if (cache_->take(IovaCache::size_of(pages), limit, first)) [[likely]]
      return first;
    return allocate_otherwise(pages, limit, flush);
  }
  [[gnu::always_inline]] std::optional<FreeFault> free_fast(Pfn first, std::uint64_t pages) {
    if (cache_->keep(IovaCache::size_of(pages), first)) [[likely]]
      return std::nullopt;
    return free_otherwise(first, pages);
  }

 private:
  friend class IovaDomain;
  IovaQueue(IovaCaches* home, IovaCache* cache) : home_(home), cache_(cache) {}

  Result<Pfn, std::errc> allocate_otherwise(std::uint64_t pages, Pfn limit, FlushOnFailure flush);
  std::optional<FreeFault> free_otherwise(Pfn first, std::uint64_t pages);

  IovaCaches* home_ = nullptr;
  IovaCache* cache_ = nullptr;
};

// Every member function may be called from any number of threads at once, unless the configuration
// says Threads::kOne.  None throws; one that refuses has changed nothing, but for the memo.
//
// As long as free_fast() keeps a range it is a range of the domain like any other: find() finds it,
// allocate() goes round it, and reserve() has it in its way.
class IovaDomain {
 public:
  // Pages of `granule` bytes, of which those from `start` on are given out.  Nothing is reserved.
  // invalid_argument: `granule` is not a power of two, `start` is not a page of it, or the
  // configuration has a number that it says it may not have.  not_enough_memory.
  static Result<std::unique_ptr<IovaDomain>, std::errc> create(std::uint64_t granule, Pfn start,
                                                               const IovaConfig& config = {});
  ~IovaDomain();
  IovaDomain(const IovaDomain&) = delete;
  IovaDomain& operator=(const IovaDomain&) = delete;

  std::uint64_t granule() const;
  Pfn start() const;
  // The last page there is: of 2^64 bytes, or, for a granule of 1, of one byte less.
  Pfn last() const;

  // `pages` pages, none above `limit`; a limit above last() means last().
  // invalid_argument: no pages.  not_enough_memory: no such place, or no memory to note it in.
  Result<IovaRange, std::errc> allocate(std::uint64_t pages, Pfn limit,
                                        Alignment alignment = Alignment::kNatural);

  // Gives a range back, allocated or reserved.  False: it is not a range of this domain (any more).
  // What free_fast() keeps is free.  A domain whose cache is `checked` refuses it here and in
  // split_and_remove(); without, it is freed, and handed out twice later.
  bool free(const IovaRange& range);
  // The same for the range that contains `page`, whole; the answer tells which that was.
  // invalid_argument: none does, or it is kept and the cache is `checked`.
  Result<IovaRange, std::errc> free(Pfn page);

  // The range that contains `page`.
  std::optional<IovaRange> find(Pfn page) const;
  // The lowest range that ends at `page` or above: a walk over all of them begins at 0 and goes on
  // at last() + 1.
  std::optional<IovaRange> find_from(Pfn page) const;
  // False also for what is not a range of this domain (any more).
  bool is_reserved(const IovaRange& range) const;

  // Takes [first, last] out of what is given out; pages below start() may be reserved too.  What is
  // reserved already stays so and becomes part of the answer, which is one range.
  // invalid_argument: `last` is below `first` or above last().  address_in_use: a page is
  // allocated.  not_enough_memory: none to note it in.
  //
  // kLinuxExact does as Linux: never address_in_use; an allocated or reserved range that overlaps
  // is extended down to `first` and the pages above the highest of them are a new range, which is
  // the answer; a range that contains all of them is the answer itself.
  Result<IovaRange, std::errc> reserve(Pfn first, Pfn last);
  // Reserves here what is reserved in `other`, all of it or nothing; the answer tells how many
  // ranges that are there.  invalid_argument: the granules differ.  address_in_use,
  // not_enough_memory: as for reserve(); but with kNever, address_in_use whatever the order.
  Result<std::uint64_t, std::errc> reserve_from(const IovaDomain& other,
                                                OverAllocated over = OverAllocated::kByOrder);

  // Gives back the pages [first, last] of a range and keeps the others, which stay what they were,
  // allocated or reserved.  For kLinuxExact it is as if these pages had been a range of their own.
  // invalid_argument: `range` is not live or does not contain them.  not_enough_memory: none to
  // note both remains in.
  Result<IovaRemains, std::errc> split_and_remove(const IovaRange& range, Pfn first, Pfn last);

  // Gives everything back, reservations as well, and the memory.  No IovaRange of before is one
  // of this domain any more; nothing of before may be given to free_fast().
  // REQUIRES: no other thread uses the domain.
  void reset();

  // The first page of a range that is aligned naturally.  Up to 2^(sizes - 1) pages, `pages` is
  // rounded up to a power of two, and a range is taken that this thread has freed, or that another
  // has and had too many of; without one, or when none of those at hand is below `limit`,
  // allocate() is asked.  Errors are those of allocate().
  //
  // What a thread keeps is freed when it ends, after the destructors of its thread_local objects
  // or while these run; any of them may call this and free_fast().  REQUIRES: a thread does not do
  // so for the first time when nothing but the destructors of POSIX keys is left of it.
  [[gnu::always_inline]] Result<Pfn, std::errc> allocate_fast(
      std::uint64_t pages, Pfn limit, FlushOnFailure flush = FlushOnFailure::kYes) {
    Pfn first = 0;
    if (IovaCache* const cache = IovaCache::of_thread(number_);
        cache && cache->take(IovaCache::size_of(pages), limit, first)) [[likely]] {
      return first;
    }
    return allocate_otherwise(pages, limit, flush);
  }
  // Keeps a range of allocate_fast() for the next request, or frees it if it is too large for that.
  // `pages`: as it was asked for.
  //
  // Unless the cache is `checked` nothing is looked at that is kept: a wrong size, or a range that
  // is freed twice, makes ranges that overlap.
  [[gnu::always_inline]] std::optional<FreeFault> free_fast(Pfn first, std::uint64_t pages) {
    if (IovaCache* const cache = IovaCache::of_thread(number_);
        cache && cache->keep(IovaCache::size_of(pages), first)) [[likely]] {
      return std::nullopt;
    }
    return free_otherwise(first, pages);
  }
  // not_enough_memory.  A domain without a cache, too, has queues; they keep nothing.
  Result<IovaQueue, std::errc> add_queue();

  // What threads have had too many of is kept in magazines that are full.  Frees all but so many of
  // each size; returns how many ranges that were.
  std::uint64_t trim(std::uint64_t magazines);
  // Frees all that is kept, by threads and queues too.
  void flush_caches();

  IovaStatistics statistics() const;

 private:
  struct State;
  IovaDomain(std::uint64_t number, std::unique_ptr<State> state);

  Result<Pfn, std::errc> allocate_otherwise(std::uint64_t pages, Pfn limit, FlushOnFailure flush);
  std::optional<FreeFault> free_otherwise(Pfn first, std::uint64_t pages);

  const std::uint64_t number_;  // of all domains there have been
  const std::unique_ptr<State> state_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IOVA_H_
