#include "bench/study/whole_number.h"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <system_error>

namespace smmu::study {

std::uint64_t whole_number(std::string_view option, std::string_view text, std::uint64_t least,
                           std::uint64_t most) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number < least || number > most) {
    throw std::runtime_error(
        fmt::format("{}: expected a whole number from {} to {}.", option, least, most));
  }
  return number;
}

}  // namespace smmu::study
