// Domains whose tables this library writes.
#ifndef SMMU_LIB_SMMU_V3_PAGING_DOMAIN_H_
#define SMMU_LIB_SMMU_V3_PAGING_DOMAIN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>

#include "lib/smmu_v3/domain_v3.h"
#include "smmu/iommu/driver.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/result.h"

namespace smmu::iommu {

class PagingDomain final : public TaggedDomain, private PgtableInvalidation {
 public:
  // operation_not_supported: the SMMU has no such stage, or does not tell what was written to.
  // not_enough_memory.
  static Result<std::unique_ptr<DriverDomain>, std::errc> create(CoreV3& core,
                                                                 const DomainRequest& request);
  ~PagingDomain() override;

  v3::CD context_for(const StreamTraits& traits) const override;
  v3::STE stream_for(const StreamTraits& traits) const override;
  // REQUIRES: kStage2.
  Stage2 stage2() const;
  bool is_nest_parent() const { return nest_parent_; }
  const TlbTag& tag_of_guests() const { return tag(); }
  Result<Done, std::errc> take_tag() override;
  // A guest is above it, which takes it for what it is now.
  void note_guest() { has_had_guest_.store(true, std::memory_order_relaxed); }

  std::uint64_t page_sizes() const override { return pgtable_->page_sizes(); }
  Geometry geometry() const override;
  void sync(const UnmapBatch& batch) override;
  Result<Done, std::errc> set_nesting(bool nesting) override;
  bool nesting() const override { return nest_parent_; }
  Result<Done, std::errc> set_quirks(const PgtableQuirks& quirks) override;
  bool enforce_cache_coherency() override;
  Result<Done, std::errc> set_dirty_tracking(bool on) override;

 private:
  PagingDomain(CoreV3& core, Role role, const DomainRequest& request);
  static PgtableQuirks common_quirks(const PgtableQuirks& quirks);
  // `dirty` and `s2fwb` are not looked at: the request and the SMMU say what they are.
  Result<Done, std::errc> make_tables(const PgtableQuirks& quirks, Role role);
  void flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) override;

  bool may_change() const { return !has_tag() && !has_had_guest_.load(std::memory_order_relaxed); }

  bool nest_parent_;
  const bool dirty_tracking_;
  std::atomic<bool> has_had_guest_{false};
  std::unique_ptr<IoPgtable> pgtable_;
  std::optional<TlbInvalidation> tlb_;
  std::uint64_t granule_ = 0;
  // Of the page at 0, once there is a tag.
  CommandWords page_command_{};
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V3_PAGING_DOMAIN_H_
