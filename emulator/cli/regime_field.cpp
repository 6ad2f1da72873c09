#include "emulator/cli/regime_field.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <type_traits>

#include "emulator/cli/input.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::cli {

using v3::CD;
using v3::STE;

namespace {

constexpr NamedValue kTG0[] = {{"4K", 0}, {"16K", 2}, {"64K", 1}};
constexpr NamedValue kTG1[] = {{"4K", 2}, {"16K", 1}, {"64K", 3}};
constexpr NamedValue kSizes[] = {{"32", 0}, {"36", 1}, {"40", 2}, {"42", 3},
                                 {"44", 4}, {"48", 5}, {"52", 6}};
constexpr NamedValue kShareability[] = {{"NSH", 0}, {"OSH", 2}, {"ISH", 3}};
constexpr NamedValue kEndianness[] = {{"little", 0}, {"big", 1}};
constexpr NamedValue kWorlds[] = {{"EL1", 0}, {"EL2", 2}};
constexpr NamedValue kFormats[] = {
    {"aarch64", static_cast<std::uint64_t>(DescriptorFormat::kAArch64)},
    {"aarch32-long", static_cast<std::uint64_t>(DescriptorFormat::kAArch32Long)},
    {"aarch32-short", static_cast<std::uint64_t>(DescriptorFormat::kAArch32Short)}};

constexpr unsigned kA = 1U << static_cast<unsigned>(DescriptorFormat::kAArch64);
constexpr unsigned kL = 1U << static_cast<unsigned>(DescriptorFormat::kAArch32Long);
constexpr unsigned kS = 1U << static_cast<unsigned>(DescriptorFormat::kAArch32Short);
constexpr unsigned kAll = kA | kL | kS;

template <class F>
constexpr RegimeField field(F tag, unsigned formats, std::span<const NamedValue> names = {}) {
  constexpr bool kIsAddress = std::is_same_v<F, AddressOf<typename F::Owner, F::kHi, F::kLo>>;
  constexpr FieldOwner kOwner =
      std::is_same_v<typename F::Owner, CD> ? FieldOwner::kCD : FieldOwner::kSTE;
  FieldInfo place = tag;
  // [55:52] are for VMSAv9-128, and ignored.
  if (kIsAddress) place.hi = place.lo / kWordBits * kWordBits + 51;
  return {place, kOwner, formats, names, kIsAddress};
}
constexpr RegimeField field(const char* name, unsigned bits, FieldOwner owner, unsigned formats,
                            std::span<const NamedValue> names = {}) {
  return {{name, bits - 1, 0}, owner, formats, names};
}

// Of VMSAv8-32 the STE's fields are those of S2AA64 0.
constexpr RegimeField kRegimeFields[] = {
    field(CD::TTB0, kA | kL),
    field(CD::TTB1, kA | kL),
    field("TTBR0", 32, FieldOwner::kRegister, kS),
    field("TTBR1", 32, FieldOwner::kRegister, kS),
    field(CD::T0SZ, kA | kL),
    field(CD::T1SZ, kA | kL),
    field(CD::TG0, kA, kTG0),
    field(CD::TG1, kA, kTG1),
    field(CD::EPD0, kAll),
    field(CD::EPD1, kAll),
    field(CD::IPS, kA, kSizes),
    field(CD::DS, kA),
    field(CD::SH0, kA, kShareability),
    field(CD::SH1, kA, kShareability),
    field(CD::TBI0, kA),
    field(CD::TBI1, kA),
    field(CD::HAD0, kA | kL),
    field(CD::HAD1, kA | kL),
    field(CD::E0PD0, kA),
    field(CD::E0PD1, kA),
    field(CD::AFFD, kAll),
    field(CD::HA, kA),
    field(CD::HD, kA),
    field(CD::WXN, kAll),
    field(CD::UWXN, kL | kS),
    field(CD::PAN, kAll),
    field(CD::EPAN, kA),
    field(CD::ENDI, kAll, kEndianness),
    field(CD::MAIR0, kA | kL),
    field(CD::MAIR1, kA | kL),
    field("STRW", 2, FieldOwner::kRegister, kA | kL, kWorlds),
    field("E2H", 1, FieldOwner::kRegister, kA),
    field("MAIR", 64, FieldOwner::kRegister, kA | kL),
    field("N", 3, FieldOwner::kRegister, kS),
    field("AFE", 1, FieldOwner::kRegister, kS),
    field("TRE", 1, FieldOwner::kRegister, kS),
    field("PRRR", 32, FieldOwner::kRegister, kS),
    field("NMRR", 32, FieldOwner::kRegister, kS),
    field("DACR", 32, FieldOwner::kRegister, kS),
    field(STE::S2TTB, kA | kL),
    field(STE::S2T0SZ, kA | kL),
    field(STE::S2SL0, kA | kL),
    field(STE::S2SL0_2, kA),
    field(STE::S2TG, kA, kTG0),
    field(STE::S2PS, kA, kSizes),
    field(STE::S2DS, kA),
    field(STE::S2SH0, kA, kShareability),
    field(STE::S2AA64, kA | kL),
    field(STE::S2AFFD, kA | kL),
    field(STE::S2HA, kA),
    field(STE::S2HD, kA),
    field(STE::S2PTW, kA | kL),
    field(STE::S2FWB, kA),
    field(STE::S2ENDI, kA | kL, kEndianness),
    field("OAS", 3, FieldOwner::kSmmu, kAll, kSizes),
};

// What the registers of a PE call some of them.
constexpr struct {
  std::string_view other;
  std::string_view name;
} kAliases[] = {{"TTBR0", "TTB0"}, {"TTBR1", "TTB1"}, {"TTB0", "TTBR0"}, {"TTB1", "TTBR1"},
                {"PD0", "EPD0"},   {"PD1", "EPD1"},   {"HPD0", "HAD0"},  {"HPD1", "HAD1"},
                {"EE", "ENDI"},    {"TTBCR.N", "N"}};

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) {
    const auto lower = [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; };
    return lower(x) == lower(y);
  });
}

