// An SMMUv3 with everything on, under this library's own driver, and a device behind it.
#ifndef BENCH_DRIVEN_H_
#define BENCH_DRIVEN_H_

#include <memory>

#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/platform/clock.h"

namespace smmu::bench {

class Driven {
 public:
  using Signal = iommu::SmmuV3DriverConfig::SyncSignal;

  // The device is attached to a domain of this type.
  explicit Driven(iommu::DomainType type, Signal sync = Signal::kPoll);
  ~Driven();
  Driven(const Driven&) = delete;
  Driven& operator=(const Driven&) = delete;

  iommu::Domain& domain() { return *domain_; }

 private:
  emulator::Ram ram_;
  HostClock clock_;
  std::unique_ptr<emulator::SmmuV3> smmu_;
  std::unique_ptr<iommu::PagePool> pool_;
  std::unique_ptr<iommu::Iommu> iommu_;
  std::unique_ptr<iommu::Domain> domain_;
};

}  // namespace smmu::bench

#endif  // BENCH_DRIVEN_H_
