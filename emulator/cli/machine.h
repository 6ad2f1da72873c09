// RAM, an SMMU that is wired to it, one port for a device, and the recorder that watches.
#ifndef EMULATOR_CLI_MACHINE_H_
#define EMULATOR_CLI_MACHINE_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "emulator/cli/memory_image.h"
#include "emulator/cli/recorder.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/port.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::cli {

// Physical addresses [base, base + bytes).
struct Extent {
  std::uint64_t base;
  std::uint64_t bytes;
};

// Which addresses a machine has RAM at.  Extents may overlap and come in any order.
class MemoryMap {
 public:
  // Whole pages: all that [base, base + bytes) touches.
  void add(std::uint64_t base, std::uint64_t bytes);
  void add(const MemoryImage& image);

  // The same, sorted and without overlap, neighbours joined.
  std::vector<Extent> extents() const;

 private:
  std::vector<Extent> extents_;
};

class Machine {
 public:
  // The SMMU is as after power-on.  BadInput, beginning with `source`, if the model refuses
  // `config` or the memory.
  Machine(const emulator::SmmuV3Config& config, const MemoryMap& map, std::string_view source);

  emulator::SmmuV3& smmu() { return *smmu_; }
  emulator::Port& port() { return *port_; }
  emulator::Ram& memory() { return *memory_; }
  Recorder& recorder() { return *recorder_; }

  // Copies every page of `image` that there is RAM for.
  void load(const MemoryImage& image);

 private:
  // The SMMU last, so that what it is wired to outlives it.
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<emulator::Ram> memory_;
  std::unique_ptr<emulator::SmmuV3> smmu_;
  emulator::Port* port_ = nullptr;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MACHINE_H_
