// Where doorbells of a domain's devices may be mapped.
#include <mutex>

#include "lib/iommu/page_sizes.h"
#include "lib/iommu/pasid_table.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

std::optional<MsiGeometry> Domain::msi_geometry() const {
  if (!is_paging()) return std::nullopt;
  const std::lock_guard lock(iommu_.mutex_);
  const ReservedRegion* const region = software_msi_region();
  if (std::optional<MsiGeometry> window = window_geometry()) {
    window->required = region != nullptr;
    return window;
  }
  if (!region) return std::nullopt;
  return MsiGeometry{region->start, Iova(region->last()), smallest_page(page_sizes()), true};
}

const ReservedRegion* Domain::software_msi_region() const {
  const auto region_of = [](const Device& device) -> const ReservedRegion* {
    for (const ReservedRegion& region : device.reserved_regions()) {
      if (region.type == ReservedType::kSoftwareMsi) return &region;
    }
    return nullptr;
  };
  for (const Group& group : groups_) {
    for (const Device& device : group.devices_) {
      if (const ReservedRegion* const region = region_of(device)) return region;
    }
  }
  for (const PasidAttachment& attachment : pasids_) {
    if (const ReservedRegion* const region = region_of(attachment.device)) return region;
  }
  return nullptr;
}

}  // namespace smmu::iommu
