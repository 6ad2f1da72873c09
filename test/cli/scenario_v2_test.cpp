// Scenarios of an SMMUv2: what a line may say, and what is made of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "emulator/cli/scenario.h"
#include "test/cli/run_tool.h"

namespace smmu::cli::scenario_v2_test {
namespace {

using emulator::SmmuV2Config;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string scenario_with(std::string_view ops, std::string_view more = "",
                          std::string_view preset = "mmu500_zynqmp") {
  return fmt::format("{{\"name\":\"n\",\"preset\":\"{}\",{}\"ops\":[{}]}}\n", preset, more, ops);
}

Scenario loaded(std::string_view line) {
  const TemporaryFolder folder;
  return load_scenarios(folder.write("s.jsonl", line)).at(0);
}

std::string complaint(const std::string& line) {
  const TemporaryFolder folder;
  return complaint_of(folder, [&] { load_scenarios(folder.write("s.jsonl", line)); });
}

ToolRun played(const std::string& lines) {
  const TemporaryFolder folder;
  return run_tool("scenario " + folder.write("s.jsonl", lines).string());
}

TEST(ScenarioV2, ThePresetSaysWhichGenerationItIs) {
  for (const char* name : {"generic", "pages_64k", "mmu500_zynqmp", "mmu500_stratix10"}) {
    EXPECT_TRUE(loaded(scenario_with("", "", name)).is_of_v2()) << name;
  }
  const std::string end =
      R"("end":{"CMDQ_PROD":0,"CMDQ_CONS":0,"GERROR":0,"GERRORN":0,"EVENTQ_PROD":0},)";
  for (const char* name : {"everything", "mmu600", "qemu_virt", "minimal"}) {
    EXPECT_FALSE(loaded(scenario_with("", end, name)).is_of_v2()) << name;
    const ToolRun run = played(scenario_with("", end, name));
    EXPECT_EQ(run.status, 0) << name << run.out << run.err;
  }
  const char* names =
      "s.jsonl:1: expected preset to be one of everything, mmu600, qemu_virt, minimal, generic, "
      "pages_64k, mmu500_zynqmp, mmu500_stratix10.";
  EXPECT_EQ(complaint(scenario_with("", "", "mmu700")), names);
  EXPECT_EQ(complaint(R"({"name":"n","preset":7,"ops":[]})"), names);
}

TEST(ScenarioV2, EveryOpIsRead) {
  const Scenario scenario = loaded(
      scenario_with(R"(["m","0x40000000","0x12"],["w","0x0",4,"0x1"],["sr","0x13060",8,"0x7"],)"
                    R"(["a",8,"0x5010",0,{"result":"razwi"},{"privileged":1,"instruction":1}],)"
                    R"(["a",8,"0x5010",1,{"result":"ok","pa":"0x9010"},{"secure":1,"ssd":5}],)"
                    R"(["a",8,"0x5010",1,{"result":"disabled"},{"secure":1,"ns":1}])",
                    R"("idr":{"IDR7":"0x22","SMMU_SCR1":"0x00013010"},)"
                    R"("end":{"sGFSR":0,"CB3.FAR":"0x1234567890","secure:0x48":1},)"));
  const auto& config = std::get<SmmuV2Config>(scenario.configuration);
  EXPECT_EQ(config.idr7.raw(), 0x22);
  EXPECT_EQ(config.scr1_reset.raw(), 0x00013010);
  EXPECT_EQ(config.idr0, SmmuV2Config::mmu500_zynqmp().idr0);
  ASSERT_EQ(scenario.ops.size(), 6);
  EXPECT_EQ(std::get<RegisterWrite>(scenario.ops[1]).security, SecurityState::kNonSecure);
  EXPECT_EQ(std::get<RegisterRead>(scenario.ops[2]).security, SecurityState::kSecure);
  const auto& first = std::get<DeviceAccess>(scenario.ops[3]);
  EXPECT_EQ(first.result, RecordedResult::kRazWi);
  EXPECT_EQ(first.privilege, emulator::Privilege::kPrivileged);
  EXPECT_EQ(first.content, emulator::Content::kInstruction);
  EXPECT_EQ(first.space, SecurityState::kNonSecure);
  const auto& second = std::get<DeviceAccess>(scenario.ops[4]);
  EXPECT_EQ(second.security, SecurityState::kSecure);
  EXPECT_EQ(second.space, SecurityState::kSecure);
  EXPECT_EQ(second.ssd_index, 5);
  EXPECT_EQ(std::get<DeviceAccess>(scenario.ops[5]).space, SecurityState::kNonSecure);
  ASSERT_EQ(scenario.end.size(), 3);
  EXPECT_EQ(scenario.end[0].offset, 0x13060);
  EXPECT_EQ(scenario.end[0].bytes, 8);
  EXPECT_EQ(scenario.end[2].security, SecurityState::kSecure);
}

TEST(ScenarioV2, WhatIsWrongIsSaidWithFileAndLine) {
  EXPECT_EQ(complaint(scenario_with(R"(["x"])")),
            "s.jsonl:1: expected op 0 to be m, w, r, sw, sr or a, not \"x\".");
  // 32 pages of 4 KiB.
  EXPECT_EQ(complaint(scenario_with(R"(["w","0x1fffc",4,"0x0"])")), "");
  EXPECT_EQ(complaint(scenario_with(R"(["w","0x20000",4,"0x0"])")),
            "s.jsonl:1: expected op 0's offset to be a number up to 0x1fffc.");
  EXPECT_EQ(complaint(scenario_with(R"(["sw","0xfffffc",4,"0x0"])", "", "pages_64k")), "");
  EXPECT_EQ(complaint(scenario_with(R"(["sw","0x4",8,"0x0"])")),
            "s.jsonl:1: expected op 0's offset to be a multiple of its width.");
  EXPECT_EQ(complaint(scenario_with(R"(["sr","0x4",4,"0x100000000"])")),
            "s.jsonl:1: expected op 0's value to be a number up to 0xffffffff.");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"fine"}])")),
            "s.jsonl:1: expected op 0's result to be ok, fault, abort, razwi, bypass or disabled.");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"abort","event":[1,2,3,4]}])")),
            "s.jsonl:1: expected op 0 without \"event\", for an SMMUv2 has no Event queue.");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"abort","ack":0}])")),
            "s.jsonl:1: expected op 0 without \"ack\", for an SMMUv2 has no Event queue.");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"abort"},1])")),
            "s.jsonl:1: expected op 0's attributes to be an object.");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"abort"},{"priv":1}])")),
            "s.jsonl:1: expected op 0's attributes to be privileged, instruction, secure, ns or "
            "ssd, not \"priv\".");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"abort"},{"ns":2}])")),
            "s.jsonl:1: expected op 0's \"ns\" to be a number up to 0x1.");
  EXPECT_EQ(complaint(scenario_with(R"(["a",8,0,0,{"result":"abort"},{},{}])")),
            "s.jsonl:1: expected op 0 to have 5 fields.");
  EXPECT_EQ(complaint(scenario_with("", R"("idr":{"IDR5":0},)")),
            "s.jsonl:1: expected SMMU_IDR0, 1, 2, 4, 7 or SMMU_SCR1 in idr, not \"IDR5\".");
  EXPECT_EQ(complaint(scenario_with("", R"("idr":{"IDR7":32,"SMMU_IDR7":32},)")),
            "s.jsonl:1: expected each register of idr once.");
  EXPECT_EQ(complaint(scenario_with("", R"("end":{"CB16.FSR":0},)")),
            "s.jsonl:1: expected the name or the offset of a register of this SMMU in end, not "
            "\"CB16.FSR\".");
  EXPECT_EQ(complaint(scenario_with("", R"("end":{"sGFSR":0,"0x48":0},)")),
            "s.jsonl:1: expected each register of end once, but \"sGFSR\" is there again.");
  EXPECT_EQ(complaint(scenario_with("", R"("end":[],)")), "s.jsonl:1: expected an object as end.");
  // The sixth field is an SMMUv2's.
  EXPECT_EQ(complaint(R"({"name":"n","ops":[["a",8,0,0,{"result":"abort"},{}]]})"),
            "s.jsonl:1: expected op 0 to have 5 fields.");
}

