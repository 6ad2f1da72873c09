// Where doorbells are mapped in a domain whose addresses somebody gives out.
#ifndef SMMU_IOMMU_DOORBELL_SPACE_H_
#define SMMU_IOMMU_DOORBELL_SPACE_H_

#include <cstdint>
#include <system_error>

#include "smmu/iommu/prot.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Called from any thread, with no lock of the library held.
class DoorbellSpace {
 public:
  virtual ~DoorbellSpace() = default;

  // Where devices of the domain find [pa, pa + size), whatever the size of a page.  Each success
  // has to be put back, once.  not_enough_memory: no addresses are left, or no memory.  And errors
  // of Domain::map().
  virtual Result<Iova, std::errc> bind_doorbell(Pa pa, std::uint64_t size, Prot prot) = 0;
  // Puts back what bind_doorbell() answered.  When the last one is back no device reaches it any
  // more.
  virtual void unbind_doorbell(Iova iova) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_IOMMU_DOORBELL_SPACE_H_
