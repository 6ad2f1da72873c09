// Global register space 1: what each context bank is for (IHI 0062; registers.h says what the
// layouts rest on).
//
// Offsets are from the start of the space, which is page 1.  n is the context bank.  TYPE of
// SMMU_CBARn tells which of its layouts to read.
#ifndef SMMU_ARCH_V2_GLOBAL_SPACE_1_H_
#define SMMU_ARCH_V2_GLOBAL_SPACE_1_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/v2/attribute_configuration.h"

namespace smmu::v2 {

// SMMU_CBARn.TYPE.
enum class ContextType : std::uint8_t {
  kStage2 = 0b00,
  kStage1Stage2Bypass = 0b01,
  kStage1Stage2Fault = 0b10,
  kNested = 0b11,  // stage 1, then stage 2 in another bank
};

// Context Bank Attribute Register: what it has in every type, and all that it has if TYPE is
// kStage1Stage2Fault.  IRPTNDX numbers an interrupt of SMMUv1; SMMUv2 has one for each bank.
struct SMMU_CBARn : RegisterArray<SMMU_CBARn, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<17, 16, ContextType> TYPE{"TYPE"};
  static constexpr Bits<31, 24>              IRPTNDX{"IRPTNDX"};

  static constexpr FieldInfo kFields[] = {reserved(15, 0), TYPE, reserved(23, 18), IRPTNDX};
};
static_assert(covers_exactly<SMMU_CBARn>());

// The same with TYPE kStage2.
struct SMMU_CBARn_Stage2 : RegisterArray<SMMU_CBARn_Stage2, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<7, 0>                VMID{"VMID"};
  static constexpr Bits<17, 16, ContextType> TYPE{"TYPE"};
  static constexpr Bits<31, 24>              IRPTNDX{"IRPTNDX"};

  static constexpr FieldInfo kFields[] = {VMID, reserved(15, 8), TYPE, reserved(23, 18), IRPTNDX};
};
static_assert(covers_exactly<SMMU_CBARn_Stage2>());

// The same with TYPE kStage1Stage2Bypass.  HYPC, called E2HC if SMMU_IDR2.E2HS and
// SMMU_sCR0.HYPMODE are 1, makes it a bank of the hypervisor.  From BPSHCFG to WACFG, the
// attributes are those of the bypassed stage 2; BPSHCFG has no kIncoming.
struct SMMU_CBARn_Stage1Stage2Bypass
    : RegisterArray<SMMU_CBARn_Stage1Stage2Bypass, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<7, 0>                     VMID{"VMID"};
  static constexpr Bits<9, 8, ShareabilityConfig> BPSHCFG{"BPSHCFG"};
  static constexpr Bit<10>                        HYPC{"HYPC"};
  static constexpr Bit<11>                        FB{"FB"};  // force broadcast of maintenance
  static constexpr Bits<15, 12>                   MemAttr{"MemAttr"};
  static constexpr Bits<17, 16, ContextType>      TYPE{"TYPE"};
  static constexpr Bits<19, 18, BarrierUpgrade>   BSU{"BSU"};
  static constexpr Bits<21, 20, AllocationConfig> RACFG{"RACFG"};
  static constexpr Bits<23, 22, AllocationConfig> WACFG{"WACFG"};
  static constexpr Bits<31, 24>                   IRPTNDX{"IRPTNDX"};

  static constexpr FieldInfo kFields[] = {
      VMID, BPSHCFG, HYPC, FB, MemAttr, TYPE, BSU, RACFG, WACFG, IRPTNDX};
};
static_assert(covers_exactly<SMMU_CBARn_Stage1Stage2Bypass>());

// The same with TYPE kNested.  Not sure: whether [23:20] are RACFG and WACFG here too, as one
// implementation has them.
struct SMMU_CBARn_Nested : RegisterArray<SMMU_CBARn_Nested, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<7, 0>                VMID{"VMID"};
  static constexpr Bits<15, 8>               CBNDX{"CBNDX"};  // the bank of stage 2
  static constexpr Bits<17, 16, ContextType> TYPE{"TYPE"};
  static constexpr Bits<31, 24>              IRPTNDX{"IRPTNDX"};

  static constexpr FieldInfo kFields[] = {VMID, CBNDX, TYPE, reserved(23, 18), IRPTNDX};
};
static_assert(covers_exactly<SMMU_CBARn_Nested>());

// Context Bank Fault Restricted Syndrome Register A: of the fault in SMMU_CBn_FSR.
struct SMMU_CBFRSYNRAn : RegisterArray<SMMU_CBFRSYNRAn, std::uint32_t, 0x400, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<15, 0>  StreamID{"StreamID"};
  static constexpr Bits<31, 16> SSD_Index{"SSD_Index"};  // Secure accesses only

  static constexpr FieldInfo kFields[] = {StreamID, SSD_Index};
};
static_assert(covers_exactly<SMMU_CBFRSYNRAn>());

// Context Bank Attribute Register 2.
struct SMMU_CBA2Rn : RegisterArray<SMMU_CBA2Rn, std::uint32_t, 0x800, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bit<0>       VA64{"VA64"};  // AArch64 translation
  static constexpr Bit<1>       MONC{"MONC"};  // a bank of the Secure monitor
  static constexpr Bits<31, 16> VMID16{"VMID16"};  // if SMMU_sCR0.VMID16EN

  static constexpr FieldInfo kFields[] = {VA64, MONC, reserved(15, 2), VMID16};
};
static_assert(covers_exactly<SMMU_CBA2Rn>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_GLOBAL_SPACE_1_H_
