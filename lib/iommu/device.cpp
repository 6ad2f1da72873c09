#include "smmu/iommu/device.h"

#include <new>
#include <utility>

#include "lib/iommu/change.h"
#include "lib/iommu/pasid_table.h"
#include "lib/iommu/region_list.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

Device::Device(Iommu& iommu, DeviceConfig config) : iommu_(iommu), config_(std::move(config)) {}

Device::~Device() = default;

bool Device::capable(Capability capability) const {
  return iommu_.driver_->capable(capability, this);
}

// What of the driver and of the configuration is asked for again and again.
Result<Done, std::errc> Device::prepare() {
  pasids_.reset(new (std::nothrow) PasidTable);
  const std::span<const ReservedRegion> of_driver = iommu_.driver_->reserved_regions(*this);
  const std::size_t most = of_driver.size() + config_.reserved.size();
  regions_.reset(new (std::nothrow) ReservedRegion[most]);
  if (!pasids_ || !regions_) return std::errc::not_enough_memory;
  std::size_t count = 0;
  for (const ReservedRegion& region : of_driver) count = insert(regions_.get(), count, region);
  for (const ReservedRegion& region : config_.reserved) {
    count = insert(regions_.get(), count, region);
  }
  region_count_ = drop_needless_msi(regions_.get(), count);
  return Done{};
}

bool Device::must_not_be_blocked() const {
  for (const ReservedRegion& region : reserved_regions()) {
    if (region.type == ReservedType::kDirect) return true;
  }
  return false;
}

bool Device::is_in_group() const {
  const Group* const group = group_;
  if (group == nullptr) return false;
  for (const Device& device : group->devices_) {
    if (&device == this) return true;
  }
  return false;
}

void Device::attach_or_block(Domain* to) {
  if (iommu_.driver_->attach(*this, Domain::attachment(to))) return;
  // What goes nowhere does no harm, and if not even that can be had nothing is left to try.
  (void)iommu_.driver_->attach(*this, {AttachKind::kBlocked});
}

Result<Done, std::errc> Device::attach_pasid(SubstreamId pasid, Domain& domain) {
  const Iommu::Change change(iommu_);
  if (change.is_inside()) return std::errc::device_or_resource_busy;
  if (pasid.value == 0 || config_.pasid_bits == 0) return std::errc::invalid_argument;
  if (config_.pasid_bits < 32 && pasid.value >> config_.pasid_bits != 0) {
    return std::errc::invalid_argument;
  }
  if (!is_in_group() || group().devices_.size() != 1) return std::errc::invalid_argument;
  if (&domain.iommu_ != &iommu_ || domain.type() == DomainType::kBlocked) {
    return std::errc::invalid_argument;
  }
  if (domain.window_conflicts_with(*this)) return std::errc::invalid_argument;
  if (pasids_->find(pasid) != nullptr) return std::errc::device_or_resource_busy;
  if (group().owner_ != nullptr && group().domain_ == nullptr) {
    return std::errc::device_or_resource_busy;
  }

  std::unique_ptr<PasidAttachment> attachment(new (std::nothrow)
                                                  PasidAttachment(*this, pasid, domain));
  if (!attachment) return std::errc::not_enough_memory;
  const Result<Done, std::errc> attached =
      iommu_.driver_->attach_pasid(*this, pasid, Domain::attachment(&domain));
  if (!attached) return attached.error();
  pasids_->add(*attachment);
  domain.pasids_.push_back(*attachment.release());
  return Done{};
}

void Device::detach_pasid(SubstreamId pasid) {
  const Iommu::Change change(iommu_);
  const std::unique_ptr<PasidAttachment> attachment(pasids_->find(pasid));
  if (!attachment) return;
  // A driver that can attach it can block it, which takes nothing it might not have.
  (void)iommu_.driver_->attach_pasid(*this, pasid, {AttachKind::kBlocked});
  pasids_->remove(*attachment);
  attachment->domain.pasids_.remove(*attachment);
}

Domain* Device::pasid_domain(SubstreamId pasid) const {
  const std::lock_guard lock(iommu_.mutex_);
  const PasidAttachment* const attachment = pasids_->find(pasid);
  return attachment != nullptr ? &attachment->domain : nullptr;
}

void Device::respond(const PageFault& fault, PageAnswer answer) {
  iommu_.driver_->respond(*this, fault, answer);
}

}  // namespace smmu::iommu
