// All that an SMMUv2 holds in registers.  What may be written, and what that
// does, is said elsewhere.
#ifndef SMMU_EMULATOR_V2_REGISTERS_H_
#define SMMU_EMULATOR_V2_REGISTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "emulator/v2/features.h"
#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/arch/v2/security_state_table.h"
#include "smmu/arch/v2/stream_mapping.h"
#include "smmu/arch/v2/tlb_maintenance.h"
#include "smmu/arch/v2/translation_operations.h"
#include "smmu/types.h"

namespace smmu::emulator {

// The address of a register that starts something when a half of it is written:
// both halves, as they were written last.
struct Operands {
  std::array<std::uint64_t, 8> words{};

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(words);
  }
};

// What a status register tells of: a TLB synchronisation, or translation operations.
struct Activity {
  bool pending = false;          // it is an effect that has not been performed
  std::uint32_t busy_reads = 0;  // it is said to be active so many times still

  // What is read.
  bool read() {
    if (busy_reads == 0) return pending;
    --busy_reads;
    return true;
  }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(pending, busy_reads);
  }
};

// One context bank: its page, and what global space 1 says of it.
struct BankRegisters {
  v2::SMMU_CBARn cbar;
  v2::SMMU_CBA2Rn cba2r;
  v2::SMMU_CBFRSYNRAn cbfrsynra;

  v2::SMMU_CBn_SCTLR sctlr;
  v2::SMMU_CBn_ACTLR actlr;
  v2::SMMU_CBn_TCR2 tcr2;
  std::uint64_t ttbr0 = 0;
  std::uint64_t ttbr1 = 0;
  std::uint32_t tcr = 0;
  std::uint32_t contextidr = 0;
  std::uint32_t mair0 = 0;  // or PRRR
  std::uint32_t mair1 = 0;  // or NMRR
  std::uint64_t par = 0;
  v2::SMMU_CBn_FSR fsr;
  std::uint64_t far = 0;
  v2::SMMU_CBn_FSYNR0 fsynr0;
  v2::SMMU_CBn_FSYNR1 fsynr1;
  std::uint64_t ipafar = 0;

  Operands invalidations;  // from SMMU_CBn_TLBIVA on
  Operands operations;     // from SMMU_CBn_ATS1PR on
  Activity synchronization;
  Activity operation;

  bool is_stage2() const { return cbar[v2::SMMU_CBARn::TYPE] == v2::ContextType::kStage2; }

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(cbar, cba2r, cbfrsynra, sctlr, actlr, tcr2, ttbr0, ttbr1, tcr, contextidr, mair0,
             mair1, par, fsr, far, fsynr0, fsynr1, ipafar, invalidations, operations,
             synchronization, operation);
  }
};

// What there is of global space 0 for each Security state.
struct GlobalRegisters {
  v2::SMMU_sCR0 cr0;
  v2::SMMU_sCR2 cr2;
  v2::SMMU_sACR acr;
  std::uint64_t gfar = 0;
  v2::SMMU_sGFSR gfsr;
  v2::SMMU_sGFSYNR0 gfsynr0;
  v2::SMMU_sGFSYNR1 gfsynr1;
  v2::SMMU_sGFSYNR2 gfsynr2;
  std::uint64_t gpar = 0;

  Operands invalidations;  // from SMMU_STLBIVALM on
  Operands operations;     // from SMMU_sGATS1UR on
  Activity synchronization;
  Activity operation;

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(cr0, cr2, acr, gfar, gfsr, gfsynr0, gfsynr1, gfsynr2, gpar, invalidations, operations,
             synchronization, operation);
  }
};

// The pages that MMU-500 has beyond the architecture.
struct ImplementationRegisters {
  std::array<std::uint32_t, 8> words{};

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(words);
  }
};

struct RegistersV2 {
  RegistersV2(const FeaturesV2& features, const SmmuV2Config& config);
  // As after construction.
  void reset(const SmmuV2Config& config);

  GlobalRegisters& global(SecurityState security) {
    return globals[static_cast<std::size_t>(security)];
  }
  const GlobalRegisters& global(SecurityState security) const {
    return globals[static_cast<std::size_t>(security)];
  }

  // SMMU_SCR1: how many of the first banks and groups are Non-secure; the rest are
  // not.  Without a Secure state all are.
  std::uint32_t non_secure_banks() const;
  std::uint32_t non_secure_groups() const;
  SecurityState owner_of_bank(std::uint32_t bank) const {
    return bank < non_secure_banks() ? SecurityState::kNonSecure : SecurityState::kSecure;
  }
  SecurityState owner_of_group(std::uint32_t group) const {
    return group < non_secure_groups() ? SecurityState::kNonSecure : SecurityState::kSecure;
  }
  // The banks that a state's software has.
  bool has_bank(SecurityState security, std::uint32_t bank) const {
    return bank < (security == SecurityState::kSecure ? features.num_banks : non_secure_banks());
  }
  bool has_group(SecurityState security, std::uint32_t group) const {
    return group < (security == SecurityState::kSecure ? features.num_groups : non_secure_groups());
  }
  // The VMID that entries of a bank are tagged with.
  Vmid vmid_of(const BankRegisters& bank) const;

  template <class Snapshot>
  void archive(Snapshot& snapshot) {
    snapshot(globals, scr1);
    for (auto& word : smr) snapshot(word);
    for (auto& word : s2cr) snapshot(word);
    for (auto& bank : banks) snapshot(bank);
    for (auto& word : ssd) snapshot(word);
    snapshot(implementation);
  }

  const FeaturesV2& features;
  std::array<GlobalRegisters, 2> globals;
  v2::SMMU_SCR1 scr1;
  std::vector<std::uint32_t> smr;
  std::vector<std::uint32_t> s2cr;
  std::vector<BankRegisters> banks;
  const std::uint32_t ssd_entries;  // a power of two, or 0: there is no table
  std::vector<std::uint32_t> ssd;
  ImplementationRegisters implementation;
};

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V2_REGISTERS_H_
