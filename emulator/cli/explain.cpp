#include "emulator/cli/explain.h"

#include <fmt/format.h>

#include "emulator/cli/capture.h"
#include "emulator/cli/capture_v2.h"
#include "emulator/cli/explain_v2.h"
#include "emulator/cli/input.h"
#include "emulator/cli/outcome.h"
#include "emulator/cli/session.h"
#include "emulator/cli/walk_report.h"
#include "emulator/cli/walk_story.h"

namespace smmu::cli {

namespace {

bool explain_walk_v3(const WalkOptions& options) {
  const RegisterValues registers = load_registers(options.folder);
  const MemoryImage memory = MemoryImage::load(options.folder);
  // Nothing is kept, so everything that matters is read, and seen.
  Session session(registers, memory, {.policy = emulator::CachePolicy::kNone},
                  (options.folder / "registers.txt").string());
  const emulator::Transaction& transaction = options.transaction;
  session.recorder().forget();
  const Answer answer = session.driver().ask(transaction);
  WalkReport report{
      .capture = folder_name(options.folder),
      .access = fmt::format("stream {:#x} {}", transaction.stream.value, access_text(transaction)),
      .steps = tell_walk(session.machine(), transaction),
      .outcome = answer.outcome,
      .words = {},
      .why = {},
      .records = {},
      .records_name = "events",
      .complaint = session.driver().complaint()};
  report.why = why_not(session.machine(), answer.outcome, report.steps);
  for (const EventWords& words : answer.records) report.records.push_back({tell_event(words)});
  print(report, options.output);
  return report.complaint.empty();
}

}  // namespace

bool explain_walk(const WalkOptions& options) {
  if (is_capture_of_v2(options.folder)) {
    print(explain_walk_v2(options), options.output);
    return true;
  }
  if (options.transaction.security == SecurityState::kSecure) {
    throw BadInput("--secure: expected the registers.txt of an SMMUv2.");
  }
  return explain_walk_v3(options);
}

}  // namespace smmu::cli
