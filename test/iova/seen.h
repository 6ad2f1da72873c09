// All that can be seen of a domain without changing it.
#ifndef SMMU_TEST_IOVA_SEEN_H_
#define SMMU_TEST_IOVA_SEEN_H_

#include <cstdint>
#include <ostream>
#include <vector>

#include "smmu/iommu/iova.h"

namespace smmu::iommu {

struct SeenRange {
  Pfn first;
  Pfn last;
  bool reserved = false;

  friend bool operator==(const SeenRange&, const SeenRange&) = default;
};
inline void PrintTo(const SeenRange& range, std::ostream* to) {
  *to << std::hex << '[' << range.first << ',' << range.last
      << (range.reserved ? " reserved]" : "]") << std::dec;
}

// From the lowest to the highest.
inline std::vector<SeenRange> seen(const IovaDomain& domain) {
  std::vector<SeenRange> ranges;
  for (auto range = domain.find_from(0); range; range = domain.find_from(range->last() + 1)) {
    ranges.push_back({range->first(), range->last(), domain.is_reserved(*range)});
  }
  return ranges;
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_IOVA_SEEN_H_
