#include "smmu/iommu/reserved_regions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu {

static void PrintTo(const ReservedRegion& region, std::ostream* out) {
  *out << fmt::format("{:#x}+{:#x} of {} with {:#x}", region.start.value, region.size,
                      static_cast<int>(region.type), static_cast<unsigned>(region.prot));
}

namespace {

using ::testing::ElementsAre;
using enum ReservedType;

constexpr std::uint64_t kLast = UINT64_MAX;

std::vector<ReservedRegion> merged(std::initializer_list<ReservedRegion> regions) {
  std::vector<ReservedRegion> list;
  for (const ReservedRegion& region : regions) insert(list, region);
  return list;
}

ReservedRegion region(std::uint64_t start, std::uint64_t size, ReservedType type = kReserved,
                      Prot prot = Prot::kNone) {
  return {Iova(start), size, type, prot};
}

TEST(ReservedRegions, AreSortedByStartAndThenByType) {
  EXPECT_THAT(merged({region(9, 1), region(3, 1, kMsi), region(3, 2, kDirect), region(0, 1)}),
              ElementsAre(region(0, 1), region(3, 2, kDirect), region(3, 1, kMsi), region(9, 1)));
}

TEST(ReservedRegions, OfOneTypeThatOverlapOrTouchAreOne) {
  EXPECT_THAT(merged({region(0, 4), region(2, 4)}), ElementsAre(region(0, 6)));
  EXPECT_THAT(merged({region(4, 4), region(0, 4)}), ElementsAre(region(0, 8)));
  EXPECT_THAT(merged({region(0, 4), region(5, 4)}), ElementsAre(region(0, 4), region(5, 4)));
  EXPECT_THAT(merged({region(0, 2), region(4, 2), region(8, 2), region(1, 8)}),
              ElementsAre(region(0, 10)));
  EXPECT_THAT(merged({region(2, 1), region(0, 8)}), ElementsAre(region(0, 8)));
}

TEST(ReservedRegions, OfDifferentTypesStayApart) {
  EXPECT_THAT(merged({region(0, 8), region(2, 4, kMsi), region(8, 1, kDirect)}),
              ElementsAre(region(0, 8), region(2, 4, kMsi), region(8, 1, kDirect)));
}

TEST(ReservedRegions, ThatAreMergedAllowWhatBothAllow) {
  EXPECT_THAT(merged({region(0, 4, kDirect, Prot::kRead), region(4, 4, kDirect, Prot::kWrite)}),
              ElementsAre(region(0, 8, kDirect, kReadWrite)));
  // These two say what may not be done.
  constexpr Prot kLess = Prot::kNoExec | Prot::kPriv;
  EXPECT_THAT(
      merged({region(0, 4, kDirect, kReadWrite | kLess), region(4, 4, kDirect, kReadWrite)}),
      ElementsAre(region(0, 8, kDirect, kReadWrite)));
  EXPECT_THAT(merged({region(0, 4, kDirect, Prot::kRead | kLess),
                      region(2, 4, kDirect, Prot::kWrite | Prot::kPriv)}),
              ElementsAre(region(0, 6, kDirect, kReadWrite | Prot::kPriv)));
}

TEST(ReservedRegions, ThatTouchAreApartWhereMemoryIsOfAnotherKind) {
  for (const Prot kind : {Prot::kMmio, Prot::kCache, Prot::kMmio | Prot::kCache}) {
    const ReservedRegion low = region(0, 4, kDirect, kReadWrite);
    const ReservedRegion high = region(4, 4, kDirect, kReadWrite | kind);
    EXPECT_THAT(merged({low, high}), ElementsAre(low, high));
    EXPECT_THAT(merged({high, low}), ElementsAre(low, high));
    // What comes later joins the one that is of its kind.
    EXPECT_THAT(merged({low, high, region(8, 2, kDirect, kReadWrite | kind)}),
                ElementsAre(low, region(4, 6, kDirect, kReadWrite | kind)));
    EXPECT_THAT(merged({low, region(6, 2, kDirect, kReadWrite | kind),
                        region(4, 2, kDirect, Prot::kRead | kind)}),
                ElementsAre(low, high));
  }
}

// Nobody reads ahead from what is a device to one of them, nor past caches that one counts on.
TEST(ReservedRegions, ThatOverlapAreOneOfWhateverKindMemoryIs) {
  for (const Prot kind : {Prot::kMmio, Prot::kCache, Prot::kMmio | Prot::kCache}) {
    const ReservedRegion low = region(0, 4, kDirect, kReadWrite);
    const ReservedRegion high = region(3, 4, kDirect, Prot::kRead | kind);
    const ReservedRegion both = region(0, 7, kDirect, kReadWrite | kind);
    EXPECT_THAT(merged({low, high}), ElementsAre(both));
    EXPECT_THAT(merged({high, low}), ElementsAre(both));
    // It is of its neighbour's kind now.
    EXPECT_THAT(merged({low, region(7, 2, kDirect, Prot::kRead | kind), high}),
                ElementsAre(region(0, 9, kDirect, kReadWrite | kind)));
  }
}

TEST(ReservedRegions, WithoutBytesOrThatWrapAreLeftOut) {
  EXPECT_THAT(merged({region(0, 0), region(kLast, 2), region(1, kLast)}),
              ElementsAre(region(1, kLast)));
  EXPECT_TRUE(merged({region(5, 0)}).empty());
  EXPECT_TRUE(merged({region(2, kLast)}).empty());
  EXPECT_THAT(merged({region(kLast, 1)}), ElementsAre(region(kLast, 1)));
}

TEST(ReservedRegions, OfAllAddressesAreTwo) {
  EXPECT_THAT(merged({region(0, kLast), region(5, kLast - 4)}),
              ElementsAre(region(0, kLast), region(kLast, 1)));
  EXPECT_THAT(merged({region(0, kLast), region(kLast, 1), region(7, 3), region(kLast - 1, 2)}),
              ElementsAre(region(0, kLast), region(kLast, 1)));
}

TEST(ReservedRegions, CoverTheSameAddressesInWhateverOrderTheyCome) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<ReservedRegion> list;
    std::map<ReservedType, std::set<std::uint64_t>> covered;
    for (int n = 0; n < 12; ++n) {
      const ReservedRegion one =
          region(random() % 64, 1 + random() % 8, random() % 2 == 0 ? kReserved : kMsi);
      for (std::uint64_t at = one.start.value; at <= one.last(); ++at) covered[one.type].insert(at);
      insert(list, one);
    }
    std::map<ReservedType, std::set<std::uint64_t>> found;
    for (std::size_t n = 0; n < list.size(); ++n) {
      for (std::uint64_t at = list[n].start.value; at <= list[n].last(); ++at) {
        ASSERT_TRUE(found[list[n].type].insert(at).second);
        ASSERT_FALSE(at == list[n].start.value && at != 0 &&
                     covered[list[n].type].contains(at - 1));
      }
      if (n == 0) continue;
      ASSERT_LE(list[n - 1].start, list[n].start);
    }
    ASSERT_EQ(found, covered);
  }
}

