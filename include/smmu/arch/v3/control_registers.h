// How an SMMU is switched on, what bypassing traffic gets, and which errors it reports globally
// (IHI 0070, 6.3).
//
// Many come in pairs: software writes one, the SMMU answers in the other with the same bits.
// SMMU_CR0ACK and SMMU_IRQ_CTRLACK follow when a change has taken effect; an error is active while
// SMMU_GERROR and SMMU_GERRORN differ.
#ifndef SMMU_ARCH_V3_CONTROL_REGISTERS_H_
#define SMMU_ARCH_V3_CONTROL_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"

namespace smmu::v3 {

// 6.3.9
struct SMMU_CR0 : Register<SMMU_CR0, std::uint32_t, 0x0020> {
  using Register::Register;
  static constexpr Bit<0>     SMMUEN{"SMMUEN"};
  static constexpr Bit<1>     PRIQEN{"PRIQEN"};
  static constexpr Bit<2>     EVENTQEN{"EVENTQEN"};
  static constexpr Bit<3>     CMDQEN{"CMDQEN"};
  static constexpr Bit<4>     ATSCHK{"ATSCHK"};
  static constexpr Bits<8, 6> VMW{"VMW"};
  static constexpr Bit<10>    DPT_WALK_EN{"DPT_WALK_EN"};

  static constexpr FieldInfo kFields[] = {
      SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK, reserved(5), VMW, reserved(9), DPT_WALK_EN,
      reserved(31, 11)};
};
static_assert(covers_exactly<SMMU_CR0>());

// 6.3.10
struct SMMU_CR0ACK : Register<SMMU_CR0ACK, std::uint32_t, 0x0024> {
  using Register::Register;
  static constexpr Bit<0>     SMMUEN{"SMMUEN"};
  static constexpr Bit<1>     PRIQEN{"PRIQEN"};
  static constexpr Bit<2>     EVENTQEN{"EVENTQEN"};
  static constexpr Bit<3>     CMDQEN{"CMDQEN"};
  static constexpr Bit<4>     ATSCHK{"ATSCHK"};
  static constexpr Bits<8, 6> VMW{"VMW"};
  static constexpr Bit<10>    DPT_WALK_EN{"DPT_WALK_EN"};

  static constexpr FieldInfo kFields[] = {
      SMMUEN, PRIQEN, EVENTQEN, CMDQEN, ATSCHK, reserved(5), VMW, reserved(9), DPT_WALK_EN,
      reserved(31, 11)};
};
static_assert(covers_exactly<SMMU_CR0ACK>());

// 6.3.11
struct SMMU_CR1 : Register<SMMU_CR1, std::uint32_t, 0x0028> {
  using Register::Register;
  static constexpr Bits<1, 0, Cacheability>   QUEUE_IC{"QUEUE_IC"};
  static constexpr Bits<3, 2, Cacheability>   QUEUE_OC{"QUEUE_OC"};
  static constexpr Bits<5, 4, Shareability>   QUEUE_SH{"QUEUE_SH"};
  static constexpr Bits<7, 6, Cacheability>   TABLE_IC{"TABLE_IC"};
  static constexpr Bits<9, 8, Cacheability>   TABLE_OC{"TABLE_OC"};
  static constexpr Bits<11, 10, Shareability> TABLE_SH{"TABLE_SH"};

  static constexpr FieldInfo kFields[] = {
      QUEUE_IC, QUEUE_OC, QUEUE_SH, TABLE_IC, TABLE_OC, TABLE_SH, reserved(31, 12)};
};
static_assert(covers_exactly<SMMU_CR1>());

// 6.3.12
struct SMMU_CR2 : Register<SMMU_CR2, std::uint32_t, 0x002C> {
  using Register::Register;
  static constexpr Bit<0> E2H{"E2H"};
  static constexpr Bit<1> RECINVSID{"RECINVSID"};
  static constexpr Bit<2> PTM{"PTM"};  // 1: private, broadcast TLB maintenance is not obeyed
  static constexpr Bit<3> REC_CFG_ATS{"REC_CFG_ATS"};

