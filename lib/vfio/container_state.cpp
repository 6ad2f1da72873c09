#include "lib/vfio/container_state.h"

#include <algorithm>

namespace smmu::iommu {

std::uint64_t Container::State::page_sizes() const {
  std::uint64_t sizes = sizes_of_whole_pages(~std::uint64_t{0});
  for (const ContainerDomain& domain : mappings.domains()) sizes &= page_sizes_of(domain);
  return sizes;
}

std::uint64_t Container::State::page_sizes_of(const ContainerDomain& domain) const {
  return sizes_of_whole_pages(domain.domain->page_sizes());
}

// Pages that are smaller make up one that is pinned.
std::uint64_t Container::State::sizes_of_whole_pages(std::uint64_t sizes) const {
  const std::uint64_t smaller = config.page_size - 1;
  return (sizes & smaller) != 0 ? (sizes & ~smaller) | config.page_size : sizes;
}

IovaSpan Container::State::aperture() const {
  IovaSpan all{Iova(0), Iova(UINT64_MAX)};
  for (const ContainerDomain& domain : mappings.domains()) {
    const Geometry geometry = domain.domain->geometry();
    all.first = std::max(all.first, geometry.first);
    all.last = std::min(all.last, geometry.last);
  }
  return all;
}

bool Container::State::is_valid(SlotKind kind, Iova first, Iova last) {
  const IovaSpan all = aperture();
  if (first < all.first || last > all.last) return false;
  return !any_group([&](const ContainerGroup& group, const ContainerDomain&) {
    return group.forbids(kind, first, last);
  });
}

bool Container::State::bisects(Iova first, Iova last) {
  const Slot* const at_first = slots.find(first);
  if (at_first != nullptr && at_first->first != first) return true;
  const Slot* const at_last = slots.find(last);
  return at_last != nullptr && at_last->last != last;
}

void Container::State::remove(Slot& slot) {
  mappings.remove(slot);
  slots.remove(slot);
  if (!slot.has_address) --without_address;
  delete &slot;
}

}  // namespace smmu::iommu
