// What map() answers, and what it leaves in the tables.
#include "test/pgtable/rig.h"

namespace smmu::iommu::map_test {
namespace {

using Format = PgtableFormat;

constexpr Mapped kExists = refused(std::errc::file_exists);
constexpr Mapped kRange = refused(std::errc::result_out_of_range);
constexpr Mapped kInvalid = refused(std::errc::invalid_argument);

class Map : public Pgtable {
 protected:
  std::unique_ptr<IoPgtable> stage1() {
    return create(config_of(Format::kAArch64Stage1, kSizes4K));
  }
};

TEST_F(Map, StopsAtTheEndOfATableWithoutAnError) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(511 * k4K), Pa(0x1000), k4K, 4, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->iova_to_phys(Iova(512 * k4K)), std::nullopt);
  EXPECT_EQ(tables->map(Iova(5 * k1G), Pa(0), k1G, 600, kReadWrite), mapped(507 * k1G));
  EXPECT_EQ(tables->iova_to_phys(Iova(511 * k1G)), Pa(506 * k1G));
  EXPECT_EQ(tables->iova_to_phys(Iova(512 * k1G)), std::nullopt);
  EXPECT_EQ(tables->map(Iova(3 * k1G), Pa(0), k4K, 100'000, kReadWrite), mapped(512 * k4K));

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(255 * k4K), Pa(0x1000), k4K, 4, kReadWrite), mapped(k4K));
  EXPECT_EQ(shorts->map(Iova(k1M + 13 * k64K), Pa(0), k64K, 9, kReadWrite), mapped(3 * k64K));
  EXPECT_EQ(shorts->map(Iova(0xfff0'0000), Pa(0), k1M, 9, kReadWrite), mapped(k1M));
  EXPECT_EQ(create(short_config())->map(Iova(0xfe00'0000), Pa(0), k16M, 9, kReadWrite),
            mapped(2 * k16M));
}

// input_bits that are no whole table.
TEST_F(Map, StopsAtTheEndOfTheFirstTable) {
  const auto tables = create(config_of(Format::kAArch64Stage1, kSizes4K, 33));
  EXPECT_EQ(tables->map(Iova(6 * k1G), Pa(0), k1G, 5, kReadWrite), mapped(2 * k1G));
  EXPECT_EQ(tables->map(Iova(8 * k1G), Pa(0), k1G, 1, kReadWrite), kRange);
  const auto shorts = create(config_of(Format::kAArch32Short, kSizesShort, 26, 32));
  EXPECT_EQ(shorts->map(Iova(62 * k1M), Pa(0), k1M, 5, kReadWrite), mapped(2 * k1M));
  EXPECT_EQ(shorts->map(Iova(64 * k1M), Pa(0), k1M, 1, kReadWrite), kRange);
  EXPECT_EQ(shorts->unmap(Iova(62 * k1M), k1M, 5), (Unmapped{2 * k1M, true}));
  EXPECT_EQ(shorts->map(Iova(2 * k16M), Pa(0), k16M, 5, kReadWrite), mapped(2 * k16M));
  EXPECT_EQ(all(*shorts).leaves.size(), 2U);
}

TEST_F(Map, RefusesWhatIsMappedAndMapsNothing) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(2 * k4K), Pa(0x5000), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(2 * k4K), Pa(0x6000), k4K, 1, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(0), Pa(0x8000), k4K, 3, kReadWrite), kExists);
  EXPECT_EQ(tables->iova_to_phys(Iova(0)), std::nullopt);
  EXPECT_EQ(tables->iova_to_phys(Iova(2 * k4K)), Pa(0x5000));
  EXPECT_EQ(all(*tables).leaves.size(), 1U);
}

TEST_F(Map, RefusesWhatIsPartOfABlock) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(tables->map(Iova(2 * k1G), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G + 5 * k4K), Pa(0), k4K, 1, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(k1G + k2M), Pa(0), k2M, 2, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(2 * k1G + 5 * k4K), Pa(0), k4K, 1, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k1G, 1, kReadWrite), kExists);
  EXPECT_EQ(all(*tables).leaves.size(), 2U);

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k16M, 1, kReadWrite), mapped(k16M));
  EXPECT_EQ(shorts->map(Iova(k16M), Pa(0), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(shorts->map(Iova(3 * k1M), Pa(0), k1M, 1, kReadWrite), kExists);
  EXPECT_EQ(shorts->map(Iova(3 * k1M), Pa(0), k4K, 1, kReadWrite), kExists);
  EXPECT_EQ(shorts->map(Iova(3 * k1M), Pa(0), k64K, 1, kReadWrite), kExists);
  EXPECT_EQ(shorts->map(Iova(k16M + 3 * k4K), Pa(0), k4K, 1, kReadWrite), kExists);
  EXPECT_EQ(shorts->map(Iova(k16M), Pa(0), k64K, 2, kReadWrite), kExists);
  EXPECT_EQ(all(*shorts).leaves.size(), 2U);
}

// One small page is in the way of a large one, and a Section of a Supersection.
TEST_F(Map, RefusesAShortLeafWhereSomeOfItsEntriesAreTaken) {
  const auto tables = create(short_config());
  EXPECT_EQ(tables->map(Iova(k64K + 15 * k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(k64K), Pa(0), k64K, 1, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k64K, 2, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(k16M + 15 * k1M), Pa(0), k1M, 1, kReadWrite), mapped(k1M));
  EXPECT_EQ(tables->map(Iova(k16M), Pa(0), k16M, 1, kReadWrite), kExists);
  EXPECT_EQ(all(*tables).leaves.size(), 2U);
  EXPECT_EQ(tables->map(Iova(2 * k64K), Pa(k64K), k64K, 1, kReadWrite), mapped(k64K));
}

TEST_F(Map, RefusesSizesThatThereAreNot) {
  const auto tables = stage1();
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{0x3000}, k64K, k4K | k2M, k16K,
                                   k1G << 9, ~std::uint64_t{0}}) {
    EXPECT_EQ(tables->map(Iova(0), Pa(0), size, 1, kReadWrite), kInvalid) << size;
    EXPECT_EQ(tables->unmap(Iova(0), size, 1), (Unmapped{0, false}));
  }
  // The format has these, the SMMU has not.
  const auto pages = create(config_of(Format::kAArch64Stage1, k4K | k1G));
  EXPECT_EQ(pages->map(Iova(0), Pa(0), k2M, 1, kReadWrite), kInvalid);
  EXPECT_EQ(pages->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(pages->unmap(Iova(0), k2M, 1), (Unmapped{0, false}));
  EXPECT_EQ(pages->iova_to_phys(Iova(0)), Pa(0));
  const auto shorts = create(config_of(Format::kAArch32Short, k4K | k64K | k1M, 32, 32));
  for (const std::uint64_t size : {std::uint64_t{0}, k16M, k2M, k4K | k64K}) {
    EXPECT_EQ(shorts->map(Iova(0), Pa(0), size, 1, kReadWrite), kInvalid) << size;
    EXPECT_EQ(shorts->unmap(Iova(0), size, 1), (Unmapped{0, false}));
  }
}

TEST_F(Map, RefusesAPageThatNobodyMayUse) {
  for (const auto& tables : {stage1(), create(short_config())}) {
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, Prot::kNone), kInvalid);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 2, Prot::kCache | Prot::kMmio | Prot::kPriv),
              kInvalid);
    EXPECT_EQ(tables->live_tables(), 0U);
    // Nor where the tables are there.
    EXPECT_EQ(tables->map(Iova(k4K), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, Prot::kNoExec), kInvalid);
    for (const auto strange : {static_cast<Prot>(0x40), static_cast<Prot>(0x80)}) {
      EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite | strange), kInvalid);
    }
    EXPECT_EQ(tables->iova_to_phys(Iova(0)), std::nullopt);
  }
}

