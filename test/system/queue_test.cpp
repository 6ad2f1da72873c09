// Commands, events, errors and interrupts as software sees them (IHI 0070, 3.5, 3.18, 4.7, 7.1,
// 7.2, 7.4 and 7.5).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::queue_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v3::CMD_SYNC;
using v3::CommandError;
using v3::CommandHeader;
using v3::EventType;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_IRQ_CFG0;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;
using v3::SMMU_GERROR_IRQ_CFG0;
using v3::SMMU_GERRORN;
using v3::SMMU_IRQ_CTRL;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x1000);
constexpr std::uint64_t kNoMemory = 0x1000;

// Small queues, so that they wrap soon.
class Queues : public ::testing::Test {
 protected:
  Queues() : board_({.log2_commands = 2, .log2_events = 2}) {}
  void SetUp() override { board_.bring_up(); }

  SMMU_CMDQ_CONS consumer() { return board_.smmu().read<SMMU_CMDQ_CONS>(); }
  std::uint32_t active_errors() {
    return board_.smmu().read<SMMU_GERROR>().raw() ^ board_.smmu().read<SMMU_GERRORN>().raw();
  }
  void acknowledge_errors() {
    board_.smmu().write(SMMU_GERRORN(board_.smmu().read<SMMU_GERROR>().raw()));
  }
  // Every access of a stream whose STE is invalid makes an event.
  void cause_event() { EXPECT_THAT(device_.translate(kAddress), Aborts()); }
  // Writes a register that is guarded by the interrupt enables.
  template <class R>
  void write_with_interrupts_off(R value) {
    const auto enables = board_.smmu().read<SMMU_IRQ_CTRL>();
    board_.smmu().write(SMMU_IRQ_CTRL());
    board_.smmu().write(value);
    board_.smmu().write(enables);
  }

  Board board_;
  DmaDevice device_ = board_.device(kStream);
};

constexpr std::uint32_t kCommandError = 1 << 0;
constexpr std::uint32_t kEventQueueAbort = 1 << 2;
constexpr std::uint32_t kSyncMessageAbort = 1 << 4;
constexpr std::uint32_t kEventMessageAbort = 1 << 5;
constexpr std::uint32_t kErrorMessageAbort = 1 << 7;

TEST_F(Queues, CommandsWrapAround) {  // 3.5.1
  for (unsigned i = 0; i != 20; ++i) {
    board_.submit(command<CMD_SYNC>());
    EXPECT_TRUE(board_.idle());
  }
  EXPECT_EQ(active_errors(), 0U);
}

TEST_F(Queues, AFullQueueIsConsumedWhole) {  // 3.5.1
  const auto sync = command<CMD_SYNC>();
  board_.submit(sync, sync, sync, sync);
  EXPECT_TRUE(board_.idle());
}

TEST_F(Queues, EventsWrapAround) {  // 3.5.2
  for (unsigned i = 0; i != 20; ++i) {
    cause_event();
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
  }
}

TEST_F(Queues, NoCommandIsConsumedWhileTheQueueIsDisabled) {  // 6.3.9, CMDQEN
  const auto enabled = board_.smmu().read<SMMU_CR0>();
  SMMU_CR0 disabled = enabled;
  board_.smmu().write(disabled.set(SMMU_CR0::CMDQEN, false));
  board_.submit(command<CMD_SYNC>());
  EXPECT_FALSE(board_.idle());
  board_.smmu().write(enabled);
  EXPECT_TRUE(board_.idle());
}

TEST_F(Queues, AnIllegalCommandStopsTheQueueUntilItIsReplaced) {  // 7.1
  const auto first = consumer()[SMMU_CMDQ_CONS::RD];
  const auto bad = CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0xff));
  board_.submit(bad, command<CMD_SYNC>());
  EXPECT_FALSE(board_.idle());
  EXPECT_EQ(active_errors(), kCommandError);
  EXPECT_EQ(consumer()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
  EXPECT_EQ(consumer()[SMMU_CMDQ_CONS::RD], first);
  EXPECT_EQ(board_.error_line.count(), 1U);

  store(board_.memory(), Pa(board_.command_queue().value + 16 * (first % 4)), command<CMD_SYNC>());
  EXPECT_FALSE(board_.idle());
  acknowledge_errors();
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(active_errors(), 0U);
}

TEST_F(Queues, AcknowledgingWithoutRepairFailsAgain) {  // 7.1
  board_.submit(CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0)));
  acknowledge_errors();
  EXPECT_EQ(active_errors(), kCommandError);
  EXPECT_EQ(board_.error_line.count(), 2U);
}

