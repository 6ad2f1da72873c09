// The Stream table (IHI 0070, 3.3.1): linear, or in two levels of which the second is made when it
// is wanted.
#ifndef SMMU_LIB_SMMU_V3_STREAM_ENTRIES_H_
#define SMMU_LIB_SMMU_V3_STREAM_ENTRIES_H_

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
  // A second level has 2^kLog2Part entries.
  static constexpr unsigned kLog2Part = 8;
  static StreamId first_of_part(StreamId stream) {
    return StreamId(stream.value & ~((1U << kLog2Part) - 1));
  }
  static StreamId last_of_part(StreamId stream) {
    return StreamId(stream.value | ((1U << kLog2Part) - 1));
  }

  // Every entry is `initial` until it is written.  not_enough_memory.
  static Result<std::unique_ptr<StreamEntries>, std::errc> create(const FeaturesV3& features,
                                                                  const StructureMemory& memory,
                                                                  const v3::STE& initial);

  v3::SMMU_STRTAB_BASE base() const;
  v3::SMMU_STRTAB_BASE_CFG configuration() const { return configuration_; }

  // Whether there can be an entry.
  bool in_range(StreamId stream) const;

  // Makes sure that there is, which the SMMU does not find before publish().  not_enough_memory.
  // REQUIRES: in_range().
  Result<Done, std::errc> make(StreamId stream);
  enum class Published : std::uint8_t { kBefore, kNow };
  // kNow: the SMMU may know the level 1 descriptor as it was.
  // REQUIRES: make() has succeeded.
  Published publish(StreamId stream);
  // The level 1 descriptor that leads there leads nowhere from now on.  False: none did.  The
  // entries stay, since the SMMU may know where they are.
  bool unpublish(StreamId stream);
  // Frees what the SMMU cannot find.
  // REQUIRES: it knows nothing of it.
  void drop_unpublished();
  // REQUIRES: make() has succeeded.
  Pa entry(StreamId stream) const;

 private:
  // A second level, and which.
  struct Part {
    std::uint32_t index = 0;
    bool published = false;
    TableBlock block;
  };

  StreamEntries(const StructureMemory& memory, const v3::STE& initial)
      : memory_(memory), initial_(initial) {}
  Pa place_of_descriptor(std::uint32_t index) const;
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

#endif  // SMMU_LIB_SMMU_V3_STREAM_ENTRIES_H_
