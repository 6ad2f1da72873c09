// What is read between an invalidation command and its CMD_SYNC, by way of a copy that the command
// targets, must not outlive the CMD_SYNC (IHI 0070, 3.21.3 and 4.7.3).  Whether the access in
// between sees the old or the new configuration is the SMMU's choice.
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::late_fill_test {
namespace {

using emulator::CachePolicy;
using v3::CD;
using v3::CdTableFormat;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_CD_ALL;
using v3::CMD_CFGI_STE;
using v3::CMD_CFGI_STE_RANGE;
using v3::CMD_SYNC;
using v3::L1CD;
using v3::L1STD;
using v3::SMMU_CR0;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr StreamId kStream(3);
constexpr Iova kAddress(0x40'0000);

class LateFills : public ::testing::TestWithParam<CachePolicy> {
 protected:
  static emulator::SmmuV3Config config() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = GetParam();
    return config;
  }
  void SetUp() override {
    board_.bring_up();
    old_page_ = board_.allocate(4096);
    new_page_ = board_.allocate(4096);
    old_table_.map(kAddress, old_page_, 4096);
    new_table_.map(kAddress, new_page_, 4096);
  }
  // Eight CDs that all name these tables.  The ASID is their own, so that no TLB entry is shared.
  Pa cds_of(const PageTable& table, Asid asid) {
    const Pa cds = board_.allocate(4096);
    for (std::uint64_t i = 0; i != 8; ++i) {
      store(board_.memory(), Pa(cds.value + 64 * i), context(table, asid));
    }
    return cds;
  }
  emulator::Outcome translate(StreamId stream, std::uint32_t substream) {
    return board_.device(stream).substream(SubstreamId(substream)).translate(kAddress);
  }
  void pass_between(StreamId stream, std::uint32_t substream) {
    EXPECT_TRUE(board_.idle());
    translate(stream, substream);
    board_.submit(command<CMD_SYNC>());
  }

  Board board_{{.config = config()}};
  PageTable old_table_ = board_.page_table();
  PageTable new_table_ = board_.page_table();
  Pa old_page_;
  Pa new_page_;
};

TEST_P(LateFills, ByWayOfAnSteGoWithIt) {  // 4.3.1: the CDs that were cached using the stream, too
  const auto ste = [](Pa cds) { return testing::translate(cds).set(STE::S1CDMax, 3); };
  const Pa new_cds = cds_of(new_table_, Asid(2));
  board_.attach(kStream, ste(cds_of(old_table_, Asid(1))));
  EXPECT_THAT(translate(kStream, 1), TranslatesTo(old_page_));
  board_.streams().set(kStream, ste(new_cds));
  board_.submit(command<CMD_CFGI_STE>()
                    .set(CMD_CFGI_STE::StreamID, kStream.value)
                    .set(CMD_CFGI_STE::Leaf, true));
  pass_between(kStream, 2);
  EXPECT_THAT(translate(kStream, 1), TranslatesTo(new_page_));
  EXPECT_THAT(translate(kStream, 2), TranslatesTo(new_page_));
}

TEST_P(LateFills, ByWayOfAnL1cdGoWithIt) {  // 4.3.3, Leaf 0; 4.3.4
  for (const bool all : {false, true}) {
    const Pa top = board_.allocate(4096);
    const auto lead_to = [&](Pa cds) {
      store(board_.memory(), top, L1CD().set(L1CD::V, true).set(L1CD::L2Ptr, cds.value));
    };
    lead_to(cds_of(old_table_, Asid(1)));
    board_.attach(kStream, testing::translate(top)
                               .set(STE::S1CDMax, 7)
                               .set(STE::S1Fmt, CdTableFormat::kTwoLevel4KLeaf));
    EXPECT_THAT(translate(kStream, 1), TranslatesTo(old_page_));
    lead_to(cds_of(new_table_, Asid(2)));
    if (all) {
      board_.submit(command<CMD_CFGI_CD_ALL>().set(CMD_CFGI_CD_ALL::StreamID, kStream.value));
    } else {
      board_.submit(command<CMD_CFGI_CD>()
                        .set(CMD_CFGI_CD::StreamID, kStream.value)
                        .set(CMD_CFGI_CD::SubstreamID, 2));
    }
    pass_between(kStream, 2);
    EXPECT_THAT(translate(kStream, 2), TranslatesTo(new_page_));
  }
}

TEST_P(LateFills, ByWayOfAnL1stdGoWithIt) {  // 4.3.1, Leaf 0; 4.3.2
  const auto table_of = [&](Pa cds) {
    const Pa table = board_.allocate(4096);
    for (std::uint64_t i = 0; i != 64; ++i) {
      store(board_.memory(), Pa(table.value + 64 * i),
            testing::translate(cds).set(STE::S1CDMax, 3));
    }
    return table;
  };
  const Pa old_streams = table_of(cds_of(old_table_, Asid(1)));
  const Pa new_streams = table_of(cds_of(new_table_, Asid(2)));
  const Pa top = board_.allocate(4096);
  const auto lead_to = [&](Pa streams) {
    store(board_.memory(), top, L1STD().set(L1STD::Span, 7).set(L1STD::L2Ptr, streams.value));
  };
  auto& smmu = board_.smmu();
  const auto enabled = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false));
  smmu.write(SMMU_STRTAB_BASE().set(SMMU_STRTAB_BASE::ADDR, top.value));
  smmu.write(SMMU_STRTAB_BASE_CFG()
                 .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 10)
                 .set(SMMU_STRTAB_BASE_CFG::SPLIT, 6)
                 .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
  smmu.write(enabled);

  constexpr StreamId kNew(4);  // of the same descriptor
  for (const bool range : {false, true}) {
    lead_to(old_streams);
    board_.submit_and_sync(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
    EXPECT_THAT(translate(kStream, 1), TranslatesTo(old_page_));
    lead_to(new_streams);
    if (range) {
      board_.submit(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
    } else {
      board_.submit(command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, kNew.value));
    }
    pass_between(kNew, 1);
    EXPECT_THAT(translate(kNew, 1), TranslatesTo(new_page_)) << range;
  }
}

INSTANTIATE_TEST_SUITE_P(Policy, LateFills,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial));

}  // namespace
}  // namespace smmu::testing::late_fill_test
