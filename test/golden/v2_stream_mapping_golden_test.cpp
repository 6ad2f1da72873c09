// Stream mapping groups against what public sources say of them.
#include "smmu/arch/v2/stream_mapping.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // EXIDENABLE == 0
    registers_at<SMMU_SMRn>(0x800, 4, 32, {
        {SMMU_SMRn::VALID, 0x8000'0000},
        {SMMU_SMRn::MASK,  0x7fff'0000},
        {SMMU_SMRn::ID,    0x0000'7fff},
    }),
    // EXIDENABLE == 1
    registers_at<SMMU_SMRn_EXIDENABLE>(0x800, 4, 32, {
        {SMMU_SMRn_EXIDENABLE::MASK, 0xffff'0000},
        {SMMU_SMRn_EXIDENABLE::ID,   0x0000'ffff},
    }),
    // Every TYPE
    registers_at<SMMU_S2CRn>(0xc00, 4, 32, {
        {SMMU_S2CRn::TYPE,      0x0003'0000},
        {SMMU_S2CRn::EXIDVALID, 0x0000'0400},
    }),
    // TYPE == 0
    registers_at<SMMU_S2CRn_Translation>(0xc00, 4, 32, {
        {SMMU_S2CRn_Translation::TRANSIENTCFG, 0x3000'0000},
        {SMMU_S2CRn_Translation::INSTCFG,      0x0c00'0000},
        {SMMU_S2CRn_Translation::PRIVCFG,      0x0300'0000},
        {SMMU_S2CRn_Translation::WACFG,        0x00c0'0000},
        {SMMU_S2CRn_Translation::RACFG,        0x0030'0000},
        {SMMU_S2CRn_Translation::NSCFG,        0x000c'0000},
        {SMMU_S2CRn_Translation::TYPE,         0x0003'0000},
        {SMMU_S2CRn_Translation::MemAttr,      0x0000'f000},
        {SMMU_S2CRn_Translation::MTCFG,        0x0000'0800},
        {SMMU_S2CRn_Translation::EXIDVALID,    0x0000'0400},
        {SMMU_S2CRn_Translation::SHCFG,        0x0000'0300},
        {SMMU_S2CRn_Translation::CBNDX,        0x0000'00ff},
    }),
    // TYPE == 1
    registers_at<SMMU_S2CRn_Bypass>(0xc00, 4, 32, {
        {SMMU_S2CRn_Bypass::TRANSIENTCFG, 0x3000'0000},
        {SMMU_S2CRn_Bypass::FB,           0x0400'0000},
        {SMMU_S2CRn_Bypass::BSU,          0x0300'0000},
        {SMMU_S2CRn_Bypass::WACFG,        0x00c0'0000},
        {SMMU_S2CRn_Bypass::RACFG,        0x0030'0000},
        {SMMU_S2CRn_Bypass::NSCFG,        0x000c'0000},
        {SMMU_S2CRn_Bypass::TYPE,         0x0003'0000},
        {SMMU_S2CRn_Bypass::MemAttr,      0x0000'f000},
        {SMMU_S2CRn_Bypass::MTCFG,        0x0000'0800},
        {SMMU_S2CRn_Bypass::EXIDVALID,    0x0000'0400},
        {SMMU_S2CRn_Bypass::SHCFG,        0x0000'0300},
        {SMMU_S2CRn_Bypass::VMID,         0x0000'00ff},
    }),
};

constexpr auto kEnumerators = std::array{
    // TYPE
    encodes(SMMU_S2CRn::TYPE, StreamType::kTranslation, 0),
    encodes(SMMU_S2CRn::TYPE, StreamType::kBypass, 1),
    encodes(SMMU_S2CRn::TYPE, StreamType::kFault, 2),
    encodes(SMMU_S2CRn_Translation::TYPE, StreamType::kTranslation, 0),
    encodes(SMMU_S2CRn_Bypass::TYPE, StreamType::kBypass, 1),
    // INSTCFG, PRIVCFG
    encodes(SMMU_S2CRn_Translation::INSTCFG, InstructionOverride::kIncoming, 0),
    encodes(SMMU_S2CRn_Translation::INSTCFG, InstructionOverride::kData, 2),
    encodes(SMMU_S2CRn_Translation::INSTCFG, InstructionOverride::kInstruction, 3),
    encodes(SMMU_S2CRn_Translation::PRIVCFG, PrivilegeConfig::kUnprivileged, 2),
    encodes(SMMU_S2CRn_Translation::PRIVCFG, PrivilegeConfig::kPrivileged, 3),
    encodes(SMMU_S2CRn_Translation::SHCFG, ShareabilityConfig::kNonShareable, 3),
    encodes(SMMU_S2CRn_Translation::NSCFG, NonSecureOverride::kNonSecure, 3),
    encodes(SMMU_S2CRn_Translation::RACFG, AllocationConfig::kNoAllocate, 3),
    encodes(SMMU_S2CRn_Translation::WACFG, AllocationConfig::kAllocate, 2),
    encodes(SMMU_S2CRn_Translation::TRANSIENTCFG, TransientConfig::kNonTransient, 2),
    encodes(SMMU_S2CRn_Bypass::BSU, BarrierUpgrade::kOuterShareable, 2),
    encodes(SMMU_S2CRn_Bypass::SHCFG, ShareabilityConfig::kInnerShareable, 2),
};

TEST(V2StreamMappingGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2StreamMappingGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2StreamMappingGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(V2StreamMappingGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
