// Which CD a substream selects, and what a CD may say (IHI 0070, 3.3.2, 5.3 and 5.4).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::context_table_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::C_BAD_CD;
using v3::C_BAD_SUBSTREAMID;
using v3::CD;
using v3::CdTableFormat;
using v3::DefaultSubstream;
using v3::EventType;
using v3::F_CD_FETCH;
using v3::L1CD;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);

class ContextTables : public ::testing::Test {
 protected:
  void SetUp() override {
    board_.bring_up();
    page_ = board_.allocate(4096);
    table_.map(kAddress, page_, 4096);
  }
  STE substreams(Pa cds, unsigned bits, DefaultSubstream without) {
    return translate(cds).set(STE::S1CDMax, bits).set(STE::S1DSS, without);
  }
  emulator::Outcome with(std::uint32_t substream) {
    return board_.device(kStream).substream(SubstreamId(substream)).translate(kAddress);
  }
  emulator::Outcome without() { return board_.device(kStream).translate(kAddress); }
  void put(Pa cds, std::uint32_t index, const CD& cd) {
    store(board_.memory(), Pa(cds.value + 64 * index), cd);
  }

  Board board_;
  PageTable table_ = board_.page_table();
  Pa page_;
};

TEST_F(ContextTables, ASingleCdServesTransactionsWithoutASubstream) {  // 5.2, S1CDMax 0
  board_.attach(kStream, table_);
  EXPECT_THAT(without(), TranslatesTo(page_));
}

TEST_F(ContextTables, ASubstreamOfAStreamWithoutAnyIsBad) {  // 7.3.9
  board_.attach(kStream, table_);
  EXPECT_THAT(with(5), Aborts());
  EXPECT_THAT(with(0), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream),
                                  IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
  EXPECT_EQ(events[0].as<C_BAD_SUBSTREAMID>()[C_BAD_SUBSTREAMID::SubstreamID], 5U);
}

TEST_F(ContextTables, ASubstreamOfABypassingStreamIsBad) {  // 7.3.9
  board_.attach(kStream, bypass());
  EXPECT_THAT(with(5), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
}

TEST_F(ContextTables, ALinearTableIsIndexedBySubstream) {  // 3.3.2
  const Pa cds = board_.allocate(64 * 8, 64 * 8);
  put(cds, 7, context(table_));
  board_.attach(kStream, substreams(cds, 3, DefaultSubstream::kTerminate));
  EXPECT_THAT(with(7), TranslatesTo(page_));
  EXPECT_THAT(board_.events(), IsEmpty());
  EXPECT_THAT(with(8), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
}

TEST_F(ContextTables, TwoLevelsAreIndexedByHighAndLowBits) {  // 3.3.2; 5.2, S1Fmt
  const struct {
    CdTableFormat format;
    std::uint32_t leaf;
  } kFormats[] = {{CdTableFormat::kTwoLevel4KLeaf, 64}, {CdTableFormat::kTwoLevel64KLeaf, 1024}};
  for (const auto& [format, leaf] : kFormats) {
    const Pa top = board_.allocate(4096);
    const Pa cds = board_.allocate(64 * leaf, 64 * leaf);
    store(board_.memory(), Pa(top.value + 8 * 3),
          L1CD().set(L1CD::V, true).set(L1CD::L2Ptr, cds.value));
    put(cds, leaf - 1, context(table_));
    board_.attach(kStream,
                  substreams(top, 12, DefaultSubstream::kTerminate).set(STE::S1Fmt, format));
    EXPECT_THAT(with(4 * leaf - 1), TranslatesTo(page_));
    EXPECT_THAT(board_.events(), IsEmpty());
    EXPECT_THAT(with(2 * leaf), Aborts());  // its level 1 descriptor is invalid
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
  }
}

TEST_F(ContextTables, WithoutASubstreamTheDefaultDecides) {  // 5.2, S1DSS; 7.3.7
  const Pa cds = board_.allocate(64 * 8, 64 * 8);
  put(cds, 0, context(table_));
  board_.attach(kStream, substreams(cds, 3, DefaultSubstream::kTerminate));
  EXPECT_THAT(without(), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_STREAM_DISABLED, kStream)));

  board_.attach(kStream, substreams(cds, 3, DefaultSubstream::kBypass));
  EXPECT_THAT(without(), TranslatesTo(Pa(kAddress.value)));

  board_.attach(kStream, substreams(cds, 3, DefaultSubstream::kCd0));
  EXPECT_THAT(without(), TranslatesTo(page_));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(ContextTables, SubstreamZeroIsDisabledOnlyWhenCdZeroIsTheDefault) {  // 5.2, S1DSS; 7.3.7
  const Pa cds = board_.allocate(64 * 8, 64 * 8);
  put(cds, 0, context(table_));
  for (const auto dss : {DefaultSubstream::kTerminate, DefaultSubstream::kBypass}) {
    board_.attach(kStream, substreams(cds, 3, dss));
    EXPECT_THAT(with(0), TranslatesTo(page_));
  }
  EXPECT_THAT(board_.events(), IsEmpty());
  board_.attach(kStream, substreams(cds, 3, DefaultSubstream::kCd0));
  EXPECT_THAT(with(0), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_STREAM_DISABLED, kStream)));
}

