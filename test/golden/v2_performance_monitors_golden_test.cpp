// Performance monitors against what public sources say of them.
#include "smmu/arch/v2/performance_monitors.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // The page of the monitors
    registers_at<SMMU_PMEVCNTRn>(0x000, 4, 32, {
        {SMMU_PMEVCNTRn::COUNTER_VALUE, 0xffff'ffff},
    }),
    registers_at<SMMU_PMEVTYPERn>(0x400, 4, 32, {
        {SMMU_PMEVTYPERn::P,     0x8000'0000},
        {SMMU_PMEVTYPERn::U,     0x4000'0000},
        {SMMU_PMEVTYPERn::NSP,   0x2000'0000},
        {SMMU_PMEVTYPERn::NSU,   0x1000'0000},
        {SMMU_PMEVTYPERn::EVENT, 0x0000'ffff},
    }),
    registers_at<SMMU_PMCGCRn>(0x800, 4, 32, {
        {SMMU_PMCGCRn::CGNC,    0x0f00'0000},
        {SMMU_PMCGCRn::SIDG,    0x007f'0000},
        {SMMU_PMCGCRn::X,       0x0000'1000},
        {SMMU_PMCGCRn::E,       0x0000'0800},
        {SMMU_PMCGCRn::CBAEN,   0x0000'0400},
        {SMMU_PMCGCRn::TCEFCFG, 0x0000'0300},
        {SMMU_PMCGCRn::NDX,     0x0000'00ff},
    }),
    registers_at<SMMU_PMCGSMRn>(0xa00, 4, 32, {
        {SMMU_PMCGSMRn::MASK, 0x7fff'0000},
        {SMMU_PMCGSMRn::ID,   0x0000'7fff},
    }),
    registers_at<SMMU_PMCNTENSETn>(0xc00, 4, 32, {
        {SMMU_PMCNTENSETn::CNTEN, 0xffff'ffff},
    }),
    registers_at<SMMU_PMCNTENCLRn>(0xc20, 4, 32, {
        {SMMU_PMCNTENCLRn::CNTEN, 0xffff'ffff},
    }),
    registers_at<SMMU_PMINTENSETn>(0xc40, 4, 32, {
        {SMMU_PMINTENSETn::INTEN, 0xffff'ffff},
    }),
    registers_at<SMMU_PMINTENCLRn>(0xc60, 4, 32, {
        {SMMU_PMINTENCLRn::INTEN, 0xffff'ffff},
    }),
    registers_at<SMMU_PMOVSCLRn>(0xc80, 4, 32, {
        {SMMU_PMOVSCLRn::OVS, 0xffff'ffff},
    }),
    registers_at<SMMU_PMOVSSETn>(0xcc0, 4, 32, {
        {SMMU_PMOVSSETn::OVS, 0xffff'ffff},
    }),
    register_at<SMMU_PMCFGR>(0xe00, 32, {
        {SMMU_PMCFGR::NCG,  0xff00'0000},
        {SMMU_PMCFGR::UEN,  0x0008'0000},
        {SMMU_PMCFGR::EX,   0x0001'0000},
        {SMMU_PMCFGR::CCD,  0x0000'8000},
        {SMMU_PMCFGR::CC,   0x0000'4000},
        {SMMU_PMCFGR::SIZE, 0x0000'3f00},
        {SMMU_PMCFGR::N,    0x0000'00ff},
    }),
    register_at<SMMU_PMCR>(0xe04, 32, {
        {SMMU_PMCR::X, 0x0000'0010},
        {SMMU_PMCR::P, 0x0000'0002},
        {SMMU_PMCR::E, 0x0000'0001},
    }),
    register_at<SMMU_PMCEID0>(0xe20, 32, {
        {SMMU_PMCEID0::N, 0xffff'ffff},
    }),
    register_at<SMMU_PMCEID1>(0xe24, 32, {
        {SMMU_PMCEID1::N, 0xffff'ffff},
    }),
    register_at<SMMU_PMAUTHSTATUS>(0xfb8, 32, {
        {SMMU_PMAUTHSTATUS::SNID,  0x0000'00c0},
        {SMMU_PMAUTHSTATUS::SID,   0x0000'0030},
        {SMMU_PMAUTHSTATUS::NSNID, 0x0000'000c},
        {SMMU_PMAUTHSTATUS::NSID,  0x0000'0003},
    }),
    register_at<SMMU_PMDEVTYPE>(0xfcc, 32, {
        {SMMU_PMDEVTYPE::SubType, 0x0000'00f0},
        {SMMU_PMDEVTYPE::Class,   0x0000'000f},
    }),
    // The page of a context bank
    registers_at<SMMU_CBn_PMEVCNTRm>(0xe00, 4, 32, {
        {SMMU_CBn_PMEVCNTRm::COUNTER_VALUE, 0xffff'ffff},
    }),
    registers_at<SMMU_CBn_PMEVTYPERm>(0xe80, 4, 32, {
        {SMMU_CBn_PMEVTYPERm::P,     0x8000'0000},
        {SMMU_CBn_PMEVTYPERm::U,     0x4000'0000},
        {SMMU_CBn_PMEVTYPERm::NSP,   0x2000'0000},
        {SMMU_CBn_PMEVTYPERm::NSU,   0x1000'0000},
        {SMMU_CBn_PMEVTYPERm::EVENT, 0x0000'ffff},
    }),
    register_at<SMMU_CBn_PMCFGR>(0xf00, 32, {
        {SMMU_CBn_PMCFGR::NCG,  0xff00'0000},
        {SMMU_CBn_PMCFGR::UEN,  0x0008'0000},
        {SMMU_CBn_PMCFGR::EX,   0x0001'0000},
        {SMMU_CBn_PMCFGR::CCD,  0x0000'8000},
        {SMMU_CBn_PMCFGR::CC,   0x0000'4000},
        {SMMU_CBn_PMCFGR::SIZE, 0x0000'3f00},
        {SMMU_CBn_PMCFGR::N,    0x0000'00ff},
    }),
    register_at<SMMU_CBn_PMCR>(0xf04, 32, {
        {SMMU_CBn_PMCR::X, 0x0000'0010},
        {SMMU_CBn_PMCR::P, 0x0000'0002},
        {SMMU_CBn_PMCR::E, 0x0000'0001},
    }),
    register_at<SMMU_CBn_PMCEID0>(0xf20, 32, {
        {SMMU_CBn_PMCEID0::N, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMCEID1>(0xf24, 32, {
        {SMMU_CBn_PMCEID1::N, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMCNTENSET>(0xf40, 32, {
        {SMMU_CBn_PMCNTENSET::CNTEN, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMCNTENCLR>(0xf44, 32, {
        {SMMU_CBn_PMCNTENCLR::CNTEN, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMINTENSET>(0xf48, 32, {
        {SMMU_CBn_PMINTENSET::INTEN, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMINTENCLR>(0xf4c, 32, {
        {SMMU_CBn_PMINTENCLR::INTEN, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMOVSCLR>(0xf50, 32, {
        {SMMU_CBn_PMOVSCLR::OVS, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMOVSSET>(0xf58, 32, {
        {SMMU_CBn_PMOVSSET::OVS, 0xffff'ffff},
    }),
    register_at<SMMU_CBn_PMAUTHSTATUS>(0xfb8, 32, {
        {SMMU_CBn_PMAUTHSTATUS::SNID,  0x0000'00c0},
        {SMMU_CBn_PMAUTHSTATUS::SID,   0x0000'0030},
        {SMMU_CBn_PMAUTHSTATUS::NSNID, 0x0000'000c},
        {SMMU_CBn_PMAUTHSTATUS::NSID,  0x0000'0003},
    }),
};

constexpr auto kEnumerators = std::array{
    // Events
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kClockCycle, 0x00),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kClockCycleBy64, 0x01),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kTlbRefill, 0x08),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kTlbRefillOfRead, 0x09),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kTlbRefillOfWrite, 0x0a),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kAccess, 0x10),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kRead, 0x11),
    encodes(SMMU_PMEVTYPERn::EVENT, MonitorEvent::kWrite, 0x12),
    encodes(SMMU_CBn_PMEVTYPERm::EVENT, MonitorEvent::kWrite, 0x12),
    // TCEFCFG
    encodes(SMMU_PMCGCRn::TCEFCFG, CounterFilter::kNone, 0),
    encodes(SMMU_PMCGCRn::TCEFCFG, CounterFilter::kStream, 1),
    encodes(SMMU_PMCGCRn::TCEFCFG, CounterFilter::kContextBank, 2),
};

TEST(V2PerformanceMonitorsGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2PerformanceMonitorsGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2PerformanceMonitorsGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(V2PerformanceMonitorsGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
