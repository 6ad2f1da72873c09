// Traces on allocators, and what is said of the answers.
#include "bench/study/trace/replay.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "bench/study/trace/reader.h"
#include "test/study_trace/domain_allocator.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::replay_test {
namespace {

struct Output {
  int status;
  std::string out;
  std::string err;
};

Output run(const std::string& file, const std::string& allocator,
           Comparison comparison = Comparison::kYes) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int status = replay_file({file, allocator, comparison}, test_allocators());
  std::fflush(stdout);
  std::string out = ::testing::internal::GetCapturedStdout();
  return {status, std::move(out), ::testing::internal::GetCapturedStderr()};
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Of the line of print-out that begins with `name`.
std::string count_of(const Output& run, const std::string& name) {
  const std::size_t place = run.out.find(name + " ");
  if (place == std::string::npos) return "";
  const std::size_t value = run.out.find_first_not_of(' ', place + name.size());
  return run.out.substr(value, run.out.find('\n', value) - value);
}

TEST(Replay, LinuxsAnswersAreTheDomainsInLinuxsOrder) {
  const Output equal = run(committed_capture("iova-linux-6.12/trace.txt.gz"), "linux");
  EXPECT_EQ(equal.status, 0) << equal.out;
  EXPECT_TRUE(has(equal.out,
                  "50000 of 50000 recorded answers are equal, 0 differ; 3206 of the recorded are "
                  "refusals."))
      << equal.out;
  EXPECT_EQ(count_of(equal, "domains"), "20");
  EXPECT_EQ(count_of(equal, "requests"), "50000");
  EXPECT_EQ(count_of(equal, "refused"), "3206");
  EXPECT_EQ(count_of(equal, "frees"), "40436");
  EXPECT_EQ(equal.err, "");
}

TEST(Replay, TheSameTraceInAnotherFormatIsTheSame) {
  const TemporaryFolder folder;
  const Trace trace = read_trace(committed_capture("iova-linux-6.12/trace.txt.gz"));
  for (const char* name : {"t", "t.gz"}) {
    write_trace(trace, folder.path(name));
    EXPECT_EQ(run(folder.path(name), "linux").status, 0);
  }
}

// One digit of one answer, anywhere, is found.
TEST(Replay, OneWrongAnswerIsADifference) {
  const TemporaryFolder folder;
  const std::string text = text_of(committed_capture("iova-linux-6.12/trace.txt.gz"));
  std::vector<std::size_t> lines;
  for (std::size_t at = text.find("\na "); at != text.npos; at = text.find("\na ", at + 1)) {
    lines.push_back(at + 1);
  }
  std::mt19937 random(1);
  for (int i = 0; i < 8; ++i) {
    std::string changed = text;
    std::size_t place = lines[random() % lines.size()];
    for (int blanks = 0; blanks < 4; ++blanks) place = changed.find(' ', place) + 1;
    if (changed[place] == 'f' && changed[place + 1] == 'a') continue;  // a refusal
    changed[place] = changed[place] == '1' ? '2' : '1';
    const auto line = std::count(changed.begin(), changed.begin() + static_cast<long>(place), '\n');
    const Output unequal = run(folder.write("t", changed), "linux");
    EXPECT_EQ(unequal.status, 1);
    EXPECT_TRUE(has(unequal.out, "49999 of 50000 recorded answers are equal, 1 differ;"))
        << unequal.out;
    EXPECT_TRUE(has(unequal.out, fmt::format("t:{}: ", line + 1))) << unequal.out;
  }
}

TEST(Replay, DifferencesAreToldByLine) {
  const TemporaryFolder folder;
  const std::string file = folder.write("t",
                                        "iova-trace 1 recorded\n"
                                        "domain granule=4096 start=8\n"
                                        "alloc 1 0xff natural -> 1 at 0x8\n"
                                        "alloc 1 0xff any -> 2 at 0xa\n"
                                        "alloc 4 0xff natural -> 3 at 0x10\n"
                                        "alloc 1 0xff natural -> refused\n"
                                        "alloc 2 0xff natural -> refused\n"
                                        "alloc 1 0xff natural -> 4\n"
                                        "free 3\n"
                                        "free 1\n"
                                        "free 4\n");
  const Output run_single = run(file, "single");
  EXPECT_EQ(run_single.status, 1);
  EXPECT_TRUE(has(run_single.out,
                  "t:4: 1 page up to 0xff, not aligned: recorded page 0xa, got page 0x9.\n"))
      << run_single.out;
  EXPECT_TRUE(has(run_single.out,
                  "t:5: 4 pages up to 0xff, aligned: recorded page 0x10, got a refusal.\n"));
  EXPECT_TRUE(
      has(run_single.out, "t:6: 1 page up to 0xff, aligned: recorded a refusal, got page 0xa.\n"));
  EXPECT_TRUE(has(run_single.out,
                  "2 of 5 recorded answers are equal, 3 differ; 2 of the recorded are refusals."));
  EXPECT_EQ(count_of(run_single, "requests"), "6");
  EXPECT_EQ(count_of(run_single, "refused"), "2");
  EXPECT_EQ(count_of(run_single, "frees"), "2");
  EXPECT_EQ(count_of(run_single, "frees left out"), "1");
  EXPECT_EQ(count_of(run_single, "visits"), "7");
  EXPECT_EQ(count_of(run_single, "peak live ranges"), "3");
  EXPECT_EQ(count_of(run_single, "peak live pages"), "3");
  EXPECT_EQ(count_of(run_single, "bytes held at end"), "100");
}

TEST(Replay, OnlyTheFirstDifferencesAreTold) {
  const TemporaryFolder folder;
  std::string text = "domain granule=4096 start_pfn=1\n";
  for (int i = 0; i < 20; ++i) text += fmt::format("a 2 fffff 1 {:x} {}\n", 2 * i + 2, i);
  const Output unequal = run(folder.write("t", text), "single");
  EXPECT_EQ(unequal.status, 1);
  EXPECT_TRUE(has(unequal.out, "t:6:"));
  EXPECT_FALSE(has(unequal.out, "t:7:"));
  EXPECT_TRUE(has(unequal.out, "... and 15 more.\n"));
}

TEST(Replay, WithoutComparisonDifferencesDoNotMatter) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("t", "domain granule=4096 start_pfn=1\na 2 fff 1 ffe 0\nf 0\n");
  const Output replayed = run(file, "single", Comparison::kNo);
  EXPECT_EQ(replayed.status, 0);
  EXPECT_FALSE(has(replayed.out, "recorded answers"));
  EXPECT_EQ(count_of(replayed, "frees left out"), "1");
}

