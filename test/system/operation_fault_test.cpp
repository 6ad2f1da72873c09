// Address translation operations that fail: the codes of SMMU_GATOS_PAR, and which of several is
// told (IHI 0070, 9.1.3 to 9.1.6).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/testing/matchers.h"
#include "test/system/operation.h"

namespace smmu::testing::operation_fault_test {
namespace {

using ::testing::IsEmpty;
using v3::CD;
using v3::EventType;
using v3::SMMU_STRTAB_BASE;
using v3::STE;
using v3::SteConfig;
using v3::TranslationFaultReason;
using v3::TranslationOperationError;
using v3::TranslationType;
using vmsa::Leaf_Stage1;
using vmsa::Leaf_Stage2;

constexpr TranslationType kTypes[] = {TranslationType::kStage1, TranslationType::kStage2,
                                      TranslationType::kBothStages};
constexpr StreamId kBeyond(0x100);  // the board's table has 2^8 entries
constexpr Pa kNoMemory(0x8000'0000'0000);

Answer invalid() { return fails(TranslationOperationError::INV_REQ); }
Answer no_such_stage() { return fails(TranslationOperationError::INV_STAGE); }

class FailingOperations : public OperationTest {
 protected:
  Operation of(TranslationType type, StreamId stream) const {
    return {.type = type,
            .stream = stream,
            .address = type == TranslationType::kStage2 ? kIpa : kAddress};
  }
  // Nobody else hears of it, and nothing waits.
  void TearDown() override {
    EXPECT_THAT(board_.events(), IsEmpty());
    EXPECT_EQ(board_.error_line.count(), 0U);
  }
};

TEST_F(FailingOperations, ThatNobodyCouldAskForAreInvalid) {  // 9.1.3
  EXPECT_EQ(ask({.type = static_cast<TranslationType>(0), .stream = kStage1Stream, .address = 0}),
            invalid());
  auto with_substream = of(TranslationType::kStage2, kStage2Stream);
  with_substream.substream = SubstreamId(0);
  EXPECT_EQ(ask(with_substream), invalid());
}

TEST(OperationsWithoutAStage, AreInvalid) {  // 9.1.3
  const auto answers = [](const emulator::SmmuV3Config& config) {
    Board board({.config = config});
    board.bring_up();
    std::vector<unsigned> codes;
    for (const auto type : kTypes) {
      codes.push_back(ask(board, {.type = type, .stream = StreamId(0), .address = 0}).code());
    }
    return codes;
  };
  constexpr unsigned kBadSte = 0x04;  // the STE is not valid
  EXPECT_THAT(answers(emulator::SmmuV3Config::everything().without_stage1()),
              ::testing::ElementsAre(0xff, kBadSte, 0xff));
  EXPECT_THAT(answers(emulator::SmmuV3Config::everything().without_stage2()),
              ::testing::ElementsAre(kBadSte, 0xff, 0xff));
}

TEST_F(FailingOperations, WantAStageThatIsNotConfigured) {  // 9.1.3, INV_STAGE
  const StreamId stream(9);
  const struct {
    STE ste;
    bool found[3];  // by kTypes
  } kConfigurations[] = {
      {abort_all(), {false, false, false}},
      {bypass(), {false, false, false}},
      {translate(cd_), {true, false, false}},
      {translate_stage2(stage2_, kVmid), {false, true, false}},
      {nested(), {true, true, true}},
  };
  for (const auto& configuration : kConfigurations) {
    board_.attach(stream, configuration.ste);
    for (std::size_t i = 0; i != 3; ++i) {
      const Answer answer = ask(of(kTypes[i], stream));
      if (configuration.found[i]) {
        EXPECT_FALSE(answer.failed()) << answer;
      } else {
        EXPECT_EQ(answer, no_such_stage());
      }
    }
  }
}

TEST_F(FailingOperations, TellWhatIsWrongWithTheConfiguration) {  // 9.1.5
  const auto answer = [&](const STE& ste, std::optional<SubstreamId> substream = {}) {
    const StreamId stream(9);
    board_.attach(stream, ste);
    Operation operation = of(TranslationType::kStage1, stream);
    operation.substream = substream;
    return ask(operation);
  };
  const STE ste = translate(cd_);
  EXPECT_EQ(ask(of(TranslationType::kStage1, kBeyond)), fails(EventType::C_BAD_STREAMID));
  EXPECT_EQ(answer(STE(ste).set(STE::V, false)), fails(EventType::C_BAD_STE));
  EXPECT_EQ(answer(ste, SubstreamId(0)), fails(EventType::C_BAD_SUBSTREAMID));
  const STE many = STE(ste).set(STE::S1CDMax, 4);
  EXPECT_EQ(answer(many, SubstreamId(16)), fails(EventType::C_BAD_SUBSTREAMID));
  EXPECT_EQ(answer(many), fails(EventType::F_STREAM_DISABLED));
  EXPECT_EQ(answer(STE(many).set(STE::S1DSS, v3::DefaultSubstream::kCd0), SubstreamId(0)),
            fails(EventType::F_STREAM_DISABLED));
  EXPECT_EQ(answer(translate(kNoMemory)), fails(EventType::F_CD_FETCH));
  store(board_.memory(), cd_, CD());
  EXPECT_EQ(answer(ste), fails(EventType::C_BAD_CD));
}

TEST_F(FailingOperations, TellThatAnSteCannotBeRead) {
  board_.smmu().write(v3::SMMU_CR0());
  board_.smmu().write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, kNoMemory.value));
  board_.smmu().write(v3::SMMU_CR0().set(v3::SMMU_CR0::SMMUEN, true));
  EXPECT_EQ(ask(of(TranslationType::kStage1, StreamId(9))), fails(EventType::F_STE_FETCH));
  // 9.1.4: where only stage 2 is asked about, the reason is IN.
  EXPECT_EQ(ask(of(TranslationType::kStage2, StreamId(9))),
            fails(EventType::F_STE_FETCH, TranslationFaultReason::kIn));
}

