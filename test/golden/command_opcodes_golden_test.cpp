// The opcodes against the table of the manual (IHI 0070 G.b, 4.1.1).
#include "smmu/arch/v3/command_opcodes.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 4.1.1
    structure<CommandHeader>(16, {
        {CommandHeader::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    // 4.1.1
    is<Opcode::CMD_PREFETCH_CONFIG>(0x01),
    is<Opcode::CMD_PREFETCH_ADDR>(0x02),
    is<Opcode::CMD_CFGI_STE>(0x03),
    is<Opcode::CMD_CFGI_STE_RANGE>(0x04),
    is<Opcode::CMD_CFGI_CD>(0x05),
    is<Opcode::CMD_CFGI_CD_ALL>(0x06),
    is<Opcode::CMD_CFGI_VMS_PIDM>(0x07),
    is<Opcode::CMD_TLBI_NH_ALL>(0x10),
    is<Opcode::CMD_TLBI_NH_ASID>(0x11),
    is<Opcode::CMD_TLBI_NH_VA>(0x12),
    is<Opcode::CMD_TLBI_NH_VAA>(0x13),
    is<Opcode::CMD_TLBI_EL3_ALL>(0x18),
    is<Opcode::CMD_TLBI_EL3_VA>(0x1a),
    is<Opcode::CMD_TLBI_EL2_ALL>(0x20),
    is<Opcode::CMD_TLBI_EL2_ASID>(0x21),
    is<Opcode::CMD_TLBI_EL2_VA>(0x22),
    is<Opcode::CMD_TLBI_EL2_VAA>(0x23),
    is<Opcode::CMD_TLBI_S12_VMALL>(0x28),
    is<Opcode::CMD_TLBI_S2_IPA>(0x2a),
    is<Opcode::CMD_TLBI_NSNH_ALL>(0x30),
    is<Opcode::CMD_ATC_INV>(0x40),
    is<Opcode::CMD_PRI_RESP>(0x41),
    is<Opcode::CMD_RESUME>(0x44),
    is<Opcode::CMD_STALL_TERM>(0x45),
    is<Opcode::CMD_SYNC>(0x46),
    is<Opcode::CMD_TLBI_S_EL2_ALL>(0x50),
    is<Opcode::CMD_TLBI_S_EL2_ASID>(0x51),
    is<Opcode::CMD_TLBI_S_EL2_VA>(0x52),
    is<Opcode::CMD_TLBI_S_EL2_VAA>(0x53),
    is<Opcode::CMD_TLBI_S_S12_VMALL>(0x58),
    is<Opcode::CMD_TLBI_S_S2_IPA>(0x5a),
    is<Opcode::CMD_TLBI_SNH_ALL>(0x60),
    is<Opcode::CMD_DPTI_ALL>(0x70),
    is<Opcode::CMD_DPTI_PA>(0x73),
};

TEST(CommandOpcodesGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(CommandOpcodesGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(CommandOpcodesGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(CommandOpcodesGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
