// What the registers say that tell of a fault (IHI 0062, SMMU_CBn_FSR, SMMU_sGFSR).
#ifndef SMMU_LIB_SMMU_V2_FAULT_RECORD_H_
#define SMMU_LIB_SMMU_V2_FAULT_RECORD_H_

#include <cstdint>
#include <string>

#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/iommu/fault.h"
#include "smmu/iommu/io_pgtable.h"

namespace smmu::iommu {

// Of a context bank, as it was read.
struct ContextFaultRecord {
  std::uint32_t bank = 0;
  v2::SMMU_CBn_FSR fsr = {};
  v2::SMMU_CBn_FAR far = {};
  v2::SMMU_CBn_FSYNR0 fsynr0 = {};
  v2::SMMU_CBFRSYNRAn cbfrsynra = {};

  // With several status bits, that of the first in the order of FaultReason.
  Fault fault(PgtableFormat format) const;
  std::string sentence() const;
};

// Of no context bank.
struct GlobalFaultRecord {
  v2::SMMU_sGFSR gfsr = {};
  v2::SMMU_sGFSYNR0 gfsynr0 = {};
  v2::SMMU_sGFSYNR1 gfsynr1 = {};
  v2::SMMU_sGFSYNR2 gfsynr2 = {};
  v2::SMMU_sGFAR gfar = {};

  std::string sentence() const;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_FAULT_RECORD_H_
