// An SMMUv2 that a scenario is played on.  Whatever it answers is held against what is recorded.
#ifndef EMULATOR_CLI_SCENARIO_STAGE_V2_H_
#define EMULATOR_CLI_SCENARIO_STAGE_V2_H_

#include <string>

#include "emulator/cli/scenario_stage.h"
#include "emulator/v2/features.h"

namespace smmu::cli {

class ScenarioStageV2 final : public ScenarioStage {
 public:
  ScenarioStageV2(const emulator::SmmuV2Config& config, const std::string& source);

  bool make(const MemoryWrite& write) override;
  void make(const RegisterWrite& write) override;
  std::optional<Disagreement> ask(std::uint64_t op, const RegisterRead& read,
                                  Judge& judge) override;
  std::optional<Disagreement> ask(std::uint64_t op, const DeviceAccess& access,
                                  Judge& judge) override;
  std::optional<Disagreement> ask(const EndValue& end, Judge& judge) override;
  bool stopped(std::uint64_t, const Judge&) const override { return false; }
  std::string register_name(std::uint32_t offset) const override;

 private:
  emulator::RegisterPort& registers(SecurityState security);
  std::uint64_t read(SecurityState security, std::uint32_t offset, std::uint32_t bytes);

  MachineV2 machine_;
  const emulator::FeaturesV2 features_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_STAGE_V2_H_
