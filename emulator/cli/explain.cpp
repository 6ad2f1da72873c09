#include "emulator/cli/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "emulator/cli/capture.h"
#include "emulator/cli/check.h"
#include "emulator/cli/input.h"
#include "emulator/cli/meanings.h"
#include "emulator/cli/session.h"
#include "emulator/cli/terminal.h"
#include "emulator/cli/walk_story.h"

namespace smmu::cli {

namespace {

using emulator::Content;
using emulator::Direction;
using emulator::Privilege;
using Json = nlohmann::ordered_json;

constexpr std::size_t kLineWidth = 100;
constexpr std::size_t kIndent = 6;

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
      fmt::print("{}{:{}}", column == 0 ? "" : "\n", "", kIndent);
      column = kIndent;
    } else {
      fmt::print("  ");
      column += 2;
    }
    fmt::print("{}{}", paint.name(field.name), value);
    column += width;
  }
  if (column != 0) fmt::print("\n");
}

void print_step(const std::string& label, const Step& step, const Paint& paint) {
  fmt::print("{} {}", paint.dim(fmt::format("{:>{}}", label, kIndent - 2)),
             paint.bold(fmt::format(" {:<22}", step.title)));
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

void print_outcome(const emulator::Outcome& outcome, const Paint& paint) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  if (translation == nullptr) {
    const std::string text =
        to_text(outcome) == "abort" ? "terminated: the device sees a bus error" : to_text(outcome);
    fmt::print("{:>{}}  {}\n", "=", kIndent - 2, paint.bad(text));
    return;
  }
  fmt::print("{:>{}}  {}", "=", kIndent - 2,
             paint.good(fmt::format("pa {:#x}", translation->pa.value)));
  switch (translation->route) {
    case emulator::Route::kTables:
      fmt::print("  in the {} at {:#x}", byte_size(translation->size),
                 translation->pa.value & ~(translation->size - 1));
      break;
    case emulator::Route::kBypass:
      fmt::print("  the address that came in: the STE says bypass");
      break;
    case emulator::Route::kDisabled:
      fmt::print("  the address that came in: the SMMU is off");
      break;
  }
  const std::string type = fmt::format("{} ({:#04x})", memory_type(translation->attributes.type),
                                       translation->attributes.type);
  fmt::print("\n{:{}}memory        {}, {}\n", "", kIndent, type,
             shareability(translation->attributes.shareability));
  fmt::print("{:{}}unprivileged  {}\n{:{}}privileged    {}\n", "", kIndent,
             permissions(translation->permissions, Privilege::kUnprivileged), "", kIndent,
             permissions(translation->permissions, Privilege::kPrivileged));
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

Json to_json(const emulator::Outcome& outcome) {
  Json json = {{"result", to_text(outcome)}};
  if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
    json["pa"] = fmt::format("{:#x}", translation->pa.value);
    json["size"] = fmt::format("{:#x}", translation->size);
    json["memory"] = fmt::format("{:#04x}", translation->attributes.type);
    json["shareability"] = shareability(translation->attributes.shareability);
    json["unprivileged"] = permissions(translation->permissions, Privilege::kUnprivileged);
    json["privileged"] = permissions(translation->permissions, Privilege::kPrivileged);
  }
  return json;
}

}  // namespace

bool explain_walk(const WalkOptions& options) {
  const RegisterValues registers = load_registers(options.folder);
  const MemoryImage memory = MemoryImage::load(options.folder);
  // Nothing is kept, so everything that matters is read, and seen.
  Session session(registers, memory, {.policy = emulator::CachePolicy::kNone},
                  (options.folder / "registers.txt").string());
  const emulator::Transaction& transaction = options.transaction;
  session.recorder().forget();
  const Answer answer = session.driver().ask(transaction);
  const std::vector<Step> steps = tell_walk(session.machine(), transaction);
  const std::string& complaint = session.driver().complaint();

  const std::string title = fmt::format(
      "stream {:#x} {} {:#x}: {}, {}", transaction.stream.value,
      transaction.direction == Direction::kWrite ? "writes" : "reads", transaction.address.value,
      transaction.privilege == Privilege::kPrivileged ? "privileged" : "unprivileged",
      transaction.content == Content::kInstruction ? "instruction" : "data");
  if (options.output.json) {
    Json json = {{"capture", folder_name(options.folder)}, {"access", title}};
    for (const Step& step : steps) json["steps"].push_back(to_json(step));
    json["outcome"] = to_json(answer.outcome);
    if (const std::string why = why_not(session.machine(), answer.outcome, steps); !why.empty())
      json["why"] = why;
    json["events"] = Json::array();
    for (const EventWords& words : answer.records)
      json["events"].push_back(to_json(tell_event(words)));
    fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
    return complaint.empty();
  }

  const Paint paint = Paint::for_stdout();
  fmt::print("{}: {}\n\n", paint.bold(printable(folder_name(options.folder))), title);
  for (std::size_t i = 0; i < steps.size(); ++i)
    print_step(fmt::format("{}", i + 1), steps[i], paint);
  fmt::print("\n");
  print_outcome(answer.outcome, paint);
  if (const std::string why = why_not(session.machine(), answer.outcome, steps); !why.empty()) {
    fmt::print("{:{}}{}\n", "", kIndent, why);
  }
  for (const EventWords& words : answer.records) {
    fmt::print("\n");
    print_step("!", tell_event(words), paint);
  }
  if (!complaint.empty()) fmt::print("\n{}\n", paint.bad(complaint));
  return complaint.empty();
}

}  // namespace smmu::cli
