// Commands of Enhanced Command queues, and their errors (IHI 0070, 3.5.6).
#include <functional>
#include <memory>

#include "test/system/enhanced_queue.h"
#include "test/system/stalling_stream.h"

namespace smmu::testing::enhanced_command_queue_test {
namespace {

using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::SMMU_CR0;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR1;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);
constexpr Pa kDevice(0x1000'0000);
constexpr std::uint32_t kEnable = EnhancedQueue::kEnable;
constexpr std::uint32_t kError = EnhancedQueue::kError;
constexpr std::uint32_t kCommandPageError = 1U << 9;

class Consumed : public emulator::Observer {
 public:
  void on_command(const emulator::CommandConsumed& command) override {
    queues.push_back(command.queue);
  }
  std::vector<std::uint32_t> queues;
};

TEST_F(EnhancedQueues, ConsumeCommands) {
  PageTable table = board_.page_table();
  const Pa page = board_.allocate(4096);
  const Pa other = board_.allocate(4096);
  table.map(kAddress, page, 4096);
  board_.attach(kStream, table);
  const DmaDevice device = board_.device(kStream);
  for (unsigned i = 0; i != 32; ++i) {
    EnhancedQueue queue = this->queue(i / 16, i % 16);
    EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
    table.map(kAddress, other, 4096);
    EXPECT_THAT(device.translate(kAddress), TranslatesTo(page)) << i;
    queue.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
    EXPECT_TRUE(queue.idle());
    EXPECT_THAT(device.translate(kAddress), TranslatesTo(other)) << i;
    table.map(kAddress, page, 4096);
    queue.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
  }
  EXPECT_EQ(smmu().read<SMMU_GERROR>().raw(), 0U);
}

TEST_F(EnhancedQueues, AndTheCommandQueueAreThereTogether) {  // 3.5.6
  EnhancedQueue queue = this->queue(0, 5);
  const Pa target = board_.allocate(4096);
  const auto message = [&](std::uint32_t word) {
    return command<CMD_SYNC>()
        .set(CMD_SYNC::CS, SyncSignal::kIrq)
        .set(CMD_SYNC::MSIAddress, target.value + 4 * word)
        .set(CMD_SYNC::MSIData, 7);
  };
  queue.submit(message(0));
  board_.submit(message(1));
  EXPECT_EQ(load(board_.memory(), target), 0x7'0000'0007U);
  EXPECT_EQ(board_.sync_line.count(), 2U);
  // Without the other one's enable, too.
  smmu().write(SMMU_CR0(0x5));
  queue.submit(message(2));
  EXPECT_EQ(load(board_.memory(), Pa(target.value + 8)), 7U);
}

TEST_F(EnhancedQueues, Wrap) {  // 3.5.1
  for (const unsigned log2_size : {0U, 1U, 4U}) {
    EnhancedQueue queue = this->queue(0, log2_size, log2_size);
    for (unsigned i = 0; i != 5U << log2_size; ++i) {
      queue.submit(command<CMD_SYNC>());
      EXPECT_TRUE(queue.idle());
    }
    for (unsigned i = 0; i != 1U << log2_size; ++i) queue.put(command<CMD_SYNC>());
    queue.ring();  // full
    EXPECT_TRUE(queue.idle());
  }
}

TEST_F(EnhancedQueues, AreServedWholeAtTheLargestSize) {  // 6.3.107: up to SMMU_IDR1.CMDQS
  EnhancedQueue queue = this->queue(0, 0, 19);
  for (std::uint32_t i = 0; i != 1U << 19; ++i) queue.put(command<CMD_SYNC>());
  queue.ring();
  EXPECT_TRUE(queue.idle());
}

TEST_F(EnhancedQueues, DoNotConsumeFromIndicesThatCannotBe) {  // 3.5.1
  EnhancedQueue queue(board_, 0, 0, 3);
  queue.enable(5);
  for (const std::uint32_t impossible : {0x8U + 6, 0x0U + 4}) {
    queue.write32(0x8, impossible | kEnable);
    EXPECT_EQ(queue.cons(), 5U | kEnable);
    EXPECT_FALSE(queue.in_error());
  }
}

TEST_F(EnhancedQueues, ConsumeNothingWhileDisabled) {  // 3.5.6.2
  EnhancedQueue queue = this->queue(0, 0);
  queue.disable();
  queue.submit(command<CMD_SYNC>());
  EXPECT_FALSE(queue.idle());
  queue.write32(0x8, queue.prod() | kEnable);
  EXPECT_TRUE(queue.idle());
}

TEST_F(EnhancedQueues, StopAtAnIllegalCommandAlone) {  // 3.5.6.3
  EnhancedQueue queue = this->queue(0, 1);
  EnhancedQueue other = this->queue(1, 1);
  queue.submit(command<CMD_SYNC>(), illegal(), command<CMD_SYNC>());
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(queue.reason(), 1U);  // CERROR_ILL
  EXPECT_EQ(queue.cons() & 0xf'ffff, 1U);
  EXPECT_TRUE(active(kCommandPageError));
  EXPECT_FALSE(active(~kCommandPageError));
  EXPECT_EQ(board_.error_line.count(), 1U);

  // The others go on.
  other.submit(command<CMD_SYNC>());
  EXPECT_TRUE(other.idle());
  board_.submit(command<CMD_SYNC>());
  EXPECT_TRUE(board_.idle());
  // One global error stands for all.
  other.submit(illegal());
  EXPECT_TRUE(other.in_error());
  EXPECT_EQ(board_.error_line.count(), 1U);

  // The global error is nothing to a queue.
  smmu().write(SMMU_GERRORN(smmu().read<SMMU_GERROR>().raw()));
  EXPECT_FALSE(active(~0U));
  EXPECT_TRUE(queue.in_error());
  EXPECT_FALSE(queue.idle());

  store(board_.memory(), queue.entry(1), command<CMD_SYNC>());
  EXPECT_FALSE(queue.idle());
  queue.acknowledge();
  EXPECT_TRUE(queue.idle());
  EXPECT_FALSE(queue.in_error());
  EXPECT_TRUE(other.in_error());
}

TEST_F(EnhancedQueues, FailAgainIfNothingIsRepaired) {  // 3.5.6.3: ERR toggles
  EnhancedQueue queue = this->queue(0, 1);
  queue.submit(illegal());
  EXPECT_EQ(queue.cons() & kError, kError);
  smmu().write(SMMU_GERRORN(smmu().read<SMMU_GERROR>().raw()));
  queue.acknowledge();
  EXPECT_EQ(queue.cons() & kError, 0U);
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(board_.error_line.count(), 2U);
  EXPECT_TRUE(active(kCommandPageError));
}

TEST_F(EnhancedQueues, TellOfCommandsThatCannotBeRead) {  // CERROR_ABT
  EnhancedQueue queue(board_, 0, 2);
  queue.write64(0, 0x1000 | 4);  // no memory is there
  queue.write32(0x8, kEnable);
  queue.write32(0x8, kEnable | 1);
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(queue.reason(), 2U);
  EXPECT_TRUE(active(kCommandPageError));
  // Disabling is acknowledged in spite of the error, and leaves it.
  queue.disable();
  EXPECT_EQ(queue.cons() >> 31, 0U);
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(queue.reason(), 2U);
}

TEST_F(EnhancedQueues, GoOnWhateverTheCommandQueueHas) {  // 3.5.6.3
  EnhancedQueue queue = this->queue(0, 1);
  board_.submit(illegal());
  EXPECT_TRUE(active(1));
  queue.submit(command<CMD_SYNC>());
  EXPECT_TRUE(queue.idle());
}

TEST_F(EnhancedQueues, TakeMessagesThatAbortAsTheCommandQueueDoes) {  // 3.5.6.3
  EnhancedQueue queue = this->queue(0, 1);
  queue.submit(
      command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq).set(CMD_SYNC::MSIAddress, 0x1000));
  EXPECT_TRUE(queue.idle());
  EXPECT_FALSE(queue.in_error());
  EXPECT_TRUE(active(1U << 4));
  EXPECT_FALSE(active(kCommandPageError));
}

TEST_F(EnhancedQueues, TakeTheSameCommands) {  // 4.1.3
  EnhancedQueue queue = this->queue(0, 1, 8);
  for (unsigned code = 0; code != 0x100; ++code) {
    const v3::CommandHeader words({code, 0});
    queue.submit(words);
    board_.submit(words);
    EXPECT_EQ(queue.idle(), board_.idle()) << code;
    if (queue.idle()) continue;
    store(board_.memory(), queue.entry(queue.cons() & 0xff), command<CMD_SYNC>());
    queue.acknowledge();
    const auto at = smmu().read32(0x9c) & 0xff;
    store(board_.memory(), Pa(board_.command_queue().value + 16 * at), command<CMD_SYNC>());
    smmu().write(SMMU_GERRORN(smmu().read<SMMU_GERROR>().raw()));
    EXPECT_TRUE(queue.idle() && board_.idle()) << code;
  }
}

TEST_F(EnhancedQueues, WakeAWaiterForSpace) {  // 3.5.6.1, SEV
  EnhancedQueue queue = this->queue(0, 1, 2);
  const unsigned before = board_.wake_up_line.count();
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  queue.submit(tlbi, tlbi, tlbi);
  EXPECT_EQ(board_.wake_up_line.count(), before);
  queue.submit(tlbi, tlbi, tlbi, tlbi);
  EXPECT_EQ(board_.wake_up_line.count(), before + 1);
  queue.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
  EXPECT_EQ(board_.wake_up_line.count(), before + 2);
}

// A command's message may go to the doorbell of another queue, or of its own: all is consumed in
// the end, and by turns.
TEST_F(EnhancedQueues, AnswerDoorbellsFromInside) {
  emulator::Ram& memory = board_.memory();
  class Forward final : public emulator::DeviceRegion {
   public:
    BusResponse read(std::uint64_t, std::span<std::byte>) override { return BusResponse::kAbort; }
    BusResponse write(std::uint64_t, std::span<const std::byte>) override {
      if (ring) ring();
      return BusResponse::kOkay;
    }
    std::function<void()> ring;
  } doorbell;
  ASSERT_TRUE(memory.add_device(kDevice, 4096, doorbell));
  EnhancedQueue first = this->queue(0, 1);
  EnhancedQueue second = this->queue(1, 2);
  unsigned rings = 0;
  doorbell.ring = [&] {
    if (++rings == 10) return;
    second.submit(command<CMD_SYNC>());
    first.submit(command<CMD_SYNC>()
                     .set(CMD_SYNC::CS, SyncSignal::kIrq)
                     .set(CMD_SYNC::MSIAddress, kDevice.value));
  };
  first.submit(command<CMD_SYNC>()
                   .set(CMD_SYNC::CS, SyncSignal::kIrq)
                   .set(CMD_SYNC::MSIAddress, kDevice.value));
  EXPECT_EQ(rings, 10U);
  EXPECT_TRUE(first.idle());
  EXPECT_TRUE(second.idle());
}

TEST_F(EnhancedQueues, ResumeStalledTransactions) {  // 4.7.1, from whichever queue
  StallingStream stream;
  Resumptions resumptions;
  const DmaDevice device = stream.board.device(StallingStream::kStream, resumptions);
  const auto outcome = device.translate(StallingStream::kUnmapped);
  const auto tag = StallingStream::tag_of(outcome);
  stream.repair();
  EnhancedQueue queue(stream.board, 0, 3);
  queue.enable();
  queue.submit(StallingStream::answer(tag).set(v3::CMD_RESUME::Ac, true));
  const auto end = resumptions.take(outcome);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(stream.other_page));
}

class WatchedQueues : public EnhancedQueues {
 protected:
  WatchedQueues() : WatchedQueues(std::make_unique<Consumed>()) {}
  std::unique_ptr<Consumed> consumed_;

