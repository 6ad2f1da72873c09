#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/session.h"

namespace smmu::cli {

namespace {

using v3::EventHeader;
using v3::EventType;

bool has_field(EventType type, std::string_view name) {
  const auto event = std::ranges::find(v3::kEvents, type, &v3::EventLayout::type);
  return event != std::end(v3::kEvents) &&
         std::ranges::any_of(event->layout.fields, [name](const FieldInfo& field) {
           return field.name != nullptr && field.name == name;
         });
}

// By what a fault and its record know each other: event, stream, and, where the record has them,
// address and direction.
using Key = std::tuple<EventType, std::uint32_t, std::uint64_t, bool>;

Key make_key(EventType type, std::uint32_t stream, std::uint64_t iova, bool read) {
  return {type, stream, has_field(type, "InputAddr") ? iova : 0, has_field(type, "RnW") && read};
}

Key key_of(const EventWords& words) {
  const EventHeader header(words);
  // These two are in one place in every record that has them.
  const v3::F_PERMISSION fault(words);
  return make_key(header[EventHeader::EventNumber], header[EventHeader::StreamID],
                  fault[v3::F_PERMISSION::InputAddr], fault[v3::F_PERMISSION::RnW]);
}

// The level of the last descriptor that the access read; -1 if it read none.
int last_level(const Recorder& recorder) {
  int level = -1;
  for (const Happening& happening : recorder.happenings()) {
    if (const auto* access = std::get_if<emulator::TableAccess>(&happening)) level = access->level;
  }
  return level;
}

}  // namespace

Check check_faults(const Capture& capture, const emulator::Caching& caching) {
  Check check("faults");
  // All accesses are alike, so the first record of a fault stands for its repetitions.
  std::map<Key, const RecordedEvent*> recorded;
  for (const RecordedEvent& event : capture.events) recorded.emplace(key_of(event.words), &event);

  std::uint64_t records = 0;
  std::uint64_t unrecorded = 0;
  Session session(capture, caching);
  for (const RecordedFault& fault : capture.faults) {
    ++check.compared;
    const Answer answer =
        session.access(fault.stream, fault.iova,
                       fault.write ? emulator::Direction::kWrite : emulator::Direction::kRead);
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

    const auto found = recorded.find(make_key(fault.event, fault.stream, fault.iova, !fault.write));
    if (found == recorded.end()) {
      ++unrecorded;
      // Nobody recorded one, for instance because CD.R was 0: then there is nothing to compare
      // with, but a record of another event is wrong all the same.
      if (answer.records.empty() ||
          EventHeader(answer.records.front())[EventHeader::EventNumber] == fault.event) {
        continue;
      }
      disagree("no record of another event", to_text(answer.records.front()));
      continue;
    }
    if (answer.records.size() != 1) {
      disagree("one record", fmt::format("{}", answer.records.size()));
      continue;
    }
    ++records;
    const RecordedEvent& event = *found->second;
    const EventComparison comparison =
        compare_event(event.words, RecordForm::kRecorded, answer.records[0]);
    check.masked += comparison.masked;
    if (!comparison.equal) {
      disagree(fmt::format("the record {} of events.tsv:{}", to_text(event.words), event.line),
               to_text(answer.records[0]));
    }
  }
  if (!session.driver().complaint().empty()) check.disagree(session.driver().complaint());
  if (records != 0) {
    check.notes.push_back(
        fmt::format("{} event records were compared with those of events.tsv", records));
  }
  if (unrecorded != 0) {
    check.notes.push_back(fmt::format("{} faults have no record in events.tsv", unrecorded));
  }
  return check;
}

}  // namespace smmu::cli
