// Global register space 0: how an SMMU is switched on, what bypassing traffic gets, and the faults
// that belong to no context bank (IHI 0062; registers.h says what the layouts rest on).
//
// Offsets are from the start of the space, which is page 0.  A name with a small s has a Secure and
// a Non-secure copy at one offset; the security of the access tells which.  A Secure access finds
// the Non-secure copy at kNonSecureAliases from the other, under a name with NS: SMMU_NSCR0.
#ifndef SMMU_ARCH_V2_GLOBAL_SPACE_0_H_
#define SMMU_ARCH_V2_GLOBAL_SPACE_0_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v2/attribute_configuration.h"

namespace smmu::v2 {

inline constexpr std::uint32_t kNonSecureAliases = 0x400;

// Configuration Register 0.  From WACFG to MemAttr, NSCFG, TRANSIENTCFG, BSU and FB concern
// transactions that bypass the stream mapping.  Without GFRE and GCFGFRE what faults is RAZ/WI.
// USFCFG and SMCFCFG say what no match and what many matches lead to.
struct SMMU_sCR0 : Register<SMMU_sCR0, std::uint32_t, 0x000> {
  using Register::Register;
  static constexpr Bit<0>                           CLIENTPD{"CLIENTPD"};  // all traffic bypasses
  static constexpr Bit<1>                           GFRE{"GFRE"};  // a global fault aborts
  static constexpr Bit<2>                           GFIE{"GFIE"};  // and interrupts
  static constexpr Bit<3>                           EXIDENABLE{"EXIDENABLE"};  // 16-bit StreamIDs
  static constexpr Bit<4>                           GCFGFRE{"GCFGFRE"};  // so do bad accesses here
  static constexpr Bit<5>                           GCFGFIE{"GCFGFIE"};  // and interrupts
  static constexpr Bits<7, 6, TransientConfig>      TRANSIENTCFG{"TRANSIENTCFG"};
  static constexpr Bit<8>                           STALLD{"STALLD"};  // no context stalls
  static constexpr Bit<9>                           GSE{"GSE"};  // a stalled context stalls all
  static constexpr Bit<10>                          USFCFG{"USFCFG"};  // none: 1 fault, 0 bypass
  static constexpr Bit<11>                          VMIDPNE{"VMIDPNE"};  // Non-secure copy only
  static constexpr Bit<12>                          PTM{"PTM"};  // ignores broadcast maintenance
  static constexpr Bit<13>                          FB{"FB"};  // force broadcast of maintenance
  static constexpr Bits<15, 14, BarrierUpgrade>     BSU{"BSU"};
  static constexpr Bits<19, 16>                     MemAttr{"MemAttr"};
  static constexpr Bit<20>                          MTCFG{"MTCFG"};  // MemAttr replaces the type
  static constexpr Bit<21>                          SMCFCFG{"SMCFCFG"};  // many: 1 fault, 0 bypass
  static constexpr Bits<23, 22, ShareabilityConfig> SHCFG{"SHCFG"};
  static constexpr Bits<25, 24, AllocationConfig>   RACFG{"RACFG"};
  static constexpr Bits<27, 26, AllocationConfig>   WACFG{"WACFG"};
  static constexpr Bits<29, 28, NonSecureOverride>  NSCFG{"NSCFG"};  // Secure copy only
  static constexpr Bit<30>                          HYPMODE{"HYPMODE"};  // HYPC means E2HC
  static constexpr Bit<31>                          VMID16EN{"VMID16EN"};  // 16-bit VMIDs