TEST_F(ContextTables, ACdThatCannotBeReadIsAFetchFault) {  // 7.3.10
  board_.attach(kStream, substreams(Pa(0x2000), 3, DefaultSubstream::kTerminate));
  EXPECT_THAT(with(6), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_CD_FETCH, kStream)));
  const auto record = events[0].as<F_CD_FETCH>();
  EXPECT_TRUE(record[F_CD_FETCH::SSV]);
  EXPECT_EQ(record[F_CD_FETCH::SubstreamID], 6U);
  EXPECT_EQ(record[F_CD_FETCH::FetchAddr], 0x2000U + 64 * 6);
}

TEST_F(ContextTables, ALevel1DescriptorThatCannotBeReadIsAFetchFault) {  // 7.3.10
  board_.attach(kStream, substreams(Pa(0x2000), 10, DefaultSubstream::kTerminate)
                             .set(STE::S1Fmt, CdTableFormat::kTwoLevel4KLeaf));
  EXPECT_THAT(with(64 * 5), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_CD_FETCH, kStream)));
  EXPECT_EQ(events[0].as<F_CD_FETCH>()[F_CD_FETCH::FetchAddr], 0x2000U + 8 * 5);
}

TEST_F(ContextTables, EveryIllegalCdIsReported) {  // 5.4.2, 7.3.11
  const CD good = context(table_);
  const struct {
    const char* what;
    CD cd;
  } kBad[] = {
      {"invalid", CD(good).set(CD::V, false)},
      {"T0SZ below 16", CD(good).set(CD::T0SZ, 15)},
      {"T0SZ above 48", CD(good).set(CD::T0SZ, 49)},
      {"TG0 reserved", CD(good).set(CD::TG0, static_cast<TG0>(3))},
      {"TTB0 beyond IPS", CD(good).set(CD::IPS, OutputSize::k32Bits).set(CD::TTB0, 0x1'0000'0000)},
      {"T1SZ of an enabled half", CD(good).set(CD::EPD1, false).set(CD::T1SZ, 0)},
      {"TG1 of an enabled half", CD(good).set(CD::EPD1, false).set(CD::T1SZ, 16)},
  };
  const Pa cd = board_.attach(kStream, table_);
  for (const auto& bad : kBad) {
    SCOPED_TRACE(bad.what);
    store(board_.memory(), cd, bad.cd);
    using v3::CMD_CFGI_CD;
    board_.submit_and_sync(command<CMD_CFGI_CD>()
                               .set(CMD_CFGI_CD::StreamID, kStream.value)
                               .set(CMD_CFGI_CD::Leaf, true));
    EXPECT_THAT(without(), Aborts());
    const auto events = board_.events();
    ASSERT_THAT(events, ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
    EXPECT_FALSE(events[0].as<C_BAD_CD>()[C_BAD_CD::SSV]);
  }
}

TEST_F(ContextTables, ADisabledHalfIsNotChecked) {  // 5.4.2
  const Pa cd = board_.attach(kStream, table_);
  store(board_.memory(), cd,
        context(table_).set(CD::T1SZ, 63).set(CD::TTB1, 0x00ff'ffff'ffff'fff0));
  using v3::CMD_CFGI_CD_ALL;
  board_.submit_and_sync(command<CMD_CFGI_CD_ALL>().set(CMD_CFGI_CD_ALL::StreamID, kStream.value));
  EXPECT_THAT(without(), TranslatesTo(page_));
}

}  // namespace
}  // namespace smmu::testing::context_table_test
