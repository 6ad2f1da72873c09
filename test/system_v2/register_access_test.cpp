// How registers are read and written: which bits they keep, by words and by doublewords, and what
// an access gets that they are not made for.
#include "test/system_v2/bank.h"

namespace smmu::testing::register_access_test {
namespace {

using emulator::RegisterPort;
using emulator::SmmuV2Config;
using namespace v2;

constexpr std::uint64_t kPatterns[] = {~std::uint64_t{0}, 0, 0x5555'5555'5555'5555,
                                       0xaaaa'aaaa'aaaa'aaaa, 0x0123'4567'89ab'cdef};

struct Word {
  std::uint32_t offset;
  std::uint32_t kept;      // the bits that may be written
  std::uint32_t ones = 0;  // the bits that are always 1
};

void expect_kept(RegisterPort& port, std::uint32_t page, const Word& word) {
  for (const std::uint64_t pattern : kPatterns) {
    const auto value = static_cast<std::uint32_t>(pattern);
    port.write32(page + word.offset, value);
    EXPECT_EQ(port.read32(page + word.offset), (value & word.kept) | word.ones)
        << "offset 0x" << std::hex << word.offset << " of 0x" << page << ", written 0x" << value;
  }
}

constexpr std::uint32_t kPage = 0x1000;
constexpr std::uint32_t kBanks = 128 * kPage;  // of generic()
constexpr std::uint32_t kAll = 0xffff'ffff;

TEST(RegisterAccess, BanksOfStage1KeepTheirFields) {
  V2Rig rig;
  rig.registers().global1().write(3, Bank::stage1_alone());
  constexpr Word kWords[] = {
      {0x000, 0x7fff'f7ff},                                               // SCTLR
      {0x004, kAll},                                                      // ACTLR
      {0x010, 0x4003'cf77},                                               // TCR2
      {0x020, kAll},        {0x024, kAll}, {0x028, kAll}, {0x02c, kAll},  // TTBR0, TTBR1
      {0x030, kAll},        {0x034, kAll}, {0x038, kAll}, {0x03c, kAll},  // TCR, CONTEXTIDR, MAIR
      {0x050, kAll},        {0x054, kAll},                                // PAR
      {0x060, kAll},        {0x064, kAll},                                // FAR
      {0x068, 0x00ff'0fff}, {0x06c, kAll},                                // FSYNR0, FSYNR1
      {0x070, kAll},        {0x074, kAll},                                // IPAFAR
  };
  for (const Word& word : kWords) expect_kept(rig.smmu(), kBanks + 3 * kPage, word);
}

// The same, for what a field is may change after it has been written.
TEST(RegisterAccess, BanksOfStage2KeepTheFieldsOfBothStages) {
  V2Rig rig;
  rig.registers().global1().write(3, Bank::stage2_alone());
  constexpr Word kWords[] = {
      {0x000, 0x7fff'f7ff},                                // SCTLR
      {0x020, kAll},        {0x024, kAll}, {0x030, kAll},  // TTBR0, TCR
      {0x060, kAll},        {0x064, kAll}, {0x068, 0x00ff'0fff}, {0x070, kAll}, {0x074, kAll},
  };
  for (const Word& word : kWords) expect_kept(rig.smmu(), kBanks + 3 * kPage, word);
}

TEST(RegisterAccess, GlobalSpacesKeepTheirFields) {
  V2Rig rig;
  constexpr Word kNonSecure[] = {
      {0x000, 0xcfff'ffff},                          // CR0, without NSCFG
      {0x008, 0x0000'ffff},                          // CR2: BPVMID of 16 bits
      {0x010, kAll},                                 // ACR
      {0x040, kAll},         {0x044, 0x0001'ffff},   // GFAR: 49 bits
      {0x050, 0x0000'004f},                          // GFSYNR0, without NSSTATE and NSATTR
      {0x054, 0x0000'ffff},                          // GFSYNR1, without SSD_Index
      {0x058, kAll},                                 // GFSYNR2
      {0x180, kAll},         {0x184, kAll},          // GPAR
      {0xc00, 0x3fff'ffff},  {0xdfc, 0x3fff'ffff},   // S2CRn
      {0x1000, 0x00ff'ffff}, {0x11fc, 0x00ff'ffff},  // CBARn, without IRPTNDX
      {0x1400, 0x0000'ffff},                         // CBFRSYNRAn, without SSD_Index
      {0x1800, 0xffff'0001}, {0x19fc, 0xffff'0001},  // CBA2Rn, without MONC
  };
  for (const Word& word : kNonSecure) expect_kept(rig.smmu(), 0, word);
  constexpr Word kSecure[] = {
      {0x000, 0x3fff'f7ff},  // CR0, without VMIDPNE, HYPMODE and VMID16EN
      {0x008, 0x0000'ffff}, {0x010, kAll},        {0x040, kAll},
      {0x044, 0x0001'ffff}, {0x050, 0x0000'007e}, {0x054, kAll},  // GFSYNR0 without NESTED
      {0x400, 0xcfff'ffff}, {0x408, 0x0000'ffff}, {0x410, kAll},  // those of Non-secure software
      {0x440, kAll},        {0x444, 0x0001'ffff}, {0x450, 0x0000'004f},
      {0x454, 0x0000'ffff}, {0x458, kAll},        {0x1400, kAll},  // CBFRSYNRAn with SSD_Index
  };
  for (const Word& word : kSecure) expect_kept(rig.smmu().secure(), 0, word);
}

// GFSYNR1 of Non-secure software has no SSD_Index, which its manual says is of Secure accesses.
TEST(RegisterAccess, NonSecureSyndromesHaveTheStreamAlone) {
  V2Rig rig;
  expect_kept(rig.smmu(), 0, {0x054, 0x0000'ffff});
  expect_kept(rig.smmu().secure(), 0, {0x454, 0x0000'ffff});
}

TEST(RegisterAccess, GroupsKeepTheBitsThatStreamsHave) {
  for (const unsigned bits : {1U, 7U, 10U, 15U}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr0.set(SMMU_IDR0::NUMSIDB, bits);
    V2Rig rig(config);
    const std::uint32_t ids = (1U << bits) - 1;
    // Without EXIDENABLE also with VALID 0.
    expect_kept(rig.smmu(), 0, {0x800, 0x8000'0000 | ids << 16 | ids});
    rig.registers().global0().write(SMMU_sCR0().set(SMMU_sCR0::EXIDENABLE, true));
    expect_kept(rig.smmu(), 0, {0x9fc, kAll});
  }
}

// As Linux writes them when power is back: EXIDENABLE comes last.
TEST(RegisterAccess, GroupsKeepTheBitsThatStreamsWillHave) {
  V2Rig rig;
  const RegisterPage gr0 = rig.registers().global0();
  constexpr std::uint32_t kGroup = 7;
  gr0.write(kGroup, SMMU_SMRn(0x8000'ffff));
  EXPECT_EQ(gr0.read<SMMU_SMRn>(kGroup).raw(), 0x8000'7fffU);
  gr0.write(SMMU_sCR0().set(SMMU_sCR0::EXIDENABLE, true));
  EXPECT_EQ(gr0.read<SMMU_SMRn>(kGroup).raw(), 0x8000'ffffU);
  gr0.write(SMMU_sCR0());
  EXPECT_EQ(gr0.read<SMMU_SMRn>(kGroup).raw(), 0x8000'7fffU);
}

// What is fixed, and what is not there, is so after a reset, whatever that is said to be.
TEST(RegisterAccess, ControlComesOutOfResetAsItCanBeWritten) {
  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  config.cr0_reset = config.scr0_reset = 0xffdf'fffe;
  V2Rig rig(config);
  for (const RegisterPages& pages : {rig.registers(), rig.secure_registers()}) {
    const auto after_reset = pages.global0().read<SMMU_sCR0>();
    EXPECT_TRUE(after_reset[SMMU_sCR0::CLIENTPD]);
    EXPECT_TRUE(after_reset[SMMU_sCR0::SMCFCFG]);
    EXPECT_FALSE(after_reset[SMMU_sCR0::EXIDENABLE]);
    pages.global0().write(after_reset);
    EXPECT_EQ(pages.global0().read<SMMU_sCR0>(), after_reset);
  }
}

// Fields that an MMU-500 fixes, and the features that it has not.
TEST(RegisterAccess, OfMmu500LeavesFixedFieldsAlone) {
  for (const auto& config : {SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    V2Rig rig(config);
    constexpr std::uint32_t kSmcfcfg = 1U << 21;
    // Neither STALLD, GSE, GCFGFRE, GCFGFIE, EXIDENABLE, HYPMODE nor VMID16EN.
    constexpr std::uint32_t kCr0 = 0x0fdf'fcc7;
    expect_kept(rig.smmu(), 0, {0x000, kCr0, kSmcfcfg});
    expect_kept(rig.smmu().secure(), 0, {0x000, (kCr0 | 0x3000'0000) & ~0x800U, kSmcfcfg});
    expect_kept(rig.smmu(), 0, {0x008, 0x0000'00ff});       // BPVMID
    expect_kept(rig.smmu(), 0, {0xc00, 0x3fff'fbff});       // S2CRn without EXIDVALID
    expect_kept(rig.smmu(), 0x1000, {0x800, 0x0000'0001});  // CBA2Rn without VMID16
    const std::uint32_t bank = config.idr1[SMMU_IDR1::NUMPAGENDXB] == 3 ? 0x10000 : 0x20000;
    // Neither ATS of GFSYNR0, nor ATOF of FSYNR0, nor SSD_Index of CBFRSYNRAn.
    expect_kept(rig.smmu(), 0, {0x050, 0x0000'000f});
    expect_kept(rig.smmu().secure(), 0, {0x050, 0x0000'003e});
    expect_kept(rig.smmu(), bank, {0x068, 0x00ff'0dff});
    expect_kept(rig.smmu().secure(), 0x1000, {0x400, 0x0000'ffff});
    rig.registers().global1().write(0, Bank::stage1_alone());
    expect_kept(rig.smmu(), bank, {0x000, 0x7fff'e7ff});               // SCTLR without ASIDPNE
    expect_kept(rig.smmu(), bank, {0x010, 0x4003'cf17, 0x0000'0060});  // TCR2 with TBI
  }
}

TEST(RegisterAccess, OfMmu500LocksTheAuxiliaryControl) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  constexpr std::uint32_t kBank = 0x10000 + 0x4000;
  EXPECT_EQ(rig.smmu().read32(kBank + 4), 0x3U);
  rig.smmu().write32(kBank + 4, 0);
  EXPECT_EQ(rig.smmu().read32(kBank + 4), 0x3U) << "CACHE_LOCK is 1";
  rig.smmu().write32(0x010, 0x0000'0504);
  rig.smmu().write32(kBank + 4, 0xffff'fffd);
  EXPECT_EQ(rig.smmu().read32(kBank + 4), 0x1U);
  expect_kept(rig.smmu(), 0, {0x010, 0x0700'071c});
  expect_kept(rig.smmu().secure(), 0, {0x010, 0x0400'0704});
}

TEST(RegisterAccess, StatusBitsAreClearedByOnesAndRestored) {
  V2Rig rig;
  const RegisterPage gr0 = rig.registers().global0();
  gr0.write(SMMU_sGFSRRESTORE(kAll));
  EXPECT_EQ(gr0.read<SMMU_sGFSR>().raw(), 0x8000'017fU) << "PF is of the Secure copy";
  gr0.write(SMMU_sGFSR(0x0000'0015));
  EXPECT_EQ(gr0.read<SMMU_sGFSR>().raw(), 0x8000'016aU);
  gr0.write(SMMU_sGFSR(kAll));
  EXPECT_EQ(gr0.read<SMMU_sGFSR>().raw(), 0U);
  rig.secure_registers().global0().write(SMMU_sGFSRRESTORE(kAll));
  EXPECT_EQ(rig.secure_registers().global0().read<SMMU_sGFSR>().raw(), 0x8000'01ffU);
  EXPECT_EQ(gr0.read<SMMU_sGFSR>().raw(), 0U);

  const Bank bank(rig, 6);
  bank.write(SMMU_CBn_FSRRESTORE(kAll));
  EXPECT_EQ(bank.read<SMMU_CBn_FSR>().raw() & ~0x600U, 0x8000'01feU) << "SS is not restored";
  bank.write(SMMU_CBn_FSR(0x0000'00fe));
  EXPECT_EQ(bank.read<SMMU_CBn_FSR>().raw() & ~0x600U, 0x8000'0100U);
  bank.write(SMMU_CBn_FSR(kAll));
  EXPECT_EQ(bank.read<SMMU_CBn_FSR>().raw(), 0U);
}

TEST(RegisterAccess, IdentificationIsReadOnly) {
  V2Rig rig;
  for (std::uint32_t offset = 0x020; offset != 0x040; offset += 4) {
    const std::uint32_t before = rig.smmu().read32(offset);
    rig.smmu().write32(offset, ~before);
    EXPECT_EQ(rig.smmu().read32(offset), before);
  }
  for (std::uint32_t offset = 0xfd0; offset != 0x1000; offset += 4) {
    const std::uint32_t before = rig.smmu().read32(offset);
    rig.smmu().write32(offset, ~before);
    EXPECT_EQ(rig.smmu().read32(offset), before);
  }
}

TEST(RegisterAccess, WriteOnlyRegistersReadZero) {
  V2Rig rig;
  for (const std::uint32_t offset : {0x04cU, 0x060U, 0x064U, 0x068U, 0x06cU, 0x070U, 0x078U, 0x0a0U,
                                     0x0a8U, 0x0b0U, 0x0b8U, 0x0bcU, 0x0c0U, 0x100U, 0x138U}) {
    rig.smmu().write32(offset, kAll);
    rig.smmu().secure().write32(offset, kAll);
    EXPECT_EQ(rig.smmu().read32(offset), 0U) << std::hex << offset;
    EXPECT_EQ(rig.smmu().secure().read32(offset), 0U) << std::hex << offset;
  }
  for (const std::uint32_t offset : {0x008U, 0x05cU, 0x600U, 0x608U, 0x610U, 0x618U, 0x620U, 0x628U,
                                     0x630U, 0x638U, 0x7f0U, 0x800U, 0x808U, 0x810U, 0x818U}) {
    rig.smmu().write32(kBanks + offset, kAll);
    EXPECT_EQ(rig.smmu().read32(kBanks + offset), 0U) << std::hex << offset;
  }
}

TEST(RegisterAccess, OfSixtyFourBitsAreWrittenByHalvesInEitherOrder) {
  V2Rig rig;
  const RegisterPage bank = rig.registers().bank(9);
  const auto expect_halves = [&]<class R>(R value) {
    bank.write(R());
    bank.write_low_then_high(value);
    EXPECT_EQ(bank.read<R>(), value);
    EXPECT_EQ(bank.read_high_then_low<R>(), value);
    bank.write(R());
    bank.write_high_then_low(value);
    EXPECT_EQ(bank.read<R>(), value);
    EXPECT_EQ(bank.read_low_then_high<R>(), value);
    bank.write(value);
    bank.write_low(R());
    EXPECT_EQ(bank.read<R>().raw(), value.raw() >> 32 << 32);
  };
  expect_halves(SMMU_CBn_TTBR0_AArch64(0xfedc'ba98'7654'3210));
  expect_halves(SMMU_CBn_TTBR1_AArch64(0x0123'4567'89ab'cdef));
  expect_halves(SMMU_CBn_FAR(0xfedc'ba98'7654'3210));
  expect_halves(SMMU_CBn_IPAFAR(0xfedc'ba98'7654'3210));
  expect_halves(SMMU_CBn_PAR_Long(0xfedc'ba98'7654'3210));
}

TEST(RegisterAccess, DoublewordsReachTwoWords) {
  V2Rig rig;
  rig.smmu().write64(0x800, 0x8000'0022'8000'0011);
  EXPECT_EQ(rig.smmu().read32(0x800), 0x8000'0011U);
  EXPECT_EQ(rig.smmu().read32(0x804), 0x8000'0022U);
  EXPECT_EQ(rig.smmu().read64(0x800), 0x8000'0022'8000'0011U);
  rig.smmu().write64(kBanks + 0x038, 0x2222'2222'1111'1111);
  EXPECT_EQ(rig.smmu().read32(kBanks + 0x03c), 0x2222'2222U);
}

TEST(RegisterAccess, ThatIsNotAlignedIsIgnored) {
  V2Rig rig;
  RegisterPort& port = rig.smmu();
  port.write32(kBanks + 0x060, 0x1111'1111);
  for (const std::uint32_t offset : {0x061U, 0x062U, 0x05eU}) {
    port.write32(kBanks + offset, kAll);
    EXPECT_EQ(port.read32(kBanks + offset), 0U);
  }
  port.write64(kBanks + 0x064, ~std::uint64_t{0});
  EXPECT_EQ(port.read64(kBanks + 0x05c), 0U);
  for (const std::uint32_t bytes : {0U, 1U, 2U, 3U, 16U}) {
    std::uint64_t value = 1;
    EXPECT_EQ(port.write(kBanks + 0x060, bytes, kAll), BusResponse::kOkay);
    EXPECT_EQ(port.read(kBanks + 0x060, bytes, value), BusResponse::kOkay);
    EXPECT_EQ(value, 0U);
  }
  EXPECT_EQ(port.read64(kBanks + 0x060), 0x1111'1111U);
}

}  // namespace
}  // namespace smmu::testing::register_access_test
