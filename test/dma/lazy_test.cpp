// Lazy domains: what is unmapped waits for a flush.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "test/dma/dma_system.h"
#include "test/heap/heap.h"

namespace smmu::iommu::lazy_test {
namespace {

using namespace std::chrono_literals;
using Ranges = std::vector<FakeDomain::Range>;

constexpr auto kBoth = DmaDirection::kBidirectional;
const Ranges kOneFlush = {{0, 0, 0}};

DmaConfig lazy(Clock& clock, unsigned entries) {
  DmaConfig config;
  config.clock = &clock;
  config.flush_queue = {.entries = entries, .rings = 1, .patience = 10ms};
  return config;
}

struct LazySystem : StandingClock, DmaSystem {
  explicit LazySystem(unsigned entries = 256)
      : DmaSystem(lazy(static_cast<StandingClock&>(*this), entries), DomainType::kDmaLazy) {}

  Ranges told() { return fake(*domain).take_synced(); }
};

TEST(Lazy, AnAddressIsNotGivenOutBeforeTheSmmuWasFlushed) {
  LazySystem dma;
  DeviceDma device = dma.device();
  ASSERT_TRUE(dma.space->is_lazy());
  const auto first = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(first);
  EXPECT_TRUE(device.unmap_single(*first, kPage));
  EXPECT_TRUE(dma.leaves().empty());
  EXPECT_EQ(dma.told(), Ranges{});
  const auto second = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(second);
  EXPECT_NE(*second, *first);
  dma.space->flush();
  EXPECT_EQ(dma.told(), kOneFlush);
  const auto third = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(third);
  EXPECT_EQ(*third, *first);
}

TEST(Lazy, AFlushComesWhenTheFirstHasWaitedLongEnough) {
  LazySystem dma;
  DeviceDma device = dma.device();
  EXPECT_EQ(dma.space->deadline(), std::nullopt);
  dma.time = 5ms;
  const auto a = device.map_single(Pa(0x1000), kPage, kBoth);
  const auto b = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(a && b);
  EXPECT_TRUE(device.unmap_single(*a, kPage));
  dma.time = 9ms;
  EXPECT_TRUE(device.unmap_single(*b, kPage));
  EXPECT_EQ(dma.space->deadline(), 15ms);
  EXPECT_EQ(dma.looks, 1u) << "the second need not know";
  dma.time = 15ms - 1ns;
  dma.space->tick();
  EXPECT_EQ(dma.told(), Ranges{});
  EXPECT_EQ(dma.space->flush_statistics().waiting, 2u);
  dma.time = 15ms;
  dma.space->tick();
  EXPECT_EQ(dma.told(), kOneFlush);
  EXPECT_EQ(dma.space->flush_statistics().waiting, 0u);
  EXPECT_EQ(dma.space->deadline(), std::nullopt);
  dma.space->tick();
  EXPECT_EQ(dma.told(), Ranges{});
}

TEST(Lazy, WhereNoMoreCanWaitTheyAreFlushed) {
  LazySystem dma(4);
  DeviceDma device = dma.device();
  for (int i = 0; i != 5; ++i) {
    EXPECT_EQ(dma.told(), Ranges{});
    const auto iova = device.map_single(Pa(0x1000), kPage, kBoth);
    ASSERT_TRUE(iova);
    EXPECT_TRUE(device.unmap_single(*iova, kPage));
  }
  EXPECT_EQ(dma.told(), kOneFlush);
  EXPECT_EQ(dma.space->flush_statistics().full, 1u);
}

TEST(Lazy, AddressesThatWaitAreFlushedForWhoFindsNoOther) {
  LazySystem dma;
  DeviceDma device = dma.device({.mask = 0x3fff});
  for (int round = 0; round != 3; ++round) {
    const std::vector<Iova> mapped = map_all(device);
    EXPECT_EQ(mapped.size(), 3u);
    EXPECT_EQ(dma.told(), round == 0 ? Ranges{} : kOneFlush);
    for (const Iova iova : mapped) EXPECT_TRUE(device.unmap_single(iova, 1));
  }
  const std::array<ScatterEntry, 2> pieces = {{{Pa(0x1000), 1}, {Pa(0x1000), 1}}};
  std::array<DmaSegment, 2> segments;
  EXPECT_TRUE(device.map_sg(pieces, kBoth, segments));
  EXPECT_EQ(dma.told(), kOneFlush);
  EXPECT_TRUE(device.unmap_sg(segments));
  EXPECT_EQ(dma.told(), Ranges{});
}

TEST(Lazy, QueuesOfADeviceWaitLikeAll) {
  LazySystem dma;
  DeviceDma device = dma.device();
  auto queue = device.add_queue();
  ASSERT_TRUE(queue);
  const auto first = queue->map_single(Pa(0x1234), 1, kBoth);
  ASSERT_TRUE(first);
  EXPECT_TRUE(queue->unmap_single(*first, 1));
  const auto second = queue->map_single(Pa(0x1234), 1, kBoth);
  ASSERT_TRUE(second);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(dma.told(), Ranges{});
}

TEST(Lazy, WhatGoesWithItsSpaceIsFlushedBefore) {
  LazySystem dma;
  DeviceDma device = dma.device();
  const auto iova = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(iova);
  EXPECT_TRUE(device.unmap_single(*iova, kPage));
  dma.space.reset();
  EXPECT_EQ(dma.told(), kOneFlush);
}

// Each unmap tells the SMMU.
void expect_strict(DmaSpace& space, Domain& domain) {
  EXPECT_FALSE(space.is_lazy());
  DeviceDma device(space, {});
  const auto iova = device.map_single(Pa(0x1000), kPage, kBoth);
  ASSERT_TRUE(iova);
  fake(domain).take_synced();
  EXPECT_TRUE(device.unmap_single(*iova, kPage));
  EXPECT_EQ(fake(domain).take_synced(), (Ranges{{iova->value, kPage, kPage}}));
  EXPECT_EQ(space.deadline(), std::nullopt);
  space.tick();
  space.flush();
  EXPECT_EQ(fake(domain).take_synced(), Ranges{});
  EXPECT_EQ(space.flush_statistics().flushes, 0u);
}

TEST(Lazy, WhereTheSmmuDoesNotAllowItUnmapsAreStrict) {
  FakeSystem system;
  const auto domain = system.domain(DomainType::kDmaLazy);
  system.driver->deferred_flush = false;
  const auto space = DmaSpace::create(*domain, {});
  ASSERT_TRUE(space);
  expect_strict(**space, *domain);
}

TEST(Lazy, WithoutMemoryForWhatWaitsUnmapsAreStrict) {
  FakeSystem system;
  const auto domain = system.domain(DomainType::kDmaLazy);
  unsigned strict = 0;
  for (std::uint64_t granted = 0;; ++granted) {
    ASSERT_LT(granted, 100u);
    Result<std::unique_ptr<DmaSpace>, std::errc> space = std::errc::io_error;
    std::uint64_t refused = 0;
    {
      const HeapRefusal refusal(granted);
      space = DmaSpace::create(*domain, {}, {.flush_queue = {.entries = 4, .rings = 2}});
      refused = refusal.refused();
    }
    if (refused == 0) {
      ASSERT_TRUE(space);
      EXPECT_TRUE((*space)->is_lazy());
      break;
    }
    if (space) {
      ++strict;
      expect_strict(**space, *domain);
    } else {
      EXPECT_EQ(space.error(), std::errc::not_enough_memory);
      EXPECT_EQ(domain->doorbell_space(), nullptr);
    }
  }
  // The client, the queue, its rings, and what each of the two holds.
  EXPECT_EQ(strict, 5u);
}

}  // namespace
}  // namespace smmu::iommu::lazy_test
