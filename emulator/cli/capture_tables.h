// The tab-separated files of a capture, one function each.  BadInput if a line is not what
// captures/README says.
#ifndef EMULATOR_CLI_CAPTURE_TABLES_H_
#define EMULATOR_CLI_CAPTURE_TABLES_H_

#include <filesystem>
#include <vector>

#include "emulator/cli/capture.h"

namespace smmu::cli {

std::vector<RecordedTranslation> load_translations(const std::filesystem::path& file);
std::vector<Mapping> load_mappings(const std::filesystem::path& file);
std::vector<RecordedStream> load_streams(const std::filesystem::path& file);
std::vector<RecordedFault> load_faults(const std::filesystem::path& file);
std::vector<RecordedEvent> load_events(const std::filesystem::path& file);
std::vector<RecordedBypass> load_bypass(const std::filesystem::path& file);
std::vector<RecordedWalk> load_walks(const std::filesystem::path& file);
std::vector<RecordedCommand> load_commands(const std::filesystem::path& file);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_CAPTURE_TABLES_H_
