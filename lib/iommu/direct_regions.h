// Regions that firmware has a device use all the time, mapped 1:1 where it is attached by default.
#ifndef SMMU_LIB_IOMMU_DIRECT_REGIONS_H_
#define SMMU_LIB_IOMMU_DIRECT_REGIONS_H_

#include <system_error>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/result.h"

namespace smmu::iommu {

// Maps of the regions of `device` what no other one of `devices` has as a region: all of it, or on
// an error nothing.  invalid_argument: with the rights of that one, this device would lack some.
// And the errors of Domain::map().
Result<Done, std::errc> map_direct_regions(Domain& domain, const Device& device,
                                           const LinkedList<Device, Group>& devices);
// Unmaps that again.
void unmap_direct_regions(Domain& domain, const Device& device,
                          const LinkedList<Device, Group>& devices);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_DIRECT_REGIONS_H_
