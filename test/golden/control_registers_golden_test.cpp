// The control registers against the text of the manual (IHI 0070 G.b, 6.3).
#include "smmu/arch/v3/control_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 6.3.9
    register_at<SMMU_CR0>(0x0020, 32, {
        {SMMU_CR0::DPT_WALK_EN, 0x0000'0400},
        {SMMU_CR0::VMW,         0x0000'01c0},
        {SMMU_CR0::ATSCHK,      0x0000'0010},
        {SMMU_CR0::CMDQEN,      0x0000'0008},
        {SMMU_CR0::EVENTQEN,    0x0000'0004},
        {SMMU_CR0::PRIQEN,      0x0000'0002},
        {SMMU_CR0::SMMUEN,      0x0000'0001},
    }),
    // 6.3.10
    register_at<SMMU_CR0ACK>(0x0024, 32, {
        {SMMU_CR0ACK::DPT_WALK_EN, 0x0000'0400},
        {SMMU_CR0ACK::VMW,         0x0000'01c0},
        {SMMU_CR0ACK::ATSCHK,      0x0000'0010},
        {SMMU_CR0ACK::CMDQEN,      0x0000'0008},
        {SMMU_CR0ACK::EVENTQEN,    0x0000'0004},
        {SMMU_CR0ACK::PRIQEN,      0x0000'0002},
        {SMMU_CR0ACK::SMMUEN,      0x0000'0001},
    }),
    // 6.3.11
    register_at<SMMU_CR1>(0x0028, 32, {
        {SMMU_CR1::TABLE_SH, 0x0000'0c00},
        {SMMU_CR1::TABLE_OC, 0x0000'0300},
        {SMMU_CR1::TABLE_IC, 0x0000'00c0},
        {SMMU_CR1::QUEUE_SH, 0x0000'0030},
        {SMMU_CR1::QUEUE_OC, 0x0000'000c},
        {SMMU_CR1::QUEUE_IC, 0x0000'0003},
    }),
    // 6.3.12
    register_at<SMMU_CR2>(0x002c, 32, {
        {SMMU_CR2::REC_CFG_ATS, 0x0000'0008},
        {SMMU_CR2::PTM,         0x0000'0004},
        {SMMU_CR2::RECINVSID,   0x0000'0002},
        {SMMU_CR2::E2H,         0x0000'0001},
    }),
    // 6.3.17
    register_at<SMMU_S2PII>(0x0030, 64, {
        {SMMU_S2PII::S2PII15, 0xf000'0000'0000'0000},
        {SMMU_S2PII::S2PII14, 0x0f00'0000'0000'0000},
        {SMMU_S2PII::S2PII13, 0x00f0'0000'0000'0000},
        {SMMU_S2PII::S2PII12, 0x000f'0000'0000'0000},
        {SMMU_S2PII::S2PII11, 0x0000'f000'0000'0000},
        {SMMU_S2PII::S2PII10, 0x0000'0f00'0000'0000},
        {SMMU_S2PII::S2PII9,  0x0000'00f0'0000'0000},
        {SMMU_S2PII::S2PII8,  0x0000'000f'0000'0000},
        {SMMU_S2PII::S2PII7,  0x0000'0000'f000'0000},
        {SMMU_S2PII::S2PII6,  0x0000'0000'0f00'0000},
        {SMMU_S2PII::S2PII5,  0x0000'0000'00f0'0000},
        {SMMU_S2PII::S2PII4,  0x0000'0000'000f'0000},
        {SMMU_S2PII::S2PII3,  0x0000'0000'0000'f000},
        {SMMU_S2PII::S2PII2,  0x0000'0000'0000'0f00},
        {SMMU_S2PII::S2PII1,  0x0000'0000'0000'00f0},
        {SMMU_S2PII::S2PII0,  0x0000'0000'0000'000f},
    }),
    // 6.3.13
    register_at<SMMU_STATUSR>(0x0040, 32, {
        {SMMU_STATUSR::DORMANT, 0x0000'0001},
    }),
    // 6.3.14
    register_at<SMMU_GBPA>(0x0044, 32, {
        {SMMU_GBPA::Update,   0x8000'0000},
        {SMMU_GBPA::ABORT,    0x0010'0000},
        {SMMU_GBPA::INSTCFG,  0x000c'0000},
        {SMMU_GBPA::PRIVCFG,  0x0003'0000},
        {SMMU_GBPA::SHCFG,    0x0000'3000},
        {SMMU_GBPA::ALLOCCFG, 0x0000'0f00},
        {SMMU_GBPA::MTCFG,    0x0000'0010},
        {SMMU_GBPA::MemAttr,  0x0000'000f},
    }),
    // 6.3.15
    register_at<SMMU_AGBPA>(0x0048, 32),  // IMPLEMENTATION DEFINED throughout
    // 6.3.16
    register_at<SMMU_IRQ_CTRL>(0x0050, 32, {
        {SMMU_IRQ_CTRL::EVENTQ_IRQEN, 0x0000'0004},
        {SMMU_IRQ_CTRL::PRIQ_IRQEN,   0x0000'0002},
        {SMMU_IRQ_CTRL::GERROR_IRQEN, 0x0000'0001},
    }),
    // 6.3.18
    register_at<SMMU_IRQ_CTRLACK>(0x0054, 32, {
        {SMMU_IRQ_CTRLACK::EVENTQ_IRQEN, 0x0000'0004},
        {SMMU_IRQ_CTRLACK::PRIQ_IRQEN,   0x0000'0002},
        {SMMU_IRQ_CTRLACK::GERROR_IRQEN, 0x0000'0001},
    }),
    // 6.3.19
    register_at<SMMU_GERROR>(0x0060, 32, {
        {SMMU_GERROR::DPT_ERR,            0x0000'0400},
        {SMMU_GERROR::CMDQP_ERR,          0x0000'0200},
        {SMMU_GERROR::SFM_ERR,            0x0000'0100},
        {SMMU_GERROR::MSI_GERROR_ABT_ERR, 0x0000'0080},
        {SMMU_GERROR::MSI_PRIQ_ABT_ERR,   0x0000'0040},
        {SMMU_GERROR::MSI_EVENTQ_ABT_ERR, 0x0000'0020},
        {SMMU_GERROR::MSI_CMDQ_ABT_ERR,   0x0000'0010},
        {SMMU_GERROR::PRIQ_ABT_ERR,       0x0000'0008},
        {SMMU_GERROR::EVENTQ_ABT_ERR,     0x0000'0004},
        {SMMU_GERROR::CMDQ_ERR,           0x0000'0001},
    }),
    // 6.3.20
    register_at<SMMU_GERRORN>(0x0064, 32, {
        {SMMU_GERRORN::DPT_ERR,            0x0000'0400},
        {SMMU_GERRORN::CMDQP_ERR,          0x0000'0200},
        {SMMU_GERRORN::SFM_ERR,            0x0000'0100},
        {SMMU_GERRORN::MSI_GERROR_ABT_ERR, 0x0000'0080},
        {SMMU_GERRORN::MSI_PRIQ_ABT_ERR,   0x0000'0040},
        {SMMU_GERRORN::MSI_EVENTQ_ABT_ERR, 0x0000'0020},
        {SMMU_GERRORN::MSI_CMDQ_ABT_ERR,   0x0000'0010},
        {SMMU_GERRORN::PRIQ_ABT_ERR,       0x0000'0008},
        {SMMU_GERRORN::EVENTQ_ABT_ERR,     0x0000'0004},
        {SMMU_GERRORN::CMDQ_ERR,           0x0000'0001},
    }),
    // 6.3.21
    register_at<SMMU_GERROR_IRQ_CFG0>(0x0068, 64, {
        {SMMU_GERROR_IRQ_CFG0::ADDR, 0x00ff'ffff'ffff'fffc, kInPlace},
    }),
    // 6.3.22
    register_at<SMMU_GERROR_IRQ_CFG1>(0x0070, 32, {
        {SMMU_GERROR_IRQ_CFG1::DATA, 0xffff'ffff},
    }),
    // 6.3.23
    register_at<SMMU_GERROR_IRQ_CFG2>(0x0074, 32, {
        {SMMU_GERROR_IRQ_CFG2::SH,      0x0000'0030},
        {SMMU_GERROR_IRQ_CFG2::MemAttr, 0x0000'000f},
    }),
    // 6.3.24
    register_at<SMMU_STRTAB_BASE>(0x0080, 64, {
        {SMMU_STRTAB_BASE::RA,   0x4000'0000'0000'0000},
        {SMMU_STRTAB_BASE::ADDR, 0x00ff'ffff'ffff'ffc0, kInPlace},
    }),
    // 6.3.25
    register_at<SMMU_STRTAB_BASE_CFG>(0x0088, 32, {
        {SMMU_STRTAB_BASE_CFG::FMT,      0x0003'0000},
        {SMMU_STRTAB_BASE_CFG::SPLIT,    0x0000'07c0},
        {SMMU_STRTAB_BASE_CFG::LOG2SIZE, 0x0000'003f},
    }),
    // 6.3.41
    register_at<SMMU_MPAMIDR>(0x0130, 32, {
        {SMMU_MPAMIDR::PMG_MAX,    0x00ff'0000},
        {SMMU_MPAMIDR::PARTID_MAX, 0x0000'ffff},
    }),
    // 6.3.42
    register_at<SMMU_GMPAM>(0x0138, 32, {
        {SMMU_GMPAM::Update,    0x8000'0000},
        {SMMU_GMPAM::SO_PMG,    0x00ff'0000},
        {SMMU_GMPAM::SO_PARTID, 0x0000'ffff},
    }),
    // 6.3.43
    register_at<SMMU_GBPMPAM>(0x013c, 32, {
        {SMMU_GBPMPAM::Update,     0x8000'0000},
        {SMMU_GBPMPAM::GBP_PMG,    0x00ff'0000},
        {SMMU_GBPMPAM::GBP_PARTID, 0x0000'ffff},
    }),
    // 6.3.46
    register_at<SMMU_DPT_BASE>(0x0200, 64, {
        {SMMU_DPT_BASE::RA,    0x4000'0000'0000'0000},
        {SMMU_DPT_BASE::BADDR, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 6.3.47
    register_at<SMMU_DPT_BASE_CFG>(0x0208, 32, {
        {SMMU_DPT_BASE_CFG::L0DPTSZ, 0x00f0'0000},
        {SMMU_DPT_BASE_CFG::DPTGS,   0x0000'c000},
        {SMMU_DPT_BASE_CFG::DPTPS,   0x0000'0007},
    }),
    // 6.3.48
    register_at<SMMU_DPT_CFG_FAR>(0x0210, 64, {
        {SMMU_DPT_CFG_FAR::FADDR,         0x00ff'ffff'ffff'f000, kInPlace},
        {SMMU_DPT_CFG_FAR::DPT_FAULTCODE, 0x0000'0000'0000'00f0},
        {SMMU_DPT_CFG_FAR::LEVEL,         0x0000'0000'0000'0002},
        {SMMU_DPT_CFG_FAR::FAULT,         0x0000'0000'0000'0001},
    }),
};

constexpr auto kEnumerators = std::array{
    // 6.3.11
    encodes(SMMU_CR1::TABLE_SH, Shareability::kNonShareable, 0),
    encodes(SMMU_CR1::TABLE_SH, Shareability::kOuter,        2),
    encodes(SMMU_CR1::TABLE_SH, Shareability::kInner,        3),
    encodes(SMMU_CR1::TABLE_OC, Cacheability::kNonCacheable, 0),
    encodes(SMMU_CR1::TABLE_OC, Cacheability::kWriteBack,    1),
    encodes(SMMU_CR1::TABLE_OC, Cacheability::kWriteThrough, 2),
    encodes(SMMU_CR1::TABLE_IC, Cacheability::kNonCacheable, 0),
    encodes(SMMU_CR1::TABLE_IC, Cacheability::kWriteBack,    1),
    encodes(SMMU_CR1::TABLE_IC, Cacheability::kWriteThrough, 2),
    encodes(SMMU_CR1::QUEUE_SH, Shareability::kNonShareable, 0),
    encodes(SMMU_CR1::QUEUE_SH, Shareability::kOuter,        2),
    encodes(SMMU_CR1::QUEUE_SH, Shareability::kInner,        3),
    encodes(SMMU_CR1::QUEUE_OC, Cacheability::kNonCacheable, 0),
    encodes(SMMU_CR1::QUEUE_OC, Cacheability::kWriteBack,    1),
    encodes(SMMU_CR1::QUEUE_OC, Cacheability::kWriteThrough, 2),
    encodes(SMMU_CR1::QUEUE_IC, Cacheability::kNonCacheable, 0),
    encodes(SMMU_CR1::QUEUE_IC, Cacheability::kWriteBack,    1),
    encodes(SMMU_CR1::QUEUE_IC, Cacheability::kWriteThrough, 2),
    // 6.3.14
    encodes(SMMU_GBPA::INSTCFG, InstructionOverride::kIncoming,    0),
    encodes(SMMU_GBPA::INSTCFG, InstructionOverride::kData,        2),
    encodes(SMMU_GBPA::INSTCFG, InstructionOverride::kInstruction, 3),
    encodes(SMMU_GBPA::PRIVCFG, PrivilegeOverride::kIncoming,     0),
    encodes(SMMU_GBPA::PRIVCFG, PrivilegeOverride::kUnprivileged, 2),
    encodes(SMMU_GBPA::PRIVCFG, PrivilegeOverride::kPrivileged,   3),
    encodes(SMMU_GBPA::SHCFG, ShareabilityOverride::kNonShareable,   0),
    encodes(SMMU_GBPA::SHCFG, ShareabilityOverride::kIncoming,       1),
    encodes(SMMU_GBPA::SHCFG, ShareabilityOverride::kOuterShareable, 2),
    encodes(SMMU_GBPA::SHCFG, ShareabilityOverride::kInnerShareable, 3),
    // 6.3.23
    encodes(SMMU_GERROR_IRQ_CFG2::SH, Shareability::kNonShareable, 0),
    encodes(SMMU_GERROR_IRQ_CFG2::SH, Shareability::kOuter,        2),
    encodes(SMMU_GERROR_IRQ_CFG2::SH, Shareability::kInner,        3),
    // 6.3.25
    encodes(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kLinear,   0),
    encodes(SMMU_STRTAB_BASE_CFG::FMT, SMMU_STRTAB_BASE_CFG::Format::kTwoLevel, 1),
    // 6.3.47
    encodes(SMMU_DPT_BASE_CFG::DPTGS, TG0::k4K,  0),
    encodes(SMMU_DPT_BASE_CFG::DPTGS, TG0::k64K, 1),
    encodes(SMMU_DPT_BASE_CFG::DPTGS, TG0::k16K, 2),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k32Bits, 0),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k36Bits, 1),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k40Bits, 2),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k42Bits, 3),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k44Bits, 4),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k48Bits, 5),
    encodes(SMMU_DPT_BASE_CFG::DPTPS, OutputSize::k52Bits, 6),
    // 6.3.48
    encodes(SMMU_DPT_CFG_FAR::DPT_FAULTCODE, SMMU_DPT_CFG_FAR::FaultCode::DPT_DISABLED,   0),
    encodes(SMMU_DPT_CFG_FAR::DPT_FAULTCODE, SMMU_DPT_CFG_FAR::FaultCode::DPT_WALK_FAULT, 1),
    encodes(SMMU_DPT_CFG_FAR::DPT_FAULTCODE, SMMU_DPT_CFG_FAR::FaultCode::DPT_GPC_FAULT,  2),
    encodes(SMMU_DPT_CFG_FAR::DPT_FAULTCODE, SMMU_DPT_CFG_FAR::FaultCode::DPT_EABT,       3),
};

TEST(ControlRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(ControlRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(ControlRegistersGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(ControlRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
