#include "bench/study/iova_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "bench/study/cachegrind.h"
#include "bench/study/document.h"
#include "bench/study/document_json.h"
#include "bench/study/named.h"
#include "bench/study/progress.h"
#include "bench/study/table.h"
#include "bench/study/trace/replay.h"
#include "bench/study/whole_number.h"

namespace smmu::study {

namespace {

constexpr std::uint64_t kMostOperations = 10'000'000;
constexpr unsigned kMostThreads = 256;

// Those that were asked for, each once, in the order of the list; all if none was.
std::vector<std::string> selected(const std::vector<std::string>& asked,
                                  const std::vector<std::string>& all) {
  if (asked.empty()) return all;
  std::vector<std::string> names;
  std::ranges::copy_if(all, std::back_inserter(names), [&asked](const std::string& name) {
    return std::ranges::find(asked, name) != asked.end();
  });
  return names;
}

std::string list_of_names() {
  std::string text = "Workloads:\n";
  for (const NamedWorkload& workload : workloads()) {
    text += fmt::format("  {:<26}{}\n", workload.name, workload.what);
  }
  text += fmt::format("  {:<26}{}\n", "contended",
                      "threads allocate mixed sizes, others free them; one mutex");
  text += fmt::format("  {:<26}{}\n\nAllocators:\n", "contended_own_lock",
                      "the same, with the lock inside the IovaDomain");
  for (const NamedAllocator& allocator : allocators()) {
    text += fmt::format("  {:<26}{}\n", allocator.name, allocator.what);
  }
  return text +
         "\nA cell ends after --operations, or as soon as what its requests looked at is 100 "
         "million\n"
         "nodes or words; one that takes 500 million to set up, or for one step, is not measured.  "
         "Counted,\n"
         "these are 1 million and 60 million.";
}

}  // namespace

IovaCommand::IovaCommand(CLI::App& app)
    : command_(app.add_subcommand("iova", "Compare ways to find free addresses")) {
  command_->add_option("--workload", workloads_, "of these alone [all]")
      ->check(CLI::IsMember(workload_names()));
  command_->add_option("--allocator", allocators_, "of these alone [all]")
      ->check(CLI::IsMember(allocator_names()));
  command_->add_option("--n", n_, "live ranges [1000 10000 100000 1000000; --count: up to 100000]")
      ->check(CLI::Range(std::uint64_t{1}, kMostLive))
      ->expected(1, static_cast<int>(kMostSizes));
  command_->add_option("--seed", seed_, "of all that is random [1]");
  command_
      ->add_option(
          "--operations", operations_,
          "of a cell, at most; where threads contend, ten times as many [20000; --count: 2000]")
      ->check(CLI::Range(std::uint64_t{1}, kMostOperations));
  command_
      ->add_option("--repetitions", repetitions_,
                   "of a cell: the least time of every call counts; where threads contend, the "
                   "quietest repetition [3]")
      ->check(CLI::Range(1U, 100U));
  command_->add_option("--threads", threads_, "that contend, an even number [2]")
      ->check(CLI::Range(2U, kMostThreads));
  command_->add_flag("--count", count_,
                     "instructions and cache misses instead of time, by valgrind's cachegrind");
  command_->add_option("--shard", shard_, "i/n: measure every n-th cell, from the i-th on");
  command_->add_option("--json", json_, "write the results to this file");
  CLI::Option* replay =
      command_->add_option("--replay", replay_, "replay this trace instead (docs/iova_trace.md)");
  command_->add_flag("--compare", compare_, "exit 0 only if every answer is the one in the trace")
      ->needs(replay);
  command_->footer(list_of_names());
}

Selection IovaCommand::selection() const {
  if (threads_ % 2 != 0) {
    throw std::runtime_error(
        fmt::format("--threads: expected an even number, since half of them free what the others "
                    "allocate; found {}",
                    threads_));
  }
  Selection selection;
  selection.workloads = selected(workloads_, workload_names());
  selection.allocators = selected(allocators_, allocator_names());
  selection.n = n_;
  if (n_.empty()) selection.n = {1000, 10'000, 100'000};
  if (n_.empty() && !count_) selection.n.push_back(1'000'000);
  std::ranges::sort(selection.n);
  selection.n.erase(std::unique(selection.n.begin(), selection.n.end()), selection.n.end());
  selection.seed = whole_number("--seed", seed_, 0, std::numeric_limits<std::uint64_t>::max());
  selection.operations = operations_ != 0 ? operations_ : count_ ? 2000 : 20'000;
  selection.repetitions = repetitions_;
  selection.pairs = threads_ / 2;
  selection.count = count_;
  return selection;
}

Shard IovaCommand::shard() const {
  if (command_->count("--shard") == 0) return {};
  const std::string_view text = shard_;
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    throw std::runtime_error("--shard: expected i/n, for instance 1/4.");
  }
  Shard shard;
  shard.of = whole_number("--shard i/n, n", text.substr(slash + 1), 1, kMostShards);
  shard.index = whole_number("--shard i/n, i", text.substr(0, slash), 1, shard.of);
  return shard;
}

int IovaCommand::replay() const {
  // Of a measurement, which a replay is not.
  for (const char* option : {"--workload", "--n", "--seed", "--operations", "--repetitions",
                             "--threads", "--count", "--shard", "--json"}) {
    if (command_->count(option) != 0) {
      throw std::runtime_error(fmt::format("{}: expected none beside --replay.", option));
    }
  }
  int status = 0;
  for (const std::string& name : selected(allocators_, allocator_names())) {
    const Comparison comparison = compare_ ? Comparison::kYes : Comparison::kNo;
    status = std::max(status, replay_file({replay_, name, comparison}, allocators()));
    // What is no trace to one is none to the others.
    if (status == 2) break;
  }
  return status;
}

int IovaCommand::run() const {
  if (command_->count("--replay") != 0) return replay();
  Document document{Machine::here(), selection(), shard(), {}};
  if (cells_of(document.selection).empty()) {
    throw std::runtime_error(
        "expected a workload that goes with an allocator, found none: contended_own_lock is for "
        "the IovaDomain's, and with --count no threads contend.");
  }
  const bool writes = command_->count("--json") != 0;
  if (writes) expect_writable(json_);
  std::optional<Cachegrind> cachegrind;
  if (count_) cachegrind.emplace();
  const std::vector<Cell> cells = cells_of(document.selection, document.shard);
  {
    Progress progress(cells.size());
    for (const Cell& cell : cells) {
      progress.begin(cell);
      document.results.push_back({cell, cachegrind ? cachegrind->count(cell, document.selection)
                                                   : measure(cell, document.selection)});
    }
  }
  if (writes) write_document(document, json_);
  fmt::print("{}", table_of(document.results, document.selection.count));
  return 0;
}

}  // namespace smmu::study
