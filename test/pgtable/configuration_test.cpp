// Which tables a configuration asks for, and which there are none of (DDI 0487, D8.2, G5.4, G5.5).
#include <fmt/format.h>

#include <vector>

#include "test/pgtable/rig.h"

namespace smmu::iommu::configuration_test {
namespace {

using Format = PgtableFormat;

class Configuration : public Pgtable {};

TEST_F(Configuration, ChoosesThePreferredGranuleOrTheNextSmallerOrTheSmallest) {
  const struct {
    std::uint64_t preferred, there, chosen;
  } kRows[] = {
      {k4K, kSizes4K | kSizes16K | kSizes64K, k4K},
      {k16K, kSizes4K | kSizes16K | kSizes64K, k16K},
      {k64K, kSizes4K | kSizes16K | kSizes64K, k64K},
      {k64K, kSizes4K | kSizes16K, k16K},
      {k16K, kSizes4K | kSizes64K, k4K},
      {k4K, kSizes16K | kSizes64K, k16K},
      {k4K, kSizes64K, k64K},
      {k16K, kSizes64K, k64K},
      {8192, kSizes4K | kSizes16K, k4K},
      {0, kSizes16K | kSizes64K, k16K},
  };
  for (const auto& row : kRows) {
    auto config = config_of(Format::kAArch64Stage1, row.there);
    config.preferred_granule = row.preferred;
    const auto tables = create(config);
    EXPECT_EQ(tables->page_sizes() & -tables->page_sizes(), row.chosen)
        << fmt::format("{:#x} of {:#x}", row.preferred, row.there);
  }
}

// Tables D8-17, D8-27, D8-36.
TEST_F(Configuration, HasTheBlocksOfItsGranuleThatTheSmmuHas) {
  const std::uint64_t every = ~std::uint64_t{0};
  auto config = config_of(Format::kAArch64Stage1, every);
  EXPECT_EQ(create(config)->page_sizes(), kSizes4K);
  config.preferred_granule = k16K;
  EXPECT_EQ(create(config)->page_sizes(), kSizes16K);
  config.preferred_granule = k64K;
  EXPECT_EQ(create(config)->page_sizes(), k64K | k512M);
  config.output_bits = 52;
  EXPECT_EQ(create(config)->page_sizes(), kSizes64K);
  config.page_sizes = k64K;
  EXPECT_EQ(create(config)->page_sizes(), k64K);
  EXPECT_EQ(create(config_of(Format::kAArch64Stage2, k4K | k1G))->page_sizes(), k4K | k1G);
  EXPECT_EQ(create(config_of(Format::kAArch32LongStage1, every, 32, 40))->page_sizes(), kSizes4K);
  EXPECT_EQ(create(config_of(Format::kAArch32Short, every, 32, 32))->page_sizes(), kSizesShort);
  EXPECT_EQ(create(config_of(Format::kAArch32Short, k4K | k64K | k1M, 32, 32))->page_sizes(),
            k4K | k64K | k1M);
}

// No block is larger than what an entry of the first table is for.
TEST_F(Configuration, HasNoBlocksAboveTheFirstTable) {
  EXPECT_EQ(create(config_of(Format::kAArch64Stage1, kSizes4K, 39))->page_sizes(), kSizes4K);
  EXPECT_EQ(create(config_of(Format::kAArch64Stage1, kSizes4K, 31))->page_sizes(), kSizes4K);
  EXPECT_EQ(create(config_of(Format::kAArch64Stage1, kSizes4K, 30))->page_sizes(), k4K | k2M);
  auto config = config_of(Format::kAArch64Stage1, kSizes64K, 29, 52);
  EXPECT_EQ(create(config)->page_sizes(), k64K);
  config.input_bits = 42;
  EXPECT_EQ(create(config)->page_sizes(), k64K | k512M);
  config.input_bits = 43;
  EXPECT_EQ(create(config)->page_sizes(), kSizes64K);
  EXPECT_EQ(create(config_of(Format::kAArch64Stage1, kSizes16K, 25))->page_sizes(), k16K);
}

TEST_F(Configuration, HasAddressesOf52BitsWithGranulesOf64KAlone) {
  for (const std::uint64_t granule : {k4K, k16K, k64K}) {
    const auto tables = create(config_of(Format::kAArch64Stage1, granule, 52, 52));
    EXPECT_EQ(tables->config().input_bits, granule == k64K ? 52U : 48U);
    EXPECT_EQ(tables->config().output_bits, granule == k64K ? 52U : 48U);
    EXPECT_EQ(tables->registers().tsz, granule == k64K ? 12U : 16U);
    EXPECT_EQ(tables->registers().output_size,
              granule == k64K ? OutputSize::k52Bits : OutputSize::k48Bits);
    const std::uint64_t last = granule == k64K ? std::uint64_t{1} << 52 : std::uint64_t{1} << 48;
    EXPECT_EQ(tables->map(Iova(last), Pa(0), granule, 1, kReadWrite),
              refused(std::errc::result_out_of_range));
    EXPECT_EQ(tables->map(Iova(0), Pa(last), granule, 1, kReadWrite),
              refused(std::errc::result_out_of_range));
    EXPECT_EQ(tables->map(Iova(last - granule), Pa(last - granule), granule, 1, kReadWrite),
              mapped(granule));
    EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(last - 1))->pa, last - granule);
  }
}

