// What a device and software see when a translation fails (IHI 0070, 3.12.1, 5.5 and 7.3.12 to
// 7.3.16).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::translation_fault_test {
namespace {

using emulator::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::EventClass;
using v3::EventType;
using v3::F_PERMISSION;
using v3::F_WALK_EABT;

constexpr StreamId kStream(9);
constexpr Iova kMapped(0x8000'0000);
constexpr Iova kUnmapped(0x8000'1678);

class TranslationFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    board_.bring_up();
    page_ = board_.allocate(4096);
    table_.map(kMapped, page_, 4096);
    cd_ = board_.attach(kStream, table_);
  }
  void change(const CD& cd) {
    store(board_.memory(), cd_, cd);
    using v3::CMD_CFGI_CD;
    board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
  }
  void remap(PageAttributes attributes) {
    table_.map(kMapped, page_, 4096, attributes);
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  }
  DmaDevice device() { return board_.device(kStream); }

  Board board_;
  PageTable table_ = board_.page_table();
  Pa page_;
  Pa cd_;
};

// The whole record, as 7.3.13 prints it: number, SSV, StreamID; RnW, CLASS IN; the address.
std::array<std::uint64_t, 4> record(EventType type, std::uint64_t access, Iova address) {
  return {static_cast<std::uint64_t>(type) | std::uint64_t{kStream.value} << 32,
          (access | 0b10U << 8) << 32, address.value, 0};
}
constexpr std::uint64_t kPnU = 1 << 1;
constexpr std::uint64_t kInD = 1 << 2;
constexpr std::uint64_t kRnW = 1 << 3;

TEST_F(TranslationFaults, AReadOfAnUnmappedPageIsATranslationFault) {  // 7.3.13
  EXPECT_THAT(device().translate(kUnmapped), Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(Event{record(EventType::F_TRANSLATION, kRnW, kUnmapped)}));
}

TEST_F(TranslationFaults, ARecordTellsTheKindOfAccess) {  // 7.3.13
  EXPECT_THAT(device().translate(kUnmapped, Direction::kWrite), Aborts());
  EXPECT_THAT(device().privileged().translate(kUnmapped), Aborts());
  EXPECT_THAT(device().fetching_instructions().translate(kUnmapped), Aborts());
  // 13.1.2: a write is not an instruction fetch.
  EXPECT_THAT(device().fetching_instructions().translate(kUnmapped, Direction::kWrite), Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(Event{record(EventType::F_TRANSLATION, 0, kUnmapped)},
                          Event{record(EventType::F_TRANSLATION, kRnW | kPnU, kUnmapped)},
                          Event{record(EventType::F_TRANSLATION, kRnW | kInD, kUnmapped)},
                          Event{record(EventType::F_TRANSLATION, 0, kUnmapped)}));
}

TEST_F(TranslationFaults, AnAddressOutsideTheRangeIsATranslationFault) {  // 3.4.1
  const Iova outside(std::uint64_t{1} << 48);
  EXPECT_THAT(device().translate(outside), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(Event{record(EventType::F_TRANSLATION, kRnW, outside)}));
}

TEST_F(TranslationFaults, TheUpperHalfIsDisabled) {  // 5.4, EPD1
  const Iova upper(0xffff'ffff'8000'0000);
  EXPECT_THAT(device().translate(upper), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(Event{record(EventType::F_TRANSLATION, kRnW, upper)}));
}

TEST_F(TranslationFaults, AWriteToAReadOnlyPageIsAPermissionFault) {  // 7.3.16
  remap({.writable = false});
  EXPECT_THAT(device().translate(kMapped), TranslatesTo(page_));
  EXPECT_THAT(device().translate(kMapped, Direction::kWrite), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(Event{record(EventType::F_PERMISSION, 0, kMapped)}));
}

TEST_F(TranslationFaults, AnOutputBeyondIpsIsAnAddressSizeFault) {  // 7.3.14
  table_.map(kMapped, Pa(std::uint64_t{1} << 40), 4096);
  change(context(table_).set(CD::IPS, OutputSize::k40Bits));
  EXPECT_THAT(device().translate(kMapped), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(Event{record(EventType::F_ADDR_SIZE, kRnW, kMapped)}));
}

TEST_F(TranslationFaults, APageWithoutTheAccessFlagFaults) {  // 7.3.15
  remap({.access_flag = false});
  EXPECT_THAT(device().translate(kMapped), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(Event{record(EventType::F_ACCESS, kRnW, kMapped)}));
  change(context(table_).set(CD::AFFD, true));  // 5.4
  EXPECT_THAT(device().translate(kMapped), TranslatesTo(page_));
}

TEST_F(TranslationFaults, ATableThatCannotBeReadIsAnExternalAbort) {  // 7.3.12
  change(context(table_).set(CD::TTB0, 0x4000));
  EXPECT_THAT(device().translate(Iova(0x80'1234'5678), Direction::kWrite), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_WALK_EABT, kStream, Iova(0x80'1234'5678))));
  // The first table resolves bits [47:39].
  EXPECT_EQ(events[0].words[3], 0x4000U + 8);
  const auto found = events[0].as<F_WALK_EABT>();
  EXPECT_EQ(found[F_WALK_EABT::CLASS], EventClass::kTt);
  EXPECT_FALSE(found[F_WALK_EABT::RnW]);
  EXPECT_FALSE(found[F_WALK_EABT::S2]);
}

