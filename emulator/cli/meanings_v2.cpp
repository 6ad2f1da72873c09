#include "emulator/cli/meanings_v2.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "emulator/cli/meanings.h"
#include "emulator/walk/stage2_start.h"

namespace smmu::cli {

namespace {

using std::string_view;

struct Meaning {
  string_view layout;  // what its name begins with
  string_view field;
  std::uint64_t value;
  string_view text;
};

// Those of one register come before what all of them have.
constexpr Meaning kMeanings[] = {
    {"SMMU_S2CRn", "TYPE", 0, "translation"},
    {"SMMU_S2CRn", "TYPE", 1, "bypass"},
    {"SMMU_S2CRn", "TYPE", 2, "fault"},
    {"SMMU_S2CRn", "TYPE", 3, "reserved: fault"},
    {"SMMU_CBARn", "TYPE", 0, "stage 2"},
    {"SMMU_CBARn", "TYPE", 1, "stage 1, stage 2 bypass"},
    {"SMMU_CBARn", "TYPE", 2, "stage 1, stage 2 fault"},
    {"SMMU_CBARn", "TYPE", 3, "stage 1, then stage 2"},
    {"SMMU_", "USFCFG", 0, "no match: bypass"},
    {"SMMU_", "USFCFG", 1, "no match: fault"},
    {"SMMU_", "SMCFCFG", 0, "many matches: bypass"},
    {"SMMU_", "SMCFCFG", 1, "many matches: fault"},
    {"SMMU_CBn_SCTLR", "CFCFG", 0, "terminates"},
    {"SMMU_CBn_SCTLR", "CFCFG", 1, "stalls"},

    {"SMMU_", "SHCFG", 0, "incoming"},
    {"SMMU_", "SHCFG", 1, "OSH"},
    {"SMMU_", "SHCFG", 2, "ISH"},
    {"SMMU_", "SHCFG", 3, "NSH"},
    {"SMMU_", "BPSHCFG", 1, "OSH"},
    {"SMMU_", "BPSHCFG", 2, "ISH"},
    {"SMMU_", "BPSHCFG", 3, "NSH"},
    {"SMMU_", "RACFG", 0, "incoming"},
    {"SMMU_", "RACFG", 2, "allocate"},
    {"SMMU_", "RACFG", 3, "no allocate"},
    {"SMMU_", "WACFG", 0, "incoming"},
    {"SMMU_", "WACFG", 2, "allocate"},
    {"SMMU_", "WACFG", 3, "no allocate"},
    {"SMMU_", "TRANSIENTCFG", 0, "incoming"},
    {"SMMU_", "TRANSIENTCFG", 2, "non-transient"},
    {"SMMU_", "TRANSIENTCFG", 3, "transient"},
    {"SMMU_", "PRIVCFG", 0, "incoming"},
    {"SMMU_", "PRIVCFG", 1, "privileged access never"},
    {"SMMU_", "PRIVCFG", 2, "unprivileged"},
    {"SMMU_", "PRIVCFG", 3, "privileged"},
    {"SMMU_", "INSTCFG", 0, "incoming"},
    {"SMMU_", "INSTCFG", 2, "data"},
    {"SMMU_", "INSTCFG", 3, "instruction"},
    {"SMMU_", "NSCFG", 0, "incoming"},
    {"SMMU_", "NSCFG", 2, "Secure"},
    {"SMMU_", "NSCFG", 3, "Non-secure"},
    {"SMMU_", "BSU", 0, "none"},
    {"SMMU_", "BSU", 1, "ISH"},
    {"SMMU_", "BSU", 2, "OSH"},
    {"SMMU_", "BSU", 3, "full system"},

    {"SMMU_", "SEP", 0, "bit 31"},
    {"SMMU_", "SEP", 1, "bit 35"},
    {"SMMU_", "SEP", 2, "bit 39"},
    {"SMMU_", "SEP", 3, "bit 41"},
    {"SMMU_", "SEP", 4, "bit 43"},
    {"SMMU_", "SEP", 5, "bit 47"},
    {"SMMU_", "SEP", 7, "the highest of UBS"},
    {"SMMU_", "AS", 0, "8-bit ASIDs"},
    {"SMMU_", "AS", 1, "16-bit ASIDs"},
    {"SMMU_", "VA64", 0, "AArch32"},
    {"SMMU_", "VA64", 1, "AArch64"},
    {"SMMU_", "EAE", 0, "short descriptors"},
    {"SMMU_", "EAE", 1, "long descriptors"},

    {"SMMU_", "FORMAT", 0, "AArch32 short"},
    {"SMMU_", "FORMAT", 1, "AArch32 long"},
    {"SMMU_", "FORMAT", 2, "AArch64"},
    {"SMMU_", "ICF", 1, "invalid context"},
    {"SMMU_", "USF", 1, "unidentified stream"},
    {"SMMU_", "SMCF", 1, "stream match conflict"},
    {"SMMU_", "UCBF", 1, "unimplemented context bank"},
    {"SMMU_", "UCIF", 1, "unimplemented context interrupt"},
    {"SMMU_", "CAF", 1, "configuration access"},
    {"SMMU_", "TF", 1, "translation"},
    {"SMMU_", "AFF", 1, "access flag"},
    {"SMMU_", "PF", 1, "permission"},
    {"SMMU_", "EF", 1, "external"},
    {"SMMU_", "TLBMCF", 1, "TLB match conflict"},
    {"SMMU_", "TLBLKF", 1, "TLB lock"},
    {"SMMU_", "ASF", 1, "address size"},
    {"SMMU_", "UUT", 1, "unsupported upstream transaction"},
    {"SMMU_", "SS", 1, "stalled"},
    {"SMMU_", "MULTI", 1, "another met it"},
    {"SMMU_", "WNR", 0, "read"},
    {"SMMU_", "WNR", 1, "write"},
    {"SMMU_", "PNU", 1, "privileged"},
    {"SMMU_", "IND", 1, "instruction"},
    {"SMMU_", "PTWF", 1, "in a walk"},
    {"SMMU_", "S1PTWF", 1, "of a table of stage 1"},

    {"SMMU_", "TCEFCFG", 0, "nothing"},
    {"SMMU_", "TCEFCFG", 1, "by stream"},
    {"SMMU_", "TCEFCFG", 2, "by context bank"},
    {"SMMU_", "EVENT", 0x00, "clock cycles"},
    {"SMMU_", "EVENT", 0x01, "clock cycles by 64"},
    {"SMMU_", "EVENT", 0x08, "TLB refills"},
    {"SMMU_", "EVENT", 0x09, "TLB refills of reads"},
    {"SMMU_", "EVENT", 0x0a, "TLB refills of writes"},
    {"SMMU_", "EVENT", 0x10, "accesses"},
    {"SMMU_", "EVENT", 0x11, "reads"},
    {"SMMU_", "EVENT", 0x12, "writes"},
};

// Of identification registers, whose names SMMUv3 has too, but not these fields.
constexpr Meaning kIdentification[] = {
    {"SMMU_IDR0", "PTFS", 0, "AArch32 short and long"},
    {"SMMU_IDR0", "PTFS", 1, "AArch32 long"},
    {"SMMU_IDR0", "PTFS", 2, "no AArch32"},
    {"SMMU_IDR1", "HAFDBS", 0, "none"},
    {"SMMU_IDR1", "HAFDBS", 1, "Access flag"},
    {"SMMU_IDR1", "HAFDBS", 3, "Access flag and dirty state"},
    {"SMMU_IDR1", "SSDTP", 0, "none"},
    {"SMMU_IDR1", "SSDTP", 1, "indexed"},
    {"SMMU_IDR1", "SSDTP", 3, "16 bits"},
    {"SMMU_IDR1", "PAGESIZE", 0, "4K"},
    {"SMMU_IDR1", "PAGESIZE", 1, "64K"},
    {"SMMU_IDR2", "UBS", 0, "32 bits"},
    {"SMMU_IDR2", "UBS", 1, "36 bits"},
    {"SMMU_IDR2", "UBS", 2, "40 bits"},
    {"SMMU_IDR2", "UBS", 3, "42 bits"},
    {"SMMU_IDR2", "UBS", 4, "44 bits"},
    {"SMMU_IDR2", "UBS", 5, "49 bits"},
    {"SMMU_IDR2", "UBS", 15, "64 bits"},
};

// What the names of layouts begin with that no layout of SMMUv3 begins with.
constexpr string_view kPrefixes[] = {"SMMU_s",     "SMMU_NS",   "SMMU_SMRn",
                                     "SMMU_S2CRn", "SMMU_CB",   "SMMU_SCR1",
                                     "SMMU_STLBI", "SMMU_TLBI", "SMMU_SSDR"};
constexpr string_view kMonitors[] = {"SMMU_PMEVTYPERn", "SMMU_PMCGCRn"};

template <std::size_t N>
bool begins_with_one_of(const string_view (&prefixes)[N], string_view layout) {
  return std::ranges::any_of(prefixes,
                             [&](string_view prefix) { return layout.starts_with(prefix); });
}

template <std::size_t N>
std::optional<std::string> find(const Meaning (&meanings)[N], string_view layout, string_view field,
                                std::uint64_t value) {
  const auto found = std::ranges::find_if(meanings, [&](const Meaning& meaning) {
    return layout.starts_with(meaning.layout) && meaning.field == field && meaning.value == value;
  });
  if (found == std::end(meanings)) return std::nullopt;
  return std::string(found->text);
}

// The remapping of short descriptors (DDI 0487, PRRR and NMRR).
std::optional<std::string> remapping(string_view layout, string_view field, std::uint64_t value) {
  constexpr string_view kTypes[] = {"Device-nGnRnE", "Device-nGnRE", "Normal", "reserved"};
  constexpr string_view kCacheability[] = {"NC", "WB WA", "WT", "WB"};
  if (layout == "SMMU_CBn_PRRR" && field.starts_with("TR")) return std::string(kTypes[value]);
  if (layout == "SMMU_CBn_NMRR") return std::string(kCacheability[value]);
  return std::nullopt;
}

// TxSZ where it does not count from 64.
std::optional<std::string> input_size(string_view layout, string_view field, std::uint64_t value) {
  if (field != "T0SZ" && field != "T1SZ") return std::nullopt;
  unsigned bits = 0;
  if (layout == "SMMU_CBn_TCR_Stage2_AArch32") {
    bits = emulator::aarch32_stage2_input_bits(static_cast<unsigned>(value));
  } else if (layout == "SMMU_CBn_TCR_Long" || layout == "SMMU_CBn_TCR_Short") {
    bits = 32 - static_cast<unsigned>(value);
  } else {
    return std::nullopt;
  }
  return fmt::format("{}-bit input", bits);
}

}  // namespace

std::optional<std::string> meaning_of_v2(string_view layout, string_view field,
                                         std::uint64_t value) {
  if (auto found = find(kIdentification, layout, field, value)) return found;
  if (!begins_with_one_of(kPrefixes, layout) && !begins_with_one_of(kMonitors, layout)) {
    return std::nullopt;
  }
  if (layout.starts_with("SMMU_CBn_MAIR")) return memory_type(value);
  if (auto found = remapping(layout, field, value)) return found;
  if (auto found = input_size(layout, field, value)) return found;
  return find(kMeanings, layout, field, value);
}

}  // namespace smmu::cli
