#include "smmu/iommu/io_pgtable.h"

#include "lib/pgtable/long_descriptor.h"
#include "lib/pgtable/short_descriptor.h"

namespace smmu::iommu {

Result<std::unique_ptr<IoPgtable>, std::errc> IoPgtable::create(const PgtableConfig& config,
                                                                PagePool& pool,
                                                                PgtableInvalidation& invalidation,
                                                                CacheMaintenance* caches) {
  // What walks find in caches need not be cleaned.
  if (config.coherency == WalkCoherency::kCoherent) caches = nullptr;
  if (config.format == PgtableFormat::kAArch32Short) {
    return ShortDescriptor::create(config, pool, invalidation, caches);
  }
  PgtableConfig real = config;
  const auto shape = shape_of(real);
  if (!shape) return shape.error();
  // A table is read at an output address like any other (DDI 0487, D8.1.9).
  if (pool.last().value >> real.output_bits != 0) return std::errc::invalid_argument;
  switch (shape->granule_shift) {
    case 12:
      return LongDescriptor<12>::create(real, *shape, pool, invalidation, caches);
    case 14:
      return LongDescriptor<14>::create(real, *shape, pool, invalidation, caches);
    default:
      return LongDescriptor<16>::create(real, *shape, pool, invalidation, caches);
  }
}

}  // namespace smmu::iommu
