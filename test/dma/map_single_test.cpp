// Single buffers: where devices find them, and which addresses they get.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "test/dma/dma_system.h"

namespace smmu::iommu::map_single_test {
namespace {

constexpr auto kBoth = DmaDirection::kBidirectional;

TEST(MapSingle, BuffersOfAnyAlignmentAndSizeAreFoundAtTheirOffset) {
  DmaSystem dma;
  DeviceDma device = dma.device();
  for (const std::uint64_t offset : {0ull, 1ull, 0x800ull, 0xfffull}) {
    for (const std::uint64_t size :
         {1ull, 0x7ffull, 0x801ull, 0x1000ull, 0x1001ull, 10000ull, (1ull << 21) + 3}) {
      const Pa pa(0x1'2340'0000 + offset);
      const auto iova = device.map_single(pa, size, kBoth);
      ASSERT_TRUE(iova) << offset << " " << size;
      EXPECT_EQ(iova->value % kPage, offset);
      EXPECT_TRUE(dma.finds(*iova, pa, size)) << offset << " " << size;
      std::uint64_t bytes = 0;
      for (const auto& [at, leaf] : dma.leaves()) bytes += leaf.size;
      EXPECT_EQ(bytes, (offset + size + kPage - 1) / kPage * kPage);
      EXPECT_TRUE(device.unmap_single(*iova, size));
      EXPECT_TRUE(dma.leaves().empty());
    }
  }
}

TEST(MapSingle, DirectionsAndTheDevicesOwnRightsAreMapped) {
  DmaSystem dma;
  DeviceDma device = dma.device({.prot = Prot::kCache});
  const std::array<std::pair<DmaDirection, Prot>, 3> cases = {
      {{DmaDirection::kToDevice, Prot::kRead},
       {DmaDirection::kFromDevice, Prot::kWrite},
       {DmaDirection::kBidirectional, kReadWrite}}};
  for (const auto& [direction, prot] : cases) {
    const auto iova = device.map_single(Pa(0x1000), 1, direction);
    ASSERT_TRUE(iova);
    EXPECT_EQ(dma.leaves().begin()->second.prot, prot | Prot::kCache);
    EXPECT_TRUE(device.unmap_single(*iova, 1));
  }
}

TEST(MapSingle, NoBytesAndBytesThatWrapAreRefusedAndTakeNoAddresses) {
  DmaSystem dma(without_magazines());
  DeviceDma device = dma.device();
  const std::uint64_t before = dma.ranges();
  for (const auto& [pa, size] :
       std::array<std::pair<std::uint64_t, std::uint64_t>, 5>{{{0x1000, 0},
                                                               {0x1fff, UINT64_MAX},
                                                               {0x1000, UINT64_MAX},
                                                               {UINT64_MAX, 2},
                                                               {UINT64_MAX - 0xfff, 0x1001}}}) {
    const auto iova = device.map_single(Pa(pa), size, kBoth);
    ASSERT_FALSE(iova) << pa << " " << size;
    EXPECT_EQ(iova.error(), std::errc::invalid_argument);
  }
  EXPECT_EQ(dma.ranges(), before);
  for (const auto& [iova, size] : std::array<std::pair<std::uint64_t, std::uint64_t>, 3>{
           {{0x1000, 0}, {0x1fff, UINT64_MAX}, {UINT64_MAX, 2}}}) {
    EXPECT_FALSE(device.unmap_single(Iova(iova), size)) << iova << " " << size;
  }
}

TEST(MapSingle, MoreThanThereIsIsRefused) {
  DmaSystem dma(without_magazines());
  DeviceDma device = dma.device();
  const auto iova = device.map_single(Pa(0), std::uint64_t{1} << 49, kBoth);
  ASSERT_FALSE(iova);
  EXPECT_EQ(iova.error(), std::errc::not_enough_memory);
}

TEST(MapSingle, WhatCannotBeMappedGivesItsAddressesBack) {
  DmaSystem dma(without_magazines());
  DeviceDma device = dma.device();
  const std::uint64_t before = dma.ranges();
  fake(*dma.domain).leaves().fail_map(0, std::errc::result_out_of_range);
  const auto first = device.map_single(Pa(0x1000), 3 * kPage, kBoth);
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error(), std::errc::result_out_of_range);
  fake(*dma.domain).sync_map_error = std::errc::io_error;
  const auto second = device.map_single(Pa(0x1000), 3 * kPage, kBoth);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::io_error);
  EXPECT_EQ(dma.ranges(), before);
  EXPECT_TRUE(dma.leaves().empty());
}

