// The translation table walk.  It knows memory, a regime and an address; it
// knows no register, no stream and no queue.
#ifndef SMMU_EMULATOR_WALK_WALKER_H_
#define SMMU_EMULATOR_WALK_WALKER_H_

#include <cstdint>
#include <optional>

#include "emulator/walk/fault.h"
#include "emulator/walk/regime.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/memory.h"
#include "smmu/result.h"

namespace smmu::emulator {

// What the last descriptor of a walk says.
struct Leaf {
  Pa output;               // of the first byte it maps
  std::uint8_t size_bits;  // it maps 2^size_bits bytes
  std::int8_t level;
  Granule granule;
  bool global;
  Permissions permissions;
  MemoryAttributes attributes;
};

// An input address that a half of a regime covers, sign-extended from bit 55
// if the top byte is ignored.
struct CanonicalAddress {
  std::uint64_t value;
  unsigned half;
};

class Walker {
 public:
  explicit Walker(PhysicalMemory& memory, Observer* observer = nullptr)
      : memory_(memory), observer_(observer) {}

  // The half that translates `address`, or none: the address is out of range
  // (IHI 0070, 3.4.1).  Whether that half is enabled is not looked at.
  static std::optional<CanonicalAddress> canonical(const Regime& regime, Iova address) {
    const unsigned half = static_cast<unsigned>(address.value >> 55) & 1;
    const Stage1Half& tables = regime.half[half];
    std::uint64_t value = address.value;
    if (tables.top_byte_ignored) {
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value << 8) >> 8);
    }
    const std::int64_t above = static_cast<std::int64_t>(value) >> tables.input_bits;
    if (above != -static_cast<std::int64_t>(half)) return std::nullopt;
    return CanonicalAddress{value, half};
  }

  // Walks the tables of `address.half`.  The leaf has been checked for the
  // Access flag and its output address for size; the permissions are the
  // caller's to check.
  // REQUIRES: the half is enabled.
  Result<Leaf, WalkFault> walk_stage1(const Regime& regime, CanonicalAddress address) const;

 private:
  PhysicalMemory& memory_;
  Observer* observer_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_WALKER_H_
