// Why a walk ended without a translation.
#ifndef SMMU_EMULATOR_WALK_FAULT_H_
#define SMMU_EMULATOR_WALK_FAULT_H_

#include <cstdint>

#include "smmu/types.h"

namespace smmu::emulator {

enum class FaultType : std::uint8_t {
  kTranslation,
  kAddressSize,
  kAccessFlag,
  kPermission,
  kExternalAbort,  // the read of a descriptor aborted
};

enum class Stage : std::uint8_t { k1 = 1, k2 = 2 };

// What was being translated, and for whom, is the caller's to add: a walk is
// told neither StreamID nor event queue.
struct WalkFault {
  FaultType type;
  Stage stage;
  std::int8_t level;  // of the descriptor that ended the walk; the start level if none was read
  Pa descriptor;      // kExternalAbort: where the read was made
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_FAULT_H_
