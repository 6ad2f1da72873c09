// What the TCU's caches hold: translations, stage 2 leaves, tables.
#ifndef SMMU_EMULATOR_TLB_ENTRIES_H_
#define SMMU_EMULATOR_TLB_ENTRIES_H_

#include <cstdint>

#include "emulator/tlb/translation_cache.h"
#include "emulator/walk/leaf.h"
#include "emulator/walk/snapshot.h"
#include "emulator/walk/walker.h"
#include "smmu/emulator/observer.h"

namespace smmu::emulator {

// A translation, by what a device says.
struct TlbEntry : Leaf {
  Stamp stamp = 0;  // when the walk began

  unsigned block_bits() const { return stage1_bits; }
  // Whether a walk can have come to it.
  bool sound() const { return is_block(output, size_bits) && is_size(stage1_bits); }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(static_cast<Leaf&>(*this), stamp);
  }
};

// What stage 2 makes of an IPA, for walks of stage 1.
struct Stage2Entry : Stage2Leaf {
  Stamp stamp = 0;

  unsigned block_bits() const { return size_bits; }
  bool sound() const { return is_block(output, size_bits); }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(static_cast<Stage2Leaf&>(*this), stamp);
  }
};

// A table that a walk may begin at: it resolves 2^size_bits bytes.
struct TableEntry : StartingTable {
  // The first table of its tree.  An address space is of one tree, if software
  // keeps to the rules (IHI 0070, 3.17); where it does not, walks stay apart.
  std::uint64_t root = 0;
  Stamp stamp = 0;
  std::uint8_t size_bits = 0;
  Granule granule = Granule::k4K;

  unsigned block_bits() const { return size_bits; }
  bool sound() const { return is_size(size_bits); }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(static_cast<StartingTable&>(*this), root, stamp, size_bits, granule);
  }
};

using MainTlb = TranslationCache<TlbEntry>;
using Stage2Cache = TranslationCache<Stage2Entry>;
using WalkCache = TranslationCache<TableEntry>;

// For an observer.
inline TlbEntryInfo describe(const AddressSpaces::Space& space, std::uint64_t address,
                             const TlbEntry& entry) {
  return {.world = space.name.world,
          .vmid = space.name.vmid,
          .asid = space.name.asid,
          .address = Iova(address & ~mask(entry.size_bits - 1U, 0)),
          .size = std::uint64_t{1} << entry.size_bits,
          .pa = entry.output};
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_ENTRIES_H_
