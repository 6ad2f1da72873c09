#include <fmt/format.h>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/walk_configuration.h"
#include "emulator/cli/walk_stage.h"

namespace smmu::cli {

namespace {

using emulator::Direction;

// The descriptors that the SMMU read, in order.
std::vector<WalkStep> steps_of(const Recorder& recorder) {
  std::vector<WalkStep> steps;
  for (const Happening& happening : recorder.happenings()) {
    const auto* access = std::get_if<emulator::TableAccess>(&happening);
    if (access == nullptr) continue;
    steps.push_back({access->level, access->address.value, access->descriptor.value_or(0)});
  }
  return steps;
}

std::string steps_text(const std::vector<WalkStep>& steps) {
  std::string text;
  for (const WalkStep& step : steps) {
    text += fmt::format("{}{}:{:#x}:{:#x}", text.empty() ? "" : " ", step.level, step.address,
                        step.descriptor);
  }
  return text.empty() ? "none" : text;
}

// What is wrong; empty if nothing is.
std::string play(WalkStage& stage, const RecordedWalk& walk) {
  bool first = true;
  for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
    const bool read = direction == Direction::kRead;
    const bool allowed = read ? walk.allows.read : walk.allows.write;
    const Answer answer = stage.driver().ask(
        {.stream = StreamId(walk.stream), .address = Iova(walk.iova), .direction = direction});
    const auto* translation = std::get_if<emulator::Translation>(&answer.outcome);
    const bool agrees = allowed ? translation != nullptr && translation->pa.value == walk.pa
                                : std::holds_alternative<emulator::Terminated>(answer.outcome);
    if (!agrees) {
      return fmt::format("{} expected {}, got {}{}", read ? "read" : "write",
                         allowed ? fmt::format("ok {:#x}", walk.pa) : "a fault",
                         to_text(answer.outcome),
                         answer.records.empty() ? "" : ", event " + to_text(answer.records[0]));
    }
    // The second access may be answered by copies.
    const std::vector<WalkStep> steps = steps_of(stage.recorder());
    if (first && steps != walk.steps) {
      return fmt::format("expected the descriptors {}, read {}", steps_text(walk.steps),
                         steps_text(steps));
    }
    first = false;
  }
  return {};
}

}  // namespace

Check check_walks(const Capture& capture, const emulator::Caching& caching) {
  Check check("single walks");
  std::uint64_t made_up = 0;
  const WalkConfigurations configurations(capture);
  WalkStage stage(capture, caching);
  for (const RecordedWalk& walk : capture.walks) {
    ++check.compared;
    const auto disagree = [&](std::string_view what) {
      check.disagree(fmt::format("walks.tsv:{}: stream {:#x}, {:#x}: {}", walk.line, walk.stream,
                                 walk.iova, what));
    };
    if (!stage.has_stream(walk.stream)) {
      disagree("the SMMU has no stream of this number");
      continue;
    }
    const auto configuration = configurations.find(walk);
    if (!configuration) {
      disagree("the descriptors do not follow one another with any granule");
      continue;
    }
    if (!configuration->from_memory) ++made_up;
    stage.set(walk, *configuration);
    if (const std::string wrong = play(stage, walk); !wrong.empty()) disagree(wrong);
    stage.clear(walk);
  }
  if (!stage.driver().complaint().empty()) check.disagree(stage.driver().complaint());
  if (made_up != 0) {
    check.notes.push_back(fmt::format(
        "{} with a CD made up from the walk, because its tables were gone at the stop", made_up));
  }
  return check;
}

}  // namespace smmu::cli
