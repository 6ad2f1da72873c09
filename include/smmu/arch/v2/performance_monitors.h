// The counters of an SMMUv2, in groups, and what controls them (IHI 0062; registers.h says what the
// layouts rest on).
//
// The registers of the first part are at offsets of the page of the performance monitors, which is
// page 3.  A group that SMMU_PMCGCRn gives to a context bank is also seen in the page of that bank,
// under names with CBn; m is a counter of the group.  Not sure: the names of fields that are alone
// in their register, which are those of SMMUv3's counter groups here.
#ifndef SMMU_ARCH_V2_PERFORMANCE_MONITORS_H_
#define SMMU_ARCH_V2_PERFORMANCE_MONITORS_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v2 {

enum class MonitorEvent : std::uint16_t {
  kClockCycle = 0x00,
  kClockCycleBy64 = 0x01,
  kTlbRefill = 0x08,
  kTlbRefillOfRead = 0x09,
  kTlbRefillOfWrite = 0x0A,
  kAccess = 0x10,
  kRead = 0x11,
  kWrite = 0x12,
};

// Which transactions a group counts, TCEFCFG.
enum class CounterFilter : std::uint8_t {
  kNone = 0b00,
  kStream = 0b01,       // those of SMMU_PMCGSMRn
  kContextBank = 0b10,  // those that SMMU_PMCGCRn.NDX translates
};

// Event Counter Registers.
struct SMMU_PMEVCNTRn : RegisterArray<SMMU_PMEVCNTRn, std::uint32_t, 0x000, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> COUNTER_VALUE{"COUNTER_VALUE"};

  static constexpr FieldInfo kFields[] = {COUNTER_VALUE};
};
static_assert(covers_exactly<SMMU_PMEVCNTRn>());

// Event Type Registers.  P and U leave out privileged and unprivileged Secure transactions; NSP and
// NSU do so with Non-secure ones where they differ from P and U.  Implementations may hold less of
// EVENT: MMU-500 has five bits.
struct SMMU_PMEVTYPERn : RegisterArray<SMMU_PMEVTYPERn, std::uint32_t, 0x400, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<15, 0, MonitorEvent> EVENT{"EVENT"};
  static constexpr Bit<28>                   NSU{"NSU"};
  static constexpr Bit<29>                   NSP{"NSP"};
  static constexpr Bit<30>                   U{"U"};
  static constexpr Bit<31>                   P{"P"};

  static constexpr FieldInfo kFields[] = {EVENT, reserved(27, 16), NSU, NSP, U, P};
};
static_assert(covers_exactly<SMMU_PMEVTYPERn>());

// Counter Group Configuration Registers.
struct SMMU_PMCGCRn : RegisterArray<SMMU_PMCGCRn, std::uint32_t, 0x800, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<7, 0>                NDX{"NDX"};
  static constexpr Bits<9, 8, CounterFilter> TCEFCFG{"TCEFCFG"};
  static constexpr Bit<10>                   CBAEN{"CBAEN"};  // bank NDX has the group in its page
  static constexpr Bit<11>                   E{"E"};
  static constexpr Bit<12>                   X{"X"};  // events are exported
  static constexpr Bits<22, 16>              SIDG{"SIDG"};  // the group of streams it can count
  static constexpr Bits<27, 24>              CGNC{"CGNC"};  // how many counters it has

  static constexpr FieldInfo kFields[] = {
      NDX, TCEFCFG, CBAEN, E, X, reserved(15, 13), SIDG, reserved(23), CGNC, reserved(31, 28)};
};
static_assert(covers_exactly<SMMU_PMCGCRn>());

// Counter Group Stream Match Registers.
struct SMMU_PMCGSMRn : RegisterArray<SMMU_PMCGSMRn, std::uint32_t, 0xA00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<14, 0>  ID{"ID"};
  static constexpr Bits<30, 16> MASK{"MASK"};

  static constexpr FieldInfo kFields[] = {ID, reserved(15), MASK, reserved(31)};
};
static_assert(covers_exactly<SMMU_PMCGSMRn>());

