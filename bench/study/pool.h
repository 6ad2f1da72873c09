// Memory for the nodes of one allocator, which knows how much that is.
#ifndef BENCH_STUDY_POOL_H_
#define BENCH_STUDY_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace smmu::study {

// A node that was given back is the next to be taken.  What is still taken when the pool goes, goes
// with it.
template <class Node>
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  template <class... Arguments>
  Node* take(Arguments... arguments) {
    if (free_ == nullptr) grow();
    Slot* const slot = free_;
    free_ = slot->next;
    return new (slot->node) Node(arguments...);
  }
  void give_back(Node* node) {
    node->~Node();
    free_ = new (node) Slot{free_};
  }
  std::uint64_t bytes() const { return blocks_.size() * kNodes * sizeof(Slot); }

 private:
  static constexpr std::size_t kNodes = 256;  // of a block
  union Slot {
    Slot* next;
    alignas(Node) std::byte node[sizeof(Node)];
  };

  void grow() {
    blocks_.push_back(std::make_unique<Slot[]>(kNodes));
    Slot* const block = blocks_.back().get();
    for (std::size_t i = kNodes; i-- != 0;) {
      block[i].next = free_;
      free_ = &block[i];
    }
  }

  Slot* free_ = nullptr;
  std::vector<std::unique_ptr<Slot[]>> blocks_;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_POOL_H_
