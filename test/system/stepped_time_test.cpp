// Stepped time: each handshake and effect seen by itself (IHI 0070, 4.7.3, 6.3.9, 6.3.14, 6.3.16,
// 7.2.1), and that in the end it makes no difference.
#include <numeric>

#include "smmu/arch/v3/translation_operation_registers.h"
#include "test/system/random_driver.h"
#include "test/system/stalling_stream.h"

namespace smmu::testing::stepped_time_test {
namespace {

using emulator::CachePolicy;
using emulator::Pace;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandError;
using v3::CommandHeader;
using v3::EventType;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_CR2;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GBPA;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;
using v3::SMMU_STRTAB_BASE;

Board::Options stepped() {
  Board::Options options;
  options.config.pace = Pace::kStepped;
  return options;
}

class SteppedTime : public ::testing::Test, protected StallingStream {
 protected:
  SteppedTime() : StallingStream(stepped()) { use(context(table)); }

  emulator::SmmuV3& smmu() { return board.smmu(); }
  bool step() { return smmu().step(1) == 1; }
  std::uint32_t cr0() { return smmu().read<SMMU_CR0>().raw(); }
  std::uint32_t cr0ack() { return smmu().read<SMMU_CR0ACK>().raw(); }
  std::uint32_t consumed() { return smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD]; }
  std::uint32_t recorded() { return smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::WR]; }
};

TEST_F(SteppedTime, BeginsWithNothingToDo) { EXPECT_EQ(smmu().step(100), 0U); }

TEST_F(SteppedTime, Cr0IsAcknowledgedByAStep) {  // 6.3.9, 6.3.10
  const std::uint32_t on = cr0();
  const SMMU_CR0 off = SMMU_CR0(on).set(SMMU_CR0::SMMUEN, false);
  smmu().write(off);
  EXPECT_EQ(cr0(), off.raw());
  EXPECT_EQ(cr0ack(), on);
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
  EXPECT_TRUE(step());
  EXPECT_EQ(cr0ack(), off.raw());
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(Pa(kMapped.value)));
  EXPECT_FALSE(step());
}

TEST_F(SteppedTime, TheGateOpensWithTheAcknowledgement) {  // 6.3.9.6
  const SMMU_CR0 on(cr0());
  enable(false);
  smmu().write(on);
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(Pa(kMapped.value)));
  EXPECT_TRUE(step());
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
}

TEST_F(SteppedTime, AFieldOfCr0ThatIsNotAcknowledgedKeepsItsValue) {  // 6.3.9
  const SMMU_CR0 on(cr0());
  SMMU_CR0 off = on;
  smmu().write(off.set(SMMU_CR0::SMMUEN, false));
  smmu().write(on);
  EXPECT_EQ(cr0(), off.raw());
  // Another field may be written.
  smmu().write(SMMU_CR0(on).set(SMMU_CR0::VMW, 2));
  EXPECT_EQ(cr0(), off.set(SMMU_CR0::VMW, 2).raw());
  EXPECT_EQ(cr0ack(), on.raw());
  EXPECT_TRUE(step());
  EXPECT_EQ(cr0ack(), off.raw());
}

