// What SMMU_IDR0.STALL_MODEL and TERM_MODEL make of CDs, STEs and commands, and stalls of two
// stages (IHI 0070, 3.12, 3.12.5, 5.2, 5.4.2 and 5.5).
#include "test/system/stalling_stream.h"

namespace smmu::testing::stall_configuration_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using v3::CD;
using v3::CommandError;
using v3::EventClass;
using v3::EventType;
using v3::F_TRANSLATION;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_IDR0;
using v3::SMMU_IDR5;
using v3::STE;
using v3::SteConfig;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);

Board::Options with(StallModel model, bool aborts_only = false) {
  Board::Options options;
  options.config.s_idr0.set(v3::SMMU_S_IDR0::STALL_MODEL, model);
  options.config.idr0.set(SMMU_IDR0::STALL_MODEL, model).set(SMMU_IDR0::TERM_MODEL, aborts_only);
  options.config.idr5.set(SMMU_IDR5::STALL_MAX, model == StallModel::kTerminate ? 0 : 16);
  return options;
}

// Streams of an SMMU with that model.  Nothing is mapped anywhere but the guest's CD.
struct Machine {
  explicit Machine(const Board::Options& options) : board(options) { board.bring_up(); }

  Pa store_cd(const CD& cd) {
    const Pa at = board.allocate(64, 64);
    store(board.memory(), at, cd);
    return at;
  }
  CD cd(bool stalls, bool aborts = true) {
    return context(table).set(CD::S, stalls).set(CD::A, aborts);
  }
  // What kind of event an access makes.
  EventType event_of(const STE& ste) {
    board.attach(kStream, ste);
    board.device(kStream, ends).translate(kAddress);
    const auto events = board.events();
    EXPECT_THAT(events, SizeIs(1));
    return events.empty() ? EventType{} : events[0].type();
  }
  EventType stage1(bool stalls, bool disabled) {
    return event_of(translate(store_cd(cd(stalls))).set(STE::S1STALLD, disabled));
  }
  EventType stage2(bool stalls) { return event_of(translate_stage2(host).set(STE::S2S, stalls)); }

  Board board;
  PageTable table = board.page_table();
  PageTable host = board.page_table({.stage = 2});
  Resumptions ends;
};

TEST(StallOrTerminate, IsForSoftwareToChoose) {  // 5.5: STALL_MODEL 0b00
  Machine machine(with(StallModel::kStallOrTerminate));
  EXPECT_EQ(machine.stage1(false, false), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage1(false, true), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage1(true, false), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage1(true, true), EventType::C_BAD_CD);
  EXPECT_EQ(machine.stage2(false), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage2(true), EventType::F_TRANSLATION);
}

TEST(TerminateOnly, MakesStallingIllegal) {  // 5.5: STALL_MODEL 0b01
  Machine machine(with(StallModel::kTerminate));
  EXPECT_EQ(machine.stage1(false, false), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage1(false, true), EventType::C_BAD_STE);
  EXPECT_EQ(machine.stage1(true, false), EventType::C_BAD_CD);
  EXPECT_EQ(machine.stage1(true, true), EventType::C_BAD_STE);
  EXPECT_EQ(machine.stage2(false), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage2(true), EventType::C_BAD_STE);
}

TEST(StallOnly, MakesTerminatingIllegal) {  // 5.5: STALL_MODEL 0b10
  Machine machine(with(StallModel::kStallForced));
  EXPECT_EQ(machine.stage1(false, false), EventType::C_BAD_CD);
  EXPECT_EQ(machine.stage1(false, true), EventType::C_BAD_STE);
  EXPECT_EQ(machine.stage1(true, false), EventType::F_TRANSLATION);
  EXPECT_EQ(machine.stage1(true, true), EventType::C_BAD_STE);
  EXPECT_EQ(machine.stage2(false), EventType::C_BAD_STE);
  EXPECT_EQ(machine.stage2(true), EventType::F_TRANSLATION);
}

TEST(StallModels, AreIgnoredByStagesThatAreOff) {  // 5.2: S1STALLD without stage 1, S2S without 2
  for (const auto model :
       {StallModel::kStallOrTerminate, StallModel::kTerminate, StallModel::kStallForced}) {
    Machine machine(with(model));
    machine.board.attach(kStream, bypass().set(STE::S1STALLD, true).set(STE::S2S, true));
    EXPECT_THAT(machine.board.device(kStream).translate(kAddress),
                TranslatesTo(Pa(kAddress.value)));
    const bool stalls = model == StallModel::kStallForced;
    EXPECT_EQ(machine.event_of(translate(machine.store_cd(machine.cd(stalls))).set(STE::S2S, true)),
              EventType::F_TRANSLATION);
    EXPECT_EQ(machine.event_of(
                  translate_stage2(machine.host).set(STE::S2S, stalls).set(STE::S1STALLD, true)),
              EventType::F_TRANSLATION);
  }
}

