// What may be mapped and unmapped, and what is the answer to everything else.
#include "test/vfio/container_system.h"

#include <gmock/gmock.h>

namespace smmu::iommu::container_map_test {
namespace {

using std::errc;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr ContainerConfig kUnsafe{.unsafe_interrupts = UnsafeInterrupts::kAllow};
constexpr ContainerConfig kUnsafeV1{.version = ContainerVersion::kV1,
                                    .unsafe_interrupts = UnsafeInterrupts::kAllow};

TEST(ContainerMap, ASlotIsFoundByEveryGroupAndPinnedOnce) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(disk));
  ASSERT_TRUE(system.map(0x100, 3, 10));
  EXPECT_TRUE(system.finds(nic, 0x100, 3, 10));
  EXPECT_TRUE(system.finds(disk, 0x100, 3, 10));
  EXPECT_THAT(pages(nic), SizeIs(10));
  for (const auto& [pa, pins] : system.memory.pins()) EXPECT_EQ(pins, 1u) << pa;
  EXPECT_EQ(system.memory.pinned(), 10u);
  EXPECT_EQ(*system.unmap(0x100, 10), 10 * kPage);
  EXPECT_THAT(pages(nic), IsEmpty());
  EXPECT_THAT(pages(disk), IsEmpty());
  EXPECT_EQ(system.memory.pinned(), 0u);
}

TEST(ContainerMap, DevicesHaveTheRightsThatWereAskedFor) {
  ContainerSystem system;
  system.first.smmu->incoherent = {"old"};
  Group& nic = system.first.add("nic");
  Group& old = system.first.add("old");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.container->attach(old));
  ASSERT_TRUE(system.map(1, 1, 1, MapFlags::kRead));
  ASSERT_TRUE(system.map(2, 2, 1, MapFlags::kWrite));
  ASSERT_TRUE(system.map(3, 3, 1, kBoth));
  EXPECT_EQ(pages(nic)[1 * kPage].prot, Prot::kRead | Prot::kCache);
  EXPECT_EQ(pages(nic)[2 * kPage].prot, Prot::kWrite | Prot::kCache);
  EXPECT_EQ(pages(nic)[3 * kPage].prot, kReadWrite | Prot::kCache);
  EXPECT_EQ(pages(old)[1 * kPage].prot, Prot::kRead);
  EXPECT_EQ(pages(old)[3 * kPage].prot, kReadWrite);
}

TEST(ContainerMap, FlagsThatAreUnknownOrDoNotGoTogetherAreRefused) {
  ContainerSystem system;
  for (const MapFlags flags :
       {MapFlags::kNone, kBoth | MapFlags::kAddress, MapFlags::kRead | MapFlags::kMsiWindow,
        MapFlags::kAddress | MapFlags::kMsiWindow, kBoth | static_cast<MapFlags>(1 << 3),
        static_cast<MapFlags>(1u << 31)}) {
    EXPECT_EQ(system.map(0x100, 0, 1, flags).error(), errc::invalid_argument)
        << static_cast<std::uint32_t>(flags);
  }
  ASSERT_TRUE(system.map(0x100, 0, 1));
  for (const UnmapFlags flags : {static_cast<UnmapFlags>(1 << 3), static_cast<UnmapFlags>(1u << 31),
                                 UnmapFlags::kDirtyBitmap | UnmapFlags::kAddress,
                                 UnmapFlags::kDirtyBitmap | UnmapFlags::kAll}) {
    EXPECT_EQ(system.unmap(0x100, 1, flags).error(), errc::invalid_argument)
        << static_cast<std::uint32_t>(flags);
  }
  EXPECT_EQ(system.container->slots(), 1u);
}