  static constexpr FieldInfo kFields[] = {E2H, RECINVSID, PTM, REC_CFG_ATS, reserved(31, 4)};
};
static_assert(covers_exactly<SMMU_CR2>());

// 6.3.17: S2PIIp is what PIIndex p of a stage 2 descriptor permits.
struct SMMU_S2PII : Register<SMMU_S2PII, std::uint64_t, 0x0030> {
  using Register::Register;
  static constexpr Bits<3, 0>   S2PII0{"S2PII0"};
  static constexpr Bits<7, 4>   S2PII1{"S2PII1"};
  static constexpr Bits<11, 8>  S2PII2{"S2PII2"};
  static constexpr Bits<15, 12> S2PII3{"S2PII3"};
  static constexpr Bits<19, 16> S2PII4{"S2PII4"};
  static constexpr Bits<23, 20> S2PII5{"S2PII5"};
  static constexpr Bits<27, 24> S2PII6{"S2PII6"};
  static constexpr Bits<31, 28> S2PII7{"S2PII7"};
  static constexpr Bits<35, 32> S2PII8{"S2PII8"};
  static constexpr Bits<39, 36> S2PII9{"S2PII9"};
  static constexpr Bits<43, 40> S2PII10{"S2PII10"};
  static constexpr Bits<47, 44> S2PII11{"S2PII11"};
  static constexpr Bits<51, 48> S2PII12{"S2PII12"};
  static constexpr Bits<55, 52> S2PII13{"S2PII13"};
  static constexpr Bits<59, 56> S2PII14{"S2PII14"};
  static constexpr Bits<63, 60> S2PII15{"S2PII15"};

  static constexpr FieldInfo kFields[] = {
      S2PII0, S2PII1, S2PII2, S2PII3, S2PII4, S2PII5, S2PII6, S2PII7, S2PII8, S2PII9, S2PII10,
      S2PII11, S2PII12, S2PII13, S2PII14, S2PII15};
};
static_assert(covers_exactly<SMMU_S2PII>());

// 6.3.13
struct SMMU_STATUSR : Register<SMMU_STATUSR, std::uint32_t, 0x0040> {
  using Register::Register;
  static constexpr Bit<0> DORMANT{"DORMANT"};

  static constexpr FieldInfo kFields[] = {DORMANT, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_STATUSR>());

// 6.3.14: what traffic gets while SMMU_CR0.SMMUEN is 0.
struct SMMU_GBPA : Register<SMMU_GBPA, std::uint32_t, 0x0044> {
  using Register::Register;
  static constexpr Bits<3, 0>                         MemAttr{"MemAttr"};
  static constexpr Bit<4>                             MTCFG{"MTCFG"};
  static constexpr Bits<11, 8>                        ALLOCCFG{"ALLOCCFG"};
  static constexpr Bits<13, 12, ShareabilityOverride> SHCFG{"SHCFG"};
  static constexpr Bits<17, 16, PrivilegeOverride>    PRIVCFG{"PRIVCFG"};
  static constexpr Bits<19, 18, InstructionOverride>  INSTCFG{"INSTCFG"};
  static constexpr Bit<20>                            ABORT{"ABORT"};
  static constexpr Bit<31>                            Update{"Update"};  // 1 until in effect

  static constexpr FieldInfo kFields[] = {
      MemAttr, MTCFG, reserved(7, 5), ALLOCCFG, SHCFG, reserved(15, 14), PRIVCFG, INSTCFG, ABORT,
      reserved(30, 21), Update};
};
static_assert(covers_exactly<SMMU_GBPA>());

// 6.3.15: all of it is IMPLEMENTATION DEFINED.
struct SMMU_AGBPA : Register<SMMU_AGBPA, std::uint32_t, 0x0048> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_AGBPA>());

// 6.3.16
struct SMMU_IRQ_CTRL : Register<SMMU_IRQ_CTRL, std::uint32_t, 0x0050> {
  using Register::Register;
  static constexpr Bit<0> GERROR_IRQEN{"GERROR_IRQEN"};
  static constexpr Bit<1> PRIQ_IRQEN{"PRIQ_IRQEN"};
  static constexpr Bit<2> EVENTQ_IRQEN{"EVENTQ_IRQEN"};

  static constexpr FieldInfo kFields[] = {GERROR_IRQEN, PRIQ_IRQEN, EVENTQ_IRQEN, reserved(31, 3)};
};
static_assert(covers_exactly<SMMU_IRQ_CTRL>());

// 6.3.18
struct SMMU_IRQ_CTRLACK : Register<SMMU_IRQ_CTRLACK, std::uint32_t, 0x0054> {
  using Register::Register;
  static constexpr Bit<0> GERROR_IRQEN{"GERROR_IRQEN"};
  static constexpr Bit<1> PRIQ_IRQEN{"PRIQ_IRQEN"};
  static constexpr Bit<2> EVENTQ_IRQEN{"EVENTQ_IRQEN"};

