// What became of an access, for people and in JSON.
#ifndef EMULATOR_CLI_OUTCOME_H_
#define EMULATOR_CLI_OUTCOME_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "emulator/cli/report.h"
#include "emulator/cli/terminal.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

// "reads 0x1000: unprivileged, data".
std::string access_text(const emulator::Transaction& transaction);

// What an outcome does not say itself.
struct OutcomeWords {
  std::string no_memory_type = "";  // why there is none to tell, if there is none
  std::string bypass = "the STE says bypass";
  std::string disabled = "the SMMU is off";
};

void print_outcome(const emulator::Outcome& outcome, const Paint& paint,
                   const OutcomeWords& words = {});
nlohmann::ordered_json to_json(const emulator::Outcome& outcome,
                               std::string_view no_memory_type = "");

// In lines, or in one.
void print_json(const nlohmann::ordered_json& json, const Output& output);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_OUTCOME_H_
