// The reserved IOVA domain as a part of a domain: what a window must not be in the way of, and that
// it is mapped with the domain's own tables.
#include <mutex>
#include <new>
#include <optional>

#include "lib/iommu/page_sizes.h"
#include "lib/iommu/reserved_iova.h"
#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {
namespace {

constexpr Iova kLowest{0};
constexpr Iova kHighest{UINT64_MAX};

}  // namespace

struct Domain::Window final : WindowMapping {
  explicit Window(Domain& owner) : domain(owner) {}

  Result<Done, std::errc> map(Iova iova, Pa pa, std::uint64_t size, Prot prot) override {
    return domain.map_range(iova, pa, size, prot);
  }
  void unmap(Iova iova, std::uint64_t size) override { domain.unmap_range(iova, size); }

  Domain& domain;
  ReservedIova reserved{*this};
};

Result<Done, std::errc> Domain::alloc_reserved_iova_domain(Iova iova, std::uint64_t size,
                                                           unsigned order, Prot prot) {
  if (type_ != DomainType::kUnmanaged) return std::errc::invalid_argument;
  const auto window = ReservedWindow::of(iova, size, order, prot);
  if (!window) return window.error();
  const std::uint64_t page = smallest_page(page_sizes());
  if (page == 0 || window->granule < page || size / page > kMostWindowPages) {
    return std::errc::invalid_argument;
  }
  const Geometry aperture = geometry();
  if (window->first < aperture.first || window->last > aperture.last) {
    return std::errc::invalid_argument;
  }
  const auto refusal = [&]() -> std::optional<std::errc> {
    if (has_reserved_window()) return std::errc::file_exists;
    if (fault_handler_ != nullptr) return std::errc::device_or_resource_busy;
    if (meets_reserved_region(window->first, window->last)) return std::errc::invalid_argument;
    return std::nullopt;
  };
  std::unique_lock lock(iommu_.mutex_);
  if (const auto refused = refusal()) return *refused;
  lock.unlock();
  // This may take its time, and needs no lock: nobody maps there meanwhile.
  if (is_mapped(window->first, window->last)) return std::errc::invalid_argument;
  // Whatever is attached from now on finds the window.
  lock.lock();
  if (const auto refused = refusal()) return *refused;
  Window* own = window_.load(std::memory_order_relaxed);
  if (!own) {
    own = new (std::nothrow) Window(*this);
    if (!own) return std::errc::not_enough_memory;
    window_.store(own, std::memory_order_release);
  }
  return own->reserved.alloc(*window);
}

void Domain::free_reserved_iova_domain() {
  if (Window* const own = window_.load(std::memory_order_acquire)) own->reserved.free();
}

Result<WindowBinding, std::errc> Domain::bind_in_window(Pa pa, std::uint64_t size, Prot prot) {
  Window* const own = window_.load(std::memory_order_acquire);
  if (!own) return std::errc::invalid_argument;
  return own->reserved.bind(pa, size, prot);
}

void Domain::put(const WindowBinding& binding) {
  if (Window* const own = window_.load(std::memory_order_acquire)) own->reserved.put(binding);
}

bool Domain::is_in_window(const WindowBinding& binding) const {
  const Window* const own = window_.load(std::memory_order_acquire);
  return own && own->reserved.is_open(binding.window);
}

Result<Iova, std::errc> Domain::get_reserved_iova(Pa pa, std::uint64_t size, Prot prot) {
  const auto bound = bind_in_window(pa, size, prot);
  if (!bound) return bound.error();
  return bound->iova;
}

void Domain::put_reserved_iova(Iova iova) {
  if (Window* const own = window_.load(std::memory_order_acquire)) own->reserved.put(iova);
}

bool Domain::in_reserved_window(Iova iova, std::uint64_t size) const {
  const Window* const own = window_.load(std::memory_order_acquire);
  if (!own || size == 0) return false;
  const Iova last(iova.value + (size - 1));
  return own->reserved.touches(iova, last < iova ? kHighest : last);
}

bool Domain::has_reserved_window() const { return in_reserved_window(kLowest, UINT64_MAX); }

bool Domain::window_conflicts_with(const Device& device) const {
  for (const ReservedRegion& region : device.reserved_regions()) {
    if (!forbids_window(device, region)) continue;
    if (in_reserved_window(region.start, region.size)) return true;
  }
  return false;
}

std::optional<MsiGeometry> Domain::window_geometry() const {
  const Window* const own = window_.load(std::memory_order_acquire);
  if (!own) return std::nullopt;
  const auto window = own->reserved.window();
  if (!window) return std::nullopt;
  return MsiGeometry{window->first, window->last, window->granule, false};
}

void Domain::drop_window() { delete window_.exchange(nullptr); }

// Page by page, since that is what tables can be asked: therefore kMostWindowPages.
bool Domain::is_mapped(Iova first, Iova last) const {
  const IoPgtable* const tables = driver_domain_->tables();
  if (!tables) return false;
  const std::uint64_t page = smallest_page(page_sizes());
  for (std::uint64_t at = first.value;; at += page) {
    if (tables->iova_to_phys(Iova(at))) return true;
    if (last.value - at < page) return false;
  }
}

}  // namespace smmu::iommu
