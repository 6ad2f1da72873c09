// DMA through an SMMUv3, its driver and its tables: what devices reach, and what they do not.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

#include "smmu/iommu/dma.h"
#include "smmu/iommu/dma_space.h"
#include "smmu/testing/driven_board.h"
#include "test/dma/dma_board.h"

namespace smmu::iommu::smmu_v3_test {
namespace {

using emulator::CachePolicy;
using testing::DmaDevice;
using testing::DrivenBoard;

constexpr auto kBoth = DmaDirection::kBidirectional;

using DmaBoard = DmaBoardOf<DrivenBoard>;

TEST(DmaOfAnSmmuV3, ADeviceReachesItsBufferUntilAStrictUnmapReturns) {
  for (const CachePolicy policy :
       {CachePolicy::kNone, CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    expect_reach_until_unmapped<DrivenBoard>(policy);
  }
}

TEST(DmaOfAnSmmuV3, TheNextBufferAtAnAddressIsNotTheOneBefore) {
  DmaBoard dma(CachePolicy::kAdversarial, DomainType::kDma);
  DeviceDma device(*dma.space, {.prot = Prot::kCache});
  const Pa buffers = dma.board.allocate(8 * kPage);
  Iova before(0);
  for (std::uint64_t i = 0; i != 8; ++i) {
    const Pa pa(buffers.value + i * kPage);
    const auto iova = device.map_single(pa, kPage, kBoth);
    ASSERT_TRUE(iova);
    EXPECT_TRUE(i == 0 || *iova == before) << "the test wants the same address";
    before = *iova;
    ASSERT_TRUE(dma.writes(*iova, kPage));
    std::array<std::byte, 1> byte{};
    ASSERT_EQ(dma.board.memory().read(pa, byte), BusResponse::kOkay);
    EXPECT_EQ(byte[0], std::byte{0x5a});
    const std::array<std::byte, 1> zero{};
    ASSERT_EQ(dma.board.memory().write(pa, zero), BusResponse::kOkay);
    ASSERT_TRUE(device.unmap_single(*iova, kPage));
  }
}

TEST(DmaOfAnSmmuV3, ListsAreReachedUntilTheyAreUnmapped) {
  DmaBoard dma(CachePolicy::kAdversarial, DomainType::kDma);
  DeviceDma device(*dma.space, {.boundary = 4 * kPage, .prot = Prot::kCache});
  const Pa buffer = dma.board.allocate(16 * kPage);
  const std::array<ScatterEntry, 4> pieces = {{{Pa(buffer.value + 0x800), 0x100},
                                               {Pa(buffer.value + 2 * kPage), 3 * kPage},
                                               {Pa(buffer.value + 8 * kPage), 3 * kPage},
                                               {Pa(buffer.value + 12 * kPage), 1}}};
  std::array<DmaSegment, 4> segments;
  for (int i = 0; i != 10; ++i) {
    const auto count = device.map_sg(pieces, kBoth, segments);
    ASSERT_TRUE(count);
    const std::span<const DmaSegment> used(segments.data(), *count);
    for (const DmaSegment& segment : used) EXPECT_TRUE(dma.writes(segment.iova, segment.size));
    ASSERT_TRUE(device.unmap_sg(used));
    for (const DmaSegment& segment : used) {
      EXPECT_FALSE(dma.reads(segment.iova, 1));
      EXPECT_FALSE(dma.reads(Iova(segment.iova.value + segment.size - 1), 1));
    }
  }
}

TEST(DmaOfAnSmmuV3, AfterAFlushALazyDomainIsNotReachedAnyMore) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    expect_reach_until_flushed<DrivenBoard>(policy);
  }
}

TEST(DmaOfAnSmmuV3, CoherentMemoryIsSharedAndThenOutOfReach) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    DmaBoard dma(CachePolicy::kAdversarial, type);
    DeviceDma device(*dma.space, {.mask = 0xffff'ffff, .prot = Prot::kCache});
    const std::uint64_t before = dma.board.pool().live();
    const auto buffer = device.alloc_coherent(dma.board.pool(), 64);
    ASSERT_TRUE(buffer);
    EXPECT_TRUE(dma.writes(buffer->iova, 64));
    EXPECT_EQ(buffer->words[0], 0x5a5a'5a5a'5a5a'5a5aull);
    ASSERT_TRUE(device.free_coherent(dma.board.pool(), *buffer));
    EXPECT_FALSE(dma.reads(buffer->iova, 1));
    // Tables stay for the next mapping; nothing else does.
    const std::uint64_t tables = dma.domain->driver_domain().tables()->live_tables();
    EXPECT_EQ(dma.board.pool().live(), before + tables);
  }
}

TEST(DmaOfAnSmmuV3, DoorbellsAreReachedAsLongAsTheyAreBound) {
  expect_doorbells_as_long_as_bound<DrivenBoard>(CachePolicy::kAdversarial);
}

TEST(DmaOfAnSmmuV3, WithoutMemoryForTablesNothingIsLeftOfABuffer) {
  expect_nothing_is_left_of_a_buffer<DrivenBoard>();
}

TEST(DmaOfAnSmmuV3, WithoutMemoryForTablesNothingIsLeftOfAList) {
  expect_nothing_is_left_of_a_list<DrivenBoard>();
}

TEST(DmaOfAnSmmuV3, WithoutMemoryForTablesNothingIsLeftOfADoorbell) {
  expect_nothing_is_left_of_a_doorbell<DrivenBoard>();
}

// Each thread has a device, buffers of its own and a byte that only these hold.
TEST(DmaOfAnSmmuV3, ThreadsMapAndUnmapWhileTheirDevicesWork) {
  for (const DomainType type : {DomainType::kDma, DomainType::kDmaLazy}) {
    DmaBoard dma(CachePolicy::kRealistic, type);
    constexpr unsigned kThreads = 3;
    std::vector<DmaDevice> ports;
    std::vector<Pa> buffers;
    for (unsigned t = 0; t != kThreads; ++t) {
      ports.push_back(dma.board.device(StreamId(5)));
      buffers.push_back(dma.board.allocate(2 * kPage));
    }
    std::atomic<unsigned> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t != kThreads; ++t) {
      threads.emplace_back([&, t] {
        DeviceDma device(*dma.space, {.prot = Prot::kCache});
        auto queue = device.add_queue();
        const std::array<std::byte, 2> mark{std::byte(t + 1), std::byte(t + 1)};
        for (unsigned i = 0; i != 200; ++i) {
          const Pa pa(buffers[t].value + kPage - 1);
          const auto iova =
              i % 2 == 0 ? queue->map_single(pa, 2, kBoth) : device.map_single(pa, 2, kBoth);
          std::array<std::byte, 2> found{};
          if (!iova || ports[t].write(*iova, mark).bytes != 2 ||
              ports[t].read(*iova, found).bytes != 2 || found != mark) {
            ++wrong;
            continue;
          }
          if (!queue->unmap_single(*iova, 2)) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0u);
  }
}

TEST(DmaOfAnSmmuV3, TablesThatTrimGivesBackAreForgotten) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    expect_trimmed_tables_are_forgotten<DrivenBoard>(policy);
  }
}

}  // namespace
}  // namespace smmu::iommu::smmu_v3_test
