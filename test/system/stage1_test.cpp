// What each control of a CD does to a translation (IHI 0070, 3.4 and 5.4).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::stage1_test {
namespace {

using emulator::Direction;
using ::testing::ElementsAre;
using v3::CD;
using v3::EventType;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);

class Stage1 : public ::testing::Test {
 protected:
  void SetUp() override {
    board_.bring_up();
    page_ = board_.allocate(4096);
    table_.map(kAddress, page_, 4096);
    cd_ = board_.attach(kStream, table_);
  }
  void use(const CD& cd) {
    store(board_.memory(), cd_, cd);
    using v3::CMD_CFGI_CD;
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value),
                           command<v3::CMD_TLBI_NSNH_ALL>());
  }
  // Sets bits of the table descriptor in the first table that leads to the page.
  void limit(std::uint64_t bits) {
    const Pa at = table_.root();
    store(board_.memory(), at, load(board_.memory(), at) | bits);
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  }
  DmaDevice device() { return board_.device(kStream); }

  Board board_;
  PageTable table_ = board_.page_table();
  Pa page_;
  Pa cd_;
};

TEST_F(Stage1, TheUpperHalfHasTablesOfItsOwn) {  // 5.4, TTB1 and T1SZ
  PageTable upper = board_.page_table({.granule_bits = 16, .t0sz = 17});
  const Pa target = board_.allocate(0x10000, 0x10000);
  const Iova top(0xffff'ffff'ffff'0000);
  upper.map(top, target, 0x10000);
  use(context(table_)
          .set(CD::EPD1, false)
          .set(CD::T1SZ, 17)
          .set(CD::TG1, TG1::k64K)
          .set(CD::TTB1, upper.root().value));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().translate(top), TranslatesTo(target));
  EXPECT_THAT(device().translate(Iova(0xffff'8000'0000'0000 - 1)), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream,
                                                   Iova(0xffff'8000'0000'0000 - 1))));
}

TEST_F(Stage1, TheLowerHalfCanBeDisabled) {  // 5.4, EPD0
  use(context(table_).set(CD::EPD0, true));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
}

TEST_F(Stage1, ATaggedAddressIsReportedWithItsTag) {  // 3.4.1, TBI; 7.3: InputAddr is as presented
  const Iova tagged(kAddress.value | std::uint64_t{0xab} << 56);
  EXPECT_THAT(device().translate(tagged), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, tagged)));
  use(context(table_).set(CD::TBI0, true));
  EXPECT_THAT(device().translate(tagged), TranslatesTo(page_));
}

TEST_F(Stage1, TableAttributesLimitLeavesUnlessDisabled) {     // 5.4, HAD0; DDI 0487, D8.4
  constexpr std::uint64_t kReadOnly = std::uint64_t{1} << 62;  // APTable[1]
  limit(kReadOnly);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), Aborts());
  use(context(table_).set(CD::HAD0, true));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), TranslatesTo(page_));
}

TEST_F(Stage1, E0pdKeepsTheUnprivilegedOut) {  // 5.4, E0PD0: a Translation fault at level 0
  use(context(table_).set(CD::E0PD0, true));
  EXPECT_THAT(device().privileged().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
}

TEST_F(Stage1, E0pdKeepsTheUnprivilegedFromWhatThePortRemembers) {  // 5.4, E0PD0
  use(context(table_).set(CD::E0PD0, true));
  const DmaDevice both = device();
  for (unsigned i = 0; i != 2; ++i) {
    const auto outcome = both.privileged().translate(kAddress);
    ASSERT_THAT(outcome, TranslatesTo(page_));
    const auto& permissions = std::get<emulator::Translation>(outcome).permissions;
    EXPECT_TRUE(permissions.allow(emulator::Privilege::kPrivileged, Direction::kWrite,
                                  emulator::Content::kData));
    EXPECT_FALSE(permissions.allow(emulator::Privilege::kUnprivileged, Direction::kRead,
                                   emulator::Content::kData));
    EXPECT_THAT(both.translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, kAddress)));
  }
}

TEST_F(Stage1, PanKeepsThePrivilegedFromUnprivilegedData) {  // 5.4, PAN
  EXPECT_THAT(device().privileged().translate(kAddress), TranslatesTo(page_));
  use(context(table_).set(CD::PAN, true));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().privileged().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_PERMISSION, kStream, kAddress)));
}

TEST_F(Stage1, WxnMakesWritablePagesNotExecutable) {  // 5.4, WXN
  EXPECT_THAT(device().fetching_instructions().translate(kAddress), TranslatesTo(page_));
  use(context(table_).set(CD::WXN, true));
  EXPECT_THAT(device().fetching_instructions().translate(kAddress), Aborts());
}

TEST_F(Stage1, AddressesThatDoNotExistFaultInBypass) {  // 3.4
  const Iova beyond(std::uint64_t{1} << 52);
  board_.attach(kStream, bypass());
  EXPECT_THAT(device().translate(beyond), Aborts());
  board_.attach(
      kStream,
      translate(cd_).set(v3::STE::S1CDMax, 1).set(v3::STE::S1DSS, v3::DefaultSubstream::kBypass));
  EXPECT_THAT(device().translate(beyond), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, beyond),
                                           IsEvent(EventType::F_ADDR_SIZE, kStream, beyond)));
}

// First-level descriptors are cached too, and Leaf says whether they go.
class FirstLevels : public ::testing::Test {
 protected:
  static emulator::SmmuV3Config adversarial() {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = emulator::CachePolicy::kAdversarial;
    return config;
  }
  void SetUp() override { board_.bring_up(); }
  Board board_{{.config = adversarial()}};
};

TEST_F(FirstLevels, OfCdTablesStayIfLeafIsSet) {  // 4.3.3, Leaf
  using v3::CMD_CFGI_CD;
  using v3::L1CD;
  using v3::STE;
  PageTable table = board_.page_table();
  const Pa page = board_.allocate(4096);
  table.map(kAddress, page, 4096);
  const Pa top = board_.allocate(4096);
  const Pa cds = board_.allocate(4096);
  store(board_.memory(), cds, context(table));
  store(board_.memory(), top, L1CD().set(L1CD::V, true).set(L1CD::L2Ptr, cds.value));
  board_.attach(kStream, translate(top)
                             .set(STE::S1CDMax, 7)
                             .set(STE::S1Fmt, v3::CdTableFormat::kTwoLevel4KLeaf)
                             .set(STE::S1DSS, v3::DefaultSubstream::kCd0));
  const DmaDevice device = board_.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
  store(board_.memory(), top, L1CD());
  const auto invalidate = command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value);
  board_.submit_and_sync(CMD_CFGI_CD(invalidate).set(CMD_CFGI_CD::Leaf, true));
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
  board_.submit_and_sync(invalidate);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_SUBSTREAMID, kStream)));
}

}  // namespace
}  // namespace smmu::testing::stage1_test
