// Software's side of an ITS: messages name an event of the device that sends them.
#ifndef SMMU_IOMMU_ITS_CONTROLLER_H_
#define SMMU_IOMMU_ITS_CONTROLLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include "smmu/arch/gic.h"
#include "smmu/iommu/event_table.h"
#include "smmu/iommu/msi_controller.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class DeviceEvents;

struct ItsControllerConfig {
  // The frame that GITS_TRANSLATER is in: 64 KiB above where the ITS begins.
  Pa translation_frame;
  EventTable* events = nullptr;  // outlives the controller
  // Of the EventIDs of a device, 16 at most.
  unsigned event_bits = 11;
  // The LPIs that are this ITS's to give out.
  std::uint32_t first_lpi = kFirstLpi;
  std::uint32_t lpis = 8192;
  std::size_t devices = 4096;  // that have interrupts at once
};

// A device is mapped as long as it has interrupts.  No ITS raises one that is not mapped for the
// device, so they are isolated.
class ItsController final : public MsiController {
 public:
  // invalid_argument: there is no table, no event or no LPI, there are too many, or what is called
  // one is none.  not_enough_memory.
  static Result<std::unique_ptr<ItsController>, std::errc> create(
      const ItsControllerConfig& config);
  // REQUIRES: all is freed.
  ~ItsController() override;
  ItsController(const ItsController&) = delete;
  ItsController& operator=(const ItsController&) = delete;

  Doorbell doorbell() const override;
  bool isolates() const override { return true; }
  // no_space_on_device: the device has not so many EventIDs left, no LPIs are, or too many devices
  // have interrupts.
  Result<MsiRange, std::errc> allocate(DeviceId device, std::uint32_t count) override;
  void free(DeviceId device, MsiRange range) override;
  std::optional<std::uint32_t> interrupt(DeviceId device, std::uint32_t data) const override;

 private:
  ItsController(Pa translation_frame, std::unique_ptr<DeviceEvents> events);

  const Pa translation_frame_;
  const std::unique_ptr<DeviceEvents> events_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_ITS_CONTROLLER_H_
