// Memory that device and software use at the same time.
#include <gtest/gtest.h>

#include <memory>

#include "smmu/emulator/ram.h"
#include "test/dma/dma_system.h"

namespace smmu::iommu::coherent_test {
namespace {

constexpr Pa kBase{0x4000'0000};

struct CoherentSystem : DmaSystem {
  explicit CoherentSystem(DomainType type = DomainType::kDma)
      : DmaSystem(without_magazines(), type) {
    EXPECT_TRUE(ram.add(kBase, 1 << 20));
    pool = *PagePool::create(ram, kBase, 1 << 20);
  }
  emulator::Ram ram;
  std::unique_ptr<PagePool> pool;
};

TEST(Coherent, MemoryIsZeroAndMappedForBothDirections) {
  CoherentSystem dma;
  DeviceDma device = dma.device({.mask = 0xffff'ffff, .prot = Prot::kCache});
  for (const std::uint64_t size : {1ull, 4096ull, 4097ull, 0x6000ull}) {
    const auto buffer = device.alloc_coherent(*dma.pool, size);
    ASSERT_TRUE(buffer) << size;
    EXPECT_EQ(buffer->size, size);
    EXPECT_LE(buffer->iova.value + size - 1, 0xffff'ffffu);
    EXPECT_TRUE(dma.finds(buffer->iova, buffer->pa, size));
    EXPECT_EQ(dma.leaves().begin()->second.prot, kReadWrite | Prot::kCache);
    for (std::uint64_t i = 0; i != (size + 7) / 8; ++i) {
      ASSERT_EQ(buffer->words[i], 0u);
      buffer->words[i] = UINT64_MAX;
    }
    EXPECT_EQ(dma.pool->words(buffer->pa), buffer->words);
    EXPECT_TRUE(device.free_coherent(*dma.pool, *buffer));
    EXPECT_EQ(dma.pool->live(), 0u);
    EXPECT_TRUE(dma.leaves().empty());
  }
}

TEST(Coherent, WhatCannotBeHadLeavesNothingBehind) {
  CoherentSystem dma;
  DeviceDma device = dma.device();
  const std::uint64_t before = dma.ranges();
  const auto expect_error = [&](std::uint64_t size, std::errc error) {
    const auto buffer = device.alloc_coherent(*dma.pool, size);
    ASSERT_FALSE(buffer) << size;
    EXPECT_EQ(buffer.error(), error) << size;
    EXPECT_EQ(dma.pool->live(), 0u);
    EXPECT_EQ(dma.ranges(), before);
    EXPECT_TRUE(dma.leaves().empty());
  };
  expect_error(0, std::errc::invalid_argument);
  expect_error(UINT64_MAX, std::errc::invalid_argument);
  expect_error(UINT64_MAX - 0xfff, std::errc::not_enough_memory);
  expect_error(std::uint64_t{1} << 63, std::errc::not_enough_memory);
  expect_error(2 << 20, std::errc::not_enough_memory);
  fake(*dma.domain).leaves().fail_map(0, std::errc::io_error);
  expect_error(4096, std::errc::io_error);
  DeviceDma narrow = dma.device({.mask = 0x1fff});
  const auto buffer = narrow.alloc_coherent(*dma.pool, 0x2000);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error(), std::errc::not_enough_memory);
  EXPECT_EQ(dma.pool->live(), 0u);
}

TEST(Coherent, InALazyDomainItsMemoryGoesBackAfterAFlush) {
  CoherentSystem dma(DomainType::kDmaLazy);
  DeviceDma device = dma.device();
  const auto buffer = device.alloc_coherent(*dma.pool, 100);
  ASSERT_TRUE(buffer);
  EXPECT_TRUE(fake(*dma.domain).take_synced().empty());
  EXPECT_TRUE(device.free_coherent(*dma.pool, *buffer));
  EXPECT_EQ(fake(*dma.domain).take_synced(), (std::vector<FakeDomain::Range>{{0, 0, 0}}));
  EXPECT_EQ(dma.pool->live(), 0u);
}

TEST(Coherent, ABufferThatIsNotThereStaysWithItsOwner) {
  CoherentSystem dma;
  DeviceDma device = dma.device();
  const auto buffer = device.alloc_coherent(*dma.pool, 100);
  ASSERT_TRUE(buffer);
  CoherentBuffer wrong = *buffer;
  wrong.iova = Iova(buffer->iova.value - 4096);
  EXPECT_FALSE(device.free_coherent(*dma.pool, wrong));
  EXPECT_EQ(dma.pool->live(), 1u);
  EXPECT_TRUE(device.free_coherent(*dma.pool, *buffer));
  EXPECT_EQ(dma.pool->live(), 0u);
}

}  // namespace
}  // namespace smmu::iommu::coherent_test
