// Snapshots: what was under way when an SMMU was saved goes on after it was restored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/arch/v3/secure_operation_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/v3/translation_operation_registers.h"
#include "test/system/ats_stream.h"
#include "test/system/enhanced_queue.h"
#include "test/system/moved.h"
#include "test/system/stalling_stream.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::snapshot_test {
namespace {

using emulator::CachePolicy;
using emulator::Pace;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v3::CMD_ATC_INV;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandError;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_GBPA;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;

// 6.2.1
constexpr std::uint32_t kSecureEventqProd = v3::kSecureOffset + 0xA8;
constexpr std::uint32_t kSecureCmdqProd = v3::kSecureOffset + v3::SMMU_CMDQ_PROD::kOffset;

// A stream whose faults stall.
class SnapshotOfStalls : public ::testing::Test, protected StallingStream {
 protected:
  explicit SnapshotOfStalls(const Board::Options& options = {}) : StallingStream(options) {
    first = board.device(kStream, client);
  }
  void move_on() {
    move(board, [this] {
      device = board.device(kStream, ends);
      first = board.device(kStream, client);
    });
  }

  WaitingDevice client;
  DmaDevice first = device;  // by its port, which is the second one
};

TEST_F(SnapshotOfStalls, AnAccessThatWaitsIsRetriedByItsTag) {
  const auto tag = tag_of(first.translate(kUnmapped, emulator::Direction::kWrite));
  const auto other = tag_of(device.translate(kUnmapped));
  EXPECT_THAT(board.events(), SizeIs(2));
  move_on();
  ASSERT_THAT(client.restored, SizeIs(1));
  EXPECT_EQ(client.restored[0].first, (emulator::Stalled{tag}));
  EXPECT_EQ(client.restored[0].second.stream, kStream);
  EXPECT_EQ(client.restored[0].second.address, kUnmapped);
  EXPECT_EQ(client.restored[0].second.direction, emulator::Direction::kWrite);
  EXPECT_THAT(client.ended, IsEmpty());

  repair();
  board.submit(retry(tag));
  ASSERT_THAT(client.ended, SizeIs(1));
  EXPECT_EQ(client.ended[0].first, (emulator::Stalled{tag}));
  EXPECT_THAT(client.ended[0].second, TranslatesTo(other_page));
  EXPECT_EQ(ends.size(), 0U);
  board.submit(abort(other));
  EXPECT_EQ(ends.size(), 1U);
}

TEST_F(SnapshotOfStalls, ATagThatIsInUseIsNotGivenAgain) {
  const auto tag = tag_of(first.translate(kUnmapped));
  move_on();
  EXPECT_NE(tag_of(first.translate(kUnmapped)), tag);
}

TEST_F(SnapshotOfStalls, CmdStallTermAndSmmuenEndThem) {
  first.translate(kUnmapped);
  move_on();
  board.submit(terminate_all());
  ASSERT_THAT(client.ended, SizeIs(1));
  EXPECT_THAT(client.ended[0].second, Aborts());
  first.translate(kUnmapped);
  move_on();
  enable(false);
  EXPECT_THAT(client.ended, SizeIs(2));
}

TEST_F(SnapshotOfStalls, ThoseOfTheSmmuThatRestoresAreForgotten) {
  const auto snapshot = saved(board.smmu());
  first.translate(kUnmapped);
  ASSERT_TRUE(board.smmu().restore(snapshot));
  board.submit(terminate_all());
  EXPECT_THAT(client.ended, IsEmpty());
  EXPECT_THAT(client.restored, IsEmpty());
}

class SnapshotOfFullQueue : public SnapshotOfStalls {
 protected:
  SnapshotOfFullQueue() : SnapshotOfStalls(options(Pace::kAtOnce, 1)) {}
};

// 7.2.1: a stall is not lost.
TEST_F(SnapshotOfFullQueue, AStallIsRecordedWhenThereIsRoom) {
  for (unsigned i = 0; i != 3; ++i) first.translate(kUnmapped);
  EXPECT_FALSE(overflowed());
  move_on();
  EXPECT_THAT(client.restored, SizeIs(3));
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(board.events(), SizeIs(1));
  board.submit(terminate_all());
  EXPECT_THAT(client.ended, SizeIs(3));
}

// 7.4: the flag stands until it is acknowledged.
TEST_F(SnapshotOfFullQueue, AnOverflowStaysOne) {
  use(context(table));
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(first.translate(kUnmapped), Aborts());
  EXPECT_TRUE(overflowed());
  move_on();
  EXPECT_TRUE(overflowed());
  first.translate(kUnmapped);
  EXPECT_TRUE(overflowed());
  EXPECT_THAT(board.events(), SizeIs(2));
  board.smmu().write(board.smmu().read<SMMU_EVENTQ_CONS>().set(SMMU_EVENTQ_CONS::OVACKFLG, true));
  EXPECT_FALSE(overflowed());
  first.translate(kUnmapped);
  EXPECT_THAT(board.events(), SizeIs(1));
}

class SteppedSnapshot : public SnapshotOfStalls {
 protected:
  SteppedSnapshot() : SnapshotOfStalls(options(Pace::kStepped)) {}
  emulator::SmmuV3& smmu() { return board.smmu(); }
};

TEST_F(SteppedSnapshot, GbpaIsUpdatedAfterwards) {
  enable(false);
  smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  move_on();
  EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_THAT(first.translate(kMapped), TranslatesTo(Pa(kMapped.value)));
  EXPECT_EQ(smmu().step(1), 1U);
  EXPECT_FALSE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_THAT(first.translate(kMapped), Aborts());
}

TEST_F(SteppedSnapshot, Cr0AndIrqCtrlAreAcknowledgedAfterwards) {
  const auto on = smmu().read<SMMU_CR0>();
  smmu().write(SMMU_CR0(on).set(SMMU_CR0::SMMUEN, false));
  smmu().write(SMMU_IRQ_CTRL());
  move_on();
  EXPECT_EQ(smmu().read<SMMU_CR0ACK>().raw(), on.raw());
  EXPECT_THAT(first.translate(kMapped), TranslatesTo(page));
  EXPECT_EQ(smmu().step(100), 2U);
  EXPECT_FALSE(smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN]);
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
  EXPECT_THAT(first.translate(kMapped), TranslatesTo(Pa(kMapped.value)));
}