TEST_F(Map, RefusesAddressesThatTheTablesDoNotHave) {
  const auto tables = stage1();
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 48;
  for (const std::uint64_t count : {1U, 2U}) {
    EXPECT_EQ(tables->map(Iova(kEnd), Pa(0), k4K, count, kReadWrite), kRange);
    EXPECT_EQ(tables->map(Iova(~std::uint64_t{0} - 0xffff), Pa(0), k4K, count, kReadWrite), kRange);
    EXPECT_EQ(tables->map(Iova(0), Pa(kEnd), k4K, count, kReadWrite), kRange);
    EXPECT_EQ(tables->map(Iova(0), Pa(~std::uint64_t{0}), k4K, count, kReadWrite), kRange);
  }
  // Of two pages the second is beyond.
  EXPECT_EQ(tables->map(Iova(0), Pa(kEnd - k4K), k4K, 2, kReadWrite), kRange);
  EXPECT_EQ(tables->iova_to_phys(Iova(0)), std::nullopt);
  EXPECT_EQ(tables->live_tables(), 0U) << "none is made for what is refused";
  EXPECT_EQ(tables->map(Iova(kEnd - k4K), Pa(kEnd - k4K), k4K, 1, kReadWrite), mapped(k4K));
  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(k1G * 4), Pa(0), k4K, 1, kReadWrite), kRange);
  EXPECT_EQ(shorts->map(Iova(0), Pa(k1G * 4), k4K, 1, kReadWrite), kRange);
  EXPECT_EQ(shorts->map(Iova(0), Pa(0xffff'0000), k64K, 2, kReadWrite), kRange);
  EXPECT_EQ(shorts->live_tables(), 0U);
  EXPECT_EQ(shorts->map(Iova(0xffff'0000), Pa(0xffff'0000), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(shorts->iova_to_phys(Iova(0xffff'ffff)), Pa(0xffff'ffff));
}

TEST_F(Map, RoundsAddressesDownToAPage) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(0x1800), Pa(0x5fff), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->iova_to_phys(Iova(0x1000)), Pa(0x5000));
  EXPECT_EQ(tables->map(Iova(k2M + 0x1800), Pa(k2M + 0x1'2345), k2M, 2, kReadWrite),
            mapped(2 * k2M));
  EXPECT_EQ(tables->iova_to_phys(Iova(2 * k2M)), Pa(2 * k2M));
  EXPECT_EQ(tables->unmap(Iova(0x1801), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(tables->iova_to_phys(Iova(0x1000)), std::nullopt);
  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(k64K + 0x1800), Pa(k64K + 0xffff), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(shorts->iova_to_phys(Iova(k64K)), Pa(k64K));
  EXPECT_EQ(shorts->map(Iova(k16M + 0x1800), Pa(0xffff'ffff), k16M, 1, kReadWrite), mapped(k16M));
  EXPECT_EQ(shorts->iova_to_phys(Iova(k16M)), Pa(0xff00'0000));
  EXPECT_EQ(shorts->unmap(Iova(2 * k16M - 1), k16M, 1), (Unmapped{k16M, true}));
}

// The last pages there are, however they are named.
TEST_F(Map, RoundsAddressesOfTheLastPagesDownToo) {
  const auto tables = stage1();
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 48;
  EXPECT_EQ(tables->map(Iova(0), Pa(kEnd - 2 * k4K + 0x800), k4K, 2, kReadWrite), mapped(2 * k4K));
  EXPECT_EQ(tables->iova_to_phys(Iova(k4K)), Pa(kEnd - k4K));
  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(0), Pa(0xffff'e800), k4K, 2, kReadWrite), mapped(2 * k4K));
}

TEST_F(Map, OfNothingMapsNothing) {
  for (const auto& tables : {stage1(), create(short_config())}) {
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 0, kReadWrite), mapped(0));
    EXPECT_EQ(tables->live_tables(), 0U);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), 0x3000, 0, kReadWrite), kInvalid);
    EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 0, Prot::kNone), kInvalid);
    EXPECT_EQ(tables->map(Iova(std::uint64_t{1} << 48), Pa(0), k4K, 0, kReadWrite), kRange);
    EXPECT_EQ(tables->unmap(Iova(0), k4K, 0), (Unmapped{0, false}));
  }
}

TEST_F(Map, OfMoreThanThereCanBeStopsAtTheEndOfTheTable) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, ~std::uint64_t{0}, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->unmap(Iova(0), k4K, ~std::uint64_t{0}), (Unmapped{k2M, true}));
  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k64K, ~std::uint64_t{0}, kReadWrite), mapped(k1M));
  EXPECT_EQ(shorts->unmap(Iova(0), k64K, ~std::uint64_t{0}), (Unmapped{k1M, true}));
}

// Everything that is below goes, after the SMMU has forgotten it; DDI 0487, D8.16: the entry is
// invalid meanwhile.
TEST_F(Map, OfABlockTakesTheTablesPlaceThatMapsNothing) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0x10'0000), k4K, 512, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G + k2M), Pa(0x40'0000), k2M, 3, kReadWrite), mapped(3 * k2M));
  EXPECT_EQ(tables->live_tables(), 3U);
  EXPECT_EQ(tables->unmap(Iova(k1G), k4K, 512), (Unmapped{k2M, true}));
  unsigned calls = 0;
  invalidation_.on_flush = [&](Iova iova, std::uint64_t) {
    ++calls;
    EXPECT_EQ(descriptor(*tables, iova.value), 0U);
    EXPECT_EQ(pool_->live(), calls == 1 ? 4U : 3U) << "freed before the SMMU forgot it";
  };
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0x20'0000), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G, k2M, k4K}}));
  EXPECT_EQ(tables->iova_to_phys(Iova(k1G + 0x1234)), Pa(0x20'1234));
  EXPECT_EQ(tables->live_tables(), 2U);
  EXPECT_EQ(tables->unmap(Iova(k1G), k2M, 4), (Unmapped{4 * k2M, true}));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(2 * k1G), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G, k1G, k4K}}));
  EXPECT_EQ(tables->live_tables(), 1U);
  EXPECT_EQ(tables->iova_to_phys(Iova(k1G + k2M)), Pa(2 * k1G + k2M));
  EXPECT_EQ(calls, 2U);
}

