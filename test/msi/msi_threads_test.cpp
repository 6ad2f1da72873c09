// Bindings that come and go on several threads, while messages are composed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "smmu/iommu/msi_vectors.h"
#include "test/msi/doorbells.h"

namespace smmu::iommu::msi_threads_test {
namespace {

using ::testing::IsEmpty;

constexpr unsigned kThreads = 4;

TEST(MsiThreads, ADoorbellIsBoundAsLongAsAnybodyHasItAndNumbersAreEachOnes) {
  FakeIts its;
  FakeSystem system;
  const auto domain = system.domain();
  alloc_window(*domain);
  std::vector<Device*> devices;
  for (unsigned i = 0; i != kThreads; ++i) {
    devices.push_back(&system.add(
        fmt::format("nic{}", i), {.msi_controller = its.its.get(), .msi_device = DeviceId(i / 2)}));
    ASSERT_TRUE(devices.back()->group().attach(*domain));
  }
  std::atomic<std::uint64_t> wrong = 0;
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != kThreads; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      for (unsigned round = 0; round != 300; ++round) {
        auto vectors = MsiVectors::create(*devices[i], 1 + round % 4);
        if (!vectors) {
          ++wrong;
          continue;
        }
        for (std::uint32_t index = 0; index != vectors->count(); ++index) {
          const auto message = vectors->message(index);
          if (!message || domain->iova_to_phys(message->address) != kTranslater ||
              !vectors->interrupt(index)) {
            ++wrong;
          }
        }
        if (round % 3 == 0) {
          vectors->unbind();
          if (vectors->message(0) || !vectors->renew() || !vectors->message(0)) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_THAT(leaves(*domain), IsEmpty());
  EXPECT_THAT(its.events.intids(), IsEmpty());
  EXPECT_EQ(its.events.devices(), 0u);
}

TEST(MsiThreads, AMessageIsEitherOfWhereTheDeviceIsOrNone) {
  FakeIts its;
  FakeSystem system;
  const auto domain = system.domain();
  alloc_window(*domain);
  Device& nic = system.add("nic", {.msi_controller = its.its.get(), .msi_device = DeviceId(7)});
  ASSERT_TRUE(nic.group().attach(*domain));
  const auto vectors = MsiVectors::create(nic, 1);
  ASSERT_TRUE(vectors);
  const MsiMessage bound = *vectors->message(0);
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> wrong = 0;
  std::thread composer([&] {
    while (!stop) {
      const auto message = vectors->message(0);
      if (message && *message != bound) ++wrong;
    }
  });
  for (int round = 0; round != 500; ++round) {
    EXPECT_TRUE(nic.group().detach());
    ASSERT_TRUE(nic.group().attach(*domain));
  }
  stop = true;
  composer.join();
  EXPECT_EQ(wrong, 0u);
}

}  // namespace
}  // namespace smmu::iommu::msi_threads_test
