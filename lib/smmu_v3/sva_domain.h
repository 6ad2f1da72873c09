// A program's tables, for accesses with one PASID.
#ifndef SMMU_LIB_SMMU_V3_SVA_DOMAIN_H_
#define SMMU_LIB_SMMU_V3_SVA_DOMAIN_H_

#include <memory>
#include <system_error>

#include "lib/smmu_v3/domain_v3.h"
#include "smmu/iommu/address_space.h"
#include "smmu/result.h"

namespace smmu::iommu {

class SvaDomain final : public TaggedDomain {
 public:
  // operation_not_supported: the SMMU has no SubstreamIDs, or not the granule of the tables.
  static Result<std::unique_ptr<DriverDomain>, std::errc> create(CoreV3& core,
                                                                 const DomainRequest& request);
  ~SvaDomain() override;

  AddressSpace* address_space() const override { return &space_; }
  v3::CD context_for(const StreamTraits& traits) const override;
  Geometry geometry() const override;
  using DriverDomain::invalidate;
  void invalidate(Iova iova, std::uint64_t size) override;

 private:
  SvaDomain(CoreV3& core, const DomainRequest& request, const PgtableRegisters& tables);

  AddressSpace& space_;
  const PgtableRegisters tables_of_program_;
  const std::uint64_t granule_;
  const TlbInvalidation tlb_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_SVA_DOMAIN_H_
