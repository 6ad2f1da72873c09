// Whatever is typed for a regime, and whatever lies in memory: there is a translation, a fault or a
// sentence.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>

#include "smmu/arch/bits.h"
#include "test/cli/raw_memory_file.h"

namespace smmu::cli::hostile_regime_test {
namespace {

void expect_an_answer(const ToolRun& run, const std::string& what) {
  EXPECT_TRUE(run.status == 0 || run.status == 2) << what << ": status " << run.status << "\n"
                                                  << run.err;
  EXPECT_EQ(run.status == 2, !run.err.empty()) << what << "\n" << run.err;
  EXPECT_EQ(run.status == 2, run.out.empty()) << what << "\n" << run.err;
}

class HostileRegimes : public ::testing::Test {
 protected:
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_);
  }
  // Descriptors that mostly lead on, from page to page of a memory of a few.
  void fill_memory() {
    constexpr std::uint64_t kBytes = 0x2'0000;
    for (std::uint64_t at = 0; at != kBytes; at += 8) {
      const std::uint64_t page = RawMemoryFile::kBase + below(kBytes >> 12) * 0x1000;
      const std::uint64_t bits = std::uniform_int_distribution<std::uint64_t>()(random_);
      const std::uint64_t upper = below(4) == 0 ? bits & ~mask(47, 0) : 0;
      memory_.put64(RawMemoryFile::kBase + at, upper | page | (bits & 0xffc) | (below(8) ? 3 : 1));
    }
  }
  std::string address() {
    constexpr std::uint64_t kLikely[] = {0, 0x1000, 0xffff'ffff, ~std::uint64_t{0}, 0x1234'5678};
    const std::uint64_t bits = std::uniform_int_distribution<std::uint64_t>()(random_);
    return fmt::format("{:#x}", below(2) ? bits >> below(64) : kLikely[below(std::size(kLikely))]);
  }
  std::string table() { return fmt::format("{:#x}", 0x8000'0000 + below(0x20) * 0x1000); }

  std::mt19937 random_{7};
  RawMemoryFile memory_;
};

TEST_F(HostileRegimes, AnyWordsAreARegimeOrASentence) {
  fill_memory();
  const std::string memory = memory_.save();
  constexpr const char* kWords[] = {"aarch64",
                                    "aarch32-long",
                                    "aarch32-short",
                                    "TTB0",
                                    "TTB1",
                                    "T0SZ",
                                    "T1SZ",
                                    "TG0",
                                    "N",
                                    "DACR",
                                    "MAIR",
                                    "S2TTB",
                                    "S2T0SZ",
                                    "S2SL0",
                                    "S2AA64",
                                    "IPS",
                                    "OAS",
                                    "HA",
                                    "HD",
                                    "@",
                                    "=",
                                    ",",
                                    "==",
                                    "S2HA",
                                    "DS",
                                    "S2DS",
                                    "E0PD1",
                                    "0x",
                                    "\\xff",
                                    "PRRR",
                                    "TRE"};
  constexpr const char* kValues[] = {
      "",    "=",    "=0",  "=1",  "=16", "=24", "=0x80000000", "=-1", "=0xffffffffffffffff",
      "=4K", "=64K", "=48", "=@x", "=0b"};
  for (int i = 0; i < 200; ++i) {
    std::string regime;
    for (std::size_t n = below(8) + 1; n != 0; --n) {
      regime += fmt::format("{}{},", kWords[below(std::size(kWords))],
                            kValues[below(std::size(kValues))]);
    }
    expect_an_answer(run_tool(fmt::format("walk --memory {} --regime '{}' --address {}", memory,
                                          regime, address())),
                     regime);
  }
}

TEST_F(HostileRegimes, AnyMemoryIsWalkedThroughEveryFormat) {
  const char* const kStage1[] = {"TTB0={0},T0SZ=16,TTB1={1},T1SZ=20,HA,HD,TBI0",
                                 "TTB0={0},T0SZ=12,DS,TG0=4K,SH0=ISH,TTB1={1},T1SZ=17,TG1=16K",
                                 "TTB0={0},T0SZ=12,TG0=64K,IPS=52,ENDI",
                                 "TTB0={0},T0SZ=48,TTB1={1},T1SZ=47,TG1=64K,WXN,PAN,EPAN,E0PD1",
                                 "aarch32-long,TTB0={0},TTB1={1},T1SZ=3,UWXN",
                                 "aarch32-short,TTBR0={0},TTBR1={1},N=3,AFE,DACR=0x1b1b1b1b",
                                 "aarch32-short,TTBR0={0},TRE,PRRR=0xff0a81a8,NMRR=0x40e040e0,ENDI",
                                 "OAS=36"};
  const char* const kStage2[] = {"", ",S2TTB={2},S2T0SZ=24,S2SL0=1,S2HA,S2HD,S2PTW",
                                 ",S2TTB={2},S2T0SZ=16,S2SL0=2,S2TG=16K,S2FWB",
                                 ",S2TTB={2},S2T0SZ=12,S2DS,S2SL0=0,S2SL0_2,S2SH0=ISH",
                                 ",S2TTB={2},S2AA64=0,S2T0SZ=8,S2SL0=1,S2ENDI"};
  for (int i = 0; i < 3; ++i) {
    fill_memory();
    const std::string memory = memory_.save();
    for (const char* stage1 : kStage1) {
      for (const char* stage2 : kStage2) {
        const std::string regime =
            fmt::format(fmt::runtime(std::string(stage1) + stage2), table(), table(), table());
        const char* const access = below(2) ? "--write" : "--privileged --json";
        expect_an_answer(run_tool(fmt::format("walk --memory {} --regime {} --address {} {}",
                                              memory, regime, address(), access)),
                         regime);
      }
    }
    EXPECT_EQ(memory_.bytes(), memory_.bytes_saved());
  }
}

TEST_F(HostileRegimes, OptionsThatDoNotGoTogetherAreNamed) {
  const std::string memory = memory_.save();
  const std::string regime = "--regime TTB0=0x80000000,T0SZ=16 ";
  const struct {
    std::string arguments;
    const char* sentence;
  } kCases[] = {
      {"--address 0", "smmu: walk: expected DIR and --sid, or --regime and --memory.\n"},
      {"--address 0 --sid 1", "smmu: walk: expected DIR and --sid, or --regime and --memory.\n"},
      {"--address 0 --memory " + memory, "smmu: --memory: expected --regime with it.\n"},
      {"--address 0 " + regime, "smmu: --regime: expected --memory FILE@ADDRESS or DIR with it.\n"},
      {"--address 0 --sid 1 " + regime, "smmu: --sid: expected a stream or --regime, not both.\n"},
      {"--address 0 --write --instruction " + regime + "--memory " + memory,
       "smmu: --write: expected data, found --instruction too.\n"},
      {"--address -1 --memory " + memory + " " + regime,
       "smmu: --iova: expected a number up to 0xffffffffffffffff, found \"-1\".\n"},
      {"--address 0 /does/not/exist " + regime,
       "smmu: /does/not/exist: expected the folder of a capture.\n"},
  };
  for (const auto& test : kCases) {
    const ToolRun run = run_tool("walk " + test.arguments);
    EXPECT_EQ(run.status, 2) << test.arguments;
    EXPECT_EQ(run.err, test.sentence);
    EXPECT_EQ(run.out, "");
  }
  EXPECT_NE(run_tool("walk " + regime + "--memory " + memory).err.find("--iova is required"),
            std::string::npos);
}

TEST_F(HostileRegimes, OutputThatIsLostIsExitStatus2) {
  const std::string command =
      "walk --regime TTB0=0x80000000,T0SZ=16 --address 0 --memory " + memory_.save();
  for (const char* more : {"", " --json", " --line"}) {
    const ToolRun run = run_tool_into("/dev/full", command + more);
    EXPECT_EQ(run.status, 2);
    EXPECT_EQ(run.err, "smmu: expected standard output to take what is printed.\n");
  }
}

}  // namespace
}  // namespace smmu::cli::hostile_regime_test
