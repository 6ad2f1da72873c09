// An SMMU that a scenario is played on.
#ifndef EMULATOR_CLI_SCENARIO_STAGE_H_
#define EMULATOR_CLI_SCENARIO_STAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "emulator/cli/machine.h"
#include "emulator/cli/scenario.h"
#include "emulator/cli/verdict.h"
#include "smmu/emulator/caching.h"

namespace smmu::cli {

// Of a machine of its own.  What is asked is judged: nothing is wrong with it, or what was wanted
// and what came instead.
class ScenarioStage {
 public:
  virtual ~ScenarioStage() = default;

  // False if there is no RAM.
  virtual bool make(const MemoryWrite& write) = 0;
  virtual void make(const RegisterWrite& write) = 0;
  virtual std::optional<Disagreement> ask(std::uint64_t op, const RegisterRead& read,
                                          Judge& judge) = 0;
  virtual std::optional<Disagreement> ask(std::uint64_t op, const DeviceAccess& access,
                                          Judge& judge) = 0;
  virtual std::optional<Disagreement> ask(const EndValue& end, Judge& judge) = 0;

  // Whether the op, and all after it, are not judged.
  virtual bool stopped(std::uint64_t op, const Judge& judge) const = 0;
  // "SMMU_CR0", or "offset 0x12345".
  virtual std::string register_name(std::uint32_t offset) const = 0;

  // The access as a port of the SMMU is asked for it.
  static emulator::Transaction transaction(const DeviceAccess& access);

 protected:
  // captures/README: RAM here, and every other address aborts.
  static MemoryMap ram();
};

// BadInput, beginning with `source`, if the model cannot be the SMMU of the scenario, which must
// outlive the stage.
std::unique_ptr<ScenarioStage> stage_of(const Scenario& scenario, const emulator::Caching& caching,
                                        const std::string& source);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_STAGE_H_