TEST(ScenarioV2, WhatTheModelCannotBeIsRefusedWithItsSentence) {
  const ToolRun run = played(scenario_with("", R"("idr":{"IDR0":0},)"));
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.err, HasSubstr("s.jsonl:1: the model cannot be this SMMU: SMMU_IDR0 has no "
                                 "stage: one of S1TS and S2TS must be 1"));
  for (const char* name : {"IDR0", "IDR1", "IDR2", "IDR7", "SCR1"}) {
    EXPECT_EQ(
        played(scenario_with("", fmt::format(R"("idr":{{"{}":"0xffffffff"}},)", name))).status, 2)
        << name;
  }
}

TEST(ScenarioV2, RegistersAndAccessesOfBothSecurityStatesAreJudged) {
  // Both copies of SMMU_sCR0 after reset, and what a stream without a group gets.
  const std::string ops =
      R"(["r","0x0",4,"0x200001"],["sw","0x0",4,"0x200402"],["sr","0x0",4,"0x200402"],)"
      R"(["a",8,"0x5010",0,{"result":"disabled"}],)"
      R"(["a",8,"0x5010",0,{"result":"abort"},{"secure":1}],)"
      R"(["w","0x0",4,"0x200400"],["a",8,"0x5010",1,{"result":"razwi"}],)"
      R"(["w","0x0",4,"0x200000"],["a",8,"0x5010",0,{"result":"bypass"}])";
  const std::string end =
      R"("end":{"sGFSR":"0x2","sGFAR":"0x5010","sGFSYNR0":2,"0x54":8,"secure:sGFSR":"0x2"},)";
  const ToolRun run = played(scenario_with(ops, end));
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, AllOf(HasSubstr("1 of 1 scenarios agree: 4 accesses, 2 register reads, 5 "
                                       "end values; masked differences: 0")));
}

