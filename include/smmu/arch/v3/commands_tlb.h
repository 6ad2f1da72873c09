// Commands that invalidate TLB entries (IHI 0070, 4.4).  Bit numbers run across all 128 bits.
//
// The names say what must match: a regime (NH non-hypervisor EL1, EL2, EL3; S_ Secure), then ALL,
// an ASID, a VA in one ASID or, VAA, in all of them, or an IPA.  Everything else differs only in
// which of VMID, ASID and an address is present.
#ifndef SMMU_ARCH_V3_COMMANDS_TLB_H_
#define SMMU_ARCH_V3_COMMANDS_TLB_H_

#include "smmu/arch/bits.h"
#include "smmu/arch/encodings.h"
#include "smmu/arch/v3/command_opcodes.h"

namespace smmu::v3 {

// Fields of the commands that match an address or a range of them (4.4.1.1).
template <class Self, v3::Opcode kCode>
struct TlbiRange : Command<Self, kCode> {
  using Command<Self, kCode>::Command;
  static constexpr BitsOf<Self, 16, 12>            NUM{"NUM"};
  static constexpr BitsOf<Self, 25, 20>            SCALE{"SCALE"};  // bit 25 only if SMMU_IDR5.DS
  static constexpr BitsOf<Self, 64, 64>            Leaf{"Leaf"};
  static constexpr BitsOf<Self, 71, 71>            TTL128{"TTL128"};
  static constexpr BitsOf<Self, 73, 72>            TTL{"TTL"};
  static constexpr BitsOf<Self, 75, 74, CommandTG> TG{"TG"};
};

// Those whose address is virtual.
template <class Self, v3::Opcode kCode>
struct TlbiVirtual : TlbiRange<Self, kCode> {
  using TlbiRange<Self, kCode>::TlbiRange;
  static constexpr AddressOf<Self, 127, 76> Address{"Address"};
};

// Those whose address is an IPA.
template <class Self, v3::Opcode kCode>
struct TlbiIntermediate : TlbiRange<Self, kCode> {
  using TlbiRange<Self, kCode>::TlbiRange;
  static constexpr AddressOf<Self, 119, 76> Address{"Address"};
};

// 4.4.2.1
struct CMD_TLBI_NH_ALL : Command<CMD_TLBI_NH_ALL, Opcode::CMD_TLBI_NH_ALL> {
  using Command::Command;
  static constexpr Bits<47, 32> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(31, 8), VMID, reserved(63, 48), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_NH_ALL>());

// 4.4.2.2
struct CMD_TLBI_NH_ASID : Command<CMD_TLBI_NH_ASID, Opcode::CMD_TLBI_NH_ASID> {
  using Command::Command;
  static constexpr Bits<47, 32> VMID{"VMID"};
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {Opcode, reserved(31, 8), VMID, ASID, reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_NH_ASID>());

// 4.4.2.4
struct CMD_TLBI_NH_VA : TlbiVirtual<CMD_TLBI_NH_VA, Opcode::CMD_TLBI_NH_VA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr Bits<47, 32> VMID{"VMID"};
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(31, 26), VMID, ASID, Leaf,
      reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_NH_VA>());

// 4.4.2.3
struct CMD_TLBI_NH_VAA : TlbiVirtual<CMD_TLBI_NH_VAA, Opcode::CMD_TLBI_NH_VAA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr Bits<47, 32> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(31, 26), VMID,
      reserved(63, 48), Leaf, reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_NH_VAA>());

// 4.4.2.5
struct CMD_TLBI_EL3_ALL : Command<CMD_TLBI_EL3_ALL, Opcode::CMD_TLBI_EL3_ALL> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_EL3_ALL>());

// 4.4.2.6
struct CMD_TLBI_EL3_VA : TlbiVirtual<CMD_TLBI_EL3_VA, Opcode::CMD_TLBI_EL3_VA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(63, 26), Leaf,
      reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_EL3_VA>());

// 4.4.2.7
struct CMD_TLBI_EL2_ALL : Command<CMD_TLBI_EL2_ALL, Opcode::CMD_TLBI_EL2_ALL> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_EL2_ALL>());

// 4.4.2.10
struct CMD_TLBI_EL2_ASID : Command<CMD_TLBI_EL2_ASID, Opcode::CMD_TLBI_EL2_ASID> {
  using Command::Command;
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {Opcode, reserved(47, 8), ASID, reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_EL2_ASID>());

// 4.4.2.8
struct CMD_TLBI_EL2_VA : TlbiVirtual<CMD_TLBI_EL2_VA, Opcode::CMD_TLBI_EL2_VA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(47, 26), ASID, Leaf,
      reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_EL2_VA>());

