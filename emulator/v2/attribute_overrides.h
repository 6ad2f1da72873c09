// The *CFG fields that SMMU_sCR0, SMMU_S2CRn and SMMU_CBn_SCTLR have alike
// (IHI 0062).
#ifndef SMMU_EMULATOR_V2_ATTRIBUTE_OVERRIDES_H_
#define SMMU_EMULATOR_V2_ATTRIBUTE_OVERRIDES_H_

#include <cstdint>
#include <optional>

#include "emulator/walk/overrides.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v2/attribute_configuration.h"
#include "smmu/types.h"

namespace smmu::emulator {

constexpr std::optional<bool> allocation_of(v2::AllocationConfig config) {
  if (config == v2::AllocationConfig::kAllocate) return true;
  if (config == v2::AllocationConfig::kNoAllocate) return false;
  return std::nullopt;
}

constexpr std::optional<Shareability> shareability_of(v2::ShareabilityConfig config) {
  switch (config) {
    case v2::ShareabilityConfig::kOuterShareable:
      return Shareability::kOuter;
    case v2::ShareabilityConfig::kInnerShareable:
      return Shareability::kInner;
    case v2::ShareabilityConfig::kNonShareable:
      return Shareability::kNonShareable;
    case v2::ShareabilityConfig::kIncoming:
      break;
  }
  return std::nullopt;
}

// What the fields say, of those that the layout has.  `security`: NSCFG is of
// Secure transactions.
template <class Fields>
Overrides overrides_of(const Fields& fields, SecurityState security) {
  Overrides overrides;
  if constexpr (requires { Fields::MTCFG; }) {
    if (fields[Fields::MTCFG]) {
      overrides.mem_attr = static_cast<std::uint8_t>(fields[Fields::MemAttr]);
    }
  }
  overrides.shareability = shareability_of(fields[Fields::SHCFG]);
  overrides.hints.read = allocation_of(fields[Fields::RACFG]);
  overrides.hints.write = allocation_of(fields[Fields::WACFG]);
  if constexpr (requires { Fields::TRANSIENTCFG; }) {
    const auto transient = fields[Fields::TRANSIENTCFG];
    if (transient == v2::TransientConfig::kTransient) overrides.hints.transient = true;
    if (transient == v2::TransientConfig::kNonTransient) overrides.hints.transient = false;
  }
  if constexpr (requires { Fields::NSCFG; }) {
    if (security == SecurityState::kSecure) {
      const auto nscfg = fields[Fields::NSCFG];
      if (nscfg == NonSecureOverride::kSecure) overrides.space = SecurityState::kSecure;
      if (nscfg == NonSecureOverride::kNonSecure) overrides.space = SecurityState::kNonSecure;
    }
  }
  if constexpr (requires { Fields::PRIVCFG; }) {
    const auto privilege = fields[Fields::PRIVCFG];
    if (privilege == v2::PrivilegeConfig::kUnprivileged) {
      overrides.privilege = Privilege::kUnprivileged;
    } else if (privilege == v2::PrivilegeConfig::kPrivileged) {
      overrides.privilege = Privilege::kPrivileged;
    }
  }
  if constexpr (requires { Fields::INSTCFG; }) {
    const auto content = fields[Fields::INSTCFG];
    if (content == InstructionOverride::kData) overrides.content = Content::kData;
    if (content == InstructionOverride::kInstruction) overrides.content = Content::kInstruction;
  }
  return overrides;
}

// What `then` makes of what `first` has made.
inline Overrides followed_by(Overrides first, const Overrides& then) {
  if (then.mem_attr) first.mem_attr = then.mem_attr;
  if (then.hints.read) first.hints.read = then.hints.read;
  if (then.hints.write) first.hints.write = then.hints.write;
  if (then.hints.transient) first.hints.transient = then.hints.transient;
  if (then.shareability) first.shareability = then.shareability;
  if (then.space) first.space = then.space;
  return first;
}

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_ATTRIBUTE_OVERRIDES_H_
