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

// Where in a ShortAttributes the attributes of a leaf are.
constexpr unsigned short_attributes_index(unsigned tex, bool c, bool b, bool s) {
  return tex << 3 | (c ? 0b100U : 0) | (b ? 0b010U : 0) | (s ? 0b001U : 0);
}

// DDI 0487, G5.7.2: by TEX, C and B themselves, without TEX remap.
ShortAttributes short_attributes();
// G5.7.3: by two registers, with TEX remap.
ShortAttributes short_attributes(std::uint32_t prrr, std::uint32_t nmrr);

// What a stage 2 leaf says of memory.
struct Stage2Memory {
  std::uint8_t mem_attr = 0b1111;  // MemAttr[3:0]
  Shareability shareability = Shareability::kNonShareable;
  MemAttrEncoding encoding = MemAttrEncoding::kUsual;

  // IHI 0070, 5.2 (S2PTW): a Device type, the reserved encodings among them.
  bool is_device() const;

  // IHI 0070, 3.23.1: Write-Back, but for what an SMMU does not do.  With FWB it
  // is MemAttr[3], which says nothing.
  bool is_no_tag_access() const {
    return encoding == MemAttrEncoding::kTagAccess && mem_attr == 0b0100;
  }

  // As cacheable as can be: what stage 1 says stays.
  bool is_write_back() const {
    return mem_attr == 0b1111 && encoding != MemAttrEncoding::kForcedWriteBack;
  }
};

constexpr Shareability stronger(Shareability a, Shareability b) {
  for (const Shareability one : {Shareability::kOuter, Shareability::kInner}) {
    if (a == one || b == one) return one;
  }
  return Shareability::kNonShareable;
}

// IHI 0070, 13.4.2: what is output where tables say `translated`, with the
// allocation hints of what came in: those of a level of caches count if it is
// cacheable by both.  Where stage 2 is alone they are in `translated` already.
MemoryAttributes with_hints(MemoryAttributes translated, MemoryAttributes incoming);

// D8.6.5 to D8.6.7.  `stage1`: what stage 1 says, or where there is none, what
// came in.
MemoryAttributes combine_types(MemoryAttributes stage1, const Stage2Memory& stage2);
inline MemoryAttributes combine(MemoryAttributes stage1, const Stage2Memory& stage2) {
  if (!stage2.is_write_back()) return combine_types(stage1, stage2);
  return consistent(
      {.type = stage1.type, .shareability = stronger(stage1.shareability, stage2.shareability)});
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_WALK_ATTRIBUTES_H_
