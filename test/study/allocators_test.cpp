// Every allocator of the study, against a sorted map.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/study/allocator.h"
#include "bench/study/bitmap.h"
#include "test/study/model.h"

namespace smmu::study::allocators_test {
namespace {

constexpr Pfn k4GiB = Pfn{1} << 20;
constexpr Pfn kLowest4096 = k4GiB - 4096;  // a start that leaves so many pages below 4 GiB

std::unique_ptr<AnyAllocator> make(const std::string& name, Pfn start) {
  for (const NamedAllocator& allocator : allocators()) {
    if (allocator.name == name) return allocator.make(start);
  }
  throw std::invalid_argument("no allocator " + name);
}

// Those that refuse what there is a place for.
bool is_complete(const std::string& name) { return name != "linux_exact" && name != "linear_2016"; }

Pfn reach_of(const std::string& name) { return name == "bitmap" ? Bitmap::kWindow : kEnd; }

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const NamedAllocator& allocator : allocators()) names.push_back(allocator.name);
  return names;
}

struct Outcome {
  std::uint64_t refusals = 0;
  std::uint64_t false_refusals = 0;
};

// Plays a random sequence.  `answered` sees every answer.
template <class Answered>
void play(const Place& place, std::uint64_t seed, std::uint64_t operations, AnyAllocator& allocator,
          Model& model, Answered answered) {
  Sequence sequence(place, seed);
  std::vector<std::pair<Pfn, std::uint64_t>> live;
  for (std::uint64_t i = 0; i != operations; ++i) {
    if (!live.empty() && sequence.wants_free()) {
      std::swap(live[sequence.any_of(live.size())], live.back());
      allocator.free(live.back().first, live.back().second);
      model.free(live.back().first);
      live.pop_back();
      continue;
    }
    const Request request = sequence.request();
    const std::optional<Pfn> first = allocator.allocate(request);
    answered(request, first);
    if (::testing::Test::HasFatalFailure()) {
      FAIL() << "operation " << i << ": " << request.pages << " pages up to " << request.limit;
    }
    if (first) live.emplace_back(*first, request.pages);
  }
}

class Named : public ::testing::TestWithParam<std::string> {};

TEST_P(Named, GivesOnlyWhatIsFreeAndRefusesAsItSays) {
  Outcome everywhere;
  std::uint64_t seed = 1;
  for (const Place& place : places()) {
    SCOPED_TRACE(std::string(place.name) + ", seed " + std::to_string(seed));
    Outcome outcome;
    Model model(place.start);
    const auto allocator = make(GetParam(), place.start);
    play(place, seed++, 100'000, *allocator, model,
         [&](const Request& request, std::optional<Pfn> first) {
           if (first) {
             ASSERT_TRUE(model.takes(request, *first)) << *first;
             return;
           }
           ++outcome.refusals;
           if (!model.has_place(request, reach_of(GetParam()))) return;
           ++outcome.false_refusals;
           ASSERT_FALSE(is_complete(GetParam())) << "refused";
         });
    if (HasFatalFailure()) return;
    everywhere.refusals += outcome.refusals;
    everywhere.false_refusals += outcome.false_refusals;
  }
  EXPECT_GT(everywhere.refusals, 1000U);
  EXPECT_EQ(everywhere.false_refusals == 0, is_complete(GetParam())) << everywhere.false_refusals;
}

TEST_P(Named, GivesEveryPageOnceAndAgainWhenItIsFreed) {
  const auto allocator = make(GetParam(), kLowest4096);
  Model model(kLowest4096);
  const Request page{.pages = 1, .limit = k4GiB - 1};
  for (int i = 0; i != 4096; ++i) {
    const auto first = allocator->allocate(page);
    ASSERT_TRUE(first && model.takes(page, *first)) << i;
  }
  EXPECT_EQ(allocator->allocate(page), std::nullopt);
  for (const Pfn first : {k4GiB - 1, kLowest4096, kLowest4096 + 1000}) {
    allocator->free(first, 1);
    EXPECT_EQ(allocator->allocate(page), first);
    EXPECT_EQ(allocator->allocate(page), std::nullopt);
  }
}

TEST_P(Named, RefusesWhatNoSpaceHasAndGoesOn) {
  const auto allocator = make(GetParam(), 100);
  const std::uint64_t most = ~std::uint64_t{0};
  for (const std::uint64_t pages : {std::uint64_t{0}, kEnd, most / 2 + 1, most / 2 + 2, most}) {
    for (const Alignment alignment : {Alignment::kNone, Alignment::kNatural}) {
      for (const Pfn limit : {Pfn{0}, Pfn{99}, kEnd - 1, most}) {
        EXPECT_EQ(allocator->allocate({pages, limit, alignment}), std::nullopt) << pages;
      }
    }
  }
  EXPECT_EQ(allocator->allocate({1, 99}), std::nullopt);
  const auto first = allocator->allocate({8, most});
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, reach_of(GetParam()) - 8);
}

