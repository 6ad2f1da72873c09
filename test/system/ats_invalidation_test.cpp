// CMD_ATC_INV and the CMD_SYNC after it (IHI 0070, 3.9.1.4, 4.5.1, 4.7.3, 7.1).
#include <thread>

#include "smmu/arch/v3/queue_registers.h"
#include "test/system/ats_stream.h"
#include "test/system/enhanced_queue.h"

namespace smmu::testing::ats_invalidation_test {
namespace {

using emulator::AtcInvalidation;
using emulator::InvalidationResult;
using emulator::InvalidationTag;
using ::testing::IsEmpty;
using v3::CMD_ATC_INV;
using v3::CMD_SYNC;
using v3::CommandError;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;

constexpr auto kStream = AtsStream::kStream;
constexpr auto kAddress = AtsStream::kAddress;
using Answers = AtsDevice::Answers;

CMD_ATC_INV invalidate(Iova address, unsigned size = 0) {
  return command<CMD_ATC_INV>()
      .set(CMD_ATC_INV::StreamID, kStream.value)
      .set(CMD_ATC_INV::Size, size)
      .set(CMD_ATC_INV::Address, address.value);
}
CMD_SYNC sync_with_interrupt() { return command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq); }

class AtcInvalidations : public ::testing::Test, protected AtsStream {
 protected:
  explicit AtcInvalidations(Board::Options options = {}) : AtsStream(options) {
    attach(of_stage1());
  }
  bool stopped() {
    return board.smmu().read<SMMU_GERROR>().raw() != board.smmu().read<SMMU_GERRORN>().raw();
  }
  CommandError error() { return board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR]; }
  void acknowledge() { board.smmu().write(SMMU_GERRORN(board.smmu().read<SMMU_GERROR>().raw())); }
  AtcInvalidation sent() {
    const auto all = board.fabric.invalidations();
    EXPECT_FALSE(all.empty());
    return all.empty() ? AtcInvalidation{} : all.back();
  }
};