  static constexpr FieldInfo kFields[] = {GERROR_IRQEN, PRIQ_IRQEN, EVENTQ_IRQEN, reserved(31, 3)};
};
static_assert(covers_exactly<SMMU_IRQ_CTRLACK>());

// 6.3.19
struct SMMU_GERROR : Register<SMMU_GERROR, std::uint32_t, 0x0060> {
  using Register::Register;
  static constexpr Bit<0>  CMDQ_ERR{"CMDQ_ERR"};
  static constexpr Bit<2>  EVENTQ_ABT_ERR{"EVENTQ_ABT_ERR"};
  static constexpr Bit<3>  PRIQ_ABT_ERR{"PRIQ_ABT_ERR"};
  static constexpr Bit<4>  MSI_CMDQ_ABT_ERR{"MSI_CMDQ_ABT_ERR"};
  static constexpr Bit<5>  MSI_EVENTQ_ABT_ERR{"MSI_EVENTQ_ABT_ERR"};
  static constexpr Bit<6>  MSI_PRIQ_ABT_ERR{"MSI_PRIQ_ABT_ERR"};
  static constexpr Bit<7>  MSI_GERROR_ABT_ERR{"MSI_GERROR_ABT_ERR"};
  static constexpr Bit<8>  SFM_ERR{"SFM_ERR"};
  static constexpr Bit<9>  CMDQP_ERR{"CMDQP_ERR"};
  static constexpr Bit<10> DPT_ERR{"DPT_ERR"};

  static constexpr FieldInfo kFields[] = {
      CMDQ_ERR, reserved(1), EVENTQ_ABT_ERR, PRIQ_ABT_ERR, MSI_CMDQ_ABT_ERR, MSI_EVENTQ_ABT_ERR,
      MSI_PRIQ_ABT_ERR, MSI_GERROR_ABT_ERR, SFM_ERR, CMDQP_ERR, DPT_ERR, reserved(31, 11)};
};
static_assert(covers_exactly<SMMU_GERROR>());

// 6.3.20
struct SMMU_GERRORN : Register<SMMU_GERRORN, std::uint32_t, 0x0064> {
  using Register::Register;
  static constexpr Bit<0>  CMDQ_ERR{"CMDQ_ERR"};
  static constexpr Bit<2>  EVENTQ_ABT_ERR{"EVENTQ_ABT_ERR"};
  static constexpr Bit<3>  PRIQ_ABT_ERR{"PRIQ_ABT_ERR"};
  static constexpr Bit<4>  MSI_CMDQ_ABT_ERR{"MSI_CMDQ_ABT_ERR"};
  static constexpr Bit<5>  MSI_EVENTQ_ABT_ERR{"MSI_EVENTQ_ABT_ERR"};
  static constexpr Bit<6>  MSI_PRIQ_ABT_ERR{"MSI_PRIQ_ABT_ERR"};
  static constexpr Bit<7>  MSI_GERROR_ABT_ERR{"MSI_GERROR_ABT_ERR"};
  static constexpr Bit<8>  SFM_ERR{"SFM_ERR"};
  static constexpr Bit<9>  CMDQP_ERR{"CMDQP_ERR"};
  static constexpr Bit<10> DPT_ERR{"DPT_ERR"};

  static constexpr FieldInfo kFields[] = {
      CMDQ_ERR, reserved(1), EVENTQ_ABT_ERR, PRIQ_ABT_ERR, MSI_CMDQ_ABT_ERR, MSI_EVENTQ_ABT_ERR,
      MSI_PRIQ_ABT_ERR, MSI_GERROR_ABT_ERR, SFM_ERR, CMDQP_ERR, DPT_ERR, reserved(31, 11)};
};
static_assert(covers_exactly<SMMU_GERRORN>());

// 6.3.21: ADDR 0 means that no message is sent.
struct SMMU_GERROR_IRQ_CFG0 : Register<SMMU_GERROR_IRQ_CFG0, std::uint64_t, 0x0068> {
  using Register::Register;
  static constexpr Address<55, 2> ADDR{"ADDR"};

  static constexpr FieldInfo kFields[] = {reserved(1, 0), ADDR, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_GERROR_IRQ_CFG0>());

// 6.3.22
struct SMMU_GERROR_IRQ_CFG1 : Register<SMMU_GERROR_IRQ_CFG1, std::uint32_t, 0x0070> {
  using Register::Register;
  static constexpr Bits<31, 0> DATA{"DATA"};

  static constexpr FieldInfo kFields[] = {DATA};
};
static_assert(covers_exactly<SMMU_GERROR_IRQ_CFG1>());

// 6.3.23
struct SMMU_GERROR_IRQ_CFG2 : Register<SMMU_GERROR_IRQ_CFG2, std::uint32_t, 0x0074> {
  using Register::Register;
  static constexpr Bits<3, 0>               MemAttr{"MemAttr"};
  static constexpr Bits<5, 4, Shareability> SH{"SH"};

  static constexpr FieldInfo kFields[] = {MemAttr, SH, reserved(31, 6)};
};
static_assert(covers_exactly<SMMU_GERROR_IRQ_CFG2>());

// 6.3.24
struct SMMU_STRTAB_BASE : Register<SMMU_STRTAB_BASE, std::uint64_t, 0x0080> {
  using Register::Register;
  static constexpr Address<55, 6> ADDR{"ADDR"};
  static constexpr Bit<62>        RA{"RA"};

