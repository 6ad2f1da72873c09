#include "smmu/iommu/reserved_regions.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "lib/iommu/region_list.h"

namespace smmu::iommu {
namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();

bool meet(const ReservedRegion& a, const ReservedRegion& b) {
  return (b.last() == kLast || a.start.value <= b.last() + 1) &&
         (a.last() == kLast || b.start.value <= a.last() + 1);
}

std::size_t place(ReservedRegion* regions, std::size_t count, const ReservedRegion& region) {
  ReservedRegion* const at = std::upper_bound(
      regions, regions + count, region, [](const ReservedRegion& a, const ReservedRegion& b) {
        return a.start != b.start ? a.start < b.start : a.type < b.type;
      });
  std::move_backward(at, regions + count, regions + count + 1);
  *at = region;
  return count + 1;
}

}  // namespace

std::size_t insert(ReservedRegion* regions, std::size_t count, const ReservedRegion& region) {
  if (region.size == 0 || region.size - 1 > kLast - region.start.value) return count;

  // Those of one type do not meet each other, so none that the new one does not meet is met by what
  // it becomes.
  ReservedRegion whole = region;
  std::uint64_t last = region.last();
  ReservedRegion* const end =
      std::remove_if(regions, regions + count, [&](const ReservedRegion& other) {
        if (other.type != region.type || !meet(other, region)) return false;
        whole.start = std::min(whole.start, other.start);
        whole.prot = whole.prot | other.prot;
        last = std::max(last, other.last());
        return true;
      });
  count = static_cast<std::size_t>(end - regions);

  whole.size = last - whole.start.value + 1;
  if (whole.size == 0) {
    // All addresses are more bytes than a size can tell.  It took the place of one at least.
    whole.size = kLast;
    count = place(regions, count, whole);
    whole.start = Iova(kLast);
    whole.size = 1;
  }
  return place(regions, count, whole);
}

std::size_t drop_needless_msi(ReservedRegion* regions, std::size_t count) {
  const auto is = [](ReservedType type) {
    return [type](const ReservedRegion& region) { return region.type == type; };
  };
  ReservedRegion* const end = regions + count;
  if (std::none_of(regions, end, is(ReservedType::kMsi))) return count;
  return static_cast<std::size_t>(std::remove_if(regions, end, is(ReservedType::kSoftwareMsi)) -
                                  regions);
}

void insert(std::vector<ReservedRegion>& regions, const ReservedRegion& region) {
  const std::size_t count = regions.size();
  regions.resize(count + 1);
  regions.resize(insert(regions.data(), count, region));
}

}  // namespace smmu::iommu