TEST(TermModels, DecideWhetherACdMayBeRazWi) {  // 5.4.2, 5.5, A
  for (const bool aborts_only : {false, true}) {
    for (const bool stalls : {false, true}) {
      Machine machine(with(StallModel::kStallOrTerminate, aborts_only));
      EXPECT_EQ(machine.event_of(translate(machine.store_cd(machine.cd(stalls, false)))),
                aborts_only ? EventType::C_BAD_CD : EventType::F_TRANSLATION);
      EXPECT_EQ(machine.event_of(translate(machine.store_cd(machine.cd(stalls, true)))),
                EventType::F_TRANSLATION);
    }
  }
}

TEST(TerminateOnly, MakesAnswersIllegal) {  // 4.7.1, 4.7.2
  for (const auto& words : {StallingStream::abort(0).words(), StallingStream::retry(0).words(),
                            StallingStream::terminate_all().words()}) {
    for (const auto model :
         {StallModel::kStallOrTerminate, StallModel::kTerminate, StallModel::kStallForced}) {
      Machine machine(with(model));
      machine.board.submit(v3::CMD_RESUME(words));
      EXPECT_EQ(machine.board.idle(), model != StallModel::kTerminate);
      if (model == StallModel::kTerminate) {
        EXPECT_EQ(machine.board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR],
                  CommandError::CERROR_ILL);
      }
    }
  }
}

TEST(TerminateOnly, ADeviceThatCouldWaitNeverHasTo) {
  Machine machine(with(StallModel::kTerminate));
  machine.board.attach(kStream, translate(machine.store_cd(machine.cd(false))));
  EXPECT_THAT(machine.board.device(kStream, machine.ends).translate(kAddress), Aborts());
}

// The table of 3.12.5: each stage's faults follow that stage's configuration.
TEST(TwoStages, StallOrTerminateEachForItself) {
  for (const bool stage1_stalls : {false, true}) {
    for (const bool stage2_stalls : {false, true}) {
      for (const bool fault_is_stage2s : {false, true}) {
        SCOPED_TRACE(::testing::Message() << stage1_stalls << stage2_stalls << fault_is_stage2s);
        Machine machine(with(StallModel::kStallOrTerminate));
        Board& board = machine.board;
        // The guest's memory is where its IPAs say.
        machine.host.map(Iova(0x4000'0000), Pa(0x4000'0000), 128 << 20);
        const Pa cd = machine.store_cd(machine.cd(stage1_stalls));
        board.attach(kStream,
                     above_stage2(translate(cd), machine.host).set(STE::S2S, stage2_stalls));
        const Pa page = board.allocate(4096);
        const Ipa ipa(0x2'0000'0000);
        if (fault_is_stage2s) machine.table.map(kAddress, Pa(ipa.value), 4096);

        const auto outcome = board.device(kStream, machine.ends).translate(kAddress);
        const auto events = board.events();
        ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
        const auto record = events[0].as<F_TRANSLATION>();
        const bool stalls = fault_is_stage2s ? stage2_stalls : stage1_stalls;
        EXPECT_EQ(record[F_TRANSLATION::S2], fault_is_stage2s);
        EXPECT_EQ(record[F_TRANSLATION::IPA], fault_is_stage2s ? ipa.value : 0);
        EXPECT_EQ(record[F_TRANSLATION::Stall], stalls);
        if (!stalls) {
          EXPECT_EQ(record[F_TRANSLATION::STAG], 0U);
          EXPECT_THAT(outcome, Aborts());
          continue;
        }
        ASSERT_THAT(outcome, Stalls());
        machine.table.map(kAddress, Pa(ipa.value), 4096);
        machine.host.map(Iova(ipa.value), page, 4096);
        board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(outcome)));
        EXPECT_THAT(machine.ends.take(outcome), Optional(TranslatesTo(page)));
      }
    }
  }
}

TEST(TwoStages, AStage2FaultMayBeTerminatedAsRazWi) {  // 4.7.1
  Machine machine(with(StallModel::kStallOrTerminate));
  machine.board.attach(kStream,
                       translate_stage2(machine.host).set(STE::S2S, true).set(STE::S2R, false));
  const auto outcome = machine.board.device(kStream, machine.ends).translate(kAddress);
  ASSERT_THAT(outcome, Stalls());
  EXPECT_THAT(machine.board.events(), SizeIs(1));  // 5.5: S2R is ignored
  machine.board.submit_and_sync(StallingStream::answer(StallingStream::tag_of(outcome)));
  EXPECT_THAT(machine.ends.take(outcome), Optional(IsRazWi()));
}

