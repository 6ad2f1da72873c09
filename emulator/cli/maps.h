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

// BadInput if the folder is not a capture, or if it has no stage 1 stream of that number.
void print_maps(const MapsOptions& options);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MAPS_H_