TEST(MapSingle, AStrictUnmapHasToldTheSmmuBeforeTheAddressIsGivenOutAgain) {
  DmaSystem dma;
  DeviceDma device = dma.device();
  const auto first = device.map_single(Pa(0x1000), 2 * kPage, kBoth);
  ASSERT_TRUE(first);
  fake(*dma.domain).take_synced();
  EXPECT_TRUE(device.unmap_single(*first, 2 * kPage));
  EXPECT_EQ(fake(*dma.domain).take_synced(),
            (std::vector<FakeDomain::Range>{{first->value, 2 * kPage, kPage}}));
  const auto second = device.map_single(Pa(0x5000), 2 * kPage, kBoth);
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, *first);
  EXPECT_TRUE(device.unmap_single(*second, 2 * kPage));
}

TEST(MapSingle, AddressesArePreferredBelow4GiBWhereTheDeviceWantsThat) {
  DmaSystem dma;
  DeviceDma anywhere = dma.device();
  DeviceDma low = dma.device({.preference = AddressPreference::kLow32Bits});
  const auto high_iova = anywhere.map_single(Pa(0x1000), 1, kBoth);
  const auto low_iova = low.map_single(Pa(0x1000), 1, kBoth);
  ASSERT_TRUE(high_iova && low_iova);
  EXPECT_EQ(high_iova->value, (std::uint64_t{1} << 48) - kPage);
  EXPECT_EQ(low_iova->value, (std::uint64_t{1} << 32) - kPage);
  // Once there is no room, addresses above will do: no two GiB are left.
  const std::uint64_t half = std::uint64_t{1} << 31;
  const auto lower = low.map_single(Pa(0), half / 2, kBoth);
  const auto above = low.map_single(Pa(0), half, kBoth);
  ASSERT_TRUE(lower && above);
  EXPECT_LT(lower->value, std::uint64_t{1} << 32);
  EXPECT_GE(above->value, std::uint64_t{1} << 32);
  EXPECT_TRUE(low.unmap_single(*lower, half / 2));
  EXPECT_TRUE(low.unmap_single(*above, half));
  EXPECT_TRUE(low.unmap_single(*low_iova, 1));
  EXPECT_TRUE(anywhere.unmap_single(*high_iova, 1));
}

