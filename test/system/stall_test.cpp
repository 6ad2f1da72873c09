// Transactions that stall: which do, what software and the device see, and the answers (IHI 0070,
// 3.12.2, 4.7.1, 4.7.2 and 5.5).
#include "test/system/stalling_stream.h"

namespace smmu::testing::stall_test {
namespace {

using emulator::Direction;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using v3::CD;
using v3::CMD_RESUME;
using v3::CommandError;
using v3::EventType;
using v3::F_TRANSLATION;
using v3::SMMU_CMDQ_CONS;

class StallModel : public ::testing::Test, protected StallingStream {};

TEST_F(StallModel, AFaultIsRecordedAndTheDeviceGetsNoAnswer) {  // 3.12.2
  const auto outcome = device.translate(kUnmapped);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(outcome))));
  EXPECT_EQ(ends.size(), 0U);
}

TEST_F(StallModel, TheRecordDoesNotDependOnR) {  // 5.5, R
  use(context(table).set(CD::S, true).set(CD::R, false).set(CD::A, false));
  const auto outcome = device.translate(kUnmapped);
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(outcome))));
}

TEST_F(StallModel, FourKindsOfFaultsStall) {  // 3.12, 5.5
  const auto stalls_with = [&](EventType type, Iova address, Direction direction) {
    const auto outcome = device.translate(address, direction);
    EXPECT_THAT(outcome, Stalls());
    const auto events = board.events();
    ASSERT_THAT(events, ElementsAre(IsEvent(type, kStream, address)));
    EXPECT_EQ(tag_of(events[0]), tag_of(outcome));
  };
  stalls_with(EventType::F_TRANSLATION, kUnmapped, Direction::kWrite);
  table.map(Iova(0x9000'0000), page, 4096, {.access_flag = false});
  stalls_with(EventType::F_ACCESS, Iova(0x9000'0000), Direction::kRead);
  table.map(Iova(0x9000'1000), page, 4096, {.writable = false});
  stalls_with(EventType::F_PERMISSION, Iova(0x9000'1000), Direction::kWrite);
  use(context(table).set(CD::S, true).set(CD::IPS, OutputSize::k40Bits));
  table.map(Iova(0x9000'2000), Pa(std::uint64_t{1} << 40), 4096);
  stalls_with(EventType::F_ADDR_SIZE, Iova(0x9000'2000), Direction::kRead);
}

TEST_F(StallModel, NoOtherFaultDoes) {  // 3.12
  use(context(table).set(CD::S, true).set(CD::TTB0, 0x4000));
  EXPECT_THAT(device.translate(kMapped), Aborts());
  EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::F_WALK_EABT, kStream)));
  use(context(table).set(CD::S, true).set(CD::V, false));
  EXPECT_THAT(device.translate(kMapped), Aborts());
  EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
  board.attach(kStream, abort_all());
  EXPECT_THAT(device.translate(kMapped), Aborts());
  EXPECT_THAT(board.events(), IsEmpty());
}

// 3.12: as a device may be treated that is not known to be safe.
TEST_F(StallModel, ADeviceThatCannotWaitSeesAnAbort) {
  const DmaDevice hasty = board.device(kStream);
  EXPECT_THAT(hasty.translate(kUnmapped), Aborts());
  use(context(table).set(CD::S, true).set(CD::A, false));
  EXPECT_THAT(hasty.translate(kUnmapped), Aborts());
  const auto events = board.events();
  ASSERT_THAT(events, SizeIs(2));
  for (const Event& event : events) {
    EXPECT_THAT(event, IsEvent(EventType::F_TRANSLATION, kStream, kUnmapped));
    EXPECT_FALSE(event.as<F_TRANSLATION>()[F_TRANSLATION::Stall]);
  }
}

TEST_F(StallModel, OthersOfTheStreamPass) {  // 5.5: only the stalled transaction is held
  EXPECT_THAT(device.translate(kUnmapped), Stalls());
  EXPECT_THAT(device.translate(kMapped), TranslatesTo(page));
  EXPECT_THAT(device.write64(kMapped, 5), TranslatesTo(page));
}

TEST_F(StallModel, EachTransactionHasItsTagAndItsRecord) {  // 3.12.2, 3.5.5: not merged
  const auto first = device.translate(kUnmapped);
  const auto second = device.translate(kUnmapped);
  EXPECT_NE(tag_of(first), tag_of(second));
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(first)), record(tag_of(second))));
  repair();
  board.submit_and_sync(retry(tag_of(second)));
  EXPECT_THAT(ends.take(second), Optional(TranslatesTo(other_page)));
  EXPECT_EQ(ends.size(), 0U);
  board.submit_and_sync(abort(tag_of(first)));
  EXPECT_THAT(ends.take(first), Optional(Aborts()));
}

TEST_F(StallModel, ARetriedTransactionIsAsIfItHadJustArrived) {  // 4.7.1
  const auto outcome = device.translate(kUnmapped, Direction::kWrite);
  repair();
  board.submit(retry(tag_of(outcome)));
  EXPECT_THAT(ends.take(outcome), Optional(TranslatesTo(other_page)));
  EXPECT_EQ(ends.size(), 0U);
  EXPECT_THAT(board.events(), SizeIs(1));
}

TEST_F(StallModel, ARetryIgnoresTheAbortParameter) {  // 4.7.1
  const auto outcome = device.translate(kUnmapped);
  repair();
  board.submit(retry(tag_of(outcome)).set(CMD_RESUME::Ab, true));
  EXPECT_THAT(ends.take(outcome), Optional(TranslatesTo(other_page)));
}

TEST_F(StallModel, ARetryMayStallAgainAndThatIsAnotherEvent) {  // 3.12.2.1
  const auto outcome = device.translate(kUnmapped);
  EXPECT_THAT(board.events(), SizeIs(1));
  for (unsigned i = 0; i != 3; ++i) {
    board.submit_and_sync(retry(tag_of(outcome)));
    EXPECT_EQ(ends.size(), 0U);
    EXPECT_THAT(board.events(), ElementsAre(record(tag_of(outcome))));
  }
  board.submit_and_sync(abort(tag_of(outcome)));
  EXPECT_THAT(ends.take(outcome), Optional(Aborts()));
}

TEST_F(StallModel, ARetryFollowsANewConfiguration) {  // 3.12.2
  const auto first = device.translate(kUnmapped);
  const auto second = device.translate(kUnmapped);
  board.events();
  use(context(table).set(CD::A, false));
  board.submit_and_sync(retry(tag_of(first)));
  EXPECT_THAT(ends.take(first), Optional(IsRazWi()));
  const auto events = board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kUnmapped)));
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::Stall]);
  board.attach(kStream, bypass());
  board.submit_and_sync(retry(tag_of(second)));
  EXPECT_THAT(ends.take(second), Optional(TranslatesTo(Pa(kUnmapped.value))));
}

TEST_F(StallModel, ARetryDoesNotUseWhatWasInvalidated) {  // 4.7.1
  table.map(kUnmapped, page, 4096, {.writable = false});
  EXPECT_THAT(device.translate(kUnmapped), TranslatesTo(page));
  const auto outcome = device.translate(kUnmapped, Direction::kWrite);
  EXPECT_THAT(outcome, Stalls());
  repair();
  board.submit(command<v3::CMD_TLBI_NH_ALL>(), command<v3::CMD_SYNC>(), retry(tag_of(outcome)));
  EXPECT_THAT(ends.take(outcome), Optional(TranslatesTo(other_page)));
}

TEST_F(StallModel, ATerminatedTransactionAbortsOrIsRazWi) {  // 4.7.1
  const auto first = device.translate(kUnmapped);
  const auto second = device.translate(kUnmapped);
  board.submit_and_sync(answer(tag_of(first)), abort(tag_of(second)));
  EXPECT_THAT(ends.take(first), Optional(IsRazWi()));
  EXPECT_THAT(ends.take(second), Optional(Aborts()));
  EXPECT_THAT(board.events(), SizeIs(2));
}

TEST(TermModel, MakesEveryTerminationAnAbort) {  // 4.7.1: TERM_MODEL 1
  Board::Options options;
  options.config.idr0.set(v3::SMMU_IDR0::TERM_MODEL, true);
  StallingStream stream(options);
  const auto outcome = stream.device.translate(StallingStream::kUnmapped);
  stream.board.submit_and_sync(StallingStream::answer(StallingStream::tag_of(outcome)));
  EXPECT_THAT(stream.ends.take(outcome), Optional(Aborts()));
}

TEST_F(StallModel, AnAnswerIsForStreamAndTagTogether) {  // 3.12.2, 4.7.1
  const auto outcome = device.translate(kUnmapped);
  const std::uint16_t tag = tag_of(outcome);
  board.submit_and_sync(retry(tag, StreamId(kStream.value + 1)),
                        retry(static_cast<std::uint16_t>(tag + 1)), retry(0xffff),
                        terminate_all(StreamId(kStream.value + 1)));
  EXPECT_TRUE(board.idle());
  EXPECT_EQ(ends.size(), 0U);
  EXPECT_THAT(board.events(), SizeIs(1));
  board.submit_and_sync(abort(tag));
  EXPECT_THAT(ends.take(outcome), Optional(Aborts()));
}

TEST_F(StallModel, ASecondAnswerHasNoEffect) {  // 4.7.1
  const auto outcome = device.translate(kUnmapped);
  board.submit_and_sync(abort(tag_of(outcome)), answer(tag_of(outcome)), retry(tag_of(outcome)),
                        terminate_all());
  EXPECT_TRUE(board.idle());
  EXPECT_THAT(ends.take(outcome), Optional(Aborts()));
  EXPECT_EQ(ends.size(), 0U);
}

TEST_F(StallModel, StallTermEndsAllOfAStream) {  // 4.7.2
  constexpr StreamId kOther(10);
  board.attach(kOther, translate(cd_address));
  const DmaDevice other = board.device(kOther, ends);
  std::vector<emulator::Outcome> outcomes;
  for (unsigned i = 0; i != 3; ++i) outcomes.push_back(device.translate(kUnmapped));
  const auto others = other.translate(kUnmapped);
  board.submit_and_sync(terminate_all());
  for (const auto& outcome : outcomes) EXPECT_THAT(ends.take(outcome), Optional(Aborts()));
  EXPECT_EQ(ends.size(), 0U);
  board.submit_and_sync(terminate_all(kOther));
  EXPECT_THAT(ends.take(others), Optional(Aborts()));
}

TEST_F(StallModel, AnswersOfTheSecureQueueAreIllegal) {  // 4.1.6: SSec
  for (const auto& secure :
       {CMD_RESUME(abort(0).set(CMD_RESUME::SSec, true)).words(),
        v3::CMD_STALL_TERM(terminate_all().set(v3::CMD_STALL_TERM::SSec, true)).words()}) {
    StallingStream stream;
    const auto outcome = stream.device.translate(kUnmapped);
    stream.board.submit(CMD_RESUME(secure));
    EXPECT_EQ(stream.board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR],
              CommandError::CERROR_ILL);
    EXPECT_EQ(stream.ends.take(outcome), std::nullopt);
  }
}

