// What is suspended has no registers, whoever handles an interrupt meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "smmu/testing/recording_handler.h"
#include "test/driver_v2/scripted_rig.h"

namespace smmu::testing::suspend_test {
namespace {

using ::testing::HasSubstr;
using namespace iommu;

// A fault in bank 1 of an access that waits.
constexpr v2::SMMU_CBn_FSR kStalled(0x4000'0402);

TEST(DriverV2Suspend, AHandlerThatSuspendsIsTheLastToAccessAnything) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  RecordingHandler handler([&](Domain&, const Fault&) {
    EXPECT_TRUE(rig.iommu->suspend());
    rig.registers.take();
    return FaultAction::kTerminate;
  });
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  rig.registers.set(1, kStalled);
  rig.driver->context_fault_line(1).set(true);
  EXPECT_EQ(handler.faults.size(), 1U);
  EXPECT_FALSE(rig.registers.touched());
  rig.driver->global_fault_line().set(true);
  rig.driver->handle_interrupts();
  EXPECT_FALSE(rig.registers.touched());
  // Whoever resumes ends the fault.
  ASSERT_TRUE(rig.iommu->resume());
  EXPECT_EQ(rig.registers.get<v2::SMMU_CBn_FSR>(1)[v2::SMMU_CBn_FSR::SS], false);
}

TEST(DriverV2Suspend, WaitsForAnAccessThatIsUnderWay) {
  ScriptedRig rig;
  ASSERT_EQ(rig.start(), "");
  const auto domain = rig.attached();
  rig.registers.set(1, kStalled);
  std::atomic<bool> suspended{false};
  std::thread suspends;
  unsigned resumed = 0;
  rig.registers.on_write = [&](const std::string& name) {
    if (name == "SMMU_CB1_FSR") {
      suspends = std::thread([&] {
        EXPECT_TRUE(rig.iommu->suspend());
        suspended = true;
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } else if (name == "SMMU_CB1_RESUME") {
      ++resumed;
    }
    EXPECT_FALSE(suspended);
  };
  rig.driver->context_fault_line(1).set(true);
  ASSERT_TRUE(suspends.joinable());
  suspends.join();
  EXPECT_TRUE(suspended);
  EXPECT_EQ(resumed, 1U);
  rig.registers.on_write = nullptr;
}

// A handler may wait for who suspends, and that one waits for the access.
TEST(DriverV2Suspend, NobodyIsToldInTheMiddleOfAnAccess) {
  for (const bool asked : {false, true}) {
    ScriptedRig rig;
    ASSERT_EQ(rig.start(), "");
    const auto domain = rig.attached();
    bool inside = false;
    RecordingHandler handler([&](Domain&, const Fault&) {
      EXPECT_FALSE(inside);
      return FaultAction::kTerminate;
    });
    ASSERT_TRUE(domain->set_fault_handler(&handler));
    rig.registers.on_write = [&](const std::string& name) {
      if (name != "SMMU_sGFSR") return;
      inside = true;
      rig.registers.set(1, kStalled);
      rig.driver->context_fault_line(1).set(true);
      inside = false;
      EXPECT_EQ(handler.faults.size(), 0U);
    };
    const auto fault = v2::SMMU_sGFSR().set(v2::SMMU_sGFSR::USF, true);
    if (asked) {
      // It is up already, so nobody comes for it by himself.
      rig.driver->global_fault_line().set(true);
      rig.registers.set(fault);
      rig.driver->handle_interrupts();
    } else {
      rig.registers.set(fault);
      rig.driver->global_fault_line().set(true);
    }
    EXPECT_EQ(handler.faults.size(), 1U);
    EXPECT_THAT(rig.log.sentences(), ::testing::ElementsAre(HasSubstr("SMMU_sGFSR")));
    rig.registers.on_write = nullptr;
  }
}

}  // namespace
}  // namespace smmu::testing::suspend_test