TEST(MapSingle, NoAddressIsAboveWhatTheDeviceReaches) {
  for (const std::uint64_t mask : {0xffffull, 0x1'0000ull, 0x1'0ffeull, 0x1'0fffull, 0x1000ull}) {
    DmaSystem dma;
    for (const auto preference : {AddressPreference::kHighest, AddressPreference::kLow32Bits}) {
      DeviceDma device = dma.device({.mask = mask, .preference = preference});
      const std::vector<Iova> mapped = map_all(device);
      // Pages that the mask has as a whole, but the first one.
      EXPECT_EQ(mapped.size(), (mask + 1) / kPage - 1) << mask;
      for (const Iova iova : mapped) {
        EXPECT_GE(iova.value, kPage);
        EXPECT_LE(iova.value + (kPage - 1), mask);
        EXPECT_TRUE(device.unmap_single(iova, 1));
      }
    }
  }
}

TEST(MapSingle, AMaskOfLessThanAPageLeavesNoAddress) {
  DmaSystem dma;
  DeviceDma device = dma.device({.mask = 0xfff});
  EXPECT_TRUE(map_all(device).empty());
}

TEST(MapSingle, AfterExhaustionThereIsRoomForWhatWasUnmapped) {
  DmaSystem dma;
  DeviceDma device = dma.device({.mask = 0xf'ffff});
  std::vector<Iova> mapped = map_all(device);
  EXPECT_EQ(mapped.size(), 255u);
  for (int round = 0; round != 3; ++round) {
    for (std::size_t i = 0; i < mapped.size(); i += 2) {
      EXPECT_TRUE(device.unmap_single(mapped[i], 1));
    }
    for (std::size_t i = 0; i < mapped.size(); i += 2) {
      const auto again = device.map_single(Pa(0), 1, kBoth);
      ASSERT_TRUE(again);
      mapped[i] = *again;
    }
    EXPECT_TRUE(map_all(device).empty());
  }
  // What single pages have left in the threads' caches is there for larger ranges.
  for (const Iova iova : mapped) EXPECT_TRUE(device.unmap_single(iova, 1));
  const auto large = device.map_single(Pa(0), 128 * kPage, kBoth);
  ASSERT_TRUE(large);
  EXPECT_TRUE(device.unmap_single(*large, 128 * kPage));
}

TEST(DmaSpace, ReservedRegionsAreNeverGivenOut) {
  const std::vector<ReservedRegion> regions = {
      {Iova(0x3000), 0x2000, ReservedType::kDirect, kReadWrite},
      {Iova(0x8080), 1, ReservedType::kMsi},
      {Iova(0xa000), 0x1001, ReservedType::kReserved},
      {Iova(0xb000), 0x1000, ReservedType::kDirectRelaxable, kReadWrite},
      {Iova(0xd000), 0x1000, ReservedType::kSoftwareMsi},
      {Iova(0xe000), 0, ReservedType::kReserved}};
  DmaSystem dma({}, DomainType::kDma, regions);
  DeviceDma device = dma.device({.mask = 0xffff});
  std::set<std::uint64_t> pages;
  for (const Iova iova : map_all(device)) pages.insert(iova.value / kPage);
  EXPECT_EQ(pages, (std::set<std::uint64_t>{1, 2, 5, 6, 7, 9, 12, 13, 14, 15}));
}

TEST(DmaSpace, RegionsOfALaterDeviceAreReservedIfNothingIsMappedThere) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    DmaSystem dma({}, type);
    DeviceDma device = dma.device({.mask = 0xffff});
    const std::vector<Iova> mapped = map_all(device);
    ASSERT_EQ(mapped.size(), 15u);
    const std::array<ReservedRegion, 1> region = {{{Iova(0x4000), 0x2000}}};
    const auto refused = dma.space->reserve(region);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::address_in_use);
    // Unmapped, they wait for a flush, or are kept for the next request: nobody uses them.
    for (const Iova iova : mapped) EXPECT_TRUE(device.unmap_single(iova, 1));
    EXPECT_TRUE(dma.space->reserve(region));
    for (const Iova iova : map_all(device)) {
      EXPECT_FALSE(iova.value >= 0x4000 && iova.value < 0x6000) << iova.value;
    }
  }
}

TEST(DmaSpace, KeepsItsDomainWhereGroupsWouldBecomeOne) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic");
  Device& disk = system.add("disk");
  const DeviceConfig bridge{
      .name = "bridge", .streams = {{StreamId(9)}}, .not_isolated_from = {&nic, &disk}};
  {
    const auto space = DmaSpace::create(disk.group().default_domain(), {});
    ASSERT_TRUE(space);
    DeviceDma device(**space, {});
    const auto iova = device.map_single(Pa(0x8000'0000), 1, kBoth);
    ASSERT_TRUE(iova);
    const auto added = system.iommu->add_device(bridge);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error(), std::errc::device_or_resource_busy);
    EXPECT_EQ(disk.group().domain(), &(*space)->domain());
    EXPECT_TRUE(device.unmap_single(*iova, 1));
  }
  EXPECT_TRUE(system.iommu->add_device(bridge));
}

// Linux's own reserve_iova() does not look, and the address would be given out again.
TEST(DmaSpace, NoOrderOfAddressesReservesWhatIsMapped) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    DmaConfig config;
    config.iova.order = order;
    DmaSystem dma(config);
    DeviceDma device = dma.device({.mask = 0xffff});
    const auto buffer = device.map_single(Pa(0x5000), 1, kBoth);
    ASSERT_TRUE(buffer);
    const std::array<ReservedRegion, 1> region = {{{*buffer, kPage}}};
    const auto refused = dma.space->reserve(region);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::address_in_use);
    EXPECT_TRUE(dma.finds(*buffer, Pa(0x5000), 1));
    ASSERT_TRUE(device.unmap_single(*buffer, 1));
    ASSERT_TRUE(dma.space->reserve(region)) << "it is only kept for the next request";
    for (const Iova iova : map_all(device)) {
      EXPECT_NE(iova, *buffer);
      EXPECT_TRUE(device.unmap_single(iova, 1));
    }
  }
}

