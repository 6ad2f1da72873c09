// Address translations that software asks for: those of a bank and the global ones, what they
// answer, and that they leave no other trace.
#include <array>

#include "test/system_v2/software.h"

namespace smmu::testing::translation_operation_test {
namespace {

using emulator::SmmuV2Config;
using namespace v2;

constexpr std::uint32_t kStage1 = 3;
constexpr std::uint32_t kStage2 = 7;
constexpr std::uint32_t kNested = 9;
constexpr Iova kPage(0x12'3456'7000);
constexpr Iova kReadOnly(0x12'3456'8000);
constexpr Iova kPrivileged(0x12'3456'9000);
constexpr Iova kNoFlag(0x12'3456'a000);
constexpr Iova kMissing(0x12'3456'b000);
constexpr Iova kBelowMissing(0x12'3456'c000);
constexpr Iova kBelowReadOnly(0x12'3456'd000);
constexpr Ipa kIpa(0x5'4321'0000);
constexpr Ipa kIpaReadOnly(0x5'4321'1000);
constexpr Ipa kIpaMissing(0x5'4321'2000);

// How an access is asked for.
enum class Kind { kPR, kPW, kUR, kUW };
constexpr Kind kKinds[] = {Kind::kPR, Kind::kPW, Kind::kUR, Kind::kUW};

class TranslationOperation : public ::testing::Test {
 protected:
  TranslationOperation() {
    stage1.map(kPage, target, 4096);
    stage1.map(kReadOnly, target, 4096, {.writable = false});
    stage1.map(kPrivileged, target, 4096, {.unprivileged = false});
    stage1.map(kNoFlag, target, 4096, {.access_flag = false});
    above.map(kPage, Pa(kIpa.value), 4096);
    above.map(kBelowMissing, Pa(kIpaMissing.value), 4096);
    above.map(kBelowReadOnly, Pa(kIpaReadOnly.value), 4096);
    stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 1 << 26);
    stage2.map(Iova(kIpa.value), target, 4096);
    stage2.map(Iova(kIpaReadOnly.value), target, 4096, {.writable = false});
    software.stage1(kStage1, stage1);
    software.stage2(kStage2, stage2);
    software.nested(kNested, above, kStage2);
    software.enable();
  }

  static std::uint64_t answer(const RegisterPage& bank, Kind kind, Iova address) {
    const std::uint64_t operand = address.value & ~0xfffULL;
    switch (kind) {
      case Kind::kPR:
        bank.write(SMMU_CBn_ATS1PR(operand));
        break;
      case Kind::kPW:
        bank.write(SMMU_CBn_ATS1PW(operand));
        break;
      case Kind::kUR:
        bank.write(SMMU_CBn_ATS1UR(operand));
        break;
      case Kind::kUW:
        bank.write(SMMU_CBn_ATS1UW(operand));
        break;
    }
    EXPECT_FALSE(bank.read<SMMU_CBn_ATSR>()[SMMU_CBn_ATSR::ACTIVE]);
    return bank.read<SMMU_CBn_PAR_Long>().raw();
  }
  static std::uint64_t global_answer(const Software& of, Kind kind, bool both, Iova address,
                                     std::uint32_t bank) {
    const std::uint64_t operand = (address.value & ~0xfffULL) | bank;
    const RegisterPage& gr0 = of.gr0;
    switch (kind) {
      case Kind::kPR:
        both ? gr0.write(SMMU_sGATS12PR(operand)) : gr0.write(SMMU_sGATS1PR(operand));
        break;
      case Kind::kPW:
        both ? gr0.write(SMMU_sGATS12PW(operand)) : gr0.write(SMMU_sGATS1PW(operand));
        break;
      case Kind::kUR:
        both ? gr0.write(SMMU_sGATS12UR(operand)) : gr0.write(SMMU_sGATS1UR(operand));
        break;
      case Kind::kUW:
        both ? gr0.write(SMMU_sGATS12UW(operand)) : gr0.write(SMMU_sGATS1UW(operand));
        break;
    }
    EXPECT_FALSE(gr0.read<SMMU_sGATSR>()[SMMU_sGATSR::ACTIVE]);
    return gr0.read<SMMU_sGPAR_Long>().raw();
  }