TEST(Replay, PartOfTheAnswersMayBeRecorded) {
  const TemporaryFolder folder;
  const Output partial = run(folder.write("t",
                                          "iova-trace 1 inferred\ndomain granule=4096 start=1\n"
                                          "alloc 1 9 any -> 1\nalloc 1 9 any -> 2 at 2\n"),
                             "single");
  EXPECT_EQ(partial.status, 0);
  EXPECT_TRUE(has(partial.out, "1 of 1 recorded answers are equal"));
  EXPECT_TRUE(has(partial.out, "The trace is inferred"));
  const Output none = run(folder.write("t",
                                       "iova-trace 1 generated\ndomain granule=4096 start=1\n"
                                       "alloc 1 9 any -> 1\n"),
                          "single");
  EXPECT_EQ(none.status, 2);
  EXPECT_TRUE(has(none.err, "t: expected answers to compare with, found none.\n"));
}

TEST(Replay, ADomainBeginsEmptyWithItsOwnStart) {
  const TemporaryFolder folder;
  const std::string file = folder.write("t",
                                        "domain granule=4096 start_pfn=3\na 1 ff 0 3 7\n"
                                        "domain granule=4096 start_pfn=5\na 1 ff 0 5 7\nf 7\n"
                                        "domain granule=4096 start_pfn=0\na 1 ff 0 0 7\n");
  EXPECT_EQ(run(file, "single").status, 0);
}

// Below 4 GiB Linux has rules of its own, and how many pages are there depends on the granule.
TEST(Replay, AGranuleReachesTheAllocatorsThatCare) {
  const TemporaryFolder folder;
  Trace trace;
  for (const std::uint64_t granule : {4096U, 16384U, 65536U, 1024U}) {
    TraceDomain domain{.granule = granule, .start = 5, .name = {}, .operations = {}};
    DomainAllocator recorder(granule, domain.start);
    std::mt19937 random(static_cast<unsigned>(granule));
    for (Slot slot = 0; slot < 3000; ++slot) {
      Operation operation;
      operation.pages = 1 + random() % 64;
      operation.limit =
          random() % 3 == 0 ? 0xf'ffff'ffff / (granule / 1024) : 5 + random() % 0xffff;
      operation.slot = slot;
      const auto first = recorder.allocate({operation.pages, operation.limit, operation.alignment});
      operation.answer = first ? Answer::kFirst : Answer::kRefused;
      operation.first = first.value_or(0);
      domain.operations.push_back(operation);
      if (first && random() % 3 != 0) {
        recorder.free(*first, operation.pages);
        operation.kind = Operation::Kind::kFree;
        domain.operations.push_back(operation);
      }
    }
    trace.domains.push_back(std::move(domain));
  }
  // Read back, because the numbers above are not as dense as slots are.
  write_trace(trace, folder.path("t"));
  EXPECT_EQ(run(folder.path("t"), "linux").status, 0);
  const Output other = run(folder.path("t"), "single", Comparison::kNo);
  EXPECT_TRUE(
      has(other.out, "single takes pages to be of 4096 bytes, which those of 3 domains are not."))
      << other.out;
}

TEST(Replay, BadInputIsASentenceAndTwo) {
  const TemporaryFolder folder;
  const std::string good = folder.write("good", "domain granule=4096 start_pfn=1\n");
  const Output nobody = run(good, "nobody");
  EXPECT_EQ(nobody.status, 2);
  EXPECT_EQ(nobody.err,
            "smmu-study: --allocator: expected one of linux, single, found \"nobody\".\n");
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"", "t: expected a trace, found nothing.\n"},
      {"\n# only remarks\n", "t: expected a trace, found nothing.\n"},
      {"op,id,pages\n",
       "t:1: expected a trace, which begins with iova-trace or domain, found \"op,id,pages\".\n"},
      // Whatever differs before: a file that is wrong is not compared.
      {"domain granule=4096 start_pfn=1\na 1 ff 0 fe 7\nf 8\n",
       "t:3: expected the id of a range that is live, found \"8\".\n"},
  };
  for (const auto& [text, sentence] : wrongs) {
    const Output wrong = run(folder.write("t", text), "single");
    EXPECT_EQ(wrong.status, 2);
    EXPECT_EQ(wrong.out, "");
    EXPECT_EQ(wrong.err, fmt::format("smmu-study: {}{}", folder.path(), sentence));
  }
}

}  // namespace
}  // namespace smmu::study::replay_test