TEST_F(SteppedTime, GuardsHoldFromTheWriteToTheAcknowledgement) {  // 6.3
  const SMMU_CR0 on(cr0());
  const auto strtab = smmu().read<SMMU_STRTAB_BASE>();
  const auto commands = smmu().read<SMMU_CMDQ_BASE>();
  const auto events = smmu().read<SMMU_EVENTQ_BASE>();
  const auto try_all = [&](std::uint64_t value) {
    smmu().write(SMMU_STRTAB_BASE(value));
    smmu().write(SMMU_CMDQ_BASE(value));
    smmu().write(SMMU_EVENTQ_BASE(value));
    smmu().write(SMMU_CR2().set(SMMU_CR2::RECINVSID, value != 0));
  };
  const auto expect_closed = [&] {
    EXPECT_EQ(smmu().read<SMMU_STRTAB_BASE>(), strtab);
    EXPECT_EQ(smmu().read<SMMU_CMDQ_BASE>(), commands);
    EXPECT_EQ(smmu().read<SMMU_EVENTQ_BASE>(), events);
    EXPECT_FALSE(smmu().read<SMMU_CR2>()[SMMU_CR2::RECINVSID]);
  };
  smmu().write(SMMU_CR0());
  try_all(0x4200'0000);
  expect_closed();
  EXPECT_TRUE(step());
  try_all(0x4200'0000);
  EXPECT_EQ(smmu().read<SMMU_STRTAB_BASE>().raw(), 0x4200'0000U);
  EXPECT_EQ(smmu().read<SMMU_CMDQ_BASE>().raw(), 0x4200'0000U);
  EXPECT_EQ(smmu().read<SMMU_EVENTQ_BASE>().raw(), 0x4200'0000U);
  EXPECT_TRUE(smmu().read<SMMU_CR2>()[SMMU_CR2::RECINVSID]);
  smmu().write(strtab);
  smmu().write(commands);
  smmu().write(events);
  smmu().write(SMMU_CR2());
  smmu().write(on);
  try_all(0x4200'0000);
  expect_closed();
  EXPECT_TRUE(step());
  try_all(0x4200'0000);
  expect_closed();
}

TEST_F(SteppedTime, IrqCtrlIsAcknowledgedByAStepAndGuards) {  // 6.3.15, 6.3.16, 6.3.21
  const auto on = smmu().read<SMMU_IRQ_CTRL>();
  smmu().write(SMMU_IRQ_CTRL());
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRL>().raw(), 0U);
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), on.raw());
  smmu().write(SMMU_EVENTQ_IRQ_CFG1(7));
  EXPECT_EQ(smmu().read<SMMU_EVENTQ_IRQ_CFG1>().raw(), 0U);
  EXPECT_TRUE(step());
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
  smmu().write(SMMU_EVENTQ_IRQ_CFG1(7));
  EXPECT_EQ(smmu().read<SMMU_EVENTQ_IRQ_CFG1>().raw(), 7U);
  smmu().write(on);
  smmu().write(SMMU_EVENTQ_IRQ_CFG1(8));
  EXPECT_EQ(smmu().read<SMMU_EVENTQ_IRQ_CFG1>().raw(), 7U);
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
  EXPECT_TRUE(step());
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), on.raw());
}

TEST_F(SteppedTime, GbpaIsUpdatedByAStep) {  // 6.3.14
  enable(false);
  board.settle();
  smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(Pa(kMapped.value)));
  smmu().write(SMMU_GBPA().set(SMMU_GBPA::Update, true));  // ignored
  EXPECT_TRUE(step());
  EXPECT_FALSE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  EXPECT_THAT(device.translate(kMapped), Aborts());
}

TEST_F(SteppedTime, GbpaIsUpdatedBeforeTheGateCloses) {
  smmu().write(SMMU_CR0(cr0()).set(SMMU_CR0::SMMUEN, false));
  smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  EXPECT_TRUE(step());
  EXPECT_FALSE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
  EXPECT_TRUE(step());
  EXPECT_THAT(device.translate(kMapped), Aborts());
}

TEST_F(SteppedTime, ATranslationOperationIsAStep) {  // 6.3.37, 9.1.2
  using v3::SMMU_GATOS_ADDR;
  using v3::SMMU_GATOS_CTRL;
  using v3::SMMU_GATOS_PAR;
  using v3::SMMU_GATOS_SID;
  const auto ask = [&] {
    smmu().write(SMMU_GATOS_SID().set(SMMU_GATOS_SID::STREAMID, kStream.value));
    smmu().write(SMMU_GATOS_ADDR()
                     .set(SMMU_GATOS_ADDR::ADDR, kMapped.value)
                     .set(SMMU_GATOS_ADDR::TYPE, v3::TranslationType::kStage1)
                     .set(SMMU_GATOS_ADDR::RnW, true));
    smmu().write(SMMU_GATOS_CTRL().set(SMMU_GATOS_CTRL::RUN, true));
  };
  ask();
  // Nothing of its group changes meanwhile.
  smmu().write(SMMU_GATOS_ADDR());
  EXPECT_TRUE(smmu().read<SMMU_GATOS_CTRL>()[SMMU_GATOS_CTRL::RUN]);
  EXPECT_EQ(smmu().read<SMMU_GATOS_PAR>().raw(), 0U);
  EXPECT_TRUE(step());
  EXPECT_FALSE(smmu().read<SMMU_GATOS_CTRL>()[SMMU_GATOS_CTRL::RUN]);
  EXPECT_FALSE(smmu().read<SMMU_GATOS_PAR>()[SMMU_GATOS_PAR::FAULT]);
  EXPECT_EQ(smmu().read<SMMU_GATOS_PAR>()[SMMU_GATOS_PAR::ADDR], page.value);
  EXPECT_FALSE(step());
  // It ends, cut off, before SMMUEN is acknowledged.
  ask();
  smmu().write(SMMU_CR0(cr0()).set(SMMU_CR0::SMMUEN, false));
  EXPECT_TRUE(step());
  EXPECT_FALSE(smmu().read<SMMU_GATOS_CTRL>()[SMMU_GATOS_CTRL::RUN]);
  EXPECT_TRUE(smmu().read<SMMU_GATOS_PAR>()[SMMU_GATOS_PAR::FAULT]);
  EXPECT_NE(cr0(), cr0ack());
  EXPECT_TRUE(step());
  EXPECT_EQ(cr0(), cr0ack());
}

TEST_F(SteppedTime, ACommandIsAStep) {  // 4.1
  const std::uint32_t at = consumed();
  board.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_TLBI_NSNH_ALL>(),
               command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
  EXPECT_EQ(consumed(), at);
  EXPECT_TRUE(step());
  EXPECT_EQ(consumed(), at + 1);
  EXPECT_EQ(smmu().step(2), 2U);
  EXPECT_EQ(consumed(), at + 3);
  EXPECT_EQ(smmu().step(100), 1U);
  EXPECT_TRUE(board.idle());
}

TEST_F(SteppedTime, AnInvalidationTakesEffectWhenItIsConsumed) {  // 4.4
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
  table.map(kMapped, other_page, 4096);
  board.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
  EXPECT_TRUE(step());
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(other_page));
}

