// Lists of pieces: one range of addresses, cut into segments as the device wants them.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "test/dma/dma_system.h"

namespace smmu::iommu::scatter_test {
namespace {

constexpr auto kBoth = DmaDirection::kBidirectional;

std::vector<std::uint64_t> sizes_of(std::span<const DmaSegment> segments) {
  std::vector<std::uint64_t> sizes;
  for (const DmaSegment& segment : segments) sizes.push_back(segment.size);
  return sizes;
}

// The segments of the pieces of a device with these limits.
std::vector<std::uint64_t> mapped_sizes(const DmaLimits& limits,
                                        std::span<const ScatterEntry> pieces) {
  DmaSystem dma;
  DeviceDma device = dma.device(limits);
  std::vector<DmaSegment> segments(pieces.size());
  const auto count = device.map_sg(pieces, kBoth, segments);
  if (!count) return {};
  segments.resize(*count);
  EXPECT_TRUE(device.unmap_sg(segments));
  EXPECT_TRUE(dma.leaves().empty());
  return sizes_of(segments);
}

TEST(Scatter, WholePagesThatFollowOneAnotherAreOneSegment) {
  const std::array<ScatterEntry, 4> pieces = {{{Pa(0x1'0800), 0x800},
                                               {Pa(0x2'0000), 2 * kPage},
                                               {Pa(0x3'0000), 0x80},
                                               {Pa(0x4'0000), kPage}}};
  using Sizes = std::vector<std::uint64_t>;
  EXPECT_EQ(mapped_sizes({}, pieces), (Sizes{0x800 + 2 * kPage + 0x80, kPage}));
  EXPECT_EQ(mapped_sizes({.longest_segment = 2 * kPage + 0x800}, pieces),
            (Sizes{0x800 + 2 * kPage, 0x80, kPage}));
  EXPECT_EQ(mapped_sizes({.longest_segment = 2 * kPage}, pieces),
            (Sizes{0x800, 2 * kPage, 0x80, kPage}));
  // Two pages have to begin at a multiple of two.
  EXPECT_EQ(mapped_sizes({.boundary = 2 * kPage}, pieces), (Sizes{0x800, 2 * kPage, 0x80, kPage}));
  EXPECT_EQ(mapped_sizes({.boundary = 4 * kPage}, pieces),
            (Sizes{0x800 + 2 * kPage + 0x80, kPage}));
}

TEST(Scatter, TheSmmuIsToldOnceOfAList) {
  DmaSystem dma;
  DeviceDma device = dma.device();
  const std::array<ScatterEntry, 3> pieces = {
      {{Pa(0x1'0010), 0x10}, {Pa(0x2'0020), 0x10}, {Pa(0x3'0030), 0x10}}};
  std::array<DmaSegment, 3> segments;
  ASSERT_TRUE(device.map_sg(pieces, kBoth, segments));
  fake(*dma.domain).take_synced();
  EXPECT_TRUE(device.unmap_sg(segments));
  EXPECT_EQ(
      fake(*dma.domain).take_synced(),
      (std::vector<FakeDomain::Range>{{segments[0].iova.value & ~(kPage - 1), 3 * kPage, kPage}}));
}

TEST(Scatter, WrongListsAreRefusedAndTakeNoAddresses) {
  struct Case {
    const char* what;
    DmaLimits limits;
    std::vector<ScatterEntry> pieces;
    std::size_t segments;
  };
  const Pa pa(0x1000);
  const std::vector<Case> cases = {
      {"no pieces", {}, {}, 4},
      {"too few segments", {}, {{pa, 1}, {pa, 1}}, 1},
      {"no bytes", {}, {{pa, 1}, {pa, 0}}, 4},
      {"a piece that wraps", {}, {{Pa(UINT64_MAX), 2}}, 4},
      {"a piece of everything", {}, {{Pa(0), UINT64_MAX}}, 4},
      {"a sum that wraps", {}, {{Pa(0), 1ull << 62}, {Pa(0), 1ull << 62}, {Pa(0), 1ull << 62}}, 4},
      {"too long a piece", {.longest_segment = 4095}, {{pa, 4096}}, 4},
      {"no segment at all", {.longest_segment = 0}, {{pa, 1}}, 4},
      {"a boundary of no power of two", {.boundary = 3 * kPage}, {{pa, 1}}, 4},
      {"a boundary inside of pages", {.boundary = 0x800}, {{pa, 1}}, 4},
      {"a boundary inside of the piece", {.boundary = 2 * kPage}, {{Pa(0x1001), 2 * kPage}}, 4},
  };
  for (const Case& wrong : cases) {
    DmaSystem dma(without_magazines());
    const std::uint64_t before = dma.ranges();
    DeviceDma device = dma.device(wrong.limits);
    std::vector<DmaSegment> segments(wrong.segments);
    const auto count = device.map_sg(wrong.pieces, kBoth, segments);
    ASSERT_FALSE(count) << wrong.what;
    EXPECT_EQ(count.error(), std::errc::invalid_argument) << wrong.what;
    EXPECT_EQ(dma.ranges(), before) << wrong.what;
    EXPECT_TRUE(dma.leaves().empty()) << wrong.what;
  }
}

TEST(Scatter, MorePagesThanThereAreAreRefused) {
  DmaSystem dma;
  DeviceDma device = dma.device({.mask = 0xffff});
  const std::array<ScatterEntry, 2> pieces = {{{Pa(0), 0x8000}, {Pa(0), 0x8000}}};
  std::array<DmaSegment, 2> segments;
  const auto count = device.map_sg(pieces, kBoth, segments);
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error(), std::errc::not_enough_memory);
}

TEST(Scatter, WhateverPieceCannotBeMappedNothingIs) {
  const std::array<ScatterEntry, 4> pieces = {
      {{Pa(0x1'0000), kPage}, {Pa(0x2'0800), 0x10}, {Pa(0x3'0000), 3 * kPage}, {Pa(0), kPage}}};
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    for (std::uint64_t calls = 0; calls != pieces.size(); ++calls) {
      DmaSystem dma(without_magazines(), type);
      DeviceDma device = dma.device({.boundary = 4 * kPage});
      const std::uint64_t before = dma.ranges();
      std::array<DmaSegment, 4> segments;
      fake(*dma.domain).leaves().fail_map(calls, std::errc::not_enough_memory);
      const auto count = device.map_sg(pieces, kBoth, segments);
      ASSERT_FALSE(count) << calls;
      EXPECT_EQ(count.error(), std::errc::not_enough_memory);
      EXPECT_TRUE(dma.leaves().empty()) << calls;
      EXPECT_EQ(dma.ranges(), before) << calls;
      // What had been mapped is out of reach: the addresses are free.
      std::uint64_t told = 0;
      for (const auto& range : fake(*dma.domain).take_synced()) told += range.size;
      EXPECT_GE(told, calls * kPage);
      EXPECT_TRUE(device.map_sg(pieces, kBoth, segments));
    }
  }
}

// Every byte of every piece is found, in order, and the limits are kept.
void expect_pieces(const DmaSystem& dma, std::span<const ScatterEntry> pieces,
                   std::span<const DmaSegment> segments, const DmaLimits& limits) {
  std::size_t segment = 0;
  std::uint64_t used = 0;
  for (const ScatterEntry& piece : pieces) {
    ASSERT_LT(segment, segments.size());
    ASSERT_LE(used + piece.size, segments[segment].size) << "a piece is cut";
    EXPECT_TRUE(dma.finds(Iova(segments[segment].iova.value + used), piece.pa, piece.size));
    used += piece.size;
    if (used == segments[segment].size) {
      ++segment;
      used = 0;
    }
  }
  EXPECT_EQ(segment, segments.size());
  for (const DmaSegment& one : segments) {
    EXPECT_LE(one.size, limits.longest_segment);
    if (limits.boundary == 0) continue;
    EXPECT_EQ(one.iova.value / limits.boundary, (one.iova.value + one.size - 1) / limits.boundary);
  }
}

TEST(Scatter, ListsByChanceKeepAllLimits) {
  std::mt19937_64 random(7);
  for (int round = 0; round != 300; ++round) {
    DmaLimits limits;
    limits.boundary = random() % 3 == 0 ? 0 : kPage << (random() % 6);
    limits.longest_segment = random() % 3 == 0 ? UINT64_MAX : 1 + random() % (8 * kPage);
    limits.preference =
        random() % 2 == 0 ? AddressPreference::kHighest : AddressPreference::kLow32Bits;
    DmaSystem dma(without_magazines());
    const std::uint64_t before = dma.ranges();
    DeviceDma device = dma.device(limits);
    std::vector<ScatterEntry> pieces(1 + random() % 12);
    const std::uint64_t most = std::min<std::uint64_t>(
        limits.longest_segment, limits.boundary == 0 ? 5 * kPage : limits.boundary);
    for (ScatterEntry& piece : pieces) {
      piece.size = 1 + random() % most;
      if (random() % 3 == 0 && most >= kPage) piece.size = kPage * (1 + random() % (most / kPage));
      const std::uint64_t room = limits.boundary == 0 ? kPage : limits.boundary - piece.size + 1;
      const std::uint64_t offset = random() % 2 == 0 ? 0 : random() % std::min(room, kPage);
      piece.pa = Pa(0x1'0000'0000 + random() % 1024 * kPage + offset);
    }
    std::vector<DmaSegment> segments(pieces.size());
    const auto count = device.map_sg(pieces, DmaDirection::kBidirectional, segments);
    ASSERT_TRUE(count) << round;
    segments.resize(*count);
    expect_pieces(dma, pieces, segments, limits);
    EXPECT_EQ(dma.ranges(), before + 1);
    EXPECT_TRUE(device.unmap_sg(segments)) << round;
    EXPECT_TRUE(dma.leaves().empty()) << round;
    EXPECT_EQ(dma.ranges(), before) << round;
  }
}

}  // namespace
}  // namespace smmu::iommu::scatter_test
