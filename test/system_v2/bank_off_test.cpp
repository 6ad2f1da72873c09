// A bank whose SMMU_CBn_SCTLR.M is 0: addresses pass, and its own fields say what memory they want.
#include "test/system_v2/bank.h"

namespace smmu::testing::bank_off_test {
namespace {

using emulator::SmmuV2Config;
using emulator::Translation;
using namespace v2;

constexpr Iova kAddress(0x12'3456'7000);
constexpr MemoryAttributes kInnerWriteBack{.type = 0xff, .shareability = Shareability::kInner};

struct Off {
  explicit Off(SMMU_CBARn cbar, const SmmuV2Config& config = SmmuV2Config::generic())
      : rig(config) {
    rig.registers().global0().write(all_faults_abort());
    bank.become(cbar);
    bank.become(Bank::aarch64());
    bank.take(StreamId(7));
    bank.write(off());
  }
  static SMMU_CBn_SCTLR off() { return Bank::on().set(SMMU_CBn_SCTLR::M, false); }

  Translation translate(MemoryAttributes incoming) {
    return translation_of(
        port.translate({.stream = StreamId(7), .address = kAddress, .attributes = incoming}));
  }

  V2Rig rig;
  Bank bank{rig, 0};
  emulator::Port& port = rig.smmu().add_port();
};

TEST(BankOff, LetsEverythingPass) {
  for (const SMMU_CBARn cbar : {Bank::stage1_alone(), Bank::stage2_alone()}) {
    Off off(cbar);
    const DmaDevice device = off.rig.device(StreamId(7));
    for (const std::uint64_t address : {0x0ULL, 0xfffULL, 0xffff'ffffULL, 0xffff'ffff'ffffULL}) {
      const Iova iova(address);
      EXPECT_THAT(device.translate(iova), TranslatesTo(Pa(address)));
      EXPECT_THAT(device.translate(iova, emulator::Direction::kWrite), TranslatesTo(Pa(address)));
      EXPECT_THAT(device.privileged().fetching_instructions().translate(iova),
                  TranslatesTo(Pa(address)));
    }
    EXPECT_EQ(off.translate(kInnerWriteBack).attributes, kInnerWriteBack);
  }
}

// A physical address has OAS bits, whoever makes it.
TEST(BankOff, RefusesAddressesThatAreTooLarge) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::OAS, OutputSize::k40Bits);
  for (const SMMU_CBARn cbar : {Bank::stage1_alone(), Bank::stage2_alone()}) {
    Off off(cbar, config);
    const DmaDevice device = off.rig.device(StreamId(7));
    EXPECT_THAT(device.translate(Iova(0xff'ffff'f000)), TranslatesTo(Pa(0xff'ffff'f000)));
    EXPECT_THAT(device.translate(Iova(0x100'0000'0000)), Aborts());
    EXPECT_THAT(off.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 0));
  }
}

TEST(BankOff, ReplacesMemoryAttributes) {
  Off off(Bank::stage1_alone());
  using Sctlr = SMMU_CBn_SCTLR;
  off.bank.write(Off::off().set(Sctlr::MemAttr, 0b0101));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes, kInnerWriteBack) << "MTCFG is 0";
  off.bank.write(Off::off().set(Sctlr::MTCFG, true).set(Sctlr::MemAttr, 0b0101));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes,
            (MemoryAttributes{.type = 0x44, .shareability = Shareability::kOuter}));
  off.bank.write(Off::off().set(Sctlr::MTCFG, true).set(Sctlr::MemAttr, 0b0011));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0x0c);
  off.bank.write(Off::off().set(Sctlr::SHCFG, ShareabilityConfig::kNonShareable));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.shareability, Shareability::kNonShareable);
  off.bank.write(Off::off().set(Sctlr::RACFG, AllocationConfig::kNoAllocate));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0xdd);
  off.bank.write(Off::off().set(Sctlr::WACFG, AllocationConfig::kNoAllocate));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0xee);
  off.bank.write(Off::off().set(Sctlr::TRANSIENTCFG, TransientConfig::kTransient));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0x77);
}

