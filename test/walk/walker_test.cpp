// The stage 1 walk: levels, leaves and how it ends (DDI 0487, D8.2 and D8.3; IHI 0070, 3.4).
#include "emulator/walk/walker.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "smmu/testing/tables.h"

namespace smmu::emulator::walker_test {
namespace {

using testing::PageTable;

constexpr std::uint64_t kSizeOfAll = std::uint64_t{1} << 56;

// Words wherever a test puts them; a word nobody wrote is zero, and memory
// ends at `end`.
class SparseMemory final : public PhysicalMemory {
 public:
  BusResponse read(Pa, std::span<std::byte>) override { return BusResponse::kAbort; }
  BusResponse write(Pa, std::span<const std::byte>) override { return BusResponse::kAbort; }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

  std::uint64_t end = kSizeOfAll;
  std::vector<std::uint64_t> loads;

 private:
  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    loads.push_back(pa.value);
    if (pa.value >= end) return ExternalAbort{};
    const auto found = words_.find(pa.value);
    return found == words_.end() ? 0 : found->second;
  }
  BusResponse store64_indirect(Pa pa, std::uint64_t value) override {
    words_[pa.value] = value;
    return BusResponse::kOkay;
  }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa, std::uint64_t,
                                                                   std::uint64_t) override {
    return ExternalAbort{};
  }
  std::map<std::uint64_t, std::uint64_t> words_;
};

Granule granule_of(unsigned bits) { return static_cast<Granule>(bits); }

class Walks : public ::testing::Test {
 protected:
  PageTable table_of(unsigned granule_bits, unsigned t0sz) {
    return PageTable(memory_,
                     [this](std::uint64_t bytes, std::uint64_t alignment) {
                       next_ = (next_ + alignment - 1) / alignment * alignment + bytes;
                       return Pa(next_ - bytes);
                     },
                     {.granule_bits = granule_bits, .t0sz = t0sz});
  }
  // The lower half only.
  static Regime regime_of(const PageTable& table, unsigned output_bits = 48,
                          bool big_endian = false) {
    Regime regime;
    Stage1Half& half = regime.stage1.half[0];
    const unsigned granule_bits = table.options().granule_bits;
    half.enabled = true;
    half.tables = tables({.granule = granule_of(granule_bits),
                          .input_bits = 64 - table.options().t0sz,
                          .first_level = expected_first_level(granule_bits, table.options().t0sz),
                          .output_bits = output_bits,
                          .root = table.root().value,
                          .wide = output_bits == 52,
                          .big_endian = big_endian});
    return regime;
  }
  // Which TnSZ start at which level (DDI 0487, D8.2).
  static int expected_first_level(unsigned granule_bits, unsigned t0sz) {
    switch (granule_bits) {
      case 12:
        return t0sz <= 24 ? 0 : t0sz <= 33 ? 1 : t0sz <= 42 ? 2 : 3;
      case 14:
        return t0sz <= 16 ? 0 : t0sz <= 27 ? 1 : t0sz <= 38 ? 2 : 3;
      default:
        return t0sz <= 21 ? 1 : t0sz <= 34 ? 2 : 3;
    }
  }
  Result<Leaf, WalkFault> walk(const Regime& regime, std::uint64_t address) {
    memory_.loads.clear();
    const auto canonical = Walker::canonical(regime, Iova(address));
    EXPECT_TRUE(canonical) << std::hex << address;
    Leaf leaf;
    const auto fault =
        Walker(memory_).walk(regime, canonical.value_or(CanonicalAddress{}), {}, leaf);
    if (fault) return *fault;
    return leaf;
  }
  void expect_fault(const Regime& regime, std::uint64_t address, FaultType type, int level) {
    const auto result = walk(regime, address);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().type, type);
    EXPECT_EQ(result.error().level, level);
    EXPECT_EQ(result.error().stage, Stage::k1);
    EXPECT_EQ(result.error().descriptor.value, memory_.loads.back());
  }

  SparseMemory memory_;
  std::uint64_t next_ = 0x100'0000;
};

