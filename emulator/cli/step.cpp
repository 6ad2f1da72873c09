#include "emulator/cli/step.h"

#include <fmt/format.h>

#include <algorithm>

namespace smmu::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLineWidth = 100;

// Fields that are worth their place though they are 0.
bool matters(const DecodedField& field) {
  constexpr std::string_view kAlways[] = {"V",     "Config", "Span",   "FMT",      "TG0",  "RnW",
                                          "AP",    "S2",     "CLASS",  "S2AP",     "TYPE", "M",
                                          "CBNDX", "WNR",    "Domain", "CLIENTPD", "VA64"};
  return field.value != 0 || std::ranges::find(kAlways, field.name) != std::end(kAlways);
}

std::string words_text(const std::vector<std::uint64_t>& words) {
  // Trailing zeros say nothing.
  std::size_t count = words.size();
  while (count > 1 && words[count - 1] == 0) --count;
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += fmt::format("{}{:#x}", i == 0 ? "" : " ", words[i]);
  if (count < words.size()) text += " 0 ...";
  return text;
}

// The fields in as many indented lines as they need.
void print_fields(const std::vector<DecodedField>& fields, const Paint& paint) {
  std::size_t column = 0;
  for (const DecodedField& field : fields) {
    const std::string value =
        " " + field.value_text() + (field.meaning.empty() ? "" : " (" + field.meaning + ")");
    const std::size_t width = field.name.size() + value.size();
    if (column == 0 || column + 2 + width > kLineWidth) {
      fmt::print("{}{:{}}", column == 0 ? "" : "\n", "", kStepIndent);
      column = kStepIndent;
    } else {
      fmt::print("  ");
      column += 2;
    }
    fmt::print("{}{}", paint.name(field.name), value);
    column += width;
  }
  if (column != 0) fmt::print("\n");
}

}  // namespace

std::vector<DecodedField> fields_that_matter(const LayoutInfo& layout,
                                             std::span<const std::uint64_t> words) {
  std::vector<DecodedField> fields = decode_fields(layout, words);
  std::erase_if(fields, [](const DecodedField& field) { return !matters(field); });
  return fields;
}

void print_step(const std::string& label, const Step& step, const Paint& paint) {
  fmt::print("{} {}", paint.dim(fmt::format("{:>{}}", label, kStepIndent - 2)),
             paint.bold(fmt::format(" {:<22}", step.title + " ")));
  if (step.address) fmt::print("{:<16}", fmt::format("at {:#x}", *step.address));
  if (step.words.empty() && step.address) {
    fmt::print("{}", paint.bad("  the read aborts"));
  } else if (!step.words.empty()) {
    fmt::print("{}{}", step.address ? "  " : "", paint.dim(words_text(step.words)));
  }
  if (!step.detail.empty()) fmt::print("  {}", step.detail);
  fmt::print("\n");
  print_fields(step.fields, paint);
}

Json to_json(const Step& step) {
  Json words = Json::array();
  for (const std::uint64_t word : step.words) words.push_back(fmt::format("{:#x}", word));
  Json fields = Json::object();
  for (const DecodedField& field : step.fields)
    fields[field.name] = fmt::format("{:#x}", field.value);
  Json json = {{"step", step.title}};
  if (step.address) json["address"] = fmt::format("{:#x}", *step.address);
  if (!step.detail.empty()) json["detail"] = step.detail;
  json["words"] = words;
  json["fields"] = fields;
  return json;
}

Json to_json(const std::vector<Step>& steps) {
  Json json = Json::array();
  for (const Step& step : steps) json.push_back(to_json(step));
  return json;
}

}  // namespace smmu::cli
