// An SMMU whose physical addresses are shorter than the IPAs of VMSAv8-32 (IHI 0070, 3.4, 5.2 and
// 5.4).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::small_output_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::EventType;
using v3::F_ADDR_SIZE;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0000);
constexpr std::uint64_t kAboveOas = std::uint64_t{1} << 37;
constexpr std::uint64_t kAboveIas = std::uint64_t{1} << 40;

// OAS is 36 bits and IAS 40.
class SmallOutputs : public ::testing::Test {
 protected:
  static emulator::SmmuV3Config config() {
    auto config = emulator::SmmuV3Config::everything();
    config.idr5.set(v3::SMMU_IDR5::OAS, OutputSize::k36Bits);
    return config;
  }
  void SetUp() override { board_.bring_up(); }
  DmaDevice device() { return board_.device(kStream); }

  // The CD of a stream that there is from then on.
  void use(const CD& cd) {
    store(board_.memory(), cd_, cd);
    board_.attach(kStream, translate(cd_));
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  }
  // DDI 0487, G5.5: a table of level 1 for 32 bits, the first 1 GiB of which goes to where the RAM
  // is, or what `bits` makes of that.
  Pa aarch32_table(std::uint64_t bits) {
    constexpr std::uint64_t kBlock = 0b01 | 1U << 6 | 0b11U << 8 | 1U << 10;  // AP[1], SH, AF
    const Pa table = board_.allocate(4096);
    store(board_.memory(), table, kRam | bits | kBlock);
    return table;
  }
  static CD aarch32(Pa table) {
    return CD()
        .set(CD::V, true)
        .set(CD::EPD1, true)
        .set(CD::R, true)
        .set(CD::A, true)
        .set(CD::ASID, 1)
        .set(CD::MAIR0, 0xff)
        .set(CD::TTB0, table.value);
  }

  static constexpr std::uint64_t kRam = 0x4000'0000;
  Board board_{{.config = config()}};
  PageTable table_ = board_.page_table();
  Pa page_ = board_.allocate(4096);
  Pa cd_ = board_.allocate(4096);
};

TEST_F(SmallOutputs, CapIps) {  // 5.4, IPS: at OAS, not at IAS
  table_.map(kAddress, Pa(page_.value | kAboveOas), 4096);
  use(context(table_));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, kAddress)));
  use(context(table_).set(CD::TTB0, table_.root().value | kAboveOas));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
}

TEST_F(SmallOutputs, CapIpsAboveStage2Too) {  // 5.4, IPS: an IPA of IAS is VMSAv8-32's alone
  PageTable stage2 = board_.page_table({.t0sz = 25, .stage = 2});
  stage2.map(Iova(kRam), Pa(kRam), std::uint64_t{128} << 20);
  stage2.map(Iova(kAboveOas), page_, 4096);
  table_.map(kAddress, Pa(kAboveOas), 4096);
  store(board_.memory(), cd_, context(table_));
  board_.attach(kStream, above_stage2(translate(cd_), stage2));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, kAddress)));
  EXPECT_FALSE(events[0].as<F_ADDR_SIZE>()[F_ADDR_SIZE::S2]);
}

TEST_F(SmallOutputs, CutWhatStage1OfVmsav8_32MakesAlone) {  // 3.4: truncated without stage 2
  use(aarch32(aarch32_table(kAboveOas)));
  EXPECT_THAT(device().translate(Iova(0x1234)), TranslatesTo(Pa(kRam + 0x1234)));
  use(aarch32(Pa(aarch32_table(0).value | kAboveOas)));  // TTB0 has 40 bits, too
  EXPECT_THAT(device().translate(Iova(0x1234)), TranslatesTo(Pa(kRam + 0x1234)));
  EXPECT_THAT(board_.events(), IsEmpty());
  use(aarch32(aarch32_table(kAboveIas)));
  EXPECT_THAT(device().translate(Iova(0x1234)), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, Iova(0x1234))));
  use(aarch32(Pa(aarch32_table(0).value | kAboveIas)));
  EXPECT_THAT(device().translate(Iova(0x1234)), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
}

