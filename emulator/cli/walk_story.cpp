#include "emulator/cli/walk_story.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/cli/descriptor_step.h"
#include "emulator/cli/known_tables.h"
#include "emulator/cli/meanings.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::cli {

namespace {

using emulator::ConfigurationStructure;
using v3::CD;

template <class R>
Step register_step(Mmio& registers, const char* name) {
  const std::uint64_t value = registers.read<R>().raw();
  return {.title = name,
          .address = std::nullopt,
          .words = {value},
          .detail = "",
          .fields = fields_that_matter(layout_info<R>(name), std::array{value})};
}

struct StructureText {
  const char* title;
  LayoutInfo layout;
};

StructureText text_of(ConfigurationStructure structure) {
  switch (structure) {
    case ConfigurationStructure::kL1STD:
      return {"L1STD", layout_info<v3::L1STD>("L1STD")};
    case ConfigurationStructure::kSTE:
      return {"STE", layout_info<v3::STE>("STE")};
    case ConfigurationStructure::kL1CD:
      return {"L1CD", layout_info<v3::L1CD>("L1CD")};
    case ConfigurationStructure::kCD:
      return {"CD", layout_info<CD>("CD")};
  }
  return {"?", layout_info<v3::STE>("STE")};
}

// A structure that was read whole.
template <class S>
S structure_of(const FetchedStructure& fetch) {
  std::array<std::uint64_t, S::kSize / 8> words{};
  std::ranges::copy(fetch.words, words.begin());
  return S(words);
}

// With no more than its place, should nothing be known of its tables.
Step descriptor_step(const emulator::TableAccess& access, const KnownTables& known, Iova iova) {
  if (const auto tree = known.tree(access.stage, iova)) {
    return descriptor_step(access, *tree, iova.value);
  }
  Step step{.title = fmt::format("Level {}", access.level),
            .address = access.address.value,
            .words = {},
            .detail = "",
            .fields = {}};
  if (access.descriptor) step.words = {*access.descriptor};
  return step;
}

// The value of a field that the last step with this title shows; one that is 0 may not be shown.
std::uint64_t shown(const std::vector<Step>& steps, std::string_view title,
                    std::string_view field_name) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (step->title != title) continue;
    const auto field = std::ranges::find(step->fields, field_name, &DecodedField::name);
    return field != step->fields.end() ? field->value : 0;
  }
  return 0;
}

bool has_step(const std::vector<Step>& steps, std::string_view title) {
  return std::ranges::find(steps, title, &Step::title) != steps.end();
}

// Why an access was terminated without an event.
std::string why_silent(Machine& machine, const std::vector<Step>& steps) {
  const std::string& last = steps.back().title;
  if (last == "SMMU_GBPA")
    return "The SMMU is off, and SMMU_GBPA or the size of the address says abort.";
  // The STE's first two bits of Config say abort, if it is valid (5.2).
  if (last == "STE" && shown(steps, "STE", "V") != 0 && shown(steps, "STE", "Config") < 0b100)
    return "STE.Config says abort, which is not recorded.";
  const std::string by_descriptor = is_invalid(steps.back())
                                        ? why_invalid(steps.back())
                                        : std::string("The descriptors do not allow it.");
  if (last.starts_with("Stage 2 ")) {
    return shown(steps, "STE", "S2R") == 0
               ? by_descriptor + " It is not recorded, because STE.S2R is 0."
               : by_descriptor;
  }
  if (has_step(steps, "CD")) {
    const std::string why = last == "CD"
                                ? "The CD does not translate this address: it is out of range or "
                                  "switched off."
                                : by_descriptor;
    return shown(steps, "CD", "R") == 0 ? why + " It is not recorded, because CD.R is 0." : why;
  }
  if (!has_step(steps, "STE") && !machine.smmu().read<v3::SMMU_CR2>()[v3::SMMU_CR2::RECINVSID]) {
    return "The Stream table has no such stream. It is not recorded, because SMMU_CR2.RECINVSID is "
           "0.";
  }
  return "No event was reported.";
}

