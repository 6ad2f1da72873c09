// What SMMU_CBARn makes of a bank, and which format SMMU_CBA2Rn and SMMU_CBn_TCR choose.
#include "test/system_v2/bank.h"

namespace smmu::testing::context_bank_type_test {
namespace {

using emulator::Route;
using emulator::SmmuV2Config;
using namespace v2;

constexpr Iova kAddress(0x1234'5000);
constexpr std::uint32_t kICF = 1, kUCBF = 8;

// A stream at bank 0, with tables of stage 1 and of stage 2 that lead to different pages.
struct Typed {
  explicit Typed(const SmmuV2Config& config = SmmuV2Config::generic())
      : rig(config), stage1(rig.page_table({})), stage2(rig.page_table({.stage = 2})) {
    gr0.write(all_faults_abort());
    stage1.map(kAddress, first, 4096);
    stage2.map(kAddress, second, 4096);
  }

  // The status of the global fault, which is cleared, and the syndrome.
  std::pair<std::uint32_t, bool> take_fault() {
    const std::uint32_t status = gr0.read<SMMU_sGFSR>().raw();
    const bool nested = gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::NESTED];
    gr0.write(SMMU_sGFSR(0xffff'ffff));
    return {status, nested};
  }

  V2Rig rig;
  PageTable stage1;
  PageTable stage2;
  Pa first = rig.allocate(4096);
  Pa second = rig.allocate(4096);
  RegisterPage gr0 = rig.registers().global0();
  Bank bank{rig, 0};
  DmaDevice device = rig.device(StreamId(5));
};

SMMU_CBARn stage2_fault() {
  return SMMU_CBARn().set(SMMU_CBARn::TYPE, ContextType::kStage1Stage2Fault);
}

TEST(ContextBankType, ChoosesTheStage) {
  Typed typed;
  typed.bank.take(StreamId(5));
  typed.bank.translate(typed.stage1);
  EXPECT_THAT(typed.device.translate(kAddress), TranslatesTo(typed.first));
  typed.bank.translate_stage2(typed.stage2);
  EXPECT_THAT(typed.device.translate(kAddress), TranslatesTo(typed.second));
}

// With stage 2 to fault, nothing ever gets through; what stage 1 refuses is its own fault.
TEST(ContextBankType, OfStage2FaultNeverSucceeds) {
  Typed typed;
  typed.bank.take(StreamId(5));
  typed.bank.translate(typed.stage1, stage2_fault());
  EXPECT_THAT(typed.device.translate(kAddress), Aborts());
  EXPECT_EQ(typed.take_fault().first, kICF);
  EXPECT_THAT(typed.bank.take_fault(), IsNoFault());
  // The address is not canonical: no table has to be read to know.
  EXPECT_THAT(typed.device.translate(Iova(0x0300'0000'0000'0000)), Aborts());
  EXPECT_THAT(typed.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  EXPECT_EQ(typed.take_fault().first, 0U);
  // With stage 1 off stage 2 is what it meets at once.
  typed.bank.set<SMMU_CBn_SCTLR>(SMMU_CBn_SCTLR::M, false);
  EXPECT_THAT(typed.device.translate(kAddress), Aborts());
  EXPECT_EQ(typed.take_fault().first, kICF);
}

TEST(ContextBankType, NeedsTheStagesThatAreThere) {
  {
    SmmuV2Config config = SmmuV2Config::generic();
    kNoStage1.change(config);
    Typed typed(config);
    typed.bank.take(StreamId(5));
    typed.bank.translate(typed.stage1);
    EXPECT_EQ(typed.rig.registers().global1().read<SMMU_CBARn>(0)[SMMU_CBARn::TYPE],
              ContextType::kStage2)
        << "all banks are of stage 2";
  }
  {
    SmmuV2Config config = SmmuV2Config::generic();
    kNoStage2.change(config);
    Typed typed(config);
    typed.bank.take(StreamId(5));
    typed.bank.translate_stage2(typed.stage2);
    EXPECT_THAT(typed.device.translate(kAddress), Aborts());
    EXPECT_EQ(typed.take_fault().first, kICF);
    typed.bank.translate(typed.stage1);
    EXPECT_THAT(typed.device.translate(kAddress), TranslatesTo(typed.first));
  }
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::NTS, false);
  Typed typed(config);
  typed.bank.take(StreamId(5));
  Bank(typed.rig, 1).translate_stage2(typed.stage2);
  typed.bank.translate(typed.stage1, Bank::above(1));
  EXPECT_THAT(typed.device.translate(kAddress), Aborts());
  EXPECT_EQ(typed.take_fault().first, kICF);
}

TEST(ContextBankType, OfTheFirstBanksIsAlwaysStage2) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::NUMS2CB, 3);
  V2Rig rig(config);
  const RegisterPage gr1 = rig.registers().global1();
  for (std::uint32_t n = 0; n != 5; ++n) {
    EXPECT_EQ(gr1.read<SMMU_CBARn>(n)[SMMU_CBARn::TYPE], ContextType::kStage2);
    gr1.write(n, Bank::stage1_alone(0x42));
    EXPECT_EQ(gr1.read<SMMU_CBARn>(n)[SMMU_CBARn::TYPE],
              n < 3 ? ContextType::kStage2 : ContextType::kStage1Stage2Bypass);
    EXPECT_EQ(gr1.read<SMMU_CBARn_Stage2>(n)[SMMU_CBARn_Stage2::VMID], 0x42U);
  }
}

TEST(ContextBankType, OfNestedBanksNamesABankOfStage2) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::NUMCB, 20);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 12);
  Typed typed(config);
  typed.bank.take(StreamId(5));
  for (const std::uint32_t below : {12U, 19U, 20U, 255U}) {
    typed.bank.translate(typed.stage1, Bank::above(below));
    EXPECT_THAT(typed.device.translate(kAddress), Aborts());
    EXPECT_EQ(typed.take_fault(), std::pair(kUCBF, true)) << below;
  }
  Bank(typed.rig, 11).become(Bank::stage1_alone());
  for (const std::uint32_t below : {0U, 11U}) {
    typed.bank.translate(typed.stage1, Bank::above(below));
    EXPECT_THAT(typed.device.translate(kAddress), Aborts());
    EXPECT_EQ(typed.take_fault(), std::pair(kICF, true)) << below;
  }
}

// Secure translations have no stage 2.
TEST(ContextBankType, OfSecureBanksIsStage1) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  Typed typed(config);
  const RegisterPage secure = typed.rig.secure_registers().global0();
  secure.write(all_faults_abort());
  const Bank bank(typed.rig, 100, SecurityState::kSecure);
  bank.take(StreamId(5));
  const DmaDevice device = typed.device.of(SecurityState::kSecure);
  bank.translate(typed.stage1);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(typed.first));
  const auto expect_invalid = [&] {
    EXPECT_THAT(device.translate(kAddress), Aborts());
    EXPECT_EQ(secure.read<SMMU_sGFSR>().raw(), kICF);
    secure.write(SMMU_sGFSR(0xffff'ffff));
  };
  bank.translate_stage2(typed.stage2);
  expect_invalid();
  Bank(typed.rig, 101, SecurityState::kSecure).translate_stage2(typed.stage2);
  bank.translate(typed.stage1, Bank::above(101));
  expect_invalid();
  // A Secure group does not lead to a Non-secure bank either.
  secure.write(100, SMMU_S2CRn_Translation().set(SMMU_S2CRn_Translation::CBNDX, 3));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(secure.read<SMMU_sGFSR>().raw(), kUCBF);
}

// What the bypassed stage 2 says of memory weakens what stage 1 says.
TEST(ContextBankType, OfStage2BypassHasAttributes) {
  Typed typed;
  typed.bank.take(StreamId(5));
  using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
  const auto attributes = [&](unsigned mem_attr, ShareabilityConfig bpshcfg) {
    typed.bank.translate(typed.stage1, SMMU_CBARn(Cbar(Bank::stage1_alone().raw())
                                                      .set(Cbar::MemAttr, mem_attr)
                                                      .set(Cbar::BPSHCFG, bpshcfg)
                                                      .raw()));
    // The TLB keeps them with the translation.
    typed.bank.write(SMMU_CBn_TLBIALL());
    typed.bank.write(SMMU_CBn_TLBSYNC());
    return translation_of(typed.device.translate(kAddress)).attributes;
  };
  using S = ShareabilityConfig;
  EXPECT_EQ(attributes(0b1111, S::kNonShareable),
            (MemoryAttributes{.type = 0xff, .shareability = Shareability::kInner}));
  EXPECT_EQ(attributes(0b1111, S::kOuterShareable),
            (MemoryAttributes{.type = 0xff, .shareability = Shareability::kOuter}));
  EXPECT_EQ(attributes(0b1010, S::kNonShareable),
            (MemoryAttributes{.type = 0xbb, .shareability = Shareability::kInner}));
  EXPECT_EQ(attributes(0b0101, S::kNonShareable),
            (MemoryAttributes{.type = 0x44, .shareability = Shareability::kOuter}));
  EXPECT_EQ(attributes(0b0001, S::kNonShareable),
            (MemoryAttributes{.type = 0x04, .shareability = Shareability::kOuter}));
}

// HYPC: one level of privilege, no upper half, no ASIDs.
TEST(ContextBankType, OfTheHypervisorHasOnePrivilegeLevel) {
  Typed typed;
  typed.stage1.map(Iova(0x2000), typed.second, 4096, {.unprivileged = false});
  typed.bank.take(StreamId(5));
  using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
  const SMMU_CBARn hypc(Cbar(Bank::stage1_alone().raw()).set(Cbar::HYPC, true).raw());
  typed.bank.translate(typed.stage1);
  EXPECT_THAT(typed.device.translate(Iova(0x2000)), Aborts());
  typed.bank.translate(typed.stage1, hypc);
  EXPECT_THAT(typed.device.translate(Iova(0x2000)), TranslatesTo(typed.second));
  EXPECT_THAT(typed.device.privileged().fetching_instructions().translate(kAddress),
              TranslatesTo(typed.first));
  // The upper half is not there, whatever EPD1 says.
  using Tcr = SMMU_CBn_TCR_AArch64;
  typed.bank.take_fault();
  typed.bank.set<Tcr>(Tcr::EPD1, false);
  using Ttbr1 = SMMU_CBn_TTBR1_AArch64;
  typed.bank.write(Ttbr1().set(Ttbr1::BaseAddress, typed.stage1.root().value));
  EXPECT_THAT(typed.device.translate(Iova(0xffff'0000'0000'0000 | kAddress.value)), Aborts());
  EXPECT_THAT(typed.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  // With HYPMODE it is the regime that has both again.
  typed.gr0.write(all_faults_abort().set(SMMU_sCR0::HYPMODE, true));
  EXPECT_THAT(typed.device.translate(Iova(0xffff'0000'0000'0000 | kAddress.value)),
              TranslatesTo(typed.first));
  EXPECT_THAT(typed.device.translate(Iova(0x2000)), Aborts());
}

// SIF: Secure streams fetch no instructions from Non-secure memory, and that is a global fault.
TEST(ContextBankType, OfSecureBanksMayRefuseNonSecureFetches) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64)
      .set(SMMU_SCR1::NSNUMSMRGO, 64)
      .set(SMMU_SCR1::SIF, true);
  Typed typed(config);
  const RegisterPage secure = typed.rig.secure_registers().global0();
  secure.write(all_faults_abort());
  const Bank bank(typed.rig, 100, SecurityState::kSecure);
  bank.take(StreamId(5));
  bank.translate(typed.stage1);
  const DmaDevice device = typed.device.of(SecurityState::kSecure);
  const DmaDevice fetching = device.fetching_instructions();
  EXPECT_THAT(fetching.translate(kAddress), TranslatesTo(typed.first));
  const Pa where = typed.stage1.descriptor(kAddress);
  store(typed.rig.memory(), where, load(typed.rig.memory(), where) | 1U << 5);
  bank.write(SMMU_CBn_TLBIALL());
  bank.write(SMMU_CBn_TLBSYNC());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(typed.first));
  EXPECT_THAT(fetching.translate(kAddress), Aborts());
  EXPECT_EQ(secure.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::PF, true));
  EXPECT_THAT(bank.take_fault(), IsNoFault());
}

// Secure banks with MONC are those of the monitor, of one privilege level too.
TEST(ContextBankType, OfTheMonitorIsASecureBank) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  Typed typed(config);
  typed.stage1.map(Iova(0x2000), typed.second, 4096, {.unprivileged = false});
  typed.rig.secure_registers().global0().write(all_faults_abort());
  const Bank bank(typed.rig, 100, SecurityState::kSecure);
  bank.take(StreamId(5));
  bank.translate(typed.stage1);
  const DmaDevice device = typed.device.of(SecurityState::kSecure);
  EXPECT_THAT(device.translate(Iova(0x2000)), Aborts());
  bank.become(Bank::aarch64().set(SMMU_CBA2Rn::MONC, true));
  EXPECT_THAT(device.translate(Iova(0x2000)), TranslatesTo(typed.second));
  // It is of AArch64 only.
  EXPECT_EQ(translation_of(device.translate(Iova(0x2000))).space, SecurityState::kSecure);
}

// VA64 wins over EAE, which is then a bit of TG1; without it EAE tells long from short.
TEST(ContextBankType, ChoosesTheFormat) {
  Typed typed;
  typed.bank.take(StreamId(5));
  typed.bank.translate(typed.stage1);
  const auto format = [&] {
    EXPECT_THAT(typed.device.translate(Iova(0x7000)), Aborts());
    const auto status = typed.bank.read<SMMU_CBn_FSR>();
    typed.bank.take_fault();
    return status[SMMU_CBn_FSR::FORMAT];
  };
  const auto tcr = typed.bank.read<SMMU_CBn_TCR_AArch64>();
  EXPECT_EQ(format(), TranslationFormat::kAArch64);
  typed.bank.write(SMMU_CBn_TCR_AArch64(tcr).set(SMMU_CBn_TCR_AArch64::TG1, TG1::k16K));
  EXPECT_EQ(format(), TranslationFormat::kAArch64) << "bit 31 is 0";
  typed.bank.become(SMMU_CBA2Rn());
  typed.bank.write(SMMU_CBn_TCR_Long().set(SMMU_CBn_TCR_Long::EAE, true));
  EXPECT_EQ(format(), TranslationFormat::kAArch32Long);
  typed.bank.write(SMMU_CBn_TCR_Short());
  EXPECT_EQ(format(), TranslationFormat::kAArch32Short);
}

TEST(ContextBankType, ChoosesAmongTheFormatsThatAreThere) {
  const auto format = [](AArch32Formats ptfs, bool aarch64, bool va64, bool eae) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr0.set(SMMU_IDR0::PTFS, ptfs);
    if (!aarch64) {
      config.idr1.set(SMMU_IDR1::HAFDBS, HardwareUpdates::kNone);
      config.idr2 = SMMU_IDR2(config.idr2.raw() & 0x0000'0fff);
    }
    Typed typed(config);
    typed.bank.take(StreamId(5));
    typed.bank.translate(typed.stage1);
    typed.bank.become(SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, va64));
    typed.bank.write(SMMU_CBn_TCR_Long().set(SMMU_CBn_TCR_Long::EAE, eae));
    EXPECT_THAT(typed.device.translate(Iova(0x7000)), Aborts());
    return typed.bank.read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::FORMAT];
  };
  for (const bool either : {false, true}) {
    EXPECT_EQ(format(AArch32Formats::kNone, true, either, false), TranslationFormat::kAArch64);
    EXPECT_EQ(format(AArch32Formats::kLong, true, false, either), TranslationFormat::kAArch32Long);
    EXPECT_EQ(format(AArch32Formats::kLong, false, either, either),
              TranslationFormat::kAArch32Long);
    EXPECT_EQ(format(AArch32Formats::kShortAndLong, false, either, false),
              TranslationFormat::kAArch32Short);
  }
}

}  // namespace
}  // namespace smmu::testing::context_bank_type_test
