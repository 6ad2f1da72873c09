// Whether a device can raise interrupts that are not its own.
#ifndef SMMU_IOMMU_INTERRUPT_ISOLATION_H_
#define SMMU_IOMMU_INTERRUPT_ISOLATION_H_

namespace smmu::iommu {

class Group;

class InterruptIsolation {
 public:
  virtual ~InterruptIsolation() = default;
  // Whether the MSI controllers of all devices of the group know which device a message is from,
  // and let none pass that is another's.  Called by a Container with its lock held, and for a group
  // that comes before it is claimed and after.
  virtual bool is_isolated(const Group& group) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_INTERRUPT_ISOLATION_H_
