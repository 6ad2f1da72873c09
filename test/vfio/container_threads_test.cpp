// Calls of a container from several threads.
#include "test/vfio/container_system.h"

#include <atomic>
#include <thread>
#include <vector>

namespace smmu::iommu::container_threads_test {
namespace {

TEST(ContainerThreads, CallsOfManyThreadsComeOneAfterTheOther) {
  ContainerSystem system;
  Group& nic = system.first.add("nic");
  Group& disk = system.first.add("disk");
  Group& net = system.second.add("net");
  ASSERT_TRUE(system.container->attach(nic));
  std::vector<std::thread> threads;
  for (std::uint64_t n = 0; n != 2; ++n) {
    threads.emplace_back([&, n] {
      const std::uint64_t at = 0x100 * (n + 1);
      for (int times = 0; times != 300; ++times) {
        EXPECT_TRUE(system.map(at, 0x10 * n, 9));
        EXPECT_TRUE(system.finds(nic, at, 0x10 * n, 9));
        EXPECT_EQ(*system.unmap(at, 9), 9 * kPage);
      }
    });
  }
  threads.emplace_back([&] {
    for (int times = 0; times != 100; ++times) {
      for (Group* const group : {&disk, &net}) EXPECT_TRUE(system.container->attach(*group));
      EXPECT_TRUE(system.open_window(0x8000, 16));
      EXPECT_TRUE(net.domain()->in_reserved_window(Iova(0x800'0000), kPage));
      EXPECT_TRUE(system.unmap(0x8000, 16));
      for (Group* const group : {&disk, &net}) EXPECT_TRUE(system.container->detach(*group));
    }
  });
  threads.emplace_back([&] {
    for (int times = 0; times != 300; ++times) {
      const ContainerCapabilities found = system.container->capabilities();
      EXPECT_TRUE(found.has_groups);
      EXPECT_GE(found.available, 65535u - 3);
      std::uint64_t word = 0;
      EXPECT_TRUE(system.container->start_dirty_log());
      EXPECT_TRUE(system.container->dirty_pages(Iova(0x9000 * kPage), kPage, {kPage, {&word, 1}}));
    }
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(system.container->slots(), 0u);
  EXPECT_EQ(system.memory.pinned(), 0u);
}

// Of two containers that want a group one gets it.
TEST(ContainerThreads, AGroupIsOfOneContainer) {
  ContainerSystem system;
  FakeMemory memory;
  auto other = Container::create(memory, {.unsafe_interrupts = UnsafeInterrupts::kAllow});
  ASSERT_TRUE(other);
  Group& nic = system.first.add("nic");
  std::atomic<int> inside{0};
  const auto fight = [&](Container& container) {
    for (int times = 0; times != 500; ++times) {
      const auto attached = container.attach(nic);
      if (!attached) {
        EXPECT_EQ(attached.error(), std::errc::device_or_resource_busy);
        continue;
      }
      EXPECT_EQ(++inside, 1);
      --inside;
      EXPECT_TRUE(container.detach(nic));
    }
  };
  std::thread one([&] { fight(*system.container); });
  std::thread two([&] { fight(**other); });
  one.join();
  two.join();
  EXPECT_FALSE(nic.is_owned());
}

}  // namespace
}  // namespace smmu::iommu::container_threads_test
