// What an MMU-500 wants done besides (DDI 0517 and its errata).
#ifndef SMMU_LIB_SMMU_V2_MMU_500_H_
#define SMMU_LIB_SMMU_V2_MMU_500_H_

#include "lib/smmu_v2/hardware.h"

namespace smmu::iommu {

// Part of the reset.  Says so if a bank goes on prefetching.
void set_up_mmu_500(const SmmuV2Hardware& hardware);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_MMU_500_H_
