// The kernel of Fuchsia on an SMMUv2.
#include "test/system_v2/zircon_driver.h"

namespace smmu::testing::driver_zircon_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x307);
constexpr Iova kAddress(0x7fff'1234'5000);
constexpr Iova kMissing(kAddress.value + 4096);
// Where it begins to give addresses to devices.
constexpr Iova kFirstAddress(0x20'0000);

// SMMU_CBn_TCR2, which Zircon leaves as it is: ASIDs of 16 bits, and all addresses.
void boot_loader(V2Rig& rig) {
  for (std::uint32_t n = 0; n != rig.context_fault_lines(); ++n) {
    rig.registers().bank(n).write(SMMU_CBn_TCR2()
                                      .set(SMMU_CBn_TCR2::AS, true)
                                      .set(SMMU_CBn_TCR2::SEP, SignBit::kUpstream)
                                      .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits));
  }
}

// The kernel after its start, with a stream that has a page.
struct Started {
  explicit Started(const SmmuV2Config& config = SmmuV2Config::generic()) : rig(config) {
    boot_loader(rig);
    EXPECT_TRUE(zircon.probe());
    zircon.start();
    table.map(kAddress, page, 4096);
    bank = zircon.create(kStream, table.root());
  }

  V2Rig rig;
  Zircon zircon{rig};
  PageTable table = rig.page_table({});
  Pa page = rig.allocate(4096);
  std::uint32_t bank = 0;
};

TEST(ZirconDriver, TranslatesWhatItMaps) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    Started zircon(config);
    expect_reaches(zircon.rig, zircon.rig.device(kStream), kAddress, zircon.page);
    EXPECT_TRUE(zircon.rig.quiet());
  }
}

TEST(ZirconDriver, TranslatesLowAddressesWithTcr2OutOfReset) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  Zircon zircon(rig);
  ASSERT_TRUE(zircon.probe());
  zircon.start();
  PageTable table = rig.page_table({});
  const Pa page = rig.allocate(4096);
  table.map(kFirstAddress, page, 4096);
  zircon.create(kStream, table.root());
  expect_reaches(rig, rig.device(kStream), kFirstAddress, page);
}

TEST(ZirconDriver, SeesNewPagesOnceItHasInvalidatedThem) {
  for (const std::uint64_t pages : {1U, 256U, 257U}) {
    for (const std::uint32_t busy : {0U, 3U}) {
      SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
      config.busy_reads = busy;
      Started zircon(config);
      const Iova first(kAddress.value - 4096 * (pages - 1));
      expect_stale_until(zircon.rig, zircon.rig.device(kStream), zircon.table, kAddress,
                         zircon.page, [&] { zircon.zircon.invalidate(zircon.bank, first, pages); });
    }
  }
}

// Its ASIDs have 16 bits whatever TCR2.AS says, which nobody has set here.
TEST(ZirconDriver, SeesNewPagesThoughNobodyHasGivenIt16BitAsids) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  Zircon zircon{rig};
  ASSERT_TRUE(zircon.probe());
  zircon.start();
  constexpr Iova kLow{0x4567'8000};
  PageTable table = rig.page_table({});
  const Pa page = rig.allocate(4096);
  table.map(kLow, page, 4096);
  const std::uint32_t bank = zircon.create(kStream, table.root());
  expect_stale_until(rig, rig.device(kStream), table, kLow, page,
                     [&] { zircon.invalidate(bank, kLow, 1); });
  expect_stale_until(rig, rig.device(kStream), table, kLow,
                     std::get<emulator::Translation>(rig.device(kStream).translate(kLow)).pa,
                     [&] { zircon.invalidate(bank, kLow, 257); });
}

