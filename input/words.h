// Words of an input: numbers, and what may be shown of the others.
#ifndef INPUT_WORDS_H_
#define INPUT_WORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace smmu::input {

// The whole of `text` as a number: hexadecimal after 0x, else decimal.  No sign, no spaces.
std::optional<std::uint64_t> parse_number(std::string_view text);
std::optional<std::uint64_t> parse_decimal(std::string_view text);
// Hexadecimal without a prefix.
std::optional<std::uint64_t> parse_hexadecimal(std::string_view text);

// `text` without what a terminal would obey.
std::string printable(std::string_view text);
// The same in quotes, and shortened.
std::string in_quotes(std::string_view text);

}  // namespace smmu::input

#endif  // INPUT_WORDS_H_
