#include "emulator/cli/explain_v2.h"

#include <fmt/format.h>

#include "emulator/cli/capture.h"
#include "emulator/cli/capture_v2.h"
#include "emulator/cli/fault_v2.h"
#include "emulator/cli/memory_image.h"
#include "emulator/cli/session_v2.h"
#include "emulator/cli/walk_v2_story.h"

namespace smmu::cli {

WalkReport explain_walk_v2(const WalkOptions& options) {
  const CaptureV2 capture = CaptureV2::load(options.folder);
  SessionV2 session(capture, MemoryImage::load(options.folder));
  emulator::Transaction transaction = options.transaction;
  // Without a Secure state every stream is taken for Non-secure.
  if (!capture.config.idr0[v2::SMMU_IDR0::SES]) transaction.security = SecurityState::kNonSecure;
  const emulator::RegistersV2 registers = session.registers();
  const StreamMeaning meaning(registers, session.config(), transaction);
  const emulator::Outcome outcome = session.ask(transaction);

  const bool secure = transaction.security == SecurityState::kSecure;
  WalkReport report{.capture = folder_name(options.folder),
                    .access = fmt::format("{}stream {:#x} {}", secure ? "Secure " : "",
                                          transaction.stream.value, access_text(transaction)),
                    .steps = tell_walk(meaning, session.recorder()),
                    .outcome = outcome,
                    .words = {.bypass = why_bypass(meaning), .disabled = "SMMU_sCR0.CLIENTPD is 1"},
                    .why = {},
                    .records = {},
                    .records_name = "registers",
                    .complaint = {}};
  report.why = why_not(meaning, session.recorder(), outcome, report.steps);
  for (const emulator::FaultRecorded& fault : session.recorder().faults()) {
    report.records.push_back(tell_fault(session, fault));
  }
  return report;
}

}  // namespace smmu::cli
