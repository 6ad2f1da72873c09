// Stalled transactions and the Event queue: their records are never lost, and wait (IHI
// 0070, 3.5.3, 3.12.2, 6.3.6, 7.2.1, 7.2.2 and 7.4).
#include "test/system/stalling_stream.h"

namespace smmu::testing::stall_queue_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using v3::CD;
using v3::EventType;
using v3::F_TRANSLATION;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR5;

// An Event queue of two entries.
class StallRecords : public ::testing::Test, protected StallingStream {
 protected:
  StallRecords() : StallingStream({.log2_events = 1}) {}
  // Fills the queue; the transactions stay stalled.
  void fill() {
    device.translate(kUnmapped);
    device.translate(kUnmapped);
  }
};

TEST_F(StallRecords, WaitForRoomAndMakeNoOverflow) {  // 7.2.1, 7.4
  fill();
  const auto third = device.translate(kUnmapped);
  const auto fourth = device.translate(kUnmapped);
  EXPECT_THAT(third, Stalls());
  EXPECT_FALSE(overflowed());
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(third)), record(tag_of(fourth))));
  EXPECT_THAT(board.events(), IsEmpty());
  EXPECT_FALSE(overflowed());
  EXPECT_EQ(board.event_line.count(), 2U);
  board.submit_and_sync(abort(tag_of(fourth)));
  EXPECT_THAT(ends.take(fourth), Optional(Aborts()));
}

TEST_F(StallRecords, LeaveTheOverflowToOthers) {  // 7.4
  board.attach(StreamId(1), v3::STE());
  fill();
  const auto third = device.translate(kUnmapped);
  EXPECT_FALSE(overflowed());
  EXPECT_THAT(board.device(StreamId(1)).translate(kMapped), Aborts());
  EXPECT_TRUE(overflowed());
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(third))));
}

TEST_F(StallRecords, WaitForTheQueueToBeEnabled) {  // 7.2.1
  enable(true, false);
  const auto outcome = device.translate(kUnmapped);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_THAT(board.events(), IsEmpty());
  enable(true, true);
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(outcome))));
}

TEST_F(StallRecords, WaitForAnAbortToBeAcknowledged) {  // 7.2.1, 7.2.2
  auto& smmu = board.smmu();
  enable(true, false);
  const auto good = smmu.read<SMMU_EVENTQ_BASE>();
  smmu.write(SMMU_EVENTQ_BASE(0x1000).set(SMMU_EVENTQ_BASE::LOG2SIZE, 1));
  enable(true, true);
  const auto first = device.translate(kUnmapped);
  EXPECT_THAT(first, Stalls());
  const auto errors = smmu.read<SMMU_GERROR>();
  EXPECT_NE(errors[SMMU_GERROR::EVENTQ_ABT_ERR],
            smmu.read<SMMU_GERRORN>()[SMMU_GERRORN::EVENTQ_ABT_ERR]);
  const auto second = device.translate(kUnmapped);
  EXPECT_THAT(second, Stalls());
  EXPECT_EQ(board.error_line.count(), 1U);
  enable(true, false);
  smmu.write(good);
  enable(true, true);
  EXPECT_THAT(board.events(), IsEmpty());
  smmu.write(SMMU_GERRORN(errors.raw()));
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(first)), record(tag_of(second))));
}

TEST_F(StallRecords, AreNotWrittenOfWhatHasBeenRepaired) {  // 3.12.2, 7.2.1
  fill();
  const auto third = device.translate(kUnmapped);
  repair();
  EXPECT_EQ(ends.size(), 0U);
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(ends.take(third), Optional(TranslatesTo(other_page)));
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(StallRecords, AreOfTheNewFault) {  // 3.12.2, 7.2.1
  fill();
  const auto third = device.translate(kUnmapped);
  const auto fourth = device.translate(kUnmapped);
  table.map(kUnmapped, other_page, 4096, {.access_flag = false});
  EXPECT_THAT(board.events(), SizeIs(2));
  auto events = board.events();
  EXPECT_THAT(events, ElementsAre(IsEvent(EventType::F_ACCESS, kStream, kUnmapped),
                                  IsEvent(EventType::F_ACCESS, kStream, kUnmapped)));
  EXPECT_EQ(tag_of(events[0]), tag_of(third));
  EXPECT_EQ(tag_of(events[1]), tag_of(fourth));
}

TEST_F(StallRecords, AreOfANewConfigurationThatTerminates) {  // 3.12.2, 4.7.3
  fill();
  const auto third = device.translate(kUnmapped);
  use(context(table));  // CMD_CFGI_CD and CMD_SYNC
  EXPECT_EQ(ends.size(), 0U);
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(ends.take(third), Optional(Aborts()));
  const auto events = board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kUnmapped)));
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::Stall]);
  // Those that have a record wait on.
  EXPECT_EQ(ends.size(), 0U);
}

TEST_F(StallRecords, WithoutOneThereIsNothingToAnswer) {  // 4.7.1: CONSTRAINED UNPREDICTABLE
  fill();
  const auto third = device.translate(kUnmapped);
  board.submit_and_sync(abort(tag_of(third)), retry(tag_of(third)));
  EXPECT_EQ(ends.size(), 0U);
  board.events();
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(third))));
}

