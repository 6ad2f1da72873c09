// Unmaps of what was not mapped, or not so.
#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include "test/dma/dma_system.h"

namespace smmu::iommu::unmap_check_test {
namespace {

constexpr auto kBoth = DmaDirection::kBidirectional;

DmaConfig checked() {
  DmaConfig config;
  config.unmap_check = UnmapCheck::kYes;
  return config;
}

TEST(UnmapCheck, WrongAddressesAndSizesChangeNothing) {
  const std::array<ReservedRegion, 1> direct = {{{Iova(0x4000), 0x1000, ReservedType::kDirect}}};
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    DmaSystem dma(checked(), type, direct);
    ASSERT_TRUE(dma.domain->map(Iova(0x4000), Pa(0x4000), 0x1000, kReadWrite));
    DeviceDma device = dma.device();
    // Three pages, in a range of four.
    const auto iova = device.map_single(Pa(0x1800), 2 * kPage + 0x400, kBoth);
    const auto large = device.map_single(Pa(0x10'0000), 100 * kPage, kBoth);
    const auto bell = dma.space->bind_doorbell(Pa(0x9040), 4, Prot::kWrite);
    ASSERT_TRUE(iova && large && bell);
    const MapTables::Leaves before = dma.leaves();
    const std::uint64_t at = iova->value;
    const std::vector<std::pair<std::uint64_t, std::uint64_t>> wrong = {
        {at, 1},
        {at, kPage},
        {at, 3 * kPage},
        {at, 4 * kPage},
        {at + kPage, kPage},
        {at + kPage, 2 * kPage - 0x800},
        {at - kPage, kPage},
        {at + 3 * kPage, kPage},
        {large->value, 99 * kPage},
        {large->value, 101 * kPage},
        {large->value, 128 * kPage},
        {large->value, std::uint64_t{1} << 40},
        {0x5000, kPage},
        {0x4000, kPage},
        {bell->value, 4},
        {UINT64_MAX - 1, 1}};
    for (const auto& [first, size] : wrong) {
      const auto unmapped = device.unmap_single(Iova(first), size);
      ASSERT_FALSE(unmapped) << std::hex << first << " " << size;
      EXPECT_EQ(unmapped.error(), std::errc::invalid_argument);
      EXPECT_EQ(dma.leaves(), before) << std::hex << first << " " << size;
    }
    EXPECT_TRUE(device.unmap_single(*iova, 2 * kPage + 0x400));
    EXPECT_FALSE(device.unmap_single(*iova, 2 * kPage + 0x400)) << "twice";
    EXPECT_TRUE(device.unmap_single(*large, 100 * kPage));
    dma.space->unbind_doorbell(*bell);
    EXPECT_EQ(dma.leaves().size(), 1u);
  }
}

TEST(UnmapCheck, ListsThatAreNotWhatWasMappedChangeNothing) {
  DmaSystem dma(checked());
  DeviceDma device = dma.device({.longest_segment = 2 * kPage, .boundary = 4 * kPage});
  // Three pages, a hole of one, three pages.
  const std::array<ScatterEntry, 4> pieces = {{{Pa(0x1'0000), 2 * kPage},
                                               {Pa(0x2'0000), kPage},
                                               {Pa(0x3'0000), 2 * kPage},
                                               {Pa(0x4'0080), 0x100}}};
  std::array<DmaSegment, 4> segments;
  const auto count = device.map_sg(pieces, kBoth, segments);
  ASSERT_TRUE(count);
  ASSERT_EQ(*count, 4u);
  ASSERT_EQ(segments[2].iova.value - segments[0].iova.value, 4 * kPage);
  const MapTables::Leaves before = dma.leaves();
  std::vector<std::vector<DmaSegment>> wrong;
  for (std::size_t left_out = 0; left_out != 4; ++left_out) {
    std::vector<DmaSegment> some(segments.begin(), segments.end());
    some.erase(some.begin() + static_cast<std::ptrdiff_t>(left_out));
    wrong.push_back(some);
    some.assign(segments.begin(), segments.end());
    some[left_out].size += kPage;
    wrong.push_back(some);
    some[left_out].size = 0;
    wrong.push_back(some);
    some[left_out] = {Iova(UINT64_MAX), 2};
    wrong.push_back(some);
  }
  wrong.push_back({segments[0]});
  wrong.push_back({segments[1], segments[0], segments[2], segments[3]});
  wrong.push_back({{segments[0].iova, 7 * kPage}});
  wrong.push_back({});
  for (std::size_t i = 0; i != wrong.size(); ++i) {
    const auto unmapped = device.unmap_sg(wrong[i]);
    ASSERT_FALSE(unmapped) << i;
    EXPECT_EQ(unmapped.error(), std::errc::invalid_argument);
    EXPECT_EQ(dma.leaves(), before) << i;
  }
  EXPECT_TRUE(device.unmap_sg(segments));
  EXPECT_TRUE(dma.leaves().empty());
  EXPECT_FALSE(device.unmap_sg(segments)) << "twice";
}

TEST(UnmapCheck, WithoutItWhatIsNotMappedIsStillAnError) {
  DmaSystem dma(without_magazines());
  DeviceDma device = dma.device();
  const auto iova = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(iova);
  EXPECT_TRUE(device.unmap_single(*iova, kPage));
  const auto twice = device.unmap_single(*iova, kPage);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error(), std::errc::invalid_argument);
  EXPECT_FALSE(device.unmap_single(Iova(0x7000), kPage));
}

TEST(UnmapCheck, WithoutItWhatWasUnmappedByATooLargeSizeIsOutOfReachAndNotGivenOut) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    DmaConfig config = without_magazines();
    StandingClock clock;
    config.clock = &clock;
    DmaSystem dma(config, type);
    DeviceDma device = dma.device({.mask = 0x3fff});
    const auto iova = device.map_single(Pa(0x1000), kPage, kBoth);
    ASSERT_TRUE(iova);
    ASSERT_EQ(iova->value, 0x3000u);
    fake(*dma.domain).take_synced();
    EXPECT_FALSE(device.unmap_single(*iova, 2 * kPage));
    EXPECT_TRUE(dma.leaves().empty());
    // The SMMU has been told, lazily or not: nobody else would.
    EXPECT_EQ(fake(*dma.domain).take_synced().size(), 1u);
    for (const Iova other : map_all(device)) EXPECT_NE(other, *iova);
  }
}

}  // namespace
}  // namespace smmu::iommu::unmap_check_test
