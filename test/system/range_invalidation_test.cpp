// Which leaves a range invalidation must remove, by level and by granule (IHI 0070, 4.4.1.1).
#include <algorithm>
#include <ostream>

#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::range_invalidation_test {
namespace {

using v3::CMD_CFGI_CD;
using v3::CMD_TLBI_NH_VA;
using v3::CMD_TLBI_NH_VAA;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandError;
using v3::SMMU_CMDQ_CONS;

constexpr StreamId kStream(9);
constexpr Asid kAsid(5);

// All that need not be removed stays, and shows because it is stale.
emulator::SmmuV3Config adversarial() {
  auto config = emulator::SmmuV3Config::everything();
  config.caching.policy = emulator::CachePolicy::kAdversarial;
  return config;
}

// With and without SMMU_IDR5.DS.
struct Shape {
  unsigned granule_bits;
  bool large;
};
void PrintTo(const Shape& shape, std::ostream* out) {
  *out << (1 << (shape.granule_bits - 10)) << " KiB" << (shape.large ? ", DS" : "");
}

CommandTG code(unsigned granule_bits) {
  return granule_bits == 12   ? CommandTG::k4K
         : granule_bits == 14 ? CommandTG::k16K
                              : CommandTG::k64K;
}

// Two leaves of each level that the granule has leaves at, side by side.
class Leaves : public ::testing::TestWithParam<Shape> {
 protected:
  struct Leaf {
    int level;
    Iova first;  // address that it maps
  };

  static unsigned granule_bits() { return GetParam().granule_bits; }
  // DDI 0487, Table D8-27: 16 KiB tables have level 1 blocks only with 52-bit addresses.
  static bool large_16k() { return GetParam().large && granule_bits() == 14; }
  static emulator::SmmuV3Config config() {
    auto config = adversarial();
    config.idr5.set(v3::SMMU_IDR5::DS, GetParam().large);
    return config;
  }
  // What a leaf at `level` maps (DDI 0487, D8.2): the granule and a table for each level above.
  static unsigned leaf_bits(int level) {
    return granule_bits() + static_cast<unsigned>(3 - level) * (granule_bits() - 3);
  }
  static std::uint64_t leaf_size(int level) { return std::uint64_t{1} << leaf_bits(level); }
  static bool has_leaves(int level) { return level != 1 || granule_bits() != 14 || large_16k(); }
  static Leaf leaf(int level, unsigned number) {
    const std::uint64_t slot = level == 1 ? 1 : level == 2 ? 3 : 4;
    return {level, Iova(slot * leaf_size(1) + number * leaf_size(level))};
  }
  static std::vector<Leaf> leaves() {
    std::vector<Leaf> all;
    for (int level = 1; level <= 3; ++level) {
      if (!has_leaves(level)) continue;
      for (unsigned number = 0; number != 2; ++number) all.push_back(leaf(level, number));
    }
    return all;
  }
  static Pa target(const Leaf& leaf, unsigned version) {
    return Pa(leaf.first.value + version * 8 * leaf_size(1));
  }

  void SetUp() override {
    board_.bring_up();
    board_.attach(kStream, table_, kAsid);
  }
  void map(const Leaf& leaf, unsigned version) {
    table_.map(leaf.first, target(leaf, version), leaf_size(leaf.level));
  }
  // Afterwards every leaf is cached, and its descriptor says something else.
  void make_stale() {
    for (const Leaf& each : leaves()) map(each, 1);
    board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    for (const Leaf& each : leaves()) {
      EXPECT_THAT(device_.translate(each.first), TranslatesTo(target(each, 1)));
      map(each, 2);
    }
    EXPECT_EQ(stale_leaves(), leaves().size());
  }
  bool stale(const Leaf& leaf) {
    const auto outcome = device_.translate(leaf.first);
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    return translation != nullptr && translation->pa == target(leaf, 1);
  }
  std::size_t stale_leaves() {
    std::size_t count = 0;
    for (const Leaf& each : leaves()) count += stale(each) ? 1 : 0;
    return count;
  }

