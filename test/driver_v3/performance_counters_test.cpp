// What is written to a counter group, and in which order; what is made of one that answers late,
// never, or with nonsense (IHI 0070, chapter 10).
#include "smmu/iommu/performance_counters.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "smmu/emulator/counter_group.h"
#include "test/driver_v3/counting_clock.h"

namespace smmu::testing::performance_counters_test {
namespace {

using emulator::CounterGroupConfig;
using iommu::CounterConfig;
using iommu::CounterFilter;
using iommu::PerformanceCounters;
using iommu::PerformanceCountersConfig;
using ::testing::ElementsAre;
using v3::MonitorEvent;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_IRQ_CTRL;
using v3::SMMU_PMCG_IRQ_CTRLACK;

constexpr std::uint32_t kPage1 = 0x1'0000;

std::string register_name(std::uint32_t offset) {
  const std::pair<std::uint32_t, const char*> names[] = {
      {v3::SMMU_PMCG_EVTYPERn::offset(0), "EVTYPER0"},
      {v3::SMMU_PMCG_EVTYPERn::offset(3), "EVTYPER3"},
      {v3::SMMU_PMCG_SMRn::offset(0), "SMR0"},
      {v3::SMMU_PMCG_SMRn::offset(3), "SMR3"},
      {v3::SMMU_PMCG_CNTENSET0::kOffset, "CNTENSET0"},
      {v3::SMMU_PMCG_CNTENCLR0::kOffset, "CNTENCLR0"},
      {v3::SMMU_PMCG_INTENSET0::kOffset, "INTENSET0"},
      {v3::SMMU_PMCG_INTENCLR0::kOffset, "INTENCLR0"},
      {v3::SMMU_PMCG_CR::kOffset, "CR"},
      {v3::SMMU_PMCG_IRQ_CTRL::kOffset, "IRQ_CTRL"},
      {v3::SMMU_PMCG_IRQ_CFG0::kOffset, "IRQ_CFG0"},
      {v3::SMMU_PMCG_IRQ_CFG1::kOffset, "IRQ_CFG1"},
      {v3::SMMU_PMCG_IRQ_CFG2::kOffset, "IRQ_CFG2"},
      {kPage1 + v3::SMMU_PMCG_EVCNTRn_64::offset(0), "EVCNTR0"},
      {kPage1 + v3::SMMU_PMCG_EVCNTRn_64::offset(3), "EVCNTR3"},
      {kPage1 + v3::SMMU_PMCG_OVSCLR0::kOffset, "OVSCLR0"},
      {kPage1 + v3::SMMU_PMCG_CAPR::kOffset, "CAPR"},
  };
  for (const auto& [place, name] : names) {
    if (place == offset) return name;
  }
  return fmt::format("{:#x}", offset);
}

// Registers that keep what is written to them, and acknowledge.
class ScriptedGroup final : public Mmio {
 public:
  explicit ScriptedGroup(const CounterGroupConfig& config) {
    words[SMMU_PMCG_CFGR::kOffset] = config.cfgr.raw();
    words[v3::SMMU_PMCG_CEID0::kOffset] = 0x7f;
    words[v3::SMMU_PMCG_CEID1::kOffset + 4] = 0x8000'0000;
  }
  std::uint32_t read32(std::uint32_t offset) override {
    if (on_read) on_read(offset);
    return words[offset];
  }
  std::uint64_t read64(std::uint32_t offset) override {
    const std::uint64_t low = read32(offset);
    return low | std::uint64_t{read32(offset + 4)} << 32;
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    story_.push_back(fmt::format("{} = {:#x}", register_name(offset), value));
    words[offset] = value;
    if (offset == SMMU_PMCG_IRQ_CTRL::kOffset && acknowledges)
      words[SMMU_PMCG_IRQ_CTRLACK::kOffset] = value;
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    story_.push_back(fmt::format("{} = {:#x}", register_name(offset), value));
    words[offset] = static_cast<std::uint32_t>(value);
    words[offset + 4] = static_cast<std::uint32_t>(value >> 32);
  }
  // What was written since the last call.
  std::vector<std::string> story() { return std::exchange(story_, {}); }

  bool acknowledges = true;
  std::function<void(std::uint32_t offset)> on_read;
  std::map<std::uint32_t, std::uint32_t> words;

