// What a container says it can do, and that a user of VFIO reads the same.
#include <gmock/gmock.h>
#include <linux/vfio.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "test/vfio/container_system.h"

namespace smmu::iommu::capability_chain_test {
namespace {

using std::errc;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Bytes = std::vector<std::byte>;

template <class Structure>
Structure at(const Bytes& bytes, std::size_t offset) {
  Structure structure;
  std::memcpy(&structure, bytes.data() + offset, sizeof structure);
  return structure;
}

// The offset of a capability, found as users of VFIO find it; 0: there is none.
std::size_t find(const Bytes& bytes, std::uint16_t id) {
  const auto fixed = at<vfio_iommu_type1_info>(bytes, 0);
  if ((fixed.flags & VFIO_IOMMU_INFO_CAPS) == 0) return 0;
  for (std::size_t offset = fixed.cap_offset; offset != 0;) {
    EXPECT_EQ(offset % 8, 0u);
    const auto header = at<vfio_info_cap_header>(bytes, offset);
    if (header.id == id) return offset;
    EXPECT_TRUE(header.next == 0 || header.next > offset) << "it goes on";
    offset = header.next;
  }
  return 0;
}

Bytes chain(const ContainerCapabilities& capabilities) {
  Bytes bytes(16);
  bytes.resize(*write_chain(capabilities, bytes));
  EXPECT_EQ(*write_chain(capabilities, bytes), bytes.size());
  return bytes;
}

struct Reserved : ContainerSystem {
  Reserved() { EXPECT_TRUE(container->attach(nic)); }
  Group& nic = add_nic();

