#include "lib/iova/node_slab.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>

namespace smmu::iommu {

// In the place of a first node.
struct alignas(IovaNode) NodeSlab::Block {
  Block* next;
};

bool NodeSlab::grow(std::uint64_t nodes) {
  // A page for a domain with few ranges; an eighth of what there is for one with many.
  constexpr std::uint64_t kFewest = 4096 / sizeof(IovaNode) - 1;
  constexpr std::uint64_t kMost = 65536 / sizeof(IovaNode) - 1;
  constexpr std::uint64_t kPossible = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(IovaNode);
  const std::uint64_t places = std::max(nodes, std::clamp(places_ / 8, kFewest, kMost));
  if (places >= kPossible) return false;
  const auto bytes = static_cast<std::size_t>(places + 1) * sizeof(IovaNode);
  void* const memory = ::operator new (bytes, std::align_val_t{alignof(IovaNode)}, std::nothrow);
  if (!memory) return false;

  while (unused_ != end_) push(unused_++);
  blocks_ = new (memory) Block{blocks_};
  unused_ = reinterpret_cast<IovaNode*>(static_cast<std::byte*>(memory) + sizeof(Block));
  end_ = std::uninitialized_value_construct_n(unused_, places);
  places_ += places;
  bytes_ += bytes;
  return true;
}

void NodeSlab::clear() {
  while (blocks_) {
    Block* const block = blocks_;
    blocks_ = block->next;
    ::operator delete (block, std::align_val_t{alignof(IovaNode)});
  }
  free_ = unused_ = end_ = nullptr;
  places_ = taken_ = bytes_ = 0;
}

}  // namespace smmu::iommu
