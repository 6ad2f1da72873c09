#include "emulator/cli/deviations.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "emulator/cli/input.h"
#include "emulator/cli/tsv.h"

namespace smmu::cli {

namespace {

using std::string_view;

enum : std::size_t { kScenario, kOp, kKind, kValue };

std::optional<AccessResult> parse_result(string_view text) {
  constexpr string_view kOk = "ok ";
  constexpr string_view kFault = "fault ";
  if (text == "bypass") return AccessResult{AccessResult::Kind::kBypass};
  if (text == "abort") return AccessResult{AccessResult::Kind::kAbort};
  if (text.starts_with(kOk)) {
    const auto pa = parse_number(text.substr(kOk.size()));
    if (pa) return AccessResult{AccessResult::Kind::kOk, *pa};
  }
  if (text.starts_with(kFault)) {
    const auto event = parse_number(text.substr(kFault.size()));
    if (event && *event <= 0xff) {
      return AccessResult{AccessResult::Kind::kFault, 0, static_cast<v3::EventType>(*event)};
    }
  }
  return std::nullopt;
}

// A record, or the word none: an optional in an optional.
std::optional<std::optional<EventWords>> parse_event(string_view text) {
  if (text == "none") return std::optional<EventWords>();
  EventWords words{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t comma = text.find(',');
    const auto word = parse_number(text.substr(0, comma));
    if (!word || (comma == string_view::npos) != (i + 1 == words.size())) return std::nullopt;
    words[i] = *word;
    if (comma != string_view::npos) text.remove_prefix(comma + 1);
  }
  return std::optional<EventWords>(words);
}

std::optional<std::uint64_t> parse_value(string_view text) { return parse_number(text); }

// The alternatives of the value column.
template <class Parse>
auto values_in(const Tsv& tsv, Parse&& parse, string_view expected) {
  std::vector<std::decay_t<decltype(*parse(string_view()))>> values;
  string_view rest = tsv.text(kValue);
  while (true) {
    const std::size_t bar = rest.find('|');
    auto value = parse(rest.substr(0, bar));
    if (!value) tsv.reject(kValue, fmt::format("{}, or several with | between them", expected));
    values.push_back(std::move(*value));
    if (bar == string_view::npos) return values;
    rest.remove_prefix(bar + 1);
  }
}

}  // namespace

std::string to_text(const AccessResult& result) {
  switch (result.kind) {
    case AccessResult::Kind::kOk:
      return fmt::format("ok {:#x}", result.pa);
    case AccessResult::Kind::kBypass:
      return "bypass";
    case AccessResult::Kind::kAbort:
      return "abort";
    case AccessResult::Kind::kFault:
      return fmt::format("fault {:#04x}", static_cast<unsigned>(result.event));
    case AccessResult::Kind::kStall:
      return "stall";
  }
  return "?";
}

Deviations Deviations::load(const std::filesystem::path& file) {
  static constexpr string_view kColumns[] = {"scenario", "op", "kind", "value"};
  Deviations result;
  result.file_ = file.string();
  for (Tsv tsv(file, kColumns); tsv.next();) {
    const Place place(std::string(tsv.text(kScenario)), tsv.number(kOp));
    const string_view kind = tsv.text(kKind);
    const auto add = [&](auto& table, auto values) {
      using Line = typename std::remove_reference_t<decltype(table)>::mapped_type;
      if (!table.try_emplace(place, Line{tsv.line(), std::move(values)}).second) {
        tsv.reject(kKind, "each op at most once");
      }
    };
    if (kind == "access" || kind == "any-of") {
      add(result.accesses_,
          values_in(tsv, parse_result, "\"ok PA\", \"bypass\", \"abort\" or \"fault 0xNN\""));
    } else if (kind == "event") {
      add(result.events_,
          values_in(tsv, parse_event, "four words with commas between them or \"none\""));
    } else if (kind == "read") {
      add(result.reads_, values_in(tsv, parse_value, "a number"));
    } else if (kind == "end") {
      add(result.ends_, values_in(tsv, parse_value, "a number"));
    } else if (kind == "stop") {
      if (!result.stops_.try_emplace(place, tsv.line()).second)
        tsv.reject(kKind, "each op at most once");
    } else {
      tsv.reject(kKind, "access, any-of, event, read, end or stop");
    }
  }
  return result;
}

void Deviations::hold_against(std::span<const Scenario* const> scenarios) const {
  std::multimap<string_view, const Scenario*> by_name;
  for (const Scenario* scenario : scenarios) by_name.emplace(scenario->name, scenario);
  const auto hold_line = [&](std::uint64_t line, const std::string& name, std::uint64_t op,
                             string_view what, auto&& fits) {
    const auto [first, last] = by_name.equal_range(name);
    if (first == last) {
      throw BadInput(fmt::format("{}:{}: expected the name of a scenario, found {}.", file_, line,
                                 in_quotes(name)));
    }
    if (std::all_of(first, last, [&](const auto& entry) { return fits(*entry.second, op); }))
      return;
    throw BadInput(fmt::format("{}:{}: expected {}, but {} of scenario {} is none.", file_, line,
                               what, op, in_quotes(name)));
  };
  const auto hold = [&](const auto& table, string_view what, auto&& fits) {
    for (const auto& [place, wanted] : table)
      hold_line(wanted.line, place.first, place.second, what, fits);
  };
  const auto is_access = [](const Scenario& scenario, std::uint64_t op) {
    return op < scenario.ops.size() && std::holds_alternative<DeviceAccess>(scenario.ops[op]);
  };
  hold(accesses_, "the number of an access", is_access);
  hold(events_, "the number of an access", is_access);
  hold(reads_, "the number of a register read", [](const Scenario& scenario, std::uint64_t op) {
    return op < scenario.ops.size() && std::holds_alternative<RegisterRead>(scenario.ops[op]);
  });
  hold(ends_, "the offset of a register with an end value",
       [](const Scenario& scenario, std::uint64_t offset) {
         return std::ranges::any_of(scenario.end,
                                    [offset](const EndValue& end) { return end.offset == offset; });
       });
  for (const auto& [place, line] : stops_) {
    hold_line(line, place.first, place.second, "the number of an op",
              [](const Scenario& scenario, std::uint64_t op) { return op < scenario.ops.size(); });
  }
}

}  // namespace smmu::cli
