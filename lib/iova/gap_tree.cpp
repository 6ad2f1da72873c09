#include "lib/iova/gap_tree.h"

#include <algorithm>
#include <cstddef>

namespace smmu::iommu {

GapTree::GapTree(Pfn start, Pfn end) : start_(start) {
  anchor_.first = end;
  clear();
}

void GapTree::clear() {
  understated_ = nullptr;
  Algorithms::init_header(&header_);
  anchor_.gap = 0;
  anchor_.own = gaps_of(&anchor_);
  anchor_.below[0] = anchor_.below[1] = Gaps();
  Algorithms::insert_before(&header_, &header_, &anchor_);
}

GapTree::Neighbours GapTree::around(Pfn page) const {
  Neighbours found{};
  for (IovaNode* node = header_.parent(); node;) {
    const bool right = node->first <= page;
    (right ? found.at_or_below : found.above) = node;
    node = node->child[right];
  }
  return found;
}

GapTree::Place GapTree::search(const GapRequest& request, Pfn limit) {
  settle();
  ++searches_;
  IovaNode* const root = header_.parent();
  ++visits_;
  // Gaps that a limit cuts have no more than they have without it.
  if (!request.fits(root->own) && !request.fits(root->below[0]) && !request.fits(root->below[1])) {
    return {};
  }
  IovaNode* above = nullptr;          // the lowest node at the limit or above
  IovaNode* highest_below = nullptr;  // the highest below it that has room, itself or on its left
  for (IovaNode* node = root; node;) {
    ++visits_;
    const bool right = node->first < limit;
    if (right) {
      if (request.fits(node->own) || request.fits(node->below[0])) highest_below = node;
    } else {
      above = node;
    }
    node = node->child[right];
  }
  Place place;
  if (fits(request, above, limit, place.first)) {
    place.node = above;
    return place;
  }
  if (!highest_below) return {};
  if (request.fits(highest_below->own)) {
    place.node = highest_below;
  } else {
    place.node = highest(request, highest_below->child[0]);
  }
  // What says that it has the most there is to say may have less than is asked for.
  while (!fits(request, place.node, limit, place.first)) {
    place.node = next_below(request, place.node);
    if (!place.node) return {};
  }
  return place;
}

IovaNode* GapTree::highest(const GapRequest& request, IovaNode* root) {
  IovaNode* node = root;
  for (;;) {
    ++visits_;
    if (request.fits(node->below[1])) {
      node = node->child[1];
    } else if (request.fits(node->own)) {
      return node;
    } else {
      node = node->child[0];
    }
  }
}

IovaNode* GapTree::next_below(const GapRequest& request, IovaNode* node) {
  for (;;) {
    ++visits_;
    if (request.fits(node->below[0])) return highest(request, node->child[0]);
    // The next one to the left of all that has been seen is the first that this is on the right of.
    IovaNode* child = node;
    do {
      child = node;
      node = node->parent();
      ++visits_;
      if (node == &header_) return nullptr;
    } while (child == node->child[0]);
    if (request.fits(node->own)) return node;
  }
}

IovaNode* GapTree::highest_of(IovaNode* node) {
  while (node->child[1]) node = node->child[1];
  return node;
}

void GapTree::tell(IovaNode* node, const IovaNode* top) {
  while (node != top) {
    IovaNode* const parent = node->parent();
    Gaps& kept = parent->below[std::size_t{node == parent->child[1]}];
    const Gaps most = node->most();
    if (kept == most) return;
    kept = most;
    node = parent;
  }
}

void GapTree::link(IovaNode* node, IovaNode* above) {
  if (above == understated_) understated_ = nullptr;
  node->own = gaps_of(node);
  node->below[0] = node->below[1] = Gaps();
  above->own = gaps_of(above);

  // It is said that the node is there before it is, so that where Boost rotates, all sums are
  // right.
  Algorithms::insert_commit_data place;
  place.link_left = above->child[0] == nullptr;
  if (place.link_left) {
    place.node = above;
    above->below[0] = node->own;
  } else {
    place.node = highest_of(above->child[0]);
    place.node->below[1] = node->own;
    tell(place.node, above);
  }
  tell(above, &header_);

  // A red leaf of a black node: nothing moves.
  if (place.node->has(IovaNode::kBlack)) {
    node->child[0] = node->child[1] = nullptr;
    IovaNodeTraits::set_parent(node, place.node);
    place.node->child[place.link_left ? 0 : 1] = node;
    if (header_.child[0] == above) header_.child[0] = node;
    return;
  }
  Algorithms::insert_unique_commit(&header_, node, place);
}

void GapTree::erase(IovaNode* node, IovaNode* above) {
  if (understated_ != above) {
    if (understated_ != node) settle();
    understated_ = above;
  }
  // The gaps become one.  Until a search wants to know, what the larger of them had is said: then
  // only those in between hear of it, if any.
  const Gaps merged = largest(node->own, above->own);
  above->gap = node->gap;
  if (!node->child[1]) {
    // `above` is on top of `node`.  A parent hears of what its child becomes in any case.
    if (above->child[0] != node) {
      node->own = Gaps();
      tell(node, above);
    }
    above->own = merged;
    if (!node->child[0] && !node->has(IovaNode::kBlack)) {
      // Nothing moves.
      IovaNode* const parent = node->parent();
      const bool right = parent->child[1] == node;
      parent->child[right] = nullptr;
      parent->below[right] = Gaps();
      if (header_.child[0] == node) header_.child[0] = parent;
      return;
    }
  } else {
    // `above` is the lowest on the right of `node`.  If `node` has a left child too, it takes that
    // one's place; otherwise it is its only child, and does as well.
    above->own = Gaps();
    tell(above, node);
    above->own = merged;
  }
  Algorithms::erase(&header_, node);
}

bool GapTree::consistent() const {
  unsigned black = 0;
  Pfn gap = 0;
  const IovaNode* const root = header_.parent();
  if (root == nullptr || root->parent() != &header_ || !root->has(IovaNode::kBlack)) return false;
  const IovaNode* lowest = root;
  while (lowest->child[0]) lowest = lowest->child[0];
  if (header_.child[0] != lowest || header_.child[1] != &anchor_) return false;
  return consistent(root, &header_, black, gap);
}

// `gap`: where the gap of the subtree's lowest node must begin at least; then that of the node
// after the subtree.
bool GapTree::consistent(const IovaNode* node, const IovaNode* parent, unsigned& black,
                         Pfn& gap) const {
  if (node == nullptr) {
    black = 1;
    return true;
  }
  unsigned blacks[2] = {0, 0};
  if (node->parent() != parent) return false;
  if (!consistent(node->child[0], node, blacks[0], gap)) return false;
  if (node->gap < gap || node->first < node->gap) return false;
  if (node != &anchor_) gap = node->first + 1;
  if (!consistent(node->child[1], node, blacks[1], gap)) return false;

  if (blacks[0] != blacks[1]) return false;
  black = blacks[0] + node->has(IovaNode::kBlack);
  const Gaps real = gaps_of(node);
  if (node == understated_ ? largest(real, node->own) != real : node->own != real) return false;
  for (unsigned side = 0; side != 2; ++side) {
    const IovaNode* const child = node->child[side];
    if (child != nullptr && !child->has(IovaNode::kBlack) && !node->has(IovaNode::kBlack)) {
      return false;
    }
    if (node->below[side] != (child != nullptr ? child->most() : Gaps())) return false;
  }
  return true;
}

}  // namespace smmu::iommu
