// The counters of a Performance Monitor Counter Group and what controls them (IHI 0070, 10.5).
//
// Offsets are from the start of the group's page 0.  With SMMU_PMCG_CFGR.RELOC_CTRS counters, their
// shadows, SMMU_PMCG_OVSCLR0, OVSSET0 and CAPR are at the same offsets of page 1 instead.
#ifndef SMMU_ARCH_V3_PMCG_REGISTERS_H_
#define SMMU_ARCH_V3_PMCG_REGISTERS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/memory_attributes.h"

namespace smmu::v3 {

// 10.3.  From 0x0080 on they are IMPLEMENTATION DEFINED.
enum class MonitorEvent : std::uint16_t {
  kClockCycle             = 0,
  kTransaction            = 1,  // or translation request
  kTlbMiss                = 2,
  kConfigurationCacheMiss = 3,
  kTableWalkAccess        = 4,
  kConfigurationAccess    = 5,
  kAtsTranslationRequest  = 6,
  kAtsTranslated          = 7,  // a transaction whose address is translated
};

// 10.5.2.1, with SMMU_PMCG_CFGR.SIZE <= 31.
struct SMMU_PMCG_EVCNTRn_32 : RegisterArray<SMMU_PMCG_EVCNTRn_32, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> COUNTER_VALUE{"COUNTER_VALUE"};

  static constexpr FieldInfo kFields[] = {COUNTER_VALUE};
};
static_assert(covers_exactly<SMMU_PMCG_EVCNTRn_32>());

// The same with SIZE > 31.
struct SMMU_PMCG_EVCNTRn_64 : RegisterArray<SMMU_PMCG_EVCNTRn_64, std::uint64_t, 0x000, 8> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<63, 0> COUNTER_VALUE{"COUNTER_VALUE"};

  static constexpr FieldInfo kFields[] = {COUNTER_VALUE};
};
static_assert(covers_exactly<SMMU_PMCG_EVCNTRn_64>());

// 10.5.2.2
struct SMMU_PMCG_EVTYPERn : RegisterArray<SMMU_PMCG_EVTYPERn, std::uint32_t, 0x400, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<15, 0, MonitorEvent> EVENT{"EVENT"};
  static constexpr Bit<16>                   FILTER_PARTID{"FILTER_PARTID"};
  static constexpr Bit<17>                   FILTER_PMG{"FILTER_PMG"};
  static constexpr Bits<19, 18>              FILTER_MPAM_SP{"FILTER_MPAM_SP"};
  static constexpr Bit<28>                   FILTER_REALM_SID{"FILTER_REALM_SID"};
  static constexpr Bit<29>                   FILTER_SID_SPAN{"FILTER_SID_SPAN"};
  static constexpr Bit<30>                   FILTER_SEC_SID{"FILTER_SEC_SID"};
  static constexpr Bit<31>                   OVFCAP{"OVFCAP"};  // an overflow captures

  static constexpr FieldInfo kFields[] = {
      EVENT, FILTER_PARTID, FILTER_PMG, FILTER_MPAM_SP, reserved(27, 20), FILTER_REALM_SID,
      FILTER_SID_SPAN, FILTER_SEC_SID, OVFCAP};
};
static_assert(covers_exactly<SMMU_PMCG_EVTYPERn>());

// 10.5.2.3, with SMMU_PMCG_CFGR.SIZE <= 31.
struct SMMU_PMCG_SVRn_32 : RegisterArray<SMMU_PMCG_SVRn_32, std::uint32_t, 0x600, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> SHADOW_COUNTER_VALUE{"SHADOW_COUNTER_VALUE"};

  static constexpr FieldInfo kFields[] = {SHADOW_COUNTER_VALUE};
};
static_assert(covers_exactly<SMMU_PMCG_SVRn_32>());

// The same with SIZE > 31.
struct SMMU_PMCG_SVRn_64 : RegisterArray<SMMU_PMCG_SVRn_64, std::uint64_t, 0x600, 8> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<63, 0> SHADOW_COUNTER_VALUE{"SHADOW_COUNTER_VALUE"};

  static constexpr FieldInfo kFields[] = {SHADOW_COUNTER_VALUE};
};
static_assert(covers_exactly<SMMU_PMCG_SVRn_64>());

// 10.5.2.4, where SMMU_PMCG_EVTYPERn.FILTER_PARTID and FILTER_PMG are 0.
struct SMMU_PMCG_SMRn : RegisterArray<SMMU_PMCG_SMRn, std::uint32_t, 0xA00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> STREAMID{"STREAMID"};

  static constexpr FieldInfo kFields[] = {STREAMID};
};
static_assert(covers_exactly<SMMU_PMCG_SMRn>());

