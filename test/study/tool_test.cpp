// The program itself: what it prints, what it writes, and how it ends.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "bench/study/document.h"

namespace smmu::study::tool_test {
namespace {

using ::testing::HasSubstr;

struct Ended {
  int status;
  std::string printed;  // on both outputs
};

Ended run(const std::string& arguments, const std::string& environment = "") {
  const auto program = std::filesystem::path(SMMU_TEST_TOOL).parent_path() / "smmu-study";
  const std::string command =
      fmt::format("{} {} {} 2>&1", environment, program.string(), arguments);
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("no pipe");
  Ended ended{};
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    ended.printed.push_back(static_cast<char>(c));
  }
  const int status = pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

class Tool : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "study-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const char* name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

constexpr char kSmall[] =
    "iova --n 50 20 --operations 100 --workload mix lifo --allocator bump "
    "two_trees";

TEST_F(Tool, MeasuresPrintsAndWrites) {
  const Ended whole = run(fmt::format("{} --json {}", kSmall, file("whole")));
  EXPECT_EQ(whole.status, 0) << whole.printed;
  EXPECT_THAT(whole.printed, HasSubstr("two_trees"));
  const Document document = read_document(file("whole"));
  EXPECT_EQ(document.results.size(), 8U);
  EXPECT_EQ(document.results.front().cell, (Cell{"lifo", "two_trees", 20}));
  EXPECT_EQ(document.results.back().measurement.operations, 100U);
}

TEST_F(Tool, PutsShardsTogether) {
  for (const char* const shard : {"1", "2", "3"}) {
    const Ended part = run(fmt::format("{} --shard {}/3 --json {}", kSmall, shard, file(shard)));
    EXPECT_EQ(part.status, 0) << part.printed;
  }
  const std::string all = fmt::format("{} {} {}", file("3"), file("1"), file("2"));
  const Ended merged = run(fmt::format("merge {} --json {}", all, file("whole")));
  EXPECT_EQ(merged.status, 0) << merged.printed;
  EXPECT_EQ(read_document(file("whole")).results.size(), 8U);
  const Ended twice = run(fmt::format("merge {} {} --json {}", all, file("1"), file("whole")));
  EXPECT_EQ(twice.status, 2);
  EXPECT_THAT(twice.printed, HasSubstr("found 1/3 as in"));
}

TEST_F(Tool, RefusesBadUsageWithASentence) {
  const auto sentence = [](const std::string& arguments) {
    const Ended refused = run(arguments);
    EXPECT_EQ(refused.status, 2) << arguments;
    EXPECT_THAT(refused.printed, HasSubstr("smmu-study: "));
    return refused.printed;
  };
  EXPECT_THAT(sentence(""), HasSubstr("subcommand"));
  EXPECT_THAT(sentence("iowa"), HasSubstr("subcommand"));
  EXPECT_THAT(sentence("iova --workload none"), HasSubstr("--workload"));
  EXPECT_THAT(sentence("iova --allocator none"), HasSubstr("--allocator"));
  EXPECT_THAT(sentence("iova --n 0"), HasSubstr("--n"));
  EXPECT_THAT(sentence("iova --n 4000001"), HasSubstr("--n"));
  EXPECT_THAT(sentence("iova --threads 3"), HasSubstr("even"));
  EXPECT_THAT(sentence("iova --seed -1"), HasSubstr("--seed"));
  EXPECT_THAT(sentence("iova --shard 2"), HasSubstr("--shard"));
  EXPECT_THAT(sentence("iova --shard ''"), HasSubstr("--shard"));
  EXPECT_THAT(sentence("iova --json ''"), HasSubstr("expected"));
  EXPECT_THAT(sentence("iova --workload contended_own_lock --allocator bump"),
              HasSubstr("expected a workload that goes with an allocator"));
  EXPECT_THAT(sentence("iova --shard 3/2"), HasSubstr("--shard"));
  EXPECT_THAT(sentence("iova --shard 1/10001"), HasSubstr("--shard"));
  EXPECT_THAT(sentence("iova --json /nonexistent/file"), HasSubstr("/nonexistent/file"));
  EXPECT_THAT(sentence(fmt::format("merge /dev/null --json {}", file("whole"))),
              HasSubstr("/dev/null"));
}

// Requests to Linux's own allocator, with its answers.
TEST_F(Tool, ReplaysATraceAndSaysWhetherTheAnswersAreTheSame) {
  const auto replay = [](const char* allocator, const char* options) {
    return run(
        fmt::format("iova --replay {}/captures/iova-linux-6.12/trace.txt.gz --allocator {} {}",
                    SMMU_TEST_DATA, allocator, options));
  };
  const Ended equal = replay("linux_exact", "--compare");
  EXPECT_EQ(equal.status, 0) << equal.printed;
  EXPECT_THAT(equal.printed, HasSubstr("50000 of 50000 recorded answers are equal"));
  const Ended other = replay("linux_exact_without_memo", "--compare");
  EXPECT_EQ(other.status, 1);
  EXPECT_THAT(other.printed, HasSubstr("got page"));
  EXPECT_EQ(replay("highest_gap", "").status, 0);
  EXPECT_EQ(replay("no_such_allocator", "--compare").status, 2);
  EXPECT_EQ(run("iova --replay /dev/null --allocator linux_exact --compare").status, 2);
  EXPECT_EQ(run("iova --compare").status, 2);
  for (const char* option : {"--json x", "--shard 1/2", "--count", "--n 10", "--workload lifo"}) {
    const Ended both = replay("linux_exact", option);
    EXPECT_EQ(both.status, 2) << option;
    EXPECT_THAT(both.printed, HasSubstr("expected none beside --replay")) << option;
  }
}

TEST_F(Tool, RefusesResultsThatAreNone) {
  const auto sentence = [this](const std::string& text) {
    std::ofstream(file("results")) << text;
    const Ended refused = run(fmt::format("merge {} --json {}", file("results"), file("whole")));
    EXPECT_EQ(refused.status, 2);
    return refused.printed;
  };
  EXPECT_THAT(sentence("{"), HasSubstr("expected JSON"));
  EXPECT_THAT(sentence(std::string(3'000'000, '[')), HasSubstr("levels"));
  EXPECT_THAT(sentence("[1e999]"), HasSubstr("numbers that fit"));
  EXPECT_THAT(sentence("[]"), HasSubstr("expected"));
}

TEST_F(Tool, SaysWhenItsOutputIsLost) {
  const Ended lost = run(fmt::format("{} >/dev/full", kSmall));
  EXPECT_EQ(lost.status, 2);
}

TEST_F(Tool, CountsTheSameEveryTimeOrSaysThatThereIsNoValgrind) {
  const std::string count = "iova --count --n 50 --operations 20 --workload lifo --allocator bump";
  const Ended without = run(count, "PATH=/nonexistent");
  EXPECT_EQ(without.status, 2);
  EXPECT_THAT(without.printed, HasSubstr("expected valgrind in PATH"));

  const Ended once = run(count);
  const Ended again = run(count);
  EXPECT_EQ(once.printed, again.printed);
  if (once.status != 0) {
    EXPECT_THAT(once.printed, HasSubstr("expected valgrind in PATH"));
  } else {
    EXPECT_THAT(once.printed, HasSubstr("instructions"));
  }
}

}  // namespace
}  // namespace smmu::study::tool_test
