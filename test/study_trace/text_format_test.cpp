// The text format of traces: what it holds comes back, what it does not hold is said.
#include "bench/study/trace/text_format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/study_trace/check_trace.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::text_format_test {
namespace {

constexpr char kExample[] =
    "iova-trace 1 recorded\n"
    "# a remark\n"
    "note Linux 6.12\n"
    "\n"
    "domain granule=4096 start=0x8 name=eth0\n"
    "alloc 5 0x1e451db8 natural -> 70 at 0x1e451db0\r\n"
    "  alloc 0x3 1048575 any by 2 -> 0x11\n"
    "alloc 200 0xfff any by 1 -> refused\n"
    "free 70 by 65535\n"
    "alloc 1 0xfffff natural -> 70\n"
    "domain granule=65536 start=1\n"
    "alloc 1 0xffffffffffffffff natural -> 70 at 0xffffffffffffffff\n"
    "free 70";

Trace read(const TemporaryFolder& folder, std::string_view text) {
  Lines lines(folder.write("t", text));
  lines.next_said();
  return read_text(lines);
}

TEST(TextFormat, HoldsEverythingOfATrace) {
  const TemporaryFolder folder;
  const Trace trace = read(folder, kExample);
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(trace.provenance, Provenance::kRecorded);
  EXPECT_EQ(trace.notes, std::vector<std::string>{"Linux 6.12"});
  ASSERT_EQ(trace.domains.size(), 2u);
  const TraceDomain& domain = trace.domains[0];
  EXPECT_EQ(domain.granule, 4096u);
  EXPECT_EQ(domain.start, 8u);
  EXPECT_EQ(domain.name, "eth0");
  ASSERT_EQ(domain.operations.size(), 5u);

  const Operation& first = domain.operations[0];
  EXPECT_EQ(first.kind, Operation::Kind::kAllocate);
  EXPECT_EQ(first.pages, 5u);
  EXPECT_EQ(first.limit, 0x1e451db8u);
  EXPECT_EQ(first.alignment, Alignment::kNatural);
  EXPECT_EQ(first.answer, Answer::kFirst);
  EXPECT_EQ(first.first, 0x1e451db0u);
  EXPECT_EQ(first.line, 6u);
  const Operation& second = domain.operations[1];
  EXPECT_EQ(second.alignment, Alignment::kNone);
  EXPECT_EQ(second.answer, Answer::kUnknown);
  EXPECT_EQ(second.thread, 2u);
  EXPECT_NE(second.slot, first.slot);
  EXPECT_EQ(domain.operations[2].answer, Answer::kRefused);
  EXPECT_EQ(domain.operations[3].kind, Operation::Kind::kFree);
  EXPECT_EQ(domain.operations[3].thread, 65535u);
  EXPECT_EQ(domain.operations[3].slot, first.slot);
  EXPECT_EQ(trace.domains[1].operations[0].first, ~Pfn{0});
}

TEST(TextFormat, WhatIsWrittenReadsTheSame) {
  const TemporaryFolder folder;
  const std::string written = write_text(read(folder, kExample));
  EXPECT_EQ(written,
            "iova-trace 1 recorded\n"
            "note Linux 6.12\n"
            "domain granule=4096 start=0x8 name=eth0\n"
            "alloc 5 0x1e451db8 natural -> 0 at 0x1e451db0\n"
            "alloc 3 0xfffff any by 2 -> 1\n"
            "alloc 200 0xfff any by 1 -> refused\n"
            "free 0 by 65535\n"
            "alloc 1 0xfffff natural -> 0\n"
            "domain granule=65536 start=0x1\n"
            "alloc 1 0xffffffffffffffff natural -> 0 at 0xffffffffffffffff\n"
            "free 0\n");
  EXPECT_EQ(write_text(read(folder, written)), written);
}

TEST(TextFormat, EveryWrongLineHasItsSentence) {
  const TemporaryFolder folder;
  const auto forms = [](std::string_view found) {
    return fmt::format(
        "t:4: expected \"alloc PAGES LIMIT natural|any [by THREAD] -> ID [at PAGE]\" or \"... -> "
        "refused\", found \"{}\".",
        found);
  };
  const auto domain_form = [](std::string_view found) {
    return fmt::format(
        "t:4: expected \"domain granule=BYTES start=PAGE [name=WORD]\", found \"{}\".", found);
  };
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"allocate 1",
       "t:4: expected a line that begins with note, domain, alloc or free, found "
       "\"allocate 1\"."},
      {"alloc", forms("alloc")},
      {"alloc 1 2 any ->", forms("alloc 1 2 any ->")},
      {"alloc 1 2 any 7", forms("alloc 1 2 any 7")},
      {"alloc 1 2 any -> 7 at", "t:4: expected the number of a page, found \"\"."},
      {"alloc 1 2 any -> 7 at 3 4", forms("alloc 1 2 any -> 7 at 3 4")},
      {"alloc 1 2 any -> 7 8", forms("alloc 1 2 any -> 7 8")},
      {"alloc 0 2 any -> 7",
       "t:4: expected a number of pages from 1 to 4503599627370496, found \"0\"."},
      {"alloc 4503599627370497 2 any -> 7",
       "t:4: expected a number of pages from 1 to 4503599627370496, found \"4503599627370497\"."},
      {"alloc 18446744073709551616 2 any -> 7",
       "t:4: expected a number of pages from 1 to 4503599627370496, found "
       "\"18446744073709551616\"."},
      {"alloc -1 2 any -> 7",
       "t:4: expected a number of pages from 1 to 4503599627370496, found \"-1\"."},
      {"alloc 1 0x10000000000000000 any -> 7",
       "t:4: expected the number of a page, found \"0x10000000000000000\"."},
      {"alloc 1 2 all -> 7", "t:4: expected natural or any, found \"all\"."},
      {"alloc 1 2 any by 65536 -> 7",
       "t:4: expected the number of a thread, up to 65535, found \"65536\"."},
      {"alloc 1 2 any by -> 7", "t:4: expected the number of a thread, up to 65535, found \"->\"."},
      {"alloc 1 2 any -> seven", "t:4: expected an id or refused, found \"seven\"."},
      {"alloc 1 2 any -> refused 7", "t:4: expected nothing after refused, found \"7\"."},
      {"alloc 1 2 any -> 5", "t:4: expected the id of no range that is live, found \"5\"."},
      {"free", "t:4: expected \"free ID [by THREAD]\", found \"free\"."},
      {"free 5 by", "t:4: expected \"free ID [by THREAD]\", found \"free 5 by\"."},
      {"free 5 by x", "t:4: expected the number of a thread, up to 65535, found \"x\"."},
      {"free x", "t:4: expected an id, found \"x\"."},
      {"free 6", "t:4: expected the id of a range that is live, found \"6\"."},
      {"domain", domain_form("domain")},
      {"domain start=1 granule=4096", domain_form("domain start=1 granule=4096")},
      {"domain granule=4096 start=1 x", domain_form("domain granule=4096 start=1 x")},
      {"domain granule=x start=1", "t:4: expected a granule that is a power of two, found \"x\"."},
      {"domain granule=0 start=1", "t:4: expected a granule that is a power of two, found \"0\"."},
      {"domain granule=12 start=1",
       "t:4: expected a granule that is a power of two, found \"12\"."},
      {"domain granule=4096 start=x", "t:4: expected the number of a page, found \"x\"."},
      {"domain granule=4096 start=0x10000000000000",
       "t:4: expected a start up to 0xfffffffffffff, the last page there is, found "
       "\"0x10000000000000\"."},
  };
  for (const auto& [line, sentence] : wrongs) {
    const std::string text = fmt::format(
        "iova-trace 1 recorded\ndomain granule=4096 start=1\nalloc 1 9 any -> 5\n{}\nfree 5\n",
        line);
    EXPECT_EQ(complaint_of(folder, [&] { read(folder, text); }), sentence) << line;
  }
}

