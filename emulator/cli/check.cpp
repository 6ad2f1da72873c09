#include "emulator/cli/check.h"

#include <fmt/format.h>

namespace smmu::cli {

std::string to_text(const emulator::Outcome& outcome) {
  if (const auto* translation = std::get_if<emulator::Translation>(&outcome)) {
    if (translation->route == emulator::Route::kTables)
      return fmt::format("ok {:#x}", translation->pa.value);
    return "bypass";
  }
  if (const auto* terminated = std::get_if<emulator::Terminated>(&outcome)) {
    return terminated->response == emulator::Response::kAbort ? "abort" : "RAZ/WI";
  }
  return "stall";
}

}  // namespace smmu::cli
