#include "emulator/cli/scenario_stage_v2.h"

#include <fmt/format.h>

#include "emulator/cli/registers_v2.h"

namespace smmu::cli {

namespace {

using emulator::Outcome;
using emulator::Response;
using emulator::Route;

bool agrees(const DeviceAccess& access, const Outcome& outcome) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  const auto* terminated = std::get_if<emulator::Terminated>(&outcome);
  switch (access.result) {
    case RecordedResult::kOk:
      return translation != nullptr && translation->route == Route::kTables &&
             translation->pa.value == access.pa;
    case RecordedResult::kBypass:
      return translation != nullptr && translation->route == Route::kBypass;
    case RecordedResult::kDisabled:
      return translation != nullptr && translation->route == Route::kDisabled;
    case RecordedResult::kFault:
      return terminated != nullptr;
    case RecordedResult::kAbort:
      return terminated != nullptr && terminated->response == Response::kAbort;
    case RecordedResult::kRazWi:
      return terminated != nullptr && terminated->response == Response::kRazWi;
  }
  return false;
}

// In the words that a scenario has for it.
std::string recorded_text(const DeviceAccess& access) {
  switch (access.result) {
    case RecordedResult::kOk:
      return fmt::format("ok {:#x}", access.pa);
    case RecordedResult::kBypass:
      return "bypass";
    case RecordedResult::kDisabled:
      return "disabled";
    case RecordedResult::kFault:
      return "fault";
    case RecordedResult::kAbort:
      return "abort";
    case RecordedResult::kRazWi:
      return "razwi";
  }
  return "?";
}

std::string text_of(const Outcome& outcome) {
  if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
    if (translation->route == Route::kTables) return fmt::format("ok {:#x}", translation->pa.value);
    return translation->route == Route::kDisabled ? "disabled" : "bypass";
  }
  if (const auto* terminated = std::get_if<emulator::Terminated>(&outcome)) {
    return terminated->response == Response::kAbort ? "abort" : "razwi";
  }
  return "stall";
}

std::optional<Disagreement> compare(std::uint64_t recorded, std::uint64_t got) {
  if (recorded == got) return std::nullopt;
  return Disagreement{fmt::format("{:#x}", recorded), fmt::format("{:#x}", got)};
}

}  // namespace

ScenarioStageV2::ScenarioStageV2(const emulator::SmmuV2Config& config, const std::string& source)
    : machine_(config, ram(), source), features_(config) {}

bool ScenarioStageV2::make(const MemoryWrite& write) {
  return machine_.memory().store64(Pa(write.address), write.value) == BusResponse::kOkay;
}

void ScenarioStageV2::make(const RegisterWrite& write) {
  // What software would see of an access that is refused is in SMMU_sGFSR.
  static_cast<void>(registers(write.security).write(write.offset, write.bytes, write.value));
}

std::optional<Disagreement> ScenarioStageV2::ask(std::uint64_t, const RegisterRead& read_op,
                                                 Judge&) {
  return compare(read_op.value, read(read_op.security, read_op.offset, read_op.bytes));
}

std::optional<Disagreement> ScenarioStageV2::ask(std::uint64_t, const DeviceAccess& access,
                                                 Judge&) {
  machine_.recorder().forget();
  const Outcome outcome = machine_.port().translate(transaction(access));
  if (agrees(access, outcome)) return std::nullopt;
  return Disagreement{recorded_text(access), text_of(outcome)};
}

std::optional<Disagreement> ScenarioStageV2::ask(const EndValue& end, Judge&) {
  return compare(end.value, read(end.security, end.offset, end.bytes));
}

std::string ScenarioStageV2::register_name(std::uint32_t offset) const {
  const auto named = find_register_at(features_, offset);
  return named ? named->name() : fmt::format("offset {:#x}", offset);
}

emulator::RegisterPort& ScenarioStageV2::registers(SecurityState security) {
  if (security == SecurityState::kSecure) return machine_.smmu().secure();
  return machine_.smmu();
}

std::uint64_t ScenarioStageV2::read(SecurityState security, std::uint32_t offset,
                                    std::uint32_t bytes) {
  std::uint64_t value = 0;
  static_cast<void>(registers(security).read(offset, bytes, value));
  return value;
}

}  // namespace smmu::cli
