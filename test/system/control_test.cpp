// The SMMU off, on and in between (IHI 0070, 3.11, 6.2 and 6.3).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::control_test {
namespace {

using emulator::Reset;
using ::testing::IsEmpty;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GBPA;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x4000'2000);
constexpr Pa kSame(kAddress.value);

TEST(Disabled, TrafficPassesAfterReset) {  // 6.3.14: GBPA.ABORT resets to this config's 0
  Board board;
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(kSame));
}

TEST(Disabled, GbpaAbortEndsTraffic) {  // 6.3.14
  Board board;
  board.smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  EXPECT_FALSE(board.smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_TRUE(board.smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  EXPECT_THAT(board.device(kStream).translate(kAddress), Aborts());
  board.smmu().write(SMMU_GBPA().set(SMMU_GBPA::Update, true));
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(kSame));
}

TEST(Disabled, GbpaIgnoresAWriteWithoutUpdate) {  // 6.3.14
  Board board;
  const auto before = board.smmu().read<SMMU_GBPA>();
  board.smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true));
  EXPECT_EQ(board.smmu().read<SMMU_GBPA>().raw(), before.raw());
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(kSame));
}

TEST(Disabled, AnAddressBeyondTheOutputSizeAborts) {  // 3.4
  Board board;
  EXPECT_THAT(board.device(kStream).translate(Iova(std::uint64_t{1} << 52)), Aborts());
  EXPECT_THAT(board.device(kStream).translate(Iova((std::uint64_t{1} << 52) - 8)),
              TranslatesTo(Pa((std::uint64_t{1} << 52) - 8)));
}

TEST(Enabling, IsAcknowledged) {  // 6.3.10
  Board board;
  for (const std::uint32_t value : {0x8U, 0xcU, 0xdU, 0x5U, 0x0U}) {
    board.smmu().write(SMMU_CR0(value));
    EXPECT_EQ(board.smmu().read<SMMU_CR0ACK>().raw(), value);
  }
}