TEST_F(SteppedTime, ASyncIsConsumedAndThenSignals) {  // 4.7.3
  const Pa message = board.allocate(4096);
  const unsigned before = board.sync_line.count();
  board.submit(command<CMD_SYNC>()
                   .set(CMD_SYNC::CS, SyncSignal::kIrq)
                   .set(CMD_SYNC::MSIAddress, message.value)
                   .set(CMD_SYNC::MSIData, 0xabcd),
               command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
  const std::uint32_t at = consumed();
  EXPECT_TRUE(step());
  EXPECT_EQ(consumed(), at + 1);
  EXPECT_EQ(load(board.memory(), message), 0U);
  EXPECT_EQ(board.sync_line.count(), before);
  EXPECT_TRUE(step());
  EXPECT_EQ(load(board.memory(), message), 0xabcdU);
  EXPECT_EQ(board.sync_line.count(), before + 1);
  EXPECT_EQ(consumed(), at + 1);
  EXPECT_TRUE(step());
  EXPECT_EQ(consumed(), at + 2);
  EXPECT_EQ(board.wake_up_line.count(), 0U);
  EXPECT_TRUE(step());
  EXPECT_EQ(board.wake_up_line.count(), 1U);
}

TEST_F(SteppedTime, AnErrorStopsTheQueueAndThenInterrupts) {  // 7.1, 7.5
  board.submit(CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0xff)));
  const auto active = [&] {
    return smmu().read<SMMU_GERROR>().raw() != smmu().read<SMMU_GERRORN>().raw();
  };
  EXPECT_FALSE(active());
  EXPECT_TRUE(step());
  EXPECT_TRUE(active());
  EXPECT_EQ(smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
  EXPECT_EQ(board.error_line.count(), 0U);
  EXPECT_TRUE(step());
  EXPECT_EQ(board.error_line.count(), 1U);
  EXPECT_FALSE(step());
  store(board.memory(), Pa(board.command_queue().value + 16 * consumed()), command<CMD_SYNC>());
  smmu().write(SMMU_GERRORN(smmu().read<SMMU_GERROR>().raw()));
  EXPECT_FALSE(board.idle());
  EXPECT_TRUE(step());
  EXPECT_TRUE(board.idle());
}

TEST_F(SteppedTime, ADeviceIsAnsweredBeforeItsFaultIsRecorded) {  // 7.2
  const unsigned before = board.event_line.count();
  const std::uint32_t at = recorded();
  EXPECT_THAT(device.translate(kUnmapped), Aborts());
  EXPECT_EQ(recorded(), at);
  EXPECT_TRUE(step());
  EXPECT_EQ(recorded(), at + 1);
  EXPECT_EQ(board.event_line.count(), before);
  EXPECT_TRUE(step());
  EXPECT_EQ(board.event_line.count(), before + 1);
  EXPECT_FALSE(step());
}

