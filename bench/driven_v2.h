// An SMMUv2 under this library's own driver, and a device behind it.
#ifndef BENCH_DRIVEN_V2_H_
#define BENCH_DRIVEN_V2_H_

#include <memory>

#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v2.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v2.h"
#include "smmu/platform/clock.h"

namespace smmu::bench {

class DrivenV2 {
 public:
  // The device is attached to a domain of this type.
  explicit DrivenV2(iommu::DomainType type);
  ~DrivenV2();
  DrivenV2(const DrivenV2&) = delete;
  DrivenV2& operator=(const DrivenV2&) = delete;

  iommu::Domain& domain() { return *domain_; }

 private:
  emulator::Ram ram_;
  HostClock clock_;
  std::unique_ptr<emulator::SmmuV2> smmu_;
  std::unique_ptr<iommu::PagePool> pool_;
  std::unique_ptr<iommu::Iommu> iommu_;
  std::unique_ptr<iommu::Domain> domain_;
};

}  // namespace smmu::bench

#endif  // BENCH_DRIVEN_V2_H_
