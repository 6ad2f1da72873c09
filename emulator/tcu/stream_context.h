// What a stream or substream means, with what the TCU adds to it.
#ifndef SMMU_EMULATOR_TCU_STREAM_CONTEXT_H_
#define SMMU_EMULATOR_TCU_STREAM_CONTEXT_H_

#include <atomic>
#include <cstdint>

#include "emulator/tcu/configuration_source.h"
#include "emulator/tcu/origin.h"
#include "emulator/tlb/entries.h"

namespace smmu::emulator {

// A context with the tags of its translations.  The TCU and ports share it;
// nothing of it changes but its state.
struct StreamContext {
  Context context;
  TlbSpaces spaces;
  TlbSpaces stage2_spaces;  // for walks through both stages
  TlbSpaces table_spaces;
  Stamp stamp = 0;
  bool keeps = false;  // whether it may be used again
  // Of addresses below translations are kept, and walks are plain.
  std::uint64_t plain_below = 0;
  Origin origin;
  std::uint64_t gate_changes = 0;  // before it was made

  enum class State : std::uint8_t {
    kUnknown,  // the TCU does not have it
    kInvalid,  // it has been invalidated; good again if memory still says the same
    kCurrent,
  };
  mutable std::atomic<State> state{State::kUnknown};  // changes with the TCU's lock held
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_STREAM_CONTEXT_H_
