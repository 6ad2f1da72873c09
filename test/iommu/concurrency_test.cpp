#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "smmu/emulator/ram.h"
#include "smmu/iommu/page_pool.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu::concurrency_test {
namespace {

constexpr std::uint64_t kPage = 4096;

TEST(Concurrency, RangesWithNothingInCommonAreMappedAtOnce) {
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0), 4 << 20));
  const auto pool = *PagePool::create(ram, Pa(0), 4 << 20);
  FakeSystem system;
  system.driver->pool = pool.get();
  const auto domain = system.domain();
  Device& nic = system.add("nic");
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint64_t n = 0; n < 3; ++n) {
    threads.emplace_back([&, n] {
      // Every third page: the threads meet in all tables.
      for (std::uint64_t round = 0; round < 400; ++round) {
        const Iova at(((round % 600) * 3 + n) * kPage);
        const Pa pa((1ull << 40) + at.value);
        EXPECT_TRUE(domain->map(at, pa, kPage, kReadWrite));
        EXPECT_EQ(domain->iova_to_phys(at), pa);
        if (round % 2 != 0) continue;
        EXPECT_EQ(domain->unmap(at, kPage), kPage);
      }
    });
  }
  threads.emplace_back([&] {
    while (!stop) {
      EXPECT_TRUE(nic.group().attach(*domain));
      EXPECT_EQ(domain->attachments(), 1u);
      EXPECT_TRUE(nic.group().detach());
    }
  });
  for (std::size_t n = 0; n < 3; ++n) threads[n].join();
  stop = true;
  threads.back().join();
  for (std::uint64_t page = 0; page < 3 * 400; ++page) {
    EXPECT_EQ(domain->iova_to_phys(Iova(page * kPage)).has_value(), page / 3 % 2 == 1) << page;
  }
}

TEST(Concurrency, DevicesComeAndGoWhileOthersAreAttached) {
  FakeSystem system(DomainType::kDma);
  Device& nic = system.add("nic", {.pasid_bits = 8});
  Device& disk = system.add("disk");
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (int round = 0; round < 200; ++round) {
      const auto domain = system.domain();
      EXPECT_TRUE(nic.group().attach(*domain));
      EXPECT_TRUE(nic.attach_pasid(SubstreamId(1), *domain));
      // The domain takes both away with it.
    }
  });
  threads.emplace_back([&] {
    for (int round = 0; round < 200; ++round) {
      const bool claimed = disk.group().claim(&disk).has_value();
      EXPECT_TRUE(claimed);
      disk.group().release(&disk);
    }
  });
  threads.emplace_back([&] {
    for (int round = 0; round < 200; ++round) {
      Device& guest = system.add(
          "guest", {.streams = {{StreamId(99)}},
                    .reserved = {{Iova(0x1000), kPage, ReservedType::kDirect, kReadWrite}}});
      EXPECT_FALSE(system.iommu->groups().empty());
      system.iommu->remove_device(guest);
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(nic.group().domain(), &nic.group().default_domain());
  EXPECT_EQ(nic.pasid_domain(SubstreamId(1)), nullptr);
  EXPECT_EQ(disk.group().domain(), &disk.group().default_domain());
  EXPECT_EQ(system.iommu->devices().size(), 2u);
  EXPECT_EQ(system.driver->live_domains(), 2u);
}

TEST(Concurrency, ADeviceIsAskedForItsGroupWhileOthersJoinAndLeaveIt) {
  FakeSystem system;
  Device& nic = system.add("nic");
  Group& group = nic.group();
  std::atomic<bool> stop{false};
  std::thread asking([&] {
    while (!stop) {
      // Without a lock in between, which would put the two threads in an order.
      for (int n = 0; n < 100; ++n) EXPECT_EQ(&nic.group(), &group);
      EXPECT_EQ(nic.group().domain(), &group.default_domain());
    }
  });
  for (int round = 0; round < 200; ++round) {
    Device& disk = system.add("disk", {.streams = {{StreamId(98)}}});
    Device& bridge =
        system.add("bridge", {.streams = {{StreamId(99)}}, .not_isolated_from = {&nic, &disk}});
    EXPECT_EQ(&disk.group(), &group);
    system.iommu->remove_device(bridge);
    system.iommu->remove_device(disk);
  }
  stop = true;
  asking.join();
}

}  // namespace
}  // namespace smmu::iommu::concurrency_test
