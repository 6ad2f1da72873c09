// What software of one Security state writes so that an SMMUv2 translates: streams that
// lead to banks, and banks that have tables (IHI 0062).
#ifndef SMMU_TESTING_SOFTWARE_V2_H_
#define SMMU_TESTING_SOFTWARE_V2_H_

#include <cstdint>

#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/global_space_0.h"
#include "smmu/arch/v2/stream_mapping.h"
#include "smmu/testing/board_v2.h"

namespace smmu::testing {

// SMMU_sCR0: streams are translated, and every global fault aborts and interrupts.
v2::SMMU_sCR0 everything_faults();

// SMMU_CBn_SCTLR: the bank translates, and its faults abort and interrupt while others go
// on.
v2::SMMU_CBn_SCTLR translating();
// The same, and faults stall the devices that can wait.
v2::SMMU_CBn_SCTLR stalling();

// SMMU_CBn_FSR, every bit that tells of a fault: what clears it when it is written.
v2::SMMU_CBn_FSR all_faults();

// Whose translations a bank makes, with tables of AArch64.
struct BankOptions {
  std::uint32_t vmid = 0;  // as SMMU_CBARn has it: 8 bits
  std::uint32_t asid = 0;  // 16 bits
  v2::SMMU_CBn_SCTLR control = translating();
  bool hypervisor = false;  // SMMU_CBARn.HYPC
  bool monitor = false;     // SMMU_CBA2Rn.MONC, of a Secure bank
};

// Software that takes stream mapping groups one after the other, and the banks that it is
// told to.  It waits for nothing: what it writes has taken effect, but with
// Pace::kStepped.
class SoftwareV2 {
 public:
  // `first_group`: of the groups that are this software's by SMMU_SCR1.  The board, and
  // its SMMU, must outlive it.
  explicit SoftwareV2(BoardV2& board, SecurityState security = SecurityState::kNonSecure,
                      std::uint32_t first_group = 0);

  RegisterPage bank(std::uint32_t n) const { return pages_.bank(n); }

  // After power-on everything bypasses, until this.
  void enable(v2::SMMU_sCR0 control = everything_faults()) const { gr0.write(control); }

  // Gives the stream a group of its own, which is returned, and which leads to a bank or
  // to what `to` says.
  std::uint32_t lead(StreamId stream, std::uint32_t bank);
  std::uint32_t lead(StreamId stream, v2::SMMU_S2CRn_Translation to);

  // Has a bank translate: by stage 1 alone, whose stage 2 is bypassed and says nothing of
  // memory; by stage 1 above stage 2 of another bank; or by stage 2 alone.  Memory type 0
  // of the tables is Write-Back.  Translations that the SMMU has kept stay until software
  // invalidates them.
  // REQUIRES: granules of 4 KiB; of a table of stage 2, that it begins at level 1.
  void stage1(std::uint32_t n, const PageTable& table, const BankOptions& options = {}) const;
  void nested(std::uint32_t n, const PageTable& table, std::uint32_t stage2,
              const BankOptions& options = {}) const;
  void stage2(std::uint32_t n, const PageTable& table, const BankOptions& options = {}) const;

  // Begins a TLB synchronisation, of what this Security state's software has invalidated,
  // or by the registers of bank n.  It is over when SMMU_sTLBGSTATUS, or
  // SMMU_CBn_TLBSTATUS, reads 0.
  void synchronize() const;
  void synchronize(std::uint32_t n) const;

 private:
  void set_stage1(std::uint32_t n, const PageTable& table, const BankOptions& options) const;

  RegisterPages pages_;

 public:
  // Global spaces 0 and 1, as this software finds them; and, for Secure software, the
  // Non-secure copies of what gr0 has twice.
  RegisterPage gr0;
  RegisterPage gr1;
  RegisterPage non_secure;

 private:
  std::uint32_t next_group_;
};

}  // namespace smmu::testing

#endif  // SMMU_TESTING_SOFTWARE_V2_H_
