// A device of an SMMU's board in a space of its own, and what it reaches.
#ifndef SMMU_TEST_DMA_DMA_BOARD_H_
#define SMMU_TEST_DMA_DMA_BOARD_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "smmu/emulator/caching.h"
#include "smmu/iommu/dma.h"
#include "smmu/iommu/dma_space.h"
#include "smmu/testing/dma_device.h"
#include "test/dma/page.h"

namespace smmu::iommu {

// `Board`: DrivenBoard or DrivenBoardV2.
template <class Board>
struct DmaBoardOf {
  DmaBoardOf(emulator::CachePolicy policy, DomainType type, const DmaConfig& config = {})
      : board(with(policy)),
        known(board.add(StreamId(5))),
        domain(board.domain(type)),
        port(board.device(StreamId(5))) {
    EXPECT_TRUE(known.group().attach(*domain));
    space = *DmaSpace::create(*domain, known.reserved_regions(), config);
  }
  ~DmaBoardOf() {
    space.reset();
    EXPECT_TRUE(known.group().detach());
  }

  static typename Board::Options with(emulator::CachePolicy policy) {
    typename Board::Options options;
    options.config.caching.policy = policy;
    return options;
  }

  bool writes(Iova iova, std::uint64_t bytes) {
    const std::vector<std::byte> some(bytes, std::byte{0x5a});
    return port.write(iova, some).bytes == bytes;
  }
  bool reads(Iova iova, std::uint64_t bytes) {
    std::vector<std::byte> some(bytes);
    return port.read(iova, some).bytes == bytes;
  }

  Board board;
  Device& known;
  std::unique_ptr<Domain> domain;
  testing::DmaDevice port;
  std::unique_ptr<DmaSpace> space;
};

template <class Board>
void expect_reach_until_unmapped(emulator::CachePolicy policy) {
  DmaBoardOf<Board> dma(policy, DomainType::kDma);
  DeviceDma device(*dma.space, {.prot = Prot::kCache});
  const Pa buffer = dma.board.allocate(4 * kPage);
  std::mt19937 random(3);
  for (int i = 0; i != 60; ++i) {
    const std::uint64_t offset = random() % kPage;
    const std::uint64_t size = 1 + random() % (2 * kPage);
    const auto iova =
        device.map_single(Pa(buffer.value + offset), size, DmaDirection::kBidirectional);
    ASSERT_TRUE(iova);
    EXPECT_TRUE(dma.writes(*iova, size));
    EXPECT_TRUE(dma.reads(*iova, size));
    ASSERT_TRUE(device.unmap_single(*iova, size));
    EXPECT_FALSE(dma.writes(*iova, 1)) << i;
    EXPECT_FALSE(dma.reads(Iova(iova->value + size - 1), 1)) << i;
  }
}

template <class Board>
void expect_reach_until_flushed(emulator::CachePolicy policy) {
  DmaBoardOf<Board> dma(policy, DomainType::kDmaLazy);
  ASSERT_TRUE(dma.space->is_lazy());
  DeviceDma device(*dma.space, {.prot = Prot::kCache});
  const Pa buffer = dma.board.allocate(kPage);
  const auto iova = device.map_single(buffer, kPage, DmaDirection::kBidirectional);
  ASSERT_TRUE(iova);
  EXPECT_TRUE(dma.writes(*iova, kPage));
  ASSERT_TRUE(device.unmap_single(*iova, kPage));
  // The SMMU still has it, and nobody else gets the address.
  EXPECT_TRUE(dma.writes(*iova, kPage));
  const auto other = device.map_single(buffer, kPage, DmaDirection::kBidirectional);
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *iova);
  dma.space->flush();
  EXPECT_FALSE(dma.writes(*iova, 1));
  EXPECT_TRUE(dma.writes(*other, kPage));
  ASSERT_TRUE(device.unmap_single(*other, kPage));
}

template <class Board>
void expect_doorbells_as_long_as_bound(emulator::CachePolicy policy) {
  DmaBoardOf<Board> dma(policy, DomainType::kDma);
  const Pa page = dma.board.allocate(kPage);
  const auto bell = dma.domain->doorbell_space()->bind_doorbell(
      Pa(page.value + 0x40), 4, Prot::kWrite | Prot::kNoExec | Prot::kMmio);
  ASSERT_TRUE(bell);
  EXPECT_TRUE(dma.writes(*bell, 4));
  dma.domain->doorbell_space()->unbind_doorbell(*bell);
  EXPECT_FALSE(dma.writes(*bell, 4));
}

// The tables that go are made tables of other addresses, which an SMMU that still knew them would
// find at the old ones.
template <class Board>
void expect_trimmed_tables_are_forgotten(emulator::CachePolicy policy) {
  DmaBoardOf<Board> dma(policy, DomainType::kDma);
  Domain& domain = *dma.domain;
  const IoPgtable& tables = *domain.driver_domain().tables();
  const Pa page = dma.board.allocate(kPage);
  const std::uint64_t live = dma.board.pool().live();
  const std::uint64_t before = tables.live_tables();
  constexpr std::uint64_t kTables = 6;
  const auto at = [](std::uint64_t table) { return Iova(0x4000'0000 + (table << 21)); };
  for (std::uint64_t n = 0; n != kTables; ++n) {
    ASSERT_TRUE(domain.map(at(n), page, kPage, kReadWrite | Prot::kCache));
    ASSERT_TRUE(dma.writes(at(n), 8));
  }
  for (std::uint64_t n = 0; n != kTables; ++n) ASSERT_EQ(domain.unmap(at(n), kPage), kPage);
  ASSERT_GE(tables.live_tables(), before + kTables);
  domain.trim();
  EXPECT_EQ(tables.live_tables(), before);
  EXPECT_EQ(dma.board.pool().live(), live);

  for (std::uint64_t n = kTables; n != 2 * kTables; ++n) {
    ASSERT_TRUE(domain.map(at(n), page, kPage, kReadWrite | Prot::kCache));
  }
  for (std::uint64_t n = 0; n != kTables; ++n) {
    EXPECT_FALSE(dma.writes(at(n), 8)) << n;
    EXPECT_TRUE(dma.writes(at(kTables + n), 8)) << n;
  }
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_DMA_DMA_BOARD_H_
