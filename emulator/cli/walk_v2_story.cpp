#include "emulator/cli/walk_v2_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "emulator/cli/bank_steps.h"
#include "emulator/cli/descriptor_step.h"
#include "emulator/cli/register_layouts_v2.h"
#include "emulator/v2/stream_contexts.h"
#include "emulator/walk/walker.h"
#include "smmu/arch/v2/registers.h"

namespace smmu::cli {

namespace {

using emulator::StreamMatch;
using v2::SMMU_S2CRn;
using v2::SMMU_sCR0;
using v2::StreamType;

// Of many groups that match, the first ones say enough.
constexpr std::size_t kMostMatches = 8;

bool has_extended_ids(const StreamMeaning& meaning) {
  return meaning.registers.features.idr0[v2::SMMU_IDR0::EXIDS] &&
         meaning.cr0()[SMMU_sCR0::EXIDENABLE];
}

Step match_register_step(const StreamMeaning& meaning, std::uint32_t group) {
  const LayoutInfo layout = has_extended_ids(meaning)
                                ? layout_info<v2::SMMU_SMRn_EXIDENABLE>("SMMU_SMRn_EXIDENABLE")
                                : layout_info<v2::SMMU_SMRn>("SMMU_SMRn");
  return register_step(fmt::format("SMMU_SMR{}", group), layout, meaning.registers.smr[group]);
}

std::string stream_text(const StreamMeaning& meaning) {
  const std::uint32_t id = meaning.transaction.stream.value;
  const std::uint32_t kept =
      emulator::implemented(meaning.registers, meaning.transaction.security, StreamId(id)).value;
  if (kept == id) return fmt::format("stream {:#x}", id);
  return fmt::format("stream {:#x}, which is {:#x} in the bits that a StreamID has here,", id,
                     kept);
}

// "matches stream 0x5, alone of 48 groups".
void tell_match(const StreamMeaning& meaning, std::vector<Step>& steps) {
  const auto& registers = meaning.registers;
  const std::string stream = stream_text(meaning);
  if (meaning.match.count == StreamMatch::Count::kNone) {
    const bool faults = meaning.cr0()[SMMU_sCR0::USFCFG];
    steps.push_back(
        {.title = "Stream mapping",
         .address = std::nullopt,
         .words = {},
         .detail = fmt::format("{} has no group: SMMU_sCR0.USFCFG {} {}", stream, faults ? 1 : 0,
                               faults ? "says fault" : "lets it bypass"),
         .fields = {}});
    return;
  }
  if (!registers.features.matches_streams) {
    steps.push_back({.title = "Stream mapping",
                     .address = std::nullopt,
                     .words = {},
                     .detail = stream + " is the number of its group",
                     .fields = {}});
    return;
  }
  for (std::size_t i = 0; i != std::min(meaning.groups.size(), kMostMatches); ++i) {
    steps.push_back(match_register_step(meaning, meaning.groups[i]));
    steps.back().detail = "matches " + stream;
  }
  if (meaning.match.count == StreamMatch::Count::kOne) {
    steps.back().detail += fmt::format(" alone of {} groups", registers.features.num_groups);
    return;
  }
  const bool faults = meaning.cr0()[SMMU_sCR0::SMCFCFG];
  steps.push_back({.title = "Stream mapping",
                   .address = std::nullopt,
                   .words = {},
                   .detail = fmt::format("{} groups match: SMMU_sCR0.SMCFCFG {} {}",
                                         meaning.groups.size(), faults ? 1 : 0,
                                         faults          ? "says fault"
                                         : meaning.group ? "lets it take the first"
                                                         : "lets it bypass"),
                   .fields = {}});
}

// With no more than its place, should nothing be known of its tables.
Step table_step(const StreamMeaning& meaning, const emulator::TableAccess& access) {
  const emulator::Regime& regime = meaning.context.regime;
  const auto bank = access.stage == 1 ? meaning.stage1 : meaning.stage2;
  const auto canonical = emulator::Walker::canonical(regime, meaning.transaction.address);
  const bool known = access.stage == 1 ? regime.has_stage1 && canonical : regime.has_stage2;
  if (bank && known) {
    const emulator::Tables& tables =
        access.stage == 1 ? regime.stage1.half[canonical->half].tables : regime.stage2.tables;
    const TableTree tree{tables, descriptor_format(meaning.registers, *bank)};
    return descriptor_step(access, tree,
                           canonical ? canonical->value : meaning.transaction.address.value);
  }
  Step step{.title = fmt::format("Level {}", access.level),
            .address = access.address.value,
            .words = {},
            .detail = "",
            .fields = {}};
  if (access.descriptor) step.words = {*access.descriptor};
  return step;
}

bool begins_stage2(const StreamMeaning& meaning, const emulator::TableAccess& access) {
  return access.stage == 2 && access.level == meaning.context.regime.stage2.tables.first_level;
}

// The level of stage 1 whose table is looked for after the steps so far; none if its leaf is known.
std::optional<int> next_level(const StreamMeaning& meaning,
                              const std::vector<emulator::TableAccess>& accesses,
                              const std::vector<Step>& steps, std::size_t now) {
  const auto last = std::find_if(steps.rbegin(), steps.rend(),
                                 [](const Step& step) { return step.title.starts_with("Level "); });
  if (last == steps.rend()) {
    const auto canonical =
        emulator::Walker::canonical(meaning.context.regime, meaning.transaction.address);
    return meaning.context.regime.stage1.half[canonical ? canonical->half : 0].tables.first_level;
  }
  if (!last->title.ends_with(" table")) return std::nullopt;
  while (now != 0 && accesses[now].stage != 1) --now;
  return accesses[now].level + 1;
}

// What the walk of stage 2 that begins with the access `first` translates: where the table is
// of which stage 1 reads next, or what its leaf says.
std::string purpose_text(const StreamMeaning& meaning,
                         const std::vector<emulator::TableAccess>& accesses,
                         const std::vector<Step>& steps, std::size_t first) {
  if (const auto level = next_level(meaning, accesses, steps, first)) {
    return fmt::format("for level {} of stage 1", *level);
  }
  // An update of the leaf is looked for before what the leaf says.
  std::size_t past = first + 1;
  while (past != accesses.size() && accesses[past].stage == 2 &&
         !begins_stage2(meaning, accesses[past])) {
    ++past;
  }
  return past == accesses.size() ? "for the output of stage 1" : "for the update of stage 1";
}

std::vector<std::uint32_t> matching_groups(const emulator::RegistersV2& registers,
                                           SecurityState security, StreamId stream,
                                           const StreamMatch& match) {
  if (match.count == StreamMatch::Count::kNone) return {};
  if (match.count == StreamMatch::Count::kOne) return {match.group};
  // Each alone: the others say nothing while it is looked at.
  std::vector<std::uint32_t> groups;
  emulator::RegistersV2 alone = registers;
  for (auto* words : {&alone.smr, &alone.s2cr}) std::ranges::fill(*words, 0);
  for (std::uint32_t group = match.group; group != registers.features.num_groups; ++group) {
    alone.smr[group] = registers.smr[group];
    alone.s2cr[group] = registers.s2cr[group];
    const StreamMatch found = emulator::match(alone, security, stream);
    if (found.count == StreamMatch::Count::kOne && found.group == group) groups.push_back(group);
    alone.smr[group] = 0;
    alone.s2cr[group] = 0;
  }
  return groups;
}

}  // namespace

StreamMeaning::StreamMeaning(const emulator::RegistersV2& known,
                             const emulator::SmmuV2Config& config,
                             const emulator::Transaction& asked)
    : registers(known),
      transaction(asked),
      passes(known.global(asked.security).cr0[SMMU_sCR0::CLIENTPD]),
      match(emulator::match(known, asked.security, asked.stream)),
      groups(matching_groups(known, asked.security, asked.stream, match)),
      context(emulator::context_of_stream(known, config.conflict, asked.security, asked.stream)) {
  using Conflict = emulator::SmmuV2Config::Conflict;
  const bool takes_first = !cr0()[SMMU_sCR0::SMCFCFG] && config.conflict == Conflict::kTakesFirst;
  if (match.count == StreamMatch::Count::kOne ||
      (match.count == StreamMatch::Count::kSeveral && takes_first)) {
    group = match.group;
  }
  constexpr std::uint8_t kNone = emulator::ContextBanks::kNone;
  if (context.banks.stage1 != kNone) stage1 = context.banks.stage1;
  if (context.banks.stage2 != kNone) stage2 = context.banks.stage2;
}

std::string bank_name(std::uint32_t bank) { return fmt::format("SMMU_CB{}_", bank); }

std::vector<Step> tell_walk(const StreamMeaning& meaning, const Recorder& recorder) {
  std::vector<Step> steps;
  const SecurityState security = meaning.transaction.security;
  steps.push_back(
      register_step("SMMU_sCR0", layout_info<SMMU_sCR0>("SMMU_sCR0"), meaning.cr0().raw()));
  if (security == SecurityState::kSecure) steps.back().detail = "the Secure copy";
  if (meaning.passes) return steps;
  tell_match(meaning, steps);
  if (!meaning.group) return steps;

  const std::uint32_t s2cr = meaning.registers.s2cr[*meaning.group];
  steps.push_back(register_step(fmt::format("SMMU_S2CR{}", *meaning.group),
                                layout_chosen_by(layout_info<SMMU_S2CRn>("SMMU_S2CRn"), s2cr),
                                s2cr));
  if (SMMU_S2CRn(s2cr)[SMMU_S2CRn::TYPE] != StreamType::kTranslation) return steps;
  if (meaning.stage1) tell_bank(meaning, *meaning.stage1, steps);
  if (meaning.stage2) tell_bank(meaning, *meaning.stage2, steps);

  std::vector<emulator::TableAccess> accesses;
  for (const Happening& happening : recorder.happenings()) {
    const auto* access = std::get_if<emulator::TableAccess>(&happening);
    if (access != nullptr) accesses.push_back(*access);
  }
  for (std::size_t i = 0; i != accesses.size(); ++i) {
    Step step = table_step(meaning, accesses[i]);
    if (meaning.context.regime.has_stage1 && begins_stage2(meaning, accesses[i])) {
      step.detail += fmt::format("{}{}", step.detail.empty() ? "" : ", ",
                                 purpose_text(meaning, accesses, steps, i));
    }
    steps.push_back(std::move(step));
  }
  return steps;
}

std::string why_bypass(const StreamMeaning& meaning) {
  if (meaning.match.count == StreamMatch::Count::kNone)
    return "no group matches the stream, and SMMU_sCR0.USFCFG is 0";
  if (!meaning.group) return "several groups match the stream, and SMMU_sCR0.SMCFCFG is 0";
  const auto bank = meaning.stage1 ? meaning.stage1 : meaning.stage2;
  if (!bank) return fmt::format("SMMU_S2CR{}.TYPE says bypass", *meaning.group);
  if (meaning.stage1 && meaning.stage2) {
    return fmt::format("{}SCTLR.M and {}SCTLR.M are 0", bank_name(*meaning.stage1),
                       bank_name(*meaning.stage2));
  }
  return fmt::format("{}SCTLR.M is 0", bank_name(*bank));
}

}  // namespace smmu::cli
