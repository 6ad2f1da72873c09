#include "emulator/cli/capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "emulator/cli/capture_tables.h"
#include "emulator/cli/input.h"

namespace smmu::cli {

namespace {

using std::string_view;

// mmio.log
std::vector<RegisterAccessLine> load_accesses(const std::filesystem::path& file) {
  std::vector<RegisterAccessLine> result;
  Lines lines(file);
  while (lines.next()) {
    if (lines.text().empty() || lines.text().front() == '#') continue;
    std::array<string_view, 5> fields{};
    std::size_t count = 0;
    for (string_view rest = lines.text(); !rest.empty();) {
      if (count == fields.size()) lines.reject("\"W|R OFFSET SIZE VALUE [xN]\"");
      fields[count] = rest.substr(0, rest.find(' '));
      rest.remove_prefix(std::min(fields[count].size() + 1, rest.size()));
      ++count;
    }
    const auto [kind, offset_text, size_text, value_text, repeat] = fields;
    if (count < 4 || (kind != "W" && kind != "R")) lines.reject("\"W|R OFFSET SIZE VALUE [xN]\"");
    if (count == 5 &&
        (kind == "W" || !repeat.starts_with('x') || !parse_number(repeat.substr(1)))) {
      lines.reject("how often a value was read, as \"xN\"", repeat);
    }
    const auto offset = parse_number(offset_text);
    const auto size = parse_number(size_text);
    const auto value = parse_number(value_text);
    if (!size || (*size != 4 && *size != 8)) lines.reject("a size of 4 or 8 bytes", size_text);
    if (!offset || *offset >= kRegisterBytes || *offset % *size != 0) {
      lines.reject(
          fmt::format("an offset below {:#x} that is a multiple of the size", kRegisterBytes),
          offset_text);
    }
    const auto place = static_cast<std::uint32_t>(*offset);
    if (find_register_at(place, static_cast<std::uint32_t>(*size)) == nullptr)
      lines.reject("the offset of a register of the SMMU", offset_text);
    if (!value || (*size == 4 && *value > kMax32)) {
      lines.reject(fmt::format("a value of {} bits", *size * 8), value_text);
    }
    result.push_back(
        {lines.number(), kind == "W", place, static_cast<std::uint32_t>(*size), *value});
  }
  return result;
}

}  // namespace

std::string folder_name(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder.lexically_normal();
  return (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
}

std::optional<v3::EventType> event_of_name(std::string_view name) {
  const auto found = std::ranges::find_if(
      v3::kEvents, [name](const v3::EventLayout& event) { return event.layout.name == name; });
  if (found == std::end(v3::kEvents)) return std::nullopt;
  return found->type;
}

Capture Capture::load(const std::filesystem::path& folder) {
  Capture capture;
  capture.folder = folder;
  capture.name = folder_name(folder);
  capture.registers = load_registers(folder);
  capture.memory = MemoryImage::load(folder);
  capture.streams = load_streams(find_input(folder, "streams.tsv"));
  capture.translations = load_translations(find_input(folder, "translations.tsv"));
  capture.excluded = load_translations(find_input(folder, "excluded.tsv"));
  capture.mappings = load_mappings(find_input(folder, "mappings.tsv"));
  capture.faults = load_faults(find_input(folder, "faults.tsv"));
  capture.events = load_events(find_input(folder, "events.tsv"));
  capture.bypass = load_bypass(find_input(folder, "bypass.tsv"));
  capture.walks = load_walks(find_input(folder, "walks.tsv"));
  capture.accesses = load_accesses(find_input(folder, "mmio.log"));
  capture.commands = load_commands(find_input(folder, "commands.tsv"));
  return capture;
}

}  // namespace smmu::cli
