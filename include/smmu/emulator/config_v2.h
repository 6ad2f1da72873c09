// What an SMMUv2 is built to be.
#ifndef SMMU_EMULATOR_CONFIG_V2_H_
#define SMMU_EMULATOR_CONFIG_V2_H_

#include <array>
#include <cstdint>

#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/identification_registers.h"
#include "smmu/arch/v2/performance_monitors.h"
#include "smmu/emulator/caching.h"
#include "smmu/emulator/pace.h"

namespace smmu::emulator {

// The identification registers, word for word as Secure software will read them,
// or everybody where there is no Secure state; and what the architecture leaves
// to the implementation, or says in no text that is at hand
// (docs/smmu_v2.md).  Each choice says first what the default is.
struct SmmuV2Config {
  v2::SMMU_IDR0 idr0;
  v2::SMMU_IDR1 idr1;
  v2::SMMU_IDR2 idr2;
  std::uint32_t idr4 = 0;
  v2::SMMU_IDR7 idr7;
  // SMMU_PIDR4 to 7, SMMU_PIDR0 to 3, SMMU_CIDR0 to 3: offsets 0xFD0 to 0xFFC.
  std::array<std::uint32_t, 12> id_block = {};

  // What registers hold after reset, in the fields that this SMMU lets software
  // write; the others are 0, or what they are fixed at below.  Of SMMU_sCR0, the
  // Secure copy and the other one: CLIENTPD is always 1.
  std::uint32_t scr0_reset = 0x0000'0001;
  std::uint32_t cr0_reset = 0x0000'0001;
  v2::SMMU_SCR1 scr1_reset = {};  // SMMU_IDR0.SES 0: 0
  std::uint32_t sacr_reset = 0;
  std::uint32_t acr_reset = 0;
  std::uint32_t cbar_reset = 0;
  std::uint32_t sctlr_reset = 0;
  std::uint32_t actlr_reset = 0;
  // Of every SMMU_SSDRn: all devices are Non-secure until software says otherwise.
  std::uint32_t ssdr_reset = 0xffff'ffff;

  // What only an MMU-500 has: its page 2, the fields of SMMU_sACR, and with them
  // CACHE_LOCK.  Else SMMU_sACR and SMMU_CBn_ACTLR hold what is written.
  bool mmu_500 = false;

  // Fields that are fixed in some implementations, and what they are fixed at:
  // STALLD and GSE at 0, GCFGFRE and GCFGFIE at 0, SMCFCFG at 1, ASIDPNE at 0, TBI0
  // and TBI1 at 1.
  bool has_stall_control = true;
  bool has_configuration_access_control = true;
  bool has_conflict_control = true;
  bool has_private_asids = true;
  bool has_top_byte_control = true;

  // Register accesses that go nowhere, or where they may not: RAZ/WI, or a
  // configuration access fault, SMMU_sGFSR.CAF.
  enum class IllegalAccess : std::uint8_t { kIgnored, kFaults };
  IllegalAccess illegal_access = IllegalAccess::kIgnored;

  // Several groups match, and SMMU_sCR0.SMCFCFG is 0: the transaction bypasses, or
  // takes the first of them.
  enum class Conflict : std::uint8_t { kBypasses, kTakesFirst };
  Conflict conflict = Conflict::kBypasses;

  // How many of a bank's stalled transactions a write to SMMU_CBn_RESUME is about.
  enum class Resume : std::uint8_t { kAll, kOldest };
  Resume resume = Resume::kAll;
  // Whether SMMU_CBn_RESUME is obeyed while SMMU_CBn_FSR still tells of the fault;
  // MMU-500 wants it cleared first.
  enum class EarlyResume : std::uint8_t { kObeyed, kIgnored };
  EarlyResume early_resume = EarlyResume::kObeyed;
  // Whether SMMU_CBn_FSR.SS alone keeps the interrupt up, as in MMU-500.
  bool stall_interrupts = false;
  // What is terminated because an earlier fault is outstanding, with HUPCF 0, sets
  // SMMU_CBn_FSR.MULTI.
  bool hit_under_fault_is_multiple = false;

  // The offsets from 0x400 on, without a Secure state: RAZ/WI, or the same as
  // those 0x400 below.
  enum class NonSecureAliases : std::uint8_t { kAbsent, kSame };
  NonSecureAliases aliases_without_security = NonSecureAliases::kAbsent;

  // So many times in a row SMMU_sTLBGSTATUS and SMMU_CBn_TLBSTATUS, and the status of
  // a translation operation, say that it is not finished.
  std::uint32_t busy_reads = 0;

  // The counters, dealt out evenly to the groups; 0: there are none.
  v2::SMMU_PMCFGR pmcfgr = {};
  // SMMU_PMCEID0: the events that counters are said to have, a bit each.  All that this
  // model has; they are counted whether or not they are told of here.
  std::uint32_t pmceid0 = 0x0007'0703;
  // Of StreamIDs, the low bits that do not tell which group counts them: the others
  // are the group's number, SIDG.  16: every group counts every stream.
  std::uint8_t counted_stream_bits = 16;

  // How many transactions may be stalled at a time, at most 2^16; any more are
  // terminated.
  std::uint32_t most_stalled = 1U << 12;
  Caching caching = {};
  Pace pace = Pace::kAtOnce;

  // All that this model implements, with pages of 4 KiB: 128 context banks and
  // stream mapping groups, all of them Non-secure after reset.
  static SmmuV2Config generic();
  // The same with pages of 64 KiB.
  static SmmuV2Config pages_64k();
  // Arm's MMU-500 as it is in AMD's Zynq UltraScale+: 16 banks, 48 groups.
  static SmmuV2Config mmu500_zynqmp();
  // And in Intel's Stratix 10: 32 banks, 64 groups.
  static SmmuV2Config mmu500_stratix10();

  // The same without a Secure state.
  SmmuV2Config without_secure_state() const;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_CONFIG_V2_H_