TEST(ContainerMap, RangesThatAreEmptyCrookedOrWrapAreRefused) {
  ContainerSystem system;
  Container& container = *system.container;
  const UserAddress there = ContainerSystem::user(0);
  const auto map = [&](UserAddress address, std::uint64_t iova, std::uint64_t size) {
    return container.map_dma({kBoth, address, Iova(iova), size}).error();
  };
  EXPECT_EQ(map(there, 0x1000, 0), errc::invalid_argument);
  EXPECT_EQ(map(there, 0x1000, 0x800), errc::invalid_argument);
  EXPECT_EQ(map(there, 0x1800, 0x1000), errc::invalid_argument);
  EXPECT_EQ(map(UserAddress(there.value + 0x800), 0x1000, 0x1000), errc::invalid_argument);
  EXPECT_EQ(map(there, UINT64_MAX - 0xfff, 0x2000), errc::value_too_large);
  EXPECT_EQ(map(UserAddress(UINT64_MAX - 0xfff), 0x1000, 0x2000), errc::value_too_large);

  const auto unmap = [&](std::uint64_t iova, std::uint64_t size,
                         UnmapFlags flags = UnmapFlags::kNone) {
    return container.unmap_dma({flags, Iova(iova), size, {}}).error();
  };
  EXPECT_EQ(unmap(0x1000, 0), errc::invalid_argument);
  EXPECT_EQ(unmap(0x1000, 0x800), errc::invalid_argument);
  EXPECT_EQ(unmap(0x1800, 0x1000), errc::invalid_argument);
  EXPECT_EQ(unmap(UINT64_MAX - 0xfff, 0x2000), errc::value_too_large);
  EXPECT_EQ(unmap(0x1000, 0, UnmapFlags::kAll), errc::invalid_argument);
  EXPECT_EQ(unmap(0, 0x1000, UnmapFlags::kAll), errc::invalid_argument);
  EXPECT_EQ(container.slots(), 0u);
}

TEST(ContainerMap, TheLastPageThereIsCanBeMappedWithoutAGroup) {
  ContainerSystem system;
  ASSERT_TRUE(system.container->map_dma(
      {kBoth, ContainerSystem::user(0), Iova(UINT64_MAX - 0xfff), 0x1000}));
  EXPECT_EQ(*system.container->unmap_dma({UnmapFlags::kNone, Iova(UINT64_MAX - 0xfff), 0x1000, {}}),
            kPage);
}

TEST(ContainerMap, WhatOverlapsASlotExistsAlreadyEvenAtTheLimit) {
  ContainerSystem system({.most_slots = 2, .unsafe_interrupts = UnsafeInterrupts::kAllow});
  ASSERT_TRUE(system.map(0x10, 0, 4));
  for (const std::uint64_t at : {0xdull, 0x10ull, 0x12ull, 0x13ull}) {
    EXPECT_EQ(system.map(at, 8, 4).error(), errc::file_exists) << at;
  }
  ASSERT_TRUE(system.map(0x14, 8, 4));
  EXPECT_EQ(system.container->capabilities().available, 0u);
  EXPECT_EQ(system.map(0x14, 8, 4).error(), errc::file_exists);
  EXPECT_EQ(system.map(0x18, 8, 4).error(), errc::no_space_on_device);
  ASSERT_TRUE(system.unmap(0x10, 4));
  EXPECT_EQ(system.container->capabilities().available, 1u);
  EXPECT_TRUE(system.map(0x18, 8, 4));
}