// The same where one of them is 1.
struct SMMU_PMCG_SMRn_MPAM : RegisterArray<SMMU_PMCG_SMRn_MPAM, std::uint32_t, 0xA00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<15, 0>  PARTID{"PARTID"};
  static constexpr Bits<23, 16> PMG{"PMG"};

  static constexpr FieldInfo kFields[] = {PARTID, PMG, reserved(31, 24)};
};
static_assert(covers_exactly<SMMU_PMCG_SMRn_MPAM>());

// 10.5.2.5: of the next six, bit n is counter n.  All read the state; those called SET set what is
// written as 1, those called CLR clear it.
struct SMMU_PMCG_CNTENSET0 : Register<SMMU_PMCG_CNTENSET0, std::uint64_t, 0xC00> {
  using Register::Register;
  static constexpr Bits<63, 0> CNTEN{"CNTEN"};

  static constexpr FieldInfo kFields[] = {CNTEN};
};
static_assert(covers_exactly<SMMU_PMCG_CNTENSET0>());

// 10.5.2.6
struct SMMU_PMCG_CNTENCLR0 : Register<SMMU_PMCG_CNTENCLR0, std::uint64_t, 0xC20> {
  using Register::Register;
  static constexpr Bits<63, 0> CNTEN{"CNTEN"};

  static constexpr FieldInfo kFields[] = {CNTEN};
};
static_assert(covers_exactly<SMMU_PMCG_CNTENCLR0>());

// 10.5.2.7
struct SMMU_PMCG_INTENSET0 : Register<SMMU_PMCG_INTENSET0, std::uint64_t, 0xC40> {
  using Register::Register;
  static constexpr Bits<63, 0> INTEN{"INTEN"};

  static constexpr FieldInfo kFields[] = {INTEN};
};
static_assert(covers_exactly<SMMU_PMCG_INTENSET0>());

// 10.5.2.8
struct SMMU_PMCG_INTENCLR0 : Register<SMMU_PMCG_INTENCLR0, std::uint64_t, 0xC60> {
  using Register::Register;
  static constexpr Bits<63, 0> INTEN{"INTEN"};

  static constexpr FieldInfo kFields[] = {INTEN};
};
static_assert(covers_exactly<SMMU_PMCG_INTENCLR0>());

// 10.5.2.9
struct SMMU_PMCG_OVSCLR0 : Register<SMMU_PMCG_OVSCLR0, std::uint64_t, 0xC80> {
  using Register::Register;
  static constexpr Bits<63, 0> OVS{"OVS"};

  static constexpr FieldInfo kFields[] = {OVS};
};
static_assert(covers_exactly<SMMU_PMCG_OVSCLR0>());

// 10.5.2.10
struct SMMU_PMCG_OVSSET0 : Register<SMMU_PMCG_OVSSET0, std::uint64_t, 0xCC0> {
  using Register::Register;
  static constexpr Bits<63, 0> OVS{"OVS"};

  static constexpr FieldInfo kFields[] = {OVS};
};
static_assert(covers_exactly<SMMU_PMCG_OVSSET0>());

// 10.5.2.11
struct SMMU_PMCG_CAPR : Register<SMMU_PMCG_CAPR, std::uint32_t, 0xD88> {
  using Register::Register;
  static constexpr Bit<0> CAPTURE{"CAPTURE"};

  static constexpr FieldInfo kFields[] = {CAPTURE, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_PMCG_CAPR>());

// 10.5.2.12: for Secure accesses.
struct SMMU_PMCG_SCR : Register<SMMU_PMCG_SCR, std::uint32_t, 0xDF8> {
  using Register::Register;
  static constexpr Bit<0>  SO{"SO"};        // Secure streams may be observed
  static constexpr Bit<1>  NSRA{"NSRA"};    // Non-secure accesses reach the registers
  static constexpr Bit<2>  NSMSI{"NSMSI"};  // messages go to Non-secure memory
  static constexpr Bit<3>  MSI_MPAM_NS{"MSI_MPAM_NS"};
  static constexpr Bit<4>  NAO{"NAO"};
  static constexpr Bit<31> READS_AS_ONE{"READS_AS_ONE"};

