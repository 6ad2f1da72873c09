// `smmu scenario`: plays scripted scenarios and judges every op of them.
#ifndef EMULATOR_CLI_SCENARIO_RUN_H_
#define EMULATOR_CLI_SCENARIO_RUN_H_

#include <filesystem>
#include <optional>
#include <vector>

#include "emulator/cli/report.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

struct ScenarioOptions {
  std::vector<std::filesystem::path> files;
  std::optional<std::filesystem::path> disputed;
  std::vector<emulator::CachePolicy> policies;
  emulator::SpeculativePrefetch prefetch;
  Output output;
};

// True if every op agreed.  BadInput before anything is done if a file is not what it should be.
bool run_scenarios(const ScenarioOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_RUN_H_
