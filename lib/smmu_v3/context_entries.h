// The CD table of a device (IHI 0070, 3.3.2): linear, or in two levels of which the second is made
// when it is wanted.
#ifndef SMMU_LIB_SMMU_V3_CONTEXT_ENTRIES_H_
#define SMMU_LIB_SMMU_V3_CONTEXT_ENTRIES_H_

#include <cstdint>
#include <memory>
#include <system_error>

#include "lib/smmu_v3/features.h"
#include "lib/smmu_v3/growing_array.h"
#include "lib/smmu_v3/structure_memory.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class ContextEntries {
 public:
  // For 2^substream_bits SubstreamIDs; every entry is invalid until it is written.
  // not_enough_memory.
  static Result<std::unique_ptr<ContextEntries>, std::errc> create(const FeaturesV3& features,
                                                                   const StructureMemory& memory,
                                                                   unsigned substream_bits);

  // The fields of an STE that lead here.
  v3::STE& describe(v3::STE& ste) const;

  bool in_range(SubstreamId substream) const;

  enum class Made : std::uint8_t { kNothing, kDescriptor };
  // Makes sure that there is an entry.  kDescriptor: the SMMU may know the level 1 descriptor as it
  // was.  not_enough_memory.
  // REQUIRES: in_range().
  Result<Made, std::errc> make(SubstreamId substream);
  // REQUIRES: make() has succeeded.
  Pa entry(SubstreamId substream) const;

 private:
  explicit ContextEntries(const StructureMemory& memory) : memory_(memory) {}

  const StructureMemory& memory_;
  unsigned substream_bits_ = 0;
  bool two_levels_ = false;
  TableBlock top_;
  GrowingArray<TableBlock> leaves_;  // by index; some empty
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_CONTEXT_ENTRIES_H_
