// The program as a user meets it: what it prints, where, and with which exit status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "test/cli/run_tool.h"

namespace smmu::cli::tool_test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Json = nlohmann::json;

const std::string kVfio = committed_capture("linux-6.1-vfio");
const std::string kStrict = committed_capture("linux-6.1-strict");
const std::string kScripted = committed_capture("scripted") + "/scenarios.jsonl.gz";

TEST(Tool, ReplayOfBothCapturesAgrees) {
  const ToolRun run = run_tool("replay " + kStrict + " " + kVfio);
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, IsEmpty());
  EXPECT_THAT(run.out, AllOf(HasSubstr("none          realistic     adversarial\n"),
                             ContainsRegex("faults +170  agree"),
                             HasSubstr("All 72 checks agree; masked differences: 516."),
                             Not(HasSubstr("\x1b"))));
}

TEST(Tool, ReplayTakesThePoliciesItIsGiven) {
  const ToolRun run = run_tool("replay --caching none --caching adversarial " + kVfio);
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, AllOf(HasSubstr("All 24 checks agree"), Not(HasSubstr("realistic"))));
}

TEST(Tool, ReplayTellsTheSameInJson) {
  const ToolRun run = run_tool("replay --json --caching none " + kVfio);
  EXPECT_EQ(run.status, 0);
  const Json json = Json::parse(run.out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["agrees"], true);
  const Json& checks = json["captures"][0]["policies"][0]["checks"];
  ASSERT_EQ(checks.size(), 12);
  EXPECT_EQ(checks[3]["name"], "translations");
  EXPECT_EQ(checks[3]["compared"], 828);
  EXPECT_EQ(checks[3]["disagreements"], 0);
}

TEST(Tool, ADisagreementIsShownAndIsExitStatus1) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  folder.replace_line("translations.tsv", 5, "0x10\t0xffb1f000\t0x1054e8000\trw\t1\tqemu-trace");
  const ToolRun run = run_tool("replay --caching none " + folder.path().string());
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, AllOf(HasSubstr("1 differ"), HasSubstr("translations.tsv:5: stream 0x10"),
                             HasSubstr("1 of 12 checks do not agree")));
}

TEST(Tool, OnlyTheFirstDisagreementsAreShownUnlessAllAreAskedFor) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  std::string text = folder.read("translations.tsv");
  for (std::size_t at = 0; (at = text.find("\trw\t", at)) != std::string::npos;)
    text.replace(at, 4, "\tr\t");
  folder.write("translations.tsv", text);
  const std::string command = "replay --caching none " + folder.path().string();
  EXPECT_THAT(run_tool(command).out, HasSubstr("706 more of translations (none)"));
  EXPECT_THAT(run_tool("replay --all --caching none " + folder.path().string()).out,
              AllOf(Not(HasSubstr(" more of ")), HasSubstr("translations.tsv:829:")));
}

TEST(Tool, ScenariosAgreeByDefaultUnderTheAdversarialPolicy) {
  const ToolRun run = run_tool("scenario " + kScripted);
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("caching adversarial"), HasSubstr("63 of 63 scenarios agree"),
                    HasSubstr("deviations.tsv.gz: 594"), Not(HasSubstr("prefetch"))));
}

TEST(Tool, AScenarioThatDisagreesIsShownWithItsOp) {
  const TemporaryFolder folder;
  std::string line;
  for (Lines lines(kScripted); lines.next();) {
    if (lines.text().starts_with(R"({"name":"ste-bypass")")) line = lines.text();
  }
  const std::size_t at = line.find("bypass\"}");
  ASSERT_NE(at, std::string::npos);
  const auto file = folder.write("s.jsonl", line.replace(at, 6, "abort") + "\n");
  const ToolRun run = run_tool("scenario " + file.string());
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("0 of 1 scenarios agree"),
                    HasSubstr("ste-bypass op 29, read of 0x5010 by stream 0x8:"),
                    HasSubstr("expected abort, record none"),
                    HasSubstr("got      bypass, no record"), Not(HasSubstr("lines used"))));
  // What the manual wants may be disputed, and that is counted.
  const auto disputed = folder.write("disputed.tsv",
                                     "scenario\top\tkind\tvalue\tclass\tsection\n"
                                     "ste-bypass\t29\taccess\tbypass\tmine\t5.2\n");
  const ToolRun excused =
      run_tool("scenario --disputed " + disputed.string() + " " + file.string());
  EXPECT_EQ(excused.status, 0);
  EXPECT_THAT(excused.out, HasSubstr("disputed.tsv: 1"));
}

