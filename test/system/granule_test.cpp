// The three granules: sizes of blocks, and addresses of 52 bits (IHI 0070, 3.4, 5.4; DDI 0487, D8.2
// and D8.3).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::granule_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::EventType;
using v3::SMMU_IDR5;

constexpr StreamId kStream(9);

emulator::SmmuV3Config with_outputs(OutputSize size) {
  auto config = emulator::SmmuV3Config::everything();
  config.idr5.set(SMMU_IDR5::OAS, size);
  return config;
}

class Granules : public ::testing::Test {
 protected:
  explicit Granules(const emulator::SmmuV3Config& config = emulator::SmmuV3Config::everything())
      : board_({.config = config}) {}
  void SetUp() override { board_.bring_up(); }

  emulator::Outcome translate(std::uint64_t address) {
    return board_.device(kStream).translate(Iova(address));
  }
  // The block that a translation belongs to.
  static std::uint64_t size_of(const emulator::Outcome& outcome) {
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    return translation == nullptr ? 0 : translation->size;
  }
  // Makes a CD for these tables what the stream uses, and forgets everything.
  void use(const CD& cd) {
    const Pa at = board_.allocate(CD::kSize, CD::kSize);
    store(board_.memory(), at, cd);
    board_.attach(kStream, testing::translate(at));
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  }
  void expect_fault(EventType type, std::uint64_t address) {
    EXPECT_THAT(translate(address), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(type, kStream, Iova(address))));
  }

  Board board_;
};

TEST_F(Granules, HaveBlocksOfTheirOwnSizes) {  // DDI 0487, Tables D8-17, D8-27 and D8-36
  const struct {
    unsigned granule_bits;
    std::vector<unsigned> leaves;  // as powers of two
  } kSizes[] = {{12, {12, 21, 30}}, {14, {14, 25}}, {16, {16, 29, 42}}};
  for (const auto& [granule_bits, leaves] : kSizes) {
    PageTable table = board_.page_table(
        {.granule_bits = granule_bits, .output_bits = granule_bits == 16 ? 52U : 48U});
    for (const unsigned bits : leaves) {
      const std::uint64_t size = std::uint64_t{1} << bits;
      table.map(Iova(size), Pa(3 * size), size);
    }
    use(context(table));
    for (const unsigned bits : leaves) {
      const std::uint64_t size = std::uint64_t{1} << bits;
      const auto outcome = translate(2 * size - 8);
      EXPECT_THAT(outcome, TranslatesTo(Pa(4 * size - 8))) << granule_bits << ' ' << bits;
      EXPECT_EQ(size_of(outcome), size);
    }
    EXPECT_THAT(board_.events(), IsEmpty());
  }
}

TEST_F(Granules, HaveNoBlocksAbove) {  // DDI 0487, Tables D8-17 and D8-27: DS 0
  for (const unsigned granule_bits : {12U, 14U}) {
    PageTable table = board_.page_table({.granule_bits = granule_bits});
    // 4K: level 0.  16K: levels 0 and 1.
    constexpr std::uint64_t kBlock = 0x701;
    store(board_.memory(), table.root(), kBlock);
    use(context(table));
    expect_fault(EventType::F_TRANSLATION, 0x1000);
    if (granule_bits == 12) continue;
    const Pa level1 = board_.allocate(0x4000, 0x4000);
    store(board_.memory(), level1, kBlock);
    store(board_.memory(), table.root(), level1.value | 0b11);
    use(context(table));
    expect_fault(EventType::F_TRANSLATION, 0x1000);
  }
}

class Narrow : public Granules {
 protected:
  Narrow() : Granules(with_outputs(OutputSize::k48Bits)) {}
};