TEST_F(StallModel, ASyncDoesNotWaitForAStalledAccess) {  // 4.7.3
  std::array<std::byte, 8> bytes{};
  EXPECT_THAT(device.read(kUnmapped, bytes), Stalls());
  board.submit_and_sync(command<v3::CMD_TLBI_NH_ALL>());
  EXPECT_TRUE(board.idle());
}

TEST_F(StallModel, AnAccessIsDoneUpToWhereItStalls) {
  std::array<std::byte, 16> bytes{};
  bytes.fill(std::byte{0x5a});
  const auto transfer = device.write(Iova(kUnmapped.value - 4), bytes);
  EXPECT_EQ(transfer.bytes, 4U);
  EXPECT_THAT(transfer, Stalls());
  EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kUnmapped)));
  repair();
  board.submit_and_sync(retry(tag_of(transfer.outcome)));
  EXPECT_THAT(ends.take(transfer.outcome), Optional(TranslatesTo(other_page)));
  EXPECT_EQ(load(board.memory(), other_page), 0U);  // the device makes the rest
  EXPECT_EQ(device.write(kUnmapped, std::span(bytes).subspan(4)).bytes, 12U);
  EXPECT_EQ(load(board.memory(), other_page), 0x5a5a'5a5a'5a5a'5a5aU);
}

