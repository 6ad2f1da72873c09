// What unmap() answers, and that tables go when nothing needs them: at once, or with trim().
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::unmap_test {
namespace {

using Format = PgtableFormat;

class Unmap : public Pgtable {
 protected:
  std::unique_ptr<IoPgtable> stage1() {
    return create(config_of(Format::kAArch64Stage1, kSizes4K));
  }
};

TEST_F(Unmap, StopsAtTheFirstHole) {
  const auto tables = stage1();
  for (const std::uint64_t hole : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 9U}) {
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, hole, kReadWrite), mapped(hole * k4K));
    EXPECT_EQ(tables->map(Iova((hole + 1) * k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
    EXPECT_EQ(tables->unmap(Iova(0), k4K, hole + 2), (Unmapped{hole * k4K, true}));
    EXPECT_EQ(tables->iova_to_phys(Iova((hole + 1) * k4K)), Pa(0));
    EXPECT_EQ(tables->unmap(Iova((hole + 1) * k4K), k4K, 1), (Unmapped{k4K, true}));
    EXPECT_TRUE(all(*tables).leaves.empty());
  }
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 1), (Unmapped{0, false}));
  EXPECT_EQ(tables->unmap(Iova(k1G), k4K, 1), (Unmapped{0, false}));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k2M, 2, kReadWrite), mapped(2 * k2M));
  EXPECT_EQ(tables->unmap(Iova(k1G), k2M, 5), (Unmapped{2 * k2M, true}));

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k64K, 2, kReadWrite), mapped(2 * k64K));
  EXPECT_EQ(shorts->map(Iova(3 * k64K), Pa(0), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(shorts->unmap(Iova(0), k64K, 4), (Unmapped{2 * k64K, true}));
  EXPECT_EQ(shorts->unmap(Iova(k1G), k4K, 4), (Unmapped{0, false}));
  EXPECT_EQ(shorts->unmap(Iova(k1G), k1M, 4), (Unmapped{0, false}));
  EXPECT_EQ(shorts->iova_to_phys(Iova(3 * k64K)), Pa(0));
}

TEST_F(Unmap, StopsAtTheEndOfATable) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(510 * k4K), Pa(0), k4K, 2, kReadWrite), mapped(2 * k4K));
  EXPECT_EQ(tables->map(Iova(512 * k4K), Pa(0), k4K, 2, kReadWrite), mapped(2 * k4K));
  EXPECT_EQ(tables->unmap(Iova(510 * k4K), k4K, 4), (Unmapped{2 * k4K, true}));
  EXPECT_EQ(tables->unmap(Iova(512 * k4K), k4K, 4), (Unmapped{2 * k4K, true}));
  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(255 * k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(shorts->map(Iova(256 * k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(shorts->unmap(Iova(255 * k4K), k4K, 4), (Unmapped{k4K, true}));
  EXPECT_EQ(shorts->map(Iova(0xffe0'0000), Pa(0), k1M, 2, kReadWrite), mapped(2 * k1M));
  EXPECT_EQ(shorts->unmap(Iova(0xffe0'0000), k1M, 9), (Unmapped{2 * k1M, true}));
}

TEST_F(Unmap, LeavesBlocksThatAreLarger) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k2M), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(tables->unmap(Iova(k2M), k4K, 1), (Unmapped{0, false}));
  EXPECT_EQ(tables->unmap(Iova(k2M), k4K, 512), (Unmapped{0, false}));
  EXPECT_EQ(tables->unmap(Iova(k1G), k2M, 512), (Unmapped{0, false}));
  EXPECT_EQ(tables->unmap(Iova(k1G), k4K, 1), (Unmapped{0, false}));
  EXPECT_EQ(all(*tables).leaves.size(), 2U);

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k16M, 1, kReadWrite), mapped(k16M));
  EXPECT_EQ(shorts->map(Iova(k16M), Pa(0), k1M, 1, kReadWrite), mapped(k1M));
  EXPECT_EQ(shorts->map(Iova(k16M + k1M), Pa(0), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(shorts->unmap(Iova(0), k1M, 16), (Unmapped{0, false}));
  EXPECT_EQ(shorts->unmap(Iova(0), k4K, 1), (Unmapped{0, false}));
  EXPECT_EQ(shorts->unmap(Iova(k16M), k64K, 16), (Unmapped{0, false}));
  EXPECT_EQ(shorts->unmap(Iova(k16M + k1M), k4K, 16), (Unmapped{0, false}));
  EXPECT_EQ(all(*shorts).leaves.size(), 3U);
}

// A size that is unmapped stands for what is smaller as well: its tables go, once the SMMU has
// forgotten them.
TEST_F(Unmap, OfABlockTakesTheTableAwayThatIsThere) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k4K, 512, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G + k2M), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G + 2 * k2M), Pa(0), k4K, 512, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->live_tables(), 4U);
  std::uint64_t live = 5;
  invalidation_.on_flush = [&](Iova iova, std::uint64_t) {
    EXPECT_EQ(descriptor(*tables, iova.value), 0U);
    EXPECT_EQ(pool_->live(), live--) << "freed before the SMMU forgot it";
  };
  EXPECT_EQ(tables->unmap(Iova(k1G), k2M, 1), (Unmapped{k2M, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G, k2M, k4K}}));
  EXPECT_EQ(tables->unmap(Iova(k1G + k2M), k2M, 4), (Unmapped{2 * k2M, true}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G + 2 * k2M, k2M, k4K}}));
  EXPECT_EQ(tables->live_tables(), 2U);
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k2M, 512, kReadWrite), mapped(k1G));
  EXPECT_EQ(tables->unmap(Iova(k1G), k1G, 1), (Unmapped{k1G, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G, k1G, k4K}}));
  EXPECT_EQ(tables->live_tables(), 1U);
}

