// A domain of an SMMUv2: its tables, and the context bank that walks them.
#ifndef SMMU_LIB_SMMU_V2_SMMU_V2_DOMAIN_H_
#define SMMU_LIB_SMMU_V2_SMMU_V2_DOMAIN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>

#include "lib/smmu_v2/context_banks.h"
#include "lib/smmu_v2/hardware.h"
#include "lib/smmu_v2/registry.h"
#include "lib/smmu_v2/tlb.h"
#include "lib/smmu_v2/translation_operations.h"
#include "smmu/iommu/driver.h"

namespace smmu::iommu {

// What a domain does with its faults, and its SMMU.
class SmmuV2Domain final : public DriverDomain, private PgtableInvalidation {
 public:
  // REQUIRES: if the request is to be above guests, the SMMU has stage 2.
  SmmuV2Domain(SmmuV2Hardware& hardware, ContextBanks& banks, SmmuV2Registry& registry,
               const DomainRequest& request);
  // Gives the bank and the tables back.
  // REQUIRES: no stream leads there.
  ~SmmuV2Domain() override;

  // Makes the tables and has a bank translate by them, unless that was done.  The errors are those
  // of IoPgtable::create(), and no_space_on_device: no bank is left.
  Result<Done, std::errc> prepare(const Device& first);
  // REQUIRES: prepare() has succeeded.
  std::uint32_t bank() const { return *bank_; }

  // For the registry, with its lock.
  bool has_bank(std::uint32_t n) const { return tables() != nullptr && *bank_ == n; }
  DomainType type() const { return type_; }
  FaultSink* faults() const { return faults_; }
  PgtableFormat format() const { return format_; }

  std::uint64_t page_sizes() const override;
  Geometry geometry() const override;
  void flush_all() override;
  void sync(const UnmapBatch& batch) override;
  std::optional<Pa> iova_to_phys(Iova iova) override;
  Result<Done, std::errc> set_nesting(bool nesting) override;
  bool nesting() const override;
  Result<Done, std::errc> set_quirks(const PgtableQuirks& quirks) override;

 private:
  friend class SmmuV2Registry;

  void flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) override;

  PgtableFormat wanted_format() const;
  // REQUIRES: mutex_ is held.
  PgtableConfig wanted_tables() const;
  // Of tables that would be made now.
  PgtableConfig chosen_tables() const;

  SmmuV2Hardware& hardware_;
  ContextBanks& banks_;
  SmmuV2Registry& registry_;
  const DomainType type_;
  FaultSink* const faults_;

  mutable std::mutex mutex_;  // guards what can be chosen before the first attach
  bool chosen_ = false;       // it cannot be any more
  bool nesting_;
  PgtableQuirks quirks_;

  // Before tables() is set, and not changed after that.
  PgtableFormat format_ = PgtableFormat::kAArch64Stage1;
  std::optional<std::uint32_t> bank_;
  std::unique_ptr<IoPgtable> owned_tables_;
  std::optional<BankTlb> tlb_;
  std::optional<TranslationOperations> operations_;

  SmmuV2Domain* next_ = nullptr;  // the registry's
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_SMMU_V2_DOMAIN_H_