TEST(BankOff, OfStage2ReplacesMemoryAttributes) {
  Off off(Bank::stage2_alone());
  using Sctlr = SMMU_CBn_SCTLR_Stage2;
  const Sctlr plain(Off::off().raw());
  off.bank.write(Sctlr(plain).set(Sctlr::SHCFG, ShareabilityConfig::kOuterShareable));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.shareability, Shareability::kOuter);
  off.bank.write(Sctlr(plain).set(Sctlr::RACFG, AllocationConfig::kNoAllocate));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0xdd);
  off.bank.write(Sctlr(plain).set(Sctlr::WACFG, AllocationConfig::kNoAllocate));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0xee);
  // MemAttr, where MTCFG is 1 as in stage 1.
  off.bank.write(Sctlr(plain).set(Sctlr::MemAttr, 0b0101));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes, kInnerWriteBack);
  off.bank.write(Off::off().set(SMMU_CBn_SCTLR::MTCFG, true).set(SMMU_CBn_SCTLR::MemAttr, 0b0101));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes,
            (MemoryAttributes{.type = 0x44, .shareability = Shareability::kOuter}));
  // TRANSIENTCFG of stage 1 is BSU here.
  off.bank.write(Off::off().set(SMMU_CBn_SCTLR::TRANSIENTCFG, TransientConfig::kTransient));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes, kInnerWriteBack);
}

// The bank looks at what the stream has made of it.
TEST(BankOff, ReplacesWhatTheStreamHasReplaced) {
  Off off(Bank::stage1_alone());
  using S2cr = SMMU_S2CRn_Translation;
  using Sctlr = SMMU_CBn_SCTLR;
  off.bank.take(StreamId(7), S2cr()
                                 .set(S2cr::MTCFG, true)
                                 .set(S2cr::MemAttr, 0b0001)
                                 .set(S2cr::SHCFG, ShareabilityConfig::kInnerShareable)
                                 .set(S2cr::RACFG, AllocationConfig::kNoAllocate));
  EXPECT_EQ(off.translate(kInnerWriteBack).attributes.type, 0x04);
  off.bank.write(Off::off().set(Sctlr::MTCFG, true).set(Sctlr::MemAttr, 0b1111));
  EXPECT_EQ(off.translate({.type = 0x04}).attributes,
            (MemoryAttributes{.type = 0xdd, .shareability = Shareability::kInner}))
      << "the hint is the stream's, the type the bank's";
}

// They concern what the bank does not translate.
TEST(BankOff, LeavesAttributesToTheTablesWhenItIsOn) {
  Translating translating;
  translating.table.map(kAddress, translating.rig.allocate(4096), 4096);
  using Sctlr = SMMU_CBn_SCTLR;
  translating.bank.write(Bank::on()
                             .set(Sctlr::MTCFG, true)
                             .set(Sctlr::MemAttr, 0b0000)
                             .set(Sctlr::SHCFG, ShareabilityConfig::kNonShareable));
  EXPECT_EQ(translation_of(translating.translate(kAddress)).attributes, kInnerWriteBack);
}

TEST(BankOff, OfSecureSoftwareChoosesTheAddressSpace) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  V2Rig rig(config);
  rig.secure_registers().global0().write(all_faults_abort());
  const Bank bank(rig, 70, SecurityState::kSecure);
  bank.become(Bank::stage1_alone());
  bank.take(StreamId(7));
  const DmaDevice device = rig.device(StreamId(7)).of(SecurityState::kSecure);
  using Sctlr = SMMU_CBn_SCTLR;
  for (const auto in : {SecurityState::kSecure, SecurityState::kNonSecure}) {
    const auto space = [&](NonSecureOverride nscfg) {
      bank.write(Off::off().set(Sctlr::NSCFG, nscfg));
      return translation_of(device.in(in).translate(kAddress)).space;
    };
    EXPECT_EQ(space(NonSecureOverride::kIncoming), in);
    EXPECT_EQ(space(NonSecureOverride::kSecure), SecurityState::kSecure);
    EXPECT_EQ(space(NonSecureOverride::kNonSecure), SecurityState::kNonSecure);
  }
}

