// What was unmapped and the SMMU was not told of yet.
#ifndef SMMU_IOMMU_UNMAP_BATCH_H_
#define SMMU_IOMMU_UNMAP_BATCH_H_

#include <cstdint>

#include "smmu/types.h"

namespace smmu::iommu {

// Ranges of one granule that follow one another, as one.
class UnmapBatch {
 public:
  // Who is told of it later: the domain, or a flush of everything that a FlushQueue asks for.
  enum class Told : std::uint8_t { kBySync, kByFlush };

  explicit UnmapBatch(Told told = Told::kBySync) : told_(told) {}

  bool empty() const { return granule_ == 0; }
  Told told() const { return told_; }
  Iova first() const { return Iova(first_); }
  // REQUIRES: not empty.
  std::uint64_t size() const { return last_ - first_ + 1; }
  std::uint64_t last() const { return last_; }
  // Of the pages and blocks in it; 0: it is empty.
  std::uint64_t granule() const { return granule_; }

  // Whether the range can be part of this batch: the same granule, and no hole between them.
  bool takes(Iova iova, std::uint64_t size, std::uint64_t granule) const {
    const std::uint64_t first = iova.value;
    const std::uint64_t last = first + (size - 1);
    if (empty()) return true;
    return granule == granule_ && (last_ == UINT64_MAX || first <= last_ + 1) &&
           (last == UINT64_MAX || first_ <= last + 1);
  }
  // REQUIRES: takes() it, and it is not empty.
  void add(Iova iova, std::uint64_t size, std::uint64_t granule) {
    const std::uint64_t first = iova.value;
    const std::uint64_t last = first + (size - 1);
    if (first < first_) first_ = first;
    if (last > last_) last_ = last;
    granule_ = granule;
  }
  void clear() { *this = UnmapBatch(told_); }

 private:
  std::uint64_t first_ = UINT64_MAX;
  std::uint64_t last_ = 0;
  std::uint64_t granule_ = 0;
  Told told_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_UNMAP_BATCH_H_
