#include "emulator/cli/capture_v2.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "emulator/cli/input.h"
#include "emulator/cli/presets.h"

namespace smmu::cli {

namespace {

constexpr std::string_view kPreset = "preset";

// The first word of `text`, which it takes away with the spaces around it.
std::string_view take_word(std::string_view& text) {
  constexpr std::string_view kSpaces = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kSpaces));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(kSpaces), text.size()));
  return word;
}

// Steps to the next line that says something.
bool next(Lines& lines) {
  while (lines.next()) {
    std::string_view text = lines.text();
    const std::string_view word = take_word(text);
    if (!word.empty() && !word.starts_with('#')) return true;
  }
  return false;
}

emulator::SmmuV2Config config_of(const Lines& lines, std::string_view name) {
  const auto preset = find_preset(name);
  const auto* config = preset ? std::get_if<emulator::SmmuV2Config>(&*preset) : nullptr;
  if (config == nullptr) {
    lines.reject(fmt::format("the preset of an SMMUv2, one of {}", preset_names_v2()), name);
  }
  return *config;
}

// The register at the place, or the one of 64 bits whose upper half is there.
std::optional<NamedRegisterV2> register_of(const emulator::FeaturesV2& features,
                                           const RegisterPlaceV2& place) {
  if (auto named = find_register_at(features, place.offset)) return named;
  if (place.offset % 8 == 0) return std::nullopt;
  auto whole = find_register_at(features, place.offset - 4);
  return whole && whole->info.layout.bits == 64 ? whole : std::nullopt;
}

RegisterLineV2 register_line(const Lines& lines, const emulator::FeaturesV2& features) {
  std::string_view rest = lines.text();
  const std::string_view name = take_word(rest);
  const std::string_view value_text = take_word(rest);
  if (value_text.empty() || !rest.empty()) lines.reject("\"REGISTER value\"");
  auto place = find_place(features, name);
  const auto of = place ? register_of(features, *place) : std::nullopt;
  if (!of) lines.reject("the name or the offset of a register of this SMMU", name);
  const auto value = parse_number(value_text);
  if (!value || (place->bytes == 4 && *value > kMax32)) {
    lines.reject(fmt::format("a value of {} bits", place->bytes * 8), value_text);
  }
  // A dump by offsets has words of 32 bits: the upper half, if it is told of, has a line of its
  // own.
  const bool by_offset = parse_number(name.substr(name.find(':') + 1)).has_value();
  if (by_offset && *value <= kMax32) place->bytes = 4;
  return {lines.number(), *place, *of, *value};
}

}  // namespace

bool is_capture_of_v2(const std::filesystem::path& folder) {
  Lines lines(find_input(folder, "registers.txt"));
  if (!next(lines)) return false;
  std::string_view text = lines.text();
  return take_word(text) == kPreset;
}

CaptureV2 CaptureV2::load(const std::filesystem::path& folder) {
  Lines lines(find_input(folder, "registers.txt"));
  CaptureV2 capture{.file = lines.file(), .config = {}, .registers = {}};
  if (!next(lines)) lines.reject("\"preset NAME\"");
  std::string_view first = lines.text();
  take_word(first);
  capture.config = config_of(lines, first);
  const emulator::FeaturesV2 features(capture.config);
  std::set<std::pair<SecurityState, std::uint32_t>> places;
  while (next(lines)) {
    RegisterLineV2 line = register_line(lines, features);
    if (!places.emplace(line.place.security, line.place.offset).second)
      lines.reject("each register once");
    capture.registers.push_back(std::move(line));
  }
  return capture;
}

}  // namespace smmu::cli
