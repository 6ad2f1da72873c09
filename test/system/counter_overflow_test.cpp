// Counters that overflow: status, interrupts, messages and captures (IHI 0070, 10.2.1).
#include <functional>
#include <vector>

#include "smmu/arch/v3/control_registers.h"
#include "test/system/counter_driver.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::counter_overflow_test {
namespace {

using emulator::CounterGroupConfig;
using emulator::Pace;
using emulator::SmmuV3Config;
using v3::MonitorEvent;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_EVTYPERn;
using v3::SMMU_PMCG_IRQ_CFG0;
using v3::SMMU_PMCG_IRQ_CFG1;
using v3::SMMU_PMCG_IRQ_CTRL;
using v3::SMMU_PMCG_IRQ_CTRLACK;
using v3::SMMU_PMCG_IRQ_STATUS;
using v3::SMMU_PMCG_SCR;

constexpr std::uint64_t kLast = ~std::uint64_t{0};

class Overflow : public ::testing::Test {
 protected:
  explicit Overflow(const SmmuV3Config& config = counted()) : board_({.config = config}) {
    counters_.count(0, MonitorEvent::kTransaction);
  }
  emulator::CounterGroup& group() { return board_.smmu().counter_group(0); }
  void send(unsigned times = 1) {
    while (times-- != 0) device_.translate(Iova(0));
  }
  void overflow(std::uint32_t n = 0) {
    counters_.set(n, kLast);
    send();
  }
  unsigned pulses() { return board_.counter_line.count(); }
  bool aborted() { return group().read<SMMU_PMCG_IRQ_STATUS>()[SMMU_PMCG_IRQ_STATUS::IRQ_ABT]; }
  void message(Pa address, std::uint32_t data) {
    group().write(SMMU_PMCG_IRQ_CFG0().set(SMMU_PMCG_IRQ_CFG0::ADDR, address.value));
    group().write(SMMU_PMCG_IRQ_CFG1().set(SMMU_PMCG_IRQ_CFG1::DATA, data));
  }

