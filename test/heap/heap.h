// What this program asks of the heap by operator new, of whatever form: counted, and refused where
// a test wants that.
#ifndef SMMU_TEST_HEAP_HEAP_H_
#define SMMU_TEST_HEAP_HEAP_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <mutex>

namespace smmu::iommu {

// What this program asks of the heap while somebody watches.
class Heap {
 public:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  // From the n-th request on so many are refused, of those that can be without an exception.
  void watch(std::uint64_t n = kNever, std::uint64_t refusals = kNever) {
    const std::lock_guard lock(mutex_);
    requests_ = 0;
    throwing_ = 0;
    first_refused_ = n;
    refusals_ = refusals;
    watched_ = true;
  }
  void leave() { watched_ = false; }
  bool watched() const { return watched_.load(std::memory_order_relaxed); }

  std::uint64_t requests() const { return requests_; }
  // Of them those that would throw.
  std::uint64_t throwing() const { return throwing_; }
  // Bytes that were asked for while somebody watched, and not given back.
  std::uint64_t held() {
    const std::lock_guard lock(mutex_);
    std::uint64_t bytes = 0;
    for (const Block& block : blocks_) bytes += block.bytes;
    return bytes;
  }

  bool refuses() {
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++requests_;
    return number >= first_refused_ && number - first_refused_ < refusals_;
  }
  void note(void* memory, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    for (Block& block : blocks_) {
      if (block.memory) continue;
      block = {memory, bytes};
      noted_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    std::abort();
  }
  void note_throwing() {
    ++requests_;
    ++throwing_;
  }
  void forget(void* memory) {
    if (noted_.load(std::memory_order_relaxed) == 0) return;
    const std::lock_guard lock(mutex_);
    for (Block& block : blocks_) {
      if (block.memory != memory) continue;
      block = {};
      noted_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

 private:
  struct Block {
    void* memory = nullptr;
    std::size_t bytes = 0;
  };
  std::mutex mutex_;
  std::array<Block, 4096> blocks_;
  std::atomic<std::uint64_t> noted_{0};
  std::atomic<std::uint64_t> requests_{0};
  std::atomic<std::uint64_t> throwing_{0};
  std::uint64_t first_refused_ = kNever;
  std::uint64_t refusals_ = 0;
  std::atomic<bool> watched_{false};
};
extern constinit Heap heap;

struct HeapCounts {
  std::uint64_t asked;  // times memory was asked for, since the program began
  std::uint64_t held;   // pieces of memory not given back yet
};
HeapCounts heap_counts();

// As long as one lives, this thread gets no memory from a `new (std::nothrow)`.  Others, which
// would throw, go on.
class HeapRefusal {
 public:
  // The first `granted` still succeed.
  explicit HeapRefusal(std::uint64_t granted = 0);
  ~HeapRefusal();
  HeapRefusal(const HeapRefusal&) = delete;
  HeapRefusal& operator=(const HeapRefusal&) = delete;

  // How many requests were refused so far.
  std::uint64_t refused() const;
};

}  // namespace smmu::iommu

#endif  // SMMU_TEST_HEAP_HEAP_H_