TEST_F(Queues, CommandsOfAbsentFeaturesAreIllegal) {  // 4.1.3
  for (const auto opcode :
       {v3::Opcode::CMD_ATC_INV, v3::Opcode::CMD_PRI_RESP, v3::Opcode::CMD_DPTI_ALL,
        v3::Opcode::CMD_TLBI_EL2_ALL, v3::Opcode::CMD_TLBI_EL3_ALL, v3::Opcode::CMD_TLBI_S12_VMALL,
        v3::Opcode::CMD_TLBI_S2_IPA, v3::Opcode::CMD_TLBI_SNH_ALL}) {
    auto config = emulator::SmmuV3Config::everything().without_stage2();
    config.s_idr3 = {};
    config.idr0.set(v3::SMMU_IDR0::ATS, false)
        .set(v3::SMMU_IDR0::ATSRECERR, false)
        .set(v3::SMMU_IDR0::PRI, false);
    config.idr3.set(v3::SMMU_IDR3::PPS, false);
    Board board({.config = config});
    board.bring_up();
    board.submit(CommandHeader().set(CommandHeader::Opcode, opcode));
    EXPECT_EQ(board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL)
        << "opcode " << static_cast<unsigned>(opcode);
    EXPECT_EQ(board.error_line.count(), 1U);
  }
}

TEST_F(Queues, AReservedSyncSignalIsIllegal) {  // 4.7.3, CS 0b11
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, static_cast<SyncSignal>(3)));
  EXPECT_EQ(active_errors(), kCommandError);
}

TEST_F(Queues, ACommandThatCannotBeReadStopsTheQueue) {  // 7.1, CERROR_ABT
  auto& smmu = board_.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  SMMU_CR0 disabled = enabled;
  smmu.write(disabled.set(SMMU_CR0::CMDQEN, false));
  const auto good = smmu.read<SMMU_CMDQ_BASE>();
  smmu.write(SMMU_CMDQ_BASE(kNoMemory).set(SMMU_CMDQ_BASE::LOG2SIZE, 2));
  smmu.write(enabled);
  board_.submit(command<CMD_SYNC>());
  EXPECT_EQ(active_errors(), kCommandError);
  EXPECT_EQ(consumer()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ABT);

  smmu.write(disabled);
  smmu.write(good);
  smmu.write(enabled);
  acknowledge_errors();
  EXPECT_TRUE(board_.idle());
}

TEST_F(Queues, ASyncSignalsAsItIsTold) {  // 4.7.3
  board_.submit(command<CMD_SYNC>());
  const unsigned woken = board_.wake_up_line.count();
  EXPECT_EQ(board_.sync_line.count(), 0U);
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
  EXPECT_EQ(board_.sync_line.count(), 1U);
  EXPECT_EQ(board_.wake_up_line.count(), woken);
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
  EXPECT_EQ(board_.sync_line.count(), 1U);
  EXPECT_EQ(board_.wake_up_line.count(), woken + 1);
}

TEST_F(Queues, ASyncWritesItsMessage) {  // 4.7.3
  const Pa target = board_.allocate(4096);
  store(board_.memory(), target, ~std::uint64_t{0});
  board_.submit(command<CMD_SYNC>()
                    .set(CMD_SYNC::CS, SyncSignal::kIrq)
                    .set(CMD_SYNC::MSIAddress, target.value + 4)
                    .set(CMD_SYNC::MSIData, 0x1234'5678));
  EXPECT_EQ(load(board_.memory(), target), 0x1234'5678'ffff'ffffU);
}

TEST_F(Queues, ASyncWithoutIrqWritesNoMessage) {  // 4.7.3: CS decides
  const Pa target = board_.allocate(4096);
  for (const auto signal : {SyncSignal::kNone, SyncSignal::kSev}) {
    board_.submit(command<CMD_SYNC>()
                      .set(CMD_SYNC::CS, signal)
                      .set(CMD_SYNC::MSIAddress, target.value)
                      .set(CMD_SYNC::MSIData, 1));
  }
  EXPECT_EQ(load(board_.memory(), target), 0U);
}

TEST_F(Queues, ASyncWhoseMessageAbortsIsConsumedAndReported) {  // 3.18.1, 7.5
  board_.submit(
      command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq).set(CMD_SYNC::MSIAddress, kNoMemory));
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(active_errors(), kSyncMessageAbort);
  EXPECT_EQ(board_.error_line.count(), 1U);
  board_.submit(command<CMD_SYNC>());
  EXPECT_TRUE(board_.idle());
}

TEST_F(Queues, AFullEventQueueOverflowsOnceAndLosesRecords) {  // 7.4
  for (unsigned i = 0; i != 4; ++i) cause_event();
  EXPECT_FALSE(board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG]);
  cause_event();
  cause_event();
  const auto prod = board_.smmu().read<SMMU_EVENTQ_PROD>();
  EXPECT_TRUE(prod[SMMU_EVENTQ_PROD::OVFLG]);
  EXPECT_THAT(board_.events(), SizeIs(4));

  // 7.4: records are written again even before the overflow is acknowledged.
  cause_event();
  EXPECT_THAT(board_.events(), SizeIs(1));
  auto cons = board_.smmu().read<SMMU_EVENTQ_CONS>();
  board_.smmu().write(cons.set(SMMU_EVENTQ_CONS::OVACKFLG, true));
  for (unsigned i = 0; i != 5; ++i) cause_event();
  EXPECT_FALSE(board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG]);
}

