// What the TCU's caches hold: translations, stage 2 leaves, tables.
#ifndef SMMU_EMULATOR_TLB_ENTRIES_H_
#define SMMU_EMULATOR_TLB_ENTRIES_H_

#include <cstdint>

#include "emulator/tlb/translation_cache.h"
#include "emulator/walk/leaf.h"
#include "smmu/emulator/observer.h"

namespace smmu::emulator {

// A translation, by what a device says.
struct TlbEntry : Leaf {
  Stamp stamp = 0;  // when the walk began

  unsigned block_bits() const { return stage1_bits; }
};

// What stage 2 makes of an IPA, for walks of stage 1.
struct Stage2Entry : Stage2Leaf {
  Stamp stamp = 0;

  unsigned block_bits() const { return size_bits; }
};

// A table that a walk may begin at: it resolves 2^size_bits bytes.
struct TableEntry {
  std::uint64_t table = 0;      // where it is
  std::uint64_t hierarchy = 0;  // the table descriptors on the way, or-ed
  Stamp stamp = 0;
  std::uint8_t size_bits = 0;
  std::int8_t level = 0;  // of the descriptor that names it
  Granule granule = Granule::k4K;

  unsigned block_bits() const { return size_bits; }
};

using MainTlb = TranslationCache<TlbEntry>;
using Stage2Cache = TranslationCache<Stage2Entry>;
using WalkCache = TranslationCache<TableEntry>;

// For an observer.
inline TlbEntryInfo describe(const AddressSpaces::Space& space, std::uint64_t address,
                             const TlbEntry& entry) {
  return {.vmid = space.name.vmid,
          .asid = space.name.asid,
          .address = Iova(address & ~mask(entry.size_bits - 1U, 0)),
          .size = std::uint64_t{1} << entry.size_bits,
          .pa = entry.output};
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_TLB_ENTRIES_H_
