// What an invalidation takes from a cache that is filed by address, and what it leaves (IHI 0070,
// 4.4; DDI 0487, D8.17).
#include "emulator/tlb/translation_cache.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace smmu::emulator::translation_cache_test {
namespace {

struct Entry {
  Stamp stamp = 0;
  unsigned number = 0;
  std::uint8_t size_bits = 12;
  std::uint8_t of_bits = 12;
  std::int8_t level = 3;
  Granule granule = Granule::k4K;

  unsigned block_bits() const { return of_bits; }
};

using Cache = TranslationCache<Entry>;

constexpr Vmid kVmid(1);
constexpr Asid kAsid(2);
constexpr std::uint64_t kPage = 0x1234'5000;
constexpr std::uint64_t kBlock = std::uint64_t{1} << 21;
constexpr Stamp kLater = 10;

TlbInvalidation addresses(std::uint64_t first, std::uint64_t last) {
  return {
      .vmid = kVmid,
      .asid = kAsid,
      .range = TlbInvalidation::Range{
          .first = first, .last = last, .granule = std::nullopt, .level = 0, .leaf_only = false}};
}

class Kept : public ::testing::TestWithParam<CachePolicy> {
 protected:
  void add(AddressSpaces::Space* space, std::uint64_t address, const Entry& entry) {
    cache_.fill(*space, address, entry, {});
  }
  bool has(const TlbSpaces& spaces, std::uint64_t address) {
    return cache_.find(spaces, address) != nullptr;
  }
  bool has(std::uint64_t address) { return has(spaces_, address); }

  Cache cache_{GetParam(), {.sets = 64, .ways = 4}, 1024};
  TlbSpaces spaces_ = cache_.spaces_of({.vmid = kVmid, .asid = kAsid});
};

TEST_P(Kept, AnEntryIsFoundByAnyAddressInIt) {
  add(spaces_.asid, kPage, {.number = 7});
  const Entry* found = cache_.find(spaces_, kPage + 0xfff);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->number, 7U);
  EXPECT_FALSE(has(kPage + 0x1000));
  EXPECT_FALSE(has(kPage - 1));
}

TEST_P(Kept, AGlobalEntryServesEveryAsidOfItsVmid) {  // 3.17
  add(spaces_.global, kPage, {});
  EXPECT_TRUE(has(kPage));
  EXPECT_TRUE(has(cache_.spaces_of({.vmid = kVmid, .asid = Asid(9)}), kPage));
  EXPECT_FALSE(has(cache_.spaces_of({.vmid = Vmid(9), .asid = kAsid}), kPage));
  EXPECT_FALSE(has(cache_.intermediate_space_of(kVmid), kPage));
}

TEST_P(Kept, AnAddressTakesItsEntryInBothSpaces) {
  add(spaces_.asid, kPage, {});
  add(spaces_.global, kPage + 0x1000, {});
  cache_.invalidate(addresses(kPage + 0x800, kPage + 0x800), kLater);
  EXPECT_FALSE(has(kPage));
  EXPECT_TRUE(has(kPage + 0x1000));
  cache_.invalidate(addresses(kPage + 0x1000, kPage + 0x1000), kLater);
  EXPECT_FALSE(has(kPage + 0x1000));
}

