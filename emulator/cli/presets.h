// SMMUs of either generation, by the names of the presets that they are made from.
#ifndef EMULATOR_CLI_PRESETS_H_
#define EMULATOR_CLI_PRESETS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "smmu/emulator/config.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::cli {

using Configuration = std::variant<emulator::SmmuV3Config, emulator::SmmuV2Config>;

inline constexpr std::string_view kDefaultPreset = "qemu_virt";

// None if there is no preset of this name.
std::optional<Configuration> find_preset(std::string_view name);
// All of their names, with commas between them.
std::string preset_names();
std::string preset_names_v2();

// Gives an identification register, or SMMU_SCR1 after reset, another value.  False if it is none
// that an SMMUv2 can be told to have another of.
bool set_identification(emulator::SmmuV2Config& config, std::string_view name, std::uint32_t value);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_PRESETS_H_
