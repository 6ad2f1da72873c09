// What the slots of a container map, in all of its domains.
#ifndef SMMU_LIB_VFIO_MAPPINGS_H_
#define SMMU_LIB_VFIO_MAPPINGS_H_

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "lib/vfio/container_domain.h"
#include "lib/vfio/slots.h"
#include "smmu/iommu/pinned_memory.h"
#include "smmu/iommu/unmap_batch.h"
#include "smmu/result.h"

namespace smmu::iommu {

// All domains map the same: each slot, once, whose memory is pinned as long as there is a domain.
// Where it is pinned is written nowhere but in their tables, of which the first domain's are asked.
// Called with the container's lock held.
class Mappings {
 public:
  using Domains = boost::intrusive::list<ContainerDomain>;

  // `page_size`: of the memory that is pinned.
  Mappings(PinnedMemory& memory, std::uint64_t page_size)
      : memory_(memory), page_size_(page_size) {}

  Domains& domains() { return domains_; }
  const Domains& domains() const { return domains_; }

  // Puts a slot into all domains, or into none.
  Result<Done, std::errc> add(const Slot& slot);
  // Takes it out of all.  No device reaches its memory when that is unpinned.
  void remove(const Slot& slot);

  // The domain becomes the last one, with all slots in it, or is none of them.
  Result<Done, std::errc> join(Slots& slots, ContainerDomain& domain);
  // It is none of them any more.  The slots stay in it, but for those of the last domain.
  void leave(Slots& slots, ContainerDomain& domain);

 private:
  // Runs that are unpinned after one sync.
  static constexpr std::size_t kMostRuns = 512;

  Result<PinnedRun, std::errc> pin(const Slot& slot, std::uint64_t offset);
  Result<Done, std::errc> pin_and_map(const Slot& slot);
  Result<Done, std::errc> map_everywhere(Iova iova, const PinnedRun& run, Prot prot);
  void unmap_and_unpin(Iova iova, std::uint64_t size);
  void sync_and_unpin(UnmapBatch& batch, std::size_t runs);

  Result<Done, std::errc> open_windows(const Slot& slot);
  Result<Done, std::errc> copy(const Slot& slot, ContainerDomain& to);
  static void retract(const Slot& slot, ContainerDomain& from);

  // What iova_to_phys() may step by.
  std::uint64_t step() const;

  PinnedMemory& memory_;
  const std::uint64_t page_size_;
  Domains domains_;
  std::array<PinnedRun, kMostRuns> runs_;  // unmapped, not unpinned yet
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_VFIO_MAPPINGS_H_
