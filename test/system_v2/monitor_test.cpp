// Counters: what each event counts, which transactions a group is about, and how they overflow.
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::monitor_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr std::uint32_t kPageBytes = 4096;
constexpr std::uint32_t kPerGroup = 4;  // of the generic configuration, which has four groups
constexpr StreamId kStream(0x123);
constexpr StreamId kOther(0x124);
constexpr Iova kPage(0x12'3456'7000);
constexpr Iova kSecondPage(0x12'3456'8000);
constexpr std::uint32_t kBank = 3;
constexpr std::uint32_t kOtherBank = 4;

// Two streams with a bank each.
class Monitor : public ::testing::Test {
 protected:
  explicit Monitor(const SmmuV2Config& config = SmmuV2Config::generic()) : rig(config) {
    for (std::uint32_t i = 0; i != 2; ++i) {
      software.stage1(kBank + i, table, {.asid = i});
      software.lead(StreamId(kStream.value + i), kBank + i);
    }
    software.enable();
    table.map(kPage, target, 2 * kPageBytes);
  }

  DmaDevice device(StreamId stream) { return rig.device(stream); }
  RegisterPage monitors() { return rig.registers().monitors(); }
  RegisterPage bank(std::uint32_t n) { return rig.registers().bank(n); }

  // Has counter n count the event.
  void count(std::uint32_t n, SMMU_PMEVTYPERn what) {
    monitors().write(n, what);
    monitors().write(0, SMMU_PMCNTENSETn(1U << n));
    const auto control = monitors().read<SMMU_PMCGCRn>(n / kPerGroup);
    monitors().write(n / kPerGroup, SMMU_PMCGCRn(control).set(SMMU_PMCGCRn::E, true));
    monitors().write(SMMU_PMCR().set(SMMU_PMCR::E, true));
  }
  void count(std::uint32_t n, MonitorEvent event) {
    count(n, SMMU_PMEVTYPERn().set(SMMU_PMEVTYPERn::EVENT, event));
  }
  std::uint32_t counted(std::uint32_t n) { return monitors().read<SMMU_PMEVCNTRn>(n).raw(); }

  V2Rig rig;
  Software software{rig};
  PageTable table = rig.page_table(stage1_tables());
  Pa target = rig.allocate(2 * kPageBytes);  // and the one behind it
};

