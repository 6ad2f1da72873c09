#include "emulator/cli/presets.h"

#include "emulator/cli/registers.h"

namespace smmu::cli {

namespace {

using emulator::SmmuV2Config;
using emulator::SmmuV3Config;

template <class Config>
struct Preset {
  std::string_view name;
  Config (*make)();
};

constexpr Preset<SmmuV3Config> kPresets[] = {{"everything", SmmuV3Config::everything},
                                             {"mmu600", SmmuV3Config::mmu600},
                                             {kDefaultPreset, SmmuV3Config::qemu_virt},
                                             {"minimal", SmmuV3Config::minimal}};
constexpr Preset<SmmuV2Config> kPresetsV2[] = {
    {"generic", SmmuV2Config::generic},
    {"pages_64k", SmmuV2Config::pages_64k},
    {"mmu500_zynqmp", SmmuV2Config::mmu500_zynqmp},
    {"mmu500_stratix10", SmmuV2Config::mmu500_stratix10}};

template <class Presets>
std::string names_of(const Presets& presets) {
  std::string names;
  for (const auto& preset : presets) names.append(names.empty() ? "" : ", ").append(preset.name);
  return names;
}

}  // namespace

std::optional<Configuration> find_preset(std::string_view name) {
  for (const auto& preset : kPresets) {
    if (preset.name == name) return preset.make();
  }
  for (const auto& preset : kPresetsV2) {
    if (preset.name == name) return preset.make();
  }
  return std::nullopt;
}

std::string preset_names() { return names_of(kPresets) + ", " + preset_names_v2(); }

std::string preset_names_v2() { return names_of(kPresetsV2); }

bool set_identification(SmmuV2Config& config, std::string_view name, std::uint32_t value) {
  name = bare_name(name);
  if (name == "IDR0") {
    config.idr0 = v2::SMMU_IDR0(value);
  } else if (name == "IDR1") {
    config.idr1 = v2::SMMU_IDR1(value);
  } else if (name == "IDR2") {
    config.idr2 = v2::SMMU_IDR2(value);
  } else if (name == "IDR4") {
    config.idr4 = value;
  } else if (name == "IDR7") {
    config.idr7 = v2::SMMU_IDR7(value);
  } else if (name == "SCR1") {
    config.scr1_reset = v2::SMMU_SCR1(value);
  } else {
    return false;
  }
  return true;
}

}  // namespace smmu::cli