  static constexpr FieldInfo kFields[] = {reserved(5, 0), ADDR, reserved(61, 56), RA, reserved(63)};
};
static_assert(covers_exactly<SMMU_STRTAB_BASE>());

// 6.3.25
struct SMMU_STRTAB_BASE_CFG : Register<SMMU_STRTAB_BASE_CFG, std::uint32_t, 0x0088> {
  using Register::Register;

  enum class Format : std::uint8_t { kLinear = 0b00, kTwoLevel = 0b01 };

  static constexpr Bits<5, 0>           LOG2SIZE{"LOG2SIZE"};
  static constexpr Bits<10, 6>          SPLIT{"SPLIT"};
  static constexpr Bits<17, 16, Format> FMT{"FMT"};

  static constexpr FieldInfo kFields[] = {LOG2SIZE, SPLIT, reserved(15, 11), FMT, reserved(31, 18)};
};
static_assert(covers_exactly<SMMU_STRTAB_BASE_CFG>());

// 6.3.41
struct SMMU_MPAMIDR : Register<SMMU_MPAMIDR, std::uint32_t, 0x0130> {
  using Register::Register;
  static constexpr Bits<15, 0>  PARTID_MAX{"PARTID_MAX"};
  static constexpr Bits<23, 16> PMG_MAX{"PMG_MAX"};

  static constexpr FieldInfo kFields[] = {PARTID_MAX, PMG_MAX, reserved(31, 24)};
};
static_assert(covers_exactly<SMMU_MPAMIDR>());

// 6.3.42
struct SMMU_GMPAM : Register<SMMU_GMPAM, std::uint32_t, 0x0138> {
  using Register::Register;
  static constexpr Bits<15, 0>  SO_PARTID{"SO_PARTID"};
  static constexpr Bits<23, 16> SO_PMG{"SO_PMG"};
  static constexpr Bit<31>      Update{"Update"};

  static constexpr FieldInfo kFields[] = {SO_PARTID, SO_PMG, reserved(30, 24), Update};
};
static_assert(covers_exactly<SMMU_GMPAM>());

// 6.3.43
struct SMMU_GBPMPAM : Register<SMMU_GBPMPAM, std::uint32_t, 0x013C> {
  using Register::Register;
  static constexpr Bits<15, 0>  GBP_PARTID{"GBP_PARTID"};
  static constexpr Bits<23, 16> GBP_PMG{"GBP_PMG"};
  static constexpr Bit<31>      Update{"Update"};

  static constexpr FieldInfo kFields[] = {GBP_PARTID, GBP_PMG, reserved(30, 24), Update};
};
static_assert(covers_exactly<SMMU_GBPMPAM>());

// 6.3.46
struct SMMU_DPT_BASE : Register<SMMU_DPT_BASE, std::uint64_t, 0x0200> {
  using Register::Register;
  static constexpr Address<55, 12> BADDR{"BADDR"};
  static constexpr Bit<62>         RA{"RA"};

  static constexpr FieldInfo kFields[] = {
      reserved(11, 0), BADDR, reserved(61, 56), RA, reserved(63)};
};
static_assert(covers_exactly<SMMU_DPT_BASE>());

// 6.3.47
struct SMMU_DPT_BASE_CFG : Register<SMMU_DPT_BASE_CFG, std::uint32_t, 0x0208> {
  using Register::Register;
  static constexpr Bits<2, 0, OutputSize> DPTPS{"DPTPS"};
  static constexpr Bits<15, 14, TG0>      DPTGS{"DPTGS"};
  static constexpr Bits<23, 20>           L0DPTSZ{"L0DPTSZ"};  // entry covers 2^(30 + L0DPTSZ)

  static constexpr FieldInfo kFields[] = {
      DPTPS, reserved(13, 3), DPTGS, reserved(19, 16), L0DPTSZ, reserved(31, 24)};
};
static_assert(covers_exactly<SMMU_DPT_BASE_CFG>());

// 6.3.48
struct SMMU_DPT_CFG_FAR : Register<SMMU_DPT_CFG_FAR, std::uint64_t, 0x0210> {
  using Register::Register;

  enum class FaultCode : std::uint8_t {
    DPT_DISABLED = 0b0000,
    DPT_WALK_FAULT = 0b0001,
    DPT_GPC_FAULT = 0b0010,
    DPT_EABT = 0b0011,
  };

  static constexpr Bit<0>                FAULT{"FAULT"};
  static constexpr Bit<1>                LEVEL{"LEVEL"};
  static constexpr Bits<7, 4, FaultCode> DPT_FAULTCODE{"DPT_FAULTCODE"};
  static constexpr Address<55, 12>       FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {
      FAULT, LEVEL, reserved(3, 2), DPT_FAULTCODE, reserved(11, 8), FADDR, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_DPT_CFG_FAR>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_CONTROL_REGISTERS_H_
