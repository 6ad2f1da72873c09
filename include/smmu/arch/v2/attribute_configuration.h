// What the *CFG fields of SMMUv2 do to the attributes of a transaction (IHI 0062).
//
// The same codes serve traffic that bypasses the stream mapping (SMMU_sCR0), a stream (SMMU_S2CRn)
// and a context bank whose translation is off (SMMU_CBn_SCTLR).  NSCFG and INSTCFG use the codes of
// smmu/arch/encodings.h; those of SHCFG are not the codes of SMMUv3, nor those of SH in tables.
#ifndef SMMU_ARCH_V2_ATTRIBUTE_CONFIGURATION_H_
#define SMMU_ARCH_V2_ATTRIBUTE_CONFIGURATION_H_

#include <cstdint>

#include "smmu/arch/encodings.h"  // NonSecureOverride, InstructionOverride

namespace smmu::v2 {

// SHCFG, and BPSHCFG, where 0b00 is reserved.
enum class ShareabilityConfig : std::uint8_t {
  kIncoming = 0b00,
  kOuterShareable = 0b01,
  kInnerShareable = 0b10,
  kNonShareable = 0b11,
};

// RACFG of reads, WACFG of writes.
enum class AllocationConfig : std::uint8_t {
  kIncoming = 0b00,
  kAllocate = 0b10,
  kNoAllocate = 0b11,
};

// TRANSIENTCFG.
enum class TransientConfig : std::uint8_t {
  kIncoming = 0b00,
  kNonTransient = 0b10,
  kTransient = 0b11,
};

// PRIVCFG.  kPrivilegedAccessNever makes a transaction privileged and faults it where unprivileged
// accesses are permitted; reserved unless SMMU_IDR2.DIPANS is 1.
enum class PrivilegeConfig : std::uint8_t {
  kIncoming = 0b00,
  kPrivilegedAccessNever = 0b01,
  kUnprivileged = 0b10,
  kPrivileged = 0b11,
};

// BSU: the least shareability domain of a barrier.
enum class BarrierUpgrade : std::uint8_t {
  kNone = 0b00,
  kInnerShareable = 0b01,
  kOuterShareable = 0b10,
  kFullSystem = 0b11,
};

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_ATTRIBUTE_CONFIGURATION_H_
