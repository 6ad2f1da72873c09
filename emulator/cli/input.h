// The tool's input: its files, and the values of its options.
//
// Whatever is wrong with an input is thrown as BadInput where it is found and caught in main alone.
#ifndef EMULATOR_CLI_INPUT_H_
#define EMULATOR_CLI_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>

#include "input/bad_input.h"
#include "input/lines.h"
#include "input/words.h"

namespace smmu::cli {

using input::BadInput;
using input::in_quotes;
using input::parse_hexadecimal;
using input::parse_number;
using input::printable;

inline constexpr std::uint64_t kMaxUnpackedBytes = std::uint64_t{256} << 20;
inline constexpr std::size_t kMaxLineBytes = std::size_t{8} << 20;

// As input::Lines, within these limits.
class Lines : public input::Lines {
 public:
  explicit Lines(const std::filesystem::path& file)
      : input::Lines(file, {kMaxLineBytes, kMaxUnpackedBytes}) {}
};

// `name` or `name`.gz in `folder`, the plain one if both are there.  BadInput if neither is.
std::filesystem::path find_input(const std::filesystem::path& folder, std::string_view name);
// The same, where the file may be missing.
std::optional<std::filesystem::path> find_optional_input(const std::filesystem::path& folder,
                                                         std::string_view name);

// The value of a command line's `option`.  BadInput if it is no number up to `limit`.
std::uint64_t parse_option(std::string_view option, std::string_view text, std::uint64_t limit);

inline constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_INPUT_H_
