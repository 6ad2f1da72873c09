#include "emulator/v2/stage1_of_bank.h"

#include <algorithm>
#include <array>
#include <optional>

#include "emulator/v2/attribute_overrides.h"
#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"

namespace smmu::emulator {

using v2::ContextType;
using v2::SignBit;
using v2::SMMU_CBA2Rn;
using v2::SMMU_CBARn;
using v2::SMMU_CBARn_Stage1Stage2Bypass;
using v2::SMMU_CBn_CONTEXTIDR_Short;
using v2::SMMU_CBn_SCTLR;
using v2::SMMU_CBn_TCR2;
using v2::SMMU_CBn_TCR_AArch64;
using v2::SMMU_CBn_TCR_Long;
using v2::SMMU_CBn_TCR_Short;
using v2::SMMU_CBn_TTBR0_AArch64;
using v2::SMMU_CBn_TTBR0_Long;
using v2::SMMU_IDR2;
using v2::TranslationFormat;

namespace {

// What VMSAv8-32 makes.
constexpr unsigned kAArch32OutputBits = 40;

// One half of AArch64, as its fields stand.
struct Half {
  bool disabled;
  unsigned txsz;
  std::optional<Granule> granule;  // none: reserved
  std::uint64_t base;
  bool top_byte_ignored;
  bool hierarchy_disabled;
  bool non_secure;  // NSCFG
};

std::optional<Granule> granule_of(TG0 code) {
  switch (code) {
    case TG0::k4K:
      return Granule::k4K;
    case TG0::k16K:
      return Granule::k16K;
    case TG0::k64K:
      return Granule::k64K;
  }
  return std::nullopt;
}
std::optional<Granule> granule_of(TG1 code) {
  switch (code) {
    case TG1::k4K:
      return Granule::k4K;
    case TG1::k16K:
      return Granule::k16K;
    case TG1::k64K:
      return Granule::k64K;
  }
  return std::nullopt;
}

// DDI 0487, TCR_EL1: what is reserved or not there is taken for a granule that is.
Granule implemented(const FeaturesV2& features, std::optional<Granule> granule) {
  if (granule && features.has(*granule)) return *granule;
  for (const Granule other : {Granule::k4K, Granule::k16K}) {
    if (features.has(other)) return other;
  }
  return Granule::k64K;
}

std::uint64_t base_of(std::uint64_t ttbr) {
  return SMMU_CBn_TTBR0_AArch64(ttbr)[SMMU_CBn_TTBR0_AArch64::BaseAddress];
}

std::array<Half, 2> halves_of(const BankRegisters& bank, bool one_level) {
  const SMMU_CBn_TCR_AArch64 tcr(bank.tcr);
  const SMMU_CBn_TCR2 tcr2 = bank.tcr2;
  return {Half{.disabled = tcr[SMMU_CBn_TCR_AArch64::EPD0],
               .txsz = tcr[SMMU_CBn_TCR_AArch64::T0SZ],
               .granule = granule_of(tcr[SMMU_CBn_TCR_AArch64::TG0]),
               .base = base_of(bank.ttbr0),
               .top_byte_ignored = tcr2[SMMU_CBn_TCR2::TBI0],
               .hierarchy_disabled = tcr2[SMMU_CBn_TCR2::HAD0],
               .non_secure = tcr2[SMMU_CBn_TCR2::NSCFG0]},
          // One level has the lower half alone.
          Half{.disabled = one_level || tcr[SMMU_CBn_TCR_AArch64::EPD1],
               .txsz = tcr[SMMU_CBn_TCR_AArch64::T1SZ],
               .granule = granule_of(tcr[SMMU_CBn_TCR_AArch64::TG1]),
               .base = base_of(bank.ttbr1),
               .top_byte_ignored = tcr2[SMMU_CBn_TCR2::TBI1],
               .hierarchy_disabled = tcr2[SMMU_CBn_TCR2::HAD1],
               .non_secure = tcr2[SMMU_CBn_TCR2::NSCFG1]}};
}

// A half that no walk of can be begun.
void refuse(Stage1Half& half, Refusal refusal) {
  half.enabled = false;
  half.tables.refusal = refusal;
}

Stage1Half aarch64_half(const FeaturesV2& features, const BankRegisters& bank, const Half& fields,
                        unsigned output_bits) {
  Stage1Half half;
  half.top_byte_ignored = fields.top_byte_ignored;
  half.hierarchy_disabled = fields.hierarchy_disabled && features.idr2[SMMU_IDR2::HADS];
  // Out of range it may be anything where the half is disabled.
  const unsigned input_bits = 64 - std::clamp(fields.txsz, 16U, 39U);
  half.tables.input_bits = static_cast<std::uint8_t>(input_bits);
  if (fields.disabled) return half;
  if (fields.txsz < 16 || fields.txsz > 39) {
    refuse(half, Refusal::kTranslation);
    return half;
  }
  if ((fields.base >> output_bits) != 0) {
    refuse(half, Refusal::kAddressSize);
    return half;
  }
  const Granule granule = implemented(features, fields.granule);
  half.enabled = true;
  half.tables = tables({.granule = granule,
                        .input_bits = input_bits,
                        .first_level = start_level(granule, input_bits),
                        .output_bits = output_bits,
                        .root = fields.base,
                        .big_endian = bank.sctlr[SMMU_CBn_SCTLR::E]});
  return half;
}

void set_aarch64(const FeaturesV2& features, const BankRegisters& bank, Context& context) {
  Regime& regime = context.regime;
  Stage1& stage1 = regime.stage1;
  stage1.range = InputRange::kUpstream;
  stage1.sign_bit = static_cast<std::uint8_t>(sign_bit_of(features, bank));
  // What goes on to stage 2 is an IPA.
  const unsigned most = regime.has_stage2 ? features.input_bits : features.output_bits;
  const auto size = std::min(bank.tcr2[SMMU_CBn_TCR2::PASize], OutputSize::k48Bits);
  const unsigned output_bits = std::min(address_bits(size), most);
  const auto fields = halves_of(bank, is_one_level(context.owner.world));
  for (std::size_t i = 0; i != fields.size(); ++i) {
    stage1.half[i] = aarch64_half(features, bank, fields[i], output_bits);
    if (regime.security == SecurityState::kSecure && !fields[i].non_secure) {
      stage1.half[i].tables.space = SecurityState::kSecure;
    }
  }
  const bool updates = bank.tcr2[SMMU_CBn_TCR2::HA] && features.updates_access_flag();
  stage1.update = {
      .access_flag = updates,
      .dirty_state = updates && bank.tcr2[SMMU_CBn_TCR2::HD] && features.updates_dirty_state()};
}

void set_long(const FeaturesV2& features, const BankRegisters& bank, Context& context) {
  Regime& regime = context.regime;
  Stage1& stage1 = regime.stage1;
  stage1.range = InputRange::kAArch32;
  const SMMU_CBn_TCR_Long tcr(bank.tcr);
  // What goes on to stage 2 is an IPA.
  const unsigned output_bits =
      std::min(kAArch32OutputBits, regime.has_stage2 ? features.input_bits : features.output_bits);
  const bool one_level = is_one_level(context.owner.world);
  const auto half = [&](bool disabled, unsigned txsz, std::uint64_t ttbr, bool non_secure) {
    Stage1Half result;
    const std::uint64_t base = base_of(ttbr);
    const unsigned input_bits = 32 - txsz;
    result.enabled = !disabled;
    result.tables =
        aarch32_long_tables(input_bits, start_level(Granule::k4K, input_bits), base, output_bits,
                            bank.sctlr[SMMU_CBn_SCTLR::E], LongerAddresses::kFault);
    if (result.enabled && (base >> output_bits) != 0) {
      refuse(result, Refusal::kAddressSize);
    }
    if (regime.security == SecurityState::kSecure && !non_secure) {
      result.tables.space = SecurityState::kSecure;
    }
    return result;
  };
  stage1.half = {
      half(tcr[SMMU_CBn_TCR_Long::EPD0], tcr[SMMU_CBn_TCR_Long::T0SZ], bank.ttbr0,
           tcr[SMMU_CBn_TCR_Long::NSCFG0]),
      half(one_level || tcr[SMMU_CBn_TCR_Long::EPD1], one_level ? 0 : tcr[SMMU_CBn_TCR_Long::T1SZ],
           bank.ttbr1, tcr[SMMU_CBn_TCR_Long::NSCFG1])};
}

void set_short(const FeaturesV2& features, const BankRegisters& bank, Context& context) {
  Regime& regime = context.regime;
  Stage1& stage1 = regime.stage1;
  stage1.range = InputRange::kAArch32Short;
  const SMMU_CBn_TCR_Short tcr(bank.tcr);
  const unsigned output_bits =
      std::min(kAArch32OutputBits, regime.has_stage2 ? features.input_bits : features.output_bits);
  const auto half = [&](bool disabled, unsigned n, std::uint64_t ttbr, bool non_secure) {
    Stage1Half result;
    result.enabled = !disabled;
    result.tables = aarch32_short_tables(n, static_cast<std::uint32_t>(ttbr), output_bits,
                                         bank.sctlr[SMMU_CBn_SCTLR::E]);
    if (regime.security == SecurityState::kSecure && !non_secure) {
      result.tables.space = SecurityState::kSecure;
    }
    return result;
  };
  const unsigned n = tcr[SMMU_CBn_TCR_Short::T0SZ];
  stage1.half = {
      half(tcr[SMMU_CBn_TCR_Short::PD0], n, bank.ttbr0, tcr[SMMU_CBn_TCR_Short::NSCFG0]),
      half(tcr[SMMU_CBn_TCR_Short::PD1], 0, bank.ttbr1, tcr[SMMU_CBn_TCR_Short::NSCFG1])};
  const bool remaps = bank.sctlr[SMMU_CBn_SCTLR::TRE];
  stage1.short_descriptors.attributes =
      remaps ? short_attributes(bank.mair0, bank.mair1) : short_attributes();
  stage1.short_descriptors.access_flag = bank.sctlr[SMMU_CBn_SCTLR::AFE];
}

bool is_hypervisor(const BankRegisters& bank) {
  using Bypass = SMMU_CBARn_Stage1Stage2Bypass;
  return bank.cbar[SMMU_CBARn::TYPE] == ContextType::kStage1Stage2Bypass &&
         Bypass(bank.cbar.raw())[Bypass::HYPC];
}

// SMMU_CBARn, TYPE 0b01: what a stage 2 that is bypassed says of memory.
void put_behind_bypass(const BankRegisters& bank, Stage1& stage1) {
  using Bypass = SMMU_CBARn_Stage1Stage2Bypass;
  const Bypass cbar(bank.cbar.raw());
  Overrides hints;
  hints.hints.read = allocation_of(cbar[Bypass::RACFG]);
  hints.hints.write = allocation_of(cbar[Bypass::WACFG]);
  const Stage2Memory memory{
      .mem_attr = static_cast<std::uint8_t>(cbar[Bypass::MemAttr]),
      .shareability = shareability_of(cbar[Bypass::BPSHCFG]).value_or(Shareability::kNonShareable)};
  const auto behind = [&](MemoryAttributes& attributes) {
    attributes = hints.applied_to(combine(attributes, memory));
  };
  std::ranges::for_each(stage1.attributes, behind);
  std::ranges::for_each(stage1.short_descriptors.attributes, behind);
}

}  // namespace

void put_behind(const Overrides& then, Stage1& stage1) {
  if (!then.of_types()) return;
  const auto behind = [&](MemoryAttributes& attributes) {
    attributes = then.applied_to(attributes);
  };
  std::ranges::for_each(stage1.attributes, behind);
  std::ranges::for_each(stage1.short_descriptors.attributes, behind);
}

TranslationFormat format_of(const FeaturesV2& features, const BankRegisters& bank) {
  const bool aarch64 = bank.cba2r[SMMU_CBA2Rn::VA64] && features.has_aarch64();
  if (aarch64 || features.only_aarch64()) return TranslationFormat::kAArch64;
  // Neither stage 2 nor the hypervisor has short descriptors.
  const bool is_long = SMMU_CBn_TCR_Long(bank.tcr)[SMMU_CBn_TCR_Long::EAE] ||
                       features.only_long() || bank.is_stage2() || is_hypervisor(bank);
  return is_long ? TranslationFormat::kAArch32Long : TranslationFormat::kAArch32Short;
}

StreamWorld world_of(const BankRegisters& bank, SecurityState owner, bool hypervisor_mode) {
  if (owner == SecurityState::kSecure) {
    const bool monitor = bank.cba2r[SMMU_CBA2Rn::MONC] && bank.cba2r[SMMU_CBA2Rn::VA64];
    return monitor ? StreamWorld::kEl3 : StreamWorld::kSecure;
  }
  if (!is_hypervisor(bank)) return StreamWorld::kNsEl1;
  return hypervisor_mode ? StreamWorld::kNsEl2E2h : StreamWorld::kNsEl2;
}

// kUpstream means bit 48 where there is one, for nothing else; a bus without it says no
// addresses of the upper half.
unsigned sign_bit_of(const FeaturesV2& features, const BankRegisters& bank) {
  switch (bank.tcr2[SMMU_CBn_TCR2::SEP]) {
    case SignBit::k31:
      return 31;
    case SignBit::k35:
      return 35;
    case SignBit::k39:
      return 39;
    case SignBit::k41:
      return 41;
    case SignBit::k43:
      return 43;
    case SignBit::k47:
      return 47;
    case SignBit::kUpstream:
      break;
  }
  return features.bus_bits == 49 ? 48 : 55;
}

Asid asid_of(const FeaturesV2& features, const BankRegisters& bank) {
  unsigned asid = 0;
  switch (format_of(features, bank)) {
    case TranslationFormat::kAArch64: {
      const bool upper = SMMU_CBn_TCR_AArch64(bank.tcr)[SMMU_CBn_TCR_AArch64::A1];
      const SMMU_CBn_TTBR0_AArch64 ttbr(upper ? bank.ttbr1 : bank.ttbr0);
      asid = ttbr[SMMU_CBn_TTBR0_AArch64::ASID];
      if (!bank.tcr2[SMMU_CBn_TCR2::AS]) asid &= 0xff;
      break;
    }
    case TranslationFormat::kAArch32Long: {
      const bool upper = SMMU_CBn_TCR_Long(bank.tcr)[SMMU_CBn_TCR_Long::A1];
      asid = SMMU_CBn_TTBR0_Long(upper ? bank.ttbr1 : bank.ttbr0)[SMMU_CBn_TTBR0_Long::ASID];
      break;
    }
    case TranslationFormat::kAArch32Short:
      asid = SMMU_CBn_CONTEXTIDR_Short(bank.contextidr)[SMMU_CBn_CONTEXTIDR_Short::ASID];
      break;
  }
  return Asid(static_cast<std::uint16_t>(asid));
}

void set_stage1(const FeaturesV2& features, const BankRegisters& bank, bool privileged_access_never,
                Context& context) {
  Regime& regime = context.regime;
  Stage1& stage1 = regime.stage1;
  const StreamWorld world = context.owner.world;
  const TranslationFormat format = format_of(features, bank);
  const bool aarch64 = format == TranslationFormat::kAArch64;
  if (!is_one_level(world)) context.owner.asid = asid_of(features, bank);
  regime.has_stage1 = true;

  switch (format) {
    case TranslationFormat::kAArch64:
      set_aarch64(features, bank, context);
      break;
    case TranslationFormat::kAArch32Long:
      set_long(features, bank, context);
      break;
    case TranslationFormat::kAArch32Short:
      set_short(features, bank, context);
      break;
  }
  stage1.attributes = stage1_attributes(std::uint64_t{bank.mair1} << 32 | bank.mair0);
  if (bank.cbar[SMMU_CBARn::TYPE] == ContextType::kStage1Stage2Bypass) {
    put_behind_bypass(bank, stage1);
  }

  Levels levels = aarch64 ? Levels::kTwo : Levels::kTwoAArch32;
  if (is_one_level(world)) levels = Levels::kOne;
  const Stage1Controls controls{
      .levels = levels,
      .write_implies_execute_never = bank.sctlr[SMMU_CBn_SCTLR::WXN],
      .unprivileged_write_implies_execute_never = !aarch64 && bank.sctlr[SMMU_CBn_SCTLR::UWXN],
      .privileged_access_never = privileged_access_never};
  stage1.permissions = format == TranslationFormat::kAArch32Short
                           ? short_permissions(controls, bank.sctlr[SMMU_CBn_SCTLR::AFE])
                           : stage1_permissions(controls);
  stage1.access_flag_ignored = bank.sctlr[SMMU_CBn_SCTLR::AFFD] && !stage1.update.access_flag;
  regime.global = is_one_level(world);
  regime.simple = aarch64 && !regime.has_stage2 && !regime.global && !stage1.update.access_flag &&
                  regime.security == SecurityState::kNonSecure;
}

}  // namespace smmu::emulator
