#include "emulator/cli/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "emulator/cli/input.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using Json = nlohmann::json;

// An op's event is the deepest thing there is.
constexpr int kMaxDepth = 8;

// Reads one line's object; every complaint names the line.
class Reader {
 public:
  explicit Reader(const Lines& lines) : lines_(lines) {}

  Scenario scenario() const {
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
    const Json object = Json::parse(lines_.text(), checked, false);
    if (!object.is_object()) lines_.reject("a JSON object");
    Scenario scenario{.line = lines_.number(), .name = {}, .idr = {}, .ops = {}, .end = {}};
    const Json& name = member(object, "name", "the scenario");
    if (!name.is_string()) reject("a string as the scenario's name");
    scenario.name = name.get<std::string>();
    if (const auto idr = object.find("idr"); idr != object.end())
      scenario.idr = identification(*idr);

    const Json& ops = member(object, "ops", "the scenario");
    if (!ops.is_array()) reject("an array as ops");
    for (const Json& op : ops) scenario.ops.push_back(one(op, scenario.ops.size()));
    scenario.end = end(member(object, "end", "the scenario"));
    return scenario;
  }

 private:
  [[noreturn]] void reject(std::string_view expected) const {
    throw BadInput(fmt::format("{}:{}: expected {}.", lines_.file(), lines_.number(), expected));
  }

  const Json& member(const Json& object, const char* key, std::string_view of) const {
    const auto found = object.find(key);
    if (found == object.end()) reject(fmt::format("{} to have \"{}\"", of, key));
    return *found;
  }

  // A number, or a string that holds one.
  std::uint64_t number(const Json& value, std::string_view what,
                       std::uint64_t limit = kMax64) const {
    std::optional<std::uint64_t> result;
    if (value.is_number_unsigned())
      result = value.get<std::uint64_t>();
    else if (value.is_string())
      result = parse_number(value.get_ref<const std::string&>());
    if (!result || *result > limit)
      reject(fmt::format("{} to be a number up to {:#x}", what, limit));
    return *result;
  }

  RegisterValues identification(const Json& idr) const {
    RegisterValues values;
    if (!idr.is_object()) reject("an object as idr");
    for (const auto& [name, value] : idr.items()) {
      const RegisterInfo* info = find_register(name);
      if (info == nullptr || !is_identification(info->offset)) {
        reject(fmt::format("an identification register in idr, not {}", in_quotes(name)));
      }
      if (!values.add(info->offset, number(value, name, kMax32)))
        reject("each register of idr once");
    }
    return values;
  }

  Op one(const Json& op, std::size_t index) const {
    const std::string where = fmt::format("op {}", index);
    if (!op.is_array() || op.empty() || !op[0].is_string()) {
      reject(fmt::format("{} to be an array that begins with m, w, r or a", where));
    }
    const std::string& kind = op[0].get_ref<const std::string&>();
    const auto expect_fields = [&](std::size_t count) {
      if (op.size() != count) reject(fmt::format("{} to have {} fields", where, count));
    };
    if (kind == "m") {
      expect_fields(3);
      const std::uint64_t address = number(op[1], where + "'s address");
      // A write to where there is no RAM is one all the same: it aborts.
      if (address % 8 != 0 || address >= kPhysicalLimit)
        reject(fmt::format("{}'s address to be a multiple of 8 below 2^56", where));
      return MemoryWrite{address, number(op[2], where + "'s value")};
    }
    if (kind == "w" || kind == "r") {
      expect_fields(4);
      const auto bytes = static_cast<std::uint32_t>(number(op[2], where + "'s width", 8));
      if (bytes != 4 && bytes != 8) reject(fmt::format("{} to be 4 or 8 bytes wide", where));
      const auto offset =
          static_cast<std::uint32_t>(number(op[1], where + "'s offset", kRegisterBytes - bytes));
      if (offset % bytes != 0)
        reject(fmt::format("{}'s offset to be a multiple of its width", where));
      if (find_register_at(offset, bytes) == nullptr)
        reject(fmt::format("{}'s offset to be that of a register, not {:#x}", where, offset));
      const std::uint64_t value = number(op[3], where + "'s value", bytes == 4 ? kMax32 : kMax64);
      if (kind == "w") return RegisterWrite{offset, bytes, value};
      return RegisterRead{offset, bytes, value};
    }
    if (kind == "a") {
      expect_fields(5);
      return access(op, where);
    }
    reject(fmt::format("{} to be m, w, r or a, not {}", where, in_quotes(kind)));
  }

