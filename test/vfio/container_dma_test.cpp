// A container above an SMMUv3 and its driver: what devices really reach.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <variant>

#include "smmu/emulator/config.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/iommu/container.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/pinned_ram.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/testing/dma_device.h"

namespace smmu::iommu::container_dma_test {
namespace {

using testing::DmaDevice;

constexpr std::uint64_t kPage = PinnedRam::kPageSize;
constexpr Pa kPool{0x4000'0000};
constexpr std::uint64_t kPoolSize = 4 << 20;  // of each driver
constexpr Pa kUser{0x4100'0000};
constexpr std::uint64_t kUserPages = 256;
constexpr MapFlags kBoth = MapFlags::kRead | MapFlags::kWrite;

// A TLB that keeps what it may for as long as it may.
emulator::SmmuV3Config keeps_everything() {
  auto config = emulator::SmmuV3Config::everything();
  config.caching.policy = emulator::CachePolicy::kAdversarial;
  return config;
}

// One SMMU, its driver and the devices behind it.
struct Side {
  Side(emulator::Ram& ram, Pa tables) {
    auto made_pool = PagePool::create(ram, tables, kPoolSize);
    pool = std::move(*made_pool);
    auto made_smmu = emulator::SmmuV3::create(keeps_everything(), {.memory = &ram});
    smmu = std::move(*made_smmu);
    auto driver = SmmuV3Driver::create({.registers = smmu.get(),
                                        .pool = pool.get(),
                                        .clock = &clock,
                                        .sync = SmmuV3DriverConfig::SyncSignal::kPoll,
                                        .stream_bits = 8});
    auto made = Iommu::create(std::move(*driver), {.default_domain = DomainType::kBlocked});
    iommu = std::move(*made);
  }
  Group& add(std::uint32_t stream) {
    return (*iommu->add_device({.name = "device", .streams = {{StreamId(stream)}}}))->group();
  }
  DmaDevice device(std::uint32_t stream) { return DmaDevice(smmu->add_port(), StreamId(stream)); }

  HostClock clock;
  std::unique_ptr<PagePool> pool;
  std::unique_ptr<emulator::SmmuV3> smmu;
  std::unique_ptr<Iommu> iommu;
};

struct ContainerDma : ::testing::Test {
  ContainerDma() {
    EXPECT_TRUE(ram.add(kPool, 2 * kPoolSize));
    EXPECT_TRUE(ram.add(kUser, kUserPages * kPage));
    memory = std::move(*PinnedRam::create(ram, kUser, kUserPages * kPage));
    first.emplace(ram, kPool);
    second.emplace(ram, Pa(kPool.value + kPoolSize));
    container =
        std::move(*Container::create(*memory, {.unsafe_interrupts = UnsafeInterrupts::kAllow}));
  }

  UserAddress user(std::uint64_t page) const {
    return memory->address_of(Pa(kUser.value + page * kPage));
  }
  Result<Done, std::errc> map(std::uint64_t iova, std::uint64_t page, std::uint64_t count,
                              MapFlags flags = kBoth) {
    return container->map_dma({flags, user(page), Iova(iova * kPage), count * kPage});
  }
  Result<std::uint64_t, std::errc> unmap(std::uint64_t iova, std::uint64_t count) {
    return container->unmap_dma({UnmapFlags::kNone, Iova(iova * kPage), count * kPage, {}});
  }
  // The first word of a page, as the program has it.
  void store(std::uint64_t page, std::uint64_t word) {
    ASSERT_EQ(ram.store64(Pa(kUser.value + page * kPage), word), BusResponse::kOkay);
  }
  std::uint64_t load(std::uint64_t page) { return *ram.load64(Pa(kUser.value + page * kPage)); }
  // The same as a device has it; none: it is not allowed to.
  static std::optional<std::uint64_t> read(const DmaDevice& device, std::uint64_t iova) {
    std::array<std::byte, 8> bytes{};
    if (device.read(Iova(iova * kPage), bytes).bytes != bytes.size()) return std::nullopt;
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    return word;
  }
  static bool write(const DmaDevice& device, std::uint64_t iova, std::uint64_t word) {
    std::array<std::byte, 8> bytes{};
    std::memcpy(bytes.data(), &word, sizeof word);
    return device.write(Iova(iova * kPage), bytes).bytes == bytes.size();
  }

  emulator::Ram ram;
  std::unique_ptr<PinnedRam> memory;
  std::optional<Side> first;
  std::optional<Side> second;
  std::unique_ptr<Container> container;
};

TEST_F(ContainerDma, DevicesOfTwoSmmusShareTheProgramsMemory) {
  const DmaDevice nic = first->device(1);
  const DmaDevice disk = second->device(2);
  ASSERT_TRUE(map(0x100, 3, 8));
  ASSERT_TRUE(container->attach(first->add(1)));
  ASSERT_TRUE(container->attach(second->add(2)));
  ASSERT_TRUE(write(nic, 0x104, 0x1234));
  EXPECT_EQ(load(7), 0x1234u);
  EXPECT_EQ(read(disk, 0x104), 0x1234u);
  ASSERT_TRUE(map(0x200, 20, 1, MapFlags::kRead));
  store(20, 0x55);
  EXPECT_EQ(read(nic, 0x200), 0x55u);
  EXPECT_FALSE(write(nic, 0x200, 1)) << "it may only be read";
  ASSERT_TRUE(unmap(0x100, 8));
  EXPECT_EQ(read(nic, 0x104), std::nullopt);
  EXPECT_EQ(read(disk, 0x104), std::nullopt);
  EXPECT_EQ(memory->pinned(), kPage);
}

TEST_F(ContainerDma, WhatIsUnpinnedIsOutOfReachOfADeviceThatNeverRests) {
  constexpr std::uint64_t kSecret = 0x5ec4e7;
  Group& group = first->add(1);
  ASSERT_TRUE(container->attach(group));
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> reads{0};
  std::atomic<bool> leaked{false};
  std::thread device([&, nic = first->device(1)] {
    while (!ends) {
      const auto word = read(nic, 0x80);
      if (word) ++reads;
      if (word == kSecret) leaked = true;
    }
  });
  for (int times = 0; times != 200; ++times) {
    store(9, 0);
    ASSERT_TRUE(map(0x80, 9, 1));
    const std::uint64_t before = reads;
    // A read that was begun and one that was not, or the device does not get that far.
    for (int n = 0; n != 1000 && reads < before + 2; ++n) std::this_thread::yield();
    ASSERT_TRUE(unmap(0x80, 1));
    ASSERT_EQ(memory->pinned(), 0u);
    store(9, kSecret);
  }
  ends = true;
  device.join();
  EXPECT_FALSE(leaked);
  EXPECT_GT(reads, 0u);
}

TEST_F(ContainerDma, WhateverIsCalledInWhateverOrderDevicesReachWhatTheModelSays) {
  const std::array<DmaDevice, 3> devices{first->device(1), first->device(2), second->device(3)};
  const std::array<Group*, 3> groups{&first->add(1), &first->add(2), &second->add(3)};
  std::array<bool, 3> attached{};
  struct Mapped {
    std::uint64_t page;
    std::uint64_t count;
  };
  std::map<std::uint64_t, Mapped> slots;
  for (std::uint64_t page = 0; page != kUserPages; ++page) store(page, 1000 + page);
  std::mt19937 random(7);
  const auto pick = [&](std::uint64_t below) {
    return std::uniform_int_distribution<std::uint64_t>(0, below - 1)(random);
  };
  for (int step = 0; step != 300; ++step) {
    SCOPED_TRACE(step);
    const std::uint64_t what = pick(8);
    if (what == 0) {
      const std::size_t n = pick(3);
      attached[n] = !attached[n];
      ASSERT_TRUE(attached[n] ? container->attach(*groups[n]) : container->detach(*groups[n]));
      if (!attached[0] && !attached[1] && !attached[2]) slots.clear();
    } else if (what < 5) {
      const std::uint64_t iova = pick(4) << 4;
      const Mapped slot{pick(kUserPages - 16), 1 + pick(16)};
      const auto mapped = map(iova, slot.page, slot.count);
      ASSERT_EQ(mapped.has_value(), slots.count(iova) == 0);
      if (mapped) slots[iova] = slot;
    } else if (!slots.empty()) {
      const auto slot = slots.begin();
      ASSERT_EQ(*unmap(slot->first, slot->second.count), slot->second.count * kPage);
      slots.erase(slot);
    }
    for (std::size_t n = 0; n != 3; ++n) {
      for (std::uint64_t iova = 0; iova != 64; ++iova) {
        const auto slot = slots.find(iova & ~std::uint64_t{15});
        const std::uint64_t offset = iova & 15;
        std::optional<std::uint64_t> expected;
        if (attached[n] && slot != slots.end() && offset < slot->second.count) {
          expected = 1000 + slot->second.page + offset;
        }
        ASSERT_EQ(read(devices[n], iova), expected) << "device " << n << ", page " << iova;
      }
    }
  }
}

}  // namespace
}  // namespace smmu::iommu::container_dma_test
