// Who changes what is attached to what.
#ifndef SMMU_LIB_IOMMU_CHANGE_H_
#define SMMU_LIB_IOMMU_CHANGE_H_

#include <mutex>

#include "smmu/iommu/iommu.h"

namespace smmu::iommu {

// Holds the Iommu's lock.  The lock is recursive, since a driver may tell a handler of a fault
// while it attaches something, and the handler may ask what is attached to what.
class Iommu::Change {
 public:
  explicit Change(Iommu& iommu) : iommu_(iommu), lock_(iommu.mutex_), inside_(iommu.changing_) {
    iommu.changing_ = true;
  }
  ~Change() { iommu_.changing_ = inside_; }
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  // Whether this one is inside another one, whose lists and devices must stay as they are.
  bool is_inside() const { return inside_; }

 private:
  Iommu& iommu_;
  const std::lock_guard<std::recursive_mutex> lock_;
  const bool inside_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_CHANGE_H_
