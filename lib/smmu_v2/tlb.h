// What an SMMUv2's TLB is told to forget, and when it has (IHI 0062, SMMU_CBn_TLBI*, SMMU_TLBI*).
#ifndef SMMU_LIB_SMMU_V2_TLB_H_
#define SMMU_LIB_SMMU_V2_TLB_H_

#include <cstdint>

#include "lib/smmu_v2/hardware.h"
#include "smmu/iommu/io_pgtable.h"
#include "smmu/types.h"

namespace smmu::iommu {

// Waits for all invalidations, and for accesses that use what was before them.  False: the SMMU
// takes too long, which the log is told.
[[nodiscard]] bool synchronize_tlb(const SmmuV2Hardware& hardware);
inline constexpr char kSynchronizationDoesNotEnd[] =
    "the SMMU does not finish a TLB synchronization: SMMU_sTLBGSTATUS.GSACTIVE stays 1";

// Translations of one context bank.  Any number of threads; without registers nothing is done,
// since nothing is kept.
//
// Threads that synchronize the same bank at once wait for each other's: SACTIVE is 1 until the last
// one is complete.
class BankTlb {
 public:
  enum class Levels : std::uint8_t { kLast, kAll };

  BankTlb(const SmmuV2Hardware& hardware, std::uint32_t bank, PgtableFormat format);

  // Forgets [iova, iova + size), which is a number of pages or blocks of `granule` bytes, and
  // waits. REQUIRES: size and granule are not 0.
  void forget(Iova iova, std::uint64_t size, std::uint64_t granule, Levels levels) const;
  // The same of everything.
  void forget_all() const;

 private:
  // Addresses more than a table of 4 KiB has, and everything is forgotten instead.
  static constexpr std::uint64_t kMostAddresses = 512;

  void forget_address(std::uint64_t address, Levels levels) const;
  void synchronize() const;
  [[gnu::noinline]] void wait() const;

  const SmmuV2Hardware& hardware_;
  const SmmuV2Page page_;
  const std::uint32_t bank_;
  const PgtableFormat format_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_SMMU_V2_TLB_H_
