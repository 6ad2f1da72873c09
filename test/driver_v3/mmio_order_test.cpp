// A driver needs no order of its accesses to memory but that of Mmio (IHI 0070, 3.21.2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "smmu/emulator/smmu_v3.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/testing/dma_device.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"
#include "smmu/testing/recording_log.h"
#include "test/caches/ordered_registers.h"

namespace smmu::testing::mmio_order_test {
namespace {

using namespace iommu;

constexpr StreamId kNic = StreamId(7);
constexpr Pa kTarget = Pa(0x8000'0000);

TEST(MmioOrder, IsAllThatADriverNeeds) {
  for (const auto sync :
       {SmmuV3DriverConfig::SyncSignal::kPoll, SmmuV3DriverConfig::SyncSignal::kMessage}) {
    OrderedRegisters registers;
    const auto smmu = emulator::SmmuV3::create(emulator::SmmuV3Config::everything(),
                                               {.memory = &registers.device});
    ASSERT_TRUE(smmu) << smmu.error();
    registers.lead_to(**smmu);
    HostClock clock;
    RecordingLog log;
    auto made = SmmuV3Driver::create({.registers = &registers,
                                      .pool = registers.pool.get(),
                                      .clock = &clock,
                                      .log = &log,
                                      .sync = sync,
                                      .log2_commands = 3,
                                      .log2_events = 2,
                                      .stream_bits = 8});
    ASSERT_TRUE(made) << made.error();
    SmmuV3Driver& driver = **made;
    const auto iommu = Iommu::create(*std::move(made), {.default_domain = DomainType::kBlocked});
    ASSERT_TRUE(iommu);
    const auto domain = (*iommu)->create_domain(DomainType::kUnmanaged);
    ASSERT_TRUE(domain);
    RecordingHandler handler([](Domain& where, const Fault& fault) {
      if (!fault.stalled) return FaultAction::kTerminate;
      EXPECT_TRUE(where.map(fault.iova, kTarget, 4096, kReadWrite));
      return FaultAction::kRetry;
    });
    ASSERT_TRUE((*domain)->set_fault_handler(&handler));
    const auto device = (*iommu)->add_device({.streams = {{kNic}}, .can_stall = true});
    ASSERT_TRUE(device);
    ASSERT_TRUE((*device)->group().attach(**domain));
    const DmaDevice nic((*smmu)->add_port(), kNic);
    Resumptions ends;
    const DmaDevice patient((*smmu)->add_port(ends), kNic);
    for (std::uint64_t n = 1; n != 10; ++n) {
      const Iova iova(n * 0x20'0000);  // each a table of its own
      ASSERT_TRUE((*domain)->map(iova, kTarget, 4096, kReadWrite));
      registers.store();  // the device is told to begin
      EXPECT_THAT(nic.translate(iova), TranslatesTo(kTarget));
      EXPECT_EQ((*domain)->unmap(iova, 4096), 4096U);
      EXPECT_THAT(nic.translate(iova), Aborts());
      driver.event_queue_line().pulse();
      ASSERT_EQ(handler.faults.size(), 2 * n - 1);
      EXPECT_EQ(handler.faults.back().iova, iova);
      // The answer to a fault is a command, and its page is there before.
      const Iova other(iova.value + 4096);
      const auto outcome = patient.translate(other);
      ASSERT_THAT(outcome, Stalls());
      driver.event_queue_line().pulse();
      const auto end = ends.take(outcome);
      ASSERT_TRUE(end);
      EXPECT_THAT(*end, TranslatesTo(kTarget));
    }
    EXPECT_TRUE((*device)->group().detach());
    EXPECT_TRUE(log.sentences().empty());
  }
}

}  // namespace
}  // namespace smmu::testing::mmio_order_test
