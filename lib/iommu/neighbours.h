// The groups that a new device belongs to.
#ifndef SMMU_LIB_IOMMU_NEIGHBOURS_H_
#define SMMU_LIB_IOMMU_NEIGHBOURS_H_

#include "smmu/iommu/device.h"
#include "smmu/iommu/driver.h"

namespace smmu::iommu {

// Devices that `device`, which is in no group yet, cannot be told from: by what its bus says, and
// by what the driver says.
class Neighbours {
 public:
  Neighbours(const Device& device, const Driver& driver)
      : device_(device), inseparable_(driver.inseparable_from(device)) {}

  // Calls visit(Device*), null pointers included, as long as that says true.  Whether it did so to
  // the end.
  template <class Visit>
  bool all_of(const Visit& visit) const {
    for (Device* const neighbour : device_.config().not_isolated_from) {
      if (!visit(neighbour)) return false;
    }
    return inseparable_ == nullptr || inseparable_ == &device_ || visit(inseparable_);
  }

 private:
  const Device& device_;
  Device* const inseparable_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_NEIGHBOURS_H_