TEST_F(Walks, EverySizeOfEveryGranuleResolvesItsFirstAndLastPage) {
  for (const unsigned granule_bits : {12U, 14U, 16U}) {
    const unsigned most = granule_bits == 16 ? 47 : 48;
    for (unsigned t0sz = 16; t0sz <= most; ++t0sz) {
      SCOPED_TRACE(fmt::format("granule {} T0SZ {}", granule_bits, t0sz));
      const std::uint64_t granule = std::uint64_t{1} << granule_bits;
      const std::uint64_t end = std::uint64_t{1} << (64 - t0sz);
      PageTable table = table_of(granule_bits, t0sz);
      table.map(Iova(0), Pa(0x8000'0000), granule);
      table.map(Iova(end - granule), Pa(0x9000'0000), granule);
      const Regime regime = regime_of(table);
      const int first = expected_first_level(granule_bits, t0sz);
      EXPECT_EQ(start_level(granule_of(granule_bits), 64 - t0sz), first);

      const auto low = walk(regime, 0x10);
      ASSERT_TRUE(low);
      EXPECT_EQ(low->level, 3);
      EXPECT_EQ(low->size_bits, granule_bits);
      EXPECT_EQ(low->granule, granule_of(granule_bits));
      if (end > granule) {
        EXPECT_EQ(low->output.value, 0x8000'0000U);
      }
      EXPECT_EQ(memory_.loads.size(), static_cast<std::size_t>(4 - first));
      const auto high = walk(regime, end - 1);
      ASSERT_TRUE(high);
      EXPECT_EQ(high->output.value, 0x9000'0000U);
      EXPECT_FALSE(Walker::canonical(regime, Iova(end)));
      EXPECT_FALSE(Walker::canonical(regime, Iova(end | std::uint64_t{1} << 54)));
    }
  }
}

TEST_F(Walks, TheUpperHalfBeginsWhereSignExtensionEnds) {  // IHI 0070, 3.4.1
  for (unsigned t1sz = 16; t1sz <= 48; ++t1sz) {
    Regime regime;
    regime.stage1.half[0].tables.input_bits = 48;
    regime.stage1.half[1].tables.input_bits = static_cast<std::uint8_t>(64 - t1sz);
    const std::uint64_t first = ~std::uint64_t{0} << (64 - t1sz);
    for (const std::uint64_t address : {first, ~std::uint64_t{0}}) {
      const auto canonical = Walker::canonical(regime, Iova(address));
      ASSERT_TRUE(canonical) << t1sz;
      EXPECT_EQ(canonical->half, 1U);
      EXPECT_EQ(canonical->value, address);
    }
    EXPECT_FALSE(Walker::canonical(regime, Iova(first - 1))) << t1sz;
  }
}

TEST_F(Walks, TheTopByteIsIgnoredByTheHalfThatSaysSo) {  // IHI 0070, 3.4.1: TBI
  Regime regime;
  regime.stage1.half[0].tables.input_bits = regime.stage1.half[1].tables.input_bits = 48;
  EXPECT_FALSE(Walker::canonical(regime, Iova(0xab00'1234'5678'9000)));
  regime.stage1.half[0].top_byte_ignored = true;
  const auto low = Walker::canonical(regime, Iova(0xab00'1234'5678'9000));
  ASSERT_TRUE(low);
  EXPECT_EQ(low->half, 0U);
  EXPECT_EQ(low->value, 0x0000'1234'5678'9000U);
  EXPECT_FALSE(Walker::canonical(regime, Iova(0xab01'1234'5678'9000)));
  EXPECT_FALSE(Walker::canonical(regime, Iova(0xabff'9234'5678'9000)));
  regime.stage1.half[1].top_byte_ignored = true;
  const auto high = Walker::canonical(regime, Iova(0xabff'9234'5678'9000));
  ASSERT_TRUE(high);
  EXPECT_EQ(high->half, 1U);
  EXPECT_EQ(high->value, 0xffff'9234'5678'9000U);
}

TEST_F(Walks, BlocksExistWhereTheGranuleHasThem) {  // DDI 0487, D8.3
  const struct {
    unsigned granule_bits, size_bits;
    int level;
  } kBlocks[] = {{12, 30, 1}, {12, 21, 2}, {14, 25, 2}, {16, 29, 2}};
  for (const auto& [granule_bits, size_bits, level] : kBlocks) {
    const std::uint64_t size = std::uint64_t{1} << size_bits;
    PageTable table = table_of(granule_bits, 16);
    table.map(Iova(size), Pa(5 * size), size);
    const auto leaf = walk(regime_of(table), size + 0x1234567 % size);
    ASSERT_TRUE(leaf) << size_bits;
    EXPECT_EQ(leaf->level, level);
    EXPECT_EQ(leaf->size_bits, size_bits);
    EXPECT_EQ(leaf->output.value, 5 * size);
  }
}

TEST_F(Walks, ABlockWhereThereAreNoneIsATranslationFault) {  // DDI 0487, D8.3: reserved
  for (const unsigned granule_bits : {12U, 14U, 16U}) {
    PageTable table = table_of(granule_bits, 16);
    const Regime regime = regime_of(table);
    ASSERT_EQ(memory_.store64(table.root(), 0x401), BusResponse::kOkay);
    expect_fault(regime, 0, FaultType::kTranslation, granule_bits == 16 ? 1 : 0);
  }
}

TEST_F(Walks, ABlockAtLevel3IsATranslationFault) {  // DDI 0487, D8.3: 0b01 is reserved there
  PageTable table = table_of(12, 16);
  table.map(Iova(0), Pa(0x8000'0000), 4096);
  ASSERT_EQ(memory_.store64(table.descriptor(Iova(0)), 0x8000'0401), BusResponse::kOkay);
  expect_fault(regime_of(table), 0, FaultType::kTranslation, 3);
}

TEST_F(Walks, AnInvalidDescriptorFaultsAtItsLevel) {
  PageTable table = table_of(12, 16);
  const Regime regime = regime_of(table);
  expect_fault(regime, 0, FaultType::kTranslation, 0);
  table.map(Iova(0), Pa(0x8000'0000), 4096);
  expect_fault(regime, std::uint64_t{1} << 30, FaultType::kTranslation, 1);
  expect_fault(regime, std::uint64_t{1} << 21, FaultType::kTranslation, 2);
  expect_fault(regime, 4096, FaultType::kTranslation, 3);
  // Bit 0 alone decides: the rest of an invalid descriptor is software's.
  ASSERT_EQ(memory_.store64(table.descriptor(Iova(0)), ~std::uint64_t{1}), BusResponse::kOkay);
  expect_fault(regime, 0, FaultType::kTranslation, 3);
}

TEST_F(Walks, TheAccessFlagIsNeededUnlessIgnored) {  // IHI 0070, 5.4: AFFD
  PageTable table = table_of(12, 16);
  table.map(Iova(0), Pa(0x8000'0000), 4096, {.access_flag = false});
  Regime regime = regime_of(table);
  expect_fault(regime, 0, FaultType::kAccessFlag, 3);
  regime.stage1.access_flag_ignored = true;
  EXPECT_TRUE(walk(regime, 0));
}

TEST_F(Walks, AnAddressBeyondTheOutputSizeFaultsAtTheDescriptorThatHoldsIt) {
  for (const unsigned output_bits : {32U, 36U, 40U, 42U, 44U}) {
    const std::uint64_t limit = std::uint64_t{1} << output_bits;
    PageTable table = table_of(12, 16);
    table.map(Iova(0), Pa(limit - 4096), 4096);
    table.map(Iova(4096), Pa(limit), 4096);
    const Regime regime = regime_of(table, output_bits);
    EXPECT_TRUE(walk(regime, 0)) << output_bits;
    expect_fault(regime, 4096, FaultType::kAddressSize, 3);
    // A table there is as bad: it is found in the descriptor that names it.
    ASSERT_EQ(memory_.store64(table.root(), limit | 3), BusResponse::kOkay);
    expect_fault(regime, 0, FaultType::kAddressSize, 0);
  }
}

TEST_F(Walks, TheAddressSizeComesBeforeTheAccessFlag) {  // IHI 0070, 3.12: order of faults
  PageTable table = table_of(12, 16);
  table.map(Iova(0), Pa(std::uint64_t{1} << 40), 4096, {.access_flag = false});
  expect_fault(regime_of(table, 40), 0, FaultType::kAddressSize, 3);
}

TEST_F(Walks, AnAddressOf52BitsHasItsTopAtTheBottom) {  // FEAT_LPA: OA[51:48] at [15:12]
  PageTable table = table_of(16, 16);
  table.map(Iova(0), Pa(0x8000'0000), 0x10000);
  ASSERT_EQ(memory_.store64(table.descriptor(Iova(0)), 0x8000'a403), BusResponse::kOkay);
  expect_fault(regime_of(table), 0, FaultType::kAddressSize, 3);
  const auto leaf = walk(regime_of(table, 52), 0);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, 0x000a'0000'8000'0000U);
}

TEST_F(Walks, AReadThatAbortsNamesItsAddress) {  // IHI 0070, 7.3.12
  PageTable table = table_of(12, 16);
  table.map(Iova(0), Pa(0x8000'0000), 4096);
  const Regime regime = regime_of(table);
  memory_.end = table.descriptor(Iova(0)).value;
  expect_fault(regime, 0, FaultType::kExternalAbort, 3);
  memory_.end = 0;
  expect_fault(regime, 0, FaultType::kExternalAbort, 0);
}

TEST_F(Walks, TablesThatPointAtThemselvesEnd) {
  for (const unsigned granule_bits : {12U, 14U, 16U}) {
    PageTable table = table_of(granule_bits, 16);
    for (unsigned i = 0; i != 8; ++i) {
      ASSERT_EQ(memory_.store64(Pa(table.root().value + 8 * i), table.root().value | 0x403),
                BusResponse::kOkay);
    }
    const auto leaf = walk(regime_of(table), 0);
    ASSERT_TRUE(leaf);
    EXPECT_EQ(leaf->output, table.root());
    EXPECT_LE(memory_.loads.size(), 4U);
  }
}

TEST_F(Walks, TheContiguousHintMayNotChangeTheTranslation) {  // DDI 0487, D8
  PageTable table = table_of(12, 16);
  table.map(Iova(0), Pa(0x8000'0000), 0x10000);
  const Regime regime = regime_of(table);
  for (unsigned i = 0; i != 16; ++i) {
    const Pa at = table.descriptor(Iova(i * 4096));
    const std::uint64_t descriptor = testing::load(memory_, at);
    testing::store(memory_, at, descriptor | std::uint64_t{1} << 52);
  }
  for (unsigned i = 0; i != 16; ++i) {
    const std::uint64_t address = i * 4096 + 0x123;
    const auto leaf = walk(regime, address);
    ASSERT_TRUE(leaf);
    const std::uint64_t within = address & mask(leaf->size_bits - 1U, 0);
    EXPECT_EQ(leaf->output.value + within, 0x8000'0000 + address);
  }
}

TEST_F(Walks, TablesMayBeBigEndian) {  // IHI 0070, 5.4: ENDI
  PageTable table = table_of(12, 25);
  ASSERT_EQ(memory_.store64(table.root(), __builtin_bswap64(0x4000'0401)), BusResponse::kOkay);
  const auto leaf = walk(regime_of(table, 48, true), 0x1234);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(leaf->output.value, 0x4000'0000U);
}

TEST_F(Walks, ALeafIsGlobalUnlessItSaysNot) {  // DDI 0487, D8: nG
  PageTable table = table_of(12, 16);
  table.map(Iova(0), Pa(0x8000'0000), 4096, {.global = true});
  table.map(Iova(4096), Pa(0x8000'0000), 4096);
  EXPECT_TRUE(walk(regime_of(table), 0)->global);
  EXPECT_FALSE(walk(regime_of(table), 4096)->global);
}

}  // namespace
}  // namespace smmu::emulator::walker_test
