// What the scenarios of both generations are read from: a line of JSON, and ops that are arrays.
// Every complaint names the line.
#ifndef EMULATOR_CLI_SCENARIO_JSON_H_
#define EMULATOR_CLI_SCENARIO_JSON_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "emulator/cli/input.h"
#include "emulator/cli/scenario.h"

namespace smmu::cli {

using NamedResult = std::pair<std::string_view, RecordedResult>;

class ScenarioLine {
 public:
  using Json = nlohmann::json;

  explicit ScenarioLine(const Lines& lines) : lines_(lines) {}

  std::uint64_t line() const { return lines_.number(); }
  // The object that the line is, with no key twice.
  Json object() const;

  [[noreturn]] void reject(std::string_view expected) const;
  // A configuration that the model refuses with this sentence.
  [[noreturn]] void reject_configuration(std::string_view sentence) const;
  const Json& member(const Json& object, const char* key, std::string_view of) const;
  // A number, or a string that holds one.
  std::uint64_t number(const Json& value, std::string_view what,
                       std::uint64_t limit = kMax64) const;
  std::uint32_t number32(const Json& value, std::string_view what) const {
    return static_cast<std::uint32_t>(number(value, what, kMax32));
  }

  // `kinds`: those that there are, for whom it is none.
  const std::string& kind(const Json& op, const std::string& where, std::string_view kinds) const;
  [[noreturn]] void reject_kind(const Json& op, const std::string& where,
                                std::string_view kinds) const;
  MemoryWrite memory_write(const Json& op, const std::string& where) const;
  // Below `end`, which is where the registers end.
  RegisterWrite register_access(const Json& op, const std::string& where, std::uint64_t end) const;
  // Without what else its object holds.
  DeviceAccess access(const Json& op, const std::string& where,
                      std::span<const NamedResult> results) const;

 private:
  void expect_fields(const Json& op, const std::string& where, std::size_t count) const;

  const Lines& lines_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_JSON_H_
