// A file of tab-separated columns under a heading line.
#ifndef EMULATOR_CLI_TSV_H_
#define EMULATOR_CLI_TSV_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "emulator/cli/input.h"

namespace smmu::cli {

// The caller names the columns it wants; afterwards it speaks of them by their place in that list.
// The file may have others, in any order.
class Tsv {
 public:
  // BadInput if the heading does not have a column that is wanted.  `names` must outlive the
  // object.
  Tsv(const std::filesystem::path& file, std::span<const std::string_view> names);

  // Steps to the next line; false at the end.  BadInput if the line does not have one field for
  // each column of the heading.
  bool next();

  std::uint64_t line() const { return lines_.number(); }
  std::string_view text(std::size_t column) const { return fields_[places_[column]]; }
  // BadInput if the field is not a number, or above `limit`.
  std::uint64_t number(std::size_t column, std::uint64_t limit = kMax64) const;
  [[noreturn]] void reject(std::size_t column, std::string_view expected) const;

 private:
  void split();

  Lines lines_;
  std::span<const std::string_view> names_;
  std::size_t columns_ = 0;
  std::vector<std::size_t> places_;
  std::vector<std::string_view> fields_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_TSV_H_