TEST_P(Named, CountsWhatItLooksAtAndWhatItHolds) {
  const auto allocator = make(GetParam(), 1);
  std::vector<Pfn> live;
  for (int i = 0; i != 10'000; ++i) {
    const auto first = allocator->allocate({1, k4GiB - 1});
    ASSERT_TRUE(first);
    live.push_back(*first);
  }
  EXPECT_GT(allocator->visits(), 0U);
  const std::uint64_t held = allocator->bytes();
  for (const Pfn first : live) allocator->free(first, 1);
  // Memory is kept for the next ones, and is enough for as many.
  for (std::size_t i = 0; i != live.size(); ++i) {
    ASSERT_TRUE(allocator->allocate({1, k4GiB - 1}));
  }
  EXPECT_LE(allocator->bytes(), held + 64 * 1024);
  EXPECT_GE(held, GetParam() == "two_trees" ? 100U : 10'000U);
}

INSTANTIATE_TEST_SUITE_P(Allocators, Named, ::testing::ValuesIn(names()),
                         [](const auto& parameter) { return parameter.param; });

// Two allocators that give the same addresses and refusals.
void expect_same(const std::string& a, const std::string& b, const std::vector<Place>& where) {
  std::uint64_t seed = 100;
  for (const Place& place : where) {
    SCOPED_TRACE(std::string(place.name) + ", seed " + std::to_string(seed));
    const auto first = make(a, place.start);
    const auto second = make(b, place.start);
    Sequence sequence(place, seed++);
    std::vector<std::pair<Pfn, std::uint64_t>> live;
    for (int i = 0; i != 200'000; ++i) {
      if (!live.empty() && sequence.wants_free()) {
        std::swap(live[sequence.any_of(live.size())], live.back());
        first->free(live.back().first, live.back().second);
        second->free(live.back().first, live.back().second);
        live.pop_back();
        continue;
      }
      const Request request = sequence.request();
      const auto answer = first->allocate(request);
      ASSERT_EQ(answer, second->allocate(request)) << "operation " << i;
      if (answer) live.emplace_back(*answer, request.pages);
    }
  }
}

TEST(LinearCached, GivesTheAddressesOfLinuxExactWithoutMemo) {
  expect_same("linear_cached", "linux_exact_without_memo", places());
}

TEST(Bitmap, GivesTheAddressesOfHighestGapInItsWindow) {
  std::vector<Place> inside = places();
  for (Place& place : inside) {
    for (Pfn& limit : place.limits) limit = std::min(limit, Bitmap::kWindow - 1);
  }
  expect_same("bitmap", "highest_gap", inside);
}

TEST(LinuxExact, RefusesByItsMemoryOfTheLastRefusal) {
  const auto exact = make("linux_exact", 100);
  EXPECT_EQ(exact->allocate({1, 50}), std::nullopt);
  EXPECT_EQ(exact->allocate({1, k4GiB - 1}), std::nullopt);
  EXPECT_EQ(make("linux_exact_without_memo", 100)->allocate({1, k4GiB - 1}), k4GiB - 1);
}

TEST(Linear2016, WalksFromTheTopUnlessTheLimitIsTheEndOf4GiB) {
  for (const auto& [limit, visits] : {std::pair{k4GiB - 1, 1U}, std::pair{k4GiB - 2, 1000U}}) {
    const auto linear = make("linear_2016", 1);
    for (int i = 0; i != 1000; ++i) ASSERT_TRUE(linear->allocate({1, limit}));
    const std::uint64_t before = linear->visits();
    ASSERT_TRUE(linear->allocate({1, limit}));
    EXPECT_EQ(linear->visits() - before, visits) << limit;
  }
}

TEST(Linear2016, NeverLooksAboveTheLastRangeBelow4GiB) {
  const auto linear = make("linear_2016", k4GiB - 16);
  EXPECT_EQ(linear->allocate({1, k4GiB - 1}), k4GiB - 1);
  EXPECT_EQ(linear->allocate({8, k4GiB - 1}), k4GiB - 16);  // leaves 7 pages above
  EXPECT_EQ(linear->allocate({1, k4GiB - 1}), std::nullopt);
  EXPECT_EQ(linear->allocate({1, k4GiB}), k4GiB);
  EXPECT_EQ(linear->allocate({1, k4GiB - 2}), k4GiB - 2);
}

TEST(TwoTrees, TakesFromTheSmallestFreeRange) {
  const auto trees = make("two_trees", 1);
  ASSERT_EQ(trees->allocate({16, 1023}), 1008U);
  trees->free(1008, 16);
  ASSERT_EQ(trees->allocate({1, 1023}), 1023U);
  ASSERT_EQ(trees->allocate({1, 1019}), 1019U);  // [1020, 1022] is free
  EXPECT_EQ(trees->allocate({2, 1023}), 1020U);
  EXPECT_EQ(trees->allocate({1, 1023}), 1022U);
  EXPECT_EQ(trees->allocate({1, 1023}), 1018U);
}

TEST(Bump, PassesWhatIsFreedUntilItComesRound) {
  const auto bump = make("bump", 1020);
  EXPECT_EQ(bump->allocate({1, 1023}), 1023U);
  EXPECT_EQ(bump->allocate({1, 1023}), 1022U);
  bump->free(1023, 1);
  EXPECT_EQ(bump->allocate({1, 1023}), 1021U);
  EXPECT_EQ(bump->allocate({1, 1023}), 1020U);
  EXPECT_EQ(bump->allocate({1, 1023}), 1023U);
  EXPECT_EQ(bump->allocate({1, 1023}), std::nullopt);
}

}  // namespace
}  // namespace smmu::study::allocators_test
