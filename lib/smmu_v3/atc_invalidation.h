// Commands that make a device forget translations (IHI 0070, 4.5.1).
#ifndef SMMU_LIB_SMMU_V3_ATC_INVALIDATION_H_
#define SMMU_LIB_SMMU_V3_ATC_INVALIDATION_H_

#include <cstdint>
#include <optional>

#include "smmu/arch/v3/commands_ats.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Which addresses: a power of two of pages that begins at a multiple of them.
struct AtcRange {
  std::uint64_t address = 0;
  unsigned log2_pages = 0;  // of 4 KiB

  static AtcRange everything();
  // The least one that has [first, last] in it.
  static AtcRange covering(std::uint64_t first, std::uint64_t last);

  friend bool operator==(const AtcRange&, const AtcRange&) = default;
};

v3::CMD_ATC_INV atc_invalidation(StreamId stream, std::optional<SubstreamId> substream,
                                 const AtcRange& range);

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_ATC_INVALIDATION_H_
