// `smmu-study run-cell`, which is not in --help: what runs under valgrind.
#ifndef BENCH_STUDY_RUN_CELL_COMMAND_H_
#define BENCH_STUDY_RUN_CELL_COMMAND_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "bench/study/measurement.h"

namespace smmu::study {

class RunCellCommand {
 public:
  // Adds itself to `app`, which keeps references to it.
  explicit RunCellCommand(CLI::App& app);
  RunCellCommand(const RunCellCommand&) = delete;
  RunCellCommand& operator=(const RunCellCommand&) = delete;

  bool parsed() const { return command_->parsed(); }
  void run() const;

 private:
  CLI::App* command_;
  Cell cell_;
  std::uint64_t seed_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t times_ = 0;
};

}  // namespace smmu::study

#endif  // BENCH_STUDY_RUN_CELL_COMMAND_H_