TEST_F(SteppedSnapshot, RecordsThatWaitAreWritten) {
  use(context(table));
  board.events();
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(first.translate(kUnmapped), Aborts());
  move_on();
  EXPECT_THAT(board.events(), IsEmpty());
  board.settle();
  EXPECT_THAT(board.events(), SizeIs(3));
}

TEST_F(SteppedSnapshot, AStallIsRecordedAfterwards) {
  const auto tag = tag_of(first.translate(kUnmapped));
  move_on();
  EXPECT_THAT(board.events(), IsEmpty());
  board.settle();
  EXPECT_THAT(board.events(), ElementsAre(record(tag)));
}

// 4.7.3: its interrupt is an effect of its own.
TEST_F(SteppedSnapshot, TheInterruptOfACmdSyncComesAfterwards) {
  const Pa message = board.allocate(4096);
  board.submit(command<CMD_SYNC>()
                   .set(CMD_SYNC::CS, SyncSignal::kIrq)
                   .set(CMD_SYNC::MSIAddress, message.value)
                   .set(CMD_SYNC::MSIData, 0xabcd));
  EXPECT_EQ(smmu().step(1), 1U);
  EXPECT_TRUE(board.idle());
  const unsigned before = board.sync_line.count();
  move_on();
  EXPECT_EQ(smmu().step(100), 1U);
  EXPECT_EQ(board.sync_line.count(), before + 1);
  EXPECT_EQ(load(board.memory(), message), 0xabcdU);
}

