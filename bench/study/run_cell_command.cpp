#include "bench/study/run_cell_command.h"

#include <stdexcept>

#include "bench/study/cachegrind.h"
#include "bench/study/cell_run.h"
#include "bench/study/matrix.h"
#include "bench/study/named.h"

namespace smmu::study {

RunCellCommand::RunCellCommand(CLI::App& app)
    : command_(app.add_subcommand("run-cell", "Set a cell up and do so many steps")) {
  command_->group("");
  std::vector<std::string> names;
  for (const NamedWorkload& workload : workloads()) names.push_back(workload.name);
  command_->add_option("WORKLOAD", cell_.workload)->required()->check(CLI::IsMember(names));
  names = allocator_names();
  names.emplace_back(kNothing);
  command_->add_option("ALLOCATOR", cell_.allocator)->required()->check(CLI::IsMember(names));
  command_->add_option("N", cell_.n)->required()->check(CLI::Range(std::uint64_t{0}, kMostLive));
  command_->add_option("SEED", seed_)->required();
  command_->add_option("STEPS", steps_)->required();
  // Apart from the steps, so that both runs have words of the same length.
  command_->add_option("TIMES", times_)->required();
}

void RunCellCommand::run() const {
  const NamedWorkload workload = workload_named(cell_.workload);
  if (cell_.n == 0 && !workload.fills) throw std::runtime_error("N: expected live ranges, found 0");
  try {
    run_steps(*workload.make(cell_.n, seed_), *allocator_named(cell_.allocator), kCountedBudget,
              steps_ * times_);
  } catch (const OutOfRoom&) {
    throw std::runtime_error("out of room");
  } catch (const OverBudget&) {
    throw std::runtime_error("too many visits");
  }
}

}  // namespace smmu::study
