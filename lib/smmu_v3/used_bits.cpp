#include "lib/smmu_v3/used_bits.h"

namespace smmu::iommu {

using v3::CD;
using v3::STE;
using v3::SteConfig;

namespace {

template <class... F>
void use(EntryWords& used, F...) {
  ((used[F::kWord] |= F::kMask), ...);
}

// Stage 1 has two halves, each of which is off if EPDx is 1: nothing is looked at but the ranges
// that tell which half an address is in.
template <class... F>
void use_half(EntryWords& used, bool on, F... fields) {
  if (on) use(used, fields...);
}

}  // namespace

EntryWords used_bits(const STE& ste) {
  EntryWords used{};
  use(used, STE::V);
  if (!ste[STE::V]) return used;
  use(used, STE::Config);
  const auto config = ste[STE::Config];
  const bool stage1 = config == SteConfig::kS1Translate || config == SteConfig::kNested;
  const bool stage2 = config == SteConfig::kS2Translate || config == SteConfig::kNested;
  if (!stage1 && !stage2 && config != SteConfig::kBypass) return used;

  // Of whatever is not aborted; a stage 1 that S1DSS bypasses included.
  use(used, STE::MTCFG, STE::MemAttr, STE::ALLOCCFG, STE::SHCFG, STE::NSCFG, STE::PRIVCFG,
      STE::INSTCFG, STE::DRE, STE::DCP, STE::CONT);
  if (!stage1 && !stage2) return used;
  // S2VMID tags what stage 1 alone translates, too.
  use(used, STE::EATS, STE::PPAR, STE::MEV, STE::S2VMID);
  if (stage1) {
    use(used, STE::S1Fmt, STE::S1ContextPtr, STE::S1CDMax, STE::S1DSS, STE::S1CIR, STE::S1COR,
        STE::S1CSH, STE::S1STALLD, STE::S1PIE, STE::S1MPAM);
    if (!stage2) use(used, STE::STRW);
  }
  if (stage2) {
    use(used, STE::S2HWU59, STE::S2HWU60, STE::S2HWU61, STE::S2HWU62, STE::S2FWB, STE::S2T0SZ,
        STE::S2SL0, STE::S2IR0, STE::S2OR0, STE::S2SH0, STE::S2TG, STE::S2PS, STE::S2AA64,
        STE::S2ENDI, STE::S2AFFD, STE::S2PTW, STE::S2HD, STE::S2HA, STE::S2S, STE::S2R, STE::S2HAFT,
        STE::S2PIE, STE::S2POE, STE::DPT_VMATCH, STE::S2NSW, STE::S2NSA, STE::S2SL0_2, STE::S2DS,
        STE::S2TTB, STE::S2SKL);
  }
  return used;
}

EntryWords used_bits(const CD& cd) {
  EntryWords used{};
  use(used, CD::V);
  if (!cd[CD::V]) return used;
  use(used, CD::EPD0, CD::EPD1, CD::ENDI, CD::IPS, CD::AFFD, CD::WXN, CD::UWXN, CD::TBI0, CD::TBI1,
      CD::PAN, CD::AA64, CD::HD, CD::HA, CD::S, CD::R, CD::A, CD::ASET, CD::ASID, CD::HAFT,
      CD::PnCH, CD::EPAN, CD::AIE, CD::DS, CD::PIE, CD::MAIR0, CD::MAIR1, CD::AMAIR0, CD::AMAIR1,
      CD::PARTID, CD::PMG);
  use_half(used, !cd[CD::EPD0], CD::T0SZ, CD::TG0, CD::IR0, CD::OR0, CD::SH0, CD::NSCFG0, CD::HAD0,
           CD::E0PD0, CD::TTB0, CD::HWU059, CD::HWU060, CD::HWU061, CD::HWU062);
  use_half(used, !cd[CD::EPD1], CD::T1SZ, CD::TG1, CD::IR1, CD::OR1, CD::SH1, CD::NSCFG1, CD::HAD1,
           CD::E0PD1, CD::TTB1, CD::HWU159, CD::HWU160, CD::HWU161, CD::HWU162);
  return used;
}

}  // namespace smmu::iommu
