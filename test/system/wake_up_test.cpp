// How a driver that waits for space in the Command queue is woken (IHI 0070, 4.1.2 and 4.7.3).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::wake_up_test {
namespace {

using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandHeader;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CMDQ_PROD;
using v3::SMMU_CR0;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;

constexpr unsigned kLog2Commands = 2;
constexpr std::uint32_t kWrap = 1U << kLog2Commands;

class WakeUps : public ::testing::Test {
 protected:
  void SetUp() override {
    board_.bring_up();
    before_ = board_.wake_up_line.count();
  }
  unsigned wake_ups() const { return board_.wake_up_line.count() - before_; }
  void enable_commands(bool enabled) {
    auto cr0 = board_.smmu().read<SMMU_CR0>();
    board_.smmu().write(cr0.set(SMMU_CR0::CMDQEN, enabled));
  }
  // As a driver looks for space: 6.3.27.
  bool full() {
    const auto read = board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
    const auto write = board_.smmu().read<SMMU_CMDQ_PROD>()[SMMU_CMDQ_PROD::WR];
    return (read ^ write) == kWrap;
  }

  Board board_{{.log2_commands = kLog2Commands}};
  unsigned before_ = 0;
};

TEST_F(WakeUps, ComeOnceWhenAFullQueueGetsSpace) {  // 4.1.2
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  board_.submit(tlbi, tlbi, tlbi, tlbi);
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(wake_ups(), 1U);
}

TEST_F(WakeUps, DoNotComeIfTheQueueWasNotFull) {  // 4.1.2
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  board_.submit(tlbi, tlbi, tlbi);
  board_.submit(tlbi);
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(wake_ups(), 0U);
}

TEST_F(WakeUps, ComeWhenAQueueThatFilledWhileDisabledIsConsumed) {  // 4.1.2, 6.3.9
  enable_commands(false);
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  board_.submit(tlbi, tlbi, tlbi, tlbi);
  EXPECT_TRUE(full());
  EXPECT_EQ(wake_ups(), 0U);
  enable_commands(true);
  EXPECT_FALSE(full());
  EXPECT_EQ(wake_ups(), 1U);
}

TEST_F(WakeUps, WaitForTheEndOfAnError) {  // 4.1.2, 7.1
  const auto bad = CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0xff));
  const auto at = board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD] % kWrap;
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  board_.submit(bad, tlbi, tlbi, tlbi);
  EXPECT_TRUE(full());
  EXPECT_EQ(wake_ups(), 0U);
  store(board_.memory(), Pa(board_.command_queue().value + 16 * at), tlbi);
  board_.smmu().write(SMMU_GERRORN(board_.smmu().read<SMMU_GERROR>().raw()));
  EXPECT_FALSE(full());
  EXPECT_EQ(wake_ups(), 1U);
}

TEST_F(WakeUps, FindTheSpaceThere) {  // 4.1.2: the driver polls, sleeps, and looks again
  bool full_when_woken = true;
  unsigned submitted = 0;
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  board_.wake_up_line.on_pulse([&] {
    full_when_woken = full();
    if (submitted++ == 0) board_.submit(tlbi);
  });
  board_.submit(tlbi, tlbi, tlbi, tlbi);
  EXPECT_FALSE(full_when_woken);
  EXPECT_TRUE(board_.idle());
}

TEST_F(WakeUps, OfASyncFindItConsumed) {  // 4.7.3, SIG_SEV
  bool idle = false;
  board_.wake_up_line.on_pulse([&] { idle = board_.idle(); });
  board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
  EXPECT_EQ(wake_ups(), 1U);
  EXPECT_TRUE(idle);
}

TEST(WakeUpsOfOneEntry, ComeWithEveryCommand) {  // 6.3.28: one command fills the queue
  Board board({.log2_commands = 0});
  board.bring_up();
  const unsigned before = board.wake_up_line.count();
  for (unsigned i = 1; i != 6; ++i) {
    board.submit(command<CMD_TLBI_NSNH_ALL>());
    EXPECT_TRUE(board.idle());
    EXPECT_EQ(board.wake_up_line.count(), before + i);
  }
}

TEST(WithoutSev, NothingWakesADriver) {  // 6.3.1, SEV 0: SIG_SEV is SIG_NONE
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(v3::SMMU_IDR0::SEV, false);
  Board board({.config = config, .log2_commands = kLog2Commands});
  board.bring_up();
  const auto sync = command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev);
  board.submit(sync, sync, sync, sync);
  EXPECT_TRUE(board.idle());
  EXPECT_EQ(board.wake_up_line.count(), 0U);
  EXPECT_EQ(board.sync_line.count(), 0U);
}

}  // namespace
}  // namespace smmu::testing::wake_up_test
