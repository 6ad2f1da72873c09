// STEs that say that their neighbours are as they are, and are not (IHI 0070, 5.2, CONT; 7.3.18).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::contiguous_entry_test {
namespace {

using emulator::CachePolicy;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_CFGI_STE;
using v3::CMD_CFGI_STE_RANGE;
using v3::EventType;
using v3::F_CFG_CONFLICT;
using v3::L1STD;
using v3::SMMU_CR0;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr Iova kAddress(0x8000'0000);

class Contiguous : public ::testing::Test {
 protected:
  explicit Contiguous(CachePolicy policy = CachePolicy::kAdversarial) : board_(with(policy)) {
    board_.bring_up();
    for (std::uint32_t stream = 8; stream != 24; ++stream) set(stream, bypass());
  }
  static Board::Options with(CachePolicy policy) {
    Board::Options options;
    options.config.caching.policy = policy;
    return options;
  }
  void set(std::uint32_t stream, const STE& ste) { board_.streams().set(StreamId(stream), ste); }
  static STE spanning(unsigned cont) { return bypass().set(STE::CONT, cont); }
  // An STE that is not what bypass() is.
  static STE different() { return bypass().set(STE::PRIVCFG, PrivilegeOverride::kPrivileged); }
  bool translates(std::uint32_t stream) {
    return std::holds_alternative<emulator::Translation>(
        board_.device(StreamId(stream)).translate(kAddress));
  }
  void expect_conflict(std::uint32_t stream) {
    EXPECT_FALSE(translates(stream)) << stream;
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_CFG_CONFLICT, StreamId(stream))));
  }

  Board board_;
};

TEST_F(Contiguous, ThatAreIdenticalAreOne) {
  for (std::uint32_t stream = 8; stream != 16; ++stream) set(stream, spanning(3));
  for (std::uint32_t stream = 8; stream != 16; ++stream) EXPECT_TRUE(translates(stream));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Contiguous, MayDifferInContAndInWhatIsOfSoftware) {
  set(8, spanning(2));
  set(9, bypass());
  set(10, spanning(1));
  set(11, spanning(3).set(STE::SW_RESERVED, 0xf));
  for (std::uint32_t stream = 8; stream != 12; ++stream) EXPECT_TRUE(translates(stream));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Contiguous, ThatDifferAreAConflict) {
  set(8, spanning(2));
  set(10, different());
  EXPECT_TRUE(translates(8));
  expect_conflict(10);
  // Each time, and for whoever comes.
  const auto device = board_.device(StreamId(10)).substream(SubstreamId(7));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_CFG_CONFLICT, StreamId(10))));
  const auto record = events[0].as<F_CFG_CONFLICT>();
  EXPECT_TRUE(record[F_CFG_CONFLICT::SSV]);
  EXPECT_EQ(record[F_CFG_CONFLICT::SubstreamID], 7U);
  // Not beyond the span.
  set(12, different());
  EXPECT_TRUE(translates(12));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Contiguous, ThatAreInvalidWithinASpanAreAConflict) {  // V is a defined field
  set(8, spanning(2));
  set(9, STE());
  EXPECT_TRUE(translates(8));
  expect_conflict(9);
}

TEST_F(Contiguous, OnlyCountOnceTheyAreRead) {
  set(8, spanning(2));
  set(10, different());
  EXPECT_TRUE(translates(10));
  EXPECT_TRUE(translates(9));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Contiguous, SpansAreAligned) {  // StreamID[CONT-1:0] is 0 where one begins
  set(11, spanning(2));
  set(8, different());
  set(12, different());
  EXPECT_TRUE(translates(11));
  EXPECT_TRUE(translates(12));
  expect_conflict(8);
}

TEST_F(Contiguous, GoWithTheInvalidationOfAnyStreamTheyStandFor) {  // 4.3.1
  const auto conflicting = [&] {
    set(8, spanning(2));
    set(10, different());
    board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
    EXPECT_TRUE(translates(8));
    expect_conflict(10);
    set(8, bypass());
  };
  const auto invalidate = [&](std::uint32_t stream) {
    board_.submit_and_sync(
        command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, stream).set(CMD_CFGI_STE::Leaf, true));
  };
  conflicting();
  invalidate(12);
  invalidate(7);
  expect_conflict(10);
  for (const std::uint32_t stream : {8U, 9U, 10U, 11U}) {
    conflicting();
    invalidate(stream);
    EXPECT_TRUE(translates(10)) << stream;
    EXPECT_THAT(board_.events(), IsEmpty());
  }
  conflicting();
  board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>()
                             .set(CMD_CFGI_STE_RANGE::StreamID, 11)
                             .set(CMD_CFGI_STE_RANGE::Range, 0));
  EXPECT_TRUE(translates(10));
}

TEST_F(Contiguous, EndWithTheTable) {  // "capped by the size of the Stream table"
  for (std::uint32_t stream = 0; stream != 256; ++stream) set(stream, spanning(15));
  for (std::uint32_t stream = 0; stream != 256; ++stream) EXPECT_TRUE(translates(stream));
  set(9, different());
  board_.submit_and_sync(command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, 9));
  EXPECT_TRUE(translates(9));
  EXPECT_THAT(board_.events(), IsEmpty());
  // Up to there it holds.
  set(200, different());
  board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
  EXPECT_TRUE(translates(8));
  expect_conflict(200);
}

// 5.2: of a span larger than the array that an L1STD points to, the STE of the stream is used.
TEST_F(Contiguous, DoNotReachBeyondTheirArray) {
  const Pa level1 = board_.allocate(4096);
  const Pa array = board_.allocate(4096);
  store(board_.memory(), level1,
        L1STD().set(L1STD::Span, 3).set(L1STD::L2Ptr, array.value));  // four entries
  const auto entry = [&](std::uint32_t stream) { return Pa(array.value + 64 * stream); };
  store(board_.memory(), entry(0), spanning(3));
  store(board_.memory(), entry(1), different());
  store(board_.memory(), entry(2), spanning(1));
  store(board_.memory(), entry(3), different());
  auto& smmu = board_.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, level1.value));
  smmu.write(SMMU_STRTAB_BASE_CFG()
                 .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 8)
                 .set(SMMU_STRTAB_BASE_CFG::SPLIT, 6)
                 .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
  board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
  smmu.write(enabled);
  EXPECT_TRUE(translates(0));
  EXPECT_TRUE(translates(1));
  EXPECT_TRUE(translates(2));
  EXPECT_THAT(board_.events(), IsEmpty());
  expect_conflict(3);
}

class ContiguousElsewhere : public Contiguous, public ::testing::WithParamInterface<CachePolicy> {
 protected:
  ContiguousElsewhere() : Contiguous(GetParam()) {}
};

// 5.2: "the requested STE is used as it is represented in the Stream table".
TEST_P(ContiguousElsewhere, IsAHintThatNobodyTakes) {
  set(8, spanning(2));
  set(10, different());
  for (std::uint32_t stream = 8; stream != 12; ++stream) EXPECT_TRUE(translates(stream));
  EXPECT_THAT(board_.events(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Policies, ContiguousElsewhere,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic));

}  // namespace
}  // namespace smmu::testing::contiguous_entry_test
