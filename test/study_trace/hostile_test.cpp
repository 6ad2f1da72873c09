// Whatever a file holds, it is a trace or there is a sentence; it takes no long time either.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <random>

#include "bench/study/trace/generator.h"
#include "bench/study/trace/reader.h"
#include "bench/study/trace/replay.h"
#include "bench/study/trace/text_format.h"
#include "test/study_trace/check_trace.h"
#include "test/study_trace/domain_allocator.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::hostile_test {
namespace {

constexpr int kMutations = 2000;

// `text` with a few things done to it that files suffer.
std::string damaged(const std::string& text, std::mt19937& random) {
  static const std::vector<std::string> kPieces = {"\n",
                                                   " ",
                                                   "\t",
                                                   "0",
                                                   "-1",
                                                   "18446744073709551615",
                                                   "18446744073709551616",
                                                   "0xffffffffffffffff",
                                                   "0x10000000000000000",
                                                   "fail",
                                                   "refused",
                                                   "->",
                                                   "at",
                                                   "by",
                                                   "f 0\n",
                                                   "free 0\n",
                                                   "domain granule=1 start=0\n",
                                                   "domain granule=4096 start_pfn=0\n",
                                                   "#",
                                                   ",",
                                                   std::string("\0", 1),
                                                   "\xff",
                                                   "IOMMU: iova=",
                                                   "L0",
                                                   "C 1 0x12 0x0\n",
                                                   "size=0",
                                                   std::string(5000, 'x')};
  std::string result = text;
  const auto place = [&] { return random() % (result.size() + 1); };
  for (auto times = 1 + random() % 3; times != 0; --times) {
    const std::size_t at = place();
    switch (random() % 6) {
      case 0:  // another byte
        if (at < result.size()) result[at] = static_cast<char>(random());
        break;
      case 1:  // some bytes less
        result.erase(at, random() % 20);
        break;
      case 2:  // something more
        result.insert(at, kPieces[random() % kPieces.size()]);
        break;
      case 3: {  // a line twice
        const std::size_t begin = result.rfind('\n', at) + 1;
        const std::size_t end = result.find('\n', at);
        if (begin <= at && end != result.npos) {
          result.insert(begin, std::string(result, begin, end + 1 - begin));
        }
        break;
      }
      case 4:  // an end
        if (random() % 4 == 0) result.resize(at);
        break;
      default: {  // other digits
        const std::size_t digit = result.find_first_of("0123456789abcdef", at);
        if (digit != result.npos) result[digit] = "0123456789abcdef"[random() % 16];
      }
    }
  }
  return result;
}

void expect_a_trace_or_a_sentence(const TemporaryFolder& folder, const std::string& name,
                                  const std::function<Trace()>& read, unsigned& traces) {
  try {
    const Trace trace = read();
    ++traces;
    ASSERT_EQ(wrong_with(trace), "") << name;
    // Answers of a damaged recording may be anything, those of an inference are ours.
    ASSERT_EQ(trace.provenance == Provenance::kInferred ? overlap_in(trace) : "", "") << name;
    folder.remove("again");
    write_trace(trace, folder.path("again"));
    Lines lines(folder.path("again"));
    lines.next_said();
    ASSERT_EQ(write_text(read_text(lines)), folder.read("again")) << name;
    replay(trace, test_allocators()[0]);
    replay(trace, test_allocators()[1]);
  } catch (const BadInput& bad) {
    const std::string sentence = bad.what();
    ASSERT_TRUE(sentence.ends_with(".")) << sentence;
    ASSERT_NE(sentence.find(": expected "), std::string::npos) << sentence;
    ASSERT_LT(sentence.size(), 600u) << sentence;
    for (const char c : sentence) ASSERT_TRUE(c >= ' ' && c <= '~') << sentence;
  }
}

struct Hostile {
  const char* name;
  TraceFormat format;
  std::function<std::string()> valid;
};

class HostileTrace : public ::testing::TestWithParam<Hostile> {};

TEST_P(HostileTrace, IsReadOrRefused) {
  const TemporaryFolder folder;
  const std::string valid = GetParam().valid();
  std::mt19937 random(1);
  unsigned traces = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::string file = folder.write("t", i == 0 ? valid : damaged(valid, random));
    expect_a_trace_or_a_sentence(
        folder, fmt::format("{} {}", GetParam().name, i),
        [&] { return read_trace(file, GetParam().format); }, traces);
    if (HasFatalFailure()) return;
  }
  // Neither all nor nothing: the damage is of an interesting size.
  EXPECT_GT(traces, kMutations / 20u);
  EXPECT_LT(traces, kMutations * 19u / 20u);
}

std::string head_of(const std::string& text, std::size_t lines) {
  std::size_t end = 0;
  for (; lines != 0 && end != text.npos; --lines) end = text.find('\n', end + 1);
  return text.substr(0, end);
}

std::string generated_text() {
  NicOptions options;
  options.ring = 8;
  options.common.operations = 60;
  return write_text(generate(options));
}

std::string recorded_linux() {
  return head_of(text_of(committed_capture("iova-linux-6.12/trace.txt.gz")), 60);
}

