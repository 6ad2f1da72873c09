// Scripted scenarios: memory writes, register accesses and device accesses in order, and what a
// QEMU answered (captures/README, scenarios.jsonl).
#ifndef EMULATOR_CLI_SCENARIO_H_
#define EMULATOR_CLI_SCENARIO_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "emulator/cli/capture.h"
#include "emulator/cli/registers.h"

namespace smmu::cli {

struct MemoryWrite {
  std::uint64_t address;
  std::uint64_t value;
};
struct RegisterWrite {
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint64_t value;
};
struct RegisterRead {
  std::uint32_t offset;
  std::uint32_t bytes;
  std::uint64_t value;  // what QEMU gave
};

enum class RecordedResult : std::uint8_t { kOk, kFault, kAbort, kBypass, kDisabled };

struct DeviceAccess {
  std::uint32_t stream;
  std::uint64_t iova;
  bool write;
  RecordedResult result;
  std::uint64_t pa;                 // if kOk
  std::optional<EventWords> event;  // that QEMU wrote
  bool acknowledged;                // afterwards SMMU_EVENTQ_CONS becomes SMMU_EVENTQ_PROD
};

using Op = std::variant<MemoryWrite, RegisterWrite, RegisterRead, DeviceAccess>;

struct EndValue {
  std::uint32_t offset;
  std::uint64_t value;
};

struct Scenario {
  std::uint64_t line;
  std::string name;
  RegisterValues idr;
  std::vector<Op> ops;
  std::array<EndValue, 5> end;
};

// All of a file, plain or gzip: at least one scenario, each of another name.  BadInput if the file
// is not that.
std::vector<Scenario> load_scenarios(const std::filesystem::path& file);

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SCENARIO_H_
