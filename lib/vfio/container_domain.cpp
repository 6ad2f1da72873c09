#include "lib/vfio/container_domain.h"

#include <algorithm>
#include <bit>
#include <new>
#include <vector>

namespace smmu::iommu {

std::unique_ptr<ContainerGroup> ContainerGroup::create(Group& group) {
  std::unique_ptr<ContainerGroup> made(new (std::nothrow) ContainerGroup(group));
  if (!made) return nullptr;
  const std::vector<Device*> devices = group.devices();
  // Each device's own: that the MSIs of one are not translated does not help another.
  std::vector<ReservedRegion> regions;
  for (const Device* const device : devices) {
    for (const ReservedRegion& region : device->reserved_regions()) insert(regions, region);
  }
  made->regions_.reset(new (std::nothrow) ReservedRegion[regions.size()]);
  if (!made->regions_) return nullptr;
  std::copy(regions.begin(), regions.end(), made->regions_.get());
  made->region_count_ = regions.size();

  const auto all = [&](Capability capability) {
    return std::all_of(devices.begin(), devices.end(),
                       [capability](const Device* device) { return device->capable(capability); });
  };
  made->traits_ = {.iommu = &group.iommu(),
                   .coherent = all(Capability::kCacheCoherency),
                   .tracks_writes = all(Capability::kDirtyTracking)};
  return made;
}

bool ContainerGroup::forbids(SlotKind kind, Iova first, Iova last) const {
  for (const ReservedRegion& region : regions()) {
    // The device is taken over, so firmware's use of it is at an end.
    if (region.type == ReservedType::kDirectRelaxable) continue;
    // Put there for exactly this.
    if (region.type == ReservedType::kSoftwareMsi && kind == SlotKind::kMsiWindow) continue;
    if (region.start <= last && first.value <= region.last()) return true;
  }
  return false;
}

Result<Done, std::errc> ContainerDomain::open_window(const Slot& slot) {
  // The smallest granule there can be: a doorbell is smaller than any page.
  const auto order = static_cast<unsigned>(std::countr_zero(smallest_page()));
  return domain->alloc_reserved_iova_domain(slot.first, slot.size(), order);
}

std::optional<PinnedRun> ContainerDomain::run_at(Iova iova, std::uint64_t size,
                                                 std::uint64_t page) const {
  // Of the tables, and not of the domain: an SMMU that is asked might still know what was there
  // before, or not answer, and what it says would be unpinned.
  const IoPgtable* const tables = domain->driver_domain().tables();
  if (tables == nullptr) return std::nullopt;
  const std::optional<Pa> pa = tables->iova_to_phys(iova);
  if (!pa) return std::nullopt;
  PinnedRun run{*pa, page};
  for (; run.size < size; run.size += page) {
    const std::optional<Pa> next = tables->iova_to_phys(Iova(iova.value + run.size));
    if (!next || next->value != pa->value + run.size) break;
  }
  run.size = std::min(run.size, size);
  return run;
}

}  // namespace smmu::iommu
