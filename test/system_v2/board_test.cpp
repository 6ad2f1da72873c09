// A board as somebody has it who tests a driver of SMMUv2: by its public headers alone.
#include "smmu/testing/board_v2.h"

#include <gtest/gtest.h>

#include "smmu/arch/v2/context_bank.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/software_v2.h"

namespace smmu::testing::board_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;

constexpr StreamId kStream(7);
constexpr std::uint32_t kBank = 3;
constexpr Iova kAddress(0x1'2345'6000);

TEST(BoardV2, AWriteToAReadOnlyPageAbortsAndIsRecorded) {
  BoardV2 board;
  SoftwareV2 software(board);
  const Pa page = board.allocate(4096);
  PageTable table = board.page_table({.t0sz = 25});
  table.map(kAddress, page, 4096, {.writable = false});
  software.stage1(kBank, table, {.asid = 1});
  software.lead(kStream, kBank);
  software.enable();
  const DmaDevice nic = board.device(kStream);
  EXPECT_THAT(nic.translate(kAddress), TranslatesTo(page));
  EXPECT_TRUE(board.quiet());
  EXPECT_THAT(nic.translate(kAddress, Direction::kWrite), Aborts());
  EXPECT_TRUE(board.context_fault(kBank).up());
  using v2::SMMU_CBn_FSR;
  EXPECT_TRUE(software.bank(kBank).read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::PF]);
  software.bank(kBank).write(all_faults());
  EXPECT_TRUE(board.quiet());
  EXPECT_EQ(board.context_fault(kBank).rises(), 1U);
}

TEST(BoardV2, HasALineForEachBankAndEachCounterGroup) {
  BoardV2 board(SmmuV2Config::mmu500_zynqmp());
  EXPECT_EQ(board.context_fault_lines(), 16U);
  EXPECT_FALSE(board.context_fault(15).up());
  EXPECT_FALSE(board.counter_group(5).up());
}

TEST(BoardV2, LetsTheSmmuSeeOtherMemory) {
  emulator::Ram others;
  ASSERT_TRUE(others.add(Pa(0x4000'0000), 1 << 20));
  BoardV2 board(BoardV2::Options{.smmu_memory = &others});
  const Pa page = board.allocate(4096);
  EXPECT_EQ(board.device(kStream).write64(Iova(page.value), 0x1234).bytes, 8U);
  EXPECT_EQ(load(others, page), 0x1234U);
  EXPECT_EQ(load(board.memory(), page), 0U);
}

}  // namespace
}  // namespace smmu::testing::board_test
