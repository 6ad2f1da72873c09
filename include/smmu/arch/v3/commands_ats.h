// Commands for devices that translate for themselves: what their caches must drop, what their page
// requests came to, and what cached permissions of theirs are void (IHI 0070, 4.5 and 4.6).  Bit
// numbers run across all 128 bits.
#ifndef SMMU_ARCH_V3_COMMANDS_ATS_H_
#define SMMU_ARCH_V3_COMMANDS_ATS_H_

#include <cstdint>

#include "smmu/arch/bits.h"
#include "smmu/arch/v3/command_opcodes.h"

namespace smmu::v3 {

// 4.5.1: 4096 * 2^Size bytes, aligned to that; Size 52 is everything.
struct CMD_ATC_INV : Command<CMD_ATC_INV, Opcode::CMD_ATC_INV> {
  using Command::Command;
  static constexpr Bit<9>                          Global{"Global"};
  static constexpr Bit<11>                         SSV{"SSV"};
  static constexpr Bits<31, 12>                    SubstreamID{"SubstreamID"};
  static constexpr Bits<63, 32>                    StreamID{"StreamID"};
  static constexpr Bits<69, 64>                    Size{"Size"};
  static constexpr AddressOf<CMD_ATC_INV, 127, 76> Address{"Address"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(8), Global, reserved(10), SSV, SubstreamID, StreamID, Size, reserved(75, 70),
      Address};
};
static_assert(covers_exactly<CMD_ATC_INV>());

// CMD_PRI_RESP.Resp.  Not PCIe's response codes.
enum class PageResponse : std::uint8_t {
  kResponseFailure = 0b00,
  kInvalidRequest = 0b01,
  kSuccess = 0b10,
};

// 4.5.2
struct CMD_PRI_RESP : Command<CMD_PRI_RESP, Opcode::CMD_PRI_RESP> {
  using Command::Command;
  static constexpr Bit<11>                    SSV{"SSV"};
  static constexpr Bits<31, 12>               SubstreamID{"SubstreamID"};
  static constexpr Bits<63, 32>               StreamID{"StreamID"};
  static constexpr Bits<72, 64>               PRGIndex{"PRGIndex"};
  static constexpr Bits<77, 76, PageResponse> Resp{"Resp"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(10, 8), SSV, SubstreamID, StreamID, PRGIndex, reserved(75, 73), Resp,
      reserved(127, 78)};
};
static_assert(covers_exactly<CMD_PRI_RESP>());

// 4.6.1
struct CMD_DPTI_ALL : Command<CMD_DPTI_ALL, Opcode::CMD_DPTI_ALL> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_DPTI_ALL>());

// 4.6.2.  Not laid out: Leaf, SIZE and the address, whose positions only the manual's figure gives.
// SMMU_IDR3.DPT reads 0, which makes the command illegal.
struct CMD_DPTI_PA : Command<CMD_DPTI_PA, Opcode::CMD_DPTI_PA> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_DPTI_PA>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_COMMANDS_ATS_H_