TEST_F(Map, OfABlockTakesThePlaceOfTablesOfSeveralLevels) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k1G + 3 * k2M), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->unmap(Iova(k1G + 3 * k2M), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(tables->live_tables(), 3U);
  EXPECT_EQ(tables->map(Iova(k1G), Pa(k1G), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{k1G, k1G, k4K}}));
  EXPECT_EQ(tables->live_tables(), 1U);
}

// What devices use does not go for what cannot be mapped in the end, or at all.
TEST_F(Map, OfABlockIsRefusedWhereAnySmallerPageIs) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(k1G + k2M - k4K), Pa(0x1000), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k2M, 1, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k1G, 2, kReadWrite), kExists);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k1G, 1, kReadWrite), mapped(k1G));
  EXPECT_EQ(tables->iova_to_phys(Iova(k1G + k2M - 1)), Pa(0x1fff));
  EXPECT_EQ(tables->live_tables(), 3U);
  EXPECT_EQ(tables->unmap(Iova(k1G + k2M - k4K), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(tables->map(Iova(k1G + k2M), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(k1G), Pa(0), k1G, 1, kReadWrite), kExists);
  EXPECT_EQ(tables->iova_to_phys(Iova(k1G + k2M + 5)), Pa(5));
  EXPECT_TRUE(invalidation_.take().empty());

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(k16M + k1M - k4K), Pa(0x1000), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(shorts->map(Iova(k16M), Pa(0), k1M, 1, kReadWrite), kExists);
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k16M, 2, kReadWrite), kExists);
  EXPECT_EQ(shorts->iova_to_phys(Iova(0)), std::nullopt);
  EXPECT_EQ(shorts->iova_to_phys(Iova(k16M + k1M - 1)), Pa(0x1fff));
  EXPECT_TRUE(invalidation_.take().empty());
}