// Of the next six, bit b of register n is counter 32 * n + b.  All read the state; those called SET
// set what is written as 1, those called CLR clear it.
struct SMMU_PMCNTENSETn : RegisterArray<SMMU_PMCNTENSETn, std::uint32_t, 0xC00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> CNTEN{"CNTEN"};

  static constexpr FieldInfo kFields[] = {CNTEN};
};
static_assert(covers_exactly<SMMU_PMCNTENSETn>());

struct SMMU_PMCNTENCLRn : RegisterArray<SMMU_PMCNTENCLRn, std::uint32_t, 0xC20, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> CNTEN{"CNTEN"};

  static constexpr FieldInfo kFields[] = {CNTEN};
};
static_assert(covers_exactly<SMMU_PMCNTENCLRn>());

struct SMMU_PMINTENSETn : RegisterArray<SMMU_PMINTENSETn, std::uint32_t, 0xC40, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> INTEN{"INTEN"};

  static constexpr FieldInfo kFields[] = {INTEN};
};
static_assert(covers_exactly<SMMU_PMINTENSETn>());

struct SMMU_PMINTENCLRn : RegisterArray<SMMU_PMINTENCLRn, std::uint32_t, 0xC60, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> INTEN{"INTEN"};

  static constexpr FieldInfo kFields[] = {INTEN};
};
static_assert(covers_exactly<SMMU_PMINTENCLRn>());

struct SMMU_PMOVSCLRn : RegisterArray<SMMU_PMOVSCLRn, std::uint32_t, 0xC80, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> OVS{"OVS"};

  static constexpr FieldInfo kFields[] = {OVS};
};
static_assert(covers_exactly<SMMU_PMOVSCLRn>());

struct SMMU_PMOVSSETn : RegisterArray<SMMU_PMOVSSETn, std::uint32_t, 0xCC0, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> OVS{"OVS"};

  static constexpr FieldInfo kFields[] = {OVS};
};
static_assert(covers_exactly<SMMU_PMOVSSETn>());

// Configuration Register.
struct SMMU_PMCFGR : Register<SMMU_PMCFGR, std::uint32_t, 0xE00> {
  using Register::Register;
  static constexpr Bits<7, 0>   N{"N"};  // how many counters, less one
  static constexpr Bits<13, 8>  SIZE{"SIZE"};  // of a counter in bits, less one
  static constexpr Bit<14>      CC{"CC"};  // there is a cycle counter
  static constexpr Bit<15>      CCD{"CCD"};  // that divides
  static constexpr Bit<16>      EX{"EX"};  // events can be exported
  static constexpr Bit<19>      UEN{"UEN"};
  static constexpr Bits<31, 24> NCG{"NCG"};  // how many groups, less one

  static constexpr FieldInfo kFields[] = {
      N, SIZE, CC, CCD, EX, reserved(18, 17), UEN, reserved(23, 20), NCG};
};
static_assert(covers_exactly<SMMU_PMCFGR>());

// Control Register.
struct SMMU_PMCR : Register<SMMU_PMCR, std::uint32_t, 0xE04> {
  using Register::Register;
  static constexpr Bit<0> E{"E"};
  static constexpr Bit<1> P{"P"};  // all counters become 0
  static constexpr Bit<4> X{"X"};  // events are exported

  static constexpr FieldInfo kFields[] = {E, P, reserved(3, 2), X, reserved(31, 5)};
};
static_assert(covers_exactly<SMMU_PMCR>());

// Common Event Identification Registers: bit b of the first is event b, of the second event 32 + b.
struct SMMU_PMCEID0 : Register<SMMU_PMCEID0, std::uint32_t, 0xE20> {
  using Register::Register;
  static constexpr Bits<31, 0> N{"N"};