// The SMMU may know pages where whoever unmaps has blocks forgotten: it has to forget them before
// unmap() returns.
TEST_F(Unmap, OfABlockTakesPagesUpToTheFirstHole) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G + k2M), Pa(0), k4K, 7, kReadWrite), mapped(7 * k4K));
  EXPECT_EQ(tables->map(Iova(k1G + k2M + 8 * k4K), Pa(0x8000), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->unmap(Iova(k1G), k2M, 2), (Unmapped{k2M + 7 * k4K, true}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G + k2M, 7 * k4K, k4K}}));
  EXPECT_EQ(tables->unmap(Iova(k1G + k2M), k2M, 1), (Unmapped{0, false}));
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(tables->iova_to_phys(Iova(k1G + k2M + 8 * k4K)), Pa(0x8000));
  EXPECT_EQ(tables->live_tables(), 3U);

  // Full tables below one that is not full go as ever.
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k4K, 512, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G + k2M), Pa(0), k4K, 2, kReadWrite), mapped(2 * k4K));
  EXPECT_EQ(tables->unmap(Iova(k1G), k1G, 1), (Unmapped{k2M + 2 * k4K, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G, k2M, k4K}, {k1G + k2M, 2 * k4K, k4K}}));
  EXPECT_EQ(tables->live_tables(), 3U);

  // The first hole may be in the last table of the lowest level.
  EXPECT_EQ(tables->map(Iova(2 * k1G), Pa(0), k2M, 511, kReadWrite), mapped(511 * k2M));
  const std::uint64_t last = 2 * k1G + 511 * k2M;
  EXPECT_EQ(tables->map(Iova(last), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(last + 2 * k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->unmap(Iova(2 * k1G), k1G, 1), (Unmapped{511 * k2M + k4K, false}));
  EXPECT_EQ(invalidation_.take(),
            (std::vector<Flush>{{last, k4K, k4K}, {2 * k1G, 511 * k2M + k4K, k4K}}));
  EXPECT_EQ(tables->iova_to_phys(Iova(last + 2 * k4K)), Pa(0));

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(k1M), Pa(0), k4K, 3, kReadWrite), mapped(3 * k4K));
  EXPECT_EQ(shorts->unmap(Iova(k1M), k1M, 2), (Unmapped{3 * k4K, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1M, 3 * k4K, k4K}}));
  EXPECT_EQ(shorts->unmap(Iova(k1M), k1M, 1), (Unmapped{0, false}));
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(shorts->live_tables(), 1U);
}

TEST_F(Unmap, OfAShortSizeTakesWhatIsSmallerAlongUpToAHole) {
  const auto tables = create(short_config());
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 20, kReadWrite), mapped(20 * k4K));
  EXPECT_EQ(tables->unmap(Iova(0), k64K, 2), (Unmapped{20 * k4K, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, 20 * k4K, k4K}}));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(tables->map(Iova(k64K), Pa(0), k4K, 16, kReadWrite), mapped(k64K));
  EXPECT_EQ(tables->map(Iova(2 * k64K), Pa(0), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(tables->unmap(Iova(0), k64K, 3), (Unmapped{3 * k64K, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, 3 * k64K, k4K}}));
  EXPECT_EQ(tables->live_tables(), 1U);

  EXPECT_EQ(tables->map(Iova(k16M), Pa(0), k1M, 3, kReadWrite), mapped(3 * k1M));
  EXPECT_EQ(tables->map(Iova(k16M + 3 * k1M), Pa(0), k4K, 256, kReadWrite), mapped(k1M));
  EXPECT_EQ(tables->unmap(Iova(k16M), k16M, 1), (Unmapped{4 * k1M, false}));
  EXPECT_EQ(invalidation_.take(),
            (std::vector<Flush>{{k16M + 3 * k1M, k1M, k4K}, {k16M, 4 * k1M, k4K}}));
  EXPECT_EQ(tables->live_tables(), 1U);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k64K, 16, kReadWrite), mapped(k1M));
  EXPECT_EQ(tables->unmap(Iova(0), k1M, 1), (Unmapped{k1M, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, k1M, k4K}}));
  EXPECT_EQ(tables->live_tables(), 0U);
}

