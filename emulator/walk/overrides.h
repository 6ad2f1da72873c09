// What configuration makes of the attributes of what comes in, before anything
// else looks at them (IHI 0070, 13.1.4).
#ifndef SMMU_EMULATOR_WALK_OVERRIDES_H_
#define SMMU_EMULATOR_WALK_OVERRIDES_H_

#include <cstdint>
#include <optional>

#include "smmu/arch/memory_attributes.h"
#include "smmu/emulator/transaction.h"

namespace smmu::emulator {

// Hints to caches, the same for inner and outer ones.  What is absent is as it
// comes in.
struct AllocationHints {
  std::optional<bool> read = std::nullopt;
  std::optional<bool> write = std::nullopt;
  std::optional<bool> transient = std::nullopt;

  bool any() const { return read || write || transient; }
};

// What is absent is as it comes in.
struct Overrides {
  std::optional<std::uint8_t> mem_attr = std::nullopt;  // STE.MemAttr
  AllocationHints hints = {};
  std::optional<Shareability> shareability = std::nullopt;
  std::optional<Privilege> privilege = std::nullopt;
  std::optional<Content> content = std::nullopt;  // of reads
  // Of Secure streams, where stage 1 does not say.
  std::optional<SecurityState> space = std::nullopt;
  // Of those with the SMMU off: as in Regime.
  bool secure_fetches_only = false;

  bool of_types() const { return mem_attr || hints.any() || shareability; }
  bool of_permissions() const { return privilege || content; }
  bool any() const { return of_types() || of_permissions() || space.has_value(); }

  // What is left of a transaction's attributes.
  MemoryAttributes applied_to(MemoryAttributes incoming) const;
  Transaction applied_to(const Transaction& incoming) const;
  // The accesses that `permissions` allow, by what comes in.
  Permissions seen_from_outside(Permissions permissions) const;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_OVERRIDES_H_