  static constexpr FieldInfo kFields[] = {N};
};
static_assert(covers_exactly<SMMU_PMCEID0>());

struct SMMU_PMCEID1 : Register<SMMU_PMCEID1, std::uint32_t, 0xE24> {
  using Register::Register;
  static constexpr Bits<31, 0> N{"N"};

  static constexpr FieldInfo kFields[] = {N};
};
static_assert(covers_exactly<SMMU_PMCEID1>());

// Authentication Status Register: Non-secure and Secure, Invasive and Non-invasive Debug.
struct SMMU_PMAUTHSTATUS : Register<SMMU_PMAUTHSTATUS, std::uint32_t, 0xFB8> {
  using Register::Register;
  static constexpr Bits<1, 0> NSID{"NSID"};
  static constexpr Bits<3, 2> NSNID{"NSNID"};
  static constexpr Bits<5, 4> SID{"SID"};
  static constexpr Bits<7, 6> SNID{"SNID"};

  static constexpr FieldInfo kFields[] = {NSID, NSNID, SID, SNID, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMAUTHSTATUS>());

// Device Type Register.
struct SMMU_PMDEVTYPE : Register<SMMU_PMDEVTYPE, std::uint32_t, 0xFCC> {
  using Register::Register;
  static constexpr Bits<3, 0> Class{"Class"};
  static constexpr Bits<7, 4> SubType{"SubType"};

  static constexpr FieldInfo kFields[] = {Class, SubType, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_PMDEVTYPE>());

// In the page of a context bank.
struct SMMU_CBn_PMEVCNTRm : RegisterArray<SMMU_CBn_PMEVCNTRm, std::uint32_t, 0xE00, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<31, 0> COUNTER_VALUE{"COUNTER_VALUE"};

  static constexpr FieldInfo kFields[] = {COUNTER_VALUE};
};
static_assert(covers_exactly<SMMU_CBn_PMEVCNTRm>());

struct SMMU_CBn_PMEVTYPERm : RegisterArray<SMMU_CBn_PMEVTYPERm, std::uint32_t, 0xE80, 4> {
  using RegisterArray::RegisterArray;
  static constexpr Bits<15, 0, MonitorEvent> EVENT{"EVENT"};
  static constexpr Bit<28>                   NSU{"NSU"};
  static constexpr Bit<29>                   NSP{"NSP"};
  static constexpr Bit<30>                   U{"U"};
  static constexpr Bit<31>                   P{"P"};

  static constexpr FieldInfo kFields[] = {EVENT, reserved(27, 16), NSU, NSP, U, P};
};
static_assert(covers_exactly<SMMU_CBn_PMEVTYPERm>());

struct SMMU_CBn_PMCFGR : Register<SMMU_CBn_PMCFGR, std::uint32_t, 0xF00> {
  using Register::Register;
  static constexpr Bits<7, 0>   N{"N"};  // how many counters, less one
  static constexpr Bits<13, 8>  SIZE{"SIZE"};  // of a counter in bits, less one
  static constexpr Bit<14>      CC{"CC"};  // there is a cycle counter
  static constexpr Bit<15>      CCD{"CCD"};  // that divides
  static constexpr Bit<16>      EX{"EX"};  // events can be exported
  static constexpr Bit<19>      UEN{"UEN"};
  static constexpr Bits<31, 24> NCG{"NCG"};  // how many groups, less one

  static constexpr FieldInfo kFields[] = {
      N, SIZE, CC, CCD, EX, reserved(18, 17), UEN, reserved(23, 20), NCG};
};
static_assert(covers_exactly<SMMU_CBn_PMCFGR>());

struct SMMU_CBn_PMCR : Register<SMMU_CBn_PMCR, std::uint32_t, 0xF04> {
  using Register::Register;
  static constexpr Bit<0> E{"E"};
  static constexpr Bit<1> P{"P"};  // all counters become 0
  static constexpr Bit<4> X{"X"};  // events are exported

