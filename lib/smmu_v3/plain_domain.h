// Domains without a translation: all is blocked, or goes where it says.
#ifndef SMMU_LIB_SMMU_V3_PLAIN_DOMAIN_H_
#define SMMU_LIB_SMMU_V3_PLAIN_DOMAIN_H_

#include <optional>

#include "lib/smmu_v3/domain_v3.h"

namespace smmu::iommu {

class PlainDomain final : public DomainV3 {
 public:
  PlainDomain(CoreV3& core, Role role, FaultSink* faults) : DomainV3(core, role, faults) {}
  ~PlainDomain() override { wait_for_handlers(); }

  std::optional<Pa> iova_to_phys(Iova iova) override {
    return role() == Role::kIdentity ? std::optional(Pa(iova.value)) : std::nullopt;
  }
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_PLAIN_DOMAIN_H_
