#include "emulator/cli/regime_fault.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/walk/walker.h"

namespace smmu::cli {

namespace {

using emulator::FaultType;
using emulator::Purpose;
using emulator::Regime;
using emulator::Stage;
using emulator::Walker;
using emulator::WalkFault;

unsigned half_of(const RegimeStory& story) {
  return Walker::half_of(story.regime.regime, story.transaction.address.value);
}

const Step* last_descriptor(const std::vector<Step>& steps) {
  const auto found = std::find_if(steps.rbegin(), steps.rend(), [](const Step& step) {
    return step.address && step.title != "Hardware update";
  });
  return found != steps.rend() ? &*found : nullptr;
}

std::string field_text(const Step* step, std::string_view name) {
  if (step == nullptr) return "";
  const auto field = std::ranges::find(step->fields, name, &DecodedField::name);
  if (field == step->fields.end()) return fmt::format("{} 0", name);
  return fmt::format("{} {}{}", name, field->value_text(),
                     field->meaning.empty() ? "" : " (" + field->meaning + ")");
}

// The domain is named by the descriptor of level 1.
std::string domain_text(const std::vector<Step>& steps) {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    const auto field = std::ranges::find(step->fields, "Domain", &DecodedField::name);
    if (field != step->fields.end()) return field_text(&*step, "Domain");
  }
  return "Domain 0";  // a Supersection has none
}

// A Translation fault of stage 1 for which no descriptor was read.
std::string why_no_table(const RegimeStory& story) {
  const Regime& regime = story.regime.regime;
  const auto address = Walker::canonical(regime, story.transaction.address);
  if (!address) {
    return story.regime.fields.format() == DescriptorFormat::kAArch64
               ? "The address is out of range: its upper bits, above those that T0SZ and T1SZ "
                 "leave, are not copies of bit 55."
           : (story.transaction.address.value >> 32) != 0
               ? "The address is out of range: it has more than 32 bits."
               : "The address is out of range: neither T0SZ nor T1SZ covers it.";
  }
  const unsigned half = address->half;
  if (!regime.stage1.half[half].enabled) {
    const bool is_short = story.regime.fields.format() == DescriptorFormat::kAArch32Short;
    const std::string table = fmt::format("{}{}", is_short ? "TTBR" : "TTB", half);
    return fmt::format("The address is in the half of {}, {}.", table,
                       story.regime.fields.find(table) ? fmt::format("and EPD{} is 1", half)
                                                       : "which is not given");
  }
  return fmt::format("E0PD{} is 1: an unprivileged access to this half is not translated.", half);
}

std::string why_translation(const RegimeStory& story, const WalkFault& fault, const Step* last) {
  if (fault.stage == Stage::k2 &&
      (fault.ipa.value >> story.regime.regime.stage2.tables.input_bits) != 0) {
    return fmt::format("The IPA is out of range: S2T0SZ leaves {} bits.",
                       story.regime.regime.stage2.tables.input_bits);
  }
  if (fault.stage == Stage::k1 && last == nullptr) return why_no_table(story);
  if (last == nullptr) return "No table translates the address.";
  if (last->title.ends_with("reserved")) {
    return fmt::format("The descriptor is reserved, there being no such block or page: {}.",
                       last->detail);
  }
  return fmt::format("The descriptor is invalid: {}.", last->detail);
}

std::string why_address_size(const RegimeStory& story, const WalkFault& fault) {
  const DirectRegime& direct = story.regime;
  if (fault.stage == Stage::k1 && !direct.regime.has_stage1) {
    return fmt::format("The address has more than the {} bits of an IPA.",
                       direct.regime.bypass_bits);
  }
  const TableTree tree = tree_of(direct, fault.stage == Stage::k1 ? 1 : 2, half_of(story));
  if (tree.format == DescriptorFormat::kAArch32Long)
    return "The address in the last descriptor has more than 40 bits.";
  if (tree.format == DescriptorFormat::kAArch32Short)
    return fmt::format("The address in the last descriptor is beyond OAS, {} bits.",
                       direct.physical_bits);
  const std::uint64_t below = ~tree.tables.out_of_range;
  return fmt::format("The address in the last descriptor is {:#x} or more, the end of {} and OAS.",
                     below + 1, fault.stage == Stage::k1 ? "IPS" : "S2PS");
}

std::string why_permission(const RegimeStory& story, const WalkFault& fault, const Step* last) {
  if (fault.stage == Stage::k1) {
    const bool is_short = story.regime.fields.format() == DescriptorFormat::kAArch32Short;
    return fmt::format("{}, with XN, WXN, PAN and what the tables above say, does not allow it.",
                       is_short ? field_text(last, "AP[2]") + " " + field_text(last, "AP[1:0]")
                                : field_text(last, "AP"));
  }
  if (fault.purpose == Purpose::kTable && story.regime.regime.stage2.device_walks_denied) {
    return fmt::format("{}, MemAttr and S2PTW do not allow the table of stage 1 to be {} there.",
                       field_text(last, "S2AP"), fault.table_write ? "updated" : "read");
  }
  return fmt::format("{}, with XN, does not allow {}.", field_text(last, "S2AP"),
                     fault.purpose != Purpose::kTable ? "it"
                     : fault.table_write              ? "the table of stage 1 to be updated"
                                                      : "the table of stage 1 to be read");
}

std::string_view name_of(FaultType type) {
  switch (type) {
    case FaultType::kTranslation:
      return "Translation fault";
    case FaultType::kAddressSize:
      return "Address Size fault";
    case FaultType::kAccessFlag:
      return "Access flag fault";
    case FaultType::kDomain:
      return "Domain fault";
    case FaultType::kPermission:
      return "Permission fault";
    case FaultType::kExternalAbort:
      return "External abort";
    case FaultType::kInvalidContext:
    case FaultType::kTlbConflict:
      return "TLB conflict";
  }
  return "fault";
}

// IHI 0070, 7.3.12 to 7.3.16: what was being translated, or read.
std::string_view class_of(const WalkFault& fault) {
  if (fault.stage == Stage::k1) return fault.type == FaultType::kExternalAbort ? "TT" : "IN";
  return fault.purpose == Purpose::kTable ? "TT" : "IN";
}

}  // namespace

