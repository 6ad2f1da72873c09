// The Stream table against the text of the manual (IHI 0070 G.b, 5.1 and 5.2).
#include "smmu/arch/v3/stream_table.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 5.1
    structure<L1STD>(8, {
        {L1STD::Span,  0, 0x0000'0000'0000'001f},
        {L1STD::L2Ptr, 0, 0x00ff'ffff'ffff'ffc0, kInPlace},
    }),
    // 5.2
    structure<STE>(64, {
        {STE::V,            0, 0x0000'0000'0000'0001},
        {STE::Config,       0, 0x0000'0000'0000'000e},
        {STE::S1Fmt,        0, 0x0000'0000'0000'0030},
        {STE::S1ContextPtr, 0, 0x00ff'ffff'ffff'ffc0, kInPlace},
        {STE::S1CDMax,      0, 0xf800'0000'0000'0000},
        {STE::S1DSS,        1, 0x0000'0000'0000'0003},
        {STE::S1CIR,        1, 0x0000'0000'0000'000c},
        {STE::S1COR,        1, 0x0000'0000'0000'0030},
        {STE::S1CSH,        1, 0x0000'0000'0000'00c0},
        {STE::S2HWU59,      1, 0x0000'0000'0000'0100},
        {STE::S2HWU60,      1, 0x0000'0000'0000'0200},
        {STE::S2HWU61,      1, 0x0000'0000'0000'0400},
        {STE::S2HWU62,      1, 0x0000'0000'0000'0800},
        {STE::DRE,          1, 0x0000'0000'0000'1000},
        {STE::CONT,         1, 0x0000'0000'0001'e000},
        {STE::DCP,          1, 0x0000'0000'0002'0000},
        {STE::PPAR,         1, 0x0000'0000'0004'0000},
        {STE::MEV,          1, 0x0000'0000'0008'0000},
        {STE::SW_RESERVED,  1, 0x0000'0000'00f0'0000},
        {STE::S1PIE,        1, 0x0000'0000'0100'0000},
        {STE::S2FWB,        1, 0x0000'0000'0200'0000},
        {STE::S1MPAM,       1, 0x0000'0000'0400'0000},
        {STE::S1STALLD,     1, 0x0000'0000'0800'0000},
        {STE::EATS,         1, 0x0000'0000'3000'0000},
        {STE::STRW,         1, 0x0000'0000'c000'0000},
        {STE::MemAttr,      1, 0x0000'000f'0000'0000},
        {STE::MTCFG,        1, 0x0000'0010'0000'0000},
        {STE::ALLOCCFG,     1, 0x0000'01e0'0000'0000},
        {STE::SHCFG,        1, 0x0000'3000'0000'0000},
        {STE::NSCFG,        1, 0x0000'c000'0000'0000},
        {STE::PRIVCFG,      1, 0x0003'0000'0000'0000},
        {STE::INSTCFG,      1, 0x000c'0000'0000'0000},
        {STE::S2VMID,       2, 0x0000'0000'0000'ffff},
        {STE::S2T0SZ,       2, 0x0000'003f'0000'0000},
        {STE::S2SL0,        2, 0x0000'00c0'0000'0000},
        {STE::S2IR0,        2, 0x0000'0300'0000'0000},
        {STE::S2OR0,        2, 0x0000'0c00'0000'0000},
        {STE::S2SH0,        2, 0x0000'3000'0000'0000},
        {STE::S2TG,         2, 0x0000'c000'0000'0000},
        {STE::S2PS,         2, 0x0007'0000'0000'0000},
        {STE::S2AA64,       2, 0x0008'0000'0000'0000},
        {STE::S2ENDI,       2, 0x0010'0000'0000'0000},
        {STE::S2AFFD,       2, 0x0020'0000'0000'0000},
        {STE::S2PTW,        2, 0x0040'0000'0000'0000},
        {STE::S2HD,         2, 0x0080'0000'0000'0000},
        {STE::S2HA,         2, 0x0100'0000'0000'0000},
        {STE::S2S,          2, 0x0200'0000'0000'0000},
        {STE::S2R,          2, 0x0400'0000'0000'0000},
        {STE::S2HAFT,       2, 0x0800'0000'0000'0000},
        {STE::S2PIE,        2, 0x1000'0000'0000'0000},
        {STE::S2POE,        2, 0x2000'0000'0000'0000},
        {STE::DPT_VMATCH,   2, 0xc000'0000'0000'0000},
        {STE::S2NSW,        3, 0x0000'0000'0000'0001},
        {STE::S2NSA,        3, 0x0000'0000'0000'0002},
        {STE::S2SL0_2,      3, 0x0000'0000'0000'0004},
        {STE::S2DS,         3, 0x0000'0000'0000'0008},
        {STE::S2TTB,        3, 0x00ff'ffff'ffff'fff0, kInPlace},
        {STE::S2SKL,        3, 0x6000'0000'0000'0000},
        {STE::PARTID,       4, 0x0000'0000'ffff'0000},
        {STE::S_S2T0SZ,     4, 0x0000'003f'0000'0000},
        {STE::S_S2SL0,      4, 0x0000'00c0'0000'0000},
        {STE::S_S2TG,       4, 0x0000'c000'0000'0000},
        {STE::MECID,        4, 0xffff'0000'0000'0000},
        {STE::PMG,          5, 0x0000'0000'0000'00ff},
        {STE::MPAM_NS,      5, 0x0000'0000'0000'0100},
        {STE::AssuredOnly,  5, 0x0000'0000'0000'0200},
        {STE::TL0,          5, 0x0000'0000'0000'0400},
        {STE::TL1,          5, 0x0000'0000'0000'0800},
        {STE::VMSPtr,       5, 0x00ff'ffff'ffff'f000, kInPlace},
        {STE::S2SW,         6, 0x0000'0000'0000'0001},
        {STE::S2SA,         6, 0x0000'0000'0000'0002},
        {STE::S_S2SL0_2,    6, 0x0000'0000'0000'0004},
        {STE::S_S2TTB,      6, 0x00ff'ffff'ffff'fff0, kInPlace},
        {STE::S_S2SKL,      6, 0x6000'0000'0000'0000},
        {STE::S2POI0,       7, 0x0000'0000'0000'000f},
        {STE::S2POI1,       7, 0x0000'0000'0000'00f0},
        {STE::S2POI2,       7, 0x0000'0000'0000'0f00},
        {STE::S2POI3,       7, 0x0000'0000'0000'f000},
        {STE::S2POI4,       7, 0x0000'0000'000f'0000},
        {STE::S2POI5,       7, 0x0000'0000'00f0'0000},
        {STE::S2POI6,       7, 0x0000'0000'0f00'0000},
        {STE::S2POI7,       7, 0x0000'0000'f000'0000},
        {STE::S2POI8,       7, 0x0000'000f'0000'0000},
        {STE::S2POI9,       7, 0x0000'00f0'0000'0000},
        {STE::S2POI10,      7, 0x0000'0f00'0000'0000},
        {STE::S2POI11,      7, 0x0000'f000'0000'0000},
        {STE::S2POI12,      7, 0x000f'0000'0000'0000},
        {STE::S2POI13,      7, 0x00f0'0000'0000'0000},
        {STE::S2POI14,      7, 0x0f00'0000'0000'0000},
        {STE::S2POI15,      7, 0xf000'0000'0000'0000},
    }),
};

constexpr auto kEnumerators = std::array{
    // 5.2
    encodes(STE::Config, SteConfig::kAbort,       0),
    encodes(STE::Config, SteConfig::kBypass,      4),
    encodes(STE::Config, SteConfig::kS1Translate, 5),
    encodes(STE::Config, SteConfig::kS2Translate, 6),
    encodes(STE::Config, SteConfig::kNested,      7),
    encodes(STE::S1Fmt, CdTableFormat::kLinear,          0),
    encodes(STE::S1Fmt, CdTableFormat::kTwoLevel4KLeaf,  1),
    encodes(STE::S1Fmt, CdTableFormat::kTwoLevel64KLeaf, 2),
    encodes(STE::S1DSS, DefaultSubstream::kTerminate, 0),
    encodes(STE::S1DSS, DefaultSubstream::kBypass,    1),
    encodes(STE::S1DSS, DefaultSubstream::kCd0,       2),
    encodes(STE::S1CIR, CdCacheability::kNonCacheable,             0),
    encodes(STE::S1CIR, CdCacheability::kWriteBackReadAllocate,    1),
    encodes(STE::S1CIR, CdCacheability::kWriteThroughReadAllocate, 2),
    encodes(STE::S1CIR, CdCacheability::kWriteBackNoReadAllocate,  3),
    encodes(STE::S1COR, CdCacheability::kNonCacheable,             0),
    encodes(STE::S1COR, CdCacheability::kWriteBackReadAllocate,    1),
    encodes(STE::S1COR, CdCacheability::kWriteThroughReadAllocate, 2),
    encodes(STE::S1COR, CdCacheability::kWriteBackNoReadAllocate,  3),
    encodes(STE::S1CSH, Shareability::kNonShareable, 0),
    encodes(STE::S1CSH, Shareability::kOuter,        2),
    encodes(STE::S1CSH, Shareability::kInner,        3),
    encodes(STE::EATS, AtsMode::kNone,        0),
    encodes(STE::EATS, AtsMode::kFull,        1),
    encodes(STE::EATS, AtsMode::kSplitStage,  2),
    encodes(STE::EATS, AtsMode::kFullWithDpt, 3),
    encodes(STE::SHCFG, ShareabilityOverride::kNonShareable,   0),
    encodes(STE::SHCFG, ShareabilityOverride::kIncoming,       1),
    encodes(STE::SHCFG, ShareabilityOverride::kOuterShareable, 2),
    encodes(STE::SHCFG, ShareabilityOverride::kInnerShareable, 3),
    encodes(STE::NSCFG, NonSecureOverride::kIncoming,  0),
    encodes(STE::NSCFG, NonSecureOverride::kSecure,    2),
    encodes(STE::NSCFG, NonSecureOverride::kNonSecure, 3),
    encodes(STE::PRIVCFG, PrivilegeOverride::kIncoming,     0),
    encodes(STE::PRIVCFG, PrivilegeOverride::kUnprivileged, 2),
    encodes(STE::PRIVCFG, PrivilegeOverride::kPrivileged,   3),
    encodes(STE::INSTCFG, InstructionOverride::kIncoming,    0),
    encodes(STE::INSTCFG, InstructionOverride::kData,        2),
    encodes(STE::INSTCFG, InstructionOverride::kInstruction, 3),
    encodes(STE::S2IR0, WalkCacheability::kNonCacheable,               0),
    encodes(STE::S2IR0, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(STE::S2IR0, WalkCacheability::kWriteThroughReadAllocate,   2),
    encodes(STE::S2IR0, WalkCacheability::kWriteBackReadAllocate,      3),
    encodes(STE::S2OR0, WalkCacheability::kNonCacheable,               0),
    encodes(STE::S2OR0, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(STE::S2OR0, WalkCacheability::kWriteThroughReadAllocate,   2),
    encodes(STE::S2OR0, WalkCacheability::kWriteBackReadAllocate,      3),
    encodes(STE::S2SH0, Shareability::kNonShareable, 0),
    encodes(STE::S2SH0, Shareability::kOuter,        2),
    encodes(STE::S2SH0, Shareability::kInner,        3),
    encodes(STE::S2TG, TG0::k4K,  0),
    encodes(STE::S2TG, TG0::k64K, 1),
    encodes(STE::S2TG, TG0::k16K, 2),
    encodes(STE::S2PS, OutputSize::k32Bits, 0),
    encodes(STE::S2PS, OutputSize::k36Bits, 1),
    encodes(STE::S2PS, OutputSize::k40Bits, 2),
    encodes(STE::S2PS, OutputSize::k42Bits, 3),
    encodes(STE::S2PS, OutputSize::k44Bits, 4),
    encodes(STE::S2PS, OutputSize::k48Bits, 5),
    encodes(STE::S2PS, OutputSize::k52Bits, 6),
    encodes(STE::S2PS, OutputSize::k56Bits, 7),
    encodes(STE::S_S2TG, TG0::k4K,  0),
    encodes(STE::S_S2TG, TG0::k64K, 1),
    encodes(STE::S_S2TG, TG0::k16K, 2),
};

TEST(StreamTableGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(StreamTableGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(StreamTableGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(StreamTableGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
