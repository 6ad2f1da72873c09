// Which STE a StreamID selects, and what an STE may say (IHI 0070, 3.3.1, 5.1 and 5.2).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::stream_table_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::C_BAD_STREAMID;
using v3::EventType;
using v3::F_STE_FETCH;
using v3::L1STD;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr Iova kAddress(0x4000'1238);
constexpr Pa kSame(kAddress.value);
constexpr Pa kNoMemory(0x1000);

class StreamTables : public ::testing::Test {
 protected:
  // Where a test that does not want the board's own table puts one.
  void use_table(Pa base, SMMU_STRTAB_BASE_CFG cfg, bool record_invalid = true) {
    auto& smmu = board_.smmu();
    const auto enabled = smmu.read<v3::SMMU_CR0>();
    SMMU_CR0 disabled = enabled;
    smmu.write(disabled.set(SMMU_CR0::SMMUEN, false));
    smmu.write(SMMU_CR2().set(SMMU_CR2::RECINVSID, record_invalid));
    smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, base.value));
    smmu.write(cfg);
    using v3::CMD_CFGI_STE_RANGE;
    board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
    smmu.write(enabled);
  }
  static SMMU_STRTAB_BASE_CFG linear(unsigned log2_size) {
    return SMMU_STRTAB_BASE_CFG().set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, log2_size);
  }
  static SMMU_STRTAB_BASE_CFG two_level(unsigned log2_size, unsigned split) {
    return linear(log2_size)
        .set(SMMU_STRTAB_BASE_CFG::SPLIT, split)
        .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel);
  }
  static L1STD level1(unsigned span, Pa table) {
    return L1STD().set(L1STD::Span, span).set(L1STD::L2Ptr, table.value);
  }
  emulator::Outcome translate(std::uint32_t stream) {
    return board_.device(StreamId(stream)).translate(kAddress);
  }

  void SetUp() override { board_.bring_up(); }
  Board board_;
};

TEST_F(StreamTables, ABypassingStreamKeepsItsAddress) {  // 5.2, Config 0b100
  board_.attach(StreamId(3), bypass());
  EXPECT_THAT(translate(3), TranslatesTo(kSame));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(StreamTables, AnAbortingStreamIsSilent) {  // 5.2, Config 0b0xx
  for (const auto config : {0, 1, 2, 3}) {
    board_.attach(StreamId(3), abort_all().set(STE::Config, static_cast<v3::SteConfig>(config)));
    EXPECT_THAT(translate(3), Aborts());
  }
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(StreamTables, AnInvalidEntryIsBadSte) {  // 7.3.5
  EXPECT_THAT(translate(3), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, StreamId(3))));
}

TEST_F(StreamTables, TheLastStreamOfALinearTableExistsAndTheNextDoesNot) {  // 3.3.1, 6.3.25
  const Pa table = board_.allocate(64 << 4, 64 << 4);
  store(board_.memory(), Pa(table.value + 64 * 15), bypass());
  store(board_.memory(), Pa(table.value + 64 * 16), bypass());
  use_table(table, linear(4));
  EXPECT_THAT(translate(15), TranslatesTo(kSame));
  EXPECT_THAT(translate(16), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(16))));
}

TEST_F(StreamTables, ATableOfOneEntryServesStreamZeroOnly) {  // 6.3.25: LOG2SIZE 0
  const Pa table = board_.allocate(64, 64);
  store(board_.memory(), table, bypass());
  use_table(table, linear(0));
  EXPECT_THAT(translate(0), TranslatesTo(kSame));
  EXPECT_THAT(translate(1), Aborts());
}

TEST_F(StreamTables, WithoutRecinvsidABadStreamIdIsSilent) {  // 6.3.12
  use_table(board_.allocate(64 << 4, 64 << 4), linear(4), false);
  EXPECT_THAT(translate(16), Aborts());
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(StreamTables, ABadStreamIdNamesTheSubstream) {  // 7.3.3
  use_table(board_.allocate(64 << 4, 64 << 4), linear(4));
  EXPECT_THAT(board_.device(StreamId(99)).substream(SubstreamId(0xabcde)).translate(kAddress),
              Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(99))));
  const auto record = events[0].as<C_BAD_STREAMID>();
  EXPECT_TRUE(record[C_BAD_STREAMID::SSV]);
  EXPECT_EQ(record[C_BAD_STREAMID::SubstreamID], 0xabcdeU);
}

TEST_F(StreamTables, AnEntryThatCannotBeReadIsAFetchFault) {  // 7.3.4
  use_table(Pa(0), linear(4));
  EXPECT_THAT(translate(5), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_STE_FETCH, StreamId(5))));
  EXPECT_EQ(events[0].as<F_STE_FETCH>()[F_STE_FETCH::FetchAddr], 5 * 64U);
}

TEST_F(StreamTables, ALevel1DescriptorThatCannotBeReadIsAFetchFault) {  // 7.3.4
  use_table(Pa(0), two_level(10, 6));
  EXPECT_THAT(translate(64 * 3 + 5), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_STE_FETCH, StreamId(64 * 3 + 5))));
  EXPECT_EQ(events[0].as<F_STE_FETCH>()[F_STE_FETCH::FetchAddr], 3 * 8U);
}

