// Requests as comma-separated values.
#include "bench/study/trace/csv.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "bench/study/trace/text_format.h"
#include "test/study_trace/check_trace.h"
#include "test/study_trace/temporary_folder.h"

namespace smmu::study::csv_test {
namespace {

Trace read(const TemporaryFolder& folder, std::string_view text) {
  Lines lines(folder.write("t", text));
  return read_csv(lines, 4096, 1);
}

TEST(Csv, ColumnsComeInAnyOrderAndSomeMayBeMissing) {
  const TemporaryFolder folder;
  const Trace full = read(folder,
                          "thread,first,op,id,align,pages,limit\n"
                          "3, 0xff0 ,alloc,9,natural,2,0xfff\n"
                          ",refused,alloc,,any,0x10,7\n"
                          "# a remark\n"
                          ",,alloc,10,,1,\n"
                          "2,,free,9,,,\n");
  EXPECT_EQ(wrong_with(full), "");
  EXPECT_EQ(write_text(full),
            "iova-trace 1 recorded\n"
            "domain granule=4096 start=0x1\n"
            "alloc 2 0xfff natural by 3 -> 0 at 0xff0\n"
            "alloc 16 0x7 any -> refused\n"
            "alloc 1 0xfffffffffffff natural -> 1\n"
            "free 0 by 2\n");
  EXPECT_EQ(write_text(read(folder, "# remarks\n\nop,id,pages\nalloc,1,1\nfree,1,\n")),
            "iova-trace 1 recorded\n"
            "domain granule=4096 start=0x1\n"
            "alloc 1 0xfffffffffffff natural -> 0\n"
            "free 0\n");
}

TEST(Csv, EveryWrongLineHasItsSentence) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"map,1,1,,,,", "t:3: expected alloc or free, found \"map\"."},
      {"alloc,1,1", "t:3: expected 7 columns, as in the heading, found \"alloc,1,1\"."},
      {"alloc,1,1,,,,,", "t:3: expected at most 7 columns, found \"alloc,1,1,,,,,\"."},
      {"alloc,\"1\",1,,,,", "t:3: expected values without quotes, found \"alloc,\"1\",1,,,,\"."},
      {"alloc,1 2,1,,,,", "t:3: expected one value between commas, found \"1 2\"."},
      {"alloc,,1,,,,", "t:3: expected an id, found \"\"."},
      {"alloc,5,1,,,,", "t:3: expected the id of no range that is live, found \"5\"."},
      {"alloc,1,0,,,,", "t:3: expected a number of pages from 1 to 4503599627370496, found \"0\"."},
      {"alloc,1,1,x,,,", "t:3: expected the number of a page, found \"x\"."},
      {"alloc,1,1,,page,,", "t:3: expected natural or any, found \"page\"."},
      {"alloc,1,1,,,65536,", "t:3: expected the number of a thread, up to 65535, found \"65536\"."},
      {"alloc,1,1,,,,fail", "t:3: expected the number of a page or refused, found \"fail\"."},
      {"alloc,1,1,,,,refused", "t:3: expected no id of a request that was refused, found \"1\"."},
      {"free,,,,,,", "t:3: expected an id, found \"\"."},
      {"free,6,,,,,", "t:3: expected the id of a range that is live, found \"6\"."},
  };
  for (const auto& [line, sentence] : wrongs) {
    const std::string text =
        fmt::format("op,id,pages,limit,align,thread,first\nalloc,5,1,,,,\n{}\n", line);
    EXPECT_EQ(complaint_of(folder, [&] { read(folder, text); }), sentence) << line;
  }
}

TEST(Csv, EveryWrongHeadingHasItsSentence) {
  const TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> wrongs = {
      {"", "t: expected a heading, found nothing."},
      {"op,id\n", "t:1: expected a heading with the column pages, found \"op,id\"."},
      {"op,id,pages,op\n", "t:1: expected each column once, found \"op\"."},
      {"op,id,size\n",
       "t:1: expected a column op, id, pages, limit, align, thread or first, found \"size\"."},
  };
  for (const auto& [text, sentence] : wrongs) {
    EXPECT_EQ(complaint_of(folder, [&, &text = text] { read(folder, text); }), sentence) << text;
  }
}

}  // namespace
}  // namespace smmu::study::csv_test
