#include "emulator/cli/replay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "emulator/cli/caching.h"
#include "emulator/cli/capture.h"
#include "emulator/cli/input.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/terminal.h"

namespace smmu::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kChecks = 8;  // functions of replay_checks.h

struct PolicyResult {
  emulator::CachePolicy policy;
  std::vector<Check> checks;  // the same ones in the same order under each policy
};

emulator::Caching caching_for(emulator::CachePolicy policy) {
  emulator::Caching caching{.policy = policy};
  if (policy == emulator::CachePolicy::kRealistic) {
    // Far smaller than what a capture uses, so that entries are replaced all the time.
    caching.main_tlb = {.sets = 16, .ways = 2};
    caching.configuration = {.sets = 2, .ways = 2};
  }
  return caching;
}

std::vector<Check> run(const Capture& capture, const emulator::Caching& caching,
                       Progress& progress) {
  std::vector<Check> checks;
  const auto keep = [&](Check check) {
    checks.push_back(std::move(check));
    progress.step();
  };
  const auto keep_all = [&](std::vector<Check> more) {
    std::ranges::move(more, std::back_inserter(checks));
    progress.step();
  };
  keep_all(check_bring_up(capture, caching));
  keep(check_translations(capture, caching));
  keep_all(check_mappings(capture, caching));
  keep(check_faults(capture, caching));
  keep(check_events(capture, caching));
  keep(check_bypass(capture, caching));
  keep(check_walks(capture, caching));
  keep(check_caching(capture, caching));
  return checks;
}

// Registers alone are no capture: an SMMU that does nothing agrees with them.
bool says_nothing(const Capture& capture) {
  return capture.streams.empty() && capture.translations.empty() && capture.excluded.empty() &&
         capture.mappings.empty() && capture.faults.empty() && capture.events.empty() &&
         capture.bypass.empty() && capture.walks.empty() && capture.accesses.empty() &&
         capture.commands.empty();
}

std::string cell(const Check& check) {
  return check.agrees() ? "agree" : fmt::format("{} differ", check.disagreements);
}

void print(const Capture& capture, const std::vector<PolicyResult>& results, const Output& output) {
  const Paint paint = Paint::for_stdout();
  constexpr int kNameWidth = 34;
  constexpr int kCountWidth = 10;
  // The last column ends where its text does.
  const auto width = [&results](const PolicyResult& result) {
    return &result == &results.back() ? std::size_t{0} : std::size_t{12};
  };

  fmt::print("{}\n", paint.bold(capture.name));
  fmt::print("{:{}}{:>{}}", "", kNameWidth, "compared", kCountWidth);
  for (const PolicyResult& result : results) {
    fmt::print("  {}", paint.dim(fmt::format("{:<{}}", to_text(result.policy), width(result))));
  }
  fmt::print("\n");
  for (std::size_t i = 0; i < results.front().checks.size(); ++i) {
    std::set<std::uint64_t> counts;
    for (const PolicyResult& result : results) counts.insert(result.checks[i].compared);
    fmt::print("  {:<{}}{:>{}}", results.front().checks[i].name, kNameWidth - 2,
               fmt::format("{}", fmt::join(counts, "/")), kCountWidth);
    for (const PolicyResult& result : results) {
      const std::string text = fmt::format("{:<{}}", cell(result.checks[i]), width(result));
      fmt::print("  {}", result.checks[i].agrees() ? paint.good(text) : paint.bad(text));
    }
    fmt::print("\n");
  }

  for (std::size_t i = 0; i < results.front().checks.size(); ++i) {
    std::string last;
    for (const PolicyResult& result : results) {
      const Check& check = result.checks[i];
      std::vector<std::string> notes = check.notes;
      if (check.masked != 0) notes.push_back(fmt::format("masked differences: {}", check.masked));
      const std::string text = fmt::format("{}", fmt::join(notes, "; "));
      // Most notes are the same under every policy.
      if (text.empty() || text == last) continue;
      const bool same = std::ranges::all_of(results, [&](const PolicyResult& other) {
        return other.checks[i].notes == check.notes && other.checks[i].masked == check.masked;
      });
      fmt::print("  {} {}\n",
                 paint.dim(same ? check.name + ":"
                                : fmt::format("{} ({}):", check.name, to_text(result.policy))),
                 text);
      last = text;
    }
  }
  for (const PolicyResult& result : results) {
    for (const Check& check : result.checks) {
      const std::size_t shown =
          output.all ? check.details.size() : std::min(check.details.size(), Output::kFirst);
      for (std::size_t i = 0; i < shown; ++i) {
        fmt::print("  {} {}\n",
                   paint.bad(fmt::format("{} ({}):", check.name, to_text(result.policy))),
                   check.details[i]);
      }
      if (shown < check.disagreements) {
        fmt::print("  {} more of {} ({})\n", check.disagreements - shown, check.name,
                   to_text(result.policy));
      }
    }
  }
  fmt::print("\n");
}

Json to_json(const Capture& capture, const std::vector<PolicyResult>& results) {
  Json policies = Json::array();
  for (const PolicyResult& result : results) {
    Json checks = Json::array();
    for (const Check& check : result.checks) {
      checks.push_back({{"name", check.name},
                        {"compared", check.compared},
                        {"disagreements", check.disagreements},
                        {"masked", check.masked},
                        {"notes", check.notes},
                        {"details", check.details}});
    }
    policies.push_back({{"caching", to_text(result.policy)}, {"checks", checks}});
  }
  return {{"name", capture.name}, {"folder", capture.folder.string()}, {"policies", policies}};
}

}  // namespace

bool replay(const ReplayOptions& options) {
  std::vector<Capture> captures;
  for (const std::filesystem::path& folder : options.folders) {
    captures.push_back(Capture::load(folder));
    if (says_nothing(captures.back())) {
      throw BadInput(fmt::format(
          "{}: expected something to check, found no line in any file but registers.txt.",
          folder.string()));
    }
  }

  std::uint64_t checks = 0;
  std::uint64_t disagreeing = 0;
  std::uint64_t masked = 0;
  std::vector<std::vector<PolicyResult>> all;
  {
    Progress progress("replay", captures.size() * options.policies.size() * kChecks);
    for (const Capture& capture : captures) {
      std::vector<PolicyResult>& results = all.emplace_back();
      for (const emulator::CachePolicy policy : options.policies) {
        results.push_back({policy, run(capture, caching_for(policy), progress)});
        for (const Check& check : results.back().checks) {
          ++checks;
          disagreeing += check.agrees() ? 0 : 1;
          masked += check.masked;
        }
      }
    }
  }

  if (options.output.json) {
    Json out = Json::array();
    for (std::size_t i = 0; i < captures.size(); ++i) out.push_back(to_json(captures[i], all[i]));
    const Json document = {{"captures", out}, {"masked", masked}, {"agrees", disagreeing == 0}};
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
    return disagreeing == 0;
  }
  for (std::size_t i = 0; i < captures.size(); ++i) print(captures[i], all[i], options.output);
  const Paint paint = Paint::for_stdout();
  const std::string verdict =
      disagreeing == 0
          ? paint.good(fmt::format("All {} checks agree", checks))
          : paint.bad(fmt::format("{} of {} checks do not agree", disagreeing, checks));
  fmt::print("{}; masked differences: {}.\n", verdict, masked);
  return disagreeing == 0;
}

}  // namespace smmu::cli
