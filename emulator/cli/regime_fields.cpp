#include "emulator/cli/regime_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/input.h"

namespace smmu::cli {

struct RegimeFields::Item {
  std::string source;
  std::string text;
  std::string name;                  // what is before '='
  std::optional<std::string> value;  // what is after it
};

namespace {

bool separates(char c) { return c == ',' || c == ' ' || c == '\t'; }

}  // namespace

RegimeFields RegimeFields::parse(const std::vector<std::string>& arguments) {
  std::vector<Item> items;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with('@')) {
      split(argument, "--regime", items);
      continue;
    }
    for (Lines lines(argument.substr(1)); lines.next();) {
      const std::string_view text = lines.text();
      split(text.substr(0, text.find('#')), fmt::format("{}:{}", lines.file(), lines.number()),
            items);
    }
  }
  RegimeFields fields;
  fields.take_format(items);
  for (const Item& item : items) fields.take(item);
  fields.check_stage2_format();
  if (!fields.has_stage1_ && !fields.has_stage2_) {
    throw BadInput("--regime: expected the fields of a stage, TTB0 or S2TTB among them.");
  }
  return fields;
}

void RegimeFields::split(std::string_view text, const std::string& source,
                         std::vector<Item>& items) {
  constexpr std::size_t kMost = 1000;  // no field may come twice
  while (true) {
    while (!text.empty() && separates(text.front())) text.remove_prefix(1);
    if (text.empty()) return;
    const auto end = std::ranges::find_if(text, separates);
    const std::string word(text.begin(), end);
    text.remove_prefix(word.size());
    const std::size_t equals = word.find('=');
    Item item{source, word, word.substr(0, equals), std::nullopt};
    if (equals != std::string::npos) item.value = word.substr(equals + 1);
    if (items.size() == kMost) throw BadInput(source + ": expected each field once.");
    items.push_back(std::move(item));
  }
}

// The word that says it may stand behind fields that depend on it.
void RegimeFields::take_format(const std::vector<Item>& items) {
  const Item* found = nullptr;
  for (const Item& item : items) {
    const auto format = find_format(item.text);
    if (!format) continue;
    if (found != nullptr) {
      throw BadInput(fmt::format("{}: expected one format, found {} and {}.", item.source,
                                 in_quotes(found->text), in_quotes(item.text)));
    }
    found = &item;
    format_ = *format;
    has_stage1_ = true;
  }
}

void RegimeFields::take(const Item& item) {
  if (find_format(item.text)) return;
  const RegimeField* field = find_regime_field(item.name, format_);
  if (field == nullptr) {
    throw BadInput(fmt::format("{}: expected a field of a regime (see walk --help), found {}.",
                               item.source, in_quotes(item.text)));
  }
  const std::string name(field->name());
  if (!item.value && !field->is_flag()) {
    throw BadInput(
        fmt::format("{}: expected {}=VALUE, found {}.", item.source, name, in_quotes(item.text)));
  }
  if (field->owner != FieldOwner::kSTE && !field->is_of(format_)) {
    throw BadInput(fmt::format("{}: expected a field that {} tables have, found {}.", item.source,
                               name_of(format_), in_quotes(item.text)));
  }
  const std::string text = item.value.value_or("1");
  const auto value = field->parse(text);
  if (!value) {
    throw BadInput(fmt::format("{}: expected {} to be {}, found {}.", item.source, name,
                               field->expectation(), in_quotes(text)));
  }
  const auto [earlier, is_new] = given_.emplace(name, Given{item.source, *value});
  if (!is_new) {
    throw BadInput(fmt::format("{}: expected {} once, found {} after that of {}.", item.source,
                               name, in_quotes(item.text), earlier->second.source));
  }
  if (field->owner == FieldOwner::kSTE) has_stage2_ = true;
  if (field->owner == FieldOwner::kCD || field->owner == FieldOwner::kRegister) has_stage1_ = true;
}

// As take() does for stage 1.
void RegimeFields::check_stage2_format() const {
  if (find("S2AA64").value_or(1) != 0) return;
  for (const RegimeField& field : regime_fields()) {
    if (field.owner != FieldOwner::kSTE || field.is_of(DescriptorFormat::kAArch32Long)) continue;
    if (!find(field.name())) continue;
    throw BadInput(fmt::format("{}: expected a field that tables with S2AA64=0 have, found {}.",
                               source(field.name()), in_quotes(field.name())));
  }
}

std::optional<std::uint64_t> RegimeFields::find(std::string_view name) const {
  const auto found = given_.find(name);
  return found != given_.end() ? std::optional(found->second.value) : std::nullopt;
}

void RegimeFields::store(FieldOwner owner, std::array<std::uint64_t, 8>& words) const {
  for (const RegimeField& field : regime_fields()) {
    if (field.owner != owner) continue;
    const auto value = find(field.name());
    if (!value) continue;
    const unsigned shift = field.address ? 0 : field.place.lo % kWordBits;
    words[field.place.lo / kWordBits] |= *value << shift;
  }
}

std::string RegimeFields::source(std::string_view name) const {
  const auto found = given_.find(name);
  return found != given_.end() ? found->second.source : "--regime";
}

}  // namespace smmu::cli
