// Plays one scenario on a machine of its own.
#ifndef EMULATOR_CLI_SCENARIO_PLAYER_H_
#define EMULATOR_CLI_SCENARIO_PLAYER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "emulator/cli/scenario.h"
#include "emulator/cli/scenario_stage.h"
#include "emulator/cli/verdict.h"
#include "smmu/emulator/caching.h"

namespace smmu::cli {

struct OpDisagreement {
  std::string scenario;
  std::string op;    // "61", or "end CMDQ_CONS"
  std::string what;  // "read of 0x2668e8 by stream 0x8"
  Disagreement values;
};

struct ScenarioCounts {
  std::uint64_t scenarios = 0;
  std::uint64_t agreeing = 0;
  std::uint64_t accesses = 0;
  std::uint64_t reads = 0;
  std::uint64_t end_values = 0;
  std::uint64_t stopped = 0;      // scenarios not judged to their end
  std::uint64_t lost_writes = 0;  // to memory where there is none
};

class ScenarioPlayer {
 public:
  // BadInput, beginning with `source`, if the model cannot be the SMMU of the scenario.
  ScenarioPlayer(const Scenario& scenario, const emulator::Caching& caching,
                 const std::string& source)
      : scenario_(scenario), stage_(stage_of(scenario, caching, source)) {}

  // Adds to `counts` and `disagreements`.
  void play(Judge& judge, ScenarioCounts& counts, std::vector<OpDisagreement>& disagreements);

 private:
  const Scenario& scenario_;
  std::unique_ptr<ScenarioStage> stage_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_PLAYER_H_
