#include "smmu/iommu/domain.h"

#include <limits>
#include <mutex>

#include "lib/iommu/change.h"
#include "lib/iommu/page_sizes.h"
#include "lib/iommu/pasid_table.h"
#include "smmu/iommu/device.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

Domain::Domain(Iommu& iommu, DomainType type) : iommu_(iommu), type_(type) {
  const std::lock_guard lock(iommu_.mutex_);
  iommu_.domains_.push_back(*this);
}

Domain::~Domain() {
  {
    // Who puts back what another domain has bound looks through all of them, and not at a window
    // that is on its way out.
    const std::lock_guard lock(iommu_.mutex_);
    iommu_.domains_.remove(*this);
  }
  drop_window();
  detach_all();
  end_driver();
}

void Domain::detach_all() {
  const Iommu::Change change(iommu_);
  while (!pasids_.empty()) {
    const PasidAttachment& attachment = pasids_.front();
    attachment.device.detach_pasid(attachment.pasid);
  }
  while (!groups_.empty()) groups_.front().leave_domain();
}

// The driver tells this object of faults until its own is gone, and handlers may ask that one.
void Domain::end_driver() {
  delete driver_domain_.get();
  static_cast<void>(driver_domain_.release());
}

Attachment Domain::attachment(const Domain* domain) {
  if (domain == nullptr || domain->type_ == DomainType::kBlocked) return {AttachKind::kBlocked};
  if (domain->type_ == DomainType::kIdentity) return {AttachKind::kIdentity};
  return {AttachKind::kDomain, domain->driver_domain_.get()};
}

Result<Done, std::errc> Domain::set_nesting(bool nesting) {
  const std::lock_guard lock(iommu_.mutex_);
  // The window is inside what can be mapped now, and what is mapped would be lost.
  if (has_reserved_window() || was_mapped()) return std::errc::operation_not_permitted;
  return driver_domain_->set_nesting(nesting);
}

Result<Done, std::errc> Domain::set_quirks(const PgtableQuirks& quirks) {
  if (type_ != DomainType::kUnmanaged) return std::errc::invalid_argument;
  const std::lock_guard lock(iommu_.mutex_);
  if (has_reserved_window() || was_mapped()) return std::errc::operation_not_permitted;
  return driver_domain_->set_quirks(quirks);
}

bool Domain::enforce_cache_coherency() {
  const std::lock_guard lock(iommu_.mutex_);
  return driver_domain_->enforce_cache_coherency();
}

std::optional<Pa> Domain::iova_to_phys(Iova iova) const {
  return driver_domain_->iova_to_phys(iova);
}

std::size_t Domain::attachments() const {
  const std::lock_guard lock(iommu_.mutex_);
  return groups_.size();
}

bool Domain::forbids_window(const Device& device, const ReservedRegion& region) {
  switch (region.type) {
    case ReservedType::kSoftwareMsi:
      return false;
    case ReservedType::kDirectRelaxable:
      // Who has taken the device over has ended firmware's use of it.
      return device.group().owner_ == nullptr;
    default:
      return true;
  }
}

bool Domain::meets_reserved_region(Iova first, Iova last) const {
  const auto meets = [&](const Device& device) {
    for (const ReservedRegion& region : device.reserved_regions()) {
      if (!forbids_window(device, region)) continue;
      if (region.start <= last && first.value <= region.last()) return true;
    }
    return false;
  };
  for (const Group& group : groups_) {
    for (const Device& device : group.devices_) {
      if (meets(device)) return true;
    }
  }
  for (const PasidAttachment& attachment : pasids_) {
    if (meets(attachment.device)) return true;
  }
  return false;
}

}  // namespace smmu::iommu
