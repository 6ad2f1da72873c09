// The CD table against the text of the manual (IHI 0070 G.b, 5.3 and 5.4).
#include "smmu/arch/v3/context_table.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v3 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // 5.3
    structure<L1CD>(8, {
        {L1CD::V,     0, 0x0000'0000'0000'0001},
        {L1CD::L2Ptr, 0, 0x00ff'ffff'ffff'f000, kInPlace},
    }),
    // 5.4, with SMMU_IDR5.D128 == 0
    structure<CD>(64, {
        {CD::T0SZ,   0, 0x0000'0000'0000'003f},
        {CD::TG0,    0, 0x0000'0000'0000'00c0},
        {CD::IR0,    0, 0x0000'0000'0000'0300},
        {CD::OR0,    0, 0x0000'0000'0000'0c00},
        {CD::SH0,    0, 0x0000'0000'0000'3000},
        {CD::EPD0,   0, 0x0000'0000'0000'4000},
        {CD::ENDI,   0, 0x0000'0000'0000'8000},
        {CD::T1SZ,   0, 0x0000'0000'003f'0000},
        {CD::TG1,    0, 0x0000'0000'00c0'0000},
        {CD::IR1,    0, 0x0000'0000'0300'0000},
        {CD::OR1,    0, 0x0000'0000'0c00'0000},
        {CD::SH1,    0, 0x0000'0000'3000'0000},
        {CD::EPD1,   0, 0x0000'0000'4000'0000},
        {CD::V,      0, 0x0000'0000'8000'0000},
        {CD::IPS,    0, 0x0000'0007'0000'0000},
        {CD::AFFD,   0, 0x0000'0008'0000'0000},
        {CD::WXN,    0, 0x0000'0010'0000'0000},
        {CD::UWXN,   0, 0x0000'0020'0000'0000},
        {CD::TBI0,   0, 0x0000'0040'0000'0000},
        {CD::TBI1,   0, 0x0000'0080'0000'0000},
        {CD::PAN,    0, 0x0000'0100'0000'0000},
        {CD::AA64,   0, 0x0000'0200'0000'0000},
        {CD::HD,     0, 0x0000'0400'0000'0000},
        {CD::HA,     0, 0x0000'0800'0000'0000},
        {CD::S,      0, 0x0000'1000'0000'0000},
        {CD::R,      0, 0x0000'2000'0000'0000},
        {CD::A,      0, 0x0000'4000'0000'0000},
        {CD::ASET,   0, 0x0000'8000'0000'0000},
        {CD::ASID,   0, 0xffff'0000'0000'0000},
        {CD::NSCFG0, 1, 0x0000'0000'0000'0001},
        {CD::HAD0,   1, 0x0000'0000'0000'0002},
        {CD::E0PD0,  1, 0x0000'0000'0000'0004},
        {CD::HAFT,   1, 0x0000'0000'0000'0008},
        {CD::TTB0,   1, 0x00ff'ffff'ffff'fff0, kInPlace},
        {CD::PnCH,   1, 0x0400'0000'0000'0000},
        {CD::EPAN,   1, 0x0800'0000'0000'0000},
        {CD::HWU059, 1, 0x1000'0000'0000'0000},
        {CD::HWU060, 1, 0x2000'0000'0000'0000},
        {CD::HWU061, 1, 0x4000'0000'0000'0000},
        {CD::HWU062, 1, 0x8000'0000'0000'0000},
        {CD::NSCFG1, 2, 0x0000'0000'0000'0001},
        {CD::HAD1,   2, 0x0000'0000'0000'0002},
        {CD::E0PD1,  2, 0x0000'0000'0000'0004},
        {CD::AIE,    2, 0x0000'0000'0000'0008},
        {CD::TTB1,   2, 0x00ff'ffff'ffff'fff0, kInPlace},
        {CD::DS,     2, 0x0400'0000'0000'0000},
        {CD::PIE,    2, 0x0800'0000'0000'0000},
        {CD::HWU159, 2, 0x1000'0000'0000'0000},
        {CD::HWU160, 2, 0x2000'0000'0000'0000},
        {CD::HWU161, 2, 0x4000'0000'0000'0000},
        {CD::HWU162, 2, 0x8000'0000'0000'0000},
        {CD::MAIR0,  3, 0x0000'0000'ffff'ffff},
        {CD::MAIR1,  3, 0xffff'ffff'0000'0000},
        {CD::AMAIR0, 4, 0x0000'0000'ffff'ffff},
        {CD::AMAIR1, 4, 0xffff'ffff'0000'0000},
        {CD::PARTID, 5, 0x0000'ffff'0000'0000},
        {CD::PMG,    5, 0x00ff'0000'0000'0000},
        {CD::PIIU0,  6, 0x0000'0000'0000'0007},
        {CD::PIIU1,  6, 0x0000'0000'0000'0038},
        {CD::PIIU2,  6, 0x0000'0000'0000'01c0},
        {CD::PIIU3,  6, 0x0000'0000'0000'0e00},
        {CD::PIIU4,  6, 0x0000'0000'0000'7000},
        {CD::PIIU5,  6, 0x0000'0000'0003'8000},
        {CD::PIIU6,  6, 0x0000'0000'001c'0000},
        {CD::PIIU7,  6, 0x0000'0000'00e0'0000},
        {CD::PIIU8,  6, 0x0000'0000'0700'0000},
        {CD::PIIU9,  6, 0x0000'0000'3800'0000},
        {CD::PIIU10, 6, 0x0000'0001'c000'0000},
        {CD::PIIU11, 6, 0x0000'000e'0000'0000},
        {CD::PIIU12, 6, 0x0000'0070'0000'0000},
        {CD::PIIU13, 6, 0x0000'0380'0000'0000},
        {CD::PIIU14, 6, 0x0000'1c00'0000'0000},
        {CD::PIIU15, 6, 0x0000'e000'0000'0000},
        {CD::PIIP0,  7, 0x0000'0000'0000'0007},
        {CD::PIIP1,  7, 0x0000'0000'0000'0038},
        {CD::PIIP2,  7, 0x0000'0000'0000'01c0},
        {CD::PIIP3,  7, 0x0000'0000'0000'0e00},
        {CD::PIIP4,  7, 0x0000'0000'0000'7000},
        {CD::PIIP5,  7, 0x0000'0000'0003'8000},
        {CD::PIIP6,  7, 0x0000'0000'001c'0000},
        {CD::PIIP7,  7, 0x0000'0000'00e0'0000},
        {CD::PIIP8,  7, 0x0000'0000'0700'0000},
        {CD::PIIP9,  7, 0x0000'0000'3800'0000},
        {CD::PIIP10, 7, 0x0000'0001'c000'0000},
        {CD::PIIP11, 7, 0x0000'000e'0000'0000},
        {CD::PIIP12, 7, 0x0000'0070'0000'0000},
        {CD::PIIP13, 7, 0x0000'0380'0000'0000},
        {CD::PIIP14, 7, 0x0000'1c00'0000'0000},
        {CD::PIIP15, 7, 0x0000'e000'0000'0000},
    }),
};

constexpr auto kEnumerators = std::array{
    // 5.4
    encodes(CD::TG0, TG0::k4K,  0),
    encodes(CD::TG0, TG0::k64K, 1),
    encodes(CD::TG0, TG0::k16K, 2),
    encodes(CD::IR0, WalkCacheability::kNonCacheable,               0),
    encodes(CD::IR0, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(CD::IR0, WalkCacheability::kWriteThroughReadAllocate,   2),
    encodes(CD::IR0, WalkCacheability::kWriteBackReadAllocate,      3),
    encodes(CD::OR0, WalkCacheability::kNonCacheable,               0),
    encodes(CD::OR0, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(CD::OR0, WalkCacheability::kWriteThroughReadAllocate,   2),
    encodes(CD::OR0, WalkCacheability::kWriteBackReadAllocate,      3),
    encodes(CD::SH0, Shareability::kNonShareable, 0),
    encodes(CD::SH0, Shareability::kOuter,        2),
    encodes(CD::SH0, Shareability::kInner,        3),
    encodes(CD::TG1, TG1::k16K, 1),
    encodes(CD::TG1, TG1::k4K,  2),
    encodes(CD::TG1, TG1::k64K, 3),
    encodes(CD::IR1, WalkCacheability::kNonCacheable,               0),
    encodes(CD::IR1, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(CD::IR1, WalkCacheability::kWriteThroughReadAllocate,   2),
    encodes(CD::IR1, WalkCacheability::kWriteBackReadAllocate,      3),
    encodes(CD::OR1, WalkCacheability::kNonCacheable,               0),
    encodes(CD::OR1, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(CD::OR1, WalkCacheability::kWriteThroughReadAllocate,   2),
    encodes(CD::OR1, WalkCacheability::kWriteBackReadAllocate,      3),
    encodes(CD::SH1, Shareability::kNonShareable, 0),
    encodes(CD::SH1, Shareability::kOuter,        2),
    encodes(CD::SH1, Shareability::kInner,        3),
    encodes(CD::IPS, OutputSize::k32Bits, 0),
    encodes(CD::IPS, OutputSize::k36Bits, 1),
    encodes(CD::IPS, OutputSize::k40Bits, 2),
    encodes(CD::IPS, OutputSize::k42Bits, 3),
    encodes(CD::IPS, OutputSize::k44Bits, 4),
    encodes(CD::IPS, OutputSize::k48Bits, 5),
    encodes(CD::IPS, OutputSize::k52Bits, 6),
    encodes(CD::IPS, OutputSize::k56Bits, 7),
};

TEST(ContextTableGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(ContextTableGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(ContextTableGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(ContextTableGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v3
