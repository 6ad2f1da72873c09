#include "emulator/cli/explain.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "emulator/cli/capture.h"
#include "emulator/cli/input.h"
#include "emulator/cli/outcome.h"
#include "emulator/cli/session.h"
#include "emulator/cli/step.h"
#include "emulator/cli/terminal.h"
#include "emulator/cli/walk_story.h"

namespace smmu::cli {

bool explain_walk(const WalkOptions& options) {
  const RegisterValues registers = load_registers(options.folder);
  const MemoryImage memory = MemoryImage::load(options.folder);
  // Nothing is kept, so everything that matters is read, and seen.
  Session session(registers, memory, {.policy = emulator::CachePolicy::kNone},
                  (options.folder / "registers.txt").string());
  const emulator::Transaction& transaction = options.transaction;
  session.recorder().forget();
  const Answer answer = session.driver().ask(transaction);
  const std::vector<Step> steps = tell_walk(session.machine(), transaction);
  const std::string& complaint = session.driver().complaint();

  const std::string title =
      fmt::format("stream {:#x} {}", transaction.stream.value, access_text(transaction));
  if (options.output.json) {
    nlohmann::ordered_json json = {{"capture", folder_name(options.folder)}, {"access", title}};
    if (!options.output.line) json["steps"] = to_json(steps);
    json["outcome"] = to_json(answer.outcome);
    if (const std::string why = why_not(session.machine(), answer.outcome, steps); !why.empty())
      json["why"] = why;
    json["events"] = nlohmann::ordered_json::array();
    for (const EventWords& words : answer.records)
      json["events"].push_back(to_json(tell_event(words)));
    print_json(json, options.output);
    return complaint.empty();
  }

  const Paint paint = Paint::for_stdout();
  fmt::print("{}: {}\n\n", paint.bold(printable(folder_name(options.folder))), title);
  for (std::size_t i = 0; i < steps.size(); ++i)
    print_step(fmt::format("{}", i + 1), steps[i], paint);
  fmt::print("\n");
  print_outcome(answer.outcome, paint);
  if (const std::string why = why_not(session.machine(), answer.outcome, steps); !why.empty()) {
    fmt::print("{:{}}{}\n", "", kStepIndent, why);
  }
  for (const EventWords& words : answer.records) {
    fmt::print("\n");
    print_step("!", tell_event(words), paint);
  }
  if (!complaint.empty()) fmt::print("\n{}\n", paint.bad(complaint));
  return complaint.empty();
}

}  // namespace smmu::cli
