// The ranges of one address space, for one thread at a time: what an IovaDomain guards.
#ifndef SMMU_LIB_IOVA_IOVA_SPACE_H_
#define SMMU_LIB_IOVA_IOVA_SPACE_H_

#include <cstdint>
#include <optional>
#include <system_error>

#include "lib/iova/gap_tree.h"
#include "lib/iova/highest_gap_order.h"
#include "lib/iova/iova_node.h"
#include "lib/iova/linux_order.h"
#include "lib/iova/node_slab.h"
#include "smmu/iommu/iova.h"
#include "smmu/result.h"

namespace smmu::iommu {

// Functions that IovaDomain has too are as described there.
class IovaSpace {
 public:
  // Pages below `end`, which are given out from `start` on.  `boundary`: the first above 4 GiB.
  IovaSpace(Pfn start, Pfn end, Pfn boundary, const IovaConfig& config)
      : linux_(config.order == IovaOrder::kLinuxExact),
        tree_(start, end),
        linux_order_(tree_, boundary, config.failure_memo),
        highest_(tree_) {}

  Pfn start() const { return tree_.start(); }
  Pfn end() const { return tree_.end(); }

  Result<IovaRange, std::errc> allocate(std::uint64_t pages, Pfn limit, Alignment alignment);
  bool free(const IovaRange& range);
  Result<IovaRange, std::errc> free(Pfn page);
  // Frees a range of so many pages that begins there and is not reserved.
  std::optional<FreeFault> free(Pfn first, std::uint64_t pages);

  // Notes that such a range is free, though it stays where it is; kDoubleFree: that is noted
  // already.  And that it is so no more.  Until then, only the free() above frees it.
  std::optional<FreeFault> park(Pfn first, std::uint64_t pages);
  void unpark(Pfn first);

  std::optional<IovaRange> find(Pfn page) const;
  std::optional<IovaRange> find_from(Pfn page) const;
  bool is_reserved(const IovaRange& range) const;

  Result<IovaRange, std::errc> reserve(Pfn first, Pfn last);
  Result<std::uint64_t, std::errc> reserve_from(const IovaSpace& other,
                                                OverAllocated over = OverAllocated::kByOrder);
  Result<IovaRemains, std::errc> split_and_remove(const IovaRange& range, Pfn first, Pfn last);
  void reset();

  IovaStatistics statistics() const {
    return {slab_.taken(), tree_.searches(), tree_.visits(), slab_.bytes() + sizeof(*this)};
  }
  // For tests; O(n).
  bool consistent() const { return tree_.consistent(); }

 private:
  // A number that no space has had.
  static std::uint64_t new_era();
  IovaRange range_of(IovaNode* node, const IovaNode* above) const {
    return {node->first, above->gap - 1, node, era_};
  }
  // What is there, where a range of so many pages that is not reserved should begin.
  std::optional<FreeFault> look_at(Pfn first, std::uint64_t pages,
                                   GapTree::Neighbours& found) const;
  // Whether a range is one of this space and still what it says, and not parked; `above` is the
  // next one then.
  bool live(const IovaRange& range, IovaNode*& above) const;
  void erase(IovaNode* node, IovaNode* above);
  void insert(IovaNode* node, Pfn first, Pfn end, IovaNode* above);
  Result<IovaRange, std::errc> reserve_as_linux(Pfn first, Pfn last);
  void on_part_freed(Pfn first, Pfn last, IovaNode* above);

  const bool linux_;
  std::uint64_t era_ = new_era();
  NodeSlab slab_;
  GapTree tree_;
  LinuxOrder linux_order_;
  HighestGapOrder highest_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_IOVA_SPACE_H_
