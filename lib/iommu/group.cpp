#include <mutex>

#include "lib/iommu/change.h"
#include "lib/iommu/direct_regions.h"
#include "lib/iommu/pasid_table.h"
#include "lib/iommu/region_list.h"
#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

Group::Group(Iommu& iommu, std::uint32_t number) : iommu_(iommu), number_(number) {}

Group::~Group() = default;

std::vector<Device*> Group::devices() const {
  const std::lock_guard lock(iommu_.mutex_);
  std::vector<Device*> devices;
  devices.reserve(devices_.size());
  for (Device& device : devices_) devices.push_back(&device);
  return devices;
}

Domain* Group::domain() const {
  const std::lock_guard lock(iommu_.mutex_);
  return domain_;
}

Domain& Group::default_domain() const { return *default_domain_; }

bool Group::is_owned() const {
  const std::lock_guard lock(iommu_.mutex_);
  return owner_ != nullptr;
}

std::vector<ReservedRegion> Group::reserved_regions() const {
  const std::lock_guard lock(iommu_.mutex_);
  std::vector<ReservedRegion> regions;
  for (const Device& device : devices_) {
    for (const ReservedRegion& region : device.reserved_regions()) insert(regions, region);
  }
  regions.resize(drop_needless_msi(regions.data(), regions.size()));
  return regions;
}

bool Group::must_not_be_blocked() const {
  for (const Device& device : devices_) {
    if (device.must_not_be_blocked()) return true;
  }
  return false;
}

bool Group::uses_pasids() const {
  for (const Device& device : devices_) {
    if (!device.pasids_->empty()) return true;
  }
  return false;
}

Result<Done, std::errc> Group::attach(Domain& domain, const void* owner) {
  const Iommu::Change change(iommu_);
  if (change.is_inside()) return std::errc::device_or_resource_busy;
  if (owner_ != nullptr && owner_ != owner) return std::errc::device_or_resource_busy;
  if (domain_ != nullptr && !is_at_default()) return std::errc::device_or_resource_busy;
  if (&domain.iommu_ != &iommu_) return std::errc::invalid_argument;
  if (domain.type() == DomainType::kBlocked && must_not_be_blocked()) {
    return std::errc::invalid_argument;
  }
  for (const Device& device : devices_) {
    if (domain.window_conflicts_with(device)) return std::errc::invalid_argument;
  }
  return move(&domain);
}

Result<Done, std::errc> Group::detach(const void* owner) {
  const Iommu::Change change(iommu_);
  if (change.is_inside()) return std::errc::device_or_resource_busy;
  if (owner_ != nullptr && owner_ != owner) return std::errc::device_or_resource_busy;
  leave_domain();
  return Done{};
}

void Group::leave_domain() { move_or_block(owner_ == nullptr ? default_domain_.get() : nullptr); }

Result<Done, std::errc> Group::claim(const void* owner) {
  const Iommu::Change change(iommu_);
  if (owner == nullptr) return std::errc::invalid_argument;
  if (change.is_inside() || owner_ != nullptr || uses_pasids()) {
    return std::errc::device_or_resource_busy;
  }
  if (domain_ != nullptr && !is_at_default()) return std::errc::device_or_resource_busy;
  if (must_not_be_blocked()) return std::errc::invalid_argument;
  const Result<Done, std::errc> moved = move(nullptr);
  if (moved) owner_ = owner;
  return moved;
}

void Group::release(const void* owner) {
  const Iommu::Change change(iommu_);
  if (owner == nullptr || owner_ != owner) return;
  owner_ = nullptr;
  move_or_block(default_domain_.get());
}

void Group::note(Domain* to) {
  if (domain_ != nullptr) domain_->groups_.remove(*this);
  if (to != nullptr) to->groups_.push_back(*this);
  domain_ = to;
}

Result<Done, std::errc> Group::move(Domain* to) {
  if (to == domain_) return Done{};
  for (Device& device : devices_) {
    const Result<Done, std::errc> moved = iommu_.driver_->attach(device, Domain::attachment(to));
    if (moved) continue;
    for (Device& before : devices_) {
      if (&before == &device) break;
      before.attach_or_block(domain_);
    }
    return moved;
  }
  note(to);
  return Done{};
}

void Group::move_or_block(Domain* to) {
  if (move(to)) return;
  // It goes nowhere rather than to where it must not be any more.
  for (Device& device : devices_) device.attach_or_block(nullptr);
  note(nullptr);
}

Result<Done, std::errc> Group::join(Device& device) {
  // Its owner has looked at the devices it has, and at no other one.
  if (owner_ != nullptr) return std::errc::device_or_resource_busy;
  if (domain_ != nullptr && domain_->window_conflicts_with(device)) {
    return std::errc::invalid_argument;
  }
  if (device.must_not_be_blocked() &&
      (domain_ == nullptr || domain_->type() == DomainType::kBlocked)) {
    return std::errc::invalid_argument;
  }
  devices_.push_back(device);
  const auto map_regions = [&]() -> Result<Done, std::errc> {
    if (!default_domain_->is_paging()) return Done{};
    return map_direct_regions(*default_domain_, device, devices_);
  };

  Result<Done, std::errc> mapped = map_regions();
  // A domain that is not attached yet may have no tables.
  const bool later = !mapped && mapped.error() == std::errc::no_such_device && is_at_default();
  if (!mapped && !later) {
    devices_.remove(device);
    return mapped;
  }
  const Result<Done, std::errc> attached =
      iommu_.driver_->attach(device, Domain::attachment(domain_));
  if (!attached) {
    leave(device);
    return attached;
  }
  if (later) {
    mapped = map_regions();
    if (!mapped) {
      device.attach_or_block(nullptr);
      devices_.remove(device);
    }
  }
  return mapped;
}

void Group::leave(Device& device) {
  if (default_domain_->is_paging()) unmap_direct_regions(*default_domain_, device, devices_);
  devices_.remove(device);
}

}  // namespace smmu::iommu
