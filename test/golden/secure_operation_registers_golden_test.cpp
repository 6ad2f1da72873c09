// The registers of the Secure address translation operations against the text
// of the manual (IHI 0070 G.b, 6.3).
#include "smmu/arch/v3/secure_operation_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 6.3.83
    register_at<SMMU_S_GATOS_CTRL>(0x8100, 32, {
        {SMMU_S_GATOS_CTRL::RUN, 0x0000'0001},
    }),
    // 6.3.84
    register_at<SMMU_S_GATOS_SID>(0x8108, 64, {
        {SMMU_S_GATOS_SID::SSEC,        0x0020'0000'0000'0000},
        {SMMU_S_GATOS_SID::SSID_VALID,  0x0010'0000'0000'0000},
        {SMMU_S_GATOS_SID::SUBSTREAMID, 0x000f'ffff'0000'0000},
        {SMMU_S_GATOS_SID::STREAMID,    0x0000'0000'ffff'ffff},
    }),
    // 6.3.85
    register_at<SMMU_S_GATOS_ADDR>(0x8110, 64, {
        {SMMU_S_GATOS_ADDR::ADDR,  0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_S_GATOS_ADDR::TYPE,  0x0000'0000'0000'0c00},
        {SMMU_S_GATOS_ADDR::PnU,   0x0000'0000'0000'0200},
        {SMMU_S_GATOS_ADDR::RnW,   0x0000'0000'0000'0100},
        {SMMU_S_GATOS_ADDR::InD,   0x0000'0000'0000'0080},
        {SMMU_S_GATOS_ADDR::HTTUI, 0x0000'0000'0000'0040},
        {SMMU_S_GATOS_ADDR::NS,    0x0000'0000'0000'0010},
    }),
    // 6.3.86
    register_at<SMMU_S_GATOS_PAR>(0x8118, 64, {
        {SMMU_S_GATOS_PAR::ATTR,  0xff00'0000'0000'0000},
        {SMMU_S_GATOS_PAR::ADDR,  0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_S_GATOS_PAR::Size,  0x0000'0000'0000'0800},
        {SMMU_S_GATOS_PAR::NS,    0x0000'0000'0000'0400},
        {SMMU_S_GATOS_PAR::SH,    0x0000'0000'0000'0300},
        {SMMU_S_GATOS_PAR::FAULT, 0x0000'0000'0000'0001},
    }),
    register_at<SMMU_S_GATOS_PAR_Fault>(0x8118, 64, {
        {SMMU_S_GATOS_PAR_Fault::FADDR,     0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_S_GATOS_PAR_Fault::FAULTCODE, 0x0000'0000'0000'0ff0},
        {SMMU_S_GATOS_PAR_Fault::NSIPA,     0x0000'0000'0000'0008},
        {SMMU_S_GATOS_PAR_Fault::REASON,    0x0000'0000'0000'0006},
        {SMMU_S_GATOS_PAR_Fault::FAULT,     0x0000'0000'0000'0001},
    }),
    // 6.3.90
    register_at<SMMU_S_VATOS_SEL>(0x8180, 32, {
        {SMMU_S_VATOS_SEL::VMID, 0x0000'ffff},
    }),
    // 6.3.103
    register_at<SMMU_S_VATOS_CTRL>(0x0a00, 32, {
        {SMMU_S_VATOS_CTRL::RUN, 0x0000'0001},
    }),
    // 6.3.104
    register_at<SMMU_S_VATOS_SID>(0x0a08, 64, {
        {SMMU_S_VATOS_SID::SSID_VALID,  0x0010'0000'0000'0000},
        {SMMU_S_VATOS_SID::SUBSTREAMID, 0x000f'ffff'0000'0000},
        {SMMU_S_VATOS_SID::STREAMID,    0x0000'0000'ffff'ffff},
    }),
    // 6.3.105
    register_at<SMMU_S_VATOS_ADDR>(0x0a10, 64, {
        {SMMU_S_VATOS_ADDR::ADDR,  0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_S_VATOS_ADDR::TYPE,  0x0000'0000'0000'0c00},
        {SMMU_S_VATOS_ADDR::PnU,   0x0000'0000'0000'0200},
        {SMMU_S_VATOS_ADDR::RnW,   0x0000'0000'0000'0100},
        {SMMU_S_VATOS_ADDR::InD,   0x0000'0000'0000'0080},
        {SMMU_S_VATOS_ADDR::HTTUI, 0x0000'0000'0000'0040},
    }),
    // 6.3.106
    register_at<SMMU_S_VATOS_PAR>(0x0a18, 64, {
        {SMMU_S_VATOS_PAR::ATTR,  0xff00'0000'0000'0000},
        {SMMU_S_VATOS_PAR::ADDR,  0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_S_VATOS_PAR::Size,  0x0000'0000'0000'0800},
        {SMMU_S_VATOS_PAR::NS,    0x0000'0000'0000'0400},
        {SMMU_S_VATOS_PAR::SH,    0x0000'0000'0000'0300},
        {SMMU_S_VATOS_PAR::FAULT, 0x0000'0000'0000'0001},
    }),
    register_at<SMMU_S_VATOS_PAR_Fault>(0x0a18, 64, {
        {SMMU_S_VATOS_PAR_Fault::FADDR,     0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_S_VATOS_PAR_Fault::FAULTCODE, 0x0000'0000'0000'0ff0},
        {SMMU_S_VATOS_PAR_Fault::NSIPA,     0x0000'0000'0000'0008},
        {SMMU_S_VATOS_PAR_Fault::REASON,    0x0000'0000'0000'0006},
        {SMMU_S_VATOS_PAR_Fault::FAULT,     0x0000'0000'0000'0001},
    }),
};

TEST(SecureOperationRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(SecureOperationRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(SecureOperationRegistersGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

}  // namespace
}  // namespace smmu::v3
