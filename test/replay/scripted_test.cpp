// The committed scripted scenarios, as the tool judges them.
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "emulator/cli/deviations.h"
#include "emulator/cli/scenario_player.h"
#include "emulator/cli/verdict.h"

namespace smmu::cli::scripted_test {
namespace {

using emulator::CachePolicy;
using emulator::SpeculativePrefetch;

const std::filesystem::path kCaptures = std::filesystem::path(SMMU_TEST_DATA) / "captures";
const std::filesystem::path kFolder = kCaptures / "scripted";

struct Played {
  ScenarioCounts counts;
  std::vector<OpDisagreement> disagreements;
  std::uint64_t deviations_used;
};

Played play(const std::vector<Scenario>& scenarios, const Deviations& deviations,
            const emulator::Caching& caching) {
  Played played{};
  const Deviations none;
  Judge judge(deviations, none);
  for (const Scenario& scenario : scenarios) {
    ScenarioPlayer(scenario, caching, scenario.name)
        .play(judge, played.counts, played.disagreements);
  }
  played.deviations_used = judge.deviations_used();
  return played;
}

// One of the sets, and what is in it.
struct Set {
  const char* folder;
  std::uint64_t scenarios;
  std::uint64_t accesses;
  std::uint64_t reads;
  std::uint64_t deviations;

  friend std::ostream& operator<<(std::ostream& out, const Set& set) { return out << set.folder; }
};

class Scripted
    : public ::testing::TestWithParam<std::tuple<Set, CachePolicy, SpeculativePrefetch>> {};

TEST_P(Scripted, EveryOpAgreesUnderEveryPolicy) {
  const Set& set = std::get<0>(GetParam());
  const auto scenarios = load_scenarios(kCaptures / set.folder / "scenarios.jsonl.gz");
  const auto deviations = Deviations::load(kCaptures / set.folder / "deviations.tsv.gz");
  std::vector<const Scenario*> all;
  for (const Scenario& scenario : scenarios) all.push_back(&scenario);
  deviations.hold_against(all);
  const Played played =
      play(scenarios, deviations,
           {.policy = std::get<1>(GetParam()), .prefetch = std::get<2>(GetParam())});
  for (const OpDisagreement& wrong : played.disagreements) {
    ADD_FAILURE() << wrong.scenario << " op " << wrong.op << ", " << wrong.what << ": expected "
                  << wrong.values.expected << ", got " << wrong.values.got;
  }
  EXPECT_EQ(played.counts.agreeing, set.scenarios);
  EXPECT_EQ(played.counts.accesses, set.accesses);
  EXPECT_EQ(played.counts.reads, set.reads);
  EXPECT_EQ(played.counts.end_values, 5 * set.scenarios);
  // There is no line that speaks of nothing.
  EXPECT_EQ(played.deviations_used, set.deviations);
}

INSTANTIATE_TEST_SUITE_P(
    All, Scripted,
    ::testing::Combine(::testing::Values(Set{"scripted", 63, 1320, 145, 594},
                                         Set{"scripted-stage2", 71, 2719, 471, 903},
                                         Set{"scripted-nested", 69, 2279, 345, 1034}),
                       ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                         CachePolicy::kAdversarial),
                       ::testing::Values(SpeculativePrefetch::kOff, SpeculativePrefetch::kOn)));

TEST(ScriptedWithoutItsDeviations, QemusSlipsAreDisagreements) {
  const Played played = play(load_scenarios(kFolder / "scenarios.jsonl.gz"), Deviations(),
                             {.policy = CachePolicy::kAdversarial});
  EXPECT_LT(played.counts.agreeing, 63);
  EXPECT_GT(played.disagreements.size(), 100);
}

TEST(ScriptedChanged, EveryKindOfOpIsJudged) {
  auto scenarios = load_scenarios(kFolder / "scenarios.jsonl.gz");
  const auto deviations = Deviations::load(kFolder / "deviations.tsv.gz");
  // In each scenario the last access, the last read and an end value are changed.
  std::size_t changes = 0;
  for (Scenario& scenario : scenarios) {
    scenario.end[3].value ^= 0x10;  // GERRORN, for which there are no lines
    ++changes;
    for (std::size_t op = scenario.ops.size(); op-- > 0;) {
      auto* access = std::get_if<DeviceAccess>(&scenario.ops[op]);
      if (access == nullptr || deviations.access(scenario.name, op) != nullptr ||
          access->result != RecordedResult::kOk) {
        continue;
      }
      access->pa ^= 0x1000;
      ++changes;
      break;
    }
    for (std::size_t op = scenario.ops.size(); op-- > 0;) {
      auto* read = std::get_if<RegisterRead>(&scenario.ops[op]);
      if (read == nullptr || deviations.read(scenario.name, op) != nullptr) continue;
      read->value ^= 0x100;
      ++changes;
      break;
    }
  }
  const Played played = play(scenarios, deviations, {.policy = CachePolicy::kAdversarial});
  EXPECT_EQ(played.disagreements.size(), changes);
  EXPECT_EQ(played.counts.agreeing, 0);
}

}  // namespace
}  // namespace smmu::cli::scripted_test
