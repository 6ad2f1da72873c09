// A guest's container on every machine: its RAM, its messages, and nothing else.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "smmu/arch/v3/queue_registers.h"
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

// What the host keeps in memory for this program.
std::uint64_t locked_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmLck:", 0) == 0) return std::stoull(line.substr(6)) * 1024;
  }
  return 0;
}

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

  // The last page of a gigabyte, and the first of the next one: without tables yet.
  Result<Done, std::errc> map_over_the_end() {
    return container_->map_dma(
        {kBoth, memory_->address_of(pa(kOver)), Iova(kEnd - kPage), 2 * kPage});
  }
  // What is not to change where a call fails.
  struct Seen {
    std::vector<std::uint32_t> registers;
    std::uint64_t blocks;  // of the driver
    std::uint64_t pinned;
    std::uint32_t slots;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  Seen see(MsiBoard& board) const {
    Seen seen{board.registers(), board.pool().live(), memory_->pinned(), container_->slots()};
    if (GetParam().generation == Generation::kV3) {
      // Commands were given, to do what was done and to take it back.
      seen.registers[v3::SMMU_CMDQ_PROD::kOffset / 4] = 0;
      seen.registers[v3::SMMU_CMDQ_CONS::kOffset / 4] = 0;
    }
    return seen;
  }
  // Does `act` with ever more blocks of memory for the board's driver until that is enough, with
  // `trim` around it, and returns how often it was not.
  template <class Act, class Trim>
  std::uint64_t count_refusals(MsiBoard& board, const Act& act, const Trim& trim) {
    constexpr std::uint64_t kMost = 20;
    for (std::uint64_t granted = 0; granted != kMost; ++granted) {
      trim();
      const Seen before = see(board);
      board.pool().grant(granted);
      const auto done = act();
      board.pool().grant(iommu::PagePool::kUnlimited);
      if (done) return granted;
      EXPECT_EQ(done.error(), std::errc::not_enough_memory) << granted;
      trim();
      EXPECT_EQ(see(board), before) << granted;
    }
    ADD_FAILURE() << "it is never enough";
    return kMost;
  }

  bool writes(const DmaDevice& device, std::uint64_t page, std::uint64_t word) const {
    std::array<std::byte, 8> bytes;
    std::memcpy(bytes.data(), &word, sizeof word);
    return device.write(Iova(pa(page).value), bytes).bytes == bytes.size();
  }
  bool writes_at(Iova iova) const {
    constexpr std::array<std::byte, 8> kBytes{};
    return hardware_.write(iova, kBytes).bytes == kBytes.size();
  }
  std::optional<std::uint64_t> reads(const DmaDevice& device, std::uint64_t page) const {
    std::array<std::byte, 8> bytes{};
    if (device.read(Iova(pa(page).value), bytes).bytes != bytes.size()) return std::nullopt;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
  }

  static constexpr std::uint64_t kEnd = 1 << 30;
  static constexpr std::uint64_t kOver = 40;  // page

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

// Refused at every block of tables that a call needs, and every time nothing is different.
TEST_P(GuestContainer, AMapWithoutMemoryForItsTablesMapsNothing) {
  ASSERT_TRUE(container_->attach(nic_.group()));
  ASSERT_TRUE(map(0, 4));
  const std::uint64_t refusals = count_refusals(
      board_,
      [&] {
        const auto mapped = map_over_the_end();
        if (!mapped) {
          EXPECT_EQ(memory_->pins(pa(kOver)), 0u);
          EXPECT_EQ(nic_.group().domain()->iova_to_phys(Iova(kEnd - kPage)), std::nullopt);
        }
        return mapped;
      },
      [&] { nic_.group().domain()->trim(); });
  EXPECT_GE(refusals, 2u) << "a table for either page";
  EXPECT_TRUE(writes_at(Iova(kEnd - kPage)));
  EXPECT_TRUE(writes_at(Iova(kEnd)));
  EXPECT_TRUE(writes(hardware_, 3, 1)) << "as before";
}

TEST_P(GuestContainer, AGroupWithoutMemoryForTheTablesOfTheSlotsIsNotThere) {
  // The first time a driver makes what it keeps for a device, and the registers of a context bank.
  ASSERT_TRUE(container_->attach(nic_.group()));
  ASSERT_TRUE(container_->detach(nic_.group()));
  ASSERT_TRUE(map(0, 4));
  ASSERT_TRUE(map_over_the_end());
  const std::uint64_t refusals = count_refusals(
      board_,
      [&] {
        const auto attached = container_->attach(nic_.group());
        EXPECT_EQ(nic_.group().is_owned(), attached.has_value());
        if (!attached) {
          EXPECT_EQ(nic_.group().domain(), &nic_.group().default_domain());
        }
        return attached;
      },
      [] {});
  EXPECT_GE(refusals, 3u) << "tables at three places";
  EXPECT_EQ(memory_->pinned(), 6 * kPage);
  EXPECT_TRUE(writes(hardware_, 3, 1));
  EXPECT_TRUE(writes_at(Iova(kEnd)));

  // One of another SMMU, where all is mapped once more.
  MsiBoard other(GetParam().generation, GetParam().messages);
  iommu::Group& disk = other.add(kDisk).group();
  ASSERT_TRUE(container_->attach(disk));
  ASSERT_TRUE(container_->detach(disk));
  const std::uint64_t more = count_refusals(
      other,
      [&] {
        const auto attached = container_->attach(disk);
        EXPECT_EQ(disk.is_owned(), attached.has_value());
        return attached;
      },
      [] {});
  EXPECT_GE(more, 3u);
  EXPECT_EQ(disk.domain()->iova_to_phys(Iova(kEnd)), Pa(pa(kOver).value + kPage));
  EXPECT_EQ(memory_->pinned(), 6 * kPage);
  EXPECT_EQ(memory_->pins(pa(0)), 1u);
  EXPECT_TRUE(writes_at(Iova(kEnd))) << "as before";
  ASSERT_TRUE(container_->detach(disk));
}

TEST_P(GuestContainer, MemoryThatTheHostKeepsIsReachedLikeAnyOther) {
  constexpr std::uint64_t kLocked = 4;  // pages
  const Pa ram = board_.allocate(kLocked * kPage);
  auto made = PinnedRam::create(board_.bus(), ram, kLocked * kPage, iommu::Pinning::kLock);
  if (!made) {
    ASSERT_EQ(made.error(), std::errc::operation_not_supported);
    GTEST_SKIP() << "the host has pages of another size";
  }
  PinnedRam& memory = **made;
  void* const host = reinterpret_cast<void*>(memory.address_of(ram).value);
  if (::mlock(host, kLocked * kPage) != 0) {
    GTEST_SKIP() << "RLIMIT_MEMLOCK does not allow four pages";
  }
  ASSERT_EQ(::munlock(host, kLocked * kPage), 0);

  const auto container =
      *Container::create(memory, {.unsafe_interrupts = iommu::UnsafeInterrupts::kAllow});
  ASSERT_TRUE(container->attach(nic_.group()));
  ASSERT_TRUE(container->map_dma({kBoth, memory.address_of(ram), Iova(kEnd), kLocked * kPage}));
  EXPECT_EQ(memory.pinned(), kLocked * kPage);
  const std::uint64_t locked = locked_bytes();
  EXPECT_TRUE(writes_at(Iova(kEnd + 3 * kPage)));
  ASSERT_TRUE(container->unmap_dma({UnmapFlags::kNone, Iova(kEnd), kLocked * kPage, {}}));
  EXPECT_EQ(memory.pinned(), 0u);
  EXPECT_FALSE(writes_at(Iova(kEnd + 3 * kPage)));
  // Where the host tells, and a sanitizer has not answered in its place.
  if (locked != 0) {
    EXPECT_EQ(locked - locked_bytes(), kLocked * kPage);
  }
}

INSTANTIATE_TEST_SUITE_P(All, GuestContainer, ::testing::ValuesIn(kWays), name_of);

}  // namespace
}  // namespace smmu::testing::container_test
