// When copies of what is in memory have to go.
#ifndef SMMU_EMULATOR_TLB_INVALIDATION_H_
#define SMMU_EMULATOR_TLB_INVALIDATION_H_

#include <cstdint>
#include <optional>

#include "emulator/tlb/address_space.h"
#include "emulator/walk/regime.h"
#include "smmu/types.h"

namespace smmu::emulator {

// A point in the sequence of invalidations: how many had been accepted.  What
// was read from memory before one must not outlive it.
using Stamp = std::uint64_t;

// What a TLB invalidation covers.  An absent member does not restrict it.
struct TlbInvalidation {
  struct Range {
    std::uint64_t first;
    std::uint64_t last;              // the last byte
    std::optional<Granule> granule;  // only entries of that granule
    std::int8_t level = 0;           // only leaves of that level; 0: of any
    bool leaf_only = false;          // no table descriptors on the way

    template <class Snapshot>
    void archive(Snapshot& snapshot) {
      snapshot(first, last, granule, level, leaf_only);
    }
  };

  StreamWorld world = StreamWorld::kNsEl1;
  std::optional<Vmid> vmid = std::nullopt;  // of a world without: 0
  std::uint8_t vmid_bits_ignored = 0;       // of its low bits (3.17.6)
  std::optional<Asid> asid = std::nullopt;  // global entries too if there is a range, else not
  std::optional<Range> range = std::nullopt;
  std::optional<Input> input = Input::kVirtual;  // none: both

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(world, vmid, vmid_bits_ignored, asid, range, input);
    snapshot.require(vmid_bits_ignored < 16, "a VMID that cannot be");
  }
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_INVALIDATION_H_
