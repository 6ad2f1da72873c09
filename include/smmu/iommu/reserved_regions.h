// Addresses of a device that are not for everybody to map.
#ifndef SMMU_IOMMU_RESERVED_REGIONS_H_
#define SMMU_IOMMU_RESERVED_REGIONS_H_

#include <cstdint>
#include <vector>

#include "smmu/iommu/prot.h"
#include "smmu/types.h"

namespace smmu::iommu {

enum class ReservedType : std::uint8_t {
  kDirect,           // mapped 1:1 at all times: firmware has a device use it
  kDirectRelaxable,  // the same, until somebody takes the device over
  kReserved,         // never mapped
  kMsi,              // where writes are interrupts and are not translated
  kSoftwareMsi,      // where software may map doorbells
};

struct ReservedRegion {
  Iova start;
  std::uint64_t size = 0;  // bytes
  ReservedType type = ReservedType::kReserved;
  Prot prot = Prot::kNone;  // of kDirect and kDirectRelaxable

  // REQUIRES: the size is not 0.
  std::uint64_t last() const { return start.value + (size - 1); }
  friend bool operator==(const ReservedRegion&, const ReservedRegion&) = default;
};

// Puts a region into a list that is sorted by start and then by type.  Those of one type that
// overlap become one, and so do those that touch, unless they differ in the kind of memory (kMmio,
// kCache); those of different types stay apart.  What becomes one allows what any of them did:
// kNoExec and kPriv, which say what may not be done, stay only if all had them.  It is kMmio or
// kCache if one was: to treat memory as a device, or to look into caches, does no harm.
// A region without bytes, or that wraps, is left out.
void insert(std::vector<ReservedRegion>& regions, const ReservedRegion& region);

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_RESERVED_REGIONS_H_
