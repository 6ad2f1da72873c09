// The rule of captures/README: an op agrees if it gave what a line of the deviations wants, or,
// where there is no line, what was recorded.
#include "emulator/cli/verdict.h"

#include <gtest/gtest.h>

#include "smmu/arch/v3/registers.h"
#include "test/cli/temporary_folder.h"

namespace smmu::cli::verdict_test {
namespace {

using emulator::Response;
using emulator::Route;
using emulator::Terminated;
using emulator::Translation;

constexpr EventWords kRecorded = {0x800000010, 0x800000000, 0x5000, 0};   // as QEMU wrote it
constexpr EventWords kCorrect = {0x800000010, 0x20800000000, 0x5000, 0};  // F_TRANSLATION
constexpr EventWords kPermission = {0x800000013, 0x20800000000, 0x5000, 0};

Answer translated(std::uint64_t pa, Route route = Route::kTables) {
  return {
      Translation{.pa = Pa(pa), .size = 4096, .attributes = {}, .permissions = {}, .route = route},
      {}};
}
Answer terminated(std::vector<EventWords> records = {}) {
  return {Terminated{Response::kAbort}, std::move(records)};
}
DeviceAccess recorded(RecordedResult result, std::uint64_t pa = 0,
                      std::optional<EventWords> event = {}) {
  return {.stream = 8,
          .iova = 0x5000,
          .write = false,
          .result = result,
          .pa = pa,
          .event = event,
          .acknowledged = true};
}

class Verdict : public ::testing::Test {
 protected:
  Deviations lines(std::string_view name, std::string_view text) {
    return Deviations::load(
        folder_.write(name, "scenario\top\tkind\tvalue\tclass\tsection\n" + std::string(text)));
  }
  void given(std::string_view text) { deviations_ = lines("deviations.tsv", text); }
  void disputed(std::string_view text) { disputed_ = lines("disputed.tsv", text); }

  bool agrees(const DeviceAccess& access, const Answer& answer) {
    return !judge_.access("s", 3, access, answer).has_value();
  }

