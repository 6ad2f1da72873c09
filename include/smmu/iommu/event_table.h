// How a controller that knows devices apart is told which interrupts are whose: an ITS by its
// commands, remapping hardware by its tables.
#ifndef SMMU_IOMMU_EVENT_TABLE_H_
#define SMMU_IOMMU_EVENT_TABLE_H_

#include <cstdint>
#include <system_error>

#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Called one at a time for a controller.  A call returns when the hardware goes by it; what it
// refuses has changed nothing.  It must not call the controller.
class EventTable {
 public:
  virtual ~EventTable() = default;

  // From now on the device has EventIDs of so many bits, none of them mapped (MAPD).
  virtual Result<Done, std::errc> map_device(DeviceId device, unsigned event_bits) = 0;
  virtual void unmap_device(DeviceId device) = 0;
  // MAPTI, and DISCARD.
  virtual Result<Done, std::errc> map(DeviceId device, EventId event, std::uint32_t intid) = 0;
  virtual void discard(DeviceId device, EventId event) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_EVENT_TABLE_H_
