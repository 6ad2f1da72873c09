#include "emulator/cli/explain_regime.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "emulator/cli/direct_regime.h"
#include "emulator/cli/input.h"
#include "emulator/cli/outcome.h"
#include "emulator/cli/raw_memory.h"
#include "emulator/cli/recorder.h"
#include "emulator/cli/regime_fault.h"
#include "emulator/cli/regime_story.h"
#include "emulator/cli/regime_walk.h"
#include "emulator/cli/step.h"
#include "emulator/cli/terminal.h"

namespace smmu::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string_view no_memory_type(const DirectRegime& regime) {
  const bool by_mair =
      regime.fields.has_stage1() && regime.fields.format() != DescriptorFormat::kAArch32Short;
  return by_mair && !regime.has_mair() ? "not known: MAIR is not given" : "";
}

Json updates_json(const std::vector<RawMemory::Update>& updates) {
  Json json = Json::array();
  for (const RawMemory::Update& update : updates) {
    json.push_back({{"address", fmt::format("{:#x}", update.address)},
                    {"before", fmt::format("{:#x}", update.before)},
                    {"after", fmt::format("{:#x}", update.after)}});
  }
  return json;
}

}  // namespace

void explain_regime(const RegimeWalkOptions& options) {
  const DirectRegime regime(RegimeFields::parse(options.regime));
  RawMemory memory;
  for (const std::string& file : options.memory) memory.add(file);
  if (!options.folder.empty()) memory.add(MemoryImage::load(options.folder));
  Recorder recorder;
  const RegimeWalk walk =
      walk_regime(regime.regime, regime.physical_bits, memory, recorder, options.transaction);
  if (!memory.failure().empty()) throw BadInput(memory.failure());

  const RegimeStory story{regime, options.transaction, recorder, memory, walk};
  const std::vector<Step> steps = steps_of(story);
  const std::string title = access_text(options.transaction);
  const std::string_view no_type = no_memory_type(regime);
  if (options.output.json) {
    Json json = {{"access", title}};
    if (!options.output.line) json["steps"] = to_json(steps);
    json["outcome"] = to_json(walk.outcome, no_type);
    if (walk.fault) {
      json["fault"] = to_json(*walk.fault);
      json["why"] = why_fault(story, steps);
    }
    json["updates"] = updates_json(memory.updates());
    return print_json(json, options.output);
  }

  const Paint paint = Paint::for_stdout();
  fmt::print("{}\n\n", paint.bold(title));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    print_step(fmt::format("{}", i + 1), steps[i], paint);
  }
  fmt::print("\n");
  if (!walk.fault)
    return print_outcome(walk.outcome, paint, {.no_memory_type = std::string(no_type)});
  fmt::print("{:>{}}  {}\n", "=", kStepIndent - 2, paint.bad(fault_text(*walk.fault)));
  fmt::print("{:{}}{}\n", "", kStepIndent, why_fault(story, steps));
}

}  // namespace smmu::cli
