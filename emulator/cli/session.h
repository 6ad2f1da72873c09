// A capture on a machine of its own: its memory loaded, its SMMU set up by a driver.
#ifndef EMULATOR_CLI_SESSION_H_
#define EMULATOR_CLI_SESSION_H_

#include <cstdint>
#include <string>

#include "emulator/cli/capture.h"
#include "emulator/cli/driver.h"
#include "emulator/cli/machine.h"
#include "smmu/emulator/config.h"

namespace smmu::cli {

class Session {
 public:
  // BadInput if the model cannot be the SMMU that `registers` describe; `source` names them.
  Session(const RegisterValues& registers, const MemoryImage& memory,
          const emulator::Caching& caching, std::string_view source)
      : machine_(configuration_with(registers, caching), memory_map(registers, memory), source),
        driver_(machine_) {
    machine_.load(memory);
    driver_.bring_up(registers);
    machine_.recorder().forget();
  }
  Session(const Capture& capture, const emulator::Caching& caching)
      : Session(capture.registers, capture.memory, caching,
                (capture.folder / "registers.txt").string()) {}

  Machine& machine() { return machine_; }
  Driver& driver() { return driver_; }
  Recorder& recorder() { return machine_.recorder(); }

  // One access of an unprivileged device to data.
  Answer access(std::uint32_t stream, std::uint64_t iova, emulator::Direction direction) {
    machine_.recorder().forget();
    return driver_.ask({.stream = StreamId(stream), .address = Iova(iova), .direction = direction});
  }

  static emulator::SmmuV3Config configuration_with(const RegisterValues& registers,
                                                   const emulator::Caching& caching) {
    emulator::SmmuV3Config config = configuration(registers);
    config.caching = caching;
    return config;
  }

 private:
  Machine machine_;
  Driver driver_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SESSION_H_
