// Address translation operations against what public sources say of them.
#include "smmu/arch/v2/translation_operations.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // Global register space 0
    register_at<SMMU_sGATS1UR>(0x100, 64, {
        {SMMU_sGATS1UR::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS1UR::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS1UW>(0x108, 64, {
        {SMMU_sGATS1UW::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS1UW::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS1PR>(0x110, 64, {
        {SMMU_sGATS1PR::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS1PR::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS1PW>(0x118, 64, {
        {SMMU_sGATS1PW::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS1PW::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS12UR>(0x120, 64, {
        {SMMU_sGATS12UR::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS12UR::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS12UW>(0x128, 64, {
        {SMMU_sGATS12UW::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS12UW::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS12PR>(0x130, 64, {
        {SMMU_sGATS12PR::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS12PR::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGATS12PW>(0x138, 64, {
        {SMMU_sGATS12PW::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
        {SMMU_sGATS12PW::NDX,  0x0000'0000'0000'00ff},
    }),
    register_at<SMMU_sGPAR_Long>(0x180, 64, {
        {SMMU_sGPAR_Long::MATTR, 0xff00'0000'0000'0000},
        {SMMU_sGPAR_Long::PA,    0x0000'ffff'ffff'f000, kInPlace},
        {SMMU_sGPAR_Long::IMP,   0x0000'0000'0000'0400},
        {SMMU_sGPAR_Long::NS,    0x0000'0000'0000'0200},
        {SMMU_sGPAR_Long::SH,    0x0000'0000'0000'0180},
        {SMMU_sGPAR_Long::F,     0x0000'0000'0000'0001},
    }),
    register_at<SMMU_sGPAR_Short>(0x180, 64, {
        {SMMU_sGPAR_Short::PA,    0x0000'0000'ffff'f000, kInPlace},
        {SMMU_sGPAR_Short::NOS,   0x0000'0000'0000'0400},
        {SMMU_sGPAR_Short::NS,    0x0000'0000'0000'0200},
        {SMMU_sGPAR_Short::IMP,   0x0000'0000'0000'0100},
        {SMMU_sGPAR_Short::SH,    0x0000'0000'0000'0080},
        {SMMU_sGPAR_Short::Inner, 0x0000'0000'0000'0070},
        {SMMU_sGPAR_Short::Outer, 0x0000'0000'0000'000c},
        {SMMU_sGPAR_Short::SS,    0x0000'0000'0000'0002},
        {SMMU_sGPAR_Short::F,     0x0000'0000'0000'0001},
    }),
    register_at<SMMU_sGPAR_Fault>(0x180, 64, {
        {SMMU_sGPAR_Fault::STAGE,  0x0000'0008'0000'0000},
        {SMMU_sGPAR_Fault::PLVL,   0x0000'0003'0000'0000},
        {SMMU_sGPAR_Fault::ATOT,   0x0000'0000'8000'0000},
        {SMMU_sGPAR_Fault::ICF,    0x0000'0000'2000'0000},
        {SMMU_sGPAR_Fault::FORMAT, 0x0000'0000'0000'0300},
        {SMMU_sGPAR_Fault::ASF,    0x0000'0000'0000'0080},
        {SMMU_sGPAR_Fault::TLBLKF, 0x0000'0000'0000'0040},
        {SMMU_sGPAR_Fault::TLBMCF, 0x0000'0000'0000'0020},
        {SMMU_sGPAR_Fault::EF,     0x0000'0000'0000'0010},
        {SMMU_sGPAR_Fault::PF,     0x0000'0000'0000'0008},
        {SMMU_sGPAR_Fault::AFF,    0x0000'0000'0000'0004},
        {SMMU_sGPAR_Fault::TF,     0x0000'0000'0000'0002},
        {SMMU_sGPAR_Fault::F,      0x0000'0000'0000'0001},
    }),
    register_at<SMMU_sGATSR>(0x188, 32, {
        {SMMU_sGATSR::ACTIVE, 0x0000'0001},
    }),
    // The page of a context bank
    register_at<SMMU_CBn_PAR_Long>(0x050, 64, {
        {SMMU_CBn_PAR_Long::MATTR, 0xff00'0000'0000'0000},
        {SMMU_CBn_PAR_Long::PA,    0x0000'ffff'ffff'f000, kInPlace},
        {SMMU_CBn_PAR_Long::IMP,   0x0000'0000'0000'0400},
        {SMMU_CBn_PAR_Long::NS,    0x0000'0000'0000'0200},
        {SMMU_CBn_PAR_Long::SH,    0x0000'0000'0000'0180},
        {SMMU_CBn_PAR_Long::F,     0x0000'0000'0000'0001},
    }),
    register_at<SMMU_CBn_PAR_Short>(0x050, 64, {
        {SMMU_CBn_PAR_Short::PA,    0x0000'0000'ffff'f000, kInPlace},
        {SMMU_CBn_PAR_Short::NOS,   0x0000'0000'0000'0400},
        {SMMU_CBn_PAR_Short::NS,    0x0000'0000'0000'0200},
        {SMMU_CBn_PAR_Short::IMP,   0x0000'0000'0000'0100},
        {SMMU_CBn_PAR_Short::SH,    0x0000'0000'0000'0080},
        {SMMU_CBn_PAR_Short::Inner, 0x0000'0000'0000'0070},
        {SMMU_CBn_PAR_Short::Outer, 0x0000'0000'0000'000c},
        {SMMU_CBn_PAR_Short::SS,    0x0000'0000'0000'0002},
        {SMMU_CBn_PAR_Short::F,     0x0000'0000'0000'0001},
    }),
    register_at<SMMU_CBn_PAR_Fault>(0x050, 64, {
        {SMMU_CBn_PAR_Fault::STAGE,  0x0000'0008'0000'0000},
        {SMMU_CBn_PAR_Fault::PLVL,   0x0000'0003'0000'0000},
        {SMMU_CBn_PAR_Fault::ATOT,   0x0000'0000'8000'0000},
        {SMMU_CBn_PAR_Fault::ICF,    0x0000'0000'2000'0000},
        {SMMU_CBn_PAR_Fault::FORMAT, 0x0000'0000'0000'0300},
        {SMMU_CBn_PAR_Fault::ASF,    0x0000'0000'0000'0080},
        {SMMU_CBn_PAR_Fault::TLBLKF, 0x0000'0000'0000'0040},
        {SMMU_CBn_PAR_Fault::TLBMCF, 0x0000'0000'0000'0020},
        {SMMU_CBn_PAR_Fault::EF,     0x0000'0000'0000'0010},
        {SMMU_CBn_PAR_Fault::PF,     0x0000'0000'0000'0008},
        {SMMU_CBn_PAR_Fault::AFF,    0x0000'0000'0000'0004},
        {SMMU_CBn_PAR_Fault::TF,     0x0000'0000'0000'0002},
        {SMMU_CBn_PAR_Fault::F,      0x0000'0000'0000'0001},
    }),
    register_at<SMMU_CBn_ATS1PR>(0x800, 64, {
        {SMMU_CBn_ATS1PR::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    register_at<SMMU_CBn_ATS1PW>(0x808, 64, {
        {SMMU_CBn_ATS1PW::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    register_at<SMMU_CBn_ATS1UR>(0x810, 64, {
        {SMMU_CBn_ATS1UR::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    register_at<SMMU_CBn_ATS1UW>(0x818, 64, {
        {SMMU_CBn_ATS1UW::ADDR, 0xffff'ffff'ffff'f000, kInPlace},
    }),
    register_at<SMMU_CBn_ATSR>(0x8f0, 32, {
        {SMMU_CBn_ATSR::ACTIVE, 0x0000'0001},
    }),
};

constexpr auto kEnumerators = std::array{
    // SH, FORMAT
    encodes(SMMU_sGPAR_Long::SH, Shareability::kOuter, 2),
    encodes(SMMU_sGPAR_Fault::FORMAT, TranslationFormat::kAArch64, 2),
    encodes(SMMU_CBn_PAR_Long::SH, Shareability::kInner, 3),
    encodes(SMMU_CBn_PAR_Fault::FORMAT, TranslationFormat::kAArch32Long, 1),
};

TEST(V2TranslationOperationsGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2TranslationOperationsGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2TranslationOperationsGolden, HasOneLineForEveryField) {
  expect_every_field_has_one_line(kGoldens);
}

TEST(V2TranslationOperationsGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
