// What each command means on the Secure Command queue, which has a say in both
// Security states (IHI 0070, 3.10.2.1 and 4.1.6).
#ifndef SMMU_EMULATOR_V3_SECURE_COMMANDS_H_
#define SMMU_EMULATOR_V3_SECURE_COMMANDS_H_

#include "emulator/v3/commands.h"
#include "emulator/v3/features.h"
#include "emulator/v3/register_file.h"

namespace smmu::emulator {

class Stalls;

// What the commands about one Security state act on.
struct CommandScope {
  const Features& features;
  const RegisterFile& registers;
  Tcu& tcu;
  Stalls* stalls;  // null if nothing can stall
};

// Whom a command with a StreamID is about: SSec.
const CommandScope& scope_of(CommandWords words, const CommandScope& secure,
                             const CommandScope& non_secure);

CommandOutcome perform_secure(CommandWords words, const CommandScope& secure,
                              const CommandScope& non_secure);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_SECURE_COMMANDS_H_
