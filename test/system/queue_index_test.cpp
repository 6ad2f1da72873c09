// Sizes, places and indices of the two queues (IHI 0070, 3.5.1, 6.3.26 to 6.3.29, 6.3.95 and
// 6.3.96).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::queue_index_test {
namespace {

using v3::CMD_SYNC;
using v3::EventType;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;

constexpr StreamId kStream(9);

// A board that was brought up, and whose queues a test then places anew.
class QueueIndices : public ::testing::Test {
 protected:
  explicit QueueIndices(unsigned most_log2_size = 19)
      : board_({.config = limited(most_log2_size)}) {}

  static emulator::SmmuV3Config limited(unsigned most_log2_size) {
    auto config = emulator::SmmuV3Config::everything();
    config.idr1.set(v3::SMMU_IDR1::CMDQS, most_log2_size)
        .set(v3::SMMU_IDR1::EVENTQS, most_log2_size);
    return config;
  }
  void SetUp() override { board_.bring_up(); }

  void enable(bool queues) {
    board_.smmu().write(SMMU_CR0()
                            .set(SMMU_CR0::SMMUEN, true)
                            .set(SMMU_CR0::CMDQEN, queues)
                            .set(SMMU_CR0::EVENTQEN, queues));
  }
  // In the manual's order of initialization (6.3.26), both indices alike.
  void place_commands(Pa base, unsigned log2_size, std::uint32_t index) {
    enable(false);
    board_.smmu().write(SMMU_CMDQ_BASE(base.value).set(SMMU_CMDQ_BASE::LOG2SIZE, log2_size));
    board_.smmu().write(SMMU_CMDQ_CONS(index));
    board_.smmu().write(SMMU_CMDQ_PROD(index));
    enable(true);
  }
  void place_events(Pa base, unsigned log2_size, std::uint32_t index) {
    enable(false);
    board_.smmu().write(SMMU_EVENTQ_BASE(base.value).set(SMMU_EVENTQ_BASE::LOG2SIZE, log2_size));
    board_.smmu().write(SMMU_EVENTQ_CONS(index));
    board_.smmu().write(SMMU_EVENTQ_PROD(index));
    enable(true);
  }
  void put_sync(Pa queue, std::uint32_t position) {
    store(board_.memory(), Pa(queue.value + 16 * std::uint64_t{position}), command<CMD_SYNC>());
  }
  void ring(std::uint32_t index) { board_.smmu().write(SMMU_CMDQ_PROD(index)); }
  std::uint32_t consumed() { return board_.smmu().read<SMMU_CMDQ_CONS>().raw(); }
  // An access of a stream whose STE is invalid.
  void cause_event() { EXPECT_THAT(device_.translate(Iova(0x1000)), Aborts()); }
  std::uint32_t produced() { return board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::WR]; }
  bool overflowed() {
    return board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG] !=
           board_.smmu().read<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::OVACKFLG];
  }
  bool holds_record(Pa queue, std::uint32_t position) {
    const std::uint64_t word =
        load(board_.memory(), Pa(queue.value + 32 * std::uint64_t{position}));
    return (word & 0xff) == static_cast<std::uint64_t>(EventType::C_BAD_STE);
  }
  bool error() { return board_.smmu().read<SMMU_GERROR>().raw() != 0; }

  Board board_;
  DmaDevice device_ = board_.device(kStream);
};

TEST_F(QueueIndices, OfCommandsWrapAtEverySize) {  // 3.5.1, 6.3.28
  for (unsigned log2_size = 0; log2_size <= 19; ++log2_size) {
    const std::uint32_t entries = 1U << log2_size;
    const Pa queue = board_.allocate(std::max(16 * entries, 32U), std::max(16 * entries, 32U));
    place_commands(queue, log2_size, entries - 1);
    put_sync(queue, entries - 1);
    ring(entries);  // position 0, the wrap bit set
    EXPECT_EQ(consumed(), entries) << log2_size;
    place_commands(queue, log2_size, 2 * entries - 1);
    ring(0);
    EXPECT_EQ(consumed(), 0U) << log2_size;
    EXPECT_FALSE(error()) << log2_size;
  }
}

