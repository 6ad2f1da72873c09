// The Secure registers that are not the Non-secure ones over again (IHI 0070, 6.3.52 to 6.3.91).
//
// SMMU_S_x stands 0x8000 above SMMU_x, and both Event queue indices in page 0 with the rest.  What
// is not declared here has the fields of SMMU_x, less those of ATS and PRI.
#ifndef SMMU_ARCH_V3_SECURE_REGISTERS_H_
#define SMMU_ARCH_V3_SECURE_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// From SMMU_x to SMMU_S_x.
inline constexpr std::uint32_t kSecureOffset = 0x8000;

// 6.3.52
struct SMMU_S_IDR0 : Register<SMMU_S_IDR0, std::uint32_t, 0x8000> {
  using Register::Register;
  static constexpr Bit<13>                  MSI{"MSI"};
  static constexpr Bits<25, 24, StallModel> STALL_MODEL{"STALL_MODEL"};
  static constexpr Bit<31>                  ECMDQ{"ECMDQ"};

  static constexpr FieldInfo kFields[] = {
      reserved(12, 0), MSI, reserved(23, 14), STALL_MODEL, reserved(30, 26), ECMDQ};
};
static_assert(covers_exactly<SMMU_S_IDR0>());

// 6.3.53
struct SMMU_S_IDR1 : Register<SMMU_S_IDR1, std::uint32_t, 0x8004> {
  using Register::Register;
  static constexpr Bits<5, 0> S_SIDSIZE{"S_SIDSIZE"};
  static constexpr Bit<29>    SEL2{"SEL2"};  // EL2 and stage 2
  static constexpr Bit<31>    SECURE_IMPL{"SECURE_IMPL"};

  static constexpr FieldInfo kFields[] = {
      S_SIDSIZE, reserved(28, 6), SEL2, reserved(30), SECURE_IMPL};
};
static_assert(covers_exactly<SMMU_S_IDR1>());

// 6.3.54
struct SMMU_S_IDR2 : Register<SMMU_S_IDR2, std::uint32_t, 0x8008> {
  using Register::Register;
  static constexpr Bits<9, 0> BA_S_VATOS{"BA_S_VATOS"};

  static constexpr FieldInfo kFields[] = {BA_S_VATOS, reserved(31, 10)};
};
static_assert(covers_exactly<SMMU_S_IDR2>());

// 6.3.55
struct SMMU_S_IDR3 : Register<SMMU_S_IDR3, std::uint32_t, 0x800C> {
  using Register::Register;
  static constexpr Bit<6> SAMS{"SAMS"};  // 1: the Secure Command queue has no commands of ATS

  static constexpr FieldInfo kFields[] = {reserved(5, 0), SAMS, reserved(31, 7)};
};
static_assert(covers_exactly<SMMU_S_IDR3>());

// 6.3.56: all of it is IMPLEMENTATION DEFINED.
struct SMMU_S_IDR4 : Register<SMMU_S_IDR4, std::uint32_t, 0x8010> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_S_IDR4>());

// 6.3.57
struct SMMU_S_CR0 : Register<SMMU_S_CR0, std::uint32_t, 0x8020> {
  using Register::Register;
  static constexpr Bit<0>     SMMUEN{"SMMUEN"};
  static constexpr Bit<2>     EVENTQEN{"EVENTQEN"};
  static constexpr Bit<3>     CMDQEN{"CMDQEN"};
  static constexpr Bit<5>     SIF{"SIF"};  // instructions come from Secure memory only
  static constexpr Bits<8, 6> VMW{"VMW"};
  static constexpr Bit<9>     NSSTALLD{"NSSTALLD"};  // Non-secure streams do not stall

  static constexpr FieldInfo kFields[] = {
      SMMUEN, reserved(1), EVENTQEN, CMDQEN, reserved(4), SIF, VMW, NSSTALLD, reserved(31, 10)};
};
static_assert(covers_exactly<SMMU_S_CR0>());

