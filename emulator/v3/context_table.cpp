#include "emulator/v3/context_table.h"

#include <algorithm>

#include "emulator/v3/attribute_overrides.h"
#include "emulator/v3/fetch_attributes.h"
#include "emulator/v3/stage2_configuration.h"
#include "emulator/v3/structure_fetch.h"
#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"
#include "smmu/arch/v3/events.h"

namespace smmu::emulator {

using v3::CD;
using v3::CdTableFormat;
using v3::DefaultSubstream;
using v3::EventType;
using v3::L1CD;
using v3::SMMU_IDR0;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::STE;
using v3::SteConfig;
using Resolution = ConfigurationSource::Resolution;

namespace {

Resolution failed(EventType type, const STE& ste, std::uint32_t substream, Reading reading,
                  std::uint64_t address = 0) {
  reading.origin.spoil();
  Context context;
  context.action = Context::Action::kFault;
  context.fault = ConfigurationFault{.code = static_cast<std::uint8_t>(type),
                                     .substream = substream,
                                     .fetch_address = address,
                                     .mergeable = ste[STE::MEV]};
  // 5.4.1: what could not be read is not cached; what was read may be, legal
  // or not.
  return {context, reading.stamp, type != EventType::F_CD_FETCH};
}

// Stage 2 does not lead to the structure.  Not kept: nothing was found that
// could be.
Resolution not_reached(Context context, const WalkFault& walk, Reading reading) {
  reading.origin.spoil();
  const bool unconditional = walk.type == FaultType::kExternalAbort;
  context.action = Context::Action::kFault;
  context.fault = TranslationFault{walk, Response::kAbort,
                                   unconditional ? Recording::kRecorded : context.stage2_recording,
                                   context.mergeable};
  return {context, reading.stamp, false};
}

bool has_stage1(const STE& ste) {
  return ste[STE::Config] == SteConfig::kS1Translate || ste[STE::Config] == SteConfig::kNested;
}
bool has_stage2(const STE& ste) {
  return ste[STE::Config] == SteConfig::kS2Translate || ste[STE::Config] == SteConfig::kNested;
}
bool aborts(const STE& ste) {
  return !has_stage1(ste) && !has_stage2(ste) && ste[STE::Config] != SteConfig::kBypass;
}

// 5.2, EATS.  0b11 needs SMMU_IDR3.DPT, and is 0b00 without.
AtsGrant ats_grant(const Features& features, const STE& ste) {
  if (!features.idr0[SMMU_IDR0::ATS] || ste[STE::Config] == SteConfig::kBypass) {
    return AtsGrant::kNone;
  }
  if (ste[STE::EATS] == v3::AtsMode::kFull) return AtsGrant::kFull;
  return ste[STE::EATS] == v3::AtsMode::kSplitStage ? AtsGrant::kSplit : AtsGrant::kNone;
}

// Under which number the L1CD is filed that leads to a CD: the first index it
// covers, and how many it covers.
std::uint32_t file_number(std::uint32_t index, unsigned leaf_table_bits) {
  return index >> leaf_table_bits << leaf_table_bits | leaf_table_bits << 20;
}

// One half of a CD, as its fields stand.
struct Half {
  bool enabled;
  std::optional<Granule> granule;  // none: reserved
  unsigned txsz;
  std::uint64_t ttb;
  bool tbi;
  bool had;
  bool e0pd;
  Shareability shareability;
  bool ns;  // NSCFG
};

// [55:52] are for VMSAv9-128.
std::uint64_t table_address(std::uint64_t ttb) { return ttb & mask(51, 0); }

std::array<Half, 2> halves_of(const CD& cd, StreamWorld world) {
  std::optional<Granule> granule0;
  switch (cd[CD::TG0]) {
    case TG0::k4K:
      granule0 = Granule::k4K;
      break;
    case TG0::k16K:
      granule0 = Granule::k16K;
      break;
    case TG0::k64K:
      granule0 = Granule::k64K;
      break;
  }
  std::optional<Granule> granule1;
  switch (cd[CD::TG1]) {
    case TG1::k4K:
      granule1 = Granule::k4K;
      break;
    case TG1::k16K:
      granule1 = Granule::k16K;
      break;
    case TG1::k64K:
      granule1 = Granule::k64K;
      break;
  }
  // 5.4.1: EL2 has the lower half alone, which cannot be disabled.
  const bool one = is_one_level(world);
  return {Half{.enabled = one || !cd[CD::EPD0],
               .granule = granule0,
               .txsz = cd[CD::T0SZ],
               .ttb = table_address(cd[CD::TTB0]),
               .tbi = cd[CD::TBI0],
               .had = cd[CD::HAD0],
               .e0pd = cd[CD::E0PD0] && !one,
               .shareability = cd[CD::SH0],
               .ns = cd[CD::NSCFG0]},
          Half{.enabled = !one && !cd[CD::EPD1],
               .granule = granule1,
               .txsz = one ? 0 : cd[CD::T1SZ],
               .ttb = table_address(cd[CD::TTB1]),
               .tbi = cd[CD::TBI1],
               .had = cd[CD::HAD1],
               .e0pd = cd[CD::E0PD1],
               .shareability = cd[CD::SH1],
               .ns = cd[CD::NSCFG1]}};
}

// 5.4, IPS: at most OAS, but for VMSAv8-32, which always makes 40 bits.
unsigned effective_output_bits(const Features& features, const CD& cd) {
  constexpr unsigned kAArch32OutputBits = 40;
  if (!cd[CD::AA64]) return kAArch32OutputBits;
  return std::min(address_bits(cd[CD::IPS]), features.output_bits);
}

// RES0 without SMMU_IDR5.DS, and in VMSAv8-32.
bool large_addresses(const Features& features, const CD& cd) {
  return features.idr5[SMMU_IDR5::DS] && cd[CD::DS] && cd[CD::AA64];
}

// CDTxSZInvalid() of 5.4.2.
bool txsz_invalid(const Features& features, const CD& cd, const Half& half) {
  unsigned most = 39;
  if (features.idr3[SMMU_IDR3::STT]) most = half.granule == Granule::k64K ? 47 : 48;
  // Virtual addresses end at 48 bits, or at 52 where the tables can have it.
  const bool wide = half.granule == Granule::k64K || large_addresses(features, cd);
  const bool vax = static_cast<unsigned>(features.idr5[SMMU_IDR5::VAX]) != 0;
  const unsigned least = wide && vax ? 12 : 16;
  return half.txsz < least || half.txsz > most;
}

// CDTTBxOutOfRange(): a table of 4K or 16K granules lies below 2^48, unless
// addresses are large.
bool ttb_out_of_range(const Features& features, const CD& cd, const Half& half,
                      unsigned output_bits) {
  const bool wide = half.granule == Granule::k64K || large_addresses(features, cd);
  return (half.ttb >> (wide ? output_bits : std::min(output_bits, 48U))) != 0;
}

// `memory_bits`: of what VMSAv8-32 makes.  3.4: without stage 2 that is a
// physical address, and cut to its size.
Stage1Half stage1_half(const Features& features, const CD& cd, const Half& half,
                       unsigned output_bits, unsigned memory_bits) {
  Stage1Half result;
  result.hierarchy_disabled = half.had && features.idr3[SMMU_IDR3::HAD];
  result.enabled = half.enabled;
  if (!cd[CD::AA64]) {
    // T0SZ and T1SZ have three bits there.
    const unsigned input_bits = 32 - (half.txsz & 7);
    result.tables = aarch32_long_tables(input_bits, start_level(Granule::k4K, input_bits), half.ttb,
                                        memory_bits, cd[CD::ENDI]);
    return result;
  }
  result.top_byte_ignored = half.tbi;
  result.unprivileged_denied = half.e0pd && features.idr3[SMMU_IDR3::E0PD];
  // A half that is disabled is not checked: its size may be anything, and no
  // address of it is walked.
  const unsigned input_bits = 64 - std::clamp(half.txsz, 12U, 48U);
  result.tables.input_bits = static_cast<std::uint8_t>(input_bits);
  if (!half.enabled) return result;

  const bool large = large_addresses(features, cd) && *half.granule != Granule::k64K;
  result.tables =
      tables({.granule = *half.granule,
              .input_bits = input_bits,
              .first_level = start_level(*half.granule, input_bits),
              .output_bits = output_bits,
              .root = half.ttb,
              .wide = large || (*half.granule == Granule::k64K && features.output_bits == 52),
              .shareability = half.shareability,
              .big_endian = cd[CD::ENDI]});
  return result;
}

}  // namespace

bool cd_illegal(const Features& features, const STE& ste, StreamWorld world, const CD& cd) {
  if (!cd[CD::V]) return true;
  if (ste[STE::S1STALLD] && cd[CD::S]) return true;
  if (features.idr0[SMMU_IDR0::TERM_MODEL] && !cd[CD::A]) return true;
  const auto stall_model = features.stall_model();
  if (stall_model == StallModel::kTerminate && cd[CD::S]) return true;
  if (stall_model == StallModel::kStallForced && !cd[CD::S]) return true;

  const auto halves = halves_of(cd, world);
  if (halves[0].enabled || halves[1].enabled) {
    const auto endianness = features.idr0[SMMU_IDR0::TTENDIAN];
    if (endianness == SMMU_IDR0::Endianness::kLittle && cd[CD::ENDI]) return true;
    if (endianness == SMMU_IDR0::Endianness::kBig && !cd[CD::ENDI]) return true;
  }
  const bool aarch64 = cd[CD::AA64];
  if (!features.has(aarch64 ? TableFormat::kAArch64 : TableFormat::kAArch32)) return true;
  // 5.4, AA64: VMSAv8-32 is of EL1, and of Non-secure EL2 without E2H.
  if (!aarch64 && !is_el1(world) && world != StreamWorld::kNsEl2) return true;
  // 5.4: VMSAv8-64 does not fit above a stage 2 of VMSAv8-32.
  const bool stage2 = ste[STE::Config] == SteConfig::kNested;
  if (aarch64 && stage2 && !ste[STE::S2AA64]) return true;
  const unsigned httu = static_cast<unsigned>(features.idr0[SMMU_IDR0::HTTU]);
  // HA and HD are ignored with VMSAv8-32.
  if (aarch64 && (cd[CD::HA] || cd[CD::HD]) && httu == 0) return true;
  if (aarch64 && cd[CD::HD] && httu == 1) return true;
  const bool tagged = !is_one_level(world);
  if (tagged && !features.idr0[SMMU_IDR0::ASID16] && (cd[CD::ASID] >> 8) != 0) return true;
  const unsigned output_bits = effective_output_bits(features, cd);
  for (const Half& half : halves) {
    if (!half.enabled) continue;
    if (!aarch64) {
      if ((half.ttb >> output_bits) != 0) return true;
      continue;
    }
    if (txsz_invalid(features, cd, half)) return true;
    if (!half.granule || !features.has(*half.granule)) return true;
    if (ttb_out_of_range(features, cd, half, output_bits)) return true;
  }
  return false;
}

void set_stage1(const Features& features, const CD& cd, Context& context) {
  const unsigned output_bits = effective_output_bits(features, cd);
  const StreamWorld world = context.owner.world;
  const auto halves = halves_of(cd, world);
  context.owner.asid = Asid(static_cast<std::uint16_t>(cd[CD::ASID]));
  context.owner.set = cd[CD::ASET] ? AsidSet::kNonShared : AsidSet::kShared;
  // 5.5: A and R decide what the device and software see of a fault, unless it
  // stalls.  A device that cannot wait sees an abort then (3.12).
  if (cd[CD::S]) {
    context.response = Response::kAbort;
    context.recording = Recording::kStalls;
  } else {
    context.response = cd[CD::A] ? Response::kAbort : Response::kRazWi;
    context.recording = cd[CD::R] ? Recording::kRecorded : Recording::kSilent;
  }

  Regime& regime = context.regime;
  Stage1& stage1 = regime.stage1;
  const bool aarch64 = cd[CD::AA64];
  regime.has_stage1 = true;
  stage1.range = aarch64 ? InputRange::kSignExtended : InputRange::kAArch32;
  for (std::size_t i = 0; i != halves.size(); ++i) {
    stage1.half[i] = stage1_half(features, cd, halves[i], output_bits,
                                 regime.has_stage2 ? features.input_bits : features.output_bits);
    if (regime.security == SecurityState::kSecure && !halves[i].ns) {
      stage1.half[i].tables.space = SecurityState::kSecure;
    }
  }
  stage1.attributes = stage1_attributes(std::uint64_t{cd[CD::MAIR1]} << 32 | cd[CD::MAIR0]);
  Levels levels = aarch64 ? Levels::kTwo : Levels::kTwoAArch32;
  if (is_one_level(world)) levels = Levels::kOne;
  stage1.permissions = stage1_permissions(
      {.levels = levels,
       .write_implies_execute_never = cd[CD::WXN],
       .unprivileged_write_implies_execute_never = !aarch64 && cd[CD::UWXN],
       .privileged_access_never = cd[CD::PAN],
       .enhanced_pan = aarch64 && cd[CD::EPAN] && features.idr3[SMMU_IDR3::EPAN]});
  const bool updates = aarch64 && cd[CD::HA];
  stage1.access_flag_ignored = cd[CD::AFFD] && !updates;
  stage1.update = {.access_flag = updates, .dirty_state = updates && cd[CD::HD]};
  regime.global = is_one_level(world);
  regime.simple = aarch64 && !regime.has_stage2 && !regime.global && !updates &&
                  regime.security == SecurityState::kNonSecure;
}

ContextTable::ContextTable(const Features& features, const PhysicalSpaces& spaces,
                           const Caching& caching, const Tcu& tcu, Observer* observer)
    : features_(features),
      spaces_(spaces),
      observer_(observer),
      walker_(spaces, observer),
      descriptors_(caching, tcu) {}

Resolution ContextTable::resolve(const STE& ste, StreamWorld world, bool secure_fetches_only,
                                 StreamId stream, std::optional<SubstreamId> substream,
                                 Reading reading, Updates updates) {
  Resolution resolution =
      find(ste, world, secure_fetches_only, stream, substream, reading, updates);
  resolution.context.ats = ats_grant(features_, ste);
  return resolution;
}

Resolution ContextTable::find(const STE& ste, StreamWorld world, bool secure_fetches_only,
                              StreamId stream, std::optional<SubstreamId> substream,
                              Reading reading, Updates updates) {
  const std::uint32_t number = substream ? substream->value : 0;
  const bool stage1 = has_stage1(ste);
  const bool stage2 = has_stage2(ste);
  Context context;
  if (aborts(ste)) return {context, reading.stamp, true};

  // S1CDMax is ignored where no SubstreamIDs are implemented.
  const unsigned table_bits = features_.substream_bits == 0 ? 0 : ste[STE::S1CDMax];
  if (substream && (!stage1 || table_bits == 0 || number >> table_bits != 0)) {
    return failed(EventType::C_BAD_SUBSTREAMID, ste, number, reading);
  }
  // What is left where stage 1 does not translate.
  context.action = Context::Action::kBypass;
  context.regime.bypass_bits =
      static_cast<std::uint8_t>(stage1 ? features_.input_bits : features_.output_bits);
  context.overrides = overrides_of(features_, ste);
  context.mergeable = ste[STE::MEV];
  context.owner.world = world;
  context.regime.security = features_.security;
  context.regime.secure_fetches_only = secure_fetches_only;
  // 5.2, S2VMID: that of a Secure stream is 0 without stage 2.
  const bool tagged = stage2 || features_.security == SecurityState::kNonSecure;
  if (features_.idr0[SMMU_IDR0::S2P] && is_el1(world) && tagged) {
    context.owner.vmid = Vmid(static_cast<std::uint16_t>(ste[STE::S2VMID]));
    context.stage2_vmid = context.owner.vmid;
  }
  if (stage2) set_stage2(ste, context);
  if (!stage1) return {context, reading.stamp, true};

  if (table_bits != 0) {
    const auto dss = ste[STE::S1DSS];
    if (!substream) {
      if (dss == DefaultSubstream::kBypass) return {context, reading.stamp, true};
      if (dss != DefaultSubstream::kCd0)
        return failed(EventType::F_STREAM_DISABLED, ste, number, reading);
    } else if (number == 0 && dss == DefaultSubstream::kCd0) {
      // CD 0 serves the transactions without a substream.
      return failed(EventType::F_STREAM_DISABLED, ste, number, reading);
    }
  }
  return from_cd(ste, stream, number, context, reading, updates);
}

void ContextTable::set_stage2(const STE& ste, Context& context) const {
  context.action = Context::Action::kTranslate;
  context.stage2_recording = ste[STE::S2R] ? Recording::kRecorded : Recording::kSilent;
  if (ste[STE::S2S]) context.stage2_recording = Recording::kStalls;
  context.regime.has_stage1 = false;
  context.regime.simple = false;
  context.regime.bypass_bits = static_cast<std::uint8_t>(features_.input_bits);
  emulator::set_stage2(features_, ste, context.regime);
}

// 3.9.1.3, in the order of its list.
Resolution ContextTable::resolve_stream(const STE& ste, StreamWorld world, Reading reading) const {
  const auto complete = [&](Resolution resolution) {
    resolution.context.ats = ats_grant(features_, ste);
    resolution.context.page_response_names_substream =
        features_.idr3[SMMU_IDR3::PPS] || ste[STE::PPAR];
    return resolution;
  };
  Context context;
  if (aborts(ste)) return complete({context, reading.stamp, true});
  context.action = Context::Action::kBypass;
  const AtsGrant grant = ats_grant(features_, ste);
  if (grant == AtsGrant::kNone) return complete({context, reading.stamp, true});
  // What is translated comes without a substream.
  const bool substreams =
      has_stage1(ste) && features_.substream_bits != 0 && ste[STE::S1CDMax] != 0;
  const auto dss = ste[STE::S1DSS];
  if (substreams && dss != DefaultSubstream::kBypass && dss != DefaultSubstream::kCd0) {
    return complete(failed(EventType::F_STREAM_DISABLED, ste, 0, reading));
  }
  if (grant == AtsGrant::kSplit) {
    context.owner.world = world;
    context.owner.vmid = Vmid(static_cast<std::uint16_t>(ste[STE::S2VMID]));
    context.stage2_vmid = context.owner.vmid;
    set_stage2(ste, context);
    // Table 13.5: types are as they come in.
    const Overrides all = overrides_of(features_, ste);
    context.overrides.privilege = all.privilege;
    context.overrides.content = all.content;
  }
  return complete({context, reading.stamp, true});
}

Resolution ContextTable::from_cd(const STE& ste, StreamId stream, std::uint32_t index,
                                 Context context, Reading reading, Updates updates) {
  context.action = Context::Action::kTranslate;
  // 13.4.2: what stage 1 says replaces it, but for types, which have hints.
  context.overrides.shareability.reset();
  context.overrides.space.reset();
  constexpr unsigned kLog2Cd = 6;
  const unsigned table_bits = features_.substream_bits == 0 ? 0 : ste[STE::S1CDMax];
  // 5.2: S1Fmt is ignored where there is one CD.
  unsigned leaf_table_bits = 0;  // CDs in a leaf table; 0: the table has one level
  if (table_bits != 0) {
    if (ste[STE::S1Fmt] == CdTableFormat::kTwoLevel4KLeaf) leaf_table_bits = 6;
    if (ste[STE::S1Fmt] == CdTableFormat::kTwoLevel64KLeaf) leaf_table_bits = 10;
  }

  std::uint64_t table = ste[STE::S1ContextPtr];
  std::uint32_t within = index;
  if (leaf_table_bits == 0) {
    table &= ~mask(table_bits + kLog2Cd - 1, 0);
  } else {
    constexpr unsigned kLog2L1cd = 3;
    const unsigned level1_bits = std::max(table_bits, leaf_table_bits) - leaf_table_bits;
    table &= ~mask(std::max(level1_bits + kLog2L1cd, kLog2Cd) - 1, 0);
    const std::uint32_t first = index >> leaf_table_bits << leaf_table_bits;
    within = index - first;
    const auto located = physical(
        ste, context, table + (std::uint64_t{index >> leaf_table_bits} << kLog2L1cd), updates);
    if (const auto* fault = std::get_if<WalkFault>(&located)) {
      return not_reached(context, *fault, reading);
    }
    const auto [address, space, attributes] = std::get<Located>(located);
    std::optional<L1CD> descriptor;
    if (const auto copy = descriptors_.find(stream.value, file_number(index, leaf_table_bits))) {
      descriptor = copy->structure;
      reading.stamp = std::min(reading.stamp, copy->stamp);
    } else {
      descriptor = fetch<L1CD>(spaces_[space], observer_, ConfigurationStructure::kL1CD, stream,
                               features_.security, SubstreamId(index), address, attributes);
      if (!descriptor) return failed(EventType::F_CD_FETCH, ste, index, reading, address.value);
      descriptors_.insert(stream.value, file_number(index, leaf_table_bits),
                          {*descriptor, reading.stamp}, reading);
    }
    reading.origin.note(address, descriptor->words());
    table = (*descriptor)[L1CD::L2Ptr] & ~mask(leaf_table_bits + kLog2Cd - 1, 0);
    const unsigned bits = context.regime.has_stage2 ? features_.input_bits : features_.output_bits;
    if (!(*descriptor)[L1CD::V] || (table >> bits) != 0) {
      // 5.3.1: not kept.  The L1CD is, and when it goes the SubstreamIDs that
      // it covers must not stay bad.
      Resolution bad = failed(EventType::C_BAD_SUBSTREAMID, ste, index, reading);
      bad.cacheable = false;
      return bad;
    }
  }

  const auto located = physical(ste, context, table + (std::uint64_t{within} << kLog2Cd), updates);
  if (const auto* fault = std::get_if<WalkFault>(&located)) {
    return not_reached(context, *fault, reading);
  }
  const auto [address, space, attributes] = std::get<Located>(located);
  const auto cd = fetch<CD>(spaces_[space], observer_, ConfigurationStructure::kCD, stream,
                            features_.security, SubstreamId(index), address, attributes);
  if (!cd) return failed(EventType::F_CD_FETCH, ste, index, reading, address.value);
  if (cd_illegal(features_, ste, context.owner.world, *cd))
    return failed(EventType::C_BAD_CD, ste, index, reading);
  set_stage1(features_, *cd, context);
  reading.origin.note(address, cd->words());
  // Stage 2 tables led to the CD as well.
  if (context.regime.has_stage2) reading.origin.spoil();
  return {context, reading.stamp, true};
}

std::variant<ContextTable::Located, WalkFault> ContextTable::physical(const STE& ste,
                                                                      const Context& context,
                                                                      std::uint64_t address,
                                                                      Updates updates) const {
  // 3.10.2.1: in the Secure one of the two spaces, physical or intermediate.
  const SecurityState space = context.regime.security;
  const MemoryAttributes attributes = attributes_of_contexts(ste);
  if (!context.regime.has_stage2) return Located{Pa(address), space, attributes};
  Stage2Leaf leaf;
  const auto fault =
      walker_.walk_stage2(context.regime.stage2_of(space), Ipa(address), Purpose::kContext,
                          {.privilege = Privilege::kPrivileged,
                           .direction = Direction::kRead,
                           .content = Content::kData,
                           .speculative = false,
                           .updates = updates},
                          leaf);
  if (fault) return *fault;
  return Located{Pa(leaf.output.value | (address & mask(leaf.size_bits - 1U, 0))), leaf.space,
                 combine(attributes, leaf.memory)};
}

void ContextTable::invalidate(const ConfigurationInvalidation& what, Stamp before) {
  if (descriptors_.inhabited()) invalidate_descriptors(what, before);
}

void ContextTable::invalidate_descriptors(const ConfigurationInvalidation& what, Stamp before) {
  // An STE's invalidation takes what was read through it along, and so does
  // CFGI_CD_ALL; CFGI_CD with Leaf 1 does not.
  if (what.substream && !what.upper_levels) return;
  if (!what.substream) {
    descriptors_.invalidate_if(
        [&](std::uint32_t stream, std::uint32_t) {
          return stream >= what.first.value && stream <= what.last.value;
        },
        before);
    return;
  }
  // S1Fmt may have changed since the descriptor that leads there was read.
  for (const unsigned leaf_table_bits : {6U, 10U}) {
    descriptors_.invalidate_one(what.first.value,
                                file_number(what.substream->value, leaf_table_bits), before);
  }
}

void ContextTable::clear() { descriptors_.clear(); }

}  // namespace smmu::emulator
