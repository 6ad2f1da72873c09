// A guest's translations above a domain of the host (IHI 0070, 3.3.2 and 5.2).
#ifndef SMMU_LIB_SMMU_V3_NESTED_DOMAIN_H_
#define SMMU_LIB_SMMU_V3_NESTED_DOMAIN_H_

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <system_error>

#include "lib/smmu_v3/domain_v3.h"
#include "lib/smmu_v3/paging_domain.h"
#include "smmu/iommu/driver.h"
#include "smmu/result.h"

namespace smmu::iommu {

class NestedDomain final : public DomainV3 {
 public:
  // invalid_argument: the parent is not made for that, or the guest's words say what a guest may
  // not have.  operation_not_supported: the SMMU has not both stages.
  static Result<std::unique_ptr<DriverDomain>, std::errc> create(CoreV3& core,
                                                                 const DomainRequest& request,
                                                                 DomainV3* parent);
  ~NestedDomain() override;

  Result<Done, std::errc> take_tag() override { return parent_.take_tag(); }
  bool has_tag() const override { return parent_.has_tag(); }
  void give_back_tag() override { parent_.give_back_tag(); }
  v3::STE stream_for(const StreamTraits& traits) const override;
  DomainV3* parent() const override { return &parent_; }

  // Translations of the guest that were attached are dead.
  void forget() override;
  // CMD_TLBI_NSNH_ALL and CMD_TLBI_NH_*, of the guest's VMID whichever it gives; CMD_CFGI_CD and
  // CMD_CFGI_CD_ALL and CMD_ATC_INV, of all streams that are attached whichever it names; CMD_SYNC.
  // invalid_argument: another command, or one that the SMMU would not take.
  Invalidated invalidate(std::span<const std::array<std::uint64_t, 2>> commands) override;
  using DriverDomain::invalidate;

 private:
  NestedDomain(CoreV3& core, const DomainRequest& request, PagingDomain& parent)
      : DomainV3(core, Role::kNested, request.faults), parent_(parent), guest_(request.guest) {}

  bool carry_out(CommandBatch& batch, Vmid vmid, const CommandWords& words);
  template <class C>
  bool carry_out_by_address(CommandBatch& batch, Vmid vmid, C command) const;

  PagingDomain& parent_;
  const GuestStream guest_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_NESTED_DOMAIN_H_