TEST(Tool, ScenariosTellTheSameInJson) {
  const Json json =
      Json::parse(run_tool("scenario --json --caching none --caching realistic " + kScripted).out,
                  nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["agrees"], true);
  ASSERT_EQ(json["files"].size(), 2);
  EXPECT_EQ(json["files"][1]["caching"], "realistic");
  EXPECT_EQ(json["files"][1]["agreeing"], 63);
}

TEST(Tool, WalkExplainsATranslationStepByStep) {
  const ToolRun run = run_tool("walk " + kVfio + " --sid 0x40 --iova 0x400040");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.err, IsEmpty());
  std::size_t at = 0;
  // In this order.
  for (const char* text : {"stream 0x40 reads 0x400040: unprivileged, data",
                           "SMMU_STRTAB_BASE",
                           "L1STD",
                           "at 0x1036da000",
                           "Span 9 (256 STEs)",
                           "STE",
                           "at 0xfc181000",
                           "Config 5 (stage 1)",
                           "S1ContextPtr 0x104d76000",
                           "CD",
                           "at 0x104d76000",
                           "T0SZ 0x10 (48-bit input)",
                           "TG0 0 (4K)",
                           "Level 0 table",
                           "at 0x104d75000",
                           "iova[47:39] = 0x0",
                           "Level 1 table",
                           "Level 2 table",
                           "at 0x104d78010",
                           "iova[29:21] = 0x2",
                           "Level 3 page",
                           "0x10414efc7",
                           "AP 3 (r)",
                           "OA 0x10414e000",
                           "pa 0x10414e040",
                           "4 KiB at 0x10414e000",
                           "Normal write-back (0xff), inner shareable",
                           "unprivileged  r-x"}) {
    const std::size_t found = run.out.find(text, at);
    ASSERT_NE(found, std::string::npos) << text << " in\n" << run.out;
    at = found;
  }
}

TEST(Tool, WalkExplainsAFaultWithItsRecord) {
  const ToolRun run = run_tool("walk " + kVfio + " --sid 0x40 --iova 0x400040 --write");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out,
              AllOf(HasSubstr("terminated: the device sees a bus error"),
                    HasSubstr("AP 3 (r), with what the tables above say, does not allow it."),
                    HasSubstr("F_PERMISSION"), HasSubstr("RnW 0 (write)"),
                    HasSubstr("CLASS 2 (IN)"), HasSubstr("InputAddr 0x400040")));
  EXPECT_THAT(run_tool("walk " + kVfio + " --sid 0xf8 --iova 0x1000").out,
              HasSubstr("STE.Config says abort, which is not recorded."));
  EXPECT_THAT(run_tool("walk " + kVfio + " --sid 0x1234 --iova 0x1000").out,
              HasSubstr("C_BAD_STREAMID"));
}

TEST(Tool, WalkExplainsStage2ByItsOwnTables) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  folder.replace_line("registers.txt", 2, "0x00000 4 0x0d40101b IDR0");  // S2P
  folder.replace_line("registers.txt", 5, "0x0000c 4 0x00001414 IDR3");  // XNX, which goes with it
  // The tables of stream 0x40 as those of stage 2: 44 bits from level 0, S2PS 44 bits.
  std::string memory = folder.read("memory.txt");
  const std::string_view ste = "000 104d7600b\n008 d6\n";
  const std::size_t at = memory.find(ste, memory.find("page 0xfc181000"));
  ASSERT_NE(at, std::string::npos);
  memory.replace(at, ste.size(), "000 104d7600d\n008 d6\n010 c009400000000\n018 104d75000\n");
  folder.write("memory.txt", memory);
  const ToolRun run = run_tool("walk " + folder.path().string() + " --sid 0x40 --iova 0x400040");
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("Config 6 (stage 2)"), HasSubstr("Stage 2 Level 0 table"),
                             HasSubstr("ipa[29:21] = 0x2"), HasSubstr("Stage 2 Level 3 page"),
                             HasSubstr("S2AP 3 (rw)"), HasSubstr("pa 0x10414e040")));
  EXPECT_THAT(run_tool("walk " + folder.path().string() + " --sid 0x40 --iova 0x140000").out,
              AllOf(HasSubstr("Stage 2 Level 3 invalid at "),
                    HasSubstr("The descriptor is invalid: ipa[20:12] = 0x140. It is not recorded, "
                              "because STE.S2R is 0.")));
  // S2R
  memory.replace(memory.find("c009400000000"), 13, "40c009400000000");
  folder.write("memory.txt", memory);
  EXPECT_THAT(run_tool("walk " + folder.path().string() + " --sid 0x40 --iova 0x140000").out,
              AllOf(HasSubstr("The descriptor is invalid: ipa[20:12] = 0x140.\n"),
                    HasSubstr("F_TRANSLATION")));
}