TEST(Enabling, ReservedBitsAndAbsentFeaturesStayZero) {  // 6.3.9
  Board board;
  board.smmu().write(SMMU_CR0(0xffff'fff2));
  EXPECT_EQ(board.smmu().read<SMMU_CR0>().raw(), 0x1d2U);
  EXPECT_EQ(board.smmu().read<SMMU_CR0ACK>().raw(), 0x1d2U);
  // PRIQEN and ATSCHK.
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(v3::SMMU_IDR0::PRI, false);
  config.idr3.set(v3::SMMU_IDR3::PPS, false);
  Board without_pri({.config = config});
  without_pri.smmu().write(SMMU_CR0(0xffff'fff2));
  EXPECT_EQ(without_pri.smmu().read<SMMU_CR0>().raw(), 0x1d0U);
  config.s_idr3 = {};
  config.idr0.set(v3::SMMU_IDR0::ATS, false).set(v3::SMMU_IDR0::ATSRECERR, false);
  Board without_ats({.config = config});
  without_ats.smmu().write(SMMU_CR0(0xffff'fff2));
  EXPECT_EQ(without_ats.smmu().read<SMMU_CR0>().raw(), 0x1c0U);
}

TEST(Enabling, InterruptEnablesAreAcknowledged) {  // 6.3.18
  Board board;
  board.smmu().write(SMMU_IRQ_CTRL().set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, true));
  EXPECT_TRUE(board.smmu().read<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::EVENTQ_IRQEN]);
  EXPECT_FALSE(board.smmu().read<SMMU_IRQ_CTRLACK>()[SMMU_IRQ_CTRLACK::GERROR_IRQEN]);
  board.smmu().write(SMMU_IRQ_CTRL());
  EXPECT_EQ(board.smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
}

template <class R>
void expect_guarded(Board& board) {
  const auto before = board.smmu().read<R>();
  board.smmu().write(R(static_cast<typename R::Value>(~before.raw())));
  EXPECT_EQ(board.smmu().read<R>().raw(), before.raw()) << "at offset " << R::kOffset;
}

TEST(Guards, WhatIsInUseCannotBeWritten) {  // 6.3, each register's access rules
  Board board;
  board.bring_up();
  expect_guarded<v3::SMMU_STRTAB_BASE>(board);
  expect_guarded<v3::SMMU_STRTAB_BASE_CFG>(board);
  expect_guarded<v3::SMMU_CMDQ_BASE>(board);
  expect_guarded<v3::SMMU_CMDQ_CONS>(board);
  expect_guarded<v3::SMMU_EVENTQ_BASE>(board);
  expect_guarded<v3::SMMU_EVENTQ_PROD>(board);
  expect_guarded<v3::SMMU_EVENTQ_IRQ_CFG0>(board);
  expect_guarded<v3::SMMU_EVENTQ_IRQ_CFG1>(board);
  expect_guarded<v3::SMMU_GERROR_IRQ_CFG0>(board);
  expect_guarded<v3::SMMU_GERROR_IRQ_CFG1>(board);
  expect_guarded<v3::SMMU_CR1>(board);
  expect_guarded<v3::SMMU_CR2>(board);
  expect_guarded<v3::SMMU_GERROR>(board);
  expect_guarded<v3::SMMU_IDR0>(board);
}

TEST(Guards, HalvesOfA64BitRegisterCanBeWrittenAlone) {  // 6.2
  Board board;
  board.smmu().write32(0x80, 0xffff'ffff);
  board.smmu().write32(0x84, 0xffff'ffff);
  EXPECT_EQ(board.smmu().read64(0x80), 0x40ff'ffff'ffff'ffc0U);
  EXPECT_EQ(board.smmu().read32(0x84), 0x40ff'ffffU);
}

TEST(Guards, UndefinedOffsetsReadZero) {  // 6.2
  Board board;
  board.smmu().write32(0x10, 0xffff'ffff);
  EXPECT_EQ(board.smmu().read32(0x7ff0), 0U);
  EXPECT_EQ(board.smmu().read32(0x22), 0U);
}

class Resets : public ::testing::TestWithParam<Reset> {};

TEST_P(Resets, DisableEverything) {  // 6.3.9, 6.3.16
  Board board;
  board.bring_up();
  const DmaDevice device = board.device(kStream);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  board.smmu().reset(GetParam());
  EXPECT_EQ(board.smmu().read<SMMU_CR0>().raw(), 0U);
  EXPECT_EQ(board.smmu().read<SMMU_CR0ACK>().raw(), 0U);
  EXPECT_EQ(board.smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
  EXPECT_EQ(board.smmu().read<v3::SMMU_GERROR>().raw(),
            board.smmu().read<v3::SMMU_GERRORN>().raw());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(kSame));
}

TEST_P(Resets, CanBeFollowedByAnotherBringUp) {
  Board board;
  board.bring_up();
  board.smmu().reset(GetParam());
  board.bring_up();
  PageTable table = board.page_table();
  table.map(Iova(0x1000), kSame, 4096);
  board.attach(kStream, table);
  EXPECT_THAT(board.device(kStream).translate(Iova(0x1000)), TranslatesTo(kSame));
  EXPECT_THAT(board.events(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Kind, Resets, ::testing::Values(Reset::kPowerOn, Reset::kWarm));

TEST(WarmReset, KeepsTranslationsThatPowerOnLoses) {  // 3.11: software invalidates after reset
  for (const Reset kind : {Reset::kWarm, Reset::kPowerOn}) {
    Board board;
    board.bring_up();
    PageTable table = board.page_table();
    const Pa old_page = board.allocate(4096);
    const Pa new_page = board.allocate(4096);
    table.map(Iova(0x1000), old_page, 4096);
    board.attach(kStream, table);
    const DmaDevice device = board.device(kStream);
    EXPECT_THAT(device.translate(Iova(0x1000)), TranslatesTo(old_page));
    const auto base = board.smmu().read<v3::SMMU_STRTAB_BASE>();
    const auto cfg = board.smmu().read<v3::SMMU_STRTAB_BASE_CFG>();
    board.smmu().reset(kind);
    table.map(Iova(0x1000), new_page, 4096);
    board.smmu().write(base);
    board.smmu().write(cfg);
    board.smmu().write(SMMU_CR0().set(SMMU_CR0::SMMUEN, true));
    EXPECT_THAT(device.translate(Iova(0x1000)),
                TranslatesTo(kind == Reset::kWarm ? old_page : new_page));
  }
}

}  // namespace
}  // namespace smmu::testing::control_test
