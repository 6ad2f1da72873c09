// What a driver has to say that no call returns: hardware that does not answer, faults nobody asked
// about.
#ifndef SMMU_IOMMU_DRIVER_LOG_H_
#define SMMU_IOMMU_DRIVER_LOG_H_

#include <string_view>

namespace smmu::iommu {

// Called from any thread, maybe often: how much of it is kept is up to the callee, who must not
// call the driver.
class DriverLog {
 public:
  virtual ~DriverLog() = default;
  virtual void say(std::string_view sentence) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DRIVER_LOG_H_
