// Software's side of a fixed window of messages, as an x86 has one: a write there passes the SMMU,
// and remapping hardware says which interrupt it is.
#ifndef SMMU_IOMMU_FIXED_WINDOW_CONTROLLER_H_
#define SMMU_IOMMU_FIXED_WINDOW_CONTROLLER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <system_error>

#include "smmu/iommu/event_table.h"
#include "smmu/iommu/msi_controller.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class DeviceEvents;

struct FixedWindowControllerConfig {
  Pa base = Pa(0xfee0'0000);
  std::uint64_t size = 0x10'0000;
  EventTable* handles = nullptr;  // outlives the controller
  // Of the handles of a device, which are what it writes; 16 at most.
  unsigned handle_bits = 11;
  // The vectors that are this controller's to give out.
  std::uint32_t first_vector = 0x20;
  std::uint32_t vectors = 0xc0;
  std::size_t devices = 1024;  // that have interrupts at once
};

// What isolates devices is the table of the remapping hardware.
class FixedWindowController final : public MsiController {
 public:
  // invalid_argument: there is no table, the window wraps or has no register in it, there is no
  // handle or no vector, or there are too many.  not_enough_memory.
  static Result<std::unique_ptr<FixedWindowController>, std::errc> create(
      const FixedWindowControllerConfig& config);
  // REQUIRES: all is freed.
  ~FixedWindowController() override;
  FixedWindowController(const FixedWindowController&) = delete;
  FixedWindowController& operator=(const FixedWindowController&) = delete;

  // What a device that is behind the window has among its reserved regions.
  ReservedRegion region() const;

  Doorbell doorbell() const override;
  bool isolates() const override { return true; }
  // As of an ItsController.
  Result<MsiRange, std::errc> allocate(DeviceId device, std::uint32_t count) override;
  void free(DeviceId device, MsiRange range) override;
  std::optional<std::uint32_t> interrupt(DeviceId device, std::uint32_t data) const override;

 private:
  FixedWindowController(Pa base, std::uint64_t size, std::unique_ptr<DeviceEvents> events);

  const Pa base_;
  const std::uint64_t size_;
  const std::unique_ptr<DeviceEvents> events_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_FIXED_WINDOW_CONTROLLER_H_
