// Enhanced Command queues of the Secure interface (IHI 0070, 3.5.6, 6.3.52 and
// 6.3.91 to 6.3.94).
#include "test/system/enhanced_queue.h"

namespace smmu::testing::secure_enhanced_queue_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV3Config;
using ::testing::Not;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CMD_TLBI_SNH_ALL;
using v3::SMMU_S_IDR0;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);
constexpr std::uint32_t kCommandPageError = 1U << 9;  // of SMMU_S_GERROR
constexpr SecurityState kSecure = SecurityState::kSecure;

class SecureEnhancedQueues : public EnhancedQueues {
 protected:
  SecureEnhancedQueues() : EnhancedQueues({.config = adversarial()}) { secure_.bring_up(); }
  static SmmuV3Config adversarial() {
    SmmuV3Config config = SmmuV3Config::everything();
    config.caching.policy = CachePolicy::kAdversarial;
    return config;
  }
  EnhancedQueue secure_queue(unsigned number) {
    EnhancedQueue queue(board_, 0, number, 4, kSecure);
    queue.enable();
    return queue;
  }
  Mmio& registers() { return smmu().secure(); }
  // A translation in the caches, and none in memory.
  DmaDevice cached(Board& driver) {
    PageTable table = driver.page_table();
    table.map(kAddress, driver.allocate(4096), 4096);
    driver.attach(kStream, table);
    const DmaDevice device = driver.device(kStream);
    EXPECT_THAT(device.translate(kAddress), Not(Aborts()));
    table.unmap(kAddress);
    EXPECT_THAT(device.translate(kAddress), Not(Aborts()));
    return device;
  }

  Board secure_ = Board::secure(board_);
};

TEST_F(SecureEnhancedQueues, HaveAPageThatNonSecureSoftwareDoesNotSee) {
  EXPECT_EQ(registers().read32(0x8190), 0x0002'0000U);  // one page of four queues
  const std::uint64_t page = registers().read64(0xc000);
  EXPECT_EQ(page & 0xffff, 0b011U);
  EXPECT_EQ(registers().read64(0xc008), 0x1'0000'0001U);
  EXPECT_EQ(registers().read64(0xc020), 0U);  // there is no second
  EXPECT_NE(page, smmu().read64(0x4000));
  for (const std::uint32_t offset : {0x8190U, 0xc000U, 0xc008U, 0xc00cU}) {
    EXPECT_EQ(smmu().read32(offset), 0U);
  }
  std::uint32_t found = 0;
  for (std::uint32_t offset = 0; offset != 0x1'0000; offset += 4) {
    const auto at = static_cast<std::uint32_t>(page & ~std::uint64_t{0xffff}) + offset;
    smmu().write32(at, 0x1'2341);
    ASSERT_EQ(registers().read32(at), 0U);
    registers().write32(at, 0x1'2341);
    ASSERT_EQ(registers().read32(at) != 0, (offset & 0x3fff) < 0x10) << std::hex << offset;
    ASSERT_EQ(smmu().read32(at), 0U);
    found += registers().read32(at) != 0;
  }
  EXPECT_EQ(found, 16U);
}

TEST_F(SecureEnhancedQueues, TakeSecureCommands) {
  const DmaDevice device = cached(secure_);
  EnhancedQueue queue = secure_queue(3);
  queue.submit(command<CMD_TLBI_SNH_ALL>());
  EXPECT_TRUE(queue.idle());
  EXPECT_THAT(device.translate(kAddress), Not(Aborts()));  // as long as it may
  queue.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
  EXPECT_TRUE(queue.idle());
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(board_.secure_sync_line.count(), 1U);
  EXPECT_EQ(board_.sync_line.count(), 0U);
}

TEST_F(SecureEnhancedQueues, ActOnNonSecureTranslationsToo) {  // 3.10.2.1
  const DmaDevice device = cached(board_);
  EnhancedQueue queue = secure_queue(0);
  // Somebody else's queue is another.
  EnhancedQueue other = this->queue(1, 5);
  other.submit(command<CMD_SYNC>());
  queue.submit(command<CMD_TLBI_NSNH_ALL>(), command<CMD_SYNC>());
  EXPECT_TRUE(queue.idle());
  EXPECT_THAT(device.translate(kAddress), Aborts());
}

TEST_F(SecureEnhancedQueues, HaveErrorsOfTheirOwn) {  // 3.5.6.3
  EnhancedQueue queue = secure_queue(1);
  EnhancedQueue other = secure_queue(2);
  queue.submit(illegal());
  EXPECT_TRUE(queue.in_error());
  EXPECT_EQ(queue.reason(), static_cast<unsigned>(v3::CommandError::CERROR_ILL));
  EXPECT_EQ(registers().read32(0x8060), kCommandPageError);
  EXPECT_FALSE(active(~0U));
  EXPECT_EQ(board_.secure_error_line.count(), 1U);
  EXPECT_EQ(board_.error_line.count(), 0U);
  other.submit(command<CMD_SYNC>());
  EXPECT_TRUE(other.idle());
  secure_.submit_and_sync();
  EXPECT_TRUE(secure_.idle());
  // What is Non-secure is no command here, and the other way round.
  EnhancedQueue non_secure = this->queue(0, 1);
  non_secure.submit(command<CMD_TLBI_SNH_ALL>());
  EXPECT_TRUE(non_secure.in_error());
}

TEST(SecureEnhancedQueue, IsAbsentWithItsFeature) {  // 6.3.52
  auto config = SmmuV3Config::everything();
  config.s_idr0.set(SMMU_S_IDR0::ECMDQ, false);
  config.s_idr6 = {};
  Board board({.config = config});
  Mmio& registers = board.smmu().secure();
  for (const std::uint32_t offset : {0x8190U, 0xc000U, 0xc004U, 0xc008U, 0xc00cU}) {
    EXPECT_EQ(registers.read32(offset), 0U);
  }
  registers.write32(0x8064, kCommandPageError);
  EXPECT_EQ(registers.read32(0x8064), 0U);
  registers.write32(0x110'0008, 1);
  EXPECT_EQ(registers.read32(0x110'0008), 0U);
}

}  // namespace
}  // namespace smmu::testing::secure_enhanced_queue_test