TEST(ScenarioV2, WhatDisagreesIsShown) {
  const ToolRun run = played(scenario_with(
      R"(["r","0x0",4,"0x1"],["a",8,"0x5010",1,{"result":"fault"}],["r","0x12344",4,"0x1"])",
      R"("end":{"CB3.FSR":"0x2"},)"));
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.out, AllOf(HasSubstr("n op 0, read of SMMU_sCR0:\n    expected 0x1\n    got      "
                                       "0x200001"),
                             HasSubstr("n op 1, write of 0x5010 by stream 0x8:\n    expected "
                                       "fault\n    got      disabled"),
                             HasSubstr("n op 2, read of offset 0x12344:"),
                             HasSubstr("n op end, value of SMMU_CB3_FSR:")));
}

TEST(ScenarioV2, TheCommittedOnesAgree) {
  const ToolRun run =
      run_tool("scenario --caching none --caching realistic --caching adversarial " SMMU_TEST_DATA
               "/smmu_v2/scenarios.jsonl");
  EXPECT_EQ(run.status, 0) << run.out << run.err;
  EXPECT_THAT(run.out, HasSubstr("6 of 6 scenarios agree"));
}

TEST(ScenarioV2, DeviationsAreNotLookedAt) {
  const TemporaryFolder folder;
  const std::string file = folder.write("s.jsonl", scenario_with("")).string();
  folder.write("deviations.tsv",
               "scenario\top\tkind\tvalue\tclass\tsection\n"
               "another\t0\tread\t0x1\tc\ts\n");
  const ToolRun run = run_tool("scenario " + file);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.out, Not(HasSubstr("lines used")));
  // Nor may they speak of one.
  folder.write("disputed.tsv",
               "scenario\top\tkind\tvalue\tclass\tsection\n"
               "n\t0\tread\t0x1\tc\ts\n");
  const ToolRun disputed =
      run_tool(fmt::format("scenario --disputed {}/disputed.tsv {}", folder.path().string(), file));
  EXPECT_EQ(disputed.status, 2);
  EXPECT_THAT(disputed.err, HasSubstr("expected the name of a scenario, found \"n\""));
}

// Registers that say the most they can, under every preset.
TEST(ScenarioV2, NonsenseEnds) {
  std::mt19937_64 random(4);
  constexpr const char* kPresets[] = {"generic", "pages_64k", "mmu500_zynqmp", "mmu500_stratix10"};
  constexpr std::uint64_t kEnds[] = {0x10'0000, 0x100'0000, 0x2'0000, 0x4'0000};
  const auto any = [&random] {
    constexpr std::uint64_t kLikely[] = {
        0, 1, 0x40000000, 0x47fff000, 0x40200003, ~std::uint64_t{0}, 0x80000000, 0x3519};
    const std::uint64_t bits = random();
    return bits % 3 == 0   ? bits
           : bits % 3 == 1 ? bits >> (bits % 64)
                           : kLikely[bits / 3 % std::size(kLikely)];
  };
  std::string text;
  for (int scenario = 0; scenario < 40; ++scenario) {
    const std::uint64_t end = kEnds[scenario % 4];
    std::string ops = R"(["w",0,4,0])";
    for (int op = 0; op < 300; ++op) {
      const bool secure = any() % 4 == 0;
      const std::uint64_t page = any() % 4 == 0 ? 0 : end / 2;
      switch (any() % 4) {
        case 0:
          ops += fmt::format(R"(,["m","{:#x}","{:#x}"])", 0x40000000 | (any() & 0x7fffff8), any());
          break;
        case 1:
          ops += fmt::format(R"(,["{}w","{:#x}",4,"{:#x}"])", secure ? "s" : "",
                             (page + random() % 0x1000) & ~3ULL, any() & 0xffffffff);
          break;
        case 2:
          ops += fmt::format(R"(,["{}w","{:#x}",8,"{:#x}"])", secure ? "s" : "",
                             random() % end & ~7ULL, any());
          break;
        default:
          ops += fmt::format(
              R"(,["a","{:#x}","{:#x}",{},{{"result":"ok","pa":0}},{{"secure":{},"ns":{}}}])",
              any() & 0xffffffff, any(), any() & 1, any() & 1, any() & 1);
      }
    }
    text += fmt::format(R"({{"name":"n{}","preset":"{}","ops":[{}]}})", scenario,
                        kPresets[scenario % 4], ops) +
            "\n";
  }
  const TemporaryFolder folder;
  const auto file = folder.write("s.jsonl", text);
  for (const char* policy : {"none", "realistic", "adversarial"}) {
    const ToolRun run =
        run_tool(fmt::format("scenario --prefetch on --caching {} {}", policy, file.string()));
    EXPECT_EQ(run.status, 1) << run.err;
  }
}

}  // namespace
}  // namespace smmu::cli::scenario_v2_test