// What a driver's interrupt handler does: it waits for its CMD_SYNC, though the access that it is
// called from has not returned.
TEST_F(StallModel, AnAnswerFromTheInterruptHandlerIsTheOutcomeOfTheCall) {
  bool waited = true;
  board.event_line.on_pulse([&] {
    const auto events = board.events();
    ASSERT_THAT(events, SizeIs(1));
    repair();
    board.submit_and_sync(command<v3::CMD_TLBI_NH_ALL>());
    waited = waited && board.idle();
    board.submit_and_sync(retry(tag_of(events[0])));
  });
  EXPECT_THAT(device.translate(kUnmapped), TranslatesTo(other_page));
  table.unmap(kUnmapped);
  board.submit_and_sync(command<v3::CMD_TLBI_NH_ALL>());
  EXPECT_THAT(device.write64(Iova(kUnmapped.value - 4), 0x1111'2222'3333'4444),
              TranslatesTo(other_page));
  EXPECT_EQ(load(board.memory(), other_page), 0x1111'2222U);
  EXPECT_EQ(ends.size(), 0U);
}

TEST_F(StallModel, AnAccessGoesOnAfterAPageThatTheHandlerTerminates) {
  table.map(Iova(kUnmapped.value + 4096), page, 4096);
  store(board.memory(), page, std::uint64_t{0x77});
  bool abort_it = false;
  board.event_line.on_pulse([&] {
    for (const Event& event : board.events()) {
      board.submit_and_sync(abort_it ? abort(tag_of(event)) : answer(tag_of(event)));
    }
  });
  std::vector<std::byte> bytes(4096 + 16, std::byte{0xee});
  auto transfer = device.read(Iova(kUnmapped.value - 8), bytes);
  EXPECT_EQ(transfer.bytes, bytes.size());
  EXPECT_THAT(std::span(bytes).subspan(8, 4096), Each(std::byte{0}));
  EXPECT_EQ(bytes[8 + 4096], std::byte{0x77});
  abort_it = true;
  transfer = device.read(Iova(kUnmapped.value - 8), bytes);
  EXPECT_EQ(transfer.bytes, 8U);
  EXPECT_THAT(transfer, Aborts());
  EXPECT_EQ(ends.size(), 0U);
}

TEST_F(StallModel, ADeviceMayUseItsPortWhenItIsTold) {
  const auto outcome = device.translate(kUnmapped);
  emulator::Transfer made{.outcome = outcome, .bytes = 0};
  ends.on_end([&] { made = device.write64(kUnmapped, 7); });
  repair();
  board.submit_and_sync(retry(tag_of(outcome)));
  EXPECT_THAT(made, TranslatesTo(other_page));
  EXPECT_EQ(load(board.memory(), other_page), 7U);
}

TEST_F(StallModel, ADeviceMayStallAgainWhenItIsTold) {
  const auto first = device.translate(kUnmapped);
  emulator::Outcome second;
  ends.on_end([&] { second = device.translate(kUnmapped); });
  board.submit_and_sync(abort(tag_of(first)));
  ASSERT_THAT(second, Stalls());
  EXPECT_NE(tag_of(first), tag_of(second));  // the first one's until the call has returned
  EXPECT_THAT(board.events(), ElementsAre(record(tag_of(first)), record(tag_of(second))));
}

// 3.21: until a CMD_SYNC a retry may find what any transaction may.
TEST(AdversarialCaches, MayMakeARetryStallAgain) {
  using S = StallingStream;
  Board::Options options;
  options.config.caching.policy = emulator::CachePolicy::kAdversarial;
  S stream(options);
  stream.table.map(S::kUnmapped, stream.page, 4096, {.writable = false});
  EXPECT_THAT(stream.device.translate(S::kUnmapped), TranslatesTo(stream.page));
  const auto outcome = stream.device.translate(S::kUnmapped, Direction::kWrite);
  stream.repair();
  stream.board.submit(command<v3::CMD_TLBI_NH_ALL>(), S::retry(S::tag_of(outcome)));
  EXPECT_EQ(stream.ends.size(), 0U);
  EXPECT_THAT(stream.board.events(), SizeIs(2));
  stream.board.submit(command<v3::CMD_SYNC>(), S::retry(S::tag_of(outcome)));
  EXPECT_THAT(stream.ends.take(outcome), Optional(TranslatesTo(stream.other_page)));
}

TEST(StallObserver, HearsOfEveryChange) {
  using emulator::StallChange;
  struct Changes final : emulator::Observer {
    void on_stall(const emulator::StallReported& stall) override {
      EXPECT_EQ(stall.stream, StallingStream::kStream);
      seen.push_back(stall.change);
      tag = stall.stalled.tag;
    }
    void on_event(const emulator::EventReported& event) override {
      EXPECT_EQ(event.fate, emulator::EventFate::kWritten);
      ++records;
    }
    std::vector<StallChange> seen;
    unsigned records = 0;
    std::uint16_t tag = 0;
  } changes;
  Board::Options options;
  options.observer = &changes;
  StallingStream stream(options);
  const auto outcome = stream.device.translate(StallingStream::kUnmapped);
  EXPECT_EQ(changes.tag, StallingStream::tag_of(outcome));
  stream.board.submit_and_sync(StallingStream::retry(changes.tag));
  stream.board.submit_and_sync(StallingStream::abort(changes.tag));
  EXPECT_THAT(changes.seen,
              ElementsAre(StallChange::kStalled, StallChange::kRetried, StallChange::kEnded));
  EXPECT_EQ(changes.records, 2U);
}

TEST_F(StallModel, ARecordNamesTheSubstream) {  // 7.3.13
  const Pa cds = board.allocate(64 * 8, 64 * 8);
  store(board.memory(), Pa(cds.value + 64 * 5), context(table).set(CD::S, true));
  board.attach(kStream, translate(cds).set(v3::STE::S1CDMax, 3));
  const auto outcome = device.substream(SubstreamId(5)).translate(kUnmapped);
  Event expected = record(tag_of(outcome));
  expected.words[0] |= 1U << 11 | 5U << 12;
  EXPECT_THAT(board.events(), ElementsAre(expected));
  // 4.7.1: the tag is enough to find it.
  board.submit_and_sync(abort(tag_of(outcome)));
  EXPECT_THAT(ends.take(outcome), Optional(Aborts()));
}

}  // namespace
}  // namespace smmu::testing::stall_test