// The short way to invalidate one address is compared with the long one.
TEST_P(Kept, OneAddressGoesAsARangeOfOneDoes) {
  std::mt19937_64 random(1);  // NOLINT: the same sequence each time
  for (unsigned round = 0; round != 500; ++round) {
    Cache other(GetParam(), {.sets = 64, .ways = 4}, 1024);
    cache_.clear();
    std::vector<std::uint64_t> addresses_held;
    const bool parts = random() % 4 == 0;
    const bool blocks = random() % 2 == 0;
    for (unsigned i = 0; i != 24; ++i) {
      Entry entry{.number = i};
      if (parts && random() % 4 == 0) entry.of_bits = 16;
      if (blocks && random() % 4 == 0) entry.size_bits = entry.of_bits = 16;
      const std::uint64_t address = random() % 64 << 12;
      const auto file = [&](Cache& cache, std::uint64_t where) {
        const TlbSpaces spaces =
            cache.spaces_of({.vmid = kVmid,
                             .asid = where % 5 == 0 ? Asid(9) : kAsid,
                             .set = where % 3 == 0 ? AsidSet::kNonShared : AsidSet::kShared});
        cache.fill(where % 2 == 0 ? *spaces.global : *spaces.asid, address, entry, {});
      };
      const std::uint64_t where = random();
      file(cache_, where);
      file(other, where);
      addresses_held.push_back(address);
    }
    const std::uint64_t gone = random() % 64 << 12;
    cache_.invalidate_address(kVmid, kAsid, gone);
    other.invalidate(addresses(gone, gone), ~Stamp{0});
    EXPECT_EQ(cache_.size(), other.size());
    for (const Asid asid : {kAsid, Asid(9)}) {
      for (const AsidSet set : {AsidSet::kShared, AsidSet::kNonShared}) {
        for (const std::uint64_t address : addresses_held) {
          const Entry* short_way =
              cache_.find(cache_.spaces_of({.vmid = kVmid, .asid = asid, .set = set}), address);
          const Entry* long_way =
              other.find(other.spaces_of({.vmid = kVmid, .asid = asid, .set = set}), address);
          ASSERT_EQ(short_way == nullptr, long_way == nullptr);
          if (short_way == nullptr) continue;
          EXPECT_EQ(short_way->number, long_way->number);
        }
      }
    }
  }
}

TEST_P(Kept, AnAsidLeavesGlobalEntriesAndOtherAsids) {  // 4.4.2, CMD_TLBI_NH_ASID
  const TlbSpaces other = cache_.spaces_of({.vmid = kVmid, .asid = Asid(9)});
  add(spaces_.asid, kPage, {});
  add(spaces_.global, kPage + 0x1000, {});
  add(other.asid, kPage, {});
  cache_.invalidate({.vmid = kVmid, .asid = kAsid, .range = std::nullopt}, kLater);
  EXPECT_FALSE(has(kPage));
  EXPECT_TRUE(has(kPage + 0x1000));
  EXPECT_TRUE(has(other, kPage));
}

TEST_P(Kept, AVmidTakesWhatItsInputsSay) {  // 4.4.2, 4.4.3
  const TlbSpaces ipas = cache_.intermediate_space_of(kVmid);
  const TlbSpaces other = cache_.spaces_of({.vmid = Vmid(9), .asid = kAsid});
  const auto fill = [&] {
    add(spaces_.asid, kPage, {});
    add(ipas.asid, kPage, {});
    add(other.asid, kPage, {});
  };
  fill();
  cache_.invalidate({.vmid = kVmid, .asid = std::nullopt, .range = std::nullopt}, kLater);
  EXPECT_FALSE(has(kPage));
  EXPECT_TRUE(has(ipas, kPage));
  fill();
  cache_.invalidate(
      {.vmid = kVmid, .asid = std::nullopt, .range = std::nullopt, .input = Input::kIntermediate},
      kLater);
  EXPECT_TRUE(has(kPage));
  EXPECT_FALSE(has(ipas, kPage));
  fill();
  cache_.invalidate(
      {.vmid = kVmid, .asid = std::nullopt, .range = std::nullopt, .input = std::nullopt}, kLater);
  EXPECT_FALSE(has(kPage));
  EXPECT_FALSE(has(ipas, kPage));
  EXPECT_TRUE(has(other, kPage));
  cache_.invalidate(
      {.vmid = std::nullopt, .asid = std::nullopt, .range = std::nullopt, .input = std::nullopt},
      kLater);
  EXPECT_FALSE(has(other, kPage));
}

TEST_P(Kept, ARangeIsOfItsGranuleAndLevel) {  // 4.4.1.1
  auto what = addresses(kPage, kPage);
  const auto stays_with = [&](std::optional<Granule> granule, std::int8_t level) {
    add(spaces_.asid, kPage, {});
    what.range->granule = granule;
    what.range->level = level;
    cache_.invalidate(what, kLater);
    return has(kPage);
  };
  EXPECT_TRUE(stays_with(Granule::k16K, 0));
  EXPECT_TRUE(stays_with(Granule::k4K, 2));
  EXPECT_FALSE(stays_with(Granule::k4K, 3));
  EXPECT_FALSE(stays_with(std::nullopt, 0));
}