  // (NUM + 1) * 2^SCALE granules.
  static CMD_TLBI_NH_VA range(Iova first, unsigned ttl, unsigned num, unsigned scale) {
    return command<CMD_TLBI_NH_VA>()
        .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
        .set(CMD_TLBI_NH_VA::Address, first.value)
        .set(CMD_TLBI_NH_VA::TG, code(granule_bits()))
        .set(CMD_TLBI_NH_VA::TTL, ttl)
        .set(CMD_TLBI_NH_VA::NUM, num)
        .set(CMD_TLBI_NH_VA::SCALE, scale);
  }
  // The whole lower half: 32 * 2^31 granules.
  static CMD_TLBI_NH_VA everything(unsigned ttl) { return range(Iova(0), ttl, 31, 31); }
  CommandError command_error() { return board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR]; }

  Board board_{{.config = config()}};
  PageTable table_ =
      board_.page_table({.granule_bits = granule_bits(),
                         .output_bits = granule_bits() == 16 || large_16k() ? 52U : 48U});
  DmaDevice device_ = board_.device(kStream);
};

TEST_P(Leaves, OfAnyLevelGoWithoutALevelHint) {  // TTL 0b00
  make_stale();
  board_.submit_and_sync(everything(0));
  EXPECT_EQ(stale_leaves(), 0U);
}

TEST_P(Leaves, OfOtherLevelsThanTheHintMayStay) {  // TTL 0b01 to 0b11
  for (int level = 1; level <= 3; ++level) {
    if (!has_leaves(level)) continue;
    make_stale();
    board_.submit_and_sync(everything(static_cast<unsigned>(level)));
    for (const Leaf& each : leaves()) {
      EXPECT_EQ(stale(each), each.level != level) << "level " << each.level << ", TTL " << level;
    }
  }
}

TEST_P(Leaves, OfOtherGranulesThanTheCommandNamesMayStay) {  // TG
  for (const unsigned other : {12U, 14U, 16U}) {
    make_stale();
    board_.submit_and_sync(everything(0).set(CMD_TLBI_NH_VA::TG, code(other)));
    EXPECT_EQ(stale_leaves(), other == granule_bits() ? 0 : leaves().size()) << other;
  }
}

TEST_P(Leaves, BeyondTheRangeStay) {  // Address <= A < Address + Range
  for (int level = 1; level <= 3; ++level) {
    if (!has_leaves(level)) continue;
    const unsigned scale = leaf_bits(level) - granule_bits();
    const auto ttl = static_cast<unsigned>(level);
    make_stale();
    board_.submit_and_sync(range(leaf(level, 0).first, ttl, 0, scale));
    EXPECT_FALSE(stale(leaf(level, 0)));
    EXPECT_TRUE(stale(leaf(level, 1)));
    make_stale();
    board_.submit_and_sync(range(leaf(level, 0).first, ttl, 1, scale));
    EXPECT_FALSE(stale(leaf(level, 0)));
    EXPECT_FALSE(stale(leaf(level, 1)));
    EXPECT_EQ(stale_leaves(), leaves().size() - 2);
  }
}

TEST_P(Leaves, ThatARangeMerelyTouchesGo) {
  // One granule, with the level that tells the size of the leaf.
  for (int level = 1; level <= 3; ++level) {
    if (!has_leaves(level)) continue;
    make_stale();
    board_.submit_and_sync(range(leaf(level, 1).first, static_cast<unsigned>(level), 0, 0));
    EXPECT_FALSE(stale(leaf(level, 1)));
    EXPECT_EQ(stale_leaves(), leaves().size() - 1);
  }
  // Two granules in the middle of a block, without a level.
  const Iova middle(leaf(2, 0).first.value + leaf_size(2) / 2);
  make_stale();
  board_.submit_and_sync(range(middle, 0, 1, 0));
  EXPECT_FALSE(stale(leaf(2, 0)));
  EXPECT_EQ(stale_leaves(), leaves().size() - 1);
}