// Tables D8-18, D8-28, D8-37: at which level a walk of stage 1 begins.
TEST_F(Configuration, OfStage1BeginsWhereItsBitsAre) {
  const struct {
    std::uint64_t granule;
    unsigned bits, level;
  } kRows[] = {
      {k4K, 48, 0},  {k4K, 40, 0},  {k4K, 39, 1},  {k4K, 31, 1},  {k4K, 30, 2},  {k4K, 25, 2},
      {k16K, 48, 0}, {k16K, 47, 1}, {k16K, 37, 1}, {k16K, 36, 2}, {k16K, 26, 2}, {k16K, 25, 3},
      {k64K, 52, 1}, {k64K, 43, 1}, {k64K, 42, 2}, {k64K, 30, 2}, {k64K, 29, 3}, {k64K, 25, 3},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(fmt::format("{:#x} {}", row.granule, row.bits));
    const auto tables = create(config_of(Format::kAArch64Stage1, row.granule, row.bits, 52));
    EXPECT_EQ(tables->registers().start_level, row.level);
    EXPECT_EQ(tables->registers().tsz, 64 - row.bits);
    // The first and the last page are where hardware looks for them.
    const std::uint64_t last = (std::uint64_t{1} << row.bits) - row.granule;
    EXPECT_EQ(tables->map(Iova(0), Pa(row.granule), row.granule, 1, kReadWrite),
              mapped(row.granule));
    EXPECT_EQ(tables->map(Iova(last), Pa(0), row.granule, 2, kReadWrite), mapped(row.granule));
    EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(0))->pa, row.granule);
    EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(last))->pa, 0U);
    EXPECT_EQ(all(*tables).leaves.size(), 2U);
  }
}

// AArch64.S2InvalidSL: level 0 of 4K and 1 of 64K need a PA size of 44 bits, level 1 of 16K of 42;
// tables D8-20 to D8-41: up to 16 tables side by side stand for a level that may not be.  D8.2.2:
// of 16K level 0 may not.
TEST_F(Configuration, OfStage2BeginsOneLevelLowerWhereItHasTo) {
  const struct {
    std::uint64_t granule;
    unsigned input, output, level, entries_log2;
  } kRows[] = {
      {k4K, 48, 48, 0, 9},   {k4K, 44, 44, 0, 5},   {k4K, 40, 44, 0, 1},   {k4K, 43, 42, 1, 13},
      {k4K, 42, 42, 1, 12},  {k4K, 40, 42, 1, 10},  {k4K, 40, 40, 1, 10},  {k4K, 39, 40, 1, 9},
      {k4K, 36, 36, 1, 6},   {k4K, 32, 32, 1, 2},   {k4K, 30, 32, 2, 9},   {k16K, 48, 48, 1, 12},
      {k16K, 47, 48, 1, 11}, {k16K, 44, 44, 1, 8},  {k16K, 42, 42, 1, 6},  {k16K, 40, 40, 2, 15},
      {k16K, 37, 40, 2, 12}, {k16K, 36, 36, 2, 11}, {k16K, 32, 32, 2, 7},  {k64K, 52, 52, 1, 10},
      {k64K, 48, 48, 1, 6},  {k64K, 44, 44, 1, 2},  {k64K, 46, 42, 2, 17}, {k64K, 43, 42, 2, 14},
      {k64K, 42, 42, 2, 13}, {k64K, 40, 40, 2, 11}, {k64K, 32, 32, 2, 3},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(fmt::format("{:#x} {} {}", row.granule, row.input, row.output));
    const std::uint64_t before = pool_->live_bytes();
    const auto tables =
        create(config_of(Format::kAArch64Stage2, row.granule, row.input, row.output));
    EXPECT_EQ(tables->registers().start_level, row.level);
    EXPECT_EQ(tables->registers().tsz, 64 - row.input);
    const std::uint64_t bytes = std::uint64_t{8} << row.entries_log2;
    EXPECT_EQ(pool_->live_bytes() - before, std::max<std::uint64_t>(bytes, 1024));
    EXPECT_EQ(tables->registers().root.value % bytes, 0U);
    const std::uint64_t last = (std::uint64_t{1} << row.input) - row.granule;
    const std::uint64_t pa = (std::uint64_t{1} << row.output) - row.granule;
    EXPECT_EQ(tables->map(Iova(last), Pa(pa), row.granule, 1, kReadWrite), mapped(row.granule));
    EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(last))->pa, pa);
    EXPECT_EQ(all(*tables).leaves.size(), 1U);
  }
}

