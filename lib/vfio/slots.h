// Ranges that a container maps, by IOVA.
#ifndef SMMU_LIB_VFIO_SLOTS_H_
#define SMMU_LIB_VFIO_SLOTS_H_

#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <iterator>

#include "smmu/iommu/pinned_memory.h"
#include "smmu/iommu/prot.h"
#include "smmu/types.h"

namespace smmu::iommu {

enum class SlotKind : std::uint8_t { kMemory, kMsiWindow };

struct Slot : boost::intrusive::set_base_hook<> {
  Slot(SlotKind what, Iova from, Iova to, UserAddress where, Prot rights)
      : kind(what), first(from), last(to), prot(rights), address(where) {}

  const SlotKind kind;
  const Iova first;
  const Iova last;
  const Prot prot;      // kMemory
  UserAddress address;  // kMemory
  bool has_address = true;
  // kMemory: devices may have written to any of it, as a table that knew is gone; until the log is
  // asked, or started again.
  bool has_lost_writes = false;

  // It is never all addresses there are: these are more than a size can say.
  std::uint64_t size() const { return last.value - first.value + 1; }
};

// Slots do not overlap.  They are of whoever puts them in.
class Slots {
 private:
  struct ByFirst {
    using type = Iova;
    Iova operator()(const Slot& slot) const { return slot.first; }
  };
  using Set = boost::intrusive::set<Slot, boost::intrusive::key_of_value<ByFirst>>;

 public:
  using iterator = Set::iterator;

  bool empty() const { return slots_.empty(); }
  std::uint32_t size() const { return static_cast<std::uint32_t>(slots_.size()); }
  iterator begin() { return slots_.begin(); }
  iterator end() { return slots_.end(); }

  // REQUIRES: nothing is where it is.
  void insert(Slot& slot) { slots_.insert(slot); }
  void remove(Slot& slot) { slots_.erase(slots_.iterator_to(slot)); }

  // The first that has an address in [first, last], or null.
  Slot* find(Iova first, Iova last) {
    auto at = slots_.upper_bound(first);
    if (at != slots_.begin() && std::prev(at)->last >= first) --at;
    return at != slots_.end() && at->first <= last ? &*at : nullptr;
  }
  Slot* find(Iova iova) { return find(iova, iova); }
  // The one after it that has an address up to `last`, or null.
  Slot* next(Slot& slot, Iova last) {
    const auto after = std::next(slots_.iterator_to(slot));
    return after != slots_.end() && after->first <= last ? &*after : nullptr;
  }
  Slot* find_window() {
    for (Slot& slot : slots_) {
      if (slot.kind == SlotKind::kMsiWindow) return &slot;
    }
    return nullptr;
  }

 private:
  Set slots_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_VFIO_SLOTS_H_
