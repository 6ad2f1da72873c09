// IOVA space: which pages of a device's address space are taken.  An IovaDomain hands out ranges of
// page frame numbers, remembers them in a red-black tree and takes them back; it maps nothing.
//
// Every answer is found in O(log n) steps for n live ranges, refusals too, and a live range costs
// 64 bytes.  docs/iova.md tells how, and what other ways cost.
#ifndef SMMU_IOMMU_IOVA_H_
#define SMMU_IOMMU_IOVA_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include "smmu/result.h"

namespace smmu::iommu {

// A page frame number: an IOVA divided by the domain's granule.  0 is a page like any other.
using Pfn = std::uint64_t;

// Where the next range comes from.
enum class IovaOrder {
  // The highest place that fits, whatever happened before.  Packs tightly.
  kHighestGap,
  // The place Linux 6.12 takes (drivers/iommu/iova.c): below the range that was allocated last, and
  // from the limit again only when there is nothing.  The same addresses and the same refusals.
  kLinuxExact,
};

// For kLinuxExact alone.  Linux remembers the size of its last refusal and refuses requests of that
// size and more below 4 GiB until something there is freed, though they may well fit: the refusal
// may have come from a low limit.
enum class FailureMemo { kOff, kOn };

// Whether a range begins at a multiple of its size rounded up to a power of two.
enum class Alignment { kNone, kNatural };

// Who uses a domain: one thread at a time, which the caller sees to, or any number at once.
enum class Threads { kOne, kMany };

struct IovaConfig {
  IovaOrder order = IovaOrder::kHighestGap;
  FailureMemo failure_memo = FailureMemo::kOff;
  Threads threads = Threads::kMany;
};

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
  IovaRange(Pfn first, Pfn last, IovaNode* node) : first_(first), last_(last), node_(node) {}

  Pfn first_;
  Pfn last_;
  IovaNode* node_;
};

// What split_and_remove() leaves of a range.
struct IovaRemains {
  std::optional<IovaRange> below;
  std::optional<IovaRange> above;
};

struct IovaStatistics {
  std::uint64_t ranges = 0;    // live now, reserved ones included
  std::uint64_t searches = 0;  // of the tree, since the domain was made
  std::uint64_t visits = 0;    // nodes that these looked at
  std::uint64_t bytes = 0;     // of memory for ranges, held now
};

// Every member function may be called from any number of threads at once, unless the configuration
// says Threads::kOne.  None throws; one that refuses has changed nothing.
class IovaDomain {
 public:
  // Pages of `granule` bytes, of which those from `start` on are given out.  Nothing is reserved.
  // invalid_argument: `granule` is not a power of two, or `start` is not a page of it.
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
  // A range of another domain, which has the same first page as one of this, may free that.
  bool free(const IovaRange& range);
  // The same for the range that contains `page`, whole; the answer tells which that was.
  // invalid_argument: none does.
  Result<IovaRange, std::errc> free(Pfn page);

  // The range that contains `page`.
  std::optional<IovaRange> find(Pfn page) const;
  // The lowest range that ends at `page` or above: a walk over all of them begins at 0 and goes on
  // at last() + 1.
  std::optional<IovaRange> find_from(Pfn page) const;
  bool is_reserved(const IovaRange& range) const;

  // Takes [first, last] out of what is given out; pages below start() may be reserved too.  What is
  // reserved already stays so and becomes part of the answer, which is one range.
  // invalid_argument: `last` is below `first` or above last().  address_in_use: a page is
  // allocated.
  //
  // kLinuxExact does as Linux: never address_in_use; an allocated or reserved range that overlaps
  // is extended down to `first` and the pages above the highest of them are a new range, which is
  // the answer; a range that contains all of them is the answer itself.
  Result<IovaRange, std::errc> reserve(Pfn first, Pfn last);
  // Reserves here what is reserved in `other`.  invalid_argument: the granules differ.
  // address_in_use: as for reserve().
  Result<std::uint64_t, std::errc> reserve_from(const IovaDomain& other);

  // Gives back the pages [first, last] of a range and keeps the others.
  // invalid_argument: `range` is not live or does not contain them.
  Result<IovaRemains, std::errc> split_and_remove(const IovaRange& range, Pfn first, Pfn last);

  // Gives everything back, reservations as well, and the memory.
  void reset();

  IovaStatistics statistics() const;

 private:
  struct State;
  explicit IovaDomain(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IOVA_H_