TEST_F(SteppedTime, RecordsComeBeforeCommands) {  // 4.7.3: a CMD_SYNC finds them in the queue
  const std::uint32_t at = recorded();
  board.submit(command<CMD_SYNC>());
  device.translate(kUnmapped);
  device.translate(kUnmapped);
  EXPECT_EQ(smmu().step(3), 3U);  // with one interrupt: the queue was empty
  EXPECT_EQ(recorded(), at + 2);
  EXPECT_FALSE(board.idle());
  EXPECT_TRUE(step());
  EXPECT_TRUE(board.idle());
}

TEST_F(SteppedTime, WhatWasCommittedIsRecordedBeforeTheQueueIsDisabled) {  // 7.2.1, 6.3.9.4
  const std::uint32_t at = recorded();
  for (unsigned i = 0; i != 3; ++i) device.translate(kUnmapped);
  const SMMU_CR0 on(cr0());
  smmu().write(SMMU_CR0(on).set(SMMU_CR0::EVENTQEN, false));
  EXPECT_EQ(smmu().step(4), 4U);
  EXPECT_EQ(recorded(), at + 3);
  EXPECT_EQ(cr0ack(), on.raw());
  EXPECT_TRUE(step());
  EXPECT_EQ(cr0ack(), cr0());
  // And lost before it is enabled, where that came while it was disabled.
  for (unsigned i = 0; i != 3; ++i) device.translate(kUnmapped);
  smmu().write(on);
  EXPECT_EQ(smmu().step(100), 4U);
  EXPECT_EQ(cr0ack(), on.raw());
  EXPECT_EQ(recorded(), at + 3);
}

TEST_F(SteppedTime, AnInterruptComesBeforeItsDisablingIsAcknowledged) {  // 6.3.16
  device.translate(kUnmapped);
  const unsigned before = board.event_line.count();
  EXPECT_TRUE(step());
  smmu().write(SMMU_IRQ_CTRL());
  EXPECT_TRUE(step());
  EXPECT_EQ(board.event_line.count(), before + 1);
  EXPECT_NE(smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
  EXPECT_TRUE(step());
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
}

TEST_F(SteppedTime, AStallGoesOnStepByStep) {  // 3.12.2, 4.7.1
  use(context(table).set(v3::CD::S, true));
  const auto outcome = device.translate(kUnmapped);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_THAT(board.events(), IsEmpty());
  EXPECT_TRUE(step());
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(outcome))));
  EXPECT_TRUE(step());  // the interrupt
  board.settle();
  repair();
  board.submit(retry(tag_of(outcome)));
  EXPECT_TRUE(step());
  EXPECT_TRUE(board.idle());
  EXPECT_EQ(ends.size(), 0U);
  EXPECT_TRUE(step());
  EXPECT_THAT(ends.take(outcome), Optional(TranslatesTo(other_page)));
  EXPECT_FALSE(step());
}

TEST_F(SteppedTime, ClearingSmmuenAbortsWhatIsStalledAfterwards) {  // 6.3.9.6: marked before
  use(context(table).set(v3::CD::S, true));
  const auto first = device.translate(kUnmapped);
  const auto second = device.translate(kUnmapped);
  smmu().write(SMMU_CR0(cr0()).set(SMMU_CR0::SMMUEN, false));
  EXPECT_TRUE(step());
  EXPECT_EQ(cr0(), cr0ack());
  EXPECT_EQ(ends.size(), 0U);
  EXPECT_EQ(smmu().step(100), 2U);
  EXPECT_THAT(ends.take(first), Optional(Aborts()));
  EXPECT_THAT(ends.take(second), Optional(Aborts()));
}

TEST_F(SteppedTime, AnUpdateOfADescriptorIsNoStep) {  // 3.13
  table.map(kMapped, page, 4096, {.access_flag = false});
  use(context(table).set(v3::CD::HA, true));
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
  EXPECT_NE(load(board.memory(), table.descriptor(kMapped)) & (1U << 10), 0U);
  EXPECT_FALSE(step());
}

TEST_F(SteppedTime, AResetLeavesNothingToDo) {
  device.translate(kUnmapped);
  board.submit(command<CMD_SYNC>());
  smmu().write(SMMU_CR0());
  smmu().reset(emulator::Reset::kWarm);
  EXPECT_EQ(cr0ack(), 0U);
  EXPECT_EQ(smmu().step(100), 0U);
}

