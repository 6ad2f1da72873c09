#include "emulator/cli/registers_v2.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "emulator/cli/input.h"
#include "emulator/cli/register_layouts_v2.h"
#include "emulator/cli/registers.h"
#include "smmu/arch/v2/registers.h"

namespace smmu::cli {

namespace {

using emulator::FeaturesV2;
using emulator::RegisterSpace;

constexpr std::string_view kSecure = "secure:";
constexpr std::uint32_t kPageEnd = 0x1000;
constexpr std::uint32_t kNumberBytes = 4;  // from one number to the next

// A name ends with n or m where registers are numbered; no other does.
bool is_numbered(std::string_view name) { return name.ends_with('n') || name.ends_with('m'); }

const RegisterInfo* find_in(std::span<const RegisterInfo> registers, std::string_view name) {
  const auto found = std::ranges::find_if(
      registers, [name](const RegisterInfo& info) { return bare_name(info.layout.name) == name; });
  return found == registers.end() ? nullptr : &*found;
}

// A name without SMMU_, letter by letter.
std::optional<NamedRegisterV2> find_exactly(std::string_view name) {
  for (const RegisterSpace space : kNamedSpaces) {
    for (const auto registers : {registers_of(space), other_layouts_of(space)}) {
      if (const RegisterInfo* info = find_in(registers, name)) return NamedRegisterV2{space, *info};
    }
  }
  return std::nullopt;
}

// The number at the start of `text`, which it takes away; none if there is none, or one of more
// digits than any register has.
std::optional<std::uint32_t> take_number(std::string_view& text) {
  constexpr std::size_t kMostDigits = 4;
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0 || digits > kMostDigits) return std::nullopt;
  const auto number = parse_number(text.substr(0, digits));
  text.remove_prefix(digits);
  return static_cast<std::uint32_t>(*number);
}

// One that stands, or that ends with a number in the place of n.
std::optional<NamedRegisterV2> find_numbered(std::string_view name) {
  if (auto exact = find_exactly(name)) return exact;
  const std::size_t last = name.find_last_not_of("0123456789");
  if (last == std::string_view::npos || last + 1 == name.size()) return std::nullopt;
  std::string_view digits = name.substr(last + 1);
  const std::string stem(name.substr(0, last + 1));
  const auto number = take_number(digits);
  if (!number) return std::nullopt;
  for (const char letter : {'n', 'm'}) {
    if (auto found = find_exactly(stem + letter)) {
      found->number = number;
      return found;
    }
  }
  return std::nullopt;
}

// The numbers that the SMMU has, where it says so, else those that there is room for.
std::uint32_t count_of(const FeaturesV2& features, const NamedRegisterV2& named) {
  const std::string_view name = named.info.layout.name;
  if (!is_numbered(name)) return 1;
  if (named.space == RegisterSpace::kGlobal1) return features.num_banks;
  if (named.space == RegisterSpace::kSecurityTable) return 2 * kPageEnd / kNumberBytes;
  if (named.space == RegisterSpace::kGlobal0) return features.num_groups;
  std::uint32_t end = kPageEnd;
  for (const RegisterInfo& other : registers_of(named.space)) {
    if (other.offset > named.info.offset) end = std::min(end, other.offset);
  }
  return (end - named.info.offset) / kNumberBytes;
}

// Registers that Secure accesses alone find.
bool is_of_secure_accesses(const NamedRegisterV2& named) {
  return named.space == RegisterSpace::kSecurityTable ||
         std::string_view(named.info.layout.name) == "SMMU_SCR1" ||
         std::string_view(named.info.layout.name).starts_with("SMMU_NS");
}

// Where the page of the register begins; none if the SMMU has none.
std::optional<std::uint32_t> page_of(const FeaturesV2& features, const NamedRegisterV2& named) {
  switch (named.space) {
    case RegisterSpace::kGlobal0:
      return 0;
    case RegisterSpace::kGlobal1:
      return 1;
    case RegisterSpace::kMonitors:
      return 3;
    case RegisterSpace::kSecurityTable:
      if (features.idr1[v2::SMMU_IDR1::SSDTP] == v2::SecurityTable::kNone) return std::nullopt;
      return 4;
    case RegisterSpace::kBank:
      if (!named.bank || *named.bank >= features.num_banks) return std::nullopt;
      return features.half_pages + *named.bank;
    case RegisterSpace::kImplementation:
    case RegisterSpace::kNowhere:
      break;
  }
  return std::nullopt;
}

std::optional<RegisterPlaceV2> place_of(const FeaturesV2& features, const NamedRegisterV2& named) {
  const auto page = page_of(features, named);
  const bool numbered = is_numbered(named.info.layout.name);
  if (!page || numbered != named.number.has_value()) return std::nullopt;
  const std::uint32_t number = named.number.value_or(0);
  if (number >= count_of(features, named)) return std::nullopt;
  return RegisterPlaceV2{
      .text = {},
      .security = is_of_secure_accesses(named) ? SecurityState::kSecure : SecurityState::kNonSecure,
      .offset = (*page << features.page_bits) + named.info.offset + kNumberBytes * number,
      .bytes = named.info.layout.bits / 8,
      .named = named};
}

}  // namespace

