// The registers of the queues against the text of the manual (IHI 0070 G.b, 6.3).
#include "smmu/arch/v3/queue_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 6.3.26
    register_at<SMMU_CMDQ_BASE>(0x0090, 64, {
        {SMMU_CMDQ_BASE::RA,       0x4000'0000'0000'0000},
        {SMMU_CMDQ_BASE::ADDR,     0x00ff'ffff'ffff'ffe0, kInPlace},
        {SMMU_CMDQ_BASE::LOG2SIZE, 0x0000'0000'0000'001f},
    }),
    // 6.3.27
    register_at<SMMU_CMDQ_PROD>(0x0098, 32, {
        {SMMU_CMDQ_PROD::WR, 0x000f'ffff},
    }),
    // 6.3.28
    register_at<SMMU_CMDQ_CONS>(0x009c, 32, {
        {SMMU_CMDQ_CONS::ERR, 0x7f00'0000},
        {SMMU_CMDQ_CONS::RD,  0x000f'ffff},
    }),
    // 6.3.29
    register_at<SMMU_EVENTQ_BASE>(0x00a0, 64, {
        {SMMU_EVENTQ_BASE::WA,       0x4000'0000'0000'0000},
        {SMMU_EVENTQ_BASE::ADDR,     0x00ff'ffff'ffff'ffe0, kInPlace},
        {SMMU_EVENTQ_BASE::LOG2SIZE, 0x0000'0000'0000'001f},
    }),
    // 6.3.95
    register_at<SMMU_EVENTQ_PROD>(0x100a8, 32, {
        {SMMU_EVENTQ_PROD::OVFLG, 0x8000'0000},
        {SMMU_EVENTQ_PROD::WR,    0x000f'ffff},
    }),
    // 6.3.96
    register_at<SMMU_EVENTQ_CONS>(0x100ac, 32, {
        {SMMU_EVENTQ_CONS::OVACKFLG, 0x8000'0000},
        {SMMU_EVENTQ_CONS::RD,       0x000f'ffff},
    }),
    // 6.3.30
    register_at<SMMU_EVENTQ_IRQ_CFG0>(0x00b0, 64, {
        {SMMU_EVENTQ_IRQ_CFG0::ADDR, 0x00ff'ffff'ffff'fffc, kInPlace},
    }),
    // 6.3.31
    register_at<SMMU_EVENTQ_IRQ_CFG1>(0x00b8, 32, {
        {SMMU_EVENTQ_IRQ_CFG1::DATA, 0xffff'ffff},
    }),
    // 6.3.32
    register_at<SMMU_EVENTQ_IRQ_CFG2>(0x00bc, 32, {
        {SMMU_EVENTQ_IRQ_CFG2::SH,      0x0000'0030},
        {SMMU_EVENTQ_IRQ_CFG2::MemAttr, 0x0000'000f},
    }),
    // 6.3.33
    register_at<SMMU_PRIQ_BASE>(0x00c0, 64, {
        {SMMU_PRIQ_BASE::WA,       0x4000'0000'0000'0000},
        {SMMU_PRIQ_BASE::ADDR,     0x00ff'ffff'ffff'ffe0, kInPlace},
        {SMMU_PRIQ_BASE::LOG2SIZE, 0x0000'0000'0000'001f},
    }),
    // 6.3.97
    register_at<SMMU_PRIQ_PROD>(0x100c8, 32, {
        {SMMU_PRIQ_PROD::OVFLG, 0x8000'0000},
        {SMMU_PRIQ_PROD::WR,    0x000f'ffff},
    }),
    // 6.3.98
    register_at<SMMU_PRIQ_CONS>(0x100cc, 32, {
        {SMMU_PRIQ_CONS::OVACKFLG, 0x8000'0000},
        {SMMU_PRIQ_CONS::RD,       0x000f'ffff},
    }),
    // 6.3.34
    register_at<SMMU_PRIQ_IRQ_CFG0>(0x00d0, 64, {
        {SMMU_PRIQ_IRQ_CFG0::ADDR, 0x00ff'ffff'ffff'fffc, kInPlace},
    }),
    // 6.3.35
    register_at<SMMU_PRIQ_IRQ_CFG1>(0x00d8, 32, {
        {SMMU_PRIQ_IRQ_CFG1::DATA, 0xffff'ffff},
    }),
    // 6.3.36
    register_at<SMMU_PRIQ_IRQ_CFG2>(0x00dc, 32, {
        {SMMU_PRIQ_IRQ_CFG2::LO,      0x8000'0000},
        {SMMU_PRIQ_IRQ_CFG2::SH,      0x0000'0030},
        {SMMU_PRIQ_IRQ_CFG2::MemAttr, 0x0000'000f},
    }),
    // 6.3.49
    registers_at<SMMU_CMDQ_CONTROL_PAGE_BASEn>(0x4000, 0x20, 64, {
        {SMMU_CMDQ_CONTROL_PAGE_BASEn::ADDR,                     0x00ff'ffff'ffff'0000, kInPlace},
        {SMMU_CMDQ_CONTROL_PAGE_BASEn::CMDQGS,                   0x0000'0000'0000'0006},
        {SMMU_CMDQ_CONTROL_PAGE_BASEn::CMDQ_CONTROL_PAGE_PRESET, 0x0000'0000'0000'0001},
    }),
    // 6.3.50
    registers_at<SMMU_CMDQ_CONTROL_PAGE_CFGn>(0x4008, 0x20, 32, {
        {SMMU_CMDQ_CONTROL_PAGE_CFGn::EN, 0x0000'0001},
    }),
    // 6.3.51
    registers_at<SMMU_CMDQ_CONTROL_PAGE_STATUSn>(0x400c, 0x20, 32, {
        {SMMU_CMDQ_CONTROL_PAGE_STATUSn::ENACK, 0x0000'0001},
    }),
    // 6.3.107, of the queue with n == 0; how far apart the queues are depends on SMMU_IDR6
    register_at<SMMU_ECMDQ_BASEn>(0x0000, 64, {
        {SMMU_ECMDQ_BASEn::RA,       0x4000'0000'0000'0000},
        {SMMU_ECMDQ_BASEn::ADDR,     0x00ff'ffff'ffff'ffe0, kInPlace},
        {SMMU_ECMDQ_BASEn::LOG2SIZE, 0x0000'0000'0000'001f},
    }),
    // 6.3.108
    register_at<SMMU_ECMDQ_PRODn>(0x0008, 32, {
        {SMMU_ECMDQ_PRODn::EN,     0x8000'0000},
        {SMMU_ECMDQ_PRODn::ERRACK, 0x0080'0000},
        {SMMU_ECMDQ_PRODn::WR,     0x000f'ffff},
    }),
    // 6.3.109
    register_at<SMMU_ECMDQ_CONSn>(0x000c, 32, {
        {SMMU_ECMDQ_CONSn::ENACK,      0x8000'0000},
        {SMMU_ECMDQ_CONSn::ERR_REASON, 0x0700'0000},
        {SMMU_ECMDQ_CONSn::ERR,        0x0080'0000},
        {SMMU_ECMDQ_CONSn::RD,         0x000f'ffff},
    }),
};

constexpr auto kEnumerators = std::array{
    // 6.3.28, 7.1
    encodes(SMMU_CMDQ_CONS::ERR, CommandError::CERROR_NONE,         0),
    encodes(SMMU_CMDQ_CONS::ERR, CommandError::CERROR_ILL,          1),
    encodes(SMMU_CMDQ_CONS::ERR, CommandError::CERROR_ABT,          2),
    encodes(SMMU_CMDQ_CONS::ERR, CommandError::CERROR_ATC_INV_SYNC, 3),
    // 6.3.32
    encodes(SMMU_EVENTQ_IRQ_CFG2::SH, Shareability::kNonShareable, 0),
    encodes(SMMU_EVENTQ_IRQ_CFG2::SH, Shareability::kOuter,        2),
    encodes(SMMU_EVENTQ_IRQ_CFG2::SH, Shareability::kInner,        3),
    // 6.3.36
    encodes(SMMU_PRIQ_IRQ_CFG2::SH, Shareability::kNonShareable, 0),
    encodes(SMMU_PRIQ_IRQ_CFG2::SH, Shareability::kOuter,        2),
    encodes(SMMU_PRIQ_IRQ_CFG2::SH, Shareability::kInner,        3),
    // 6.3.49
    encodes(SMMU_CMDQ_CONTROL_PAGE_BASEn::CMDQGS, TG0::k64K, 1),
    // 6.3.109
    encodes(SMMU_ECMDQ_CONSn::ERR_REASON, CommandError::CERROR_NONE,         0),
    encodes(SMMU_ECMDQ_CONSn::ERR_REASON, CommandError::CERROR_ILL,          1),
    encodes(SMMU_ECMDQ_CONSn::ERR_REASON, CommandError::CERROR_ABT,          2),
    encodes(SMMU_ECMDQ_CONSn::ERR_REASON, CommandError::CERROR_ATC_INV_SYNC, 3),
};

TEST(QueueRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(QueueRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(QueueRegistersGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(QueueRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
