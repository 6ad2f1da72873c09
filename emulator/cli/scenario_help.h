// How a scenario is written, for `smmu scenario --help`.
#ifndef EMULATOR_CLI_SCENARIO_HELP_H_
#define EMULATOR_CLI_SCENARIO_HELP_H_

#include <string>

namespace smmu::cli {

std::string scenario_help();

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_HELP_H_
