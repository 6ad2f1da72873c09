// By what an access that faults and its record know each other.
#ifndef EMULATOR_CLI_EVENT_KEY_H_
#define EMULATOR_CLI_EVENT_KEY_H_

#include <cstdint>

#include "emulator/cli/capture.h"

namespace smmu::cli {

// Event, stream, and, where the record has them, address and direction.
struct EventKey {
  v3::EventType type;
  std::uint32_t stream;
  std::uint64_t iova;  // 0 if the record has none
  bool read;           // true if the record does not say

  friend auto operator<=>(const EventKey&, const EventKey&) = default;
};

EventKey key_of(const EventWords& words);
EventKey key_of(const RecordedFault& fault);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_EVENT_KEY_H_
