#include "lib/smmu_v3/entries.h"

#include "lib/pgtable/register_codes.h"
#include "smmu/arch/encodings.h"

namespace smmu::iommu {

using v3::AtsMode;
using v3::CD;
using v3::CdCacheability;
using v3::CdTableFormat;
using v3::DefaultSubstream;
using v3::STE;
using v3::SteConfig;

namespace {

// STE.STRW: what a stream's accesses are, as translation goes.
constexpr std::uint32_t kStrwEl1 = 0b00;
constexpr std::uint32_t kStrwEl2 = 0b10;

void set_overrides(const FeaturesV3& features, STE& ste) {
  // What comes in is what goes on: 0 would make everything non-shareable.
  if (features.type_overrides) ste.set(STE::SHCFG, ShareabilityOverride::kIncoming);
}

bool has_ats(const FeaturesV3& features, const StreamTraits& traits) {
  return features.ats && traits.ats;
}

// 5.2: a stream with ATS may not stall at stage 2; where it has to, it is without.
bool has_ats_above_stage2(const FeaturesV3& features, const StreamTraits& traits) {
  return has_ats(features, traits) && features.stalls != StallModel::kStallForced;
}

// 5.2: only where there is a choice may it be said that nothing stalls.
void set_stage1_stalls(const FeaturesV3& features, const StreamTraits& traits, STE& ste) {
  if (features.stalls == StallModel::kStallOrTerminate && !traits.stalls)
    ste.set(STE::S1STALLD, true);
}

bool stage1_stalls(const FeaturesV3& features, const StreamTraits& traits) {
  if (features.stalls == StallModel::kStallForced) return true;
  return features.stalls == StallModel::kStallOrTerminate && traits.stalls;
}

void set_stage2(const FeaturesV3& features, const Stage2& stage2, const StreamTraits& traits,
                STE& ste) {
  const PgtableRegisters& tables = stage2.tables;
  const bool stalls = stage1_stalls(features, traits) && !has_ats_above_stage2(features, traits);
  ste.set(STE::S2VMID, stage2.vmid.value)
      .set(STE::S2T0SZ, tables.tsz)
      .set(STE::S2SL0, sl0_of(tables))
      .set(STE::S2IR0, tables.inner)
      .set(STE::S2OR0, tables.outer)
      .set(STE::S2SH0, tables.shareability)
      .set(STE::S2TG, tables.granule)
      .set(STE::S2PS, tables.output_size)
      .set(STE::S2AA64, true)
      .set(STE::S2PTW, true)
      .set(STE::S2S, stalls)
      .set(STE::S2R, true)
      .set(STE::S2TTB, tables.root.value)
      .set(STE::S2FWB, stage2.forced_write_back);
}

STE guest_words(const GuestStream& guest) {
  return STE({guest.words[0], guest.words[1], 0, 0, 0, 0, 0, 0});
}

// The bits of the fields of word `kIndex` among these.
template <std::size_t kIndex, class... F>
constexpr std::uint64_t bits_of(F...) {
  return ((F::kWord == kIndex ? F::kMask : 0) | ...);
}
template <std::size_t kIndex>
constexpr std::uint64_t guests_bits() {
  return bits_of<kIndex>(STE::V, STE::Config, STE::S1Fmt, STE::S1ContextPtr, STE::S1CDMax,
                         STE::S1DSS, STE::S1CIR, STE::S1COR, STE::S1CSH, STE::S1STALLD, STE::EATS);
}

}  // namespace

STE abort_entry() { return STE().set(STE::V, true).set(STE::Config, SteConfig::kAbort); }

STE bypass_entry(const FeaturesV3& features) {
  STE ste = STE().set(STE::V, true).set(STE::Config, SteConfig::kBypass);
  set_overrides(features, ste);
  return ste;
}

STE stage1_entry(const FeaturesV3& features, SmmuV3DriverConfig::World world,
                 const ContextEntries& contexts, DefaultSubstream without,
                 const StreamTraits& traits) {
  STE ste = STE().set(STE::V, true).set(STE::Config, SteConfig::kS1Translate);
  contexts.describe(ste)
      .set(STE::S1DSS, without)
      .set(STE::STRW, world == SmmuV3DriverConfig::World::kEl2 ? kStrwEl2 : kStrwEl1);
  if (features.coherent) {
    ste.set(STE::S1CIR, CdCacheability::kWriteBackReadAllocate)
        .set(STE::S1COR, CdCacheability::kWriteBackReadAllocate)
        .set(STE::S1CSH, Shareability::kInner);
  }
  set_overrides(features, ste);
  if (has_ats(features, traits)) ste.set(STE::EATS, AtsMode::kFull);
  set_stage1_stalls(features, traits, ste);
  return ste;
}

STE stage2_entry(const FeaturesV3& features, const Stage2& stage2, const StreamTraits& traits) {
  STE ste = STE().set(STE::V, true).set(STE::Config, SteConfig::kS2Translate);
  set_overrides(features, ste);
  if (has_ats_above_stage2(features, traits)) ste.set(STE::EATS, AtsMode::kFull);
  set_stage2(features, stage2, traits, ste);
  return ste;
}

bool guest_stream_is_valid(const FeaturesV3& features, const GuestStream& guest) {
  const STE ste = guest_words(guest);
  if (!ste[STE::V]) return true;  // a guest that has not come so far
  if ((guest.words[0] & ~guests_bits<0>()) != 0 || (guest.words[1] & ~guests_bits<1>()) != 0)
    return false;
  switch (ste[STE::Config]) {
    case SteConfig::kS1Translate:
      break;
    case SteConfig::kBypass:
      return true;
    case SteConfig::kS2Translate:
    case SteConfig::kNested:
      return false;
    case SteConfig::kAbort:
    default:
      return true;
  }
  if (ste[STE::EATS] != AtsMode::kNone && ste[STE::EATS] != AtsMode::kFull) return false;
  if (ste[STE::S1CDMax] > features.substream_bits) return false;
  const bool linear = ste[STE::S1Fmt] == CdTableFormat::kLinear;
  if (!linear && ste[STE::S1CDMax] != 0 && !features.two_level_contexts) return false;
  return !ste[STE::S1STALLD] || features.stalls == StallModel::kStallOrTerminate;
}

STE nested_entry(const FeaturesV3& features, const GuestStream& guest, const Stage2& stage2,
                 const StreamTraits& traits) {
  const STE part = guest_words(guest);
  // 5.2: an entry that is not valid is an error to record; the guest's are not to be told apart
  // from the host's, so its accesses end without one.
  if (!part[STE::V]) return abort_entry();
  switch (part[STE::Config]) {
    case SteConfig::kBypass:
      return stage2_entry(features, stage2, traits);
    case SteConfig::kS1Translate:
      break;
    default:
      return abort_entry();
  }
  STE ste = part;
  ste.set(STE::Config, SteConfig::kNested);
  if (!has_ats_above_stage2(features, traits)) ste.set(STE::EATS, AtsMode::kNone);
  set_overrides(features, ste);
  if (!traits.stalls) set_stage1_stalls(features, traits, ste);
  set_stage2(features, stage2, traits, ste);
  // Its faults are many and alike.
  return ste.set(STE::MEV, true);
}

CD context(const FeaturesV3& features, const Stage1& stage1, const StreamTraits& traits) {
  const PgtableRegisters& tables = stage1.tables;
  // MAIR0 and MAIR1 are the halves of word 3.
  CD cd = CD({0, 0, 0, tables.memory_attributes, 0, 0, 0, 0})
              .set(CD::V, true)
              .set(CD::AA64, true)
              .set(CD::IPS, tables.output_size)
              .set(CD::R, true)
              .set(CD::A, true)
              .set(CD::ASET, true)
              .set(CD::ASID, stage1.asid.value)
              .set(CD::S, stage1_stalls(features, traits))
              .set(CD::HA, stage1.dirty)
              .set(CD::HD, stage1.dirty);
  if (stage1.upper_half) {
    return cd.set(CD::EPD0, true)
        .set(CD::T1SZ, tables.tsz)
        .set(CD::TG1, tg1_of(tables))
        .set(CD::IR1, tables.inner)
        .set(CD::OR1, tables.outer)
        .set(CD::SH1, tables.shareability)
        .set(CD::TTB1, tables.root.value);
  }
  return cd.set(CD::EPD1, true)
      .set(CD::T0SZ, tables.tsz)
      .set(CD::TG0, tables.granule)
      .set(CD::IR0, tables.inner)
      .set(CD::OR0, tables.outer)
      .set(CD::SH0, tables.shareability)
      .set(CD::TTB0, tables.root.value);
}

}  // namespace smmu::iommu