// 4.4.2.9
struct CMD_TLBI_EL2_VAA : TlbiVirtual<CMD_TLBI_EL2_VAA, Opcode::CMD_TLBI_EL2_VAA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(63, 26), Leaf,
      reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_EL2_VAA>());

// 4.4.2.11
struct CMD_TLBI_S_EL2_ALL : Command<CMD_TLBI_S_EL2_ALL, Opcode::CMD_TLBI_S_EL2_ALL> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_S_EL2_ALL>());

// 4.4.2.14
struct CMD_TLBI_S_EL2_ASID : Command<CMD_TLBI_S_EL2_ASID, Opcode::CMD_TLBI_S_EL2_ASID> {
  using Command::Command;
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {Opcode, reserved(47, 8), ASID, reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_S_EL2_ASID>());

// 4.4.2.12
struct CMD_TLBI_S_EL2_VA : TlbiVirtual<CMD_TLBI_S_EL2_VA, Opcode::CMD_TLBI_S_EL2_VA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr Bits<63, 48> ASID{"ASID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(47, 26), ASID, Leaf,
      reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_S_EL2_VA>());

// 4.4.2.13
struct CMD_TLBI_S_EL2_VAA : TlbiVirtual<CMD_TLBI_S_EL2_VAA, Opcode::CMD_TLBI_S_EL2_VAA> {
  using TlbiVirtual::TlbiVirtual;
  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(63, 26), Leaf,
      reserved(70, 65), TTL128, TTL, TG, Address};
};
static_assert(covers_exactly<CMD_TLBI_S_EL2_VAA>());

// 4.4.3.1
struct CMD_TLBI_S2_IPA : TlbiIntermediate<CMD_TLBI_S2_IPA, Opcode::CMD_TLBI_S2_IPA> {
  using TlbiIntermediate::TlbiIntermediate;
  static constexpr Bits<47, 32> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(31, 26), VMID,
      reserved(63, 48), Leaf, reserved(70, 65), TTL128, TTL, TG, Address, reserved(127, 120)};
};
static_assert(covers_exactly<CMD_TLBI_S2_IPA>());

// 4.4.3.2
struct CMD_TLBI_S12_VMALL : Command<CMD_TLBI_S12_VMALL, Opcode::CMD_TLBI_S12_VMALL> {
  using Command::Command;
  static constexpr Bits<47, 32> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(31, 8), VMID, reserved(63, 48), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_S12_VMALL>());

// 4.4.3.3: NS says which of the two IPA spaces of a Secure stream Address lies in.
struct CMD_TLBI_S_S2_IPA : TlbiIntermediate<CMD_TLBI_S_S2_IPA, Opcode::CMD_TLBI_S_S2_IPA> {
  using TlbiIntermediate::TlbiIntermediate;
  static constexpr Bits<47, 32> VMID{"VMID"};
  static constexpr Bit<65>      NS{"NS"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(11, 8), NUM, reserved(19, 17), SCALE, reserved(31, 26), VMID,
      reserved(63, 48), Leaf, NS, reserved(70, 66), TTL128, TTL, TG, Address, reserved(127, 120)};
};
static_assert(covers_exactly<CMD_TLBI_S_S2_IPA>());

// 4.4.3.4
struct CMD_TLBI_S_S12_VMALL : Command<CMD_TLBI_S_S12_VMALL, Opcode::CMD_TLBI_S_S12_VMALL> {
  using Command::Command;
  static constexpr Bits<47, 32> VMID{"VMID"};

  static constexpr FieldInfo kFields[] = {
      Opcode, reserved(31, 8), VMID, reserved(63, 48), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_S_S12_VMALL>());

// 4.4.4.1
struct CMD_TLBI_NSNH_ALL : Command<CMD_TLBI_NSNH_ALL, Opcode::CMD_TLBI_NSNH_ALL> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_NSNH_ALL>());

// 4.4.4.2
struct CMD_TLBI_SNH_ALL : Command<CMD_TLBI_SNH_ALL, Opcode::CMD_TLBI_SNH_ALL> {
  using Command::Command;
  static constexpr FieldInfo kFields[] = {Opcode, reserved(63, 8), reserved(127, 64)};
};
static_assert(covers_exactly<CMD_TLBI_SNH_ALL>());

}  // namespace smmu::v3

#endif  // SMMU_ARCH_V3_COMMANDS_TLB_H_
