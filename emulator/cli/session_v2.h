// A captured SMMUv2 on a machine of its own: its memory loaded, its registers as they were.
#ifndef EMULATOR_CLI_SESSION_V2_H_
#define EMULATOR_CLI_SESSION_V2_H_

#include "emulator/cli/capture_v2.h"
#include "emulator/cli/machine.h"
#include "emulator/cli/memory_image.h"
#include "emulator/v2/features.h"
#include "emulator/v2/registers.h"
#include "smmu/emulator/transaction.h"

namespace smmu::cli {

class SessionV2 {
 public:
  // Writes the registers that say what becomes of accesses.  BadInput if an identification register
  // is not that of the preset.  What tells of faults, operations and counters is left as it is
  // after power-on: the access that is asked about finds no fault before it.
  SessionV2(const CaptureV2& capture, const MemoryImage& memory);

  Recorder& recorder() { return machine_.recorder(); }
  emulator::Outcome ask(const emulator::Transaction& transaction) {
    return machine_.port().translate(transaction);
  }

  const emulator::SmmuV2Config& config() const { return config_; }
  // What the registers hold that say what becomes of accesses.
  emulator::RegistersV2 registers();
  // A register by its name, as a Security state finds it.  REQUIRES: the SMMU has it.
  std::uint64_t read(SecurityState security, std::string_view name);

 private:
  void write(const RegisterLineV2& line);
  void check(const CaptureV2& capture, const RegisterLineV2& line);
  emulator::RegisterPort& port(SecurityState security);
  // Which accesses find the register.
  SecurityState finder_of(const RegisterLineV2& line);

  const emulator::SmmuV2Config config_;
  const emulator::FeaturesV2 features_;
  MachineV2 machine_;
};

}  // namespace smmu::cli

#endif  // EMULATOR_CLI_SESSION_V2_H_