TEST_F(Configuration, OfStage2IsRefusedWhereSixteenTablesDoNotDo) {
  const struct {
    std::uint64_t granule;
    unsigned input, output;
  } kRows[] = {{k4K, 44, 42},  {k4K, 48, 40},  {k16K, 41, 40},
               {k16K, 48, 36}, {k64K, 47, 42}, {k64K, 48, 32}};
  for (const auto& row : kRows) {
    EXPECT_EQ(refusal(config_of(Format::kAArch64Stage2, row.granule, row.input, row.output)),
              std::errc::invalid_argument)
        << row.granule << ' ' << row.input;
    EXPECT_EQ(refusal(config_of(Format::kAArch64Stage1, row.granule, row.input, row.output)),
              std::errc());
  }
}

// G5.5.6, table G5-5: 40 bits are two tables of level 1; 30 bits and less begin at level 2.
TEST_F(Configuration, OfLongDescriptorsOf32BitsBegin) {
  const struct {
    Format format;
    unsigned bits, level;
    std::uint64_t root_bytes;
  } kRows[] = {{Format::kAArch32LongStage1, 32, 1, 1024}, {Format::kAArch32LongStage1, 31, 1, 1024},
               {Format::kAArch32LongStage1, 30, 2, 4096}, {Format::kAArch32LongStage1, 25, 2, 1024},
               {Format::kAArch32LongStage2, 40, 1, 8192}, {Format::kAArch32LongStage2, 39, 1, 4096},
               {Format::kAArch32LongStage2, 32, 1, 1024}, {Format::kAArch32LongStage2, 30, 2, 4096},
               {Format::kAArch32LongStage2, 25, 2, 1024}};
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.bits);
    const std::uint64_t before = pool_->live_bytes();
    const auto tables = create(config_of(row.format, kSizes4K, row.bits, 40));
    EXPECT_EQ(tables->registers().start_level, row.level);
    EXPECT_EQ(pool_->live_bytes() - before, row.root_bytes);
    // Four bits with a sign, at stage 2.
    EXPECT_EQ(tables->registers().tsz, (32 - row.bits) & 0xf);
    const std::uint64_t last = (std::uint64_t{1} << row.bits) - k4K;
    EXPECT_EQ(tables->map(Iova(last), Pa(0xff'ffff'f000), k4K, 1, kReadWrite), mapped(k4K));
    EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(last))->pa, 0xff'ffff'f000U);
  }
}

TEST_F(Configuration, IsRefusedWithBitsThatTheFormatDoesNotHave) {
  const struct {
    Format format;
    unsigned input, output;
  } kRows[] = {
      {Format::kAArch64Stage1, 24, 48},     {Format::kAArch64Stage1, 0, 48},
      {Format::kAArch64Stage1, 48, 47},     {Format::kAArch64Stage1, 48, 0},
      {Format::kAArch64Stage1, 48, 56},     {Format::kAArch64Stage2, 24, 48},
      {Format::kAArch64Stage2, 48, 33},     {Format::kAArch32LongStage1, 33, 40},
      {Format::kAArch32LongStage1, 24, 40}, {Format::kAArch32LongStage1, 32, 42},
      {Format::kAArch32LongStage1, 32, 48}, {Format::kAArch32LongStage2, 41, 40},
      {Format::kAArch32LongStage2, 24, 40}, {Format::kAArch32LongStage2, 40, 44},
      {Format::kAArch32Short, 33, 32},      {Format::kAArch32Short, 24, 32},
      {Format::kAArch32Short, 32, 36},      {Format::kAArch32Short, 32, 40},
      {Format::kAArch32Short, 32, 31},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(refusal(config_of(row.format, kSizes4K, row.input, row.output)),
              std::errc::invalid_argument)
        << static_cast<int>(row.format) << ' ' << row.input << ' ' << row.output;
  }
}

