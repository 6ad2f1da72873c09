// Faults that stall: an access waits until SMMU_CBn_RESUME says what becomes of it.
#include <array>
#include <functional>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::stall_test {
namespace {

using emulator::Direction;
using emulator::Outcome;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr StreamId kOtherStream(0x77);
constexpr Iova kPage(0x12'3456'7000);
constexpr Iova kMissing(0x12'3456'8000);
constexpr std::uint32_t kBank = 3;
constexpr std::uint32_t kOtherBank = 4;

// A bank whose faults stall and that maps kPage alone, and devices that can wait.
class Stalling {
 public:
  explicit Stalling(const SmmuV2Config& config = SmmuV2Config::generic()) : rig(config) {
    table.map(kPage, target, 4096);
    software.stage1(kBank, table, {.asid = 5, .control = stalling()});
    software.stage1(kOtherBank, table, {.asid = 6, .control = stalling()});
    software.lead(kStream, kBank);
    software.lead(kOtherStream, kOtherBank);
    software.enable();
  }

  SMMU_CBn_FSR fsr() const { return bank.read<SMMU_CBn_FSR>(); }
  void clear() const { bank.write(all_faults()); }
  // What a handler does: clears the fault, then says what becomes of the access.
  void retry() const {
    clear();
    bank.write(SMMU_CBn_RESUME());
  }
  void terminate() const {
    clear();
    bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
  }
  void invalidate() const {
    software.gr0.write(SMMU_TLBIALLNSNH());
    software.synchronize();
  }

  V2Rig rig;
  Software software{rig};
  RegisterPage bank = software.bank(kBank);
  PageTable table = rig.page_table(stage1_tables());
  Pa target = rig.allocate(4096);
  Resumptions ends;
  DmaDevice device = rig.device(kStream, ends);
  DmaDevice other = rig.device(kOtherStream, ends);
};

TEST(Stall, IsRecordedAndHoldsTheAccess) {
  Stalling s;
  EXPECT_THAT(s.device.translate(kMissing, Direction::kWrite), Stalls());
  EXPECT_EQ(s.fsr(), SMMU_CBn_FSR()
                         .set(SMMU_CBn_FSR::TF, true)
                         .set(SMMU_CBn_FSR::SS, true)
                         .set(SMMU_CBn_FSR::FORMAT, TranslationFormat::kAArch64));
  EXPECT_EQ(s.bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kMissing.value);
  EXPECT_TRUE(s.rig.context_fault(kBank).up());
  EXPECT_EQ(s.ends.size(), 0U);
}

TEST(Stall, IsRetriedWithTheTablesOfThen) {
  Stalling s;
  const Outcome stalled = s.device.translate(kMissing);
  s.table.map(kMissing, s.target, 4096);
  s.clear();
  EXPECT_EQ(s.fsr(), SMMU_CBn_FSR().set(SMMU_CBn_FSR::SS, true)) << "a write does not clear SS";
  EXPECT_EQ(s.ends.size(), 0U);
  s.bank.write(SMMU_CBn_RESUME());
  const auto end = s.ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(s.target));
  EXPECT_EQ(s.fsr(), SMMU_CBn_FSR());
  EXPECT_TRUE(s.rig.quiet());
}

// What the access met was a translation in the TLB, which stays until it is invalidated.
TEST(Stall, IsRetriedWithStaleTranslationsUntilTheyAreInvalidated) {
  Stalling s;
  s.table.map(kPage, s.target, 4096, {.writable = false});
  EXPECT_THAT(s.device.translate(kPage), TranslatesTo(s.target));
  const Outcome stalled = s.device.translate(kPage, Direction::kWrite);
  ASSERT_THAT(stalled, Stalls());
  s.table.map(kPage, s.target, 4096);
  s.retry();
  EXPECT_FALSE(s.ends.take(stalled)) << "the TLB still says that it is read-only";
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::PF]);
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::SS]);
  s.invalidate();
  s.retry();
  const auto end = s.ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(s.target));
}

TEST(Stall, ThatFaultsAgainIsRecordedAgain) {
  Stalling s;
  const Outcome stalled = s.device.translate(kMissing);
  s.bank.write(SMMU_CBn_FAR());
  s.retry();
  EXPECT_EQ(s.ends.size(), 0U);
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::TF]);
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::SS]);
  EXPECT_EQ(s.bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kMissing.value);
  EXPECT_EQ(s.rig.context_fault(kBank).rises(), 2U);
  s.terminate();
  const auto end = s.ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
}

TEST(Stall, IsTerminatedAsTheBankSays) {
  for (const bool aborts : {false, true}) {
    SCOPED_TRACE(aborts);
    Stalling s;
    s.bank.write(stalling().set(SMMU_CBn_SCTLR::CFRE, aborts));
    const Outcome stalled = s.device.translate(kMissing);
    s.terminate();
    const auto end = s.ends.take(stalled);
    ASSERT_TRUE(end);
    if (aborts) {
      EXPECT_THAT(*end, Aborts());
    } else {
      EXPECT_THAT(*end, IsRazWi());
    }
    EXPECT_EQ(s.fsr(), SMMU_CBn_FSR());
  }
}

