#include "emulator/v2/kept_bits.h"

#include "smmu/arch/v2/mmu_500.h"

namespace smmu::emulator {

using v2::ContextType;
using v2::SMMU_CBA2Rn;
using v2::SMMU_CBARn;
using v2::SMMU_CBARn_Stage1Stage2Bypass;
using v2::SMMU_CBn_ACTLR;
using v2::SMMU_CBn_ACTLR_MMU500;
using v2::SMMU_CBn_FSYNR0;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_SCTLR_Stage2;
using v2::SMMU_CBn_TCR2;
using v2::SMMU_IDR0;
using v2::SMMU_IDR2;
using v2::SMMU_sACR;
using v2::SMMU_sACR_MMU500;
using v2::SMMU_sCR0;
using v2::SMMU_sGFSYNR0;
using v2::SMMU_sGFSYNR1;

namespace {

constexpr std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }

}  // namespace

SMMU_sCR0 kept_cr0(const FeaturesV2& features, const SmmuV2Config& config, SecurityState of,
                   std::uint32_t value) {
  SMMU_sCR0 cr0(value);
  if (of == SecurityState::kNonSecure) {
    cr0.set(SMMU_sCR0::NSCFG, NonSecureOverride::kIncoming);
  } else {
    cr0.set(SMMU_sCR0::VMIDPNE, false)
        .set(SMMU_sCR0::VMID16EN, false)
        .set(SMMU_sCR0::HYPMODE, false);
  }
  if (!features.idr0[SMMU_IDR0::EXIDS]) cr0.set(SMMU_sCR0::EXIDENABLE, false);
  if (!features.idr2[SMMU_IDR2::VMID16S]) cr0.set(SMMU_sCR0::VMID16EN, false);
  if (!features.idr2[SMMU_IDR2::E2HS]) cr0.set(SMMU_sCR0::HYPMODE, false);
  if (!config.has_stall_control) {
    cr0.set(SMMU_sCR0::STALLD, false).set(SMMU_sCR0::GSE, false);
  }
  if (!config.has_configuration_access_control) {
    cr0.set(SMMU_sCR0::GCFGFRE, false).set(SMMU_sCR0::GCFGFIE, false);
  }
  if (!config.has_conflict_control) cr0.set(SMMU_sCR0::SMCFCFG, true);
  return cr0;
}

SMMU_sACR kept_acr(const SmmuV2Config& config, SecurityState of, std::uint32_t value) {
  if (!config.mmu_500) return SMMU_sACR(value);
  SMMU_sACR_MMU500 acr(low(value & named_bits<SMMU_sACR_MMU500>()));
  // The size of pages does not change while it runs.
  acr.set(SMMU_sACR_MMU500::PAGESIZE, false);
  if (of == SecurityState::kSecure) {
    acr.set(SMMU_sACR_MMU500::S2WC2EN, false)
        .set(SMMU_sACR_MMU500::IPA2PA_CEN, false)
        .set(SMMU_sACR_MMU500::DP4K_TCUDISB, false)
        .set(SMMU_sACR_MMU500::DP4K_TBUDISB, false);
  }
  return SMMU_sACR(acr.raw());
}

SMMU_sGFSYNR0 kept_gfsynr0(const SmmuV2Config& config, SecurityState of, std::uint32_t value) {
  SMMU_sGFSYNR0 syndrome(low(value & named_bits<SMMU_sGFSYNR0>()));
  if (config.mmu_500) syndrome.set(SMMU_sGFSYNR0::ATS, false);
  if (of == SecurityState::kSecure) return syndrome.set(SMMU_sGFSYNR0::NESTED, false);
  return syndrome.set(SMMU_sGFSYNR0::NSSTATE, false).set(SMMU_sGFSYNR0::NSATTR, false);
}

std::uint64_t kept_gfar(const FeaturesV2& features, std::uint64_t value) {
  return value & mask(features.bus_bits - 1, 0);
}

SMMU_sGFSYNR1 kept_gfsynr1(SecurityState of, std::uint32_t value) {
  SMMU_sGFSYNR1 syndrome(value);
  if (of == SecurityState::kNonSecure) syndrome.set(SMMU_sGFSYNR1::SSD_Index, 0);
  return syndrome;
}

SMMU_CBARn kept_cbar(const FeaturesV2& features, std::uint32_t bank, std::uint32_t value) {
  using Bypass = SMMU_CBARn_Stage1Stage2Bypass;
  // The fields of all types are where those of this one are.  An SMMUv2 has an
  // interrupt for each bank, and nothing to choose.
  constexpr std::uint64_t kFields = named_bits<Bypass>() & ~decltype(SMMU_CBARn::IRPTNDX)::kMask;
  SMMU_CBARn cbar(low(value & kFields));
  if (bank < features.num_stage2_banks) cbar.set(SMMU_CBARn::TYPE, ContextType::kStage2);
  return cbar;
}

SMMU_CBn_SCTLR kept_sctlr(const SmmuV2Config& config, std::uint32_t value) {
  // Of both stages, for SMMU_CBARn may say later which it is.
  std::uint64_t fields = named_bits<SMMU_CBn_SCTLR>() | named_bits<SMMU_CBn_SCTLR_Stage2>();
  if (!config.has_private_asids) fields &= ~decltype(SMMU_CBn_SCTLR::ASIDPNE)::kMask;
  return SMMU_CBn_SCTLR(low(value & fields));
}

SMMU_CBn_ACTLR kept_actlr(const SmmuV2Config& config, std::uint32_t value) {
  if (!config.mmu_500) return SMMU_CBn_ACTLR(value);
  return SMMU_CBn_ACTLR(low(value & named_bits<SMMU_CBn_ACTLR_MMU500>()));
}

SMMU_CBn_TCR2 kept_tcr2(const SmmuV2Config& config, std::uint32_t value) {
  SMMU_CBn_TCR2 tcr2(low(value & named_bits<SMMU_CBn_TCR2>()));
  if (!config.has_top_byte_control) {
    tcr2.set(SMMU_CBn_TCR2::TBI0, true).set(SMMU_CBn_TCR2::TBI1, true);
  }
  return tcr2;
}

SMMU_CBn_FSYNR0 kept_fsynr0(const SmmuV2Config& config, std::uint32_t value) {
  SMMU_CBn_FSYNR0 syndrome(low(value & named_bits<SMMU_CBn_FSYNR0>()));
  if (config.mmu_500) syndrome.set(SMMU_CBn_FSYNR0::ATOF, false);
  return syndrome;
}

SMMU_CBA2Rn kept_cba2r(const FeaturesV2& features, SecurityState owner, std::uint32_t value) {
  SMMU_CBA2Rn cba2r(low(value & named_bits<SMMU_CBA2Rn>()));
  if (!features.has_aarch64()) cba2r.set(SMMU_CBA2Rn::VA64, false);
  if (features.only_aarch64()) cba2r.set(SMMU_CBA2Rn::VA64, true);
  if (owner == SecurityState::kNonSecure) cba2r.set(SMMU_CBA2Rn::MONC, false);
  if (!features.idr2[SMMU_IDR2::VMID16S]) cba2r.set(SMMU_CBA2Rn::VMID16, 0);
  return cba2r;
}

}  // namespace smmu::emulator
