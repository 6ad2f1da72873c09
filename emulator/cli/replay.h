// `smmu replay`: captures of real kernels, asked again.
#ifndef EMULATOR_CLI_REPLAY_H_
#define EMULATOR_CLI_REPLAY_H_

#include <filesystem>
#include <vector>

#include "emulator/cli/report.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

struct ReplayOptions {
  std::vector<std::filesystem::path> folders;
  std::vector<emulator::CachePolicy> policies;
  Output output;
};

// True if everything agreed.  BadInput before anything is done if any folder is not a capture.
bool replay(const ReplayOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_REPLAY_H_