TEST_F(QueueIndices, OfEventsWrapAtEverySize) {  // 3.5.1, 6.3.95
  for (unsigned log2_size = 0; log2_size <= 19; ++log2_size) {
    const std::uint32_t entries = 1U << log2_size;
    const Pa queue = board_.allocate(32 * entries, 32 * entries);
    place_events(queue, log2_size, entries - 1);
    cause_event();
    EXPECT_EQ(produced(), entries) << log2_size;
    EXPECT_TRUE(holds_record(queue, entries - 1)) << log2_size;
    place_events(queue, log2_size, 2 * entries - 1);
    cause_event();
    EXPECT_EQ(produced(), 0U) << log2_size;
    EXPECT_FALSE(overflowed());
  }
}

TEST_F(QueueIndices, TellAFullQueueOfEverySizeFromAnEmptyOne) {  // 3.5.1
  for (unsigned log2_size = 0; log2_size <= 19; ++log2_size) {
    const std::uint32_t entries = 1U << log2_size;
    const Pa queue = board_.allocate(32 * entries, 32 * entries);
    place_events(queue, log2_size, 0);
    board_.smmu().write(SMMU_EVENTQ_CONS(entries));
    cause_event();
    EXPECT_EQ(produced(), 0U) << log2_size;
    EXPECT_TRUE(overflowed()) << log2_size;
    // One is consumed; the overflow is acknowledged.
    const bool flag = board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG];
    const std::uint32_t next = (entries + 1) % (2 * entries);
    board_.smmu().write(SMMU_EVENTQ_CONS(next).set(SMMU_EVENTQ_CONS::OVACKFLG, flag));
    cause_event();
    EXPECT_EQ(produced(), 1U) << log2_size;
    EXPECT_FALSE(overflowed()) << log2_size;
  }
}

TEST_F(QueueIndices, OfTheLargestQueuesServeEveryEntry) {  // 3.5.1, 6.3.2: 2^19
  constexpr std::uint32_t kEntries = 1U << 19;
  const Pa commands = board_.allocate(16 * kEntries, 16 * kEntries);
  for (std::uint32_t position = 0; position != kEntries; ++position) put_sync(commands, position);
  place_commands(commands, 19, 5);
  ring(kEntries + 5);  // full
  EXPECT_EQ(consumed(), kEntries + 5);
  EXPECT_FALSE(error());

  const Pa events = board_.allocate(32 * kEntries, 32 * kEntries);
  place_events(events, 19, 5);
  for (std::uint32_t i = 0; i != kEntries; ++i) device_.translate(Iova(0x1000));
  EXPECT_EQ(produced(), kEntries + 5);
  EXPECT_FALSE(overflowed());
  for (std::uint32_t position = 0; position != kEntries; ++position) {
    ASSERT_TRUE(holds_record(events, position)) << position;
  }
  cause_event();
  EXPECT_TRUE(overflowed());
}

TEST_F(QueueIndices, AboveTheWrapBitAreIgnored) {  // 6.3.27, 6.3.96: "no other effect"
  const Pa commands = board_.allocate(4096);
  place_commands(commands, 2, 0);
  put_sync(commands, 0);
  put_sync(commands, 1);
  ring(0xffff8 | 1);
  EXPECT_EQ(consumed(), 1U);
  ring(0x7fff0 | 2);
  EXPECT_EQ(consumed(), 2U);

  const Pa events = board_.allocate(4096);
  place_events(events, 2, 0);
  board_.smmu().write(SMMU_EVENTQ_CONS(0xffff8));
  cause_event();
  EXPECT_EQ(produced(), 1U);
  EXPECT_FALSE(overflowed());
}

TEST_F(QueueIndices, OfTheSmmuReadZeroAboveTheWrapBit) {  // 6.3.28, 6.3.95: RAZ
  for (unsigned log2_size = 0; log2_size <= 19; ++log2_size) {
    place_commands(board_.command_queue(), log2_size, 0xfffff);
    EXPECT_EQ(consumed(), (2U << log2_size) - 1) << log2_size;
    place_events(board_.event_queue(), log2_size, 0xfffff);
    EXPECT_EQ(produced(), (2U << log2_size) - 1) << log2_size;
  }
}

TEST_F(QueueIndices, AreTruncatedWhenTheQueueGetsSmaller) {  // 6.3.28, 6.3.95
  enable(false);
  auto& smmu = board_.smmu();
  smmu.write(SMMU_CMDQ_BASE().set(SMMU_CMDQ_BASE::LOG2SIZE, 8));
  smmu.write(SMMU_CMDQ_CONS(0x1a5));
  smmu.write(SMMU_CMDQ_BASE().set(SMMU_CMDQ_BASE::LOG2SIZE, 4));
  EXPECT_EQ(consumed(), 0x05U);
  smmu.write(SMMU_EVENTQ_BASE().set(SMMU_EVENTQ_BASE::LOG2SIZE, 8));
  smmu.write(SMMU_EVENTQ_PROD(0x1a5));
  smmu.write(SMMU_EVENTQ_BASE().set(SMMU_EVENTQ_BASE::LOG2SIZE, 4));
  EXPECT_EQ(produced(), 0x05U);
}