TEST_F(Map, OfBlocksIsRefusedWhereOneIsThereBeforeAnyTableGoes) {
  const auto tables = stage1();
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->unmap(Iova(0), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(tables->map(Iova(3 * k2M), Pa(0), k2M, 1, kReadWrite), mapped(k2M));
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 4, kReadWrite), kExists);
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(tables->live_tables(), 3U);
  EXPECT_EQ(all(*tables).leaves.size(), 1U);
  EXPECT_EQ(tables->map(Iova(0), Pa(0), k2M, 3, kReadWrite), mapped(3 * k2M));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, k2M, k4K}}));

  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(shorts->map(Iova(5 * k1M), Pa(0), k64K, 1, kReadWrite), mapped(k64K));
  EXPECT_EQ(shorts->unmap(Iova(0), k4K, 1), (Unmapped{k4K, true}));
  EXPECT_EQ(shorts->unmap(Iova(5 * k1M), k64K, 1), (Unmapped{k64K, true}));
  EXPECT_EQ(shorts->map(Iova(15 * k1M), Pa(0), k1M, 1, kReadWrite), mapped(k1M));
  EXPECT_EQ(shorts->map(Iova(0), Pa(0), k16M, 1, kReadWrite), kExists);
  EXPECT_TRUE(invalidation_.take().empty());
  EXPECT_EQ(shorts->live_tables(), 2U);
  EXPECT_EQ(shorts->unmap(Iova(15 * k1M), k1M, 1), (Unmapped{k1M, true}));
  EXPECT_EQ(shorts->map(Iova(0), Pa(k16M), k16M, 1, kReadWrite), mapped(k16M));
  EXPECT_EQ(invalidation_.take(), (std::vector<Flush>{{0, k1M, k4K}, {5 * k1M, k1M, k4K}}));
  EXPECT_EQ(shorts->live_tables(), 0U);
  EXPECT_EQ(shorts->iova_to_phys(Iova(5 * k1M + 1)), Pa(k16M + 5 * k1M + 1));
}

