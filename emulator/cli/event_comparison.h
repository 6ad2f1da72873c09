// When an event record counts as the one that was recorded.
#ifndef EMULATOR_CLI_EVENT_COMPARISON_H_
#define EMULATOR_CLI_EVENT_COMPARISON_H_

#include <string>

#include "emulator/cli/capture.h"

namespace smmu::cli {

enum class RecordForm : std::uint8_t {
  kRecorded,  // as a QEMU wrote it: CLASS and FetchAddr may not be where the manual wants them
  kManual,    // as the manual wants it
};

struct EventComparison {
  bool equal;
  unsigned masked;  // differences that do not count, one for each mask that hides some
};

EventComparison compare_event(const EventWords& expected, RecordForm form,
                              const EventWords& actual);

// "0x800000013,0x20000000000,0x2668e8,0x0"
std::string to_text(const EventWords& words);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_EVENT_COMPARISON_H_
