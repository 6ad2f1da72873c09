#include "emulator/cli/meanings.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/meanings_v2.h"
#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/events.h"

namespace smmu::cli {

namespace {

using std::string_view;

struct Meaning {
  string_view field;
  std::uint64_t value;
  string_view text;
};

constexpr Meaning kMeanings[] = {
    {"Config", 0, "abort"},
    {"Config", 4, "bypass"},
    {"Config", 5, "stage 1"},
    {"Config", 6, "stage 2"},
    {"Config", 7, "stage 1 and 2"},
    {"S1Fmt", 0, "linear"},
    {"S1Fmt", 1, "2-level, 4K leaves"},
    {"S1Fmt", 2, "2-level, 64K leaves"},
    {"FMT", 0, "linear"},
    {"FMT", 1, "2-level"},
    {"TG0", 0, "4K"},
    {"TG0", 1, "64K"},
    {"TG0", 2, "16K"},
    {"TG1", 1, "16K"},
    {"TG1", 2, "4K"},
    {"TG1", 3, "64K"},
    {"S2TG", 0, "4K"},
    {"S2TG", 1, "64K"},
    {"S2TG", 2, "16K"},
    {"CLASS", 0, "CD"},
    {"CLASS", 1, "TT"},
    {"CLASS", 2, "IN"},
    {"RnW", 0, "write"},
    {"RnW", 1, "read"},
    {"PnU", 1, "privileged"},
    {"InD", 1, "instruction"},
    {"AP", 0, "privileged rw"},
    {"AP", 1, "rw"},
    {"AP", 2, "privileged r"},
    {"AP", 3, "r"},
    {"S2AP", 0, "none"},
    {"S2AP", 1, "r"},
    {"S2AP", 2, "w"},
    {"S2AP", 3, "rw"},
};

// Fields with one code in several places.
constexpr string_view kShareabilityFields[] = {"SH",    "SH0",      "SH1",     "S2SH0",
                                               "S1CSH", "QUEUE_SH", "TABLE_SH"};
constexpr string_view kShareability[] = {"NSH", "", "OSH", "ISH"};
constexpr string_view kWalkCacheFields[] = {"IR0",   "OR0",   "IR1",   "OR1",   "S2IR0", "S2OR0",
                                            "IRGN0", "ORGN0", "IRGN1", "ORGN1", "RGN"};
constexpr string_view kWalkCache[] = {"NC", "WB RA WA", "WT RA", "WB RA"};
constexpr string_view kCdCacheFields[] = {"S1CIR", "S1COR"};
constexpr string_view kCdCache[] = {"NC", "WB RA", "WT RA", "WB"};
constexpr string_view kSizeFields[] = {"OAS", "IPS", "S2PS", "IAS", "PASize"};
constexpr string_view kSizes[] = {"32 bits", "36 bits", "40 bits", "42 bits",
                                  "44 bits", "48 bits", "52 bits", "56 bits"};
constexpr string_view kInputFields[] = {"T0SZ", "T1SZ", "S2T0SZ"};

template <std::size_t N>
bool is_one_of(const string_view (&fields)[N], string_view field) {
  return std::ranges::find(fields, field) != std::end(fields);
}

template <std::size_t N>
std::string code(const string_view (&codes)[N], std::uint64_t value) {
  return value < N ? std::string(codes[value]) : "";
}

}  // namespace

std::string meaning_of(string_view layout, string_view field, std::uint64_t value) {
  if (auto of_v2 = meaning_of_v2(layout, field, value)) return *of_v2;
  if (field == "EventNumber") {
    const auto event = std::ranges::find(v3::kEvents, value, [](const v3::EventLayout& known) {
      return static_cast<std::uint64_t>(known.type);
    });
    return event != std::end(v3::kEvents) ? event->layout.name : "reserved";
  }
  if (field == "Opcode") {
    const auto command = std::ranges::find(
        v3::kCommands, value,
        [](const v3::CommandLayout& known) { return static_cast<std::uint64_t>(known.opcode); });
    return command != std::end(v3::kCommands) ? command->layout.name : "reserved";
  }
  if (layout == "L1STD" && field == "Span" && value >= 1 && value <= 11) {
    return fmt::format("{} STEs", std::uint64_t{1} << (value - 1));
  }
  if (layout.starts_with("Table_") && field == "Type") return "table";
  if (is_one_of(kShareabilityFields, field)) return code(kShareability, value);
  if (is_one_of(kWalkCacheFields, field)) return code(kWalkCache, value);
  if (is_one_of(kCdCacheFields, field)) return code(kCdCache, value);
  if (is_one_of(kSizeFields, field)) return code(kSizes, value);
  if (is_one_of(kInputFields, field) && value < 64) return fmt::format("{}-bit input", 64 - value);
  const auto found = std::ranges::find_if(kMeanings, [&](const Meaning& meaning) {
    return meaning.field == field && meaning.value == value;
  });
  return found != std::end(kMeanings) ? std::string(found->text) : "";
}

std::string memory_type(std::uint64_t mair) {
  if ((mair & 0xf0) == 0) {
    constexpr string_view kDevice[] = {"nGnRnE", "nGnRE", "nGRE", "GRE"};
    return fmt::format("Device-{}", kDevice[mair >> 2 & 3]);
  }
  // One half of MAIR's code (DDI 0487, MAIR_EL1).
  const auto half = [](std::uint64_t nibble) -> string_view {
    if (nibble == 0b0100) return "non-cacheable";
    if ((nibble & 0b1100) == 0 || (nibble & 0b1100) == 0b1000) return "write-through";
    return "write-back";
  };
  const string_view outer = half(mair >> 4 & 0xf);
  const string_view inner = half(mair & 0xf);
  if (outer == inner) return fmt::format("Normal {}", outer);
  return fmt::format("Normal, outer {}, inner {}", outer, inner);
}

std::string byte_size(std::uint64_t bytes) {
  constexpr string_view kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (unit + 1 < std::size(kUnits) && bytes >= 1024 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{} {}", bytes, kUnits[unit]);
}

}  // namespace smmu::cli