std::string fault_text(const WalkFault& fault) {
  std::string text = fmt::format("{} at stage {}, level {}, CLASS {}", name_of(fault.type),
                                 static_cast<unsigned>(fault.stage), fault.level, class_of(fault));
  if (fault.stage == Stage::k2) text += fmt::format(", IPA {:#x}", fault.ipa.value);
  return text;
}

nlohmann::ordered_json to_json(const WalkFault& fault) {
  nlohmann::ordered_json json = {{"type", name_of(fault.type)},
                                 {"stage", static_cast<unsigned>(fault.stage)},
                                 {"level", fault.level},
                                 {"class", class_of(fault)}};
  if (fault.stage == Stage::k2) json["ipa"] = fmt::format("{:#x}", fault.ipa.value);
  if (fault.type == FaultType::kExternalAbort) {
    json["address"] = fmt::format("{:#x}", fault.descriptor.value);
  }
  return json;
}

std::string why_fault(const RegimeStory& story, const std::vector<Step>& steps) {
  const WalkFault& fault = *story.walk.fault;
  const Step* last = last_descriptor(steps);
  switch (fault.type) {
    case FaultType::kTranslation:
      return why_translation(story, fault, last);
    case FaultType::kAddressSize:
      return why_address_size(story, fault);
    case FaultType::kAccessFlag:
      return story.regime.fields.format() == DescriptorFormat::kAArch32Short &&
                     fault.stage == Stage::k1
                 ? "AP[0] of the last descriptor is 0: with AFE it is the Access flag."
                 : "The Access flag, AF, of the last descriptor is 0.";
    case FaultType::kDomain:
      return fmt::format("DACR does not give access: {}.", domain_text(steps));
    case FaultType::kPermission:
      return why_permission(story, fault, last);
    case FaultType::kExternalAbort:
      return fmt::format("There is no memory at {:#x}.", fault.descriptor.value);
    case FaultType::kInvalidContext:
    case FaultType::kTlbConflict:
      break;
  }
  return "";
}

}  // namespace smmu::cli
