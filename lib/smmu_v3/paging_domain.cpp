#include "lib/smmu_v3/paging_domain.h"

#include <bit>
#include <new>
#include <utility>

#include "lib/iommu/page_sizes.h"

namespace smmu::iommu {

Result<std::unique_ptr<DriverDomain>, std::errc> PagingDomain::create(
    CoreV3& core, const DomainRequest& request) {
  const FeaturesV3& features = core.features;
  // Guests have stage 1; without them there is more room for ASIDs than for VMIDs.
  const bool stage2 = request.nest_parent || !features.stage1;
  if (stage2 && !features.stage2) return std::errc::operation_not_supported;
  if (request.nest_parent && !features.stage1) return std::errc::operation_not_supported;
  if (request.pasid && stage2) return std::errc::operation_not_supported;
  if (request.dirty_tracking && (stage2 || !features.dirty_flags))
    return std::errc::operation_not_supported;

  std::unique_ptr<PagingDomain> domain(
      new (std::nothrow) PagingDomain(core, stage2 ? Role::kStage2 : Role::kStage1, request));
  if (domain == nullptr) return std::errc::not_enough_memory;
  const auto made = domain->make_tables({}, domain->role());
  if (!made) return made.error();
  return std::unique_ptr<DriverDomain>(std::move(domain));
}

PagingDomain::PagingDomain(CoreV3& core, Role role, const DomainRequest& request)
    : TaggedDomain(core, role, request.faults),
      nest_parent_(request.nest_parent),
      dirty_tracking_(request.dirty_tracking) {}

// Of quirks that were chosen for one stage, those that the other has, too.
PgtableQuirks PagingDomain::common_quirks(const PgtableQuirks& quirks) {
  return {.contiguous = quirks.contiguous, .split_blocks = quirks.split_blocks};
}

PagingDomain::~PagingDomain() { wait_for_handlers(); }

Result<Done, std::errc> PagingDomain::make_tables(const PgtableQuirks& quirks, Role role) {
  const FeaturesV3& features = core_.features;
  const bool stage2 = role == Role::kStage2;
  PgtableConfig config;
  config.format = stage2 ? PgtableFormat::kAArch64Stage2 : PgtableFormat::kAArch64Stage1;
  config.page_sizes = features.page_sizes;
  config.output_bits = address_bits(features.output_size);
  config.input_bits = stage2 ? config.output_bits : features.input_bits;
  config.coherency = features.coherent ? WalkCoherency::kCoherent : WalkCoherency::kNone;
  config.break_before_make = features.break_before_make;
  config.quirks = quirks;
  config.quirks.dirty = dirty_tracking_;
  // A guest's attributes cannot make accesses miss the caches then.
  config.quirks.s2fwb = stage2 && nest_parent_ && features.forced_write_back;
  auto made = IoPgtable::create(config, core_.memory.pool(), *this, core_.caches());
  if (!made) return made.error();
  pgtable_ = *std::move(made);
  tables_.store(pgtable_.get(), std::memory_order_release);
  granule_ = smallest_page(pgtable_->page_sizes());
  tlb_.emplace(features, granule_);
  return Done{};
}

Geometry PagingDomain::geometry() const {
  const PgtableConfig& config = pgtable_->config();
  const std::uint64_t last = (std::uint64_t{1} << config.input_bits) - 1;
  if (config.quirks.ttbr1) return {.first = Iova(~last), .last = Iova(UINT64_MAX)};
  return {.first = Iova(0), .last = Iova(last)};
}

Stage2 PagingDomain::stage2() const {
  return {.tables = pgtable_->registers(),
          .vmid = tag().vmid,
          .forced_write_back = pgtable_->config().quirks.s2fwb};
}

v3::CD PagingDomain::context_for(const StreamTraits& traits) const {
  const PgtableQuirks& quirks = pgtable_->config().quirks;
  return context(core_.features,
                 {.tables = pgtable_->registers(),
                  .asid = tag().asid,
                  .upper_half = quirks.ttbr1,
                  .dirty = quirks.dirty},
                 traits);
}

v3::STE PagingDomain::stream_for(const StreamTraits& traits) const {
  return stage2_entry(core_.features, stage2(), traits);
}

Result<Done, std::errc> PagingDomain::take_tag() {
  // Once it is attached, others read the command without a lock.
  if (has_tag()) return Done{};
  auto taken = TaggedDomain::take_tag();
  if (taken) page_command_ = tlb_->one(tag(), 0, granule_, TlbInvalidation::Entries::kLeaves);
  return taken;
}

void PagingDomain::sync(const UnmapBatch& batch) {
  if (batch.size() == granule_ && invalidate_page(page_command_, batch.first().value)) [[likely]]
    return;
  invalidate_range(*tlb_, batch.first().value, batch.size(), batch.granule(),
                   TlbInvalidation::Entries::kLeaves);
}

void PagingDomain::flush_walk(Iova iova, std::uint64_t size, std::uint64_t granule) {
  invalidate_range(*tlb_, iova.value, size, granule, TlbInvalidation::Entries::kAll);
}

Result<Done, std::errc> PagingDomain::set_nesting(bool nesting) {
  if (!may_change()) return std::errc::operation_not_permitted;
  if (nesting == nest_parent_) return Done{};
  const FeaturesV3& features = core_.features;
  if (!features.stage1 || !features.stage2 || dirty_tracking_) return std::errc::invalid_argument;
  const bool before = std::exchange(nest_parent_, nesting);
  const Role role = nesting ? Role::kStage2 : Role::kStage1;
  const auto made = make_tables(common_quirks(pgtable_->config().quirks), role);
  if (!made) {
    nest_parent_ = before;
    return made;
  }
  set_role(role);
  return Done{};
}

Result<Done, std::errc> PagingDomain::set_quirks(const PgtableQuirks& quirks) {
  if (!may_change()) return std::errc::operation_not_permitted;
  if (quirks.non_secure || (quirks.xnx && !core_.features.execute_never_by_level))
    return std::errc::invalid_argument;
  return make_tables(quirks, role());
}

bool PagingDomain::enforce_cache_coherency() {
  // Without S2FWB a guest has the last word on what stage 2 calls cacheable.
  if (nest_parent_ && !pgtable_->config().quirks.s2fwb) return false;
  return admit_coherent_only();
}

Result<Done, std::errc> PagingDomain::set_dirty_tracking(bool) {
  // The SMMU does it from the first attachment on; nobody is slower for it.
  if (!dirty_tracking_) return std::errc::operation_not_supported;
  return Done{};
}

}  // namespace smmu::iommu