TEST_F(AtcInvalidations, CoverAnAlignedSpan) {
  const struct {
    unsigned size;
    std::uint64_t first;
    std::uint64_t last;
  } kRows[] = {{0, 0x1234'5000, 0x1234'5fff},
               {1, 0x1234'4000, 0x1234'5fff},
               {9, 0x1220'0000, 0x123f'ffff},
               {51, 0, ~std::uint64_t{0} >> 1},
               {52, 0, ~std::uint64_t{0}}};
  for (const auto& row : kRows) {
    board.submit_and_sync(invalidate(Iova(0x1234'5000), row.size));
    EXPECT_EQ(sent().first, Iova(row.first)) << row.size;
    EXPECT_EQ(sent().last, Iova(row.last)) << row.size;
    EXPECT_EQ(sent().stream, kStream);
    EXPECT_EQ(sent().substream, std::nullopt);
    EXPECT_FALSE(sent().global);
  }
  board.submit_and_sync(invalidate(Iova(0)).set(CMD_ATC_INV::Global, true));
  EXPECT_FALSE(sent().global);  // ignored without a SubstreamID
  board.submit_and_sync(invalidate(Iova(0))
                            .set(CMD_ATC_INV::SSV, true)
                            .set(CMD_ATC_INV::SubstreamID, 0x12345U)
                            .set(CMD_ATC_INV::Global, true));
  EXPECT_EQ(sent().substream, SubstreamId(0x12345));
  EXPECT_TRUE(sent().global);
  EXPECT_TRUE(board.idle());
}

TEST_F(AtcInvalidations, TakeWhatTheDeviceKeeps) {
  EXPECT_TRUE(device.write64(kAddress, 1));
  const Pa other = board.allocate(4096);
  stage1.map(kAddress, other, 4096);
  // The SMMU forgets, the device does not, and the other way round.
  invalidate_tlbs();
  EXPECT_TRUE(device.write64(kAddress, 2));
  EXPECT_EQ(load(board.memory(), page), 2U);
  board.submit_and_sync(invalidate(Iova(kAddress.value + 0x1000)));
  EXPECT_TRUE(device.knows(kAddress));
  board.submit_and_sync(invalidate(kAddress));
  EXPECT_FALSE(device.knows(kAddress));
  EXPECT_TRUE(device.write64(kAddress, 3));
  EXPECT_EQ(load(board.memory(), other), 3U);
}

TEST_F(AtcInvalidations, AreWaitedForByACmdSync) {
  device.set_answers(Answers::kLater);
  board.submit(invalidate(kAddress), invalidate(kAddress), sync_with_interrupt(),
               invalidate(kAddress));
  EXPECT_EQ(device.unanswered(), 2U);  // what is behind the CMD_SYNC has not begun
  EXPECT_FALSE(board.idle());
  EXPECT_EQ(board.sync_line.count(), 0U);
  // It waits, and the SMMU does not.
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(page));
  device.answer();
  EXPECT_EQ(board.sync_line.count(), 1U);
  EXPECT_TRUE(board.idle());
  EXPECT_EQ(device.unanswered(), 1U);
  device.answer();
  EXPECT_FALSE(stopped());
}

TEST_F(AtcInvalidations, AreAnsweredWhenTheDeviceHasMadeItsAccesses) {
  // A device region that has the queue go on while it is written to.
  struct Doorbell final : emulator::DeviceRegion {
    BusResponse read(std::uint64_t, std::span<std::byte>) override { return BusResponse::kOkay; }
    BusResponse write(std::uint64_t, std::span<const std::byte>) override {
      action();
      return BusResponse::kOkay;
    }
    std::function<void()> action;
  } doorbell;
  ASSERT_TRUE(board.memory().add_device(Pa(0x1000'0000), 4096, doorbell));
  stage1.map(Iova(0xa000'0000), Pa(0x1000'0000), 4096);
  bool complete = true;
  doorbell.action = [&] {
    board.submit_and_sync(invalidate(Iova(0xa000'0000)));
    complete = board.idle();
  };
  EXPECT_TRUE(device.write64(Iova(0xa000'0000), 1));
  EXPECT_FALSE(complete);
  EXPECT_TRUE(board.idle());
  EXPECT_FALSE(device.knows(Iova(0xa000'0000)));
}

TEST_F(AtcInvalidations, ThatFailStopTheCmdSyncOnce) {  // 7.1
  device.set_answers(Answers::kNever);
  board.submit(invalidate(kAddress), invalidate(kAddress));
  EXPECT_TRUE(board.idle());
  device.answer();
  EXPECT_FALSE(stopped());  // the next CMD_SYNC tells
  board.submit(sync_with_interrupt());
  EXPECT_TRUE(stopped());
  EXPECT_EQ(error(), CommandError::CERROR_ATC_INV_SYNC);
  EXPECT_FALSE(board.idle());
  EXPECT_EQ(board.sync_line.count(), 0U);
  EXPECT_EQ(board.error_line.count(), 1U);
  acknowledge();
  EXPECT_TRUE(board.idle());
  EXPECT_EQ(board.sync_line.count(), 1U);

  // The same while it waits; and after it nothing is left of it.
  board.submit(invalidate(kAddress), sync_with_interrupt());
  EXPECT_FALSE(stopped());
  device.answer();
  EXPECT_TRUE(stopped());
  EXPECT_EQ(error(), CommandError::CERROR_ATC_INV_SYNC);
  acknowledge();
  EXPECT_TRUE(board.idle());
  device.set_answers(Answers::kAtOnce);
  board.submit_and_sync(invalidate(kAddress));
  EXPECT_TRUE(board.idle());
  EXPECT_FALSE(stopped());
}

TEST_F(AtcInvalidations, AreCountedWhoeverAnswers) {
  device.set_answers(Answers::kLater);
  board.submit(invalidate(kAddress), command<CMD_SYNC>());
  // Tags that nobody gave.
  board.smmu().complete(InvalidationTag(1), InvalidationResult::kComplete);
  board.smmu().complete(InvalidationTag(~std::uint64_t{0}), InvalidationResult::kNotComplete);
  EXPECT_FALSE(board.idle());
  std::thread([&] { device.answer(); }).join();
  EXPECT_TRUE(board.idle());
  board.smmu().complete(InvalidationTag(0), InvalidationResult::kNotComplete);  // again
  board.submit_and_sync();
  EXPECT_TRUE(board.idle());
  EXPECT_FALSE(stopped());
}

TEST_F(AtcInvalidations, OfADeviceThatIsNotThereAreComplete) {  // 3.9.1.5
  board.submit_and_sync(invalidate(kAddress).set(CMD_ATC_INV::StreamID, 77U));
  EXPECT_TRUE(board.idle());
  EXPECT_FALSE(stopped());
}

TEST_F(AtcInvalidations, AreIgnoredWhileTheSmmuIsOff) {
  control(SMMU_CR0::SMMUEN, false);
  board.submit_and_sync(invalidate(kAddress));
  EXPECT_TRUE(board.idle());
  EXPECT_THAT(board.fabric.invalidations(), IsEmpty());
  // But what is illegal is.
  board.submit_and_sync(invalidate(kAddress, 53));
  EXPECT_EQ(error(), CommandError::CERROR_ILL);
}

TEST_F(AtcInvalidations, LargerThanEverythingAreIllegal) {
  board.submit_and_sync(invalidate(kAddress, 53));
  EXPECT_TRUE(stopped());
  EXPECT_EQ(error(), CommandError::CERROR_ILL);
  EXPECT_THAT(board.fabric.invalidations(), IsEmpty());
}

TEST_F(AtcInvalidations, ThatAreForgottenByAResetHoldUpNothing) {
  device.set_answers(Answers::kLater);
  board.submit(invalidate(kAddress), command<CMD_SYNC>());
  EXPECT_FALSE(board.idle());
  board.smmu().reset(emulator::Reset::kPowerOn);
  device.answer(InvalidationResult::kNotComplete);
  board.bring_up();
  board.submit_and_sync();
  EXPECT_TRUE(board.idle());
  EXPECT_FALSE(stopped());
}

TEST_F(AtcInvalidations, GoOnAfterTheQueueHasBeenSwitchedOffAndOn) {
  device.set_answers(Answers::kLater);
  board.submit(invalidate(kAddress), command<CMD_SYNC>());
  control(SMMU_CR0::CMDQEN, false);
  EXPECT_EQ(board.smmu().read<v3::SMMU_CR0ACK>()[v3::SMMU_CR0ACK::CMDQEN], false);
  control(SMMU_CR0::CMDQEN, true);
  EXPECT_FALSE(board.idle());
  device.answer();
  EXPECT_TRUE(board.idle());
}

class ManyAtcInvalidations : public AtcInvalidations {
 protected:
  static Board::Options large() {
    Board::Options options;
    options.log2_commands = 12;
    return options;
  }
  ManyAtcInvalidations() : AtcInvalidations(large()) {}
};

// A guest cannot have more memory than the model allows for what is unanswered.
TEST_F(ManyAtcInvalidations, WaitForOneAnother) {
  device.set_answers(Answers::kLater);
  for (unsigned i = 0; i != 2000; ++i) board.submit(invalidate(kAddress));
  EXPECT_FALSE(board.idle());
  EXPECT_EQ(device.unanswered(), 1024U);
  board.submit(command<CMD_SYNC>());
  device.answer();
  EXPECT_FALSE(board.idle());
  EXPECT_EQ(device.unanswered(), 2000U - 1024U);
  device.answer();
  EXPECT_TRUE(board.idle());
}

TEST(AtcInvalidationsWithoutSubstreams, TakeNone) {  // 4.5.1: SSV 1 is taken as 0
  Board::Options options;
  options.config.idr1.set(SMMU_IDR1::SSIDSIZE, 0);
  options.config.idr3.set(v3::SMMU_IDR3::PPS, false);
  Board board(options);
  board.bring_up();
  board.submit_and_sync(invalidate(kAddress)
                            .set(CMD_ATC_INV::SSV, true)
                            .set(CMD_ATC_INV::SubstreamID, 3U)
                            .set(CMD_ATC_INV::Global, true));
  ASSERT_EQ(board.fabric.invalidations().size(), 1U);
  EXPECT_EQ(board.fabric.invalidations()[0].substream, std::nullopt);
  EXPECT_FALSE(board.fabric.invalidations()[0].global);
}

// 4.5: where the rest of the system has no ATS the commands are ignored.
TEST(AtsWithoutARootComplex, IsIgnored) {
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 1 << 20));
  auto made = emulator::SmmuV3::create(emulator::SmmuV3Config::everything(), {.memory = &ram});
  ASSERT_TRUE(made);
  emulator::SmmuV3& smmu = **made;
  smmu.write(v3::SMMU_CMDQ_BASE().set(v3::SMMU_CMDQ_BASE::LOG2SIZE, 3U));
  store(ram, Pa(0), invalidate(kAddress));
  store(ram, Pa(16), command<v3::CMD_PRI_RESP>());
  store(ram, Pa(32), command<CMD_SYNC>());
  smmu.write(SMMU_CR0().set(SMMU_CR0::CMDQEN, true).set(SMMU_CR0::SMMUEN, true));
  smmu.write(v3::SMMU_CMDQ_PROD().set(v3::SMMU_CMDQ_PROD::WR, 3U));
  EXPECT_EQ(smmu.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD], 3U);
  smmu.add_port().request_page({.stream = kStream, .address = kAddress, .last = true});
}

// 3.5.6.1, 3.9.1.4: of several Command queues each waits for what it has sent,
// and hears of its own failures.
TEST_F(AtcInvalidations, AreTheirQueuesOwn) {
  EnhancedQueue queue(board, 0, 1);
  queue.enable();
  device.set_answers(Answers::kLater);
  board.submit(invalidate(kAddress));
  queue.submit(command<CMD_SYNC>());
  EXPECT_TRUE(queue.idle());  // it has sent nothing
  board.submit(command<CMD_SYNC>());
  EXPECT_FALSE(board.idle());
  device.answer();
  EXPECT_TRUE(board.idle());

  queue.submit(invalidate(kAddress));
  board.submit_and_sync();
  EXPECT_TRUE(board.idle());
  device.answer(InvalidationResult::kNotComplete);
  // Whoever asks first, it is the sender who is told.
  board.submit_and_sync();
  EXPECT_TRUE(board.idle());
  EXPECT_FALSE(stopped());
  queue.submit(command<CMD_SYNC>());
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(queue.reason(), static_cast<unsigned>(CommandError::CERROR_ATC_INV_SYNC));
  EXPECT_EQ(error(), CommandError::CERROR_NONE);
  queue.acknowledge();
  EXPECT_TRUE(queue.idle());
}

TEST_F(AtcInvalidations, FailForEachOfTwoQueues) {
  EnhancedQueue queue(board, 0, 1);
  queue.enable();
  device.set_answers(Answers::kLater);
  board.submit(invalidate(kAddress));
  queue.submit(invalidate(kAddress));
  device.answer(InvalidationResult::kNotComplete);
  board.submit(command<CMD_SYNC>());
  queue.submit(command<CMD_SYNC>());
  EXPECT_EQ(error(), CommandError::CERROR_ATC_INV_SYNC);
  EXPECT_TRUE(queue.in_error());
}

}  // namespace
}  // namespace smmu::testing::ats_invalidation_test
