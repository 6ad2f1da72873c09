// What begins every command: its opcode (IHI 0070, 4.1.1).
//
// Read 16 bytes as a CommandHeader, look at Opcode, then take the words as the command it names.
#ifndef SMMU_ARCH_V3_COMMAND_OPCODES_H_
#define SMMU_ARCH_V3_COMMAND_OPCODES_H_

#include <cstdint>

#include "smmu/arch/bits.h"

namespace smmu::v3 {

// Values without an enumerator are reserved, except 0x80 to 0x8F, which are IMPLEMENTATION DEFINED.
// CMD_CFGI_ALL has no opcode: it is CMD_CFGI_STE_RANGE with Range 31 (4.3.6).
enum class Opcode : std::uint8_t {
  CMD_PREFETCH_CONFIG = 0x01,
  CMD_PREFETCH_ADDR = 0x02,
  CMD_CFGI_STE = 0x03,
  CMD_CFGI_STE_RANGE = 0x04,
  CMD_CFGI_CD = 0x05,
  CMD_CFGI_CD_ALL = 0x06,
  CMD_CFGI_VMS_PIDM = 0x07,
  CMD_TLBI_NH_ALL = 0x10,
  CMD_TLBI_NH_ASID = 0x11,
  CMD_TLBI_NH_VA = 0x12,
  CMD_TLBI_NH_VAA = 0x13,
  CMD_TLBI_EL3_ALL = 0x18,
  CMD_TLBI_EL3_VA = 0x1A,
  CMD_TLBI_EL2_ALL = 0x20,
  CMD_TLBI_EL2_ASID = 0x21,
  CMD_TLBI_EL2_VA = 0x22,
  CMD_TLBI_EL2_VAA = 0x23,
  CMD_TLBI_S12_VMALL = 0x28,
  CMD_TLBI_S2_IPA = 0x2A,
  CMD_TLBI_NSNH_ALL = 0x30,
  CMD_ATC_INV = 0x40,
  CMD_PRI_RESP = 0x41,
  CMD_RESUME = 0x44,
  CMD_STALL_TERM = 0x45,
  CMD_SYNC = 0x46,
  CMD_TLBI_S_EL2_ALL = 0x50,
  CMD_TLBI_S_EL2_ASID = 0x51,
  CMD_TLBI_S_EL2_VA = 0x52,
  CMD_TLBI_S_EL2_VAA = 0x53,
  CMD_TLBI_S_S12_VMALL = 0x58,
  CMD_TLBI_S_S2_IPA = 0x5A,
  CMD_TLBI_SNH_ALL = 0x60,
  CMD_DPTI_ALL = 0x70,
  CMD_DPTI_PA = 0x73,
};

// A command of 16 bytes.  kOpcode is what its Opcode must hold; a command is born zero, so the
// writer sets it like any other field.
template <class Self, v3::Opcode kCode>
struct Command : Structure<Self, 16> {
  using Structure<Self, 16>::Structure;
  static constexpr v3::Opcode kOpcode = kCode;

  static constexpr BitsOf<Self, 7, 0, v3::Opcode> Opcode{"Opcode"};
};

// What all commands share.
struct CommandHeader : Structure<CommandHeader, 16> {
  using Structure::Structure;
  static constexpr Bits<7, 0, v3::Opcode> Opcode{"Opcode"};

  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CommandHeader>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_COMMAND_OPCODES_H_
