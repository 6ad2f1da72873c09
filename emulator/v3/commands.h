// What each command means (IHI 0070, 4.2 to 4.7).
#ifndef SMMU_EMULATOR_V3_COMMANDS_H_
#define SMMU_EMULATOR_V3_COMMANDS_H_

#include <array>
#include <cstdint>

#include "emulator/tcu/tcu.h"
#include "emulator/v3/features.h"
#include "emulator/v3/register_file.h"
#include "smmu/arch/v3/commands.h"

namespace smmu::emulator {

using CommandWords = std::array<std::uint64_t, 2>;

enum class CommandOutcome : std::uint8_t {
  kPerformed,    // as far as a command is before a CMD_SYNC
  kSynchronize,  // a CMD_SYNC, for the queue to complete
  kIllegal,      // a reserved opcode or value: CERROR_ILL
  kAnswer,       // of software to a stall, for Stalls to obey
  kMessage,      // to a device, for AtsMessages to send
};

// A command about the Security state that `features` and `registers` are of; on
// the Non-secure Command queue, all of them are about that.
CommandOutcome perform(CommandWords words, const Features& features, const RegisterFile& registers,
                       Tcu& tcu);

}  // namespace smmu::emulator

#endif  // SMMU_EMULATOR_V3_COMMANDS_H_
