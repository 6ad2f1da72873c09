#include <fmt/format.h>

#include <string>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"

namespace smmu::cli {

namespace {

using emulator::Direction;

// How what the SMMU gives differs from the line; empty if it does not.
std::string difference(Session& session, const RecordedTranslation& line) {
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
    return fmt::format("{} of {:#x}: expected {}, got {}{}", read ? "read" : "write", line.iova,
                       allowed ? fmt::format("ok {:#x}", line.pa) : "a fault",
                       to_text(answer.outcome),
                       answer.records.empty() ? "" : ", event " + to_text(answer.records.front()));
  }
  return "";
}

}  // namespace

Check check_translations(const Capture& capture, const emulator::Caching& caching) {
  Check check("translations");
  Session session(capture, caching);
  for (const RecordedTranslation& line : capture.translations) {
    ++check.compared;
    const std::string wrong = difference(session, line);
    if (wrong.empty()) continue;
    check.disagree(
        fmt::format("translations.tsv:{}: stream {:#x}, {}", line.line, line.stream, wrong));
  }
  // These are of TLB entries that were stale when the machine was stopped: they must not be had
  // from the tables, or they would have belonged among the others.
  for (const RecordedTranslation& line : capture.excluded) {
    if (!difference(session, line).empty()) continue;
    check.disagree(
        fmt::format("excluded.tsv:{}: stream {:#x}, {:#x}: expected tables that do not give this "
                    "any more, got ok {:#x}",
                    line.line, line.stream, line.iova, line.pa));
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  if (!capture.excluded.empty()) {
    check.notes.push_back(
        fmt::format("{} are excluded, as excluded.tsv has them and the tables do not",
                    capture.excluded.size()));
  }
  return check;
}

}  // namespace smmu::cli
