#include "emulator/cli/scenario_v2.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "emulator/cli/input.h"
#include "emulator/cli/presets.h"
#include "emulator/cli/registers.h"
#include "emulator/cli/registers_v2.h"

namespace smmu::cli {

namespace {

using Json = ScenarioLine::Json;

constexpr char kKinds[] = "m, w, r, sw, sr or a";
constexpr NamedResult kResults[] = {
    {"ok", RecordedResult::kOk},         {"fault", RecordedResult::kFault},
    {"abort", RecordedResult::kAbort},   {"razwi", RecordedResult::kRazWi},
    {"bypass", RecordedResult::kBypass}, {"disabled", RecordedResult::kDisabled}};
constexpr std::uint64_t kMaxSsdIndex = 0xffff;

emulator::SmmuV2Config config_of(const ScenarioLine& line, emulator::SmmuV2Config config,
                                 const Json& object) {
  const auto idr = object.find("idr");
  if (idr == object.end()) return config;
  if (!idr->is_object()) line.reject("an object as idr");
  std::set<std::string_view> names;
  for (const auto& [name, value] : idr->items()) {
    if (!set_identification(config, name, line.number32(value, name))) {
      line.reject(
          fmt::format("SMMU_IDR0, 1, 2, 4, 7 or SMMU_SCR1 in idr, not {}", in_quotes(name)));
    }
    if (!names.insert(bare_name(name)).second) line.reject("each register of idr once");
  }
  // What is read from here on rests on it: how many registers there are.
  if (const auto sentence = emulator::objection(config)) line.reject_configuration(*sentence);
  return config;
}

}  // namespace

ReaderV2::ReaderV2(const ScenarioLine& line, const emulator::SmmuV2Config& preset,
                   const Json& object)
    : line_(line), config_(config_of(line, preset, object)), features_(config_) {}

Op ReaderV2::one(const Json& op, const std::string& where) const {
  const std::string& kind = line_.kind(op, where, kKinds);
  if (kind == "m") return line_.memory_write(op, where);
  if (kind == "a") return access(op, where);
  const bool secure = kind.starts_with('s');
  if (kind == "w" || kind == "sw" || kind == "r" || kind == "sr") {
    RegisterWrite write = line_.register_access(op, where, register_bytes(features_));
    if (secure) write.security = SecurityState::kSecure;
    if (kind.ends_with('w')) return write;
    return RegisterRead{write.offset, write.bytes, write.value, write.security};
  }
  line_.reject_kind(op, where, kKinds);
}

DeviceAccess ReaderV2::access(const Json& op, const std::string& where) const {
  DeviceAccess access = line_.access(op, where, kResults);
  for (const char* key : {"event", "ack"}) {
    if (op[4].contains(key)) {
      line_.reject(fmt::format("{} without \"{}\", for an SMMUv2 has no Event queue", where, key));
    }
  }
  if (op.size() == 6) read_attributes(op[5], where, access);
  return access;
}

void ReaderV2::read_attributes(const Json& attributes, const std::string& where,
                               DeviceAccess& access) const {
  if (!attributes.is_object()) line_.reject(fmt::format("{}'s attributes to be an object", where));
  std::optional<bool> non_secure;
  for (const auto& [name, value] : attributes.items()) {
    const std::string what = fmt::format("{}'s {}", where, in_quotes(name));
    const auto flag = [&, &read = value] { return line_.number(read, what, 1) != 0; };
    if (name == "privileged") {
      if (flag()) access.privilege = emulator::Privilege::kPrivileged;
    } else if (name == "instruction") {
      if (flag()) access.content = emulator::Content::kInstruction;
    } else if (name == "secure") {
      if (flag()) access.security = SecurityState::kSecure;
    } else if (name == "ns") {
      non_secure = flag();
    } else if (name == "ssd") {
      access.ssd_index = static_cast<std::uint16_t>(line_.number(value, what, kMaxSsdIndex));
    } else {
      line_.reject(
          fmt::format("{}'s attributes to be privileged, instruction, secure, ns or ssd, "
                      "not {}",
                      where, in_quotes(name)));
    }
  }
  // A Secure device's accesses are to Secure addresses, unless they say otherwise.
  const bool secure = access.security == SecurityState::kSecure;
  access.space = non_secure.value_or(!secure) ? SecurityState::kNonSecure : SecurityState::kSecure;
}

std::vector<EndValue> ReaderV2::end(const Json& object) const {
  if (!object.is_object()) line_.reject("an object as end");
  std::vector<EndValue> values;
  std::set<std::pair<SecurityState, std::uint32_t>> places;
  for (const auto& [name, value] : object.items()) {
    const auto place = find_place(features_, name);
    if (!place) {
      line_.reject(fmt::format("the name or the offset of a register of this SMMU in end, not {}",
                               in_quotes(name)));
    }
    if (!places.emplace(place->security, place->offset).second)
      line_.reject(
          fmt::format("each register of end once, but {} is there again", in_quotes(name)));
    values.push_back({.offset = place->offset,
                      .value = line_.number(value, name, place->bytes == 8 ? kMax64 : kMax32),
                      .bytes = place->bytes,
                      .security = place->security});
  }
  return values;
}

}  // namespace smmu::cli
