// What is put into a snapshot comes out again, and nothing else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "emulator/snapshot/reader.h"
#include "emulator/snapshot/values.h"
#include "emulator/snapshot/writer.h"

namespace smmu::emulator {

enum class Colour : std::uint8_t { kRed, kGreen };
constexpr bool known(Colour value) { return value <= Colour::kGreen; }

namespace {

using ::testing::HasSubstr;

struct Everything {
  std::uint8_t byte = 0;
  std::int8_t level = 0;
  std::int32_t number = 0;
  std::uint64_t word = 0;
  bool flag = false;
  Colour colour = Colour::kRed;
  Pa address;
  std::optional<std::uint16_t> some;
  std::optional<std::uint16_t> none;
  std::variant<std::uint32_t, Terminated> choice;
  std::array<std::uint16_t, 2> pair{};
  std::vector<std::uint16_t> list;

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(byte, level, number, word, flag, colour, address, some, none, choice, pair);
    snapshot.sequence(list, 3);
  }
};

Everything example() {
  return {.byte = 0xfe,
          .level = -1,
          .number = -2,
          .word = 0x0123'4567'89ab'cdef,
          .flag = true,
          .colour = Colour::kGreen,
          .address = Pa(0x4000),
          .some = 7,
          .none = std::nullopt,
          .choice = Terminated{Response::kRazWi},
          .pair = {1, 2},
          .list = {3, 4, 5}};
}

std::vector<std::byte> written(Everything value) {
  SnapshotWriter writer;
  writer(value);
  return writer.take();
}

TEST(Archive, BringsBackEveryKindOfValue) {
  const auto bytes = written(example());
  SnapshotReader reader(bytes);
  Everything read;
  read.none = 5;
  read.list = {9};
  reader(read);
  EXPECT_TRUE(reader.ok()) << reader.error();
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_EQ(read.byte, 0xfe);
  EXPECT_EQ(read.level, -1);
  EXPECT_EQ(read.number, -2);
  EXPECT_EQ(read.word, 0x0123'4567'89ab'cdefU);
  EXPECT_TRUE(read.flag);
  EXPECT_EQ(read.colour, Colour::kGreen);
  EXPECT_EQ(read.address, Pa(0x4000));
  EXPECT_EQ(read.some, 7);
  EXPECT_EQ(read.none, std::nullopt);
  ASSERT_TRUE(std::holds_alternative<Terminated>(read.choice));
  EXPECT_EQ(std::get<Terminated>(read.choice).response, Response::kRazWi);
  EXPECT_THAT(read.pair, ::testing::ElementsAre(1, 2));
  EXPECT_THAT(read.list, ::testing::ElementsAre(3, 4, 5));
}

TEST(Archive, IsLittleEndian) {
  SnapshotWriter writer;
  std::uint32_t word = 0x1234'5678;
  std::int8_t negative = -2;
  writer(word, negative);
  std::uint64_t place = 0;
  writer(place);
  writer.put(5, 0x0102'0304'0506'0708);
  const std::vector<std::byte> bytes = writer.take();
  std::vector<unsigned> numbers;
  for (const std::byte byte : bytes) numbers.push_back(std::to_integer<unsigned>(byte));
  EXPECT_THAT(numbers,
              ::testing::ElementsAre(0x78, 0x56, 0x34, 0x12, 0xfe, 8, 7, 6, 5, 4, 3, 2, 1));
}

TEST(Archive, OfEveryShorterLengthEndsInTheMiddle) {
  const auto bytes = written(example());
  for (std::size_t size = 0; size != bytes.size(); ++size) {
    SnapshotReader reader(std::span<const std::byte>(bytes).first(size));
    reader.section("a thing");
    Everything read;
    reader(read);
    EXPECT_FALSE(reader.ok());
    EXPECT_THAT(reader.error(), HasSubstr("ends in the middle of a thing"));
  }
}

// One byte is wrong, and the sentence says what.
TEST(Archive, RefusesWhatCannotBe) {
  const struct {
    std::size_t at;
    unsigned value;
    const char* complaint;
  } kRows[] = {
      {14, 2, "a truth value"},
      {15, 2, "a value that does not exist"},
      {24, 2, "a truth value"},
      {28, 2, "a choice that does not exist"},
      {29, 2, "a value that does not exist"},
      {34, 4, "more of something"},
  };
  for (const auto& row : kRows) {
    auto bytes = written(example());
    bytes[row.at] = static_cast<std::byte>(row.value);
    SnapshotReader reader(bytes);
    reader.section("a thing");
    Everything read;
    reader(read);
    EXPECT_FALSE(reader.ok()) << row.at;
    EXPECT_THAT(reader.error(), HasSubstr(row.complaint)) << row.at;
    EXPECT_THAT(reader.error(), HasSubstr("a thing")) << row.at;
  }
}

TEST(Archive, KeepsTheFirstMistake) {
  SnapshotReader reader({});
  reader.fail("the first");
  reader.fail("the second");
  EXPECT_FALSE(reader.require(true, "nothing"));
  EXPECT_EQ(reader.error(), "the first");
}

}  // namespace
}  // namespace smmu::emulator
