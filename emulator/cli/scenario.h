// Scripted scenarios: memory writes, register accesses and device accesses in order, and what was
// answered, of an SMMUv3 by a QEMU (captures/README, scenarios.jsonl).
#ifndef EMULATOR_CLI_SCENARIO_H_
#define EMULATOR_CLI_SCENARIO_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/presets.h"
#include "smmu/emulator/transaction.h"
#include "smmu/types.h"

namespace smmu::cli {

struct MemoryWrite {
  std::uint64_t address;
  std::uint64_t value;
};
struct RegisterWrite {
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint64_t value;
  SecurityState security = SecurityState::kNonSecure;  // of the access
};
struct RegisterRead {
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint64_t value;  // what was read
  SecurityState security = SecurityState::kNonSecure;
};

// Of an SMMUv2, kFault is kAbort or kRazWi.
enum class RecordedResult : std::uint8_t { kOk, kFault, kAbort, kRazWi, kBypass, kDisabled };

struct DeviceAccess {
  std::uint32_t stream;
  std::uint64_t iova;
  bool write;
  RecordedResult result;
  std::uint64_t pa;                 // if kOk
  std::optional<EventWords> event;  // that QEMU wrote
  bool acknowledged;                // afterwards SMMU_EVENTQ_CONS becomes SMMU_EVENTQ_PROD

  emulator::Privilege privilege = emulator::Privilege::kUnprivileged;
  emulator::Content content = emulator::Content::kData;
  SecurityState security = SecurityState::kNonSecure;
  SecurityState space = SecurityState::kNonSecure;
  std::uint16_t ssd_index = 0;
};

using Op = std::variant<MemoryWrite, RegisterWrite, RegisterRead, DeviceAccess>;

struct EndValue {
  std::uint32_t offset;
  std::uint64_t value;
  std::uint32_t bytes = 4;
  SecurityState security = SecurityState::kNonSecure;
};

struct Scenario {
  std::uint64_t line;
  std::string name;
  Configuration configuration;
  std::vector<Op> ops;
  std::vector<EndValue> end;

  bool is_of_v2() const { return std::holds_alternative<emulator::SmmuV2Config>(configuration); }
};

// All of a file, plain or gzip: at least one scenario, each of another name.  BadInput if the file
// is not that.
std::vector<Scenario> load_scenarios(const std::filesystem::path& file);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_H_
