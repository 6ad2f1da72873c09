// Stepped time: a register write changes registers alone, and what it sets in motion comes effect
// by effect, in the order that is promised.
#include <string>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::stepped_time_test {
namespace {

using emulator::Outcome;
using emulator::Pace;
using emulator::SmmuV2Config;
using ::testing::ElementsAre;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr Iova kPage(0x12'3456'7000);
constexpr Iova kMissing(0x12'3456'8000);
constexpr std::uint32_t kBank = 3;

SmmuV2Config stepped() {
  SmmuV2Config config = SmmuV2Config::generic();
  config.pace = Pace::kStepped;
  return config;
}

class SteppedTime : public ::testing::Test {
 protected:
  SteppedTime() {
    table.map(kPage, target, 4096);
    software.stage1(kBank, table, {.asid = 5, .control = stalling()});
    software.lead(kStream, kBank);
    software.enable();
    EXPECT_EQ(rig.smmu().step(100), 0U) << "none of this sets anything in motion";
  }

  bool step() { return rig.smmu().step(1) == 1; }
  bool operation_is_active() const { return bank.read<SMMU_CBn_ATSR>()[SMMU_CBn_ATSR::ACTIVE]; }
  bool sync_is_active() const {
    return bank.read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE];
  }
  bool global_sync_is_active() const {
    return software.gr0.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE];
  }

  V2Rig rig{stepped()};
  Software software{rig};
  RegisterPage bank = software.bank(kBank);
  PageTable table = rig.page_table(stage1_tables());
  Pa target = rig.allocate(4096);
  Resumptions ends;
  DmaDevice device = rig.device(kStream, ends);
};

TEST_F(SteppedTime, LinesMoveOneByOneFromTheLowestBankOn) {
  constexpr std::uint32_t kHigh = 9;
  constexpr std::uint32_t kLow = 2;
  for (const std::uint32_t n : {kHigh, kLow}) {
    software.bank(n).write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::CFIE, true));
    software.bank(n).write(SMMU_CBn_FSRRESTORE().set(SMMU_CBn_FSRRESTORE::TF, true));
  }
  software.gr0.write(
      SMMU_sGFSRRESTORE().set(SMMU_sGFSRRESTORE::CAF, true).set(SMMU_sGFSRRESTORE::USF, true));
  const Software secure(rig, SecurityState::kSecure);
  secure.enable();
  secure.gr0.write(SMMU_sGFSRRESTORE().set(SMMU_sGFSRRESTORE::USF, true));
  EXPECT_TRUE(software.gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::USF]) << "registers know it already";
  const std::vector<const RecordingLevelLine*> order{
      &rig.context_fault(kLow), &rig.context_fault(kHigh), &rig.global_fault,
      &rig.configuration_fault, &rig.secure_global_fault,  &rig.combined};
  for (std::size_t i = 0; i != order.size(); ++i) {
    for (std::size_t j = 0; j != order.size(); ++j) EXPECT_EQ(order[j]->up(), j < i) << i;
    EXPECT_TRUE(step());
  }
  EXPECT_TRUE(rig.combined.up());
  EXPECT_FALSE(step());
}

// What has changed back before it was told is not told.
TEST_F(SteppedTime, LinesMoveToWhatTheyShouldBeThen) {
  bank.write(SMMU_CBn_FSRRESTORE().set(SMMU_CBn_FSRRESTORE::TF, true));
  bank.write(all_faults());
  EXPECT_FALSE(step());
  EXPECT_EQ(rig.context_fault(kBank).rises(), 0U);
}

TEST_F(SteppedTime, OperationsAreActiveUntilTheyAreDone) {
  bank.write(SMMU_CBn_PAR_Long(0x55));
  bank.write(SMMU_CBn_ATS1PR(kPage.value));
  EXPECT_TRUE(operation_is_active());
  EXPECT_EQ(bank.read<SMMU_CBn_PAR_Long>().raw(), 0x55U);
  // Tables are read then, and not now.
  const Pa other = rig.allocate(4096);
  table.map(kPage, other, 4096);
  EXPECT_TRUE(step());
  EXPECT_FALSE(operation_is_active());
  EXPECT_EQ(bank.read<SMMU_CBn_PAR_Long>()[SMMU_CBn_PAR_Long::PA], other.value);
  EXPECT_FALSE(step());
}

// A bank has one at a time: the later one takes the place of the earlier one.
TEST_F(SteppedTime, OperationsOfABankAreOne) {
  bank.write(SMMU_CBn_ATS1PR(kMissing.value));
  software.gr0.write(SMMU_sGATS1PR(kMissing.value | kBank));
  bank.write(SMMU_CBn_ATS1PR(kPage.value));
  EXPECT_EQ(rig.smmu().step(100), 2U);
  EXPECT_FALSE(operation_is_active());
  EXPECT_EQ(bank.read<SMMU_CBn_PAR_Long>()[SMMU_CBn_PAR_Long::PA], target.value);
  EXPECT_TRUE(software.gr0.read<SMMU_sGPAR_Fault>()[SMMU_sGPAR_Fault::TF]);
}

