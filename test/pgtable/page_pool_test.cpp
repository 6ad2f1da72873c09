#include "smmu/iommu/page_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "smmu/emulator/ram.h"

namespace smmu::iommu::page_pool_test {
namespace {

constexpr Pa kBase{0x4000'0000};
constexpr std::uint64_t kSize = 1 << 20;

class PagePoolTest : public ::testing::Test {
 protected:
  PagePoolTest() { EXPECT_TRUE(ram_.add(kBase, 2 * kSize)); }
  std::unique_ptr<PagePool> pool(Pa base = kBase, std::uint64_t size = kSize) {
    auto made = PagePool::create(ram_, base, size);
    EXPECT_TRUE(made);
    return *std::move(made);
  }
  emulator::Ram ram_;
};

TEST_F(PagePoolTest, ARangeThatIsNotAllDirectMemoryIsRefused) {
  EXPECT_EQ(PagePool::create(ram_, kBase, 0).error(), std::errc::invalid_argument);
  EXPECT_EQ(PagePool::create(ram_, kBase, kSize + 512).error(), std::errc::invalid_argument);
  EXPECT_EQ(PagePool::create(ram_, Pa(kBase.value + 512), kSize).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(PagePool::create(ram_, kBase, 2 * kSize + 4096).error(), std::errc::invalid_argument);
  EXPECT_EQ(PagePool::create(ram_, Pa(0x1000), 4096).error(), std::errc::invalid_argument);
}

TEST_F(PagePoolTest, ABlockIsAlignedToItsSizeZeroAndNobodyElses) {
  const auto own = pool(Pa(kBase.value + 0x400), kSize - 0x400);
  std::map<std::uint64_t, unsigned> live;
  std::minstd_rand random(1);
  for (int i = 0; i != 20'000; ++i) {
    if (!live.empty() && random() % 2 == 0) {
      const auto some =
          std::next(live.begin(), static_cast<std::ptrdiff_t>(random() % live.size()));
      own->words(Pa(some->first))[random() % (1U << (some->second - 3))] = ~std::uint64_t{0};
      own->free(Pa(some->first), some->second);
      live.erase(some);
      continue;
    }
    const unsigned log2 = 10 + static_cast<unsigned>(random() % 8);
    const auto block = own->allocate(log2);
    if (!block) continue;
    const std::uint64_t size = std::uint64_t{1} << log2;
    ASSERT_EQ(block->value % size, 0U);
    ASSERT_TRUE(own->contains(*block, size));
    const auto above = live.lower_bound(block->value);
    ASSERT_TRUE(above == live.end() || above->first >= block->value + size);
    ASSERT_TRUE(above == live.begin() ||
                std::prev(above)->first + (std::uint64_t{1} << std::prev(above)->second) <=
                    block->value);
    for (std::uint64_t word = 0; word != size / 8; ++word) {
      ASSERT_EQ(own->words(*block)[word], 0U);
    }
    live.emplace(block->value, log2);
  }
  EXPECT_EQ(own->live(), live.size());
  for (const auto& [block, log2] : live) own->free(Pa(block), log2);
  EXPECT_EQ(own->live(), 0U);
  EXPECT_EQ(own->live_bytes(), 0U);
}

TEST_F(PagePoolTest, WhatIsFreedJoinsUpToTheWholeAgain) {
  const auto own = pool();
  std::vector<Pa> pages;
  for (;;) {
    const auto page = own->allocate(12);
    if (!page) break;
    pages.push_back(*page);
  }
  EXPECT_EQ(pages.size(), kSize / 4096);
  EXPECT_EQ(own->live_bytes(), kSize);
  for (const Pa page : pages) own->free(page, 12);
  EXPECT_TRUE(own->allocate(20));
  EXPECT_EQ(own->allocate(10).error(), std::errc::not_enough_memory);
}

TEST_F(PagePoolTest, RequestsBeyondThoseGrantedAreRefusedAndCounted) {
  const auto own = pool();
  own->grant(1);
  const auto first = own->allocate(12);
  ASSERT_TRUE(first);
  EXPECT_EQ(own->allocate(12).error(), std::errc::not_enough_memory);
  EXPECT_EQ(own->requests(), 2U);
  own->grant(PagePool::kUnlimited);
  EXPECT_TRUE(own->allocate(12));
  EXPECT_EQ(own->allocate(63).error(), std::errc::not_enough_memory);
}

TEST_F(PagePoolTest, ASmallRequestGetsTheSmallestBlock) {
  const auto own = pool();
  ASSERT_TRUE(own->allocate(6));
  EXPECT_EQ(own->live_bytes(), 1024U);
}

}  // namespace
}  // namespace smmu::iommu::page_pool_test