TEST_F(FailingOperations, TellTheFirstOfManyFaults) {  // 9.1.5, in its order
  const StreamId stream(9);
  // Everything is wrong, and put right step by step.
  Operation operation = of(TranslationType::kStage2, kBeyond);
  operation.substream = SubstreamId(99);
  EXPECT_EQ(ask(operation), invalid());
  operation.type = TranslationType::kStage1;
  EXPECT_EQ(ask(operation), fails(EventType::C_BAD_STREAMID));
  operation.stream = stream;
  STE ste = translate_stage2(stage2_, kVmid).set(STE::V, false);
  board_.attach(stream, ste);
  EXPECT_EQ(ask(operation), fails(EventType::C_BAD_STE));
  board_.attach(stream, ste.set(STE::V, true));
  EXPECT_EQ(ask(operation), no_such_stage());
  ste = translate(kNoMemory).set(STE::S1CDMax, 4);
  board_.attach(stream, ste);
  EXPECT_EQ(ask(operation), fails(EventType::C_BAD_SUBSTREAMID));
  operation.substream.reset();
  EXPECT_EQ(ask(operation), fails(EventType::F_STREAM_DISABLED));
  board_.attach(stream, ste.set(STE::S1DSS, v3::DefaultSubstream::kCd0));
  EXPECT_EQ(ask(operation), fails(EventType::F_CD_FETCH));
}

