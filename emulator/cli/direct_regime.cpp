#include "emulator/cli/direct_regime.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "emulator/cli/input.h"
#include "emulator/tcu/configuration_source.h"
#include "emulator/v3/context_table.h"
#include "emulator/v3/features.h"
#include "emulator/v3/stage2_configuration.h"
#include "emulator/walk/attributes.h"
#include "emulator/walk/permissions.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

namespace {

using emulator::Features;
using v3::CD;
using v3::STE;

struct HalfNames {
  const char* table;
  const char* size;
  const char* disabled;
};
constexpr HalfNames kHalves[] = {{"TTB0", "T0SZ", "EPD0"}, {"TTB1", "T1SZ", "EPD1"}};
constexpr HalfNames kShortHalves[] = {{"TTBR0", "N", "EPD0"}, {"TTBR1", "N", "EPD1"}};

[[noreturn]] void refuse(const RegimeFields& fields, std::string_view field,
                         std::string_view expected) {
  throw BadInput(fmt::format("{}: expected {}, found {} {:#x}.", fields.source(field), expected,
                             field, fields.get(field)));
}

// A field that says nothing unless another is 1.
void needs(const RegimeFields& fields, std::string_view field, std::string_view other) {
  if (fields.find(field) && fields.get(other) != 1) {
    refuse(fields, field, fmt::format("{}=1 for {} to mean anything", other, field));
  }
}
// A field that is no use without another.
void wants(const RegimeFields& fields, std::string_view field, std::string_view other) {
  if (fields.get(field) != 0 && !fields.find(other)) {
    refuse(fields, field, fmt::format("{} with {}", other, field));
  }
}

emulator::StreamWorld world_of(const RegimeFields& fields) {
  using emulator::StreamWorld;
  if (fields.get("STRW") == 0) return StreamWorld::kNsEl1;
  return fields.get("E2H") != 0 ? StreamWorld::kNsEl2E2h : StreamWorld::kNsEl2;
}

// IHI 0070, 5.2, STRW: EL2 has no stage 2, and two tables only with E2H.
void check_world(const RegimeFields& fields) {
  const bool el2 = fields.get("STRW") == 2;
  if (!el2 && fields.find("E2H")) refuse(fields, "E2H", "STRW=EL2 for E2H to mean anything");
  if (el2 && fields.has_stage2()) refuse(fields, "STRW", "STRW=EL1 above stage 2");
  if (world_of(fields) == emulator::StreamWorld::kNsEl2 && fields.find("TTB1")) {
    refuse(fields, "TTB1", "E2H=1 with TTB1 and STRW=EL2");
  }
}

void check_stage1_presence(const RegimeFields& fields) {
  check_world(fields);
  const bool is_short = fields.format() == DescriptorFormat::kAArch32Short;
  const auto& halves = is_short ? kShortHalves : kHalves;
  if (!fields.find(halves[0].table) && !fields.find(halves[1].table)) {
    throw BadInput(fmt::format("--regime: expected {} or {} with the fields of stage 1.",
                               halves[0].table, halves[1].table));
  }
  for (const HalfNames& half : halves) {
    const bool has_table = fields.find(half.table).has_value();
    if (fields.find(half.disabled) == 0U && !has_table) {
      refuse(fields, half.disabled, fmt::format("{} with {}=0", half.table, half.disabled));
    }
    if (has_table && fields.format() == DescriptorFormat::kAArch64 && !fields.find(half.size)) {
      refuse(fields, half.table, fmt::format("{} with {}", half.size, half.table));
    }
    // G5.5.5: it has three bits.
    if (fields.format() == DescriptorFormat::kAArch32Long && fields.get(half.size) > 7) {
      refuse(fields, half.size, fmt::format("{} from 0 to 7 with aarch32-long", half.size));
    }
  }
  for (const char* field : {"SH0", "SH1"}) needs(fields, field, "DS");
  if (fields.get("HD") != 0) needs(fields, "HD", "HA");
  for (const char* field : {"PRRR", "NMRR"}) {
    needs(fields, field, "TRE");
    wants(fields, "TRE", field);
  }
  for (const char* field : {"MAIR0", "MAIR1"}) {
    if (fields.find("MAIR") && fields.find(field)) {
      refuse(fields, field, fmt::format("MAIR or {}, not both", field));
    }
  }
}

void check_stage2_presence(const RegimeFields& fields) {
  for (const char* field : {"S2TTB", "S2T0SZ", "S2SL0"}) {
    if (!fields.find(field)) {
      throw BadInput(fmt::format("--regime: expected {} with the fields of stage 2.", field));
    }
  }
  for (const char* field : {"S2SH0", "S2SL0_2"}) needs(fields, field, "S2DS");
  if (fields.get("S2HD") != 0) needs(fields, "S2HD", "S2HA");
  const bool aarch64 = fields.find("S2AA64").value_or(1) != 0;
  // G5.5.6: it has four bits.
  if (!aarch64 && fields.get("S2T0SZ") > 15) {
    refuse(fields, "S2T0SZ", "S2T0SZ from 0 to 15 with S2AA64=0");
  }
  if (!aarch64 && fields.has_stage1() && fields.format() == DescriptorFormat::kAArch64) {
    refuse(fields, "S2AA64", "S2AA64=1 below a stage 1 of aarch64");
  }
}

Features features_of(const RegimeFields& fields) {
  emulator::SmmuV3Config config = emulator::SmmuV3Config::everything();
  if (const auto oas = fields.find("OAS")) {
    config.idr5.set(v3::SMMU_IDR5::OAS, static_cast<OutputSize>(*oas));
  }
  return Features(config);
}

CD cd_of(const RegimeFields& fields, const Features& features) {
  std::array<std::uint64_t, 8> words{};
  fields.store(FieldOwner::kCD, words);
  CD cd(words);
  cd.set(CD::V, true).set(CD::A, true);
  cd.set(CD::AA64, fields.format() == DescriptorFormat::kAArch64);
  if (!fields.find("IPS")) cd.set(CD::IPS, features.idr5[v3::SMMU_IDR5::OAS]);
  if (!fields.find("TG1")) cd.set(CD::TG1, TG1::k4K);
  if (!fields.find("TTB0") && !fields.find("TTBR0")) cd.set(CD::EPD0, true);
  if (!fields.find("TTB1") && !fields.find("TTBR1")) cd.set(CD::EPD1, true);
  if (const auto mair = fields.find("MAIR")) {
    cd.set(CD::MAIR0, static_cast<std::uint32_t>(*mair));
    cd.set(CD::MAIR1, static_cast<std::uint32_t>(*mair >> 32));
  }
  return cd;
}

STE ste_of(const RegimeFields& fields, const Features& features) {
  std::array<std::uint64_t, 8> words{};
  fields.store(FieldOwner::kSTE, words);
  STE ste(words);
  const auto config = !fields.has_stage2()  ? v3::SteConfig::kS1Translate
                      : fields.has_stage1() ? v3::SteConfig::kNested
                                            : v3::SteConfig::kS2Translate;
  ste.set(STE::V, true).set(STE::Config, config);
  if (!fields.find("S2AA64")) ste.set(STE::S2AA64, true);
  if (!fields.find("S2PS")) ste.set(STE::S2PS, features.idr5[v3::SMMU_IDR5::OAS]);
  return ste;
}

// With which values in a field of a structure it is legal.
template <class S, class F, class Legal>
std::vector<unsigned> legal_values(S structure, F field, Legal&& legal) {
  std::vector<unsigned> values;
  for (unsigned value = 0; value <= mask(F::kHi - F::kLo, 0); ++value) {
    structure.set(field, static_cast<typename F::Value>(value));
    if (legal(structure)) values.push_back(value);
  }
  return values;
}

// How many bits an address in a field may have.
template <class S, class F, class Legal>
unsigned legal_bits(S structure, F field, Legal&& legal) {
  unsigned bits = F::kLo % kWordBits;
  while (bits <= F::kHi % kWordBits && legal(structure.set(field, std::uint64_t{1} << bits))) {
    ++bits;
  }
  return bits;
}

// "T0SZ from 16 to 48", "S2SL0 0 or 3".
std::string choice_text(const char* name, const std::vector<unsigned>& values) {
  if (values.size() > 1 && values.back() - values.front() == values.size() - 1) {
    return fmt::format("{} from {} to {}", name, values.front(), values.back());
  }
  return fmt::format("{} {}", name, fmt::join(values, " or "));
}

// What is wrong with one half of stage 1, the other left out: its size, or else its address.
template <class Size, class Table>
void check_half(const RegimeFields& fields, const HalfNames& names, CD cd, Size size, Table table,
                const auto& legal) {
  if (legal(cd)) return;
  CD without_address = cd;
  without_address.set(table, 0);
  if (!legal(without_address)) {
    if (const auto values = legal_values(without_address, size, legal); !values.empty()) {
      refuse(fields, names.size, choice_text(names.size, values));
    }
    return;
  }
  refuse(fields, names.table,
         fmt::format("{} below 2^{}", names.table, legal_bits(cd, table, legal)));
}

void check_stage1(const RegimeFields& fields, const Features& features, const STE& ste,
                  const CD& cd) {
  const auto legal = [&](const CD& one) {
    return !cd_illegal(features, ste, world_of(fields), one);
  };
  CD lower = cd;
  CD upper = cd;
  check_half(fields, kHalves[0], lower.set(CD::EPD1, true), CD::T0SZ, CD::TTB0, legal);
  check_half(fields, kHalves[1], upper.set(CD::EPD0, true), CD::T1SZ, CD::TTB1, legal);
  if (!legal(cd)) {
    throw BadInput("--regime: expected fields of stage 1 that go together (IHI 0070, 5.4).");
  }
}

void check_stage2(const RegimeFields& fields, const Features& features, const STE& ste) {
  const auto legal = [&](const STE& one) { return !stage2_illegal(features, one); };
  if (legal(ste)) return;
  STE without_address = ste;
  without_address.set(STE::S2TTB, 0);
  if (legal(without_address)) {
    refuse(fields, "S2TTB", fmt::format("S2TTB below 2^{}", legal_bits(ste, STE::S2TTB, legal)));
  }
  // The size and the level depend on each other.
  const auto levels = [&](const STE& one) { return legal_values(one, STE::S2SL0, legal); };
  if (const auto values = levels(without_address); !values.empty()) {
    refuse(fields, "S2SL0",
           fmt::format("{} with S2T0SZ {}", choice_text("S2SL0", values), fields.get("S2T0SZ")));
  }
  const auto has_level = [&](const STE& one) { return !levels(one).empty(); };
  if (const auto values = legal_values(without_address, STE::S2T0SZ, has_level); !values.empty()) {
    refuse(fields, "S2T0SZ", choice_text("S2T0SZ", values));
  }
  throw BadInput("--regime: expected fields of stage 2 that go together (IHI 0070, 5.2).");
}

// No SMMUv3 has Short descriptors: their fields are in no CD.
emulator::Stage1 short_stage1(const RegimeFields& fields, const Features& features, const CD& cd) {
  const unsigned output_bits = fields.has_stage2() ? features.input_bits : features.output_bits;
  const bool access_flag = fields.get("AFE") != 0;
  emulator::Stage1 stage1;
  stage1.range = emulator::InputRange::kAArch32Short;
  const auto half = [&](unsigned n, const char* ttbr, bool disabled) {
    emulator::Stage1Half result;
    result.enabled = !disabled;
    result.tables = emulator::aarch32_short_tables(n, static_cast<std::uint32_t>(fields.get(ttbr)),
                                                   output_bits, cd[CD::ENDI]);
    return result;
  };
  stage1.half = {half(static_cast<unsigned>(fields.get("N")), "TTBR0", cd[CD::EPD0]),
                 half(0, "TTBR1", cd[CD::EPD1])};
  stage1.permissions =
      emulator::short_permissions({.levels = emulator::Levels::kTwoAArch32,
                                   .write_implies_execute_never = cd[CD::WXN],
                                   .unprivileged_write_implies_execute_never = cd[CD::UWXN],
                                   .privileged_access_never = cd[CD::PAN]},
                                  access_flag);
  stage1.access_flag_ignored = cd[CD::AFFD];
  stage1.short_descriptors.access_flag = access_flag;
  stage1.short_descriptors.attributes =
      fields.get("TRE") != 0
          ? emulator::short_attributes(static_cast<std::uint32_t>(fields.get("PRRR")),
                                       static_cast<std::uint32_t>(fields.get("NMRR")))
          : emulator::short_attributes();
  if (const auto domains = fields.find("DACR")) {
    stage1.short_descriptors.domains = static_cast<std::uint32_t>(*domains);
  }
  return stage1;
}

}  // namespace

