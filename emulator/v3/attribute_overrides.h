// The override fields that an STE and SMMU_GBPA have alike (IHI 0070, 5.2 and
// 6.3.14).
#ifndef SMMU_EMULATOR_V3_ATTRIBUTE_OVERRIDES_H_
#define SMMU_EMULATOR_V3_ATTRIBUTE_OVERRIDES_H_

#include <cstdint>

#include "emulator/v3/features.h"
#include "emulator/walk/overrides.h"
#include "smmu/arch/encodings.h"

namespace smmu::emulator {

// What the fields say, where SMMU_IDR1 lets them.
template <class Fields>
Overrides overrides_of(const Features& features, const Fields& fields) {
  Overrides overrides;
  if (features.idr1[v3::SMMU_IDR1::ATTR_TYPES_OVR]) {
    if (fields[Fields::MTCFG]) {
      overrides.mem_attr = static_cast<std::uint8_t>(fields[Fields::MemAttr]);
    }
    // 0b1RWT
    const unsigned alloccfg = fields[Fields::ALLOCCFG];
    if ((alloccfg & 0b1000) != 0) {
      overrides.hints = AllocationHints{.read = (alloccfg & 0b0100) != 0,
                                        .write = (alloccfg & 0b0010) != 0,
                                        .transient = (alloccfg & 0b0001) != 0};
    }
    switch (fields[Fields::SHCFG]) {
      case ShareabilityOverride::kNonShareable:
        overrides.shareability = Shareability::kNonShareable;
        break;
      case ShareabilityOverride::kOuterShareable:
        overrides.shareability = Shareability::kOuter;
        break;
      case ShareabilityOverride::kInnerShareable:
        overrides.shareability = Shareability::kInner;
        break;
      case ShareabilityOverride::kIncoming:
        break;
    }
  }
  if (features.idr1[v3::SMMU_IDR1::ATTR_PERMS_OVR]) {
    const auto privcfg = fields[Fields::PRIVCFG];
    if (privcfg == PrivilegeOverride::kUnprivileged) {
      overrides.privilege = Privilege::kUnprivileged;
    } else if (privcfg == PrivilegeOverride::kPrivileged) {
      overrides.privilege = Privilege::kPrivileged;
    }
    const auto instcfg = fields[Fields::INSTCFG];
    if (instcfg == InstructionOverride::kData) {
      overrides.content = Content::kData;
    } else if (instcfg == InstructionOverride::kInstruction) {
      overrides.content = Content::kInstruction;
    }
    if constexpr (requires { Fields::NSCFG; }) {
      if (features.security == SecurityState::kSecure) {
        const auto nscfg = fields[Fields::NSCFG];
        if (nscfg == NonSecureOverride::kSecure) {
          overrides.space = SecurityState::kSecure;
        } else if (nscfg == NonSecureOverride::kNonSecure) {
          overrides.space = SecurityState::kNonSecure;
        }
      }
    }
  }
  return overrides;
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_ATTRIBUTE_OVERRIDES_H_
