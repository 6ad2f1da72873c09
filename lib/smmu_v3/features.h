// What an SMMUv3 can do, as its driver uses it.
#ifndef SMMU_LIB_SMMU_V3_FEATURES_H_
#define SMMU_LIB_SMMU_V3_FEATURES_H_

#include <cstdint>
#include <string>

#include "smmu/arch/encodings.h"
#include "smmu/iommu/smmu_v3.h"
#include "smmu/platform/mmio.h"
#include "smmu/result.h"

namespace smmu::iommu {

struct FeaturesV3 {
  bool stage1 = false;
  bool stage2 = false;
  bool coherent = false;
  bool hypervisor = false;
  bool ats = false;
  bool page_requests = false;
  bool messages = false;
  bool wake_up = false;
  bool two_level_streams = false;
  bool two_level_contexts = false;
  bool ranges = false;       // of TLB invalidation
  bool long_ranges = false;  // their SCALE has 6 bits
  bool forced_write_back = false;
  bool execute_never_by_level = false;  // stage 2 tells EL0 and EL1 apart
  bool type_overrides = false;
  bool access_flags = false;  // the SMMU sets them
  bool dirty_flags = false;
  bool aborts_alone = false;  // a transaction cannot be terminated otherwise
  StallModel stalls = StallModel::kTerminate;
  unsigned stream_bits = 0;
  unsigned substream_bits = 0;
  unsigned log2_commands = 0;
  unsigned log2_events = 0;
  unsigned log2_page_requests = 0;
  unsigned asid_bits = 8;
  unsigned vmid_bits = 8;
  unsigned input_bits = 48;  // of virtual addresses
  OutputSize output_size = OutputSize::k32Bits;
  unsigned break_before_make = 0;
  std::uint64_t page_sizes = 0;
};

// The error is a sentence: what this SMMU is not, or what the configuration asks of it that it has
// not.
Result<FeaturesV3, std::string> probe_v3(const SmmuV3DriverConfig& config);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_FEATURES_H_
