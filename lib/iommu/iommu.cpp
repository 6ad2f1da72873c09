#include "smmu/iommu/iommu.h"

#include <cassert>
#include <new>
#include <utility>

#include "lib/iommu/change.h"
#include "lib/iommu/fixed_domain.h"
#include "lib/iommu/neighbours.h"
#include "lib/iommu/pasid_table.h"

namespace smmu::iommu {

Result<std::unique_ptr<Iommu>, std::errc> Iommu::create(std::unique_ptr<Driver> driver,
                                                        const IommuConfig& config) {
  const DomainType type = config.default_domain;
  if (!driver || (type != DomainType::kIdentity && type != DomainType::kBlocked &&
                  type != DomainType::kDma && type != DomainType::kDmaLazy)) {
    return std::errc::invalid_argument;
  }
  std::unique_ptr<Iommu> iommu(new (std::nothrow) Iommu(std::move(driver), config));
  if (!iommu) return std::errc::not_enough_memory;
  return iommu;
}

Iommu::Iommu(std::unique_ptr<Driver> driver, const IommuConfig& config)
    : driver_(std::move(driver)), config_(config) {}

Iommu::~Iommu() {
  while (!groups_.empty()) remove_device(groups_.front().devices_.front());
  assert(domains_.empty());
  driver_->shut_down();
}

std::vector<Device*> Iommu::devices() const {
  const std::lock_guard lock(mutex_);
  std::vector<Device*> devices;
  for (const Group& group : groups_) {
    for (Device& device : group.devices_) devices.push_back(&device);
  }
  return devices;
}

std::vector<Group*> Iommu::groups() const {
  const std::lock_guard lock(mutex_);
  std::vector<Group*> groups;
  groups.reserve(groups_.size());
  for (Group& group : groups_) groups.push_back(&group);
  return groups;
}

Result<Device*, std::errc> Iommu::add_device(DeviceConfig config) {
  std::unique_ptr<Device> device(new (std::nothrow) Device(*this, std::move(config)));
  if (!device) return std::errc::not_enough_memory;
  Gone gone;
  const Result<Done, std::errc> added = add(*device, gone);
  if (added) {
    destroy(gone);
    return device.release();
  }
  destroy(std::move(device), gone);
  return added.error();
}

Result<Done, std::errc> Iommu::add(Device& device, Gone& gone) {
  const Change change(*this);
  if (change.is_inside()) return std::errc::device_or_resource_busy;
  const DeviceConfig& config = device.config();
  if (config.streams.empty()) return std::errc::invalid_argument;
  for (const Device* const other : config.not_isolated_from) {
    if (other == nullptr || &other->iommu_ != this || !other->is_in_group()) {
      return std::errc::invalid_argument;
    }
  }
  auto state = driver_->add_device(device);
  if (!state) return state.error();
  device.state_ = std::move(*state);
  const Result<Done, std::errc> settled = settle(device, gone);
  if (!settled) forget(device);
  return settled;
}

// Puts a device that the driver knows into its group.
Result<Done, std::errc> Iommu::settle(Device& device, Gone& gone) {
  const Result<Done, std::errc> prepared = device.prepare();
  if (!prepared) return prepared;

  const Neighbours neighbours(device, *driver_);
  Group* target = nullptr;
  bool several = false;
  neighbours.all_of([&](Device* neighbour) {
    Group& group = neighbour->group();
    several = several || (target != nullptr && target != &group);
    if (target == nullptr || group.number_ < target->number_) target = &group;
    return true;
  });
  if (target == nullptr) {
    auto made = make_group(device);
    if (!made) return made.error();
    Group& group = *made->release();
    group.note(group.default_domain_.get());
    // Its first fault may come before it is there.
    device.group_ = &group;
    const Result<Done, std::errc> joined = group.join(device);
    if (!joined) {
      group.note(nullptr);
      return joined;
    }
    ++next_group_;
    groups_.push_back(group);
    return joined;
  }

  const DomainType type = target->default_domain_->type();
  const bool possible = neighbours.all_of([&](Device* neighbour) {
    const Group& group = neighbour->group();
    if (group.uses_pasids()) return false;
    return !several || (group.owner_ == nullptr && group.is_at_default() &&
                        group.default_domain_->type() == type);
  });
  if (!possible) return std::errc::invalid_argument;
  // Whoever gives addresses of a domain out unmaps there what he has mapped.
  const bool unused = neighbours.all_of([&](Device* neighbour) {
    const Group& group = neighbour->group();
    return &group == target || group.default_domain_->doorbell_space() == nullptr;
  });
  if (!unused) return std::errc::device_or_resource_busy;
  device.group_ = target;

  // Until all is done the devices of the other groups still say that they are of these.
  Result<Done, std::errc> joined = Done{};
  const bool all = neighbours.all_of([&](Device* neighbour) {
    Group& group = neighbour->group();
    while (&group != target && !group.devices_.empty()) {
      Device& other = group.devices_.front();
      group.devices_.remove(other);
      joined = target->join(other);
      if (joined) continue;
      group.devices_.push_front(other);
      return false;
    }
    return true;
  });
  if (all) joined = target->join(device);
  if (!joined) {
    while (&target->devices_.back().group() != target) {
      Device& other = target->devices_.back();
      other.attach_or_block(other.group().domain_);
      target->leave(other);
      other.group().devices_.push_front(other);
    }
    return joined;
  }

  for (Device& other : target->devices_) {
    if (&other.group() != target) other.group_ = target;
  }
  for (auto at = groups_.begin(); at != groups_.end();) {
    Group& group = *at;
    ++at;
    if (group.devices_.empty()) drop(group, gone);
  }
  return joined;
}

// The last of those that leave it sees to the rest.
void Iommu::drop(Group& group, Gone& gone) {
  groups_.remove(group);
  group.note(nullptr);
  if (group.leaving_ == 0) gone.push_back(group);
}

// A device that the driver knows, and that is in no list.
void Iommu::forget(Device& device) {
  driver_->remove_device(device);
  if (Group* const group = device.group_; group != nullptr) ++group->leaving_;
}

void Iommu::remove_device(Device& device) {
  Gone gone;
  {
    const Change change(*this);
    assert(!change.is_inside());
    while (!device.pasids_->empty()) device.detach_pasid(device.pasids_->front().pasid);
    device.attach_or_block(nullptr);
    forget(device);
    Group& group = device.group();
    group.leave(device);
    if (group.devices_.empty()) drop(group, gone);
  }
  destroy(std::unique_ptr<Device>(&device), gone);
}

// Whoever handles a fault of the device may be waiting for the lock.
void Iommu::destroy(std::unique_ptr<Device> device, Gone& gone) {
  if (device->state_ != nullptr) driver_->wait_for_handlers(*device);
  if (Group* const group = device->group_; group != nullptr) {
    const std::lock_guard lock(mutex_);
    if (--group->leaving_ == 0 && group->devices_.empty()) gone.push_back(*group);
  }
  device.reset();
  destroy(gone);
}

void Iommu::destroy(Gone& gone) {
  while (!gone.empty()) {
    Group& group = gone.front();
    gone.remove(group);
    Domain& domain = *group.default_domain_;
    {
      const std::lock_guard lock(mutex_);
      group.note(nullptr);
      domain.detach_all();
    }
    // Handlers of its faults may know the group, and attach it as long as they run.
    domain.end_driver();
    {
      const std::lock_guard lock(mutex_);
      group.note(nullptr);
    }
    delete &group;
  }
}

// Not with the lock: to unmap may take its time.
void Iommu::put(const WindowBinding& binding) {
  const auto find = [&]() -> Domain* {
    const std::lock_guard lock(mutex_);
    for (Domain& domain : domains_) {
      if (domain.is_in_window(binding)) return &domain;
    }
    return nullptr;
  };
  if (Domain* const domain = find()) domain->put(binding);
}

Result<Done, std::errc> Iommu::suspend() {
  const Change change(*this);
  if (change.is_inside()) return std::errc::device_or_resource_busy;
  return driver_->suspend();
}

Result<Done, std::errc> Iommu::resume() {
  const Change change(*this);
  if (change.is_inside()) return std::errc::device_or_resource_busy;
  return driver_->resume();
}

DomainType Iommu::default_type(const Device& device) const {
  DomainType type = config_.default_domain;
  const std::optional<DomainType> preferred = driver_->default_domain_type(device);
  // Whether it is lazy is not for the driver to say.
  if (preferred && !(preferred == DomainType::kDma && type == DomainType::kDmaLazy)) {
    type = *preferred;
  }
  if (type == DomainType::kDmaLazy && !driver_->capable(Capability::kDeferredFlush, &device)) {
    type = DomainType::kDma;
  }
  return type;
}

// A group for a first device, which is not in it yet.
Result<std::unique_ptr<Group>, std::errc> Iommu::make_group(Device& device) {
  std::unique_ptr<Group> group(new (std::nothrow) Group(*this, next_group_));
  if (!group) return std::errc::not_enough_memory;
  auto domain = create_domain(default_type(device), {}, &device);
  if (!domain) return domain.error();
  group->default_domain_ = std::move(*domain);
  return group;
}

Result<std::unique_ptr<Domain>, std::errc> Iommu::create_domain(DomainType type,
                                                                const DomainOptions& options,
                                                                Device* device) {
  const bool pages = is_paging(type);
  if ((device != nullptr && &device->iommu_ != this) ||
      (options.address_space != nullptr) != (type == DomainType::kSva) ||
      (options.parent != nullptr) != (type == DomainType::kNested) ||
      (options.parent != nullptr && &options.parent->iommu_ != this) ||
      ((options.nest_parent || options.dirty_tracking) && !pages) ||
      (options.pasid && type == DomainType::kBlocked)) {
    return std::errc::invalid_argument;
  }
  std::unique_ptr<Domain> domain(new (std::nothrow) Domain(*this, type));
  if (!domain) return std::errc::not_enough_memory;
  if (type == DomainType::kBlocked || type == DomainType::kIdentity) {
    domain->driver_domain_.reset(new (std::nothrow) FixedDomain(type));
  } else {
    const DomainRequest request{
        .type = type,
        .nest_parent = options.nest_parent,
        .dirty_tracking = options.dirty_tracking,
        .pasid = options.pasid,
        .address_space = options.address_space,
        .parent = options.parent != nullptr ? options.parent->driver_domain_.get() : nullptr,
        .guest = options.guest,
        .faults = domain.get()};
    auto made = driver_->create_domain(request, device);
    if (!made) return made.error();
    domain->driver_domain_ = std::move(*made);
  }
  if (!domain->driver_domain_) return std::errc::not_enough_memory;
  return domain;
}

}  // namespace smmu::iommu