const NamedValue* find_named(std::span<const NamedValue> names, std::string_view text) {
  const auto found = std::ranges::find_if(
      names, [&](const NamedValue& named) { return equal_but_for_case(named.name, text); });
  return found != names.end() ? &*found : nullptr;
}

bool means(std::string_view text, const RegimeField& field) {
  if (equal_but_for_case(text, field.name())) return true;
  return std::ranges::any_of(kAliases, [&](const auto& alias) {
    return alias.name == field.name() && equal_but_for_case(text, alias.other);
  });
}

std::string names_text(std::span<const NamedValue> names) {
  std::string text;
  for (std::size_t i = 0; i != names.size(); ++i) {
    text += i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    text += names[i].name;
  }
  return text;
}

// Beside what parse_number() takes, binary after 0b, as the manual writes codes.
std::optional<std::uint64_t> parse_code(std::string_view text) {
  if (!text.starts_with("0b")) return parse_number(text);
  text.remove_prefix(2);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, 2);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::string_view name_of(DescriptorFormat format) {
  return kFormats[static_cast<std::size_t>(format)].name;
}

std::optional<DescriptorFormat> find_format(std::string_view text) {
  const NamedValue* found = find_named(kFormats, text);
  return found != nullptr ? std::optional(static_cast<DescriptorFormat>(found->value))
                          : std::nullopt;
}

std::optional<std::uint64_t> RegimeField::parse(std::string_view text) const {
  if (const NamedValue* named = find_named(names, text)) return named->value;
  const auto value = parse_code(text);
  if (!value || (*value & ~mask()) != 0) return std::nullopt;
  // A code that is reserved is not worth a walk.
  const auto same = [&](const NamedValue& named) { return named.value == *value; };
  if (!names.empty() && std::ranges::none_of(names, same)) return std::nullopt;
  return value;
}

std::string RegimeField::expectation() const {
  if (!names.empty()) return names_text(names);
  if (is_flag()) return "0 or 1";
  if (address) {
    return fmt::format("an address of bits [{}:{}]", place.hi % kWordBits, place.lo % kWordBits);
  }
  return fmt::format("a number up to {}",
                     mask() < 0x100 ? fmt::format("{}", mask()) : fmt::format("{:#x}", mask()));
}

std::span<const RegimeField> regime_fields() { return kRegimeFields; }

const RegimeField* find_regime_field(std::string_view text, DescriptorFormat format) {
  const RegimeField* found = nullptr;
  for (const RegimeField& field : kRegimeFields) {
    if (!means(text, field)) continue;
    if (found == nullptr || field.is_of(format)) found = &field;
  }
  return found;
}

std::string regime_help() {
  // Lines of names, in the order of the table.
  const auto list = [](std::string_view title, auto&& belongs) {
    constexpr std::size_t kWidth = 90;
    std::string text = fmt::format("  {}\n", title);
    std::string line;
    for (const RegimeField& field : kRegimeFields) {
      if (!belongs(field)) continue;
      std::string word(field.name());
      if (!field.names.empty()) {
        word += "=" + std::string(field.names[0].name);
        for (const NamedValue& named : field.names.subspan(1))
          word += "|" + std::string(named.name);
      }
      if (line.size() + word.size() > kWidth) {
        text += "   " + line + "\n";
        line.clear();
      }
      line += " " + word;
    }
    return text + "   " + line + "\n";
  };
  return list("aarch64:",
              [](const RegimeField& f) {
                return f.owner != FieldOwner::kSTE && f.is_of(DescriptorFormat::kAArch64);
              }) +
         list("aarch32-long:",
              [](const RegimeField& f) {
                return f.owner != FieldOwner::kSTE && f.is_of(DescriptorFormat::kAArch32Long);
              }) +
         list("aarch32-short:",
              [](const RegimeField& f) {
                return f.owner != FieldOwner::kSTE && f.is_of(DescriptorFormat::kAArch32Short);
              }) +
         list("stage 2:", [](const RegimeField& f) { return f.owner == FieldOwner::kSTE; });
}

}  // namespace smmu::cli