TEST_F(SmallOutputs, LeaveIpasOfVmsav8_32Whole) {  // 3.4: 40 bits go into stage 2
  PageTable stage2 = board_.page_table({.t0sz = 25, .stage = 2});
  stage2.map(Iova(kRam), Pa(kRam), std::uint64_t{128} << 20);
  stage2.map(Iova(kAboveOas | kRam), page_, 4096);
  store(board_.memory(), cd_, aarch32(aarch32_table(kAboveOas)));
  board_.attach(kStream, above_stage2(translate(cd_), stage2));
  EXPECT_THAT(device().translate(Iova(0x234)), TranslatesTo(Pa(page_.value + 0x234)));
}

TEST_F(SmallOutputs, CutTheTableOfAStage2OfVmsav8_32) {  // 3.4, 5.2: S2TTB has 40 bits
  const STE ste = STE()
                      .set(STE::V, true)
                      .set(STE::Config, v3::SteConfig::kS2Translate)
                      .set(STE::S2SL0, 1)
                      .set(STE::S2R, true);
  // S2AP and MemAttr in place of AP and AttrIndx.
  const Pa table = board_.allocate(4096);
  store(board_.memory(), table,
        kRam | kAboveOas | std::uint64_t{0b01 | 0b1111U << 2 | 0b11U << 6 | 0b11U << 8 | 1U << 10});
  board_.attach(kStream, STE(ste).set(STE::S2TTB, table.value | kAboveOas));
  EXPECT_THAT(device().translate(Iova(0x1234)), TranslatesTo(Pa(kRam + 0x1234)));
  EXPECT_THAT(board_.events(), IsEmpty());
}

// 3.4: what bypasses stage 1 is an IPA, also where stage 2 is absent; what bypasses both is not.
TEST_F(SmallOutputs, CutWhatBypassesStage1) {  // 3.4; 5.2, S1DSS
  store(board_.memory(), cd_, context(table_));
  board_.attach(kStream,
                translate(cd_).set(STE::S1CDMax, 1).set(STE::S1DSS, v3::DefaultSubstream::kBypass));
  const DmaDevice bypassing = device();
  for (unsigned i = 0; i != 2; ++i) {
    EXPECT_THAT(bypassing.translate(Iova(page_.value)), TranslatesTo(page_));
    EXPECT_THAT(bypassing.translate(Iova(page_.value | kAboveOas)), TranslatesTo(page_));
  }
  EXPECT_THAT(board_.events(), IsEmpty());
  EXPECT_THAT(bypassing.translate(Iova(kAboveIas)), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, Iova(kAboveIas))));
  EXPECT_FALSE(events[0].as<F_ADDR_SIZE>()[F_ADDR_SIZE::S2]);
  EXPECT_EQ(events[0].as<F_ADDR_SIZE>()[F_ADDR_SIZE::CLASS], v3::EventClass::kIn);

  board_.attach(kStream, bypass());
  EXPECT_THAT(bypassing.translate(Iova(page_.value | kAboveOas)), Aborts());
  EXPECT_THAT(board_.events(),
              ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream, Iova(page_.value | kAboveOas))));
}

TEST_F(SmallOutputs, PassWhatWasCutOn) {  // the access itself goes where the translation says
  store(board_.memory(), cd_, context(table_));
  board_.attach(kStream,
                translate(cd_).set(STE::S1CDMax, 1).set(STE::S1DSS, v3::DefaultSubstream::kBypass));
  store(board_.memory(), page_, std::uint64_t{0x1234'5678});
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(device().read(Iova(page_.value | kAboveOas), bytes).bytes, bytes.size());
  EXPECT_EQ(bytes[0], std::byte{0x78});
}

}  // namespace
}  // namespace smmu::testing::small_output_test
