#include "lib/smmu_v2/context_banks.h"

#include <fmt/format.h>

#include <new>

#include "lib/pgtable/register_codes.h"

namespace smmu::iommu {

using v2::ContextType;
using v2::ShareabilityConfig;
using v2::SignBit;
using v2::SMMU_CBA2Rn;
using v2::SMMU_CBARn_Stage1Stage2Bypass;
using v2::SMMU_CBARn_Stage2;
using v2::SMMU_CBn_CONTEXTIDR_Short;
using v2::SMMU_CBn_FSR;
using v2::SMMU_CBn_MAIR0;
using v2::SMMU_CBn_MAIR1;
using v2::SMMU_CBn_RESUME;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_TCR2;
using v2::SMMU_CBn_TCR_AArch64;
using v2::SMMU_CBn_TCR_Long;
using v2::SMMU_CBn_TCR_Short;
using v2::SMMU_CBn_TCR_Stage2_AArch32;
using v2::SMMU_CBn_TCR_Stage2_AArch64;
using v2::SMMU_CBn_TTBR0_AArch64;
using v2::SMMU_CBn_TTBR0_Long;
using v2::SMMU_CBn_TTBR0_Short;
using v2::SMMU_CBn_TTBR0_Stage2;
using v2::SMMU_CBn_TTBR1_AArch64;

namespace {

// Write-back, inner and outer: what is combined with it decides.
constexpr std::uint32_t kWriteBackMemAttr = 0xf;

SMMU_CBn_TCR_AArch64 lower_half(const PgtableRegisters& tables) {
  using Tcr = SMMU_CBn_TCR_AArch64;
  return Tcr()
      .set(Tcr::T0SZ, tables.tsz)
      .set(Tcr::TG0, tables.granule)
      .set(Tcr::IRGN0, tables.inner)
      .set(Tcr::ORGN0, tables.outer)
      .set(Tcr::SH0, tables.shareability)
      .set(Tcr::EPD1, true);
}
SMMU_CBn_TCR_AArch64 upper_half(const PgtableRegisters& tables) {
  using Tcr = SMMU_CBn_TCR_AArch64;
  return Tcr()
      .set(Tcr::T1SZ, tables.tsz)
      .set(Tcr::TG1, tg1_of(tables))
      .set(Tcr::IRGN1, tables.inner)
      .set(Tcr::ORGN1, tables.outer)
      .set(Tcr::SH1, tables.shareability)
      .set(Tcr::EPD0, true);
}

// The attributes of walks stand in TTBR0.
SMMU_CBn_TTBR0_Short short_ttbr0(const PgtableRegisters& tables) {
  using Ttbr0 = SMMU_CBn_TTBR0_Short;
  const bool cached = tables.inner != WalkCacheability::kNonCacheable;
  return Ttbr0()
      .set(Ttbr0::BaseAddress, tables.root.value)
      .set(Ttbr0::S, tables.shareability != Shareability::kNonShareable)
      .set(Ttbr0::NOS, tables.shareability == Shareability::kInner)
      .set(Ttbr0::RGN, tables.outer)
      // Of IRGN, 0b01 is Write-Back with Read- and Write-Allocate.
      .set(Ttbr0::IRGN_0, cached);
}

// The same of each format: the ASID, which those of short descriptors have elsewhere.
std::uint64_t ttbr0_with(std::uint32_t asid, std::uint64_t root) {
  using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
  return Ttbr0().set(Ttbr0::BaseAddress, root).set(Ttbr0::ASID, asid).raw();
}
std::uint64_t ttbr1_with(std::uint32_t asid, std::uint64_t root) {
  using Ttbr1 = SMMU_CBn_TTBR1_AArch64;
  return Ttbr1().set(Ttbr1::BaseAddress, root).set(Ttbr1::ASID, asid).raw();
}

SMMU_CBn_SCTLR translating(const BankTables& tables) {
  return SMMU_CBn_SCTLR()
      .set(SMMU_CBn_SCTLR::M, true)
      .set(SMMU_CBn_SCTLR::TRE, true)
      .set(SMMU_CBn_SCTLR::AFE, true)
      .set(SMMU_CBn_SCTLR::CFRE, true)
      .set(SMMU_CBn_SCTLR::CFIE, true)
      .set(SMMU_CBn_SCTLR::CFCFG, tables.stalls)
      .set(SMMU_CBn_SCTLR::ASIDPNE, !is_stage2(tables.format));
}

}  // namespace

SMMU_CBn_FSR all_context_faults() {
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

bool ContextBanks::allocate() {
  words_.reset(new (std::nothrow) Words[hardware_.features.banks]);
  taken_.reset(new (std::nothrow) bool[hardware_.features.banks]());
  return words_ != nullptr && taken_ != nullptr;
}

std::optional<std::uint32_t> ContextBanks::take(bool stage2) {
  const std::lock_guard lock(mutex_);
  // The first ones are for stage 2 alone, which may have the others as well.
  std::uint32_t n = stage2 ? 0 : hardware_.features.stage2_banks;
  for (; n < hardware_.features.banks; ++n) {
    if (taken_[n]) continue;
    taken_[n] = true;
    return n;
  }
  return std::nullopt;
}

void ContextBanks::release(std::uint32_t n) {
  const std::lock_guard lock(mutex_);
  taken_[n] = false;
}

ContextBanks::Words ContextBanks::stage1_words(std::uint32_t n, const BankTables& tables) const {
  using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
  const PgtableRegisters& from = tables.registers;
  const bool aarch64 = tables.format == PgtableFormat::kAArch64Stage1;
  Words words;
  words.cba2r.set(SMMU_CBA2Rn::VA64, aarch64);
  words.cbar = Cbar()
                   .set(Cbar::TYPE, ContextType::kStage1Stage2Bypass)
                   .set(Cbar::BPSHCFG, ShareabilityConfig::kNonShareable)
                   .set(Cbar::MemAttr, kWriteBackMemAttr)
                   .raw();
  words.sctlr = translating(tables);
  if (tables.format == PgtableFormat::kAArch32Short) {
    words.short_descriptors = true;
    // PRRR and NMRR are where the others have MAIR0 and MAIR1.
    words.mair0 = from.primary_region_remap;
    words.mair1 = from.normal_memory_remap;
    words.ttbr0 = short_ttbr0(from).raw();
    words.contextidr =
        SMMU_CBn_CONTEXTIDR_Short().set(SMMU_CBn_CONTEXTIDR_Short::ASID, asid(n)).raw();
    words.tcr = SMMU_CBn_TCR_Short().raw();
    return words;
  }
  words.mair0 = static_cast<std::uint32_t>(from.memory_attributes);
  words.mair1 = static_cast<std::uint32_t>(from.memory_attributes >> 32);
  words.tcr2 = SMMU_CBn_TCR2()
                   .set(SMMU_CBn_TCR2::PASize, from.output_size)
                   .set(SMMU_CBn_TCR2::SEP, SignBit::kUpstream)
                   .set(SMMU_CBn_TCR2::AS, aarch64);
  if (!aarch64) {
    using Tcr = SMMU_CBn_TCR_Long;
    words.tcr = Tcr()
                    .set(Tcr::T0SZ, from.tsz)
                    .set(Tcr::IRGN0, from.inner)
                    .set(Tcr::ORGN0, from.outer)
                    .set(Tcr::SH0, from.shareability)
                    .set(Tcr::EPD1, true)
                    .set(Tcr::EAE, true)
                    .raw();
  } else {
    words.tcr = (tables.quirks.ttbr1 ? upper_half(from) : lower_half(from)).raw();
  }
  words.ttbr0 = ttbr0_with(asid(n), tables.quirks.ttbr1 ? 0 : from.root.value);
  words.ttbr1 = ttbr1_with(asid(n), tables.quirks.ttbr1 ? from.root.value : 0);
  return words;
}

ContextBanks::Words ContextBanks::stage2_words(std::uint32_t n, const BankTables& tables) const {
  const PgtableRegisters& from = tables.registers;
  const bool aarch64 = tables.format == PgtableFormat::kAArch64Stage2;
  const bool wide = hardware_.features.vmid16;
  Words words;
  words.stage2 = true;
  words.cba2r.set(SMMU_CBA2Rn::VA64, aarch64).set(SMMU_CBA2Rn::VMID16, wide ? vmid(n) : 0);
  words.cbar = SMMU_CBARn_Stage2()
                   .set(SMMU_CBARn_Stage2::TYPE, ContextType::kStage2)
                   .set(SMMU_CBARn_Stage2::VMID, wide ? 0 : vmid(n))
                   .raw();
  words.sctlr = translating(tables);
  words.ttbr0 =
      SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, from.root.value).raw();
  if (aarch64) {
    using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
    constexpr std::uint32_t kRes1 = 0x8000'0000;
    words.tcr = Tcr(kRes1)
                    .set(Tcr::T0SZ, from.tsz)
                    .set(Tcr::SL0, sl0_of(from))
                    .set(Tcr::IRGN0, from.inner)
                    .set(Tcr::ORGN0, from.outer)
                    .set(Tcr::SH0, from.shareability)
                    .set(Tcr::TG0, from.granule)
                    .set(Tcr::PASize, from.output_size)
                    .raw();
    return words;
  }
  using Tcr = SMMU_CBn_TCR_Stage2_AArch32;
  // T0SZ is 32 less the bits of an address, in four bits with a sign.
  words.tcr = Tcr()
                  .set(Tcr::T0SZ, from.tsz % 16)
                  .set(Tcr::S, from.tsz >= 8)
                  .set(Tcr::SL0, sl0_of(from))
                  .set(Tcr::IRGN0, from.inner)
                  .set(Tcr::ORGN0, from.outer)
                  .set(Tcr::SH0, from.shareability)
                  .set(Tcr::EAE, true)
                  .raw();
  return words;
}

void ContextBanks::program(std::uint32_t n, const BankTables& tables) {
  words_[n] = is_stage2(tables.format) ? stage2_words(n, tables) : stage1_words(n, tables);
  words_[n].enabled = true;
  write(n);
}

void ContextBanks::silence(std::uint32_t n) {
  words_[n].sctlr.set(SMMU_CBn_SCTLR::CFIE, false).set(SMMU_CBn_SCTLR::CFCFG, false);
  if (hardware_.powered()) hardware_.pages.bank(n).write(words_[n].sctlr);
}

void ContextBanks::disable(std::uint32_t n) {
  words_[n] = {};
  write(n);
}

void ContextBanks::restore() const {
  for (std::uint32_t n = 0; n != hardware_.features.banks; ++n) {
    write(n);
  }
}

// Of accesses that wait one SMMU_CBn_RESUME may end one alone.
void ContextBanks::end_faults(std::uint32_t n) const {
  const SmmuV2Page bank = hardware_.pages.bank(n);
  const auto finished = [&] {
    const auto fsr = bank.read<SMMU_CBn_FSR>();
    if ((fsr.raw() & all_context_faults().raw()) == 0) return true;
    // First: an MMU-500 does not obey SMMU_CBn_RESUME before.
    bank.write(fsr);
    if (!fsr[SMMU_CBn_FSR::SS]) return true;
    bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
    return false;
  };
  // As many as can wait go without a pause.
  constexpr unsigned kMostWaiting = 1U << 16;
  for (unsigned ended = 0; ended != kMostWaiting; ++ended) {
    if (finished()) return;
  }
  const auto timeout = hardware_.config.timeout;
  if (hardware_.wait_until(timeout, timeout, finished)) return;
  hardware_.say(
      fmt::format("the SMMU does not end an access that waits: SMMU_CB{}_FSR.SS stays 1", n));
}

void ContextBanks::write(std::uint32_t n) const {
  if (!hardware_.powered()) return;
  const Words& words = words_[n];
  const SmmuV2Page bank = hardware_.pages.bank(n);
  if (!words.enabled) {
    // While it translates: an access that goes on is walked once more and does not pass, and one
    // that is terminated is aborted and does not read 0 (SMMU_CBn_SCTLR.CFRE).
    end_faults(n);
    bank.write(SMMU_CBn_SCTLR());
    return;
  }
  hardware_.global1.write(n, words.cba2r);
  hardware_.global1.write(n, v2::SMMU_CBARn(words.cbar));
  // Before the TTBRs: both say how wide the ASIDs of these are.
  if (!words.stage2) bank.write(words.tcr2);
  bank.write(SMMU_CBn_TCR_AArch64(words.tcr));
  if (words.short_descriptors) {
    bank.write(SMMU_CBn_CONTEXTIDR_Short(words.contextidr));
    bank.write(SMMU_CBn_TTBR0_Short(static_cast<std::uint32_t>(words.ttbr0)));
    bank.write(v2::SMMU_CBn_TTBR1_Short());
  } else {
    bank.write(SMMU_CBn_TTBR0_AArch64(words.ttbr0));
    if (!words.stage2) bank.write(SMMU_CBn_TTBR1_AArch64(words.ttbr1));
  }
  if (!words.stage2) {
    bank.write(SMMU_CBn_MAIR0(words.mair0));
    bank.write(SMMU_CBn_MAIR1(words.mair1));
  }
  // A fault that is left would end accesses to what is mapped, and be told as one of the new owner.
  end_faults(n);
  // What was there of it is complete.
  bank.write(words.sctlr);
}

}  // namespace smmu::iommu
