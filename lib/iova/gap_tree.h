// Ranges of pages in a red-black tree by address, in which the highest gap that something fits into
// is found in O(log n).
#ifndef SMMU_LIB_IOVA_GAP_TREE_H_
#define SMMU_LIB_IOVA_GAP_TREE_H_

#include <bit>
#include <boost/intrusive/rbtree_algorithms.hpp>
#include <cstdint>

#include "lib/iova/gaps.h"
#include "lib/iova/iova_node.h"
#include "smmu/iommu/iova.h"

namespace smmu::iommu {

// What is looked for.
struct GapRequest {
  std::uint64_t pages;
  Pfn mask;         // of the addresses that are aligned well
  unsigned lane;    // of Gaps
  Gaps::Room room;  // what a gap must have in that lane

  // REQUIRES: `size` is not 0.
  GapRequest(std::uint64_t size, Alignment alignment)
      : pages(size), mask(~Pfn{0}), lane(0), room(Gaps::room_of(size)) {
    if (alignment == Alignment::kNatural) {
      const auto bits = static_cast<unsigned>(std::bit_width(pages - 1));
      mask = bits == 64 ? 0 : mask << bits;
      lane = 1;
    }
  }
  bool fits(const Gaps& gaps) const { return gaps.room[lane] >= room; }
};

// Every node stands for a range and for the gap below it.  An anchor, a range above all pages,
// stands for the gap on top; there is always one node above any page.
//
// `own` of a node never says more than its gap has, and every `below` is what the nodes there say.
// One node at a time may say less than its gap has: the one whose gap the last range that was
// erased has made larger.  The next search puts that right, if it has not shrunk again by then,
// which it has where ranges come and go at one place.
//
// Not for more than one thread at a time.
class GapTree {
 public:
  // A place for a request: it begins at `first`, in the gap of `node`.  Null: there is none.
  struct Place {
    IovaNode* node = nullptr;
    Pfn first = 0;
  };

  // Of pages below `end`.  No request is given a page below `start`.
  GapTree(Pfn start, Pfn end);
  GapTree(const GapTree&) = delete;
  GapTree& operator=(const GapTree&) = delete;

  Pfn start() const { return start_; }
  Pfn end() const { return anchor_.first; }
  IovaNode* anchor() { return &anchor_; }
  bool is_anchor(const IovaNode* node) const { return node == &anchor_; }

  // The highest place for a request in the gap of `node`, below `limit`.
  bool fits(const GapRequest& request, const IovaNode* node, Pfn limit, Pfn& first) const {
    const Pfn top = std::min(node->first, limit);
    const Pfn bottom = std::max(node->gap, start_);
    first = (top - request.pages) & request.mask;
    return top >= request.pages && first >= bottom;
  }
  // The highest place for it below `limit`.
  // REQUIRES: `limit` is not above end().
  Place search(const GapRequest& request, Pfn limit);

  // The highest range that begins at a page or below, null if none does, and the next above it.
  struct Neighbours {
    IovaNode* at_or_below;
    IovaNode* above;
    // Whether the page is one of the lower range.
    bool contain(Pfn page) const { return at_or_below && page < above->gap; }
  };
  // REQUIRES: `page` is below end().
  Neighbours around(Pfn page) const;
  static IovaNode* next(IovaNode* node) { return Algorithms::next_node(node); }

  // Puts [first, end) into the gap of `above`, which has these pages free.
  void insert(IovaNode* node, Pfn first, Pfn end, IovaNode* above) {
    node->first = first;
    node->gap = above->gap;
    above->gap = end;
    link(node, above);
  }
  // Cuts the range below `above` in two: it ends where `gap` begins, and the rest, from `first` on,
  // is the new node's.
  void cut(IovaNode* node, Pfn first, Pfn gap, IovaNode* above) {
    node->first = first;
    node->gap = gap;
    link(node, above);
  }
  // Takes a node out; its range becomes a part of the gap of the next one, `above`.
  // REQUIRES: the node is not the anchor.
  void erase(IovaNode* node, IovaNode* above);
  // Lets the range of a node begin elsewhere, or the gap of a node; the caller sees to it that the
  // pages between are free, or become so.
  void move_first(IovaNode* node, Pfn first) {
    node->first = first;
    settle_gap(node);
  }
  void move_gap(IovaNode* node, Pfn gap) {
    node->gap = gap;
    settle_gap(node);
  }

  // Forgets all nodes.
  void clear();

  std::uint64_t searches() const { return searches_; }
  std::uint64_t visits() const { return visits_; }

  // Whether everything that the tree relies on holds: order, red and black, sums.  For tests; O(n).
  bool consistent() const;

 private:
  using Algorithms = boost::intrusive::rbtree_algorithms<IovaNodeTraits>;

  Gaps gaps_of(const IovaNode* node) const {
    return Gaps::between(std::max(node->gap, start_), node->first);
  }
  // Puts a node into the tree below `above`, when the gaps of both are what they shall be.
  void link(IovaNode* node, IovaNode* above);
  void settle() {
    if (understated_) settle_understated();
  }
  [[gnu::noinline]] void settle_understated() { settle_gap(understated_); }
  void settle_gap(IovaNode* node) {
    if (node == understated_) understated_ = nullptr;
    node->own = gaps_of(node);
    tell(node, &header_);
  }
  // Of a subtree.
  static IovaNode* highest_of(IovaNode* node);
  // What a node says has changed, and so has perhaps what those on top of it keep of it, `top`
  // included.
  static void tell(IovaNode* node, const IovaNode* top);
  // The highest node of a subtree with room; there is one.
  IovaNode* highest(const GapRequest& request, IovaNode* root);
  // The highest node below another in order that says it has room, or null.
  IovaNode* next_below(const GapRequest& request, IovaNode* node);
  bool consistent(const IovaNode* node, const IovaNode* parent, unsigned& black, Pfn& gap) const;

  const Pfn start_;
  IovaNode header_;
  IovaNode anchor_;
  IovaNode* understated_ = nullptr;
  std::uint64_t searches_ = 0;
  std::uint64_t visits_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_GAP_TREE_H_
