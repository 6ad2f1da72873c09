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

// In how many tables of the lowest level something may be when memory ends.
enum class Leaves : std::uint8_t { kOfOneTable, kOfSeveral };

// Memory for tables ends at every page of them that `attempt` needs.  It maps in the space with a
// buffer, unmaps again, and answers what kept it from that; then nothing is left of it: not a
// page, an address, or a word that the SMMU has been told.
template <class Board, class Attempt>
void expect_nothing_is_left_without_tables(Leaves leaves, Attempt attempt) {
  // What is unmapped is in the tree no more.
  DmaConfig config;
  config.iova.cache.sizes = 0;
  DmaBoardOf<Board> dma(emulator::CachePolicy::kRealistic, DomainType::kDma, config);
  PagePool& pool = dma.board.pool();
  const IoPgtable& tables = *dma.domain->driver_domain().tables();
  const auto registers = [&] {
    std::vector<std::uint32_t> words;
    for (std::uint32_t at = 0; at != 0x2'0000; at += 4) {
      words.push_back(dma.board.smmu().read32(at));
    }
    return words;
  };
  const Pa buffer = dma.board.allocate(4 * kPage);
  const std::uint64_t ranges = dma.space->statistics().ranges;
  dma.domain->trim();
  const std::uint64_t live = pool.live();
  const std::uint64_t live_tables = tables.live_tables();

  std::uint64_t refused = 0;
  for (bool done = false; !done; refused += done ? 0 : 1) {
    ASSERT_LT(refused, 10u);
    const std::vector<std::uint32_t> before = registers();
    pool.grant(refused);
    const Result<Done, std::errc> attempted = attempt(dma, buffer);
    pool.grant(PagePool::kUnlimited);
    done = attempted.has_value();
    if (!done) {
      EXPECT_EQ(attempted.error(), std::errc::not_enough_memory);
      if (leaves == Leaves::kOfOneTable) {
        EXPECT_EQ(registers(), before) << "there is nothing to be invalidated";
      }
    }
    EXPECT_EQ(dma.space->statistics().ranges, ranges);
    // Tables that map nothing may stay until now.
    dma.domain->trim();
    EXPECT_EQ(tables.live_tables(), live_tables);
    EXPECT_EQ(pool.live(), live);
  }
  EXPECT_GT(refused, 1u);
}

template <class Board>
void expect_nothing_is_left_of_a_buffer() {
  expect_nothing_is_left_without_tables<Board>(
      Leaves::kOfOneTable, [](DmaBoardOf<Board>& dma, Pa buffer) -> Result<Done, std::errc> {
        DeviceDma device(*dma.space, {.preference = AddressPreference::kLow32Bits});
        const auto iova = device.map_single(buffer, 3 * kPage, DmaDirection::kBidirectional);
        if (!iova) return iova.error();
        EXPECT_TRUE(dma.writes(*iova, 3 * kPage));
        return device.unmap_single(*iova, 3 * kPage);
      });
}

// The second piece has more pages than a table.
template <class Board>
void expect_nothing_is_left_of_a_list() {
  for (const Leaves leaves : {Leaves::kOfOneTable, Leaves::kOfSeveral}) {
    expect_nothing_is_left_without_tables<Board>(
        leaves, [leaves](DmaBoardOf<Board>& dma, Pa buffer) -> Result<Done, std::errc> {
          const std::uint64_t pages = leaves == Leaves::kOfOneTable ? 1 : 600;
          const std::vector<ScatterEntry> pieces = {{Pa(buffer.value + 3 * kPage), kPage},
                                                    {Pa(buffer.value + kPage), pages * kPage},
                                                    {Pa(buffer.value + 0x80), 0x100}};
          std::vector<DmaSegment> segments(pieces.size());
          DeviceDma device(*dma.space, {});
          const auto count = device.map_sg(pieces, DmaDirection::kBidirectional, segments);
          if (!count) return count.error();
          segments.resize(*count);
          EXPECT_TRUE(dma.reads(segments.back().iova, 1));
          return device.unmap_sg(segments);
        });
  }
}

template <class Board>
void expect_nothing_is_left_of_a_doorbell() {
  expect_nothing_is_left_without_tables<Board>(
      Leaves::kOfOneTable, [](DmaBoardOf<Board>& dma, Pa buffer) -> Result<Done, std::errc> {
        DoorbellSpace& space = *dma.domain->doorbell_space();
        const auto bell = space.bind_doorbell(Pa(buffer.value + 0x40), 4,
                                              Prot::kWrite | Prot::kNoExec | Prot::kMmio);
        if (!bell) return bell.error();
        EXPECT_TRUE(dma.writes(*bell, 4));
        space.unbind_doorbell(*bell);
        return Done{};
      });
}

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
