// Reading files that are hostile before a format comes into it.
#include "bench/study/trace/lines.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "test/study_trace/temporary_folder.h"

namespace smmu::study::lines_test {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::vector<std::string> all;
  for (Lines lines(file); lines.next();) all.emplace_back(lines.text());
  return all;
}

TEST(TraceLines, PlainAndPackedFilesReadTheSame) {
  const TemporaryFolder folder;
  const std::string text = "one\r\n\ntwo\nthree";
  const std::vector<std::string> expected = {"one", "", "two", "three"};
  EXPECT_EQ(lines_of(folder.write("plain", text)), expected);
  // By content, not by name.
  EXPECT_EQ(lines_of(folder.write_packed("packed", text)), expected);
  EXPECT_EQ(lines_of(folder.write("empty", "")), std::vector<std::string>{});
}

TEST(TraceLines, RemarksAndNothingAreNotSaid) {
  const TemporaryFolder folder;
  Lines lines(folder.write("t", "\n  # x\n \t\n word # y\n"));
  ASSERT_TRUE(lines.next_said());
  EXPECT_EQ(lines.number(), 4u);
  EXPECT_FALSE(lines.next_said());
}

TEST(TraceLines, ALineIsLimited) {
  const TemporaryFolder folder;
  const std::string longest(kMaxLineBytes, 'x');
  EXPECT_EQ(lines_of(folder.write("t", fmt::format("a\n{0}\n{0}", longest))).size(), 3u);
  for (const std::size_t size : {kMaxLineBytes + 1, std::size_t{1} << 20}) {
    for (const char* end : {"", "\n"}) {
      const std::string file =
          folder.write("t", fmt::format("a\n{}{}", std::string(size, 'x'), end));
      EXPECT_EQ(complaint_of(folder, [&] { lines_of(file); }),
                "t:2: expected a line of at most 4096 bytes.");
    }
  }
}

TEST(TraceLines, APackedFileCutShortIsSaid) {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += fmt::format("{}\n", i * 7919);
  folder.write_packed("t", text);
  const std::string whole = folder.read("t");
  for (std::size_t size = 2; size < whole.size(); size += 1 + whole.size() / 97) {
    const std::string file = folder.write("cut", whole.substr(0, size));
    // A file shorter than the two bytes that name gzip, or gzip's heading, may be any text.
    if (size < 18) continue;
    const std::string sentence = complaint_of(folder, [&] { lines_of(file); });
    EXPECT_NE(sentence.find("its gzip data are damaged or cut short."), std::string::npos)
        << size << ": " << sentence;
  }
}

TEST(TraceLines, APackedFileThatNeverEndsIsSaid) {
  const TemporaryFolder folder;
  const std::string file = folder.path("bomb");
  const gzFile gz = gzopen(file.c_str(), "wb1");
  std::string piece(std::size_t{1} << 20, ' ');
  for (std::size_t i = 0; i < piece.size(); i += kMaxLineBytes) piece[i] = '\n';
  for (int i = 0; i < 1025; ++i) gzwrite(gz, piece.data(), static_cast<unsigned>(piece.size()));
  gzclose(gz);
  const std::string sentence = complaint_of(folder, [&] {
    Lines lines(file);
    while (lines.next()) continue;
  });
  EXPECT_NE(sentence.find("expected a file of at most 1073741824 bytes, unpacked."),
            std::string::npos)
      << sentence;
}

TEST(TraceLines, WhatIsNoFileIsSaid) {
  const TemporaryFolder folder;
  EXPECT_EQ(complaint_of(folder, [&] { Lines(folder.path("none")); }),
            "none: expected a file that can be read.");
  std::filesystem::create_directory(folder.path("sub"));
  EXPECT_EQ(complaint_of(folder, [&] { Lines(folder.path("sub")); }),
            "sub: expected a file, found a folder.");
}

TEST(TraceLines, WhatIsShownCannotMoveATerminal) {
  using namespace std::string_view_literals;
  EXPECT_EQ(in_quotes("a\0b\x1b[2J\t\xff"sv), "\"a?b?[2J ?\"");
  EXPECT_EQ(in_quotes(std::string(100, 'x')), fmt::format("\"{}...\"", std::string(60, 'x')));
}

TEST(TraceLines, NumbersThatDoNotFitAreNone) {
  EXPECT_EQ(parse_number("18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(parse_number("0xffffffffffffffff"), ~std::uint64_t{0});
  for (const char* text : {"", "0x", "-1", "+1", " 1", "1 ", "18446744073709551616", "1e3",
                           "0x10000000000000000", "0xg"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_hexadecimal("fff"), 0xfffu);
  EXPECT_EQ(parse_hexadecimal("0xfff"), std::nullopt);
  EXPECT_EQ(parse_decimal("0x1"), std::nullopt);
}

TEST(TraceLines, WordsBeyondTheLastAreLeftOut) {
  std::string line;
  for (int i = 0; i < 30; ++i) line += " \tw";
  const Words words(line);
  EXPECT_EQ(words.size(), Words::kMax);
  EXPECT_EQ(words[15], "w");
  EXPECT_EQ(words[16], "");
  EXPECT_EQ(Words(" \t").size(), 0u);
}

}  // namespace
}  // namespace smmu::study::lines_test
