#include "lib/smmu_v2/mmu_500.h"

#include <fmt/format.h>

#include "smmu/arch/v2/identification_registers.h"
#include "smmu/arch/v2/mmu_500.h"

namespace smmu::iommu {

using v2::SMMU_CBn_ACTLR_MMU500;
using v2::SMMU_IDR7;
using v2::SMMU_sACR_MMU500;

void set_up_mmu_500(const SmmuV2Hardware& hardware) {
  // Before r2p0 there is no lock, and its bit is another.
  const bool locks = hardware.global0.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] >= 2;
  auto auxiliary = hardware.global0.read<SMMU_sACR_MMU500>();
  if (locks) auxiliary.set(SMMU_sACR_MMU500::CACHE_LOCK, false);
  hardware.global0.write(
      auxiliary.set(SMMU_sACR_MMU500::SMTNMB_TLBEN, true).set(SMMU_sACR_MMU500::S2CRB_TLBEN, true));
  // A bank that prefetches may fetch what an invalidation has just passed.
  for (std::uint32_t n = 0; n != hardware.features.banks; ++n) {
    const SmmuV2Page bank = hardware.pages.bank(n);
    auto actlr = bank.read<SMMU_CBn_ACTLR_MMU500>();
    bank.write(actlr.set(SMMU_CBn_ACTLR_MMU500::CPRE, false));
    if (!bank.read<SMMU_CBn_ACTLR_MMU500>()[SMMU_CBn_ACTLR_MMU500::CPRE]) continue;
    hardware.say(fmt::format(
        "context bank {} goes on prefetching: SMMU_CBn_ACTLR.CPRE stays 1, so its TLB may keep "
        "what is invalidated",
        n));
  }
}

}  // namespace smmu::iommu
