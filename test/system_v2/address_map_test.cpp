// Where registers are: which page, of which size, in which half; and what lies between them.
#include "test/system_v2/bank.h"

namespace smmu::testing::address_map_test {
namespace {

using emulator::SmmuV2Config;
using namespace v2;

// Of an SMMU with these two fields, two global pages and as many banks as fit, at most 128.
SmmuV2Config with_pages(bool large, unsigned numpagendxb) {
  SmmuV2Config config = SmmuV2Config::generic();
  const unsigned banks = std::min(128U, 2U << numpagendxb);
  config.idr1.set(SMMU_IDR1::PAGESIZE, large)
      .set(SMMU_IDR1::NUMPAGENDXB, numpagendxb)
      .set(SMMU_IDR1::NUMCB, banks);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, banks);
  return config;
}

TEST(AddressMap, BanksFollowTheGlobalPages) {
  for (const bool large : {false, true}) {
    for (unsigned numpagendxb = 1; numpagendxb != 8; ++numpagendxb) {
      SCOPED_TRACE(::testing::Message() << "PAGESIZE " << large << ", NUMPAGENDXB " << numpagendxb);
      V2Rig rig(with_pages(large, numpagendxb));
      const std::uint32_t page = large ? 0x10000 : 0x1000;
      const std::uint32_t banks_begin = page << (numpagendxb + 1);
      const std::uint32_t banks = rig.smmu().read<SMMU_IDR1>()[SMMU_IDR1::NUMCB];
      for (std::uint32_t n = 0; n != banks; ++n) {
        rig.smmu().write32(banks_begin + n * page + SMMU_CBn_FAR::kOffset, n + 1);
      }
      for (std::uint32_t n = 0; n != banks; ++n) {
        EXPECT_EQ(rig.smmu().read32(banks_begin + n * page + SMMU_CBn_FAR::kOffset), n + 1);
      }
    }
  }
}

// The facts of two systems: bank 7 of Zynq UltraScale+ is at 0x17000, bank 0 of Stratix 10 at
// 0x20000.
TEST(AddressMap, PutsTheBanksOfKnownSystemsWhereTheyAre) {
  V2Rig zynq(SmmuV2Config::mmu500_zynqmp());
  EXPECT_EQ(zynq.smmu().read32(0x17000), 0x100U);
  V2Rig stratix(SmmuV2Config::mmu500_stratix10());
  EXPECT_EQ(stratix.smmu().read32(0x20000), 0x100U);
  EXPECT_EQ(stratix.smmu().read32(0x10000), 0U);
}

TEST(AddressMap, KeepsTheOffsetsOfSmallPagesInLargeOnes) {
  V2Rig rig(SmmuV2Config::pages_64k());
  rig.smmu().write32(0x10000 + SMMU_CBARn::offset(3), 0x0001'0042);
  EXPECT_EQ(rig.registers().global1().read<SMMU_CBARn>(3).raw(), 0x0001'0042U);
  // Beyond the first 4 KiB of a page there is nothing, of banks neither.
  for (const std::uint32_t beyond : {0x1000U, 0x1800U, 0x1'1000U, 0x81'1000U}) {
    rig.smmu().write32(beyond, 0xffff'ffff);
    EXPECT_EQ(rig.smmu().read32(beyond), 0U) << std::hex << beyond;
  }
  EXPECT_EQ(rig.smmu().read32(0x1'0000 + SMMU_CBARn::offset(3)), 0x0001'0042U);
}

TEST(AddressMap, HasNothingBehindTheLastBank) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  constexpr std::uint32_t kBehind = 0x10000 + 16 * 0x1000;
  for (const std::uint32_t offset : {0U, 0x20U, 0x60U, 0xff8U}) {
    rig.smmu().write32(kBehind + offset, 0xffff'ffff);
    EXPECT_EQ(rig.smmu().read32(kBehind + offset), 0U);
  }
  rig.smmu().write64(0xffff'fff8, ~std::uint64_t{0});
  EXPECT_EQ(rig.smmu().read64(0xffff'fff8), 0U);
  EXPECT_EQ(rig.smmu().read32(0xffff'fffc), 0U);
}

// A bank that is not there has no page, though there is room for it.
TEST(AddressMap, HasAPageForEachBankOfNumcb) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::NUMCB, 5);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 5);
  V2Rig rig(config);
  const RegisterPages pages = rig.registers();
  for (std::uint32_t n = 0; n != 8; ++n) {
    pages.bank(n).write(SMMU_CBn_FAR(0x1234));
    pages.global1().write(n, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, 9));
    EXPECT_EQ(pages.bank(n).read<SMMU_CBn_FAR>().raw(), n < 5 ? 0x1234U : 0U) << n;
    EXPECT_EQ(pages.global1().read<SMMU_CBARn>(n).raw(), n < 5 ? 9U : 0U) << n;
  }
}

TEST(AddressMap, HasAsManyGroupsAsNumsmrg) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  const RegisterPage gr0 = rig.registers().global0();
  for (std::uint32_t n = 0; n != 128; ++n) {
    gr0.write(n, SMMU_SMRn().set(SMMU_SMRn::ID, n));
    gr0.write(n, SMMU_S2CRn_Translation().set(SMMU_S2CRn_Translation::CBNDX, n));
  }
  for (std::uint32_t n = 0; n != 128; ++n) {
    const std::uint32_t kept = n < 48 ? n : 0;
    EXPECT_EQ(gr0.read<SMMU_SMRn>(n).raw(), kept) << n;
    EXPECT_EQ(gr0.read<SMMU_S2CRn>(n).raw(), kept) << n;
  }
}

TEST(AddressMap, HasPerformanceMonitorsOnPage3) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k()}) {
    V2Rig rig(config);
    const std::uint32_t page = config.idr1[SMMU_IDR1::PAGESIZE] ? 0x10000 : 0x1000;
    EXPECT_EQ(rig.smmu().read32(3 * page + SMMU_PMCFGR::kOffset), config.pmcfgr.raw());
  }
}

TEST(AddressMap, HasTheSecurityStateTableOnPage4ForSecureSoftware) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::SSDTP, SecurityTable::k16Bits);
  for (const bool large : {false, true}) {
    config.idr1.set(SMMU_IDR1::PAGESIZE, large);
    V2Rig rig(config);
    const std::uint32_t table = 4 * (large ? 0x10000 : 0x1000);
    // One bit of each of 2^16 devices, and nothing behind.
    for (const std::uint32_t word : {0U, 1U, 0x3ffU, 0x400U, 0x7ffU}) {
      rig.smmu().secure().write32(table + 4 * word, 0xa5a5'0000 + word);
      EXPECT_EQ(rig.smmu().secure().read32(table + 4 * word), 0xa5a5'0000U + word);
      EXPECT_EQ(rig.smmu().read32(table + 4 * word), 0U);
    }
    rig.smmu().secure().write32(table + 4 * 0x800, 1);
    EXPECT_EQ(rig.smmu().secure().read32(table + 4 * 0x800), 0U);
  }
}

TEST(AddressMap, OfMmu500HasItsOwnPage2) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  for (std::uint32_t n = 0; n != 4; ++n) rig.smmu().write32(0x2100 + 4 * n, 0x7654 + n);
  for (std::uint32_t n = 0; n != 4; ++n) EXPECT_EQ(rig.smmu().read32(0x2100 + 4 * n), 0x7654 + n);
  EXPECT_EQ(rig.smmu().read32(0x2204), 0x3fU) << "six TBUs, and all of them are on";
  V2Rig other;
  other.smmu().write32(0x2100, 1);
  EXPECT_EQ(other.smmu().read32(0x2100), 0U);
}

}  // namespace
}  // namespace smmu::testing::address_map_test
