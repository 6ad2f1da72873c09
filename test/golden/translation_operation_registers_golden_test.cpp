// The registers of the address translation operations against the text of the manual (IHI
// 0070 G.b, 6.3).
#include "smmu/arch/v3/translation_operation_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 6.3.37
    register_at<SMMU_GATOS_CTRL>(0x0100, 32, {
        {SMMU_GATOS_CTRL::RUN, 0x0000'0001},
    }),
    // 6.3.38
    register_at<SMMU_GATOS_SID>(0x0108, 64, {
        {SMMU_GATOS_SID::SSID_VALID,  0x0010'0000'0000'0000},
        {SMMU_GATOS_SID::SUBSTREAMID, 0x000f'ffff'0000'0000},
        {SMMU_GATOS_SID::STREAMID,    0x0000'0000'ffff'ffff},
    }),
    // 6.3.39
    register_at<SMMU_GATOS_ADDR>(0x0110, 64, {
        {SMMU_GATOS_ADDR::ADDR,  0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_GATOS_ADDR::TYPE,  0x0000'0000'0000'0c00},
        {SMMU_GATOS_ADDR::PnU,   0x0000'0000'0000'0200},
        {SMMU_GATOS_ADDR::RnW,   0x0000'0000'0000'0100},
        {SMMU_GATOS_ADDR::InD,   0x0000'0000'0000'0080},
        {SMMU_GATOS_ADDR::HTTUI, 0x0000'0000'0000'0040},
    }),
    // 6.3.40
    register_at<SMMU_GATOS_PAR>(0x0118, 64, {
        {SMMU_GATOS_PAR::ATTR,  0xff00'0000'0000'0000},
        {SMMU_GATOS_PAR::ADDR,  0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_GATOS_PAR::Size,  0x0000'0000'0000'0800},
        {SMMU_GATOS_PAR::SH,    0x0000'0000'0000'0300},
        {SMMU_GATOS_PAR::FAULT, 0x0000'0000'0000'0001},
    }),
    register_at<SMMU_GATOS_PAR_Fault>(0x0118, 64, {
        {SMMU_GATOS_PAR_Fault::FADDR,     0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_GATOS_PAR_Fault::FAULTCODE, 0x0000'0000'0000'0ff0},
        {SMMU_GATOS_PAR_Fault::REASON,    0x0000'0000'0000'0006},
        {SMMU_GATOS_PAR_Fault::FAULT,     0x0000'0000'0000'0001},
    }),
    // 6.3.44
    register_at<SMMU_VATOS_SEL>(0x0180, 32, {
        {SMMU_VATOS_SEL::VMID, 0x0000'ffff},
    }),
    // 6.3.99
    register_at<SMMU_VATOS_CTRL>(0x0a00, 32, {
        {SMMU_VATOS_CTRL::RUN, 0x0000'0001},
    }),
    // 6.3.100
    register_at<SMMU_VATOS_SID>(0x0a08, 64, {
        {SMMU_VATOS_SID::SSID_VALID,  0x0010'0000'0000'0000},
        {SMMU_VATOS_SID::SUBSTREAMID, 0x000f'ffff'0000'0000},
        {SMMU_VATOS_SID::STREAMID,    0x0000'0000'ffff'ffff},
    }),
    // 6.3.101
    register_at<SMMU_VATOS_ADDR>(0x0a10, 64, {
        {SMMU_VATOS_ADDR::ADDR,  0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_VATOS_ADDR::TYPE,  0x0000'0000'0000'0c00},
        {SMMU_VATOS_ADDR::PnU,   0x0000'0000'0000'0200},
        {SMMU_VATOS_ADDR::RnW,   0x0000'0000'0000'0100},
        {SMMU_VATOS_ADDR::InD,   0x0000'0000'0000'0080},
        {SMMU_VATOS_ADDR::HTTUI, 0x0000'0000'0000'0040},
    }),
    // 6.3.102
    register_at<SMMU_VATOS_PAR>(0x0a18, 64, {
        {SMMU_VATOS_PAR::ATTR,  0xff00'0000'0000'0000},
        {SMMU_VATOS_PAR::ADDR,  0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_VATOS_PAR::Size,  0x0000'0000'0000'0800},
        {SMMU_VATOS_PAR::SH,    0x0000'0000'0000'0300},
        {SMMU_VATOS_PAR::FAULT, 0x0000'0000'0000'0001},
    }),
    register_at<SMMU_VATOS_PAR_Fault>(0x0a18, 64, {
        {SMMU_VATOS_PAR_Fault::FADDR,     0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_VATOS_PAR_Fault::FAULTCODE, 0x0000'0000'0000'0ff0},
        {SMMU_VATOS_PAR_Fault::REASON,    0x0000'0000'0000'0006},
        {SMMU_VATOS_PAR_Fault::FAULT,     0x0000'0000'0000'0001},
    }),
};

constexpr auto kEnumerators = std::array{
    // 6.3.39
    encodes(SMMU_GATOS_ADDR::TYPE, TranslationType::kStage1,     1),
    encodes(SMMU_GATOS_ADDR::TYPE, TranslationType::kStage2,     2),
    encodes(SMMU_GATOS_ADDR::TYPE, TranslationType::kBothStages, 3),
    // 6.3.40
    encodes(SMMU_GATOS_PAR::SH, Shareability::kNonShareable, 0),
    encodes(SMMU_GATOS_PAR::SH, Shareability::kOuter,        2),
    encodes(SMMU_GATOS_PAR::SH, Shareability::kInner,        3),
    encodes(SMMU_GATOS_PAR_Fault::REASON, TranslationFaultReason::kNotStage2, 0),
    encodes(SMMU_GATOS_PAR_Fault::REASON, TranslationFaultReason::kCd,        1),
    encodes(SMMU_GATOS_PAR_Fault::REASON, TranslationFaultReason::kTt,        2),
    encodes(SMMU_GATOS_PAR_Fault::REASON, TranslationFaultReason::kIn,        3),
    // 6.3.101
    encodes(SMMU_VATOS_ADDR::TYPE, TranslationType::kStage1,     1),
    encodes(SMMU_VATOS_ADDR::TYPE, TranslationType::kStage2,     2),
    encodes(SMMU_VATOS_ADDR::TYPE, TranslationType::kBothStages, 3),
    // 6.3.102
    encodes(SMMU_VATOS_PAR::SH, Shareability::kNonShareable, 0),
    encodes(SMMU_VATOS_PAR::SH, Shareability::kOuter,        2),
    encodes(SMMU_VATOS_PAR::SH, Shareability::kInner,        3),
    encodes(SMMU_VATOS_PAR_Fault::REASON, TranslationFaultReason::kNotStage2, 0),
    encodes(SMMU_VATOS_PAR_Fault::REASON, TranslationFaultReason::kCd,        1),
    encodes(SMMU_VATOS_PAR_Fault::REASON, TranslationFaultReason::kTt,        2),
    encodes(SMMU_VATOS_PAR_Fault::REASON, TranslationFaultReason::kIn,        3),
    // 9.1.5
    is<TranslationOperationError::INTERNAL_ERR>(0xfd),
    is<TranslationOperationError::INV_STAGE>(0xfe),
    is<TranslationOperationError::INV_REQ>(0xff),
};

TEST(TranslationOperationRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(TranslationOperationRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(TranslationOperationRegistersGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(TranslationOperationRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
