// What comes in translated (IHI 0070, 3.9.1.1, 3.9.1.3, 13.6.3 and 13.7), and
// which STEs may say so (5.2, EATS).
#include <array>

#include "test/system/ats_stream.h"

namespace smmu::testing::ats_translated_test {
namespace {

using emulator::Direction;
using emulator::Route;
using emulator::Translation;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::AtsMode;
using v3::EventClass;
using v3::EventType;
using v3::F_PERMISSION;
using v3::F_TRANSL_FORBIDDEN;
using v3::F_TRANSLATION;
using v3::SMMU_CR0;
using v3::SMMU_IDR0;
using v3::STE;

constexpr auto kStream = AtsStream::kStream;
constexpr auto kAddress = AtsStream::kAddress;

class Translated : public ::testing::Test, protected AtsStream {
 protected:
  emulator::Outcome access(Iova address, Direction direction = Direction::kRead) {
    return device.access_translated(address, direction);
  }
  void expect_forbidden(Direction direction) {
    EXPECT_THAT(access(Iova(0x1234'5678), direction), Aborts());
    const auto events = board.events();
    ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSL_FORBIDDEN, kStream)));
    const auto record = events[0].as<F_TRANSL_FORBIDDEN>();
    EXPECT_EQ(record[F_TRANSL_FORBIDDEN::RnW], direction == Direction::kRead);
    EXPECT_EQ(record[F_TRANSL_FORBIDDEN::InputAddr], 0x1234'5678U);
  }
};

TEST_F(Translated, PassesUncheckedInFastMode) {  // ATSCHK 0
  for (const STE& ste : {of_stage1(), of_stage1(AtsMode::kNone), abort_all(), STE()}) {
    attach(ste);
    const auto outcome = access(Iova(page.value + 0x123));
    EXPECT_THAT(outcome, TranslatesTo(Pa(page.value + 0x123)));
    EXPECT_EQ(std::get<Translation>(outcome).route, Route::kTranslated);
  }
  AtsDevice nobody(board.fabric, board.smmu().add_port(), StreamId(1000));
  EXPECT_THAT(nobody.access_translated(Iova(page.value)), TranslatesTo(page));
  // 3.9.1.1: but for addresses that do not exist, of which nobody hears.
  EXPECT_THAT(access(Iova(std::uint64_t{1} << 52)), Aborts());
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(Translated, PassesInSafeModeIfItsSteAllowsIt) {
  check(true);
  for (const STE& ste : {of_stage1(), of_stage2(), nested()}) {
    attach(ste);
    EXPECT_THAT(access(Iova(page.value), Direction::kWrite), TranslatesTo(page));
  }
  EXPECT_THAT(access(Iova(std::uint64_t{1} << 52)), Aborts());
  EXPECT_THAT(board.events(), IsEmpty());
  attach(of_stage1(AtsMode::kNone));
  expect_forbidden(Direction::kRead);
  expect_forbidden(Direction::kWrite);
  attach(of_stage1(AtsMode::kFullWithDpt));
  expect_forbidden(Direction::kRead);
  attach(bypass().set(STE::EATS, AtsMode::kFull));
  expect_forbidden(Direction::kRead);
}

TEST_F(Translated, IsForbiddenWhileTheSmmuIsOff) {
  for (const bool checked : {false, true}) {
    check(checked);
    attach(of_stage1());
    control(SMMU_CR0::SMMUEN, false);
    expect_forbidden(Direction::kRead);
    // What is not translated passes.
    EXPECT_THAT(board.device(kStream).translate(Iova(page.value)), TranslatesTo(page));
    control(SMMU_CR0::SMMUEN, true);
    EXPECT_THAT(access(Iova(page.value)), TranslatesTo(page));
  }
}

TEST_F(Translated, AbortsInSilenceWhereConfigurationIsAtFault) {
  const STE nobody =
      of_stage1().set(STE::S1CDMax, 1U).set(STE::S1DSS, v3::DefaultSubstream::kTerminate);
  const struct {
    STE ste;
    EventType type;
  } kRows[] = {{of_stage1().set(STE::V, false), EventType::C_BAD_STE},
               {nobody, EventType::F_STREAM_DISABLED}};
  for (const bool recorded : {false, true}) {
    record(recorded);
    check(true);
    attach(abort_all());
    EXPECT_THAT(access(Iova(page.value)), Aborts());
    EXPECT_THAT(board.events(), IsEmpty());
    for (const auto& row : kRows) {
      attach(row.ste);
      EXPECT_THAT(access(Iova(page.value)), Aborts());
      const auto events = board.events();
      ASSERT_EQ(events.size(), recorded ? 1U : 0U);
      if (recorded) {
        EXPECT_THAT(events[0], IsEvent(row.type, kStream));
      }
    }
    // RECINVSID is not asked.
    AtsDevice none(board.fabric, board.smmu().add_port(), StreamId(1000));
    EXPECT_THAT(none.access_translated(Iova(page.value)), Aborts());
    EXPECT_EQ(board.events().size(), recorded ? 1U : 0U);
    // A CD is not looked at.
    attach(of_stage1());
    use(v3::CD());
    EXPECT_THAT(access(Iova(page.value)), TranslatesTo(page));
  }
}

TEST_F(Translated, GoesThroughStage2WithSplitStageAts) {  // 13.6.3
  check(true);
  attach(nested(AtsMode::kSplitStage));
  auto outcome = access(Iova(kPage.value + 0x10), Direction::kWrite);
  EXPECT_THAT(outcome, TranslatesTo(Pa(page.value + 0x10)));
  EXPECT_EQ(std::get<Translation>(outcome).route, Route::kTables);
  EXPECT_THAT(board.events(), IsEmpty());

  // Faults are as those of other accesses.
  EXPECT_THAT(access(Iova(0x3'0000'0abc)), Aborts());
  auto events = board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, Iova(0x3'0000'0abc))));
  auto fault = events[0].as<F_TRANSLATION>();
  EXPECT_TRUE(fault[F_TRANSLATION::S2]);
  EXPECT_EQ(fault[F_TRANSLATION::CLASS], EventClass::kIn);
  EXPECT_EQ(fault[F_TRANSLATION::IPA], 0x3'0000'0000U);
  EXPECT_FALSE(fault[F_TRANSLATION::SSV]);
  // An address that no IPA can be: of stage 1.
  EXPECT_THAT(access(Iova(std::uint64_t{1} << 52)), Aborts());
  events = board.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream)));
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::S2]);

  const Pa leaf = host.descriptor(kPage);
  store(board.memory(), leaf, load(board.memory(), leaf) & ~(std::uint64_t{0b10} << 6));
  invalidate_tlbs();
  EXPECT_THAT(access(kPage, Direction::kWrite), Aborts());
  EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::F_PERMISSION, kStream)));
  EXPECT_THAT(access(kPage), TranslatesTo(page));
  // S2R says whether they are recorded.
  attach(nested(AtsMode::kSplitStage).set(STE::S2R, false));
  EXPECT_THAT(access(kPage, Direction::kWrite), Aborts());
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST_F(Translated, MakesStage2Dirty) {  // 3.13.7
  constexpr std::uint64_t kWritable = 0b10U << 6;
  check(true);
  attach(nested(AtsMode::kSplitStage).set(STE::S2HA, true).set(STE::S2HD, true));
  const Pa leaf = host.descriptor(kPage);
  store(board.memory(), leaf, (load(board.memory(), leaf) & ~kWritable) | std::uint64_t{1} << 51);
  invalidate_tlbs();
  EXPECT_THAT(access(kPage), TranslatesTo(page));
  EXPECT_EQ(load(board.memory(), leaf) & kWritable, 0U);
  EXPECT_THAT(access(kPage, Direction::kWrite), TranslatesTo(page));
  EXPECT_NE(load(board.memory(), leaf) & kWritable, 0U);
}

