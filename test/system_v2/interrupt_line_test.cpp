// Interrupt lines: each is up as long as its cause and its enable are there, goes up once and down
// once, and one line is up whenever another one is.
#include <functional>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::interrupt_line_test {
namespace {

using emulator::SmmuV2;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(5);
constexpr Iova kMissing(0x9876'5000);
constexpr std::uint32_t kBank = 3;

// Faults of one bank.
class OneBank {
 public:
  OneBank() {
    software.stage1(kBank, table);
    software.lead(kStream, kBank);
    software.enable();
  }

  V2Rig rig;
  Software software{rig};
  RegisterPage bank = software.bank(kBank);
  DmaDevice device = rig.device(kStream);

 private:
  PageTable table = rig.page_table(stage1_tables());
};

TEST(InterruptLine, FollowsTheFaultAndItsEnable) {
  OneBank one;
  const RecordingLevelLine& line = one.rig.context_fault(kBank);
  one.device.translate(kMissing);
  EXPECT_TRUE(line.up());
  one.bank.write(translating().set(SMMU_CBn_SCTLR::CFIE, false));
  EXPECT_FALSE(line.up());
  one.bank.write(translating());
  EXPECT_TRUE(line.up());
  one.bank.write(one.bank.read<SMMU_CBn_FSR>());
  EXPECT_FALSE(line.up());
  EXPECT_EQ(line.rises(), 2U);
}

TEST(InterruptLine, GoesUpOnceForManyFaults) {
  OneBank one;
  for (int i = 0; i != 10; ++i) one.device.translate(kMissing);
  EXPECT_EQ(one.rig.context_fault(kBank).rises(), 1U);
  EXPECT_EQ(one.rig.combined.rises(), 1U);
}

TEST(InterruptLine, OfABankIsItsOwn) {
  OneBank one;
  one.device.translate(kMissing);
  for (std::uint32_t n = 0; n != one.rig.context_fault_lines(); ++n) {
    EXPECT_EQ(one.rig.context_fault(n).up(), n == kBank);
  }
  EXPECT_FALSE(one.rig.global_fault.up());
}

TEST(InterruptLine, CombinedIsUpWhileAnyOtherIs) {
  OneBank one;
  one.device.translate(kMissing);
  one.rig.device(StreamId(0x77)).translate(kMissing);
  EXPECT_TRUE(one.rig.global_fault.up());
  EXPECT_TRUE(one.rig.combined.up());
  one.bank.write(all_faults());
  EXPECT_TRUE(one.rig.combined.up());
  one.software.gr0.write(one.software.gr0.read<SMMU_sGFSR>());
  EXPECT_FALSE(one.rig.combined.up());
  EXPECT_EQ(one.rig.combined.rises(), 1U);
}

TEST(InterruptLine, GoesDownWithAReset) {
  for (const emulator::Reset kind : {emulator::Reset::kWarm, emulator::Reset::kPowerOn}) {
    OneBank one;
    one.device.translate(kMissing);
    one.rig.device(StreamId(0x77)).translate(kMissing);
    one.rig.smmu().reset(kind);
    EXPECT_TRUE(one.rig.quiet());
    EXPECT_FALSE(one.rig.context_fault(kBank).up());
    EXPECT_FALSE(one.rig.global_fault.up());
  }
}

// Those that are not connected are no reason to be quiet.
TEST(InterruptLine, CombinedSpeaksForThoseThatAreNotConnected) {
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x4000'0000), 1 << 20));
  RecordingLevelLine combined;
  auto smmu = *SmmuV2::create(SmmuV2Config::generic(), {.memory = &ram, .combined = &combined});
  const RegisterPages pages(*smmu);
  pages.bank(kBank).write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::CFIE, true));
  pages.bank(kBank).write(SMMU_CBn_FSRRESTORE().set(SMMU_CBn_FSRRESTORE::EF, true));
  EXPECT_TRUE(combined.up());
  pages.bank(kBank).write(all_faults());
  EXPECT_FALSE(combined.up());
}

// A handler that uses the SMMU while the line tells it of something.
class Handler final : public LevelLine {
 public:
  void set(bool up) override {
    changes.push_back(up);
    if (on_change) on_change(up);
  }

  std::vector<bool> changes;
  std::function<void(bool up)> on_change;
};

TEST(InterruptLine, MayBeServedWhileItIsTold) {
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x4000'0000), 1 << 20));
  Handler handler;
  auto smmu = *SmmuV2::create(SmmuV2Config::generic(), {.memory = &ram, .global_fault = &handler});
  const RegisterPage gr0 = RegisterPages(*smmu).global0();
  gr0.write(everything_faults());
  const DmaDevice device(smmu->add_port(), kStream);
  const DmaDevice other(smmu->add_port(), StreamId(6));
  // The first time another device's fault comes before the line is told that it is down.
  handler.on_change = [&](bool up) {
    if (!up) return;
    gr0.write(gr0.read<SMMU_sGFSR>());
    EXPECT_THAT(other.translate(kMissing), Aborts());
  };
  EXPECT_THAT(device.translate(kMissing), Aborts());
  EXPECT_EQ(handler.changes, std::vector<bool>{true}) << "it was never down";
  EXPECT_TRUE(gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::USF]);
  gr0.write(gr0.read<SMMU_sGFSR>());
  EXPECT_EQ(handler.changes, (std::vector<bool>{true, false}));
  // A handler that leaves nothing behind is told both.
  handler.on_change = [&](bool up) {
    if (up) gr0.write(gr0.read<SMMU_sGFSR>());
  };
  EXPECT_THAT(device.translate(kMissing), Aborts());
  EXPECT_EQ(handler.changes, (std::vector<bool>{true, false, true, false}));
}

// Every write to a register has its effects before it returns: also on other lines.
TEST(InterruptLine, OfManyBanksAreAllTold) {
  V2Rig rig;
  const Software software(rig);
  for (std::uint32_t n = 0; n != rig.context_fault_lines(); ++n) {
    software.bank(n).write(SMMU_CBn_FSRRESTORE().set(SMMU_CBn_FSRRESTORE::TF, true));
    EXPECT_FALSE(rig.context_fault(n).up());
    software.bank(n).write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::CFIE, true));
    EXPECT_TRUE(rig.context_fault(n).up());
  }
  for (std::uint32_t n = 0; n != rig.context_fault_lines(); ++n) {
    EXPECT_TRUE(rig.combined.up());
    software.bank(n).write(all_faults());
    EXPECT_FALSE(rig.context_fault(n).up());
  }
  EXPECT_TRUE(rig.quiet());
}

}  // namespace
}  // namespace smmu::testing::interrupt_line_test
