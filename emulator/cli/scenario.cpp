#include "emulator/cli/scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "emulator/cli/input.h"
#include "emulator/cli/registers.h"
#include "emulator/cli/scenario_json.h"
#include "emulator/cli/scenario_v2.h"
#include "smmu/arch/v3/registers.h"

namespace smmu::cli {

namespace {

using Json = ScenarioLine::Json;

constexpr char kKinds[] = "m, w, r or a";
constexpr NamedResult kResults[] = {{"ok", RecordedResult::kOk},
                                    {"fault", RecordedResult::kFault},
                                    {"abort", RecordedResult::kAbort},
                                    {"bypass", RecordedResult::kBypass},
                                    {"disabled", RecordedResult::kDisabled}};

// Reads what is SMMUv3's of a line's object.
class Reader {
 public:
  explicit Reader(const ScenarioLine& line) : line_(line) {}

  emulator::SmmuV3Config configuration(const emulator::SmmuV3Config& preset,
                                       const Json& object) const {
    const auto idr = object.find("idr");
    if (idr == object.end()) return cli::configuration(preset, {});
    return cli::configuration(preset, identification(*idr));
  }

  Op one(const Json& op, const std::string& where) const {
    const std::string& kind = line_.kind(op, where, kKinds);
    if (kind == "m") return line_.memory_write(op, where);
    if (kind == "w" || kind == "r") {
      const RegisterWrite write = line_.register_access(op, where, kRegisterBytes);
      if (find_register_at(write.offset, write.bytes) == nullptr) {
        line_.reject(
            fmt::format("{}'s offset to be that of a register, not {:#x}", where, write.offset));
      }
      if (kind == "w") return write;
      return RegisterRead{write.offset, write.bytes, write.value};
    }
    if (kind == "a") return access(op, where);
    line_.reject_kind(op, where, kKinds);
  }

  std::vector<EndValue> end(const Json& object) const {
    if (!object.is_object()) line_.reject("an object as end");
    constexpr std::pair<const char*, std::uint32_t> kRegisters[] = {
        {"CMDQ_PROD", v3::SMMU_CMDQ_PROD::kOffset},
        {"CMDQ_CONS", v3::SMMU_CMDQ_CONS::kOffset},
        {"GERROR", v3::SMMU_GERROR::kOffset},
        {"GERRORN", v3::SMMU_GERRORN::kOffset},
        {"EVENTQ_PROD", v3::SMMU_EVENTQ_PROD::kOffset}};
    std::vector<EndValue> values;
    for (const auto& [name, offset] : kRegisters) {
      values.push_back({offset, line_.number32(line_.member(object, name, "end"), name)});
    }
    return values;
  }

 private:
  RegisterValues identification(const Json& idr) const {
    RegisterValues values;
    if (!idr.is_object()) line_.reject("an object as idr");
    for (const auto& [name, value] : idr.items()) {
      const RegisterInfo* info = find_register(name);
      if (info == nullptr || !is_identification(info->offset)) {
        line_.reject(fmt::format("an identification register in idr, not {}", in_quotes(name)));
      }
      if (!values.add(info->offset, line_.number(value, name, kMax32)))
        line_.reject("each register of idr once");
    }
    return values;
  }

  DeviceAccess access(const Json& op, const std::string& where) const {
    DeviceAccess access = line_.access(op, where, kResults);
    if (op.size() != 5) line_.reject(fmt::format("{} to have 5 fields", where));
    const Json& answer = op[4];
    if (const auto event = answer.find("event"); event != answer.end()) {
      if (!event->is_array() || event->size() != 4)
        line_.reject(fmt::format("{}'s event to be four words", where));
      EventWords words{};
      for (std::size_t i = 0; i < words.size(); ++i)
        words[i] = line_.number((*event)[i], where + "'s event");
      access.event = words;
    }
    if (const auto ack = answer.find("ack"); ack != answer.end()) {
      access.acknowledged = line_.number(*ack, where + "'s ack", 1) != 0;
    }
    return access;
  }

  const ScenarioLine& line_;
};

Configuration preset_of(const ScenarioLine& line, const Json& object) {
  const auto preset = object.find("preset");
  if (preset == object.end()) return *find_preset(kDefaultPreset);
  const auto found =
      preset->is_string() ? find_preset(preset->get_ref<const std::string&>()) : std::nullopt;
  if (!found) line.reject(fmt::format("preset to be one of {}", preset_names()));
  return *found;
}

Scenario scenario_of(const ScenarioLine& line) {
  const Json object = line.object();
  Scenario scenario{.line = line.line(), .name = {}, .configuration = {}, .ops = {}, .end = {}};
  const Json& name = line.member(object, "name", "the scenario");
  if (!name.is_string()) line.reject("a string as the scenario's name");
  scenario.name = name.get<std::string>();

  const Configuration preset = preset_of(line, object);
  const auto read = [&](const auto& reader) {
    const Json& ops = line.member(object, "ops", "the scenario");
    if (!ops.is_array()) line.reject("an array as ops");
    for (const Json& op : ops) {
      scenario.ops.push_back(reader.one(op, fmt::format("op {}", scenario.ops.size())));
    }
  };
  if (const auto* v3 = std::get_if<emulator::SmmuV3Config>(&preset)) {
    const Reader reader(line);
    scenario.configuration = reader.configuration(*v3, object);
    read(reader);
    scenario.end = reader.end(line.member(object, "end", "the scenario"));
  } else {
    const ReaderV2 reader(line, std::get<emulator::SmmuV2Config>(preset), object);
    scenario.configuration = reader.configuration();
    read(reader);
    if (const auto end = object.find("end"); end != object.end()) scenario.end = reader.end(*end);
  }
  return scenario;
}

}  // namespace

std::vector<Scenario> load_scenarios(const std::filesystem::path& file) {
  std::vector<Scenario> scenarios;
  Lines lines(file);
  std::set<std::string> names;
  while (lines.next()) {
    if (lines.text().find_first_not_of(" \t") == std::string_view::npos) continue;
    scenarios.push_back(scenario_of(ScenarioLine(lines)));
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
