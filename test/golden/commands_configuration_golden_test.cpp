// The prefetch and configuration commands against the manual (IHI 0070 G.b, 4.2 and 4.3).
//
// The manual draws these layouts rather than listing them: the literals are what its text says and,
// where it is silent, what public drivers and models have (Linux, QEMU, gem5, Renode, EDK2).
#include "smmu/arch/v3/commands_configuration.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 4.2.1
    structure<CMD_PREFETCH_CONFIG>(16, {
        {CMD_PREFETCH_CONFIG::Opcode,      0, 0x0000'0000'0000'00ff},
        {CMD_PREFETCH_CONFIG::SSec,        0, 0x0000'0000'0000'0400},
        {CMD_PREFETCH_CONFIG::SSV,         0, 0x0000'0000'0000'0800},
        {CMD_PREFETCH_CONFIG::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {CMD_PREFETCH_CONFIG::StreamID,    0, 0xffff'ffff'0000'0000},
    }),
    // 4.2.2
    structure<CMD_PREFETCH_ADDR>(16, {
        {CMD_PREFETCH_ADDR::Opcode,      0, 0x0000'0000'0000'00ff},
        {CMD_PREFETCH_ADDR::SSec,        0, 0x0000'0000'0000'0400},
        {CMD_PREFETCH_ADDR::SSV,         0, 0x0000'0000'0000'0800},
        {CMD_PREFETCH_ADDR::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {CMD_PREFETCH_ADDR::StreamID,    0, 0xffff'ffff'0000'0000},
        {CMD_PREFETCH_ADDR::Size,        1, 0x0000'0000'0000'001f},
        {CMD_PREFETCH_ADDR::Stride,      1, 0x0000'0000'0000'03e0},
        {CMD_PREFETCH_ADDR::NS,          1, 0x0000'0000'0000'0800},
        {CMD_PREFETCH_ADDR::Address,     1, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    // 4.3.1
    structure<CMD_CFGI_STE>(16, {
        {CMD_CFGI_STE::Opcode,   0, 0x0000'0000'0000'00ff},
        {CMD_CFGI_STE::SSec,     0, 0x0000'0000'0000'0400},
        {CMD_CFGI_STE::StreamID, 0, 0xffff'ffff'0000'0000},
        {CMD_CFGI_STE::Leaf,     1, 0x0000'0000'0000'0001},
    }),
    // 4.3.2
    structure<CMD_CFGI_STE_RANGE>(16, {
        {CMD_CFGI_STE_RANGE::Opcode,   0, 0x0000'0000'0000'00ff},
        {CMD_CFGI_STE_RANGE::SSec,     0, 0x0000'0000'0000'0400},
        {CMD_CFGI_STE_RANGE::StreamID, 0, 0xffff'ffff'0000'0000},
        {CMD_CFGI_STE_RANGE::Range,    1, 0x0000'0000'0000'001f},
    }),
    // 4.3.3
    structure<CMD_CFGI_CD>(16, {
        {CMD_CFGI_CD::Opcode,      0, 0x0000'0000'0000'00ff},
        {CMD_CFGI_CD::SSec,        0, 0x0000'0000'0000'0400},
        {CMD_CFGI_CD::SubstreamID, 0, 0x0000'0000'ffff'f000},
        {CMD_CFGI_CD::StreamID,    0, 0xffff'ffff'0000'0000},
        {CMD_CFGI_CD::Leaf,        1, 0x0000'0000'0000'0001},
    }),
    // 4.3.4
    structure<CMD_CFGI_CD_ALL>(16, {
        {CMD_CFGI_CD_ALL::Opcode,   0, 0x0000'0000'0000'00ff},
        {CMD_CFGI_CD_ALL::SSec,     0, 0x0000'0000'0000'0400},
        {CMD_CFGI_CD_ALL::StreamID, 0, 0xffff'ffff'0000'0000},
    }),
    // 4.3.5
    structure<CMD_CFGI_VMS_PIDM>(16, {
        {CMD_CFGI_VMS_PIDM::Opcode, 0, 0x0000'0000'0000'00ff},
        {CMD_CFGI_VMS_PIDM::SSec,   0, 0x0000'0000'0000'0400},
        {CMD_CFGI_VMS_PIDM::VMID,   0, 0x0000'ffff'0000'0000},
    }),
};

constexpr auto kEnumerators = std::array{
    // 4.1.1
    is<CMD_PREFETCH_CONFIG::kOpcode>(0x01),
    is<CMD_PREFETCH_ADDR::kOpcode>(0x02),
    is<CMD_CFGI_STE::kOpcode>(0x03),
    is<CMD_CFGI_STE_RANGE::kOpcode>(0x04),
    is<CMD_CFGI_CD::kOpcode>(0x05),
    is<CMD_CFGI_CD_ALL::kOpcode>(0x06),
    is<CMD_CFGI_VMS_PIDM::kOpcode>(0x07),
};

TEST(ConfigurationCommandsGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(ConfigurationCommandsGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(ConfigurationCommandsGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(ConfigurationCommandsGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
