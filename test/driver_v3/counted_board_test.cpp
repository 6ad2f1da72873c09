// Counters of what devices really do on the model (IHI 0070, chapter 10).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "smmu/iommu/performance_counters.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::counted_board_test {
namespace {

using emulator::CounterGroupConfig;
using emulator::SmmuV3Config;
using iommu::CounterFilter;
using iommu::kReadWrite;
using iommu::PerformanceCounters;
using ::testing::ElementsAre;
using v3::MonitorEvent;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_IRQ_CTRLACK;

DrivenBoard::Options counted(const CounterGroupConfig& group) {
  DrivenBoard::Options options;
  options.config.counter_groups.push_back(group);
  return options;
}

CounterGroupConfig of_size(SMMU_PMCG_CFGR::CounterSize size) {
  CounterGroupConfig group = CounterGroupConfig::everything();
  group.cfgr.set(SMMU_PMCG_CFGR::SIZE, size);
  return group;
}

class Overflows final : public iommu::CounterOverflowHandler {
 public:
  void on_overflow(unsigned counter) override { counters.push_back(counter); }
  std::vector<unsigned> counters;
};

class CountedBoard : public ::testing::Test {
 protected:
  explicit CountedBoard(const CounterGroupConfig& group = CounterGroupConfig::everything())
      : board(counted(group)),
        page(board.allocate(4096)),
        domain(board.domain()),
        made(PerformanceCounters::create(
            {.registers = &registers(), .clock = &clock, .handler = &overflows})),
        counters(made ? **made : no_counters()) {
    board.connect_counters(&counters.overflow_line());
    EXPECT_TRUE(domain->map(Iova(0x1000), page, 4096, kReadWrite | iommu::Prot::kCache));
    EXPECT_TRUE(board.add(StreamId(9)).group().attach(*domain));
  }
  ~CountedBoard() override { board.connect_counters(nullptr); }
  static PerformanceCounters& no_counters() {
    ADD_FAILURE() << "there are no counters";
    std::abort();
  }
  emulator::CounterGroup& registers() { return board.smmu().counter_group(0); }
  void count(unsigned n, const iommu::CounterConfig& config) {
    ASSERT_TRUE(counters.configure(n, config));
    ASSERT_TRUE(counters.enable(n));
  }
  void send(StreamId stream, unsigned times = 1) {
    const DmaDevice device = board.device(stream);
    for (; times != 0; --times) device.translate(Iova(0x1000));
  }

