#include "bench/driven.h"

#include <utility>

#include "bench/rows.h"
#include "smmu/emulator/smmu_v2.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/iommu/smmu_v2.h"

namespace smmu::bench {

Driven::Driven() {
  constexpr Pa kBase{0x4000'0000};
  constexpr std::uint64_t kSize = 8 << 20;
  if (!ram_.add(kBase, kSize)) give_up("no RAM");
  auto pool = iommu::PagePool::create(ram_, kBase, kSize);
  if (!pool) give_up("no pool");
  pool_ = *std::move(pool);
}

Driven::~Driven() = default;

void Driven::attach(std::unique_ptr<iommu::Driver> driver, iommu::DomainType type) {
  auto made = iommu::Iommu::create(std::move(driver));
  if (!made) give_up("no Iommu");
  iommu_ = *std::move(made);
  const auto device = iommu_->add_device({.name = "device", .streams = {{StreamId(1)}}});
  if (!device) give_up("no device");
  auto domain = iommu_->create_domain(type);
  if (!domain) give_up("no domain");
  domain_ = *std::move(domain);
  if (!(*device)->group().attach(*domain_)) give_up("not attached");
}

DrivenV3::DrivenV3(iommu::DomainType type, Signal sync) {
  auto smmu = emulator::SmmuV3::create(emulator::SmmuV3Config::everything(), {.memory = &ram()});
  if (!smmu) give_up(smmu.error().c_str());
  auto settings = config<iommu::SmmuV3DriverConfig>(*std::move(smmu));
  settings.sync = sync;
  auto driver = iommu::SmmuV3Driver::create(settings);
  if (!driver) give_up(driver.error().c_str());
  attach(*std::move(driver), type);
}

DrivenV2::DrivenV2(iommu::DomainType type) {
  auto smmu = emulator::SmmuV2::create(emulator::SmmuV2Config::generic(), {.memory = &ram()});
  if (!smmu) give_up(smmu.error().c_str());
  auto settings = config<iommu::SmmuV2DriverConfig>(*std::move(smmu));
  // Nobody connects them here: nothing faults.
  settings.context_interrupts = 128;
  auto driver = iommu::SmmuV2Driver::create(settings);
  if (!driver) give_up(driver.error().c_str());
  attach(*std::move(driver), type);
}

}  // namespace smmu::bench
