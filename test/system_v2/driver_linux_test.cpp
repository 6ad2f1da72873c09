// Linux of today on an SMMUv2: with stage 1 and stage 2, with StreamIDs of 16 bits where there are
// such, on an MMU-500, and on the one of an AP806 that takes no access of 64 bits.
#include "test/system_v2/linux_driver.h"

namespace smmu::testing::driver_linux_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x1234);
constexpr Iova kAddress(0x8765'4321'f000);
constexpr Iova kMissing(kAddress.value - 4096);
// What the tables of AArch32 can translate.
constexpr Iova kLowAddress(0x8765'f000);

using Stage = LinuxDriver::Stage;
using Model = LinuxDriver::Model;

// The driver after its start, with a stream that has a page.
struct Attached {
  explicit Attached(const SmmuV2Config& config = SmmuV2Config::generic(),
                    const LinuxDriver::Options& options = {})
      : rig(config),
        driver(rig, options),
        address(options.model == Model::kAp806 ? kLowAddress : kAddress),
        table(rig.page_table({.t0sz = options.model == Model::kAp806 ? 32U : 16U,
                              .stage = options.stage == Stage::kStage1 ? 1U : 2U})) {
    EXPECT_TRUE(driver.probe());
    driver.reset();
    driver.test_masks();
    table.map(address, page, 4096);
    bank = driver.attach(kStream, table.root());
  }

  V2Rig rig;
  LinuxDriver driver;
  Iova address;
  PageTable table;
  Pa page = rig.allocate(4096);
  std::uint32_t bank = 0;
};

TEST(LinuxDriver, TranslatesWhatItMaps) {
  for (const auto& config :
       {SmmuV2Config::generic(), SmmuV2Config::pages_64k(), SmmuV2Config::mmu500_zynqmp(),
        SmmuV2Config::mmu500_stratix10(), SmmuV2Config::generic().without_secure_state()}) {
    for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
      Attached linux(config, {.stage = stage});
      expect_reaches(linux.rig, linux.rig.device(kStream), kAddress, linux.page);
      EXPECT_TRUE(linux.rig.quiet());
    }
  }
}

TEST(LinuxDriver, GivesAp806TheTablesOfAArch32) {
  Attached linux(SmmuV2Config::mmu500_zynqmp(), {.model = Model::kAp806});
  const DmaDevice device = linux.rig.device(kStream);
  expect_reaches(linux.rig, device, kLowAddress, linux.page);
  expect_stale_until(linux.rig, device, linux.table, kLowAddress, linux.page,
                     [&] { EXPECT_TRUE(linux.driver.invalidate_page(linux.bank, kLowAddress)); });
  const Iova missing(kLowAddress.value + 4096);
  EXPECT_THAT(device.translate(missing), Aborts());
  const auto fault = linux.driver.handle_context_fault(linux.bank);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status[SMMU_CBn_FSR::FORMAT], TranslationFormat::kAArch32Long);
  EXPECT_EQ(fault->address, missing);
}

TEST(LinuxDriver, SeesANewPageOnceItHasInvalidatedTheOld) {
  for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
    Attached linux(SmmuV2Config::mmu500_zynqmp(), {.stage = stage});
    expect_stale_until(linux.rig, linux.rig.device(kStream), linux.table, kAddress, linux.page,
                       [&] { EXPECT_TRUE(linux.driver.invalidate_page(linux.bank, kAddress)); });
  }
}

TEST(LinuxDriver, SeesNewTablesOnceItHasInvalidatedTheDomain) {
  for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
    Attached linux(SmmuV2Config::generic(), {.stage = stage});
    expect_stale_until(linux.rig, linux.rig.device(kStream), linux.table, kAddress, linux.page,
                       [&] { EXPECT_TRUE(linux.driver.invalidate_all(linux.bank)); });
  }
}

TEST(LinuxDriver, WaitsForABusyTlbAndNotForEver) {
  for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
    for (const std::uint32_t busy : {3U, LinuxDriver::kMostPolls - 1, LinuxDriver::kMostPolls}) {
      SmmuV2Config config = SmmuV2Config::generic();
      config.busy_reads = busy;
      Attached linux(config, {.stage = stage});
      const bool in_time = busy < LinuxDriver::kMostPolls;
      EXPECT_EQ(linux.driver.invalidate_page(linux.bank, kAddress), in_time) << busy;
      EXPECT_EQ(linux.driver.invalidate_all(linux.bank), in_time) << busy;
    }
  }
}

