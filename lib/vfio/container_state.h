// What a container is made of.
#ifndef SMMU_LIB_VFIO_CONTAINER_STATE_H_
#define SMMU_LIB_VFIO_CONTAINER_STATE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <system_error>

#include "lib/iommu/address_range.h"
#include "lib/iommu/page_sizes.h"
#include "lib/vfio/container_domain.h"
#include "lib/vfio/mappings.h"
#include "lib/vfio/slots.h"
#include "smmu/iommu/container.h"
#include "smmu/result.h"

namespace smmu::iommu {

struct Container::State {
  State(PinnedMemory& memory, const ContainerConfig& configuration)
      : config(configuration), mappings(memory, configuration.page_size) {}

  const ContainerConfig config;
  std::recursive_mutex mutex;
  bool is_called = false;
  Slots slots;
  std::uint32_t without_address = 0;  // slots
  Mappings mappings;
  bool logs_writes = false;

  Mappings::Domains& domains() { return mappings.domains(); }

  // Calls visit(ContainerGroup&, ContainerDomain&) until that says true; whether it did.
  template <class Visit>
  bool any_group(const Visit& visit) {
    for (ContainerDomain& domain : domains()) {
      for (ContainerGroup& group : domain.groups) {
        if (visit(group, domain)) return true;
      }
    }
    return false;
  }

  // Sizes that all domains have, and nothing smaller than what is pinned; of no domain, all.
  std::uint64_t page_sizes() const;
  std::uint64_t page_sizes_of(const ContainerDomain& domain) const;
  std::uint64_t sizes_of_whole_pages(std::uint64_t sizes) const;
  std::uint64_t smallest_page() const { return iommu::smallest_page(page_sizes()); }
  bool is_aligned(std::uint64_t bits) const { return (bits & (smallest_page() - 1)) == 0; }
  // What all domains can map; of no domain, everything.
  IovaSpan aperture() const;
  // Whether domains and devices let a slot be there.
  bool is_valid(SlotKind kind, Iova first, Iova last);
  // Whether a slot is in [first, last] with one of its ends alone.
  bool bisects(Iova first, Iova last);

  // Whether a bitmap is one for a range of so many bytes.
  Result<Done, std::errc> check(const DirtyBitmap& bitmap, std::uint64_t size) const;
  // All domains tell what was written to.
  bool tracks_writes() const;

  // Marks all pages of a slot in the bitmap of a range that begins at `first` and contains it, if
  // devices could write to them: there are some, and they may.
  void mark_all(const Slot& slot, Iova first, const DirtyBitmap& bitmap) const;
  // Marks those that were written to.
  void mark_written(Slot& slot, Iova first, const DirtyBitmap& bitmap);
  // What a domain that goes would have told is not known any more: all counts as written to, once.
  void lose_writes();

  Result<std::uint64_t, std::errc> forget_addresses(Slot* first, Iova last);

  // Takes a slot out of everything.
  void remove(Slot& slot);

  // Whether its devices raise no interrupts but their own.
  bool is_isolated(const Group& group) const;
  // What is kept of a group, if slots and interrupts let it come as it is now.
  Result<std::unique_ptr<ContainerGroup>, std::errc> admit(Group& group);
  // Makes a group that is claimed one of the container's, in a domain that is there or in one of
  // its own.
  Result<Done, std::errc> take(Group& group);
  bool share(ContainerGroup& group);
  Result<Done, std::errc> found(ContainerGroup& group);
  // Whether a domain could be one of the container's, with all slots in it.
  bool fits(const ContainerDomain& newcomer);
  // Takes it out of its domain, which is gone with the last one.
  void drop(ContainerGroup& group, ContainerDomain& domain);
};

// As long as one lives, its thread has the container.  The lock is recursive so that a call from
// inside another one, by what that calls, finds out that it is one.
class Container::Call {
 public:
  explicit Call(State& state) : state_(state), lock_(state.mutex), inside_(state.is_called) {
    state.is_called = true;
  }
  ~Call() { state_.is_called = inside_; }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool is_inside() const { return inside_; }

 private:
  State& state_;
  const std::lock_guard<std::recursive_mutex> lock_;
  const bool inside_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_VFIO_CONTAINER_STATE_H_
