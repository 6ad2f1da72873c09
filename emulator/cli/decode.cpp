#include "emulator/cli/decode.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "emulator/cli/input.h"
#include "emulator/cli/meanings.h"
#include "emulator/cli/registers.h"
#include "emulator/cli/registers_v2.h"
#include "emulator/cli/terminal.h"
#include "smmu/arch/v3/commands.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/events.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/arch/v3/stream_table.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Kind {
  std::string_view name;
  LayoutInfo layout;
};

constexpr Kind kKinds[] = {
    {"ste", layout_info<v3::STE>("STE")},
    {"cd", layout_info<v3::CD>("CD")},
    {"l1std", layout_info<v3::L1STD>("L1STD")},
    {"l1cd", layout_info<v3::L1CD>("L1CD")},
    {"pt-table", layout_info<vmsa::Table_Stage1>("Table_Stage1")},
    {"pt-leaf", layout_info<vmsa::Leaf_Stage1>("Leaf_Stage1")},
};

// Says that a register is an SMMUv2's, where an SMMUv3 has one of that name too.
constexpr std::string_view kOfV2 = "v2:";

// An address is written in place.  Nothing else is wider than 32 bits, and of addresses within 32
// bits these are all.
bool is_in_place(const FieldInfo& field) {
  constexpr std::string_view kAddresses[] = {"BaseAddress", "Address", "PA", "VA"};
  return field.hi - field.lo >= 32 ||
         std::ranges::find(kAddresses, field.name) != std::end(kAddresses);
}

// What the first word of a command or an event names, or the part that all of them share.
template <class Layout, std::size_t N>
LayoutInfo selected(const Layout (&layouts)[N], std::uint64_t number, const LayoutInfo& common,
                    std::uint64_t (*number_of)(const Layout&)) {
  for (const Layout& layout : layouts) {
    if (number_of(layout) == number) return layout.layout;
  }
  return common;
}

}  // namespace

std::string DecodedField::value_text() const {
  return value < 10 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
}

std::vector<DecodedField> decode_fields(const LayoutInfo& layout,
                                        std::span<const std::uint64_t> words) {
  std::vector<DecodedField> fields;
  for (const FieldInfo& field : layout.fields) {
    if (field.name == nullptr) continue;
    const std::size_t index = field.lo / kWordBits;
    const std::uint64_t word = index < words.size() ? words[index] : 0;
    std::uint64_t value = word & mask(field.hi % kWordBits, field.lo % kWordBits);
    if (!is_in_place(field)) value >>= field.lo % kWordBits;
    fields.push_back(
        {field.name, field.hi, field.lo, value, meaning_of(layout.name, field.name, value)});
  }
  return fields;
}

std::optional<LayoutInfo> find_layout(std::string_view kind, std::span<const std::uint64_t> words) {
  const std::uint64_t first = words.empty() ? 0 : words[0];
  if (kind == "command") {
    const v3::CommandHeader header({first, 0});
    return selected<v3::CommandLayout>(
        v3::kCommands, static_cast<std::uint64_t>(header[v3::CommandHeader::Opcode]),
        layout_info<v3::CommandHeader>("command"),
        [](const v3::CommandLayout& layout) { return static_cast<std::uint64_t>(layout.opcode); });
  }
  if (kind == "event") {
    const v3::EventHeader header({first, 0, 0, 0});
    return selected<v3::EventLayout>(
        v3::kEvents, static_cast<std::uint64_t>(header[v3::EventHeader::EventNumber]),
        layout_info<v3::EventHeader>("event"),
        [](const v3::EventLayout& layout) { return static_cast<std::uint64_t>(layout.type); });
  }
  for (const Kind& known : kKinds) {
    if (known.name == kind) return known.layout;
  }
  if (kind.starts_with(kOfV2)) return find_layout_v2(kind.substr(kOfV2.size()), first);
  if (const RegisterInfo* info = find_register(kind)) return info->layout;
  return find_layout_v2(kind, first);
}

void decode(const DecodeOptions& options) {
  std::vector<std::uint64_t> words;
  for (const std::string& argument : options.words) {
    // The files of a capture have commas between words.
    std::string_view rest = argument;
    while (true) {
      const std::size_t comma = rest.find(',');
      std::string_view text = rest.substr(0, comma);
      if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
      const auto word = parse_hexadecimal(text);
      if (!word)
        throw BadInput(
            fmt::format("WORDS: expected hexadecimal words, found {}.", in_quotes(text)));
      words.push_back(*word);
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  const auto layout = find_layout(options.kind, words);
  if (!layout) {
    throw BadInput(
        fmt::format("KIND: expected ste, cd, l1std, l1cd, command, event, pt-table, pt-leaf or the "
                    "name of a register, found {}.",
                    in_quotes(options.kind)));
  }
  const std::size_t count = (layout->bits + kWordBits - 1) / kWordBits;
  if (words.empty() || words.size() > count ||
      (layout->bits < kWordBits && words[0] >> layout->bits != 0)) {
    throw BadInput(fmt::format("WORDS: expected {} of {} bits for {}.",
                               count == 1 ? "one word" : fmt::format("at most {} words", count),
                               std::min(layout->bits, kWordBits), layout->name));
  }
  words.resize(count);

  const std::vector<DecodedField> fields = decode_fields(*layout, words);
  if (options.output.json) {
    Json list = Json::array();
    for (const DecodedField& field : fields) {
      Json entry = {{"name", field.name},
                    {"hi", field.hi},
                    {"lo", field.lo},
                    {"value", fmt::format("{:#x}", field.value)}};
      if (!field.meaning.empty()) entry["meaning"] = field.meaning;
      list.push_back(std::move(entry));
    }
    Json raw = Json::array();
    for (const std::uint64_t word : words) raw.push_back(fmt::format("{:#x}", word));
    fmt::print("{}\n", Json{{"layout", layout->name}, {"words", raw}, {"fields", list}}.dump(2));
    return;
  }

  const Paint paint = Paint::for_stdout();
  std::string raw;
  for (const std::uint64_t word : words) raw += fmt::format(" {:#x}", word);
  fmt::print("{}{}\n", paint.bold(layout->name), paint.dim(raw));
  std::size_t width = 0;
  for (const DecodedField& field : fields) width = std::max(width, field.name.size());
  bool any = false;
  for (const DecodedField& field : fields) {
    if (field.value == 0 && !options.output.all) continue;
    any = true;
    const std::string bits = field.hi == field.lo ? fmt::format("[{}]", field.hi)
                                                  : fmt::format("[{}:{}]", field.hi, field.lo);
    fmt::print("  {:>9}  {}  {}{}\n", bits, paint.name(fmt::format("{:<{}}", field.name, width)),
               field.value_text(), field.meaning.empty() ? "" : "  " + field.meaning);
  }
  if (!any) fmt::print("  no field is set\n");
}

}  // namespace smmu::cli
