#include "emulator/cli/regime_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/cli/descriptor_step.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/vmsa/aarch64.h"

namespace smmu::cli {

namespace {

using emulator::Purpose;
using emulator::Walker;

// Of what was given, and what was taken for given.
std::vector<DecodedField> fields_of_structure(const LayoutInfo& layout,
                                              std::span<const std::uint64_t> words,
                                              const RegimeFields& given) {
  std::vector<DecodedField> fields = fields_that_matter(layout, words);
  std::erase_if(fields, [&](const DecodedField& field) {
    const std::string_view name = field.name;
    return name == "V" || name == "A" || name == "Config" || name == "AA64" ||
           (name == "TG0" && !given.find("TTB0")) || (name == "TG1" && !given.find("TTB1"));
  });
  return fields;
}

std::vector<DecodedField> fields_of_short(const DirectRegime& direct) {
  std::vector<DecodedField> fields;
  for (const char* name : {"TTBR0", "TTBR1", "N", "EPD0", "EPD1", "AFE", "AFFD", "TRE", "PRRR",
                           "NMRR", "DACR", "WXN", "UWXN", "PAN", "ENDI"}) {
    const auto value = direct.fields.find(name);
    if (value) fields.push_back({name, 31, 0, *value, ""});
  }
  return fields;
}

// "aarch64, EL2": which tables, and whose if they are not EL1's.
std::string tables_text(const RegimeFields& fields) {
  std::string text(name_of(fields.format()));
  if (fields.get("STRW") != 0) text += fields.get("E2H") != 0 ? ", EL2 with E2H" : ", EL2";
  return text;
}

Step stage1_step(const DirectRegime& direct) {
  const bool is_short = direct.fields.format() == DescriptorFormat::kAArch32Short;
  return {.title = "Stage 1",
          .address = std::nullopt,
          .words = {},
          .detail = tables_text(direct.fields),
          .fields = is_short ? fields_of_short(direct)
                             : fields_of_structure(layout_info<v3::CD>("CD"), direct.cd.words(),
                                                   direct.fields)};
}

Step stage2_step(const DirectRegime& direct) {
  return {.title = "Stage 2",
          .address = std::nullopt,
          .words = {},
          .detail = std::string(name_of(tree_of(direct, 2, 0).format)),
          .fields =
              fields_of_structure(layout_info<v3::STE>("STE"), direct.ste.words(), direct.fields)};
}

// What DACR says of the domain that a descriptor names (DDI 0487, G5.6.4).
void explain_domain(Step& step, std::uint32_t domains) {
  constexpr std::string_view kAccess[] = {"No access", "Client", "reserved: No access", "Manager"};
  for (DecodedField& field : step.fields) {
    if (field.name == "Domain") field.meaning = kAccess[domains >> 2 * field.value & 0b11];
  }
}

// "AF 0 -> 1": the fields that differ.
std::string difference(const LayoutInfo& layout, std::uint64_t before, std::uint64_t after) {
  const auto old_fields = decode_fields(layout, std::array{before});
  const auto new_fields = decode_fields(layout, std::array{after});
  std::string text;
  for (std::size_t i = 0; i != old_fields.size(); ++i) {
    if (old_fields[i].value == new_fields[i].value) continue;
    text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", old_fields[i].name,
                        old_fields[i].value_text(), new_fields[i].value_text());
  }
  return text;
}

Step update_step(const RawMemory::Update& update, const emulator::TableAccess& access,
                 const TableTree& tree) {
  // Only 64-bit descriptors are updated.
  const LayoutInfo layout = access.stage == 1 ? layout_info<vmsa::Leaf_Stage1>("Leaf_Stage1")
                                              : layout_info<vmsa::Leaf_Stage2>("Leaf_Stage2");
  const std::uint64_t before = in_table_order(tree, update.before);
  const std::uint64_t after = in_table_order(tree, update.after);
  return {.title = "Hardware update",
          .address = update.address,
          .words = {after},
          .detail = difference(layout, before, after) + ", which is not written to the file",
          .fields = {}};
}

// The reads of descriptors, in order: of the memory's loads there are no others.
std::vector<emulator::TableAccess> accesses_of(const RegimeStory& story) {
  std::vector<emulator::TableAccess> accesses;
  for (const Happening& happening : story.recorder.happenings()) {
    const auto* access = std::get_if<emulator::TableAccess>(&happening);
    if (access != nullptr) accesses.push_back(*access);
  }
  return accesses;
}

// Whether the descriptor that was updated is the one that was read last.  If not it is that of
// stage 1, whose place stage 2 was asked for again.
bool is_own(const RawMemory::Update& update, const emulator::TableAccess& last) {
  return update.address == last.address.value;
}

bool begins_stage2(const RegimeStory& story, const emulator::TableAccess& access) {
  return access.stage == 2 && access.level == story.regime.regime.stage2.tables.first_level;
}

// What the walk of stage 2 that begins with the access `first` translates.
std::string purpose_text(const RegimeStory& story,
                         const std::vector<emulator::TableAccess>& accesses, std::size_t first) {
  std::size_t past = first + 1;
  while (past != accesses.size() && accesses[past].stage == 2 &&
         !begins_stage2(story, accesses[past])) {
    ++past;
  }
  if (past != accesses.size() && accesses[past].stage == 1) {
    return fmt::format("for level {} of stage 1", accesses[past].level);
  }
  const auto updates_stage1 = [&](const RawMemory::Update& update) {
    return update.loads == past && !is_own(update, accesses[past - 1]);
  };
  const bool is_last = past == accesses.size() && story.walk.fault;
  if (std::ranges::any_of(story.memory.updates(), updates_stage1) ||
      (is_last && story.walk.fault->table_write)) {
    return "for the update of stage 1";
  }
  if (is_last && story.walk.fault->purpose == Purpose::kTable) return "for a table of stage 1";
  return "for the output of stage 1";
}

}  // namespace