TEST_F(StreamTables, TheFaultOfOneFetchIsNotRemembered) {  // 5.2: a failed fetch is not cached
  const Pa table = board_.allocate(64, 64);
  store(board_.memory(), table, level1(1, kNoMemory));
  use_table(table, two_level(6, 6));
  EXPECT_THAT(translate(0), Aborts());
  EXPECT_THAT(translate(0), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_STE_FETCH, StreamId(0)),
                                           IsEvent(EventType::F_STE_FETCH, StreamId(0))));
}

TEST(StreamTable, StagesThatAreNotImplementedAreBadStes) {  // 5.2, Config
  const auto expect_bad = [](const emulator::SmmuV3Config& without, v3::SteConfig config) {
    Board board({.config = without});
    board.bring_up();
    board.attach(StreamId(3), bypass().set(STE::Config, config));
    EXPECT_THAT(board.device(StreamId(3)).translate(kAddress), Aborts());
    EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, StreamId(3))));
  };
  const auto everything = emulator::SmmuV3Config::everything();
  expect_bad(everything.without_stage2(), v3::SteConfig::kS2Translate);
  expect_bad(everything.without_stage2(), v3::SteConfig::kNested);
  expect_bad(everything.without_stage1(), v3::SteConfig::kS1Translate);
  expect_bad(everything.without_stage1(), v3::SteConfig::kNested);
}

TEST_F(StreamTables, MoreSubstreamsThanThereAreIsABadSte) {  // 5.2, S1CDMax
  board_.attach(StreamId(3), testing::translate(board_.allocate(4096)).set(STE::S1CDMax, 21));
  EXPECT_THAT(board_.device(StreamId(3)).translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, StreamId(3))));
}

// Every SPLIT, the reserved ones included, which behave as 6 (6.3.25).
class TwoLevels : public StreamTables, public ::testing::WithParamInterface<unsigned> {
 protected:
  unsigned split() const {
    const unsigned split = GetParam();
    return split == 8 || split == 10 ? split : 6;
  }
};

TEST_P(TwoLevels, TheHighBitsSelectADescriptorAndTheLowBitsAnEntry) {  // 3.3.1.2
  const std::uint32_t size = 1U << split();
  const Pa top = board_.allocate(4096);
  const Pa bottom = board_.allocate(64 * size, 64 * size);
  store(board_.memory(), Pa(top.value + 8 * 2), level1(split() + 1, bottom));
  store(board_.memory(), Pa(bottom.value + 64 * (size - 1)), bypass());
  use_table(top, two_level(split() + 4, GetParam()));
  EXPECT_THAT(translate(3 * size - 1), TranslatesTo(kSame));
  EXPECT_THAT(translate(3 * size - 2), Aborts());
  EXPECT_THAT(translate(3 * size), Aborts());
  EXPECT_THAT(translate(size << 4), Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(IsEvent(EventType::C_BAD_STE, StreamId(3 * size - 2)),
                          IsEvent(EventType::C_BAD_STREAMID, StreamId(3 * size)),
                          IsEvent(EventType::C_BAD_STREAMID, StreamId(size << 4))));
}

TEST_P(TwoLevels, ASpanEndsAfterTwoToTheSpanMinusOneEntries) {  // 5.1
  for (unsigned span = 1; span <= split() + 1; ++span) {
    const std::uint32_t entries = 1U << (span - 1);
    const Pa top = board_.allocate(4096);
    const Pa bottom = board_.allocate(64 * entries, 64 * entries);
    store(board_.memory(), top, level1(span, bottom));
    store(board_.memory(), Pa(bottom.value + 64 * (entries - 1)), bypass());
    use_table(top, two_level(split() + 1, GetParam()));
    EXPECT_THAT(translate(entries - 1), TranslatesTo(kSame));
    EXPECT_THAT(translate(entries), Aborts());
    EXPECT_THAT(board_.events(),
                ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(entries))));
  }
}

TEST_P(TwoLevels, SpanZeroIsBadStreamIdNotBadSte) {  // 5.1: there is no STE to be bad
  const Pa top = board_.allocate(4096);
  store(board_.memory(), top, level1(0, board_.allocate(4096)));
  use_table(top, two_level(12, GetParam()));
  EXPECT_THAT(translate(0), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(0))));
}

TEST_P(TwoLevels, ASpanBeyondTheSplitIsBadStreamId) {  // 5.1: reserved, behaves as 0
  for (const unsigned span : {split() + 2, 12U, 31U}) {
    const Pa top = board_.allocate(4096);
    const Pa bottom = board_.allocate(64 << 10, 64 << 10);
    store(board_.memory(), bottom, bypass());
    store(board_.memory(), top, level1(span, bottom));
    use_table(top, two_level(12, GetParam()));
    EXPECT_THAT(translate(0), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(0))));
  }
}

TEST_P(TwoLevels, ATableSmallerThanTheSplitHasOneDescriptor) {  // 6.3.25, SPLIT
  const Pa top = board_.allocate(4096);
  const Pa bottom = board_.allocate(64U << split(), 64U << split());
  for (std::uint64_t i = 0; i != 16; ++i) {
    store(board_.memory(), Pa(bottom.value + 64 * i), bypass());
  }
  store(board_.memory(), top, level1(split() + 1, bottom));
  use_table(top, two_level(3, GetParam()));
  EXPECT_THAT(translate(7), TranslatesTo(kSame));
  EXPECT_THAT(translate(8), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STREAMID, StreamId(8))));
}

INSTANTIATE_TEST_SUITE_P(Split, TwoLevels, ::testing::Values(6U, 8U, 10U, 0U, 7U, 31U));

}  // namespace
}  // namespace smmu::testing::stream_table_test
