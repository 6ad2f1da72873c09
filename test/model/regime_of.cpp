#include "test/model/regime_of.h"

#include <algorithm>
#include <array>

#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"

namespace smmu::model {
namespace {

using emulator::Granule;
using emulator::Levels;
using emulator::Stage1Half;

// IHI 0070, 5.4 and 5.2: TG0, TG1 and S2TG.  What is reserved is looked at in
// disabled halves only.
Granule granule_of_tg0(unsigned tg) {
  return tg == 0b01 ? Granule::k64K : tg == 0b10 ? Granule::k16K : Granule::k4K;
}
Granule granule_of_tg1(unsigned tg) {
  return tg == 0b11 ? Granule::k64K : tg == 0b01 ? Granule::k16K : Granule::k4K;
}

// IHI 0070, 5.4 and 5.2: IPS and S2PS, capped to the OAS.
unsigned output_bits(unsigned ps, const Implementation& implementation) {
  constexpr std::array<unsigned, 8> kSizes = {32, 36, 40, 42, 44, 48, 52, 52};
  return std::min(kSizes[ps], implementation.oas);
}

// Whether a descriptor can hold 52 bits of address.
bool is_wide(Granule granule, bool ds, const Implementation& implementation) {
  return granule == Granule::k64K ? implementation.oas == 52 : ds;
}

bool has_two_ranges(const Stage1& stage1) {
  return stage1.world == World::kEl1And0 || stage1.world == World::kEl2And0;
}

// The fields of one half of a CD.
struct Half {
  bool epd, tbi, had, e0pd;
  unsigned tnsz, sh;
  std::uint64_t ttb;
  Granule granule;
};
Half lower(const Stage1& s) {
  return {s.epd0, s.tbi0, s.had0, s.e0pd0, s.t0sz, s.sh0, s.ttb0, granule_of_tg0(s.tg0)};
}
Half upper(const Stage1& s) {
  return {s.epd1, s.tbi1, s.had1, s.e0pd1, s.t1sz, s.sh1, s.ttb1, granule_of_tg1(s.tg1)};
}

Stage1Half v8_64_half(const Implementation& implementation, const Stage1& stage1,
                      const Half& half) {
  const bool two_ranges = has_two_ranges(stage1);
  // The range of a disabled half is never walked.
  const unsigned input_bits = 64 - std::clamp(half.tnsz, 12U, 48U);
  Stage1Half result;
  result.enabled = !(two_ranges && half.epd);
  result.top_byte_ignored = half.tbi;
  result.hierarchy_disabled = half.had;
  result.unprivileged_denied = two_ranges && half.e0pd;
  result.tables = emulator::tables({.granule = half.granule,
                                    .input_bits = input_bits,
                                    .first_level = emulator::start_level(half.granule, input_bits),
                                    .output_bits = output_bits(stage1.ips, implementation),
                                    .root = half.ttb,
                                    .wide = is_wide(half.granule, stage1.ds, implementation),
                                    .shareability = static_cast<Shareability>(half.sh),
                                    .big_endian = stage1.big_endian});
  return result;
}

Stage1Half v8_32_half(const Implementation& implementation, bool has_stage2, const Stage1& stage1,
                      const Half& half) {
  const unsigned tnsz = half.tnsz & 7;
  Stage1Half result;
  result.enabled = !(has_two_ranges(stage1) && half.epd);
  result.hierarchy_disabled = half.had;
  // Stage 2 takes all 40 bits of an IPA.
  result.tables =
      emulator::aarch32_long_tables(32 - tnsz, tnsz < 2 ? 1 : 2, half.ttb,
                                    has_stage2 ? 40 : implementation.oas, stage1.big_endian);
  return result;
}

// The Short-descriptor format knows two privilege levels only.
emulator::Stage1 v8_32_short(const Regime& regime) {
  const Stage1& stage1 = *regime.stage1;
  const auto half = [&](bool disabled, unsigned n, std::uint64_t ttb) {
    Stage1Half result;
    result.enabled = !disabled;
    result.tables = emulator::aarch32_short_tables(n, static_cast<std::uint32_t>(ttb),
                                                   regime.stage2 ? 40 : regime.implementation.oas,
                                                   stage1.big_endian);
    return result;
  };
  emulator::Stage1 result;
  result.half = {half(stage1.epd0, stage1.n, stage1.ttb0), half(stage1.epd1, 0, stage1.ttb1)};
  result.range = emulator::InputRange::kAArch32Short;
  result.permissions =
      emulator::short_permissions({.levels = Levels::kTwoAArch32,
                                   .write_implies_execute_never = stage1.wxn,
                                   .unprivileged_write_implies_execute_never = stage1.uwxn,
                                   .privileged_access_never = stage1.pan},
                                  stage1.afe);
  result.access_flag_ignored = stage1.affd;
  result.short_descriptors.attributes = stage1.tre
                                            ? emulator::short_attributes(stage1.prrr, stage1.nmrr)
                                            : emulator::short_attributes();
  result.short_descriptors.access_flag = stage1.afe;
  if (stage1.check_domains) result.short_descriptors.domains = stage1.dacr;
  return result;
}

emulator::Stage1 stage1_of(const Regime& regime) {
  const Stage1& stage1 = *regime.stage1;
  if (stage1.format == Stage1Format::kVmsa8_32Short) return v8_32_short(regime);
  const Implementation& implementation = regime.implementation;
  const bool two_ranges = has_two_ranges(stage1);
  const bool v8_64 = stage1.format == Stage1Format::kVmsa8_64;
  emulator::Stage1 result;
  if (v8_64) {
    result.half = {v8_64_half(implementation, stage1, lower(stage1)),
                   v8_64_half(implementation, stage1, upper(stage1))};
    result.update = {.access_flag = stage1.ha, .dirty_state = stage1.ha && stage1.hd};
  } else {
    const bool has_stage2 = regime.stage2.has_value();
    Half other = upper(stage1);
    if (!two_ranges) other.tnsz = 0;
    result.half = {v8_32_half(implementation, has_stage2, stage1, lower(stage1)),
                   v8_32_half(implementation, has_stage2, stage1, other)};
    result.range = emulator::InputRange::kAArch32;
  }
  if (!two_ranges) result.half[1].enabled = false;
  result.attributes = emulator::stage1_attributes(stage1.mair);
  result.permissions = emulator::stage1_permissions(
      {.levels = !two_ranges ? Levels::kOne
                 : v8_64     ? Levels::kTwo
                             : Levels::kTwoAArch32,
       .write_implies_execute_never = stage1.wxn,
       .unprivileged_write_implies_execute_never = !v8_64 && stage1.uwxn,
       .privileged_access_never = stage1.pan,
       .enhanced_pan = v8_64 && stage1.epan});
  result.access_flag_ignored = stage1.affd;
  return result;
}

// DDI 0487, Tables D8-19, D8-29 and D8-38.
int first_level_of(const Stage2& stage2, Granule granule) {
  if (granule != Granule::k4K) return 3 - static_cast<int>(stage2.sl0);
  if (stage2.ds && stage2.sl2 != 0) return -1;
  constexpr std::array<int, 4> kLevels = {2, 1, 0, 3};
  return kLevels[stage2.sl0];
}

emulator::Stage2 stage2_of(const Implementation& implementation, const Stage2& stage2) {
  emulator::Stage2 result;
  const bool v8_64 = stage2.format == Stage2Format::kVmsa8_64;
  if (v8_64) {
    const Granule granule = granule_of_tg0(stage2.tg);
    result.tables = emulator::tables({.granule = granule,
                                      .input_bits = 64 - stage2.t0sz,
                                      .first_level = first_level_of(stage2, granule),
                                      .output_bits = output_bits(stage2.ps, implementation),
                                      .root = stage2.ttb,
                                      .wide = is_wide(granule, stage2.ds, implementation),
                                      .shareability = static_cast<Shareability>(stage2.sh0),
                                      .big_endian = stage2.big_endian});
    if (stage2.fwb) result.mem_attr = emulator::MemAttrEncoding::kForcedWriteBack;
    result.update = {.access_flag = stage2.ha, .dirty_state = stage2.ha && stage2.hd};
  } else {
    // DDI 0487, G5.5.7.2: S2T0SZ is a signed number of four bits.
    const unsigned input_bits = stage2.t0sz < 8 ? 32 - stage2.t0sz : 48 - stage2.t0sz;
    result.tables = emulator::aarch32_long_tables(input_bits, stage2.sl0 == 0 ? 2 : 1, stage2.ttb,
                                                  implementation.oas, stage2.big_endian);
  }
  result.permissions = emulator::stage2_permissions(implementation.xnx, !v8_64);
  result.access_flag_ignored = stage2.affd;
  result.device_walks_denied = stage2.ptw;
  return result;
}

}  // namespace

emulator::Regime regime_of(const Regime& regime) {
  emulator::Regime result;
  result.has_stage1 = regime.stage1.has_value();
  result.has_stage2 = regime.stage2.has_value();
  // IHI 0070, 3.4: stage 1 bypass is checked against the IAS.
  result.bypass_bits = static_cast<std::uint8_t>(regime.implementation.ias());
  if (regime.stage1) {
    result.stage1 = stage1_of(regime);
    result.global = !has_two_ranges(*regime.stage1);
  }
  if (regime.stage2) result.stage2 = stage2_of(regime.implementation, *regime.stage2);
  result.simple = result.has_stage1 && !result.has_stage2 && !result.global &&
                  regime.stage1->format == Stage1Format::kVmsa8_64 &&
                  !result.stage1.update.access_flag;
  return result;
}

}  // namespace smmu::model
