// The context banks: who has which, and what is written to one (IHI 0062, SMMU_CBARn, SMMU_CBA2Rn
// and the page of the bank).
#ifndef SMMU_LIB_SMMU_V2_CONTEXT_BANKS_H_
#define SMMU_LIB_SMMU_V2_CONTEXT_BANKS_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "lib/smmu_v2/hardware.h"
#include "smmu/arch/v2/context_bank.h"
#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/iommu/io_pgtable.h"

namespace smmu::iommu {

// What a bank translates by.
struct BankTables {
  PgtableFormat format = PgtableFormat::kAArch64Stage1;
  PgtableQuirks quirks;
  PgtableRegisters registers;
  bool stalls = false;  // what faults waits for software
};

// Every bit of SMMU_CBn_FSR that tells of a fault, SS too.
v2::SMMU_CBn_FSR all_context_faults();

// Remembers what banks in use hold, so that it can be written again.  Which bank is whose may be
// asked and changed by any thread; a bank is written by one thread at a time.
class ContextBanks {
 public:
  explicit ContextBanks(SmmuV2Hardware& hardware) : hardware_(hardware) {}

  // False: no memory.  Called before all others; changes no register.
  bool allocate();

  // The ASID of a bank, and its VMID if it is of stage 2.  Those of stage 1 have VMID 0.
  static std::uint32_t asid(std::uint32_t n) { return n; }
  static std::uint32_t vmid(std::uint32_t n) { return n + 1; }

  // A bank that nobody has; none: there is none.
  std::optional<std::uint32_t> take(bool stage2);
  void release(std::uint32_t n);

  // Has a bank translate, without a fault that it knows of.
  void program(std::uint32_t n, const BankTables& tables);
  // From here on its faults end accesses, and nobody is told.
  void silence(std::uint32_t n);
  // Accesses that wait for an answer to a fault are aborted, and the bank translates no more.
  // REQUIRES: no stream leads there, and it was silenced.
  void disable(std::uint32_t n);

  // Writes all banks, and ends their faults.
  void restore() const;

 private:
  // What one holds, in the order in which it is written.
  struct Words {
    bool enabled = false;
    bool stage2 = false;
    bool short_descriptors = false;
    v2::SMMU_CBA2Rn cba2r;
    std::uint32_t cbar = 0;
    v2::SMMU_CBn_TCR2 tcr2;
    std::uint32_t tcr = 0;
    std::uint64_t ttbr0 = 0;
    std::uint64_t ttbr1 = 0;
    std::uint32_t contextidr = 0;
    std::uint32_t mair0 = 0;
    std::uint32_t mair1 = 0;
    v2::SMMU_CBn_SCTLR sctlr;
  };

  Words stage1_words(std::uint32_t n, const BankTables& tables) const;
  Words stage2_words(std::uint32_t n, const BankTables& tables) const;
  void write(std::uint32_t n) const;
  void end_faults(std::uint32_t n) const;

  SmmuV2Hardware& hardware_;
  std::unique_ptr<Words[]> words_;
  std::mutex mutex_;  // guards the following, and is not held while a register is written
  std::unique_ptr<bool[]> taken_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_CONTEXT_BANKS_H_
