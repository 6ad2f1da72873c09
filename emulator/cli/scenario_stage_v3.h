// An SMMUv3 that a scenario is played on, judged with the deviations of its file.
#ifndef EMULATOR_CLI_SCENARIO_STAGE_V3_H_
#define EMULATOR_CLI_SCENARIO_STAGE_V3_H_

#include <string>

#include "emulator/cli/queues.h"
#include "emulator/cli/scenario_stage.h"

namespace smmu::cli {

class ScenarioStageV3 final : public ScenarioStage {
 public:
  // `name`: of the scenario, which must outlive the object.
  ScenarioStageV3(const std::string& name, const emulator::SmmuV3Config& config,
                  const std::string& source);

  bool make(const MemoryWrite& write) override;
  void make(const RegisterWrite& write) override;
  std::optional<Disagreement> ask(std::uint64_t op, const RegisterRead& read,
                                  Judge& judge) override;
  std::optional<Disagreement> ask(std::uint64_t op, const DeviceAccess& access,
                                  Judge& judge) override;
  std::optional<Disagreement> ask(const EndValue& end, Judge& judge) override;
  bool stopped(std::uint64_t op, const Judge& judge) const override {
    return judge.stopped(name_, op);
  }
  std::string register_name(std::uint32_t offset) const override;

 private:
  const std::string& name_;
  Machine machine_;
  EventReader events_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_STAGE_V3_H_
