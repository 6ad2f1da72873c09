#include "lib/msi/device_events.h"

#include <cassert>
#include <new>

namespace smmu::iommu {

DeviceEvents::Device::Device(DeviceId device, std::uint32_t count)
    : id(device), events(0, count), intids(new (std::nothrow) std::uint32_t[count]) {}

DeviceEvents::DeviceEvents(const Config& config)
    : config_(config), intids_(config.first_intid, config.intids) {}

DeviceEvents::~DeviceEvents() { assert(devices_.empty()); }

Result<std::unique_ptr<DeviceEvents>, std::errc> DeviceEvents::create(const Config& config) {
  if (config.table == nullptr || config.event_bits > kMostEventBits || config.devices == 0 ||
      config.intids == 0 || config.intids > kMostIntids ||
      config.first_intid > UINT32_MAX - (config.intids - 1)) {
    return std::errc::invalid_argument;
  }
  std::unique_ptr<DeviceEvents> made(new (std::nothrow) DeviceEvents(config));
  if (!made || made->intids_.count() == 0) return std::errc::not_enough_memory;
  return made;
}

Result<DeviceEvents::Device*, std::errc> DeviceEvents::find_or_map(DeviceId id) {
  const auto found = devices_.find(id);
  if (found != devices_.end()) return &*found;
  if (devices_.size() == config_.devices) return std::errc::no_space_on_device;
  std::unique_ptr<Device> device(new (std::nothrow)
                                     Device(id, std::uint32_t{1} << config_.event_bits));
  if (!device || device->events.count() == 0 || !device->intids) {
    return std::errc::not_enough_memory;
  }
  const auto mapped = config_.table->map_device(id, config_.event_bits);
  if (!mapped) return mapped.error();
  devices_.insert(*device);
  return device.release();
}

void DeviceEvents::drop_if_idle(Device& device) {
  if (device.mapped != 0) return;
  config_.table->unmap_device(device.id);
  devices_.erase(devices_.iterator_to(device));
  delete &device;
}

// An interrupt is free again only when its event raises it no more.
void DeviceEvents::discard(Device& device, std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t event = first; event != first + count; ++event) {
    config_.table->discard(device.id, EventId(event));
    intids_.give_back(device.intids[event], 1);
  }
  device.mapped -= count;
}

Result<MsiRange, std::errc> DeviceEvents::allocate(DeviceId id, std::uint32_t count) {
  if (count == 0 || count > std::uint32_t{1} << config_.event_bits || count > config_.intids) {
    return std::errc::invalid_argument;
  }
  const std::lock_guard lock(mutex_);
  const auto found = find_or_map(id);
  if (!found) return found.error();
  Device& device = **found;
  const std::optional<std::uint32_t> first = device.events.take(count);
  std::errc error = std::errc::no_space_on_device;
  std::uint32_t mapped = 0;
  while (first && mapped != count) {
    const std::uint32_t event = *first + mapped;
    const std::optional<std::uint32_t> intid = intids_.take(1);
    if (!intid) break;
    const auto done = config_.table->map(id, EventId(event), *intid);
    if (!done) {
      intids_.give_back(*intid, 1);
      error = done.error();
      break;
    }
    device.intids[event] = *intid;
    ++device.mapped;
    ++mapped;
  }
  if (first && mapped == count) return MsiRange{*first, count};
  if (first) {
    discard(device, *first, mapped);
    device.events.give_back(*first, count);
  }
  drop_if_idle(device);
  return error;
}

void DeviceEvents::free(DeviceId id, MsiRange range) {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(id);
  assert(found != devices_.end());
  discard(*found, range.first, range.count);
  found->events.give_back(range.first, range.count);
  drop_if_idle(*found);
}

std::optional<std::uint32_t> DeviceEvents::interrupt(DeviceId id, std::uint32_t event) const {
  const std::lock_guard lock(mutex_);
  const auto found = devices_.find(id);
  if (found == devices_.end() || !found->events.is_taken(event)) return std::nullopt;
  return found->intids[event];
}

}  // namespace smmu::iommu