// The sizes of each format, one beside the other, as hardware finds them.
TEST_F(Map, PutsEverySizeWhereHardwareLooksForIt) {
  const PgtableConfig kConfigs[] = {
      config_of(Format::kAArch64Stage1, kSizes4K),
      config_of(Format::kAArch64Stage2, kSizes4K, 40, 40),
      config_of(Format::kAArch64Stage1, kSizes16K),
      config_of(Format::kAArch64Stage2, kSizes16K, 40, 40),
      config_of(Format::kAArch64Stage1, kSizes64K, 52, 52),
      config_of(Format::kAArch64Stage2, kSizes64K, 52, 52),
      config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40),
      config_of(Format::kAArch32LongStage2, kSizes4K, 40, 40),
      short_config(),
  };
  for (const auto& config : kConfigs) {
    SCOPED_TRACE(static_cast<int>(config.format));
    const auto tables = create(config);
    std::uint64_t iova = 0;
    for (std::uint64_t sizes = tables->page_sizes(); sizes != 0; sizes &= sizes - 1) {
      const std::uint64_t size = sizes & -sizes;
      iova += size;
      iova &= ~(size - 1);
      const std::uint64_t pa = size;
      EXPECT_EQ(tables->map(Iova(iova), Pa(pa), size, 1, kReadWrite), mapped(size));
      const auto leaf = NaiveWalk(ram_, *tables).at(Iova(iova + size - 1));
      ASSERT_TRUE(leaf);
      EXPECT_EQ(leaf->pa, pa);
      EXPECT_EQ(leaf->size, size);
      EXPECT_EQ(tables->iova_to_phys(Iova(iova + size - 1)), Pa(pa + size - 1));
    }
    EXPECT_EQ(all(*tables).tables.size(), tables->live_tables());
  }
}

TEST_F(Map, HasNoAddressBehindWhatIsNotMapped) {
  const auto tables = stage1();
  EXPECT_EQ(tables->iova_to_phys(Iova(0)), std::nullopt);
  EXPECT_EQ(tables->map(Iova(k4K), Pa(k4K), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->iova_to_phys(Iova(0)), std::nullopt);
  EXPECT_EQ(tables->iova_to_phys(Iova(k4K - 1)), std::nullopt);
  EXPECT_EQ(tables->iova_to_phys(Iova(2 * k4K)), std::nullopt);
  EXPECT_EQ(tables->iova_to_phys(Iova(std::uint64_t{1} << 48 | k4K)), std::nullopt);
  const auto shorts = create(short_config());
  EXPECT_EQ(shorts->map(Iova(k4K), Pa(k4K), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(shorts->iova_to_phys(Iova(0)), std::nullopt);
  EXPECT_EQ(shorts->iova_to_phys(Iova(k1M)), std::nullopt);
  EXPECT_EQ(shorts->iova_to_phys(Iova(std::uint64_t{1} << 32 | k4K)), std::nullopt);
}

}  // namespace
}  // namespace smmu::iommu::map_test
