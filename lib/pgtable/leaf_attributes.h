// What a page or block of VMSAv8-64, and of VMSAv8-32's long descriptors, says of what it maps.
#ifndef SMMU_LIB_PGTABLE_LEAF_ATTRIBUTES_H_
#define SMMU_LIB_PGTABLE_LEAF_ATTRIBUTES_H_

#include <array>
#include <cstdint>

#include "smmu/iommu/io_pgtable.h"
#include "smmu/iommu/prot.h"

namespace smmu::iommu {

// By Prot: everything but the address and the type; 0 where can_be_mapped() says no.
using LeafAttributes = std::array<std::uint64_t, 256>;

LeafAttributes stage1_attributes(const PgtableQuirks& quirks);
LeafAttributes stage2_attributes(const PgtableQuirks& quirks);

// MAIR for the indices that stage1_attributes() uses: Normal non-cacheable, Normal write-back,
// Device-nGnRE, and one that is cached outside alone.  The others, which no page has, are
// write-back.
inline constexpr std::uint64_t kMair = 0xffff'ffff'f404'ff44;

}  // namespace smmu::iommu

#endif  // SMMU_LIB_PGTABLE_LEAF_ATTRIBUTES_H_
