// The closed list of masks of captures/README, line by line: what each hides, and that it hides
// nothing else.  Bits are written out from the README.
#include "emulator/cli/event_comparison.h"

#include <gtest/gtest.h>

namespace smmu::cli::event_comparison_test {
namespace {

constexpr std::uint64_t kStream = std::uint64_t{0x40} << 32;
constexpr std::uint64_t kSSV = std::uint64_t{1} << 11;
constexpr std::uint64_t kStall = std::uint64_t{1} << 31;
constexpr std::uint64_t kRnW = std::uint64_t{1} << 35;
constexpr std::uint64_t kS2 = std::uint64_t{1} << 39;
constexpr std::uint64_t kTT = std::uint64_t{1} << 40;
constexpr std::uint64_t kIN = std::uint64_t{2} << 40;

// Every bit of the record in turn is wrong; the ones that still count as equal.
EventWords hidden_bits(const EventWords& expected, RecordForm form, const EventWords& right) {
  EXPECT_TRUE(compare_event(expected, form, right).equal);
  EventWords hidden{};
  for (std::size_t word = 0; word < 4; ++word) {
    for (unsigned bit = 0; bit < 64; ++bit) {
      EventWords wrong = right;
      wrong[word] ^= std::uint64_t{1} << bit;
      if (compare_event(expected, form, wrong).equal) hidden[word] |= std::uint64_t{1} << bit;
    }
  }
  return hidden;
}

constexpr std::uint64_t kSubstreamId = 0xfffff000;
constexpr std::uint64_t kStag = 0xffff;
constexpr std::uint64_t kTTRnW = std::uint64_t{1} << 44;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

TEST(EventComparison, InAStage1FaultClassMustBeInWhateverWasRecorded) {
  for (const std::uint64_t type : {0x10U, 0x11U, 0x12U, 0x13U}) {
    for (const std::uint64_t recorded_class : {std::uint64_t{0}, kTT, kIN}) {
      const EventWords recorded = {kStream | type, kRnW | recorded_class, 0x5000, 0};
      EXPECT_TRUE(
          compare_event(recorded, RecordForm::kRecorded, {kStream | type, kRnW | kIN, 0x5000, 0})
              .equal);
      EXPECT_FALSE(
          compare_event(recorded, RecordForm::kRecorded, {kStream | type, kRnW, 0x5000, 0}).equal);
      EXPECT_FALSE(
          compare_event(recorded, RecordForm::kRecorded, {kStream | type, kRnW | kTT, 0x5000, 0})
              .equal);
    }
  }
}

TEST(EventComparison, AStage1FaultHidesStagIpaAndSubstreamId) {
  for (const std::uint64_t type : {0x10U, 0x11U, 0x12U}) {
    const EventWords recorded = {kStream | type, kRnW, 0x5000, 0};
    EXPECT_EQ(hidden_bits(recorded, RecordForm::kRecorded, {kStream | type, kRnW | kIN, 0x5000, 0}),
              (EventWords{kSubstreamId, kStag, 0, kAll}));
  }
}

TEST(EventComparison, AStage2FaultHidesOnlyTheLowBitsOfTheIpa) {
  const EventWords recorded = {kStream | 0x10, kRnW | kIN | kS2, 0x5000, 0x8123};
  EXPECT_EQ(hidden_bits(recorded, RecordForm::kRecorded, recorded),
            (EventWords{kSubstreamId, kStag, 0, 0xfff}));
  // CLASS is as recorded: TT is not made IN.
  const EventWords walk = {kStream | 0x10, kRnW | kTT | kS2, 0x5000, 0x8000};
  EXPECT_EQ(hidden_bits(walk, RecordForm::kRecorded, walk),
            (EventWords{kSubstreamId, kStag, 0, 0xfff}));
}

TEST(EventComparison, StagCountsIfTheTransactionIsStalled) {
  const EventWords stalled = {kStream | 0x10, kRnW | kIN | kStall | 0x12, 0x5000, 0};
  EXPECT_EQ(hidden_bits(stalled, RecordForm::kRecorded, stalled),
            (EventWords{kSubstreamId, 0, 0, kAll}));
}

TEST(EventComparison, TTRnWCountsOnlyIfTheWalkItselfWasRefused) {
  const EventWords leaf = {kStream | 0x13, kRnW | kIN, 0x5000, 0};
  EXPECT_EQ(hidden_bits(leaf, RecordForm::kRecorded, leaf),
            (EventWords{kSubstreamId, kStag | kTTRnW, 0, kAll}));
  const EventWords cd = {kStream | 0x13, kRnW | kS2, 0x5000, 0x8000};
  EXPECT_EQ(hidden_bits(cd, RecordForm::kRecorded, cd),
            (EventWords{kSubstreamId, kStag | kTTRnW, 0, 0xfff}));
  const EventWords walk = {kStream | 0x13, kRnW | kS2 | kTT, 0x5000, 0x8000};
  EXPECT_EQ(hidden_bits(walk, RecordForm::kRecorded, walk),
            (EventWords{kSubstreamId, kStag, 0, 0xfff}));
}

TEST(EventComparison, TheAddressOfAFailedCdFetchBelongsIntoDword3) {
  const EventWords recorded = {kStream | 0x09, 0, 0x50000000000, 0};
  const EventWords right = {kStream | 0x09, 0, 0, 0x50000000000};
  EXPECT_EQ(hidden_bits(recorded, RecordForm::kRecorded, right),
            (EventWords{kSubstreamId, 0xffff, 0, 0}));
  EXPECT_FALSE(compare_event(recorded, RecordForm::kRecorded, recorded).equal);
  // One that is right already stays as it is.
  EXPECT_TRUE(compare_event(right, RecordForm::kRecorded, right).equal);
}

TEST(EventComparison, FetchRecordsHideReasonAlone) {
  for (const std::uint64_t type : {0x03U, 0x0bU}) {
    const EventWords record = {kStream | type, kRnW, 0x5000, 0x8000};
    EXPECT_EQ(hidden_bits(record, RecordForm::kRecorded, record),
              (EventWords{kSubstreamId, 0xffff, 0, 0}));
  }
}

TEST(EventComparison, SubstreamIdCountsWithSsvAndInCBadSubstreamid) {
  const EventWords named = {kStream | kSSV | 0x5000 | 0x0a, 0, 0, 0};
  EXPECT_EQ(hidden_bits(named, RecordForm::kRecorded, named), EventWords{});
  const EventWords bad = {kStream | 0x5000 | 0x08, 0, 0, 0};
  EXPECT_EQ(hidden_bits(bad, RecordForm::kRecorded, bad), EventWords{});
  const EventWords unnamed = {kStream | 0x02, 0, 0, 0};
  EXPECT_EQ(hidden_bits(unnamed, RecordForm::kRecorded, unnamed),
            (EventWords{kSubstreamId, 0, 0, 0}));
}

TEST(EventComparison, TheManualsFormIsTakenAsItIsButForWhatIsNotCompared) {
  const EventWords wanted = {kStream | 0x13, kRnW | kIN, 0x5000, 0};
  EXPECT_EQ(hidden_bits(wanted, RecordForm::kManual, wanted),
            (EventWords{kSubstreamId, kStag | kTTRnW, 0, kAll}));
  // A line that wants CLASS CD means it.
  const EventWords cd = {kStream | 0x13, kRnW, 0x5000, 0};
  EXPECT_FALSE(compare_event(cd, RecordForm::kManual, wanted).equal);
  const EventWords fetch = {kStream | 0x09, 0, 0x8000, 0};
  EXPECT_TRUE(compare_event(fetch, RecordForm::kManual, fetch).equal);
}

TEST(EventComparison, EachMaskThatHidesADifferenceIsCounted) {
  const EventWords recorded = {kStream | 0x13, kRnW, 0x5000, 0};
  const auto masked = [&](const EventWords& actual) {
    return compare_event(recorded, RecordForm::kRecorded, actual).masked;
  };
  EXPECT_EQ(masked({kStream | 0x13, kRnW | kIN, 0x5000, 0}), 1);           // CLASS
  EXPECT_EQ(masked({kStream | 0x13, kRnW | kIN | 7, 0x5000, 0}), 2);       // and STAG
  EXPECT_EQ(masked({kStream | 0x13, kRnW | kIN | 7, 0x5000, 0x9000}), 3);  // and IPA
  EXPECT_EQ(compare_event(recorded, RecordForm::kManual, recorded).masked, 0);
}

TEST(EventComparison, TextIsThatOfTheFiles) {
  EXPECT_EQ(to_text(EventWords{0x800000013, 0x20000000000, 0x2668e8, 0}),
            "0x800000013,0x20000000000,0x2668e8,0x0");
}

}  // namespace
}  // namespace smmu::cli::event_comparison_test
