// Address translation operations of the Secure interface (IHI 0070, 6.3.83 to 6.3.86, 6.3.90,
// 6.3.103 to 6.3.106 and chapter 9).
//
// SMMU_S_GATOS_* lie in page 0, SMMU_S_VATOS_* in a page of their own whose place
// SMMU_S_IDR2.BA_S_VATOS gives; offsets are from the start of the page that holds the register.  A
// PAR has two layouts, as those of translation_operation_registers.h.
#ifndef SMMU_ARCH_V3_SECURE_OPERATION_REGISTERS_H_
#define SMMU_ARCH_V3_SECURE_OPERATION_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v3/translation_operation_registers.h"

namespace smmu::v3 {

// 6.3.83
struct SMMU_S_GATOS_CTRL : Register<SMMU_S_GATOS_CTRL, std::uint32_t, 0x8100> {
  using Register::Register;
  static constexpr Bit<0> RUN{"RUN"};

  static constexpr FieldInfo kFields[] = {RUN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_S_GATOS_CTRL>());

// 6.3.84
struct SMMU_S_GATOS_SID : Register<SMMU_S_GATOS_SID, std::uint64_t, 0x8108> {
  using Register::Register;
  static constexpr Bits<31, 0>  STREAMID{"STREAMID"};
  static constexpr Bits<51, 32> SUBSTREAMID{"SUBSTREAMID"};
  static constexpr Bit<52>      SSID_VALID{"SSID_VALID"};
  static constexpr Bit<53>      SSEC{"SSEC"};  // the StreamID is a Secure one

  static constexpr FieldInfo kFields[] = {
      STREAMID, SUBSTREAMID, SSID_VALID, SSEC, reserved(63, 54)};
};
static_assert(covers_exactly<SMMU_S_GATOS_SID>());

// 6.3.85
struct SMMU_S_GATOS_ADDR : Register<SMMU_S_GATOS_ADDR, std::uint64_t, 0x8110> {
  using Register::Register;
  static constexpr Bit<4>                        NS{"NS"};  // of an IPA
  static constexpr Bit<6>                        HTTUI{"HTTUI"};
  static constexpr Bit<7>                        InD{"InD"};
  static constexpr Bit<8>                        RnW{"RnW"};
  static constexpr Bit<9>                        PnU{"PnU"};
  static constexpr Bits<11, 10, TranslationType> TYPE{"TYPE"};
  static constexpr Address<63, 12>               ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {
      reserved(3, 0), NS, reserved(5), HTTUI, InD, RnW, PnU, TYPE, ADDR};
};
static_assert(covers_exactly<SMMU_S_GATOS_ADDR>());

// 6.3.86, FAULT == 0
struct SMMU_S_GATOS_PAR : Register<SMMU_S_GATOS_PAR, std::uint64_t, 0x8118> {
  using Register::Register;
  static constexpr Bit<0>                   FAULT{"FAULT"};
  static constexpr Bits<9, 8, Shareability> SH{"SH"};
  static constexpr Bit<10>                  NS{"NS"};
  static constexpr Bit<11>                  Size{"Size"};
  static constexpr Address<55, 12>          ADDR{"ADDR"};
  static constexpr Bits<63, 56>             ATTR{"ATTR"};

