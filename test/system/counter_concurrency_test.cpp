// Counters while ports work on several threads (IHI 0070, 10.2 and 10.5.2.1).
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "test/system/counter_driver.h"
#include "test/system/stalling_stream.h"

namespace smmu::testing::counter_concurrency_test {
namespace {

using emulator::SmmuV3;
using emulator::SmmuV3Config;
using v3::MonitorEvent;

constexpr unsigned kDevices = 3;
constexpr unsigned kRounds = 200;

class CountingThreads : public ::testing::Test {
 protected:
  CountingThreads() {
    board_.bring_up();
    table_.map(Iova(0), board_.allocate(kPages * 4096), kPages * 4096);
    for (std::uint32_t i = 0; i != kDevices; ++i) {
      board_.attach(StreamId(i), table_, Asid(static_cast<std::uint16_t>(i)));
      devices_.push_back(board_.device(StreamId(i)));
    }
  }
  // Each device on its own thread, while `beside` goes on on this one.  Returns
  // how many transactions each has made.
  template <class Beside>
  std::vector<std::uint64_t> run(Beside&& beside) {
    std::atomic<bool> stop{false};
    std::vector<std::uint64_t> made(kDevices);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i != kDevices; ++i) {
      threads.emplace_back([&, i] {
        do {
          devices_[i].translate(Iova(4096 * (made[i] % kPages)));
        } while (++made[i] < kPages || !stop.load());
      });
    }
    beside();
    stop = true;
    for (auto& thread : threads) thread.join();
    return made;
  }

  static constexpr std::uint64_t kPages = 64;

  Board board_{{.config = counted()}};
  PageTable table_ = board_.page_table();
  std::vector<DmaDevice> devices_;
  CounterDriver counters_{board_.smmu().counter_group(0)};
};

TEST_F(CountingThreads, LoseNothingAndMixNothingUp) {
  counters_.count(10, MonitorEvent::kTransaction);
  for (std::uint32_t i = 0; i != kDevices; ++i) {
    counters_.count(i, MonitorEvent::kTransaction, StreamId(i));
    counters_.count(20 + i, MonitorEvent::kTlbMiss, StreamId(i));
    counters_.count(30 + i, MonitorEvent::kTableWalkAccess, StreamId(i));
    counters_.count(40 + i, MonitorEvent::kConfigurationCacheMiss, StreamId(i));
  }
  const auto made = run([&] {
    for (unsigned round = 0; round != kRounds; ++round) {
      counters_.capture();
      EXPECT_GE(counters_.value(10), counters_.shadow(10));
      board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    }
  });
  EXPECT_EQ(counters_.value(10), std::accumulate(made.begin(), made.end(), std::uint64_t{0}));
  for (std::uint32_t i = 0; i != kDevices; ++i) {
    EXPECT_EQ(counters_.value(i), made[i]);
    EXPECT_GE(counters_.value(20 + i), kPages);
    EXPECT_EQ(counters_.value(30 + i), 4 * counters_.value(20 + i));
    EXPECT_EQ(counters_.value(40 + i), 1U);
  }
}

// A capture is of one moment: what is counted together is captured together.
TEST_F(CountingThreads, AreCapturedAtOneMoment) {
  counters_.count(0, MonitorEvent::kTransaction);
  counters_.count(1, MonitorEvent::kTransaction);
  run([&] {
    for (unsigned round = 0; round != kRounds; ++round) {
      counters_.capture();
      const std::uint64_t first = counters_.shadow(0);
      EXPECT_EQ(counters_.shadow(1), first);
    }
  });
}

// 10.5.2.19: once the disabling is acknowledged, nothing comes any more.
TEST_F(CountingThreads, AreSilentOnceTheInterruptIsDisabled) {
  std::atomic<bool> silent{false};
  std::atomic<unsigned> late{0};
  std::atomic<unsigned> pulses{0};
  board_.counter_line.on_pulse([&] {
    ++pulses;
    if (silent.load()) ++late;
  });
  counters_.count(0, MonitorEvent::kTransaction);
  counters_.interrupt_on(0);
  auto& group = board_.smmu().counter_group(0);
  run([&] {
    for (unsigned round = 0; round != kRounds; ++round) {
      const unsigned before = pulses.load();
      silent = false;
      counters_.enable_interrupt(true);
      do {
        counters_.set(0, ~std::uint64_t{0});
      } while (pulses.load() == before);
      counters_.enable_interrupt(false);
      while (group.read32(v3::SMMU_PMCG_IRQ_CTRLACK::kOffset) != 0) std::this_thread::yield();
      silent = true;
      for (unsigned i = 0; i != 20; ++i) counters_.set(0, ~std::uint64_t{0});
    }
  });
  EXPECT_GE(pulses.load(), kRounds);
  EXPECT_EQ(late.load(), 0U);
}

}  // namespace
}  // namespace smmu::testing::counter_concurrency_test
