// What memory a leaf describes (DDI 0487, D8.6; IHI 0070, 13.1).
#ifndef SMMU_EMULATOR_WALK_ATTRIBUTES_H_
#define SMMU_EMULATOR_WALK_ATTRIBUTES_H_

#include <array>
#include <cstdint>

#include "emulator/walk/regime.h"
#include "smmu/arch/memory_attributes.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::emulator {

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
