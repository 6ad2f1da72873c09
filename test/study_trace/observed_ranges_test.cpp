// From what appears and vanishes to requests.
#include "bench/study/trace/observed_ranges.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "bench/study/trace/text_format.h"
#include "test/study_trace/check_trace.h"

namespace smmu::study::observed_ranges_test {
namespace {

using Appearance = ObservedRanges::Appearance;
using Unseen = ObservedRanges::Unseen;

// Of each request and free a line, without what is the same everywhere.
std::string story_of(ObservedRanges& ranges) {
  Trace trace;
  trace.domains.push_back(ranges.finish());
  EXPECT_EQ(wrong_with(trace), "");
  EXPECT_EQ(overlap_in(trace), "");
  std::string story;
  for (const Operation& operation : trace.domains[0].operations) {
    story +=
        operation.kind == Operation::Kind::kFree
            ? fmt::format("free {}\n", operation.slot)
            : fmt::format("{} at {} -> {}\n", operation.pages, operation.first, operation.slot);
  }
  return story;
}

TEST(ObservedRanges, WhatVanishesAloneWasAlone) {
  ObservedRanges ranges(4096);
  EXPECT_EQ(ranges.appear({10, 11}, 0, 1), Appearance::kNew);
  EXPECT_EQ(ranges.appear({12, 12}, 0, 1), Appearance::kNew);
  EXPECT_EQ(ranges.vanish({12, 12}, 0, 2).ranges, 1u);
  EXPECT_EQ(ranges.vanish({10, 11}, 0, 2).ranges, 1u);
  EXPECT_EQ(story_of(ranges), "2 at 10 -> 0\n1 at 12 -> 1\nfree 1\nfree 0\n");
}

TEST(ObservedRanges, WhatVanishesTogetherWasOneRequest) {
  ObservedRanges ranges(4096);
  ranges.appear({12, 12}, 0, 1);
  ranges.appear({20, 20}, 0, 1);  // not beside the others
  ranges.appear({10, 11}, 0, 1);
  const auto vanished = ranges.vanish({10, 20}, 0, 2);
  EXPECT_EQ(vanished.ranges, 3u);
  EXPECT_EQ(vanished.requests, 2u);
  EXPECT_TRUE(vanished.beyond);
  EXPECT_EQ(story_of(ranges), "3 at 10 -> 0\n1 at 20 -> 1\nfree 0\nfree 1\n");
}

TEST(ObservedRanges, PagesNotSeenMayBelongToThoseThatVanishWithThem) {
  ObservedRanges ranges(4096, Unseen::kJoined);
  ranges.appear({12, 12}, 0, 1);
  ranges.appear({14, 14}, 0, 1);
  ranges.vanish({10, 17}, 0, 2);
  ranges.vanish({10, 17}, 0, 3);  // of nothing
  EXPECT_EQ(story_of(ranges), "8 at 10 -> 0\nfree 0\n");
}

TEST(ObservedRanges, APageThatWasSomebodyElsesMeanwhileIsNotJoined) {
  for (const Unseen unseen : {Unseen::kLeftOut, Unseen::kJoined}) {
    ObservedRanges ranges(4096, unseen);
    ranges.appear({10, 10}, 0, 1);
    ranges.appear({11, 11}, 0, 1);
    ranges.vanish({11, 11}, 0, 2);
    ranges.appear({11, 11}, 0, 3);
    ranges.vanish({10, 11}, 0, 4);
    EXPECT_EQ(story_of(ranges),
              "1 at 10 -> 0\n1 at 11 -> 1\nfree 1\n1 at 11 -> 1\nfree 0\nfree 1\n");
  }
  // Nor one that is not there again.
  ObservedRanges ranges(4096, Unseen::kJoined);
  ranges.appear({10, 10}, 0, 1);
  ranges.appear({11, 11}, 0, 1);
  ranges.vanish({11, 11}, 0, 2);
  ranges.vanish({10, 11}, 0, 4);
  EXPECT_EQ(story_of(ranges), "1 at 10 -> 0\n1 at 11 -> 1\nfree 1\nfree 0\n");
}

TEST(ObservedRanges, ARangeIsFreeWhenAllOfItHasVanished) {
  ObservedRanges ranges(4096);
  ranges.appear({10, 19}, 0, 1);
  EXPECT_EQ(ranges.vanish({12, 13}, 0, 2).partly, 1u);
  EXPECT_EQ(ranges.vanish({10, 11}, 0, 2).partly, 1u);
  EXPECT_EQ(ranges.vanish({11, 15}, 0, 2).partly, 1u);
  // A part that is gone is not free yet.
  EXPECT_EQ(ranges.appear({12, 12}, 0, 3), Appearance::kSeen);
  EXPECT_EQ(ranges.vanish({17, 30}, 0, 4).partly, 1u);
  const auto last = ranges.vanish({16, 16}, 0, 5);
  EXPECT_EQ(last.ranges, 1u);
  EXPECT_EQ(last.partly, 0u);
  EXPECT_EQ(ranges.appear({12, 12}, 0, 6), Appearance::kNew);
  EXPECT_EQ(story_of(ranges), "10 at 10 -> 0\nfree 0\n1 at 12 -> 0\n");
}

TEST(ObservedRanges, WhatOverlapsIsLeftOut) {
  ObservedRanges ranges(4096);
  ranges.appear({10, 19}, 0, 1);
  EXPECT_EQ(ranges.appear({10, 19}, 0, 2), Appearance::kSeen);
  EXPECT_EQ(ranges.appear({19, 20}, 0, 2), Appearance::kOverlaps);
  EXPECT_EQ(ranges.appear({0, 10}, 0, 2), Appearance::kOverlaps);
  EXPECT_EQ(ranges.appear({9, 20}, 0, 2), Appearance::kOverlaps);
  EXPECT_EQ(story_of(ranges), "10 at 10 -> 0\n");
}

TEST(ObservedRanges, AllThatIsLiveVanishesOneByOne) {
  ObservedRanges ranges(4096);
  ranges.appear({10, 10}, 0, 1);
  ranges.appear({11, 12}, 0, 1);
  ranges.vanish({12, 12}, 0, 1);
  EXPECT_EQ(ranges.vanish_all(0, 2).requests, 2u);
  EXPECT_EQ(ranges.live(), 0u);
  EXPECT_EQ(story_of(ranges), "1 at 10 -> 0\n2 at 11 -> 1\nfree 0\nfree 1\n");
}

TEST(ObservedRanges, LimitsAndAlignmentAreGuessedFromTheAddress) {
  ObservedRanges ranges(4096);
  ranges.appear({0, 0}, 7, 1);
  ranges.appear({0xf'fff8, 0xf'ffff}, 0, 1);
  ranges.appear({0x10'0004, 0x10'0008}, 0, 1);
  ranges.appear({0x10'0000'0000, 0x10'0000'0004}, 0, 1);
  const TraceDomain domain = ranges.finish();
  EXPECT_EQ(domain.start, 0u);
  EXPECT_EQ(domain.operations[0].thread, 7u);
  EXPECT_EQ(domain.operations[0].limit, 0xf'ffffu);
  EXPECT_EQ(domain.operations[1].limit, 0xf'ffffu);
  EXPECT_EQ(domain.operations[1].alignment, Alignment::kNatural);
  EXPECT_EQ(domain.operations[2].limit, 0xf'ffff'ffffu);
  EXPECT_EQ(domain.operations[2].alignment, Alignment::kNone);
  EXPECT_EQ(domain.operations[3].limit, 0xf'ffff'ffff'ffffu);
  EXPECT_EQ(domain.operations[3].alignment, Alignment::kNatural);
  ObservedRanges above(4096);
  above.appear({5, 5}, 0, 1);
  EXPECT_EQ(above.finish().start, 1u);
}

// Whatever comes, no two requests hold a page at a time, and what is live is what appeared.
TEST(ObservedRanges, NothingOverlapsWhateverComes) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&random](unsigned bound) { return random() % bound; };
    ObservedRanges ranges(4096, seed % 2 == 0 ? Unseen::kLeftOut : Unseen::kJoined);
    std::vector<bool> mapped(64);
    for (unsigned step = 0; step < 120; ++step) {
      const Pfn first = below(64);
      const PageRange range{first, std::min<Pfn>(63, first + below(step % 5 == 0 ? 40 : 4))};
      if (below(50) == 0) {
        ranges.vanish_all(0, step);
        mapped.assign(64, false);
      } else if (below(2) == 0) {
        if (ranges.appear(range, 0, step) != Appearance::kNew) continue;
        for (Pfn page = range.first; page <= range.last; ++page) mapped[page] = true;
      } else {
        ranges.vanish(range, 0, step);
        for (Pfn page = range.first; page <= range.last; ++page) mapped[page] = false;
      }
      // A page may be live longer than it is mapped, when it vanished in part; never shorter.
      for (Pfn page = 0; page < 64; ++page) {
        ASSERT_TRUE(!mapped[page] || ranges.find(page).has_value()) << seed << " " << step;
      }
    }
    Trace trace;
    trace.domains.push_back(ranges.finish());
    ASSERT_EQ(wrong_with(trace), "") << seed;
    ASSERT_EQ(overlap_in(trace), "") << seed << "\n" << write_text(trace);
  }
}

}  // namespace
}  // namespace smmu::study::observed_ranges_test