TEST_F(Monitor, EventsAreWhatTheySay) {
  count(0, MonitorEvent::kAccess);
  count(1, MonitorEvent::kRead);
  count(2, MonitorEvent::kWrite);
  count(3, MonitorEvent::kTlbRefill);
  count(4, MonitorEvent::kTlbRefillOfRead);
  count(5, MonitorEvent::kTlbRefillOfWrite);
  const DmaDevice dma = device(kStream);
  for (int i = 0; i != 3; ++i) dma.translate(kPage);
  for (int i = 0; i != 2; ++i) dma.translate(kSecondPage, Direction::kWrite);
  EXPECT_EQ(counted(0), 5U);
  EXPECT_EQ(counted(1), 3U);
  EXPECT_EQ(counted(2), 2U);
  EXPECT_EQ(counted(3), 2U);
  EXPECT_EQ(counted(4), 1U);
  EXPECT_EQ(counted(5), 1U);
  EXPECT_EQ(monitors().read<SMMU_PMCEID0>().raw(), 0x0007'0703U);
}

TEST_F(Monitor, AccessesOfSeveralPagesAreSeveral) {
  count(0, MonitorEvent::kAccess);
  std::vector<std::byte> bytes(2 * kPageBytes);
  EXPECT_EQ(device(kStream).read(kPage, bytes).bytes, bytes.size());
  EXPECT_EQ(counted(0), 2U);
}

// An access that stalls is one, however often it is translated.
TEST_F(Monitor, AccessesOfDevicesThatCanWaitAreCountedOnce) {
  count(0, MonitorEvent::kAccess);
  count(1, MonitorEvent::kTlbRefill);
  Resumptions ends;
  const DmaDevice dma = rig.device(kStream, ends);
  EXPECT_THAT(dma.translate(kPage), TranslatesTo(target));
  EXPECT_THAT(dma.translate(kPage), TranslatesTo(target));
  EXPECT_EQ(counted(0), 2U);
  EXPECT_EQ(counted(1), 1U);
  bank(kBank).write(stalling());
  constexpr Iova kMissing(kPage.value + 2 * kPageBytes);
  const emulator::Outcome stalled = dma.translate(kMissing);
  ASSERT_THAT(stalled, Stalls());
  EXPECT_EQ(counted(0), 3U);
  table.map(kMissing, target, kPageBytes);
  bank(kBank).write(all_faults());
  bank(kBank).write(SMMU_CBn_RESUME());
  EXPECT_THAT(*ends.take(stalled), TranslatesTo(target));
  EXPECT_EQ(counted(0), 3U);
  // Those of Secure streams go another way.
  rig.secure_registers().global0().write(SMMU_sCR0().set(SMMU_sCR0::USFCFG, false));
  const RegisterPage secure = rig.secure_registers().global0();
  secure.write(secure.read<SMMU_SCR1>().set(SMMU_SCR1::SPMEN, true));
  dma.of(SecurityState::kSecure).translate(kPage);
  EXPECT_EQ(counted(0), 4U);
}

TEST_F(Monitor, EveryEnableIsNeeded) {
  count(0, MonitorEvent::kAccess);
  const DmaDevice dma = device(kStream);
  dma.translate(kPage);
  EXPECT_EQ(counted(0), 1U);
  monitors().write(SMMU_PMCR());
  dma.translate(kPage);
  monitors().write(SMMU_PMCR().set(SMMU_PMCR::E, true));
  monitors().write(0, SMMU_PMCGCRn());
  dma.translate(kPage);
  monitors().write(0, SMMU_PMCGCRn().set(SMMU_PMCGCRn::E, true));
  monitors().write(0, SMMU_PMCNTENCLRn(1));
  dma.translate(kPage);
  EXPECT_EQ(counted(0), 1U);
  monitors().write(0, SMMU_PMCNTENSETn(1));
  EXPECT_EQ(monitors().read<SMMU_PMCNTENCLRn>(0).raw(), 1U);
  dma.translate(kPage);
  EXPECT_EQ(counted(0), 2U);
  monitors().write(SMMU_PMCR().set(SMMU_PMCR::E, true).set(SMMU_PMCR::P, true));
  EXPECT_EQ(counted(0), 0U);
  EXPECT_FALSE(monitors().read<SMMU_PMCR>()[SMMU_PMCR::P]);
}

TEST_F(Monitor, GroupsCountStreams) {
  for (std::uint32_t n = 0; n != 3; ++n) count(kPerGroup * n, MonitorEvent::kAccess);
  const auto by_stream =
      SMMU_PMCGCRn().set(SMMU_PMCGCRn::E, true).set(SMMU_PMCGCRn::TCEFCFG, CounterFilter::kStream);
  monitors().write(0, by_stream);
  monitors().write(0, SMMU_PMCGSMRn().set(SMMU_PMCGSMRn::ID, kStream.value));
  monitors().write(1, by_stream);
  // Any of the eight streams of which both are.
  monitors().write(
      1, SMMU_PMCGSMRn().set(SMMU_PMCGSMRn::ID, kStream.value).set(SMMU_PMCGSMRn::MASK, 0b111));
  monitors().write(2, SMMU_PMCGCRn()
                          .set(SMMU_PMCGCRn::E, true)
                          .set(SMMU_PMCGCRn::TCEFCFG, CounterFilter::kContextBank)
                          .set(SMMU_PMCGCRn::NDX, kOtherBank));
  device(kStream).translate(kPage);
  for (int i = 0; i != 2; ++i) device(kOther).translate(kPage);
  EXPECT_EQ(counted(0), 1U);
  EXPECT_EQ(counted(kPerGroup), 3U);
  EXPECT_EQ(counted(2 * kPerGroup), 2U);
}

TEST_F(Monitor, LeaveOutPrivilegesByTheirTypes) {
  // Of Non-secure transactions NSP and NSU count, where they differ from P and U.
  struct Case {
    bool p, u, nsp, nsu;
    std::uint32_t privileged, unprivileged;
  };
  constexpr Case kCases[] = {
      {false, false, false, false, 1, 1}, {true, false, false, false, 0, 1},
      {false, true, false, false, 1, 0},  {false, false, true, false, 0, 1},
      {true, false, true, false, 1, 1},   {true, true, false, true, 0, 1},
  };
  for (const Case& one : kCases) {
    SCOPED_TRACE(&one - kCases);
    monitors().write(SMMU_PMCR().set(SMMU_PMCR::P, true));
    count(0, SMMU_PMEVTYPERn()
                 .set(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kAccess)
                 .set(SMMU_PMEVTYPERn::P, one.p)
                 .set(SMMU_PMEVTYPERn::U, one.u)
                 .set(SMMU_PMEVTYPERn::NSP, one.nsp)
                 .set(SMMU_PMEVTYPERn::NSU, one.nsu));
    device(kStream).privileged().translate(kPage);
    EXPECT_EQ(counted(0), one.privileged);
    device(kStream).translate(kPage);
    EXPECT_EQ(counted(0), one.privileged + one.unprivileged);
  }
}

TEST_F(Monitor, SecureTransactionsCountWhereSecureSoftwareLetsThem) {
  const RegisterPage secure = rig.secure_registers().global0();
  secure.write(SMMU_sCR0().set(SMMU_sCR0::USFCFG, false));
  count(0, MonitorEvent::kAccess);
  const DmaDevice dma = device(kStream).of(SecurityState::kSecure);
  dma.translate(kPage);
  EXPECT_EQ(counted(0), 0U);
  secure.write(secure.read<SMMU_SCR1>().set(SMMU_SCR1::SPMEN, true));
  dma.translate(kPage);
  EXPECT_EQ(counted(0), 1U);
  // P leaves out Secure privileged ones; NSP says nothing of them.
  count(0, SMMU_PMEVTYPERn()
               .set(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kAccess)
               .set(SMMU_PMEVTYPERn::P, true)
               .set(SMMU_PMEVTYPERn::NSP, true));
  dma.privileged().translate(kPage);
  EXPECT_EQ(counted(0), 1U);
  dma.translate(kPage);
  EXPECT_EQ(counted(0), 2U);
}

TEST_F(Monitor, OverflowInterruptsOfItsGroup) {
  count(kPerGroup + 1, MonitorEvent::kAccess);
  monitors().write(0, SMMU_PMINTENSETn(1U << (kPerGroup + 1)));
  monitors().write(kPerGroup + 1, SMMU_PMEVCNTRn(~0U));
  EXPECT_FALSE(rig.combined.up());
  device(kStream).translate(kPage);
  EXPECT_EQ(counted(kPerGroup + 1), 0U);
  EXPECT_EQ(monitors().read<SMMU_PMOVSSETn>(0).raw(), 1U << (kPerGroup + 1));
  EXPECT_TRUE(rig.counter_group(1).up());
  EXPECT_FALSE(rig.counter_group(0).up());
  EXPECT_TRUE(rig.combined.up());
  monitors().write(0, SMMU_PMINTENCLRn(1U << (kPerGroup + 1)));
  EXPECT_FALSE(rig.counter_group(1).up());
  monitors().write(0, SMMU_PMINTENSETn(1U << (kPerGroup + 1)));
  EXPECT_TRUE(rig.counter_group(1).up());
  monitors().write(0, SMMU_PMOVSCLRn(1U << (kPerGroup + 1)));
  EXPECT_FALSE(rig.counter_group(1).up());
  EXPECT_FALSE(rig.combined.up());
  // Software may set it, to try its handler.
  monitors().write(0, SMMU_PMOVSSETn(1U << (kPerGroup + 1)));
  EXPECT_TRUE(rig.counter_group(1).up());
  rig.smmu().reset(emulator::Reset::kWarm);
  EXPECT_FALSE(rig.combined.up());
}

// A bank that a group is given to has it in its page; others have nothing there.
TEST_F(Monitor, GroupIsSeenByTheBankThatItIsGivenTo) {
  const RegisterPage page = bank(kBank);
  EXPECT_EQ(page.read<SMMU_CBn_PMCFGR>().raw(), 0U);
  monitors().write(2, SMMU_PMCGCRn()
                          .set(SMMU_PMCGCRn::CBAEN, true)
                          .set(SMMU_PMCGCRn::NDX, kBank)
                          .set(SMMU_PMCGCRn::TCEFCFG, CounterFilter::kContextBank));
  EXPECT_EQ(page.read<SMMU_CBn_PMCFGR>()[SMMU_CBn_PMCFGR::N], kPerGroup - 1);
  EXPECT_EQ(page.read<SMMU_CBn_PMCFGR>()[SMMU_CBn_PMCFGR::NCG], 0U);
  EXPECT_EQ(bank(kOtherBank).read<SMMU_CBn_PMCFGR>().raw(), 0U);

  using Type = SMMU_CBn_PMEVTYPERm;
  page.write(1, Type().set(Type::EVENT, MonitorEvent::kAccess));
  page.write(SMMU_CBn_PMCNTENSET(0b10));
  page.write(SMMU_CBn_PMCR().set(SMMU_CBn_PMCR::E, true));
  monitors().write(SMMU_PMCR().set(SMMU_PMCR::E, true));
  EXPECT_EQ(monitors().read<SMMU_PMCNTENSETn>(0).raw(), 0b10U << (2 * kPerGroup));
  EXPECT_TRUE(monitors().read<SMMU_PMCGCRn>(2)[SMMU_PMCGCRn::E]);
  device(kStream).translate(kPage);
  device(kOther).translate(kPage);
  EXPECT_EQ(page.read<SMMU_CBn_PMEVCNTRm>(1).raw(), 1U);
  EXPECT_EQ(counted(2 * kPerGroup + 1), 1U);

  page.write(SMMU_CBn_PMINTENSET(0b10));
  page.write(1, SMMU_CBn_PMEVCNTRm(~0U));
  device(kStream).translate(kPage);
  EXPECT_EQ(page.read<SMMU_CBn_PMOVSCLR>().raw(), 0b10U);
  EXPECT_TRUE(rig.counter_group(2).up());
  page.write(SMMU_CBn_PMOVSCLR(0b10));
  EXPECT_FALSE(rig.counter_group(2).up());
  page.write(SMMU_CBn_PMCR().set(SMMU_CBn_PMCR::E, true).set(SMMU_CBn_PMCR::P, true));
  EXPECT_EQ(counted(2 * kPerGroup + 1), 0U);
}

TEST_F(Monitor, EventsAreToldOfInThePageOfABank) {
  monitors().write(2, SMMU_PMCGCRn().set(SMMU_PMCGCRn::CBAEN, true).set(SMMU_PMCGCRn::NDX, kBank));
  EXPECT_EQ(bank(kBank).read<SMMU_CBn_PMCEID0>().raw(), 0x0007'0703U);
}

// MMU-500: groups are about the streams of a TBU.
class MonitorOfMmu500 : public Monitor {
 protected:
  MonitorOfMmu500() : Monitor(SmmuV2Config::mmu500_zynqmp()) {}
};

// As AMD prints it.  Its manual has more of them.
TEST_F(MonitorOfMmu500, EventsAreMoreThanItTellsOf) {
  EXPECT_EQ(monitors().read<SMMU_PMCEID0>().raw(), 0x0003'0303U);
  count(0, MonitorEvent::kWrite);
  device(StreamId(0)).translate(kPage, Direction::kWrite);
  EXPECT_EQ(counted(0), 1U);
}

TEST_F(MonitorOfMmu500, GroupsAreAboutStreamsOfTheirNumber) {
  for (std::uint32_t n = 0; n != 2; ++n) count(kPerGroup * n, MonitorEvent::kAccess);
  EXPECT_EQ(monitors().read<SMMU_PMCGCRn>(1)[SMMU_PMCGCRn::SIDG], 1U);
  device(StreamId(0x3ff)).translate(kPage);
  device(StreamId(0x400)).translate(kPage);
  device(StreamId(0x7ff)).translate(kPage);
  device(StreamId(0x800)).translate(kPage);
  EXPECT_EQ(counted(0), 1U);
  EXPECT_EQ(counted(kPerGroup), 2U);
}

}  // namespace
}  // namespace smmu::testing::monitor_test
