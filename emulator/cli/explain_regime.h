// `smmu walk --regime`: one translation by tables that no SMMU's structures lead to.
#ifndef EMULATOR_CLI_EXPLAIN_REGIME_H_
#define EMULATOR_CLI_EXPLAIN_REGIME_H_

#include <filesystem>
#include <string>
#include <vector>

#include "emulator/cli/report.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

struct RegimeWalkOptions {
  std::vector<std::string> regime;  // as typed
  std::vector<std::string> memory;  // as typed: FILE@ADDRESS
  std::filesystem::path folder;     // of a capture whose memory it is, or empty
  emulator::Transaction transaction;
  Output output;
};

// A fault is explained like everything else.  BadInput if the regime makes no sense or if there is
// no memory.
void explain_regime(const RegimeWalkOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_EXPLAIN_REGIME_H_
