// The tool's own reading of a capture's Stream table and CD tables (IHI 0070, 5.1 to 5.4).
//
// It shares no code with the SMMU, so that the two can be held against each other.
#ifndef EMULATOR_CLI_STREAM_TABLES_H_
#define EMULATOR_CLI_STREAM_TABLES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emulator/cli/memory_image.h"
#include "emulator/cli/registers.h"
#include "smmu/arch/v3/context_table.h"
#include "smmu/arch/v3/stream_table.h"

namespace smmu::cli {

// How much may still be looked at.  Tables may point at each other, so what can be found in a small
// file knows no bound of its own.
class Budget {
 public:
  // BadInput speaks of `source`.
  explicit Budget(std::string source) : source_(std::move(source)) {}

  void spend_entries(std::uint64_t count);
  void spend_leaf();

 private:
  std::string source_;
  std::uint64_t entries_ = std::uint64_t{1} << 26;
  std::uint64_t leaves_ = std::uint64_t{1} << 20;
};

struct Stream {
  std::uint32_t id;
  std::uint64_t ste_address;
  v3::STE ste;
  // Of the CD that accesses without a SubstreamID use; none unless stage 1 alone translates, or if
  // the CD's memory is not known.
  std::optional<std::uint64_t> cd_address;
  std::optional<v3::CD> cd;

  bool valid() const { return ste[v3::STE::V]; }
  bool translates_stage1() const {
    return valid() && ste[v3::STE::Config] == v3::SteConfig::kS1Translate;
  }
};

// Every stream whose STE is known and asks for something other than an abort, by StreamID.
std::vector<Stream> find_streams(const RegisterValues& registers, const MemoryImage& memory,
                                 Budget& budget);

// The stream `id`, whatever its STE says; none if it has no STE, or one in memory that is not
// known.
std::optional<Stream> find_stream(const RegisterValues& registers, const MemoryImage& memory,
                                  std::uint32_t id);

// True if the Stream table has no STE for `id`; false too where its first level is not known.
bool lacks_stream(const RegisterValues& registers, const MemoryImage& memory, std::uint32_t id);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_STREAM_TABLES_H_
