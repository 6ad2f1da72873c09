#include <string_view>

#include "smmu/iommu/driver.h"

namespace smmu::iommu {

std::string_view name(DomainType type) {
  switch (type) {
    case DomainType::kBlocked:
      return "blocked";
    case DomainType::kIdentity:
      return "identity";
    case DomainType::kUnmanaged:
      return "unmanaged";
    case DomainType::kDma:
      return "DMA";
    case DomainType::kDmaLazy:
      return "DMA, lazy";
    case DomainType::kSva:
      return "SVA";
    case DomainType::kNested:
      return "nested";
  }
  return "unknown";
}

}  // namespace smmu::iommu
