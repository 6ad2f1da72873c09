#include "smmu/iommu/fault.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "test/iommu/fake_driver.h"

namespace smmu::iommu::fault_handler_test {
namespace {

class Handler final : public FaultHandler {
 public:
  explicit Handler(FaultAction action = FaultAction::kTerminate) : action_(action) {}

  FaultAction on_fault(Domain& domain, Device* device, const Fault& fault) override {
    {
      const std::lock_guard lock(mutex_);
      last_domain = &domain;
      last_device = device;
      last_iova = fault.iova;
    }
    ++faults;
    if (then) then();
    return action_;
  }

  Domain* last_domain = nullptr;
  Device* last_device = nullptr;
  Iova last_iova;
  std::atomic<int> faults{0};
  std::function<void()> then;

 private:
  const FaultAction action_;
  std::mutex mutex_;
};

TEST(FaultHandler, IsToldWhatAndWhereAndItsAnswerCounts) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  FaultSink& sink = fake(*domain).faults();
  EXPECT_EQ(sink.on_fault(&nic, {.stream = StreamId(1), .iova = Iova(0x1000)}),
            FaultAction::kNotMine);
  Handler handler(FaultAction::kRetry);
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  EXPECT_EQ(sink.on_fault(&nic, {.stream = StreamId(1), .iova = Iova(0x2000)}),
            FaultAction::kRetry);
  EXPECT_EQ(handler.last_domain, domain.get());
  EXPECT_EQ(handler.last_device, &nic);
  EXPECT_EQ(handler.last_iova, Iova(0x2000));
  sink.on_fault(nullptr, {});
  EXPECT_EQ(handler.last_device, nullptr);
  ASSERT_TRUE(domain->set_fault_handler(nullptr));
  EXPECT_EQ(sink.on_fault(&nic, {}), FaultAction::kNotMine);
  EXPECT_EQ(handler.faults, 2);
}

TEST(FaultHandler, IsOneAtATime) {
  FakeSystem system;
  const auto domain = system.domain();
  Handler first;
  Handler second;
  ASSERT_TRUE(domain->set_fault_handler(&first));
  EXPECT_TRUE(domain->set_fault_handler(&first));
  EXPECT_EQ(domain->set_fault_handler(&second).error(), std::errc::device_or_resource_busy);
  ASSERT_TRUE(domain->set_fault_handler(nullptr));
  EXPECT_TRUE(domain->set_fault_handler(&second));
  fake(*domain).faults().on_fault(nullptr, {});
  EXPECT_EQ(second.faults, 1);
}

TEST(FaultHandler, MayMapWhatWasMissingAndTakeItselfAway) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  Handler handler(FaultAction::kRetry);
  handler.then = [&] {
    EXPECT_TRUE(domain->map(Iova(0x1000), Pa(0x1000), 4096, kReadWrite));
    EXPECT_TRUE(domain->set_fault_handler(nullptr));
  };
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  // While the device is attached, on the same thread.
  system.driver->on_attach = [&](Device& device, const Attachment&) {
    EXPECT_EQ(fake(*domain).faults().on_fault(&device, {}), FaultAction::kRetry);
  };
  ASSERT_TRUE(nic.group().attach(*domain));
  system.driver->on_attach = nullptr;
  EXPECT_EQ(domain->iova_to_phys(Iova(0x1000)), Pa(0x1000));
}

TEST(FaultHandler, MayAttachAndDetachFromAnotherThread) {
  FakeSystem system;
  Device& nic = system.add("nic");
  const auto domain = system.domain();
  Handler handler;
  handler.then = [&] { EXPECT_TRUE(nic.group().detach()); };
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  ASSERT_TRUE(nic.group().attach(*domain));
  std::thread interrupt([&] { fake(*domain).faults().on_fault(&nic, {}); });
  ASSERT_TRUE(domain->set_fault_handler(nullptr));
  interrupt.join();
  // It was told or came too late.
  EXPECT_EQ(nic.group().domain(),
            handler.faults == 1 ? &nic.group().default_domain() : domain.get());
}

TEST(FaultHandler, IsLeftByAllThreadsOnceItIsTakenAway) {
  FakeSystem system;
  const auto domain = system.domain();
  FaultSink& sink = fake(*domain).faults();
  auto handler = std::make_unique<Handler>();
  std::atomic<bool> inside{false};
  std::atomic<bool> let_go{false};
  std::atomic<bool> left{false};
  handler->then = [&] {
    inside = true;
    while (!let_go) std::this_thread::yield();
    left = true;
  };
  ASSERT_TRUE(domain->set_fault_handler(handler.get()));
  std::thread interrupt([&] { sink.on_fault(nullptr, {}); });
  while (!inside) std::this_thread::yield();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    let_go = true;
  });
  ASSERT_TRUE(domain->set_fault_handler(nullptr));
  EXPECT_TRUE(left);
  handler.reset();
  interrupt.join();
  later.join();
}

TEST(FaultHandler, ComesAndGoesWhileFaultsCome) {
  FakeSystem system;
  const auto domain = system.domain();
  std::atomic<bool> stop{false};
  std::vector<std::thread> interrupts;
  for (int n = 0; n < 2; ++n) {
    interrupts.emplace_back([&] {
      while (!stop) fake(*domain).faults().on_fault(nullptr, {});
    });
  }
  for (int round = 0; round < 300; ++round) {
    const auto handler = std::make_unique<Handler>();
    ASSERT_TRUE(domain->set_fault_handler(handler.get()));
    if (round % 16 == 0) {
      while (handler->faults == 0) std::this_thread::yield();
    }
    ASSERT_TRUE(domain->set_fault_handler(nullptr));
  }
  stop = true;
  for (std::thread& interrupt : interrupts) interrupt.join();
}

}  // namespace
}  // namespace smmu::iommu::fault_handler_test
