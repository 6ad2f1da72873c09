// The driver above registers that write down what it does.
#ifndef TEST_DRIVER_V3_SCRIPTED_BOARD_H_
#define TEST_DRIVER_V3_SCRIPTED_BOARD_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "smmu/emulator/config.h"
#include "smmu/emulator/ram.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/page_pool.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/testing/driven_board.h"
#include "test/driver_v3/counting_clock.h"
#include "test/driver_v3/scripted_smmu.h"

namespace smmu::testing {

class ScriptedBoard {
 public:
  static constexpr Pa kPool = Pa(0x4000'0000);
  static constexpr std::uint64_t kPoolSize = std::uint64_t{16} << 20;

  explicit ScriptedBoard(
      const emulator::SmmuV3Config& config = emulator::SmmuV3Config::everything())
      : pool_(make_pool(ram_)), smmu(config, *pool_) {
    driver_config.registers = &smmu;
    driver_config.pool = pool_.get();
    driver_config.clock = &clock;
    driver_config.log = &log;
    driver_config.sync = iommu::SmmuV3DriverConfig::SyncSignal::kPoll;
    driver_config.stream_bits = 16;
  }

  // The sentence, if it fails.
  std::string start() {
    auto made = iommu::SmmuV3Driver::create(driver_config);
    if (!made) return made.error();
    driver = made->get();
    auto iommu_made =
        iommu::Iommu::create(*std::move(made), {.default_domain = iommu::DomainType::kBlocked});
    if (!iommu_made) return "no Iommu";
    iommu = *std::move(iommu_made);
    return {};
  }
  iommu::Device& add(iommu::DeviceConfig config) {
    const auto added = iommu->add_device(std::move(config));
    EXPECT_TRUE(added.has_value());
    return **added;
  }
  std::unique_ptr<iommu::Domain> domain(iommu::DomainType type = iommu::DomainType::kUnmanaged,
                                        const iommu::DomainOptions& options = {}) {
    auto made = iommu->create_domain(type, options);
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  }
  iommu::PagePool& pool() { return *pool_; }

 private:
  static std::unique_ptr<iommu::PagePool> make_pool(emulator::Ram& ram) {
    EXPECT_TRUE(ram.add(kPool, kPoolSize));
    auto made = iommu::PagePool::create(ram, kPool, kPoolSize);
    EXPECT_TRUE(made.has_value());
    return *std::move(made);
  }

  emulator::Ram ram_;
  std::unique_ptr<iommu::PagePool> pool_;

 public:
  ScriptedSmmu smmu;
  CountingClock clock;
  RecordingLog log;
  iommu::SmmuV3DriverConfig driver_config;
  iommu::SmmuV3Driver* driver = nullptr;
  std::unique_ptr<iommu::Iommu> iommu;
};

}  // namespace smmu::testing

#endif  // TEST_DRIVER_V3_SCRIPTED_BOARD_H_