TEST_F(Narrow, NoBlocksOf4TiBWithout52BitAddresses) {  // DDI 0487, Table D8-36: needs FEAT_LPA
  PageTable table = board_.page_table({.granule_bits = 16});
  store(board_.memory(), table.root(), std::uint64_t{0x701});
  use(context(table));
  expect_fault(EventType::F_TRANSLATION, 0x1'0000);
}

TEST_F(Narrow, ATableAbove48BitsMakesTheCdIllegal) {  // 5.4, TTB0: beyond the effective IPS
  PageTable table = board_.page_table({.granule_bits = 16});
  use(context(table)
          .set(CD::IPS, OutputSize::k52Bits)
          .set(CD::TTB0, table.root().value | std::uint64_t{1} << 48));
  EXPECT_THAT(translate(0), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
}

// Addresses of 52 bits, with the granule of 64 KiB.
class Wide : public Granules {
 protected:
  static constexpr std::uint64_t kHigh = std::uint64_t{0xa} << 48;

  void SetUp() override {
    Granules::SetUp();
    ASSERT_TRUE(board_.memory().add(Pa(kHigh), 1 << 20));
  }
  PageTable table() { return board_.page_table({.granule_bits = 16, .output_bits = 52}); }
};

TEST_F(Wide, PagesAndBlocksLieAnywhereIn52Bits) {  // DDI 0487, D8.3: OA[51:48] in bits [15:12]
  PageTable tables = table();
  constexpr std::uint64_t kPage = std::uint64_t{0xf} << 48 | 0x1234'5678'0000;
  constexpr std::uint64_t kBlock2 = std::uint64_t{0x8} << 48 | std::uint64_t{3} << 29;
  constexpr std::uint64_t kBlock1 = std::uint64_t{0x5} << 48 | std::uint64_t{7} << 42;
  constexpr std::uint64_t kFrom1 = std::uint64_t{1} << 42;
  tables.map(Iova(0x1'0000), Pa(kPage), 0x1'0000);
  tables.map(Iova(std::uint64_t{1} << 29), Pa(kBlock2), std::uint64_t{1} << 29);
  tables.map(Iova(kFrom1), Pa(kBlock1), kFrom1);
  use(context(tables));
  EXPECT_THAT(translate(0x1'0008), TranslatesTo(Pa(kPage + 8)));
  EXPECT_THAT(translate(0x3fff'fff8), TranslatesTo(Pa(kBlock2 + 0x1fff'fff8)));
  EXPECT_THAT(translate(kFrom1 + 0x12'3456'7890), TranslatesTo(Pa(kBlock1 + 0x12'3456'7890)));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Wide, TablesLieAnywhereIn52Bits) {  // 5.4, TTB0; DDI 0487, D8.3: NLTA[51:48]
  // The first table at 10 * 2^48, the second behind it.
  store(board_.memory(), Pa(kHigh), std::uint64_t{0x1'0000 | 0xa << 12 | 0b11});
  store(board_.memory(), Pa(kHigh + 0x1'0000), std::uint64_t{0x2'0000 | 0xa << 12 | 0b11});
  store(board_.memory(), Pa(kHigh + 0x2'0000), std::uint64_t{0x4000'0000 | 0x743});
  use(context(table()).set(CD::TTB0, kHigh));
  EXPECT_THAT(translate(0x18), TranslatesTo(Pa(0x4000'0018)));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Wide, TheFirstTableIsAlignedTo64BytesAtLeast) {  // 5.4, TTB0: bits [5:0] are zero
  // T0SZ 47 leaves a table of two entries; IPS is 52 bits.
  PageTable tables = board_.page_table({.granule_bits = 16, .t0sz = 47, .output_bits = 52});
  tables.map(Iova(0), Pa(0x7'0000), 0x1'0000);
  use(context(tables).set(CD::TTB0, tables.root().value + 0x30));
  EXPECT_THAT(translate(0), TranslatesTo(Pa(0x7'0000)));
}

TEST_F(Wide, AnOutputBeyondIpsIsAnAddressSizeFault) {  // 5.4, IPS: tables and leaves alike
  PageTable leaf = table();
  leaf.map(Iova(0), Pa(kHigh), 0x1'0000);
  use(context(leaf).set(CD::IPS, OutputSize::k48Bits));
  expect_fault(EventType::F_ADDR_SIZE, 0x10);

  PageTable next = table();
  store(board_.memory(), next.root(), std::uint64_t{0x1'0000 | 0xa << 12 | 0b11});
  use(context(next).set(CD::IPS, OutputSize::k48Bits));
  expect_fault(EventType::F_ADDR_SIZE, 0x10);
}

TEST_F(Wide, IpsIsCappedAtTheOutputSize) {  // 5.4, IPS: eff_IPS; larger codes behave as the cap
  PageTable tables = table();
  tables.map(Iova(0), Pa(kHigh), 0x1'0000);
  use(context(tables).set(CD::IPS, OutputSize::k56Bits));
  EXPECT_THAT(translate(0x10), TranslatesTo(Pa(kHigh + 0x10)));
}

TEST_F(Wide, OtherGranulesEndAt48Bits) {  // 5.4, IPS and TTB0: DS 0
  for (const unsigned granule_bits : {12U, 14U}) {
    PageTable tables = board_.page_table({.granule_bits = granule_bits});
    const std::uint64_t granule = std::uint64_t{1} << granule_bits;
    const std::uint64_t top = (std::uint64_t{1} << 48) - granule;
    tables.map(Iova(0), Pa(top), granule);
    use(context(tables).set(CD::IPS, OutputSize::k52Bits));
    EXPECT_THAT(translate(8), TranslatesTo(Pa(top + 8)));
    use(context(tables).set(CD::IPS, OutputSize::k52Bits).set(CD::TTB0, kHigh));
    EXPECT_THAT(translate(8), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
  }
}

TEST_F(Wide, DataGoesAbove48Bits) {  // 3.4
  PageTable tables = table();
  tables.map(Iova(0x1'0000), Pa(kHigh + 0x1'0000), 0x1'0000);
  use(context(tables));
  board_.device(kStream).write64(Iova(0x1'0008), 0x1122'3344'5566'7788);
  EXPECT_EQ(load(board_.memory(), Pa(kHigh + 0x1'0008)), 0x1122'3344'5566'7788U);
}

TEST_F(Granules, ThatAreNotImplementedMakeTheCdIllegal) {  // 5.4, TG0; 6.3.6
  for (const unsigned granule_bits : {12U, 14U, 16U}) {
    auto config = with_outputs(OutputSize::k48Bits);
    // VMSAv8-32 tables need the smallest.
    config.idr0.set(v3::SMMU_IDR0::TTF, v3::SMMU_IDR0::TableFormats::kAArch64);
    config.idr5.set(SMMU_IDR5::GRAN4K, granule_bits != 12)
        .set(SMMU_IDR5::GRAN16K, granule_bits != 14)
        .set(SMMU_IDR5::GRAN64K, granule_bits != 16);
    Board board({.config = config});
    board.bring_up();
    board.attach(kStream, board.page_table({.granule_bits = granule_bits}));
    EXPECT_THAT(board.device(kStream).translate(Iova(0)), Aborts());
    EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
  }
}

}  // namespace
}  // namespace smmu::testing::granule_test