DirectRegime::DirectRegime(const RegimeFields& given) : fields(given) {
  if (fields.has_stage1()) check_stage1_presence(fields);
  if (fields.has_stage2()) check_stage2_presence(fields);
  const Features features = features_of(fields);
  const bool is_short = fields.format() == DescriptorFormat::kAArch32Short;
  cd = cd_of(fields, features);
  ste = ste_of(fields, features);
  physical_bits = features.output_bits;
  if (fields.has_stage2()) check_stage2(fields, features, ste);
  if (fields.has_stage1() && !is_short) check_stage1(fields, features, ste, cd);

  emulator::Context context;
  context.regime.has_stage1 = false;
  context.regime.simple = false;
  context.regime.bypass_bits = static_cast<std::uint8_t>(features.input_bits);
  if (fields.has_stage2()) set_stage2(features, ste, context.regime);
  context.owner.world = world_of(fields);
  if (fields.has_stage1() && !is_short) set_stage1(features, cd, context);
  regime = context.regime;
  if (fields.has_stage1() && is_short) {
    regime.has_stage1 = true;
    regime.stage1 = short_stage1(fields, features, cd);
  }
}

bool DirectRegime::has_mair() const {
  return fields.find("MAIR") || fields.find("MAIR0") || fields.find("MAIR1");
}

}  // namespace smmu::cli
