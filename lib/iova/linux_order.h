// Where Linux looks for a free range (drivers/iommu/iova.c, 4.15 and later; read as of 6.12).
#ifndef SMMU_LIB_IOVA_LINUX_ORDER_H_
#define SMMU_LIB_IOVA_LINUX_ORDER_H_

#include <algorithm>
#include <cstdint>

#include "lib/iova/gap_tree.h"

namespace smmu::iommu {

// A search begins below the range that was allocated last, and goes on from the limit only if it
// comes to the bottom.  There are two such ranges, one of them for limits below 4 GiB.
//
// Linux's second pass looks only at what is above the range where the first began; below that there
// is nothing, so a search of everything below the limit gives the same answer.
class LinuxOrder {
 public:
  // `boundary`: the first page above 4 GiB.
  LinuxOrder(GapTree& tree, Pfn boundary, FailureMemo memo)
      : tree_(tree), boundary_(boundary), memo_(memo == FailureMemo::kOn) {
    reset();
  }

  GapTree::Place find(const GapRequest& request, Pfn limit) {
    const bool low = limit <= boundary_;
    if (memo_ && low && request.pages >= refused_) return {};
    IovaNode* const begin = low ? begin_low_ : begin_;
    GapTree::Place place;
    if (tree_.fits(request, begin, limit, place.first)) {
      place.node = begin;
      return place;
    }
    place = tree_.search(request, std::min(begin->first, limit));
    if (!place.node && begin->first < limit) place = tree_.search(request, limit);
    if (!place.node) refused_ = request.pages;
    return place;
  }

  // `node` was allocated.
  void on_allocated(IovaNode* node, Pfn end) { (end <= boundary_ ? begin_low_ : begin_) = node; }
  // `node` is about to be freed, and its pages become a part of the gap of `above`.
  void on_free(const IovaNode* node, IovaNode* above) {
    const bool low = above->gap <= boundary_;
    if (node == begin_low_ || (low && node->first >= begin_low_->first)) begin_low_ = above;
    if (node->first >= begin_->first) begin_ = above;
    if (node->first < boundary_) refused_ = boundary_;
  }
  // A part of a range was freed, the pages [first, last] in the gap of `above`: as if these had
  // been a range of their own.
  void on_part_freed(Pfn first, Pfn last, IovaNode* above) {
    if (last < boundary_ && first >= begin_low_->first) begin_low_ = above;
    if (first >= begin_->first) begin_ = above;
    if (first < boundary_) refused_ = boundary_;
  }
  void reset() {
    begin_ = begin_low_ = tree_.anchor();
    refused_ = boundary_;
  }

 private:
  GapTree& tree_;
  const Pfn boundary_;
  const bool memo_;
  IovaNode* begin_;
  IovaNode* begin_low_;
  std::uint64_t refused_;  // pages of the last refusal
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_LINUX_ORDER_H_
