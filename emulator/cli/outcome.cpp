#include "emulator/cli/outcome.h"

#include <fmt/format.h>

#include "emulator/cli/check.h"
#include "emulator/cli/meanings.h"
#include "emulator/cli/step.h"

namespace smmu::cli {

namespace {

using emulator::Content;
using emulator::Direction;
using emulator::Privilege;
using Json = nlohmann::ordered_json;

// "rw-": what one privilege may do.
std::string permissions(emulator::Permissions allowed, Privilege privilege) {
  std::string text;
  text += allowed.allow(privilege, Direction::kRead, Content::kData) ? 'r' : '-';
  text += allowed.allow(privilege, Direction::kWrite, Content::kData) ? 'w' : '-';
  text += allowed.allow(privilege, Direction::kRead, Content::kInstruction) ? 'x' : '-';
  return text;
}

std::string shareability(Shareability value) {
  switch (value) {
    case Shareability::kNonShareable:
      return "non-shareable";
    case Shareability::kOuter:
      return "outer shareable";
    case Shareability::kInner:
      return "inner shareable";
  }
  return "";
}

}  // namespace

std::string access_text(const emulator::Transaction& transaction) {
  return fmt::format(
      "{} {:#x}: {}, {}", transaction.direction == Direction::kWrite ? "writes" : "reads",
      transaction.address.value,
      transaction.privilege == Privilege::kPrivileged ? "privileged" : "unprivileged",
      transaction.content == Content::kInstruction ? "instruction" : "data");
}

void print_outcome(const emulator::Outcome& outcome, const Paint& paint,
                   const OutcomeWords& words) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  if (translation == nullptr) {
    const std::string text =
        to_text(outcome) == "abort" ? "terminated: the device sees a bus error" : to_text(outcome);
    fmt::print("{:>{}}  {}\n", "=", kStepIndent - 2, paint.bad(text));
    return;
  }
  fmt::print("{:>{}}  {}", "=", kStepIndent - 2,
             paint.good(fmt::format("pa {:#x}", translation->pa.value)));
  switch (translation->route) {
    case emulator::Route::kTables:
      fmt::print("  in the {} at {:#x}", byte_size(translation->size),
                 translation->pa.value & ~(translation->size - 1));
      break;
    case emulator::Route::kBypass:
      fmt::print("  the address that came in: {}", words.bypass);
      break;
    case emulator::Route::kDisabled:
      fmt::print("  the address that came in: {}", words.disabled);
      break;
    case emulator::Route::kTranslated:
      fmt::print("  the address that came in: it was translated already");
      break;
  }
  const MemoryAttributes memory = translation->attributes;
  fmt::print("\n{:{}}memory        {}\n", "", kStepIndent,
             words.no_memory_type.empty()
                 ? fmt::format("{} ({:#04x}), {}", memory_type(memory.type), memory.type,
                               shareability(memory.shareability))
                 : words.no_memory_type);
  fmt::print("{:{}}unprivileged  {}\n{:{}}privileged    {}\n", "", kStepIndent,
             permissions(translation->permissions, Privilege::kUnprivileged), "", kStepIndent,
             permissions(translation->permissions, Privilege::kPrivileged));
}

Json to_json(const emulator::Outcome& outcome, std::string_view no_memory_type) {
  Json json = {{"result", to_text(outcome)}};
  if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
    json["pa"] = fmt::format("{:#x}", translation->pa.value);
    json["size"] = fmt::format("{:#x}", translation->size);
    if (no_memory_type.empty()) {
      json["memory"] = fmt::format("{:#04x}", translation->attributes.type);
      json["shareability"] = shareability(translation->attributes.shareability);
    }
    json["unprivileged"] = permissions(translation->permissions, Privilege::kUnprivileged);
    json["privileged"] = permissions(translation->permissions, Privilege::kPrivileged);
  }
  return json;
}

void print_json(const Json& json, const Output& output) {
  const int indent = output.line ? -1 : 2;
  fmt::print("{}\n", json.dump(indent, ' ', false, Json::error_handler_t::replace));
}

}  // namespace smmu::cli