  static constexpr FieldInfo kFields[] = {
      CLIENTPD, GFRE, GFIE, EXIDENABLE, GCFGFRE, GCFGFIE, TRANSIENTCFG, STALLD, GSE, USFCFG,
      VMIDPNE, PTM, FB, BSU, MemAttr, MTCFG, SMCFCFG, SHCFG, RACFG, WACFG, NSCFG, HYPMODE,
      VMID16EN};
};
static_assert(covers_exactly<SMMU_sCR0>());

// Secure Configuration Register 1, of Secure accesses: the numbers of interrupts, stream mapping
// groups and context banks that Non-secure software sees, always the first ones.  Not sure:
// NSCOMPINDEXDISABLE, which one implementation alone shows.
struct SMMU_SCR1 : Register<SMMU_SCR1, std::uint32_t, 0x004> {
  using Register::Register;
  static constexpr Bits<7, 0>   NSNUMCBO{"NSNUMCBO"};
  static constexpr Bits<15, 8>  NSNUMSMRGO{"NSNUMSMRGO"};
  static constexpr Bits<23, 16> NSNUMIRPTO{"NSNUMIRPTO"};
  static constexpr Bit<24>      GASRAE{"GASRAE"};  // global space is for Secure accesses
  static constexpr Bit<25>      GEFRO{"GEFRO"};  // external faults go to the Secure copy
  static constexpr Bit<26>      SIF{"SIF"};  // Secure fetch from Non-secure memory faults
  static constexpr Bit<27>      SPMEN{"SPMEN"};  // Secure events may be counted
  static constexpr Bit<28>      NSCAFRO{"NSCAFRO"};
  static constexpr Bit<29>      NSCOMPINDEXDISABLE{"NSCOMPINDEXDISABLE"};

  static constexpr FieldInfo kFields[] = {
      NSNUMCBO, NSNUMSMRGO, NSNUMIRPTO, GASRAE, GEFRO, SIF, SPMEN, NSCAFRO, NSCOMPINDEXDISABLE,
      reserved(31, 30)};
};
static_assert(covers_exactly<SMMU_SCR1>());

// Configuration Register 2.  BPVMID, the VMID of bypassing transactions, has 8 bits without 16-bit
// VMIDs.  Not sure: EXNSSMRGDISABLE, of the Secure copy, which one implementation alone shows, and
// whether [26:16] of the Secure copy limit the extended groups of Non-secure software.
struct SMMU_sCR2 : Register<SMMU_sCR2, std::uint32_t, 0x008> {
  using Register::Register;
  static constexpr Bits<15, 0> BPVMID{"BPVMID"};
  static constexpr Bit<29>     COMPINDEXENABLE{"COMPINDEXENABLE"};
  static constexpr Bit<30>     EXNSSMRGDISABLE{"EXNSSMRGDISABLE"};
  static constexpr Bit<31>     EXSMRGENABLE{"EXSMRGENABLE"};

  static constexpr FieldInfo kFields[] = {
      BPVMID, reserved(28, 16), COMPINDEXENABLE, EXNSSMRGDISABLE, EXSMRGENABLE};
};
static_assert(covers_exactly<SMMU_sCR2>());

// Auxiliary Configuration Register: IMPLEMENTATION DEFINED.
struct SMMU_sACR : Register<SMMU_sACR, std::uint32_t, 0x010> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_sACR>());

// Global Fault Address Register.  As many bits as SMMU_IDR2.UBS says.
struct SMMU_sGFAR : Register<SMMU_sGFAR, std::uint64_t, 0x040> {
  using Register::Register;
  static constexpr Bits<63, 0> FADDR{"FADDR"};

  static constexpr FieldInfo kFields[] = {FADDR};
};
static_assert(covers_exactly<SMMU_sGFAR>());

// Global Fault Status Register.
struct SMMU_sGFSR : Register<SMMU_sGFSR, std::uint32_t, 0x048> {
  using Register::Register;
  static constexpr Bit<0>  ICF{"ICF"};  // invalid context
  static constexpr Bit<1>  USF{"USF"};  // unidentified stream
  static constexpr Bit<2>  SMCF{"SMCF"};  // stream match conflict
  static constexpr Bit<3>  UCBF{"UCBF"};  // unimplemented context bank
  static constexpr Bit<4>  UCIF{"UCIF"};  // unimplemented context interrupt
  static constexpr Bit<5>  CAF{"CAF"};  // configuration access
  static constexpr Bit<6>  EF{"EF"};  // external
  static constexpr Bit<7>  PF{"PF"};  // permission, SMMU_SCR1.SIF; Secure copy only
  static constexpr Bit<8>  UUT{"UUT"};  // unsupported upstream transaction
  static constexpr Bit<31> MULTI{"MULTI"};  // another one while a bit was set

