// What is suspended has no registers, whoever interrupts meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "smmu/arch/v3/page_requests.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/emulator/smmu_v3.h"
#include "smmu/testing/matchers.h"
#include "test/driver_v3/scripted_board.h"

namespace smmu::testing::suspend_test {
namespace {

using emulator::SmmuV3Config;
using iommu::DomainType;
using iommu::Fault;
using iommu::FaultAction;
using iommu::kReadWrite;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v3::SMMU_CR0;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;

constexpr StreamId kNic = StreamId(7);
constexpr Iova kPage = Iova(0x1000);

// Without power all reads give ones, and whoever accesses it is counted.
class Bus final : public Mmio {
 public:
  explicit Bus(Mmio& registers) : registers_(registers) {}

  std::uint32_t read32(std::uint32_t offset) override {
    return is_there() ? registers_.read32(offset) : ~std::uint32_t{0};
  }
  std::uint64_t read64(std::uint32_t offset) override {
    return is_there() ? registers_.read64(offset) : ~std::uint64_t{0};
  }
  void write32(std::uint32_t offset, std::uint32_t value) override {
    if (!is_there()) return;
    registers_.write32(offset, value);
    if (on_write) on_write(offset);
  }
  void write64(std::uint32_t offset, std::uint64_t value) override {
    if (is_there()) registers_.write64(offset, value);
  }

  void set_power(bool on) { on_.store(on); }
  unsigned accesses_without_power() const { return without_power_.load(); }
  std::function<void(std::uint32_t offset)> on_write;  // before the write returns

 private:
  bool is_there() {
    if (on_.load()) return true;
    ++without_power_;
    return false;
  }

  Mmio& registers_;
  std::atomic<bool> on_{true};
  std::atomic<unsigned> without_power_{0};
};

class Suspend : public ::testing::Test {
 protected:
  Suspend() {
    board.driver_config.registers = &bus;
    EXPECT_EQ(board.start(), "");
    device = &board.add({.streams = {{kNic}}});
    domain = board.domain();
    EXPECT_TRUE(device->group().attach(*domain));
    board.smmu.story();
  }

  // The driver goes before the bus.
  ~Suspend() override {
    domain.reset();
    board.iommu.reset();
  }

  void pulse_all() {
    board.driver->event_queue_line().pulse();
    board.driver->page_request_line().pulse();
    board.driver->global_error_line().pulse();
    board.driver->command_sync_line().pulse();
    board.driver->wake_up_line().pulse();
  }
  // One record of nothing in particular.
  template <class Produced>
  void produce() {
    board.smmu.set(Produced().set(Produced::WR, 1));
  }

  ScriptedBoard board;
  Bus bus{board.smmu};
  iommu::Device* device = nullptr;
  std::unique_ptr<iommu::Domain> domain;
};

TEST_F(Suspend, InterruptsThatComeLateAccessNothing) {
  ASSERT_TRUE(board.iommu->suspend());
  board.smmu.story();
  bus.set_power(false);
  pulse_all();
  domain->flush_all();
  EXPECT_TRUE(board.iommu->suspend()) << "it is already";
  pulse_all();
  EXPECT_EQ(bus.accesses_without_power(), 0U);
  EXPECT_THAT(board.log.sentences(), IsEmpty());

  bus.set_power(true);
  ASSERT_TRUE(board.iommu->resume());
  EXPECT_TRUE(board.smmu.get<SMMU_CR0>()[SMMU_CR0::SMMUEN]);
  produce<SMMU_EVENTQ_PROD>();
  pulse_all();
  EXPECT_EQ(board.smmu.get<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::RD], 1U);
}

TEST_F(Suspend, WhatEndsMeanwhileAccessesNothing) {
  ASSERT_TRUE(board.iommu->suspend());
  bus.set_power(false);
  domain.reset();
  board.iommu.reset();
  EXPECT_EQ(bus.accesses_without_power(), 0U);
}

TEST_F(Suspend, InterruptsAfterTheEndAccessNothing) {
  board.driver->shut_down();
  bus.set_power(false);
  pulse_all();
  board.driver->shut_down();
  EXPECT_EQ(bus.accesses_without_power(), 0U);
}

// As before resume(): the next one may find the SMMU in a better state.
TEST_F(Suspend, WhatDoesNotResumeStaysSuspended) {
  ASSERT_TRUE(board.iommu->suspend());
  board.smmu.consumes = false;
  const auto refused = board.iommu->resume();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), std::errc::timed_out);
  EXPECT_EQ(board.smmu.get<SMMU_CR0>().raw(), 0U);
  bus.set_power(false);
  pulse_all();
  domain->flush_all();
  EXPECT_EQ(bus.accesses_without_power(), 0U);
  bus.set_power(true);
  board.smmu.consumes = true;
  board.log.sentences();
  ASSERT_TRUE(board.iommu->resume());
  board.smmu.story();
  domain->flush_all();
  EXPECT_THAT(board.smmu.story(), ElementsAre("CMD_TLBI_NH_ASID", "CMD_SYNC"));
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

