#include "lib/msi/number_set.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "test/heap/heap.h"

namespace smmu::iommu::number_set_test {
namespace {

TEST(NumberSet, GivesTheLowestNumbersThatAreNobodys) {
  NumberSet numbers(64, 8);
  EXPECT_EQ(numbers.take(1), 64u);
  EXPECT_EQ(numbers.take(1), 65u);
  EXPECT_EQ(numbers.take(2), 66u);
  numbers.give_back(65, 1);
  EXPECT_EQ(numbers.take(2), 68u);
  EXPECT_EQ(numbers.take(1), 65u);
}

TEST(NumberSet, SeveralBeginAtAMultipleOfTheirPowerOfTwoWhereverTheNumbersBegin) {
  NumberSet numbers(35, 64);
  EXPECT_EQ(numbers.take(3), 36u);
  EXPECT_EQ(numbers.take(5), 40u);
  EXPECT_EQ(numbers.take(1), 35u);
  EXPECT_EQ(numbers.take(1), 39u);
}

TEST(NumberSet, IsFullWhenNoRunIsLongEnough) {
  NumberSet numbers(0, 8);
  ASSERT_EQ(numbers.take(8), 0u);
  EXPECT_EQ(numbers.take(1), std::nullopt);
  for (const std::uint32_t number : {1u, 2u, 5u, 6u}) numbers.give_back(number, 1);
  EXPECT_EQ(numbers.take(2), std::nullopt) << "1 and 2 are two, but not from a multiple of 2 on";
  numbers.give_back(7, 1);
  EXPECT_EQ(numbers.take(2), 6u);
}

TEST(NumberSet, ReachesTheHighestNumberThereIs) {
  NumberSet numbers(UINT32_MAX - 1, 2);
  EXPECT_EQ(numbers.take(2), UINT32_MAX - 1);
  EXPECT_TRUE(numbers.is_taken(UINT32_MAX));
  EXPECT_FALSE(numbers.is_taken(0));
  EXPECT_EQ(numbers.take(1), std::nullopt);
}

TEST(NumberSet, IsEmptyWithoutMemory) {
  const HeapRefusal refusal;
  const NumberSet numbers(0, 8);
  EXPECT_EQ(numbers.count(), 0u);
  EXPECT_FALSE(numbers.is_taken(0));
}

// Against a naive one that looks at every number.
TEST(NumberSet, AgreesWithASearchOfAllNumbers) {
  constexpr std::uint32_t kFirst = 61;
  constexpr std::uint32_t kCount = 100;
  NumberSet numbers(kFirst, kCount);
  std::vector<bool> taken(kFirst + kCount);
  struct Range {
    std::uint32_t first, count;
  };
  std::vector<Range> live;
  std::mt19937 random(5);
  for (int round = 0; round != 4000; ++round) {
    if (!live.empty() && random() % 2 == 0) {
      std::swap(live[random() % live.size()], live.back());
      numbers.give_back(live.back().first, live.back().count);
      for (std::uint32_t i = 0; i != live.back().count; ++i) taken[live.back().first + i] = false;
      live.pop_back();
      continue;
    }
    const auto count = static_cast<std::uint32_t>(1 + random() % 9);
    std::optional<std::uint32_t> expected;
    for (std::uint32_t at = kFirst; !expected && at + count <= kFirst + kCount; ++at) {
      bool fits = at % std::bit_ceil(count) == 0;
      for (std::uint32_t i = 0; i != count; ++i) fits = fits && !taken[at + i];
      if (fits) expected = at;
    }
    const auto found = numbers.take(count);
    ASSERT_EQ(found, expected) << "round " << round;
    if (!found) continue;
    for (std::uint32_t i = 0; i != count; ++i) taken[*found + i] = true;
    live.push_back({*found, count});
  }
}

}  // namespace
}  // namespace smmu::iommu::number_set_test
