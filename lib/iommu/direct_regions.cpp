#include "lib/iommu/direct_regions.h"

#include <cstdint>

#include "lib/iommu/page_sizes.h"

namespace smmu::iommu {
namespace {

bool is_direct(const ReservedRegion& region) {
  return region.type == ReservedType::kDirect || region.type == ReservedType::kDirectRelaxable;
}

// Whole pages, from the first address to the last.
struct Range {
  std::uint64_t first;
  std::uint64_t last;

  bool meets(const Range& other) const { return first <= other.last && other.first <= last; }
};

Range pages_of(const ReservedRegion& region, std::uint64_t page_size) {
  return {region.start.value & ~(page_size - 1), region.last() | (page_size - 1)};
}

// Of the ranges that meet `rest` and are mapped whether `region` is or not, the one that begins
// first: of other devices, or of regions of its own device that come before it.
bool find_covered(const ReservedRegion& region, const LinkedList<Device, Group>& devices,
                  std::uint64_t page_size, const Range& rest, Range& covered) {
  bool found = false;
  for (const Device& device : devices) {
    for (const ReservedRegion& other : device.reserved_regions()) {
      if (&other == &region) break;
      if (!is_direct(other)) continue;
      const Range pages = pages_of(other, page_size);
      if (!pages.meets(rest) || (found && pages.first >= covered.first)) continue;
      covered = pages;
      found = true;
    }
  }
  return found;
}

// Whether what is mapped with one of these is good for the other: it lacks no right, and it is
// memory of the same kind.
bool serves(Prot mapped, Prot asked) {
  return has(mapped, asked & kReadWrite) && has(asked, mapped & (Prot::kNoExec | Prot::kPriv)) &&
         (mapped & Prot::kMmio) == (asked & Prot::kMmio);
}

// Whether all of those ranges serve the region: a page is mapped once, for all that have it.
bool is_served(const ReservedRegion& region, const LinkedList<Device, Group>& devices,
               std::uint64_t page_size) {
  const Range own = pages_of(region, page_size);
  for (const Device& device : devices) {
    for (const ReservedRegion& other : device.reserved_regions()) {
      if (&other == &region) break;
      if (!is_direct(other) || !pages_of(other, page_size).meets(own)) continue;
      if (!serves(other.prot, region.prot)) return false;
    }
  }
  return true;
}

// Calls visit(Range, Prot) for what is for `device` alone to map, as long as that says true.
template <class Visit>
void for_each_piece(const Domain& domain, const Device& device,
                    const LinkedList<Device, Group>& devices, const Visit& visit) {
  const std::uint64_t page_size = smallest_page(domain.page_sizes());
  if (page_size == 0) return;
  for (const ReservedRegion& region : device.reserved_regions()) {
    if (!is_direct(region)) continue;
    Range rest = pages_of(region, page_size);
    for (bool more = true; more;) {
      Range covered;
      const bool found = find_covered(region, devices, page_size, rest, covered);
      std::uint64_t last = rest.last;
      if (found && covered.first <= rest.first) {
        last = covered.last;
      } else {
        if (found) last = covered.first - 1;
        if (!visit(Range{rest.first, last}, region.prot)) return;
      }
      more = last < rest.last;
      rest.first = last + 1;
    }
  }
}

void unmap_pages(Domain& domain, const Range& pages) {
  domain.unmap(Iova(pages.first), pages.last - pages.first + 1);
}

// All of them or none; never in blocks.  A device that leaves takes with it what is its alone, and
// of a block nothing can be taken while another device goes on to use a part of it.
Result<Done, std::errc> map_pages(Domain& domain, const Range& pages, std::uint64_t page_size,
                                  Prot prot) {
  if (domain.driver_domain().tables() == nullptr) return std::errc::no_such_device;
  const Geometry geometry = domain.geometry();
  if (pages.first < geometry.first.value || pages.last > geometry.last.value) {
    return std::errc::result_out_of_range;
  }
  for (std::uint64_t at = pages.first;; at += page_size) {
    const Result<Done, std::errc> mapped = domain.map(Iova(at), Pa(at), page_size, prot);
    if (!mapped && at != pages.first) unmap_pages(domain, {pages.first, at - 1});
    if (!mapped || pages.last - at < page_size) return mapped;
  }
}

}  // namespace

Result<Done, std::errc> map_direct_regions(Domain& domain, const Device& device,
                                           const LinkedList<Device, Group>& devices) {
  const std::uint64_t page_size = smallest_page(domain.page_sizes());
  for (const ReservedRegion& region : device.reserved_regions()) {
    if (page_size == 0 || !is_direct(region)) continue;
    if (!is_served(region, devices, page_size)) return std::errc::invalid_argument;
  }
  std::errc error{};
  std::uint64_t mapped = 0;
  for_each_piece(domain, device, devices, [&](const Range& pages, Prot prot) {
    const Result<Done, std::errc> done = map_pages(domain, pages, page_size, prot);
    if (!done) {
      error = done.error();
      return false;
    }
    ++mapped;
    return true;
  });
  if (error == std::errc{}) return Done{};

  for_each_piece(domain, device, devices, [&](const Range& pages, Prot) {
    if (mapped == 0) return false;
    --mapped;
    unmap_pages(domain, pages);
    return true;
  });
  return error;
}

void unmap_direct_regions(Domain& domain, const Device& device,
                          const LinkedList<Device, Group>& devices) {
  for_each_piece(domain, device, devices, [&](const Range& pages, Prot) {
    unmap_pages(domain, pages);
    return true;
  });
}

}  // namespace smmu::iommu
