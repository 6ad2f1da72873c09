#include "emulator/cli/input.h"

#include <fmt/format.h>

#include <system_error>

namespace smmu::cli {

std::optional<std::filesystem::path> find_optional_input(const std::filesystem::path& folder,
                                                         std::string_view name) {
  std::error_code error;
  std::filesystem::path file = folder / name;
  if (std::filesystem::exists(file, error)) return file;
  file += ".gz";
  if (std::filesystem::exists(file, error)) return file;
  return std::nullopt;
}

std::filesystem::path find_input(const std::filesystem::path& folder, std::string_view name) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw BadInput(fmt::format("{}: expected the folder of a capture.", folder.string()));
  }
  if (auto file = find_optional_input(folder, name)) return *file;
  throw BadInput(
      fmt::format("{}: expected a file {} or {}.gz, found neither.", folder.string(), name, name));
}

std::uint64_t parse_option(std::string_view option, std::string_view text, std::uint64_t limit) {
  const auto value = parse_number(text);
  if (value && *value <= limit) return *value;
  throw BadInput(
      fmt::format("{}: expected a number up to {:#x}, found {}.", option, limit, in_quotes(text)));
}

}  // namespace smmu::cli
