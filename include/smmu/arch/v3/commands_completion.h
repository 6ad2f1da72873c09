// Commands that finish things: stalled transactions and the commands before (IHI 0070, 4.7).  Bit
// numbers run across all 128 bits.
#ifndef SMMU_ARCH_V3_COMMANDS_COMPLETION_H_
#define SMMU_ARCH_V3_COMMANDS_COMPLETION_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v3/command_opcodes.h"

namespace smmu::v3 {

// 4.7.1
struct CMD_RESUME : Command<CMD_RESUME, Opcode::CMD_RESUME> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bit<12>      Ac{"Ac"};  // 1 retry, 0 terminate
  static constexpr Bit<13>      Ab{"Ab"};  // terminate: 1 with an abort, 0 as RAZ/WI
  static constexpr Bits<63, 32> StreamID{"StreamID"};
  static constexpr Bits<79, 64> STAG{"STAG"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(11), Ac, Ab, reserved(31, 14), StreamID, STAG,
      reserved(127, 80)};
};
static_assert(covers_exactly<CMD_RESUME>());

// 4.7.2
struct CMD_STALL_TERM : Command<CMD_STALL_TERM, Opcode::CMD_STALL_TERM> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bits<63, 32> StreamID{"StreamID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(31, 11), StreamID, reserved(127, 64)};
};
static_assert(covers_exactly<CMD_STALL_TERM>());

// 4.7.3: MSIAddress 0 means that no message is sent, whatever CS says.
struct CMD_SYNC : Command<CMD_SYNC, Opcode::CMD_SYNC> {
  using Command::Command;
  static constexpr Bits<13, 12, SyncSignal>   CS{"CS"};
  static constexpr Bits<23, 22, Shareability> MSH{"MSH"};
  static constexpr Bits<27, 24>               MSIAttr{"MSIAttr"};
  static constexpr Bits<63, 32>               MSIData{"MSIData"};
  static constexpr Address<119, 66>           MSIAddress{"MSIAddress"};
  static constexpr Bit<127>                   MSI_NS{"MSI_NS"};  // on a Realm queue only

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), CS, reserved(21, 14), MSH, MSIAttr, reserved(31, 28), MSIData,
      reserved(65, 64), MSIAddress, reserved(126, 120), MSI_NS};
};
static_assert(covers_exactly<CMD_SYNC>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_COMMANDS_COMPLETION_H_
