#include "input/words.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <system_error>

namespace smmu::input {
namespace {

std::optional<std::uint64_t> parse(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) return parse(text.substr(2), 16);
  return parse(text, 10);
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) { return parse(text, 10); }

std::optional<std::uint64_t> parse_hexadecimal(std::string_view text) { return parse(text, 16); }

std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) c = c == '\t' ? ' ' : '?';
  }
  return shown;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return fmt::format("\"{}{}\"", printable(text.substr(0, kShown)),
                     text.size() > kShown ? "..." : "");
}

}  // namespace smmu::input
