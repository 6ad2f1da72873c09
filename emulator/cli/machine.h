// RAM, an SMMU of either generation that is wired to it, one port for a device, and the recorder
// that watches.
#ifndef EMULATOR_CLI_MACHINE_H_
#define EMULATOR_CLI_MACHINE_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "emulator/cli/memory_image.h"
#include "emulator/cli/recorder.h"
#include "smmu/emulator/config.h"
#include "smmu/emulator/config_v2.h"
#include "smmu/emulator/port.h"
#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v2.h"
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

// What a machine has whichever SMMU it has.
class MachineBase {
 public:
  emulator::Port& port() { return *port_; }
  emulator::Ram& memory() { return *memory_; }
  Recorder& recorder() { return *recorder_; }

  // Copies every page of `image` that there is RAM for.
  void load(const MemoryImage& image);

 protected:
  // BadInput, beginning with `source`, if the host refuses the memory.
  MachineBase(const MemoryMap& map, std::string_view source);
  void connect(emulator::Port& port) { port_ = &port; }

  [[noreturn]] static void refuse(std::string_view source, std::string_view sentence);

 private:
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<emulator::Ram> memory_;
  emulator::Port* port_ = nullptr;
};

template <class Smmu, class Config>
class MachineOf : public MachineBase {
 public:
  // The SMMU is as after power-on.  BadInput, beginning with `source`, if the model refuses
  // `config` or the host the memory.
  MachineOf(const Config& config, const MemoryMap& map, std::string_view source)
      : MachineBase(map, source) {
    auto smmu = Smmu::create(config, {.memory = &memory(), .observer = &recorder()});
    if (!smmu) refuse(source, smmu.error());
    smmu_ = std::move(*smmu);
    connect(smmu_->add_port());
  }

  Smmu& smmu() { return *smmu_; }

 private:
  // What it is wired to is the base's, and outlives it.
  std::unique_ptr<Smmu> smmu_;
};

using Machine = MachineOf<emulator::SmmuV3, emulator::SmmuV3Config>;
using MachineV2 = MachineOf<emulator::SmmuV2, emulator::SmmuV2Config>;

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_MACHINE_H_
