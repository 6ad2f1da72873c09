// What a stream or substream means, with what the TCU adds to it.
#ifndef SMMU_EMULATOR_TCU_STREAM_CONTEXT_H_
#define SMMU_EMULATOR_TCU_STREAM_CONTEXT_H_

#include <atomic>
#include <cstdint>

#include "emulator/tcu/configuration_source.h"
#include "emulator/tcu/origin.h"
#include "emulator/tcu/snapshot.h"
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

  // What is kept; the rest follows from it (Tcu::tag()).
  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(context, stamp, origin, gate_changes, state);
    if constexpr (Snapshot::kReads) keeps = true;
  }
};

constexpr bool known(StreamContext::State value) { return value <= StreamContext::State::kCurrent; }

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TCU_STREAM_CONTEXT_H_
