#include "bench/study/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "bench/study/document_json.h"

namespace smmu::study {

namespace {

// More than any matrix comes to.
constexpr std::uintmax_t kMostBytes = std::uintmax_t{64} << 20;

std::string text_of(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    throw std::runtime_error(fmt::format("{}: expected a file that can be read.", file));
  }
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (!error && size > kMostBytes) {
    throw std::runtime_error(
        fmt::format("{}: expected at most {} bytes, found {}.", file, kMostBytes, size));
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text(error ? 0 : size, '\0');
  if (!stream.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    throw std::runtime_error(fmt::format("{}: expected a file that can be read.", file));
  }
  return text;
}

}  // namespace

Machine Machine::here() {
  Machine machine{.processor = "unknown", .compiler = __VERSION__};
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::size_t value = line.find(": ");
    if (!line.starts_with("model name") || value == std::string::npos) continue;
    machine.processor = line.substr(value + 2);
    break;
  }
  return machine;
}

void expect_writable(const std::string& file) {
  std::error_code error;
  const bool was_there = std::filesystem::exists(file, error);
  // Appends nothing, so that what is there stays until there is something better.
  if (!std::ofstream(file, std::ios::app)) {
    throw std::runtime_error(fmt::format("{}: expected a file that can be written.", file));
  }
  // And leaves nothing behind if the run does not come to its end.
  if (!was_there) std::filesystem::remove(file, error);
}

void write_document(const Document& document, const std::string& file) {
  std::ofstream stream(file);
  stream << json_of(document);
  if (!stream.flush()) {
    throw std::runtime_error(fmt::format("{}: expected a file that can be written.", file));
  }
}

Document read_document(const std::string& file) {
  const std::string text = text_of(file);
  try {
    return document_of(text);
  } catch (const BadDocument& bad) {
    if (bad.line() == 0) throw std::runtime_error(fmt::format("{}: {}", file, bad.what()));
    throw std::runtime_error(fmt::format("{}:{}: {}", file, bad.line(), bad.what()));
  }
}

Document merge(const std::vector<std::string>& files) {
  Document whole;
  std::vector<std::string> file_of;  // by shard
  std::size_t cells = 0;
  for (const std::string& file : files) {
    Document part = read_document(file);
    const auto refuse = [&](std::string why) {
      throw std::runtime_error(fmt::format("{}: {}", file, why));
    };
    if (file_of.empty()) {
      file_of.resize(part.shard.of);
      whole.machine = part.machine;
      whole.selection = part.selection;
      cells = cells_of(whole.selection).size();
      whole.results.resize(cells);
    }
    if (part.selection != whole.selection) {
      refuse(fmt::format("expected the selection of {}, found another.", files.front()));
    }
    if (part.shard.of != file_of.size()) {
      refuse(fmt::format("expected a shard of {}, as in {}, found one of {}.", file_of.size(),
                         files.front(), part.shard.of));
    }
    if (!whole.selection.count && part.machine != whole.machine) {
      refuse(fmt::format("expected times of the machine and compiler of {}, found those of {}, {}.",
                         files.front(), part.machine.processor, part.machine.compiler));
    }
    std::string& place = file_of[part.shard.index - 1];
    if (!place.empty()) {
      refuse(fmt::format("expected a shard that is not there yet, found {}/{} as in {}.",
                         part.shard.index, part.shard.of, place));
    }
    place = file;
    for (std::size_t i = 0; i != part.results.size(); ++i) {
      whole.results[part.shard.index - 1 + i * part.shard.of] = std::move(part.results[i]);
    }
  }
  const auto missing = std::ranges::find(file_of, "");
  if (missing != file_of.end()) {
    throw std::runtime_error(fmt::format("expected all {} shards, found none that is {}/{}.",
                                         file_of.size(), missing - file_of.begin() + 1,
                                         file_of.size()));
  }
  return whole;
}

}  // namespace smmu::study