// What interrupts while an SMMU is brought up is served at the end.
TEST_F(Suspend, InterruptsOfAnSmmuThatComesBackAreServedWhenItIs) {
  ASSERT_TRUE(board.iommu->suspend());
  bool pulsed = false;
  bus.on_write = [&](std::uint32_t offset) {
    if (offset != v3::SMMU_IRQ_CTRL::kOffset || std::exchange(pulsed, true)) return;
    produce<SMMU_EVENTQ_PROD>();
    board.driver->event_queue_line().pulse();
    EXPECT_EQ(board.smmu.get<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::RD], 0U);
  };
  ASSERT_TRUE(board.iommu->resume());
  EXPECT_TRUE(pulsed);
  EXPECT_EQ(board.smmu.get<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::RD], 1U);
  bus.on_write = nullptr;
}

// A handler may wait for who suspends, and that one waits for the access.
TEST(Interrupts, FromInsideAnAccessAreServedAfterIt) {
  class Listener final : public iommu::DriverLog {
   public:
    void say(std::string_view) override {
      ++said;
      EXPECT_FALSE(inside);
    }
    unsigned said = 0;
    bool inside = false;
  };
  ScriptedBoard board;
  Bus bus(board.smmu);
  Listener log;
  board.driver_config.registers = &bus;
  board.driver_config.log = &log;
  ASSERT_EQ(board.start(), "");
  bus.on_write = [&](std::uint32_t offset) {
    if (offset != SMMU_EVENTQ_CONS::kOffset) return;
    board.smmu.set(v3::SMMU_PRIQ_PROD().set(v3::SMMU_PRIQ_PROD::WR, 1));
    log.inside = true;
    board.driver->page_request_line().pulse();
    log.inside = false;
  };
  board.smmu.set(SMMU_EVENTQ_PROD().set(SMMU_EVENTQ_PROD::WR, 1));
  board.driver->event_queue_line().pulse();
  EXPECT_EQ(log.said, 2U) << "of the event, and of the page request";
  EXPECT_EQ(board.smmu.get<v3::SMMU_PRIQ_CONS>()[v3::SMMU_PRIQ_CONS::RD], 1U);
  bus.on_write = nullptr;
  board.iommu.reset();
}