TEST_F(Configuration, IsRefusedWithoutAGranule) {
  EXPECT_EQ(refusal(config_of(Format::kAArch64Stage1, 0)), std::errc::invalid_argument);
  EXPECT_EQ(refusal(config_of(Format::kAArch64Stage1, k2M | k1G)), std::errc::invalid_argument);
  EXPECT_EQ(refusal(config_of(Format::kAArch32LongStage1, kSizes64K, 32, 40)),
            std::errc::invalid_argument);
  EXPECT_EQ(refusal(config_of(Format::kAArch32LongStage2, kSizes16K, 40, 40)),
            std::errc::invalid_argument);
  EXPECT_EQ(refusal(config_of(Format::kAArch32Short, k64K | k1M, 32, 32)),
            std::errc::invalid_argument);
}

TEST_F(Configuration, IsRefusedWithALevelOfBreakBeforeMakeThatThereIsNot) {
  for (const auto& config : {config_of(Format::kAArch64Stage1, kSizes4K), short_config()}) {
    for (unsigned level = 0; level != 5; ++level) {
      auto with = config;
      with.break_before_make = level;
      EXPECT_EQ(refusal(with), level < 3 ? std::errc() : std::errc::invalid_argument);
    }
  }
}

// Each quirk of each format: all other combinations are refused.
TEST_F(Configuration, IsRefusedWithAQuirkThatTheFormatHasNoUseFor) {
  const struct {
    const char* name;
    PgtableQuirks quirks;
    bool stage1, stage2, long1, long2, shorts;
  } kRows[] = {
      {"none", {}, true, true, true, true, true},
      {"non_secure", {.non_secure = true}, true, false, true, false, true},
      {"ttbr1", {.ttbr1 = true}, true, false, false, false, false},
      {"dirty", {.dirty = true}, true, false, false, false, false},
      {"s2fwb", {.s2fwb = true}, false, true, false, false, false},
      {"xnx", {.xnx = true}, false, true, false, false, false},
      {"contiguous", {.contiguous = true}, true, true, false, false, false},
      {"split_blocks", {.split_blocks = true}, true, true, false, false, false},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    const auto accepted = [&](const PgtableConfig& config) {
      return refusal(config) == std::errc();
    };
    EXPECT_EQ(accepted(config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, row.quirks)),
              row.stage1);
    EXPECT_EQ(accepted(config_of(Format::kAArch64Stage2, kSizes4K, 48, 48, row.quirks)),
              row.stage2);
    EXPECT_EQ(accepted(config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40, row.quirks)),
              row.long1);
    EXPECT_EQ(accepted(config_of(Format::kAArch32LongStage2, kSizes4K, 40, 40, row.quirks)),
              row.long2);
    EXPECT_EQ(accepted(short_config(row.quirks)), row.shorts);
  }
  // Of stage 1 alone, and where walks are not coherent.
  for (const WalkCoherency coherency : {WalkCoherency::kNone, WalkCoherency::kCoherent}) {
    const PgtableQuirks quirks{.outer_write_back = true};
    const std::pair<Format, unsigned> kFormats[] = {{Format::kAArch64Stage1, 48},
                                                    {Format::kAArch64Stage2, 48},
                                                    {Format::kAArch32LongStage1, 32},
                                                    {Format::kAArch32LongStage2, 40},
                                                    {Format::kAArch32Short, 32}};
    for (const auto& [format, bits] : kFormats) {
      const unsigned output = format == Format::kAArch32Short ? 32 : 40;
      auto config = config_of(format, kSizes4K, bits, bits == 48 ? 48 : output, quirks);
      config.coherency = coherency;
      EXPECT_EQ(refusal(config) == std::errc(),
                format == Format::kAArch64Stage1 && coherency == WalkCoherency::kNone);
    }
  }
}