TEST_F(SteppedTime, ASyncWaitsForAnAccessInFlightInVain) {  // 4.7.3
  class Register final : public emulator::DeviceRegion {
   public:
    BusResponse read(std::uint64_t, std::span<std::byte>) override {
      program();
      return BusResponse::kOkay;
    }
    BusResponse write(std::uint64_t, std::span<const std::byte>) override {
      return BusResponse::kOkay;
    }
    std::function<void()> program;
  };
  constexpr Pa kRegister(0x1000'0000);
  Register target;
  ASSERT_TRUE(board.memory().add_device(kRegister, 4096, target));
  table.map(kUnmapped, kRegister, 4096);
  target.program = [&] {
    board.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
    EXPECT_EQ(smmu().step(100), 1U);
  };
  EXPECT_EQ(device.read64(kUnmapped), 0U);
  EXPECT_FALSE(board.idle());
  EXPECT_TRUE(step());
  EXPECT_TRUE(board.idle());
}

TEST_F(SteppedTime, ACallbackDoesNotStep) {
  std::uint32_t inside = 1;
  board.sync_line.on_pulse([&] { inside = smmu().step(10); });
  board.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq), command<CMD_SYNC>());
  EXPECT_EQ(smmu().step(2), 2U);
  EXPECT_EQ(inside, 0U);
  EXPECT_FALSE(board.idle());
}

TEST(SteppedTimeOf, AGuestThatFeedsItselfEndsWithTheStepsAskedFor) {
  // A CMD_SYNC whose message is the next doorbell.
  class Doorbell final : public emulator::DeviceRegion {
   public:
    BusResponse read(std::uint64_t, std::span<std::byte>) override { return BusResponse::kAbort; }
    BusResponse write(std::uint64_t, std::span<const std::byte>) override {
      ring();
      return BusResponse::kOkay;
    }
    std::function<void()> ring;
  };
  constexpr Pa kDoorbell(0x1000'0000);
  Board board(stepped());
  Doorbell doorbell;
  ASSERT_TRUE(board.memory().add_device(kDoorbell, 4096, doorbell));
  board.bring_up();
  doorbell.ring = [&] {
    board.submit(command<CMD_SYNC>()
                     .set(CMD_SYNC::CS, SyncSignal::kIrq)
                     .set(CMD_SYNC::MSIAddress, kDoorbell.value));
  };
  doorbell.ring();
  EXPECT_EQ(board.smmu().step(10'001), 10'001U);
  EXPECT_EQ(board.sync_line.count(), 5'000U);
  EXPECT_FALSE(board.smmu().step(1) == 0);
}

TEST(SteppedTimeOf, AnSmmuThatDoesAllAtOnceIsNothing) {
  Board board;
  board.bring_up();
  board.submit(command<CMD_SYNC>());
  EXPECT_TRUE(board.idle());
  EXPECT_EQ(board.smmu().step(100), 0U);
}

class SteppedAndAtOnce : public ::testing::TestWithParam<CachePolicy> {};

// A driver that waits for what it asks for sees the same registers, memory, events and answers.
TEST_P(SteppedAndAtOnce, EndInTheSameState) {
  for (unsigned seed = 1; seed != 61; ++seed) {
    RandomDriver::Options options{.seed = seed, .patient = true};
    options.config.caching.policy = GetParam();
    RandomDriver at_once(options);
    options.config.pace = Pace::kStepped;
    RandomDriver by_steps(options);
    Dice dice(seed);
    for (unsigned i = 0; i != 300; ++i) {
      at_once.act();
      by_steps.act();
      by_steps.step(dice.below(3));
      ASSERT_EQ(at_once.seen(), by_steps.seen()) << "seed " << seed << ", act " << i;
    }
    at_once.settle();
    by_steps.settle();
    ASSERT_EQ(at_once.events(), by_steps.events()) << "seed " << seed;
    ASSERT_EQ(at_once.seen(), by_steps.seen()) << "seed " << seed;
    ASSERT_EQ(at_once.registers(), by_steps.registers()) << "seed " << seed;
    ASSERT_EQ(at_once.memory(), by_steps.memory()) << "seed " << seed;
    ASSERT_FALSE(at_once.events().empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, SteppedAndAtOnce,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial));

}  // namespace
}  // namespace smmu::testing::stepped_time_test
