// The domains that a container has, and the groups that share one.
#ifndef SMMU_LIB_VFIO_CONTAINER_DOMAIN_H_
#define SMMU_LIB_VFIO_CONTAINER_DOMAIN_H_

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>

#include "lib/iommu/page_sizes.h"
#include "lib/vfio/slots.h"
#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"
#include "smmu/iommu/pinned_memory.h"
#include "smmu/iommu/reserved_regions.h"
#include "smmu/result.h"

namespace smmu::iommu {

// What is the same for all groups that share a domain.
struct SharedTraits {
  Iommu* iommu = nullptr;
  bool coherent = false;       // what is mapped is coherent with caches (Prot::kCache)
  bool tracks_writes = false;  // the tables tell what was written to

  friend bool operator==(const SharedTraits&, const SharedTraits&) = default;
};

class ContainerGroup : public boost::intrusive::list_base_hook<> {
 public:
  // Null: no memory.
  static std::unique_ptr<ContainerGroup> create(Group& group);

  Group& group() const { return group_; }
  const SharedTraits& traits() const { return traits_; }
  // Of its devices, as they were when it came.
  std::span<const ReservedRegion> regions() const { return {regions_.get(), region_count_}; }
  // Whether a device does not let [first, last] be such a slot.
  bool forbids(SlotKind kind, Iova first, Iova last) const;

 private:
  explicit ContainerGroup(Group& group) : group_(group) {}

  Group& group_;
  SharedTraits traits_;
  std::unique_ptr<ReservedRegion[]> regions_;
  std::size_t region_count_ = 0;
};

class ContainerDomain : public boost::intrusive::list_base_hook<> {
 public:
  explicit ContainerDomain(const SharedTraits& what) : traits(what) {}

  const SharedTraits traits;
  std::unique_ptr<Domain> domain;
  bool enforces_coherency = false;
  boost::intrusive::list<ContainerGroup> groups;

  std::uint64_t smallest_page() const { return iommu::smallest_page(domain->page_sizes()); }
  bool covers(Iova first, Iova last) const {
    const Geometry geometry = domain->geometry();
    return first >= geometry.first && last <= geometry.last;
  }

  // Not all with kCache, as there are devices whose accesses do not look into caches: what says
  // that they do would be another kind of memory for them than for the program, and is a promise
  // that nobody keeps.
  Result<Done, std::errc> map(Iova iova, const PinnedRun& run, Prot prot) {
    return domain->map(iova, run.pa, run.size, traits.coherent ? prot | Prot::kCache : prot);
  }
  // REQUIRES: all of it is mapped, by calls that were about no more than that.
  void unmap(Iova iova, std::uint64_t size) { domain->unmap(iova, size); }
  Result<Done, std::errc> open_window(const Slot& slot);

  // What is mapped from `iova` on, in steps of pages, as far as it follows one another and up to
  // `size` bytes.  None: nothing.
  std::optional<PinnedRun> run_at(Iova iova, std::uint64_t size, std::uint64_t page) const;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_VFIO_CONTAINER_DOMAIN_H_
