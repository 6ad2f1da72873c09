#include "bench/study/trace/capture_streams.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "bench/study/trace/lines.h"

namespace smmu::study {

namespace {

constexpr std::size_t kMaxStreams = 65536;

std::vector<std::string_view> columns_of(std::string_view line) {
  std::vector<std::string_view> columns;
  while (true) {
    const std::size_t end = line.find('\t');
    columns.push_back(line.substr(0, end));
    if (end == line.npos) return columns;
    line.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> granule_of(std::string_view word) {
  if (word == "4K") return 4096;
  if (word == "16K") return 16384;
  if (word == "64K") return 65536;
  return std::nullopt;
}

}  // namespace

std::map<std::uint64_t, AddressSpace> read_streams(const std::string& file) {
  Lines lines(file);
  constexpr std::array<std::string_view, 5> kWanted = {"sid", "kind", "asid", "granule", "ttb0"};
  std::array<std::size_t, kWanted.size()> places{};
  if (!lines.next()) throw BadInput(fmt::format("{}: expected a heading, found nothing.", file));
  const std::vector<std::string_view> heading = columns_of(lines.text());
  for (std::size_t i = 0; i < kWanted.size(); ++i) {
    const auto found = std::find(heading.begin(), heading.end(), kWanted[i]);
    if (found == heading.end()) {
      lines.reject(fmt::format("a heading with the column {}", kWanted[i]));
    }
    places[i] = static_cast<std::size_t>(found - heading.begin());
  }
  const std::size_t width = heading.size();

  std::map<std::uint64_t, AddressSpace> streams;
  std::map<std::uint64_t, AddressSpace> spaces;  // by ASID
  while (lines.next()) {
    if (lines.text().empty()) continue;
    const std::vector<std::string_view> columns = columns_of(lines.text());
    if (columns.size() != width) lines.reject(fmt::format("{} columns", width));
    const auto word = [&](std::size_t wanted) { return columns[places[wanted]]; };
    if (word(1) != "s1") continue;
    const auto sid = parse_number(word(0));
    const auto asid = parse_number(word(2));
    const auto granule = granule_of(word(3));
    const auto ttb0 = parse_number(word(4));
    if (!sid) lines.reject("the number of a stream", word(0));
    if (!asid) lines.reject("an ASID", word(2));
    if (!granule) lines.reject("a granule of 4K, 16K or 64K", word(3));
    if (!ttb0) lines.reject("the address of a table", word(4));
    const AddressSpace space{*asid, *ttb0, *granule};
    const auto [same, is_new] = spaces.emplace(*asid, space);
    if (!is_new && (same->second.ttb0 != *ttb0 || same->second.granule != *granule)) {
      lines.reject(fmt::format("the table that ASID {} had before", *asid), word(4));
    }
    if (!streams.emplace(*sid, space).second) lines.reject("each stream once", word(0));
    if (streams.size() > kMaxStreams) lines.reject(fmt::format("at most {} streams", kMaxStreams));
  }
  return streams;
}

std::string find_in_capture(const std::string& folder, const std::string& name) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw BadInput(fmt::format("{}: expected the folder of a capture.", folder));
  }
  for (const char* suffix : {"", ".gz"}) {
    const std::filesystem::path file = std::filesystem::path(folder) / (name + suffix);
    if (std::filesystem::exists(file, error)) return file.string();
  }
  throw BadInput(
      fmt::format("{}: expected a file {} or {}.gz, found neither.", folder, name, name));
}

}  // namespace smmu::study
