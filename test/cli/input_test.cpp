#include "emulator/cli/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "test/cli/temporary_folder.h"

namespace smmu::cli::input_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string gzip(const TemporaryFolder& folder, std::string_view text) {
  const std::filesystem::path file = folder.path() / "gzip";
  gzFile gz = gzopen(file.c_str(), "wb9");
  gzwrite(gz, text.data(), static_cast<unsigned>(text.size()));
  gzclose(gz);
  return folder.read("gzip");
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::vector<std::string> result;
  for (Lines lines(file); lines.next();) result.emplace_back(lines.text());
  return result;
}

TEST(Lines, APlainFileIsReadLineByLine) {
  const TemporaryFolder folder;
  EXPECT_THAT(lines_of(folder.write("f", "one\n\ntwo\r\nthree")),
              ElementsAre("one", "", "two", "three"));
  EXPECT_THAT(lines_of(folder.write("empty", "")), ElementsAre());
}

TEST(Lines, AGzipFileIsReadLikeAPlainOneWhateverItsName) {
  const TemporaryFolder folder;
  EXPECT_THAT(lines_of(folder.write("f", gzip(folder, "one\ntwo\n"))), ElementsAre("one", "two"));
}

TEST(Lines, LinesLongerThanOneReadStayWhole) {
  const TemporaryFolder folder;
  const std::string line(300'000, 'x');
  EXPECT_THAT(lines_of(folder.write("f", line + "\nend\n")), ElementsAre(line, "end"));
}

TEST(Lines, AGzipFileCutShortIsRefused) {
  const TemporaryFolder folder;
  const std::string whole = gzip(folder, "one\ntwo\nthree\n");
  const auto file = folder.write("cut.gz", whole.substr(0, whole.size() - 6));
  EXPECT_EQ(
      complaint_of(folder, [&] { lines_of(file); }),
      "cut.gz:1: expected more of the file, which cannot be read on: its gzip data are damaged or "
      "cut short.");
}

TEST(Lines, AGzipFileMayNotUnpackToMoreThanTheCap) {
  const TemporaryFolder folder;
  std::string much(std::size_t{1} << 20, 'x');
  much.back() = '\n';
  const std::filesystem::path file = folder.path() / "bomb.gz";
  gzFile gz = gzopen(file.c_str(), "wb1");
  for (std::uint64_t bytes = 0; bytes <= kMaxUnpackedBytes; bytes += much.size()) {
    gzwrite(gz, much.data(), static_cast<unsigned>(much.size()));
  }
  gzclose(gz);
  EXPECT_THAT(complaint_of(folder,
                           [&] {
                             for (Lines lines(file); lines.next();) {
                             }
                           }),
              HasSubstr("expected a file of at most 268435456 bytes, unpacked."));
}

TEST(Lines, ALineWithoutAnEndIsRefusedBeforeItFillsMemory) {
  const TemporaryFolder folder;
  const auto file = folder.write("f", "short\n" + std::string(kMaxLineBytes + (1 << 17), 'x'));
  EXPECT_EQ(complaint_of(folder, [&] { lines_of(file); }),
            "f:2: expected a line of at most 8388608 bytes.");
}

TEST(Lines, AMissingFileAndAFolderAreRefused) {
  const TemporaryFolder folder;
  EXPECT_EQ(complaint_of(folder, [&] { lines_of(folder.path() / "none"); }),
            "none: expected a file that can be read.");
  std::filesystem::create_directory(folder.path() / "sub");
  EXPECT_EQ(complaint_of(folder, [&] { lines_of(folder.path() / "sub"); }),
            "sub: expected a file, found a folder.");
}

TEST(FindInput, TakesThePlainFileFirstAndTheGzipOneElse) {
  const TemporaryFolder folder;
  folder.write("a.tsv.gz", "");
  EXPECT_EQ(find_input(folder.path(), "a.tsv").filename(), "a.tsv.gz");
  folder.write("a.tsv", "");
  EXPECT_EQ(find_input(folder.path(), "a.tsv").filename(), "a.tsv");
  EXPECT_THAT(complaint_of(folder, [&] { find_input(folder.path(), "b.tsv"); }),
              HasSubstr(": expected a file b.tsv or b.tsv.gz, found neither."));
  EXPECT_EQ(complaint_of(folder, [&] { find_input(folder.path() / "none", "b.tsv"); }),
            "none: expected the folder of a capture.");
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number("0x1f"), 0x1f);
  EXPECT_EQ(parse_number("31"), 31);
  EXPECT_EQ(parse_number("0xffffffffffffffff"), kMax64);
  for (const char* text :
       {"", "0x", "-1", "+1", " 1", "1 ", "0x1g", "12a", "0x10000000000000000", "0x0x1"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_hexadecimal("1f"), 0x1f);
  EXPECT_EQ(parse_hexadecimal("0x1f"), std::nullopt);
}

TEST(InQuotes, WhatATerminalWouldObeyIsTakenOut) {
  EXPECT_EQ(in_quotes("a\tb\x1b[31m\xff"), "\"a b?[31m?\"");
  EXPECT_EQ(in_quotes(std::string(70, 'x')), "\"" + std::string(60, 'x') + "...\"");
}

}  // namespace
}  // namespace smmu::cli::input_test
