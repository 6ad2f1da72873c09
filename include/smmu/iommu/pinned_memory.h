// Memory of a program that it lets devices use.
#ifndef SMMU_IOMMU_PINNED_MEMORY_H_
#define SMMU_IOMMU_PINNED_MEMORY_H_

#include <cstdint>
#include <system_error>

#include "smmu/iommu/prot.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// An address as the program itself has it.
using UserAddress = Number<struct UserAddressKind, std::uint64_t>;

// Pages that follow one another in physical memory.
struct PinnedRun {
  Pa pa;
  std::uint64_t size = 0;  // bytes

  friend bool operator==(const PinnedRun&, const PinnedRun&) = default;
};

// Where the program's memory is, and what keeps it there.  A Container calls it with its lock held,
// so nothing here may call that container; several containers may use one of these at once.
class PinnedMemory {
 public:
  virtual ~PinnedMemory() = default;

  // Keeps what is at `address` where it is until unpin(), and says where that is: from there on as
  // many pages, of `size` bytes, as follow one another physically; at least one.  `prot` is what
  // devices may do.
  // bad_address: there is no memory, or not all of it is for that use.  not_enough_memory: no more
  // may be pinned.
  virtual Result<PinnedRun, std::errc> pin(UserAddress address, std::uint64_t size, Prot prot) = 0;

  // Takes back one pin() of each of these pages, in whatever pieces they were pinned.  When it is
  // called no device that the caller looks after reaches them.
  virtual void unpin(Pa pa, std::uint64_t size) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_PINNED_MEMORY_H_
