// Threads that map and unmap while devices make accesses, and faults come.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "smmu/testing/driven_board_v2.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::concurrency_test {
namespace {

using emulator::CachePolicy;
using namespace iommu;

constexpr std::uint64_t kPage = 4096;
constexpr StreamId kStream(7);

class CountingHandler final : public FaultHandler {
 public:
  FaultAction on_fault(Domain&, iommu::Device*, const Fault&) override {
    ++faults;
    return FaultAction::kTerminate;
  }
  std::atomic<unsigned> faults{0};
};

// What a thread has unmapped no access reaches, while others unmap too.
TEST(DriverV2Concurrency, NothingReachesAPageAfterItsUnmap) {
  DrivenBoardV2::Options options;
  options.config.caching.policy = CachePolicy::kAdversarial;
  HostClock clock;
  options.driver.clock = &clock;
  DrivenBoardV2 board(options);
  const auto domain = board.domain();
  CountingHandler handler;
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  constexpr std::uint32_t kThreads = 3;
  std::vector<DmaDevice> devices;
  std::vector<Pa> pages;
  for (std::uint32_t n = 0; n != kThreads; ++n) {
    ASSERT_TRUE(board.add(StreamId(n)).group().attach(*domain));
    devices.push_back(board.device(StreamId(n)));
    pages.push_back(board.allocate(kPage));
  }
  std::vector<std::thread> threads;
  for (std::uint32_t n = 0; n != kThreads; ++n) {
    threads.emplace_back([&, n] {
      const Iova iova(0x10'0000 + n * kPage);
      for (int round = 0; round != 100; ++round) {
        EXPECT_TRUE(domain->map(iova, pages[n], kPage, kReadWrite));
        // A fault of another one, which was not handled yet, ends this one's accesses as well.
        while (devices[n].write64(iova, 1).bytes != 8) std::this_thread::yield();
        EXPECT_EQ(domain->unmap(iova, kPage), kPage);
        EXPECT_EQ(devices[n].write64(iova, 2).bytes, 0U);
        EXPECT_EQ(board.memory().load64(pages[n]).has_value(), true);
        EXPECT_EQ(*board.memory().load64(pages[n]), 1U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(handler.faults, 0U);
}

// Whoever raised the line does not handle the faults of the others as long as they make them, and
// afterwards nobody has been forgotten.
TEST(DriverV2Concurrency, FaultsOfOthersKeepNoThreadForEver) {
  DrivenBoardV2 board;
  CountingHandler handler;
  const auto domain = board.domain();
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  constexpr std::uint32_t kThreads = 3;
  for (std::uint32_t n = 0; n != kThreads; ++n) {
    ASSERT_TRUE(board.add(StreamId(n)).group().attach(*domain));
  }
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint32_t n = 1; n != kThreads; ++n) {
    threads.emplace_back([&, device = board.device(StreamId(n))] {
      while (!stop) static_cast<void>(device.translate(Iova(0x9000)));
    });
  }
  const DmaDevice device = board.device(StreamId(0));
  for (int round = 0; round != 2000; ++round) {
    static_cast<void>(device.translate(Iova(0x9000)));
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  board.driver().handle_interrupts();
  const unsigned before = handler.faults;
  static_cast<void>(device.translate(Iova(0x9000)));
  EXPECT_EQ(handler.faults, before + 1);
}

// A domain and a device go while their faults are handled by other threads.
TEST(DriverV2Concurrency, DomainsAndDevicesGoWhileFaultsAreHandled) {
  // An attach waits for accesses on their way, which other threads make.
  DrivenBoardV2::Options options;
  HostClock clock;
  options.driver.clock = &clock;
  DrivenBoardV2 board(options);
  std::atomic<bool> stop{false};
  const DmaDevice device = board.device(kStream);
  std::thread faulting([&] {
    while (!stop) static_cast<void>(device.translate(Iova(0x9000)));
  });
  CountingHandler handler;
  for (int round = 0; round != 50; ++round) {
    iommu::Device& added = board.add(kStream);
    auto domain = board.domain();
    EXPECT_TRUE(domain->set_fault_handler(&handler));
    EXPECT_TRUE(added.group().attach(*domain));
    const unsigned before = handler.faults;
    for (int i = 0; handler.faults == before && i != 100'000; ++i) std::this_thread::yield();
    domain.reset();
    board.iommu().remove_device(added);
  }
  stop = true;
  faulting.join();
  EXPECT_GT(handler.faults, 0U);
}

// Who answers them is a thread that handles interrupts, or the one that destroys the domain.
TEST(DriverV2Concurrency, AccessesThatWaitEndWhenTheirDomainsGo) {
  DrivenBoardV2::Options options;
  HostClock clock;
  options.driver.clock = &clock;
  options.driver.stalls = SmmuV2DriverConfig::Stalls::kWhereDevicesCan;
  options.iommu.default_domain = DomainType::kBlocked;
  DrivenBoardV2 board(options);
  iommu::Device& added = board.add({.streams = {{kStream}}, .can_stall = true});
  Resumptions client;
  const DmaDevice device(board.smmu().add_port(client), kStream);
  std::atomic<bool> stop{false};
  std::atomic<unsigned> waited{0};
  std::thread faulting([&] {
    while (!stop) {
      const auto outcome = device.translate(Iova(0x9000));
      if (!std::holds_alternative<emulator::Stalled>(outcome)) continue;
      while (!client.take(outcome)) std::this_thread::yield();
      ++waited;
    }
  });
  std::thread handling([&] {
    while (!stop) {
      board.driver().handle_interrupts();
      std::this_thread::yield();
    }
  });
  CountingHandler handler;
  for (int round = 0; round != 100; ++round) {
    auto domain = board.domain();
    EXPECT_TRUE(domain->set_fault_handler(&handler));
    EXPECT_TRUE(added.group().attach(*domain));
    const unsigned before = waited;
    const int most = round == 0 ? 1'000'000 : 1000;  // the threads have to begin, too
    for (int i = 0; waited == before && i != most; ++i) std::this_thread::yield();
    domain.reset();
  }
  stop = true;
  handling.join();
  faulting.join();
  EXPECT_GT(waited, 0U);
}

// It waits for the lock that a removal holds, and the removal for it, but not at the same time.
TEST(DriverV2Concurrency, AHandlerAttachesTheGroupOfADeviceThatGoes) {
  class Attaching final : public FaultHandler {
   public:
    Attaching(Iommu& of, Domain& another) : iommu_(of), other_(another) {}
    FaultAction on_fault(Domain& domain, iommu::Device* device, const Fault&) override {
      if (device == nullptr || inside.exchange(true)) return FaultAction::kTerminate;
      while (!iommu_.groups().empty()) std::this_thread::yield();
      EXPECT_EQ(domain.attachments(), 0U);
      EXPECT_TRUE(device->group().attach(other_));
      done = true;
      return FaultAction::kTerminate;
    }
    std::atomic<bool> inside{false};
    std::atomic<bool> done{false};

   private:
    Iommu& iommu_;
    Domain& other_;
  };
  DrivenBoardV2 board;
  const auto domain = board.domain();
  const auto other = board.domain();
  Attaching handler(board.iommu(), *other);
  ASSERT_TRUE(domain->set_fault_handler(&handler));
  iommu::Device& added = board.add(kStream);
  ASSERT_TRUE(added.group().attach(*domain));
  const DmaDevice device = board.device(kStream);
  std::thread faulting([&] { static_cast<void>(device.translate(Iova(0x9000))); });
  while (!handler.inside) std::this_thread::yield();
  board.iommu().remove_device(added);
  EXPECT_TRUE(handler.done);
  EXPECT_EQ(other->attachments(), 0U) << "the group is gone";
  faulting.join();
}

}  // namespace
}  // namespace smmu::testing::concurrency_test
