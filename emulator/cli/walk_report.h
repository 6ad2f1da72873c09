// What `smmu walk` found out about one access to an SMMU, for people and in JSON.
#ifndef EMULATOR_CLI_WALK_REPORT_H_
#define EMULATOR_CLI_WALK_REPORT_H_

#include <string>
#include <vector>

#include "emulator/cli/outcome.h"
#include "emulator/cli/report.h"
#include "emulator/cli/step.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

struct WalkReport {
  std::string capture;  // the name of its folder
  std::string access;   // "stream 0x40 reads 0x1000: unprivileged, data"
  std::vector<Step> steps;
  emulator::Outcome outcome;
  OutcomeWords words;
  std::string why;  // it did not go on; empty: it did
  // What software is told, each by one step or several.
  std::vector<std::vector<Step>> records;
  std::string records_name;  // of all their steps in JSON
  std::string complaint;     // what the SMMU did not do of what it was asked; empty: nothing
};

void print(const WalkReport& report, const Output& output);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_WALK_REPORT_H_
