#include <fmt/format.h>

#include <map>
#include <memory>
#include <string_view>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/event_key.h"
#include "emulator/cli/event_queue_dump.h"
#include "emulator/cli/recording_session.h"
#include "emulator/cli/replay_checks.h"

namespace smmu::cli {

namespace {

// The level of the last descriptor that the access read; -1 if it read none.
int last_level(const Recorder& recorder) {
  int level = -1;
  for (const Happening& happening : recorder.happenings()) {
    if (const auto* access = std::get_if<emulator::TableAccess>(&happening)) level = access->level;
  }
  return level;
}

std::string text_of(const Answer& answer) {
  return answer.records.empty() ? to_text(answer.outcome) + " without a record"
                                : "record " + to_text(answer.records[0]);
}

}  // namespace

Check check_faults(const Capture& capture, const emulator::Caching& caching) {
  Check check("faults");
  // How many records of each kind no line has claimed yet.
  std::map<EventKey, std::uint64_t> recorded;
  for (const RecordedEvent& event : capture.events) ++recorded[key_of(event.words)];
  const bool some_lost = queue_was_full(capture);

  std::uint64_t lost = 0;
  std::uint64_t silent = 0;
  Session session(capture, caching);
  std::unique_ptr<Session> recording;
  for (const RecordedFault& fault : capture.faults) {
    ++check.compared;
    const emulator::Direction direction =
        fault.write ? emulator::Direction::kWrite : emulator::Direction::kRead;
    Answer answer = session.access(fault.stream, fault.iova, direction);
    const auto disagree = [&](std::string_view expected, std::string_view got) {
      check.disagree(fmt::format("faults.tsv:{}: stream {:#x}, {} of {:#x}: expected {}, got {}",
                                 fault.line, fault.stream, fault.write ? "write" : "read",
                                 fault.iova, expected, got));
    };
    if (!std::holds_alternative<emulator::Terminated>(answer.outcome)) {
      disagree("a fault", to_text(answer.outcome));
      continue;
    }
    const int level = last_level(session.recorder());
    if (level >= 0 && fault.level >= 0 && level != fault.level) {
      disagree(fmt::format("the walk to end at level {}", fault.level),
               fmt::format("level {}", level));
      continue;
    }

    const EventKey key = key_of(fault);
    const auto of_event = [&key](const Answer& given) {
      return given.records.size() == 1 && key_of(given.records[0]) == key;
    };
    if (answer.records.empty()) {
      // Software may have forbidden the record; which fault it is shows where it has not.
      ++silent;
      if (!recording) recording = recording_session(capture, caching);
      answer = recording->access(fault.stream, fault.iova, direction);
      if (!of_event(answer)) disagree("a fault of this event", text_of(answer));
      continue;
    }
    if (!of_event(answer)) {
      disagree("one record, of this event", text_of(answer));
      continue;
    }
    // check_events() compares the two.
    if (std::uint64_t& left = recorded[key]; left != 0) {
      --left;
    } else if (some_lost) {
      ++lost;
    } else {
      check.disagree(fmt::format(
          "faults.tsv:{}: stream {:#x}, {} of {:#x}: expected its record in events.tsv, found none",
          fault.line, fault.stream, fault.write ? "write" : "read", fault.iova));
    }
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  if (silent != 0) {
    check.notes.push_back(fmt::format(
        "{} are not recorded, as CD.R, SMMU_CR0.EVENTQEN or SMMU_CR2.RECINVSID is 0", silent));
  }
  if (lost != 0) {
    check.notes.push_back(
        fmt::format("{} have no record in events.tsv, because the Event queue was full", lost));
  }
  return check;
}

}  // namespace smmu::cli