  static constexpr FieldInfo kFields[] = {
      SO, NSRA, NSMSI, MSI_MPAM_NS, NAO, reserved(30, 5), READS_AS_ONE};
};
static_assert(covers_exactly<SMMU_PMCG_SCR>());

// 10.5.2.14
struct SMMU_PMCG_CR : Register<SMMU_PMCG_CR, std::uint32_t, 0xE04> {
  using Register::Register;
  static constexpr Bit<0> E{"E"};

  static constexpr FieldInfo kFields[] = {E, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_PMCG_CR>());

// 10.5.2.18
struct SMMU_PMCG_ROOTCR : Register<SMMU_PMCG_ROOTCR, std::uint32_t, 0xE48> {
  using Register::Register;
  static constexpr Bit<0>  RTO{"RTO"};
  static constexpr Bit<1>  RLO{"RLO"};
  static constexpr Bit<3>  NAO{"NAO"};
  static constexpr Bit<31> ROOTCR_IMPL{"ROOTCR_IMPL"};

  static constexpr FieldInfo kFields[] = {
      RTO, RLO, reserved(2), NAO, reserved(30, 4), ROOTCR_IMPL};
};
static_assert(covers_exactly<SMMU_PMCG_ROOTCR>());

// 10.5.2.19
struct SMMU_PMCG_IRQ_CTRL : Register<SMMU_PMCG_IRQ_CTRL, std::uint32_t, 0xE50> {
  using Register::Register;
  static constexpr Bit<0> IRQEN{"IRQEN"};

  static constexpr FieldInfo kFields[] = {IRQEN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_PMCG_IRQ_CTRL>());

// 10.5.2.20
struct SMMU_PMCG_IRQ_CTRLACK : Register<SMMU_PMCG_IRQ_CTRLACK, std::uint32_t, 0xE54> {
  using Register::Register;
  static constexpr Bit<0> IRQEN{"IRQEN"};

  static constexpr FieldInfo kFields[] = {IRQEN, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_PMCG_IRQ_CTRLACK>());

// 10.5.2.21
struct SMMU_PMCG_IRQ_CFG0 : Register<SMMU_PMCG_IRQ_CFG0, std::uint64_t, 0xE58> {
  using Register::Register;
  static constexpr Address<55, 2> ADDR{"ADDR"};  // 0: no message is sent

  static constexpr FieldInfo kFields[] = {reserved(1, 0), ADDR, reserved(63, 56)};
};
static_assert(covers_exactly<SMMU_PMCG_IRQ_CFG0>());

// 10.5.2.22
struct SMMU_PMCG_IRQ_CFG1 : Register<SMMU_PMCG_IRQ_CFG1, std::uint32_t, 0xE60> {
  using Register::Register;
  static constexpr Bits<31, 0> DATA{"DATA"};

  static constexpr FieldInfo kFields[] = {DATA};
};
static_assert(covers_exactly<SMMU_PMCG_IRQ_CFG1>());

// 10.5.2.23
struct SMMU_PMCG_IRQ_CFG2 : Register<SMMU_PMCG_IRQ_CFG2, std::uint32_t, 0xE64> {
  using Register::Register;
  static constexpr Bits<3, 0>               MEMATTR{"MEMATTR"};
  static constexpr Bits<5, 4, Shareability> SH{"SH"};

  static constexpr FieldInfo kFields[] = {MEMATTR, SH, reserved(31, 6)};
};
static_assert(covers_exactly<SMMU_PMCG_IRQ_CFG2>());

// 10.5.2.24
struct SMMU_PMCG_IRQ_STATUS : Register<SMMU_PMCG_IRQ_STATUS, std::uint32_t, 0xE68> {
  using Register::Register;
  static constexpr Bit<0> IRQ_ABT{"IRQ_ABT"};  // a message has aborted

  static constexpr FieldInfo kFields[] = {IRQ_ABT, reserved(31, 1)};
};
static_assert(covers_exactly<SMMU_PMCG_IRQ_STATUS>());

// 10.5.2.25
struct SMMU_PMCG_GMPAM : Register<SMMU_PMCG_GMPAM, std::uint32_t, 0xE6C> {
  using Register::Register;
  static constexpr Bits<15, 0>  PO_PARTID{"PO_PARTID"};
  static constexpr Bits<23, 16> PO_PMG{"PO_PMG"};
  static constexpr Bit<31>      Update{"Update"};

  static constexpr FieldInfo kFields[] = {PO_PARTID, PO_PMG, reserved(30, 24), Update};
};
static_assert(covers_exactly<SMMU_PMCG_GMPAM>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_PMCG_REGISTERS_H_
