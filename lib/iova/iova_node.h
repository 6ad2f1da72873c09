// A range of pages in the tree of ranges, and what Boost's red-black algorithms know of it.
#ifndef SMMU_LIB_IOVA_IOVA_NODE_H_
#define SMMU_LIB_IOVA_IOVA_NODE_H_

#include <cstddef>
#include <cstdint>

#include "lib/iova/gaps.h"
#include "smmu/iommu/iova.h"

namespace smmu::iommu {

// A cache line.  A node stands for a range and for the gap below it.  That is why it does not say
// where its range ends: the next node does, which there always is, with the begin of its gap.
//
// What fits below a child is kept here and not in the child, so that a step of a search, down, and
// a step of a correction, up, touch one line each.
struct alignas(64) IovaNode {
  static constexpr std::uintptr_t kBlack = 1;
  static constexpr std::uintptr_t kReserved = 2;
  static constexpr std::uintptr_t kLive = 4;
  static constexpr std::uintptr_t kParked = 8;  // free, and kept by a cache that is checked
  static constexpr std::uintptr_t kFlags = 63;  // nodes lie at multiples of 64

  std::uintptr_t parent_and_flags = 0;
  IovaNode* child[2] = {nullptr, nullptr};  // left, which is lower, and right
  Pfn first = 0;                            // of the range
  Pfn gap = 0;                              // the page after the range below
  Gaps own;                                 // what fits into the gap, or less: see GapTree
  Gaps below[2];                            // the most of all gaps in either subtree

  IovaNode* parent() const {
    // It was a pointer before flags went into its low bits.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return reinterpret_cast<IovaNode*>(parent_and_flags & ~kFlags);
  }
  bool has(std::uintptr_t flag) const { return (parent_and_flags & flag) != 0; }
  void set(std::uintptr_t flag, bool on) {
    parent_and_flags = on ? parent_and_flags | flag : parent_and_flags & ~flag;
  }
  // Of the subtree that begins here.
  Gaps most() const { return largest(own, below); }
};
static_assert(sizeof(IovaNode) == 64 && offsetof(IovaNode, below) % 16 == 0);

// For boost::intrusive::rbtree_algorithms.  It tells of every new child through set_left and
// set_right and, where it rotates, of the lower node's first: what is summed up there is right by
// then.
struct IovaNodeTraits {
  using node = IovaNode;
  using node_ptr = IovaNode*;
  using const_node_ptr = const IovaNode*;
  using color = bool;

  static node_ptr get_parent(const_node_ptr n) { return n->parent(); }
  static void set_parent(node_ptr n, node_ptr parent) {
    n->parent_and_flags =
        reinterpret_cast<std::uintptr_t>(parent) | (n->parent_and_flags & IovaNode::kFlags);
  }
  static node_ptr get_left(const_node_ptr n) { return n->child[0]; }
  static void set_left(node_ptr n, node_ptr child) { set_child<0>(n, child); }
  static node_ptr get_right(const_node_ptr n) { return n->child[1]; }
  static void set_right(node_ptr n, node_ptr child) { set_child<1>(n, child); }

  static color get_color(const_node_ptr n) { return n->has(IovaNode::kBlack); }
  static void set_color(node_ptr n, color black) { n->set(IovaNode::kBlack, black); }
  static color black() { return true; }
  static color red() { return false; }

 private:
  template <int kSide>
  static void set_child(node_ptr n, node_ptr child) {
    n->child[kSide] = child;
    n->below[kSide] = child ? child->most() : Gaps();
  }
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_IOVA_NODE_H_