TableTree tree_of(const DirectRegime& direct, unsigned stage, unsigned half) {
  if (stage == 1) return {direct.regime.stage1.half[half].tables, direct.fields.format()};
  return {direct.regime.stage2.tables, direct.ste[v3::STE::S2AA64]
                                           ? DescriptorFormat::kAArch64
                                           : DescriptorFormat::kAArch32Long};
}

std::vector<Step> steps_of(const RegimeStory& story) {
  const DirectRegime& direct = story.regime;
  std::vector<Step> steps;
  if (direct.regime.has_stage1) steps.push_back(stage1_step(direct));
  if (direct.regime.has_stage2) steps.push_back(stage2_step(direct));
  const auto canonical = Walker::canonical(direct.regime, story.transaction.address);
  const std::uint64_t input = canonical ? canonical->value : 0;
  const unsigned half = canonical ? canonical->half : 0;
  const std::vector<emulator::TableAccess> accesses = accesses_of(story);
  auto update = story.memory.updates().begin();
  for (std::size_t i = 0; i != accesses.size(); ++i) {
    const emulator::TableAccess& access = accesses[i];
    const TableTree tree = tree_of(direct, access.stage, half);
    steps.push_back(descriptor_step(access, tree, input));
    if (tree.format == DescriptorFormat::kAArch32Short) {
      explain_domain(steps.back(), direct.regime.stage1.short_descriptors.domains);
    }
    if (direct.regime.has_stage1 && begins_stage2(story, access)) {
      steps.back().detail += ", " + purpose_text(story, accesses, i);
    }
    for (; update != story.memory.updates().end() && update->loads == i + 1; ++update) {
      emulator::TableAccess updated = access;
      if (!is_own(*update, access)) updated.stage = 1;
      steps.push_back(update_step(*update, updated, tree_of(direct, updated.stage, half)));
    }
  }
  return steps;
}

}  // namespace smmu::cli
