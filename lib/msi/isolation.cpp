// Whether a group's interrupts are its own.
#include "smmu/iommu/device.h"
#include "smmu/iommu/msi_controller.h"

namespace smmu::iommu {

bool group_has_isolated_msi(const Group& group) {
  for (const Device* const device : group.devices()) {
    const MsiController* const controller = device->config().msi_controller;
    if (controller == nullptr || !controller->isolates()) return false;
  }
  return true;
}

}  // namespace smmu::iommu