TEST_F(SteppedTime, SynchronizationsAreActiveUntilTheyAreOver) {
  bank.write(SMMU_CBn_TLBIALL());
  EXPECT_FALSE(sync_is_active());
  EXPECT_EQ(rig.smmu().step(100), 0U) << "an invalidation is no effect by itself";
  software.synchronize(kBank);
  software.synchronize();
  software.synchronize(kBank);
  EXPECT_TRUE(sync_is_active());
  EXPECT_TRUE(global_sync_is_active());
  EXPECT_TRUE(step());
  EXPECT_FALSE(sync_is_active());
  EXPECT_TRUE(global_sync_is_active());
  EXPECT_TRUE(step());
  EXPECT_FALSE(global_sync_is_active());
  EXPECT_FALSE(step()) << "what is asked for twice is done once";
}

TEST_F(SteppedTime, StalledAccessesAreToldWhenItIsTheirTurn) {
  const Outcome stalled = device.translate(kMissing);
  ASSERT_THAT(stalled, Stalls());
  EXPECT_FALSE(rig.context_fault(kBank).up());
  EXPECT_EQ(rig.smmu().step(100), 2U) << "the line, and the combined one";
  table.map(kMissing, target, 4096);
  bank.write(all_faults());
  bank.write(SMMU_CBn_RESUME());
  EXPECT_EQ(rig.smmu().step(2), 2U);
  EXPECT_TRUE(rig.quiet());
  EXPECT_EQ(ends.size(), 0U) << "lines come first";
  EXPECT_GE(rig.smmu().step(100), 1U);
  const auto end = ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(target));
}

// All kinds at once, in the order in which they are promised.
TEST_F(SteppedTime, KindsOfEffectsHaveAnOrder) {
  const Outcome stalled = device.translate(kMissing);
  rig.smmu().step(100);
  software.synchronize(kBank);
  table.map(kMissing, target, 4096);
  bank.write(SMMU_CBn_ATS1PR(kPage.value));
  bank.write(all_faults());
  bank.write(SMMU_CBn_RESUME());
  std::vector<std::string> seen;
  bool line = true;
  bool operation = true;
  bool sync = true;
  for (int i = 0; i != 20 && step(); ++i) {
    const auto note = [&](bool& was, bool is, const char* name) {
      if (was && !is) seen.emplace_back(name);
      was = is;
    };
    note(line, rig.combined.up(), "line");
    note(operation, operation_is_active(), "operation");
    if (ends.take(stalled)) seen.emplace_back("access");
    note(sync, sync_is_active(), "synchronisation");
  }
  EXPECT_THAT(seen, ElementsAre("line", "operation", "access", "synchronisation"));
}

TEST_F(SteppedTime, IsOfSteppedSmmusAlone) {
  V2Rig at_once;
  const Software other(at_once);
  other.enable();
  at_once.device(kStream).translate(kPage);
  EXPECT_EQ(at_once.smmu().step(100), 0U);
  EXPECT_TRUE(at_once.global_fault.up());
}

TEST_F(SteppedTime, DoesAsMuchAsItIsToldTo) {
  software.synchronize();
  software.synchronize(kBank);
  software.synchronize(kBank + 1);
  EXPECT_EQ(rig.smmu().step(0), 0U);
  EXPECT_EQ(rig.smmu().step(2), 2U);
  EXPECT_EQ(rig.smmu().step(5), 1U);
}

// A handler that a step calls may use registers, but not time.
TEST_F(SteppedTime, DoesNotGoOnFromACallback) {
  const Outcome stalled = device.translate(kMissing);
  bank.write(all_faults());
  bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
  int told = 0;
  ends.on_end([&] {
    ++told;
    software.synchronize();
    EXPECT_EQ(rig.smmu().step(100), 0U);
    EXPECT_TRUE(global_sync_is_active());
  });
  rig.smmu().step(100);
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(ends.take(stalled));
  EXPECT_FALSE(global_sync_is_active());
}

TEST_F(SteppedTime, ResetForgetsWhatWaits) {
  const Outcome stalled = device.translate(kMissing);
  bank.write(SMMU_CBn_ATS1PR(kPage.value));
  software.synchronize(kBank);
  rig.smmu().reset(emulator::Reset::kWarm);
  EXPECT_FALSE(operation_is_active());
  EXPECT_FALSE(sync_is_active());
  EXPECT_FALSE(ends.take(stalled)) << "that takes a step";
  rig.smmu().step(100);
  const auto end = ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
  EXPECT_EQ(bank.read<SMMU_CBn_PAR_Long>().raw(), 0U);
  EXPECT_TRUE(rig.quiet());
}

// An effect is a cycle of the clock.
TEST_F(SteppedTime, CountsClockCycles) {
  const RegisterPage monitors(rig.smmu(), 3 * 4096);
  monitors.write(0, SMMU_PMEVTYPERn().set(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kClockCycle));
  monitors.write(1, SMMU_PMEVTYPERn().set(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kClockCycleBy64));
  monitors.write(0, SMMU_PMCNTENSETn(0b11));
  monitors.write(0, SMMU_PMCGCRn().set(SMMU_PMCGCRn::E, true));
  monitors.write(SMMU_PMCR().set(SMMU_PMCR::E, true));
  EXPECT_EQ(rig.smmu().step(100), 0U);
  EXPECT_EQ(monitors.read<SMMU_PMEVCNTRn>(0).raw(), 0U);
  for (int i = 0; i != 130; ++i) {
    software.synchronize();
    EXPECT_TRUE(step());
  }
  EXPECT_EQ(monitors.read<SMMU_PMEVCNTRn>(0).raw(), 130U);
  EXPECT_EQ(monitors.read<SMMU_PMEVCNTRn>(1).raw(), 2U);
}

}  // namespace
}  // namespace smmu::testing::stepped_time_test