  TemporaryFolder folder_;
  Deviations deviations_;
  Deviations disputed_;
  Judge judge_{deviations_, disputed_};
};

TEST_F(Verdict, WithoutALineTheRecordedResultIsRight) {
  const DeviceAccess ok = recorded(RecordedResult::kOk, 0x9000);
  EXPECT_TRUE(agrees(ok, translated(0x9000)));
  EXPECT_FALSE(agrees(ok, translated(0x9004)));
  EXPECT_FALSE(agrees(ok, terminated()));
  EXPECT_FALSE(agrees(ok, {translated(0x9000).outcome, {kCorrect}}));

  for (const RecordedResult pass : {RecordedResult::kBypass, RecordedResult::kDisabled}) {
    EXPECT_TRUE(agrees(recorded(pass), translated(0x5000, Route::kBypass)));
    EXPECT_TRUE(agrees(recorded(pass), translated(0x5000, Route::kDisabled)));
    EXPECT_FALSE(agrees(recorded(pass), translated(0x5000, Route::kTables)));
    EXPECT_FALSE(agrees(recorded(pass), translated(0x6000, Route::kBypass)));
  }
}

TEST_F(Verdict, WithoutALineTheRecordedEventIsComparedUnderTheMasks) {
  const DeviceAccess fault = recorded(RecordedResult::kFault, 0, kRecorded);
  EXPECT_TRUE(agrees(fault, terminated({kCorrect})));
  EXPECT_EQ(judge_.masked(), 1);
  EXPECT_FALSE(agrees(fault, terminated({kRecorded})));
  EXPECT_FALSE(agrees(fault, terminated({kPermission})));
  EXPECT_FALSE(agrees(fault, terminated()));
  EXPECT_FALSE(agrees(fault, terminated({kCorrect, kCorrect})));
  EXPECT_FALSE(agrees(fault, translated(0x5000)));
}

TEST_F(Verdict, AFaultRecordedWithoutAnEventIsAnAbort) {
  for (const RecordedResult result : {RecordedResult::kFault, RecordedResult::kAbort}) {
    EXPECT_TRUE(agrees(recorded(result), terminated()));
    // CD.A 0: the device sees zeros, but the access has gone nowhere all the same.
    EXPECT_TRUE(agrees(recorded(result), {Terminated{Response::kRazWi}, {}}));
    EXPECT_FALSE(agrees(recorded(result), terminated({kCorrect})));
    EXPECT_FALSE(agrees(recorded(result), {emulator::Stalled{0}, {}}));
  }
}

TEST_F(Verdict, AnAccessLineTakesThePlaceOfTheRecording) {
  given("s\t3\taccess\tok 0x9000\tc\t1\n");
  const DeviceAccess fault = recorded(RecordedResult::kFault, 0, kRecorded);
  EXPECT_TRUE(agrees(fault, translated(0x9000)));
  EXPECT_FALSE(agrees(fault, terminated({kCorrect})));
  EXPECT_EQ(judge_.deviations_used(), 1);
}

TEST_F(Verdict, AnAccessLineWithoutAnEventLineMeansNoRecord) {
  given("s\t3\taccess\tabort\tc\t1\n");
  EXPECT_TRUE(agrees(recorded(RecordedResult::kFault, 0, kRecorded), terminated()));
  EXPECT_FALSE(agrees(recorded(RecordedResult::kFault, 0, kRecorded), terminated({kCorrect})));
  given("s\t3\taccess\tfault 0x10\tc\t1\n");
  EXPECT_FALSE(agrees(recorded(RecordedResult::kOk, 0x9000), terminated({kCorrect})));
}

TEST_F(Verdict, AnEventLineIsInTheManualsForm) {
  given(
      "s\t3\taccess\tfault 0x10\tc\t1\ns\t3\tevent\t0x800000010,0x20800000000,0x5000,0x0\tc\t1\n");
  EXPECT_TRUE(agrees(recorded(RecordedResult::kOk, 0x9000), terminated({kCorrect})));
  EXPECT_FALSE(agrees(recorded(RecordedResult::kOk, 0x9000), terminated({kRecorded})));
  EXPECT_FALSE(agrees(recorded(RecordedResult::kOk, 0x9000), terminated({kPermission})));
}

TEST_F(Verdict, AnEventLineAloneReplacesTheRecordOfARecordedFault) {
  given("s\t3\tevent\t0x800000013,0x20800000000,0x5000,0x0\tc\t1\n");
  const DeviceAccess fault = recorded(RecordedResult::kFault, 0, kRecorded);
  EXPECT_TRUE(agrees(fault, terminated({kPermission})));
  EXPECT_FALSE(agrees(fault, terminated({kCorrect})));
  given("s\t3\tevent\tnone\tc\t1\n");
  EXPECT_TRUE(agrees(fault, terminated()));
  EXPECT_FALSE(agrees(fault, terminated({kCorrect})));
}

TEST_F(Verdict, AnyOfSeveralValuesWillDo) {
  given(
      "s\t3\tany-of\tok 0x9000|ok 0xa000|fault 0x10\tc\t1\n"
      "s\t3\tevent\tnone|0x800000010,0x20800000000,0x5000,0x0\tc\t1\n");
  const DeviceAccess ok = recorded(RecordedResult::kOk, 0x9000);
  EXPECT_TRUE(agrees(ok, translated(0x9000)));
  EXPECT_TRUE(agrees(ok, translated(0xa000)));
  EXPECT_TRUE(agrees(ok, terminated({kCorrect})));
  EXPECT_FALSE(agrees(ok, translated(0xb000)));
  EXPECT_FALSE(agrees(ok, terminated()));
  EXPECT_FALSE(agrees(ok, terminated({kPermission})));
}

TEST_F(Verdict, ADisputedLineTakesThePlaceOfADeviationAndIsCounted) {
  given(
      "s\t3\taccess\tfault 0x10\tc\t1\ns\t3\tevent\t0x800000010,0x20800000000,0x5000,0x0\tc\t1\n");
  disputed("s\t3\taccess\tok 0x9000\tc\t1\n");
  const DeviceAccess ok = recorded(RecordedResult::kOk, 0x8000);
  // The record goes with the result that is disputed.
  EXPECT_TRUE(agrees(ok, translated(0x9000)));
  EXPECT_FALSE(agrees(ok, terminated({kCorrect})));
  EXPECT_EQ(judge_.disputed_used(), 1);
  EXPECT_EQ(judge_.deviations_used(), 0);
}

TEST_F(Verdict, AReadIsRightAsRecordedOrAsItsLineSays) {
  const RegisterRead read{.offset = v3::SMMU_CR2::kOffset, .bytes = 4, .value = 0x6};
  EXPECT_FALSE(judge_.read("s", 3, read, 0x6, false).has_value());
  EXPECT_TRUE(judge_.read("s", 3, read, 0x2, false).has_value());
  given("s\t3\tread\t0x2|0x3\tc\t1\n");
  EXPECT_FALSE(judge_.read("s", 3, read, 0x2, false).has_value());
  EXPECT_FALSE(judge_.read("s", 3, read, 0x3, false).has_value());
  EXPECT_TRUE(judge_.read("s", 3, read, 0x6, false).has_value());
  EXPECT_EQ(judge_.read("s", 3, read, 0x6, false)->expected, "0x2 or 0x3");
}

TEST_F(Verdict, TheErrorOfTheCommandQueueCountsOnlyWhileItIsActive) {
  const RegisterRead read{.offset = v3::SMMU_CMDQ_CONS::kOffset, .bytes = 4, .value = 0x1000003};
  EXPECT_FALSE(judge_.read("s", 3, read, 0x3, false).has_value());
  EXPECT_EQ(judge_.masked(), 1);
  EXPECT_TRUE(judge_.read("s", 3, read, 0x4, false).has_value());
  EXPECT_TRUE(judge_.read("s", 3, read, 0x3, true).has_value());
  EXPECT_FALSE(judge_.read("s", 3, read, 0x1000003, true).has_value());
  const EndValue end{.offset = v3::SMMU_CMDQ_CONS::kOffset, .value = 0x1000003};
  EXPECT_FALSE(judge_.end("s", end, 0x3, false).has_value());
  EXPECT_TRUE(judge_.end("s", end, 0x3, true).has_value());
  // Bits 30:24 of another register are not ERR.
  const EndValue other{.offset = v3::SMMU_GERROR::kOffset, .value = 0x1000003};
  EXPECT_TRUE(judge_.end("s", other, 0x3, false).has_value());
}

TEST_F(Verdict, AnEndValueIsFoundByTheRegistersOffset) {
  given("s\t0x100a8\tend\t0x1c\tc\t1\n");
  const EndValue end{.offset = v3::SMMU_EVENTQ_PROD::kOffset, .value = 0x12};
  EXPECT_FALSE(judge_.end("s", end, 0x1c, false).has_value());
  EXPECT_TRUE(judge_.end("s", end, 0x12, false).has_value());
  EXPECT_FALSE(judge_.end("t", end, 0x12, false).has_value());
}

TEST_F(Verdict, FromAStopOnNothingIsJudged) {
  given("s\t7\tstop\t-\tbecause\t-\n");
  EXPECT_FALSE(judge_.stopped("s", 6));
  EXPECT_TRUE(judge_.stopped("s", 7));
  EXPECT_TRUE(judge_.stopped("s", 8));
  EXPECT_FALSE(judge_.stopped("t", 8));
}

}  // namespace
}  // namespace smmu::cli::verdict_test
