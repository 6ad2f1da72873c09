// Address translation operations that software asks for, ATOS (IHI 0070, 6.3 and chapter 9).
//
// SMMU_GATOS_* lie in page 0, SMMU_VATOS_* in a page of their own whose place SMMU_IDR2.BA_VATOS
// gives; offsets are from the start of the page that holds the register.  A PAR has two layouts:
// read FAULT, which lies at bit 0 of both, and take SMMU_*_PAR when it is 0, SMMU_*_PAR_Fault when
// it is 1.
#ifndef SMMU_ARCH_V3_TRANSLATION_OPERATION_REGISTERS_H_
#define SMMU_ARCH_V3_TRANSLATION_OPERATION_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// Stages to translate through, ADDR.TYPE.  The VATOS page takes only kStage1.
enum class TranslationType : std::uint8_t { kStage1 = 0b01, kStage2 = 0b10, kBothStages = 0b11 };

// What a failed operation was doing, PAR.REASON.  kNotStage2 covers everything that no stage 2
// translation caused.
enum class TranslationFaultReason : std::uint8_t {
  kNotStage2 = 0b00,
  kCd = 0b01,
  kTt = 0b10,
  kIn = 0b11,
};

// 9.1.5: what PAR.FAULTCODE has beside numbers of events.
enum class TranslationOperationError : std::uint8_t {
  INTERNAL_ERR = 0xFD,
  INV_STAGE = 0xFE,
  INV_REQ = 0xFF,
};

// 6.3.37
struct SMMU_GATOS_CTRL : Register<SMMU_GATOS_CTRL, std::uint32_t, 0x0100> {
  using Register::Register;
  static constexpr Bit<0> RUN{"RUN"};

  static constexpr FieldInfo kFields[] = {RUN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_GATOS_CTRL>());

// 6.3.38
struct SMMU_GATOS_SID : Register<SMMU_GATOS_SID, std::uint64_t, 0x0108> {
  using Register::Register;
  static constexpr Bits<31, 0>  STREAMID{"STREAMID"};
  static constexpr Bits<51, 32> SUBSTREAMID{"SUBSTREAMID"};
  static constexpr Bit<52>      SSID_VALID{"SSID_VALID"};

  static constexpr FieldInfo kFields[] = {STREAMID, SUBSTREAMID, SSID_VALID, reserved(63, 53)};
};
static_assert(covers_exactly<SMMU_GATOS_SID>());

// 6.3.39
struct SMMU_GATOS_ADDR : Register<SMMU_GATOS_ADDR, std::uint64_t, 0x0110> {
  using Register::Register;
  static constexpr Bit<6>                        HTTUI{"HTTUI"};
  static constexpr Bit<7>                        InD{"InD"};
  static constexpr Bit<8>                        RnW{"RnW"};
  static constexpr Bit<9>                        PnU{"PnU"};
  static constexpr Bits<11, 10, TranslationType> TYPE{"TYPE"};
  static constexpr Address<63, 12>               ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(5, 0), HTTUI, InD, RnW, PnU, TYPE, ADDR};
};
static_assert(covers_exactly<SMMU_GATOS_ADDR>());

// 6.3.40, FAULT == 0.  If Size is 1, ADDR is an address with the size of the translation marked by
// its lowest set bit: bit N set means 2^(N+1) bytes.
struct SMMU_GATOS_PAR : Register<SMMU_GATOS_PAR, std::uint64_t, 0x0118> {
  using Register::Register;
  static constexpr Bit<0>                   FAULT{"FAULT"};
  static constexpr Bits<9, 8, Shareability> SH{"SH"};
  static constexpr Bit<11>                  Size{"Size"};
  static constexpr Address<55, 12>          ADDR{"ADDR"};
  static constexpr Bits<63, 56>             ATTR{"ATTR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, reserved(7, 1), SH, reserved(10), Size, ADDR, ATTR};
};
static_assert(covers_exactly<SMMU_GATOS_PAR>());

// 6.3.40, FAULT == 1.  Bits [63:60] are IMPLEMENTATION DEFINED; FAULTCODE holds the number of the
// event the failure would have recorded, or a code of 9.1.5.
struct SMMU_GATOS_PAR_Fault : Register<SMMU_GATOS_PAR_Fault, std::uint64_t, 0x0118> {
  using Register::Register;
  static constexpr Bit<0>                             FAULT{"FAULT"};
  static constexpr Bits<2, 1, TranslationFaultReason> REASON{"REASON"};
  static constexpr Bits<11, 4>                        FAULTCODE{"FAULTCODE"};
  static constexpr Address<55, 12>                    FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, REASON, reserved(3), FAULTCODE, FADDR, reserved(59, 56), reserved(63, 60)};
};
static_assert(covers_exactly<SMMU_GATOS_PAR_Fault>());

