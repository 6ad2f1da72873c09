#include <fmt/format.h>

#include <set>
#include <utility>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"

namespace smmu::cli {

namespace {

using emulator::Direction;

}  // namespace

Check check_translations(const Capture& capture, const emulator::Caching& caching) {
  Check check("translations");
  std::set<std::pair<std::uint32_t, std::uint64_t>> excluded;
  for (const RecordedTranslation& line : capture.excluded) excluded.emplace(line.stream, line.iova);

  Session session(capture, caching);
  for (const RecordedTranslation& line : capture.translations) {
    if (excluded.contains({line.stream, line.iova})) continue;
    ++check.compared;
    for (const Direction direction : {Direction::kRead, Direction::kWrite}) {
      const bool read = direction == Direction::kRead;
      const bool allowed = read ? line.allows.read : line.allows.write;
      const Answer answer = session.access(line.stream, line.iova, direction);
      const auto* translation = std::get_if<emulator::Translation>(&answer.outcome);
      const bool translated =
          translation != nullptr && translation->route == emulator::Route::kTables;
      if (allowed ? translated && translation->pa.value == line.pa
                  : std::holds_alternative<emulator::Terminated>(answer.outcome)) {
        continue;
      }
      check.disagree(fmt::format(
          "translations.tsv:{}: stream {:#x}, {} of {:#x}: expected {}, got {}{}", line.line,
          line.stream, read ? "read" : "write", line.iova,
          allowed ? fmt::format("ok {:#x}", line.pa) : "a fault", to_text(answer.outcome),
          answer.records.empty() ? "" : ", event " + to_text(answer.records.front())));
      break;
    }
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  if (!capture.excluded.empty()) {
    check.notes.push_back(fmt::format(
        "{} translations of excluded.tsv, which the tables no longer gave, are not asked for",
        capture.excluded.size()));
  }
  return check;
}

}  // namespace smmu::cli