  // What a page answers: both kinds of PAR have it at the same bits.
  static void expect_page(std::uint64_t par, Pa pa) {
    const SMMU_CBn_PAR_Long success(par);
    EXPECT_FALSE(success[SMMU_CBn_PAR_Long::F]);
    EXPECT_EQ(success[SMMU_CBn_PAR_Long::PA], pa.value & ~0xfffULL);
    EXPECT_EQ(success[SMMU_CBn_PAR_Long::MATTR], 0xffU);
    EXPECT_EQ(success[SMMU_CBn_PAR_Long::SH], Shareability::kInner);
    EXPECT_FALSE(success[SMMU_CBn_PAR_Long::NS]);
  }
  static SMMU_CBn_PAR_Fault fault(std::uint32_t status, unsigned level, bool at_stage2 = false) {
    return SMMU_CBn_PAR_Fault(status)
        .set(SMMU_CBn_PAR_Fault::F, true)
        .set(SMMU_CBn_PAR_Fault::FORMAT, TranslationFormat::kAArch64)
        .set(SMMU_CBn_PAR_Fault::PLVL, level)
        .set(SMMU_CBn_PAR_Fault::STAGE, at_stage2);
  }
  static SMMU_CBn_PAR_Fault invalid_context() {
    return SMMU_CBn_PAR_Fault().set(SMMU_CBn_PAR_Fault::F, true).set(SMMU_CBn_PAR_Fault::ICF, true);
  }
  void expect_no_trace() const {
    for (const std::uint32_t n : {kStage1, kStage2, kNested}) {
      EXPECT_EQ(software.bank(n).read<SMMU_CBn_FSR>(), SMMU_CBn_FSR());
    }
    EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
    EXPECT_TRUE(rig.quiet());
  }

  V2Rig rig;
  Software software{rig};
  PageTable stage1 = rig.page_table(stage1_tables());
  PageTable above = rig.page_table(stage1_tables());
  PageTable stage2 = rig.page_table(stage2_tables());
  Pa target = rig.allocate(4096);
};

constexpr std::uint32_t kTF = 1U << 1;
constexpr std::uint32_t kAFF = 1U << 2;
constexpr std::uint32_t kPF = 1U << 3;
constexpr std::uint32_t kEF = 1U << 4;

bool writes(Kind kind) { return kind == Kind::kPW || kind == Kind::kUW; }
bool is_privileged(Kind kind) { return kind == Kind::kPR || kind == Kind::kPW; }

TEST_F(TranslationOperation, OfABankAnswersAsAnAccessWouldFind) {
  const RegisterPage bank = software.bank(kStage1);
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    expect_page(answer(bank, kind, kPage), target);
    expect_page(answer(bank, kind, Iova(kPage.value + 0xabc)), target);
    if (writes(kind)) {
      EXPECT_EQ(SMMU_CBn_PAR_Fault(answer(bank, kind, kReadOnly)), fault(kPF, 3));
    } else {
      expect_page(answer(bank, kind, kReadOnly), target);
    }
    if (is_privileged(kind)) {
      expect_page(answer(bank, kind, kPrivileged), target);
    } else {
      EXPECT_EQ(SMMU_CBn_PAR_Fault(answer(bank, kind, kPrivileged)), fault(kPF, 3));
    }
    EXPECT_EQ(SMMU_CBn_PAR_Fault(answer(bank, kind, kNoFlag)), fault(kAFF, 3));
    EXPECT_EQ(SMMU_CBn_PAR_Fault(answer(bank, kind, kMissing)), fault(kTF, 3));
  }
  EXPECT_EQ(SMMU_CBn_PAR_Fault(answer(bank, Kind::kPR, Iova(0x7f'0000'0000))), fault(kTF, 1));
  bank.write(SMMU_CBn_TTBR0_AArch64(0x10'0000'0000));
  EXPECT_EQ(SMMU_CBn_PAR_Fault(answer(bank, Kind::kPR, kPage)), fault(kEF, 1));
  expect_no_trace();
}

TEST_F(TranslationOperation, OfANestedBankAnswersAnIPA) {
  const RegisterPage bank = software.bank(kNested);
  for (const Kind kind : kKinds) {
    expect_page(answer(bank, kind, kPage), Pa(kIpa.value));
    expect_page(answer(bank, kind, kBelowMissing), Pa(kIpaMissing.value));
  }
  // Its tables are behind stage 2 all the same.
  stage2.unmap(Iova(above.descriptor(kPage).value & ~0xfffULL));
  const SMMU_CBn_PAR_Fault failed(answer(bank, Kind::kPR, kPage));
  EXPECT_TRUE(failed[SMMU_CBn_PAR_Fault::TF]);
  EXPECT_TRUE(failed[SMMU_CBn_PAR_Fault::STAGE]);
  expect_no_trace();
}

