// A DMA space above a driver of no hardware.
#ifndef SMMU_TEST_DMA_DMA_SYSTEM_H_
#define SMMU_TEST_DMA_DMA_SYSTEM_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "smmu/iommu/dma.h"
#include "smmu/iommu/dma_space.h"
#include "test/dma/page.h"
#include "test/iommu/fake_driver.h"

namespace smmu::iommu {

// Stands still until a test moves it on.
class StandingClock : public Clock {
 public:
  std::chrono::nanoseconds now() override {
    looks.fetch_add(1, std::memory_order_relaxed);
    return time;
  }
  void wait(std::chrono::nanoseconds duration) override { time += duration; }

  std::chrono::nanoseconds time{0};
  std::atomic<unsigned> looks{0};
};

// Every range is in the tree as long as it is mapped, and no longer.
inline DmaConfig without_magazines() {
  DmaConfig config;
  config.iova.cache.sizes = 0;
  return config;
}

struct DmaSystem {
  explicit DmaSystem(const DmaConfig& config = {}, DomainType type = DomainType::kDma,
                     std::span<const ReservedRegion> regions = {}) {
    domain = system.domain(type);
    auto made = DmaSpace::create(*domain, regions, config);
    if (!made) {
      ADD_FAILURE() << std::make_error_code(made.error()).message();
      std::abort();
    }
    space = *std::move(made);
  }

  DeviceDma device(const DmaLimits& limits = {}) { return DeviceDma(*space, limits); }
  MapTables::Leaves leaves() const { return iommu::leaves(*domain); }
  std::uint64_t ranges() const { return space->statistics().ranges; }

  // Whether the device finds all bytes where they are.
  ::testing::AssertionResult finds(Iova iova, Pa pa, std::uint64_t size) const {
    for (std::uint64_t at = 0; at < size; at = std::min(at + kPage, std::max(at + 1, size - 1))) {
      const auto found = domain->iova_to_phys(Iova(iova.value + at));
      if (!found || *found != Pa(pa.value + at)) {
        return ::testing::AssertionFailure() << std::hex << "not at 0x" << iova.value + at;
      }
    }
    return ::testing::AssertionSuccess();
  }

  FakeSystem system;
  std::unique_ptr<Domain> domain;
  std::unique_ptr<DmaSpace> space;
};

// Maps single pages until there is no room.
inline std::vector<Iova> map_all(DeviceDma& device) {
  std::vector<Iova> mapped;
  while (true) {
    const auto iova = device.map_single(Pa(0x8000'0000), 1, DmaDirection::kToDevice);
    if (!iova) {
      EXPECT_EQ(iova.error(), std::errc::not_enough_memory);
      return mapped;
    }
    mapped.push_back(*iova);
  }
}

}  // namespace smmu::iommu

#endif  // SMMU_TEST_DMA_DMA_SYSTEM_H_
