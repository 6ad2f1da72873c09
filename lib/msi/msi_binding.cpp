#include "smmu/iommu/msi_binding.h"

#include <utility>

#include "smmu/iommu/device.h"
#include "smmu/iommu/domain.h"
#include "smmu/iommu/doorbell_space.h"
#include "smmu/iommu/iommu.h"

namespace smmu::iommu {
namespace {

// A doorbell is written, never fetched from, and must not be written ahead, gathered or cached.
constexpr Prot kDoorbellProt = Prot::kWrite | Prot::kNoExec | Prot::kMmio;

// Whether the hardware keeps these addresses of the device's for messages.
bool is_in_msi_region(const Device& device, const Doorbell& doorbell) {
  for (const ReservedRegion& region : device.reserved_regions()) {
    if (region.type != ReservedType::kMsi) continue;
    const std::uint64_t offset = doorbell.address.value - region.start.value;
    if (offset < region.size && doorbell.size <= region.size - offset) return true;
  }
  return false;
}

}  // namespace

MsiBinding::MsiBinding(MsiBinding&& other) noexcept
    : device_(other.device_),
      kind_(std::exchange(other.kind_, Kind::kNone)),
      domain_(other.domain_),
      space_(other.space_),
      address_(other.address_),
      window_(other.window_) {}

MsiBinding& MsiBinding::operator=(MsiBinding&& other) noexcept {
  MsiBinding taken(std::move(other));
  std::swap(device_, taken.device_);
  std::swap(kind_, taken.kind_);
  std::swap(domain_, taken.domain_);
  std::swap(space_, taken.space_);
  std::swap(address_, taken.address_);
  std::swap(window_, taken.window_);
  return *this;
}

Result<MsiBinding, std::errc> MsiBinding::create(Device& device, const Doorbell& doorbell) {
  const Iova unchanged(doorbell.address.value);
  if (doorbell.path == DoorbellPath::kBypasses || is_in_msi_region(device, doorbell)) {
    return MsiBinding(device, Kind::kBypass, nullptr, nullptr, unchanged);
  }
  Domain* const domain = device.group().domain();
  if (domain == nullptr) return std::errc::operation_not_supported;
  switch (domain->type()) {
    case DomainType::kIdentity:
      return MsiBinding(device, Kind::kIdentity, nullptr, nullptr, unchanged);
    case DomainType::kUnmanaged: {
      const auto bound = domain->bind_in_window(doorbell.address, doorbell.size, kDoorbellProt);
      if (!bound) return bound.error();
      return MsiBinding(device, Kind::kWindow, domain, nullptr, bound->iova, bound->window);
    }
    case DomainType::kDma:
    case DomainType::kDmaLazy: {
      DoorbellSpace* const space = domain->doorbell_space();
      if (space == nullptr) return std::errc::operation_not_supported;
      const auto iova = space->bind_doorbell(doorbell.address, doorbell.size, kDoorbellProt);
      if (!iova) return iova.error();
      return MsiBinding(device, Kind::kSpace, domain, space, *iova);
    }
    case DomainType::kBlocked:
    case DomainType::kSva:
    case DomainType::kNested:
      break;
  }
  return std::errc::operation_not_supported;
}

void MsiBinding::unbind() {
  switch (std::exchange(kind_, Kind::kNone)) {
    case Kind::kWindow:
      device_->iommu().put({address_, window_});
      break;
    case Kind::kSpace:
      space_->unbind_doorbell(address_);
      break;
    case Kind::kNone:
    case Kind::kBypass:
    case Kind::kIdentity:
      break;
  }
}

bool MsiBinding::is_current() const {
  if (kind_ == Kind::kBypass) return true;
  const Domain* const domain = device_->group().domain();
  if (domain == nullptr) return false;
  if (kind_ == Kind::kIdentity) return domain->type() == DomainType::kIdentity;
  if (kind_ == Kind::kNone || domain != domain_) return false;
  // Who has given the window up, or the addresses, may map there what he likes.  And another domain
  // may be where the one of before was, but has no window of that number.
  if (kind_ == Kind::kSpace) return domain->doorbell_space() == space_;
  return domain->is_in_window({address_, window_});
}

}  // namespace smmu::iommu