  static constexpr FieldInfo kFields[] = {FAULT, reserved(7, 1), SH, NS, Size, ADDR, ATTR};
};
static_assert(covers_exactly<SMMU_S_GATOS_PAR>());

// 6.3.86, FAULT == 1
struct SMMU_S_GATOS_PAR_Fault : Register<SMMU_S_GATOS_PAR_Fault, std::uint64_t, 0x8118> {
  using Register::Register;
  static constexpr Bit<0>                             FAULT{"FAULT"};
  static constexpr Bits<2, 1, TranslationFaultReason> REASON{"REASON"};
  static constexpr Bit<3>                             NSIPA{"NSIPA"};  // of FADDR
  static constexpr Bits<11, 4>                        FAULTCODE{"FAULTCODE"};
  static constexpr Address<55, 12>                    FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, REASON, NSIPA, FAULTCODE, FADDR, reserved(59, 56), reserved(63, 60)};
};
static_assert(covers_exactly<SMMU_S_GATOS_PAR_Fault>());

// 6.3.90: the Secure virtual machine that SMMU_S_VATOS_* serve.
struct SMMU_S_VATOS_SEL : Register<SMMU_S_VATOS_SEL, std::uint32_t, 0x8180> {
  using Register::Register;
  static constexpr Bits<15, 0> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {VMID, reserved(31, 16)};
};
static_assert(covers_exactly<SMMU_S_VATOS_SEL>());

// 6.3.103
struct SMMU_S_VATOS_CTRL : Register<SMMU_S_VATOS_CTRL, std::uint32_t, 0x0A00> {
  using Register::Register;
  static constexpr Bit<0> RUN{"RUN"};

  static constexpr FieldInfo kFields[] = {RUN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_S_VATOS_CTRL>());

// 6.3.104: bit 53 is RES1, where SMMU_S_GATOS_SID has SSEC.
struct SMMU_S_VATOS_SID : Register<SMMU_S_VATOS_SID, std::uint64_t, 0x0A08> {
  using Register::Register;
  static constexpr Bits<31, 0>  STREAMID{"STREAMID"};
  static constexpr Bits<51, 32> SUBSTREAMID{"SUBSTREAMID"};
  static constexpr Bit<52>      SSID_VALID{"SSID_VALID"};

  static constexpr FieldInfo kFields[] = {
      STREAMID, SUBSTREAMID, SSID_VALID, reserved(53), reserved(63, 54)};
};
static_assert(covers_exactly<SMMU_S_VATOS_SID>());

// 6.3.105
struct SMMU_S_VATOS_ADDR : Register<SMMU_S_VATOS_ADDR, std::uint64_t, 0x0A10> {
  using Register::Register;
  static constexpr Bit<6>                        HTTUI{"HTTUI"};
  static constexpr Bit<7>                        InD{"InD"};
  static constexpr Bit<8>                        RnW{"RnW"};
  static constexpr Bit<9>                        PnU{"PnU"};
  static constexpr Bits<11, 10, TranslationType> TYPE{"TYPE"};
  static constexpr Address<63, 12>               ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(5, 0), HTTUI, InD, RnW, PnU, TYPE, ADDR};
};
static_assert(covers_exactly<SMMU_S_VATOS_ADDR>());

// 6.3.106, FAULT == 0
struct SMMU_S_VATOS_PAR : Register<SMMU_S_VATOS_PAR, std::uint64_t, 0x0A18> {
  using Register::Register;
  static constexpr Bit<0>                   FAULT{"FAULT"};
  static constexpr Bits<9, 8, Shareability> SH{"SH"};
  static constexpr Bit<10>                  NS{"NS"};
  static constexpr Bit<11>                  Size{"Size"};
  static constexpr Address<55, 12>          ADDR{"ADDR"};
  static constexpr Bits<63, 56>             ATTR{"ATTR"};

  static constexpr FieldInfo kFields[] = {FAULT, reserved(7, 1), SH, NS, Size, ADDR, ATTR};
};
static_assert(covers_exactly<SMMU_S_VATOS_PAR>());

// 6.3.106, FAULT == 1
struct SMMU_S_VATOS_PAR_Fault : Register<SMMU_S_VATOS_PAR_Fault, std::uint64_t, 0x0A18> {
  using Register::Register;
  static constexpr Bit<0>                             FAULT{"FAULT"};
  static constexpr Bits<2, 1, TranslationFaultReason> REASON{"REASON"};
  static constexpr Bit<3>                             NSIPA{"NSIPA"};
  static constexpr Bits<11, 4>                        FAULTCODE{"FAULTCODE"};
  static constexpr Address<55, 12>                    FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, REASON, NSIPA, FAULTCODE, FADDR, reserved(59, 56), reserved(63, 60)};
};
static_assert(covers_exactly<SMMU_S_VATOS_PAR_Fault>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_SECURE_OPERATION_REGISTERS_H_
