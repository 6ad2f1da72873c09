// Ranges that one thread, or one queue, keeps for its next requests.  Not for users: it is here for
// IovaDomain::allocate_fast() and free_fast() to be inlined, of which it is the part that is run
// when what is wanted is at hand.
#ifndef SMMU_IOMMU_IOVA_CACHE_H_
#define SMMU_IOMMU_IOVA_CACHE_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "smmu/iommu/pfn.h"

namespace smmu::iommu {

class IovaCaches;
class Magazine;

// Two magazines of each size: the one that is worked with, and one that is full or empty as that
// one changes, so that a caller at the edge of a magazine does not go to the depot every time.
//
// Its owner comes in without a lock, and without an instruction that locks the bus: it says that it
// is in, and then looks whether it may.  Who shuts it out says so, makes all threads pass a
// barrier, and then waits until it is not in: one of the two sees the other.  Where there is no
// such barrier, the owner is shut out for good, and comes by its domain's lock.
class alignas(64) IovaCache {
 public:
  static constexpr unsigned kMostSizes = 16;

  // 2^size pages are the fewest that so many fit into.  No pages at all are said not to fit
  // anywhere.
  static unsigned size_of(std::uint64_t pages) {
    return static_cast<unsigned>(std::bit_width(pages - 1));
  }

  // What the calling thread has at a domain, or null where that is not easily found.
  [[gnu::always_inline]] static IovaCache* of_thread(std::uint64_t domain) {
    const std::size_t slot = domain % kSlots;
    return domains_[slot] == domain ? caches_[slot] : nullptr;
  }

  // What the owner wants: a range of 2^size pages, or to have one kept.  False: that needs more
  // than what is at hand, or the owner is shut out.
  [[gnu::always_inline]] bool take(unsigned size, Pfn limit, Pfn& first) {
    bool taken = false;
    if (enter()) [[likely]] {
      Bin& bin = bins_[size];
      Pfn* const top = bin.top;
      if (top != bin.begin && top[-1] + ((Pfn{1} << size) - 1) <= limit) [[likely]] {
        first = top[-1];
        bin.top = top - 1;
        taken = true;
      }
    }
    leave();
    return taken;
  }
  [[gnu::always_inline]] bool keep(unsigned size, Pfn first) {
    bool kept = false;
    if (enter()) [[likely]] {
      Bin& bin = bins_[size];
      Pfn* const top = bin.top;
      if (top != bin.end) [[likely]] {
        *top = first;
        bin.top = top + 1;
        kept = true;
      }
    }
    leave();
    return kept;
  }

 private:
  friend class IovaCaches;
  friend class ThreadCaches;

  // The domains that a thread uses meet in these slots, a few at a time.  A domain's number is
  // never used again, so what is left of one that is gone is found by nobody.
  static constexpr std::size_t kSlots = 64;
  static constinit thread_local std::uint64_t domains_[kSlots];
  static constinit thread_local IovaCache* caches_[kSlots];

  // A magazine at hand, from begin to end; up to top it is in use.  For a size that is not kept,
  // all of them are null.
  struct Bin {
    Pfn* top = nullptr;
    Pfn* begin = nullptr;
    Pfn* end = nullptr;
  };

  enum class Entry { kOpen, kByLock };  // for its owner
  IovaCache(IovaCaches& home, Entry entry) : shut_(entry == Entry::kByLock), home_(home) {}

  bool enter() {
    in_.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    return !shut_.load(std::memory_order_acquire);
  }
  void leave() { in_.store(false, std::memory_order_release); }

  // For who holds the domain's lock, or for the owner, while it is in.

  // Like take() and keep(), but of all that is here.
  bool take_any(unsigned size, Pfn limit, Pfn& first);
  bool keep_anywhere(unsigned size, Pfn first);
  // Puts a magazine at hand, and takes it away again.
  void load(unsigned size, Magazine* magazine, std::size_t capacity);
  Magazine* unload(unsigned size);
  // Exchanges the one at hand for the other.
  void turn(unsigned size);

  // Called in this order, with process_barrier() after the first.
  void shut() { shut_.store(true, std::memory_order_relaxed); }
  void await() const;
  void open() { shut_.store(false, std::memory_order_release); }

  std::atomic<bool> in_{false};
  std::atomic<bool> shut_;
  Bin bins_[65];  // by the size
  Magazine* other_[kMostSizes] = {};
  IovaCaches& home_;
  IovaCache* next_ = nullptr;  // of the domain
  // Of the thread; `link_` is what points here.
  IovaCache* next_of_thread_ = nullptr;
  IovaCache** link_ = nullptr;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_IOVA_CACHE_H_
