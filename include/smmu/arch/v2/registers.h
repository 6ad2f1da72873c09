// Every register of an SMMUv2, and lists of them for programs that know an address and want a name
// (IHI 0062).
//
// The layouts rest on what drivers and models that anyone can read have in common, not on the text
// of IHI 0062 itself: comments give a register's name in the manual instead of a section, and say
// "not sure" of what only one of these sources shows or where they differ.
#ifndef SMMU_ARCH_V2_REGISTERS_H_
#define SMMU_ARCH_V2_REGISTERS_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/arch/v2/identification_registers.h"
#include "smmu/arch/v2/mmu_500.h"
#include "smmu/arch/v2/performance_monitors.h"
#include "smmu/arch/v2/security_state_table.h"
#include "smmu/arch/v2/stream_mapping.h"
#include "smmu/arch/v2/tlb_maintenance.h"
#include "smmu/arch/v2/translation_operations.h"

namespace smmu::v2 {

// The Non-secure copy of `R` as Secure accesses find it.
template <class R>
constexpr RegisterInfo non_secure_alias(const char* name) {
  return {layout_info<R>(name), R::kOffset + kNonSecureAliases};
}

// Each list is ordered by offset, which counts from the start of its space.  A register numbered
// with n or m stands at the offset of number 0.  One with several layouts stands once, under its
// name without a condition: with the layout of that name, else with that of AArch64 or, where there
// is none, of long descriptors.  PRRR and NMRR, at the offsets of MAIR0 and MAIR1, are left out.

// Page 0.  Not sure: the aliases of the translation operations, from SMMU_NSGATS1UR on.
inline constexpr RegisterInfo kGlobalSpace0[] = {
    register_info<SMMU_sCR0>("SMMU_sCR0"),
    register_info<SMMU_SCR1>("SMMU_SCR1"),
    register_info<SMMU_sCR2>("SMMU_sCR2"),
    register_info<SMMU_sACR>("SMMU_sACR"),
    register_info<SMMU_IDR0>("SMMU_IDR0"),
    register_info<SMMU_IDR1>("SMMU_IDR1"),
    register_info<SMMU_IDR2>("SMMU_IDR2"),
    register_info<SMMU_IDR3>("SMMU_IDR3"),
    register_info<SMMU_IDR4>("SMMU_IDR4"),
    register_info<SMMU_IDR5>("SMMU_IDR5"),
    register_info<SMMU_IDR6>("SMMU_IDR6"),
    register_info<SMMU_IDR7>("SMMU_IDR7"),
    register_info<SMMU_sGFAR>("SMMU_sGFAR"),
    register_info<SMMU_sGFSR>("SMMU_sGFSR"),
    register_info<SMMU_sGFSRRESTORE>("SMMU_sGFSRRESTORE"),
    register_info<SMMU_sGFSYNR0>("SMMU_sGFSYNR0"),
    register_info<SMMU_sGFSYNR1>("SMMU_sGFSYNR1"),
    register_info<SMMU_sGFSYNR2>("SMMU_sGFSYNR2"),
    register_info<SMMU_STLBIALL>("SMMU_STLBIALL"),
    register_info<SMMU_TLBIVMID>("SMMU_TLBIVMID"),
    register_info<SMMU_TLBIALLNSNH>("SMMU_TLBIALLNSNH"),
    register_info<SMMU_TLBIALLH>("SMMU_TLBIALLH"),
    register_info<SMMU_sTLBGSYNC>("SMMU_sTLBGSYNC"),
    register_info<SMMU_sTLBGSTATUS>("SMMU_sTLBGSTATUS"),
    register_info<SMMU_TLBIVAH>("SMMU_TLBIVAH"),
    register_info<SMMU_STLBIVALM>("SMMU_STLBIVALM"),
    register_info<SMMU_STLBIVAM>("SMMU_STLBIVAM"),
    register_info<SMMU_TLBIVALH64>("SMMU_TLBIVALH64"),
    register_info<SMMU_TLBIVMIDS1>("SMMU_TLBIVMIDS1"),
    register_info<SMMU_STLBIALLM>("SMMU_STLBIALLM"),
    register_info<SMMU_TLBIVAH64>("SMMU_TLBIVAH64"),
    register_info<SMMU_sGATS1UR>("SMMU_sGATS1UR"),
    register_info<SMMU_sGATS1UW>("SMMU_sGATS1UW"),
    register_info<SMMU_sGATS1PR>("SMMU_sGATS1PR"),
    register_info<SMMU_sGATS1PW>("SMMU_sGATS1PW"),
    register_info<SMMU_sGATS12UR>("SMMU_sGATS12UR"),
    register_info<SMMU_sGATS12UW>("SMMU_sGATS12UW"),
    register_info<SMMU_sGATS12PR>("SMMU_sGATS12PR"),
    register_info<SMMU_sGATS12PW>("SMMU_sGATS12PW"),
    register_info<SMMU_sGPAR_Long>("SMMU_sGPAR"),
    register_info<SMMU_sGATSR>("SMMU_sGATSR"),
    non_secure_alias<SMMU_sCR0>("SMMU_NSCR0"),
    non_secure_alias<SMMU_sCR2>("SMMU_NSCR2"),
    non_secure_alias<SMMU_sACR>("SMMU_NSACR"),
    non_secure_alias<SMMU_sGFAR>("SMMU_NSGFAR"),
    non_secure_alias<SMMU_sGFSR>("SMMU_NSGFSR"),
    non_secure_alias<SMMU_sGFSRRESTORE>("SMMU_NSGFSRRESTORE"),
    non_secure_alias<SMMU_sGFSYNR0>("SMMU_NSGFSYNR0"),
    non_secure_alias<SMMU_sGFSYNR1>("SMMU_NSGFSYNR1"),
    non_secure_alias<SMMU_sGFSYNR2>("SMMU_NSGFSYNR2"),
    non_secure_alias<SMMU_sTLBGSYNC>("SMMU_NSTLBGSYNC"),
    non_secure_alias<SMMU_sTLBGSTATUS>("SMMU_NSTLBGSTATUS"),
    non_secure_alias<SMMU_sGATS1UR>("SMMU_NSGATS1UR"),
    non_secure_alias<SMMU_sGATS1UW>("SMMU_NSGATS1UW"),
    non_secure_alias<SMMU_sGATS1PR>("SMMU_NSGATS1PR"),
    non_secure_alias<SMMU_sGATS1PW>("SMMU_NSGATS1PW"),
    non_secure_alias<SMMU_sGATS12UR>("SMMU_NSGATS12UR"),
    non_secure_alias<SMMU_sGATS12UW>("SMMU_NSGATS12UW"),
    non_secure_alias<SMMU_sGATS12PR>("SMMU_NSGATS12PR"),
    non_secure_alias<SMMU_sGATS12PW>("SMMU_NSGATS12PW"),
    non_secure_alias<SMMU_sGPAR_Long>("SMMU_NSGPAR"),
    non_secure_alias<SMMU_sGATSR>("SMMU_NSGATSR"),
    register_info<SMMU_SMRn>("SMMU_SMRn"),
    register_info<SMMU_S2CRn>("SMMU_S2CRn"),
    register_info<SMMU_PIDR4>("SMMU_PIDR4"),
    register_info<SMMU_PIDR5>("SMMU_PIDR5"),
    register_info<SMMU_PIDR6>("SMMU_PIDR6"),
    register_info<SMMU_PIDR7>("SMMU_PIDR7"),
    register_info<SMMU_PIDR0>("SMMU_PIDR0"),
    register_info<SMMU_PIDR1>("SMMU_PIDR1"),
    register_info<SMMU_PIDR2>("SMMU_PIDR2"),
    register_info<SMMU_PIDR3>("SMMU_PIDR3"),
    register_info<SMMU_CIDR0>("SMMU_CIDR0"),
    register_info<SMMU_CIDR1>("SMMU_CIDR1"),
    register_info<SMMU_CIDR2>("SMMU_CIDR2"),
    register_info<SMMU_CIDR3>("SMMU_CIDR3"),
};

// Page 1.
inline constexpr RegisterInfo kGlobalSpace1[] = {
    register_info<SMMU_CBARn>("SMMU_CBARn"),
    register_info<SMMU_CBFRSYNRAn>("SMMU_CBFRSYNRAn"),
    register_info<SMMU_CBA2Rn>("SMMU_CBA2Rn"),
};

// Page 3.
inline constexpr RegisterInfo kPerformanceMonitors[] = {
    register_info<SMMU_PMEVCNTRn>("SMMU_PMEVCNTRn"),
    register_info<SMMU_PMEVTYPERn>("SMMU_PMEVTYPERn"),
    register_info<SMMU_PMCGCRn>("SMMU_PMCGCRn"),
    register_info<SMMU_PMCGSMRn>("SMMU_PMCGSMRn"),
    register_info<SMMU_PMCNTENSETn>("SMMU_PMCNTENSETn"),
    register_info<SMMU_PMCNTENCLRn>("SMMU_PMCNTENCLRn"),
    register_info<SMMU_PMINTENSETn>("SMMU_PMINTENSETn"),
    register_info<SMMU_PMINTENCLRn>("SMMU_PMINTENCLRn"),
    register_info<SMMU_PMOVSCLRn>("SMMU_PMOVSCLRn"),
    register_info<SMMU_PMOVSSETn>("SMMU_PMOVSSETn"),
    register_info<SMMU_PMCFGR>("SMMU_PMCFGR"),
    register_info<SMMU_PMCR>("SMMU_PMCR"),
    register_info<SMMU_PMCEID0>("SMMU_PMCEID0"),
    register_info<SMMU_PMCEID1>("SMMU_PMCEID1"),
    register_info<SMMU_PMAUTHSTATUS>("SMMU_PMAUTHSTATUS"),
    register_info<SMMU_PMDEVTYPE>("SMMU_PMDEVTYPE"),
};

// The page of a context bank.
inline constexpr RegisterInfo kContextBank[] = {
    register_info<SMMU_CBn_SCTLR>("SMMU_CBn_SCTLR"),
    register_info<SMMU_CBn_ACTLR>("SMMU_CBn_ACTLR"),
    register_info<SMMU_CBn_RESUME>("SMMU_CBn_RESUME"),
    register_info<SMMU_CBn_TCR2>("SMMU_CBn_TCR2"),
    register_info<SMMU_CBn_TTBR0_AArch64>("SMMU_CBn_TTBR0"),
    register_info<SMMU_CBn_TTBR1_AArch64>("SMMU_CBn_TTBR1"),
    register_info<SMMU_CBn_TCR_AArch64>("SMMU_CBn_TCR"),
    register_info<SMMU_CBn_CONTEXTIDR_Long>("SMMU_CBn_CONTEXTIDR"),
    register_info<SMMU_CBn_MAIR0>("SMMU_CBn_MAIR0"),
    register_info<SMMU_CBn_MAIR1>("SMMU_CBn_MAIR1"),
    register_info<SMMU_CBn_PAR_Long>("SMMU_CBn_PAR"),
    register_info<SMMU_CBn_FSR>("SMMU_CBn_FSR"),
    register_info<SMMU_CBn_FSRRESTORE>("SMMU_CBn_FSRRESTORE"),
    register_info<SMMU_CBn_FAR>("SMMU_CBn_FAR"),
    register_info<SMMU_CBn_FSYNR0>("SMMU_CBn_FSYNR0"),
    register_info<SMMU_CBn_FSYNR1>("SMMU_CBn_FSYNR1"),
    register_info<SMMU_CBn_IPAFAR>("SMMU_CBn_IPAFAR"),
    register_info<SMMU_CBn_TLBIVA_AArch64>("SMMU_CBn_TLBIVA"),
    register_info<SMMU_CBn_TLBIVAA_AArch64>("SMMU_CBn_TLBIVAA"),
    register_info<SMMU_CBn_TLBIASID>("SMMU_CBn_TLBIASID"),
    register_info<SMMU_CBn_TLBIALL>("SMMU_CBn_TLBIALL"),
    register_info<SMMU_CBn_TLBIVAL_AArch64>("SMMU_CBn_TLBIVAL"),
    register_info<SMMU_CBn_TLBIVAAL_AArch64>("SMMU_CBn_TLBIVAAL"),
    register_info<SMMU_CBn_TLBIIPAS2>("SMMU_CBn_TLBIIPAS2"),
    register_info<SMMU_CBn_TLBIIPAS2L>("SMMU_CBn_TLBIIPAS2L"),
    register_info<SMMU_CBn_TLBSYNC>("SMMU_CBn_TLBSYNC"),
    register_info<SMMU_CBn_TLBSTATUS>("SMMU_CBn_TLBSTATUS"),
    register_info<SMMU_CBn_ATS1PR>("SMMU_CBn_ATS1PR"),
    register_info<SMMU_CBn_ATS1PW>("SMMU_CBn_ATS1PW"),
    register_info<SMMU_CBn_ATS1UR>("SMMU_CBn_ATS1UR"),
    register_info<SMMU_CBn_ATS1UW>("SMMU_CBn_ATS1UW"),
    register_info<SMMU_CBn_ATSR>("SMMU_CBn_ATSR"),
    register_info<SMMU_CBn_PMEVCNTRm>("SMMU_CBn_PMEVCNTRm"),
    register_info<SMMU_CBn_PMEVTYPERm>("SMMU_CBn_PMEVTYPERm"),
    register_info<SMMU_CBn_PMCFGR>("SMMU_CBn_PMCFGR"),
    register_info<SMMU_CBn_PMCR>("SMMU_CBn_PMCR"),
    register_info<SMMU_CBn_PMCEID0>("SMMU_CBn_PMCEID0"),
    register_info<SMMU_CBn_PMCEID1>("SMMU_CBn_PMCEID1"),
    register_info<SMMU_CBn_PMCNTENSET>("SMMU_CBn_PMCNTENSET"),
    register_info<SMMU_CBn_PMCNTENCLR>("SMMU_CBn_PMCNTENCLR"),
    register_info<SMMU_CBn_PMINTENSET>("SMMU_CBn_PMINTENSET"),
    register_info<SMMU_CBn_PMINTENCLR>("SMMU_CBn_PMINTENCLR"),
    register_info<SMMU_CBn_PMOVSCLR>("SMMU_CBn_PMOVSCLR"),
    register_info<SMMU_CBn_PMOVSSET>("SMMU_CBn_PMOVSSET"),
    register_info<SMMU_CBn_PMAUTHSTATUS>("SMMU_CBn_PMAUTHSTATUS"),
};

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_REGISTERS_H_