TEST_F(Queues, ADisabledEventQueueLosesRecords) {  // 7.2.1
  const auto enabled = board_.smmu().read<SMMU_CR0>();
  SMMU_CR0 disabled = enabled;
  board_.smmu().write(disabled.set(SMMU_CR0::EVENTQEN, false));
  cause_event();
  board_.smmu().write(enabled);
  EXPECT_THAT(board_.events(), IsEmpty());
  EXPECT_EQ(active_errors(), 0U);
}

TEST_F(Queues, TheEventInterruptMarksEmptyToNonEmptyOnly) {  // 3.18, 7.2.1
  cause_event();
  cause_event();
  EXPECT_EQ(board_.event_line.count(), 1U);
  EXPECT_THAT(board_.events(), SizeIs(2));
  cause_event();
  EXPECT_EQ(board_.event_line.count(), 2U);
}

TEST_F(Queues, TheEventInterruptCanBeDisabled) {  // 6.3.16
  board_.smmu().write(SMMU_IRQ_CTRL());
  cause_event();
  EXPECT_EQ(board_.event_line.count(), 0U);
  EXPECT_THAT(board_.events(), SizeIs(1));
}

TEST_F(Queues, AnEventSendsItsMessage) {  // 3.18
  const Pa target = board_.allocate(4096);
  write_with_interrupts_off(SMMU_EVENTQ_IRQ_CFG0().set(SMMU_EVENTQ_IRQ_CFG0::ADDR, target.value));
  write_with_interrupts_off(SMMU_EVENTQ_IRQ_CFG1(0xabcd'ef01));
  cause_event();
  EXPECT_EQ(load(board_.memory(), target), 0xabcd'ef01U);
}

TEST_F(Queues, AnEventMessageThatAbortsIsReported) {  // 7.5
  write_with_interrupts_off(SMMU_EVENTQ_IRQ_CFG0(kNoMemory));
  cause_event();
  EXPECT_EQ(active_errors(), kEventMessageAbort);
  EXPECT_THAT(board_.events(), SizeIs(1));
}

TEST_F(Queues, AnErrorMessageThatAbortsRaisesNoOther) {  // 7.5.1
  write_with_interrupts_off(SMMU_GERROR_IRQ_CFG0(kNoMemory));
  board_.submit(
      command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq).set(CMD_SYNC::MSIAddress, kNoMemory));
  EXPECT_EQ(active_errors(), kSyncMessageAbort | kErrorMessageAbort);
  EXPECT_EQ(board_.error_line.count(), 1U);
}

TEST_F(Queues, AnEventThatCannotBeWrittenStopsTheQueueUntilAcknowledged) {  // 7.2.2
  auto& smmu = board_.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  SMMU_CR0 disabled = enabled;
  smmu.write(disabled.set(SMMU_CR0::EVENTQEN, false));
  const auto good = smmu.read<SMMU_EVENTQ_BASE>();
  smmu.write(SMMU_EVENTQ_BASE(kNoMemory).set(SMMU_EVENTQ_BASE::LOG2SIZE, 2));
  smmu.write(enabled);
  const auto before = smmu.read<SMMU_EVENTQ_PROD>();
  cause_event();
  EXPECT_EQ(active_errors(), kEventQueueAbort);
  EXPECT_EQ(smmu.read<SMMU_EVENTQ_PROD>().raw(), before.raw());
  cause_event();
  EXPECT_EQ(board_.error_line.count(), 1U);

  smmu.write(disabled);
  smmu.write(good);
  smmu.write(enabled);
  cause_event();  // not acknowledged yet: lost
  EXPECT_THAT(board_.events(), IsEmpty());
  acknowledge_errors();
  cause_event();
  EXPECT_THAT(board_.events(), SizeIs(1));
}

}  // namespace
}  // namespace smmu::testing::queue_test
