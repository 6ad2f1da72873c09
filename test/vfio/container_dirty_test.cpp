// What devices have written to.
#include "test/vfio/container_system.h"

#include <gmock/gmock.h>

#include <vector>

namespace smmu::iommu::container_dirty_test {
namespace {

using std::errc;
using ::testing::Each;
using ::testing::ElementsAre;

using Words = std::vector<std::uint64_t>;

Result<Done, errc> ask(ContainerSystem& system, std::uint64_t iova, std::uint64_t count,
                       Words& words, std::uint64_t page_size = kPage) {
  return system.container->dirty_pages(Iova(iova * kPage), count * kPage, {page_size, words});
}

struct Tracked : ContainerSystem {
  Tracked() {
    first.smmu->dirty_tracking = {"nic"};
    second.smmu->dirty_tracking = {"disk"};
    EXPECT_TRUE(container->attach(nic));
  }
  static bool write(const Group& group, std::uint64_t iova) {
    return fake(group).own_tables().write(Iova(iova * kPage));
  }
  Group& nic = first.add("nic");
  Group& disk = second.add("disk");
};

TEST(ContainerDirty, EachPageThatWasWrittenToIsToldOnce) {
  Tracked system;
  ASSERT_TRUE(system.map(0x10, 0, 70));
  ASSERT_TRUE(system.container->start_dirty_log());
  EXPECT_TRUE(fake(system.nic).is_tracking());
  Words words(2);
  ASSERT_TRUE(ask(system, 0x10, 70, words));
  EXPECT_THAT(words, ElementsAre(0u, 0u)) << "what was before the log is no part of it";
  ASSERT_TRUE(Tracked::write(system.nic, 0x10 + 3));
  ASSERT_TRUE(Tracked::write(system.nic, 0x10 + 64));
  ASSERT_TRUE(ask(system, 0x10, 70, words));
  EXPECT_THAT(words, ElementsAre(1u << 3, 1u));
  Words again(2);
  ASSERT_TRUE(ask(system, 0x10, 70, again));
  EXPECT_THAT(again, ElementsAre(0u, 0u));
  ASSERT_TRUE(system.container->stop_dirty_log());
  EXPECT_FALSE(fake(system.nic).is_tracking());
}

TEST(ContainerDirty, BitsCountFromTheRangeAndOthersAreLeftAlone) {
  Tracked system;
  ASSERT_TRUE(system.map(0x20, 0, 1));
  ASSERT_TRUE(system.map(0x50, 8, 2));
  ASSERT_TRUE(system.container->start_dirty_log());
  ASSERT_TRUE(Tracked::write(system.nic, 0x20));
  ASSERT_TRUE(Tracked::write(system.nic, 0x51));
  Words words{1, 0};
  ASSERT_TRUE(ask(system, 0x10, 0x42, words));
  EXPECT_THAT(words, ElementsAre(1u | 1u << 0x10, 2u));
}

TEST(ContainerDirty, WhatAnyDomainTellsCounts) {
  Tracked system;
  ASSERT_TRUE(system.map(0, 0, 4));
  ASSERT_TRUE(system.container->start_dirty_log());
  ASSERT_TRUE(system.container->attach(system.disk)) << "while there is a log";
  EXPECT_TRUE(fake(system.disk).is_tracking());
  Words words(1);
  ASSERT_TRUE(ask(system, 0, 4, words));
  ASSERT_TRUE(Tracked::write(system.nic, 1));
  ASSERT_TRUE(Tracked::write(system.disk, 2));
  words = {0};
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(6u));
  EXPECT_TRUE(system.container->capabilities().tracks_writes);
}

TEST(ContainerDirty, WhereADomainCannotTellAllThatIsMappedIsToldEachTime) {
  ContainerSystem system;
  ASSERT_TRUE(system.map(0x10, 0, 130));
  ASSERT_TRUE(system.map(0x10 + 131, 200, 1));
  ASSERT_TRUE(system.container->start_dirty_log());
  Words words(3);
  ASSERT_TRUE(ask(system, 0x10, 132, words));
  EXPECT_THAT(words, Each(0u)) << "nothing is mapped for anybody";
  ASSERT_TRUE(system.container->attach(system.first.add("nic")));
  EXPECT_FALSE(system.container->capabilities().tracks_writes);
  for (int times = 0; times != 2; ++times) {
    words = {0, 0, 0};
    ASSERT_TRUE(ask(system, 0x10, 132, words));
    EXPECT_THAT(words, ElementsAre(~0ull, ~0ull, 0b1011u));
  }
}

// The tables that knew are gone, so that all may have been written to; once.
TEST(ContainerDirty, WhatADomainThatGoesKnewIsNotLost) {
  Tracked system;
  ASSERT_TRUE(system.container->attach(system.disk));
  ASSERT_TRUE(system.map(0, 0, 4));
  ASSERT_TRUE(system.map(4, 4, 2, MapFlags::kRead));
  ASSERT_TRUE(system.map(6, 6, 2));
  ASSERT_TRUE(system.container->start_dirty_log());
  ASSERT_TRUE(Tracked::write(system.nic, 1));
  ASSERT_TRUE(Tracked::write(system.disk, 2));
  ASSERT_TRUE(system.container->detach(system.nic));
  Words words(1);
  ASSERT_TRUE(ask(system, 0, 6, words));
  EXPECT_THAT(words, ElementsAre(0b1111u));
  words = {0};
  ASSERT_TRUE(ask(system, 0, 6, words));
  EXPECT_THAT(words, ElementsAre(0u)) << "nor does the domain that is left tell of it again";
  ASSERT_TRUE(Tracked::write(system.disk, 3));
  ASSERT_TRUE(ask(system, 0, 8, words));
  EXPECT_THAT(words, ElementsAre(0b1100'1000u)) << "the other slot had not been asked for";

  ASSERT_TRUE(system.container->attach(system.nic));
  ASSERT_TRUE(system.container->detach(system.nic));
  ASSERT_TRUE(system.container->stop_dirty_log());
  ASSERT_TRUE(system.container->start_dirty_log());
  words = {0};
  ASSERT_TRUE(ask(system, 0, 8, words));
  EXPECT_THAT(words, ElementsAre(0u)) << "what was before the log is no part of it";
}

TEST(ContainerDirty, WhatADomainMayHaveWrittenThatCouldNotTellIsNotLost) {
  Tracked system;
  Group& mute = system.first.add("mute");
  ASSERT_TRUE(system.container->attach(mute));
  ASSERT_TRUE(system.map(0, 0, 4));
  ASSERT_TRUE(system.container->start_dirty_log());
  Words words(1);
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(0b1111u));
  EXPECT_TRUE(Tracked::write(mute, 2)) << "of which nobody could tell";
  ASSERT_TRUE(system.container->detach(mute));
  EXPECT_TRUE(system.container->capabilities().tracks_writes);
  words = {0};
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(0b1111u));
  ASSERT_TRUE(Tracked::write(system.nic, 1));
  words = {0};
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(0b0010u));
}

