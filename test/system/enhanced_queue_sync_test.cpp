// CMD_SYNCs of several Command queues (IHI 0070, 3.5.6.1 and 4.7.3).
#include <functional>

#include "test/system/enhanced_queue.h"

namespace smmu::testing::enhanced_queue_sync_test {
namespace {

using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);
constexpr Pa kDevice(0x1000'0000);
constexpr std::uint32_t kEnable = EnhancedQueue::kEnable;

class AdversarialQueues : public EnhancedQueues {
 protected:
  AdversarialQueues() : EnhancedQueues(adversarial()) {}
  static Board::Options adversarial() {
    Board::Options options;
    options.config.caching.policy = emulator::CachePolicy::kAdversarial;
    return options;
  }
};

// 3.5.6.1: a CMD_SYNC is about the commands of its own queue.
TEST_F(AdversarialQueues, AreSynchronizedEachForItself) {
  PageTable table = board_.page_table();
  const Pa page = board_.allocate(4096);
  const Pa other = board_.allocate(4096);
  table.map(kAddress, page, 4096);
  board_.attach(kStream, table);
  const DmaDevice device = board_.device(kStream);
  EnhancedQueue first = this->queue(0, 1);
  EnhancedQueue second = this->queue(1, 2);
  const auto sync = command<CMD_SYNC>();
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();

  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
  table.map(kAddress, other, 4096);
  first.submit(tlbi);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
  second.submit(sync);
  board_.submit(sync);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
  first.submit(sync);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(other));

  table.map(kAddress, page, 4096);
  board_.submit(tlbi);
  first.submit(sync);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(other));
  board_.submit(sync);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page));
}

// 4.7.3: CMD_SYNCs of several queues that all find an access in flight.
class SyncsInFlight : public EnhancedQueues {
 protected:
  class Register final : public emulator::DeviceRegion {
   public:
    BusResponse read(std::uint64_t, std::span<std::byte>) override {
      if (during) during();
      return BusResponse::kOkay;
    }
    BusResponse write(std::uint64_t, std::span<const std::byte>) override {
      return BusResponse::kAbort;
    }
    std::function<void()> during;
  };
  void SetUp() override {
    ASSERT_TRUE(board_.memory().add_device(kDevice, 4096, register_));
    table_.map(kAddress, kDevice, 4096);
    board_.attach(kStream, table_);
  }
  // Does it while an access goes on.
  void during_access(const std::function<void()>& program) {
    register_.during = program;
    std::byte bytes[4];
    EXPECT_EQ(board_.device(kStream).read(kAddress, bytes).bytes, 4U);
    register_.during = {};
  }

  Register register_;
  PageTable table_ = board_.page_table();
};

TEST_F(SyncsInFlight, EndWhenTheAccessDoes) {
  EnhancedQueue first = this->queue(0, 1);
  EnhancedQueue second = this->queue(1, 2);
  const auto tlbi = command<CMD_TLBI_NSNH_ALL>();
  const auto sync = command<CMD_SYNC>();
  during_access([&] {
    first.submit(tlbi, sync);
    board_.submit(tlbi, sync);
    second.submit(tlbi, sync, tlbi);
    EXPECT_FALSE(first.idle());
    EXPECT_FALSE(second.idle());
    EXPECT_FALSE(board_.idle());
    // What is no CMD_SYNC has been done.
    EXPECT_EQ(second.cons() & 0xf'ffff, 1U);
  });
  EXPECT_TRUE(first.idle());
  EXPECT_TRUE(second.idle());
  EXPECT_TRUE(board_.idle());
}

TEST_F(SyncsInFlight, LetOthersGoOn) {
  EnhancedQueue waiting = this->queue(0, 1);
  EnhancedQueue other = this->queue(1, 2);
  during_access([&] {
    waiting.submit(command<CMD_SYNC>());
    EXPECT_FALSE(waiting.idle());
    other.submit(command<CMD_TLBI_NSNH_ALL>());
    EXPECT_TRUE(other.idle());
    other.submit(illegal());
    EXPECT_TRUE(other.in_error());
    board_.submit(command<CMD_TLBI_NSNH_ALL>());
    EXPECT_TRUE(board_.idle());
  });
  EXPECT_TRUE(waiting.idle());
}

TEST_F(SyncsInFlight, AreGivenUpWithTheirQueue) {
  EnhancedQueue first = this->queue(0, 1);
  EnhancedQueue second = this->queue(1, 2);
  EnhancedQueue third = this->queue(1, 3);
  during_access([&] {
    first.submit(command<CMD_SYNC>());   // the accesses are marked for this one
    second.submit(command<CMD_SYNC>());  // its turn comes later
    third.submit(command<CMD_SYNC>());
    first.disable();
    EXPECT_EQ(first.cons(), 0U);
    // One that waited is replaced by what cannot be.
    store(board_.memory(), third.entry(0), illegal());
    third.ring();
  });
  EXPECT_FALSE(first.idle());
  EXPECT_TRUE(second.idle());
  EXPECT_TRUE(third.in_error());
  first.write32(0x8, first.prod() | kEnable);
  EXPECT_TRUE(first.idle());
}

// What was waited for is not waited for again by a queue that comes later.
TEST_F(SyncsInFlight, DoNotHoldUpWhatComesAfter) {
  EnhancedQueue first = this->queue(0, 1);
  EnhancedQueue second = this->queue(1, 2);
  during_access([&] {
    first.submit(command<CMD_SYNC>());
    second.submit(command<CMD_SYNC>());
  });
  for (unsigned i = 0; i != 3; ++i) {
    during_access([&] {
      first.submit(command<CMD_SYNC>());
      second.submit(command<CMD_TLBI_NSNH_ALL>());
      EXPECT_TRUE(second.idle()) << i;
    });
    EXPECT_TRUE(first.idle()) << i;
  }
}

}  // namespace
}  // namespace smmu::testing::enhanced_queue_sync_test
