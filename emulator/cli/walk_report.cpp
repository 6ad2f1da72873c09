#include "emulator/cli/walk_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "emulator/cli/input.h"
#include "emulator/cli/terminal.h"

namespace smmu::cli {

void print(const WalkReport& report, const Output& output) {
  if (output.json) {
    nlohmann::ordered_json json = {{"capture", report.capture}, {"access", report.access}};
    if (!output.line) json["steps"] = to_json(report.steps);
    json["outcome"] = to_json(report.outcome, report.words.no_memory_type);
    if (!report.why.empty()) json["why"] = report.why;
    json[report.records_name] = nlohmann::ordered_json::array();
    for (const std::vector<Step>& record : report.records) {
      for (const Step& step : record) json[report.records_name].push_back(to_json(step));
    }
    print_json(json, output);
    return;
  }

  const Paint paint = Paint::for_stdout();
  fmt::print("{}: {}\n\n", paint.bold(printable(report.capture)), report.access);
  for (std::size_t i = 0; i < report.steps.size(); ++i)
    print_step(fmt::format("{}", i + 1), report.steps[i], paint);
  fmt::print("\n");
  print_outcome(report.outcome, paint, report.words);
  if (!report.why.empty()) fmt::print("{:{}}{}\n", "", kStepIndent, report.why);
  for (const std::vector<Step>& record : report.records) {
    fmt::print("\n");
    for (const Step& step : record) print_step("!", step, paint);
  }
  if (!report.complaint.empty()) fmt::print("\n{}\n", paint.bad(report.complaint));
}

}  // namespace smmu::cli
