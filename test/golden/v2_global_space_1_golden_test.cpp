// Global register space 1 against what public sources say of it.
#include "smmu/arch/v2/global_space_1.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // Every TYPE
    registers_at<SMMU_CBARn>(0x000, 4, 32, {
        {SMMU_CBARn::IRPTNDX, 0xff00'0000},
        {SMMU_CBARn::TYPE,    0x0003'0000},
    }),
    // TYPE == 0
    registers_at<SMMU_CBARn_Stage2>(0x000, 4, 32, {
        {SMMU_CBARn_Stage2::IRPTNDX, 0xff00'0000},
        {SMMU_CBARn_Stage2::TYPE,    0x0003'0000},
        {SMMU_CBARn_Stage2::VMID,    0x0000'00ff},
    }),
    // TYPE == 1
    registers_at<SMMU_CBARn_Stage1Stage2Bypass>(0x000, 4, 32, {
        {SMMU_CBARn_Stage1Stage2Bypass::IRPTNDX, 0xff00'0000},
        {SMMU_CBARn_Stage1Stage2Bypass::WACFG,   0x00c0'0000},
        {SMMU_CBARn_Stage1Stage2Bypass::RACFG,   0x0030'0000},
        {SMMU_CBARn_Stage1Stage2Bypass::BSU,     0x000c'0000},
        {SMMU_CBARn_Stage1Stage2Bypass::TYPE,    0x0003'0000},
        {SMMU_CBARn_Stage1Stage2Bypass::MemAttr, 0x0000'f000},
        {SMMU_CBARn_Stage1Stage2Bypass::FB,      0x0000'0800},
        {SMMU_CBARn_Stage1Stage2Bypass::HYPC,    0x0000'0400},
        {SMMU_CBARn_Stage1Stage2Bypass::BPSHCFG, 0x0000'0300},
        {SMMU_CBARn_Stage1Stage2Bypass::VMID,    0x0000'00ff},
    }),
    // TYPE == 3
    registers_at<SMMU_CBARn_Nested>(0x000, 4, 32, {
        {SMMU_CBARn_Nested::IRPTNDX, 0xff00'0000},
        {SMMU_CBARn_Nested::TYPE,    0x0003'0000},
        {SMMU_CBARn_Nested::CBNDX,   0x0000'ff00},
        {SMMU_CBARn_Nested::VMID,    0x0000'00ff},
    }),
    // The syndrome of a fault
    registers_at<SMMU_CBFRSYNRAn>(0x400, 4, 32, {
        {SMMU_CBFRSYNRAn::SSD_Index, 0xffff'0000},
        {SMMU_CBFRSYNRAn::StreamID,  0x0000'ffff},
    }),
    // The second attributes
    registers_at<SMMU_CBA2Rn>(0x800, 4, 32, {
        {SMMU_CBA2Rn::VMID16, 0xffff'0000},
        {SMMU_CBA2Rn::MONC,   0x0000'0002},
        {SMMU_CBA2Rn::VA64,   0x0000'0001},
    }),
};

constexpr auto kEnumerators = std::array{
    // TYPE
    encodes(SMMU_CBARn::TYPE, ContextType::kStage2, 0),
    encodes(SMMU_CBARn::TYPE, ContextType::kStage1Stage2Bypass, 1),
    encodes(SMMU_CBARn::TYPE, ContextType::kStage1Stage2Fault, 2),
    encodes(SMMU_CBARn::TYPE, ContextType::kNested, 3),
    // BPSHCFG
    encodes(SMMU_CBARn_Stage1Stage2Bypass::BPSHCFG, ShareabilityConfig::kOuterShareable, 1),
    encodes(SMMU_CBARn_Stage1Stage2Bypass::BPSHCFG, ShareabilityConfig::kInnerShareable, 2),
    encodes(SMMU_CBARn_Stage1Stage2Bypass::BPSHCFG, ShareabilityConfig::kNonShareable, 3),
    encodes(SMMU_CBARn_Stage1Stage2Bypass::BSU, BarrierUpgrade::kInnerShareable, 1),
    encodes(SMMU_CBARn_Stage1Stage2Bypass::RACFG, AllocationConfig::kAllocate, 2),
    encodes(SMMU_CBARn_Stage1Stage2Bypass::WACFG, AllocationConfig::kNoAllocate, 3),
};

TEST(V2GlobalSpace1Golden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2GlobalSpace1Golden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2GlobalSpace1Golden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(V2GlobalSpace1Golden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
