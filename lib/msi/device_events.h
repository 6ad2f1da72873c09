// Which events devices have, and which interrupts these are.
#ifndef SMMU_LIB_MSI_DEVICE_EVENTS_H_
#define SMMU_LIB_MSI_DEVICE_EVENTS_H_

#include <boost/intrusive/set.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include "lib/msi/number_set.h"
#include "smmu/iommu/event_table.h"
#include "smmu/iommu/msi_controller.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Gives out EventIDs of a device and an interrupt for each, and tells the hardware.  A device is
// mapped with its first event and unmapped after its last one.  Any number of threads; the table is
// called with the mutex held.
class DeviceEvents {
 public:
  struct Config {
    EventTable* table = nullptr;
    unsigned event_bits = 0;
    std::uint32_t first_intid = 0;
    std::uint32_t intids = 0;
    std::size_t devices = 0;
  };
  static constexpr unsigned kMostEventBits = 16;
  static constexpr std::uint32_t kMostIntids = 1 << 24;

  // invalid_argument, not_enough_memory.
  static Result<std::unique_ptr<DeviceEvents>, std::errc> create(const Config& config);
  ~DeviceEvents();
  DeviceEvents(const DeviceEvents&) = delete;
  DeviceEvents& operator=(const DeviceEvents&) = delete;

  Result<MsiRange, std::errc> allocate(DeviceId device, std::uint32_t count);
  void free(DeviceId device, MsiRange range);
  std::optional<std::uint32_t> interrupt(DeviceId device, std::uint32_t event) const;

 private:
  struct Device : boost::intrusive::set_base_hook<> {
    Device(DeviceId device, std::uint32_t count);

    const DeviceId id;
    NumberSet events;
    const std::unique_ptr<std::uint32_t[]> intids;  // of events that are taken
    std::uint32_t mapped = 0;                       // how many these are
  };
  struct IdOf {
    using type = DeviceId;
    const DeviceId& operator()(const Device& device) const { return device.id; }
  };

  explicit DeviceEvents(const Config& config);
  // The device, mapped, which may be new.
  Result<Device*, std::errc> find_or_map(DeviceId id);
  void drop_if_idle(Device& device);
  void discard(Device& device, std::uint32_t first, std::uint32_t count);

  const Config config_;
  mutable std::mutex mutex_;
  NumberSet intids_;
  boost::intrusive::set<Device, boost::intrusive::key_of_value<IdOf>> devices_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_MSI_DEVICE_EVENTS_H_
