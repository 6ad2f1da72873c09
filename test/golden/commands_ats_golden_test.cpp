// The ATS, PRI and DPT commands against the manual (IHI 0070 G.b, 4.5 and 4.6).
//
// The manual draws these layouts rather than listing them: the literals are what its text says and,
// where it is silent, what public drivers and models have (Linux, QEMU, gem5, Renode, EDK2).
#include "smmu/arch/v3/commands_ats.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 4.5.1
    structure<CMD_ATC_INV>(16, {
        {CMD_ATC_INV::Opcode,      0, 0x0000'0000'0000'00ff},
        {CMD_ATC_INV::Global,      0, 0x0000'0000'0000'0200},
        {CMD_ATC_INV::SSV,         0, 0x0000'0000'0000'0800},
        {CMD_ATC_INV::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {CMD_ATC_INV::StreamID,    0, 0xffff'ffff'0000'0000},
        {CMD_ATC_INV::Size,        1, 0x0000'0000'0000'003f},
        {CMD_ATC_INV::Address,     1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.5.2
    structure<CMD_PRI_RESP>(16, {
        {CMD_PRI_RESP::Opcode,      0, 0x0000'0000'0000'00ff},
        {CMD_PRI_RESP::SSV,         0, 0x0000'0000'0000'0800},
        {CMD_PRI_RESP::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {CMD_PRI_RESP::StreamID,    0, 0xffff'ffff'0000'0000},
        {CMD_PRI_RESP::PRGIndex,    1, 0x0000'0000'0000'01ff},
        {CMD_PRI_RESP::Resp,        1, 0x0000'0000'0000'3000},
    }),
    // 4.6.1
    structure<CMD_DPTI_ALL>(16, {
        {CMD_DPTI_ALL::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
    // 4.6.2, the rest of which is not laid out
    structure<CMD_DPTI_PA>(16, {
        {CMD_DPTI_PA::Opcode, 0, 0x0000'0000'0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    // 4.1.1
    is<CMD_ATC_INV::kOpcode>(0x40),
    is<CMD_PRI_RESP::kOpcode>(0x41),
    is<CMD_DPTI_ALL::kOpcode>(0x70),
    is<CMD_DPTI_PA::kOpcode>(0x73),
    // 4.5.2
    encodes(CMD_PRI_RESP::Resp, PageResponse::kResponseFailure, 0),
    encodes(CMD_PRI_RESP::Resp, PageResponse::kInvalidRequest,  1),
    encodes(CMD_PRI_RESP::Resp, PageResponse::kSuccess,         2),
};

TEST(AtsCommandsGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(AtsCommandsGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(AtsCommandsGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(AtsCommandsGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
