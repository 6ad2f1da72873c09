// Memory that lies in files: what is there, what is not, and that nobody writes to the files.
#include "emulator/cli/raw_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>

#include "test/cli/temporary_folder.h"

namespace smmu::cli::raw_memory_test {
namespace {

using ::testing::HasSubstr;

class RawMemories : public ::testing::Test {
 protected:
  std::string file(std::string_view name, std::string_view bytes, std::string_view address) {
    return folder_.write(name, bytes).string() + "@" + std::string(address);
  }
  std::string complaint(const std::string& text) {
    return complaint_of(folder_, [&] { memory_.add(text); });
  }
  std::optional<std::uint64_t> word(std::uint64_t address) {
    const auto found = memory_.load64(Pa(address));
    return found ? std::optional(*found) : std::nullopt;
  }

  TemporaryFolder folder_;
  RawMemory memory_;
};

TEST_F(RawMemories, FilesAreWhereTheyWerePut) {
  memory_.add(file("a@b", "12345678abcdefgh", "0x1000"));
  memory_.add(file("c", "xyz", "4112"));
  EXPECT_EQ(word(0x1000), 0x3837'3635'3433'3231U);
  EXPECT_EQ(word(0x1008), 0x6867'6665'6463'6261U);
  EXPECT_EQ(word(0x1010), 0x7a'7978U);
  EXPECT_EQ(word(0x1018), std::nullopt);
  EXPECT_EQ(word(0xff8), std::nullopt);
  EXPECT_EQ(word(0xffff'ffff'ffff'fff8), std::nullopt);
  EXPECT_EQ(memory_.failure(), "");
}

TEST_F(RawMemories, WhatIsWrittenIsKeptBesideTheFile) {
  memory_.add(file("a", "12345678", "0"));
  const auto found = memory_.compare_exchange64(Pa(0), 0x3837'3635'3433'3231, 5);
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, 0x3837'3635'3433'3231U);
  EXPECT_EQ(word(0), 5U);
  const auto other = memory_.compare_exchange64(Pa(0), 6, 7);
  ASSERT_TRUE(other);
  EXPECT_EQ(*other, 5U);
  EXPECT_EQ(word(0), 5U);
  EXPECT_FALSE(memory_.compare_exchange64(Pa(8), 0, 1));
  ASSERT_EQ(memory_.updates().size(), 1U);
  EXPECT_EQ(memory_.updates()[0].address, 0U);
  EXPECT_EQ(memory_.updates()[0].before, 0x3837'3635'3433'3231U);
  EXPECT_EQ(memory_.updates()[0].after, 5U);
  EXPECT_EQ(folder_.read("a"), "12345678");
}

TEST_F(RawMemories, BytesAreThoseOfTheWords) {
  memory_.add(file("a", "12345678abcdefgh", "0"));
  std::array<std::byte, 4> bytes{};
  EXPECT_EQ(memory_.read(Pa(6), bytes), BusResponse::kOkay);
  EXPECT_EQ(bytes, (std::array{std::byte{'7'}, std::byte{'8'}, std::byte{'a'}, std::byte{'b'}}));
  EXPECT_EQ(memory_.write(Pa(4), std::array{std::byte{'x'}, std::byte{'y'}}), BusResponse::kOkay);
  EXPECT_EQ(memory_.read(Pa(3), bytes), BusResponse::kOkay);
  EXPECT_EQ(bytes, (std::array{std::byte{'4'}, std::byte{'x'}, std::byte{'y'}, std::byte{'7'}}));
  EXPECT_EQ(memory_.read(Pa(14), bytes), BusResponse::kAbort);
  EXPECT_EQ(memory_.write(Pa(14), bytes), BusResponse::kAbort);
  EXPECT_EQ(folder_.read("a"), "12345678abcdefgh");
}

TEST_F(RawMemories, ACapturesMemoryIsMemoryToo) {
  folder_.write("memory.txt", "page 0x2000 tables\n8 1234\n");
  memory_.add(file("a", "12345678", "0x1000"));
  memory_.add(MemoryImage::load(folder_.path()));
  EXPECT_EQ(word(0x2008), 0x1234U);
  EXPECT_EQ(word(0x2ff8), 0U);
  EXPECT_EQ(word(0x3000), std::nullopt);
  EXPECT_THAT(complaint(file("b", "12345678", "0x2ff8")), HasSubstr("memory.txt has 0x2ff8"));
  EXPECT_EQ(complaint(file("c", "12345678", "0x3000")), "");
  RawMemory other;
  other.add(file("d", std::string(16, 'd'), "0x1ff8"));
  EXPECT_THAT(complaint_of(folder_, [&] { other.add(MemoryImage::load(folder_.path())); }),
              HasSubstr("expected memory where there is none yet"));
}

TEST_F(RawMemories, WhatIsNoFileOrNoAddressIsRefused) {
  const std::string kNoAddress = "--memory: expected FILE@ADDRESS, the address a multiple of 8 ";
  for (const char* text :
       {"", "a", "@", "a@", "a@x", "a@4", "a@-8", "a@0x100000000000000", "a@0x10000000000000000"}) {
    EXPECT_THAT(complaint(text), ::testing::StartsWith(kNoAddress)) << text;
  }
  EXPECT_THAT(complaint("/does/not/exist@0"), HasSubstr("expected a file that can be read"));
  EXPECT_EQ(complaint(folder_.path().string() + "/@0"), ": expected a plain file.");
  EXPECT_THAT(complaint("/dev/zero@0"), HasSubstr("expected a plain file"));
  ASSERT_EQ(::mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(complaint((folder_.path() / "pipe").string() + "@0"), "pipe: expected a plain file.");
  EXPECT_EQ(complaint(file("empty", "", "0")), "empty: expected a file that is not empty.");
  EXPECT_EQ(complaint(file("end", std::string(16, 'e'), "0xfffffffffffff8")),
            "end: expected memory that ends below 2^56.");
}

TEST_F(RawMemories, FilesDoNotOverlap) {
  memory_.add(file("a", std::string(4096, 'a'), "0x1000"));
  EXPECT_THAT(complaint(file("b", "b", "0x1ff8")), HasSubstr("a has 0x1ff8."));
  EXPECT_THAT(complaint(file("c", std::string(4097, 'c'), "0")), HasSubstr("a has 0x1000."));
  EXPECT_EQ(complaint(file("d", std::string(4096, 'd'), "0")), "");
  EXPECT_EQ(complaint(file("e", "e", "0x2000")), "");
}

TEST_F(RawMemories, AFileThatIsCutShortMeanwhileIsAFailure) {
  const std::string text = file("a", std::string(4096, 'a'), "0");
  memory_.add(text);
  std::filesystem::resize_file(folder_.path() / "a", 8);
  EXPECT_EQ(word(8), std::nullopt);
  EXPECT_THAT(memory_.failure(), HasSubstr("expected 8 bytes at offset 0x8, which cannot be read"));
}

}  // namespace
}  // namespace smmu::cli::raw_memory_test
