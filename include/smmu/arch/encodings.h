// Values that mean the same in more than one layout: sizes, granules and memory attributes.
//
// An enumeration lives here only if several layouts use it; one that belongs to a single structure
// or register stands beside it.  Codes the manual reserves have no enumerator: reading a field may
// yield them, and the reader decides what the manual wants done.
#ifndef SMMU_ARCH_ENCODINGS_H_
#define SMMU_ARCH_ENCODINGS_H_

#include <cstdint>

#include "smmu/arch/memory_attributes.h"  // Shareability, a field of many layouts

namespace smmu {

// SMMU_CR1 cacheability (IHI 0070, 6.3.11), without allocation hints.
// Not the code that structures use for walks: see WalkCacheability.
enum class Cacheability : std::uint8_t {
  kNonCacheable = 0b00,
  kWriteBack = 0b01,
  kWriteThrough = 0b10,
};

// Cacheability of translation table walks, as in TCR_ELx.IRGN0 (IHI 0070, 5.2 S2IR0 and 5.4 IR0).
enum class WalkCacheability : std::uint8_t {
  kNonCacheable = 0b00,
  kWriteBackReadWriteAllocate = 0b01,
  kWriteThroughReadAllocate = 0b10,
  kWriteBackReadAllocate = 0b11,
};

// Overrides of incoming attributes: SMMU_GBPA and STE use the same codes (IHI 0070, 6.3.14, 5.2).
// NSCFG, PRIVCFG and INSTCFG treat the reserved 0b01 as 0b00.
enum class ShareabilityOverride : std::uint8_t {
  kNonShareable = 0b00,
  kIncoming = 0b01,
  kOuterShareable = 0b10,
  kInnerShareable = 0b11,
};
// Of Secure streams: which physical address space.
enum class NonSecureOverride : std::uint8_t {
  kIncoming = 0b00,
  kSecure = 0b10,
  kNonSecure = 0b11,
};
enum class PrivilegeOverride : std::uint8_t {
  kIncoming = 0b00,
  kUnprivileged = 0b10,
  kPrivileged = 0b11,
};
enum class InstructionOverride : std::uint8_t {
  kIncoming = 0b00,
  kData = 0b10,
  kInstruction = 0b11,
};

// Three encodings of the translation granule, all different.
// TG0 is that of CD.TG0, STE.S2TG and SMMU_DPT_BASE_CFG.DPTGS.
enum class TG0 : std::uint8_t { k4K = 0b00, k64K = 0b01, k16K = 0b10 };
// CD.TG1.
enum class TG1 : std::uint8_t { k16K = 0b01, k4K = 0b10, k64K = 0b11 };
// TG of the TLB invalidation commands.  kAny also means: one address, not a range.
enum class CommandTG : std::uint8_t { kAny = 0b00, k4K = 0b01, k16K = 0b10, k64K = 0b11 };

// Address sizes, as in SMMU_IDR5.OAS, CD.IPS, STE.S2PS and SMMU_DPT_BASE_CFG.DPTPS.
enum class OutputSize : std::uint8_t {
  k32Bits = 0b000,
  k36Bits = 0b001,
  k40Bits = 0b010,
  k42Bits = 0b011,
  k44Bits = 0b100,
  k48Bits = 0b101,
  k52Bits = 0b110,
  k56Bits = 0b111,
};
// The number of address bits that the code stands for.
constexpr unsigned address_bits(OutputSize size) {
  constexpr unsigned kBits[] = {32, 36, 40, 42, 44, 48, 52, 56};
  return kBits[static_cast<unsigned>(size)];
}

// What may happen to a faulting transaction (SMMU_IDR0.STALL_MODEL; IHI 0070, 3.12).  It also says
// which values of CD.S and STE.S2S are legal.
enum class StallModel : std::uint8_t {
  kStallOrTerminate = 0b00,
  kTerminate = 0b01,
  kStallForced = 0b10,
};

// How CMD_SYNC announces its completion, CMD_SYNC.CS (IHI 0070, 4.7.3).
enum class SyncSignal : std::uint8_t { kNone = 0b00, kIrq = 0b01, kSev = 0b10 };

}  // namespace smmu

#endif  // SMMU_ARCH_ENCODINGS_H_