  static constexpr FieldInfo kFields[] = {
      ICF, USF, SMCF, UCBF, UCIF, CAF, EF, PF, UUT, reserved(30, 9), MULTI};
};
static_assert(covers_exactly<SMMU_sGFSR>());

// Global Fault Status Restore Register: sets bits of SMMU_sGFSR.
struct SMMU_sGFSRRESTORE : Register<SMMU_sGFSRRESTORE, std::uint32_t, 0x04C> {
  using Register::Register;
  static constexpr Bit<0>  ICF{"ICF"};
  static constexpr Bit<1>  USF{"USF"};
  static constexpr Bit<2>  SMCF{"SMCF"};
  static constexpr Bit<3>  UCBF{"UCBF"};
  static constexpr Bit<4>  UCIF{"UCIF"};
  static constexpr Bit<5>  CAF{"CAF"};
  static constexpr Bit<6>  EF{"EF"};
  static constexpr Bit<7>  PF{"PF"};
  static constexpr Bit<8>  UUT{"UUT"};
  static constexpr Bit<31> MULTI{"MULTI"};

  static constexpr FieldInfo kFields[] = {
      ICF, USF, SMCF, UCBF, UCIF, CAF, EF, PF, UUT, reserved(30, 9), MULTI};
};
static_assert(covers_exactly<SMMU_sGFSRRESTORE>());

// Global Fault Syndrome Register 0.  [15:8] are IMPLEMENTATION DEFINED.
struct SMMU_sGFSYNR0 : Register<SMMU_sGFSYNR0, std::uint32_t, 0x050> {
  using Register::Register;
  static constexpr Bit<0> NESTED{"NESTED"};  // in a nested context; Non-secure copy only
  static constexpr Bit<1> WNR{"WNR"};
  static constexpr Bit<2> PNU{"PNU"};
  static constexpr Bit<3> IND{"IND"};
  static constexpr Bit<4> NSSTATE{"NSSTATE"};  // of a Non-secure device; Secure copy only
  static constexpr Bit<5> NSATTR{"NSATTR"};  // Secure copy only
  static constexpr Bit<6> ATS{"ATS"};  // an address translation operation

  static constexpr FieldInfo kFields[] = {
      NESTED, WNR, PNU, IND, NSSTATE, NSATTR, ATS, reserved(31, 7)};
};
static_assert(covers_exactly<SMMU_sGFSYNR0>());

// Global Fault Syndrome Register 1.  StreamID has 15 bits without SMMU_IDR0.EXIDS.
struct SMMU_sGFSYNR1 : Register<SMMU_sGFSYNR1, std::uint32_t, 0x054> {
  using Register::Register;
  static constexpr Bits<15, 0>  StreamID{"StreamID"};
  static constexpr Bits<31, 16> SSD_Index{"SSD_Index"};  // Secure accesses only

  static constexpr FieldInfo kFields[] = {StreamID, SSD_Index};
};
static_assert(covers_exactly<SMMU_sGFSYNR1>());

// Global Fault Syndrome Register 2: IMPLEMENTATION DEFINED.
struct SMMU_sGFSYNR2 : Register<SMMU_sGFSYNR2, std::uint32_t, 0x058> {
  using Register::Register;
  static constexpr FieldInfo kFields[] = {reserved(31, 0)};
};
static_assert(covers_exactly<SMMU_sGFSYNR2>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_GLOBAL_SPACE_0_H_
