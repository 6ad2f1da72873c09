#include <fmt/format.h>

#include <optional>
#include <set>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/event_key.h"
#include "emulator/cli/event_queue_dump.h"
#include "emulator/cli/leaf_index.h"
#include "emulator/cli/recording_session.h"
#include "emulator/cli/replay_checks.h"
#include "emulator/cli/stream_tables.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using v3::CD;
using v3::EventType;

// What the tool itself reads in the dump: without it, an SMMU that does not give a fault could not
// be told from tables that do not give it any more.
class Dump {
 public:
  explicit Dump(const Capture& capture) : capture_(capture), leaves_(capture) {}

  // True if an access like that of the record gives a fault of the same type.  False too where only
  // the SMMU can tell.
  bool gives(const EventKey& key) const {
    if (!capture_.registers.get<v3::SMMU_CR0>()[v3::SMMU_CR0::SMMUEN]) return false;
    if (key.type == EventType::C_BAD_STREAMID)
      return lacks_stream(capture_.registers, capture_.memory, key.stream);
    const auto stream = find_stream(capture_.registers, capture_.memory, key.stream);
    if (!stream) return false;
    if (key.type == EventType::C_BAD_STE) return !stream->valid();
    if (!stream->cd) return false;
    const CD& cd = *stream->cd;
    if (key.type == EventType::C_BAD_CD) return !cd[CD::V];
    if (!cd[CD::V]) return false;
    const Leaf* leaf = leaves_.find(key.stream, key.iova);
    switch (key.type) {
      case EventType::F_TRANSLATION:
        return leaf == nullptr;
      case EventType::F_PERMISSION:
        return leaf != nullptr && leaf->usable &&
               !(key.read ? leaf->unprivileged.read : leaf->unprivileged.write);
      default:
        return false;
    }
  }

 private:
  const Capture& capture_;
  LeafIndex leaves_;
};

}  // namespace

Check check_events(const Capture& capture, const emulator::Caching& caching) {
  Check check("event records");
  if (queue_was_full(capture)) {
    check.notes.push_back(
        "SMMU_GERROR says that the Event queue was full, so records are lost and are not counted");
  } else {
    for (std::string& difference : queue_differences(capture))
      check.disagree(std::move(difference));
  }

  std::set<EventKey> faults;
  for (const RecordedFault& fault : capture.faults) faults.insert(key_of(fault));
  std::uint64_t without_line = 0;
  std::uint64_t gone = 0;
  std::optional<Dump> dump;
  const auto session = recording_session(capture, caching);
  for (const RecordedEvent& event : capture.events) {
    const EventKey key = key_of(event.words);
    const Answer answer = session->access(
        key.stream, key.iova, key.read ? emulator::Direction::kRead : emulator::Direction::kWrite);
    const bool alike = answer.records.size() == 1 && key_of(answer.records[0]) == key;
    const bool has_line = faults.contains(key);
    if (!alike && !has_line) {
      if (!dump) dump.emplace(capture);
      if (!dump->gives(key)) {
        ++gone;
        continue;
      }
    }
    ++check.compared;
    if (!has_line) ++without_line;
    const EventComparison comparison =
        alike ? compare_event(event.words, RecordForm::kRecorded, answer.records[0])
              : EventComparison{.equal = false, .masked = 0};
    check.masked += comparison.masked;
    if (comparison.equal) continue;
    std::string got = to_text(answer.outcome);
    for (const EventWords& words : answer.records) got += ", record " + to_text(words);
    if (answer.records.empty()) got += ", no record";
    check.disagree(fmt::format(
        "events.tsv:{}: stream {:#x}, {} of {:#x}: expected the record {}, "
        "got {}",
        event.line, key.stream, key.read ? "read" : "write", key.iova, to_text(event.words), got));
  }
  if (!session->driver().complaint().empty()) check.disagree(session->driver().complaint());
  if (without_line != 0) {
    check.notes.push_back(
        fmt::format("{} of them have no line in faults.tsv and were replayed alone", without_line));
  }
  if (gone != 0) {
    check.notes.push_back(
        fmt::format("{} more are not compared: faults.tsv and the tables in memory.txt do not give "
                    "them any more",
                    gone));
  }
  return check;
}

}  // namespace smmu::cli
