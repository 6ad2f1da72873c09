#include "smmu/iommu/io_pgtable.h"

#include "lib/pgtable/long_descriptor.h"
#include "lib/pgtable/short_descriptor.h"

namespace smmu::iommu {

Result<PgtableConfig, std::errc> IoPgtable::config_for(const PgtableConfig& config) {
  if (config.format == PgtableFormat::kAArch32Short) return ShortDescriptor::config_for(config);
  PgtableConfig real = config;
  const auto shape = shape_of(real);
  if (!shape) return shape.error();
  return real;
}

Result<std::unique_ptr<IoPgtable>, std::errc> IoPgtable::create(const PgtableConfig& config,
                                                                PagePool& pool,
                                                                PgtableInvalidation& invalidation,
                                                                CacheMaintenance* caches) {
  // What walks find in caches need not be cleaned.
  if (config.coherency == WalkCoherency::kCoherent) caches = nullptr;
  const auto chosen = config_for(config);
  if (!chosen) return chosen.error();
  // A table is read at an output address like any other (DDI 0487, D8.1.9).
  if (pool.last().value >> chosen->output_bits != 0) return std::errc::invalid_argument;
  if (config.format == PgtableFormat::kAArch32Short) {
    return ShortDescriptor::create(*chosen, pool, invalidation, caches);
  }
  PgtableConfig real = *chosen;
  const auto shape = shape_of(real);
  if (!shape) return shape.error();
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
