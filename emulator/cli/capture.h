// A capture: what one run of a real kernel left behind, read from the files of one folder.
//
// Everything is read and checked before anything is done with it.  Each record keeps the number of
// the line it came from, so that a disagreement can be looked up.
#ifndef EMULATOR_CLI_CAPTURE_H_
#define EMULATOR_CLI_CAPTURE_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "emulator/cli/memory_image.h"
#include "emulator/cli/registers.h"
#include "smmu/arch/v3/events.h"

namespace smmu::cli {

using CommandWords = std::array<std::uint64_t, 2>;
using EventWords = std::array<std::uint64_t, 4>;

// What a mapping allows an unprivileged data access.
struct Allows {
  bool read;
  bool write;
  friend bool operator==(const Allows&, const Allows&) = default;
};

// translations.tsv, excluded.tsv
struct RecordedTranslation {
  std::uint64_t line;
  std::uint32_t stream;
  std::uint64_t iova;
  std::uint64_t pa;
  Allows allows;
};

// mappings.tsv, and what the tool's own walk finds.  `descriptor` holds the columns after
// descriptor_address, undecoded but for the memory attributes.
struct Mapping {
  std::uint64_t line;
  std::uint32_t stream;
  std::uint64_t asid;
  std::uint64_t iova;
  std::uint64_t pa;
  std::uint64_t size;
  std::uint64_t level;
  std::uint64_t descriptor;
  std::uint64_t descriptor_address;
  std::uint64_t attrindx;
  std::uint64_t mair_attr;
  std::uint64_t sh;
  std::uint64_t ap;
  std::uint64_t af;
  std::uint64_t ng;
  std::uint64_t cont;
  std::uint64_t dbm;
  std::uint64_t pxn;
  std::uint64_t xn;
};

// streams.tsv.  What the kind does not have is not given.
struct RecordedStream {
  std::uint64_t line;
  std::uint32_t stream;
  std::uint64_t ste_address;
  std::array<std::uint64_t, 8> ste;
  std::string kind;
  std::optional<std::uint64_t> cd_address;
  std::optional<std::array<std::uint64_t, 8>> cd;
};

// faults.tsv
struct RecordedFault {
  std::uint64_t line;
  std::uint32_t stream;
  std::uint64_t iova;
  v3::EventType event;
  int level;  // -1: the file gives none
  bool write;
};

// events.tsv
struct RecordedEvent {
  std::uint64_t line;
  EventWords words;
};

// bypass.tsv
enum class BypassKind : std::uint8_t { kDisable, kBypass, kAbort };
struct RecordedBypass {
  std::uint64_t line;
  std::uint32_t stream;
  BypassKind kind;
  std::uint64_t iova;
};

// walks.tsv
struct WalkStep {
  int level;
  std::uint64_t address;
  std::uint64_t descriptor;
  friend bool operator==(const WalkStep&, const WalkStep&) = default;
};
struct RecordedWalk {
  std::uint64_t line;
  std::uint32_t stream;
  std::uint64_t asid;
  std::uint64_t iova;
  std::uint64_t pa;
  Allows allows;
  std::vector<WalkStep> steps;
};

// mmio.log
struct RegisterAccessLine {
  std::uint64_t line;
  bool write;
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint64_t value;
};

// commands.tsv
struct RecordedCommand {
  std::uint64_t line;
  std::uint64_t address;
  CommandWords words;
};

struct Capture {
  // All of the folder.  BadInput if a file is missing or is not what captures/README says.
  static Capture load(const std::filesystem::path& folder);

  std::filesystem::path folder;
  std::string name;  // of the folder
  RegisterValues registers;
  MemoryImage memory;
  std::vector<RecordedStream> streams;
  std::vector<RecordedTranslation> translations;
  std::vector<RecordedTranslation> excluded;
  std::vector<Mapping> mappings;
  std::vector<RecordedFault> faults;
  std::vector<RecordedEvent> events;
  std::vector<RecordedBypass> bypass;
  std::vector<RecordedWalk> walks;
  std::vector<RegisterAccessLine> accesses;
  std::vector<RecordedCommand> commands;
};

// The name of a folder, however it was spelled: "captures/linux/" is "linux".
std::string folder_name(const std::filesystem::path& folder);

// The event of this name, as the manual spells it.
std::optional<v3::EventType> event_of_name(std::string_view name);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_CAPTURE_H_