// What an event says of the last step.
std::string why_event(v3::EventType type, const std::vector<Step>& steps) {
  const std::string& last = steps.back().title;
  using v3::EventType;
  switch (type) {
    case EventType::F_TRANSLATION:
      if (last == "CD")
        return "The CD does not translate this address: it is out of range or switched off.";
      return why_invalid(steps.back());
    case EventType::F_PERMISSION:
      return why_forbidden(steps.back());
    case EventType::F_ACCESS:
      return kWhyAccessFlag;
    case EventType::F_ADDR_SIZE:
      return "An output address is larger than CD.IPS and SMMU_IDR5.OAS allow.";
    case EventType::F_WALK_EABT:
      return kWhyAborted;
    case EventType::C_BAD_STREAMID:
      return "The Stream table has no such stream.";
    case EventType::F_STE_FETCH:
      return "The Stream table could not be read.";
    case EventType::C_BAD_STE:
      return "The STE is not valid.";
    case EventType::F_CD_FETCH:
      return "The CD could not be read.";
    case EventType::C_BAD_CD:
      return "The CD is not valid.";
    default:
      break;
  }
  const auto event = std::ranges::find(v3::kEvents, type, &v3::EventLayout::type);
  return event == std::end(v3::kEvents) ? "The SMMU reports an event."
                                        : fmt::format("The event is {}.", event->layout.name);
}

}  // namespace

std::vector<Step> tell_walk(Machine& machine, const emulator::Transaction& transaction) {
  std::vector<Step> steps;
  steps.push_back(register_step<v3::SMMU_CR0>(machine.smmu(), "SMMU_CR0"));
  if (machine.smmu().read<v3::SMMU_CR0>()[v3::SMMU_CR0::SMMUEN]) {
    steps.push_back(register_step<v3::SMMU_STRTAB_BASE>(machine.smmu(), "SMMU_STRTAB_BASE"));
    steps.push_back(
        register_step<v3::SMMU_STRTAB_BASE_CFG>(machine.smmu(), "SMMU_STRTAB_BASE_CFG"));
  } else {
    steps.push_back(register_step<v3::SMMU_GBPA>(machine.smmu(), "SMMU_GBPA"));
  }

  KnownTables known(machine.smmu());
  for (const Happening& happening : machine.recorder().happenings()) {
    if (const auto* fetch = std::get_if<FetchedStructure>(&happening)) {
      const StructureText text = text_of(fetch->structure);
      steps.push_back({.title = text.title,
                       .address = fetch->address,
                       .words = fetch->words,
                       .detail = "",
                       .fields = fetch->words.empty()
                                     ? std::vector<DecodedField>()
                                     : fields_that_matter(text.layout, fetch->words)});
      if (fetch->words.size() != v3::STE::kSize / 8) continue;
      if (fetch->structure == ConfigurationStructure::kSTE)
        known.learn(structure_of<v3::STE>(*fetch));
      if (fetch->structure == ConfigurationStructure::kCD) known.learn(structure_of<CD>(*fetch));
    } else if (const auto* access = std::get_if<emulator::TableAccess>(&happening)) {
      steps.push_back(descriptor_step(*access, known, transaction.address));
    } else if (const auto* hit = std::get_if<TlbHit>(&happening)) {
      steps.push_back(
          {.title = "TLB hit",
           .address = std::nullopt,
           .words = {},
           .detail = fmt::format("{} at {:#x}", byte_size(hit->entry.size), hit->entry.pa.value),
           .fields = {}});
    }
  }
  return steps;
}

std::string why_not(Machine& machine, const emulator::Outcome& outcome,
                    const std::vector<Step>& steps) {
  if (std::holds_alternative<emulator::Translation>(outcome) || steps.empty()) return "";
  const auto& events = machine.recorder().events();
  if (events.empty()) return why_silent(machine, steps);
  const emulator::EventReported& event = events.front();
  const std::string why =
      why_event(v3::EventHeader(event.words)[v3::EventHeader::EventNumber], steps);
  switch (event.fate) {
    case emulator::EventFate::kWritten:
      return why;
    case emulator::EventFate::kQueueDisabled:
      return why + " It is not recorded, because SMMU_CR0.EVENTQEN is 0.";
    case emulator::EventFate::kQueueFull:
      return why + " It is not recorded, because the Event queue is full.";
    case emulator::EventFate::kQueueAborted:
      return why + " It is not recorded, because the Event queue cannot be written.";
    case emulator::EventFate::kMerged:
      return why + " It is not recorded, because the record before it stands for it.";
  }
  return why;
}

Step tell_event(const EventWords& words) {
  const LayoutInfo layout = *find_layout("event", words);
  return {.title = layout.name,
          .address = std::nullopt,
          .words = {words.begin(), words.end()},
          .detail = "",
          .fields = fields_that_matter(layout, words)};
}

}  // namespace smmu::cli