TEST_F(Configuration, SaysHowTablesAreRead) {
  constexpr auto kWriteBack = WalkCacheability::kWriteBackReadWriteAllocate;
  constexpr auto kNone = WalkCacheability::kNonCacheable;
  for (const Format format : {Format::kAArch64Stage1, Format::kAArch64Stage2,
                              Format::kAArch32LongStage1, Format::kAArch32Short}) {
    auto config = config_of(format, kSizes4K, 32, 32);
    auto registers = create(config)->registers();
    EXPECT_EQ(registers.inner, kWriteBack);
    EXPECT_EQ(registers.outer, kWriteBack);
    EXPECT_EQ(registers.shareability, Shareability::kInner);
    config.coherency = WalkCoherency::kNone;
    registers = create(config)->registers();
    EXPECT_EQ(registers.inner, kNone);
    EXPECT_EQ(registers.outer, kNone);
    EXPECT_EQ(registers.shareability, Shareability::kOuter);
  }
  auto config = config_of(Format::kAArch64Stage1, kSizes4K, 48, 48, {.outer_write_back = true});
  config.coherency = WalkCoherency::kNone;
  const auto registers = create(config)->registers();
  EXPECT_EQ(registers.inner, kNone);
  EXPECT_EQ(registers.outer, kWriteBack);
  EXPECT_EQ(registers.shareability, Shareability::kOuter);
}

TEST_F(Configuration, SaysWhatMemoryTypesMean) {
  constexpr std::uint64_t kMair = 0xffff'ffff'f404'ff44;
  EXPECT_EQ(create(config_of(Format::kAArch64Stage1, kSizes4K))->registers().memory_attributes,
            kMair);
  EXPECT_EQ(create(config_of(Format::kAArch32LongStage1, kSizes4K, 32, 40))
                ->registers()
                .memory_attributes,
            kMair);
  EXPECT_EQ(create(config_of(Format::kAArch64Stage2, kSizes4K))->registers().memory_attributes, 0U);
  // G5.7.3: index 1 is Device, 4 Normal non-cacheable, 7 Normal write-back Inner Shareable; what is
  // Device or Normal and has S is shareable.
  const PgtableRegisters registers = create(short_config())->registers();
  EXPECT_EQ(registers.primary_region_remap, 0x800b'8204U);
  EXPECT_EQ(registers.normal_memory_remap, 0x4000'4000U);
  EXPECT_EQ(registers.memory_attributes, 0U);
}

TEST_F(Configuration, SaysTheGranuleAndTheOutputSize) {
  const std::pair<std::uint64_t, TG0> kGranules[] = {
      {k4K, TG0::k4K}, {k16K, TG0::k16K}, {k64K, TG0::k64K}};
  const std::pair<unsigned, OutputSize> kSizes[] = {
      {32, OutputSize::k32Bits}, {36, OutputSize::k36Bits}, {40, OutputSize::k40Bits},
      {42, OutputSize::k42Bits}, {44, OutputSize::k44Bits}, {48, OutputSize::k48Bits}};
  for (const auto& [granule, code] : kGranules) {
    for (const auto& [bits, size] : kSizes) {
      const auto tables = create(config_of(Format::kAArch64Stage1, granule, 32, bits));
      EXPECT_EQ(tables->registers().granule, code);
      EXPECT_EQ(tables->registers().output_size, size);
    }
  }
  const auto registers = create(short_config())->registers();
  EXPECT_EQ(registers.tsz, 0U);
  EXPECT_EQ(registers.output_size, OutputSize::k32Bits);
  EXPECT_EQ(registers.root.value % 0x4000, 0U);
}

// D8.2.4: the upper half, whose addresses have ones above.
TEST_F(Configuration, OfTheUpperHalfHasTheAddressesAtTheEnd) {
  for (const std::uint64_t granule : {k4K, k16K, k64K}) {
    for (const unsigned bits : {48U, 39U, 30U}) {
      const auto tables =
          create(config_of(Format::kAArch64Stage1, granule, bits, 48, {.ttbr1 = true}));
      const std::uint64_t first = ~std::uint64_t{0} << bits;
      const std::uint64_t last = -granule;
      EXPECT_EQ(tables->map(Iova(first), Pa(granule), granule, 1, kReadWrite), mapped(granule));
      EXPECT_EQ(tables->map(Iova(last), Pa(2 * granule), granule, 2, kReadWrite), mapped(granule));
      for (const std::uint64_t beyond :
           {std::uint64_t{0}, first - granule, std::uint64_t{1} << bits}) {
        EXPECT_EQ(tables->map(Iova(beyond), Pa(0), granule, 1, kReadWrite),
                  refused(std::errc::result_out_of_range));
        EXPECT_EQ(tables->unmap(Iova(beyond), granule, 1), (Unmapped{0, false}));
        EXPECT_EQ(tables->iova_to_phys(Iova(beyond)), std::nullopt);
      }
      EXPECT_EQ(tables->iova_to_phys(Iova(first + 5)), Pa(granule + 5));
      EXPECT_EQ(tables->iova_to_phys(Iova(~std::uint64_t{0})), Pa(3 * granule - 1));
      EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(first))->pa, granule);
      EXPECT_EQ(NaiveWalk(ram_, *tables).at(Iova(last))->pa, 2 * granule);
      EXPECT_EQ(tables->unmap(Iova(last), granule, 2), (Unmapped{granule, true}));
      EXPECT_EQ(tables->iova_to_phys(Iova(last)), std::nullopt);
    }
  }
}

