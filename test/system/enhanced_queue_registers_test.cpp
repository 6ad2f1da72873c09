// The registers of Enhanced Command queues, and of the pages they are on (IHI 0070, 6.2.5, 6.3.45,
// 6.3.49 to 6.3.51 and 6.3.107 to 6.3.109).
#include <utility>

#include "smmu/arch/v3/identification_registers.h"
#include "test/system/enhanced_queue.h"

namespace smmu::testing::enhanced_queue_registers_test {
namespace {

using emulator::SmmuV3Config;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::SMMU_CR0;
using v3::SMMU_CR1;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR1;
using v3::SMMU_IDR6;

constexpr std::uint32_t kEnable = EnhancedQueue::kEnable;
constexpr std::uint32_t kCommandPageError = 1U << 9;

TEST_F(EnhancedQueues, AreFoundByTheRegistersOfTheirPages) {  // 6.3.49 to 6.3.51
  EXPECT_EQ(smmu().read32(0x4) >> 31, 1U);
  EXPECT_EQ(smmu().read32(0x190), 0x0104'0000U);  // two pages of 16 queues
  const std::uint64_t first = smmu().read64(0x4000);
  EXPECT_EQ(first & 0xffff, 0b011U);  // in registers, of 64 KiB
  EXPECT_EQ(smmu().read64(0x4020), first + 0x1'0000);
  for (const std::uint32_t page : {0x4000U, 0x4020U}) {
    EXPECT_EQ(smmu().read32(page), static_cast<std::uint32_t>(smmu().read64(page)));
    EXPECT_EQ(smmu().read32(page + 4), 0U);
    EXPECT_EQ(smmu().read32(page + 8), 1U);
    EXPECT_EQ(smmu().read32(page + 0xc), 1U);
    for (std::uint32_t word = 0x10; word != 0x20; word += 4) {
      EXPECT_EQ(smmu().read32(page + word), 0U);
    }
    // All of it is read-only.
    smmu().write64(page, ~std::uint64_t{0});
    smmu().write64(page + 8, 0);
    EXPECT_EQ(smmu().read64(page + 8), 0x1'0000'0001U);
  }
  EXPECT_EQ(smmu().read64(0x4000), first);
  EXPECT_EQ(smmu().read64(0x4040), 0U);  // there is no third
  EXPECT_EQ(smmu().read64(0x4048), 0U);
  smmu().write32(0x190, 0);
  EXPECT_EQ(smmu().read32(0x190), 0x0104'0000U);
}

TEST_F(EnhancedQueues, AreSpreadEvenlyOverTheirPages) {  // 6.2.5
  for (const unsigned log2_queues : {0U, 3U, 8U}) {
    auto config = SmmuV3Config::everything();
    config.idr6.set(SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 0)
        .set(SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, log2_queues);
    Board board({.config = config});
    const auto page = static_cast<std::uint32_t>(board.smmu().read64(0x4000) & 0xffff'0000);
    std::uint32_t found = 0;
    for (std::uint32_t offset = 0; offset != 0x1'0000; offset += 4) {
      board.smmu().write32(page + offset, 0x1'2341);
      const bool is_register = board.smmu().read32(page + offset) != 0;
      const std::uint32_t within = offset & ((0x1'0000U >> log2_queues) - 1);
      ASSERT_EQ(is_register, within < 0x10) << std::hex << offset;
      found += is_register;
    }
    EXPECT_EQ(found, 4U << log2_queues);
    board.smmu().write32(page + 0x1'0008, 0x1'2341);
    EXPECT_EQ(board.smmu().read32(page + 0x1'0008), 0U);  // no second page
    EXPECT_EQ(board.smmu().read32(page - 8), 0U);
  }
}

TEST_F(EnhancedQueues, HaveTheRegistersOfTheManual) {  // 6.3.107 to 6.3.109
  EnhancedQueue queue(board_, 1, 3);
  const std::uint32_t at = queue.registers();
  EXPECT_EQ(smmu().read64(at), 0U);
  EXPECT_EQ(smmu().read64(at + 8), 0U);
  smmu().write64(at, ~std::uint64_t{0});
  EXPECT_EQ(smmu().read64(at), 0x40ff'ffff'ffff'ffffU);
  smmu().write32(at, 0x8000'0013);
  smmu().write32(at + 4, 0);
  EXPECT_EQ(smmu().read64(at), 0x8000'0013U);
  // ENACK is the SMMU's; PROD without EN.
  queue.write32(0xc, ~0U);
  EXPECT_EQ(queue.cons(), 0x078f'ffffU);
  queue.write32(0x8, ~kEnable);
  EXPECT_EQ(queue.prod(), 0x008f'ffffU);
  // RD reads 0 above its wrap bit, as that of SMMU_CMDQ_CONS.
  smmu().write32(at, 0x8000'0002);
  EXPECT_EQ(queue.cons(), 0x0780'0007U);
  for (const std::uint32_t misaligned : {1U, 2U, 3U, 5U, 9U, 0xaU, 0xdU}) {
    smmu().write32(at + misaligned, ~0U);
    EXPECT_EQ(smmu().read32(at + misaligned), 0U);
    EXPECT_EQ(smmu().read64(at + misaligned), 0U);
  }
  EXPECT_EQ(queue.cons(), 0x0780'0007U);
}

TEST_F(EnhancedQueues, AreReadOnlyWhileEnabled) {
  EnhancedQueue queue = this->queue(0, 0);
  const std::uint64_t base = smmu().read64(queue.registers());
  queue.write64(0, 0);
  queue.write32(0xc, 0x3);
  EXPECT_EQ(smmu().read64(queue.registers()), base);
  EXPECT_EQ(queue.cons(), kEnable);
  queue.disable();
  EXPECT_EQ(queue.cons(), 0U);
  queue.write32(0xc, 0x3);
  EXPECT_EQ(queue.cons(), 0x3U);
}

TEST_F(EnhancedQueues, KeepTheAttributesOfQueues) {  // 6.3.11: QUEUE_* are read-only
  smmu().write(SMMU_CR0());
  EnhancedQueue queue = this->queue(1, 15);
  smmu().write(SMMU_CR1(0xfff));
  EXPECT_EQ(smmu().read<SMMU_CR1>().raw(), 0xfc0U);
  queue.disable();
  smmu().write(SMMU_CR1(0xfff));
  EXPECT_EQ(smmu().read<SMMU_CR1>().raw(), 0xfffU);
}

TEST_F(EnhancedQueues, AreOffAfterAReset) {
  EnhancedQueue queue = this->queue(0, 1);
  queue.submit(illegal());
  smmu().reset(emulator::Reset::kWarm);
  EXPECT_EQ(queue.prod(), 0U);
  EXPECT_EQ(queue.cons(), 0U);
  smmu().write(SMMU_CR1(0xfff));
  EXPECT_EQ(smmu().read<SMMU_CR1>().raw(), 0xfffU);
  queue.enable();
  queue.submit(command<CMD_SYNC>());
  EXPECT_TRUE(queue.idle());
}

TEST(ManyEnhancedQueues, AreTwoToThe16AtMost) {  // 6.3.45
  auto config = SmmuV3Config::everything();
  config.idr6.set(SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 8)
      .set(SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 8);
  Board board({.config = config});
  board.bring_up();
  for (const auto& [page, number] : {std::pair{0U, 0U}, {255U, 255U}, {128U, 7U}}) {
    EnhancedQueue queue(board, page, number);
    queue.enable();
    queue.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
    EXPECT_TRUE(queue.idle()) << page;
  }
}

TEST(WithoutEnhancedQueues, TheirRegistersAreReserved) {  // 6.3.2, ECMDQ 0
  auto config = SmmuV3Config::everything();
  config.idr1.set(SMMU_IDR1::ECMDQ, false);
  config.idr6 = SMMU_IDR6();
  Board board({.config = config});
  auto& smmu = board.smmu();
  for (const std::uint32_t offset : {0x190U, 0x4000U, 0x4004U, 0x4008U, 0x400cU, 0x10'0008U}) {
    smmu.write32(offset, ~0U);
    EXPECT_EQ(smmu.read32(offset), 0U) << offset;
  }
  smmu.write(SMMU_GERRORN(kCommandPageError));
  EXPECT_EQ(smmu.read<SMMU_GERRORN>().raw(), 0U);
}

}  // namespace
}  // namespace smmu::testing::enhanced_queue_registers_test