TEST_F(TranslationOperation, GlobalOneIsOfEitherStageOrBoth) {
  for (const Kind kind : kKinds) {
    SCOPED_TRACE(static_cast<int>(kind));
    const auto stage1_answer = [&](Iova address, std::uint32_t bank) {
      return global_answer(software, kind, false, address, bank);
    };
    const auto both_answer = [&](Iova address, std::uint32_t bank) {
      return global_answer(software, kind, true, address, bank);
    };
    expect_page(stage1_answer(kPage, kStage1), target);
    expect_page(both_answer(kPage, kStage1), target);
    expect_page(stage1_answer(kPage, kNested), Pa(kIpa.value));
    expect_page(both_answer(kPage, kNested), target);
    expect_page(both_answer(Iova(kIpa.value), kStage2), target);
    EXPECT_EQ(SMMU_CBn_PAR_Fault(both_answer(kBelowMissing, kNested)), fault(kTF, 3, true));
    EXPECT_EQ(SMMU_CBn_PAR_Fault(both_answer(kMissing, kNested)), fault(kTF, 3));
    EXPECT_EQ(SMMU_CBn_PAR_Fault(both_answer(Iova(kIpaMissing.value), kStage2)),
              fault(kTF, 3, true));
    if (writes(kind)) {
      EXPECT_EQ(SMMU_CBn_PAR_Fault(stage1_answer(kReadOnly, kStage1)), fault(kPF, 3));
      EXPECT_EQ(SMMU_CBn_PAR_Fault(both_answer(kBelowReadOnly, kNested)), fault(kPF, 3, true));
      EXPECT_EQ(SMMU_CBn_PAR_Fault(both_answer(Iova(kIpaReadOnly.value), kStage2)),
                fault(kPF, 3, true));
    } else {
      expect_page(both_answer(kBelowReadOnly, kNested), target);
    }
  }
  expect_no_trace();
}

TEST_F(TranslationOperation, OfABankThatIsNotThereIsAnInvalidContext) {
  for (const bool both : {false, true}) {
    const SMMU_CBn_PAR_Fault missing(global_answer(software, Kind::kPR, both, kPage, 200));
    EXPECT_TRUE(missing[SMMU_CBn_PAR_Fault::F]);
    EXPECT_TRUE(missing[SMMU_CBn_PAR_Fault::ICF]);
  }
  // A bank of stage 2 has no stage 1.
  EXPECT_EQ(SMMU_CBn_PAR_Fault(global_answer(software, Kind::kPR, false, kPage, kStage2)),
            invalid_context().set(SMMU_CBn_PAR_Fault::FORMAT, TranslationFormat::kAArch64));
  // And its own registers are those of stage 1.
  const RegisterPage bank = software.bank(kStage2);
  bank.write(SMMU_CBn_PAR_Long(0x1234));
  EXPECT_EQ(answer(bank, Kind::kPR, Iova(kIpa.value)), 0x1234U);
  expect_no_trace();
}

TEST_F(TranslationOperation, OfABankThatDoesNotTranslateAnswersTheAddress) {
  software.bank(kStage1).write(translating().set(SMMU_CBn_SCTLR::M, false));
  const SMMU_CBn_PAR_Long same(answer(software.bank(kStage1), Kind::kPW, kMissing));
  EXPECT_FALSE(same[SMMU_CBn_PAR_Long::F]);
  EXPECT_EQ(same[SMMU_CBn_PAR_Long::PA], kMissing.value);
}

TEST_F(TranslationOperation, IsWrittenWholeOrByHalves) {
  const RegisterPage bank = software.bank(kStage1);
  bank.write_high_then_low(SMMU_CBn_ATS1PR(kPage.value));
  expect_page(bank.read<SMMU_CBn_PAR_Long>().raw(), target);
  bank.write(SMMU_CBn_ATS1PR(kMissing.value));
  bank.write_low_then_high(SMMU_CBn_ATS1PR(kPage.value));
  expect_page(bank.read_low_then_high<SMMU_CBn_PAR_Long>().raw(), target);
  software.gr0.write_low_then_high(SMMU_sGATS12PR(kPage.value | kNested));
  expect_page(software.gr0.read<SMMU_sGPAR_Long>().raw(), target);
  software.gr0.write_high_then_low(SMMU_sGATS1PR(kPage.value | kStage1));
  expect_page(software.gr0.read<SMMU_sGPAR_Long>().raw(), target);
}

