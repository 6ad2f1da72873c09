#include "bench/driven_v2.h"

#include <utility>

#include "bench/rows.h"

namespace smmu::bench {

DrivenV2::DrivenV2(iommu::DomainType type) {
  constexpr Pa kBase{0x4000'0000};
  constexpr std::uint64_t kSize = 8 << 20;
  if (!ram_.add(kBase, kSize)) give_up("no RAM");
  auto smmu = emulator::SmmuV2::create(emulator::SmmuV2Config::generic(), {.memory = &ram_});
  if (!smmu) give_up(smmu.error().c_str());
  smmu_ = *std::move(smmu);
  auto pool = iommu::PagePool::create(ram_, kBase, kSize);
  if (!pool) give_up("no pool");
  pool_ = *std::move(pool);
  iommu::SmmuV2DriverConfig config;
  config.registers = smmu_.get();
  config.pool = pool_.get();
  config.clock = &clock_;
  // Nobody connects them here: nothing faults.
  config.context_interrupts = 128;
  auto driver = iommu::SmmuV2Driver::create(config);
  if (!driver) give_up(driver.error().c_str());
  auto made = iommu::Iommu::create(*std::move(driver));
  if (!made) give_up("no Iommu");
  iommu_ = *std::move(made);
  const auto device = iommu_->add_device({.name = "device", .streams = {{StreamId(1)}}});
  if (!device) give_up("no device");
  auto domain = iommu_->create_domain(type);
  if (!domain) give_up("no domain");
  domain_ = *std::move(domain);
  if (!(*device)->group().attach(*domain_)) give_up("not attached");
}

DrivenV2::~DrivenV2() = default;

}  // namespace smmu::bench