// 12.3: nothing is invalidated any more, so nothing may be translated.
TEST_F(Suspend, AnSmmuThatFailsWhileItComesBackStaysOff) {
  ASSERT_TRUE(board.iommu->suspend());
  ASSERT_TRUE(domain->map(kPage, Pa(0x4100'0000), 4096, kReadWrite));
  const auto expect_refusal = [this] {
    const auto refused = board.iommu->resume();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::timed_out);
    EXPECT_EQ(board.smmu.get<SMMU_CR0>().raw(), 0U);
    EXPECT_THAT(board.log.sentences(), ::testing::Contains(HasSubstr("Service Failure Mode")));
    EXPECT_LT(board.clock.now(), std::chrono::seconds(1)) << "nothing is waited for";
    board.smmu.set(SMMU_GERROR());
    board.smmu.set(v3::SMMU_GERRORN());
  };
  {
    SCOPED_TRACE("while a command is waited for");
    int reads = 0;
    board.smmu.consumes = false;
    board.smmu.consumer_index = [&]() -> std::uint32_t {
      if (++reads == 2) board.smmu.set(SMMU_GERROR(0x100));
      return 0;
    };
    expect_refusal();
    board.smmu.consumes = true;
    board.smmu.consumer_index = nullptr;
  }
  {
    SCOPED_TRACE("and the command has been carried out all the same");
    board.smmu.consumes = false;
    int reads = 0;
    board.smmu.consumer_index = [&]() -> std::uint32_t {
      if (++reads == 2) board.smmu.set(SMMU_GERROR(0x100));
      return reads > 2 ? 2 : 0;
    };
    expect_refusal();
    board.smmu.consumes = true;
    board.smmu.consumer_index = nullptr;
  }
  {
    SCOPED_TRACE("while nobody looks");
    board.smmu.on_sync = [this] { board.smmu.set(SMMU_GERROR(0x100)); };
    expect_refusal();
    board.smmu.on_sync = nullptr;
  }
  {
    SCOPED_TRACE("before");
    board.smmu.set(SMMU_GERROR(0x100));
    expect_refusal();
  }
  ASSERT_TRUE(board.iommu->resume());
  EXPECT_TRUE(board.smmu.get<SMMU_CR0>()[SMMU_CR0::SMMUEN]);
  board.smmu.story();
  EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
  EXPECT_THAT(board.smmu.story(), ElementsAre("CMD_TLBI_NH_VA", "CMD_SYNC"));
}

TEST(Start, AnSmmuThatFailsMeanwhileIsRefused) {
  ScriptedBoard board;
  board.smmu.on_sync = [&board] { board.smmu.set(SMMU_GERROR(0x100)); };
  EXPECT_THAT(board.start(), HasSubstr("failed"));
  EXPECT_EQ(board.smmu.get<SMMU_CR0>().raw(), 0U);
  EXPECT_EQ(board.pool().live(), 0U);
}

// An SMMU on a bus, and who interrupts.
class SuspendThreads : public ::testing::Test {
 protected:
  SuspendThreads() {
    EXPECT_TRUE(ram_.add(Pa(0x4000'0000), 64 << 20));
    auto pool = iommu::PagePool::create(ram_, Pa(0x4000'0000), 32 << 20);
    EXPECT_TRUE(pool);
    pool_ = *std::move(pool);
    auto made = emulator::SmmuV3::create(SmmuV3Config::everything(), {.memory = &ram_});
    EXPECT_TRUE(made);
    smmu = *std::move(made);
    bus = std::make_unique<Bus>(*smmu);
    auto driver_made = iommu::SmmuV3Driver::create(
        {.registers = bus.get(), .pool = pool_.get(), .clock = &clock_, .log = &log_});
    EXPECT_TRUE(driver_made);
    driver = driver_made->get();
    auto iommu_made = iommu::Iommu::create(*std::move(driver_made));
    EXPECT_TRUE(iommu_made);
    iommu = *std::move(iommu_made);
    device = *iommu->add_device({.streams = {{kNic}}});
    domain = *iommu->create_domain(DomainType::kUnmanaged);
  }

 private:
  emulator::Ram ram_;
  std::unique_ptr<iommu::PagePool> pool_;
  HostClock clock_;
  RecordingLog log_;

 public:
  std::unique_ptr<emulator::SmmuV3> smmu;
  std::unique_ptr<Bus> bus;
  iommu::SmmuV3Driver* driver = nullptr;
  std::unique_ptr<iommu::Iommu> iommu;
  iommu::Device* device = nullptr;
  std::unique_ptr<iommu::Domain> domain;
};

class Handler final : public iommu::FaultHandler {
 public:
  FaultAction on_fault(iommu::Domain&, iommu::Device*, const Fault&) override {
    ++faults;
    if (action) action();
    return FaultAction::kTerminate;
  }
  std::atomic<unsigned> faults{0};
  std::function<void()> action;
};

TEST_F(SuspendThreads, InterruptsOnAnotherOneAccessNothingWhileItIsSuspended) {
  Handler handler;
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(device->group().attach(*domain));
  DmaDevice nic(smmu->add_port(), kNic);
  std::atomic<bool> done{false};
  std::thread interrupts([&] {
    while (!done.load()) {
      driver->event_queue_line().pulse();
      driver->page_request_line().pulse();
      driver->global_error_line().pulse();
      std::this_thread::yield();
    }
  });
  for (int round = 0; round != 100; ++round) {
    for (int i = 0; i != 8; ++i) EXPECT_THAT(nic.translate(kPage), Aborts());
    ASSERT_TRUE(iommu->suspend());
    bus->set_power(false);
    std::this_thread::yield();
    bus->set_power(true);
    ASSERT_TRUE(iommu->resume());
  }
  done = true;
  interrupts.join();
  EXPECT_EQ(bus->accesses_without_power(), 0U);
  const unsigned before = handler.faults.load();
  EXPECT_THAT(nic.translate(kPage), Aborts());
  driver->event_queue_line().pulse();
  EXPECT_EQ(handler.faults.load(), before + 1);
  ASSERT_TRUE(device->group().detach());
}

// Handlers may attach: who suspends does not wait for them.
TEST_F(SuspendThreads, AHandlerThatWaitsForWhoSuspendsGoesOn) {
  Handler handler;
  std::atomic<bool> handles{false};
  std::atomic<bool> suspends{false};
  handler.action = [&] {
    handles.store(true);
    handles.notify_one();
    suspends.wait(false);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_TRUE(device->group().detach());
  };
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(device->group().attach(*domain));
  DmaDevice nic(smmu->add_port(), kNic);
  for (int i = 0; i != 20; ++i) EXPECT_THAT(nic.translate(kPage), Aborts());
  std::thread interrupt([&] {
    driver->event_queue_line().pulse();
    handler.action = nullptr;
  });
  handles.wait(false);
  suspends.store(true);
  suspends.notify_one();
  ASSERT_TRUE(iommu->suspend());
  bus->set_power(false);
  interrupt.join();
  EXPECT_EQ(bus->accesses_without_power(), 0U);
  bus->set_power(true);
  ASSERT_TRUE(iommu->resume());
}

}  // namespace
}  // namespace smmu::testing::suspend_test