// 3.5.1: what an SMMU then does is a choice; docs/conformance.md.
TEST_F(QueueIndices, ThatCannotBeStopTheConsumptionOfCommands) {
  const Pa queue = board_.allocate(4096);
  for (std::uint32_t position = 0; position != 8; ++position) put_sync(queue, position);
  // Of 8 entries: more produced than there is room for, and less produced than consumed.
  for (const std::uint32_t impossible : {0x8U + 6, 0x0U + 4}) {
    place_commands(queue, 3, 5);
    ring(impossible);
    EXPECT_EQ(consumed(), 5U);
    EXPECT_FALSE(error());
    ring(6);  // back to what can be
    EXPECT_EQ(consumed(), 6U);
  }
}

TEST_F(QueueIndices, ThatCannotBeMakeTheEventQueueFull) {
  const Pa queue = board_.allocate(4096);
  for (const std::uint32_t impossible : {0x0U + 6, 0x8U + 4}) {
    place_events(queue, 3, 5);
    board_.smmu().write(SMMU_EVENTQ_CONS(impossible));
    cause_event();
    EXPECT_EQ(produced(), 5U);
    EXPECT_TRUE(overflowed());
    const bool flag = board_.smmu().read<SMMU_EVENTQ_PROD>()[SMMU_EVENTQ_PROD::OVFLG];
    board_.smmu().write(SMMU_EVENTQ_CONS(5).set(SMMU_EVENTQ_CONS::OVACKFLG, flag));
    cause_event();
    EXPECT_EQ(produced(), 6U);
  }
}

TEST_F(QueueIndices, StartAtABaseThatIsAlignedToTheQueue) {  // 6.3.26, 6.3.29
  for (const unsigned log2_size : {0U, 1U, 4U, 8U}) {
    const std::uint64_t bytes = std::max(std::uint64_t{16} << log2_size, std::uint64_t{32});
    const Pa commands = board_.allocate(bytes, bytes);
    put_sync(commands, 0);
    place_commands(Pa(commands.value + bytes - 32), log2_size, 0);
    ring(1);
    EXPECT_EQ(consumed(), 1U) << log2_size;
    EXPECT_FALSE(error()) << log2_size;

    const std::uint64_t event_bytes = std::uint64_t{32} << log2_size;
    const Pa events = board_.allocate(event_bytes, event_bytes);
    place_events(Pa(events.value + event_bytes - 32), log2_size, 0);
    cause_event();
    EXPECT_TRUE(holds_record(events, 0)) << log2_size;
  }
}

// An SMMU whose queues have 2^3 entries at most.
class SmallQueues : public QueueIndices {
 protected:
  SmallQueues() : QueueIndices(3) {}
};

TEST_F(SmallQueues, LimitTheSizeButReadBackWhatWasWritten) {  // 6.3.26, 6.3.29, LOG2SIZE
  for (const unsigned log2_size : {4U, 19U, 20U, 31U}) {
    const Pa commands = board_.allocate(4096);
    place_commands(commands, log2_size, 7);
    EXPECT_EQ(board_.smmu().read<SMMU_CMDQ_BASE>()[SMMU_CMDQ_BASE::LOG2SIZE], log2_size);
    put_sync(commands, 7);
    ring(8);
    EXPECT_EQ(consumed(), 8U) << log2_size;
    put_sync(commands, 0);
    ring(9);
    EXPECT_EQ(consumed(), 9U) << log2_size;
    EXPECT_FALSE(error()) << log2_size;

    const Pa events = board_.allocate(4096);
    place_events(events, log2_size, 7);
    EXPECT_EQ(board_.smmu().read<SMMU_EVENTQ_BASE>()[SMMU_EVENTQ_BASE::LOG2SIZE], log2_size);
    cause_event();
    cause_event();
    EXPECT_EQ(produced(), 9U) << log2_size;
    EXPECT_TRUE(holds_record(events, 7) && holds_record(events, 0)) << log2_size;
  }
}

}  // namespace
}  // namespace smmu::testing::queue_index_test