TEST(ZirconDriver, DropsWhatFaultsAndKeepsTheFirstFault) {
  Started zircon;
  const DmaDevice device = zircon.rig.device(kStream);
  EXPECT_THAT(device.translate(kMissing, Direction::kWrite), IsRazWi());
  EXPECT_TRUE(zircon.rig.context_fault(zircon.bank).up());
  EXPECT_THAT(device.translate(kAddress), IsRazWi()) << "HUPCF is 0 and a fault outstanding";

  const auto fault = zircon.zircon.handle_context_fault(zircon.bank);
  EXPECT_FALSE(zircon.rig.context_fault(zircon.bank).up());
  EXPECT_TRUE(fault.status[SMMU_CBn_FSR::TF]);
  EXPECT_FALSE(fault.status[SMMU_CBn_FSR::SS]);
  EXPECT_TRUE(fault.syndrome[SMMU_CBn_FSYNR0::WNR]);
  EXPECT_FALSE(fault.syndrome[SMMU_CBn_FSYNR0::PNU]);
  EXPECT_FALSE(fault.syndrome[SMMU_CBn_FSYNR0::IND]);
  EXPECT_FALSE(fault.syndrome[SMMU_CBn_FSYNR0::PTWF]);
  EXPECT_EQ(fault.syndrome[SMMU_CBn_FSYNR0::PLVL], 3U);
  EXPECT_EQ(fault.address, kMissing);
  EXPECT_EQ(fault.stream, kStream);

  // Faults go unreported until the owner has its device in hand.
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(zircon.page));
  EXPECT_THAT(device.translate(kMissing), IsRazWi());
  EXPECT_TRUE(zircon.rig.quiet());
  zircon.zircon.release_quarantine(zircon.bank);
  EXPECT_TRUE(zircon.rig.context_fault(zircon.bank).up());
}

TEST(ZirconDriver, FindsZerosWhereItHasClearedAFault) {
  Started zircon;
  EXPECT_THAT(zircon.rig.device(kStream).translate(kMissing, Direction::kWrite), IsRazWi());
  zircon.zircon.handle_context_fault(zircon.bank);
  const auto again = zircon.zircon.handle_context_fault(zircon.bank);
  EXPECT_EQ(again.status.raw() & all_faults().raw(), 0U);
  EXPECT_EQ(again.syndrome.raw(), 0U);
  EXPECT_EQ(again.address, Iova(0));
  EXPECT_EQ(again.stream, StreamId(0));
}

TEST(ZirconDriver, MakesEveryAccessUnprivileged) {
  Started zircon;
  zircon.table.map(kMissing, zircon.page, 4096, {.unprivileged = false});
  const DmaDevice device = zircon.rig.device(kStream).privileged();
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(zircon.page));
  EXPECT_THAT(device.translate(kMissing), IsRazWi());
  const auto fault = zircon.zircon.handle_context_fault(zircon.bank);
  EXPECT_TRUE(fault.status[SMMU_CBn_FSR::PF]);
  EXPECT_FALSE(fault.status[SMMU_CBn_FSR::TF]);
}

TEST(ZirconDriver, ReportsStreamsItDoesNotKnow) {
  Started zircon;
  const StreamId other(kStream.value ^ 1);
  EXPECT_THAT(zircon.rig.device(other).translate(kMissing, Direction::kWrite), Aborts());
  EXPECT_TRUE(zircon.rig.global_fault.up());
  const auto fault = zircon.zircon.handle_global_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status, SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_TRUE(fault->syndrome[SMMU_sGFSYNR0::WNR]);
  EXPECT_FALSE(fault->syndrome[SMMU_sGFSYNR0::PNU]);
  EXPECT_EQ(fault->address, kMissing.value);
  EXPECT_EQ(fault->stream, other);
  EXPECT_TRUE(zircon.rig.quiet());
}

TEST(ZirconDriver, LetsAStreamPassUntilItIsBlocked) {
  Started zircon;
  const StreamId other(0x308);
  const std::uint32_t bank = zircon.zircon.create(other, std::nullopt);
  const DmaDevice device = zircon.rig.device(other);
  const Iova same(zircon.page.value);
  expect_reaches(zircon.rig, device, same, zircon.page);
  EXPECT_TRUE(zircon.zircon.block(bank));
  EXPECT_THAT(device.translate(same), IsRazWi());
  const auto fault = zircon.zircon.handle_context_fault(bank);
  EXPECT_TRUE(fault.status[SMMU_CBn_FSR::TF]);
  EXPECT_EQ(fault.address, same);
}

TEST(ZirconDriver, RefusesAnSmmuItDoesNotKnow) {
  expect_refused<Zircon>(SmmuV2Config::generic(),
                         {kRevision1,
                          kNoMatching,
                          {"interrupts that banks share",
                           [](SmmuV2Config& config) {
                             config.idr0.set(SMMU_IDR0::NUMIRPT, 2);
                             config.scr1_reset.set(SMMU_SCR1::NSNUMIRPTO, 2);
                           }},
                          {"StreamIDs of 16 bits in use", [](SmmuV2Config& config) {
                             config.idr0.set(SMMU_IDR0::EXIDS, true);
                             config.cr0_reset =
                                 SMMU_sCR0(config.cr0_reset).set(SMMU_sCR0::EXIDENABLE, true).raw();
                           }}});
}

}  // namespace
}  // namespace smmu::testing::driver_zircon_test