// 6.3.44: the virtual machine that SMMU_VATOS_* serve.
struct SMMU_VATOS_SEL : Register<SMMU_VATOS_SEL, std::uint32_t, 0x0180> {
  using Register::Register;
  static constexpr Bits<15, 0> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {VMID, reserved(31, 16)};
};
static_assert(covers_exactly<SMMU_VATOS_SEL>());

// 6.3.99
struct SMMU_VATOS_CTRL : Register<SMMU_VATOS_CTRL, std::uint32_t, 0x0A00> {
  using Register::Register;
  static constexpr Bit<0> RUN{"RUN"};

  static constexpr FieldInfo kFields[] = {RUN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_VATOS_CTRL>());

// 6.3.100
struct SMMU_VATOS_SID : Register<SMMU_VATOS_SID, std::uint64_t, 0x0A08> {
  using Register::Register;
  static constexpr Bits<31, 0>  STREAMID{"STREAMID"};
  static constexpr Bits<51, 32> SUBSTREAMID{"SUBSTREAMID"};
  static constexpr Bit<52>      SSID_VALID{"SSID_VALID"};

  static constexpr FieldInfo kFields[] = {STREAMID, SUBSTREAMID, SSID_VALID, reserved(63, 53)};
};
static_assert(covers_exactly<SMMU_VATOS_SID>());

// 6.3.101
struct SMMU_VATOS_ADDR : Register<SMMU_VATOS_ADDR, std::uint64_t, 0x0A10> {
  using Register::Register;
  static constexpr Bit<6>                        HTTUI{"HTTUI"};
  static constexpr Bit<7>                        InD{"InD"};
  static constexpr Bit<8>                        RnW{"RnW"};
  static constexpr Bit<9>                        PnU{"PnU"};
  static constexpr Bits<11, 10, TranslationType> TYPE{"TYPE"};
  static constexpr Address<63, 12>               ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(5, 0), HTTUI, InD, RnW, PnU, TYPE, ADDR};
};
static_assert(covers_exactly<SMMU_VATOS_ADDR>());

// 6.3.102, FAULT == 0
struct SMMU_VATOS_PAR : Register<SMMU_VATOS_PAR, std::uint64_t, 0x0A18> {
  using Register::Register;
  static constexpr Bit<0>                   FAULT{"FAULT"};
  static constexpr Bits<9, 8, Shareability> SH{"SH"};
  static constexpr Bit<11>                  Size{"Size"};
  static constexpr Address<55, 12>          ADDR{"ADDR"};
  static constexpr Bits<63, 56>             ATTR{"ATTR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, reserved(7, 1), SH, reserved(10), Size, ADDR, ATTR};
};
static_assert(covers_exactly<SMMU_VATOS_PAR>());

// 6.3.102, FAULT == 1
struct SMMU_VATOS_PAR_Fault : Register<SMMU_VATOS_PAR_Fault, std::uint64_t, 0x0A18> {
  using Register::Register;
  static constexpr Bit<0>                             FAULT{"FAULT"};
  static constexpr Bits<2, 1, TranslationFaultReason> REASON{"REASON"};
  static constexpr Bits<11, 4>                        FAULTCODE{"FAULTCODE"};
  static constexpr Address<55, 12>                    FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, REASON, reserved(3), FAULTCODE, FADDR, reserved(59, 56), reserved(63, 60)};
};
static_assert(covers_exactly<SMMU_VATOS_PAR_Fault>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_TRANSLATION_OPERATION_REGISTERS_H_
