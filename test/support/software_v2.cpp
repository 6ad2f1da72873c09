#include "smmu/testing/software_v2.h"

#include "smmu/arch/v2/context_bank_tables.h"
#include "smmu/arch/v2/global_space_1.h"
#include "smmu/arch/v2/tlb_maintenance.h"

namespace smmu::testing {

using v2::SMMU_CBA2Rn;
using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_MAIR0;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_TCR2;
using v2::SMMU_sCR0;
using v2::SMMU_SMRn;

SMMU_sCR0 everything_faults() {
  return SMMU_sCR0()
      .set(SMMU_sCR0::GFRE, true)
      .set(SMMU_sCR0::GFIE, true)
      .set(SMMU_sCR0::GCFGFRE, true)
      .set(SMMU_sCR0::GCFGFIE, true)
      .set(SMMU_sCR0::USFCFG, true)
      .set(SMMU_sCR0::SMCFCFG, true);
}

SMMU_CBn_SCTLR translating() {
  return SMMU_CBn_SCTLR()
      .set(SMMU_CBn_SCTLR::M, true)
      .set(SMMU_CBn_SCTLR::AFE, true)
      .set(SMMU_CBn_SCTLR::TRE, true)
      .set(SMMU_CBn_SCTLR::CFRE, true)
      .set(SMMU_CBn_SCTLR::CFIE, true)
      .set(SMMU_CBn_SCTLR::HUPCF, true);
}
SMMU_CBn_SCTLR stalling() { return translating().set(SMMU_CBn_SCTLR::CFCFG, true); }

SMMU_CBn_FSR all_faults() {
  return SMMU_CBn_FSR()
      .set(SMMU_CBn_FSR::TF, true)
      .set(SMMU_CBn_FSR::AFF, true)
      .set(SMMU_CBn_FSR::PF, true)
      .set(SMMU_CBn_FSR::EF, true)
      .set(SMMU_CBn_FSR::TLBMCF, true)
      .set(SMMU_CBn_FSR::TLBLKF, true)
      .set(SMMU_CBn_FSR::ASF, true)
      .set(SMMU_CBn_FSR::UUT, true)
      .set(SMMU_CBn_FSR::SS, true)
      .set(SMMU_CBn_FSR::MULTI, true);
}

SoftwareV2::SoftwareV2(BoardV2& board, SecurityState security, std::uint32_t first_group)
    : pages_(security == SecurityState::kSecure ? board.secure_registers() : board.registers()),
      gr0(pages_.global0()),
      gr1(pages_.global1()),
      non_secure(pages_.non_secure_aliases()),
      next_group_(first_group) {}

std::uint32_t SoftwareV2::lead(StreamId stream, std::uint32_t bank) {
  using S2cr = v2::SMMU_S2CRn_Translation;
  return lead(stream, S2cr().set(S2cr::TYPE, v2::StreamType::kTranslation).set(S2cr::CBNDX, bank));
}
std::uint32_t SoftwareV2::lead(StreamId stream, v2::SMMU_S2CRn_Translation to) {
  gr0.write(next_group_, to);
  gr0.write(next_group_, SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, stream.value));
  return next_group_++;
}

void SoftwareV2::stage1(std::uint32_t n, const PageTable& table, const BankOptions& options) const {
  using Cbar = v2::SMMU_CBARn_Stage1Stage2Bypass;
  gr1.write(n, Cbar()
                   .set(Cbar::TYPE, v2::ContextType::kStage1Stage2Bypass)
                   .set(Cbar::VMID, options.vmid)
                   .set(Cbar::HYPC, options.hypervisor)
                   .set(Cbar::BPSHCFG, v2::ShareabilityConfig::kNonShareable)
                   .set(Cbar::MemAttr, 0xf));
  set_stage1(n, table, options);
}

void SoftwareV2::nested(std::uint32_t n, const PageTable& table, std::uint32_t stage2,
                        const BankOptions& options) const {
  using Cbar = v2::SMMU_CBARn_Nested;
  gr1.write(n, Cbar()
                   .set(Cbar::TYPE, v2::ContextType::kNested)
                   .set(Cbar::VMID, options.vmid)
                   .set(Cbar::CBNDX, stage2));
  set_stage1(n, table, options);
}

void SoftwareV2::stage2(std::uint32_t n, const PageTable& table, const BankOptions& options) const {
  using Cbar = v2::SMMU_CBARn_Stage2;
  using Tcr = v2::SMMU_CBn_TCR_Stage2_AArch64;
  using Ttbr = v2::SMMU_CBn_TTBR0_Stage2;
  gr1.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
  gr1.write(n, Cbar().set(Cbar::TYPE, v2::ContextType::kStage2).set(Cbar::VMID, options.vmid));
  bank(n).write(Tcr()
                    .set(Tcr::T0SZ, table.options().t0sz)
                    .set(Tcr::SL0, 1)
                    .set(Tcr::PASize, OutputSize::k48Bits));
  bank(n).write(Ttbr().set(Ttbr::BaseAddress, table.root().value));
  bank(n).write(options.control);
}

void SoftwareV2::synchronize() const { gr0.write(v2::SMMU_sTLBGSYNC()); }
void SoftwareV2::synchronize(std::uint32_t n) const { bank(n).write(v2::SMMU_CBn_TLBSYNC()); }

void SoftwareV2::set_stage1(std::uint32_t n, const PageTable& table,
                            const BankOptions& options) const {
  using Tcr = v2::SMMU_CBn_TCR_AArch64;
  using Ttbr = v2::SMMU_CBn_TTBR0_AArch64;
  gr1.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true).set(SMMU_CBA2Rn::MONC, options.monitor));
  bank(n).write(SMMU_CBn_TCR2()
                    .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits)
                    .set(SMMU_CBn_TCR2::AS, true)
                    .set(SMMU_CBn_TCR2::SEP, v2::SignBit::kUpstream));
  auto tcr = Tcr().set(Tcr::T0SZ, table.options().t0sz);
  // What has no upper half has these bits for something else.
  if (!options.hypervisor && !options.monitor) tcr.set(Tcr::EPD1, true);
  bank(n).write(tcr);
  bank(n).write(SMMU_CBn_MAIR0().set(SMMU_CBn_MAIR0::Attr0, 0xff));
  bank(n).write(Ttbr().set(Ttbr::BaseAddress, table.root().value).set(Ttbr::ASID, options.asid));
  bank(n).write(options.control);
}

}  // namespace smmu::testing
