// A driver needs no order of its accesses to memory but that of Mmio.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "smmu/testing/driven_board_v2.h"
#include "smmu/testing/matchers.h"
#include "test/caches/ordered_registers.h"

namespace smmu::testing::mmio_order_test {
namespace {

using namespace iommu;

constexpr StreamId kStream = StreamId(7);
constexpr Pa kTarget = Pa(0x8000'0000);

TEST(DriverV2MmioOrder, IsAllThatADriverNeeds) {
  for (const auto stage :
       {SmmuV2DriverConfig::Stage::kStage1, SmmuV2DriverConfig::Stage::kStage2}) {
    OrderedRegisters registers;
    emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
    config.caching.policy = emulator::CachePolicy::kAdversarial;
    const auto smmu = emulator::SmmuV2::create(config, {.memory = &registers.device});
    ASSERT_TRUE(smmu) << smmu.error();
    registers.lead_to(**smmu);
    SteppingClock clock;
    RecordingLog log;
    auto made = SmmuV2Driver::create({.registers = &registers,
                                      .pool = registers.pool.get(),
                                      .clock = &clock,
                                      .log = &log,
                                      .context_interrupts = config.idr1[v2::SMMU_IDR1::NUMCB],
                                      .stage = stage});
    ASSERT_TRUE(made) << made.error();
    SmmuV2Driver& driver = **made;
    const auto iommu = Iommu::create(*std::move(made));
    ASSERT_TRUE(iommu);
    const auto domain = (*iommu)->create_domain(DomainType::kUnmanaged);
    ASSERT_TRUE(domain);
    const auto device = (*iommu)->add_device({.streams = {{kStream}}});
    ASSERT_TRUE(device);
    ASSERT_TRUE((*device)->group().attach(**domain));
    const DmaDevice nic((*smmu)->add_port(), kStream);
    for (std::uint64_t n = 1; n != 10; ++n) {
      const Iova iova(n * 0x20'0000);  // each a table of its own
      ASSERT_TRUE((*domain)->map(iova, kTarget, 4096, kReadWrite));
      registers.store();  // the device is told to begin
      EXPECT_THAT(nic.translate(iova), TranslatesTo(kTarget));
      EXPECT_EQ((*domain)->unmap(iova, 4096), 4096U);
      EXPECT_THAT(nic.translate(iova), Aborts());
      for (std::uint32_t bank = 0; bank != driver.context_banks(); ++bank) {
        driver.context_fault_line(bank).set(true);
        driver.context_fault_line(bank).set(false);
      }
      EXPECT_EQ(log.sentences().size(), 1U) << "of the fault";
    }
    EXPECT_TRUE((*device)->group().detach());
  }
}

}  // namespace
}  // namespace smmu::testing::mmio_order_test