TEST_F(SteppedSnapshot, AnOperationThatRunsEnds) {  // 6.3.37
  using v3::SMMU_GATOS_ADDR;
  using v3::SMMU_GATOS_CTRL;
  using v3::SMMU_GATOS_PAR;
  using v3::SMMU_GATOS_SID;
  smmu().write(SMMU_GATOS_SID().set(SMMU_GATOS_SID::STREAMID, kStream.value));
  smmu().write(SMMU_GATOS_ADDR()
                   .set(SMMU_GATOS_ADDR::ADDR, kMapped.value)
                   .set(SMMU_GATOS_ADDR::TYPE, v3::TranslationType::kStage1)
                   .set(SMMU_GATOS_ADDR::RnW, true));
  smmu().write(SMMU_GATOS_CTRL().set(SMMU_GATOS_CTRL::RUN, true));
  move_on();
  EXPECT_TRUE(smmu().read<SMMU_GATOS_CTRL>()[SMMU_GATOS_CTRL::RUN]);
  EXPECT_EQ(smmu().step(100), 1U);
  EXPECT_FALSE(smmu().read<SMMU_GATOS_CTRL>()[SMMU_GATOS_CTRL::RUN]);
  EXPECT_EQ(smmu().read<SMMU_GATOS_PAR>()[SMMU_GATOS_PAR::ADDR], page.value);
}

TEST_F(SteppedSnapshot, CommandsThatWaitAreConsumed) {
  board.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
  EXPECT_EQ(smmu().step(1), 1U);
  move_on();
  EXPECT_FALSE(board.idle());
  EXPECT_EQ(smmu().step(100), 1U);
  EXPECT_TRUE(board.idle());
}

// 7.1, 7.5: an error stops the queue until it is acknowledged.
TEST(Snapshot, AQueueThatStoppedGoesOnWhenItMay) {
  Board board;
  board.bring_up();
  board.submit(v3::CommandHeader({0xff, 0}));
  move(board);
  EXPECT_FALSE(board.idle());
  EXPECT_EQ(board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
  const auto at = board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
  store(board.memory(), Pa(board.command_queue().value + 16 * std::uint64_t{at}),
        command<CMD_SYNC>());
  board.smmu().write(SMMU_GERRORN(board.smmu().read<SMMU_GERROR>().raw()));
  EXPECT_TRUE(board.idle());
}

// 3.5.1: base and size are those of when it was enabled, STRTAB_BASE as well.
TEST(Snapshot, AllRegistersReadWhatTheyDid) {
  Board board;
  board.bring_up();
  board.bring_up_page_requests();
  const auto read_all = [&] {
    std::vector<std::uint32_t> words;
    for (std::uint32_t offset = 0; offset != 0x2'0000; offset += 4) {
      words.push_back(board.smmu().secure().read32(offset));
    }
    return words;
  };
  board.smmu().write64(v3::SMMU_GATOS_SID::kOffset, 5);
  const auto before = read_all();
  move(board);
  EXPECT_EQ(read_all(), before);
}

class SnapshotOfAts : public ::testing::Test, protected AtsStream {
 protected:
  SnapshotOfAts() {
    attach(of_stage1());
    device.set_answers(AtsDevice::Answers::kLater);
  }
  CMD_ATC_INV invalidate() const {
    return command<CMD_ATC_INV>().set(CMD_ATC_INV::StreamID, kStream.value);
  }
  // The device keeps what it has to answer, and makes no access any more.
  void move_on() {
    move(board, [this] { board.smmu().add_port(); });
  }
};

TEST_F(SnapshotOfAts, ACmdSyncThatWaitsForADeviceEndsWithTheAnswer) {  // 3.9.1
  board.submit_and_sync(invalidate());
  EXPECT_FALSE(board.idle());
  move_on();
  EXPECT_FALSE(board.idle());
  device.answer();
  EXPECT_TRUE(board.idle());
}

TEST_F(SnapshotOfAts, AnAnswerThatFailedIsTold) {  // 3.9.1.4
  board.submit(invalidate());
  device.answer(emulator::InvalidationResult::kNotComplete);
  move_on();
  board.submit(command<CMD_SYNC>());
  EXPECT_EQ(board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR],
            CommandError::CERROR_ATC_INV_SYNC);
}

TEST_F(SnapshotOfAts, AnOverflowOfThePriQueueIsAnsweredStill) {  // 8.1
  board.bring_up_page_requests(0);
  device.ask_for_page(kAddress, 1);
  device.ask_for_page(kAddress, 2);
  EXPECT_THAT(device.responses(), SizeIs(1));
  move(board, [&] { board.smmu().add_port(); });
  AtsDevice successor(board.fabric, board.smmu().add_port(), StreamId(6));
  EXPECT_THAT(board.page_requests(), SizeIs(1));
  // There is room, and an overflow that nobody has acknowledged.
  successor.ask_for_page(kAddress, 3);
  EXPECT_THAT(successor.responses(), SizeIs(1));
  EXPECT_THAT(board.page_requests(), IsEmpty());
}

