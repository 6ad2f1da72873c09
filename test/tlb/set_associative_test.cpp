// The shape of every cache: look-up, growth, replacement, dead entries.
#include "emulator/tlb/set_associative.h"

#include <gtest/gtest.h>

#include <optional>

namespace smmu::emulator::set_associative_test {
namespace {

struct Key {
  std::uint64_t number = 0;

  bool vacant() const { return number == 0; }
  // The set is taken from the high bits: number modulo 2^8 reversed to there.
  std::uint64_t hash() const { return number << 56; }
  friend bool operator==(const Key&, const Key&) = default;
};

using Cache = SetAssociative<Key, int>;
constexpr auto kAllLive = [](const Key&) { return false; };

struct Displaced {
  Key key;
  int value;
  EvictionReason reason;
};

// The entry that had to go, if one had to.
template <class Dead>
std::optional<Displaced> insert(Cache& cache, Key key, int value, Dead&& dead) {
  std::optional<Displaced> displaced;
  cache.insert(key, value, dead, [&](const Key& gone, int gone_value, EvictionReason reason) {
    displaced = {gone, gone_value, reason};
  });
  return displaced;
}

TEST(SetAssociative, FindsWhatWasInserted) {
  Cache cache({.sets = 4, .ways = 2}, 0);
  EXPECT_EQ(cache.find({5}), nullptr);
  EXPECT_FALSE(insert(cache, {5}, 50, kAllLive));
  ASSERT_NE(cache.find({5}), nullptr);
  EXPECT_EQ(*cache.find({5}), 50);
  EXPECT_EQ(cache.find({6}), nullptr);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(SetAssociative, TheSameKeyReplacesItsEntry) {
  Cache cache({.sets = 1, .ways = 2}, 0);
  EXPECT_FALSE(insert(cache, {5}, 50, kAllLive));
  EXPECT_FALSE(insert(cache, {5}, 51, kAllLive));
  EXPECT_EQ(*cache.find({5}), 51);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(SetAssociative, AFullSetReplacesItsEntriesInTurn) {
  Cache cache({.sets = 1, .ways = 2}, 0);
  EXPECT_FALSE(insert(cache, {1}, 10, kAllLive));
  EXPECT_FALSE(insert(cache, {2}, 20, kAllLive));
  const auto first = insert(cache, {3}, 30, kAllLive);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->reason, EvictionReason::kReplaced);
  EXPECT_EQ(first->value, static_cast<int>(first->key.number) * 10);
  EXPECT_EQ(cache.find(first->key), nullptr);
  const auto second = insert(cache, {4}, 40, kAllLive);
  ASSERT_TRUE(second);
  EXPECT_EQ(first->key.number + second->key.number, 3U);  // 1 and 2, in some order
  EXPECT_EQ(*cache.find({3}), 30);
  EXPECT_EQ(*cache.find({4}), 40);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(SetAssociative, ADeadEntryGivesWayWithoutBeingDisplaced) {
  Cache cache({.sets = 1, .ways = 2}, 0);
  EXPECT_FALSE(insert(cache, {1}, 10, kAllLive));
  EXPECT_FALSE(insert(cache, {2}, 20, kAllLive));
  const auto dead = [](const Key& key) { return key.number == 2; };
  EXPECT_FALSE(insert(cache, {3}, 30, dead));
  EXPECT_NE(cache.find({1}), nullptr);
  EXPECT_EQ(cache.find({2}), nullptr);
  EXPECT_NE(cache.find({3}), nullptr);
  EXPECT_EQ(cache.size(), 2U);
}

TEST(SetAssociative, GrowsInsteadOfReplacingUntilTheCap) {
  Cache cache({.sets = 1, .ways = 2}, 64);
  // Keys that differ in the highest bits of their hash spread over the sets.
  for (std::uint64_t i = 1; i <= 32; ++i) {
    EXPECT_FALSE(insert(cache, {i * 8}, static_cast<int>(i), kAllLive)) << i;
  }
  EXPECT_EQ(cache.size(), 32U);
}

TEST(SetAssociative, AtTheCapAnEntryHasToGo) {
  Cache cache({.sets = 1, .ways = 2}, 4);
  unsigned displaced = 0;
  for (std::uint64_t i = 1; i <= 16; ++i) {
    const auto gone = insert(cache, {i * 16}, static_cast<int>(i), kAllLive);
    if (!gone) continue;
    ++displaced;
    EXPECT_EQ(gone->reason, EvictionReason::kCap);
  }
  EXPECT_GE(displaced, 12U);
  EXPECT_LE(cache.size(), 4U);
}

TEST(SetAssociative, ACapIsReachedBeforeAnythingHasToGo) {
  constexpr std::uint64_t kCap = 1000;
  struct Numbered {
    std::uint64_t number = 0;
    bool vacant() const { return number == 0; }
    std::uint64_t hash() const { return number * 0x9e3779b97f4a7c15; }
    bool operator==(const Numbered&) const = default;
  };
  SetAssociative<Numbered, int> cache({.sets = 1, .ways = 1}, kCap);
  std::uint64_t gone = 0;
  const auto live = [](const Numbered&) { return false; };
  const auto evict = [&](const Numbered&, int, EvictionReason reason) {
    EXPECT_EQ(reason, EvictionReason::kCap);
    ++gone;
  };
  for (std::uint64_t i = 1; i <= kCap; ++i) cache.insert({i}, 0, live, evict);
  EXPECT_EQ(gone, 0U);
  for (std::uint64_t i = 1; i <= kCap; ++i) EXPECT_NE(cache.find({i}), nullptr);
  for (std::uint64_t i = kCap + 1; i <= 2 * kCap; ++i) cache.insert({i}, 0, live, evict);
  EXPECT_EQ(gone, kCap);
  EXPECT_EQ(cache.size(), kCap);
  EXPECT_NE(cache.find({2 * kCap}), nullptr);
}

TEST(SetAssociative, ReplacingIsForAFullCacheThatHasNotChanged) {
  Cache cache({.sets = 1, .ways = 2}, 0);
  const auto place_of = [&](Key key) { return Cache::Place{cache.set_of(key), cache.changes()}; };
  (void)insert(cache, {1}, 10, kAllLive);
  EXPECT_FALSE(cache.replace(place_of({2}), {2}, 20));  // there is room
  (void)insert(cache, {2}, 20, kAllLive);
  const Cache::Place old = place_of({3});
  EXPECT_TRUE(cache.replace(old, {3}, 30));
  EXPECT_EQ(*cache.find({3}), 30);
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_FALSE(cache.replace(old, {4}, 40));
  EXPECT_EQ(cache.find({4}), nullptr);
}

TEST(SetAssociative, OccupyingIsForASetWithRoomThatHasNotChanged) {
  Cache cache({.sets = 1, .ways = 2}, 0);
  const auto place_of = [&](Key key) { return Cache::Place{cache.set_of(key), cache.changes()}; };
  const Cache::Place old = place_of({1});
  EXPECT_TRUE(cache.occupy(old, {1}, 10));
  EXPECT_EQ(*cache.find({1}), 10);
  EXPECT_FALSE(cache.occupy(old, {2}, 20));
  EXPECT_TRUE(cache.occupy(place_of({2}), {2}, 20));
  EXPECT_EQ(cache.size(), 2U);
  EXPECT_FALSE(cache.occupy(place_of({3}), {3}, 30));  // full
  EXPECT_TRUE(cache.replace(place_of({3}), {3}, 30));
  cache.erase({3});
  EXPECT_EQ(cache.find({3}), nullptr);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_TRUE(cache.occupy(place_of({4}), {4}, 40));

  Cache growing({.sets = 1, .ways = 2}, 8);
  EXPECT_FALSE(growing.occupy({growing.set_of({1}), growing.changes()}, {1}, 10));
}

TEST(SetAssociative, GrowingKeepsTheLiveAndDropsTheDead) {
  Cache cache({.sets = 1, .ways = 2}, 64);
  EXPECT_FALSE(insert(cache, {0x10}, 1, kAllLive));
  EXPECT_FALSE(insert(cache, {0x90}, 2, kAllLive));
  EXPECT_FALSE(insert(cache, {0xd0}, 3, kAllLive));
  EXPECT_FALSE(insert(cache, {0x50}, 4, kAllLive));
  for (const auto& [key, value] : {std::pair{0x10, 1}, {0x90, 2}, {0xd0, 3}, {0x50, 4}}) {
    const int* found = cache.find({static_cast<std::uint64_t>(key)});
    ASSERT_NE(found, nullptr) << key;
    EXPECT_EQ(*found, value);
  }
}

TEST(SetAssociative, EraseAsksTheValue) {
  Cache cache({.sets = 2, .ways = 2}, 0);
  EXPECT_FALSE(insert(cache, {1}, 10, kAllLive));
  cache.erase({1}, [](int value) { return value != 10; });
  EXPECT_NE(cache.find({1}), nullptr);
  cache.erase({1}, [](int value) { return value == 10; });
  EXPECT_EQ(cache.find({1}), nullptr);
  EXPECT_EQ(cache.size(), 0U);
}

TEST(SetAssociative, EraseIfVisitsEveryEntry) {
  Cache cache({.sets = 4, .ways = 4}, 0);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_FALSE(insert(cache, {i * 0x40 + i}, static_cast<int>(i), kAllLive));
  }
  unsigned visited = 0;
  cache.erase_if([&](const Key&, int value) {
    ++visited;
    return value % 2 == 1;
  });
  EXPECT_EQ(visited, 3U);
  EXPECT_EQ(cache.size(), 1U);
}

TEST(SetAssociative, ClearEmptiesAndShrinks) {
  Cache cache({.sets = 1, .ways = 1}, 8);
  for (std::uint64_t i = 1; i <= 8; ++i) (void)insert(cache, {i * 32}, 1, kAllLive);
  cache.clear();
  EXPECT_EQ(cache.size(), 0U);
  for (std::uint64_t i = 1; i <= 8; ++i) EXPECT_EQ(cache.find({i * 32}), nullptr);
}

}  // namespace
}  // namespace smmu::emulator::set_associative_test
