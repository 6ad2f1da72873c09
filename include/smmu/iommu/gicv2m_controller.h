// Software's side of the MSI frame of a GICv2m: messages name an SPI of the frame.
#ifndef SMMU_IOMMU_GICV2M_CONTROLLER_H_
#define SMMU_IOMMU_GICV2M_CONTROLLER_H_

#include <memory>
#include <system_error>

#include "smmu/iommu/msi_controller.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Any device raises any SPI of the frame: DeviceIDs are not looked at.
class GicV2mController final : public MsiController {
 public:
  // The frame whose registers are `frame`, which is used in this call alone, and which devices find
  // at `base`.  no_such_device: what it says it has are no SPIs.  not_enough_memory.
  static Result<std::unique_ptr<GicV2mController>, std::errc> create(Mmio& frame, Pa base);
  ~GicV2mController() override;
  GicV2mController(const GicV2mController&) = delete;
  GicV2mController& operator=(const GicV2mController&) = delete;

  Doorbell doorbell() const override;
  bool isolates() const override { return false; }
  // SPIs; of whichever device, there are those of the frame for all together.
  Result<MsiRange, std::errc> allocate(DeviceId device, std::uint32_t count) override;
  void free(DeviceId device, MsiRange range) override;
  std::optional<std::uint32_t> interrupt(DeviceId device, std::uint32_t data) const override;

 private:
  struct Spis;
  GicV2mController(Pa base, std::unique_ptr<Spis> spis);

  const Pa base_;
  const std::unique_ptr<Spis> spis_;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_GICV2M_CONTROLLER_H_
