#include "emulator/cli/scenario_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <vector>

#include "emulator/cli/memory_image.h"

namespace smmu::cli {

namespace {

// An op's event is the deepest thing there is.
constexpr int kMaxDepth = 8;

// "ok, fault, abort, bypass or disabled".
std::string alternatives(std::span<const NamedResult> results) {
  std::string text;
  for (std::size_t i = 0; i != results.size(); ++i) {
    if (i != 0) text += i + 1 == results.size() ? " or " : ", ";
    text += results[i].first;
  }
  return text;
}

}  // namespace

ScenarioLine::Json ScenarioLine::object() const {
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  const auto checked = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kMaxDepth) reject(fmt::format("brackets nested at most {} deep", kMaxDepth));
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys.back().insert(key).second)
        reject(fmt::format("each key of an object once, but {} is there again", in_quotes(key)));
    }
    return true;
  };
  Json object = Json::parse(lines_.text(), checked, false);
  if (!object.is_object()) lines_.reject("a JSON object");
  return object;
}

void ScenarioLine::reject(std::string_view expected) const {
  throw BadInput(fmt::format("{}:{}: expected {}.", lines_.file(), lines_.number(), expected));
}

void ScenarioLine::reject_configuration(std::string_view sentence) const {
  throw BadInput(fmt::format("{}:{}: the model cannot be this SMMU: {}", lines_.file(),
                             lines_.number(), sentence));
}

const ScenarioLine::Json& ScenarioLine::member(const Json& object, const char* key,
                                               std::string_view of) const {
  const auto found = object.find(key);
  if (found == object.end()) reject(fmt::format("{} to have \"{}\"", of, key));
  return *found;
}

std::uint64_t ScenarioLine::number(const Json& value, std::string_view what,
                                   std::uint64_t limit) const {
  std::optional<std::uint64_t> result;
  if (value.is_number_unsigned())
    result = value.get<std::uint64_t>();
  else if (value.is_string())
    result = parse_number(value.get_ref<const std::string&>());
  if (!result || *result > limit) reject(fmt::format("{} to be a number up to {:#x}", what, limit));
  return *result;
}

const std::string& ScenarioLine::kind(const Json& op, const std::string& where,
                                      std::string_view kinds) const {
  if (!op.is_array() || op.empty() || !op[0].is_string())
    reject(fmt::format("{} to be an array that begins with {}", where, kinds));
  return op[0].get_ref<const std::string&>();
}

void ScenarioLine::reject_kind(const Json& op, const std::string& where,
                               std::string_view kinds) const {
  reject(fmt::format("{} to be {}, not {}", where, kinds,
                     in_quotes(op[0].get_ref<const std::string&>())));
}

void ScenarioLine::expect_fields(const Json& op, const std::string& where,
                                 std::size_t count) const {
  if (op.size() != count) reject(fmt::format("{} to have {} fields", where, count));
}

MemoryWrite ScenarioLine::memory_write(const Json& op, const std::string& where) const {
  expect_fields(op, where, 3);
  const std::uint64_t address = number(op[1], where + "'s address");
  // A write to where there is no RAM is one all the same: it aborts.
  if (address % 8 != 0 || address >= kPhysicalLimit)
    reject(fmt::format("{}'s address to be a multiple of 8 below 2^56", where));
  return MemoryWrite{address, number(op[2], where + "'s value")};
}

RegisterWrite ScenarioLine::register_access(const Json& op, const std::string& where,
                                            std::uint64_t end) const {
  expect_fields(op, where, 4);
  const auto bytes = static_cast<std::uint32_t>(number(op[2], where + "'s width", 8));
  if (bytes != 4 && bytes != 8) reject(fmt::format("{} to be 4 or 8 bytes wide", where));
  const auto offset = static_cast<std::uint32_t>(number(op[1], where + "'s offset", end - bytes));
  if (offset % bytes != 0) reject(fmt::format("{}'s offset to be a multiple of its width", where));
  return RegisterWrite{.offset = offset,
                       .bytes = bytes,
                       .value = number(op[3], where + "'s value", bytes == 4 ? kMax32 : kMax64)};
}

DeviceAccess ScenarioLine::access(const Json& op, const std::string& where,
                                  std::span<const NamedResult> results) const {
  if (op.size() != 5 && op.size() != 6) expect_fields(op, where, 5);
  const Json& answer = op[4];
  if (!answer.is_object()) reject(fmt::format("{} to end with an object", where));
  DeviceAccess access{.stream = number32(op[1], where + "'s sid"),
                      .iova = number(op[2], where + "'s iova"),
                      .write = number(op[3], where + "'s write", 1) != 0,
                      .result = {},
                      .pa = 0,
                      .event = std::nullopt,
                      .acknowledged = true};
  const Json& result = member(answer, "result", where);
  const auto known = std::ranges::find_if(results, [&](const NamedResult& entry) {
    return result.is_string() && result == entry.first;
  });
  if (known == results.end())
    reject(fmt::format("{}'s result to be {}", where, alternatives(results)));
  access.result = known->second;
  if (access.result == RecordedResult::kOk)
    access.pa = number(member(answer, "pa", where), where + "'s pa");
  return access;
}

}  // namespace smmu::cli
