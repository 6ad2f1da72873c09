// No memory, at each allocation there is.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>

#include "smmu/emulator/ram.h"
#include "test/dma/dma_system.h"
#include "test/heap/heap.h"

namespace smmu::iommu::memory_test {
namespace {

constexpr auto kBoth = DmaDirection::kBidirectional;

TEST(Memory, ASpaceIsMadeAsAWholeOrNotAtAll) {
  FakeSystem system;
  const auto domain = system.domain(DomainType::kDma);
  const std::array<ReservedRegion, 2> regions = {{{Iova(0x1000), 0x1000}, {Iova(0x4000), 0x1000}}};
  bool done = false;
  for (std::uint64_t granted = 0; !done; ++granted) {
    ASSERT_LT(granted, 100u);
    Result<std::unique_ptr<DmaSpace>, std::errc> space = std::errc::io_error;
    std::uint64_t refused = 0;
    {
      const HeapRefusal refusal(granted);
      space = DmaSpace::create(*domain, regions);
      refused = refusal.refused();
    }
    done = refused == 0;
    ASSERT_EQ(static_cast<bool>(space), done) << granted;
    if (!done) {
      EXPECT_EQ(space.error(), std::errc::not_enough_memory);
      EXPECT_EQ(domain->doorbell_space(), nullptr);
    }
  }
}

TEST(Memory, RegionsAreReservedTogetherOrNotAtAll) {
  std::vector<ReservedRegion> regions;
  for (std::uint64_t n = 1; n != 200; ++n) regions.push_back({Iova(n * 2 * kPage), kPage});
  for (const IovaOrder order : {IovaOrder::kHighestGap, IovaOrder::kLinuxExact}) {
    DmaConfig config;
    config.iova.order = order;
    DmaSystem dma(config);
    std::uint64_t failures = 0;
    for (bool done = false; !done;) {
      ASSERT_LT(failures, 100u);
      EXPECT_EQ(dma.ranges(), 0u);
      Result<Done, std::errc> reserved = Done{};
      {
        const HeapRefusal refusal(failures);
        reserved = dma.space->reserve(regions);
        done = refusal.refused() == 0;
      }
      ASSERT_EQ(static_cast<bool>(reserved), done);
      if (done) break;
      EXPECT_EQ(reserved.error(), std::errc::not_enough_memory);
      ++failures;
    }
    EXPECT_NE(failures, 0u);
    EXPECT_EQ(dma.ranges(), regions.size());
  }
}

// What `attempt` does with a fresh system, while so many allocations are granted: if it fails, it
// does so for want of memory and leaves nothing.
template <class Attempt>
void expect_whole_or_nothing(DomainType type, const DmaConfig& config, Attempt attempt) {
  bool done = false;
  std::uint64_t failures = 0;
  for (std::uint64_t granted = 0; !done; ++granted) {
    ASSERT_LT(granted, 100u);
    DmaSystem dma(config, type);
    const std::uint64_t before = dma.ranges();
    std::uint64_t refused = 0;
    std::optional<std::errc> error;
    {
      const HeapRefusal refusal(granted);
      error = attempt(dma);
      refused = refusal.refused();
    }
    if (error) {
      ++failures;
      EXPECT_EQ(*error, std::errc::not_enough_memory);
      EXPECT_NE(refused, 0u);
      EXPECT_TRUE(dma.leaves().empty());
      EXPECT_EQ(dma.ranges(), before);
      // With memory it goes on as if nothing had been.
      error = attempt(dma);
      EXPECT_FALSE(error);
    }
    done = refused == 0;
  }
  EXPECT_NE(failures, 0u);
}

TEST(Memory, ABufferIsMappedOrLeavesNothing) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    for (const DmaConfig& config : {DmaConfig{}, without_magazines()}) {
      expect_whole_or_nothing(type, config, [](DmaSystem& dma) -> std::optional<std::errc> {
        DeviceDma device = dma.device({.preference = AddressPreference::kLow32Bits});
        const auto iova = device.map_single(Pa(0x1234), 5 * kPage, kBoth);
        if (!iova) return iova.error();
        EXPECT_TRUE(dma.finds(*iova, Pa(0x1234), 5 * kPage));
        const auto unmapped = device.unmap_single(*iova, 5 * kPage);
        EXPECT_TRUE(unmapped);
        dma.space->flush();
        return std::nullopt;
      });
    }
  }
}

TEST(Memory, AListIsMappedOrLeavesNothing) {
  expect_whole_or_nothing(
      DomainType::kDma, without_magazines(), [](DmaSystem& dma) -> std::optional<std::errc> {
        DeviceDma device = dma.device();
        const std::array<ScatterEntry, 2> pieces = {{{Pa(0x1000), 1}, {Pa(0x9000), 2 * kPage}}};
        std::array<DmaSegment, 2> segments;
        const auto count = device.map_sg(pieces, kBoth, segments);
        if (!count) return count.error();
        EXPECT_TRUE(device.unmap_sg({segments.data(), *count}));
        return std::nullopt;
      });
}

TEST(Memory, ADoorbellIsBoundOrLeavesNothing) {
  expect_whole_or_nothing(
      DomainType::kDma, without_magazines(), [](DmaSystem& dma) -> std::optional<std::errc> {
        const auto iova = dma.space->bind_doorbell(Pa(0x800'0040), 4, Prot::kWrite);
        if (!iova) return iova.error();
        dma.space->unbind_doorbell(*iova);
        return std::nullopt;
      });
}

TEST(Memory, AQueueIsMadeOrNot) {
  expect_whole_or_nothing(DomainType::kDma, {}, [](DmaSystem& dma) -> std::optional<std::errc> {
    DeviceDma device = dma.device();
    auto queue = device.add_queue();
    if (!queue) return queue.error();
    return std::nullopt;
  });
}

TEST(Memory, CoherentMemoryIsHadOrLeavesNothing) {
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x4000'0000), 1 << 20));
  const auto pool = *PagePool::create(ram, Pa(0x4000'0000), 1 << 20);
  expect_whole_or_nothing(DomainType::kDma, without_magazines(),
                          [&](DmaSystem& dma) -> std::optional<std::errc> {
                            DeviceDma device = dma.device();
                            const auto buffer = device.alloc_coherent(*pool, kPage);
                            if (!buffer) {
                              EXPECT_EQ(pool->live(), 0u);
                              return buffer.error();
                            }
                            EXPECT_TRUE(device.free_coherent(*pool, *buffer));
                            EXPECT_EQ(pool->live(), 0u);
                            return std::nullopt;
                          });
  pool->grant(0);
  DmaSystem dma(without_magazines());
  const std::uint64_t before = dma.ranges();
  DeviceDma device = dma.device();
  const auto refused = device.alloc_coherent(*pool, kPage);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::not_enough_memory);
  EXPECT_EQ(dma.ranges(), before);
}

}  // namespace
}  // namespace smmu::iommu::memory_test
