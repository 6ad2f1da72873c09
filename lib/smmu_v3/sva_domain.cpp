#include "lib/smmu_v3/sva_domain.h"

#include <new>
#include <utility>

namespace smmu::iommu {

namespace {

constexpr unsigned kVirtualBits = 64;

std::uint64_t bytes_of(TG0 granule) {
  constexpr std::uint64_t kKiB = std::uint64_t{1} << 10;
  switch (granule) {
    case TG0::k64K:
      return 64 * kKiB;
    case TG0::k16K:
      return 16 * kKiB;
    case TG0::k4K:
      break;
  }
  return 4 * kKiB;
}

}  // namespace

Result<std::unique_ptr<DriverDomain>, std::errc> SvaDomain::create(CoreV3& core,
                                                                   const DomainRequest& request) {
  if (request.address_space == nullptr) return std::errc::invalid_argument;
  const PgtableRegisters tables = request.address_space->registers();
  const FeaturesV3& features = core.features;
  if (!features.stage1 || features.substream_bits == 0 ||
      (features.page_sizes & bytes_of(tables.granule)) == 0 ||
      tables.output_size > features.output_size || tables.tsz + features.input_bits < kVirtualBits)
    return std::errc::operation_not_supported;
  std::unique_ptr<DriverDomain> domain(new (std::nothrow) SvaDomain(core, request, tables));
  if (domain == nullptr) return std::errc::not_enough_memory;
  return domain;
}

SvaDomain::SvaDomain(CoreV3& core, const DomainRequest& request, const PgtableRegisters& tables)
    : TaggedDomain(core, Role::kSva, request.faults),
      space_(*request.address_space),
      tables_of_program_(tables),
      granule_(bytes_of(tables.granule)),
      tlb_(core.features, granule_) {}

SvaDomain::~SvaDomain() { wait_for_handlers(); }

v3::CD SvaDomain::context_for(const StreamTraits& traits) const {
  return context(core_.features, {.tables = tables_of_program_, .asid = tag().asid}, traits);
}

Geometry SvaDomain::geometry() const {
  return {.first = Iova(0), .last = Iova(UINT64_MAX >> tables_of_program_.tsz)};
}

void SvaDomain::invalidate(Iova iova, std::uint64_t size) {
  if (size == 0) return;
  const std::uint64_t first = iova.value & ~(granule_ - 1);
  const std::uint64_t last = (iova.value + (size - 1)) | (granule_ - 1);
  // A range that wraps, or is all there is, is everything.
  if (last < first || last - first == UINT64_MAX) return flush_all();
  invalidate_range(tlb_, first, last - first + 1, granule_, TlbInvalidation::Entries::kAll);
}

}  // namespace smmu::iommu
