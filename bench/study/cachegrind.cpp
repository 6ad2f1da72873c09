#include "bench/study/cachegrind.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "bench/study/cell_run.h"
#include "bench/study/child_process.h"
#include "bench/study/named.h"

namespace smmu::study {

namespace {

Counts minus(const Counts& a, const Counts& b) {
  return {a.instructions - b.instructions, a.data_misses - b.data_misses,
          a.instruction_misses - b.instruction_misses, a.last_level_misses - b.last_level_misses};
}

Counts divided(const Counts& counts, double by) {
  return {counts.instructions / by, counts.data_misses / by, counts.instruction_misses / by,
          counts.last_level_misses / by};
}

std::vector<std::string> command(const Cell& cell, std::uint64_t seed, std::uint64_t steps,
                                 const char* times, const std::filesystem::path& file) {
  return {"valgrind",
          "--tool=cachegrind",
          "--cache-sim=yes",
          "--I1=32768,8,64",
          "--D1=32768,8,64",
          "--LL=8388608,16,64",
          "--log-file=/dev/null",
          fmt::format("--cachegrind-out-file={}", file.string()),
          std::filesystem::read_symlink("/proc/self/exe").string(),
          "run-cell",
          cell.workload,
          cell.allocator,
          fmt::format("{}", cell.n),
          fmt::format("{}", seed),
          fmt::format("{}", steps),
          times};
}

}  // namespace

Cachegrind::Cachegrind() {
  bool there = false;
  try {
    there = ChildProcess({"valgrind", "--version"}).succeeds();
  } catch (const std::system_error&) {
    // It is not.
  }
  if (!there) {
    throw std::runtime_error(
        "--count: expected valgrind in PATH, found none; scripts/install_packages.sh --study "
        "installs it.");
  }
  std::error_code error;
  std::string name = (std::filesystem::temp_directory_path(error) / "smmu-study-XXXXXX").string();
  if (error || mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("--count: expected a folder for temporary files that can be written.");
  }
  folder_ = name;
}

Cachegrind::~Cachegrind() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Measurement Cachegrind::count(const Cell& cell, const Selection& selection) {
  Measurement result;
  const auto workload = workload_named(cell.workload).make(cell.n, selection.seed);
  const Steps within = steps_within(*workload, *allocator_named(cell.allocator),
                                    {.operations = selection.operations, .budget = kCountedBudget});
  result.not_measured = within.none_because;
  if (within.steps == 0) return result;
  result.operations = within.operations;

  const auto [nothing, is_new] =
      nothing_.try_emplace({cell.workload, cell.n, within.steps}, Counts());
  if (is_new) {
    nothing->second = difference({cell.workload, kNothing, cell.n}, selection.seed, within.steps);
  }
  const Counts all = difference(cell, selection.seed, within.steps);
  result.counts = divided(minus(all, nothing->second), static_cast<double>(within.operations));
  return result;
}

Counts Cachegrind::difference(const Cell& cell, std::uint64_t seed, std::uint64_t steps) {
  const std::filesystem::path once = folder_ / "once";
  const std::filesystem::path twice = folder_ / "twice";
  ChildProcess first(command(cell, seed, steps, "1", once));
  ChildProcess second(command(cell, seed, steps, "2", twice));
  if (!first.succeeds() || !second.succeeds()) {
    throw std::runtime_error(fmt::format("--count: expected valgrind to run {} with {} to its end.",
                                         cell.workload, cell.allocator));
  }
  return minus(read(twice), read(once));
}

Counts Cachegrind::read(const std::filesystem::path& file) const {
  std::ifstream stream(file);
  std::map<std::string, double> sums;
  std::vector<std::string> events;
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "events:") {
      while (words >> word) events.push_back(word);
    } else if (word == "summary:") {
      double sum = 0;
      for (std::size_t i = 0; i != events.size() && words >> sum; ++i) sums[events[i]] = sum;
    }
  }
  if (sums.size() < 9) {
    throw std::runtime_error("--count: expected valgrind's cachegrind to count nine events.");
  }
  return {sums["Ir"], sums["D1mr"] + sums["D1mw"], sums["I1mr"],
          sums["ILmr"] + sums["DLmr"] + sums["DLmw"]};
}

}  // namespace smmu::study
