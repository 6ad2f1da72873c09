// Whatever a file holds, the program says 0, 1 or 2: it does not crash, hang or leave the sentence
// out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "test/cli/damaged.h"
#include "test/cli/run_tool.h"

namespace smmu::cli::hostile_input_test {
namespace {

void expect_a_verdict(const ToolRun& run, const std::string& what) {
  EXPECT_TRUE(run.status == 0 || run.status == 1 || run.status == 2)
      << what << ": status " << run.status << "\n"
      << run.err;
  EXPECT_EQ(run.status == 2, !run.err.empty()) << what << "\n" << run.err;
}

class HostileCapture : public ::testing::TestWithParam<const char*> {};

TEST_P(HostileCapture, IsReplayedOrRefused) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  const std::string name = GetParam();
  const std::string whole = folder.read(name);
  std::mt19937 random(static_cast<unsigned>(std::hash<std::string>()(name)));
  for (int i = 0; i < 12; ++i) {
    folder.write(name, damaged(whole, random));
    expect_a_verdict(run_tool("replay --caching adversarial " + folder.path().string()), name);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFile, HostileCapture,
                         ::testing::Values("registers.txt", "memory.txt", "streams.tsv",
                                           "translations.tsv", "excluded.tsv", "mappings.tsv",
                                           "faults.tsv", "events.tsv", "bypass.tsv", "walks.tsv",
                                           "mmio.log", "commands.tsv"),
                         [](const auto& file) {
                           std::string name = file.param;
                           return name.substr(0, name.find('.'));
                         });

TEST(HostileInput, DamagedRegistersAndMemoryAreWalkedOrRefused) {
  const TemporaryFolder folder;
  folder.unpack_capture("linux-6.1-vfio");
  std::mt19937 random(1);
  for (const char* name : {"registers.txt", "memory.txt"}) {
    const std::string whole = folder.read(name);
    for (int i = 0; i < 12; ++i) {
      folder.write(name, damaged(whole, random));
      expect_a_verdict(run_tool("walk --sid 0x40 --iova 0x400040 " + folder.path().string()), name);
      expect_a_verdict(run_tool("maps " + folder.path().string()), name);
    }
    folder.write(name, whole);
  }
}

TEST(HostileInput, DamagedScenariosAndDeviationsArePlayedOrRefused) {
  const TemporaryFolder folder;
  folder.unpack_capture("scripted");
  std::mt19937 random(2);
  for (const char* name : {"scenarios.jsonl", "deviations.tsv"}) {
    const std::string whole = folder.read(name);
    for (int i = 0; i < 30; ++i) {
      folder.write(name, damaged(whole, random));
      expect_a_verdict(run_tool("scenario " + (folder.path() / "scenarios.jsonl").string()), name);
    }
    folder.write(name, whole);
  }
}

// A scenario whose registers say the most they can.
TEST(HostileInput, ScenariosOfNonsenseEnd) {
  const TemporaryFolder folder;
  std::mt19937_64 random(3);
  std::string text;
  for (int scenario = 0; scenario < 60; ++scenario) {
    std::string ops;
    const auto add = [&ops](const std::string& op) { ops += (ops.empty() ? "" : ",") + op; };
    const auto hex = [](std::uint64_t value) { return fmt::format("\"{:#x}\"", value); };
    const auto any = [&random]() -> std::uint64_t {
      constexpr std::uint64_t kLikely[] = {
          0, 1, 0x40000000, 0x47fff000, 0x40200000, ~std::uint64_t{0}, 0xb, 0x3510};
      const std::uint64_t bits = random();
      return bits % 3 == 0   ? bits
             : bits % 3 == 1 ? bits >> (bits % 64)
                             : kLikely[bits / 3 % std::size(kLikely)];
    };
    constexpr std::uint64_t kOffsets[] = {0x20, 0x28, 0x2c, 0x44, 0x50, 0x64,    0x80,
                                          0x88, 0x90, 0x98, 0x9c, 0xa0, 0x100a8, 0x100ac};
    add(fmt::format("[\"w\",\"0x80\",8,{}]", hex(0x40000000 | (any() & 0x7ffffc0))));
    add(fmt::format("[\"w\",\"0x88\",4,{}]", hex(any() & 0x307ff)));
    add(fmt::format("[\"w\",\"0x90\",8,{}]", hex(0x40000000 | (any() & 0x7ffffff))));
    for (int op = 0; op < 200; ++op) {
      switch (any() % 4) {
        case 0:
          add(fmt::format("[\"m\",{},{}]", hex(0x40000000 | (any() & 0x7fffff8)), hex(any())));
          break;
        case 1: {
          const std::uint64_t offset = kOffsets[any() % std::size(kOffsets)];
          const bool wide = offset == 0x80 || offset == 0x90 || offset == 0xa0;
          add(fmt::format("[\"w\",\"{:#x}\",{},{}]", offset, wide ? 8 : 4,
                          hex(wide ? any() : any() & 0xffffffff)));
          break;
        }
        case 2:
          add(fmt::format("[\"w\",\"0x20\",4,{}]", hex(any() & 1 ? 0xd : any() & 0xffffffff)));
          break;
        default:
          add(fmt::format("[\"a\",{},{},{},{{\"result\":\"abort\"}}]", hex(any() & 0xffffffff),
                          hex(any()), any() & 1));
      }
    }
    text += fmt::format(
        "{{\"name\":\"n{}\",\"ops\":[{}],\"end\":{{\"CMDQ_PROD\":0,\"CMDQ_CONS\":0,\"GERROR\":0,"
        "\"GERRORN\":0,"
        "\"EVENTQ_PROD\":0}}}}\n",
        scenario, ops);
  }
  const auto file = folder.write("s.jsonl", text);
  for (const char* policy : {"none", "realistic", "adversarial"}) {
    const ToolRun run =
        run_tool(fmt::format("scenario --prefetch on --caching {} {}", policy, file.string()));
    EXPECT_EQ(run.status, 1) << run.err;
  }
}

}  // namespace
}  // namespace smmu::cli::hostile_input_test
