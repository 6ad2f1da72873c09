// A domain gets what its translations are tagged with while another thread uses its tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::first_attach_test {
namespace {

constexpr StreamId kNic = StreamId(7);

TEST(FirstAttach, WhatAnotherThreadUnmapsMeanwhileNoDeviceReaches) {
  DrivenBoard::Options options;
  options.config.caching.policy = emulator::CachePolicy::kAdversarial;
  options.iommu.default_domain = iommu::DomainType::kBlocked;
  DrivenBoard board(options);
  iommu::Device& device = board.add(kNic);
  const DmaDevice nic = board.device(kNic);
  const Pa page = board.allocate(4096);
  constexpr Iova kPage = Iova(0x9000);
  constexpr Iova kRun = Iova(0x40'0000);
  const Pa run = board.allocate(16 * 4096);
  for (int round = 0; round != 20; ++round) {
    const auto domain = board.domain();
    std::atomic<bool> begun{false};
    std::atomic<bool> attached{false};
    std::thread unmapping([&] {
      for (bool last = false;;) {
        EXPECT_TRUE(domain->map(kPage, page, 4096, iommu::kReadWrite));
        EXPECT_TRUE(domain->map(kRun, run, 16 * 4096, iommu::kReadWrite));
        begun = true;
        static_cast<void>(nic.translate(kPage));
        static_cast<void>(nic.translate(kRun));
        EXPECT_EQ(domain->unmap(kPage, 4096), 4096U);
        EXPECT_EQ(domain->unmap(kRun, 16 * 4096), 16 * 4096U);
        domain->flush_all();
        EXPECT_THAT(nic.translate(kPage), Aborts());
        EXPECT_THAT(nic.translate(kRun), Aborts());
        if (last) return;
        last = attached;
      }
    });
    while (!begun) std::this_thread::yield();
    ASSERT_TRUE(device.group().attach(*domain));
    attached = true;
    unmapping.join();
    ASSERT_TRUE(device.group().detach());
  }
}

}  // namespace
}  // namespace smmu::testing::first_attach_test
