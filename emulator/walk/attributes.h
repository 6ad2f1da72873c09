// What memory a leaf describes (DDI 0487, D8.6; IHI 0070, 13.1).
#ifndef SMMU_EMULATOR_WALK_ATTRIBUTES_H_
#define SMMU_EMULATOR_WALK_ATTRIBUTES_H_

#include <array>
#include <cstdint>

#include "emulator/walk/regime.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {

// IHI 0070, 13.1.7: Device and Non-cacheable Normal memory is Outer Shareable,
// and the reserved shareability is none.
constexpr MemoryAttributes consistent(MemoryAttributes attributes) {
  if (attributes.is_device() || attributes.type == MemoryAttributes::kNonCacheable) {
    attributes.shareability = Shareability::kOuter;
  } else if (attributes.shareability != Shareability::kOuter &&
             attributes.shareability != Shareability::kInner) {
    attributes.shareability = Shareability::kNonShareable;
  }
  return attributes;
}

// Where in a Stage1Attributes the attributes of a leaf are.
constexpr unsigned attributes_index(unsigned attr_indx, unsigned sh) { return attr_indx | sh << 3; }
constexpr unsigned attributes_index(vmsa::Leaf_Stage1 leaf) {
  using vmsa::Leaf_Stage1;
  return attributes_index(leaf[Leaf_Stage1::AttrIndx],
                          static_cast<unsigned>(leaf[Leaf_Stage1::SH]));
}

// `mair`: MAIR1 above MAIR0.
Stage1Attributes stage1_attributes(std::uint64_t mair);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_ATTRIBUTES_H_
