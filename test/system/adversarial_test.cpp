// What the adversarial policy keeps: everything it may, until something that
// covers it takes effect (IHI 0070, 3.21 and 4.3).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::adversarial_test {
namespace {

using emulator::SpeculativePrefetch;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_STE;
using v3::CMD_CFGI_STE_RANGE;
using v3::CMD_PREFETCH_ADDR;
using v3::L1CD;
using v3::L1STD;
using v3::STE;

constexpr StreamId kStream(3);
constexpr Iova kAddress(0x10000);

Board::Options adversarial(SpeculativePrefetch prefetch = SpeculativePrefetch::kOff) {
  Board::Options options;
  options.config.caching.policy = emulator::CachePolicy::kAdversarial;
  options.config.caching.prefetch = prefetch;
  options.log2_streams = 10;
  return options;
}

class Adversarial : public ::testing::Test {
 protected:
  Adversarial() : Adversarial(adversarial()) {}
  explicit Adversarial(const Board::Options& options) : board_(options) {
    board_.bring_up();
    table_.map(kAddress, old_page_, 4096);
  }
  emulator::Outcome translate(Iova address) { return board_.device(kStream).translate(address); }
  void prefetch(Iova address) {
    board_.submit_and_sync(command<CMD_PREFETCH_ADDR>()
                               .set(CMD_PREFETCH_ADDR::StreamID, kStream.value)
                               .set(CMD_PREFETCH_ADDR::Address, address.value));
  }

  Board board_;
  Pa old_page_ = board_.allocate(4096);
  Pa new_page_ = board_.allocate(4096);
  PageTable table_ = board_.page_table();
};

TEST_F(Adversarial, APrefetchLeavesAStaleTranslationAsItIs) {
  board_.attach(kStream, table_);
  EXPECT_THAT(translate(kAddress), TranslatesTo(old_page_));
  table_.map(kAddress, new_page_, 4096);
  prefetch(kAddress);
  EXPECT_THAT(translate(kAddress), TranslatesTo(old_page_));
}

TEST_F(Adversarial, APrefetchLeavesAStaleContextAsItIs) {
  PageTable other = board_.page_table();
  other.map(kAddress, new_page_, 4096);
  const Pa cd = board_.attach(kStream, table_, Asid(1));
  EXPECT_THAT(translate(kAddress), TranslatesTo(old_page_));
  store(board_.memory(), cd, context(other, Asid(2)));
  prefetch(Iova(kAddress.value + 0x10'0000));
  EXPECT_THAT(translate(kAddress), TranslatesTo(old_page_));
}

class Speculative : public Adversarial {
 protected:
  Speculative() : Adversarial(adversarial(SpeculativePrefetch::kOn)) {}
};

TEST_F(Speculative, ANeighbourThatIsKeptIsNotReadAnew) {
  board_.attach(kStream, table_);
  EXPECT_THAT(translate(kAddress), TranslatesTo(old_page_));
  table_.map(kAddress, new_page_, 4096);
  const Iova neighbour(kAddress.value + 0x2000);
  table_.map(neighbour, new_page_, 4096);
  EXPECT_THAT(translate(neighbour), TranslatesTo(new_page_));
  EXPECT_THAT(translate(kAddress), TranslatesTo(old_page_));
}

// 4.3.1: Leaf 0 reaches the L1STD on the way to that stream, no other.
TEST_F(Adversarial, AnInvalidationLeavesTheDescriptorsOfOtherStreamsAlone) {
  using v3::SMMU_CR0;
  using v3::SMMU_STRTAB_BASE;
  using v3::SMMU_STRTAB_BASE_CFG;
  auto& smmu = board_.smmu();
  const Pa level1 = board_.allocate(4096);
  const Pa entries = board_.allocate(4096);
  const Pa cd = board_.allocate(4096);
  store(board_.memory(), cd, context(table_));
  for (std::uint64_t i = 0; i != 16; ++i) {
    store(board_.memory(), Pa(level1.value + 8 * i),
          L1STD().set(L1STD::Span, 7).set(L1STD::L2Ptr, entries.value));
  }
  for (std::uint64_t i = 0; i != 2; ++i) {
    store(board_.memory(), Pa(entries.value + 64 * i), testing::translate(cd));
  }
  const auto on = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(on).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, level1.value));
  smmu.write(SMMU_STRTAB_BASE_CFG()
                 .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 10)
                 .set(SMMU_STRTAB_BASE_CFG::SPLIT, 6)
                 .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
  smmu.write(on);
  EXPECT_THAT(board_.device(StreamId(0)).translate(kAddress), TranslatesTo(old_page_));
  store(board_.memory(), level1, L1STD());
  board_.submit_and_sync(command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, 0x3c0));
  EXPECT_THAT(board_.device(StreamId(1)).translate(kAddress), TranslatesTo(old_page_));
  board_.submit_and_sync(command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, 0x3f));
  EXPECT_THAT(board_.device(StreamId(0x3e)).translate(kAddress), Aborts());
}

// 5.3.1: making an L1CD valid needs the invalidation of the L1CD alone, by any
// SubstreamID that it covers.
TEST_F(Adversarial, AnInvalidL1cdIsForgottenForAllThatItCovers) {
  const Pa level1 = board_.allocate(4096);
  const Pa cds = board_.allocate(4096);
  for (std::uint64_t i = 0; i != 64; ++i) {
    store(board_.memory(), Pa(cds.value + 64 * i), context(table_));
  }
  board_.attach(kStream, testing::translate(level1)
                             .set(STE::S1CDMax, 10)
                             .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel4KLeaf)
                             .set(STE::S1DSS, v3::DefaultSubstream::kBypass));
  const auto device = board_.device(kStream);
  EXPECT_THAT(device.substream(SubstreamId(1)).translate(kAddress), Aborts());
  EXPECT_THAT(device.substream(SubstreamId(2)).translate(kAddress), Aborts());
  store(board_.memory(), level1, L1CD().set(L1CD::V, true).set(L1CD::L2Ptr, cds.value));
  board_.submit_and_sync(command<CMD_CFGI_CD>()
                             .set(CMD_CFGI_CD::StreamID, kStream.value)
                             .set(CMD_CFGI_CD::SubstreamID, 1));
  EXPECT_THAT(device.substream(SubstreamId(1)).translate(kAddress), TranslatesTo(old_page_));
  EXPECT_THAT(device.substream(SubstreamId(2)).translate(kAddress), TranslatesTo(old_page_));
}

}  // namespace
}  // namespace smmu::testing::adversarial_test
