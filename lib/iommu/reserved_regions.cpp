#include "smmu/iommu/reserved_regions.h"

#include <algorithm>
#include <cstdint>
#include <limits>

#include "lib/iommu/region_list.h"

namespace smmu::iommu {
namespace {

constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();

constexpr Prot kMemoryType = Prot::kMmio | Prot::kCache;
constexpr Prot kMissingRights = Prot::kNoExec | Prot::kPriv;

bool overlap(const ReservedRegion& a, const ReservedRegion& b) {
  return a.start.value <= b.last() && b.start.value <= a.last();
}

bool touch(const ReservedRegion& a, const ReservedRegion& b) {
  return (b.last() != kLast && a.start.value == b.last() + 1) ||
         (a.last() != kLast && b.start.value == a.last() + 1);
}

// All that one of them allows.
Prot together(Prot a, Prot b) {
  return ((a | b) & (kReadWrite | kMemoryType)) | (a & b & kMissingRights);
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

  ReservedRegion whole = region;
  std::uint64_t last = region.last();
  const auto take = [&](const auto& belongs) {
    const ReservedRegion part = whole;
    ReservedRegion* const end =
        std::remove_if(regions, regions + count, [&](const ReservedRegion& other) {
          if (other.type != part.type || !belongs(other, part)) return false;
          whole.start = std::min(whole.start, other.start);
          whole.prot = together(whole.prot, other.prot);
          last = std::max(last, other.last());
          return true;
        });
    count = static_cast<std::size_t>(end - regions);
    whole.size = last - whole.start.value + 1;
  };
  // Those of one type do not overlap each other, so none that the new one does not overlap is
  // overlapped by what it becomes; what kind of memory that is decides what it touches.
  take(overlap);
  // All addresses touch nothing.
  if (whole.size != 0) {
    take([](const ReservedRegion& other, const ReservedRegion& part) {
      return touch(other, part) && (other.prot & kMemoryType) == (part.prot & kMemoryType);
    });
  }

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
