// Configuration that was invalidated and turns out to be the same is not decoded again; what makes
// it another must never be overlooked (IHI 0070, 4.3, 16.2).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::revived_context_test {
namespace {

using v3::CD;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_STE;
using v3::CMD_TLBI_NSNH_ALL;
using v3::L1STD;
using v3::SMMU_CR0;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);

CMD_CFGI_STE forget(StreamId stream, bool leaf = true) {
  return command<CMD_CFGI_STE>()
      .set(CMD_CFGI_STE::StreamID, stream.value)
      .set(CMD_CFGI_STE::Leaf, leaf);
}

emulator::SmmuV3Config with_contexts(std::uint32_t most) {
  auto config = emulator::SmmuV3Config::everything();
  config.caching.configuration = {.sets = 1, .ways = most};
  return config;
}

class RevivedContexts : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  RevivedContexts() {
    board_.bring_up();
    old_.map(kAddress, page(0), 4096);
    new_.map(kAddress, page(1), 4096);
    cd_ = board_.attach(kStream, old_);
    other_cd_ = board_.attach(kOther, old_, Asid(2));
    EXPECT_THAT(translate(), TranslatesTo(page(0)));
  }
  static constexpr StreamId kOther{10};

  Pa page(unsigned which) const { return Pa(pages_.value + which * 4096); }
  emulator::Outcome translate() { return device_.translate(kAddress); }
  void use(const PageTable& table) {
    store(board_.memory(), cd_, context(table));
    board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  }
  void invalidate(StreamId stream = kStream) { board_.submit_and_sync(forget(stream)); }

  Board board_{{.config = with_contexts(GetParam())}};
  DmaDevice device_ = board_.device(kStream);
  DmaDevice other_ = board_.device(kOther);
  PageTable old_ = board_.page_table();
  PageTable new_ = board_.page_table();
  Pa pages_ = board_.allocate(8192);
  Pa cd_;
  Pa other_cd_;
};

TEST_P(RevivedContexts, StayWhileMemoryStays) {
  for (unsigned i = 0; i != 3; ++i) {
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(page(0)));
  }
}

TEST_P(RevivedContexts, AreMadeAnewWhenTheCdChanges) {
  for (unsigned i = 0; i != 4; ++i) {
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(page(i % 2)));
    use(i % 2 == 0 ? new_ : old_);
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(page(1 - i % 2)));
  }
}

TEST_P(RevivedContexts, AreMadeAnewWhenTheSteChanges) {
  const v3::STE ste = testing::translate(cd_);
  for (unsigned i = 0; i != 2; ++i) {
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(page(0)));
    board_.streams().set(kStream, bypass());
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(Pa(kAddress.value)));
    board_.streams().set(kStream, abort_all());
    invalidate();
    EXPECT_THAT(translate(), Aborts());
    board_.streams().set(kStream, ste);
    invalidate();
  }
}

TEST_P(RevivedContexts, OfTheCdAloneAreToo) {  // 4.3.3
  use(new_);
  board_.submit_and_sync(command<CMD_CFGI_CD>()
                             .set(CMD_CFGI_CD::StreamID, kStream.value)
                             .set(CMD_CFGI_CD::Leaf, true));
  EXPECT_THAT(translate(), TranslatesTo(page(1)));
}

TEST_P(RevivedContexts, OfOneStreamLeaveTheOther) {
  EXPECT_THAT(other_.translate(kAddress), TranslatesTo(page(0)));
  store(board_.memory(), other_cd_, context(new_, Asid(2)));
  invalidate();
  EXPECT_THAT(translate(), TranslatesTo(page(0)));
  invalidate(kOther);
  board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  EXPECT_THAT(other_.translate(kAddress), TranslatesTo(page(1)));
  EXPECT_THAT(translate(), TranslatesTo(page(0)));
}

// A port still knows what had to go from the TCU.
TEST_P(RevivedContexts, ThatWereDisplacedAreInvalidatedAllTheSame) {
  for (unsigned i = 0; i != 4; ++i) {
    EXPECT_THAT(other_.translate(kAddress), TranslatesTo(page(0)));
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(page(i % 2)));
    EXPECT_THAT(other_.translate(kAddress), TranslatesTo(page(0)));
    use(i % 2 == 0 ? new_ : old_);
    invalidate();
    EXPECT_THAT(translate(), TranslatesTo(page(1 - i % 2)));
  }
}

// Two ports of one stream.
TEST_P(RevivedContexts, AreTheSameForEveryPort) {
  DmaDevice second = board_.device(kStream);
  EXPECT_THAT(second.translate(kAddress), TranslatesTo(page(0)));
  invalidate();
  EXPECT_THAT(translate(), TranslatesTo(page(0)));
  use(new_);
  invalidate();
  EXPECT_THAT(translate(), TranslatesTo(page(1)));
  EXPECT_THAT(second.translate(kAddress), TranslatesTo(page(1)));
}

// The STE is the same, and not the stream's any more.
TEST_P(RevivedContexts, AreMadeAnewInAnotherStreamTable) {  // 6.3.24
  auto& smmu = board_.smmu();
  const unsigned log2 = smmu.read<SMMU_STRTAB_BASE_CFG>()[SMMU_STRTAB_BASE_CFG::LOG2SIZE];
  const Pa table = board_.allocate(std::uint64_t{64} << log2, std::uint64_t{64} << log2);
  StreamTable(board_.memory(), table).set(kStream, bypass());
  invalidate();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, table.value));
  smmu.write(enabled);
  invalidate();
  EXPECT_THAT(translate(), TranslatesTo(Pa(kAddress.value)));
}

INSTANTIATE_TEST_SUITE_P(InCachesOf, RevivedContexts, ::testing::Values(1, 2, 16));

// 5.1: the descriptor leads elsewhere, and the STE is where it was.
TEST(RevivedContext, IsMadeAnewWhenTheL1stdChanges) {
  Board board{{.config = emulator::SmmuV3Config::everything()}};
  board.bring_up();
  constexpr unsigned kSplit = 6;
  const Pa first = board.allocate(64 << kSplit, 64 << kSplit);
  const Pa second = board.allocate(64 << kSplit, 64 << kSplit);
  StreamTable(board.memory(), first).set(kStream, bypass());
  StreamTable(board.memory(), second).set(kStream, abort_all());
  const Pa descriptors = board.allocate(4096);
  const auto lead_to = [&](Pa table) {
    store(board.memory(), descriptors,
          L1STD().set(L1STD::Span, kSplit + 1).set(L1STD::L2Ptr, table.value));
  };
  lead_to(first);
  auto& smmu = board.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, descriptors.value));
  smmu.write(SMMU_STRTAB_BASE_CFG()
                 .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, kSplit + 4)
                 .set(SMMU_STRTAB_BASE_CFG::SPLIT, kSplit)
                 .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
  smmu.write(enabled);
  DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  board.submit_and_sync(forget(kStream, false));
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  lead_to(second);
  board.submit_and_sync(forget(kStream, false));
  EXPECT_THAT(device.translate(kAddress), Aborts());
}

}  // namespace
}  // namespace smmu::testing::revived_context_test