// A table is read at an output address, which has so many bits.
TEST_F(Configuration, IsRefusedWithAPoolThatIsBeyondTheOutputSize) {
  constexpr Pa kHigh{std::uint64_t{1} << 40};
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(kHigh.value - 0x8000), 0x1'0000));
  const auto across = *PagePool::create(ram, Pa(kHigh.value - 0x8000), 0x1'0000);
  const auto below = *PagePool::create(ram, Pa(kHigh.value - 0x8000), 0x8000);
  const auto config = config_of(Format::kAArch64Stage1, kSizes4K, 48, 40);
  EXPECT_EQ(IoPgtable::create(config, *across, invalidation_).error(), std::errc::invalid_argument);
  EXPECT_TRUE(IoPgtable::create(config, *below, invalidation_));
}

// A short descriptor has no room for a table above 4 GiB.
TEST_F(Configuration, OfShortDescriptorsNeedsAPoolThatEndsBelow4GiB) {
  constexpr Pa kHigh{0x1'0000'0000};
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(kHigh.value - 0x8000), 0x1'0000));
  const auto above = *PagePool::create(ram, kHigh, 0x8000);
  const auto across = *PagePool::create(ram, Pa(kHigh.value - 0x8000), 0x8400);
  for (PagePool* const pool : {above.get(), across.get()}) {
    EXPECT_EQ(IoPgtable::create(short_config(), *pool, invalidation_).error(),
              std::errc::invalid_argument);
    EXPECT_EQ(pool->requests(), 0U);
  }
  const auto below = *PagePool::create(ram, Pa(kHigh.value - 0x8000), 0x8000);
  const auto tables = IoPgtable::create(short_config(), *below, invalidation_);
  ASSERT_TRUE(tables);
  EXPECT_EQ((*tables)->map(Iova(0), Pa(0), k4K, 1, kReadWrite), mapped(k4K));
}

// What will be made is told without making it.
TEST_F(Configuration, IsToldBeforeThereAreTables) {
  for (const auto& config :
       {config_of(Format::kAArch64Stage1, kSizes4K | kSizes64K, 60, 52),
        config_of(Format::kAArch64Stage2, kSizes16K, 40, 40),
        config_of(Format::kAArch32LongStage1, ~std::uint64_t{0}, 32, 40), short_config()}) {
    const auto told = IoPgtable::config_for(config);
    ASSERT_TRUE(told);
    const PgtableConfig made = create(config)->config();
    EXPECT_EQ(told->page_sizes, made.page_sizes);
    EXPECT_EQ(told->input_bits, made.input_bits);
    EXPECT_EQ(told->output_bits, made.output_bits);
  }
  auto unfit = config_of(Format::kAArch64Stage2, kSizes4K, 48, 48, {.ttbr1 = true});
  EXPECT_EQ(IoPgtable::config_for(unfit).error(), std::errc::invalid_argument);
  unfit = short_config({.xnx = true});
  EXPECT_EQ(IoPgtable::config_for(unfit).error(), std::errc::invalid_argument);
}

}  // namespace
}  // namespace smmu::iommu::configuration_test