TEST_F(TranslationFaults, ARecordNamesTheSubstream) {  // 7.3.13
  const Pa cds = board_.allocate(64 * 8, 64 * 8);
  store(board_.memory(), Pa(cds.value + 64 * 5), context(table_));
  board_.attach(kStream, translate(cds).set(v3::STE::S1CDMax, 3));
  EXPECT_THAT(device().substream(SubstreamId(5)).translate(kUnmapped), Aborts());
  auto expected = record(EventType::F_TRANSLATION, kRnW, kUnmapped);
  expected[0] |= 1U << 11 | 5U << 12;
  EXPECT_THAT(board_.events(), ElementsAre(Event{expected}));
}

TEST_F(TranslationFaults, ClearingRMakesFaultsSilent) {  // 5.5
  change(context(table_).set(CD::R, false));
  EXPECT_THAT(device().translate(kUnmapped), Aborts());
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(TranslationFaults, ClearingAMakesReadsZeroAndDropsWrites) {  // 5.5
  change(context(table_).set(CD::A, false));
  EXPECT_THAT(device().translate(kUnmapped), IsRazWi());
  EXPECT_EQ(device().read64(kUnmapped), 0U);
  EXPECT_THAT(device().translate(kUnmapped, Direction::kWrite), IsRazWi());
  EXPECT_THAT(board_.events(), ElementsAre(Event{record(EventType::F_TRANSLATION, kRnW, kUnmapped)},
                                           Event{record(EventType::F_TRANSLATION, kRnW, kUnmapped)},
                                           Event{record(EventType::F_TRANSLATION, 0, kUnmapped)}));
}

// 5.5: such an access has completed; the one to the next page is another.
TEST_F(TranslationFaults, ATransferGoesOnAfterAPageThatIsRazWi) {
  change(context(table_).set(CD::A, false));
  const Iova before(kMapped.value - 4);
  std::array<std::byte, 8> bytes{};
  bytes.fill(std::byte{0x5a});
  auto transfer = device().write(before, bytes);
  EXPECT_EQ(transfer.bytes, 8U);
  EXPECT_THAT(transfer, TranslatesTo(page_));
  EXPECT_EQ(load(board_.memory(), page_), 0x5a5a'5a5aU);
  transfer = device().read(before, bytes);
  EXPECT_EQ(transfer.bytes, 8U);
  EXPECT_EQ(bytes[3], std::byte{0});
  EXPECT_EQ(bytes[4], std::byte{0x5a});
  transfer = device().write(Iova(kMapped.value + 4096 - 4), bytes);
  EXPECT_EQ(transfer.bytes, 8U);
  EXPECT_THAT(transfer, IsRazWi());
}

TEST_F(TranslationFaults, AnExternalAbortOfAWalkIsAlwaysAbortedAndRecorded) {  // 3.12.1, 7.3.12
  change(context(table_).set(CD::TTB0, 0x4000).set(CD::A, false).set(CD::R, false));
  EXPECT_THAT(device().translate(kMapped), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_WALK_EABT, kStream, kMapped)));
}

TEST_F(TranslationFaults, AnAccessThatCrossesIntoAFaultIsDoneUpToIt) {
  std::array<std::byte, 64> bytes{};
  const auto transfer = device().write(Iova(kMapped.value + 4096 - 16), bytes);
  EXPECT_EQ(transfer.bytes, 16U);
  EXPECT_THAT(transfer, Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, Iova(kMapped.value + 4096))));
}

TEST_F(TranslationFaults, DataGoesWhereTheTablesSay) {
  device().write64(Iova(kMapped.value + 8), 0x1122'3344'5566'7788);
  EXPECT_EQ(load(board_.memory(), Pa(page_.value + 8)), 0x1122'3344'5566'7788U);
  EXPECT_EQ(device().read64(Iova(kMapped.value + 8)), 0x1122'3344'5566'7788U);
}

}  // namespace
}  // namespace smmu::testing::translation_fault_test