// One stage off, the other on: what the bank of stage 1 says is what stage 2 combines.
TEST(BankOff, LeavesTheOtherStageOn) {
  Off off(Bank::above(1));
  PageTable stage2 = off.rig.page_table({.stage = 2});
  const Pa page = off.rig.allocate(4096);
  stage2.map(kAddress, page, 4096);
  Bank(off.rig, 1).translate_stage2(stage2);
  using Sctlr = SMMU_CBn_SCTLR;
  off.bank.write(Off::off().set(Sctlr::MTCFG, true).set(Sctlr::MemAttr, 0b1010));
  const Translation translation = off.translate(kInnerWriteBack);
  EXPECT_EQ(translation.pa, page);
  EXPECT_EQ(translation.attributes.type, 0xbb);
  EXPECT_EQ(translation.attributes.shareability, Shareability::kInner);
  // And with stage 2 off, the output of stage 1 is a physical address.
  PageTable stage1 = off.rig.page_table({});
  const Pa other = off.rig.allocate(4096);
  stage1.map(kAddress, other, 4096);
  off.bank.translate(stage1, Bank::above(1));
  Bank(off.rig, 1).write(SMMU_CBn_SCTLR_Stage2());
  EXPECT_EQ(off.translate(kInnerWriteBack).pa, other);
}

// What the bank of stage 2 says is done to what stage 1 has made, by tables or by its own fields.
TEST(BankOff, OfStage2IsBehindStage1) {
  Off off(Bank::above(1));
  const Bank below(off.rig, 1);
  below.become(Bank::stage2_alone());
  using Sctlr = SMMU_CBn_SCTLR;
  using Sctlr2 = SMMU_CBn_SCTLR_Stage2;
  const auto attributes = [&](Sctlr first, Sctlr second) {
    off.bank.write(first);
    below.write(second);
    // The TLB keeps them with the translation.
    off.bank.write(SMMU_CBn_TLBIALL());
    off.bank.write(SMMU_CBn_TLBSYNC());
    return off.translate(kInnerWriteBack).attributes;
  };
  const auto write_through = Sctlr().set(Sctlr::MTCFG, true).set(Sctlr::MemAttr, 0b1010);
  const Sctlr outer(Sctlr2().set(Sctlr2::SHCFG, ShareabilityConfig::kOuterShareable).raw());
  EXPECT_EQ(attributes(Off::off(), Sctlr()), kInnerWriteBack);
  EXPECT_EQ(attributes(Off::off(), outer),
            (MemoryAttributes{.type = 0xff, .shareability = Shareability::kOuter}));
  EXPECT_EQ(attributes(Off::off().set(Sctlr::SHCFG, ShareabilityConfig::kNonShareable),
                       Sctlr(outer.raw() | write_through.raw())),
            (MemoryAttributes{.type = 0xbb, .shareability = Shareability::kOuter}));

  PageTable stage1 = off.rig.page_table({});
  stage1.map(kAddress, off.rig.allocate(4096), 4096);
  off.bank.translate(stage1, Bank::above(1));
  EXPECT_EQ(attributes(Bank::on(), Sctlr()), kInnerWriteBack);
  EXPECT_EQ(attributes(Bank::on(), outer),
            (MemoryAttributes{.type = 0xff, .shareability = Shareability::kOuter}));
  EXPECT_EQ(attributes(Bank::on(), write_through),
            (MemoryAttributes{.type = 0xbb, .shareability = Shareability::kInner}));
  using A = AllocationConfig;
  EXPECT_EQ(attributes(Bank::on(), Sctlr(Sctlr2().set(Sctlr2::RACFG, A::kNoAllocate).raw())),
            (MemoryAttributes{.type = 0xdd, .shareability = Shareability::kInner}));
}

}  // namespace
}  // namespace smmu::testing::bank_off_test