TEST(Tool, WalkExplainsWhyThereIsNoRecord) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  const std::string registers = folder.read("registers.txt");
  const auto set = [&](std::string_view from, std::string_view to) {
    std::string text = folder.read("registers.txt");
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    folder.write("registers.txt", text.replace(at, from.size(), to));
  };
  const auto walk = [&](std::string_view options) {
    return run_tool("walk " + folder.path().string() + " " + std::string(options)).out;
  };
  // EVENTQEN 0: stream 0x40's faults are the same.
  set("0x00020 4 0x0000000d CR0", "0x00020 4 0x00000009 CR0");
  EXPECT_THAT(walk("--sid 0x40 --iova 0x400040 --write"),
              HasSubstr("does not allow it. It is not recorded, because SMMU_CR0.EVENTQEN is 0."));
  EXPECT_THAT(walk("--sid 0x1234 --iova 0x0"),
              HasSubstr("The Stream table has no such stream. It is not recorded, because "
                        "SMMU_CR0.EVENTQEN is 0."));
  EXPECT_THAT(walk("--sid 0xf8 --iova 0x0"),
              HasSubstr("STE.Config says abort, which is not recorded."));
  // V 0 is another thing than Config 0b000.
  std::string memory = folder.read("memory.txt");
  const std::size_t page = memory.find("page 0xfc181000");
  const std::size_t ste = memory.find("104d7600b", page);
  ASSERT_NE(ste, std::string::npos);
  folder.write("memory.txt", std::string(memory).replace(ste, 9, "104d7600a"));
  const std::string invalid = walk("--sid 0x40 --iova 0x400040");
  EXPECT_THAT(invalid, HasSubstr("The STE is not valid. It is not recorded, because "
                                 "SMMU_CR0.EVENTQEN is 0."));
  EXPECT_THAT(invalid, Not(HasSubstr("Config says abort")));
  folder.write("memory.txt", memory);

  // RECINVSID 0
  folder.write("registers.txt", registers);
  set("0x0002c 4 0x00000006 CR2", "0x0002c 4 0x00000000 CR2");
  EXPECT_THAT(walk("--sid 0x1234 --iova 0x0"),
              HasSubstr("The Stream table has no such stream. It is not recorded, because "
                        "SMMU_CR2.RECINVSID is 0."));

  // CD.R 0
  const std::size_t cd = memory.find("8e204c0003510");
  ASSERT_NE(cd, std::string::npos);
  folder.write("memory.txt", std::string(memory).replace(cd, 13, "8c204c0003510"));
  EXPECT_THAT(
      walk("--sid 0x40 --iova 0x140000"),
      HasSubstr("The descriptor is invalid: iova[20:12] = 0x140. It is not recorded, because "
                "CD.R is 0."));
}

TEST(Tool, AReplayThatChecksNothingIsNoAgreement) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  for (const char* name : {"streams.tsv", "translations.tsv", "excluded.tsv", "mappings.tsv",
                           "faults.tsv", "events.tsv", "bypass.tsv", "walks.tsv", "commands.tsv"}) {
    const std::string text = folder.read(name);
    folder.write(name, text.substr(0, text.find('\n') + 1));
  }
  folder.write("mmio.log", "");
  const ToolRun run = run_tool("replay " + folder.path().string());
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(run.err, "smmu: " + folder.path().string() +
                         ": expected something to check, found no line in any file but "
                         "registers.txt.\n");
}

