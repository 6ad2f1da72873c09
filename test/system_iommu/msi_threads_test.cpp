// Devices that send messages while their doorbells are bound and unbound.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "smmu/iommu/msi_vectors.h"
#include "test/system_iommu/msi_board.h"

namespace smmu::testing::msi_threads_test {
namespace {

class MsiPassthroughThreads : public ::testing::TestWithParam<Generation> {};

// A thread a device, and a mapping that all of them share: no one's unbinding takes it away from
// another, and none is reached after the last.
TEST_P(MsiPassthroughThreads, EveryMessageOfABoundVectorArrives) {
  constexpr unsigned kDevices = 3;
  constexpr unsigned kRounds = 60;
  MsiBoard board(GetParam(), Messages::kIts);
  const auto domain = board.domain();
  std::vector<iommu::Device*> devices;
  std::vector<DmaDevice> hardware;
  for (unsigned i = 0; i != kDevices; ++i) {
    devices.push_back(&board.add(StreamId(i)));
    hardware.push_back(board.hardware(StreamId(i)));
    ASSERT_TRUE(devices.back()->group().attach(*domain));
  }
  std::atomic<unsigned> lost = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i != kDevices; ++i) {
    threads.emplace_back([&, i] {
      for (unsigned round = 0; round != kRounds; ++round) {
        const auto vectors = iommu::MsiVectors::create(*devices[i], 2);
        if (!vectors) {
          ++lost;
          continue;
        }
        for (std::uint32_t index = 0; index != 2; ++index) {
          const auto message = vectors->message(index);
          if (!message || !MsiBoard::send(hardware[i], *message)) ++lost;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0u);
  EXPECT_EQ(board.processors.messages().size(), std::size_t{kDevices} * kRounds * 2);
  for (std::uint64_t offset = 0x40; offset < MsiBoard::kWindowSize; offset += 0x1000) {
    EXPECT_EQ(domain->iova_to_phys(Iova(MsiBoard::kWindow.value + offset)), std::nullopt);
  }
}

INSTANTIATE_TEST_SUITE_P(All, MsiPassthroughThreads,
                         ::testing::Values(Generation::kV2, Generation::kV3), [](const auto& test) {
                           return test.param == Generation::kV2 ? "V2" : "V3";
                         });

}  // namespace
}  // namespace smmu::testing::msi_threads_test
