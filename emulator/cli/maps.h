// `smmu maps`: everything that a capture's tables map.
#ifndef EMULATOR_CLI_MAPS_H_
#define EMULATOR_CLI_MAPS_H_

#include <cstdint>
#include <filesystem>
#include <optional>

#include "emulator/cli/report.h"

namespace smmu::cli {

struct MapsOptions {
  std::filesystem::path folder;
  std::optional<std::uint32_t> stream;  // none: all
  Output output;
};

// False if a table is not in memory.txt, so that what it maps is not known.  BadInput if the folder
// is not a capture or the model cannot be its SMMU, or if it has no stage 1 stream of that number.
bool print_maps(const MapsOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MAPS_H_
