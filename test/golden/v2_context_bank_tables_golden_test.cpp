// Translation tables of a context bank against what public sources say of them.
#include "smmu/arch/v2/context_bank_tables.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    register_at<SMMU_CBn_TCR2>(0x010, 32, {
        {SMMU_CBn_TCR2::NSCFG1, 0x4000'0000},
        {SMMU_CBn_TCR2::SEP,    0x0003'8000},
        {SMMU_CBn_TCR2::NSCFG0, 0x0000'4000},
        {SMMU_CBn_TCR2::HD,     0x0000'0800},
        {SMMU_CBn_TCR2::HA,     0x0000'0400},
        {SMMU_CBn_TCR2::HAD1,   0x0000'0200},
        {SMMU_CBn_TCR2::HAD0,   0x0000'0100},
        {SMMU_CBn_TCR2::TBI1,   0x0000'0040},
        {SMMU_CBn_TCR2::TBI0,   0x0000'0020},
        {SMMU_CBn_TCR2::AS,     0x0000'0010},
        {SMMU_CBn_TCR2::PASize, 0x0000'0007},
    }),
    // TTBR0 in its formats, then TTBR1
    register_at<SMMU_CBn_TTBR0_AArch64>(0x020, 64, {
        {SMMU_CBn_TTBR0_AArch64::ASID,        0xffff'0000'0000'0000},
        {SMMU_CBn_TTBR0_AArch64::BaseAddress, 0x0000'ffff'ffff'fff8, kInPlace},
    }),
    register_at<SMMU_CBn_TTBR0_Long>(0x020, 64, {
        {SMMU_CBn_TTBR0_Long::ASID,        0x00ff'0000'0000'0000},
        {SMMU_CBn_TTBR0_Long::BaseAddress, 0x0000'ffff'ffff'fff8, kInPlace},
    }),
    register_at<SMMU_CBn_TTBR0_Short>(0x020, 32, {
        {SMMU_CBn_TTBR0_Short::BaseAddress, 0xffff'ff80, kInPlace},
        {SMMU_CBn_TTBR0_Short::IRGN_0,      0x0000'0040},
        {SMMU_CBn_TTBR0_Short::NOS,         0x0000'0020},
        {SMMU_CBn_TTBR0_Short::RGN,         0x0000'0018},
        {SMMU_CBn_TTBR0_Short::IMP,         0x0000'0004},
        {SMMU_CBn_TTBR0_Short::S,           0x0000'0002},
        {SMMU_CBn_TTBR0_Short::IRGN_1,      0x0000'0001},
    }),
    register_at<SMMU_CBn_TTBR0_Stage2>(0x020, 64, {
        {SMMU_CBn_TTBR0_Stage2::BaseAddress, 0x0000'ffff'ffff'fff8, kInPlace},
    }),
    register_at<SMMU_CBn_TTBR1_AArch64>(0x028, 64, {
        {SMMU_CBn_TTBR1_AArch64::ASID,        0xffff'0000'0000'0000},
        {SMMU_CBn_TTBR1_AArch64::BaseAddress, 0x0000'ffff'ffff'fff8, kInPlace},
    }),
    register_at<SMMU_CBn_TTBR1_Long>(0x028, 64, {
        {SMMU_CBn_TTBR1_Long::ASID,        0x00ff'0000'0000'0000},
        {SMMU_CBn_TTBR1_Long::BaseAddress, 0x0000'ffff'ffff'fff8, kInPlace},
    }),
    register_at<SMMU_CBn_TTBR1_Short>(0x028, 32, {
        {SMMU_CBn_TTBR1_Short::BaseAddress, 0xffff'ff80, kInPlace},
        {SMMU_CBn_TTBR1_Short::IRGN_0,      0x0000'0040},
        {SMMU_CBn_TTBR1_Short::NOS,         0x0000'0020},
        {SMMU_CBn_TTBR1_Short::RGN,         0x0000'0018},
        {SMMU_CBn_TTBR1_Short::IMP,         0x0000'0004},
        {SMMU_CBn_TTBR1_Short::S,           0x0000'0002},
        {SMMU_CBn_TTBR1_Short::IRGN_1,      0x0000'0001},
    }),
    // TCR in its formats
    register_at<SMMU_CBn_TCR_AArch64>(0x030, 32, {
        {SMMU_CBn_TCR_AArch64::TG1,   0xc000'0000},
        {SMMU_CBn_TCR_AArch64::SH1,   0x3000'0000},
        {SMMU_CBn_TCR_AArch64::ORGN1, 0x0c00'0000},
        {SMMU_CBn_TCR_AArch64::IRGN1, 0x0300'0000},
        {SMMU_CBn_TCR_AArch64::EPD1,  0x0080'0000},
        {SMMU_CBn_TCR_AArch64::A1,    0x0040'0000},
        {SMMU_CBn_TCR_AArch64::T1SZ,  0x003f'0000},
        {SMMU_CBn_TCR_AArch64::TG0,   0x0000'c000},
        {SMMU_CBn_TCR_AArch64::SH0,   0x0000'3000},
        {SMMU_CBn_TCR_AArch64::ORGN0, 0x0000'0c00},
        {SMMU_CBn_TCR_AArch64::IRGN0, 0x0000'0300},
        {SMMU_CBn_TCR_AArch64::EPD0,  0x0000'0080},
        {SMMU_CBn_TCR_AArch64::T0SZ,  0x0000'003f},
    }),
    register_at<SMMU_CBn_TCR_Long>(0x030, 32, {
        {SMMU_CBn_TCR_Long::EAE,    0x8000'0000},
        {SMMU_CBn_TCR_Long::NSCFG1, 0x4000'0000},
        {SMMU_CBn_TCR_Long::SH1,    0x3000'0000},
        {SMMU_CBn_TCR_Long::ORGN1,  0x0c00'0000},
        {SMMU_CBn_TCR_Long::IRGN1,  0x0300'0000},
        {SMMU_CBn_TCR_Long::EPD1,   0x0080'0000},
        {SMMU_CBn_TCR_Long::A1,     0x0040'0000},
        {SMMU_CBn_TCR_Long::T1SZ,   0x0007'0000},
        {SMMU_CBn_TCR_Long::NSCFG0, 0x0000'4000},
        {SMMU_CBn_TCR_Long::SH0,    0x0000'3000},
        {SMMU_CBn_TCR_Long::ORGN0,  0x0000'0c00},
        {SMMU_CBn_TCR_Long::IRGN0,  0x0000'0300},
        {SMMU_CBn_TCR_Long::EPD0,   0x0000'0080},
        {SMMU_CBn_TCR_Long::T0SZ,   0x0000'0007},
    }),
    register_at<SMMU_CBn_TCR_Short>(0x030, 32, {
        {SMMU_CBn_TCR_Short::EAE,    0x8000'0000},
        {SMMU_CBn_TCR_Short::NSCFG1, 0x4000'0000},
        {SMMU_CBn_TCR_Short::NSCFG0, 0x0000'4000},
        {SMMU_CBn_TCR_Short::PD1,    0x0000'0020},
        {SMMU_CBn_TCR_Short::PD0,    0x0000'0010},
        {SMMU_CBn_TCR_Short::T0SZ,   0x0000'0007},
    }),
    register_at<SMMU_CBn_TCR_Stage2_AArch64>(0x030, 32, {
        {SMMU_CBn_TCR_Stage2_AArch64::HD,     0x0040'0000},
        {SMMU_CBn_TCR_Stage2_AArch64::HA,     0x0020'0000},
        {SMMU_CBn_TCR_Stage2_AArch64::PASize, 0x0007'0000},
        {SMMU_CBn_TCR_Stage2_AArch64::TG0,    0x0000'c000},
        {SMMU_CBn_TCR_Stage2_AArch64::SH0,    0x0000'3000},
        {SMMU_CBn_TCR_Stage2_AArch64::ORGN0,  0x0000'0c00},
        {SMMU_CBn_TCR_Stage2_AArch64::IRGN0,  0x0000'0300},
        {SMMU_CBn_TCR_Stage2_AArch64::SL0,    0x0000'00c0},
        {SMMU_CBn_TCR_Stage2_AArch64::T0SZ,   0x0000'003f},
    }),
    register_at<SMMU_CBn_TCR_Stage2_AArch32>(0x030, 32, {
        {SMMU_CBn_TCR_Stage2_AArch32::EAE,   0x8000'0000},
        {SMMU_CBn_TCR_Stage2_AArch32::SH0,   0x0000'3000},
        {SMMU_CBn_TCR_Stage2_AArch32::ORGN0, 0x0000'0c00},
        {SMMU_CBn_TCR_Stage2_AArch32::IRGN0, 0x0000'0300},
        {SMMU_CBn_TCR_Stage2_AArch32::SL0,   0x0000'00c0},
        {SMMU_CBn_TCR_Stage2_AArch32::S,     0x0000'0010},
        {SMMU_CBn_TCR_Stage2_AArch32::T0SZ,  0x0000'000f},
    }),
};

constexpr auto kEnumerators = std::array{
    // SEP
    encodes(SMMU_CBn_TCR2::SEP, SignBit::k31, 0),
    encodes(SMMU_CBn_TCR2::SEP, SignBit::k35, 1),
    encodes(SMMU_CBn_TCR2::SEP, SignBit::k39, 2),
    encodes(SMMU_CBn_TCR2::SEP, SignBit::k41, 3),
    encodes(SMMU_CBn_TCR2::SEP, SignBit::k43, 4),
    encodes(SMMU_CBn_TCR2::SEP, SignBit::k47, 5),
    encodes(SMMU_CBn_TCR2::SEP, SignBit::kUpstream, 7),
    // PASize
    encodes(SMMU_CBn_TCR2::PASize, OutputSize::k32Bits, 0),
    encodes(SMMU_CBn_TCR2::PASize, OutputSize::k36Bits, 1),
    encodes(SMMU_CBn_TCR2::PASize, OutputSize::k40Bits, 2),
    encodes(SMMU_CBn_TCR2::PASize, OutputSize::k42Bits, 3),
    encodes(SMMU_CBn_TCR2::PASize, OutputSize::k44Bits, 4),
    encodes(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits, 5),
    encodes(SMMU_CBn_TCR_Stage2_AArch64::PASize, OutputSize::k40Bits, 2),
    // TG0, TG1
    encodes(SMMU_CBn_TCR_AArch64::TG0, TG0::k4K, 0),
    encodes(SMMU_CBn_TCR_AArch64::TG0, TG0::k64K, 1),
    encodes(SMMU_CBn_TCR_AArch64::TG0, TG0::k16K, 2),
    encodes(SMMU_CBn_TCR_AArch64::TG1, TG1::k16K, 1),
    encodes(SMMU_CBn_TCR_AArch64::TG1, TG1::k4K, 2),
    encodes(SMMU_CBn_TCR_AArch64::TG1, TG1::k64K, 3),
    encodes(SMMU_CBn_TCR_Stage2_AArch64::TG0, TG0::k64K, 1),
    // IRGN, ORGN, RGN, SH
    encodes(SMMU_CBn_TCR_AArch64::IRGN0, WalkCacheability::kNonCacheable, 0),
    encodes(SMMU_CBn_TCR_AArch64::IRGN0, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(SMMU_CBn_TCR_AArch64::ORGN0, WalkCacheability::kWriteThroughReadAllocate, 2),
    encodes(SMMU_CBn_TCR_AArch64::ORGN1, WalkCacheability::kWriteBackReadAllocate, 3),
    encodes(SMMU_CBn_TCR_Long::IRGN1, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(SMMU_CBn_TCR_Stage2_AArch32::ORGN0, WalkCacheability::kWriteBackReadAllocate, 3),
    encodes(SMMU_CBn_TTBR0_Short::RGN, WalkCacheability::kWriteBackReadWriteAllocate, 1),
    encodes(SMMU_CBn_TTBR1_Short::RGN, WalkCacheability::kWriteThroughReadAllocate, 2),
    encodes(SMMU_CBn_TCR_AArch64::SH0, Shareability::kNonShareable, 0),
    encodes(SMMU_CBn_TCR_AArch64::SH1, Shareability::kOuter, 2),
    encodes(SMMU_CBn_TCR_Stage2_AArch64::SH0, Shareability::kInner, 3),
};

TEST(V2ContextBankTablesGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2ContextBankTablesGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2ContextBankTablesGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(V2ContextBankTablesGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
