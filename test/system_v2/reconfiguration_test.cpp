// Registers that change while transactions go on: what the next transaction meets, and what stays
// in the TLB until somebody invalidates it.
#include "test/system_v2/bank.h"

namespace smmu::testing::reconfiguration_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV2Config;
using namespace v2;
using S2cr = SMMU_S2CRn_Translation;
using Sctlr = SMMU_CBn_SCTLR;
using Tcr = SMMU_CBn_TCR_AArch64;
using Tcr2 = SMMU_CBn_TCR2;
using Ttbr0 = SMMU_CBn_TTBR0_AArch64;

constexpr Iova kAddress(0x1234'5000);

// With a translation that is in the TLB.  `policy`: what is kept, and for how long.
struct Busy : Translating {
  explicit Busy(CachePolicy policy) : Translating(V2Rig::Options{.config = with(policy)}) {
    table.map(kAddress, page, 4096);
    EXPECT_THAT(translate(kAddress), TranslatesTo(page));
  }
  static SmmuV2Config with(CachePolicy policy) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.caching.policy = policy;
    return config;
  }
  Pa page = rig.allocate(4096);
  RegisterPage gr0 = rig.registers().global0();
};

constexpr CachePolicy kPolicies[] = {CachePolicy::kNone, CachePolicy::kRealistic,
                                     CachePolicy::kAdversarial};

class Reconfiguration : public ::testing::TestWithParam<CachePolicy> {};

