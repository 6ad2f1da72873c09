// What becomes of other accesses while a fault of a bank is outstanding: HUPCF, and GSE, by which a
// stall is everybody's.
#include "test/system_v2/software.h"

namespace smmu::testing::hit_under_fault_test {
namespace {

using emulator::Outcome;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr StreamId kOtherStream(0x77);
constexpr Iova kPage(0x12'3456'7000);
constexpr Iova kMissing(0x12'3456'8000);
constexpr std::uint32_t kBank = 3;
constexpr std::uint32_t kOtherBank = 4;

SMMU_CBn_SCTLR held_up(SMMU_CBn_SCTLR control) { return control.set(SMMU_CBn_SCTLR::HUPCF, false); }

// Two banks that map kPage alone, each with a device that can wait and one that cannot.
class Pair {
 public:
  explicit Pair(SMMU_CBn_SCTLR control, const SmmuV2Config& config = SmmuV2Config::generic())
      : rig(config) {
    table.map(kPage, target, 4096);
    software.stage1(kBank, table, {.asid = 5, .control = control});
    software.stage1(kOtherBank, table, {.asid = 6, .control = control});
    software.lead(kStream, kBank);
    software.lead(kOtherStream, kOtherBank);
    software.enable();
  }

  SMMU_CBn_FSR fsr() const { return bank.read<SMMU_CBn_FSR>(); }
  void clear() const { bank.write(all_faults()); }
  void resume(bool terminates) const {
    bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, terminates));
  }

  V2Rig rig;
  Software software{rig};
  RegisterPage bank = software.bank(kBank);
  PageTable table = rig.page_table(stage1_tables());
  Pa target = rig.allocate(4096);
  Resumptions ends;
  DmaDevice waiting = rig.device(kStream, ends);
  DmaDevice hasty = rig.device(kStream);
  DmaDevice other_waiting = rig.device(kOtherStream, ends);
  DmaDevice other_hasty = rig.device(kOtherStream);
};

TEST(HitUnderFault, GoesOnWhereItMay) {
  for (const auto control : {translating(), stalling()}) {
    Pair p(control);
    p.waiting.translate(kMissing);
    EXPECT_THAT(p.waiting.translate(kPage), TranslatesTo(p.target));
    EXPECT_THAT(p.hasty.translate(kPage), TranslatesTo(p.target));
    EXPECT_FALSE(p.fsr()[SMMU_CBn_FSR::MULTI]);
  }
}

TEST(HitUnderFault, IsTerminatedUntilTheFaultIsCleared) {
  for (const bool aborts : {false, true}) {
    SCOPED_TRACE(aborts);
    Pair p(held_up(translating()).set(SMMU_CBn_SCTLR::CFRE, aborts));
    // It is in the TLB.
    EXPECT_THAT(p.hasty.translate(kPage), TranslatesTo(p.target));
    p.hasty.translate(kMissing);
    for (const DmaDevice& device : {p.hasty, p.waiting}) {
      const Outcome outcome = device.translate(kPage);
      if (aborts) {
        EXPECT_THAT(outcome, Aborts());
      } else {
        EXPECT_THAT(outcome, IsRazWi());
      }
    }
    EXPECT_FALSE(p.fsr()[SMMU_CBn_FSR::MULTI]) << "it is no fault";
    EXPECT_EQ(p.bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kMissing.value);
    EXPECT_THAT(p.other_hasty.translate(kPage), TranslatesTo(p.target)) << "of another bank";
    p.clear();
    EXPECT_THAT(p.hasty.translate(kPage), TranslatesTo(p.target));
  }
}

TEST(HitUnderFault, IsMultipleWhereTheImplementationSaysSo) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.hit_under_fault_is_multiple = true;
  Pair p(held_up(translating()), config);
  p.hasty.translate(kMissing);
  EXPECT_FALSE(p.fsr()[SMMU_CBn_FSR::MULTI]);
  EXPECT_THAT(p.hasty.translate(kPage), Aborts());
  EXPECT_TRUE(p.fsr()[SMMU_CBn_FSR::MULTI]);
  EXPECT_EQ(p.rig.context_fault(kBank).rises(), 1U);
}

// MULTI keeps the line up; so it raises it, too, where SS alone had left it down.
TEST(HitUnderFault, ThatIsMultipleInterrupts) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.hit_under_fault_is_multiple = true;
  Pair p(held_up(stalling()), config);
  EXPECT_THAT(p.waiting.translate(kMissing), Stalls());
  p.clear();
  EXPECT_FALSE(p.rig.context_fault(kBank).up());
  EXPECT_THAT(p.hasty.translate(kPage), Aborts());
  EXPECT_EQ(p.fsr(), SMMU_CBn_FSR().set(SMMU_CBn_FSR::SS, true).set(SMMU_CBn_FSR::MULTI, true));
  EXPECT_TRUE(p.rig.context_fault(kBank).up());
}