  Board board_;
  DmaDevice device_ = board_.device(StreamId(1));
  CounterDriver counters_{group()};
};

TEST_F(Overflow, WrapsAndGoesOn) {
  counters_.set(0, kLast - 1);
  send();
  EXPECT_EQ(counters_.value(0), kLast);
  EXPECT_EQ(counters_.overflown(), 0U);
  send();
  EXPECT_EQ(counters_.value(0), 0U);
  EXPECT_EQ(counters_.overflown(), 1U);
  send();
  EXPECT_EQ(counters_.value(0), 1U);
  counters_.clear_overflow(0);
  EXPECT_EQ(counters_.overflown(), 0U);
}

TEST(CountersOfEverySize, WrapAtTheirEnd) {  // 10.5.2.1
  using CounterSize = SMMU_PMCG_CFGR::CounterSize;
  for (const CounterSize size :
       {CounterSize::k32Bits, CounterSize::k36Bits, CounterSize::k40Bits, CounterSize::k44Bits,
        CounterSize::k48Bits, CounterSize::k64Bits}) {
    auto one = CounterGroupConfig::everything();
    one.cfgr.set(SMMU_PMCG_CFGR::SIZE, size);
    Board board({.config = counted(SmmuV3Config::everything(), one)});
    Mmio& group = board.smmu().counter_group(0);
    CounterDriver counters(group);
    counters.count(5, MonitorEvent::kTransaction);
    const bool wide = size != CounterSize::k32Bits;
    const std::uint32_t offset = CounterDriver::kPage1 + 5 * (wide ? 8 : 4);
    const auto read = [&] { return wide ? group.read64(offset) : group.read32(offset); };
    if (wide) {
      group.write64(offset, kLast);
    } else {
      group.write32(offset, ~std::uint32_t{0});
    }
    EXPECT_EQ(read(), kLast >> (63 - static_cast<unsigned>(size)));
    board.device(StreamId(1)).translate(Iova(0));
    EXPECT_EQ(read(), 0U);
    EXPECT_EQ(counters.overflown(), CounterDriver::bit(5));
  }
}

// An access to one half does not disturb the other.
TEST_F(Overflow, IsReachedByHalves) {
  const std::uint32_t offset = CounterDriver::kPage1;
  group().write32(offset, 0xffff'ffff);
  group().write32(offset + 4, 0x12);
  send();
  EXPECT_EQ(group().read32(offset), 0U);
  EXPECT_EQ(group().read32(offset + 4), 0x13U);
  EXPECT_EQ(counters_.overflown(), 0U);
}

TEST_F(Overflow, InterruptsIfBothEnablesAreSet) {  // 10.5.2.7, 10.5.2.19
  overflow();
  EXPECT_EQ(pulses(), 0U);
  counters_.interrupt_on(0);
  overflow();
  EXPECT_EQ(pulses(), 0U);
  counters_.enable_interrupt(true);
  EXPECT_TRUE(group().read<SMMU_PMCG_IRQ_CTRLACK>()[SMMU_PMCG_IRQ_CTRLACK::IRQEN]);
  EXPECT_EQ(pulses(), 0U);  // what was before is past
  overflow();
  EXPECT_EQ(pulses(), 1U);
  // Whatever OVS says.
  overflow();
  EXPECT_EQ(pulses(), 2U);
  counters_.count(1, MonitorEvent::kTransaction);
  overflow(1);
  EXPECT_EQ(pulses(), 2U);
  group().write64(v3::SMMU_PMCG_INTENCLR0::kOffset, 1);
  overflow();
  EXPECT_EQ(pulses(), 2U);
}

TEST_F(Overflow, SetBySoftwareHasNoOtherEffect) {  // 10.5.2.10
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  group().write64(CounterDriver::kPage1 + v3::SMMU_PMCG_OVSSET0::kOffset, 1);
  EXPECT_EQ(counters_.overflown(), 1U);
  EXPECT_EQ(pulses(), 0U);
}

TEST_F(Overflow, IsSeenByWhoeverIsInterrupted) {  // 10.2.1
  counters_.configure(0,
                      SMMU_PMCG_EVTYPERn()
                          .set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTransaction)
                          .set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, true)
                          .set(SMMU_PMCG_EVTYPERn::OVFCAP, true),
                      CounterDriver::kEveryStream);
  counters_.count(1, MonitorEvent::kTransaction);
  counters_.set(1, 41);
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  unsigned seen = 0;
  board_.counter_line.on_pulse([&] {
    ++seen;
    EXPECT_EQ(counters_.overflown(), 1U);
    EXPECT_EQ(counters_.value(0), 0U);
    EXPECT_EQ(counters_.shadow(0), 0U);  // after the overflow
    EXPECT_EQ(counters_.shadow(1), 42U);
  });
  overflow();
  EXPECT_EQ(seen, 1U);
}

TEST_F(Overflow, CapturesIfItIsTold) {  // OVFCAP
  counters_.count(1, MonitorEvent::kTransaction);
  overflow();
  EXPECT_EQ(counters_.shadow(1), 0U);
  counters_.capture();
  EXPECT_EQ(counters_.shadow(0), 0U);
  EXPECT_EQ(counters_.shadow(1), 1U);
  send();
  EXPECT_EQ(counters_.shadow(1), 1U);
  // A write of 0 is nothing, and it reads 0.
  group().write32(CounterDriver::kPage1 + v3::SMMU_PMCG_CAPR::kOffset, ~std::uint32_t{1});
  EXPECT_EQ(counters_.shadow(1), 1U);
  EXPECT_EQ(group().read32(CounterDriver::kPage1 + v3::SMMU_PMCG_CAPR::kOffset), 0U);
}

TEST(OverflowWithoutCapture, HasNoShadows) {  // CFGR.CAPTURE 0
  auto one = CounterGroupConfig::everything();
  one.cfgr.set(SMMU_PMCG_CFGR::CAPTURE, false);
  Board board({.config = counted(SmmuV3Config::everything(), one)});
  CounterDriver counters(board.smmu().counter_group(0));
  counters.configure(0,
                     SMMU_PMCG_EVTYPERn()
                         .set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTransaction)
                         .set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, true)
                         .set(SMMU_PMCG_EVTYPERn::OVFCAP, true),
                     CounterDriver::kEveryStream);
  counters.count(1, MonitorEvent::kTransaction);
  counters.set(0, kLast);
  board.device(StreamId(1)).translate(Iova(0));
  counters.capture();
  EXPECT_EQ(counters.value(1), 1U);
  EXPECT_EQ(counters.shadow(1), 0U);
}

