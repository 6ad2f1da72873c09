// What a device writes, and where, to raise an interrupt.
#ifndef SMMU_IOMMU_MSI_MESSAGE_H_
#define SMMU_IOMMU_MSI_MESSAGE_H_

#include <cstdint>

#include "smmu/types.h"

namespace smmu::iommu {

struct MsiMessage {
  Iova address;  // as the device puts it on the bus
  std::uint32_t data = 0;

  // The address in halves, as a PCI function's registers take it.
  std::uint32_t address_low() const { return static_cast<std::uint32_t>(address.value); }
  std::uint32_t address_high() const { return static_cast<std::uint32_t>(address.value >> 32); }

  friend bool operator==(const MsiMessage&, const MsiMessage&) = default;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_MSI_MESSAGE_H_