std::string events() {
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text +=
        fmt::format("t-1 [001] 1.0: {}map: IOMMU: iova={:#x} - {:#x} {}size={}{}\n",
                    i % 3 == 2 ? "un" : "", (i / 3 + i % 3 % 2) * 0x1000,
                    (i / 3 + i % 3 % 2 + 1 + i % 3 / 2) * 0x1000, i % 3 == 2 ? "" : "paddr=0x1000 ",
                    4096 << i % 3 / 2, i % 3 == 2 ? " unmapped_size=8192" : "");
  }
  return text;
}

std::string csv() {
  std::string text = "op,id,pages,limit,align,thread,first\n";
  for (int i = 0; i < 30; ++i) {
    text += fmt::format("alloc,{},{},0xfffff,natural,1,{}\n", i, 1 + i, i % 2 == 0 ? "" : "4096");
    if (i % 3 == 0) text += fmt::format("free,{},,,,0,\n", i);
  }
  return text;
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, HostileTrace,
                         ::testing::Values(Hostile{"text", TraceFormat::kText, generated_text},
                                           Hostile{"linux", TraceFormat::kLinux, recorded_linux},
                                           Hostile{"events", TraceFormat::kEvents, events},
                                           Hostile{"csv", TraceFormat::kCsv, csv}),
                         [](const auto& hostile) { return std::string(hostile.param.name); });

TEST(HostileCaptureTrace, IsReadOrRefused) {
  const TemporaryFolder folder;
  const std::string capture = committed_capture("linux-6.1-strict");
  const std::string streams = text_of(fmt::format("{}/streams.tsv", capture));
  const std::string timeline = head_of(text_of(fmt::format("{}/timeline.txt.gz", capture)), 300);
  std::mt19937 random(1);
  unsigned traces = 0;
  for (int i = 0; i < kMutations; ++i) {
    folder.write("streams.tsv", i % 4 == 1 ? damaged(streams, random) : streams);
    folder.write("timeline.txt", i % 4 > 1 ? damaged(timeline, random) : timeline);
    expect_a_trace_or_a_sentence(
        folder, fmt::format("capture {}", i),
        [&] { return read_trace(folder.path(), TraceFormat::kCapture); }, traces);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(traces, kMutations / 20u);
  EXPECT_LT(traces, kMutations * 19u / 20u);
}

TEST(HostilePackedTrace, IsReadOrRefused) {
  const TemporaryFolder folder;
  folder.write_packed("t", recorded_linux());
  const std::string valid = folder.read("t");
  std::mt19937 random(1);
  unsigned traces = 0;
  for (int i = 0; i < kMutations; ++i) {
    const std::string file = folder.write("d", damaged(valid, random));
    expect_a_trace_or_a_sentence(
        folder, fmt::format("packed {}", i), [&] { return read_trace(file); }, traces);
    if (HasFatalFailure()) return;
  }
}

// What looks quadratic: a range that vanishes page by page, pages that return one by one.
TEST(HostileTraceEvents, TakeNoLongTime) {
  const TemporaryFolder folder;
  constexpr int kEvents = 100'000;
  std::string text = "x [0] 1: map: IOMMU: iova=0x0 paddr=0x0 size=4503599627370496\n";
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    text += fmt::format("x [0] 1: unmap: IOMMU: iova={:#x} size=4096\n", (2 * i + 1) * 4096);
  }
  text += "x [0] 1: unmap: IOMMU: iova=0x0 size=4503599627370496\n";
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    text += fmt::format("x [0] 1: map: IOMMU: iova={:#x} paddr=0 size=4096\n", 2 * i * 4096);
  }
  for (int i = 0; i < kEvents; ++i) {
    text += "x [0] 1: unmap: IOMMU: iova=0x40000000000000 size=4503599627370496\n";
  }
  const std::string file = folder.write("t", text);
  const Trace trace = read_trace(file, TraceFormat::kEvents);
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(trace.domains[0].operations.size(), kEvents + 2u);
}

// Pages beyond those that are live are looked at again and again, and never joined.
TEST(HostileCaptureTrace, TakesNoLongTime) {
  const TemporaryFolder folder;
  folder.write("streams.tsv", "sid\tkind\tasid\tgranule\tttb0\n1\ts1\t1\t4K\t0\n");
  constexpr std::uint64_t kRounds = 50'000;
  std::string text;
  const auto translate = [&text](std::uint64_t page) {
    text += fmt::format("P 0 1 L0\nP 0 1 L3\nT 1 {:#x} 0 3\n", page << 12);
  };
  for (std::uint64_t i = 0; i < kRounds; ++i) {
    translate(std::uint64_t{1} << 30);
    translate(2 * i);
    text += fmt::format("C 0 0x1000000000012 {:#x}\n", 2 * i << 12 | 0x701);
    // Two ranges of 2^30 pages, from 0 on.
    text += "C 0 0x1000001e00012 0x701\nC 0 0x1000000000012 0x40000000701\nC 0 0x46 0\n";
  }
  folder.write("timeline.txt", text);
  const Trace trace = read_trace(folder.path(), TraceFormat::kCapture);
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  EXPECT_EQ(trace.domains[0].operations.size(), 4 * kRounds);
}

TEST(HostileTraceIds, TakeNoLongTime) {
  const TemporaryFolder folder;
  std::string text = "domain granule=4096 start_pfn=1\n";
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    text += fmt::format("a 1 fffff 1 fffff {}\n", i * 1'000'003 * 4'294'967'296);
  }
  EXPECT_EQ(wrong_with(read_trace(folder.write("t", text))), "");
}

}  // namespace
}  // namespace smmu::study::hostile_test
