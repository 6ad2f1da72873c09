// Memory types in MAIR's encoding, and how stage 2 changes them.
#include <algorithm>

#include "test/model/naive_walker.h"

namespace smmu::model {

std::uint8_t mair_type(std::uint64_t mair, unsigned index) {
  const auto attr = static_cast<std::uint8_t>((mair >> (8 * index)) & 0xff);

  // IHI 0070, 5.4, MAIR: 0b0000ddxx is Device of type dd whatever xx is.
  if ((attr & 0xf0) == 0) return attr & 0x0c;

  // The same table: 0bxxxx0000 behaves as Inner Write-Through Transient, 0b0011.
  if ((attr & 0x0f) == 0) return static_cast<std::uint8_t>((attr & 0xf0) | 0x03);
  return attr;
}

namespace {

// DDI 0487, MAIR_EL1: 0b0100 is Non-cacheable, else bit [2] tells Write-Back
// from Write-Through, [3] Non-transient from Transient, [1:0] are R and W.
bool is_cacheable(unsigned code) { return code != 0b0100; }

// One cache level, DDI 0487, Table D8-98, without FWB.  `stage2` is MemAttr's
// 0b01 Non-cacheable, 0b10 Write-Through or 0b11 Write-Back.  D8.6.3:
// the hints are stage 1's.
unsigned combine_level(unsigned stage1, unsigned stage2) {
  if (!is_cacheable(stage1)) return 0b0100;
  if (stage2 == 0b01) return 0b0100;
  if (stage2 == 0b10) return stage1 & 0b1011;
  return stage1;
}

// One cache level that FWB forces to Write-Back.  D8.6.6 (RTHYXB, RTBQKG): the
// hints are stage 1's if it has any, or else Read-Allocate, Write-Allocate.
unsigned force_write_back(unsigned stage1) {
  return is_cacheable(stage1) ? stage1 | 0b0100 : 0b1111;
}

std::uint8_t combine_types(std::uint8_t stage1, unsigned mem_attr, bool fwb) {
  const bool stage1_device = stage1 < 0x10;
  const unsigned outer = stage1 >> 4;
  const unsigned inner = stage1 & 0xf;

  if (fwb) {
    // Table D8-101, MemAttr[3] is RES0 without FEAT_MTE_PERM.
    if ((mem_attr & 0b0111) == 0b0101) return stage1_device ? stage1 : 0x44;
    if ((mem_attr & 0b0111) == 0b0110) {
      if (stage1_device) return 0xff;
      return static_cast<std::uint8_t>(force_write_back(outer) << 4 | force_write_back(inner));
    }
    if ((mem_attr & 0b0111) == 0b0111) return stage1;
    if ((mem_attr & 0b0111) == 0b0100) mem_attr = kReservedMemAttr;
    // Table D8-100 and RGSDKZ: a Device type that combines with stage 1's.
    mem_attr &= 0b0011;
  } else if ((mem_attr & 0b0011) == 0 && mem_attr != 0) {
    mem_attr = kReservedMemAttr;
  }

  // Table D8-96.  Table D8-97: the lower Device type is the stronger one.
  const bool stage2_device = (mem_attr & 0b1100) == 0;
  const auto stage2 = static_cast<std::uint8_t>((mem_attr & 0b0011) << 2);
  if (stage1_device && stage2_device) return std::min(stage1, stage2);
  if (stage1_device) return stage1;
  if (stage2_device) return stage2;
  return static_cast<std::uint8_t>(combine_level(outer, mem_attr >> 2) << 4 |
                                   combine_level(inner, mem_attr & 0b0011));
}

}  // namespace

Attributes combine(Attributes stage1, unsigned mem_attr, std::uint8_t stage2_shareability,
                   bool fwb) {
  const std::uint8_t type = combine_types(stage1.type, mem_attr, fwb);

  // DDI 0487, D8.6.7.1, IHI 0070, 13.1.7.
  if (type < 0x10 || type == 0x44) return {type, 0b10};

  // Table D8-103: Outer is stronger than Inner, Inner than Non-shareable.
  if (stage1.shareability == 0b10 || stage2_shareability == 0b10) return {type, 0b10};
  if (stage1.shareability == 0b11 || stage2_shareability == 0b11) return {type, 0b11};
  return {type, 0b00};
}

}  // namespace smmu::model