TEST(Tool, WalkTellsTheSameInJson) {
  const Json json = Json::parse(
      run_tool("walk --json " + kVfio + " --sid 0x40 --iova 0x8000001000").out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["steps"][5]["step"], "CD");
  EXPECT_EQ(json["steps"][7]["fields"]["OA"], "0x80000000");
  EXPECT_EQ(json["outcome"]["pa"], "0x80001000");
  EXPECT_EQ(json["outcome"]["size"], "0x40000000");
}

TEST(Tool, MapsJoinsWhatLiesTogether) {
  const ToolRun run = run_tool("maps " + kVfio + " --sid 0x40");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out,
              AllOf(StartsWith("stream 0x40  ASID 8, TTB0 0x104d75000: 4K pages, 48-bit input; 393 "
                               "leaves in 34 runs"),
                    HasSubstr("0x100000 - 0x136fff "), HasSubstr("55 x 4 KiB"),
                    HasSubstr("0x8000000000 - 0x803fffffff "), HasSubstr("5 x 4 KiB + 2 x 2 MiB")));
  const Json json = Json::parse(run_tool("maps --json " + kVfio).out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["leaves"].size(), 1787);
  EXPECT_EQ(json["leaves"][0]["descriptor"], "0x10564af47");
}

TEST(Tool, DecodePrintsTheFieldsThatAreSetByTheManualsNames) {
  EXPECT_EQ(run_tool("decode CR0 d").out,
            "SMMU_CR0 0xd\n"
            "        [0]  SMMUEN       1\n"
            "        [2]  EVENTQEN     1\n"
            "        [3]  CMDQEN       1\n");
  EXPECT_EQ(run_tool("decode command 0x1000000000012 0xffff6701").out,
            "CMD_TLBI_NH_VA 0x1000000000012 0xffff6701\n"
            "      [7:0]  Opcode   0x12  CMD_TLBI_NH_VA\n"
            "    [63:48]  ASID     1\n"
            "       [64]  Leaf     1\n"
            "    [73:72]  TTL      3\n"
            "    [75:74]  TG       1\n"
            "   [127:76]  Address  0xffff6000\n");
  EXPECT_EQ(run_tool("decode ste 0x430ce00b,0xd6,0x0,0x0,0x0,0x0,0x0,0x0").out,
            run_tool("decode ste 430ce00b d6").out);
  EXPECT_THAT(run_tool("decode --all l1cd 0").out, HasSubstr("L2Ptr  0"));
  const Json json = Json::parse(run_tool("decode --json SMMU_CR0 d").out, nullptr, false);
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["fields"][0]["name"], "SMMUEN");
}

TEST(Tool, BadUsageIsOneSentenceAndExitStatus2) {
  for (const char* arguments :
       {"", "replay", "walk", "bogus", "replay --bogus x", "replay --caching some x",
        "scenario --prefetch maybe x", "walk x --sid 1", "walk x --sid -1 --iova 0",
        "walk x --sid 0x100000000 --iova 0", "decode", "decode ste", "decode tlb 1",
        "decode ste 0xg", "replay /does/not/exist", "maps /does/not/exist",
        "scenario /does/not/exist"}) {
    const ToolRun run = run_tool(arguments);
    EXPECT_EQ(run.status, 2) << arguments;
    EXPECT_THAT(run.out, IsEmpty()) << arguments;
    EXPECT_THAT(run.err, AllOf(StartsWith("smmu: "), EndsWith("\n"))) << arguments;
    EXPECT_EQ(std::count(run.err.begin(), run.err.end(), '\n'), 1) << run.err;
  }
  EXPECT_THAT(
      run_tool("foo bar").err,
      StartsWith("smmu: expected one of the subcommands replay, scenario, walk, maps, decode, "
                 "found \"foo\" (try --help)"));
  EXPECT_THAT(run_tool("--bogus").err, HasSubstr("found \"--bogus\""));
  EXPECT_EQ(run_tool("--help").status, 0);
  EXPECT_EQ(run_tool("walk --help").status, 0);
}

