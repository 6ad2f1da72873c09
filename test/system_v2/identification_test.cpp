// What an SMMU says of itself, and of what Secure software has left to others.
#include "test/system_v2/bank.h"

namespace smmu::testing::identification_test {
namespace {

using emulator::RegisterPort;
using emulator::SmmuV2Config;
using namespace v2;

struct Words {
  const char* name;
  SmmuV2Config config;
  std::uint32_t idr[8];
  std::uint32_t id_block[12];
};

// As docs/smmu_v2.md and the manuals of the two systems print them.
std::vector<Words> presets() {
  constexpr std::uint32_t kMinor = 0x21;
  return {{"generic",
           SmmuV2Config::generic(),
           {0xf801'7f80, 0x6300'8f80, 0x5800'f555, 0, 0, 0, 0, 0x20},
           {0, 0, 0, 0, 0, 0, 0x10, 0, 0x0d, 0xf0, 0x05, 0xb1}},
          {"pages_64k",
           SmmuV2Config::pages_64k(),
           {0xf801'7f80, 0xe300'8f80, 0x5800'f555, 0, 0, 0, 0, 0x20},
           {0, 0, 0, 0, 0, 0, 0x10, 0, 0x0d, 0xf0, 0x05, 0xb1}},
          {"mmu500_zynqmp",
           SmmuV2Config::mmu500_zynqmp(),
           {0xfc01'3e30, 0x3000'0f10, 0x0000'5555, 0, 0, 0, 0, kMinor},
           {0x04, 0, 0, 0, 0x81, 0xb4, 0x1b, 0, 0x0d, 0xf0, 0x05, 0xb1}},
          {"mmu500_stratix10",
           SmmuV2Config::mmu500_stratix10(),
           {0xfc01'3e40, 0x4000'1f20, 0x0000'5555, 0, 0, 0, 0, kMinor},
           {0x04, 0, 0, 0, 0x81, 0xb4, 0x1b, 0, 0x0d, 0xf0, 0x05, 0xb1}}};
}

TEST(Identification, IsWhatTheManualsPrint) {
  for (const Words& preset : presets()) {
    SCOPED_TRACE(preset.name);
    V2Rig rig(preset.config);
    for (std::uint32_t n = 0; n != 8; ++n) {
      EXPECT_EQ(rig.smmu().secure().read32(0x020 + 4 * n), preset.idr[n]) << "SMMU_IDR" << n;
    }
    for (std::uint32_t n = 0; n != 12; ++n) {
      EXPECT_EQ(rig.smmu().secure().read32(0xfd0 + 4 * n), preset.id_block[n]) << n;
      EXPECT_EQ(rig.smmu().read32(0xfd0 + 4 * n), preset.id_block[n]) << n;
    }
  }
}

TEST(Identification, OfMmu500ResetsAsItsManualPrints) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  const RegisterPages secure = rig.secure_registers();
  EXPECT_EQ(secure.global0().read<SMMU_sCR0>().raw(), 0x0020'0001U);
  EXPECT_EQ(secure.global0().read<SMMU_SCR1>().raw(), 0x0201'3010U);
  EXPECT_EQ(secure.global0().read<SMMU_sACR>().raw(), 0x0400'0004U);
  EXPECT_EQ(secure.non_secure_aliases().read<SMMU_sCR0>().raw(), 0x0020'0001U);
  EXPECT_EQ(rig.registers().global0().read<SMMU_sACR>().raw(), 0x0400'001cU);
  EXPECT_EQ(rig.registers().global1().read<SMMU_CBARn>(15).raw(), 0x0002'0000U);
  EXPECT_EQ(rig.registers().bank(15).read<SMMU_CBn_SCTLR>().raw(), 0x0000'0100U);
  EXPECT_EQ(rig.registers().bank(15).read<SMMU_CBn_TCR2>().raw(), 0x0000'0060U);
  V2Rig stratix(SmmuV2Config::mmu500_stratix10());
  EXPECT_EQ(stratix.secure_registers().global0().read<SMMU_SCR1>().raw(), 0x0201'4020U);
}

TEST(Identification, IsUnchangedByAReset) {
  for (const Words& preset : presets()) {
    SCOPED_TRACE(preset.name);
    V2Rig rig(preset.config);
    std::vector<std::uint32_t> before;
    for (std::uint32_t offset = 0; offset != 0x2000; offset += 4) {
      before.push_back(rig.smmu().secure().read32(offset));
    }
    for (std::uint32_t offset = 0; offset != 0x2000; offset += 4) {
      rig.smmu().secure().write32(offset, 0x1234'5679 ^ offset);
    }
    rig.smmu().reset(emulator::Reset::kPowerOn);
    for (std::uint32_t offset = 0; offset != 0x2000; offset += 4) {
      EXPECT_EQ(rig.smmu().secure().read32(offset), before[offset / 4]) << std::hex << offset;
    }
  }
}

TEST(Identification, TellsNonSecureSoftwareOfItsShare) {
  V2Rig rig;
  const RegisterPage gr0 = rig.registers().global0();
  const RegisterPage secure = rig.secure_registers().global0();
  secure.write(SMMU_SCR1()
                   .set(SMMU_SCR1::NSNUMCBO, 10)
                   .set(SMMU_SCR1::NSNUMSMRGO, 20)
                   .set(SMMU_SCR1::NSNUMIRPTO, 1));
  EXPECT_EQ(gr0.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], 10U);
  EXPECT_EQ(gr0.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG], 20U);
  EXPECT_EQ(gr0.read<SMMU_IDR0>()[SMMU_IDR0::NUMIRPT], 1U);
  EXPECT_FALSE(gr0.read<SMMU_IDR0>()[SMMU_IDR0::SES]);
  EXPECT_EQ(secure.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], 128U);
  EXPECT_EQ(secure.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG], 128U);
  EXPECT_TRUE(secure.read<SMMU_IDR0>()[SMMU_IDR0::SES]);
  // The rest is the same.
  EXPECT_EQ(gr0.read<SMMU_IDR2>(), secure.read<SMMU_IDR2>());
}

// More than there is cannot be left to anybody.
TEST(Identification, TellsOfNoMoreThanThereIs) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  rig.secure_registers().global0().write(SMMU_SCR1()
                                             .set(SMMU_SCR1::NSNUMCBO, 255)
                                             .set(SMMU_SCR1::NSNUMSMRGO, 255)
                                             .set(SMMU_SCR1::NSNUMIRPTO, 255));
  const RegisterPage gr0 = rig.registers().global0();
  EXPECT_EQ(gr0.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], 16U);
  EXPECT_EQ(gr0.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG], 48U);
  EXPECT_EQ(gr0.read<SMMU_IDR0>()[SMMU_IDR0::NUMIRPT], 1U);
}

// Linux gives up where more banks are of stage 2 than there are.
TEST(Identification, CountsTheBanksOfStage2AmongTheShare) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::NUMS2CB, 6);
  V2Rig rig(config);
  const RegisterPage gr0 = rig.registers().global0();
  const RegisterPage secure = rig.secure_registers().global0();
  for (const std::uint32_t share : {0U, 4U, 6U, 20U}) {
    secure.write(SMMU_SCR1().set(SMMU_SCR1::NSNUMCBO, share));
    EXPECT_EQ(gr0.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], share);
    EXPECT_EQ(gr0.read<SMMU_IDR1>()[SMMU_IDR1::NUMS2CB], std::min(share, 6U));
    EXPECT_EQ(secure.read<SMMU_IDR1>()[SMMU_IDR1::NUMS2CB], 6U);
  }
}

// Registers hold after reset what software could have written, whatever is configured.
TEST(Identification, OfTheResetIsWhatRegistersCanHold) {
  const auto with_ones = [](SmmuV2Config config) {
    config.scr0_reset = config.cr0_reset = 0xffff'ffff;
    config.sacr_reset = config.acr_reset = 0xffff'ffff;
    config.cbar_reset = config.sctlr_reset = config.actlr_reset = 0xffff'ffff;
    return config;
  };
  const SmmuV2Config presets[] = {SmmuV2Config::generic(), SmmuV2Config::mmu500_zynqmp(),
                                  SmmuV2Config::generic().without_secure_state()};
  for (const SmmuV2Config& preset : presets) {
    V2Rig rig(with_ones(preset));
    // The fixed fields of an MMU-500 are not set.
    const auto cr0 = rig.registers().global0().read<SMMU_sCR0>();
    EXPECT_EQ(cr0[SMMU_sCR0::STALLD], !preset.mmu_500);
    EXPECT_EQ(cr0[SMMU_sCR0::EXIDENABLE], !preset.mmu_500);
    EXPECT_EQ(cr0[SMMU_sCR0::VMID16EN], !preset.mmu_500);
    EXPECT_EQ(cr0[SMMU_sCR0::NSCFG], NonSecureOverride::kIncoming);
    const auto expect_same = [](RegisterPort& port, std::uint32_t offset) {
      SCOPED_TRACE(offset);
      const std::uint32_t after_reset = port.read32(offset);
      port.write32(offset, 0xffff'ffff);
      EXPECT_EQ(port.read32(offset), after_reset);
    };
    const std::uint32_t bank = 0x2000U << preset.idr1[SMMU_IDR1::NUMPAGENDXB];
    EXPECT_EQ(rig.smmu().read32(bank + SMMU_CBn_ACTLR::kOffset),
              preset.mmu_500 ? 0x3U : 0xffff'ffffU);
    for (const std::uint32_t offset : {SMMU_sCR0::kOffset, SMMU_sACR::kOffset}) {
      expect_same(rig.smmu(), offset);
      expect_same(rig.smmu().secure(), offset);
    }
    expect_same(rig.smmu(), 0x1000 + SMMU_CBARn::offset(0));
    expect_same(rig.smmu(), bank + SMMU_CBn_SCTLR::kOffset);
  }
}

TEST(Identification, HidesWhatSecureSoftwareKeeps) {
  V2Rig rig;
  rig.secure_registers().global0().write(
      SMMU_SCR1().set(SMMU_SCR1::NSNUMCBO, 10).set(SMMU_SCR1::NSNUMSMRGO, 20));
  const RegisterPages secure = rig.secure_registers();
  const RegisterPages pages = rig.registers();
  for (const std::uint32_t n : {9U, 10U, 19U, 20U, 127U}) {
    secure.bank(n).write(SMMU_CBn_FAR(n + 1));
    secure.global1().write(n, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, n + 1));
    secure.global0().write(n, SMMU_SMRn().set(SMMU_SMRn::ID, n + 1));
    secure.global0().write(n, SMMU_S2CRn_Bypass().set(SMMU_S2CRn_Bypass::VMID, n + 1));
    EXPECT_EQ(pages.bank(n).read<SMMU_CBn_FAR>().raw(), n < 10 ? n + 1 : 0);
    EXPECT_EQ(pages.global1().read<SMMU_CBARn>(n).raw(), n < 10 ? n + 1 : 0);
    EXPECT_EQ(pages.global0().read<SMMU_SMRn>(n).raw(), n < 20 ? n + 1 : 0);
    EXPECT_EQ(pages.global0().read<SMMU_S2CRn>(n).raw(), n < 20 ? n + 1 : 0);
    // And what it writes does not arrive.
    pages.bank(n).write(SMMU_CBn_FAR(0x77));
    pages.global0().write(n, SMMU_SMRn().set(SMMU_SMRn::ID, 0x77));
    EXPECT_EQ(secure.bank(n).read<SMMU_CBn_FAR>().raw(), n < 10 ? 0x77 : n + 1);
    EXPECT_EQ(secure.global0().read<SMMU_SMRn>(n).raw(), n < 20 ? 0x77 : n + 1);
  }
  // SMMU_SCR1 is Secure software's alone.
  EXPECT_EQ(pages.global0().read<SMMU_SCR1>().raw(), 0U);
  pages.global0().write(SMMU_SCR1(0xffff'ffff));
  EXPECT_EQ(pages.global0().read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], 10U);
}

TEST(Identification, WithoutASecureStateIsTheSameForEverybody) {
  for (const Words& preset : presets()) {
    SCOPED_TRACE(preset.name);
    V2Rig rig(preset.config.without_secure_state());
    EXPECT_EQ(rig.smmu().read32(0x020), preset.idr[0] & 0x7fff'ffff);
    EXPECT_EQ(rig.smmu().secure().read32(0x020), preset.idr[0] & 0x7fff'ffff);
    EXPECT_EQ(rig.smmu().read32(0x024) & 0xff, preset.idr[1] & 0xff);
    rig.registers().global0().write(SMMU_sGFAR(0x1234));
    EXPECT_EQ(rig.secure_registers().global0().read<SMMU_sGFAR>().raw(), 0x1234U);
    rig.secure_registers().global0().write(SMMU_SCR1(0xffff'ffff));
    EXPECT_EQ(rig.secure_registers().global0().read<SMMU_SCR1>().raw(), 0U);
  }
}

TEST(Identification, WithoutASecureStateAliasesAreAbsentOrTheSame) {
  SmmuV2Config config = SmmuV2Config::generic().without_secure_state();
  {
    V2Rig rig(config);
    rig.registers().global0().write(SMMU_sGFAR(0x1234));
    EXPECT_EQ(rig.registers().non_secure_aliases().read<SMMU_sGFAR>().raw(), 0U);
  }
  config.aliases_without_security = SmmuV2Config::NonSecureAliases::kSame;
  V2Rig rig(config);
  rig.registers().global0().write(SMMU_sGFAR(0x1234));
  EXPECT_EQ(rig.registers().non_secure_aliases().read<SMMU_sGFAR>().raw(), 0x1234U);
  rig.registers().non_secure_aliases().write(SMMU_sCR0().set(SMMU_sCR0::USFCFG, true));
  EXPECT_EQ(rig.registers().global0().read<SMMU_sCR0>().raw(), 0x400U);
}

// An access beyond one's own is a configuration access fault where the SMMU finds it.
TEST(Identification, MayTellOfAccessesThatGoNowhere) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.illegal_access = SmmuV2Config::IllegalAccess::kFaults;
  V2Rig rig(config);
  const RegisterPage gr0 = rig.registers().global0();
  std::uint64_t value = 1;
  EXPECT_EQ(rig.smmu().read(0x02c0, 4, value), BusResponse::kOkay);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::CAF, true));
  EXPECT_EQ(gr0.read<SMMU_sGFAR>().raw(), 0x2c0U);
  EXPECT_FALSE(gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::WNR]);
  EXPECT_FALSE(rig.configuration_fault.up());
  gr0.write(SMMU_sCR0().set(SMMU_sCR0::GCFGFRE, true).set(SMMU_sCR0::GCFGFIE, true));
  EXPECT_TRUE(rig.configuration_fault.up());
  EXPECT_FALSE(rig.global_fault.up());
  EXPECT_EQ(rig.smmu().write(0xf'0000 * 4, 4, 1), BusResponse::kAbort);
  EXPECT_EQ(gr0.read<SMMU_sGFSR>(),
            SMMU_sGFSR().set(SMMU_sGFSR::CAF, true).set(SMMU_sGFSR::MULTI, true));
  gr0.write(SMMU_sGFSR(0xffff'ffff));
  EXPECT_FALSE(rig.configuration_fault.up());
  EXPECT_EQ(rig.smmu().write(0x004, 4, 1), BusResponse::kAbort) << "SMMU_SCR1";
  EXPECT_TRUE(gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::WNR]);
}

// NSCAFRO: those of Non-secure software are Secure software's to hear of.
TEST(Identification, MayTellSecureSoftwareOfThem) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.illegal_access = SmmuV2Config::IllegalAccess::kFaults;
  config.scr1_reset.set(SMMU_SCR1::NSCAFRO, true);
  V2Rig rig(config);
  EXPECT_EQ(rig.smmu().read32(0x2c0), 0U);
  EXPECT_EQ(rig.registers().global0().read<SMMU_sGFSR>().raw(), 0U);
  EXPECT_EQ(rig.secure_registers().global0().read<SMMU_sGFSR>(),
            SMMU_sGFSR().set(SMMU_sGFSR::CAF, true));
}

}  // namespace
}  // namespace smmu::testing::identification_test