// 6.3.58
struct SMMU_S_CR0ACK : Register<SMMU_S_CR0ACK, std::uint32_t, 0x8024> {
  using Register::Register;
  static constexpr Bit<0>     SMMUEN{"SMMUEN"};
  static constexpr Bit<2>     EVENTQEN{"EVENTQEN"};
  static constexpr Bit<3>     CMDQEN{"CMDQEN"};
  static constexpr Bit<5>     SIF{"SIF"};
  static constexpr Bits<8, 6> VMW{"VMW"};
  static constexpr Bit<9>     NSSTALLD{"NSSTALLD"};

  static constexpr FieldInfo kFields[] = {
      SMMUEN, reserved(1), EVENTQEN, CMDQEN, reserved(4), SIF, VMW, NSSTALLD, reserved(31, 10)};
};
static_assert(covers_exactly<SMMU_S_CR0ACK>());

// 6.3.60
struct SMMU_S_CR2 : Register<SMMU_S_CR2, std::uint32_t, 0x802C> {
  using Register::Register;
  static constexpr Bit<0> E2H{"E2H"};
  static constexpr Bit<1> RECINVSID{"RECINVSID"};
  static constexpr Bit<2> PTM{"PTM"};

  static constexpr FieldInfo kFields[] = {E2H, RECINVSID, PTM, reserved(31, 3)};
};
static_assert(covers_exactly<SMMU_S_CR2>());

// 6.3.62
struct SMMU_S_INIT : Register<SMMU_S_INIT, std::uint32_t, 0x803C> {
  using Register::Register;
  static constexpr Bit<0> INV_ALL{"INV_ALL"};  // 1 until every cache is empty

  static constexpr FieldInfo kFields[] = {INV_ALL, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_S_INIT>());

// 6.3.63
struct SMMU_S_GBPA : Register<SMMU_S_GBPA, std::uint32_t, 0x8044> {
  using Register::Register;
  static constexpr Bits<3, 0>                         MemAttr{"MemAttr"};
  static constexpr Bit<4>                             MTCFG{"MTCFG"};
  static constexpr Bits<11, 8>                        ALLOCCFG{"ALLOCCFG"};
  static constexpr Bits<13, 12, ShareabilityOverride> SHCFG{"SHCFG"};
  static constexpr Bits<15, 14, NonSecureOverride>    NSCFG{"NSCFG"};
  static constexpr Bits<17, 16, PrivilegeOverride>    PRIVCFG{"PRIVCFG"};
  static constexpr Bits<19, 18, InstructionOverride>  INSTCFG{"INSTCFG"};
  static constexpr Bit<20>                            ABORT{"ABORT"};
  static constexpr Bit<31>                            Update{"Update"};

  static constexpr FieldInfo kFields[] = {
      MemAttr, MTCFG, reserved(7, 5), ALLOCCFG, SHCFG, NSCFG, PRIVCFG, INSTCFG, ABORT,
      reserved(30, 21), Update};
};
static_assert(covers_exactly<SMMU_S_GBPA>());

// 6.3.91
struct SMMU_S_IDR6 : Register<SMMU_S_IDR6, std::uint32_t, 0x8190> {
  using Register::Register;
  static constexpr Bits<19, 16> CMDQ_CONTROL_PAGE_LOG2NUMQ{"CMDQ_CONTROL_PAGE_LOG2NUMQ"};
  static constexpr Bits<27, 24> CMDQ_CONTROL_PAGE_LOG2NUMP{"CMDQ_CONTROL_PAGE_LOG2NUMP"};

  static constexpr FieldInfo kFields[] = {
      reserved(15, 0), CMDQ_CONTROL_PAGE_LOG2NUMQ, reserved(23, 20), CMDQ_CONTROL_PAGE_LOG2NUMP,
      reserved(31, 28)};
};
static_assert(covers_exactly<SMMU_S_IDR6>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_SECURE_REGISTERS_H_