TEST(Tool, TheVersionIsTheProjects) {
  const ToolRun run = run_tool("--version");
  EXPECT_EQ(run.status, 0);
  EXPECT_THAT(run.out, ::testing::MatchesRegex("smmu [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(Tool, OutputThatIsLostIsExitStatus2) {
  const std::string scenario = "scenario " + kScripted;
  for (const std::string& command :
       {"replay --caching none " + kVfio, "replay --json --caching none " + kVfio, scenario,
        "walk --sid 0x40 --iova 0x400040 " + kVfio, "maps " + kVfio, std::string("decode CR0 d"),
        std::string("--help"), std::string("--version")}) {
    const ToolRun run = run_tool_into("/dev/full", command);
    EXPECT_EQ(run.status, 2) << command;
    EXPECT_EQ(run.err, "smmu: expected standard output to take what is printed.\n") << command;
  }
}

TEST(Tool, AFileWithoutScenariosIsNoAgreement) {
  const TemporaryFolder folder;
  const std::string file = folder.write("s.jsonl", "\n").string();
  const ToolRun run = run_tool("scenario " + file);
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_EQ(run.err, "smmu: " + file + ":1: expected a scenario, found none in the file.\n");
}

TEST(Tool, AWriteToWhereThereIsNoRamIsCounted) {
  const TemporaryFolder folder;
  const auto play = [&](std::string_view address) {
    const auto file = folder.write(
        "s.jsonl", R"({"name":"n","ops":[["m",")" + std::string(address) +
                       R"(","0x1"]],"end":{"CMDQ_PROD":0,"CMDQ_CONS":0,"GERROR":0,"GERRORN":0,)" +
                       R"("EVENTQ_PROD":0}})");
    return run_tool("scenario " + file.string()).out;
  };
  EXPECT_THAT(play("0x50001000"), HasSubstr("  1 memory writes went to where there is no RAM\n"));
  EXPECT_THAT(play("0x47fffff8"), Not(HasSubstr("no RAM")));
}

TEST(Tool, DeviationsSpeakOfAllScenariosBesideThem) {
  const TemporaryFolder folder;
  const auto scenario = [](std::string_view name) {
    return R"({"name":")" + std::string(name) + R"(","ops":[["r","0x1c",4,"0x1"]],"end":{)" +
           R"("CMDQ_PROD":0,"CMDQ_CONS":0,"GERROR":0,"GERRORN":0,"EVENTQ_PROD":0}})";
  };
  const std::string one = folder.write("one.jsonl", scenario("one")).string();
  const std::string two = folder.write("two.jsonl", scenario("two")).string();
  folder.write("deviations.tsv",
               "scenario\top\tkind\tvalue\tclass\tsection\n"
               "one\t0\tread\t0x1\tc\ts\n"
               "two\t0\tread\t0x1\tc\ts\n");
  EXPECT_EQ(run_tool("scenario " + one + " " + two).status, 0);
  const ToolRun half = run_tool("scenario " + one);
  EXPECT_EQ(half.status, 2);
  EXPECT_THAT(half.err,
              EndsWith("/deviations.tsv:3: expected the name of a scenario, found \"two\".\n"));
}

TEST(Tool, MapsSaysWhichTablesAreMissing) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  std::string memory = folder.read("memory.txt");
  const std::size_t page = memory.find("page 0x104d80000");
  ASSERT_NE(page, std::string::npos);
  memory.erase(page, memory.find("page ", page + 1) - page);
  folder.write("memory.txt", memory);
  const ToolRun run = run_tool("maps --sid 0x40 " + folder.path().string());
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, HasSubstr("the table at 0x104d80000 is not in memory.txt"));
  const Json json =
      Json::parse(run_tool("maps --json --sid 0x40 " + folder.path().string()).out, nullptr, false);
  EXPECT_EQ(json["missing_tables"], Json::array({"0x104d80000"}));
}

TEST(Tool, AValueThatTheModelCannotHonourIsRefusedByName) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  folder.replace_line("registers.txt", 2, "0x00000 4 0x0d40103a IDR0");
  for (const std::string command : {"replay ", "walk --sid 0x40 --iova 0x0 ", "maps "}) {
    const ToolRun run = run_tool(command + folder.path().string());
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.out, IsEmpty());
    EXPECT_THAT(run.err, AllOf(HasSubstr("/registers.txt: "), HasSubstr("SMMU_IDR0.BTM is 1")));
  }
}

TEST(Tool, NothingIsDoneBeforeEveryFolderIsRead) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  folder.replace_line("walks.tsv", 100, "torn");
  const ToolRun run = run_tool("replay " + kStrict + " " + folder.path().string());
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.out, IsEmpty());
  EXPECT_THAT(run.err, EndsWith("/walks.tsv:100: expected 7 columns, found \"torn\".\n"));
}

}  // namespace
}  // namespace smmu::cli::tool_test
