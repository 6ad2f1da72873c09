// What is SMMUv2's of a scenario's line.
#ifndef EMULATOR_CLI_SCENARIO_V2_H_
#define EMULATOR_CLI_SCENARIO_V2_H_

#include <string>
#include <vector>

#include "emulator/cli/scenario.h"
#include "emulator/cli/scenario_json.h"
#include "emulator/v2/features.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::cli {

class ReaderV2 {
 public:
  using Json = ScenarioLine::Json;

  // `line` must outlive the object.
  ReaderV2(const ScenarioLine& line, const emulator::SmmuV2Config& preset, const Json& object);

  // The preset with the `idr` of the object.
  const emulator::SmmuV2Config& configuration() const { return config_; }

  Op one(const Json& op, const std::string& where) const;
  std::vector<EndValue> end(const Json& object) const;

 private:
  DeviceAccess access(const Json& op, const std::string& where) const;
  void read_attributes(const Json& attributes, const std::string& where,
                       DeviceAccess& access) const;

  const ScenarioLine& line_;
  emulator::SmmuV2Config config_;
  emulator::FeaturesV2 features_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_V2_H_
