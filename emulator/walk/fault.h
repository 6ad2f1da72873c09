// Why a walk ended without a translation.
#ifndef SMMU_EMULATOR_WALK_FAULT_H_
#define SMMU_EMULATOR_WALK_FAULT_H_

#include <cstdint>

#include "emulator/walk/regime.h"
#include "smmu/types.h"

namespace smmu::emulator {

enum class FaultType : std::uint8_t {
  kTranslation,
  kAddressSize,
  kAccessFlag,
  kDomain,  // of Short descriptors alone
  kPermission,
  kExternalAbort,   // the read or the update of a descriptor aborted
  kTlbConflict,     // no walk's: a TLB has several entries about the address
  kInvalidContext,  // of an SMMUv2's stage 2, which is to be none
};

// Of an address that meets a refusal, or nothing that would translate it.
constexpr FaultType fault_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::kAddressSize:
      return FaultType::kAddressSize;
    case Refusal::kInvalidContext:
      return FaultType::kInvalidContext;
    case Refusal::kNone:
    case Refusal::kTranslation:
      break;
  }
  return FaultType::kTranslation;
}

enum class Stage : std::uint8_t { k1 = 1, k2 = 2 };

// What stage 2 was translating for (IHI 0070, 7.3: CLASS).
enum class Purpose : std::uint8_t {
  kContext,  // the fetch of a configuration structure
  kTable,    // the read or the update of a stage 1 descriptor
  kInput,    // the access itself
};

// What was being translated, and for whom, is the caller's to add: a walk is
// told neither StreamID nor event queue.
struct WalkFault {
  FaultType type;
  Stage stage;
  std::int8_t level;  // of the descriptor that ended the walk; the start level if none was read
  Purpose purpose = Purpose::kInput;
  bool table_write = false;  // kTable: it was an update
  Ipa ipa;                   // stage 2: what it could not translate
  SecurityState ipa_space = SecurityState::kNonSecure;
  Pa descriptor;  // kExternalAbort: where the access was made
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_FAULT_H_