// 9.1.4: stage 1 alone, and the same faults where both stages are asked for.
TEST_F(FailingOperations, TellWhatIsWrongWithStage1) {
  const auto expect = [&](const Answer& expected, bool read = true) {
    for (const StreamId stream : {kStage1Stream, kNestedStream}) {
      Operation operation = of(TranslationType::kStage1, stream);
      operation.read = read;
      EXPECT_EQ(ask(operation), expected);
      if (stream == kStage1Stream) continue;
      operation.type = TranslationType::kBothStages;
      EXPECT_EQ(ask(operation), expected);
    }
  };
  const std::uint64_t leaves[] = {at(stage1_leaf()), at(guest_leaf())};
  const auto change = [&](auto field, auto number) {
    const auto value = static_cast<typename decltype(field)::Value>(number);
    put(stage1_leaf(), Leaf_Stage1({leaves[0]}).set(field, value).word(0));
    put(guest_leaf(), Leaf_Stage1({leaves[1]}).set(field, value).word(0));
  };
  change(Leaf_Stage1::Valid, false);
  expect(fails(EventType::F_TRANSLATION));
  change(Leaf_Stage1::AF, false);
  expect(fails(EventType::F_ACCESS));
  change(Leaf_Stage1::AP, 0b11);
  expect(fails(EventType::F_PERMISSION), false);
  change(Leaf_Stage1::AP, 0b11);
  for (const StreamId stream : {kStage1Stream, kNestedStream}) {
    configure(
        stream,
        context(stream == kStage1Stream ? stage1_ : guest_).set(CD::IPS, OutputSize::k32Bits));
  }
  change(Leaf_Stage1::OA, std::uint64_t{1} << 32);
  expect(fails(EventType::F_ADDR_SIZE));
}

