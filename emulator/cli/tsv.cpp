#include "emulator/cli/tsv.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace smmu::cli {

namespace {

constexpr std::size_t kMaxColumns = 64;

}  // namespace

Tsv::Tsv(const std::filesystem::path& file, std::span<const std::string_view> names)
    : lines_(file), names_(names), columns_(kMaxColumns) {
  if (!lines_.next()) {
    throw BadInput(fmt::format("{}:1: expected a heading with the columns {}, found an empty file.",
                               lines_.file(), fmt::join(names, " ")));
  }
  split();
  columns_ = fields_.size();
  for (const std::string_view name : names) {
    // A heading may explain its column in brackets: "walk(level:...)".
    const auto field = std::ranges::find_if(fields_, [name](std::string_view heading) {
      return heading == name || (heading.starts_with(name) && heading[name.size()] == '(');
    });
    if (field == fields_.end()) lines_.reject(fmt::format("a heading with a column {}", name));
    places_.push_back(static_cast<std::size_t>(field - fields_.begin()));
  }
}

void Tsv::split() {
  fields_.clear();
  std::string_view rest = lines_.text();
  while (fields_.size() < columns_) {
    const std::size_t tab = rest.find('\t');
    fields_.push_back(rest.substr(0, tab));
    if (tab == std::string_view::npos) return;
    rest.remove_prefix(tab + 1);
  }
  lines_.reject(fmt::format("{} columns", columns_));
}

bool Tsv::next() {
  if (!lines_.next()) return false;
  split();
  if (fields_.size() != columns_) lines_.reject(fmt::format("{} columns", columns_));
  return true;
}

std::uint64_t Tsv::number(std::size_t column, std::uint64_t limit) const {
  const auto value = parse_number(text(column));
  if (!value) reject(column, "a number");
  if (*value > limit) reject(column, fmt::format("a number up to {:#x}", limit));
  return *value;
}

void Tsv::reject(std::size_t column, std::string_view expected) const {
  lines_.reject(fmt::format("{} in column {}", expected, names_[column]), text(column));
}

}  // namespace smmu::cli
