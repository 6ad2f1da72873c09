// What takes the place of domain_reserved.cpp where this library is built without the IOVA domain
// (SMMU_IOMMU_IOVA): there never is a window.
#include "smmu/iommu/domain.h"

namespace smmu::iommu {

struct Domain::Window {};

Result<Done, std::errc> Domain::alloc_reserved_iova_domain(Iova, std::uint64_t, unsigned, Prot) {
  return std::errc::no_such_file_or_directory;
}

void Domain::free_reserved_iova_domain() {}

Result<Iova, std::errc> Domain::get_reserved_iova(Pa, std::uint64_t, Prot) {
  return std::errc::no_such_file_or_directory;
}

void Domain::put_reserved_iova(Iova) {}

Result<WindowBinding, std::errc> Domain::bind_in_window(Pa, std::uint64_t, Prot) {
  return std::errc::no_such_file_or_directory;
}

void Domain::put(const WindowBinding&) {}

bool Domain::is_in_window(const WindowBinding&) const { return false; }

bool Domain::in_reserved_window(Iova, std::uint64_t) const { return false; }

bool Domain::has_reserved_window() const { return false; }

bool Domain::window_conflicts_with(const Device&) const { return false; }

std::optional<MsiGeometry> Domain::window_geometry() const { return std::nullopt; }

void Domain::drop_window() {}

}  // namespace smmu::iommu