TEST_F(FailingOperations, TellThatADescriptorOfStage1CannotBeRead) {
  configure(kStage1Stream, context(stage1_).set(CD::TTB0, kNoMemory.value));
  EXPECT_EQ(ask(of(TranslationType::kStage1, kStage1Stream)), fails(EventType::F_WALK_EABT));
  stage2_.map(Iova(0x7000'0000), kNoMemory, 4096);
  configure(kNestedStream, context(guest_).set(CD::TTB0, 0x7000'0000));
  for (const auto type : {TranslationType::kStage1, TranslationType::kBothStages}) {
    EXPECT_EQ(ask(of(type, kNestedStream)), fails(EventType::F_WALK_EABT));
  }
}

// Makes stage 2 fail where one page is concerned.
struct Breakage {
  EventType type;
  std::uint64_t (*broken)(std::uint64_t leaf);
};
constexpr Breakage kBreakages[] = {
    {EventType::F_TRANSLATION, [](std::uint64_t) { return std::uint64_t{0}; }},
    {EventType::F_ACCESS,
     [](std::uint64_t leaf) { return Leaf_Stage2({leaf}).set(Leaf_Stage2::AF, false).word(0); }},
    {EventType::F_PERMISSION,
     [](std::uint64_t leaf) { return Leaf_Stage2({leaf}).set(Leaf_Stage2::S2AP, 0).word(0); }},
    {EventType::F_ADDR_SIZE,
     [](std::uint64_t leaf) {
       return Leaf_Stage2({leaf}).set(Leaf_Stage2::OA, std::uint64_t{1} << 47).word(0);
     }},
};

TEST_F(FailingOperations, TellWhatIsWrongWithStage2) {  // 9.1.4
  // An address of 47 bits is too large.
  board_.attach(kNestedStream, nested().set(STE::S2PS, OutputSize::k44Bits));
  const std::uint64_t table = guest_leaf().value & ~std::uint64_t{0xfff};
  const struct {
    std::uint64_t page;  // whose translation fails
    TranslationFaultReason reason;
    // What stage 1 alone is told: nothing of the reason, and nothing at all
    // where it does not ask.
    std::optional<EventType> to_stage1;
  } kPlaces[] = {
      {guest_cd_.value, TranslationFaultReason::kCd, EventType::F_CD_FETCH},
      {table, TranslationFaultReason::kTt, EventType::F_WALK_EABT},
      {kIpa, TranslationFaultReason::kIn, std::nullopt},
  };
  for (const auto& place : kPlaces) {
    const std::uint64_t sound = at(stage2_leaf(place.page));
    for (const Breakage& breakage : kBreakages) {
      put(stage2_leaf(place.page), breakage.broken(sound));
      using v3::CMD_CFGI_STE;
      board_.submit_and_sync(
          command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, kNestedStream.value));
      EXPECT_EQ(ask(of(TranslationType::kBothStages, kNestedStream)),
                fails(breakage.type, place.reason, place.page));
      EXPECT_EQ(ask(of(TranslationType::kStage1, kNestedStream)),
                place.to_stage1 ? fails(*place.to_stage1) : finds(kIpa));
      if (place.page == kIpa) {
        EXPECT_EQ(ask(of(TranslationType::kStage2, kNestedStream)),
                  fails(breakage.type, TranslationFaultReason::kIn));
      }
    }
    put(stage2_leaf(place.page), sound);
  }
}

// 9.1.4: whatever the reason, there is no FADDR.
TEST_F(FailingOperations, TellThatADescriptorOfStage2CannotBeRead) {
  auto broken = board_.page_table({.stage = 2});
  put(broken.root(), kNoMemory.value | 0b11);
  board_.attach(kStage2Stream, translate_stage2(broken, kVmid));
  EXPECT_EQ(ask(of(TranslationType::kStage2, kStage2Stream)),
            fails(EventType::F_WALK_EABT, TranslationFaultReason::kIn));
  board_.attach(kNestedStream, above_stage2(translate(guest_cd_), broken, kVmid));
  EXPECT_EQ(ask(of(TranslationType::kBothStages, kNestedStream)),
            fails(EventType::F_WALK_EABT, TranslationFaultReason::kCd));
  EXPECT_EQ(ask(of(TranslationType::kStage1, kNestedStream)), fails(EventType::F_CD_FETCH));
}

TEST_F(FailingOperations, TellOfStage1WhatItCannotPassOn) {  // 9.1.4: F_ADDR_SIZE, REASON 0
  Operation operation = of(TranslationType::kStage2, kStage2Stream);
  operation.address = std::uint64_t{1} << 52;
  EXPECT_EQ(ask(operation), fails(EventType::F_ADDR_SIZE));
  // And of stage 2 what is beyond its range.
  operation.address = std::uint64_t{1} << 48;
  EXPECT_EQ(ask(operation), fails(EventType::F_TRANSLATION, TranslationFaultReason::kIn));
}

TEST_F(FailingOperations, DoNotMindWhatFaultsAreConfiguredToDo) {  // 9
  const CD silent = context(stage1_).set(CD::A, false).set(CD::R, false);
  for (const CD& cd : {silent, context(stage1_).set(CD::S, true)}) {
    configure(kStage1Stream, cd);
    Operation operation = of(TranslationType::kStage1, kStage1Stream);
    operation.address = 0x5000;
    EXPECT_EQ(ask(operation), fails(EventType::F_TRANSLATION));
  }
  board_.attach(kNestedStream, nested().set(STE::S2S, true).set(STE::S2R, false));
  Operation operation = of(TranslationType::kStage2, kNestedStream);
  operation.address = 0x5000;
  EXPECT_EQ(ask(operation), fails(EventType::F_TRANSLATION, TranslationFaultReason::kIn));
}

TEST_F(FailingOperations, DoNotMindWhetherBadStreamsAreRecorded) {  // 6.3.12, RECINVSID
  board_.smmu().write(v3::SMMU_CR0());
  board_.smmu().write(v3::SMMU_CR2().set(v3::SMMU_CR2::RECINVSID, true));
  board_.smmu().write(
      v3::SMMU_CR0().set(v3::SMMU_CR0::SMMUEN, true).set(v3::SMMU_CR0::EVENTQEN, true));
  EXPECT_EQ(ask(of(TranslationType::kStage1, kBeyond)), fails(EventType::C_BAD_STREAMID));
}

}  // namespace
}  // namespace smmu::testing::operation_fault_test
