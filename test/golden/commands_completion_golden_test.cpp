// The fault response and synchronization commands against the manual (IHI 0070 G.b, 4.7).
//
// The manual draws these layouts rather than listing them: the literals are what its text says and,
// where it is silent, what public drivers and models have (Linux, QEMU, gem5, Renode, EDK2).
#include "smmu/arch/v3/commands_completion.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 4.7.1
    structure<CMD_RESUME>(16, {
        {CMD_RESUME::Opcode,   0, 0x0000'0000'0000'00ff},
        {CMD_RESUME::SSec,     0, 0x0000'0000'0000'0400},
        {CMD_RESUME::Ac,       0, 0x0000'0000'0000'1000},
        {CMD_RESUME::Ab,       0, 0x0000'0000'0000'2000},
        {CMD_RESUME::StreamID, 0, 0xffff'ffff'0000'0000},
        {CMD_RESUME::STAG,     1, 0x0000'0000'0000'ffff},
    }),
    // 4.7.2
    structure<CMD_STALL_TERM>(16, {
        {CMD_STALL_TERM::Opcode,   0, 0x0000'0000'0000'00ff},
        {CMD_STALL_TERM::SSec,     0, 0x0000'0000'0000'0400},
        {CMD_STALL_TERM::StreamID, 0, 0xffff'ffff'0000'0000},
    }),
    // 4.7.3
    structure<CMD_SYNC>(16, {
        {CMD_SYNC::Opcode,     0, 0x0000'0000'0000'00ff},
        {CMD_SYNC::CS,         0, 0x0000'0000'0000'3000},
        {CMD_SYNC::MSH,        0, 0x0000'0000'00c0'0000},
        {CMD_SYNC::MSIAttr,    0, 0x0000'0000'0f00'0000},
        {CMD_SYNC::MSIData,    0, 0xffff'ffff'0000'0000},
        {CMD_SYNC::MSIAddress, 1, 0x00ff'ffff'ffff'fffc, kInPlace},
        {CMD_SYNC::MSI_NS,     1, 0x8000'0000'0000'0000},
    }),
};

constexpr auto kEnumerators = std::array{
    // 4.1.1
    is<CMD_RESUME::kOpcode>(0x44),
    is<CMD_STALL_TERM::kOpcode>(0x45),
    is<CMD_SYNC::kOpcode>(0x46),
    // 4.7.3
    encodes(CMD_SYNC::CS, SyncSignal::kNone, 0),
    encodes(CMD_SYNC::CS, SyncSignal::kIrq,  1),
    encodes(CMD_SYNC::CS, SyncSignal::kSev,  2),
    encodes(CMD_SYNC::MSH, Shareability::kNonShareable, 0),
    encodes(CMD_SYNC::MSH, Shareability::kOuter,        2),
    encodes(CMD_SYNC::MSH, Shareability::kInner,        3),
};

TEST(CompletionCommandsGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(CompletionCommandsGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(CompletionCommandsGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(CompletionCommandsGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
