// Drivers on threads of their own, each with an Enhanced Command queue of its own, while devices
// make accesses (IHI 0070, 3.5.6 and 4.7.3).
#include <atomic>
#include <chrono>
#include <ostream>
#include <thread>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::enhanced_queue_concurrency_test {
namespace {

using emulator::CachePolicy;
using v3::CMD_CFGI_STE;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NH_ASID;

constexpr Iova kAddress(0x40'0000);
constexpr std::uint32_t kEnable = 1U << 31;
constexpr unsigned kDrivers = 3;

// A stream, its tables, and the queue by which its driver invalidates.
struct Driver {
  StreamId stream;
  Asid asid;
  std::unique_ptr<PageTable> table;
  Pa pages[2];
  std::uint32_t registers;
  Pa queue;
  std::uint32_t produced = 0;
};

class EnhancedQueueConcurrency : public ::testing::TestWithParam<CachePolicy> {
 protected:
  static constexpr unsigned kLog2Queue = 3;

  EnhancedQueueConcurrency() : board_(with(GetParam())) {
    board_.bring_up();
    for (unsigned i = 0; i != kDrivers; ++i) {
      Driver& driver = drivers_[i];
      driver.stream = StreamId(i);
      driver.asid = Asid(static_cast<std::uint16_t>(i + 1));
      driver.table = std::make_unique<PageTable>(board_.page_table());
      for (Pa& page : driver.pages) page = board_.allocate(4096);
      driver.table->map(kAddress, driver.pages[0], 4096);
      board_.attach(driver.stream, *driver.table, driver.asid);
      driver.queue = board_.allocate(16 << kLog2Queue, 4096);
      // Queue i of page i % 2.
      driver.registers = 0x10'0000 + (i % 2) * 0x1'0000 + i * 0x1000;
      board_.smmu().write64(driver.registers, driver.queue.value | kLog2Queue);
      board_.smmu().write32(driver.registers + 8, kEnable);
    }
  }
  static Board::Options with(CachePolicy policy) {
    Board::Options options;
    options.config.caching.policy = policy;
    return options;
  }
  template <class C>
  void put(Driver& driver, const C& command) {
    const std::uint64_t at =
        driver.queue.value + 16 * std::uint64_t{driver.produced & ((1U << kLog2Queue) - 1)};
    store(board_.memory(), Pa(at), command.word(0));
    store(board_.memory(), Pa(at + 8), command.word(1));
    driver.produced = (driver.produced + 1) & ((2U << kLog2Queue) - 1);
  }
  // False: a CMD_SYNC was forgotten.
  bool invalidate(Driver& driver) {
    put(driver, command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, driver.stream.value));
    put(driver, command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, driver.asid.value));
    put(driver, command<CMD_SYNC>());
    auto& smmu = board_.smmu();
    smmu.write32(driver.registers + 8, driver.produced | kEnable);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (smmu.read32(driver.registers + 0xc) != (driver.produced | kEnable)) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Board board_;
  Driver drivers_[kDrivers];
};

TEST_P(EnhancedQueueConcurrency, EachDriverSeesWhatItInvalidates) {
  constexpr unsigned kRounds = 50;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> forgotten{0};
  std::atomic<unsigned> stale{0};
  std::vector<DmaDevice> busy;
  std::vector<DmaDevice> own;
  for (const Driver& driver : drivers_) {
    busy.push_back(board_.device(driver.stream));
    own.push_back(board_.device(driver.stream));
  }
  std::vector<std::thread> devices;
  for (const DmaDevice& device : busy) {
    devices.emplace_back([&stop, device] {
      while (!stop.load()) device.write64(Iova(kAddress.value + 8), 1);
    });
  }
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != kDrivers; ++i) {
    threads.emplace_back([&, i] {
      Driver& driver = drivers_[i];
      for (unsigned round = 1; round <= kRounds; ++round) {
        const Pa page = driver.pages[round % 2];
        driver.table->map(kAddress, page, 4096);
        if (!invalidate(driver)) {
          ++forgotten;
          return;
        }
        const auto outcome = own[i].translate(kAddress);
        const auto* translation = std::get_if<emulator::Translation>(&outcome);
        if (translation == nullptr || translation->pa != page) ++stale;
      }
    });
  }
  // And the Command queue meanwhile.
  for (unsigned round = 0; round != kRounds; ++round) board_.submit(command<CMD_SYNC>());
  for (auto& thread : threads) thread.join();
  stop.store(true);
  for (auto& device : devices) device.join();
  EXPECT_EQ(forgotten.load(), 0U);
  EXPECT_EQ(stale.load(), 0U);
  EXPECT_TRUE(board_.idle());
}

// Queues are enabled and disabled while others are at work.
TEST_P(EnhancedQueueConcurrency, QueuesComeAndGo) {
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (Driver& driver : drivers_) {
    threads.emplace_back([&] {
      auto& smmu = board_.smmu();
      for (unsigned round = 0; round != 200; ++round) {
        if (!invalidate(driver)) ++wrong;
        smmu.write32(driver.registers + 8, driver.produced);
        while ((smmu.read32(driver.registers + 0xc) & kEnable) != 0) std::this_thread::yield();
        smmu.write32(driver.registers + 8, driver.produced | kEnable);
        while ((smmu.read32(driver.registers + 0xc) & kEnable) == 0) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0U);
  for (const Driver& driver : drivers_) {
    board_.smmu().write32(driver.registers + 8, driver.produced);
  }
  board_.smmu().write(v3::SMMU_CR0());
  board_.smmu().write(v3::SMMU_CR1(0xfff));
  EXPECT_EQ(board_.smmu().read<v3::SMMU_CR1>().raw(), 0xfffU);
}

INSTANTIATE_TEST_SUITE_P(Policies, EnhancedQueueConcurrency,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial));

}  // namespace
}  // namespace smmu::testing::enhanced_queue_concurrency_test
