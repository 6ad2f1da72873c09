// How an STE or a CD that the SMMU may be reading becomes another one (IHI 0070, 3.21.3).
#ifndef SMMU_LIB_SMMU_V3_ENTRY_UPDATE_H_
#define SMMU_LIB_SMMU_V3_ENTRY_UPDATE_H_

#include <cstdint>

#include "lib/smmu_v3/structure_memory.h"
#include "lib/smmu_v3/used_bits.h"

namespace smmu::iommu {

// What makes the SMMU read an entry anew.
class EntrySync {
 public:
  // Returns when the SMMU has forgotten what was there before.
  virtual void sync() = 0;

 protected:
  ~EntrySync() = default;
};

// The SMMU reads single words at any time: between two syncs it may find old and new ones in every
// combination.  If the two entries differ in one word of those that count, words that do not count
// are set first, then that one, then the rest: transactions find the old entry or the new one.
// Otherwise the entry is invalid for a while, and transactions fail.
//
// Nothing is done, and nothing synced, if the entry is already that.
template <class Entry>
void update_entry(const StructureMemory& memory, Pa pa, const Entry& target, EntrySync& sync);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_ENTRY_UPDATE_H_