// CFCFG is looked at again when it faults again.
TEST(Stall, ThatFaultsAgainStallsAsTheBankSaysThen) {
  Stalling s;
  const Outcome stalled = s.device.translate(kMissing);
  s.bank.write(translating());
  s.retry();
  const auto end = s.ends.take(stalled);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::TF]);
  EXPECT_FALSE(s.fsr()[SMMU_CBn_FSR::SS]);
}

TEST(Stall, OfOneBankIsNotResumedByAnother) {
  Stalling s;
  const Outcome one = s.device.translate(kMissing);
  const Outcome two = s.other.translate(kMissing);
  ASSERT_THAT(two, Stalls());
  s.table.map(kMissing, s.target, 4096);
  s.software.bank(kOtherBank).write(all_faults());
  s.software.bank(kOtherBank).write(SMMU_CBn_RESUME());
  EXPECT_TRUE(s.ends.take(two));
  EXPECT_FALSE(s.ends.take(one));
  s.retry();
  EXPECT_TRUE(s.ends.take(one));
}

TEST(Stall, SeveralAreResumedAtOnce) {
  Stalling s;
  std::vector<Outcome> stalled;
  for (std::uint64_t i = 0; i != 4; ++i) {
    stalled.push_back(s.device.translate(Iova(kMissing.value + 4096 * i)));
    ASSERT_THAT(stalled.back(), Stalls());
  }
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::MULTI]);
  EXPECT_EQ(s.bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kMissing.value);
  s.table.map(kMissing, s.target, 4096);
  s.retry();
  EXPECT_TRUE(s.ends.take(stalled[0]));
  EXPECT_EQ(s.ends.size(), 0U) << "the others fault again";
  s.terminate();
  for (std::size_t i = 1; i != 4; ++i) {
    const auto end = s.ends.take(stalled[i]);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, Aborts());
  }
  EXPECT_EQ(s.fsr(), SMMU_CBn_FSR());
}

TEST(Stall, SeveralAreResumedOneByOneOldestFirst) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.resume = SmmuV2Config::Resume::kOldest;
  Stalling s(config);
  std::vector<Outcome> stalled;
  for (std::uint64_t i = 0; i != 3; ++i) {
    stalled.push_back(s.device.translate(Iova(kMissing.value + 4096 * i)));
  }
  s.clear();
  for (std::size_t i = 0; i != 3; ++i) {
    SCOPED_TRACE(i);
    EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::SS]);
    s.terminate();
    EXPECT_TRUE(s.ends.take(stalled[i]));
    EXPECT_EQ(s.ends.size(), 0U);
  }
  EXPECT_EQ(s.fsr(), SMMU_CBn_FSR());
}

TEST(Stall, NeverComesWhereItIsDisabled) {
  Stalling s;
  s.software.enable(everything_faults().set(SMMU_sCR0::STALLD, true));
  EXPECT_THAT(s.device.translate(kMissing), Aborts());
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::TF]);
  EXPECT_FALSE(s.fsr()[SMMU_CBn_FSR::SS]);
}

TEST(Stall, NeverComesToADeviceThatCannotWait) {
  Stalling s;
  EXPECT_THAT(s.rig.device(kStream).translate(kMissing), Aborts());
  EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::TF]);
  EXPECT_FALSE(s.fsr()[SMMU_CBn_FSR::SS]);
}

TEST(Stall, NeverComesToMoreThanThereIsRoomFor) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.most_stalled = 2;
  Stalling s(config);
  const Outcome one = s.device.translate(kMissing);
  const Outcome two = s.other.translate(kMissing);
  ASSERT_THAT(one, Stalls());
  ASSERT_THAT(two, Stalls());
  EXPECT_THAT(s.device.translate(kMissing), Aborts());
  s.terminate();
  EXPECT_TRUE(s.ends.take(one));
  EXPECT_THAT(s.device.translate(kMissing), Stalls());
}

TEST(Stall, IsResumedOnlyOnceTheFaultIsCleared) {
  for (const auto early :
       {SmmuV2Config::EarlyResume::kObeyed, SmmuV2Config::EarlyResume::kIgnored}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.early_resume = early;
    Stalling s(config);
    const bool obeyed = early == SmmuV2Config::EarlyResume::kObeyed;
    SCOPED_TRACE(obeyed);
    const Outcome stalled = s.device.translate(kMissing);
    s.table.map(kMissing, s.target, 4096);
    s.bank.write(SMMU_CBn_RESUME());
    EXPECT_EQ(s.ends.take(stalled).has_value(), obeyed);
    EXPECT_EQ(s.fsr()[SMMU_CBn_FSR::SS], !obeyed);
    EXPECT_TRUE(s.fsr()[SMMU_CBn_FSR::TF]);
    s.retry();
    EXPECT_EQ(s.ends.take(stalled).has_value(), !obeyed);
    EXPECT_EQ(s.fsr(), SMMU_CBn_FSR());
  }
}

