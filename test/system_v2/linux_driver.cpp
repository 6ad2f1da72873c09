#include "test/system_v2/linux_driver.h"

namespace smmu::testing {

// A bank that nobody uses is only disabled.  TCR2 and TCR come before the TTBRs, because they say
// how wide the ASIDs of those are.
void LinuxDriver::write_bank(std::uint32_t n) {
  using namespace v2;
  const RegisterPage bank = pages_.bank(n);
  const auto tables = tables_.find(n);
  if (tables == tables_.end()) {
    bank.write(SMMU_CBn_SCTLR());
    return;
  }
  const bool stage1 = options_.stage == Stage::kStage1;
  const bool aarch64 = options_.model != Model::kAp806;
  gr1_.write(n, SMMU_CBA2Rn()
                    .set(SMMU_CBA2Rn::VA64, aarch64)
                    .set(SMMU_CBA2Rn::VMID16, wide_vmids_ ? vmid(n) : 0));
  if (stage1) {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    gr1_.write(n, Cbar()
                      .set(Cbar::TYPE, ContextType::kStage1Stage2Bypass)
                      .set(Cbar::BPSHCFG, ShareabilityConfig::kNonShareable)
                      .set(Cbar::MemAttr, 0xf));
    auto tcr2 =
        SMMU_CBn_TCR2()
            .set(SMMU_CBn_TCR2::SEP, SignBit::kUpstream)
            .set(SMMU_CBn_TCR2::PASize, aarch64 ? OutputSize::k48Bits : OutputSize::k40Bits);
    bank.write(tcr2.set(SMMU_CBn_TCR2::AS, aarch64));
  } else {
    gr1_.write(n, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, wide_vmids_ ? 0 : vmid(n)));
  }
  // Walks are not coherent.
  if (!stage1) {
    using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
    constexpr std::uint32_t kRes1 = 1U << 31;
    bank.write(Tcr(kRes1)
                   .set(Tcr::PASize, OutputSize::k48Bits)
                   .set(Tcr::SH0, Shareability::kOuter)
                   .set(Tcr::SL0, 2)
                   .set(Tcr::T0SZ, 64 - 48));
  } else if (aarch64) {
    using Tcr = SMMU_CBn_TCR_AArch64;
    bank.write(
        Tcr().set(Tcr::T0SZ, 64 - 48).set(Tcr::EPD1, true).set(Tcr::SH0, Shareability::kOuter));
  } else {
    // T0SZ of the driver is 64 - 32, of which bit 5 is none of the register's.
    using Tcr = SMMU_CBn_TCR_Long;
    bank.write(
        Tcr(64 - 32).set(Tcr::EAE, true).set(Tcr::EPD1, true).set(Tcr::SH0, Shareability::kOuter));
  }
  using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
  const auto ttbr0 = Ttbr0().set(Ttbr0::BaseAddress, tables->second.value);
  write_wide(bank, stage1 ? Ttbr0(ttbr0).set(Ttbr0::ASID, n) : ttbr0);
  if (stage1) {
    using Ttbr1 = SMMU_CBn_TTBR1_AArch64;
    write_wide(bank, Ttbr1().set(Ttbr1::ASID, n));
    bank.write(SMMU_CBn_MAIR0()
                   .set(SMMU_CBn_MAIR0::Attr0, 0x44)
                   .set(SMMU_CBn_MAIR0::Attr1, 0xff)
                   .set(SMMU_CBn_MAIR0::Attr2, 0x04)
                   .set(SMMU_CBn_MAIR0::Attr3, 0xf4));
    bank.write(SMMU_CBn_MAIR1());
  }
  bank.write(SMMU_CBn_SCTLR()
                 .set(SMMU_CBn_SCTLR::CFIE, true)
                 .set(SMMU_CBn_SCTLR::CFRE, true)
                 .set(SMMU_CBn_SCTLR::AFE, true)
                 .set(SMMU_CBn_SCTLR::TRE, true)
                 .set(SMMU_CBn_SCTLR::M, true)
                 .set(SMMU_CBn_SCTLR::ASIDPNE, stage1));
}

}  // namespace smmu::testing
