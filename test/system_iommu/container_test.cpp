// A guest's container on every machine: its RAM, its messages, and nothing else.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "smmu/iommu/container.h"
#include "smmu/iommu/msi_vectors.h"
#include "smmu/iommu/pinned_ram.h"
#include "test/system_iommu/msi_board.h"

namespace smmu::testing::container_test {
namespace {

using iommu::Container;
using iommu::MapFlags;
using iommu::MsiVectors;
using iommu::PinnedRam;
using iommu::UnmapFlags;

constexpr StreamId kNic(7);
constexpr StreamId kDisk(9);
constexpr std::uint64_t kPage = PinnedRam::kPageSize;
constexpr std::uint64_t kPages = 64;
constexpr MapFlags kBoth = MapFlags::kRead | MapFlags::kWrite;

class GuestContainer : public ::testing::TestWithParam<Way> {
 protected:
  GuestContainer() {
    memory_ = *PinnedRam::create(board_.bus(), ram_, kPages * kPage);
    container_ = make(board_.controller().isolates() ? iommu::UnsafeInterrupts::kRefuse
                                                     : iommu::UnsafeInterrupts::kAllow);
  }
  std::unique_ptr<Container> make(iommu::UnsafeInterrupts interrupts) {
    return *Container::create(*memory_, {.unsafe_interrupts = interrupts});
  }
  // Pages of the guest, at the addresses that they have.
  Result<Done, std::errc> map(std::uint64_t page, std::uint64_t count, MapFlags flags = kBoth) {
    return container_->map_dma(
        {flags, memory_->address_of(pa(page)), Iova(pa(page).value), count * kPage});
  }
  Result<std::uint64_t, std::errc> unmap(std::uint64_t page, std::uint64_t count) {
    return container_->unmap_dma({UnmapFlags::kNone, Iova(pa(page).value), count * kPage, {}});
  }
  Pa pa(std::uint64_t page) const { return Pa(ram_.value + page * kPage); }

  bool writes(const DmaDevice& device, std::uint64_t page, std::uint64_t word) const {
    std::array<std::byte, 8> bytes;
    std::memcpy(bytes.data(), &word, sizeof word);
    return device.write(Iova(pa(page).value), bytes).bytes == bytes.size();
  }
  std::optional<std::uint64_t> reads(const DmaDevice& device, std::uint64_t page) const {
    std::array<std::byte, 8> bytes{};
    if (device.read(Iova(pa(page).value), bytes).bytes != bytes.size()) return std::nullopt;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
  }

