#include "emulator/cli/deviations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/cli/temporary_folder.h"

namespace smmu::cli::deviations_test {
namespace {

using ::testing::ElementsAre;
using Kind = AccessResult::Kind;

constexpr std::string_view kHeading = "scenario\top\tkind\tvalue\tclass\tsection\n";

std::string load(const TemporaryFolder& folder, std::string_view line) {
  return complaint_of(folder, [&] {
    Deviations::load(
        folder.write("deviations.tsv", std::string(kHeading) + std::string(line) + "\n"));
  });
}

TEST(Deviations, EveryKindOfLineIsRead) {
  const TemporaryFolder folder;
  const Deviations deviations = Deviations::load(folder.write(
      "deviations.tsv", std::string(kHeading) + "s\t3\taccess\tfault 0x13\tc\t7.3\n"
                                                "s\t3\tevent\t0x1,0x2,0x3,0x4\tc\t7.3\n"
                                                "s\t4\tany-of\tok 0x1000|bypass|abort\tc\t7.3\n"
                                                "s\t4\tevent\tnone|0x5,0x6,0x7,0x8\tc\t7.3\n"
                                                "s\t5\tread\t0x1|2\tc\t7.3\n"
                                                "s\t0x100a8\tend\t0x1c\tc\t7.3\n"
                                                "t\t9\tstop\t-\treason\t-\n"
                                                "t\t7\tstop\t-\treason\t-\n"));
  EXPECT_THAT(deviations.access("s", 3)->any_of,
              ElementsAre(AccessResult{Kind::kFault, 0, v3::EventType::F_PERMISSION}));
  EXPECT_THAT(deviations.event("s", 3)->any_of, ElementsAre(EventWords{1, 2, 3, 4}));
  EXPECT_THAT(deviations.access("s", 4)->any_of,
              ElementsAre(AccessResult{Kind::kOk, 0x1000}, AccessResult{Kind::kBypass},
                          AccessResult{Kind::kAbort}));
  EXPECT_THAT(deviations.event("s", 4)->any_of, ElementsAre(std::nullopt, EventWords{5, 6, 7, 8}));
  EXPECT_THAT(deviations.read("s", 5)->any_of, ElementsAre(1, 2));
  EXPECT_THAT(deviations.end("s", 0x100a8)->any_of, ElementsAre(0x1c));
  EXPECT_EQ(deviations.stop("t"), 7);
  EXPECT_EQ(deviations.stop("s"), std::nullopt);
  EXPECT_EQ(deviations.access("s", 5), nullptr);
  EXPECT_EQ(deviations.access("t", 3), nullptr);
}

TEST(Deviations, WhatIsWrongIsSaidWithFileAndLine) {
  const TemporaryFolder folder;
  EXPECT_EQ(load(folder, "s\t1\taccess"),
            "deviations.tsv:2: expected 6 columns, found \"s 1 access\".");
  EXPECT_EQ(load(folder, "s\tx\taccess\tok 0x1\tc\ts"),
            "deviations.tsv:2: expected a number in column op, found \"x\".");
  EXPECT_EQ(
      load(folder, "s\t1\tmaybe\tok 0x1\tc\ts"),
      "deviations.tsv:2: expected access, any-of, event, read, end or stop in column kind, found "
      "\"maybe\".");
  EXPECT_EQ(
      load(folder, "s\t1\taccess\tok\tc\ts"),
      "deviations.tsv:2: expected \"ok PA\", \"bypass\", \"abort\" or \"fault 0xNN\", or several "
      "with | between them in column value, found \"ok\".");
  EXPECT_EQ(
      load(folder, "s\t1\tevent\t0x1,0x2,0x3\tc\ts"),
      "deviations.tsv:2: expected four words with commas between them or \"none\", or several with "
      "| between them in column value, found \"0x1,0x2,0x3\".");
  EXPECT_EQ(
      load(folder, "s\t1\tread\t0x1|\tc\ts"),
      "deviations.tsv:2: expected a number, or several with | between them in column value, found "
      "\"0x1|\".");
  EXPECT_EQ(load(folder, "s\t1\tread\t1\tc\ts\ns\t1\tread\t2\tc\ts"),
            "deviations.tsv:3: expected each op at most once in column kind, found \"read\".");
  EXPECT_EQ(load(folder, "s\t1\tstop\t-\tc\ts\ns\t1\tstop\t-\tc\ts"),
            "deviations.tsv:3: expected each op at most once in column kind, found \"stop\".");
}

TEST(Deviations, ALineMustSpeakOfAnOpThatIsThere) {
  const TemporaryFolder folder;
  Scenario scenario{.line = 1,
                    .name = "s",
                    .configuration = {},
                    .ops = {RegisterWrite{}, RegisterRead{}, DeviceAccess{}},
                    .end = {{.offset = 0x98, .value = 0}}};
  const auto hold = [&](std::string_view line) {
    return complaint_of(folder, [&] {
      Deviations::load(folder.write("d.tsv", std::string(kHeading) + std::string(line)))
          .hold_against(std::array<const Scenario*, 1>{&scenario});
    });
  };
  EXPECT_EQ(hold("s\t2\taccess\tabort\tc\ts\ns\t1\tread\t1\tc\ts\ns\t0x98\tend\t1\tc\ts\n"), "");
  EXPECT_EQ(hold("s\t2\tstop\t-\tc\ts\n"), "");
  for (const std::string kind : {"access\tabort", "event\tnone", "read\t1", "end\t1", "stop\t-"}) {
    EXPECT_EQ(hold("s\t2\taccess\tabort\tc\ts\nanother\t2\t" + kind + "\tc\ts\n"),
              "d.tsv:3: expected the name of a scenario, found \"another\".");
  }
  EXPECT_EQ(hold("s\t3\tstop\t-\tc\ts\n"),
            "d.tsv:2: expected the number of an op, but 3 of scenario \"s\" is none.");
  EXPECT_EQ(hold("s\t1\taccess\tabort\tc\ts\n"),
            "d.tsv:2: expected the number of an access, but 1 of scenario \"s\" is none.");
  EXPECT_EQ(hold("s\t3\tevent\tnone\tc\ts\n"),
            "d.tsv:2: expected the number of an access, but 3 of scenario \"s\" is none.");
  EXPECT_EQ(hold("s\t2\tread\t1\tc\ts\n"),
            "d.tsv:2: expected the number of a register read, but 2 of scenario \"s\" is none.");
  EXPECT_EQ(
      hold("s\t0x20\tend\t1\tc\ts\n"),
      "d.tsv:2: expected the offset of a register with an end value, but 32 of scenario \"s\" is "
      "none.");
}

}  // namespace
}  // namespace smmu::cli::deviations_test
