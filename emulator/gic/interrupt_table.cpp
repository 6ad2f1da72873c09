#include "smmu/emulator/interrupt_table.h"

#include <mutex>

namespace smmu::emulator {

Result<InterruptTable::Changed, std::errc> InterruptTable::map_device(DeviceId device,
                                                                      unsigned event_bits) {
  if (!fits(device.value, limits_.device_bits) || event_bits > limits_.event_bits) {
    return std::errc::invalid_argument;
  }
  const std::lock_guard lock(mutex_);
  const auto mapped = devices_.find(device);
  if (mapped == devices_.end()) {
    if (devices_.size() >= limits_.devices) return std::errc::not_enough_memory;
    devices_.emplace(device, Device{event_bits, {}});
    return Changed{};
  }
  events_ -= mapped->second.intids.size();
  mapped->second = Device{event_bits, {}};
  return Changed{};
}

Result<InterruptTable::Changed, std::errc> InterruptTable::unmap_device(DeviceId device) {
  const std::lock_guard lock(mutex_);
  const auto mapped = devices_.find(device);
  if (mapped == devices_.end()) return std::errc::no_such_device;
  events_ -= mapped->second.intids.size();
  devices_.erase(mapped);
  return Changed{};
}

Result<InterruptTable::Changed, std::errc> InterruptTable::map(DeviceId device, EventId event,
                                                               std::uint32_t intid) {
  const std::lock_guard lock(mutex_);
  const auto mapped = devices_.find(device);
  if (mapped == devices_.end()) return std::errc::no_such_device;
  if (!fits(event.value, mapped->second.event_bits) || intid < limits_.first_intid ||
      intid > limits_.last_intid) {
    return std::errc::invalid_argument;
  }
  auto& intids = mapped->second.intids;
  if (intids.contains(event)) return std::errc::file_exists;
  if (events_ >= limits_.events) return std::errc::not_enough_memory;
  intids.emplace(event, intid);
  ++events_;
  return Changed{};
}

Result<InterruptTable::Changed, std::errc> InterruptTable::discard(DeviceId device, EventId event) {
  const std::lock_guard lock(mutex_);
  const auto mapped = devices_.find(device);
  if (mapped == devices_.end()) return std::errc::no_such_device;
  if (mapped->second.intids.erase(event) == 0) return std::errc::no_such_device_or_address;
  --events_;
  return Changed{};
}

InterruptTable::Found InterruptTable::find(DeviceId device, EventId event) const {
  const std::shared_lock lock(mutex_);
  const auto mapped = devices_.find(device);
  if (mapped == devices_.end()) return {.end = MessageEnd::kUnmappedDevice};
  if (!fits(event.value, mapped->second.event_bits)) return {.end = MessageEnd::kOutOfRange};
  const auto intid = mapped->second.intids.find(event);
  if (intid == mapped->second.intids.end()) return {.end = MessageEnd::kUnmappedEvent};
  return {.end = MessageEnd::kRaised, .intid = intid->second};
}

}  // namespace smmu::emulator