TEST_F(TranslationOperation, ReadsTheTablesAndNotTheTlb) {
  constexpr StreamId kStream(5);
  software.lead(kStream, kStage1);
  const DmaDevice device = rig.device(kStream);
  EXPECT_THAT(device.translate(kPage), TranslatesTo(target));
  const Pa other = rig.allocate(4096);
  stage1.map(kPage, other, 4096);
  EXPECT_THAT(device.translate(kPage), TranslatesTo(target));
  expect_page(answer(software.bank(kStage1), Kind::kPR, kPage), other);
  EXPECT_THAT(device.translate(kPage), TranslatesTo(target)) << "and fills nothing";
}

TEST_F(TranslationOperation, OfLongDescriptorsIsOf32Bits) {
  constexpr Iova kSmall(0x8765'4000);
  PageTable table = rig.page_table({.t0sz = 32});
  table.map(kSmall, target, 4096);
  const RegisterPage bank = software.bank(kStage1);
  software.gr1.write(kStage1, SMMU_CBA2Rn());
  using Tcr = SMMU_CBn_TCR_Long;
  bank.write(Tcr().set(Tcr::EAE, true).set(Tcr::EPD1, true));
  bank.write(SMMU_CBn_TTBR0_Long().set(SMMU_CBn_TTBR0_Long::BaseAddress, table.root().value));
  // One word, as Linux writes it for AArch32; of two, the other one is nothing.
  bank.write_low(SMMU_CBn_ATS1PR(kSmall.value));
  expect_page(bank.read<SMMU_CBn_PAR_Long>().raw(), target);
  bank.write(SMMU_CBn_PAR_Long());
  bank.write(SMMU_CBn_ATS1PR(0x1234'0000'0000'0000 | kSmall.value));
  expect_page(bank.read<SMMU_CBn_PAR_Long>().raw(), target);
  bank.write_low(SMMU_CBn_ATS1UW(kSmall.value + 4096));
  EXPECT_EQ(SMMU_CBn_PAR_Fault(bank.read<SMMU_CBn_PAR_Fault>()),
            fault(kTF, 3).set(SMMU_CBn_PAR_Fault::FORMAT, TranslationFormat::kAArch32Long));
  expect_no_trace();
}

// A section, of Normal memory that is not cached, and a supersection beyond 32 bits.
TEST_F(TranslationOperation, OfShortDescriptorsHasTheirLayout) {
  constexpr std::uint64_t kRootBytes = 1 << 14;
  const Pa root = rig.allocate(kRootBytes, kRootBytes);
  const auto put = [&](std::uint64_t index, std::uint32_t descriptor) {
    const Pa word(root.value + index * 4 / 8 * 8);
    const unsigned shift = index % 2 == 0 ? 0 : 32;
    const std::uint64_t others = load(rig.memory(), word) & ~(std::uint64_t{0xffff'ffff} << shift);
    store(rig.memory(), word, others | std::uint64_t{descriptor} << shift);
  };
  // AP 0b11 (with AFE 0: all may all), TEX 0b001, C 0, B 0: Normal, not cached; S 1.
  put(0x123, 0x4560'0000U | 1U << 16 | 0b001U << 12 | 0b11U << 10 | 0b10U);
  // The same as a supersection at 0x5'1200'0000: bits [35:32] are bits [23:20].
  for (std::uint64_t i = 0; i != 16; ++i) {
    put(0x450 + i,
        0x1200'0000U | 0x5U << 20 | 1U << 18 | 1U << 16 | 0b001U << 12 | 0b11U << 10 | 0b10U);
  }
  const RegisterPage bank = software.bank(kStage1);
  software.gr1.write(kStage1, SMMU_CBA2Rn());
  bank.write(translating().set(SMMU_CBn_SCTLR::TRE, false).set(SMMU_CBn_SCTLR::AFE, false));
  bank.write(SMMU_CBn_TCR_Short());
  bank.write(SMMU_CBn_TTBR0_AArch64(root.value));

  bank.write_low(SMMU_CBn_ATS1UR(0x1234'5000));
  using Par = SMMU_CBn_PAR_Short;
  const Par section = bank.read<Par>();
  EXPECT_FALSE(section[Par::F]);
  EXPECT_FALSE(section[Par::SS]);
  EXPECT_EQ(section[Par::PA], 0x4564'5000U);
  EXPECT_EQ(section[Par::Inner], 0U) << "not cached";
  EXPECT_EQ(section[Par::Outer], 0U);
  EXPECT_TRUE(section[Par::SH]);

  bank.write_low(SMMU_CBn_ATS1UR(0x4567'8000));
  const Par supersection = bank.read<Par>();
  EXPECT_FALSE(supersection[Par::F]);
  EXPECT_TRUE(supersection[Par::SS]);
  EXPECT_EQ(supersection[Par::PA] & 0xff00'0000, 0x1200'0000U);

  bank.write_low(SMMU_CBn_ATS1UR(0x7654'3000));
  EXPECT_EQ(SMMU_CBn_PAR_Fault(bank.read<SMMU_CBn_PAR_Fault>()),
            fault(kTF, 1).set(SMMU_CBn_PAR_Fault::FORMAT, TranslationFormat::kAArch32Short));

  // Behind a stage 2 it is an address of the long layout.
  using Nested = SMMU_CBARn_Nested;
  software.gr1.write(kStage1,
                     Nested().set(Nested::TYPE, ContextType::kNested).set(Nested::CBNDX, kStage2));
  stage2.map(Iova(0x4564'5000), Pa(0x7'1234'5000), 4096);
  const SMMU_CBn_PAR_Long behind(
      global_answer(software, Kind::kUR, true, Iova(0x1234'5000), kStage1));
  EXPECT_FALSE(behind[SMMU_CBn_PAR_Long::F]);
  EXPECT_EQ(behind[SMMU_CBn_PAR_Long::PA], 0x7'1234'5000U);
  EXPECT_EQ(behind[SMMU_CBn_PAR_Long::MATTR], 0x44U);
  const Par before(global_answer(software, Kind::kUR, false, Iova(0x1234'5000), kStage1));
  EXPECT_EQ(before[Par::PA], 0x4564'5000U) << "without it, as it was";
  expect_no_trace();
}

TEST_F(TranslationOperation, OfSecureSoftwareHasAnAnswerOfItsOwn) {
  Software secure(rig, SecurityState::kSecure);
  global_answer(software, Kind::kPR, false, kMissing, kStage1);
  expect_page(global_answer(secure, Kind::kPR, false, kPage, kStage1), target);
  EXPECT_TRUE(software.gr0.read<SMMU_sGPAR_Fault>()[SMMU_sGPAR_Fault::TF]);
  // By the aliases it asks in the name of the others.
  secure.non_secure.write(SMMU_sGATS1PR(kReadOnly.value | kStage1));
  expect_page(software.gr0.read<SMMU_sGPAR_Long>().raw(), target);
  expect_page(secure.non_secure.read<SMMU_sGPAR_Long>().raw(), target);
}

TEST(TranslationOperationStatus, IsBusyAsOftenAsConfigured) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.busy_reads = 2;
  V2Rig rig(config);
  const Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  software.stage1(kStage1, table);
  const RegisterPage bank = software.bank(kStage1);
  bank.write(SMMU_CBn_ATS1PR(kPage.value));
  software.gr0.write(SMMU_sGATS1PR(kPage.value | kStage1));
  for (const bool active : {true, true, false, false}) {
    EXPECT_EQ(bank.read<SMMU_CBn_ATSR>()[SMMU_CBn_ATSR::ACTIVE], active);
    EXPECT_EQ(software.gr0.read<SMMU_sGATSR>()[SMMU_sGATSR::ACTIVE], active);
  }
}

// ATOSNS 1: there are no such registers.
TEST(TranslationOperationStatus, IsNothingWithoutThem) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::ATOSNS, true);
  V2Rig rig(config);
  const Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  table.map(kPage, rig.allocate(4096), 4096);
  software.stage1(kStage1, table);
  const RegisterPage bank = software.bank(kStage1);
  bank.write(SMMU_CBn_ATS1PR(kPage.value));
  EXPECT_EQ(bank.read<SMMU_CBn_PAR_Long>().raw(), 0U);
  EXPECT_EQ(bank.read<SMMU_CBn_ATS1PR>().raw(), 0U);
  software.gr0.write(SMMU_sGATS1PR(kPage.value | kStage1));
  software.gr0.write_high_then_low(SMMU_sGATS12PW(kPage.value | kStage1));
  EXPECT_EQ(software.gr0.read<SMMU_sGPAR_Long>().raw(), 0U);
  EXPECT_EQ(software.gr0.read<SMMU_sGATS1PR>().raw(), 0U);
}

}  // namespace
}  // namespace smmu::testing::translation_operation_test