TEST(DmaSpace, RegionsAreReservedTogetherOrNotAtAll) {
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    DmaConfig config = without_magazines();
    config.iova.order = order;
    DmaSystem dma(config);
    DeviceDma device = dma.device({.mask = 0x4fff});
    const auto buffer = device.map_single(Pa(0x5000), 1, kBoth);
    ASSERT_EQ(*buffer, Iova(0x4000));
    const std::uint64_t before = dma.ranges();
    const std::array<ReservedRegion, 2> regions = {{{Iova(0x3000), kPage}, {*buffer, kPage}}};
    EXPECT_EQ(dma.space->reserve(regions).error(), std::errc::address_in_use);
    const std::array<ReservedRegion, 2> wraps = {{{Iova(0x3000), kPage}, {Iova(0x4000), ~0ull}}};
    EXPECT_EQ(dma.space->reserve(wraps).error(), std::errc::invalid_argument);
    EXPECT_EQ(dma.ranges(), before);
    const auto next = device.map_single(Pa(0x6000), 1, kBoth);
    ASSERT_TRUE(next);
    EXPECT_EQ(*next, Iova(0x3000)) << "the first region's page is free still";
    ASSERT_TRUE(device.unmap_single(*next, 1));
    ASSERT_TRUE(device.unmap_single(*buffer, 1));
    EXPECT_TRUE(dma.space->reserve(regions));
  }
}

TEST(DmaSpace, IsMadeOnceForADomainOfItsTypes) {
  DmaSystem dma;
  EXPECT_EQ(dma.domain->doorbell_space(), dma.space.get());
  const auto second = DmaSpace::create(*dma.domain, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::file_exists);
  dma.space.reset();
  EXPECT_EQ(dma.domain->doorbell_space(), nullptr);
  EXPECT_TRUE(DmaSpace::create(*dma.domain, {}));

  const auto other = dma.system.domain(DomainType::kUnmanaged);
  const auto refused = DmaSpace::create(*other, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::invalid_argument);
  EXPECT_EQ(other->doorbell_space(), nullptr);
}

// What there is to map may differ from what the driver thought before.
TEST(DmaSpace, OfADomainThatGetsItsTablesWhenItIsAttachedIsMadeAfterThat) {
  FakeSystem system;
  Device& nic = system.add("nic");
  system.driver->tables_are = TablesAre::kMadeAtFirstAttach;
  const auto domain = system.domain(DomainType::kDma);
  const auto early = DmaSpace::create(*domain, {});
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error(), std::errc::no_such_device);
  ASSERT_TRUE(nic.group().attach(*domain));
  EXPECT_TRUE(DmaSpace::create(*domain, {}));
}

TEST(DmaSpace, WrongConfigurationsAreRefusedAndLeaveTheDomainAlone) {
  FakeSystem system;
  const auto domain = system.domain(DomainType::kDmaLazy);
  DmaConfig caches;
  caches.iova.cache.sizes = 17;
  DmaConfig rings;
  rings.flush_queue.rings = 0;
  for (const DmaConfig& config : {caches, rings}) {
    const auto space = DmaSpace::create(*domain, {}, config);
    ASSERT_FALSE(space);
    EXPECT_EQ(space.error(), std::errc::invalid_argument);
    EXPECT_EQ(domain->doorbell_space(), nullptr);
  }
}

TEST(DmaSpace, PagesAreThoseOfTheDomain) {
  FakeSystem system;
  system.driver->page_sizes = 1 << 16 | 1 << 29;
  const auto domain = system.domain(DomainType::kDma);
  const auto space = DmaSpace::create(*domain, {});
  ASSERT_TRUE(space);
  EXPECT_EQ((*space)->granule(), 1u << 16);
  DeviceDma device(**space, {.mask = 0x3'ffff});
  const auto iova = device.map_single(Pa(0x1'fff0), 0x20, kBoth);
  ASSERT_TRUE(iova);
  EXPECT_EQ(iova->value, 0x2'fff0u);
  EXPECT_EQ(domain->iova_to_phys(*iova), Pa(0x1'fff0));
  EXPECT_EQ(leaves(*domain).size(), 2u);
  EXPECT_TRUE(device.unmap_single(*iova, 0x20));
}

}  // namespace
}  // namespace smmu::iommu::map_single_test
