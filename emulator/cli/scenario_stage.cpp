#include "emulator/cli/scenario_stage.h"

#include "emulator/cli/scenario_stage_v2.h"
#include "emulator/cli/scenario_stage_v3.h"

namespace smmu::cli {

emulator::Transaction ScenarioStage::transaction(const DeviceAccess& access) {
  return {.stream = StreamId(access.stream),
          .address = Iova(access.iova),
          .direction = access.write ? emulator::Direction::kWrite : emulator::Direction::kRead,
          .privilege = access.privilege,
          .content = access.content,
          .security = access.security,
          .space = access.space,
          .ssd_index = access.ssd_index};
}

MemoryMap ScenarioStage::ram() {
  constexpr std::uint64_t kRamBase = 0x40000000;
  constexpr std::uint64_t kRamBytes = 0x8000000;
  MemoryMap map;
  map.add(kRamBase, kRamBytes);
  return map;
}

std::unique_ptr<ScenarioStage> stage_of(const Scenario& scenario, const emulator::Caching& caching,
                                        const std::string& source) {
  const auto with_caching = [&caching](auto config) {
    config.caching = caching;
    return config;
  };
  if (const auto* v3 = std::get_if<emulator::SmmuV3Config>(&scenario.configuration)) {
    return std::make_unique<ScenarioStageV3>(scenario.name, with_caching(*v3), source);
  }
  const auto& v2 = std::get<emulator::SmmuV2Config>(scenario.configuration);
  return std::make_unique<ScenarioStageV2>(with_caching(v2), source);
}

}  // namespace smmu::cli
