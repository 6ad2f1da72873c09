// What a reserved window asks of the tables it is a part of.
#ifndef SMMU_LIB_IOMMU_WINDOW_MAPPING_H_
#define SMMU_LIB_IOMMU_WINDOW_MAPPING_H_

#include <cstdint>
#include <system_error>

#include "smmu/iommu/prot.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Called from any thread, with no lock of the window held; either function may take its time, and
// may call the window's.
class WindowMapping {
 public:
  virtual ~WindowMapping() = default;

  // All of it, or an error and nothing.
  virtual Result<Done, std::errc> map(Iova iova, Pa pa, std::uint64_t size, Prot prot) = 0;
  // When it returns no device reaches what was mapped there.
  virtual void unmap(Iova iova, std::uint64_t size) = 0;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_WINDOW_MAPPING_H_
