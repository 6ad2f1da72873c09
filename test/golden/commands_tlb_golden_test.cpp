// The TLB invalidation commands against the manual (IHI 0070 G.b, 4.4).
//
// The manual draws these layouts rather than listing them: the literals are what its text says and,
// where it is silent, what public drivers and models have (Linux, QEMU, gem5, Renode, EDK2).
#include "smmu/arch/v3/commands_tlb.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 4.4.2.1
    structure<CMD_TLBI_NH_ALL>(16, {
        {CMD_TLBI_NH_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_NH_ALL::VMID,   0, 0x0000'ffff'0000'0000},
    }),
    // 4.4.2.2
    structure<CMD_TLBI_NH_ASID>(16, {
        {CMD_TLBI_NH_ASID::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_NH_ASID::VMID,   0, 0x0000'ffff'0000'0000},
        {CMD_TLBI_NH_ASID::ASID,   0, 0xffff'0000'0000'0000},
    }),
    // 4.4.2.3
    structure<CMD_TLBI_NH_VAA>(16, {
        {CMD_TLBI_NH_VAA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_NH_VAA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_NH_VAA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_NH_VAA::VMID,    0, 0x0000'ffff'0000'0000},
        {CMD_TLBI_NH_VAA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_NH_VAA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_NH_VAA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_NH_VAA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_NH_VAA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.4
    structure<CMD_TLBI_NH_VA>(16, {
        {CMD_TLBI_NH_VA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_NH_VA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_NH_VA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_NH_VA::VMID,    0, 0x0000'ffff'0000'0000},
        {CMD_TLBI_NH_VA::ASID,    0, 0xffff'0000'0000'0000},
        {CMD_TLBI_NH_VA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_NH_VA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_NH_VA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_NH_VA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_NH_VA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.5
    structure<CMD_TLBI_EL3_ALL>(16, {
        {CMD_TLBI_EL3_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
    // 4.4.2.6
    structure<CMD_TLBI_EL3_VA>(16, {
        {CMD_TLBI_EL3_VA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_EL3_VA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_EL3_VA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_EL3_VA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_EL3_VA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_EL3_VA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_EL3_VA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_EL3_VA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.7
    structure<CMD_TLBI_EL2_ALL>(16, {
        {CMD_TLBI_EL2_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
    // 4.4.2.8
    structure<CMD_TLBI_EL2_VA>(16, {
        {CMD_TLBI_EL2_VA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_EL2_VA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_EL2_VA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_EL2_VA::ASID,    0, 0xffff'0000'0000'0000},
        {CMD_TLBI_EL2_VA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_EL2_VA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_EL2_VA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_EL2_VA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_EL2_VA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.9
    structure<CMD_TLBI_EL2_VAA>(16, {
        {CMD_TLBI_EL2_VAA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_EL2_VAA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_EL2_VAA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_EL2_VAA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_EL2_VAA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_EL2_VAA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_EL2_VAA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_EL2_VAA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.10
    structure<CMD_TLBI_EL2_ASID>(16, {
        {CMD_TLBI_EL2_ASID::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_EL2_ASID::ASID,   0, 0xffff'0000'0000'0000},
    }),
    // 4.4.2.11
    structure<CMD_TLBI_S_EL2_ALL>(16, {
        {CMD_TLBI_S_EL2_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
    // 4.4.2.12
    structure<CMD_TLBI_S_EL2_VA>(16, {
        {CMD_TLBI_S_EL2_VA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S_EL2_VA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_S_EL2_VA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_S_EL2_VA::ASID,    0, 0xffff'0000'0000'0000},
        {CMD_TLBI_S_EL2_VA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_S_EL2_VA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_S_EL2_VA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_S_EL2_VA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_S_EL2_VA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.13
    structure<CMD_TLBI_S_EL2_VAA>(16, {
        {CMD_TLBI_S_EL2_VAA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S_EL2_VAA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_S_EL2_VAA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_S_EL2_VAA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_S_EL2_VAA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_S_EL2_VAA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_S_EL2_VAA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_S_EL2_VAA::Address, 1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.2.14
    structure<CMD_TLBI_S_EL2_ASID>(16, {
        {CMD_TLBI_S_EL2_ASID::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S_EL2_ASID::ASID,   0, 0xffff'0000'0000'0000},
    }),
    // 4.4.3.1
    structure<CMD_TLBI_S2_IPA>(16, {
        {CMD_TLBI_S2_IPA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S2_IPA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_S2_IPA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_S2_IPA::VMID,    0, 0x0000'ffff'0000'0000},
        {CMD_TLBI_S2_IPA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_S2_IPA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_S2_IPA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_S2_IPA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_S2_IPA::Address, 1, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.3.2
    structure<CMD_TLBI_S12_VMALL>(16, {
        {CMD_TLBI_S12_VMALL::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S12_VMALL::VMID,   0, 0x0000'ffff'0000'0000},
    }),
    // 4.4.3.3; only one public driver places NS
    structure<CMD_TLBI_S_S2_IPA>(16, {
        {CMD_TLBI_S_S2_IPA::Opcode,  0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S_S2_IPA::NUM,     0, 0x0000'0000'0001'f000},
        {CMD_TLBI_S_S2_IPA::SCALE,   0, 0x0000'0000'03f0'0000},
        {CMD_TLBI_S_S2_IPA::VMID,    0, 0x0000'ffff'0000'0000},
        {CMD_TLBI_S_S2_IPA::Leaf,    1, 0x0000'0000'0000'0001},
        {CMD_TLBI_S_S2_IPA::NS,      1, 0x0000'0000'0000'0002},
        {CMD_TLBI_S_S2_IPA::TTL128,  1, 0x0000'0000'0000'0080},
        {CMD_TLBI_S_S2_IPA::TTL,     1, 0x0000'0000'0000'0300},
        {CMD_TLBI_S_S2_IPA::TG,      1, 0x0000'0000'0000'0c00},
        {CMD_TLBI_S_S2_IPA::Address, 1, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 4.4.3.4
    structure<CMD_TLBI_S_S12_VMALL>(16, {
        {CMD_TLBI_S_S12_VMALL::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_TLBI_S_S12_VMALL::VMID,   0, 0x0000'ffff'0000'0000},
    }),
    // 4.4.4.1
    structure<CMD_TLBI_NSNH_ALL>(16, {
        {CMD_TLBI_NSNH_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
    // 4.4.4.2
    structure<CMD_TLBI_SNH_ALL>(16, {
        {CMD_TLBI_SNH_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    // 4.1.1
    is<CMD_TLBI_NH_ALL::kOpcode>(0x10),
    is<CMD_TLBI_NH_ASID::kOpcode>(0x11),
    is<CMD_TLBI_NH_VAA::kOpcode>(0x13),
    is<CMD_TLBI_NH_VA::kOpcode>(0x12),
    is<CMD_TLBI_EL3_ALL::kOpcode>(0x18),
    is<CMD_TLBI_EL3_VA::kOpcode>(0x1a),
    is<CMD_TLBI_EL2_ALL::kOpcode>(0x20),
    is<CMD_TLBI_EL2_VA::kOpcode>(0x22),
    is<CMD_TLBI_EL2_VAA::kOpcode>(0x23),
    is<CMD_TLBI_EL2_ASID::kOpcode>(0x21),
    is<CMD_TLBI_S_EL2_ALL::kOpcode>(0x50),
    is<CMD_TLBI_S_EL2_VA::kOpcode>(0x52),
    is<CMD_TLBI_S_EL2_VAA::kOpcode>(0x53),
    is<CMD_TLBI_S_EL2_ASID::kOpcode>(0x51),
    is<CMD_TLBI_S2_IPA::kOpcode>(0x2a),
    is<CMD_TLBI_S12_VMALL::kOpcode>(0x28),
    is<CMD_TLBI_S_S2_IPA::kOpcode>(0x5a),
    is<CMD_TLBI_S_S12_VMALL::kOpcode>(0x58),
    is<CMD_TLBI_NSNH_ALL::kOpcode>(0x30),
    is<CMD_TLBI_SNH_ALL::kOpcode>(0x60),
    // 4.4.1.1
    encodes(CMD_TLBI_NH_VAA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_NH_VAA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_NH_VAA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_NH_VAA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_NH_VA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_NH_VA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_NH_VA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_NH_VA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_EL3_VA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_EL3_VA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_EL3_VA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_EL3_VA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_EL2_VA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_EL2_VA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_EL2_VA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_EL2_VA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_EL2_VAA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_EL2_VAA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_EL2_VAA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_EL2_VAA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_S_EL2_VA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_S_EL2_VA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_S_EL2_VA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_S_EL2_VA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_S_EL2_VAA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_S_EL2_VAA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_S_EL2_VAA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_S_EL2_VAA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_S2_IPA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_S2_IPA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_S2_IPA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_S2_IPA::TG, CommandTG::k64K, 3),
    encodes(CMD_TLBI_S_S2_IPA::TG, CommandTG::kAny, 0),
    encodes(CMD_TLBI_S_S2_IPA::TG, CommandTG::k4K,  1),
    encodes(CMD_TLBI_S_S2_IPA::TG, CommandTG::k16K, 2),
    encodes(CMD_TLBI_S_S2_IPA::TG, CommandTG::k64K, 3),
};

TEST(TlbCommandsGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(TlbCommandsGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(TlbCommandsGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(TlbCommandsGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