TEST(TextFormat, EveryWrongHeaderHasItsSentence) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"iova-trace\n",
       "t:1: expected \"iova-trace 1 recorded|inferred|generated\", found \"iova-trace\"."},
      {"# remark\niova-trace 2 recorded\n",
       "t:2: expected version 1, which is all there is, found \"2\"."},
      {"iova-trace 1 invented\n",
       "t:1: expected recorded, inferred or generated, found \"invented\"."},
      {"iova-trace 1 recorded\n", "t: expected a domain, found none."},
      {"iova-trace 1 recorded\nfree 1\n",
       "t:2: expected a domain before the first request, found \"free 1\"."},
  };
  for (const auto& [text, sentence] : wrongs) {
    EXPECT_EQ(complaint_of(folder, [&, &text = text] { read(folder, text); }), sentence) << text;
  }
  std::string notes = "iova-trace 1 recorded\n";
  for (std::size_t i = 0; i <= kMaxNotes; ++i) notes += "note n\n";
  EXPECT_EQ(complaint_of(folder, [&] { read(folder, notes); }),
            "t:66: expected at most 64 notes, found \"note n\".");
}

TEST(TextFormat, AnIdNamesAnotherRangeInAnotherDomain) {
  const TemporaryFolder folder;
  const std::string text =
      "iova-trace 1 inferred\ndomain granule=1 start=0\nalloc 1 9 any -> 5\n"
      "domain granule=1 start=0\n";
  EXPECT_EQ(wrong_with(read(folder, fmt::format("{}alloc 1 9 any -> 5\n", text))), "");
  EXPECT_EQ(complaint_of(folder, [&] { read(folder, fmt::format("{}free 5\n", text)); }),
            "t:5: expected the id of a range that is live, found \"5\".");
}

TEST(TextFormat, DomainsAreLimited) {
  const TemporaryFolder folder;
  std::string text = "iova-trace 1 recorded\n";
  for (std::size_t i = 0; i < kMaxDomains; ++i) text += "domain granule=1 start=0\n";
  EXPECT_EQ(read(folder, text).domains.size(), kMaxDomains);
  text += "domain granule=1 start=0\n";
  EXPECT_EQ(complaint_of(folder, [&] { read(folder, text); }),
            "t:65538: expected at most 65536 domains, found \"domain granule=1 start=0\".");
}

}  // namespace
}  // namespace smmu::study::text_format_test
