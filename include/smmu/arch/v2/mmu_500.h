// What an MMU-500 has where the architecture leaves it to the implementation (DDI 0517; registers.h
// says what the layouts rest on).
#ifndef SMMU_ARCH_V2_MMU_500_H_
#define SMMU_ARCH_V2_MMU_500_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v2 {

// SMMU_sACR.  What ends in _TLBEN lets the TLB hold streams that bypass: because no group matches,
// because SMMU_CBn_SCTLR.M is 0, and because SMMU_S2CRn says so.
struct SMMU_sACR_MMU500 : Register<SMMU_sACR_MMU500, std::uint32_t, 0x010> {
  using Register::Register;
  static constexpr Bit<2>  S1WC2EN{"S1WC2EN"};
  static constexpr Bit<3>  S2WC2EN{"S2WC2EN"};  // Non-secure copy only
  static constexpr Bit<4>  IPA2PA_CEN{"IPA2PA_CEN"};  // Non-secure copy only
  static constexpr Bit<8>  SMTNMB_TLBEN{"SMTNMB_TLBEN"};
  static constexpr Bit<9>  MMUDISB_TLBEN{"MMUDISB_TLBEN"};
  static constexpr Bit<10> S2CRB_TLBEN{"S2CRB_TLBEN"};
  static constexpr Bit<16> PAGESIZE{"PAGESIZE"};  // 64 KiB; Secure copy only
  static constexpr Bit<24> DP4K_TCUDISB{"DP4K_TCUDISB"};  // Non-secure copy only
  static constexpr Bit<25> DP4K_TBUDISB{"DP4K_TBUDISB"};  // Non-secure copy only
  static constexpr Bit<26> CACHE_LOCK{"CACHE_LOCK"};  // SMMU_CBn_ACTLR is read-only

  static constexpr FieldInfo kFields[] = {
      reserved(1, 0), S1WC2EN, S2WC2EN, IPA2PA_CEN, reserved(7, 5), SMTNMB_TLBEN, MMUDISB_TLBEN,
      S2CRB_TLBEN, reserved(15, 11), PAGESIZE, reserved(23, 17), DP4K_TCUDISB, DP4K_TBUDISB,
      CACHE_LOCK, reserved(31, 27)};
};
static_assert(covers_exactly<SMMU_sACR_MMU500>());

// SMMU_CBn_ACTLR.
struct SMMU_CBn_ACTLR_MMU500 : Register<SMMU_CBn_ACTLR_MMU500, std::uint32_t, 0x004> {
  using Register::Register;
  static constexpr Bit<0> CMTLB{"CMTLB"};
  static constexpr Bit<1> CPRE{"CPRE"};  // prefetch

  static constexpr FieldInfo kFields[] = {CMTLB, CPRE, reserved(31, 2)};
};
static_assert(covers_exactly<SMMU_CBn_ACTLR_MMU500>());

}  // namespace smmu::v2

#endif  // SMMU_ARCH_V2_MMU_500_H_