  MsiBoard board_{GetParam().generation, GetParam().messages};
  const DmaDevice hardware_ = board_.hardware(kNic);
  iommu::Device& nic_ = board_.add(kNic);
  const Pa ram_ = board_.allocate(kPages * kPage);
  std::unique_ptr<PinnedRam> memory_;
  std::unique_ptr<Container> container_;
};

TEST_P(GuestContainer, DevicesReachWhatIsMappedAsLongAsItIs) {
  ASSERT_TRUE(map(0, 4)) << "before there is a domain";
  EXPECT_EQ(memory_->pinned(), 0u);
  ASSERT_TRUE(container_->attach(nic_.group()));
  EXPECT_EQ(memory_->pinned(), 4 * kPage);
  EXPECT_TRUE(writes(hardware_, 3, 0x1234));
  EXPECT_EQ(*board_.bus().load64(pa(3)), 0x1234u);
  EXPECT_FALSE(writes(hardware_, 4, 1));

  ASSERT_TRUE(map(4, 8));
  ASSERT_TRUE(map(20, 1, MapFlags::kRead));
  EXPECT_TRUE(writes(hardware_, 11, 0x55));
  EXPECT_EQ(reads(hardware_, 11), 0x55u);
  EXPECT_EQ(reads(hardware_, 20), 0u);
  EXPECT_FALSE(writes(hardware_, 20, 1)) << "it may only be read";

  EXPECT_EQ(*unmap(0, 12), 12 * kPage);
  EXPECT_EQ(reads(hardware_, 3), std::nullopt);
  EXPECT_FALSE(writes(hardware_, 11, 1));
  EXPECT_EQ(memory_->pinned(), kPage);
  ASSERT_TRUE(container_->detach(nic_.group()));
  EXPECT_EQ(memory_->pinned(), 0u);
}

TEST_P(GuestContainer, ADeviceThatComesLaterFindsWhatIsThere) {
  iommu::Device& disk = board_.add(kDisk);
  const DmaDevice other = board_.hardware(kDisk);
  ASSERT_TRUE(container_->attach(nic_.group()));
  ASSERT_TRUE(map(8, 8));
  ASSERT_TRUE(container_->attach(disk.group()));
  EXPECT_TRUE(writes(other, 15, 0x77));
  EXPECT_EQ(reads(hardware_, 15), 0x77u);
  ASSERT_TRUE(container_->detach(nic_.group()));
  EXPECT_EQ(reads(other, 15), 0x77u) << "what is left has it still";
  ASSERT_TRUE(unmap(8, 8));
  EXPECT_EQ(reads(other, 15), std::nullopt);
  EXPECT_EQ(memory_->pinned(), 0u);
}

TEST_P(GuestContainer, MessagesArriveThroughItsWindowIfTheyAreTranslated) {
  ASSERT_TRUE(container_->attach(nic_.group()));
  ASSERT_TRUE(map(0, kPages));
  ASSERT_EQ(container_->capabilities().msi.required, board_.translated());
  const iommu::DmaMap window{MapFlags::kMsiWindow, {}, MsiBoard::kWindow, MsiBoard::kWindowSize};
  if (board_.translated()) {
    EXPECT_EQ(MsiVectors::create(nic_, 1).error(), std::errc::invalid_argument);
    ASSERT_TRUE(container_->map_dma(window));
  }
  auto vectors = MsiVectors::create(nic_, 1);
  ASSERT_TRUE(vectors);
  const auto message = *vectors->message(0);
  EXPECT_TRUE(MsiBoard::send(hardware_, message));
  ASSERT_EQ(board_.processors.messages().size(), 1u);
  EXPECT_EQ(board_.processors.messages()[0].intid, vectors->interrupt(0));
  if (!board_.translated()) return;

  // Given up and opened again, it is another one.
  ASSERT_TRUE(container_->unmap_dma({UnmapFlags::kNone, window.iova, window.size, {}}));
  EXPECT_FALSE(vectors->is_bound());
  EXPECT_FALSE(MsiBoard::send(hardware_, message));
  ASSERT_TRUE(container_->map_dma(window));
  EXPECT_FALSE(vectors->is_bound());
  EXPECT_FALSE(MsiBoard::send(hardware_, message));
  ASSERT_TRUE(vectors->renew());
  EXPECT_TRUE(MsiBoard::send(hardware_, *vectors->message(0)));
  EXPECT_EQ(board_.processors.messages().size(), 2u);
}

TEST_P(GuestContainer, MapsNothingWhereTheDeviceHasItsMessages) {
  ASSERT_TRUE(container_->attach(nic_.group()));
  const iommu::DmaMap there{kBoth, memory_->address_of(pa(0)), Iova(0xfee0'0000), kPage};
  const auto mapped = container_->map_dma(there);
  ASSERT_EQ(mapped.has_value(), board_.translated());
  if (!mapped) {
    EXPECT_EQ(mapped.error(), std::errc::invalid_argument);
  }
}

// What hardware does not tell is taken to be so.
TEST_P(GuestContainer, TheLogTellsOfPagesThatWereOrMayHaveBeenWritten) {
  ASSERT_TRUE(map(0, 4));
  ASSERT_TRUE(map(4, 4, MapFlags::kRead));
  ASSERT_TRUE(container_->attach(nic_.group()));
  const bool tells = container_->capabilities().tracks_writes;
  EXPECT_FALSE(tells && GetParam().generation == Generation::kV2) << "no SMMUv2 can";
  ASSERT_TRUE(container_->start_dirty_log());
  ASSERT_TRUE(writes(hardware_, 2, 1));
  std::uint64_t pages = 0;
  const auto ask = [&] {
    pages = 0;
    return container_->dirty_pages(Iova(pa(0).value), 8 * kPage, {kPage, {&pages, 1}});
  };
  ASSERT_TRUE(ask());
  EXPECT_EQ(pages, tells ? 0b0100u : 0b1111u);
  ASSERT_TRUE(ask());
  EXPECT_EQ(pages, tells ? 0u : 0b1111u);
}

TEST_P(GuestContainer, DevicesThatRaiseAnyInterruptAreRefusedUnlessItIsAllowed) {
  const auto careful = make(iommu::UnsafeInterrupts::kRefuse);
  const auto attached = careful->attach(nic_.group());
  ASSERT_EQ(attached.has_value(), board_.controller().isolates());
  if (attached) return;
  EXPECT_EQ(attached.error(), std::errc::operation_not_permitted);
  EXPECT_FALSE(nic_.group().is_owned());
  EXPECT_EQ(nic_.group().domain(), &nic_.group().default_domain());
  EXPECT_TRUE(container_->attach(nic_.group())) << "who allows it has it";
}

INSTANTIATE_TEST_SUITE_P(All, GuestContainer, ::testing::ValuesIn(kWays), name_of);

}  // namespace
}  // namespace smmu::testing::container_test
