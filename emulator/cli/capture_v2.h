// What there is of an SMMUv2 in a folder: which one it is, and what its registers hold.
#ifndef EMULATOR_CLI_CAPTURE_V2_H_
#define EMULATOR_CLI_CAPTURE_V2_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "emulator/cli/registers_v2.h"
#include "smmu/emulator/config_v2.h"

namespace smmu::cli {

struct RegisterLineV2 {
  std::uint64_t line;
  RegisterPlaceV2 place;
  // The register that the place is of, whose upper half it may be.
  NamedRegisterV2 of;
  std::uint64_t value;
};

struct CaptureV2 {
  // A folder's registers.txt: "preset NAME", and lines "REGISTER value".  BadInput if it is not
  // that, or if a register is not of that SMMU.
  static CaptureV2 load(const std::filesystem::path& folder);

  std::string file;
  emulator::SmmuV2Config config;
  std::vector<RegisterLineV2> registers;
};

// Whether the first word of the folder's registers.txt is that of an SMMUv2's.  BadInput if there
// is no such file.
bool is_capture_of_v2(const std::filesystem::path& folder);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_CAPTURE_V2_H_