 private:
  explicit WatchedQueues(std::unique_ptr<Consumed> consumed)
      : EnhancedQueues({.observer = consumed.get()}), consumed_(std::move(consumed)) {}
};

TEST_F(WatchedQueues, TakeTurns) {  // 3.5.6.1
  EnhancedQueue busy = this->queue(0, 1, 9);
  EnhancedQueue idle = this->queue(1, 15);
  for (unsigned i = 0; i != 500; ++i) busy.put(command<CMD_TLBI_NSNH_ALL>());
  idle.put(command<CMD_SYNC>());
  // Both have something to do when the first doorbell is answered.
  board_.wake_up_line.on_pulse([&] {
    consumed_->queues.clear();
    busy.ring();
    idle.ring();
    board_.submit(command<CMD_SYNC>());
  });
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
  EXPECT_TRUE(busy.idle() && idle.idle() && board_.idle());
  ASSERT_EQ(consumed_->queues.size(), 502U);
  const auto position = [&](std::uint32_t queue) {
    return std::ranges::find(consumed_->queues, queue) - consumed_->queues.begin();
  };
  EXPECT_LT(position(32), 100);  // of page 1, the last
  EXPECT_LT(position(0), 200);   // the Command queue
  EXPECT_EQ(consumed_->queues.back(), 2U);
}

}  // namespace
}  // namespace smmu::testing::enhanced_command_queue_test
