// The Stream table (IHI 0070, 3.3.1): linear, or in two levels of which the second is made when it
// is wanted.
#ifndef LIB_SMMU_V3_STREAM_ENTRIES_H_
#define LIB_SMMU_V3_STREAM_ENTRIES_H_

#include <cstdint>
#include <memory>
#include <system_error>

#include "lib/smmu_v3/features.h"
#include "lib/smmu_v3/growing_array.h"
#include "lib/smmu_v3/structure_memory.h"
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/result.h"
#include "smmu/types.h"

namespace smmu::iommu {

class StreamEntries {
 public:
  // Every entry is `initial` until it is written.  not_enough_memory.
  static Result<std::unique_ptr<StreamEntries>, std::errc> create(const FeaturesV3& features,
                                                                  const StructureMemory& memory,
                                                                  const v3::STE& initial);

  v3::SMMU_STRTAB_BASE base() const;
  v3::SMMU_STRTAB_BASE_CFG configuration() const { return configuration_; }

  // Whether there can be an entry.
  bool in_range(StreamId stream) const;

  enum class Made : std::uint8_t { kNothing, kDescriptor };
  // Makes sure that there is.  kDescriptor: the SMMU may know the level 1 descriptor as it was.
  // not_enough_memory.
  // REQUIRES: in_range().
  Result<Made, std::errc> make(StreamId stream);
  // REQUIRES: make() has succeeded.
  Pa entry(StreamId stream) const;

 private:
  // A second level, and which.
  struct Part {
    std::uint32_t index = 0;
    TableBlock block;
  };

  StreamEntries(const StructureMemory& memory, const v3::STE& initial)
      : memory_(memory), initial_(initial) {}
  void fill(const TableBlock& block, std::uint64_t entries) const;
  std::size_t find(std::uint32_t index) const;

  const StructureMemory& memory_;
  const v3::STE initial_;
  v3::SMMU_STRTAB_BASE_CFG configuration_;
  unsigned stream_bits_ = 0;
  bool two_levels_ = false;
  TableBlock top_;
  GrowingArray<Part> parts_;  // by index
};

}  // namespace smmu::iommu

#endif  // LIB_SMMU_V3_STREAM_ENTRIES_H_
