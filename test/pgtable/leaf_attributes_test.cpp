// What a page says of what it maps, for every kind of mapping (DDI 0487, D8.3.1.2, D8.4, D8.6).
#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::leaf_attributes_test {
namespace {

constexpr Prot kRead = Prot::kRead, kWrite = Prot::kWrite, kCache = Prot::kCache;
constexpr Prot kNoExec = Prot::kNoExec, kMmio = Prot::kMmio, kPriv = Prot::kPriv;

class LeafAttributes : public Pgtable {
 protected:
  // The descriptor of a page that is mapped so.
  std::uint64_t page(const PgtableConfig& config, Prot prot, std::uint64_t pa = 0x1234'5000,
                     std::uint64_t size = k4K) {
    const auto tables = create(config);
    EXPECT_EQ(tables->map(Iova(size), Pa(pa), size, 1, prot), mapped(size));
    return descriptor(*tables, size);
  }
};

TEST_F(LeafAttributes, AreThoseThatLinuxGives) {
  const struct {
    Prot prot;
    std::uint64_t stage1;
    std::uint64_t stage2;
  } kRows[] = {
      {kRead, 0x1234'5ec3, 0x1234'5657},
      {kWrite, 0x1234'5e43, 0x1234'5697},
      {kReadWrite, 0x1234'5e43, 0x1234'56d7},
      {kReadWrite | kCache, 0x1234'5f47, 0x1234'57ff},
      {kRead | kCache, 0x1234'5fc7, 0x1234'577f},
      {kReadWrite | kNoExec, 0x0060'0000'1234'5e43, 0x0060'0000'1234'56d7},
      {kReadWrite | kCache | kNoExec, 0x0060'0000'1234'5f47, 0x0060'0000'1234'57ff},
      {kReadWrite | kMmio, 0x1234'5e4b, 0x1234'56c7},
      {kReadWrite | kPriv, 0x1234'5e03, 0x1234'56d7},
      {kWrite | kNoExec | kMmio, 0x0060'0000'1234'5e4b, 0x0060'0000'1234'5687},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(static_cast<int>(row.prot));
    EXPECT_EQ(page(config_of(PgtableFormat::kAArch64Stage1, kSizes4K), row.prot), row.stage1);
    EXPECT_EQ(page(config_of(PgtableFormat::kAArch64Stage2, kSizes4K), row.prot), row.stage2);
    EXPECT_EQ(page(config_of(PgtableFormat::kAArch32LongStage1, kSizes4K, 32, 40), row.prot),
              row.stage1);
    EXPECT_EQ(page(config_of(PgtableFormat::kAArch32LongStage2, kSizes4K, 40, 40), row.prot),
              row.stage2);
  }
}

TEST_F(LeafAttributes, OfABlockAreThoseOfAPage) {
  const auto config = config_of(PgtableFormat::kAArch64Stage1, kSizes4K);
  EXPECT_EQ(page(config, kReadWrite | kCache, 0x1220'0000, k2M), 0x1220'0f45U);
  EXPECT_EQ(page(config, kReadWrite | kCache, 0x4000'0000, k1G), 0x4000'0f45U);
  const auto config16 = config_of(PgtableFormat::kAArch64Stage2, kSizes16K);
  EXPECT_EQ(page(config16, kReadWrite | kCache, 0x1200'0000, k32M), 0x1200'07fdU);
  EXPECT_EQ(page(config16, kReadWrite | kCache, 0x1234'4000, k16K), 0x1234'47ffU);
}

// The kinds of memory have an order: a device is one whatever else is said.
TEST_F(LeafAttributes, OfADeviceAreNotThoseOfMemoryThatIsCached) {
  EXPECT_EQ(page(config_of(PgtableFormat::kAArch64Stage1, kSizes4K), kReadWrite | kMmio | kCache),
            0x1234'5f4bU);
  EXPECT_EQ(page(config_of(PgtableFormat::kAArch64Stage2, kSizes4K), kReadWrite | kMmio | kCache),
            0x1234'57c7U);
}

// D8.3.1: OA[51:48] stand at [15:12].
TEST_F(LeafAttributes, HaveAddressesOf52BitsWithGranulesOf64K) {
  const auto config = config_of(PgtableFormat::kAArch64Stage1, kSizes64K, 48, 52);
  EXPECT_EQ(page(config, kReadWrite | kCache, 0xf'1234'5678'0000, k64K), 0x1234'5678'ff47U);
  EXPECT_EQ(page(config, kReadWrite | kCache, 0xa'1234'4000'0000, k512M), 0x1234'4000'af45U);
  EXPECT_EQ(page(config, kReadWrite | kCache, 0xc'0800'0000'0000, k4T), 0x0800'0000'cf45U);
}

// A run crosses from one value of OA[51:48] to the next.
TEST_F(LeafAttributes, CarryIntoTheTopmostBitsOfTheAddress) {
  const auto tables = create(config_of(PgtableFormat::kAArch64Stage1, kSizes64K, 48, 52));
  const std::uint64_t pa = 0x3'0000'0000'0000 - 2 * k64K;
  EXPECT_EQ(tables->map(Iova(0), Pa(pa), k64K, 5, kReadWrite), mapped(5 * k64K));
  for (std::uint64_t i = 0; i != 5; ++i) {
    EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(i * k64K))->pa, pa + i * k64K);
    EXPECT_EQ(tables->iova_to_phys(Iova(i * k64K + 0x123)), Pa(pa + i * k64K + 0x123));
  }
}

// D8.5.2: DBM says that the SMMU may take AP[2] away, which it has nothing to do with where
// nobody may write.
TEST_F(LeafAttributes, HaveDbmWhereWritesAreLookedFor) {
  const auto config = config_of(PgtableFormat::kAArch64Stage1, kSizes4K, 48, 48, {.dirty = true});
  constexpr std::uint64_t kDbm = std::uint64_t{1} << 51;
  EXPECT_EQ(page(config, kReadWrite | kCache), 0x1234'5f47 | kDbm);
  EXPECT_EQ(page(config, kRead | kCache), 0x1234'5fc7U);
}

TEST_F(LeafAttributes, AndTablesAreNonSecureWhereASecureStreamLeavesItsSpace) {
  const PgtableQuirks quirks{.non_secure = true};
  for (const auto& config :
       {config_of(PgtableFormat::kAArch64Stage1, kSizes4K, 48, 48, quirks),
        config_of(PgtableFormat::kAArch32LongStage1, kSizes4K, 32, 40, quirks)}) {
    const auto tables = create(config);
    EXPECT_EQ(tables->map(Iova(0), Pa(0x1234'5000), k4K, 1, kReadWrite | kCache), mapped(k4K));
    EXPECT_EQ(descriptor(*tables, 0), 0x1234'5f67U);
    // NSTable, of every table.
    std::uint64_t table = tables->registers().root.value;
    for (unsigned level = tables->registers().start_level; level != 3; ++level) {
      const std::uint64_t entry = load(Pa(table));
      EXPECT_EQ(entry >> 60, 0x8U);
      table = entry & 0xffff'ffff'f000;
    }
  }
}

// D8.6.6: with FWB, 0b0110 is write-back whatever stage 1 says, 0b0101 non-cacheable.
TEST_F(LeafAttributes, OfStage2WithFwbForceTheMemoryType) {
  const auto config = config_of(PgtableFormat::kAArch64Stage2, kSizes4K, 48, 48, {.s2fwb = true});
  EXPECT_EQ(page(config, kReadWrite | kCache), 0x1234'57dbU);
  EXPECT_EQ(page(config, kReadWrite), 0x1234'56d7U);
  EXPECT_EQ(page(config, kReadWrite | kMmio), 0x1234'56c7U);
}

// D8.4.1: with XNX 0b11 forbids unprivileged execution alone; 0b10 forbids all.
TEST_F(LeafAttributes, OfStage2ForbidAllExecutionWithXnxToo) {
  const auto config = config_of(PgtableFormat::kAArch64Stage2, kSizes4K, 48, 48, {.xnx = true});
  EXPECT_EQ(page(config, kReadWrite | kNoExec), 0x0040'0000'1234'56d7U);
  EXPECT_EQ(page(config, kReadWrite), 0x1234'56d7U);
}

// G5.4.1, G5.6.1 and G5.7.3, bit by bit.
TEST_F(LeafAttributes, OfShortDescriptorsAreWhereEachShapeHasThem) {
  const auto config = short_config();
  const struct {
    Prot prot;
    std::uint64_t small, large, section, supersection;
  } kRows[] = {
      // nG S TEX[0] AP 0b11 | type; a Section has them nine bits further up.
      {kReadWrite, 0x1234'5c72, 0x1234'1c31, 0x1233'1c02, 0x1207'1c02},
      {kRead, 0x1234'5e72, 0x1234'1e31, 0x1233'9c02, 0x1207'9c02},
      {kWrite, 0x1234'5c72, 0x1234'1c31, 0x1233'1c02, 0x1207'1c02},
      {kReadWrite | kPriv, 0x1234'5c52, 0x1234'1c11, 0x1233'1402, 0x1207'1402},
      {kReadWrite | kNoExec, 0x1234'5c73, 0x1234'9c31, 0x1233'1c12, 0x1207'1c12},
      {kReadWrite | kCache, 0x1234'5c7e, 0x1234'1c3d, 0x1233'1c0e, 0x1207'1c0e},
      {kReadWrite | kMmio, 0x1234'5c36, 0x1234'0c35, 0x1233'0c06, 0x1207'0c06},
      {kReadWrite | kMmio | kCache, 0x1234'5c36, 0x1234'0c35, 0x1233'0c06, 0x1207'0c06},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(static_cast<int>(row.prot));
    EXPECT_EQ(page(config, row.prot, 0x1234'5000, k4K), row.small);
    EXPECT_EQ(page(config, row.prot, 0x1234'0000, k64K), row.large);
    EXPECT_EQ(page(config, row.prot, 0x1230'0000, k1M), row.section);
    EXPECT_EQ(page(config, row.prot, 0x1200'0000, k16M), row.supersection);
  }
}

TEST_F(LeafAttributes, OfShortDescriptorsAreNonSecureInTablesAndSections) {
  const auto tables = create(short_config({.non_secure = true}));
  EXPECT_EQ(tables->map(Iova(0), Pa(0x1234'5000), k4K, 1, kReadWrite), mapped(k4K));
  EXPECT_EQ(tables->map(Iova(k1M), Pa(0x1230'0000), k1M, 1, kReadWrite), mapped(k1M));
  EXPECT_EQ(tables->map(Iova(k16M), Pa(0x1200'0000), k16M, 1, kReadWrite), mapped(k16M));
  EXPECT_EQ(descriptor(*tables, 0), 0x1234'5c72U);
  EXPECT_EQ(load(tables->registers().root) & 0x3ff, 0b1001U);
  EXPECT_EQ(descriptor(*tables, k1M), 0x123b'1c02U);
  EXPECT_EQ(descriptor(*tables, k16M), 0x120f'1c02U);
}

}  // namespace
}  // namespace smmu::iommu::leaf_attributes_test