 private:
  std::vector<std::string> story_;
};

class CounterOrder : public ::testing::Test {
 protected:
  std::unique_ptr<PerformanceCounters> create() {
    auto made = PerformanceCounters::create(config);
    EXPECT_TRUE(made.has_value());
    return made ? *std::move(made) : nullptr;
  }

  CounterGroupConfig group_config = CounterGroupConfig::everything();
  ScriptedGroup group{group_config};
  CountingClock clock;
  PerformanceCountersConfig config{.registers = &group, .clock = &clock};
};

TEST_F(CounterOrder, AGroupIsAtRestWhileItsMessageIsSet) {  // 10.5.2.19, 10.5.2.21
  config.overflow_message = {.address = Pa(0x5000), .data = 0x77};
  auto counters = create();
  EXPECT_THAT(group.story(),
              ElementsAre("CR = 0x0", "CNTENCLR0 = 0xffffffffffffffff",
                          "INTENCLR0 = 0xffffffffffffffff", "IRQ_CTRL = 0x0",
                          "OVSCLR0 = 0xffffffffffffffff", "IRQ_CFG0 = 0x0", "IRQ_CFG0 = 0x5000",
                          "IRQ_CFG1 = 0x77", "IRQ_CFG2 = 0x1", "IRQ_CTRL = 0x1", "CR = 0x1"));
  counters.reset();
  EXPECT_THAT(group.story(), ElementsAre("CR = 0x0", "CNTENCLR0 = 0xffffffffffffffff",
                                         "INTENCLR0 = 0xffffffffffffffff", "IRQ_CTRL = 0x0",
                                         "OVSCLR0 = 0xffffffffffffffff"));
}

TEST_F(CounterOrder, ACounterIsOffWhileItIsConfigured) {
  auto counters = create();
  group.story();
  ASSERT_TRUE(counters->configure(3, {.event = MonitorEvent::kTlbMiss,
                                      .filter = {.stream = StreamId(0x1234), .low_bits = 4},
                                      .overflow_after = 16,
                                      .interrupts = true,
                                      .captures = true}));
  EXPECT_THAT(
      group.story(),
      ElementsAre("CNTENCLR0 = 0x8", "INTENCLR0 = 0x8", "EVTYPER3 = 0xa0000002", "SMR3 = 0x1237",
                  "EVCNTR3 = 0xfffffffffffffff0", "OVSCLR0 = 0x8", "INTENSET0 = 0x8"));
  ASSERT_TRUE(counters->enable(3));
  EXPECT_THAT(group.story(), ElementsAre("CNTENSET0 = 0x8"));
  ASSERT_TRUE(counters->disable(3));
  EXPECT_THAT(group.story(), ElementsAre("CNTENCLR0 = 0x8"));
  counters->set_counting(PerformanceCounters::Counting::kOff);
  EXPECT_THAT(group.story(), ElementsAre("CR = 0x0"));
  ASSERT_TRUE(counters->capture());
  EXPECT_THAT(group.story(), ElementsAre("CAPR = 0x1"));
}

TEST_F(CounterOrder, FiltersAreOneStreamASpanOrAll) {  // 10.4
  auto counters = create();
  const auto filter_of = [&](const CounterFilter& filter) {
    EXPECT_TRUE(counters->configure(0, {.filter = filter}));
    const bool span = v3::SMMU_PMCG_EVTYPERn(
        group.words[v3::SMMU_PMCG_EVTYPERn::offset(0)])[v3::SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN];
    return std::pair(span, group.words[v3::SMMU_PMCG_SMRn::offset(0)]);
  };
  EXPECT_EQ(filter_of({}), std::pair(true, 0xffff'ffffU));
  EXPECT_EQ(filter_of(CounterFilter::only(StreamId(0xffff'ffff))), std::pair(false, 0xffff'ffffU));
  EXPECT_EQ(filter_of({.stream = StreamId(0x17), .low_bits = 1}), std::pair(true, 0x16U));
  EXPECT_EQ(filter_of({.stream = StreamId(0x17), .low_bits = 3}), std::pair(true, 0x13U));
  EXPECT_EQ(filter_of({.stream = StreamId(0), .low_bits = 31}), std::pair(true, 0x3fff'ffffU));
}

TEST_F(CounterOrder, OneFilterForAllChangesWhileNoneIsEnabled) {  // 10.4
  group.words[SMMU_PMCG_CFGR::kOffset] |=
      SMMU_PMCG_CFGR().set(SMMU_PMCG_CFGR::SID_FILTER_TYPE, true).raw();
  auto counters = create();
  ASSERT_TRUE(counters->has_one_filter());
  ASSERT_TRUE(counters->configure(0, {.filter = CounterFilter::only(StreamId(5))}));
  ASSERT_TRUE(counters->configure(
      3, {.event = MonitorEvent::kTlbMiss, .filter = CounterFilter::only(StreamId(6))}));
  group.story();
  ASSERT_TRUE(counters->enable(3));
  EXPECT_THAT(group.story(), ElementsAre("EVTYPER0 = 0x1", "SMR0 = 0x6", "CNTENSET0 = 0x8"));
  EXPECT_EQ(counters->enable(0).error(), std::errc::device_or_resource_busy);
  EXPECT_THAT(group.story(), ElementsAre());
  ASSERT_TRUE(counters->configure(0, {.event = MonitorEvent::kTlbMiss}));
  EXPECT_EQ(group.words[v3::SMMU_PMCG_SMRn::offset(0)], 6U) << "the filter of counter 3";
  ASSERT_TRUE(counters->disable(3));
  group.story();
  ASSERT_TRUE(counters->enable(0));
  EXPECT_THAT(group.story(),
              ElementsAre("EVTYPER0 = 0x20000002", "SMR0 = 0xffffffff", "CNTENSET0 = 0x1"));
  EXPECT_EQ(counters->enable(3).error(), std::errc::device_or_resource_busy);
}

TEST_F(CounterOrder, WhatCannotBeIsRefusedAndWritesNothing) {
  group.words[SMMU_PMCG_CFGR::kOffset] =
      SMMU_PMCG_CFGR()
          .set(SMMU_PMCG_CFGR::NCTR, 3)
          .set(SMMU_PMCG_CFGR::SIZE, SMMU_PMCG_CFGR::CounterSize::k36Bits)
          .raw();
  auto counters = create();
  EXPECT_EQ(counters->count(), 4U);
  EXPECT_EQ(counters->bits(), 36U);
  group.story();
  EXPECT_EQ(counters->configure(4, {}).error(), std::errc::invalid_argument);
  EXPECT_EQ(counters->configure(0, {.filter = {.low_bits = 33}}).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(counters->configure(0, {.overflow_after = (std::uint64_t{1} << 36) + 1}).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(counters->configure(0, {.event = MonitorEvent::kAtsTranslated}).error(),
            std::errc::operation_not_supported);
  EXPECT_EQ(counters->configure(0, {.captures = true}).error(), std::errc::operation_not_supported);
  for (const unsigned n : {0U, 4U, ~0U}) {
    EXPECT_EQ(counters->enable(n).error(), std::errc::invalid_argument);
    EXPECT_EQ(counters->read(n).error(), std::errc::invalid_argument);
  }
  EXPECT_EQ(counters->disable(4).error(), std::errc::invalid_argument);
  EXPECT_EQ(counters->captured(4).error(), std::errc::invalid_argument);
  EXPECT_EQ(counters->captured(0).error(), std::errc::operation_not_supported);
  EXPECT_EQ(counters->capture().error(), std::errc::operation_not_supported);
  EXPECT_THAT(group.story(), ElementsAre());
  EXPECT_TRUE(counters->counts(static_cast<MonitorEvent>(127)));
  EXPECT_FALSE(counters->counts(static_cast<MonitorEvent>(126)));
  EXPECT_TRUE(counters->counts(static_cast<MonitorEvent>(0x80)));
}

TEST_F(CounterOrder, AGroupThatIsNoneIsRefused) {
  const auto refused = [&] {
    const auto made = PerformanceCounters::create(config);
    return made ? std::errc{} : made.error();
  };
  const auto good = config;
  config.overflow_message = {.address = Pa(0x5002)};
  EXPECT_EQ(refused(), std::errc::invalid_argument);
  config = good;
  config.clock = nullptr;
  EXPECT_EQ(refused(), std::errc::invalid_argument);
  config = good;
  config.page1 = 0x1'0008;
  EXPECT_EQ(refused(), std::errc::invalid_argument);
  config = good;
  group.words[SMMU_PMCG_CFGR::kOffset] = 0;
  EXPECT_EQ(refused(), std::errc::operation_not_supported);
  group.words[SMMU_PMCG_CFGR::kOffset] = SMMU_PMCG_CFGR(31U << 8).raw();
  config.overflow_message = {.address = Pa(0x5000)};
  EXPECT_EQ(refused(), std::errc::operation_not_supported) << "it sends no messages";
  EXPECT_THAT(group.story(), ElementsAre());
  config = good;
  group.acknowledges = false;
  group.words[SMMU_PMCG_IRQ_CTRLACK::kOffset] = 1;
  EXPECT_EQ(refused(), std::errc::timed_out);
  EXPECT_LT(clock.now(), 3 * config.timeout);
}

TEST_F(CounterOrder, ACarryBetweenTheHalvesOfACounterIsSeen) {
  auto counters = create();
  ASSERT_TRUE(counters->configure(3, {}));
  const std::uint32_t low = kPage1 + v3::SMMU_PMCG_EVCNTRn_64::offset(3);
  group.words[low] = 0xffff'ffff;
  group.words[low + 4] = 6;
  group.on_read = [&](std::uint32_t offset) {
    if (offset == low && group.words[low] == 0xffff'ffff) {
      group.words[low] = 0;
      group.words[low + 4] = 7;
    }
  };
  EXPECT_EQ(*counters->read(3), 0x7'0000'0000U);
  // One that never agrees with itself.
  group.on_read = [&](std::uint32_t offset) { ++group.words[offset]; };
  EXPECT_TRUE(counters->read(3));
}

TEST_F(CounterOrder, AWrapThatIsSeenBetweenValueAndStatusIsCountedOnce) {
  auto counters = create();
  ASSERT_TRUE(counters->configure(3, {.overflow_after = 2}));
  const std::uint32_t low = kPage1 + v3::SMMU_PMCG_EVCNTRn_64::offset(3);
  const std::uint32_t status = kPage1 + v3::SMMU_PMCG_OVSSET0::kOffset;
  // Two events, after the value was read and before the status is.
  group.on_read = [&](std::uint32_t offset) {
    if (offset != status || group.words[low] == 0) return;
    group.words[low] = group.words[low + 4] = 0;
    group.words[status] = 1U << 3;
  };
  EXPECT_EQ(*counters->read(3), 2U);
  group.on_read = nullptr;
  group.words[status] = 0;
  EXPECT_EQ(*counters->read(3), 2U);
}

// Calls itself back as often as it is asked.
class Repeater final : public iommu::CounterOverflowHandler {
 public:
  void on_overflow(unsigned counter) override {
    ++times;
    EXPECT_TRUE(counters->read(counter));
  }
  PerformanceCounters* counters = nullptr;
  unsigned times = 0;
};

TEST_F(CounterOrder, AGroupThatInterruptsForEverDoesNotHoldAThread) {
  Repeater handler;
  config.handler = &handler;
  auto counters = create();
  handler.counters = counters.get();
  ASSERT_TRUE(counters->configure(0, {.interrupts = true}));
  group.on_read = [&](std::uint32_t offset) {
    group.words[kPage1 + v3::SMMU_PMCG_OVSSET0::kOffset] = 1;
    if (offset == kPage1 + v3::SMMU_PMCG_OVSSET0::kOffset) counters->overflow_line().pulse();
  };
  counters->overflow_line().pulse();
  EXPECT_GT(handler.times, 0U);
  EXPECT_LT(handler.times, 20U);
}

TEST_F(CounterOrder, RegistersOfAnyBitsAreSurvived) {
  std::mt19937 random(7);
  for (int round = 0; round != 300; ++round) {
    ScriptedGroup any(group_config);
    any.on_read = [&](std::uint32_t offset) {
      if (offset != SMMU_PMCG_IRQ_CTRLACK::kOffset)
        any.words[offset] = static_cast<std::uint32_t>(random());
    };
    auto made = PerformanceCounters::create({.registers = &any, .clock = &clock});
    if (!made) continue;
    const unsigned n = (*made)->count() - 1;
    (void)(*made)->configure(n, {.interrupts = true});
    (void)(*made)->enable(n);
    (void)(*made)->read(n);
    (void)(*made)->capture();
    (void)(*made)->captured(n);
    (*made)->overflow_line().pulse();
    EXPECT_LE(n, 63U);
  }
}

}  // namespace
}  // namespace smmu::testing::performance_counters_test