TEST(Snapshot, PageRequestsThatWaitAreWritten) {
  AtsStream stream(options(Pace::kStepped));
  stream.board.bring_up_page_requests();
  stream.board.settle();
  stream.device.ask_for_page(AtsStream::kAddress, 7);
  move(stream.board, [&] { stream.board.smmu().add_port(); });
  EXPECT_THAT(stream.board.page_requests(), IsEmpty());
  stream.board.settle();
  EXPECT_THAT(stream.board.page_requests(), SizeIs(1));
}

TEST(Snapshot, AnEventThatIsLikeTheLastIsMergedStill) {  // 7.3.1
  Board::Options merging;
  merging.config.merging = emulator::EventMerging::kPermitted;
  Board board(merging);
  board.bring_up();
  PageTable table = board.page_table();
  const Pa cd = board.allocate(64, 64);
  store(board.memory(), cd, context(table));
  board.attach(StreamId(9), translate(cd).set(v3::STE::MEV, true));
  board.device(StreamId(9)).translate(Iova(0x8000'0000));
  move(board, [&] { board.smmu().add_port(); });
  board.device(StreamId(9)).translate(Iova(0x8000'0000));
  EXPECT_THAT(board.events(), SizeIs(1));
}

class SnapshotOfEnhancedQueues : public EnhancedQueues {};

TEST_F(SnapshotOfEnhancedQueues, AnErrorIsAcknowledgedAfterwards) {  // 3.5.6.3
  EnhancedQueue queue = this->queue(0, 2);
  queue.submit(illegal(), command<CMD_SYNC>());
  EXPECT_TRUE(queue.in_error());
  move(board_);
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(queue.reason(), static_cast<unsigned>(CommandError::CERROR_ILL));
  store(board_.memory(), queue.entry(0), command<CMD_SYNC>());
  queue.acknowledge();
  EXPECT_TRUE(queue.idle());
  // It is still enabled, and the attributes of queues are still its own.
  const auto cr1 = smmu().read<v3::SMMU_CR1>();
  smmu().write(SMMU_CR0());
  smmu().write(v3::SMMU_CR1(cr1).set(v3::SMMU_CR1::QUEUE_SH, Shareability::kInner));
  EXPECT_EQ(smmu().read<v3::SMMU_CR1>().raw(), cr1.raw());
  queue.disable();
  smmu().write(v3::SMMU_CR1(cr1).set(v3::SMMU_CR1::QUEUE_SH, Shareability::kInner));
  EXPECT_NE(smmu().read<v3::SMMU_CR1>().raw(), cr1.raw());
}

TEST_F(SnapshotOfEnhancedQueues, ACmdSyncThatWaitsIsThatQueues) {
  AtsDevice device = board_.ats_device(StreamId(5));
  device.set_answers(AtsDevice::Answers::kLater);
  EnhancedQueue one = queue(0, 1);
  EnhancedQueue other = queue(0, 2);
  const auto invalidation = command<CMD_ATC_INV>().set(CMD_ATC_INV::StreamID, 5);
  one.submit(invalidation, command<CMD_SYNC>());
  other.submit(invalidation, command<CMD_SYNC>());
  move(board_, [&] { smmu().add_port(); });
  EXPECT_FALSE(one.idle());
  EXPECT_FALSE(other.idle());
  device.answer();
  EXPECT_TRUE(one.idle());
  EXPECT_TRUE(other.idle());
}

// 3.10.2, 6.2.1
TEST(Snapshot, TheSecureInterfaceIsAsItWas) {
  using v3::SMMU_IDR0;
  using v3::SMMU_S_CR0;
  TwoSpaces board;
  board.bring_up();
  board.secure().attach(StreamId(5), bypass());
  PageTable table = board.secure().page_table();
  table.map(Iova(0x8000'0000), Pa(0x4100'0000), 4096);
  const Pa cd = board.secure().allocate(64, 64);
  store(board.memory(SecurityState::kSecure), cd, context(table));
  board.secure().attach(StreamId(6), translate(cd));
  Mmio* secure = &board.smmu().secure();
  secure->write32(SMMU_S_CR0::kOffset, secure->read32(SMMU_S_CR0::kOffset) |
                                           SMMU_S_CR0().set(SMMU_S_CR0::NSSTALLD, true).raw());
  EXPECT_EQ(board.smmu().read<SMMU_IDR0>()[SMMU_IDR0::STALL_MODEL], StallModel::kTerminate);
  board.secure().device(StreamId(6)).translate(Iova(0x9000'0000));
  const std::uint32_t produced = secure->read32(kSecureEventqProd);
  EXPECT_NE(produced, 0U);

  move(board.non_secure(), [&] { board.smmu().add_port(); });
  secure = &board.smmu().secure();
  EXPECT_EQ(board.smmu().read<SMMU_IDR0>()[SMMU_IDR0::STALL_MODEL], StallModel::kTerminate);
  EXPECT_EQ(secure->read32(kSecureEventqProd), produced);
  const DmaDevice device = board.non_secure().device(StreamId(6)).of(SecurityState::kSecure);
  EXPECT_THAT(device.translate(Iova(0x8000'0000)),
              TranslatesTo(Pa(0x4100'0000), SecurityState::kSecure));
  EXPECT_THAT(device.translate(Iova(0x9000'0000)), Aborts());
  EXPECT_EQ(secure->read32(kSecureEventqProd), produced + 1);
  secure->write32(SMMU_S_CR0::kOffset, 0);
  EXPECT_EQ(board.smmu().read<SMMU_IDR0>()[SMMU_IDR0::STALL_MODEL], StallModel::kStallOrTerminate);
}

// 3.12.2: tags are of a Security state.
TEST(Snapshot, ASecureStallIsTheSecureDriversToAnswer) {
  using v3::CMD_RESUME;
  TwoSpaces board;
  board.bring_up();
  WaitingDevice client;
  PageTable table = board.secure().page_table();
  const Pa cd = board.secure().allocate(64, 64);
  store(board.memory(SecurityState::kSecure), cd, context(table).set(v3::CD::S, true));
  board.secure().attach(StreamId(6), translate(cd));
  const auto outcome = board.secure().device(StreamId(6), client).translate(Iova(0x8000'0000));
  ASSERT_TRUE(std::holds_alternative<emulator::Stalled>(outcome));
  const auto produced = board.smmu().secure().read32(kSecureCmdqProd);

  move(board.non_secure(), [&] { board.smmu().add_port(client); });
  ASSERT_THAT(client.restored, SizeIs(1));
  EXPECT_EQ(client.restored[0].first, std::get<emulator::Stalled>(outcome));
  EXPECT_EQ(client.restored[0].first.security, SecurityState::kSecure);
  const Pa place(board.secure().command_queue().value + 16 * std::uint64_t{produced});
  store(board.memory(SecurityState::kSecure), place,
        StallingStream::answer(client.restored[0].first.tag, StreamId(6))
            .set(CMD_RESUME::SSec, true)
            .set(CMD_RESUME::Ab, true));
  board.smmu().secure().write32(kSecureCmdqProd, produced + 1);
  ASSERT_THAT(client.ended, SizeIs(1));
  EXPECT_THAT(client.ended[0].second, Aborts());
}

// What is kept, and may be stale, is kept as long.
class SnapshotOfCaches : public ::testing::TestWithParam<CachePolicy>, protected AtsStream {
 protected:
  SnapshotOfCaches() : AtsStream(with(GetParam())) {}
  static Board::Options with(CachePolicy policy) {
    Board::Options options;
    options.config.caching.policy = policy;
    return options;
  }
  emulator::Outcome translate(Iova address = kAddress) { return port->translate(at(address)); }
  static emulator::Transaction at(Iova address) { return {.stream = kStream, .address = address}; }
  void move_on() {
    move(board, [this] {
      board.smmu().add_port();
      port = &board.smmu().add_port();
    });
  }
  emulator::Port* port = &board.smmu().add_port();
  Pa new_page = board.allocate(4096);
};

TEST_P(SnapshotOfCaches, AStaleTranslationStaysUntilItIsInvalidated) {
  attach(of_stage1());
  EXPECT_THAT(translate(), TranslatesTo(page));
  stage1.map(kAddress, new_page, 4096);
  move_on();
  EXPECT_THAT(translate(), TranslatesTo(page));
  invalidate_tlbs();
  EXPECT_THAT(translate(), TranslatesTo(new_page));
}

TEST_P(SnapshotOfCaches, AStaleContextStaysUntilItIsInvalidated) {
  using v3::CMD_CFGI_STE;
  attach(of_stage1());
  EXPECT_THAT(translate(), TranslatesTo(page));
  board.streams().set(kStream, bypass());
  move_on();
  const Iova another(kAddress.value + 0x1000);
  EXPECT_THAT(translate(another), Aborts());
  board.submit_and_sync(command<CMD_CFGI_STE>()
                            .set(CMD_CFGI_STE::StreamID, kStream.value)
                            .set(CMD_CFGI_STE::Leaf, true));
  EXPECT_THAT(translate(another), TranslatesTo(Pa(another.value)));
}

TEST_P(SnapshotOfCaches, AStaleLeafOfStage2StaysUntilItIsInvalidated) {
  attach(nested());
  EXPECT_THAT(translate(), TranslatesTo(page));
  host.map(kPage, new_page, 4096);
  move_on();
  EXPECT_THAT(translate(), TranslatesTo(page));
  invalidate_tlbs();
  EXPECT_THAT(translate(), TranslatesTo(new_page));
}

INSTANTIATE_TEST_SUITE_P(Policies, SnapshotOfCaches,
                         ::testing::Values(CachePolicy::kRealistic, CachePolicy::kAdversarial));

class SnapshotOfAdversary : public SnapshotOfCaches {};

// 4.7.3, as late as may be.
TEST_P(SnapshotOfAdversary, AnInvalidationTakesEffectWithTheNextCmdSync) {
  attach(of_stage1());
  EXPECT_THAT(translate(), TranslatesTo(page));
  stage1.map(kAddress, new_page, 4096);
  board.submit(command<CMD_TLBI_NSNH_ALL>());
  move_on();
  EXPECT_THAT(translate(), TranslatesTo(page));
  board.submit(command<CMD_SYNC>());
  EXPECT_THAT(translate(), TranslatesTo(new_page));
}

INSTANTIATE_TEST_SUITE_P(Policy, SnapshotOfAdversary, ::testing::Values(CachePolicy::kAdversarial));

TEST(Snapshot,
     SaysWhoseOperationIsUnderWay) {  // what the Secure interface asks of a Non-secure stream
  TwoSpaces spaces([] {
    auto config = emulator::SmmuV3Config::everything();
    config.pace = Pace::kStepped;
    return config;
  }());
  spaces.bring_up();
  Board& board = spaces.non_secure();
  PageTable table = board.page_table();
  const Pa page = board.allocate(4096);
  table.map(Iova(0x40'0000), page, 4096);
  board.attach(StreamId(5), table);
  using v3::SMMU_S_GATOS_ADDR;
  using v3::SMMU_S_GATOS_SID;
  const auto secure = [&]() -> Mmio& { return board.smmu().secure(); };
  secure().write(SMMU_S_GATOS_SID().set(SMMU_S_GATOS_SID::STREAMID, 5));
  secure().write(SMMU_S_GATOS_ADDR()
                     .set(SMMU_S_GATOS_ADDR::ADDR, 0x40'0000)
                     .set(SMMU_S_GATOS_ADDR::TYPE, v3::TranslationType::kStage1)
                     .set(SMMU_S_GATOS_ADDR::RnW, true));
  secure().write(v3::SMMU_S_GATOS_CTRL(1));
  move(board);
  EXPECT_EQ(secure().read<v3::SMMU_S_GATOS_CTRL>().raw(), 1U);
  board.settle();
  EXPECT_EQ(secure().read<v3::SMMU_S_GATOS_CTRL>().raw(), 0U);
  const auto par = secure().read<v3::SMMU_S_GATOS_PAR>();
  EXPECT_EQ(par[v3::SMMU_S_GATOS_PAR::ADDR], page.value);
  EXPECT_TRUE(par[v3::SMMU_S_GATOS_PAR::NS]);
}

}  // namespace
}  // namespace smmu::testing::snapshot_test
