#include "emulator/cli/scenario.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "smmu/arch/v3/registers.h"
#include "test/cli/temporary_folder.h"

namespace smmu::cli::scenario_test {
namespace {

constexpr std::string_view kEnd =
    R"("end":{"CMDQ_PROD":"0x1","CMDQ_CONS":"0x2","GERROR":"0x3","GERRORN":"0x4","EVENTQ_PROD":"0x5"})";

std::string scenario_with(std::string_view ops, std::string_view more = "") {
  return R"({"name":"n","note":"","ops":[)" + std::string(ops) + "]," + std::string(more) +
         std::string(kEnd) + "}";
}

TEST(Scenario, EveryOpIsRead) {
  const TemporaryFolder folder;
  const auto scenarios = load_scenarios(folder.write(
      "s.jsonl",
      scenario_with(
          R"(["m","0x40000000","0x12"],["w","0x98",4,"0x1"],["r","0x80",8,"0x7"],)"
          R"(["a","0x8","0x5010",0,{"result":"ok","pa":"0x9010","perm":3}],)"
          R"(["a","0x8","0x5010",1,{"result":"fault","event":["0x1","0x2","0x3","0x4"],"ack":0}])",
          R"("idr":{"IDR0":"0xd44101b","SMMU_IDR5":"0x74"},)")));
  ASSERT_EQ(scenarios.size(), 1);
  const Scenario& scenario = scenarios[0];
  EXPECT_EQ(scenario.name, "n");
  const auto& config = std::get<emulator::SmmuV3Config>(scenario.configuration);
  EXPECT_EQ(config.idr0.raw(), 0xd44101b);
  EXPECT_EQ(config.idr5.raw(), 0x74);
  EXPECT_EQ(config.idr1, emulator::SmmuV3Config::qemu_virt().idr1);
  ASSERT_EQ(scenario.ops.size(), 5);
  EXPECT_EQ(std::get<MemoryWrite>(scenario.ops[0]).value, 0x12);
  EXPECT_EQ(std::get<RegisterWrite>(scenario.ops[1]).offset, 0x98);
  EXPECT_EQ(std::get<RegisterRead>(scenario.ops[2]).bytes, 8);
  const auto& ok = std::get<DeviceAccess>(scenario.ops[3]);
  EXPECT_EQ(ok.pa, 0x9010);
  EXPECT_FALSE(ok.write);
  EXPECT_TRUE(ok.acknowledged);
  const auto& fault = std::get<DeviceAccess>(scenario.ops[4]);
  EXPECT_EQ(fault.event, (EventWords{1, 2, 3, 4}));
  EXPECT_TRUE(fault.write);
  EXPECT_FALSE(fault.acknowledged);
  EXPECT_EQ(scenario.end[1].offset, v3::SMMU_CMDQ_CONS::kOffset);
  EXPECT_EQ(scenario.end[1].value, 2);
}

TEST(Scenario, WhatIsWrongIsSaidWithFileAndLine) {
  const TemporaryFolder folder;
  const auto load = [&](const std::string& line) {
    return complaint_of(folder,
                        [&] { load_scenarios(folder.write("s.jsonl", "\n" + line + "\n")); });
  };
  EXPECT_EQ(load(scenario_with("")), "");
  EXPECT_EQ(load("{\"name\":"), "s.jsonl:2: expected a JSON object, found \"{\"name\":\".");
  EXPECT_EQ(load("[]"), "s.jsonl:2: expected a JSON object, found \"[]\".");
  EXPECT_EQ(load("{}"), "s.jsonl:2: expected the scenario to have \"name\".");
  EXPECT_EQ(load(scenario_with(R"(["x"])")),
            "s.jsonl:2: expected op 0 to be m, w, r or a, not \"x\".");
  EXPECT_EQ(load(scenario_with("3")),
            "s.jsonl:2: expected op 0 to be an array that begins with m, w, r or a.");
  EXPECT_EQ(load(scenario_with(R"(["m","0x0"])")), "s.jsonl:2: expected op 0 to have 3 fields.");
  EXPECT_EQ(load(scenario_with(R"(["m","0x40000000",-1])")),
            "s.jsonl:2: expected op 0's value to be a number up to 0xffffffffffffffff.");
  EXPECT_EQ(load(scenario_with(R"(["w","0x20",2,"0x0"])")),
            "s.jsonl:2: expected op 0 to be 4 or 8 bytes wide.");
  EXPECT_EQ(load(scenario_with(R"(["w","0x22",4,"0x0"])")),
            "s.jsonl:2: expected op 0's offset to be a multiple of its width.");
  EXPECT_EQ(load(scenario_with(R"(["w","0x20000",4,"0x0"])")),
            "s.jsonl:2: expected op 0's offset to be a number up to 0x1fffc.");
  EXPECT_EQ(load(scenario_with(R"(["w","0x20",4,"0x100000000"])")),
            "s.jsonl:2: expected op 0's value to be a number up to 0xffffffff.");
  EXPECT_EQ(load(scenario_with(R"(["a","0x8","0x0",2,{"result":"ok"}])")),
            "s.jsonl:2: expected op 0's write to be a number up to 0x1.");
  EXPECT_EQ(load(scenario_with(R"(["a","0x8","0x0",0,{"result":"ok"}])")),
            "s.jsonl:2: expected op 0 to have \"pa\".");
  EXPECT_EQ(load(scenario_with(R"(["a","0x8","0x0",0,{"result":"fine"}])")),
            "s.jsonl:2: expected op 0's result to be ok, fault, abort, bypass or disabled.");
  EXPECT_EQ(load(scenario_with(R"(["a","0x8","0x0",0,{"result":"fault","event":["0x1"]}])")),
            "s.jsonl:2: expected op 0's event to be four words.");
  EXPECT_EQ(load(scenario_with("", R"("idr":{"IDR9":"0x0"},)")),
            "s.jsonl:2: expected an identification register in idr, not \"IDR9\".");
  EXPECT_EQ(load(scenario_with("", R"("idr":{"CR0":"0x0"},)")),
            "s.jsonl:2: expected an identification register in idr, not \"CR0\".");
  EXPECT_EQ(load(R"({"name":"n","ops":[],"end":{"CMDQ_PROD":"0x0"}})"),
            "s.jsonl:2: expected end to have \"CMDQ_CONS\".");
}

TEST(Scenario, AMemoryWriteIsOfAnAlignedWord) {
  const TemporaryFolder folder;
  const auto load = [&](std::string_view address) {
    return complaint_of(folder, [&] {
      load_scenarios(
          folder.write("s.jsonl", scenario_with(fmt::format(R"(["m","{}","0x1"])", address))));
    });
  };
  EXPECT_EQ(load("0x40000000"), "");
  EXPECT_EQ(load("0x50000000"), "");  // no RAM, which the README allows
  for (const char* address : {"0x40000004", "0x100000000000000", "0xfffffffffffffff8"}) {
    EXPECT_EQ(load(address), "s.jsonl:1: expected op 0's address to be a multiple of 8 below 2^56.")
        << address;
  }
}

TEST(Scenario, AnOffsetIsThatOfARegister) {
  const TemporaryFolder folder;
  const auto load = [&](std::string_view op) {
    return complaint_of(folder,
                        [&] { load_scenarios(folder.write("s.jsonl", scenario_with(op))); });
  };
  EXPECT_EQ(load(R"(["r","0x84",4,"0x0"])"), "");  // the upper half of SMMU_STRTAB_BASE
  EXPECT_EQ(load(R"(["r","0x12344",4,"0x0"])"),
            "s.jsonl:1: expected op 0's offset to be that of a register, not 0x12344.");
  EXPECT_EQ(load(R"(["w","0x24",4,"0x0"],["w","0x12344",4,"0x0"])"),
            "s.jsonl:1: expected op 1's offset to be that of a register, not 0x12344.");
  EXPECT_EQ(load(R"(["w","0x12340",8,"0x0"])"),
            "s.jsonl:1: expected op 0's offset to be that of a register, not 0x12340.");
}

TEST(Scenario, AFileHasAScenario) {
  const TemporaryFolder folder;
  const auto load = [&](std::string_view text) {
    return complaint_of(folder, [&] { load_scenarios(folder.write("s.jsonl", text)); });
  };
  EXPECT_EQ(load(""), "s.jsonl:1: expected a scenario, found none in the file.");
  EXPECT_EQ(load("\n\n \t\n"), "s.jsonl:3: expected a scenario, found none in the file.");
}

TEST(Scenario, NothingIsSaidTwice) {
  const TemporaryFolder folder;
  const auto load = [&](const std::string& text) {
    return complaint_of(folder, [&] { load_scenarios(folder.write("s.jsonl", text)); });
  };
  EXPECT_EQ(load(scenario_with("") + "\n\n" + scenario_with("")),
            "s.jsonl:3: expected a scenario of another name, found \"n\" again.");
  EXPECT_EQ(load(scenario_with("", R"("name":"m",)")),
            "s.jsonl:1: expected each key of an object once, but \"name\" is there again.");
  EXPECT_EQ(load(scenario_with(R"(["a","0x8","0x0",0,{"result":"abort","ack":0,"ack":1}])")),
            "s.jsonl:1: expected each key of an object once, but \"ack\" is there again.");
  // The same key in objects beside each other is not the same.
  EXPECT_EQ(load(scenario_with(R"(["a","0x8","0x0",0,{"result":"abort"}],)"
                               R"(["a","0x8","0x0",0,{"result":"abort"}])")),
            "");
}

TEST(Scenario, BracketsDoNotNestWithoutBound) {
  const TemporaryFolder folder;
  const std::string deep(1'000'000, '[');
  EXPECT_EQ(complaint_of(folder, [&] { load_scenarios(folder.write("s.jsonl", deep)); }),
            "s.jsonl:1: expected brackets nested at most 8 deep.");
}

}  // namespace
}  // namespace smmu::cli::scenario_test
