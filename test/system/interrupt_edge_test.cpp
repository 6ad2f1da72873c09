// When interrupts come, and when they do not: edges, enables, messages beside wires (IHI
// 0070, 3.18, 6.3.16, 7.2.1 and 7.5).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::interrupt_edge_test {
namespace {

using ::testing::SizeIs;
using v3::CMD_SYNC;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_IRQ_CFG0;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;
using v3::SMMU_GERROR_IRQ_CFG0;
using v3::SMMU_GERROR_IRQ_CFG1;
using v3::SMMU_GERRORN;
using v3::SMMU_IRQ_CTRL;

constexpr std::uint64_t kNoMemory = 0x1000;

class InterruptEdges : public ::testing::Test {
 protected:
  void SetUp() override {
    board_.bring_up();
    doorbell_ = board_.allocate(4096);
  }
  void enable(bool events, bool errors) {
    board_.smmu().write(SMMU_IRQ_CTRL()
                            .set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, events)
                            .set(SMMU_IRQ_CTRL::GERROR_IRQEN, errors));
  }
  // An access of a stream whose STE is invalid.
  void cause_event() { EXPECT_THAT(device_.translate(Iova(0x1000)), Aborts()); }
  void consume_events(std::uint32_t count) {
    const auto cons = board_.smmu().read<SMMU_EVENTQ_CONS>();
    board_.smmu().write(SMMU_EVENTQ_CONS(cons.raw() + count));
  }
  // A CMD_SYNC whose message aborts: the queue goes on.
  void cause_sync_abort() {
    board_.submit(command<CMD_SYNC>()
                      .set(CMD_SYNC::CS, SyncSignal::kIrq)
                      .set(CMD_SYNC::MSIAddress, kNoMemory));
  }
  void cause_command_error() { board_.submit(v3::CommandHeader()); }
  void acknowledge() { board_.smmu().write(SMMU_GERRORN(board_.smmu().read<SMMU_GERROR>().raw())); }
  std::uint32_t active_errors() {
    return board_.smmu().read<SMMU_GERROR>().raw() ^ board_.smmu().read<SMMU_GERRORN>().raw();
  }
  unsigned events() const { return board_.event_line.count(); }
  unsigned errors() const { return board_.error_line.count(); }
  std::uint64_t message(unsigned which) {
    const Pa at(doorbell_.value + 8 * which);
    const std::uint64_t word = load(board_.memory(), at);
    store(board_.memory(), at, std::uint64_t{0});
    return word;
  }

  Board board_;
  DmaDevice device_ = board_.device(StreamId(9));
  Pa doorbell_;
};

TEST_F(InterruptEdges, NoEventComesOfAQueueThatWasNotEmptied) {  // 3.18: empty to non-empty
  cause_event();
  cause_event();
  consume_events(1);
  cause_event();
  EXPECT_EQ(events(), 1U);
  consume_events(2);
  cause_event();
  EXPECT_EQ(events(), 2U);
}

TEST_F(InterruptEdges, NoneComesOfWhatWasBeforeItsEnable) {  // 6.3.16
  enable(false, false);
  cause_event();
  cause_command_error();
  enable(true, true);
  EXPECT_EQ(events(), 0U);
  EXPECT_EQ(errors(), 0U);
  // What was not empty stays so; an error that is active is not activated again.
  cause_event();
  EXPECT_EQ(events(), 0U);
  EXPECT_THAT(board_.events(), SizeIs(2));
  cause_event();
  EXPECT_EQ(events(), 1U);
}

TEST_F(InterruptEdges, EachHasAnEnableOfItsOwn) {  // 6.3.16
  enable(true, false);
  cause_event();
  cause_sync_abort();
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(errors(), 0U);
  acknowledge();
  EXPECT_THAT(board_.events(), SizeIs(1));
  enable(false, true);
  cause_event();
  cause_sync_abort();
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(errors(), 1U);
}

TEST_F(InterruptEdges, ASyncHasNone) {  // 6.3.16: nothing enables it, or disables it
  enable(false, false);
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
  EXPECT_EQ(board_.sync_line.count(), 1U);
}