// Until the error its devices found what was there.
TEST(ContainerDirty, WhatAGroupMayHaveWrittenThatCouldNotStayIsNotLost) {
  Tracked system;
  ASSERT_TRUE(system.map(0, 0, 4));
  ASSERT_TRUE(system.map(0x10, 8, 1));
  ASSERT_TRUE(system.container->start_dirty_log());
  system.second.smmu->fail_map(1, errc::no_space_on_device);
  ASSERT_EQ(system.container->attach(system.disk).error(), errc::no_space_on_device);
  Words words(1);
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(0b1111u));
  words = {0};
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(0u));
}

TEST(ContainerDirty, WhatIsUnmappedIsToldAsAWhole) {
  Tracked system;
  ASSERT_TRUE(system.map(0x11, 0, 3));
  ASSERT_TRUE(system.open_window(0x8000, 16));
  Words words(1);
  const auto unmap = [&](std::uint64_t page_size, std::uint64_t iova = 0x10) {
    return system.container->unmap_dma(
        {UnmapFlags::kDirtyBitmap, Iova(iova * kPage), 16 * kPage, {page_size, words}});
  };
  EXPECT_EQ(unmap(kPage).error(), errc::invalid_argument) << "there is no log";
  ASSERT_TRUE(system.container->start_dirty_log());
  EXPECT_EQ(unmap(2 * kPage).error(), errc::invalid_argument);
  EXPECT_EQ(system.container->slots(), 2u);
  EXPECT_EQ(*unmap(kPage), 3 * kPage);
  EXPECT_THAT(words, ElementsAre(0b1110u));
  words = {0};
  EXPECT_EQ(*unmap(kPage, 0x8000), 16 * kPage) << "the window";
  EXPECT_THAT(words, ElementsAre(0u)) << "is nobody's memory";
}