TEST(Stall, AloneKeepsTheLineUpWhereItInterrupts) {
  for (const bool interrupts : {false, true}) {
    SCOPED_TRACE(interrupts);
    SmmuV2Config config = SmmuV2Config::generic();
    config.stall_interrupts = interrupts;
    Stalling s(config);
    s.device.translate(kMissing);
    EXPECT_TRUE(s.rig.context_fault(kBank).up());
    s.clear();
    EXPECT_EQ(s.rig.context_fault(kBank).up(), interrupts);
    s.bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
    EXPECT_FALSE(s.rig.context_fault(kBank).up());
    EXPECT_EQ(s.rig.context_fault(kBank).rises(), 1U);
  }
}

// The handler of a real machine runs while the device still waits for its answer.
TEST(Stall, IsResumedByAHandlerThatTheLineItselfCalls) {
  class Handler final : public LevelLine {
   public:
    void set(bool up) override {
      if (up && on_rise) on_rise();
    }
    std::function<void()> on_rise;
  };
  Handler handler;
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x4000'0000), 1 << 20));
  // Only the line is of another kind than the rig's.
  auto smmu = *emulator::SmmuV2::create(
      SmmuV2Config::generic(),
      {.memory = &ram, .context_faults = {nullptr, nullptr, nullptr, &handler}});
  const RegisterPages pages(*smmu);
  const RegisterPage gr0 = pages.global0();
  const RegisterPage bank = pages.bank(kBank);
  using S2cr = SMMU_S2CRn_Translation;
  gr0.write(0, S2cr().set(S2cr::CBNDX, kBank));
  gr0.write(0, SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, kStream.value));
  pages.global1().write(kBank,
                        SMMU_CBARn().set(SMMU_CBARn::TYPE, ContextType::kStage1Stage2Bypass));
  pages.global1().write(kBank, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
  bank.write(SMMU_CBn_TCR_AArch64()
                 .set(SMMU_CBn_TCR_AArch64::T0SZ, 25)
                 .set(SMMU_CBn_TCR_AArch64::EPD1, true));
  bank.write(SMMU_CBn_TTBR0_AArch64(0x4000'0000));
  bank.write(stalling());
  gr0.write(everything_faults());
  handler.on_rise = [&] {
    bank.write(bank.read<SMMU_CBn_FSR>());
    bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
  };
  Resumptions ends;
  const DmaDevice device(smmu->add_port(ends), kStream);
  const Outcome outcome = device.translate(kPage);
  // The end may come as the answer, or after it.
  if (std::holds_alternative<emulator::Stalled>(outcome)) {
    const auto end = ends.take(outcome);
    ASSERT_TRUE(end) << "it waits, and nobody will resume it";
    EXPECT_THAT(*end, Aborts());
  } else {
    EXPECT_THAT(outcome, Aborts());
  }
  EXPECT_EQ(bank.read<SMMU_CBn_FSR>(), SMMU_CBn_FSR());
}

TEST(Stall, OfAnAccessAcrossPagesLeavesTheRestToTheDevice) {
  Stalling s;
  std::array<std::byte, 4096> bytes{};
  bytes.fill(std::byte{0x5a});
  const Iova start(kMissing.value - 1024);
  const auto transfer = s.device.write(start, bytes);
  EXPECT_THAT(transfer, Stalls());
  EXPECT_EQ(transfer.bytes, 1024U);
  EXPECT_EQ(load(s.rig.memory(), Pa(s.target.value + 4096 - 8)), 0x5a5a'5a5a'5a5a'5a5aU);
  EXPECT_EQ(s.bank.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], kMissing.value);
  const Pa second = s.rig.allocate(4096);
  s.table.map(kMissing, second, 4096);
  s.retry();
  const auto end = s.ends.take(transfer.outcome);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(second));
  const auto rest = s.device.write(kMissing, std::span(bytes).subspan(1024));
  EXPECT_EQ(rest.bytes, 3072U);
  EXPECT_EQ(load(s.rig.memory(), second), 0x5a5a'5a5a'5a5a'5a5aU);

  const auto read = s.device.read(Iova(kMissing.value + 4096 - 8), std::span(bytes).first(16));
  EXPECT_THAT(read, Stalls());
  EXPECT_EQ(read.bytes, 8U);
}

TEST(Stall, EndsInAnAbortWithAReset) {
  for (const emulator::Reset kind : {emulator::Reset::kWarm, emulator::Reset::kPowerOn}) {
    Stalling s;
    const Outcome stalled = s.device.translate(kMissing);
    s.rig.smmu().reset(kind);
    const auto end = s.ends.take(stalled);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, Aborts());
    EXPECT_EQ(s.fsr(), SMMU_CBn_FSR());
    EXPECT_TRUE(s.rig.quiet());
  }
}

}  // namespace
}  // namespace smmu::testing::stall_test
