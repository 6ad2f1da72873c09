#include "emulator/cli/verdict.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/event_comparison.h"
#include "emulator/cli/register_comparison.h"

namespace smmu::cli {

namespace {

using Kind = AccessResult::Kind;

v3::EventType type_of(const EventWords& words) {
  return v3::EventHeader(words)[v3::EventHeader::EventNumber];
}

// How an access ends that writes this record, or none.
AccessResult terminated(const std::optional<EventWords>& record) {
  if (!record) return {Kind::kAbort};
  return {Kind::kFault, 0, type_of(*record)};
}

AccessResult recorded_result(const DeviceAccess& access) {
  switch (access.result) {
    case RecordedResult::kOk:
      return {Kind::kOk, access.pa};
    case RecordedResult::kBypass:
    case RecordedResult::kDisabled:
      return {Kind::kBypass};
    case RecordedResult::kAbort:
    case RecordedResult::kRazWi:
      return {Kind::kAbort};
    case RecordedResult::kFault:
      return terminated(access.event);
  }
  return {Kind::kAbort};
}

std::string text_of(const AccessResult& result) { return to_text(result); }
std::string text_of(const std::optional<EventWords>& record) {
  return record ? to_text(*record) : "none";
}

template <class T>
std::string alternatives(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : " or ") + text_of(value);
  return text;
}

}  // namespace

AccessResult result_of(const DeviceAccess& access, const Answer& answer) {
  if (const auto* translation = std::get_if<emulator::Translation>(&answer.outcome)) {
    // Only tables change an address.
    if (translation->route == emulator::Route::kTables || translation->pa.value != access.iova) {
      return {Kind::kOk, translation->pa.value};
    }
    return {Kind::kBypass};
  }
  if (std::holds_alternative<emulator::Stalled>(answer.outcome)) return {Kind::kStall};
  if (answer.records.empty()) return terminated(std::nullopt);
  return terminated(answer.records.front());
}

template <class T>
const Wanted<T>* Judge::used(const Wanted<T>* disputed, const Wanted<T>* deviation) {
  if (disputed != nullptr) {
    disputed_used_.insert(disputed->line);
    return disputed;
  }
  if (deviation != nullptr) deviations_used_.insert(deviation->line);
  return deviation;
}

std::optional<Disagreement> Judge::access(const std::string& scenario, std::uint64_t op,
                                          const DeviceAccess& access, const Answer& answer) {
  const Wanted<AccessResult>* disputed = disputed_.access(scenario, op);
  const Wanted<AccessResult>* results = used(disputed, deviations_.access(scenario, op));
  // A disputed result goes with its own record: the old line's is part of what is disputed.
  const auto* events = used(disputed_.event(scenario, op),
                            disputed != nullptr ? nullptr : deviations_.event(scenario, op));

  RecordForm form = RecordForm::kManual;
  std::vector<std::optional<EventWords>> records;
  if (events != nullptr) {
    records = events->any_of;
  } else if (results != nullptr) {
    records = {std::nullopt};  // "an access or any-of line without an event line means no record"
  } else {
    form = RecordForm::kRecorded;
    records = {access.event};
  }

  std::vector<AccessResult> wanted;
  if (results != nullptr) {
    wanted = results->any_of;
  } else if (events != nullptr && recorded_result(access).kind != Kind::kOk &&
             recorded_result(access).kind != Kind::kBypass) {
    for (const auto& record : records) wanted.push_back(terminated(record));
  } else {
    wanted = {recorded_result(access)};
  }

  const AccessResult result = result_of(access, answer);
  const bool result_agrees = std::ranges::find(wanted, result) != wanted.end();
  bool record_agrees = false;
  if (answer.records.size() <= 1) {
    for (const std::optional<EventWords>& record : records) {
      if (record.has_value() == answer.records.empty()) continue;
      if (record) {
        const EventComparison comparison = compare_event(*record, form, answer.records[0]);
        if (!comparison.equal) continue;
        if (result_agrees) masked_ += comparison.masked;
      }
      record_agrees = true;
      break;
    }
  }
  if (result_agrees && record_agrees) return std::nullopt;

  std::string got = to_text(result);
  for (const EventWords& record : answer.records) got += ", record " + to_text(record);
  if (answer.records.empty()) got += ", no record";
  return Disagreement{alternatives(wanted) + ", record " + alternatives(records), got};
}

std::optional<Disagreement> Judge::value(const Wanted<std::uint64_t>* wanted, std::uint32_t offset,
                                         std::uint64_t recorded, std::uint64_t got,
                                         bool command_error) {
  const std::uint64_t compared = compared_bits(offset, command_error);
  std::string expected;
  for (const std::uint64_t value : wanted != nullptr ? wanted->any_of : std::vector{recorded}) {
    if (((value ^ got) & compared) == 0) {
      if (value != got) ++masked_;
      return std::nullopt;
    }
    expected += fmt::format("{}{:#x}", expected.empty() ? "" : " or ", value);
  }
  return Disagreement{expected, fmt::format("{:#x}", got)};
}

std::optional<Disagreement> Judge::read(const std::string& scenario, std::uint64_t op,
                                        const RegisterRead& read, std::uint64_t got,
                                        bool command_error) {
  const auto* wanted = used(disputed_.read(scenario, op), deviations_.read(scenario, op));
  return value(wanted, read.offset, read.value, got, command_error);
}

std::optional<Disagreement> Judge::end(const std::string& scenario, const EndValue& end,
                                       std::uint64_t got, bool command_error) {
  const auto* wanted =
      used(disputed_.end(scenario, end.offset), deviations_.end(scenario, end.offset));
  return value(wanted, end.offset, end.value, got, command_error);
}

bool Judge::stopped(const std::string& scenario, std::uint64_t op) const {
  const auto reached = [op](std::optional<std::uint64_t> stop) { return stop && op >= *stop; };
  return reached(deviations_.stop(scenario)) || reached(disputed_.stop(scenario));
}

}  // namespace smmu::cli
