// Looks for the highest place there is, and remembers where that was.
#ifndef SMMU_LIB_IOVA_HIGHEST_GAP_ORDER_H_
#define SMMU_LIB_IOVA_HIGHEST_GAP_ORDER_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "lib/iova/gap_tree.h"

namespace smmu::iommu {

// What a search has found out holds until something above is freed: between the limit and the node
// it ended at, no gap has the room that was looked for.  So the next search that wants no less
// begins at that node, and where ranges come and go at one place it ends there too.
//
// Two limits are remembered: a device asks below 4 GiB first and then below its own.
class HighestGapOrder {
 public:
  explicit HighestGapOrder(GapTree& tree) : tree_(tree) {}

  GapTree::Place find(const GapRequest& request, Pfn limit) {
    Claim& claim = claim_of(limit);
    GapTree::Place place;
    if (claim.limit == limit && request.room >= claim.room[request.lane]) {
      if (!claim.node) return place;
      if (tree_.fits(request, claim.node, limit, place.first)) {
        place.node = claim.node;
        return place;
      }
      place = tree_.search(request, std::min(claim.node->first, limit));
    } else {
      place = tree_.search(request, limit);
    }
    // Gaps of which no more is known than that may be too small.
    if (request.room == Gaps::kMostRoom) return place;
    claim = {place.node, limit, {request.room, request.room}};
    // Where nothing aligned fits, something else may.
    if (request.lane == 1) claim.room[0] = kNothing;
    return place;
  }

  // `node` was put into the gap of `above`.
  void on_inserted(IovaNode* node, const IovaNode* above) {
    for (Claim& claim : claims_) {
      if (claim.node == above && above->own.room[0] < claim.room[0] &&
          above->own.room[1] < claim.room[1]) {
        claim.node = node;
      }
    }
  }
  // `node` is about to be freed, and its pages become a part of the gap of `above`.
  void on_free(const IovaNode* node, IovaNode* above) {
    for (Claim& claim : claims_) {
      if (node == claim.node || (node->first < claim.limit && is_above(node->first, claim))) {
        claim.node = above;
      }
    }
  }
  // A part of a range was freed: pages from `first` on, in the gap of `above`.
  void on_part_freed(Pfn first, IovaNode* above) {
    for (Claim& claim : claims_) {
      if (first < claim.limit && is_above(first, claim)) claim.node = above;
    }
  }
  void reset() { claims_[0] = claims_[1] = Claim(); }

 private:
  // More than any room: a claim about nothing.
  static constexpr Gaps::Room kNothing = std::numeric_limits<Gaps::Room>::max();

  // No gap above `node` and below `limit` has this room.  Null: none below `limit` at all.
  struct Claim {
    IovaNode* node = nullptr;
    Pfn limit = 0;
    Gaps::Room room[2] = {kNothing, kNothing};
  };

  static bool is_above(Pfn first, const Claim& claim) {
    return !claim.node || first >= claim.node->first;
  }
  // The one that is about this limit, or else the older, for this limit to take.
  Claim& claim_of(Pfn limit) {
    if (claims_[newest_].limit != limit) newest_ ^= 1;
    return claims_[newest_];
  }

  GapTree& tree_;
  Claim claims_[2];
  unsigned newest_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_HIGHEST_GAP_ORDER_H_