TEST_F(Unmap, OfTheUpperHalfFlushesItsAddresses) {
  const auto tables = create(config_of(Format::kAArch64Stage1, kSizes4K, 39, 48, {.ttbr1 = true}));
  const std::uint64_t at = ~std::uint64_t{0} << 39 | 3 * k1G | 5 * k2M;
  EXPECT_EQ(tables->map(Iova(at), Pa(0), k4K, 512, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->unmap(Iova(at), k2M, 1), (Unmapped{k2M, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{at, k2M, k4K}}));
  EXPECT_EQ(tables->map(Iova(at + k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->unmap(Iova(at + k4K), k4K, 1), (Unmapped{k4K, true}));
  tables->trim();
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{at, k2M, k4K}, {at - 5 * k2M, k1G, k4K}}));
}

TEST_F(Unmap, FlushesWithTheGranuleThereIs) {
  const auto tables = create(config_of(Format::kAArch64Stage1, kSizes16K));
  EXPECT_EQ(tables->map(Iova(k32M), Pa(0), k16K, 2048, kReadWrite), mapped(k32M));
  EXPECT_EQ(tables->unmap(Iova(k32M + 5), k32M, 1), (Unmapped{k32M, false}));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k32M, k32M, k16K}}));
}

// Empty tables stay for the next map(), and trim() frees all of them, of every level.
TEST_F(Unmap, LeavesTablesUntilTheyAreTrimmed) {
  const PgtableConfig kConfigs[] = {
      config_of(Format::kAArch64Stage1, kSizes4K),
      config_of(Format::kAArch64Stage2, kSizes4K, 40, 40),
      config_of(Format::kAArch64Stage1, kSizes16K),
      config_of(Format::kAArch64Stage1, kSizes64K, 52, 52),
      config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40),
      short_config(),
      config_of(Format::kAArch64Stage1, kSizes16K, 25),  // which has one level alone
  };
  for (const auto& config : kConfigs) {
    const auto tables = create(config);
    const std::uint64_t granule = tables->page_sizes() & -tables->page_sizes();
    const std::uint64_t last = (std::uint64_t{1} << tables->config().input_bits) - granule;
    for (int round = 0; round != 2; ++round) {
      for (const std::uint64_t iova : {std::uint64_t{0}, last / 2 & -granule, last}) {
        EXPECT_EQ(tables->map(Iova(iova), Pa(0), granule, 1, kReadWrite), mapped(granule));
      }
      const std::uint64_t before = tables->live_tables();
      EXPECT_EQ(all(*tables).tables.size(), before);
      // Nothing that is mapped goes.
      tables->trim();
      EXPECT_EQ(tables->live_tables(), before);
      EXPECT_TRUE(invalidation_.take().empty());
      for (const std::uint64_t iova : {std::uint64_t{0}, last / 2 & -granule, last}) {
        EXPECT_EQ(tables->unmap(Iova(iova), granule, 1), (Unmapped{granule, true}));
      }
      EXPECT_EQ(tables->live_tables(), before);
      EXPECT_TRUE(invalidation_.take().empty());
      tables->trim();
      EXPECT_EQ(tables->live_tables(), 0U);
      EXPECT_EQ(invalidation_.take().size(), before);
      EXPECT_TRUE(all(*tables).tables.empty());
      EXPECT_EQ(pool_->live(), 1U);
    }
  }
}

TEST_F(Unmap, TrimmingKeepsTheTablesBetweenThoseThatAreEmpty) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(k2M), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(2 * k1G), Pa(0), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(tables->live_tables(), 6U);
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(tables->unmap(Iova(k1G), k4K, 1), (Unmapped{k4K, true}));
  tables->trim();
  EXPECT_EQ(invalidation_.take(),
            (std::vector<Flush>{{0, k2M, k4K}, {k1G, k2M, k4K}, {k1G, k1G, k4K}}));
  EXPECT_EQ(tables->live_tables(), 3U);
  EXPECT_EQ(tables->iova_to_phys(Iova(k2M)), Pa(0));
  EXPECT_EQ(tables->iova_to_phys(Iova(2 * k1G + 5)), Pa(5));
}

}  // namespace
}  // namespace smmu::iommu::unmap_test
