// The stream mapping groups: which StreamIDs a group is for, and what becomes of them (IHI 0062,
// SMMU_SMRn and SMMU_S2CRn).
#ifndef SMMU_LIB_SMMU_V2_STREAM_MAP_H_
#define SMMU_LIB_SMMU_V2_STREAM_MAP_H_

#include <cstdint>
#include <memory>
#include <span>
#include <system_error>

#include "lib/smmu_v2/hardware.h"
#include "smmu/arch/v2/stream_mapping.h"
#include "smmu/iommu/device.h"
#include "smmu/result.h"

namespace smmu::iommu {

// Where streams go.
struct StreamTarget {
  v2::StreamType type = v2::StreamType::kFault;
  std::uint32_t bank = 0;  // kTranslation

  friend bool operator==(const StreamTarget&, const StreamTarget&) = default;
};

// Remembers all groups, so that they can be written again.  One thread at a time.
class StreamMap {
 public:
  explicit StreamMap(SmmuV2Hardware& hardware) : hardware_(hardware) {}

  // False: no memory.  Called before all others; changes no register.
  bool allocate();

  // Groups for streams, one each: one that is there and has all of a stream's IDs, or a new one,
  // whose streams fault.  `groups` has room for all of them.
  // invalid_argument: IDs the SMMU does not have, or that are in part another group's.
  // no_space_on_device.  An error changes nothing.
  Result<Done, std::errc> take(std::span<const StreamMatch> streams, std::uint32_t* groups);
  // Gives groups back; one that nobody has any more is as at the beginning.
  void release(std::span<const std::uint32_t> groups);

  // Leads the streams of a group there.  Whether they could go elsewhere before.
  bool lead(std::uint32_t group, StreamTarget to);
  // Leads them back to where they went when keep() was called.
  void keep(std::uint32_t group) { groups_[group].kept = groups_[group].to; }
  void lead_back(std::uint32_t group) { lead(group, groups_[group].kept); }

  // Writes all groups.
  void restore() const;
  // Which bits of StreamIDs and of masks a group keeps: tries them in one that is free, after
  // SMMU_sCR0.EXIDENABLE has its value.
  void probe_masks();

 private:
  struct Group {
    std::uint32_t id = 0;
    std::uint32_t mask = 0;
    std::uint32_t users = 0;  // 0: not valid
    StreamTarget to;
    StreamTarget kept;
    bool written = true;  // since it was taken
  };

  Result<std::uint32_t, std::errc> find(StreamMatch stream) const;
  StreamTarget at_first() const;
  void drop(std::uint32_t n);
  void write_match(std::uint32_t n) const;
  void write_target(std::uint32_t n) const;

  SmmuV2Hardware& hardware_;
  std::unique_ptr<Group[]> groups_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_STREAM_MAP_H_
