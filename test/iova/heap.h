// What this program asks of the heap by operator new, of whatever form: counted, and refused where
// a test wants that.
#ifndef SMMU_TEST_IOVA_HEAP_H_
#define SMMU_TEST_IOVA_HEAP_H_

#include <cstdint>

namespace smmu::iommu {

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

#endif  // SMMU_TEST_IOVA_HEAP_H_