TEST_P(Reconfiguration, OfTheStreamMappingCountsAtOnce) {
  Busy busy(GetParam());
  busy.gr0.write(0, SMMU_SMRn());
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  EXPECT_EQ(busy.gr0.read<SMMU_sGFSR>().raw(), 2U);
  busy.bank.take(Translating::kStream);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
  busy.gr0.write(0, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  busy.gr0.write(0, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kBypass));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  busy.bank.take(Translating::kStream);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
  // A second group that matches, and that no longer does.
  busy.gr0.write(
      50, SMMU_SMRn().set(SMMU_SMRn::ID, 5).set(SMMU_SMRn::MASK, 2).set(SMMU_SMRn::VALID, true));
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  busy.gr0.write(50, SMMU_SMRn());
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

TEST_P(Reconfiguration, OfAnotherBankCountsAtOnce) {
  Busy busy(GetParam());
  PageTable other = busy.rig.page_table({});
  const Pa second = busy.rig.allocate(4096);
  other.map(kAddress, second, 4096);
  Bank(busy.rig, 1).translate(other);
  busy.gr0.write(0, S2cr().set(S2cr::CBNDX, 1));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(second));
  busy.gr0.write(0, S2cr().set(S2cr::CBNDX, 0));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

TEST_P(Reconfiguration, OfTheGlobalControlCountsAtOnce) {
  Busy busy(GetParam());
  busy.gr0.write(all_faults_abort().set(SMMU_sCR0::CLIENTPD, true));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  busy.gr0.write(all_faults_abort());
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

TEST_P(Reconfiguration, TurnsABankOffAndOn) {
  Busy busy(GetParam());
  busy.bank.set<Sctlr>(Sctlr::M, false);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  busy.bank.set<Sctlr>(Sctlr::M, true);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

TEST_P(Reconfiguration, OfTheTypeCountsAtOnce) {
  Busy busy(GetParam());
  PageTable stage2 = busy.rig.page_table({.stage = 2});
  const Pa second = busy.rig.allocate(4096);
  stage2.map(kAddress, second, 4096);
  // A bank of stage 2 with the same control: of its own format, which is not the same field.
  busy.bank.become(Bank::stage2_alone());
  busy.bank.write(Bank::stage2_control(stage2));
  busy.bank.write(
      SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, stage2.root().value));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(second));
  busy.bank.translate(busy.table);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

// VA64: the same TCR is then one of AArch32, and short tables are something else.
TEST_P(Reconfiguration, OfTheFormatCountsAtOnce) {
  Busy busy(GetParam());
  PageTable other = busy.rig.page_table({.t0sz = 32});
  const Pa second = busy.rig.allocate(4096);
  other.map(kAddress, second, 4096);
  busy.bank.become(SMMU_CBA2Rn());
  busy.bank.write(SMMU_CBn_TCR_Long().set(SMMU_CBn_TCR_Long::EAE, true));
  // An ASID of its own.
  busy.bank.write(SMMU_CBn_TTBR0_Long()
                      .set(SMMU_CBn_TTBR0_Long::BaseAddress, other.root().value)
                      .set(SMMU_CBn_TTBR0_Long::ASID, 0x77));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(second));
}

TEST_P(Reconfiguration, OfTheSizeRefusesAtOnce) {
  Busy busy(GetParam());
  busy.bank.set<Tcr>(Tcr::T0SZ, 39);
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  EXPECT_THAT(busy.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  busy.bank.set<Tcr>(Tcr::T0SZ, 16);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

// A new table needs either a new ASID or an invalidation.
TEST_P(Reconfiguration, OfTheTableCountsWithANewAsid) {
  Busy busy(GetParam());
  PageTable other = busy.rig.page_table({});
  const Pa second = busy.rig.allocate(4096);
  other.map(kAddress, second, 4096);
  busy.bank.write(Ttbr0().set(Ttbr0::BaseAddress, other.root().value).set(Ttbr0::ASID, 9));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(second));
  busy.bank.write(Ttbr0().set(Ttbr0::BaseAddress, busy.table.root().value).set(Ttbr0::ASID, 0));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
  // With the same one, after it.
  busy.bank.write(Ttbr0().set(Ttbr0::BaseAddress, other.root().value).set(Ttbr0::ASID, 0));
  busy.bank.write(SMMU_CBn_TLBIASID());
  busy.bank.write(SMMU_CBn_TLBSYNC());
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(second));
}

TEST_P(Reconfiguration, OfMemoryAttributesCountsOnceInvalidated) {
  Busy busy(GetParam());
  EXPECT_EQ(translation_of(busy.translate(kAddress)).attributes.type, 0xff);
  busy.bank.write(SMMU_CBn_MAIR0(0x44));
  busy.bank.write(SMMU_CBn_TLBIALL());
  busy.bank.write(SMMU_CBn_TLBSYNC());
  EXPECT_EQ(translation_of(busy.translate(kAddress)).attributes.type, 0x44);
}

// Nothing is fixed when SMMU_CBn_TCR is written: SMMU_CBn_TCR2 may come before or after it, and
// SMMU_CBn_SCTLR.M before either, as drivers do.
TEST_P(Reconfiguration, DoesNotDependOnTheOrderOfWrites) {
  Busy busy(GetParam());
  const Bank bank(busy.rig, 4);
  bank.take(StreamId(6));
  bank.write(Bank::on());
  bank.write(busy.bank.read<Tcr2>());
  bank.write(busy.bank.read<Ttbr0>());
  bank.write(SMMU_CBn_MAIR0(0xff));
  bank.write(busy.bank.read<Tcr>());
  bank.become(Bank::aarch64());
  bank.become(Bank::stage1_alone());
  EXPECT_THAT(busy.rig.device(StreamId(6)).translate(kAddress), TranslatesTo(busy.page));
  bank.write(Tcr2(bank.read<Tcr2>()).set(Tcr2::PASize, OutputSize::k32Bits));
  EXPECT_THAT(busy.rig.device(StreamId(6)).translate(kAddress), TranslatesTo(busy.page));
}

// SMMU_CBn_SCTLR.PTW is written while the bank is one of stage 1 still, which does not have it.
TEST_P(Reconfiguration, OfTheTypeKeepsWhatTheOtherHas) {
  Busy busy(GetParam());
  PageTable stage2 = busy.rig.page_table({.t0sz = 24, .stage = 2});
  stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 8 << 20);
  const Pa block = stage2.descriptor(Iova(0x4000'0000));
  const Bank below(busy.rig, 7);
  using Sctlr2 = SMMU_CBn_SCTLR_Stage2;
  below.become(Bank::stage1_alone());
  below.write(Sctlr2(Bank::on().raw()).set(Sctlr2::PTW, true));
  below.become(Bank::stage2_alone());
  below.become(Bank::aarch64());
  below.write(Bank::stage2_control(stage2));
  below.write(SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, stage2.root().value));
  busy.bank.become(Bank::above(7));
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
  // Device memory, which a walk may not read.
  store(busy.rig.memory(), block, load(busy.rig.memory(), block) & ~std::uint64_t{0x3c});
  busy.gr0.write(SMMU_TLBIALLNSNH());
  busy.gr0.write(SMMU_sTLBGSYNC());
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  EXPECT_THAT(below.take_fault(), IsFault(SMMU_CBn_FSR::PF, 2));
}

// SMMU_SCR1 may take a bank or a group away from Non-secure software.
TEST_P(Reconfiguration, OfSecuritySharesCountsAtOnce) {
  Busy busy(GetParam());
  const RegisterPage secure = busy.rig.secure_registers().global0();
  const auto scr1 = secure.read<SMMU_SCR1>();
  secure.write(SMMU_SCR1(scr1).set(SMMU_SCR1::NSNUMCBO, 0));
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  EXPECT_EQ(busy.gr0.read<SMMU_sGFSR>().raw(), 8U) << "UCBF";
  busy.gr0.write(SMMU_sGFSR(0xffff'ffff));
  secure.write(SMMU_SCR1(scr1).set(SMMU_SCR1::NSNUMSMRGO, 0));
  EXPECT_THAT(busy.translate(kAddress), Aborts());
  EXPECT_EQ(busy.gr0.read<SMMU_sGFSR>().raw(), 2U) << "USF";
  secure.write(scr1);
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
}

std::string name_of(const ::testing::TestParamInfo<CachePolicy>& policy) {
  constexpr const char* kNames[] = {"None", "Realistic", "Adversarial"};
  return kNames[static_cast<std::size_t>(policy.param)];
}
INSTANTIATE_TEST_SUITE_P(AllPolicies, Reconfiguration, ::testing::ValuesIn(kPolicies), name_of);

// What is kept stays until it is invalidated, whatever else is written.
TEST(ReconfigurationOfTables, IsNotSeenUntilInvalidated) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    Busy busy(policy);
    expect_stale_until(busy.rig, busy.device, busy.table, kAddress, busy.page, [&] {
      busy.bank.take(Translating::kStream);
      busy.bank.set<Sctlr>(Sctlr::M, false);
      busy.bank.set<Sctlr>(Sctlr::M, true);
      busy.bank.write(busy.bank.read<Ttbr0>());
      busy.gr0.write(all_faults_abort().set(SMMU_sCR0::CLIENTPD, true));
      busy.gr0.write(all_faults_abort());
      EXPECT_THAT(busy.translate(kAddress), TranslatesTo(busy.page));
      busy.bank.write(SMMU_CBn_TLBIVA_AArch64()
                          .set(SMMU_CBn_TLBIVA_AArch64::Address, kAddress.value >> 12)
                          .set(SMMU_CBn_TLBIVA_AArch64::ASID, 0));
      busy.bank.write(SMMU_CBn_TLBSYNC());
    });
  }
}

// Banks with equal tags use each other's entries; a TLB invalidation of one is one of both.
TEST(ReconfigurationOfTables, IsSharedByBanksOfOneTag) {
  Busy busy(CachePolicy::kRealistic);
  const Bank twin(busy.rig, 1);
  twin.translate(busy.table);
  twin.set<Ttbr0>(Ttbr0::ASID, 0);
  twin.take(StreamId(6));
  const DmaDevice other = busy.rig.device(StreamId(6));
  EXPECT_THAT(other.translate(kAddress), TranslatesTo(busy.page));
  const Pa second = busy.rig.allocate(4096);
  busy.table.map(kAddress, second, 4096);
  twin.write(SMMU_CBn_TLBIALL());
  twin.write(SMMU_CBn_TLBSYNC());
  EXPECT_THAT(busy.translate(kAddress), TranslatesTo(second));
  EXPECT_THAT(other.translate(kAddress), TranslatesTo(second));
}

}  // namespace
}  // namespace smmu::testing::reconfiguration_test
