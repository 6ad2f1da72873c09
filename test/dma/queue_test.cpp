// Queues of a device, which keep addresses for themselves.
#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include "test/dma/dma_system.h"

namespace smmu::iommu::queue_test {
namespace {

constexpr auto kBoth = DmaDirection::kBidirectional;

TEST(Queue, MapsAndUnmapsAsItsDeviceDoes) {
  DmaSystem dma;
  DeviceDma device = dma.device({.mask = 0xffff'ffff, .prot = Prot::kCache});
  auto queue = device.add_queue();
  ASSERT_TRUE(queue);
  const auto iova = queue->map_single(Pa(0x1234), 3 * kPage, DmaDirection::kToDevice);
  ASSERT_TRUE(iova);
  EXPECT_LE(iova->value, 0xffff'ffffu);
  EXPECT_TRUE(dma.finds(*iova, Pa(0x1234), 3 * kPage));
  EXPECT_EQ(dma.leaves().begin()->second.prot, Prot::kRead | Prot::kCache);
  EXPECT_TRUE(queue->unmap_single(*iova, 3 * kPage));
  EXPECT_TRUE(dma.leaves().empty());
  EXPECT_FALSE(queue->unmap_single(*iova, 3 * kPage)) << "twice";
  EXPECT_FALSE(queue->map_single(Pa(0x1234), 0, kBoth));
}

TEST(Queue, WhatOneMapsTheDeviceOrAnotherMayUnmap) {
  DmaSystem dma;
  DeviceDma device = dma.device();
  auto a = device.add_queue();
  auto b = device.add_queue();
  ASSERT_TRUE(a && b);
  for (int i = 0; i != 300; ++i) {
    const auto iova = a->map_single(Pa(0x1000), kPage, kBoth);
    ASSERT_TRUE(iova);
    EXPECT_TRUE(i % 2 == 0 ? b->unmap_single(*iova, kPage) : device.unmap_single(*iova, kPage));
  }
  EXPECT_TRUE(dma.leaves().empty());
}

TEST(Queue, WhatItKeepsIsThereForOthersWhoFindNothing) {
  DmaSystem dma;
  DeviceDma device = dma.device({.mask = 0xffff});
  std::optional<DmaQueue> queue = *device.add_queue();
  std::vector<Iova> mapped = map_all(device);
  ASSERT_EQ(mapped.size(), 15u);
  for (const Iova iova : mapped) EXPECT_TRUE(queue->unmap_single(iova, 1));
  mapped = map_all(device);
  EXPECT_EQ(mapped.size(), 15u);
  for (const Iova iova : mapped) EXPECT_TRUE(queue->unmap_single(iova, 1));
  queue.reset();
  EXPECT_EQ(map_all(device).size(), 15u);
}

}  // namespace
}  // namespace smmu::iommu::queue_test