// Even what is to be terminated holds up nobody for longer than it lasts itself.
TEST(HitUnderFault, WaitsForTheStalledOneAndIsTranslatedAfterIt) {
  for (const auto which : {SmmuV2Config::Resume::kAll, SmmuV2Config::Resume::kOldest}) {
    for (const bool terminates : {false, true}) {
      SCOPED_TRACE(::testing::Message() << static_cast<int>(which) << ' ' << terminates);
      SmmuV2Config config = SmmuV2Config::generic();
      config.resume = which;
      Pair p(held_up(stalling()), config);
      const Outcome first = p.waiting.translate(kMissing);
      const Outcome second = p.waiting.translate(kPage);
      ASSERT_THAT(second, Stalls());
      EXPECT_FALSE(p.fsr()[SMMU_CBn_FSR::MULTI]);
      p.table.map(kMissing, p.target, 4096);
      p.clear();
      EXPECT_EQ(p.ends.size(), 0U) << "one is stalled";
      p.resume(terminates);
      const auto end = p.ends.take(first);
      ASSERT_TRUE(end);
      if (terminates) {
        EXPECT_THAT(*end, Aborts());
      } else {
        EXPECT_THAT(*end, TranslatesTo(p.target));
      }
      const auto after = p.ends.take(second);
      ASSERT_TRUE(after) << "nothing is stalled that it could wait for";
      EXPECT_THAT(*after, TranslatesTo(p.target));
      EXPECT_EQ(p.fsr(), SMMU_CBn_FSR());
    }
  }
}

// The fault is of a device that cannot wait: no SS tells software to resume anything.
TEST(HitUnderFault, WaitsForAFaultThatStallsNobodyNoLongerThanItLasts) {
  Pair p(held_up(stalling()));
  EXPECT_THAT(p.hasty.translate(kMissing), Aborts());
  const Outcome held = p.waiting.translate(kPage);
  ASSERT_THAT(held, Stalls());
  EXPECT_FALSE(p.fsr()[SMMU_CBn_FSR::SS]);
  EXPECT_EQ(p.ends.size(), 0U);
  p.clear();
  const auto end = p.ends.take(held);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(p.target));
}

TEST(HitUnderFault, OfADeviceThatCannotWaitIsTerminated) {
  Pair p(held_up(stalling()));
  EXPECT_THAT(p.waiting.translate(kMissing), Stalls());
  EXPECT_THAT(p.hasty.translate(kPage), Aborts());
  p.clear();
  EXPECT_THAT(p.hasty.translate(kPage), Aborts()) << "SS is still there";
  p.resume(true);
  EXPECT_THAT(p.hasty.translate(kPage), TranslatesTo(p.target));
}

// A fault below holds up what is above it.
TEST(HitUnderFault, OfTheStage2BankHoldsUpItsNestedBanks) {
  Pair p(translating());
  PageTable stage2 = p.rig.page_table(stage2_tables());
  stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 1 << 21);
  constexpr std::uint32_t kStage2 = 7;
  p.software.stage2(kStage2, stage2, {.control = held_up(translating())});
  p.software.nested(kBank, p.table, kStage2);
  EXPECT_THAT(p.hasty.translate(kPage), TranslatesTo(p.target));
  p.table.map(kMissing, Pa(0x7000'0000), 4096);
  EXPECT_THAT(p.hasty.translate(kMissing), Aborts());
  EXPECT_EQ(p.fsr(), SMMU_CBn_FSR());
  EXPECT_THAT(p.hasty.translate(kPage), Aborts());
  EXPECT_EQ(p.fsr(), SMMU_CBn_FSR());
  p.software.bank(kStage2).write(all_faults());
  EXPECT_THAT(p.hasty.translate(kPage), TranslatesTo(p.target));
}

TEST(HitUnderFault, StallsEverybodyWithGSE) {
  Pair p(stalling());
  p.software.enable(everything_faults().set(SMMU_sCR0::GSE, true));
  EXPECT_THAT(p.other_waiting.translate(kPage), TranslatesTo(p.target));
  const Outcome first = p.waiting.translate(kMissing);
  ASSERT_THAT(first, Stalls());
  const Outcome same = p.waiting.translate(kPage);
  const Outcome other = p.other_waiting.translate(kPage);
  EXPECT_THAT(same, Stalls());
  EXPECT_THAT(other, Stalls());
  EXPECT_THAT(p.other_hasty.translate(kPage), Aborts());
  EXPECT_EQ(p.software.bank(kOtherBank).read<SMMU_CBn_FSR>(), SMMU_CBn_FSR());
  p.clear();
  EXPECT_EQ(p.ends.size(), 0U);
  p.resume(true);
  for (const Outcome& outcome : {same, other}) {
    const auto end = p.ends.take(outcome);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, TranslatesTo(p.target));
  }
  EXPECT_THAT(*p.ends.take(first), Aborts());
  EXPECT_THAT(p.other_hasty.translate(kPage), TranslatesTo(p.target));
}

// An unsupported transaction is its own stream's, whoever has stalled.
TEST(HitUnderFault, UnsupportedTransactionsAreRecordedInTheirOwnBank) {
  Pair p(stalling());
  p.software.enable(everything_faults().set(SMMU_sCR0::GSE, true));
  ASSERT_THAT(p.waiting.translate(kMissing), Stalls());
  EXPECT_THAT(p.other_hasty.refuse(kPage, 0), Aborts());
  EXPECT_TRUE(p.software.bank(kOtherBank).read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::UUT]);
  EXPECT_FALSE(p.fsr()[SMMU_CBn_FSR::MULTI]);
}

}  // namespace
}  // namespace smmu::testing::hit_under_fault_test
