// Recorded answers of Linux's allocator.
#include "bench/study/trace/linux_format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/study_trace/check_trace.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::linux_format_test {
namespace {

Trace read(const std::string& file) {
  Lines lines(file);
  lines.next_said();
  return read_linux(lines);
}

TEST(LinuxFormat, TheCommittedRecordingIsReadWhole) {
  const Trace trace = read(committed_capture("iova-linux-6.12/trace.txt.gz"));
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  EXPECT_EQ(trace.provenance, Provenance::kRecorded);
  ASSERT_EQ(trace.domains.size(), 20u);
  EXPECT_EQ(trace.domains[3].start, 3u);
  std::size_t requests = 0;
  std::size_t refused = 0;
  std::size_t frees = 0;
  for (const TraceDomain& domain : trace.domains) {
    for (const Operation& operation : domain.operations) {
      if (operation.kind == Operation::Kind::kFree) {
        ++frees;
      } else {
        ++requests;
        refused += operation.answer == Answer::kRefused;
      }
    }
  }
  EXPECT_EQ(requests, 50'000u);
  EXPECT_EQ(refused, 3'206u);
  EXPECT_EQ(frees, 40'436u);
}

TEST(LinuxFormat, NumbersAreDecimalAndPagesHexadecimal) {
  const TemporaryFolder folder;
  const Trace trace = read(folder.write(
      "t", "domain granule=16384 start_pfn=10\na 10 10 1 10 10\na 2 fff 0 fail\nf 10\n"));
  ASSERT_EQ(trace.domains.size(), 1u);
  EXPECT_EQ(trace.domains[0].granule, 16384u);
  EXPECT_EQ(trace.domains[0].start, 10u);
  const Operation& request = trace.domains[0].operations[0];
  EXPECT_EQ(request.pages, 10u);
  EXPECT_EQ(request.limit, 0x10u);
  EXPECT_EQ(request.first, 0x10u);
  EXPECT_EQ(request.alignment, Alignment::kNatural);
  EXPECT_EQ(trace.domains[0].operations[1].alignment, Alignment::kNone);
  EXPECT_EQ(trace.domains[0].operations[1].answer, Answer::kRefused);
}

TEST(LinuxFormat, EveryWrongLineHasItsSentence) {
  const TemporaryFolder folder;
  const auto form = [](std::string_view found) {
    return fmt::format(
        "t:3: expected \"a SIZE LIMIT ALIGNED PAGE ID\" or \"a SIZE LIMIT ALIGNED fail\", found "
        "\"{}\".",
        found);
  };
  const auto most = [](std::string_view found) {
    return fmt::format("t:3: expected a number of pages from 1 to 4503599627370496, found \"{}\".",
                       found);
  };
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"b", "t:3: expected a line that begins with domain, a or f, found \"b\"."},
      {"a 1 fff 1 fff", form("a 1 fff 1 fff")},
      {"a 1 fff 1 fail 7", form("a 1 fff 1 fail 7")},
      {"a 1 fff 1 fff 7 8", form("a 1 fff 1 fff 7 8")},
      {"a 0 fff 1 fff 7", most("0")},
      {"a 18446744073709551616 fff 1 fail", most("18446744073709551616")},
      {"a f fff 1 fff 7", most("f")},
      {"a 1 0xfff 1 fff 7",
       "t:3: expected the number of a page, hexadecimal without 0x, found \"0xfff\"."},
      {"a 1 fff 2 fff 7", "t:3: expected 0 or 1 for the alignment, found \"2\"."},
      {"a 1 fff 1 10000000000000000 7",
       "t:3: expected fail or the number of a page, hexadecimal without 0x, found "
       "\"10000000000000000\"."},
      {"a 1 fff 1 fff x", "t:3: expected an id, decimal, found \"x\"."},
      {"a 1 fff 1 fff 5", "t:3: expected the id of no range that is live, found \"5\"."},
      {"f", "t:3: expected \"f ID\", found \"f\"."},
      {"f 5 6", "t:3: expected \"f ID\", found \"f 5 6\"."},
      {"f x", "t:3: expected \"f ID\", found \"f x\"."},
      {"f 6", "t:3: expected the id of a range that is live, found \"6\"."},
      {"domain granule=4096",
       "t:3: expected \"domain granule=BYTES start_pfn=PAGE\", found \"domain granule=4096\"."},
      {"domain granule=3 start_pfn=1",
       "t:3: expected a granule that is a power of two, found \"3\"."},
      {"domain granule=x start_pfn=1",
       "t:3: expected a granule that is a power of two, found \"x\"."},
      {"domain granule=4096 start_pfn=a",
       "t:3: expected the number of a page, decimal, found \"a\"."},
  };
  for (const auto& [line, sentence] : wrongs) {
    const std::string file = folder.write(
        "t", fmt::format("domain granule=4096 start_pfn=1\na 1 fff 1 fff 5\n{}\nf 5\n", line));
    EXPECT_EQ(complaint_of(folder, [&] { read(file); }), sentence) << line;
  }
  const std::string homeless = folder.write("t", "f 1\n");
  EXPECT_EQ(complaint_of(folder, [&] { read(homeless); }),
            "t:1: expected a domain before the first request, found \"f 1\".");
}

TEST(LinuxFormat, ARangeIsFreedOnce) {
  const TemporaryFolder folder;
  const std::string file =
      folder.write("t", "domain granule=4096 start_pfn=1\na 1 fff 1 fff 5\nf 5\nf 5\n");
  EXPECT_EQ(complaint_of(folder, [&] { read(file); }),
            "t:4: expected the id of a range that is live, found \"5\".");
}

}  // namespace
}  // namespace smmu::study::linux_format_test