TEST(ContainerMap, WhatDevicesCannotHaveIsRefusedOnceThereIsAGroup) {
  ContainerSystem system;
  system.first.smmu->geometry = {Iova(0x1000), Iova(0xff'ffff)};
  system.first.smmu->regions = {{Iova(0x80'0000), 0x10'0000, ReservedType::kSoftwareMsi}};
  Group& nic = system.first.add(
      "nic", {.reserved = {{Iova(0x20'0000), 0x2000, ReservedType::kReserved},
                           {Iova(0x30'0000), 0x1000, ReservedType::kDirectRelaxable, kReadWrite}}});
  ASSERT_TRUE(system.container->attach(nic));
  EXPECT_EQ(system.map(0, 0, 2).error(), errc::invalid_argument) << "below the aperture";
  EXPECT_EQ(system.map(0xfff, 0, 2).error(), errc::invalid_argument) << "above it";
  EXPECT_EQ(system.map(0x1ff, 0, 2).error(), errc::invalid_argument);
  EXPECT_EQ(system.map(0x201, 0, 1).error(), errc::invalid_argument);
  EXPECT_EQ(system.map(0x1ff, 0, 8).error(), errc::invalid_argument) << "a region inside";
  EXPECT_EQ(system.map(0x800, 0, 1).error(), errc::invalid_argument) << "where doorbells go";
  EXPECT_TRUE(system.map(0x1ff, 0, 1));
  EXPECT_TRUE(system.map(0x202, 0, 1));
  EXPECT_TRUE(system.map(0x300, 0, 1)) << "the firmware's use of it is at an end";
  EXPECT_TRUE(system.map(0xfff, 0, 1));
}

TEST(ContainerMap, WithV2SlotsAreUnmappedAsAWhole) {
  ContainerSystem system(kUnsafe);
  ASSERT_TRUE(system.map(0x10, 0, 4));
  ASSERT_TRUE(system.map(0x14, 8, 4));
  ASSERT_TRUE(system.map(0x20, 16, 4));
  EXPECT_EQ(system.unmap(0x11, 7).error(), errc::invalid_argument);
  EXPECT_EQ(system.unmap(0x10, 7).error(), errc::invalid_argument);
  EXPECT_EQ(system.unmap(0x11, 2).error(), errc::invalid_argument);
  EXPECT_EQ(system.unmap(0x8, 0x1a).error(), errc::invalid_argument) << "the third one in part";
  EXPECT_EQ(system.container->slots(), 3u);
  EXPECT_EQ(*system.unmap(0x18, 8), 0u) << "nothing is there";
  EXPECT_EQ(*system.unmap(0x8, 0x14), 8 * kPage) << "two whole ones, and what is around them";
  EXPECT_EQ(*system.unmap(0x20, 4), 4 * kPage);
  EXPECT_EQ(system.container->slots(), 0u);
}

TEST(ContainerMap, WithV1WhatBeginsInTheRangeIsUnmapped) {
  ContainerSystem system(kUnsafeV1);
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.map(0x10, 0, 4));
  ASSERT_TRUE(system.map(0x14, 8, 4));
  EXPECT_EQ(*system.unmap(0x11, 1), 0u) << "it begins inside one";
  EXPECT_EQ(*system.unmap(0x11, 4), 0u) << "that there is another one makes no difference";
  EXPECT_TRUE(system.finds(nic, 0x10, 0, 4));
  EXPECT_EQ(*system.unmap(0x10, 1), 4 * kPage) << "all of it, though a page was asked for";
  EXPECT_TRUE(system.finds(nic, 0x14, 8, 4));
  EXPECT_EQ(*system.unmap(0x8, 0xd), 4 * kPage);
  EXPECT_THAT(pages(nic), IsEmpty());
}

TEST(ContainerMap, AllSlotsGoAtOnceByTheirFlag) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.map(0x10, 0, 4));
  ASSERT_TRUE(system.map(0x10000, 8, 1));
  EXPECT_EQ(*system.unmap(0, 0, UnmapFlags::kAll), 5 * kPage);
  EXPECT_EQ(*system.unmap(0, 0, UnmapFlags::kAll), 0u);
  EXPECT_THAT(pages(nic), IsEmpty());
}

TEST(ContainerMap, ASlotThatLostItsAddressGetsAnotherOne) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.second.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.map(0x10, 0, 4));
  ASSERT_TRUE(system.map(0x20, 8, 4));
  const auto give = [&](std::uint64_t iova, std::uint64_t count) {
    return system.map(iova, 100, count, MapFlags::kAddress);
  };
  EXPECT_EQ(give(0x10, 4).error(), errc::invalid_argument) << "it has one";
  EXPECT_EQ(give(0x30, 4).error(), errc::no_such_file_or_directory);
  EXPECT_EQ(*system.unmap(0x10, 4, UnmapFlags::kAddress), 4 * kPage);
  EXPECT_TRUE(system.finds(nic, 0x10, 0, 4)) << "devices go on";
  EXPECT_EQ(system.unmap(0, 0, UnmapFlags::kAll | UnmapFlags::kAddress).error(),
            errc::invalid_argument)
      << "one has lost it already, so the other one keeps it";
  EXPECT_EQ(give(0x20, 4).error(), errc::invalid_argument);
  EXPECT_EQ(system.container->attach(disk).error(), errc::device_or_resource_busy);
  EXPECT_EQ(give(0x10, 3).error(), errc::invalid_argument) << "it is larger";
  EXPECT_TRUE(give(0x10, 4));
  EXPECT_TRUE(system.container->attach(disk));
  EXPECT_EQ(*system.unmap(0x10, 4, UnmapFlags::kAddress), 4 * kPage);
  EXPECT_EQ(*system.unmap(0x10, 4), 4 * kPage);
  EXPECT_TRUE(system.container->detach(disk));
  EXPECT_TRUE(system.container->attach(disk)) << "there is no such slot any more";
}

TEST(ContainerMap, ManyRunsAreUnpinnedAfterASyncForEach512) {
  // Each page is apart from the next.
  ContainerSystem system({.unsafe_interrupts = UnsafeInterrupts::kAllow}, 1);
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.map(0, 0, 1100));
  const std::uint64_t before = system.first.smmu->syncs();
  EXPECT_EQ(*system.unmap(0, 1100), 1100 * kPage);
  EXPECT_EQ(system.first.smmu->syncs() - before, 3u);
  EXPECT_EQ(system.memory.pinned(), 0u);
}

TEST(ContainerMap, MemoryThatIsMappedTwiceIsPinnedTwice) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(nic));
  ASSERT_TRUE(system.map(0x10, 0, 4));
  ASSERT_TRUE(system.map(0x20, 2, 4));
  EXPECT_EQ(system.memory.pinned(), 6u);
  ASSERT_TRUE(system.unmap(0x10, 4));
  EXPECT_EQ(system.memory.pinned(), 4u);
  EXPECT_TRUE(system.finds(nic, 0x20, 2, 4));
}

TEST(ContainerMap, WhatTheHardwareSaysIsMappedIsNotWhatIsUnpinned) {
  ContainerSystem system;
  Group& group = system.first.add("nic");
  ASSERT_TRUE(system.container->attach(group));
  for (const std::optional<Pa> answer : {std::optional<Pa>(), std::optional<Pa>(Pa(0xdead'0000))}) {
    ASSERT_TRUE(system.map(0, 0, 6));
    fake(group).remembered = answer;
    EXPECT_EQ(*system.unmap(0, 6), 6 * kPage);
    fake(group).remembered.reset();
    EXPECT_EQ(system.memory.pinned(), 0u);
  }
}

TEST(ContainerMap, PagesThatAreSmallerThanThoseOfMemoryAreNotForMapping) {
  ContainerSystem system;
  system.first.smmu->page_sizes = 1024 | 1 << 16;
  ASSERT_TRUE(system.container->attach(system.first.add("nic")));
  EXPECT_EQ(system.container->capabilities().page_sizes, 4096u | 1 << 16);
  EXPECT_EQ(system.container->map_dma({kBoth, ContainerSystem::user(0), Iova(1024), 1024}).error(),
            errc::invalid_argument);
}

TEST(ContainerMap, WhatCallsTheContainerFromInsideIsBusy) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.first.add("disk");
  ASSERT_TRUE(system.container->attach(nic));
  int calls = 0;
  system.memory.on_call = [&] {
    ++calls;
    EXPECT_EQ(system.map(0x40, 0, 1).error(), errc::device_or_resource_busy);
    EXPECT_EQ(system.unmap(0x40, 1).error(), errc::device_or_resource_busy);
    EXPECT_EQ(system.container->attach(disk).error(), errc::device_or_resource_busy);
    EXPECT_EQ(system.container->detach(nic).error(), errc::device_or_resource_busy);
    EXPECT_EQ(system.container->start_dirty_log().error(), errc::device_or_resource_busy);
    EXPECT_EQ(system.container->stop_dirty_log().error(), errc::device_or_resource_busy);
    EXPECT_EQ(system.container->dirty_pages(Iova(0), kPage, {}).error(),
              errc::device_or_resource_busy);
    EXPECT_TRUE(system.container->capabilities().has_groups) << "to ask is allowed";
  };
  ASSERT_TRUE(system.map(0x10, 0, 1));
  ASSERT_TRUE(system.unmap(0x10, 1));
  EXPECT_EQ(calls, 2);
  system.memory.on_call = nullptr;
}

TEST(ContainerMap, AContainerOfCrookedPagesIsNone) {
  FakeMemory memory;
  EXPECT_EQ(Container::create(memory, {.page_size = 0}).error(), errc::invalid_argument);
  EXPECT_EQ(Container::create(memory, {.page_size = 4097}).error(), errc::invalid_argument);
}

}  // namespace
}  // namespace smmu::iommu::container_map_test
