// The caching policies by the names that the command line has for them.
#ifndef EMULATOR_CLI_CACHING_H_
#define EMULATOR_CLI_CACHING_H_

#include <map>
#include <string>

#include "smmu/emulator/config.h"

namespace smmu::cli {

inline const std::map<std::string, emulator::CachePolicy>& policies_by_name() {
  static const std::map<std::string, emulator::CachePolicy> policies = {
      {"none", emulator::CachePolicy::kNone},
      {"realistic", emulator::CachePolicy::kRealistic},
      {"adversarial", emulator::CachePolicy::kAdversarial},
  };
  return policies;
}

inline std::string to_text(emulator::CachePolicy policy) {
  for (const auto& [name, value] : policies_by_name()) {
    if (value == policy) return name;
  }
  return "?";
}

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_CACHING_H_