  DeviceAccess access(const Json& op, const std::string& where) const {
    const Json& answer = op[4];
    if (!answer.is_object()) reject(fmt::format("{} to end with an object", where));
    DeviceAccess access{
        .stream = static_cast<std::uint32_t>(number(op[1], where + "'s sid", kMax32)),
        .iova = number(op[2], where + "'s iova"),
        .write = number(op[3], where + "'s write", 1) != 0,
        .result = {},
        .pa = 0,
        .event = std::nullopt,
        .acknowledged = true};
    static constexpr std::pair<std::string_view, RecordedResult> kResults[] = {
        {"ok", RecordedResult::kOk},
        {"fault", RecordedResult::kFault},
        {"abort", RecordedResult::kAbort},
        {"bypass", RecordedResult::kBypass},
        {"disabled", RecordedResult::kDisabled}};
    const Json& result = member(answer, "result", where);
    const auto known = std::ranges::find_if(
        kResults, [&](const auto& entry) { return result.is_string() && result == entry.first; });
    if (known == std::end(kResults)) {
      reject(fmt::format("{}'s result to be ok, fault, abort, bypass or disabled", where));
    }
    access.result = known->second;
    if (access.result == RecordedResult::kOk)
      access.pa = number(member(answer, "pa", where), where + "'s pa");
    if (const auto event = answer.find("event"); event != answer.end()) {
      if (!event->is_array() || event->size() != 4)
        reject(fmt::format("{}'s event to be four words", where));
      EventWords words{};
      for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = number((*event)[i], where + "'s event");
      access.event = words;
    }
    if (const auto ack = answer.find("ack"); ack != answer.end()) {
      access.acknowledged = number(*ack, where + "'s ack", 1) != 0;
    }
    return access;
  }

  std::array<EndValue, 5> end(const Json& object) const {
    if (!object.is_object()) reject("an object as end");
    std::array<EndValue, 5> values{{{v3::SMMU_CMDQ_PROD::kOffset, 0},
                                    {v3::SMMU_CMDQ_CONS::kOffset, 0},
                                    {v3::SMMU_GERROR::kOffset, 0},
                                    {v3::SMMU_GERRORN::kOffset, 0},
                                    {v3::SMMU_EVENTQ_PROD::kOffset, 0}}};
    static constexpr const char* kNames[] = {"CMDQ_PROD", "CMDQ_CONS", "GERROR", "GERRORN",
                                             "EVENTQ_PROD"};
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i].value = number(member(object, kNames[i], "end"), kNames[i], kMax32);
    }
    return values;
  }

  const Lines& lines_;
};

}  // namespace

std::vector<Scenario> load_scenarios(const std::filesystem::path& file) {
  std::vector<Scenario> scenarios;
  Lines lines(file);
  std::set<std::string> names;
  while (lines.next()) {
    if (lines.text().find_first_not_of(" \t") == std::string_view::npos) continue;
    scenarios.push_back(Reader(lines).scenario());
    const std::string& name = scenarios.back().name;
    if (!names.insert(name).second) {
      throw BadInput(fmt::format("{}:{}: expected a scenario of another name, found {} again.",
                                 lines.file(), lines.number(), in_quotes(name)));
    }
  }
  if (scenarios.empty()) {
    throw BadInput(fmt::format("{}:{}: expected a scenario, found none in the file.", lines.file(),
                               std::max<std::uint64_t>(lines.number(), 1)));
  }
  return scenarios;
}

}  // namespace smmu::cli
