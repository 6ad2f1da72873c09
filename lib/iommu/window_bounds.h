// Where a window is, for threads that take no lock to ask.
#ifndef SMMU_LIB_IOMMU_WINDOW_BOUNDS_H_
#define SMMU_LIB_IOMMU_WINDOW_BOUNDS_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "smmu/types.h"

namespace smmu::iommu {

// set() and clear() are called by one thread at a time.
class WindowBounds {
 public:
  void set(Iova first, Iova last) { change(first.value, last.value); }
  void clear() { change(UINT64_MAX, 0); }  // it ends before it begins

  // Whether [first, last] has an address in common with the window.  None: the bounds are being
  // changed right now.
  std::optional<bool> touches(Iova first, Iova last) const {
    const std::uint64_t version = version_;
    const std::uint64_t begin = first_;
    const std::uint64_t end = last_;
    const bool touches = begin <= end && first.value <= end && last.value >= begin;
    if (version % 2 != 0 || version_ != version) return std::nullopt;
    return touches;
  }

 private:
  // The version is odd meanwhile.  All of this is in one order for all threads, so who finds the
  // same even version before and after has seen two bounds of one window.
  void change(std::uint64_t first, std::uint64_t last) {
    ++version_;
    first_ = first;
    last_ = last;
    ++version_;
  }

  std::atomic<std::uint64_t> version_{0};
  std::atomic<std::uint64_t> first_{UINT64_MAX};
  std::atomic<std::uint64_t> last_{0};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_WINDOW_BOUNDS_H_