  static constexpr FieldInfo kFields[] = {E, P, reserved(3, 2), X, reserved(31, 5)};
};
static_assert(covers_exactly<SMMU_CBn_PMCR>());

struct SMMU_CBn_PMCEID0 : Register<SMMU_CBn_PMCEID0, std::uint32_t, 0xF20> {
  using Register::Register;
  static constexpr Bits<31, 0> N{"N"};

  static constexpr FieldInfo kFields[] = {N};
};
static_assert(covers_exactly<SMMU_CBn_PMCEID0>());

struct SMMU_CBn_PMCEID1 : Register<SMMU_CBn_PMCEID1, std::uint32_t, 0xF24> {
  using Register::Register;
  static constexpr Bits<31, 0> N{"N"};

  static constexpr FieldInfo kFields[] = {N};
};
static_assert(covers_exactly<SMMU_CBn_PMCEID1>());

// Of the next six, bit m is counter m.
struct SMMU_CBn_PMCNTENSET : Register<SMMU_CBn_PMCNTENSET, std::uint32_t, 0xF40> {
  using Register::Register;
  static constexpr Bits<31, 0> CNTEN{"CNTEN"};

  static constexpr FieldInfo kFields[] = {CNTEN};
};
static_assert(covers_exactly<SMMU_CBn_PMCNTENSET>());

struct SMMU_CBn_PMCNTENCLR : Register<SMMU_CBn_PMCNTENCLR, std::uint32_t, 0xF44> {
  using Register::Register;
  static constexpr Bits<31, 0> CNTEN{"CNTEN"};

  static constexpr FieldInfo kFields[] = {CNTEN};
};
static_assert(covers_exactly<SMMU_CBn_PMCNTENCLR>());

struct SMMU_CBn_PMINTENSET : Register<SMMU_CBn_PMINTENSET, std::uint32_t, 0xF48> {
  using Register::Register;
  static constexpr Bits<31, 0> INTEN{"INTEN"};

  static constexpr FieldInfo kFields[] = {INTEN};
};
static_assert(covers_exactly<SMMU_CBn_PMINTENSET>());

struct SMMU_CBn_PMINTENCLR : Register<SMMU_CBn_PMINTENCLR, std::uint32_t, 0xF4C> {
  using Register::Register;
  static constexpr Bits<31, 0> INTEN{"INTEN"};

  static constexpr FieldInfo kFields[] = {INTEN};
};
static_assert(covers_exactly<SMMU_CBn_PMINTENCLR>());

struct SMMU_CBn_PMOVSCLR : Register<SMMU_CBn_PMOVSCLR, std::uint32_t, 0xF50> {
  using Register::Register;
  static constexpr Bits<31, 0> OVS{"OVS"};

  static constexpr FieldInfo kFields[] = {OVS};
};
static_assert(covers_exactly<SMMU_CBn_PMOVSCLR>());

struct SMMU_CBn_PMOVSSET : Register<SMMU_CBn_PMOVSSET, std::uint32_t, 0xF58> {
  using Register::Register;
  static constexpr Bits<31, 0> OVS{"OVS"};

  static constexpr FieldInfo kFields[] = {OVS};
};
static_assert(covers_exactly<SMMU_CBn_PMOVSSET>());

struct SMMU_CBn_PMAUTHSTATUS : Register<SMMU_CBn_PMAUTHSTATUS, std::uint32_t, 0xFB8> {
  using Register::Register;
  static constexpr Bits<1, 0> NSID{"NSID"};
  static constexpr Bits<3, 2> NSNID{"NSNID"};
  static constexpr Bits<5, 4> SID{"SID"};
  static constexpr Bits<7, 6> SNID{"SNID"};

  static constexpr FieldInfo kFields[] = {NSID, NSNID, SID, SNID, reserved(31, 8)};
};
static_assert(covers_exactly<SMMU_CBn_PMAUTHSTATUS>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_PERFORMANCE_MONITORS_H_