TEST_F(Overflow, SendsAMessage) {  // 10.5.2.21
  const Pa doorbell = board_.allocate(4096);
  message(doorbell, 0x1234'5678);
  counters_.interrupt_on(0);
  overflow();
  EXPECT_EQ(load(board_.memory(), doorbell), 0U);
  counters_.enable_interrupt(true);
  overflow();
  EXPECT_EQ(load(board_.memory(), doorbell), 0x1234'5678U);
  EXPECT_EQ(pulses(), 1U);
  EXPECT_FALSE(aborted());
}

TEST_F(Overflow, SaysThatAMessageAborted) {  // 10.5.2.24
  message(Pa(0x10), 1);                      // nothing is there
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  overflow();
  EXPECT_TRUE(aborted());
  counters_.enable_interrupt(false);
  EXPECT_TRUE(aborted());
  counters_.enable_interrupt(true);
  EXPECT_FALSE(aborted());
  overflow();
  counters_.enable_interrupt(true);  // it is already
  EXPECT_TRUE(aborted());
  EXPECT_EQ(pulses(), 2U);
}

TEST(OverflowOfAnSmmuV30, HasNoStatusOfItsMessages) {  // 10.5.2.24
  auto one = CounterGroupConfig::everything();
  one.aidr = v3::SMMU_PMCG_AIDR(0);
  Board board({.config = counted(SmmuV3Config::everything(), one)});
  Mmio& group = board.smmu().counter_group(0);
  CounterDriver counters(group);
  group.write(SMMU_PMCG_IRQ_CFG0().set(SMMU_PMCG_IRQ_CFG0::ADDR, 0x10));
  counters.count(0, MonitorEvent::kTransaction);
  counters.interrupt_on(0);
  counters.enable_interrupt(true);
  counters.set(0, kLast);
  board.device(StreamId(1)).translate(Iova(0));
  EXPECT_EQ(board.counter_line.count(), 1U);
  EXPECT_EQ(group.read32(SMMU_PMCG_IRQ_STATUS::kOffset), 0U);
}

TEST(MessagesOfCounters, GoToTheSpaceThatIsTheirs) {  // 10.6
  TwoSpaces board(counted());
  auto& group = board.smmu().counter_group(0);
  CounterDriver counters(group.secure());
  const Pa doorbell = board.non_secure().allocate(4096);
  const auto in = [&](SecurityState space) { return load(board.memory(space), doorbell); };
  counters.count(0, MonitorEvent::kTransaction);
  counters.interrupt_on(0);
  struct {
    bool nsmsi;
    bool nsra;
    SecurityState space;
  } const cases[] = {{true, true, SecurityState::kNonSecure},
                     {false, true, SecurityState::kNonSecure},
                     {true, false, SecurityState::kNonSecure},
                     {false, false, SecurityState::kSecure}};
  std::uint32_t data = 0;
  for (const auto& one : cases) {
    group.secure().write(
        SMMU_PMCG_SCR().set(SMMU_PMCG_SCR::NSMSI, one.nsmsi).set(SMMU_PMCG_SCR::NSRA, one.nsra));
    counters.enable_interrupt(false);
    group.secure().write(SMMU_PMCG_IRQ_CFG0().set(SMMU_PMCG_IRQ_CFG0::ADDR, doorbell.value));
    group.secure().write(SMMU_PMCG_IRQ_CFG1().set(SMMU_PMCG_IRQ_CFG1::DATA, ++data));
    counters.enable_interrupt(true);
    const auto other =
        one.space == SecurityState::kSecure ? SecurityState::kNonSecure : SecurityState::kSecure;
    const std::uint64_t before = in(other);
    counters.set(0, kLast);
    board.non_secure().device(StreamId(1)).translate(Iova(0));
    EXPECT_EQ(in(one.space), data);
    EXPECT_EQ(in(other), before);
  }
}

TEST_F(Overflow, IsEndedByItsHandler) {
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  std::vector<bool> acknowledged;
  board_.counter_line.on_pulse([&] {
    counters_.clear_overflow(0);
    counters_.enable_interrupt(false);
    // It is being delivered.
    acknowledged.push_back(!group().read<SMMU_PMCG_IRQ_CTRLACK>()[SMMU_PMCG_IRQ_CTRLACK::IRQEN]);
  });
  overflow();
  EXPECT_THAT(acknowledged, ::testing::ElementsAre(false));
  EXPECT_FALSE(group().read<SMMU_PMCG_IRQ_CTRLACK>()[SMMU_PMCG_IRQ_CTRLACK::IRQEN]);
  overflow();
  EXPECT_EQ(pulses(), 1U);
}

TEST_F(Overflow, MayBeCausedByItsHandler) {
  const DmaDevice other = board_.device(StreamId(2));
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  unsigned depth = 0;
  unsigned deepest = 0;
  board_.counter_line.on_pulse([&] {
    deepest = std::max(deepest, ++depth);
    if (pulses() < 100) {
      counters_.set(0, kLast);
      other.translate(Iova(0));
    }
    --depth;
  });
  overflow();
  EXPECT_EQ(pulses(), 100U);
  EXPECT_EQ(deepest, 1U);
}

// A guest whose handler never comes to an end does not keep the device.
TEST_F(Overflow, ForEverEndsAllTheSame) {
  const DmaDevice other = board_.device(StreamId(2));
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  board_.counter_line.on_pulse([&] {
    counters_.set(0, kLast);
    other.translate(Iova(0));
  });
  overflow();
  EXPECT_GE(pulses(), 1000U);
}

class SteppedOverflow : public Overflow {
 protected:
  static SmmuV3Config stepped() {
    auto config = counted();
    config.pace = Pace::kStepped;
    return config;
  }
  SteppedOverflow() : Overflow(stepped()) {}
  bool acknowledged() {
    return group().read<SMMU_PMCG_IRQ_CTRLACK>()[SMMU_PMCG_IRQ_CTRLACK::IRQEN];
  }
};

TEST_F(SteppedOverflow, IsDeliveredAndAcknowledgedBySteps) {
  counters_.interrupt_on(0);
  counters_.enable_interrupt(true);
  EXPECT_TRUE(group().read<SMMU_PMCG_IRQ_CTRL>()[SMMU_PMCG_IRQ_CTRL::IRQEN]);
  EXPECT_FALSE(acknowledged());
  overflow();
  EXPECT_EQ(board_.smmu().step(1), 1U);
  EXPECT_TRUE(acknowledged());
  EXPECT_EQ(board_.smmu().step(1), 0U);
  EXPECT_EQ(pulses(), 0U);  // that was before
  overflow();
  EXPECT_EQ(counters_.overflown(), 1U);
  EXPECT_EQ(pulses(), 0U);
  counters_.enable_interrupt(false);
  EXPECT_EQ(board_.smmu().step(1), 1U);
  EXPECT_EQ(pulses(), 1U);
  EXPECT_TRUE(acknowledged());
  EXPECT_EQ(board_.smmu().step(1), 1U);
  EXPECT_FALSE(acknowledged());
  EXPECT_EQ(board_.smmu().step(1), 0U);
}

TEST_F(SteppedOverflow, OfTheClockComesWithTheCycle) {
  counters_.count(3, MonitorEvent::kClockCycle);
  counters_.interrupt_on(3);
  counters_.enable_interrupt(true);
  board_.settle();
  counters_.set(3, kLast);
  board_.smmu().write(v3::SMMU_CR0().set(v3::SMMU_CR0::EVENTQEN, true));
  EXPECT_EQ(board_.smmu().step(1), 1U);
  EXPECT_EQ(counters_.overflown(), CounterDriver::bit(3));
  EXPECT_EQ(board_.smmu().step(5), 1U);
  EXPECT_EQ(pulses(), 1U);
  EXPECT_EQ(counters_.value(3), 1U);  // the delivery
}

TEST(CounterLines, AreOneForEachGroup) {
  emulator::Ram ram;
  RecordingLine line;
  auto config = counted(counted(counted()));
  auto made =
      emulator::SmmuV3::create(config, {.memory = &ram, .counter_groups = {nullptr, &line}});
  ASSERT_TRUE(made);
  emulator::Port& port = (*made)->add_port();
  for (std::size_t n = 0; n != 3; ++n) {
    CounterDriver counters((*made)->counter_group(n));
    counters.count(0, MonitorEvent::kTransaction);
    counters.interrupt_on(0);
    counters.enable_interrupt(true);
    counters.set(0, kLast);
    port.translate({.stream = StreamId(1), .address = Iova(0)});
    EXPECT_EQ(counters.overflown(), 1U) << n;
    counters.enable(false);
    EXPECT_EQ(line.count(), n == 0 ? 0U : 1U) << n;
  }
}

}  // namespace
}  // namespace smmu::testing::counter_overflow_test