TEST(LinuxDriver, DecodesAContextFault) {
  for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
    Attached linux(SmmuV2Config::generic(), {.stage = stage});
    const DmaDevice device = linux.rig.device(kStream);
    EXPECT_FALSE(linux.driver.handle_context_fault(linux.bank));
    EXPECT_THAT(device.translate(kMissing, Direction::kWrite), Aborts());
    EXPECT_TRUE(linux.rig.context_fault(linux.bank).up());
    EXPECT_THAT(device.translate(kAddress), Aborts()) << "HUPCF is 0 and a fault outstanding";

    const auto fault = linux.driver.handle_context_fault(linux.bank);
    ASSERT_TRUE(fault);
    EXPECT_TRUE(fault->status[SMMU_CBn_FSR::TF]);
    EXPECT_FALSE(fault->status[SMMU_CBn_FSR::SS]);
    EXPECT_EQ(fault->status[SMMU_CBn_FSR::FORMAT], TranslationFormat::kAArch64);
    EXPECT_TRUE(fault->syndrome[SMMU_CBn_FSYNR0::WNR]);
    EXPECT_FALSE(fault->syndrome[SMMU_CBn_FSYNR0::PNU]);
    EXPECT_FALSE(fault->syndrome[SMMU_CBn_FSYNR0::PTWF]);
    EXPECT_EQ(fault->syndrome[SMMU_CBn_FSYNR0::PLVL], 3U);
    EXPECT_EQ(fault->address, kMissing);
    EXPECT_EQ(fault->stream, kStream);
    EXPECT_FALSE(linux.rig.context_fault(linux.bank).up());
    EXPECT_THAT(device.translate(kAddress), TranslatesTo(linux.page));
  }
}

TEST(LinuxDriver, BlocksStreamsItDoesNotKnow) {
  Attached linux;
  const StreamId other(kStream.value + 1);
  EXPECT_THAT(linux.rig.device(other).translate(kAddress), Aborts());
  EXPECT_TRUE(linux.rig.global_fault.up());
  EXPECT_FALSE(linux.rig.configuration_fault.up());
  const auto fault = linux.driver.handle_global_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->first, SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_EQ(fault->second, other);
  EXPECT_TRUE(linux.rig.quiet());
  EXPECT_FALSE(linux.driver.handle_global_fault());
}

TEST(LinuxDriver, LeadsAStreamByItsNumberWhereStreamsIndex) {
  SmmuV2Config config = SmmuV2Config::generic();
  kNoMatching.change(config);
  V2Rig rig(config);
  LinuxDriver driver(rig);
  ASSERT_TRUE(driver.probe());
  driver.reset();
  PageTable table = rig.page_table({});
  const Pa page = rig.allocate(4096);
  table.map(kAddress, page, 4096);
  driver.attach(StreamId(0x7f), table.root());
  expect_reaches(rig, rig.device(StreamId(0x7f)), kAddress, page);
  EXPECT_THAT(rig.device(StreamId(0x7e)).translate(kAddress), Aborts());
  const auto fault = driver.handle_global_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->first, SMMU_sGFSR().set(SMMU_sGFSR::ICF, true)) << "SMMU_S2CRn.TYPE is 2";
  EXPECT_EQ(fault->second, StreamId(0x7e));
}

TEST(LinuxDriver, AsksTheSmmuWhereTablesLead) {
  for (const std::uint32_t busy : {0U, 3U}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.busy_reads = busy;
    Attached linux(config);
    EXPECT_EQ(linux.driver.address_translation(linux.bank, Iova(kAddress.value + 0x123)),
              Pa(linux.page.value + 0x123));
    EXPECT_EQ(linux.driver.address_translation(linux.bank, kMissing), std::nullopt);
    EXPECT_TRUE(linux.rig.quiet()) << "an operation faults in its result alone";
  }
  SmmuV2Config slow = SmmuV2Config::generic();
  slow.busy_reads = LinuxDriver::kMostTranslationPolls;
  Attached linux(slow);
  EXPECT_EQ(linux.driver.address_translation(linux.bank, kAddress), std::nullopt);
}

