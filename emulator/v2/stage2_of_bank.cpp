#include "emulator/v2/stage2_of_bank.h"

#include <algorithm>
#include <optional>

#include "emulator/v2/stage1_of_bank.h"
#include "emulator/walk/permissions.h"
#include "emulator/walk/stage2_start.h"

namespace smmu::emulator {

using v2::SMMU_CBn_SCTLR_Stage2;
using v2::SMMU_CBn_TCR_Stage2_AArch32;
using v2::SMMU_CBn_TCR_Stage2_AArch64;
using v2::SMMU_CBn_TTBR0_Stage2;
using v2::TranslationFormat;

namespace {

constexpr unsigned kAArch32OutputBits = 40;

// DDI 0487, VTCR_EL2: what is reserved or not there is taken for a granule that is.
Granule granule_of(const FeaturesV2& features, TG0 code) {
  if (code == TG0::k4K && features.has(Granule::k4K)) return Granule::k4K;
  if (code == TG0::k16K && features.has(Granule::k16K)) return Granule::k16K;
  if (code == TG0::k64K && features.has(Granule::k64K)) return Granule::k64K;
  for (const Granule other : {Granule::k4K, Granule::k16K}) {
    if (features.has(other)) return other;
  }
  return Granule::k64K;
}

Tables refused(Refusal refusal, int no_level) {
  Tables tables;
  tables.refusal = refusal;
  tables.no_level = static_cast<std::int8_t>(no_level);
  tables.plain = false;
  return tables;
}

Tables aarch64_tables(const FeaturesV2& features, const BankRegisters& bank, std::uint64_t base) {
  const SMMU_CBn_TCR_Stage2_AArch64 tcr(bank.tcr);
  const unsigned t0sz = tcr[SMMU_CBn_TCR_Stage2_AArch64::T0SZ];
  const auto size = std::min(tcr[SMMU_CBn_TCR_Stage2_AArch64::PASize], OutputSize::k48Bits);
  const unsigned output_bits = std::min(address_bits(size), features.output_bits);
  if (t0sz < 64 - features.input_bits || t0sz > 39) return refused(Refusal::kTranslation, 0);
  const Granule granule = granule_of(features, tcr[SMMU_CBn_TCR_Stage2_AArch64::TG0]);
  const unsigned input_bits = 64 - t0sz;
  const auto first = first_level({.aarch64 = true,
                                  .granule = granule,
                                  .input_bits = input_bits,
                                  .sl0 = tcr[SMMU_CBn_TCR_Stage2_AArch64::SL0],
                                  .output_bits = features.output_bits});
  if (!first) return refused(Refusal::kTranslation, 0);
  if ((base >> output_bits) != 0) return refused(Refusal::kAddressSize, 0);
  return tables({.granule = granule,
                 .input_bits = input_bits,
                 .first_level = *first,
                 .output_bits = output_bits,
                 .root = base,
                 .big_endian = SMMU_CBn_SCTLR_Stage2(bank.sctlr.raw())[SMMU_CBn_SCTLR_Stage2::E]});
}

Tables aarch32_tables(const FeaturesV2& features, const BankRegisters& bank, std::uint64_t base) {
  const SMMU_CBn_TCR_Stage2_AArch32 tcr(bank.tcr);
  const unsigned input_bits = aarch32_stage2_input_bits(tcr[SMMU_CBn_TCR_Stage2_AArch32::T0SZ]);
  const auto first = first_level({.aarch64 = false,
                                  .granule = Granule::k4K,
                                  .input_bits = input_bits,
                                  .sl0 = tcr[SMMU_CBn_TCR_Stage2_AArch32::SL0],
                                  .output_bits = features.output_bits});
  if (!first) return refused(Refusal::kTranslation, 1);
  const unsigned output_bits = std::min(features.output_bits, kAArch32OutputBits);
  if ((base >> output_bits) != 0) return refused(Refusal::kAddressSize, 1);
  return aarch32_long_tables(input_bits, *first, base, output_bits,
                             SMMU_CBn_SCTLR_Stage2(bank.sctlr.raw())[SMMU_CBn_SCTLR_Stage2::E],
                             LongerAddresses::kFault);
}

}  // namespace

Stage2 stage2_of(const FeaturesV2& features, const BankRegisters& bank) {
  const SMMU_CBn_SCTLR_Stage2 sctlr(bank.sctlr.raw());
  const bool aarch64 = format_of(features, bank) == TranslationFormat::kAArch64;
  const std::uint64_t base = SMMU_CBn_TTBR0_Stage2(bank.ttbr0)[SMMU_CBn_TTBR0_Stage2::BaseAddress];
  Stage2 stage2;
  stage2.tables =
      aarch64 ? aarch64_tables(features, bank, base) : aarch32_tables(features, bank, base);
  stage2.permissions = stage2_permissions(false, !aarch64);
  const SMMU_CBn_TCR_Stage2_AArch64 tcr(bank.tcr);
  const bool updates =
      aarch64 && tcr[SMMU_CBn_TCR_Stage2_AArch64::HA] && features.updates_access_flag();
  stage2.update = {.access_flag = updates,
                   .dirty_state = updates && tcr[SMMU_CBn_TCR_Stage2_AArch64::HD] &&
                                  features.updates_dirty_state()};
  stage2.access_flag_ignored = sctlr[SMMU_CBn_SCTLR_Stage2::AFFD] && !updates;
  stage2.device_walks_denied = sctlr[SMMU_CBn_SCTLR_Stage2::PTW];
  return stage2;
}

}  // namespace smmu::emulator