TEST_F(Translated, IsDataOfTheUnprivilegedUnlessOverridden) {  // 13.7
  check(true);
  // XN of 0b01 and 0b11: one level of privilege alone may execute.
  const Pa leaf = host.descriptor(kPage);
  const std::uint64_t usual = load(board.memory(), leaf);
  constexpr std::uint64_t kNoRead = ~(std::uint64_t{0b01} << 6);
  const auto set_xn = [&](std::uint64_t xn) {
    store(board.memory(), leaf, (usual & kNoRead & ~(std::uint64_t{0b11} << 53)) | xn << 53);
    invalidate_tlbs();
  };
  const STE split = nested(AtsMode::kSplitStage);
  set_xn(0b11);  // the unprivileged may not: only EL1 executes
  attach(split);
  EXPECT_THAT(access(kPage), Aborts());
  attach(STE(split).set(STE::INSTCFG, InstructionOverride::kInstruction));
  EXPECT_THAT(access(kPage), Aborts());
  attach(STE(split)
             .set(STE::INSTCFG, InstructionOverride::kInstruction)
             .set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  const bool privileged_may = !std::holds_alternative<emulator::Terminated>(access(kPage));
  set_xn(0b01);
  const bool privileged_may_otherwise =
      !std::holds_alternative<emulator::Terminated>(access(kPage));
  // One of the two encodings is for the privileged alone, and the other is not.
  EXPECT_NE(privileged_may, privileged_may_otherwise);
}

TEST_F(Translated, IsNotFoundInWhatAPortRemembersOfTheUntranslated) {
  attach(of_stage1());
  emulator::Port& port = board.smmu().add_port();
  emulator::Transaction transaction{.stream = kStream, .address = kAddress};
  EXPECT_THAT(port.translate(transaction), TranslatesTo(page));
  transaction.address_type = emulator::AddressType::kTranslated;
  EXPECT_THAT(port.translate(transaction), TranslatesTo(Pa(kAddress.value)));
  check(true);
  attach(nested(AtsMode::kSplitStage));
  transaction.address = kPage;
  EXPECT_THAT(port.translate(transaction), TranslatesTo(page));
  transaction.address_type = emulator::AddressType::kUntranslated;
  EXPECT_THAT(port.translate(transaction), Aborts());
  transaction.address = kAddress;
  EXPECT_THAT(port.translate(transaction), TranslatesTo(page));
}

TEST_F(Translated, FollowsTheSteWhenItIsInvalidatedAndNotBefore) {
  check(true);
  attach(of_stage1());
  EXPECT_THAT(access(Iova(page.value)), TranslatesTo(page));
  board.streams().set(kStream, of_stage1(AtsMode::kNone));
  EXPECT_THAT(access(Iova(page.value)), TranslatesTo(page));
  using v3::CMD_CFGI_CD;
  board.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
  EXPECT_THAT(access(Iova(page.value)), TranslatesTo(page));
  using v3::CMD_CFGI_STE_RANGE;
  board.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
  EXPECT_THAT(access(Iova(page.value)), Aborts());
  attach(of_stage1());
  EXPECT_THAT(access(Iova(page.value)), TranslatesTo(page));
  attach(of_stage1(AtsMode::kNone));
  EXPECT_THAT(access(Iova(page.value)), Aborts());
}

TEST_F(Translated, ReadsAndWritesMemory) {
  attach(of_stage1());
  EXPECT_TRUE(device.write64(kAddress, 0x1122'3344'5566'7788));
  EXPECT_EQ(load(board.memory(), page), 0x1122'3344'5566'7788U);
  EXPECT_EQ(device.read64(kAddress), 0x1122'3344'5566'7788U);
  EXPECT_EQ(device.known(), 1U);
  EXPECT_FALSE(device.write64(AtsStream::kUnmapped, 1));
}

// 5.2, EATS and 5.2.2
TEST_F(Translated, NeedsAnSteThatIsLegal) {
  const auto legal = [&](const STE& ste, Iova address) {
    attach(ste);
    const bool translates =
        !std::holds_alternative<emulator::Terminated>(board.device(kStream).translate(address));
    const auto events = board.events();
    if (translates) {
      EXPECT_THAT(events, IsEmpty());
    } else {
      EXPECT_THAT(events, ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
    }
    return translates;
  };
  EXPECT_TRUE(legal(of_stage1(AtsMode::kFull), kAddress));
  EXPECT_TRUE(legal(of_stage2(AtsMode::kFull), kPage));
  EXPECT_TRUE(legal(nested(AtsMode::kFull), kAddress));
  EXPECT_FALSE(legal(of_stage1(AtsMode::kSplitStage), kAddress));
  EXPECT_FALSE(legal(of_stage2(AtsMode::kSplitStage), kPage));
  EXPECT_TRUE(legal(nested(AtsMode::kSplitStage), kAddress));
  EXPECT_TRUE(legal(bypass().set(STE::EATS, AtsMode::kSplitStage), Iova(page.value)));
  EXPECT_TRUE(legal(of_stage1(AtsMode::kFullWithDpt), kAddress));
  // A stage 2 that stalls, where there is one.
  EXPECT_TRUE(legal(of_stage1(AtsMode::kFull).set(STE::S2S, true), kAddress));
  EXPECT_FALSE(legal(of_stage2(AtsMode::kFull).set(STE::S2S, true), kPage));
  EXPECT_FALSE(legal(nested(AtsMode::kFull).set(STE::S2S, true), kAddress));
  EXPECT_FALSE(legal(nested(AtsMode::kSplitStage).set(STE::S2S, true), kAddress));
  EXPECT_TRUE(legal(nested(AtsMode::kNone).set(STE::S2S, true), kAddress));
  EXPECT_TRUE(legal(nested(AtsMode::kFullWithDpt).set(STE::S2S, true), kAddress));
}

TEST(AtsWithoutSplitStage, MakesItIllegal) {  // 6.3.1, NS1ATS
  Board::Options options;
  options.config.idr0.set(SMMU_IDR0::NS1ATS, true);
  AtsStream stream(options);
  stream.attach(stream.nested(AtsMode::kSplitStage));
  EXPECT_THAT(stream.board.device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(stream.board.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
  stream.attach(stream.nested());
  EXPECT_THAT(stream.board.device(kStream).translate(kAddress), TranslatesTo(stream.page));
}

TEST(AtsWithoutRecords, HasNoBitForThem) {  // 6.3.1, ATSRECERR
  Board::Options options;
  options.config.idr0.set(SMMU_IDR0::ATSRECERR, false);
  AtsStream stream(options);
  stream.record(true);
  EXPECT_EQ(stream.board.smmu().read<v3::SMMU_CR2>().raw(), 0U);
  stream.attach(STE());
  EXPECT_THAT(stream.device.request(kAddress),
              HasStatus(emulator::CompletionStatus::kCompleterAbort));
  EXPECT_THAT(stream.board.events(), IsEmpty());
}

}  // namespace
}  // namespace smmu::testing::ats_translated_test
