// How `smmu walk` is asked for: by a capture and a stream, or by a regime and memory.
#ifndef EMULATOR_CLI_WALK_COMMAND_H_
#define EMULATOR_CLI_WALK_COMMAND_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "emulator/cli/report.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

class WalkCommand {
 public:
  // Adds itself to `app`, which keeps references to it.
  explicit WalkCommand(CLI::App& app);
  WalkCommand(const WalkCommand&) = delete;
  WalkCommand& operator=(const WalkCommand&) = delete;

  CLI::App& app() { return *command_; }
  bool parsed() const { return command_->parsed(); }
  // False if the SMMU could not be set up.  BadInput if the options do not go together.
  bool run(Output output) const;

 private:
  emulator::Transaction transaction() const;

  CLI::App* command_;
  std::string folder_;
  std::string sid_;
  std::string iova_;
  std::vector<std::string> regime_;
  std::vector<std::string> memory_;
  bool write_ = false;
  bool privileged_ = false;
  bool instruction_ = false;
  bool secure_ = false;
  bool line_ = false;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_WALK_COMMAND_H_
