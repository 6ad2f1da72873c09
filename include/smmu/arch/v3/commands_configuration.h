// Commands about cached STEs and CDs: prefetch and invalidation (IHI 0070, 4.2 and 4.3).  Bit
// numbers run across all 128 bits.
#ifndef SMMU_ARCH_V3_COMMANDS_CONFIGURATION_H_
#define SMMU_ARCH_V3_COMMANDS_CONFIGURATION_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/v3/command_opcodes.h"

namespace smmu::v3 {

// 4.2.1
struct CMD_PREFETCH_CONFIG : Command<CMD_PREFETCH_CONFIG, Opcode::CMD_PREFETCH_CONFIG> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bit<11>      SSV{"SSV"};
  static constexpr Bits<31, 12> SubstreamID{"SubstreamID"};
  static constexpr Bits<63, 32> StreamID{"StreamID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, SSV, SubstreamID, StreamID, reserved(127, 64)};
};
static_assert(covers_exactly<CMD_PREFETCH_CONFIG>());

// 4.2.2: 2^Size translations, 2^(12 + Stride) bytes apart.
struct CMD_PREFETCH_ADDR : Command<CMD_PREFETCH_ADDR, Opcode::CMD_PREFETCH_ADDR> {
  using Command::Command;
  static constexpr Bit<10>                               SSec{"SSec"};
  static constexpr Bit<11>                               SSV{"SSV"};
  static constexpr Bits<31, 12>                          SubstreamID{"SubstreamID"};
  static constexpr Bits<63, 32>                          StreamID{"StreamID"};
  static constexpr Bits<68, 64>                          Size{"Size"};
  static constexpr Bits<73, 69>                          Stride{"Stride"};
  static constexpr Bit<75>                               NS{"NS"};
  static constexpr AddressOf<CMD_PREFETCH_ADDR, 127, 76> Address{"Address"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, SSV, SubstreamID, StreamID, Size, Stride, reserved(74), NS,
      Address};
};
static_assert(covers_exactly<CMD_PREFETCH_ADDR>());

// 4.3.1
struct CMD_CFGI_STE : Command<CMD_CFGI_STE, Opcode::CMD_CFGI_STE> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bits<63, 32> StreamID{"StreamID"};
  static constexpr Bit<64>      Leaf{"Leaf"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(31, 11), StreamID, Leaf, reserved(127, 65)};
};
static_assert(covers_exactly<CMD_CFGI_STE>());

// 4.3.2 and, with Range 31, CMD_CFGI_ALL of 4.3.6: 2^(Range + 1) StreamIDs.
struct CMD_CFGI_STE_RANGE : Command<CMD_CFGI_STE_RANGE, Opcode::CMD_CFGI_STE_RANGE> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bits<63, 32> StreamID{"StreamID"};
  static constexpr Bits<68, 64> Range{"Range"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(31, 11), StreamID, Range, reserved(127, 69)};
};
static_assert(covers_exactly<CMD_CFGI_STE_RANGE>());

// 4.3.3: there is no SSV; without substreams the CD is that of SubstreamID 0.
struct CMD_CFGI_CD : Command<CMD_CFGI_CD, Opcode::CMD_CFGI_CD> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bits<31, 12> SubstreamID{"SubstreamID"};
  static constexpr Bits<63, 32> StreamID{"StreamID"};
  static constexpr Bit<64>      Leaf{"Leaf"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(11), SubstreamID, StreamID, Leaf, reserved(127, 65)};
};
static_assert(covers_exactly<CMD_CFGI_CD>());

// 4.3.4
struct CMD_CFGI_CD_ALL : Command<CMD_CFGI_CD_ALL, Opcode::CMD_CFGI_CD_ALL> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bits<63, 32> StreamID{"StreamID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(31, 11), StreamID, reserved(127, 64)};
};
static_assert(covers_exactly<CMD_CFGI_CD_ALL>());

// 4.3.5
struct CMD_CFGI_VMS_PIDM : Command<CMD_CFGI_VMS_PIDM, Opcode::CMD_CFGI_VMS_PIDM> {
  using Command::Command;
  static constexpr Bit<10>      SSec{"SSec"};
  static constexpr Bits<47, 32> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(9, 8), SSec, reserved(31, 11), VMID, reserved(63, 48), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_CFGI_VMS_PIDM>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_COMMANDS_CONFIGURATION_H_
