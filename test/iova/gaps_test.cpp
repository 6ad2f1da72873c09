// What a gap says of itself, against trying every place in it.
#include "lib/iova/gaps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

#include "smmu/iommu/iova.h"
#include "test/iova/seeds.h"

namespace smmu::iommu::gaps_test {
namespace {

constexpr std::uint64_t kMost = Gaps::kMostRoom - Gaps::kNoRoom;

// Whether [begin, end) has a place for so many pages that begin at a multiple of them, rounded up.
bool has_aligned_place(Pfn begin, Pfn end, std::uint64_t pages) {
  const std::uint64_t multiple = std::bit_ceil(pages);
  const Pfn first = (begin + multiple - 1) / multiple * multiple;
  return first >= begin && first <= end && end - first >= pages;
}

TEST(IovaGaps, SmallOnesSayExactlyWhatFits) {
  // Far from 0 nothing is different, but for the highest bit that changes.
  for (const Pfn base : {Pfn{0}, Pfn{64}, Pfn{1} << 20, (Pfn{1} << 51) - 40}) {
    for (Pfn begin = base; begin != base + 80; ++begin) {
      for (Pfn end = begin; end != base + 80; ++end) {
        const Gaps gaps = Gaps::between(begin, end);
        for (std::uint64_t pages = 1; pages <= end - begin + 1; ++pages) {
          const Gaps::Room room = Gaps::room_of(pages);
          ASSERT_EQ(gaps.room[0] >= room, pages <= end - begin) << begin << ' ' << end;
          ASSERT_EQ(gaps.room[1] >= room, has_aligned_place(begin, end, pages))
              << begin << ' ' << end << ' ' << pages;
        }
      }
    }
  }
}

TEST(IovaGaps, LargeOnesSayWhatFitsUpToTheMostThatIsTold) {
  Dice dice(first_seed(1));
  for (unsigned i = 0; i != 100'000; ++i) {
    const Pfn begin = dice.below(Pfn{1} << (1 + dice.below(62)));
    const std::uint64_t size = dice.one_in(2) ? dice.between(1, 9 * kMost)
                                              : dice.between(1, std::uint64_t{1} << dice.below(40));
    const Pfn end = begin + size;
    // Near a power of two things may be off by one.
    const std::uint64_t near = std::uint64_t{1} << dice.below(33);
    const std::uint64_t pages =
        dice.one_in(2) ? dice.between(1, size + 1) : near + 1 - std::min(near, dice.below(3));
    const Gaps gaps = Gaps::between(begin, end);
    const Gaps::Room room = Gaps::room_of(pages);
    const bool fits[2] = {pages <= size, has_aligned_place(begin, end, pages)};
    for (const unsigned lane : {0U, 1U}) {
      if (pages < kMost) {
        ASSERT_EQ(gaps.room[lane] >= room, fits[lane]) << begin << ' ' << end << ' ' << pages;
      } else {
        ASSERT_TRUE(gaps.room[lane] >= room || !fits[lane]) << begin << ' ' << end << ' ' << pages;
      }
    }
  }
}

TEST(IovaGaps, TheLargestIsOfEachLane) {
  Dice dice(first_seed(1));
  const auto any_room = [&] {
    return static_cast<Gaps::Room>(dice.between(Gaps::kNoRoom, Gaps::kMostRoom));
  };
  for (unsigned i = 0; i != 10'000; ++i) {
    const Gaps one = {{any_room(), any_room()}};
    alignas(16) const Gaps two[2] = {{{any_room(), any_room()}}, {{any_room(), any_room()}}};
    const Gaps of_two = largest(two[0], two[1]);
    const Gaps of_three = largest(one, two);
    for (const unsigned lane : {0U, 1U}) {
      ASSERT_EQ(of_two.room[lane], std::max(two[0].room[lane], two[1].room[lane]));
      ASSERT_EQ(of_three.room[lane], std::max(one.room[lane], of_two.room[lane]));
    }
  }
}

TEST(IovaGaps, NoPagesAreNoRoom) {
  EXPECT_EQ(Gaps::between(5, 5), Gaps());
  // As of a gap that lies below the start.
  EXPECT_EQ(Gaps::between(6, 5), Gaps());
}

}  // namespace
}  // namespace smmu::iommu::gaps_test
