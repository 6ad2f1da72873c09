// The translation table walk.  It knows memory, a regime and an address; it
// knows no register, no stream and no queue.
#ifndef SMMU_EMULATOR_WALK_WALKER_H_
#define SMMU_EMULATOR_WALK_WALKER_H_

#include <cstdint>
#include <optional>

#include "emulator/walk/fault.h"
#include "emulator/walk/leaf.h"
#include "emulator/walk/regime.h"
#include "smmu/emulator/observer.h"
#include "smmu/emulator/transaction.h"
#include "smmu/platform/memory.h"

namespace smmu::emulator {

// An input address that a half of a regime covers, sign-extended from bit 55
// if the top byte is ignored.
struct CanonicalAddress {
  std::uint64_t value;
  unsigned half;
};

// A table of the last level, and what led there.
struct LastTable {
  std::uint64_t table = 0;
  std::uint64_t hierarchy = 0;  // the table descriptors on the way, or-ed
  bool known = false;
};

class Walker {
 public:
  explicit Walker(PhysicalMemory& memory, Observer* observer = nullptr)
      : memory_(memory), observer_(observer) {}

  // The half that translates `address`, or none: the address is out of range
  // (IHI 0070, 3.4.1).  Whether that half is enabled is not looked at.
  static std::optional<CanonicalAddress> canonical(const Regime& regime, Iova address) {
    const unsigned half = static_cast<unsigned>(address.value >> 55) & 1;
    const Stage1Half& tables = regime.stage1.half[half];
    std::uint64_t value = address.value;
    if (tables.top_byte_ignored) {
      value = static_cast<std::uint64_t>(static_cast<std::int64_t>(value << 8) >> 8);
    }
    const std::int64_t above = static_cast<std::int64_t>(value) >> tables.tables.input_bits;
    if (above != -static_cast<std::int64_t>(half)) return std::nullopt;
    return CanonicalAddress{value, half};
  }

  // Walks the tables of `address.half` to a leaf, which has been checked for
  // the Access flag and its output address for size; the permissions are the
  // caller's to check.  If there is none, says why.
  // REQUIRES: the half is enabled.
  std::optional<WalkFault> walk_stage1(const Regime& regime, CanonicalAddress address,
                                       Leaf& leaf) const {
    LastTable none;
    return walk_stage1(regime, address, leaf, none);
  }
  // The same, from `last` if that is known; else it will be, if the walk comes
  // to a table of the last level.
  std::optional<WalkFault> walk_stage1(const Regime& regime, CanonicalAddress address, Leaf& leaf,
                                       LastTable& last) const;

 private:
  // With observer, other formats than the plain one, or both.
  std::optional<WalkFault> walk_any(const Regime& regime, CanonicalAddress address, Leaf& leaf,
                                    LastTable& last) const;

  PhysicalMemory& memory_;
  Observer* observer_;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_WALKER_H_