 private:
  Group& add_nic() {
    first.smmu->regions = {{Iova(0x800'0000), 0x10'0000, ReservedType::kSoftwareMsi}};
    return first.add(
        "nic",
        {.reserved = {{Iova(0), 0x1000, ReservedType::kReserved},
                      {Iova(0x10'0000), 0x1000, ReservedType::kReserved},
                      {Iova(0x20'0000), 0x1000, ReservedType::kDirectRelaxable, kReadWrite}}});
  }
};

TEST(CapabilityChain, RangesAreTheApertureWithoutWhatIsReserved) {
  Reserved system;
  const ContainerCapabilities found = system.container->capabilities();
  EXPECT_TRUE(found.has_groups);
  EXPECT_THAT(found.ranges, ElementsAre(IovaSpan{Iova(0x1000), Iova(0xf'ffff)},
                                        IovaSpan{Iova(0x10'1000), Iova(0x7ff'ffff)},
                                        IovaSpan{Iova(0x810'0000), Iova((1ull << 48) - 1)}));
  Group& disk = system.second.add(
      "disk", {.reserved = {{Iova(0xf'0000), 0x20'0000, ReservedType::kReserved}}});
  system.second.smmu->geometry.last = Iova(0xffff'ffff);
  ASSERT_TRUE(system.container->attach(disk));
  EXPECT_THAT(system.container->capabilities().ranges,
              ElementsAre(IovaSpan{Iova(0x1000), Iova(0xe'ffff)},
                          IovaSpan{Iova(0x2f'0000), Iova(0x7ff'ffff)},
                          IovaSpan{Iova(0x810'0000), Iova(0xffff'ffff)}));
  for (const IovaSpan& range : system.container->capabilities().ranges) {
    EXPECT_TRUE(system.map(range.first.value / kPage, 0, 1));
    EXPECT_TRUE(system.map(range.last.value / kPage, 0, 1));
  }
  ASSERT_TRUE(system.container->detach(system.nic));
  EXPECT_THAT(
      system.container->capabilities().ranges,
      ElementsAre(IovaSpan{Iova(0), Iova(0xe'ffff)}, IovaSpan{Iova(0x2f'0000), Iova(0xffff'ffff)}))
      << "the other one had an SMMU without a region of its own";
}

TEST(CapabilityChain, TheWindowForDoorbellsIsRequiredWhereTheyAreTranslated) {
  Reserved system;
  MsiWindowCapability msi = system.container->capabilities().msi;
  EXPECT_TRUE(msi.required);
  EXPECT_EQ(msi.alignment, kPage);
  EXPECT_EQ(msi.proposed, (IovaSpan{Iova(0x800'0000), Iova(0x80f'ffff)}));
  EXPECT_EQ(msi.window, std::nullopt);
  ASSERT_TRUE(system.open_window(0x8000, 16));
  msi = system.container->capabilities().msi;
  EXPECT_EQ(msi.window, (IovaSpan{Iova(0x800'0000), Iova(0x800'ffff)}));

  ContainerSystem hardware;
  hardware.first.smmu->regions = {{Iova(0x800'0000), 0x10'0000, ReservedType::kSoftwareMsi}};
  Group& nic =
      hardware.first.add("nic", {.reserved = {{Iova(0xfee0'0000), 0x10'0000, ReservedType::kMsi}}});
  ASSERT_TRUE(hardware.container->attach(nic));
  EXPECT_FALSE(hardware.container->capabilities().msi.required) << "a real one translates nothing";
}

TEST(CapabilityChain, CoherencyIsEnforcedIfItIsInEveryDomain) {
  ContainerSystem system;
  EXPECT_FALSE(system.container->capabilities().enforces_coherency) << "nobody is there";
  ASSERT_TRUE(system.container->attach(system.first.add("nic")));
  EXPECT_TRUE(system.container->capabilities().enforces_coherency);
  system.second.smmu->incoherent = {"old"};
  ASSERT_TRUE(system.container->attach(system.second.add("old")));
  EXPECT_FALSE(system.container->capabilities().enforces_coherency);
}

TEST(CapabilityChain, AUserOfVfioFindsAllOfIt) {
  Reserved system;
  ASSERT_TRUE(system.map(0x10, 0, 1));
  const ContainerCapabilities found = system.container->capabilities();
  const Bytes bytes = chain(found);
  const auto fixed = at<vfio_iommu_type1_info>(bytes, 0);
  EXPECT_EQ(fixed.argsz, bytes.size());
  EXPECT_EQ(fixed.flags, unsigned{VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS});
  EXPECT_EQ(fixed.iova_pgsizes, 4096u | 1u << 21 | 1u << 30);
  EXPECT_EQ(fixed.cap_offset, sizeof fixed);

  const std::size_t ranges = find(bytes, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
  ASSERT_NE(ranges, 0u);
  const auto range = at<vfio_iommu_type1_info_cap_iova_range>(bytes, ranges);
  EXPECT_EQ(range.header.version, 1u);
  ASSERT_EQ(range.nr_iovas, 3u);
  for (std::size_t n = 0; n != 3; ++n) {
    const auto one =
        at<vfio_iova_range>(bytes, ranges + sizeof range + n * sizeof(vfio_iova_range));
    EXPECT_EQ(one.start, found.ranges[n].first.value);
    EXPECT_EQ(one.end, found.ranges[n].last.value);
  }

  const std::size_t migration = find(bytes, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
  ASSERT_NE(migration, 0u);
  const auto log = at<vfio_iommu_type1_info_cap_migration>(bytes, migration);
  EXPECT_EQ(log.header.version, 1u);
  EXPECT_EQ(log.flags, 0u);
  EXPECT_EQ(log.pgsize_bitmap, 4096u);
  EXPECT_EQ(log.max_dirty_bitmap_size, 1u << 28);

  const std::size_t available = find(bytes, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
  ASSERT_NE(available, 0u);
  EXPECT_EQ(at<vfio_iommu_type1_info_dma_avail>(bytes, available).avail, 65534u);

  const std::size_t msi = find(bytes, kCapabilityMsiWindow);
  ASSERT_NE(msi, 0u);
  EXPECT_EQ(at<std::uint32_t>(bytes, msi + 8), kMsiWindowRequired | kMsiWindowProposed);
  EXPECT_EQ(at<std::uint64_t>(bytes, msi + 16), kPage);
  EXPECT_EQ(at<std::uint64_t>(bytes, msi + 24), 0x800'0000u);
  EXPECT_EQ(at<std::uint64_t>(bytes, msi + 32), 0x80f'ffffu);
  EXPECT_EQ(msi + 56, bytes.size());
  EXPECT_EQ(find(bytes, 0x7777), 0u) << "the chain ends";
}

TEST(CapabilityChain, WhatIsNotThereIsNotInTheChain) {
  ContainerSystem system(
      {.version = ContainerVersion::kV1, .unsafe_interrupts = UnsafeInterrupts::kAllow});
  const ContainerCapabilities found = system.container->capabilities();
  EXPECT_THAT(found.ranges, IsEmpty());
  const Bytes bytes = chain(found);
  EXPECT_EQ(find(bytes, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE), 0u);
  EXPECT_EQ(find(bytes, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION), 0u);
  EXPECT_NE(find(bytes, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL), 0u);
}

TEST(CapabilityChain, WhoHasNoRoomIsToldHowMuchThereShouldBe) {
  Reserved system;
  const ContainerCapabilities found = system.container->capabilities();
  const std::size_t needed = chain(found).size();
  for (std::size_t room = 0; room != needed; ++room) {
    Bytes bytes(needed, std::byte{0xee});
    const auto written = write_chain(found, std::span(bytes).first(room));
    const std::size_t touched = room < 16 ? 0 : room < 20 ? 16 : 20;
    EXPECT_THAT(std::span(bytes).subspan(touched), Each(std::byte{0xee})) << room;
    if (room < 16) {
      EXPECT_EQ(written.error(), errc::invalid_argument);
      continue;
    }
    ASSERT_TRUE(written);
    EXPECT_EQ(*written, needed);
    EXPECT_EQ(at<std::uint32_t>(bytes, 0), needed);
    EXPECT_EQ(at<std::uint64_t>(bytes, 8), found.page_sizes);
    if (room >= 20) {
      EXPECT_EQ(at<std::uint32_t>(bytes, 16), 0u) << "there is no chain";
    }
  }
  Bytes more(needed + 100, std::byte{0xee});
  EXPECT_EQ(*write_chain(found, more), needed);
  EXPECT_EQ(at<std::uint32_t>(more, 0), more.size()) << "as the caller had it";
  EXPECT_THAT(std::span(more).subspan(needed), Each(std::byte{0xee}));
}

}  // namespace
}  // namespace smmu::iommu::capability_chain_test