// That the range is UNPREDICTABLE lets it be empty: docs/conformance.md, Choices.
TEST_P(Leaves, StayIfTheAddressIsNotAlignedToTheHint) {
  for (int level = 1; level <= 2; ++level) {
    if (!has_leaves(level)) continue;
    make_stale();
    const Iova within(leaf(level, 0).first.value + leaf_size(3));
    board_.submit_and_sync(range(within, static_cast<unsigned>(level), 31, 31));
    EXPECT_EQ(stale_leaves(), leaves().size());
  }
  if (granule_bits() == 12) return;  // the command has no address bits below a 4 KiB granule
  for (const unsigned ttl : {0U, 3U}) {
    make_stale();
    board_.submit_and_sync(range(Iova(leaf(3, 0).first.value + 4096), ttl, 31, 0));
    EXPECT_EQ(stale_leaves(), leaves().size());
  }
}

TEST_P(Leaves, GoByAnyAddressWithinThemIfNoGranuleIsNamed) {  // 4.4, TG 0b00
  for (const Leaf& each : leaves()) {
    make_stale();
    const Iova last(each.first.value + leaf_size(each.level) - 4096);
    board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                               .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
                               .set(CMD_TLBI_NH_VA::Address, last.value));
    EXPECT_FALSE(stale(each));
    EXPECT_EQ(stale_leaves(), leaves().size() - 1);
  }
}

TEST_P(Leaves, GoForAnotherAsidOnlyIfTheCommandIsForAll) {  // 4.4.2.3, 4.4.2.4
  make_stale();
  board_.submit_and_sync(everything(0).set(CMD_TLBI_NH_VA::ASID, kAsid.value + 1U));
  EXPECT_EQ(stale_leaves(), leaves().size());
  board_.submit_and_sync(command<CMD_TLBI_NH_VAA>()
                             .set(CMD_TLBI_NH_VAA::TG, code(granule_bits()))
                             .set(CMD_TLBI_NH_VAA::TTL, 2)
                             .set(CMD_TLBI_NH_VAA::NUM, 31)
                             .set(CMD_TLBI_NH_VAA::SCALE, 31));
  EXPECT_EQ(stale_leaves(), leaves().size() - 2);
}

TEST_P(Leaves, OfOneGranuleNeedAHintToBeNamed) {  // NUM 0, SCALE 0, TTL 0b00
  make_stale();
  board_.submit_and_sync(range(leaf(3, 0).first, 0, 0, 0));
  EXPECT_EQ(command_error(), CommandError::CERROR_ILL);
  EXPECT_EQ(stale_leaves(), leaves().size());
}

TEST_P(Leaves, AreNamedByTheSixthBitOfScaleWithLargeAddressesAlone) {  // bit 25, SMMU_IDR5.DS
  make_stale();
  board_.submit_and_sync(range(Iova(0), 0, 0, 32));
  EXPECT_EQ(command_error(),
            GetParam().large ? CommandError::CERROR_NONE : CommandError::CERROR_ILL);
  std::size_t beyond = leaves().size();
  if (GetParam().large) {
    const std::uint64_t end = std::uint64_t{1} << (32 + granule_bits());
    beyond = static_cast<std::size_t>(
        std::ranges::count_if(leaves(), [&](const Leaf& each) { return each.first.value >= end; }));
  }
  EXPECT_EQ(stale_leaves(), beyond);
}

INSTANTIATE_TEST_SUITE_P(Granule, Leaves,
                         ::testing::Values(Shape{12, false}, Shape{14, false}, Shape{16, false},
                                           Shape{12, true}, Shape{14, true}, Shape{16, true}));

using LargeLeaves = Leaves;

TEST_P(LargeLeaves, AScaleAbove39Is39) {  // 4.4.1.1: 2^39 granules, not a number that overflows
  for (const unsigned scale : {39U, 40U, 63U}) {
    make_stale();
    board_.submit_and_sync(range(Iova(0), 0, 31, scale));
    EXPECT_EQ(stale_leaves(), 0U) << scale;
    EXPECT_EQ(command_error(), CommandError::CERROR_NONE);
  }
}

INSTANTIATE_TEST_SUITE_P(Granule, LargeLeaves,
                         ::testing::Values(Shape{12, true}, Shape{14, true}, Shape{16, true}));

using Leaves16K = Leaves;

