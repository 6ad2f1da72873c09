#include "emulator/cli/scenario_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "emulator/cli/caching.h"
#include "emulator/cli/input.h"
#include "emulator/cli/scenario_player.h"
#include "emulator/cli/terminal.h"

namespace smmu::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Loaded {
  std::filesystem::path file;
  std::vector<Scenario> scenarios;
  std::filesystem::path deviations_file;  // empty: there is none
  Deviations deviations;
};

// Each file of deviations speaks of the scenarios that it lies beside, and of no others; and never
// of an SMMUv2's.
void hold_deviations(const std::vector<Loaded>& inputs, const Deviations& disputed) {
  std::map<std::filesystem::path, std::vector<const Scenario*>> beside;
  std::vector<const Scenario*> all;
  for (const Loaded& input : inputs) {
    for (const Scenario& scenario : input.scenarios) {
      if (scenario.is_of_v2()) continue;
      beside[input.deviations_file].push_back(&scenario);
      all.push_back(&scenario);
    }
  }
  for (const Loaded& input : inputs) input.deviations.hold_against(beside[input.deviations_file]);
  disputed.hold_against(all);
}

struct Result {
  const Loaded* input;
  emulator::CachePolicy policy;
  ScenarioCounts counts;
  std::vector<OpDisagreement> disagreements;
  std::uint64_t masked = 0;
  std::uint64_t deviations_used = 0;
  std::uint64_t disputed_used = 0;
};

Result run(const Loaded& input, const Deviations& disputed, emulator::CachePolicy policy,
           emulator::SpeculativePrefetch prefetch, Progress& progress) {
  Result result{.input = &input, .policy = policy, .counts = {}, .disagreements = {}};
  Judge judge(input.deviations, disputed);
  for (const Scenario& scenario : input.scenarios) {
    ScenarioPlayer player(scenario, {.policy = policy, .prefetch = prefetch},
                          fmt::format("{}:{}", input.file.string(), scenario.line));
    player.play(judge, result.counts, result.disagreements);
    progress.step();
  }
  result.masked = judge.masked();
  result.deviations_used = judge.deviations_used();
  result.disputed_used = judge.disputed_used();
  return result;
}

void print(const Result& result, const ScenarioOptions& options) {
  const Paint paint = Paint::for_stdout();
  const ScenarioCounts& counts = result.counts;
  const bool agrees = result.disagreements.empty();
  fmt::print("{}  caching {}{}\n", paint.bold(result.input->file.string()), to_text(result.policy),
             options.prefetch == emulator::SpeculativePrefetch::kOn ? ", prefetch on" : "");
  const std::string verdict =
      fmt::format("{} of {} scenarios agree", counts.agreeing, counts.scenarios);
  fmt::print("  {}: {} accesses, {} register reads, {} end values; masked differences: {}\n",
             agrees ? paint.good(verdict) : paint.bad(verdict), counts.accesses, counts.reads,
             counts.end_values, result.masked);
  if (counts.stopped != 0)
    fmt::print("  {} scenarios are not judged to their end\n", counts.stopped);
  if (counts.lost_writes != 0)
    fmt::print("  {} memory writes went to where there is no RAM\n", counts.lost_writes);
  if (!result.input->deviations.file().empty()) {
    fmt::print("  lines used of {}: {}\n", result.input->deviations.file(), result.deviations_used);
  }
  if (options.disputed) {
    fmt::print("  lines used of {}: {}\n", options.disputed->string(), result.disputed_used);
  }
  const std::size_t shown = options.output.all
                                ? result.disagreements.size()
                                : std::min(result.disagreements.size(), Output::kFirst);
  for (std::size_t i = 0; i < shown; ++i) {
    const OpDisagreement& wrong = result.disagreements[i];
    fmt::print("  {} op {}, {}:\n    expected {}\n    got      {}\n",
               paint.bad(printable(wrong.scenario)), wrong.op, wrong.what, wrong.values.expected,
               wrong.values.got);
  }
  if (shown < result.disagreements.size()) {
    fmt::print("  {} more; --all shows them\n", result.disagreements.size() - shown);
  }
}

Json to_json(const Result& result) {
  Json disagreements = Json::array();
  for (const OpDisagreement& wrong : result.disagreements) {
    disagreements.push_back({{"scenario", wrong.scenario},
                             {"op", wrong.op},
                             {"what", wrong.what},
                             {"expected", wrong.values.expected},
                             {"got", wrong.values.got}});
  }
  return {{"file", result.input->file.string()},
          {"caching", to_text(result.policy)},
          {"scenarios", result.counts.scenarios},
          {"agreeing", result.counts.agreeing},
          {"accesses", result.counts.accesses},
          {"reads", result.counts.reads},
          {"end_values", result.counts.end_values},
          {"not_judged_to_the_end", result.counts.stopped},
          {"lost_writes", result.counts.lost_writes},
          {"masked", result.masked},
          {"deviations_used", result.deviations_used},
          {"disputed_used", result.disputed_used},
          {"disagreements", disagreements}};
}

}  // namespace

bool run_scenarios(const ScenarioOptions& options) {
  std::vector<Loaded> inputs;
  std::uint64_t total = 0;
  const Deviations disputed = options.disputed ? Deviations::load(*options.disputed) : Deviations();
  for (const std::filesystem::path& file : options.files) {
    Loaded& input = inputs.emplace_back();
    input.file = file;
    input.scenarios = load_scenarios(file);
    total += input.scenarios.size();
    if (std::ranges::all_of(input.scenarios, &Scenario::is_of_v2)) continue;
    const auto beside = find_optional_input(
        file.has_parent_path() ? file.parent_path() : std::filesystem::path("."), "deviations.tsv");
    if (beside) {
      input.deviations_file = *beside;
      input.deviations = Deviations::load(*beside);
    }
  }
  hold_deviations(inputs, disputed);

  std::vector<Result> results;
  {
    Progress progress("scenario", total * options.policies.size());
    for (const Loaded& input : inputs) {
      for (const emulator::CachePolicy policy : options.policies) {
        results.push_back(run(input, disputed, policy, options.prefetch, progress));
      }
    }
  }

  const bool agrees = std::ranges::all_of(
      results, [](const Result& result) { return result.disagreements.empty(); });
  if (options.output.json) {
    Json out = Json::array();
    for (const Result& result : results) out.push_back(to_json(result));
    const Json document = {{"files", out}, {"agrees", agrees}};
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    for (const Result& result : results) print(result, options);
  }
  return agrees;
}

}  // namespace smmu::cli
