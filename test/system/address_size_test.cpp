// Addresses of the SMMU's own accesses that exceed its output size (IHI 0070, 3.4.3).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::address_size_test {
namespace {

using ::testing::ElementsAre;
using v3::C_BAD_SUBSTREAMID;
using v3::CD;
using v3::CMD_SYNC;
using v3::EventType;
using v3::F_STE_FETCH;
using v3::L1CD;
using v3::L1STD;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_GERROR;
using v3::SMMU_STRTAB_BASE;
using v3::SMMU_STRTAB_BASE_CFG;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);
constexpr std::uint64_t kBeyond = std::uint64_t{1} << 40;

// An SMMU that puts out 40 bits; SMMUv3.2.
class AddressesBeyond : public ::testing::Test {
 protected:
  static emulator::SmmuV3Config config() {
    auto config = emulator::SmmuV3Config::everything();
    config.idr5.set(v3::SMMU_IDR5::OAS, OutputSize::k40Bits);
    return config;
  }
  void SetUp() override {
    board_.bring_up();
    table_.map(kAddress, page_, 4096);
  }
  // Writes a register that is guarded by these enables, which are then on again.
  template <class R>
  void write_while_off(R value) {
    const auto enabled = board_.smmu().read<SMMU_CR0>();
    board_.smmu().write(SMMU_CR0());
    board_.smmu().write(value);
    board_.smmu().write(enabled);
  }
  STE substreams(Pa l1cds) {
    return translate(l1cds)
        .set(STE::S1CDMax, 7)
        .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel4KLeaf)
        .set(STE::S1DSS, v3::DefaultSubstream::kCd0);
  }

  Board board_{{.config = config()}};
  PageTable table_ = board_.page_table();
  Pa page_ = board_.allocate(4096);
};

TEST_F(AddressesBeyond, OfQueuesAreTruncated) {
  const auto commands = board_.smmu().read<SMMU_CMDQ_BASE>();
  const auto events = board_.smmu().read<SMMU_EVENTQ_BASE>();
  write_while_off(SMMU_CMDQ_BASE(commands.raw() | kBeyond));
  write_while_off(SMMU_EVENTQ_BASE(events.raw() | kBeyond));
  board_.submit(command<CMD_SYNC>());
  EXPECT_TRUE(board_.idle());
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
  EXPECT_EQ(board_.smmu().read<SMMU_GERROR>().raw(), 0U);
}

TEST_F(AddressesBeyond, OfMessagesAreTruncated) {
  const Pa target = board_.allocate(4096);
  board_.submit(command<CMD_SYNC>()
                    .set(CMD_SYNC::CS, SyncSignal::kIrq)
                    .set(CMD_SYNC::MSIAddress, target.value | kBeyond)
                    .set(CMD_SYNC::MSIData, 77));
  EXPECT_EQ(load(board_.memory(), target), 77U);
  EXPECT_EQ(board_.error_line.count(), 0U);
}

TEST_F(AddressesBeyond, OfACdMakeTheSteIllegal) {  // (1): from SMMUv3.1 on
  const Pa cd = board_.allocate(4096);
  store(board_.memory(), cd, context(table_));
  board_.attach(kStream, translate(Pa(cd.value | kBeyond)));
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
}

TEST_F(AddressesBeyond, OfACdOfABypassingStreamAreIgnored) {  // 5.2, S1ContextPtr
  board_.attach(kStream, bypass().set(STE::S1ContextPtr, kBeyond));
  EXPECT_THAT(board_.device(kStream).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

TEST_F(AddressesBeyond, OfATableOfCdsAreBadSubstreams) {  // (3): from SMMUv3.1 on; 7.3.9
  const Pa top = board_.allocate(4096);
  const Pa cds = board_.allocate(4096);
  store(board_.memory(), cds, context(table_));
  store(board_.memory(), Pa(cds.value + 64), context(table_));
  store(board_.memory(), top, L1CD().set(L1CD::V, true).set(L1CD::L2Ptr, cds.value | kBeyond));
  board_.attach(kStream, substreams(top));
  EXPECT_THAT(board_.device(kStream).substream(SubstreamId(1)).translate(kAddress), Aborts());
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream),
                                  IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
  EXPECT_EQ(events[0].as<C_BAD_SUBSTREAMID>()[C_BAD_SUBSTREAMID::SubstreamID], 1U);
  EXPECT_EQ(events[1].as<C_BAD_SUBSTREAMID>()[C_BAD_SUBSTREAMID::SubstreamID], 0U);
}

TEST_F(AddressesBeyond, OfTranslationTablesMakeTheCdIllegal) {  // 5.4, TTB0 and TTB1
  board_.attach(kStream, table_);
  const Pa cd = board_.allocate(4096);
  for (const bool upper : {false, true}) {
    store(board_.memory(), cd,
          upper ? context(table_)
                      .set(CD::EPD1, false)
                      .set(CD::T1SZ, 16)
                      .set(CD::TG1, TG1::k4K)
                      .set(CD::TTB1, kBeyond)
                : context(table_).set(CD::TTB0, table_.root().value | kBeyond));
    board_.attach(kStream, translate(cd));
    EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
  }
}

TEST_F(AddressesBeyond, InDescriptorsAreAddressSizeFaults) {  // 5.4, IPS
  board_.attach(kStream, table_);
  EXPECT_THAT(board_.device(kStream).translate(kAddress), TranslatesTo(page_));
  const auto spoil = [&](Pa descriptor) {
    const std::uint64_t good = load(board_.memory(), descriptor);
    store(board_.memory(), descriptor, good | kBeyond);
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, kAddress)));
    store(board_.memory(), descriptor, good);
  };
  spoil(table_.descriptor(kAddress));
  spoil(table_.root());  // the table descriptor for addresses below 2^39
}

// A choice of two, docs/conformance.md: the STE is not read.
TEST_F(AddressesBeyond, OfAnSteAreFetchFaults) {  // (5)
  const auto base = board_.smmu().read<SMMU_STRTAB_BASE>();
  write_while_off(SMMU_STRTAB_BASE(base.raw() | kBeyond));
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_STE_FETCH, kStream)));
  // 7.3.4: FetchAddr has no bits from OAS on.
  EXPECT_EQ(events[0].as<F_STE_FETCH>()[F_STE_FETCH::FetchAddr],
            board_.streams().entry(kStream).value);
}

TEST_F(AddressesBeyond, OfATableOfStesAreFetchFaults) {  // (5)
  const Pa top = board_.allocate(4096);
  store(board_.memory(), top,
        L1STD().set(L1STD::Span, 7).set(L1STD::L2Ptr, board_.allocate(4096).value | kBeyond));
  write_while_off(SMMU_STRTAB_BASE(top.value));
  write_while_off(SMMU_STRTAB_BASE_CFG()
                      .set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, 10)
                      .set(SMMU_STRTAB_BASE_CFG::SPLIT, 6)
                      .set(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel));
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_STE_FETCH, kStream)));
}

}  // namespace
}  // namespace smmu::testing::address_size_test
