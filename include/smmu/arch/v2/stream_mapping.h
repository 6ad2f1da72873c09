// The stream mapping groups: which streams a group is for, and what becomes of them (IHI 0062;
// registers.h says what the layouts rest on).
//
// Offsets are from the start of global register space 0.  n is the group.  TYPE of SMMU_S2CRn tells
// which of its layouts to read.
#ifndef SMMU_ARCH_V2_STREAM_MAPPING_H_
#define SMMU_ARCH_V2_STREAM_MAPPING_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v2/attribute_configuration.h"

namespace smmu::v2 {

// SMMU_S2CRn.TYPE.
enum class StreamType : std::uint8_t { kTranslation = 0b00, kBypass = 0b01, kFault = 0b10 };

// Stream Match Register, while SMMU_sCR0.EXIDENABLE is 0.  A bit of MASK makes ID ignore its bit.
struct SMMU_SMRn : RegisterArray<SMMU_SMRn, std::uint32_t, 0x800, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<14, 0>  ID{"ID"};
  static constexpr Bits<30, 16> MASK{"MASK"};
  static constexpr Bit<31>      VALID{"VALID"};

  static constexpr FieldInfo kFields[] = {ID, reserved(15), MASK, VALID};
};
static_assert(covers_exactly<SMMU_SMRn>());

// The same while it is 1: SMMU_S2CRn.EXIDVALID says that the group is valid.
struct SMMU_SMRn_EXIDENABLE : RegisterArray<SMMU_SMRn_EXIDENABLE, std::uint32_t, 0x800, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<15, 0>  ID{"ID"};
  static constexpr Bits<31, 16> MASK{"MASK"};

  static constexpr FieldInfo kFields[] = {ID, MASK};
};
static_assert(covers_exactly<SMMU_SMRn_EXIDENABLE>());

// Stream-to-Context Register: what it has in every type, and all that it has if TYPE is kFault.
// [31:30] of all types are IMPLEMENTATION DEFINED.
struct SMMU_S2CRn : RegisterArray<SMMU_S2CRn, std::uint32_t, 0xC00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bit<10>                  EXIDVALID{"EXIDVALID"};
  static constexpr Bits<17, 16, StreamType> TYPE{"TYPE"};

  static constexpr FieldInfo kFields[] = {
      reserved(9, 0), EXIDVALID, reserved(15, 11), TYPE, reserved(31, 18)};
};
static_assert(covers_exactly<SMMU_S2CRn>());

// The same with TYPE kTranslation.
struct SMMU_S2CRn_Translation : RegisterArray<SMMU_S2CRn_Translation, std::uint32_t, 0xC00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<7, 0>                        CBNDX{"CBNDX"};  // the context bank
  static constexpr Bits<9, 8, ShareabilityConfig>    SHCFG{"SHCFG"};
  static constexpr Bit<10>                           EXIDVALID{"EXIDVALID"};
  static constexpr Bit<11>                           MTCFG{"MTCFG"};  // MemAttr replaces the type
  static constexpr Bits<15, 12>                      MemAttr{"MemAttr"};
  static constexpr Bits<17, 16, StreamType>          TYPE{"TYPE"};
  static constexpr Bits<19, 18, NonSecureOverride>   NSCFG{"NSCFG"};  // Secure groups only
  static constexpr Bits<21, 20, AllocationConfig>    RACFG{"RACFG"};
  static constexpr Bits<23, 22, AllocationConfig>    WACFG{"WACFG"};
  static constexpr Bits<25, 24, PrivilegeConfig>     PRIVCFG{"PRIVCFG"};
  static constexpr Bits<27, 26, InstructionOverride> INSTCFG{"INSTCFG"};  // of reads
  static constexpr Bits<29, 28, TransientConfig>     TRANSIENTCFG{"TRANSIENTCFG"};

  static constexpr FieldInfo kFields[] = {
      CBNDX, SHCFG, EXIDVALID, MTCFG, MemAttr, TYPE, NSCFG, RACFG, WACFG, PRIVCFG, INSTCFG,
      TRANSIENTCFG, reserved(31, 30)};
};
static_assert(covers_exactly<SMMU_S2CRn_Translation>());

// The same with TYPE kBypass.
struct SMMU_S2CRn_Bypass : RegisterArray<SMMU_S2CRn_Bypass, std::uint32_t, 0xC00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<7, 0>                      VMID{"VMID"};
  static constexpr Bits<9, 8, ShareabilityConfig>  SHCFG{"SHCFG"};
  static constexpr Bit<10>                         EXIDVALID{"EXIDVALID"};
  static constexpr Bit<11>                         MTCFG{"MTCFG"};
  static constexpr Bits<15, 12>                    MemAttr{"MemAttr"};
  static constexpr Bits<17, 16, StreamType>        TYPE{"TYPE"};
  static constexpr Bits<19, 18, NonSecureOverride> NSCFG{"NSCFG"};
  static constexpr Bits<21, 20, AllocationConfig>  RACFG{"RACFG"};
  static constexpr Bits<23, 22, AllocationConfig>  WACFG{"WACFG"};
  static constexpr Bits<25, 24, BarrierUpgrade>    BSU{"BSU"};
  static constexpr Bit<26>                         FB{"FB"};  // force broadcast of maintenance
  static constexpr Bits<29, 28, TransientConfig>   TRANSIENTCFG{"TRANSIENTCFG"};

  static constexpr FieldInfo kFields[] = {
      VMID, SHCFG, EXIDVALID, MTCFG, MemAttr, TYPE, NSCFG, RACFG, WACFG, BSU, FB, reserved(27),
      TRANSIENTCFG, reserved(31, 30)};
};
static_assert(covers_exactly<SMMU_S2CRn_Bypass>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_STREAM_MAPPING_H_