TEST(TwoStages, TheFetchOfACdMayStall) {  // 3.12, 3.12.2.3: CLASS CD
  Machine machine(with(StallModel::kStallOrTerminate));
  Board& board = machine.board;
  const Pa page = board.allocate(4096);
  machine.table.map(kAddress, page, 4096);
  const Pa cd = machine.store_cd(machine.cd(false));
  board.attach(kStream, above_stage2(translate(cd), machine.host).set(STE::S2S, true));
  const auto outcome = board.device(kStream, machine.ends).translate(kAddress);
  ASSERT_THAT(outcome, Stalls());
  auto events = board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
  EXPECT_EQ(events[0].as<F_TRANSLATION>()[F_TRANSLATION::CLASS], EventClass::kCd);
  // Then a table of stage 1: CLASS TT.
  machine.host.map(Iova(cd.value & ~std::uint64_t{0xfff}), Pa(cd.value & ~std::uint64_t{0xfff}),
                   4096);
  board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(outcome)));
  events = board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
  EXPECT_EQ(events[0].as<F_TRANSLATION>()[F_TRANSLATION::CLASS], EventClass::kTt);
  // The rest of the guest's memory.
  for (Pa at(0x4000'0000); at.value != page.value + 0x10000; at.value += 4096) {
    machine.host.map(Iova(at.value), at, 4096);
  }
  board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(outcome)));
  EXPECT_THAT(machine.ends.take(outcome), Optional(TranslatesTo(page)));
  EXPECT_THAT(board.events(), IsEmpty());
}

// 3.12: stage 1 does not translate, and the address is no IPA.
TEST(TwoStages, AnAddressBeyondWhatStage1PassesNeverStalls) {
  Machine machine(with(StallModel::kStallOrTerminate));
  machine.board.attach(kStream, translate_stage2(machine.host).set(STE::S2S, true));
  const Iova beyond(std::uint64_t{1} << 52);
  EXPECT_THAT(machine.board.device(kStream, machine.ends).translate(beyond), Aborts());
  const auto events = machine.board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, beyond)));
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::Stall]);
}

// 4.7.1: what had been overridden is as it came in when it is retried.
TEST(StallModels, RetryWhatCameInWithTheOverridesOfThen) {
  Machine machine(with(StallModel::kStallOrTerminate));
  Board& board = machine.board;
  const STE ste = translate(machine.store_cd(machine.cd(true)));
  board.attach(kStream, STE(ste).set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  const DmaDevice device = board.device(kStream, machine.ends);
  const auto translated = device.translate(kAddress);
  std::array<std::byte, 8> bytes{};
  const auto read = device.read(kAddress, bytes);
  ASSERT_THAT(read, Stalls());
  for (const Event& event : board.events()) {
    EXPECT_TRUE(event.as<F_TRANSLATION>()[F_TRANSLATION::PnU]);
  }
  machine.table.map(kAddress, board.allocate(4096), 4096, {.unprivileged = false});
  board.attach(kStream, ste);
  board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(translated)),
                        StallingStream::retry(StallingStream::tag_of(read.outcome)));
  EXPECT_EQ(machine.ends.size(), 0U);
  const auto events = board.events();
  ASSERT_THAT(events, SizeIs(2));
  for (const Event& event : events) {
    EXPECT_THAT(event, IsEvent(EventType::F_PERMISSION, kStream, kAddress));
    EXPECT_FALSE(event.as<F_TRANSLATION>()[F_TRANSLATION::PnU]);
  }
}

// 4.2, 3.21.1
TEST(StallModels, DoNotConcernPrefetches) {
  Machine machine(with(StallModel::kStallOrTerminate));
  machine.board.attach(kStream, translate(machine.store_cd(machine.cd(true))));
  using v3::CMD_PREFETCH_ADDR;
  machine.board.submit_and_sync(command<CMD_PREFETCH_ADDR>()
                                    .set(CMD_PREFETCH_ADDR::StreamID, kStream.value)
                                    .set(CMD_PREFETCH_ADDR::Address, kAddress.value));
  EXPECT_TRUE(machine.board.idle());
  EXPECT_THAT(machine.board.events(), IsEmpty());
}

}  // namespace
}  // namespace smmu::testing::stall_configuration_test
