// An SMMU under this library's own driver, and a device behind it.
#ifndef BENCH_DRIVEN_H_
#define BENCH_DRIVEN_H_

#include <memory>
#include <utility>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/driver.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/platform/clock.h"
#include "smmu/platform/mmio.h"

namespace smmu::bench {

class Driven {
 public:
  Driven(const Driven&) = delete;
  Driven& operator=(const Driven&) = delete;

  iommu::Domain& domain() { return *domain_; }

 protected:
  Driven();
  ~Driven();

  emulator::Ram& ram() { return ram_; }
  // What a driver's configuration has, whichever it is.
  template <class Config>
  Config config(std::unique_ptr<Mmio> smmu) {
    smmu_ = std::move(smmu);
    Config config;
    config.registers = smmu_.get();
    config.pool = pool_.get();
    config.clock = &clock_;
    return config;
  }
  // Attaches the device to a domain of this type.
  void attach(std::unique_ptr<iommu::Driver> driver, iommu::DomainType type);

 private:
  emulator::Ram ram_;
  HostClock clock_;
  std::unique_ptr<Mmio> smmu_;
  std::unique_ptr<iommu::PagePool> pool_;
  std::unique_ptr<iommu::Iommu> iommu_;
  std::unique_ptr<iommu::Domain> domain_;
};

// With everything on.
class DrivenV3 : public Driven {
 public:
  using Signal = iommu::SmmuV3DriverConfig::SyncSignal;

  explicit DrivenV3(iommu::DomainType type, Signal sync = Signal::kPoll);
};

class DrivenV2 : public Driven {
 public:
  explicit DrivenV2(iommu::DomainType type);
};

}  // namespace smmu::bench

#endif  // BENCH_DRIVEN_H_