TEST_P(Kept, ARangeOfAnyLengthTakesWhatLiesInIt) {
  const std::uint64_t lengths[] = {0x1000, 0x8000, std::uint64_t{1} << 40};
  for (const std::uint64_t length : lengths) {
    for (std::uint64_t i = 0; i != 4; ++i) add(spaces_.asid, kPage + i * 0x1000, {});
    add(spaces_.asid, kBlock * 0x1000, {.size_bits = 21, .of_bits = 21, .level = 2});
    cache_.invalidate(addresses(kPage + 0x1000, kPage + 0x1000 + (length - 1)), kLater);
    EXPECT_TRUE(has(kPage)) << length;
    EXPECT_FALSE(has(kPage + 0x1000)) << length;
    EXPECT_EQ(has(kPage + 0x2000), length == 0x1000) << length;
    EXPECT_EQ(has(kBlock * 0x1000), length < std::uint64_t{1} << 40) << length;
  }
}

TEST_P(Kept, ThePartsOfABlockGoTogether) {
  const std::uint64_t block = kPage / kBlock * kBlock;
  const Entry part{.size_bits = 12, .of_bits = 21, .level = 2};
  add(spaces_.asid, block, part);
  add(spaces_.asid, block + 0x5000, part);
  add(spaces_.asid, block + 0x6000, {});
  add(spaces_.asid, block + kBlock, part);
  cache_.invalidate(addresses(block + 0x7000, block + 0x7000), kLater);
  EXPECT_FALSE(has(block));
  EXPECT_FALSE(has(block + 0x5000));
  EXPECT_TRUE(has(block + 0x6000));
  EXPECT_TRUE(has(block + kBlock));
}

TEST_P(Kept, EntriesOfTwoSizesConflict) {
  const std::uint64_t block = kPage / kBlock * kBlock;
  add(spaces_.asid, block, {});
  EXPECT_FALSE(cache_.conflict(spaces_, block));
  add(spaces_.asid, block, {.size_bits = 21, .of_bits = 21, .level = 2});
  EXPECT_TRUE(cache_.conflict(spaces_, block));
  EXPECT_FALSE(cache_.conflict(spaces_, block + 0x1000));
}

TEST_P(Kept, NothingIsLeftAfterClear) {
  add(spaces_.asid, kPage, {});
  cache_.clear();
  EXPECT_EQ(cache_.size(), 0U);
  EXPECT_FALSE(has(cache_.spaces_of({.vmid = kVmid, .asid = kAsid}), kPage));
}

INSTANTIATE_TEST_SUITE_P(Policies, Kept,
                         ::testing::Values(CachePolicy::kRealistic, CachePolicy::kAdversarial));

TEST(KeptByTheAdversary, WhatWasReadAfterTheInvalidationStays) {
  Cache cache(CachePolicy::kAdversarial, {.sets = 1, .ways = 1}, 1024);
  const TlbSpaces spaces = cache.spaces_of({.vmid = kVmid, .asid = kAsid});
  cache.fill(*spaces.asid, kPage, {.stamp = 4}, {});
  cache.fill(*spaces.asid, kPage + 0x1000, {.stamp = 5}, {});
  cache.invalidate({.vmid = kVmid, .asid = kAsid, .range = std::nullopt}, 5);
  EXPECT_EQ(cache.find(spaces, kPage), nullptr);
  EXPECT_NE(cache.find(spaces, kPage + 0x1000), nullptr);
  cache.invalidate(addresses(kPage + 0x1000, kPage + 0x1000), 5);
  EXPECT_NE(cache.find(spaces, kPage + 0x1000), nullptr);
  cache.invalidate(addresses(kPage + 0x1000, kPage + 0x1000), 6);
  EXPECT_EQ(cache.find(spaces, kPage + 0x1000), nullptr);
}

TEST(KeptRealistically, AnEvictionIsTold) {
  Cache cache(CachePolicy::kRealistic, {.sets = 1, .ways = 2}, 0);
  const TlbSpaces spaces = cache.spaces_of({.vmid = kVmid, .asid = kAsid});
  std::vector<std::uint64_t> gone;
  const auto evict = [&](const AddressSpaces::Space& space, std::uint64_t address, const Entry&,
                         EvictionReason reason) {
    EXPECT_EQ(&space, spaces.asid);
    EXPECT_EQ(reason, EvictionReason::kReplaced);
    gone.push_back(address);
  };
  for (std::uint64_t i = 0; i != 3; ++i) cache.insert(*spaces.asid, kPage + i * 0x1000, {}, evict);
  EXPECT_EQ(gone, std::vector<std::uint64_t>{kPage});
}

}  // namespace
}  // namespace smmu::emulator::translation_cache_test