std::string NamedRegisterV2::name() const {
  std::string text = info.layout.name;
  if (number) text = text.substr(0, text.size() - 1) + fmt::format("{}", *number);
  constexpr std::string_view kOfBank = "SMMU_CBn_";
  if (space != RegisterSpace::kBank) return text;
  return fmt::format("SMMU_CB{}_{}", *bank, text.substr(kOfBank.size()));
}

std::optional<NamedRegisterV2> find_register_v2(std::string_view name) {
  name = bare_name(name);
  if (auto found = find_numbered(name)) return found;
  // CB3.FSR, CB3_FSR.
  constexpr std::string_view kBank = "CB";
  if (!name.starts_with(kBank)) return std::nullopt;
  std::string_view rest = name.substr(kBank.size());
  const auto bank = take_number(rest);
  if (!bank || rest.empty() || (rest.front() != '.' && rest.front() != '_')) return std::nullopt;
  auto found = find_numbered(fmt::format("CBn_{}", rest.substr(1)));
  if (found) found->bank = bank;
  return found;
}

std::optional<LayoutInfo> find_layout_v2(std::string_view name, std::uint64_t word) {
  const auto found = find_register_v2(name);
  if (!found) return std::nullopt;
  return layout_chosen_by(found->info.layout, word);
}

std::optional<NamedRegisterV2> find_register_at(const FeaturesV2& features, std::uint32_t offset) {
  const emulator::RegisterPlace place = emulator::locate(features, offset);
  for (const RegisterInfo& info : registers_of(place.space)) {
    NamedRegisterV2 named{place.space, info};
    if (place.space == RegisterSpace::kBank) named.bank = place.bank;
    if (place.offset < info.offset || place.offset % kNumberBytes != 0) continue;
    const std::uint32_t number = (place.offset - info.offset) / kNumberBytes;
    if (number >= count_of(features, named)) continue;
    if (is_numbered(info.layout.name)) named.number = number;
    return named;
  }
  return std::nullopt;
}

std::optional<RegisterPlaceV2> find_place(const FeaturesV2& features, std::string_view text) {
  std::string_view rest = text;
  const bool secure = rest.starts_with(kSecure);
  if (secure) rest.remove_prefix(kSecure.size());
  std::optional<RegisterPlaceV2> place;
  if (const auto named = find_register_v2(rest)) {
    place = place_of(features, *named);
  } else if (const auto offset = parse_number(rest)) {
    if (*offset % 4 != 0 || *offset >= register_bytes(features)) return std::nullopt;
    place = RegisterPlaceV2{.text = {}, .offset = static_cast<std::uint32_t>(*offset), .named = {}};
    place->named = find_register_at(features, place->offset);
    if (place->named) place->bytes = place->named->info.layout.bits / 8;
  }
  if (!place) return std::nullopt;
  place->text = text;
  if (secure) place->security = SecurityState::kSecure;
  return place;
}

std::uint64_t register_bytes(const FeaturesV2& features) {
  return std::uint64_t{features.half_pages} * 2 << features.page_bits;
}

}  // namespace smmu::cli
