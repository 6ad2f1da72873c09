#include "emulator/walk/attributes.h"

namespace smmu::emulator {
namespace {

// MAIR without its UNPREDICTABLE codes, which the SMMU defines (IHI 0070, 5.4).
std::uint8_t memory_type(std::uint64_t code) {
  const std::uint64_t outer = code & 0xf0;
  const std::uint64_t inner = code & 0x0f;
  if (outer == 0) return static_cast<std::uint8_t>(inner & 0xc);  // Device, whatever [1:0] says
  if (inner == 0) return static_cast<std::uint8_t>(outer | 0x3);  // Write-Through transient, RW
  return static_cast<std::uint8_t>(code);
}

}  // namespace

Stage1Attributes stage1_attributes(std::uint64_t mair) {
  Stage1Attributes attributes;
  for (unsigned attr_indx = 0; attr_indx != 8; ++attr_indx) {
    const std::uint8_t type = memory_type(mair >> 8 * attr_indx & 0xff);
    for (unsigned sh = 0; sh != 4; ++sh) {
      attributes[attributes_index(attr_indx, sh)] =
          consistent({.type = type, .shareability = static_cast<Shareability>(sh)});
    }
  }
  return attributes;
}

}  // namespace smmu::emulator
