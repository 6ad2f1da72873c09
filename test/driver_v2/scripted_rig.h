// A driver of scripted registers, with the IOMMU API on top.
#ifndef SMMU_TEST_DRIVER_V2_SCRIPTED_RIG_H_
#define SMMU_TEST_DRIVER_V2_SCRIPTED_RIG_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v2.h"
#include "smmu/testing/driven_board_v2.h"
#include "test/driver_v2/scripted_registers.h"

namespace smmu::testing {

class ScriptedRig {
 public:
  static constexpr Pa kRam = Pa(0x4000'0000);
  static constexpr std::uint64_t kPoolBytes = std::uint64_t{4} << 20;
  static constexpr Iova kIova = Iova(0x12'3456'7000);
  static constexpr Pa kPa = Pa(0x8000'0000);

  ScriptedRig() {
    EXPECT_TRUE(ram.add(kRam, kPoolBytes));
    auto made = iommu::PagePool::create(ram, kRam, kPoolBytes);
    EXPECT_TRUE(made);
    if (made) pool = *std::move(made);
    config.registers = &registers;
    config.pool = pool.get();
    config.clock = &clock;
    config.log = &log;
    config.context_interrupts = 4;
  }

  // Empty: it has begun.  Else why it has not.
  std::string start() {
    auto made = iommu::SmmuV2Driver::create(config);
    if (!made) return made.error();
    driver = made->get();
    auto top = iommu::Iommu::create(*std::move(made));
    if (!top) return "no Iommu";
    iommu = *std::move(top);
    return {};
  }
  iommu::Device* add(StreamId stream, std::uint32_t mask = 0) {
    auto added = iommu->add_device({.name = "device", .streams = {{stream, mask}}});
    EXPECT_TRUE(added);
    return added ? *added : nullptr;
  }
  std::unique_ptr<iommu::Domain> domain(iommu::DomainType type = iommu::DomainType::kUnmanaged) {
    auto made = iommu->create_domain(type);
    EXPECT_TRUE(made);
    return made ? *std::move(made) : nullptr;
  }
  // A domain that a new device is attached to.
  std::unique_ptr<iommu::Domain> attached(StreamId stream = StreamId(7)) {
    device = add(stream);
    auto made = domain();
    EXPECT_TRUE(device->group().attach(*made));
    return made;
  }

  emulator::Ram ram;
  ScriptedRegisters registers;
  SteppingClock clock;
  RecordingLog log;
  std::unique_ptr<iommu::PagePool> pool;
  iommu::SmmuV2DriverConfig config;
  iommu::SmmuV2Driver* driver = nullptr;  // the Iommu's
  std::unique_ptr<iommu::Iommu> iommu;
  iommu::Device* device = nullptr;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_DRIVER_V2_SCRIPTED_RIG_H_