TEST(LinuxDriver, FindsTheStreamIdsOutBehindTheIdentification) {
  Attached wide(SmmuV2Config::generic());
  const bool extended = wide.rig.registers().global0().read<SMMU_IDR0>()[SMMU_IDR0::EXIDS];
  EXPECT_EQ(wide.driver.stream_mask(), extended ? 0xffffU : 0x7fffU);
  EXPECT_EQ(wide.driver.mask_mask(), wide.driver.stream_mask());

  Attached narrow(SmmuV2Config::mmu500_zynqmp());
  EXPECT_EQ(narrow.driver.stream_mask(), 0x7fffU);
  EXPECT_EQ(narrow.driver.mask_mask(), 0x7fffU);

  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  config.idr0.set(SMMU_IDR0::NUMSIDB, 13);
  Attached narrower(config);
  EXPECT_EQ(narrower.driver.stream_mask(), 0x1fffU);
  EXPECT_EQ(narrower.driver.mask_mask(), 0x1fffU);
}

TEST(LinuxDriver, IsNotTrappedByFirmwareThatForbidsBypass) {
  V2Rig rig(SmmuV2Config::mmu500_stratix10());
  LinuxDriver driver(rig);
  ASSERT_TRUE(driver.probe());
  EXPECT_TRUE(driver.bypass_sticks());
}

TEST(LinuxDriver, TurnsThePrefetchingOfAnMmu500Off) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  // Secure firmware has to unlock it too.
  const RegisterPage secure = rig.secure_registers().global0();
  using Acr = SMMU_sACR_MMU500;
  secure.write(secure.read<Acr>().set(Acr::CACHE_LOCK, false));
  LinuxDriver driver(rig, {.model = Model::kMmu500});
  ASSERT_TRUE(driver.probe());
  EXPECT_TRUE(driver.prefetches(0));
  driver.reset();
  for (std::uint32_t n = 0; n != 16; ++n) EXPECT_FALSE(driver.prefetches(n));
}

TEST(LinuxDriver, SetsEverythingUpAgainWhenPowerIsBack) {
  Attached linux(SmmuV2Config::mmu500_zynqmp());
  const DmaDevice device = linux.rig.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(linux.page));
  linux.rig.smmu().reset(emulator::Reset::kPowerOn);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  linux.driver.reset();
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(linux.page));
}

// It writes SMMU_SMRn before EXIDENABLE says that IDs have 16 bits.
TEST(LinuxDriver, SetsStreamsOf16BitsUpAgainWhenPowerIsBack) {
  constexpr StreamId kWide(0x8000 | kStream.value);
  Attached linux(SmmuV2Config::generic());
  PageTable table = linux.rig.page_table({});
  const Pa page = linux.rig.allocate(4096);
  table.map(kAddress, page, 4096);
  linux.driver.attach(kWide, table.root());
  for (int i = 0; i != 2; ++i) {
    EXPECT_THAT(linux.rig.device(kWide).translate(kAddress), TranslatesTo(page));
    EXPECT_THAT(linux.rig.device(kStream).translate(kAddress), TranslatesTo(linux.page));
    linux.rig.smmu().reset(emulator::Reset::kPowerOn);
    linux.driver.reset();
  }
}

TEST(LinuxDriver, LetsEverythingPassWhenItIsShutDown) {
  Attached linux;
  linux.driver.shut_down();
  EXPECT_THAT(linux.rig.device(kStream).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

TEST(LinuxDriver, RefusesAnSmmuItCannotUse) {
  expect_refused<LinuxDriver>(SmmuV2Config::mmu500_zynqmp(), {kNoGroup});
}

// It would refuse more banks of stage 2 than banks, of which an SMMU never tells: of those that
// Secure software keeps it does not speak.
TEST(LinuxDriver, TakesAnSmmuWhoseOtherBanksAreSecureSoftwares) {
  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  config.idr1.set(SMMU_IDR1::NUMS2CB, 8);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 7);
  V2Rig rig(config);
  EXPECT_TRUE(LinuxDriver(rig, {.stage = LinuxDriver::Stage::kStage2}).probe());
}

TEST(LinuxDriver, WantsAnInterruptForEachBank) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  EXPECT_TRUE(LinuxDriver(rig, {.context_interrupts = 17}).probe());
  EXPECT_FALSE(LinuxDriver(rig, {.context_interrupts = 15}).probe());
}

}  // namespace
}  // namespace smmu::testing::driver_linux_test