TEST(ContainerDirty, WhatDevicesMayOnlyReadIsNeverTold) {
  ContainerSystem system;  // whose tables do not tell
  ASSERT_TRUE(system.container->attach(system.first.add("nic")));
  ASSERT_TRUE(system.map(0, 0, 2, MapFlags::kRead));
  ASSERT_TRUE(system.map(2, 2, 2));
  ASSERT_TRUE(system.container->start_dirty_log());
  Words words(1);
  ASSERT_TRUE(ask(system, 0, 4, words));
  EXPECT_THAT(words, ElementsAre(0b1100u));
  Words unmapped(1);
  ASSERT_TRUE(system.container->unmap_dma(
      {UnmapFlags::kDirtyBitmap, Iova(0), 4 * kPage, {kPage, unmapped}}));
  EXPECT_THAT(unmapped, ElementsAre(0b1100u));
}

TEST(ContainerDirty, BitmapsAndRangesThatDoNotFitAreRefused) {
  Tracked system;
  ASSERT_TRUE(system.map(0x10, 0, 4));
  Words words(1);
  EXPECT_EQ(ask(system, 0x10, 4, words).error(), errc::invalid_argument) << "there is no log";
  ASSERT_TRUE(system.container->start_dirty_log());
  ASSERT_TRUE(system.container->start_dirty_log()) << "there is one already";
  EXPECT_EQ(ask(system, 0x10, 4, words, 2 * kPage).error(), errc::invalid_argument);
  EXPECT_EQ(ask(system, 0x10, 4, words, 0).error(), errc::invalid_argument);
  EXPECT_EQ(ask(system, 0x10, 65, words).error(), errc::invalid_argument) << "a word is missing";
  EXPECT_EQ(ask(system, 0x10, 0, words).error(), errc::invalid_argument);
  EXPECT_EQ(ask(system, 0x11, 3, words).error(), errc::invalid_argument) << "a slot in part";
  EXPECT_EQ(ask(system, 0x10, 3, words).error(), errc::invalid_argument);
  Container& container = *system.container;
  EXPECT_EQ(container.dirty_pages(Iova(0x800), kPage, {kPage, words}).error(),
            errc::invalid_argument);
  EXPECT_EQ(container.dirty_pages(Iova(0), 0x800, {kPage, words}).error(), errc::invalid_argument);
  EXPECT_EQ(container.dirty_pages(Iova(UINT64_MAX - 0xfff), 2 * kPage, {kPage, words}).error(),
            errc::value_too_large);
  Words none;
  EXPECT_EQ(ask(system, 0x10, 4, none).error(), errc::invalid_argument);
  // More than may be asked for is refused before anything of it is looked at.
  const std::span<std::uint64_t> huge(words.data(), (1ull << 25) + 1);
  EXPECT_EQ(container.dirty_pages(Iova(0x10 * kPage), 4 * kPage, {kPage, huge}).error(),
            errc::invalid_argument);
  EXPECT_TRUE(ask(system, 0x10, 64, words)) << "beyond the slot there is nothing";
  ASSERT_TRUE(container.stop_dirty_log());
  ASSERT_TRUE(container.stop_dirty_log());
  EXPECT_EQ(ask(system, 0x10, 4, words).error(), errc::invalid_argument);
}

TEST(ContainerDirty, AContainerOfV1HasNoLog) {
  ContainerSystem system(
      {.version = ContainerVersion::kV1, .unsafe_interrupts = UnsafeInterrupts::kAllow});
  Words words(1);
  EXPECT_EQ(system.container->start_dirty_log().error(), errc::permission_denied);
  EXPECT_EQ(system.container->stop_dirty_log().error(), errc::permission_denied);
  EXPECT_EQ(ask(system, 0, 1, words).error(), errc::permission_denied);
}

TEST(ContainerDirty, ALogThatCannotBeStartedInOneDomainIsStartedInNone) {
  Tracked system;
  ASSERT_TRUE(system.container->attach(system.disk));
  system.second.smmu->dirty_error = errc::io_error;
  EXPECT_EQ(system.container->start_dirty_log().error(), errc::io_error);
  EXPECT_FALSE(fake(system.nic).is_tracking());
  EXPECT_FALSE(fake(system.disk).is_tracking());
  Words words(1);
  EXPECT_EQ(ask(system, 0, 1, words).error(), errc::invalid_argument);
  ASSERT_TRUE(system.container->detach(system.disk));
  ASSERT_TRUE(system.container->start_dirty_log());
  EXPECT_EQ(system.container->attach(system.disk).error(), errc::io_error);
  EXPECT_FALSE(system.disk.is_owned());
}

}  // namespace
}  // namespace smmu::iommu::container_dirty_test
