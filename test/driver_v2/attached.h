// A device on an SMMUv2 that is attached to a domain, and the SMMUs that it is tried on.
#ifndef SMMU_TEST_DRIVER_V2_ATTACHED_H_
#define SMMU_TEST_DRIVER_V2_ATTACHED_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "smmu/testing/driven_board_v2.h"

namespace smmu::testing {

struct Preset {
  emulator::SmmuV2Config smmu;
  iommu::SmmuV2DriverConfig::Implementation implementation;
};
inline std::vector<Preset> presets() {
  using Implementation = iommu::SmmuV2DriverConfig::Implementation;
  using Config = emulator::SmmuV2Config;
  return {{Config::generic(), Implementation::kGeneric},
          {Config::pages_64k(), Implementation::kGeneric},
          {Config::mmu500_zynqmp(), Implementation::kMmu500},
          {Config::mmu500_stratix10(), Implementation::kMmu500}};
}

struct Attached {
  static constexpr StreamId kStream = StreamId(7);
  static constexpr std::uint64_t kPage = 4096;

  explicit Attached(const DrivenBoardV2::Options& options = {}, iommu::DeviceConfig device = {})
      : board(options) {
    device.streams = {{kStream}};
    added = &board.add(std::move(device));
    domain = board.domain();
    EXPECT_TRUE(added->group().attach(*domain));
  }
  Pa map(Iova iova, iommu::Prot prot = iommu::kReadWrite) {
    const Pa page = board.allocate(kPage);
    EXPECT_TRUE(domain->map(iova, page, kPage, prot));
    return page;
  }

  DrivenBoardV2 board;
  iommu::Device* added = nullptr;
  std::unique_ptr<iommu::Domain> domain;
};

// How an access ended that may have waited; none: it still does.
inline std::optional<emulator::Outcome> end_of(const emulator::Outcome& outcome,
                                               Resumptions& client) {
  if (!std::holds_alternative<emulator::Stalled>(outcome)) return outcome;
  return client.take(outcome);
}

}  // namespace smmu::testing

#endif  // SMMU_TEST_DRIVER_V2_ATTACHED_H_