TEST_F(InterruptEdges, AnErrorComesWithEachActivation) {  // 7.5
  cause_sync_abort();
  cause_sync_abort();  // active already
  EXPECT_EQ(errors(), 1U);
  cause_command_error();  // another
  EXPECT_EQ(errors(), 2U);
  acknowledge();  // the command fails again
  EXPECT_EQ(errors(), 3U);
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::CMDQ_ERR, true).raw());
}

TEST_F(InterruptEdges, AcknowledgingOneErrorLeavesTheOther) {  // 7.5
  cause_sync_abort();
  cause_command_error();
  const auto both = board_.smmu().read<SMMU_GERROR>();
  board_.smmu().write(SMMU_GERRORN().set(SMMU_GERRORN::MSI_CMDQ_ABT_ERR, true));
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::CMDQ_ERR, true).raw());
  EXPECT_EQ(board_.smmu().read<SMMU_GERROR>().raw(), both.raw());
  EXPECT_EQ(errors(), 2U);
}

TEST_F(InterruptEdges, MessagesGoWithTheWires) {  // 3.18.1
  enable(false, false);
  board_.smmu().write(SMMU_EVENTQ_IRQ_CFG0(doorbell_.value));
  board_.smmu().write(SMMU_EVENTQ_IRQ_CFG1(0xe));
  board_.smmu().write(SMMU_GERROR_IRQ_CFG0(doorbell_.value + 8));
  board_.smmu().write(SMMU_GERROR_IRQ_CFG1(0x6));
  enable(true, true);
  cause_event();
  EXPECT_EQ(message(0), 0xeU);
  cause_event();
  EXPECT_EQ(message(0), 0U);  // no edge
  cause_sync_abort();
  EXPECT_EQ(message(1), 0x6U);
  cause_sync_abort();
  EXPECT_EQ(message(1), 0U);
  EXPECT_EQ(events(), 1U);
  EXPECT_EQ(errors(), 1U);
}

TEST_F(InterruptEdges, MessagesAreNotSentWhereInterruptsAreOff) {  // 6.3.16
  enable(false, false);
  board_.smmu().write(SMMU_EVENTQ_IRQ_CFG0(doorbell_.value));
  board_.smmu().write(SMMU_EVENTQ_IRQ_CFG1(0xe));
  cause_event();
  EXPECT_EQ(message(0), 0U);
}

TEST_F(InterruptEdges, NoMessageIsSentToAddressZero) {  // 6.3.21, 6.3.30
  cause_event();
  cause_sync_abort();
  // Nothing is there: the messages would have aborted.
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::MSI_CMDQ_ABT_ERR, true).raw());
}

TEST_F(InterruptEdges, MessagesThatAbortAgainAreNoNewError) {  // 7.5
  enable(false, false);
  board_.smmu().write(SMMU_EVENTQ_IRQ_CFG0(kNoMemory));
  enable(true, true);
  for (unsigned i = 0; i != 3; ++i) {
    cause_event();
    EXPECT_THAT(board_.events(), SizeIs(1));
  }
  EXPECT_EQ(events(), 3U);
  EXPECT_EQ(errors(), 1U);
  EXPECT_EQ(active_errors(), SMMU_GERROR().set(SMMU_GERROR::MSI_EVENTQ_ABT_ERR, true).raw());
  acknowledge();
  cause_event();
  EXPECT_EQ(errors(), 2U);
}

// 3.18.1: whoever is told can see why.
TEST_F(InterruptEdges, FindTheirCausesThere) {
  std::uint32_t produced = 0;
  std::uint32_t error = 0;
  board_.event_line.on_pulse([&] { produced = board_.smmu().read<SMMU_EVENTQ_PROD>().raw(); });
  board_.error_line.on_pulse([&] { error = active_errors(); });
  cause_event();
  EXPECT_EQ(produced, 1U);
  cause_command_error();
  EXPECT_EQ(error, SMMU_GERROR().set(SMMU_GERROR::CMDQ_ERR, true).raw());
}

}  // namespace
}  // namespace smmu::testing::interrupt_edge_test