TEST_F(StallRecords, AreDroppedByStallTerm) {  // 4.7.2
  fill();
  const auto third = device.translate(kUnmapped);
  board.submit_and_sync(terminate_all());
  EXPECT_THAT(ends.take(third), Optional(Aborts()));
  EXPECT_EQ(ends.size(), 2U);
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(board.events(), IsEmpty());
}

// The sequence of 4.7.2.1, with records that could not be written.
TEST_F(StallRecords, StopWithTheStream) {
  fill();
  const auto third = device.translate(kUnmapped);
  board.attach(kStream, abort_all());  // CMD_CFGI_STE and CMD_SYNC
  EXPECT_THAT(board.events(), SizeIs(2));
  EXPECT_THAT(ends.take(third), Optional(Aborts()));
  board.submit_and_sync(terminate_all());
  EXPECT_EQ(ends.size(), 2U);
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST(StallMax, IsHowManyRecordsMayBeUnanswered) {  // 6.3.6
  using S = StallingStream;
  Board::Options options;
  options.config.idr5.set(SMMU_IDR5::STALL_MAX, 2);
  S s(options);
  std::vector<emulator::Outcome> outcomes;
  for (unsigned i = 0; i != 4; ++i) outcomes.push_back(s.device.translate(S::kUnmapped));
  EXPECT_THAT(s.board.events(),
              ElementsAre(S::record(S::tag_of(outcomes[0])), S::record(S::tag_of(outcomes[1]))));
  // A retry that stalls again comes after those that have waited longer.
  s.board.submit_and_sync(S::retry(S::tag_of(outcomes[1])));
  EXPECT_THAT(s.board.events(), ElementsAre(S::record(S::tag_of(outcomes[2]))));
  s.board.submit_and_sync(S::abort(S::tag_of(outcomes[0])));
  EXPECT_THAT(s.board.events(), ElementsAre(S::record(S::tag_of(outcomes[3]))));
  s.board.submit_and_sync(S::abort(S::tag_of(outcomes[3])));
  EXPECT_THAT(s.board.events(), ElementsAre(S::record(S::tag_of(outcomes[1]))));
  s.board.submit_and_sync(S::terminate_all());
  EXPECT_EQ(s.ends.size(), 4U);
}

TEST(MostStalled, AnyMoreAbort) {
  using S = StallingStream;
  Board::Options options;
  options.config.most_stalled = 2;
  S s(options);
  const auto first = s.device.translate(S::kUnmapped);
  EXPECT_THAT(s.device.translate(S::kUnmapped), Stalls());
  EXPECT_THAT(s.board.events(), SizeIs(2));
  EXPECT_THAT(s.device.translate(S::kUnmapped), Aborts());
  const auto events = s.board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, S::kStream, S::kUnmapped)));
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::Stall]);
  s.board.submit_and_sync(S::abort(S::tag_of(first)));
  EXPECT_EQ(s.ends.size(), 1U);
  const auto again = s.device.translate(S::kUnmapped);
  EXPECT_EQ(S::tag_of(again), S::tag_of(first));  // it was free again
}

// 6.3.9.6
TEST_F(StallRecords, StalledTransactionsAbortWhenTheSmmuIsDisabled) {
  fill();
  const auto third = device.translate(kUnmapped);
  enable(false);
  EXPECT_EQ(board.smmu().read<v3::SMMU_CR0ACK>()[v3::SMMU_CR0ACK::SMMUEN], false);
  EXPECT_THAT(ends.take(third), Optional(Aborts()));
  EXPECT_EQ(ends.size(), 2U);
  EXPECT_THAT(device.translate(kUnmapped), TranslatesTo(Pa(kUnmapped.value)));  // it bypasses
  EXPECT_THAT(board.events(), SizeIs(2));  // what had been recorded
  EXPECT_THAT(board.events(), IsEmpty());
  enable(true);
  EXPECT_THAT(board.events(), IsEmpty());
  const auto next = device.translate(kUnmapped);
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(next))));
  board.submit_and_sync(retry(tag_of(third)));
  EXPECT_EQ(ends.size(), 2U);
}

TEST_F(StallRecords, AResetAbortsThem) {  // 3.19: as a powerdown
  const auto first = device.translate(kUnmapped);
  enable(true, false);
  const auto second = device.translate(kUnmapped);
  board.smmu().reset(emulator::Reset::kWarm);
  EXPECT_THAT(ends.take(first), Optional(Aborts()));
  EXPECT_THAT(ends.take(second), Optional(Aborts()));
  board.bring_up();
  EXPECT_THAT(board.events(), IsEmpty());
}

// The commands that follow may invalidate what a fault came of; no record tells of that once their
// CMD_SYNC is complete (4.7.3).
TEST_F(StallRecords, AreNotOfWhatWasInvalidatedWhileTheInterruptIsHandled) {
  emulator::Outcome second;
  const DmaDevice inner = board.device(kStream, ends);
  bool first_time = true;
  board.event_line.on_pulse([&] {
    if (!std::exchange(first_time, false)) return;
    second = inner.translate(kUnmapped);  // its record has to wait for this handler
    repair();
    board.submit_and_sync(command<v3::CMD_TLBI_NH_ALL>());
  });
  const auto outcome = device.translate(kUnmapped);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_THAT(second, Stalls());
  const auto events = board.events();
  EXPECT_THAT(events.front(), record(tag_of(outcome)));
  EXPECT_EQ(events.size() + ends.size(), 2U);  // recorded before the CMD_SYNC, or retried
}

}  // namespace
}  // namespace smmu::testing::stall_queue_test
