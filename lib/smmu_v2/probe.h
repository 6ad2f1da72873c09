// What an SMMUv2 says of itself, as its driver understands it (IHI 0062, SMMU_IDR0 to SMMU_IDR2).
#ifndef SMMU_LIB_SMMU_V2_PROBE_H_
#define SMMU_LIB_SMMU_V2_PROBE_H_

#include <cstdint>
#include <string>

#include "smmu/arch/encodings.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/smmu_v2.h"
#include "smmu/result.h"

namespace smmu::iommu {

struct SmmuV2Features {
  bool stage1 = false;
  bool stage2 = false;
  bool translation_operations = false;
  WalkCoherency coherency = WalkCoherency::kNone;

  bool matches_streams = false;      // else a StreamID is the number of its group
  bool extended_stream_ids = false;  // of 16 bits
  std::uint32_t groups = 0;
  // Bits that a StreamID and the mask of a group may have; StreamMap::probe_masks() finds out which
  // of them there really are.
  std::uint32_t stream_mask = 0;
  std::uint32_t mask_mask = 0;

  std::uint32_t page_bytes = 0;
  std::uint32_t pages = 0;  // of each half of the address space
  std::uint32_t banks = 0;
  std::uint32_t stage2_banks = 0;  // the first ones, which have no stage 1

  bool vmid16 = false;
  unsigned upstream_bits = 0;    // addresses of devices
  unsigned ipa_bits = 0;         // what comes out of stage 1
  unsigned output_bits = 0;      // physical addresses
  std::uint64_t page_sizes = 0;  // of VMSAv8-64; 0: there is none
  bool long_descriptors = false;
  bool short_descriptors = false;
};

// Reads the identification registers, and nothing else.  The error is a sentence.
Result<SmmuV2Features, std::string> probe(const SmmuV2DriverConfig& config);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_PROBE_H_
