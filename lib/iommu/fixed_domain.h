// A domain in which nothing is mapped, and which no driver needs to make.
#ifndef SMMU_LIB_IOMMU_FIXED_DOMAIN_H_
#define SMMU_LIB_IOMMU_FIXED_DOMAIN_H_

#include <cstdint>
#include <limits>
#include <optional>

#include "smmu/iommu/driver.h"

namespace smmu::iommu {

// Of DomainType::kBlocked or kIdentity.
class FixedDomain final : public DriverDomain {
 public:
  explicit FixedDomain(DomainType type) : type_(type) {}

  std::uint64_t page_sizes() const override { return 0; }
  Geometry geometry() const override {
    return {Iova(0), Iova(std::numeric_limits<std::uint64_t>::max()),
            type_ == DomainType::kBlocked};
  }
  void flush_all() override {}
  void sync(const UnmapBatch& /*batch*/) override {}
  std::optional<Pa> iova_to_phys(Iova iova) override {
    if (type_ == DomainType::kBlocked) return std::nullopt;
    return Pa(iova.value);
  }

 private:
  const DomainType type_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_FIXED_DOMAIN_H_