TEST_P(Leaves16K, HaveNoLevel1SoThatTheHintIsNone) {  // TG 0b10, TTL 0b01, SMMU_IDR5.DS 0
  make_stale();
  board_.submit_and_sync(everything(1));
  EXPECT_EQ(stale_leaves(), 0U);
  board_.submit_and_sync(range(leaf(3, 0).first, 1, 0, 0));
  EXPECT_EQ(command_error(), CommandError::CERROR_ILL);
}

INSTANTIATE_TEST_SUITE_P(Granule, Leaves16K, ::testing::Values(Shape{14, false}));

// A page in each half, the upper one at the very top.
class Halves : public ::testing::Test {
 protected:
  static constexpr Iova kLow{0};
  static constexpr Iova kHigh{0xffff'ffff'ffff'f000};

  void SetUp() override {
    board_.bring_up();
    map(1);
    const Pa cd = board_.attach(kStream, lower_, kAsid);
    store(board_.memory(), cd,
          context(lower_, kAsid)
              .set(v3::CD::EPD1, false)
              .set(v3::CD::T1SZ, 16)
              .set(v3::CD::TG1, TG1::k4K)
              .set(v3::CD::TTB1, upper_.root().value));
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
    EXPECT_THAT(device_.translate(kLow), TranslatesTo(page(1)));
    EXPECT_THAT(device_.translate(kHigh), TranslatesTo(page(1)));
    map(2);
  }
  static Pa page(unsigned version) { return Pa(version * std::uint64_t{4096}); }
  void map(unsigned version) {
    lower_.map(kLow, page(version), 4096);
    upper_.map(kHigh, page(version), 4096);
  }

  Board board_{{.config = adversarial()}};
  PageTable lower_ = board_.page_table();
  PageTable upper_ = board_.page_table();
  DmaDevice device_ = board_.device(kStream);
};

TEST_F(Halves, ARangeDoesNotWrapAtTheTopOfTheAddressSpace) {
  board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                             .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
                             .set(CMD_TLBI_NH_VA::Address, kHigh.value)
                             .set(CMD_TLBI_NH_VA::TG, CommandTG::k4K)
                             .set(CMD_TLBI_NH_VA::NUM, 31)
                             .set(CMD_TLBI_NH_VA::SCALE, 31));
  EXPECT_THAT(device_.translate(kHigh), TranslatesTo(page(2)));
  EXPECT_THAT(device_.translate(kLow), TranslatesTo(page(1)));
}

TEST_F(Halves, ARangeThatEndsAtTheTopOfTheAddressSpaceReachesIt) {
  board_.submit_and_sync(command<CMD_TLBI_NH_VA>()
                             .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
                             .set(CMD_TLBI_NH_VA::Address, kHigh.value - 0x3000)
                             .set(CMD_TLBI_NH_VA::TG, CommandTG::k4K)
                             .set(CMD_TLBI_NH_VA::SCALE, 2));
  EXPECT_THAT(device_.translate(kHigh), TranslatesTo(page(2)));
  EXPECT_THAT(device_.translate(kLow), TranslatesTo(page(1)));
}

// Without SMMU_IDR3.RIL the fields are RES0 and every command names one address.
TEST(WithoutRangeInvalidation, ACommandNamesOneAddress) {  // SMMU_IDR3.RIL 0
  auto config = adversarial().of_version(1);
  config.idr3.set(v3::SMMU_IDR3::RIL, false);
  Board board({.config = config});
  board.bring_up();
  PageTable table = board.page_table();
  table.map(Iova(0x1000), Pa(0x1000), 0x2000);
  board.attach(kStream, table, kAsid);
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(Iova(0x1000)), TranslatesTo(Pa(0x1000)));
  EXPECT_THAT(device.translate(Iova(0x2000)), TranslatesTo(Pa(0x2000)));
  table.map(Iova(0x1000), Pa(0x8000), 0x2000);
  board.submit_and_sync(command<CMD_TLBI_NH_VA>()
                            .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
                            .set(CMD_TLBI_NH_VA::Address, 0x1000));
  EXPECT_THAT(device.translate(Iova(0x1000)), TranslatesTo(Pa(0x8000)));
  EXPECT_THAT(device.translate(Iova(0x2000)), TranslatesTo(Pa(0x2000)));
}

}  // namespace
}  // namespace smmu::testing::range_invalidation_test