  DrivenBoard board;
  const Pa page;
  std::unique_ptr<iommu::Domain> domain;
  HostClock clock;
  Overflows overflows;
  Result<std::unique_ptr<PerformanceCounters>, std::errc> made;
  PerformanceCounters& counters;
};

TEST_F(CountedBoard, CountsTranslationsOfTheStreamsThatAreAskedFor) {
  count(0, {.filter = CounterFilter::only(StreamId(9))});
  count(1, {.filter = {.stream = StreamId(8), .low_bits = 2}});
  count(2, {});
  count(3, {.event = MonitorEvent::kTlbMiss, .filter = CounterFilter::only(StreamId(9))});
  count(4, {.event = MonitorEvent::kTableWalkAccess, .filter = CounterFilter::only(StreamId(9))});
  send(StreamId(9), 5);
  send(StreamId(11), 3);
  send(StreamId(12), 2);
  EXPECT_EQ(*counters.read(0), 5U);
  EXPECT_EQ(*counters.read(1), 8U);
  EXPECT_EQ(*counters.read(2), 10U);
  EXPECT_GT(*counters.read(3), 0U);
  EXPECT_EQ(*counters.read(4), 4 * *counters.read(3)) << "a walk reads a descriptor a level";
  const std::uint64_t misses = *counters.read(3);
  EXPECT_EQ(domain->unmap(Iova(0x1000), 4096), 4096U);
  send(StreamId(9));
  EXPECT_GT(*counters.read(3), misses) << "what was unmapped is looked for again";
}

TEST_F(CountedBoard, CountsWhileItIsOnAndNotWhileItIsOff) {
  count(0, {});
  send(StreamId(9));
  ASSERT_TRUE(counters.disable(0));
  send(StreamId(9));
  EXPECT_EQ(*counters.read(0), 1U);
  ASSERT_TRUE(counters.enable(0));
  send(StreamId(9));
  counters.set_counting(PerformanceCounters::Counting::kOff);
  send(StreamId(9), 4);
  EXPECT_EQ(*counters.read(0), 2U);
  counters.set_counting(PerformanceCounters::Counting::kOn);
  send(StreamId(9));
  EXPECT_EQ(*counters.read(0), 3U);
  count(0, {});
  EXPECT_EQ(*counters.read(0), 0U) << "it begins anew";
}

TEST_F(CountedBoard, AnOverflowIsToldOnceAndCountingGoesOn) {
  count(2, {.overflow_after = 3, .interrupts = true});
  count(5, {.overflow_after = 3});
  send(StreamId(9), 2);
  EXPECT_THAT(overflows.counters, ElementsAre());
  send(StreamId(9), 4);
  EXPECT_THAT(overflows.counters, ElementsAre(2));
  EXPECT_EQ(*counters.read(2), 6U);
  EXPECT_EQ(*counters.read(5), 6U);
  // Anew, from what a handler might do.
  count(2, {.overflow_after = 1, .interrupts = true});
  send(StreamId(9));
  EXPECT_THAT(overflows.counters, ElementsAre(2, 2));
}

TEST_F(CountedBoard, CapturesAllAtOnceWhenAskedOrByAnOverflow) {
  count(0, {});
  count(1, {.overflow_after = 4, .captures = true});
  send(StreamId(9), 2);
  ASSERT_TRUE(counters.capture());
  send(StreamId(9));
  EXPECT_EQ(*counters.captured(0), 2U);
  EXPECT_EQ(*counters.captured(1), 2U);
  send(StreamId(9), 3);
  EXPECT_EQ(*counters.captured(0), 4U);
  EXPECT_EQ(*counters.captured(1), 4U);
  EXPECT_EQ(*counters.read(0), 6U);
}

TEST_F(CountedBoard, AResetLeavesNothingCounting) {
  count(0, {.overflow_after = 1, .interrupts = true});
  ASSERT_TRUE(counters.reset());
  send(StreamId(9), 3);
  EXPECT_EQ(counters.read(0).error(), std::errc::invalid_argument);
  EXPECT_THAT(overflows.counters, ElementsAre());
  count(0, {.overflow_after = 2, .interrupts = true});
  send(StreamId(9), 3);
  EXPECT_THAT(overflows.counters, ElementsAre(0));
}

TEST_F(CountedBoard, WhenTheyAreGoneTheGroupIsAtRest) {
  count(0, {.overflow_after = 2, .interrupts = true});
  board.connect_counters(nullptr);
  made->reset();
  send(StreamId(9), 3);
  EXPECT_EQ(registers().read<v3::SMMU_PMCG_CNTENSET0>().raw(), 0U);
  EXPECT_EQ(registers().read<v3::SMMU_PMCG_INTENSET0>().raw(), 0U);
  EXPECT_FALSE(registers().read<SMMU_PMCG_IRQ_CTRLACK>()[SMMU_PMCG_IRQ_CTRLACK::IRQEN]);
  EXPECT_EQ(registers().read64(0x1'0000 + v3::SMMU_PMCG_OVSSET0::kOffset), 0U);
}

class CountedOfSize : public ::testing::TestWithParam<SMMU_PMCG_CFGR::CounterSize> {};

TEST_P(CountedOfSize, CountsBeyondWhatACounterHolds) {
  DrivenBoard board(counted(of_size(GetParam())));
  HostClock clock;
  auto counters =
      PerformanceCounters::create({.registers = &board.smmu().counter_group(0), .clock = &clock});
  ASSERT_TRUE(counters);
  EXPECT_EQ((*counters)->bits(), static_cast<unsigned>(GetParam()) + 1);
  ASSERT_TRUE((*counters)->configure(7, {.overflow_after = 2}));
  ASSERT_TRUE((*counters)->enable(7));
  const DmaDevice device = board.device(StreamId(1));
  for (std::uint64_t i = 1; i != 6; ++i) {
    device.translate(Iova(0));
    EXPECT_EQ(*(*counters)->read(7), i);
  }
}

INSTANTIATE_TEST_SUITE_P(Counters, CountedOfSize,
                         ::testing::Values(SMMU_PMCG_CFGR::CounterSize::k32Bits,
                                           SMMU_PMCG_CFGR::CounterSize::k36Bits,
                                           SMMU_PMCG_CFGR::CounterSize::k64Bits));

TEST(CountedMessages, ReachMemoryAndOnesThatDoNotAreKnown) {
  DrivenBoard board(counted(CounterGroupConfig::everything()));
  const Pa word = board.allocate(4096);
  HostClock clock;
  for (const Pa address : {word, Pa(0x10)}) {
    auto counters =
        PerformanceCounters::create({.registers = &board.smmu().counter_group(0),
                                     .clock = &clock,
                                     .overflow_message = {{.address = address, .data = 0x1234}}});
    ASSERT_TRUE(counters);
    ASSERT_TRUE((*counters)->configure(0, {.overflow_after = 1, .interrupts = true}));
    ASSERT_TRUE((*counters)->enable(0));
    EXPECT_FALSE((*counters)->message_was_aborted());
    board.device(StreamId(1)).translate(Iova(0));
    EXPECT_EQ((*counters)->message_was_aborted(), address != word);
  }
  std::array<std::byte, 4> bytes{};
  EXPECT_EQ(board.memory().read(word, bytes), BusResponse::kOkay);
  EXPECT_EQ(bytes[0], std::byte{0x34});
  EXPECT_EQ(bytes[1], std::byte{0x12});
}

// Every overflow is told, and none twice, whoever finds it.
TEST(CountedThreads, NoEventAndNoOverflowIsLost) {
  class Count final : public iommu::CounterOverflowHandler {
   public:
    void on_overflow(unsigned) override {
      ++times;
      // A handler may do what others are doing.
      EXPECT_TRUE(counters->configure(1, {.overflow_after = 50, .interrupts = true}));
      EXPECT_TRUE(counters->enable(1));
    }
    PerformanceCounters* counters = nullptr;
    std::atomic<unsigned> times{0};
  };
  DrivenBoard board(counted(of_size(SMMU_PMCG_CFGR::CounterSize::k32Bits)));
  HostClock clock;
  Count handler;
  auto made = PerformanceCounters::create(
      {.registers = &board.smmu().counter_group(0), .clock = &clock, .handler = &handler});
  ASSERT_TRUE(made);
  PerformanceCounters& counters = **made;
  handler.counters = &counters;
  board.connect_counters(&counters.overflow_line());
  ASSERT_TRUE(counters.configure(0, {.overflow_after = 100}));
  ASSERT_TRUE(counters.configure(1, {.overflow_after = 50, .interrupts = true}));
  ASSERT_TRUE(counters.enable(0));
  ASSERT_TRUE(counters.enable(1));
  constexpr unsigned kEach = 500;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i != 3; ++i) {
    emulator::Port& port = board.add_port();
    threads.emplace_back([&port, i] {
      const DmaDevice device(port, StreamId(i));
      for (unsigned n = 0; n != kEach; ++n) device.translate(Iova(0));
    });
  }
  threads.emplace_back([&counters] {
    std::uint64_t last = 0;
    for (int i = 0; i != 300; ++i) {
      const auto now = counters.read(0);
      EXPECT_GE(*now, last);
      last = *now;
      EXPECT_TRUE(counters.read(1));
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(*counters.read(0), 3 * kEach);
  EXPECT_GT(handler.times, 1U);
  EXPECT_LE(handler.times, 3 * kEach / 50);
  board.connect_counters(nullptr);
}

}  // namespace
}  // namespace smmu::testing::counted_board_test
