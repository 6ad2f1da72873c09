// The counters of a counter group against the text of the manual (IHI 0070 G.b, 10.3 and 10.5.2.1
// to 10.5.2.25).
#include "smmu/arch/v3/pmcg_registers.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 10.5.2.1
    registers_at<SMMU_PMCG_EVCNTRn_32>(0x000, 4, 32, {
        {SMMU_PMCG_EVCNTRn_32::COUNTER_VALUE, 0xffff'ffff},
    }),
    registers_at<SMMU_PMCG_EVCNTRn_64>(0x000, 8, 64, {
        {SMMU_PMCG_EVCNTRn_64::COUNTER_VALUE, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.2
    registers_at<SMMU_PMCG_EVTYPERn>(0x400, 4, 32, {
        {SMMU_PMCG_EVTYPERn::OVFCAP,           0x8000'0000},
        {SMMU_PMCG_EVTYPERn::FILTER_SEC_SID,   0x4000'0000},
        {SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN,  0x2000'0000},
        {SMMU_PMCG_EVTYPERn::FILTER_REALM_SID, 0x1000'0000},
        {SMMU_PMCG_EVTYPERn::FILTER_MPAM_SP,   0x000c'0000},
        {SMMU_PMCG_EVTYPERn::FILTER_PMG,       0x0002'0000},
        {SMMU_PMCG_EVTYPERn::FILTER_PARTID,    0x0001'0000},
        {SMMU_PMCG_EVTYPERn::EVENT,            0x0000'ffff},
    }),
    // 10.5.2.3
    registers_at<SMMU_PMCG_SVRn_32>(0x600, 4, 32, {
        {SMMU_PMCG_SVRn_32::SHADOW_COUNTER_VALUE, 0xffff'ffff},
    }),
    registers_at<SMMU_PMCG_SVRn_64>(0x600, 8, 64, {
        {SMMU_PMCG_SVRn_64::SHADOW_COUNTER_VALUE, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.4
    registers_at<SMMU_PMCG_SMRn>(0xa00, 4, 32, {
        {SMMU_PMCG_SMRn::STREAMID, 0xffff'ffff},
    }),
    registers_at<SMMU_PMCG_SMRn_MPAM>(0xa00, 4, 32, {
        {SMMU_PMCG_SMRn_MPAM::PMG,    0x00ff'0000},
        {SMMU_PMCG_SMRn_MPAM::PARTID, 0x0000'ffff},
    }),
    // 10.5.2.5
    register_at<SMMU_PMCG_CNTENSET0>(0xc00, 64, {
        {SMMU_PMCG_CNTENSET0::CNTEN, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.6
    register_at<SMMU_PMCG_CNTENCLR0>(0xc20, 64, {
        {SMMU_PMCG_CNTENCLR0::CNTEN, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.7
    register_at<SMMU_PMCG_INTENSET0>(0xc40, 64, {
        {SMMU_PMCG_INTENSET0::INTEN, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.8
    register_at<SMMU_PMCG_INTENCLR0>(0xc60, 64, {
        {SMMU_PMCG_INTENCLR0::INTEN, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.9
    register_at<SMMU_PMCG_OVSCLR0>(0xc80, 64, {
        {SMMU_PMCG_OVSCLR0::OVS, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.10
    register_at<SMMU_PMCG_OVSSET0>(0xcc0, 64, {
        {SMMU_PMCG_OVSSET0::OVS, 0xffff'ffff'ffff'ffff},
    }),
    // 10.5.2.11
    register_at<SMMU_PMCG_CAPR>(0xd88, 32, {
        {SMMU_PMCG_CAPR::CAPTURE, 0x0000'0001},
    }),
    // 10.5.2.12
    register_at<SMMU_PMCG_SCR>(0xdf8, 32, {
        {SMMU_PMCG_SCR::READS_AS_ONE, 0x8000'0000},
        {SMMU_PMCG_SCR::NAO,          0x0000'0010},
        {SMMU_PMCG_SCR::MSI_MPAM_NS,  0x0000'0008},
        {SMMU_PMCG_SCR::NSMSI,        0x0000'0004},
        {SMMU_PMCG_SCR::NSRA,         0x0000'0002},
        {SMMU_PMCG_SCR::SO,           0x0000'0001},
    }),
    // 10.5.2.14
    register_at<SMMU_PMCG_CR>(0xe04, 32, {
        {SMMU_PMCG_CR::E, 0x0000'0001},
    }),
    // 10.5.2.18
    register_at<SMMU_PMCG_ROOTCR>(0xe48, 32, {
        {SMMU_PMCG_ROOTCR::ROOTCR_IMPL, 0x8000'0000},
        {SMMU_PMCG_ROOTCR::NAO,         0x0000'0008},
        {SMMU_PMCG_ROOTCR::RLO,         0x0000'0002},
        {SMMU_PMCG_ROOTCR::RTO,         0x0000'0001},
    }),
    // 10.5.2.19
    register_at<SMMU_PMCG_IRQ_CTRL>(0xe50, 32, {
        {SMMU_PMCG_IRQ_CTRL::IRQEN, 0x0000'0001},
    }),
    // 10.5.2.20
    register_at<SMMU_PMCG_IRQ_CTRLACK>(0xe54, 32, {
        {SMMU_PMCG_IRQ_CTRLACK::IRQEN, 0x0000'0001},
    }),
    // 10.5.2.21
    register_at<SMMU_PMCG_IRQ_CFG0>(0xe58, 64, {
        {SMMU_PMCG_IRQ_CFG0::ADDR, 0x00ff'ffff'ffff'fffc, kInPlace},
    }),
    // 10.5.2.22
    register_at<SMMU_PMCG_IRQ_CFG1>(0xe60, 32, {
        {SMMU_PMCG_IRQ_CFG1::DATA, 0xffff'ffff},
    }),
    // 10.5.2.23
    register_at<SMMU_PMCG_IRQ_CFG2>(0xe64, 32, {
        {SMMU_PMCG_IRQ_CFG2::SH,      0x0000'0030},
        {SMMU_PMCG_IRQ_CFG2::MEMATTR, 0x0000'000f},
    }),
    // 10.5.2.24
    register_at<SMMU_PMCG_IRQ_STATUS>(0xe68, 32, {
        {SMMU_PMCG_IRQ_STATUS::IRQ_ABT, 0x0000'0001},
    }),
    // 10.5.2.25
    register_at<SMMU_PMCG_GMPAM>(0xe6c, 32, {
        {SMMU_PMCG_GMPAM::Update,    0x8000'0000},
        {SMMU_PMCG_GMPAM::PO_PMG,    0x00ff'0000},
        {SMMU_PMCG_GMPAM::PO_PARTID, 0x0000'ffff},
    }),
};

constexpr auto kEnumerators = std::array{
    // 10.3
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kClockCycle,             0),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTransaction,            1),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTlbMiss,                2),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kConfigurationCacheMiss, 3),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTableWalkAccess,        4),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kConfigurationAccess,    5),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kAtsTranslationRequest,  6),
    encodes(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kAtsTranslated,          7),
};

TEST(PmcgRegistersGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(PmcgRegistersGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(PmcgRegistersGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(PmcgRegistersGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
