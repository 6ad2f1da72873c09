// Which interrupt an event of a device is: what makes messages of one device
// harmless to others.
#ifndef SMMU_EMULATOR_INTERRUPT_TABLE_H_
#define SMMU_EMULATOR_INTERRUPT_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <shared_mutex>
#include <system_error>

#include "smmu/emulator/interrupt_message.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::emulator {

// An ITS's device table and interrupt translation tables, or the remapping
// tables of an x86, as software has filled them.  Safe from any thread.
//
// A message that finds its interrupt while software takes that away is raised,
// perhaps after the call that took it away has returned.
class InterruptTable {
 public:
  // How large it may grow, whatever software asks for.
  struct Limits {
    unsigned device_bits = 16;  // of DeviceIDs, 32 at most
    unsigned event_bits = 16;   // of the EventIDs of any device, 32 at most
    std::uint32_t first_intid = 0;
    std::uint32_t last_intid = 0;
    std::size_t devices = 1024;  // mapped at once
    std::size_t events = 65536;  // of all of them

    bool are_sound() const {
      return device_bits <= 32 && event_bits <= 32 && first_intid <= last_intid;
    }
  };

  struct Changed {};

  // REQUIRES: limits.are_sound().
  explicit InterruptTable(const Limits& limits) : limits_(limits) {}

  // Gives the device EventIDs of so many bits, none of them mapped; if it has
  // had any, they are gone (an ITS's MAPD with V set).
  // std::errc::invalid_argument if there is no such DeviceID, or are not so many
  // bits; not_enough_memory if there are too many devices.
  Result<Changed, std::errc> map_device(DeviceId device, unsigned event_bits);
  // MAPD with V clear.  no_such_device if it is not mapped.
  Result<Changed, std::errc> unmap_device(DeviceId device);

  // MAPTI.  no_such_device if the device is not mapped; invalid_argument if the
  // event is not of its bits, or there is no such interrupt; file_exists if the
  // event is mapped; not_enough_memory if too many are.
  Result<Changed, std::errc> map(DeviceId device, EventId event, std::uint32_t intid);
  // DISCARD.  no_such_device, or no_such_device_or_address if the event is not
  // mapped.
  Result<Changed, std::errc> discard(DeviceId device, EventId event);

  // The interrupt, if the end is kRaised.
  struct Found {
    MessageEnd end;
    std::uint32_t intid = 0;
  };
  Found find(DeviceId device, EventId event) const;

 private:
  struct Device {
    unsigned event_bits;
    std::map<EventId, std::uint32_t> intids;
  };
  // Whether a number has so many bits.
  static bool fits(std::uint32_t number, unsigned bits) {
    return (std::uint64_t{number} >> bits) == 0;
  }

  const Limits limits_;
  mutable std::shared_mutex mutex_;
  std::map<DeviceId, Device> devices_;
  std::size_t events_ = 0;  // of all devices
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_INTERRUPT_TABLE_H_
