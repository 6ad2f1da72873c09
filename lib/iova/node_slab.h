// Memory for the nodes of one tree.
#ifndef SMMU_LIB_IOVA_NODE_SLAB_H_
#define SMMU_LIB_IOVA_NODE_SLAB_H_

#include <cstdint>

#include "lib/iova/iova_node.h"

namespace smmu::iommu {

// Blocks of nodes.  A node that was given back is the next to be given out, so that in steady state
// nothing is asked of the heap; and its memory stays a node, one that is not live, until clear().
class NodeSlab {
 public:
  NodeSlab() = default;
  ~NodeSlab() { clear(); }
  NodeSlab(const NodeSlab&) = delete;
  NodeSlab& operator=(const NodeSlab&) = delete;

  // Live, and otherwise with what is left of its last use.  Null: there is no memory.
  IovaNode* take() {
    IovaNode* node = free_;
    if (node) [[likely]] {
      free_ = node->child[0];
    } else {
      if (unused_ == end_ && !grow(1)) return nullptr;
      node = unused_++;
    }
    ++taken_;
    node->parent_and_flags = IovaNode::kLive;
    return node;
  }
  void give_back(IovaNode* node) {
    --taken_;
    node->parent_and_flags = 0;
    push(node);
  }
  // Whether as many can be taken; there is memory for them from now on.
  bool prepare(std::uint64_t nodes) { return places_ - taken_ >= nodes || grow(nodes); }

  // Gives all memory back, whatever is live.
  void clear();

  std::uint64_t taken() const { return taken_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Block;

  // Makes room for so many at least.
  bool grow(std::uint64_t nodes);
  void push(IovaNode* node) {
    node->child[0] = free_;
    free_ = node;
  }

  IovaNode* free_ = nullptr;    // the newest, and from there through child[0]
  IovaNode* unused_ = nullptr;  // up to end_, in the newest block
  IovaNode* end_ = nullptr;
  Block* blocks_ = nullptr;
  std::uint64_t places_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOVA_NODE_SLAB_H_
