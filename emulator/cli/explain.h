// `smmu walk`: one translation, told step by step.
#ifndef EMULATOR_CLI_EXPLAIN_H_
#define EMULATOR_CLI_EXPLAIN_H_

#include <cstdint>
#include <filesystem>

#include "emulator/cli/report.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

struct WalkOptions {
  std::filesystem::path folder;
  emulator::Transaction transaction;
  Output output;
};

// True if the SMMU could be set up; a fault is explained like everything else.  BadInput if the
// folder is not a capture.
bool explain_walk(const WalkOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_EXPLAIN_H_
