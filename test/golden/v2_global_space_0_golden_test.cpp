// Control and faults of global register space 0 against what public sources say of them.
#include "smmu/arch/v2/global_space_0.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // Configuration registers
    register_at<SMMU_sCR0>(0x000, 32, {
        {SMMU_sCR0::VMID16EN,     0x8000'0000},
        {SMMU_sCR0::HYPMODE,      0x4000'0000},
        {SMMU_sCR0::NSCFG,        0x3000'0000},
        {SMMU_sCR0::WACFG,        0x0c00'0000},
        {SMMU_sCR0::RACFG,        0x0300'0000},
        {SMMU_sCR0::SHCFG,        0x00c0'0000},
        {SMMU_sCR0::SMCFCFG,      0x0020'0000},
        {SMMU_sCR0::MTCFG,        0x0010'0000},
        {SMMU_sCR0::MemAttr,      0x000f'0000},
        {SMMU_sCR0::BSU,          0x0000'c000},
        {SMMU_sCR0::FB,           0x0000'2000},
        {SMMU_sCR0::PTM,          0x0000'1000},
        {SMMU_sCR0::VMIDPNE,      0x0000'0800},
        {SMMU_sCR0::USFCFG,       0x0000'0400},
        {SMMU_sCR0::GSE,          0x0000'0200},
        {SMMU_sCR0::STALLD,       0x0000'0100},
        {SMMU_sCR0::TRANSIENTCFG, 0x0000'00c0},
        {SMMU_sCR0::GCFGFIE,      0x0000'0020},
        {SMMU_sCR0::GCFGFRE,      0x0000'0010},
        {SMMU_sCR0::EXIDENABLE,   0x0000'0008},
        {SMMU_sCR0::GFIE,         0x0000'0004},
        {SMMU_sCR0::GFRE,         0x0000'0002},
        {SMMU_sCR0::CLIENTPD,     0x0000'0001},
    }),
    register_at<SMMU_SCR1>(0x004, 32, {
        {SMMU_SCR1::NSCOMPINDEXDISABLE, 0x2000'0000},
        {SMMU_SCR1::NSCAFRO,            0x1000'0000},
        {SMMU_SCR1::SPMEN,              0x0800'0000},
        {SMMU_SCR1::SIF,                0x0400'0000},
        {SMMU_SCR1::GEFRO,              0x0200'0000},
        {SMMU_SCR1::GASRAE,             0x0100'0000},
        {SMMU_SCR1::NSNUMIRPTO,         0x00ff'0000},
        {SMMU_SCR1::NSNUMSMRGO,         0x0000'ff00},
        {SMMU_SCR1::NSNUMCBO,           0x0000'00ff},
    }),
    register_at<SMMU_sCR2>(0x008, 32, {
        {SMMU_sCR2::EXSMRGENABLE,    0x8000'0000},
        {SMMU_sCR2::EXNSSMRGDISABLE, 0x4000'0000},
        {SMMU_sCR2::COMPINDEXENABLE, 0x2000'0000},
        {SMMU_sCR2::BPVMID,          0x0000'ffff},
    }),
    register_at<SMMU_sACR>(0x010, 32),
    // Fault registers
    register_at<SMMU_sGFAR>(0x040, 64, {
        {SMMU_sGFAR::FADDR, 0xffff'ffff'ffff'ffff},
    }),
    register_at<SMMU_sGFSR>(0x048, 32, {
        {SMMU_sGFSR::MULTI, 0x8000'0000},
        {SMMU_sGFSR::UUT,   0x0000'0100},
        {SMMU_sGFSR::PF,    0x0000'0080},
        {SMMU_sGFSR::EF,    0x0000'0040},
        {SMMU_sGFSR::CAF,   0x0000'0020},
        {SMMU_sGFSR::UCIF,  0x0000'0010},
        {SMMU_sGFSR::UCBF,  0x0000'0008},
        {SMMU_sGFSR::SMCF,  0x0000'0004},
        {SMMU_sGFSR::USF,   0x0000'0002},
        {SMMU_sGFSR::ICF,   0x0000'0001},
    }),
    register_at<SMMU_sGFSRRESTORE>(0x04c, 32, {
        {SMMU_sGFSRRESTORE::MULTI, 0x8000'0000},
        {SMMU_sGFSRRESTORE::UUT,   0x0000'0100},
        {SMMU_sGFSRRESTORE::PF,    0x0000'0080},
        {SMMU_sGFSRRESTORE::EF,    0x0000'0040},
        {SMMU_sGFSRRESTORE::CAF,   0x0000'0020},
        {SMMU_sGFSRRESTORE::UCIF,  0x0000'0010},
        {SMMU_sGFSRRESTORE::UCBF,  0x0000'0008},
        {SMMU_sGFSRRESTORE::SMCF,  0x0000'0004},
        {SMMU_sGFSRRESTORE::USF,   0x0000'0002},
        {SMMU_sGFSRRESTORE::ICF,   0x0000'0001},
    }),
    register_at<SMMU_sGFSYNR0>(0x050, 32, {
        {SMMU_sGFSYNR0::ATS,     0x0000'0040},
        {SMMU_sGFSYNR0::NSATTR,  0x0000'0020},
        {SMMU_sGFSYNR0::NSSTATE, 0x0000'0010},
        {SMMU_sGFSYNR0::IND,     0x0000'0008},
        {SMMU_sGFSYNR0::PNU,     0x0000'0004},
        {SMMU_sGFSYNR0::WNR,     0x0000'0002},
        {SMMU_sGFSYNR0::NESTED,  0x0000'0001},
    }),
    register_at<SMMU_sGFSYNR1>(0x054, 32, {
        {SMMU_sGFSYNR1::SSD_Index, 0xffff'0000},
        {SMMU_sGFSYNR1::StreamID,  0x0000'ffff},
    }),
    register_at<SMMU_sGFSYNR2>(0x058, 32),
};

constexpr auto kEnumerators = std::array{
    // SHCFG of MMU-500 in use: 1 is outer, 3 is non-shareable
    encodes(SMMU_sCR0::SHCFG, ShareabilityConfig::kOuterShareable, 1),
    encodes(SMMU_sCR0::WACFG, AllocationConfig::kNoAllocate, 3),
    encodes(SMMU_sCR0::RACFG, AllocationConfig::kAllocate, 2),
    encodes(SMMU_sCR0::TRANSIENTCFG, TransientConfig::kTransient, 3),
    encodes(SMMU_sCR0::BSU, BarrierUpgrade::kFullSystem, 3),
    encodes(SMMU_sCR0::NSCFG, NonSecureOverride::kSecure, 2),
    encodes(SMMU_sCR0::NSCFG, NonSecureOverride::kNonSecure, 3),
};

TEST(V2GlobalSpace0Golden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2GlobalSpace0Golden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2GlobalSpace0Golden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(V2GlobalSpace0Golden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