TEST(ReservedRegions, AllowWhatEachDidAndKeepToTheKindOfMemoryInWhateverOrderTheyCome) {
  constexpr Prot kMissing = Prot::kNoExec | Prot::kPriv;
  constexpr Prot kKind = Prot::kMmio | Prot::kCache;
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    std::vector<ReservedRegion> list;
    std::vector<ReservedRegion> all;
    for (int n = 0; n < 8; ++n) {
      all.push_back(
          region(random() % 64, 1 + random() % 6, kDirect, static_cast<Prot>(random() % 64)));
      insert(list, all.back());
    }
    for (const ReservedRegion& one : all) {
      const auto in = std::ranges::find_if(list, [&](const ReservedRegion& whole) {
        return whole.start <= one.start && one.last() <= whole.last();
      });
      ASSERT_NE(in, list.end());
      ASSERT_TRUE(has(in->prot, one.prot & (kReadWrite | kKind)));
      ASSERT_TRUE(has(one.prot, in->prot & kMissing));
    }
    for (std::size_t n = 1; n < list.size(); ++n) {
      const std::uint64_t end = list[n - 1].last() + 1;
      ASSERT_LE(end, list[n].start.value);
      ASSERT_TRUE(end != list[n].start.value ||
                  (list[n - 1].prot & kKind) != (list[n].prot & kKind));
    }
  }
}

TEST(ReservedRegions, OfADeviceAreItsOwnAndThoseOfTheDriver) {
  FakeSystem system;
  system.driver->regions = {region(0x8000000, 0x100000, kSoftwareMsi)};
  Device& nic = system.add("nic", {.reserved = {region(0x1000, 0x1000)}});
  EXPECT_THAT(nic.reserved_regions(),
              ElementsAre(region(0x1000, 0x1000), region(0x8000000, 0x100000, kSoftwareMsi)));
}

TEST(ReservedRegions, ARealMsiRegionLeavesNoSoftwareOne) {
  FakeSystem system;
  system.driver->regions = {region(0x8000000, 0x100000, kSoftwareMsi)};
  Device& nic = system.add("nic", {.reserved = {region(0xfee00000, 0x100000, kMsi)}});
  EXPECT_THAT(nic.reserved_regions(), ElementsAre(region(0xfee00000, 0x100000, kMsi)));
}

TEST(ReservedRegions, OfAGroupAreThoseOfAllItsDevices) {
  FakeSystem system;
  system.driver->regions = {region(0x8000000, 0x100000, kSoftwareMsi)};
  Device& nic = system.add("nic", {.reserved = {region(0x1000, 0x1000)}});
  system.add("port", {.reserved = {region(0x2000, 0x1000)}, .not_isolated_from = {&nic}});
  EXPECT_THAT(nic.group().reserved_regions(),
              ElementsAre(region(0x1000, 0x2000), region(0x8000000, 0x100000, kSoftwareMsi)));
  system.add("hub", {.reserved = {region(0, 0x10, kMsi)}, .not_isolated_from = {&nic}});
  EXPECT_THAT(nic.group().reserved_regions(),
              ElementsAre(region(0, 0x10, kMsi), region(0x1000, 0x2000)));
}

}  // namespace
}  // namespace smmu::iommu
