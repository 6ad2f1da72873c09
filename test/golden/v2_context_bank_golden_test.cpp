// The page of a context bank against what public sources say of it.
#include "smmu/arch/v2/context_bank.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::v2 {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // Control, in banks of stage 1 and of stage 2
    register_at<SMMU_CBn_SCTLR>(0x000, 32, {
        {SMMU_CBn_SCTLR::UCI,          0x4000'0000},
        {SMMU_CBn_SCTLR::NSCFG,        0x3000'0000},
        {SMMU_CBn_SCTLR::WACFG,        0x0c00'0000},
        {SMMU_CBn_SCTLR::RACFG,        0x0300'0000},
        {SMMU_CBn_SCTLR::SHCFG,        0x00c0'0000},
        {SMMU_CBn_SCTLR::MTCFG,        0x0010'0000},
        {SMMU_CBn_SCTLR::MemAttr,      0x000f'0000},
        {SMMU_CBn_SCTLR::TRANSIENTCFG, 0x0000'c000},
        {SMMU_CBn_SCTLR::ASIDPNE,      0x0000'1000},
        {SMMU_CBn_SCTLR::UWXN,         0x0000'0400},
        {SMMU_CBn_SCTLR::WXN,          0x0000'0200},
        {SMMU_CBn_SCTLR::HUPCF,        0x0000'0100},
        {SMMU_CBn_SCTLR::CFCFG,        0x0000'0080},
        {SMMU_CBn_SCTLR::CFIE,         0x0000'0040},
        {SMMU_CBn_SCTLR::CFRE,         0x0000'0020},
        {SMMU_CBn_SCTLR::E,            0x0000'0010},
        {SMMU_CBn_SCTLR::AFFD,         0x0000'0008},
        {SMMU_CBn_SCTLR::AFE,          0x0000'0004},
        {SMMU_CBn_SCTLR::TRE,          0x0000'0002},
        {SMMU_CBn_SCTLR::M,            0x0000'0001},
    }),
    register_at<SMMU_CBn_SCTLR_Stage2>(0x000, 32, {
        {SMMU_CBn_SCTLR_Stage2::WACFG,   0x0c00'0000},
        {SMMU_CBn_SCTLR_Stage2::RACFG,   0x0300'0000},
        {SMMU_CBn_SCTLR_Stage2::SHCFG,   0x00c0'0000},
        {SMMU_CBn_SCTLR_Stage2::FB,      0x0020'0000},
        {SMMU_CBn_SCTLR_Stage2::MemAttr, 0x000f'0000},
        {SMMU_CBn_SCTLR_Stage2::BSU,     0x0000'c000},
        {SMMU_CBn_SCTLR_Stage2::PTW,     0x0000'2000},
        {SMMU_CBn_SCTLR_Stage2::HUPCF,   0x0000'0100},
        {SMMU_CBn_SCTLR_Stage2::CFCFG,   0x0000'0080},
        {SMMU_CBn_SCTLR_Stage2::CFIE,    0x0000'0040},
        {SMMU_CBn_SCTLR_Stage2::CFRE,    0x0000'0020},
        {SMMU_CBn_SCTLR_Stage2::E,       0x0000'0010},
        {SMMU_CBn_SCTLR_Stage2::AFFD,    0x0000'0008},
        {SMMU_CBn_SCTLR_Stage2::AFE,     0x0000'0004},
        {SMMU_CBn_SCTLR_Stage2::TRE,     0x0000'0002},
        {SMMU_CBn_SCTLR_Stage2::M,       0x0000'0001},
    }),
    register_at<SMMU_CBn_ACTLR>(0x004, 32),
    register_at<SMMU_CBn_RESUME>(0x008, 32, {
        {SMMU_CBn_RESUME::TnR, 0x0000'0001},
    }),
    // EAE == 0
    register_at<SMMU_CBn_CONTEXTIDR_Short>(0x034, 32, {
        {SMMU_CBn_CONTEXTIDR_Short::PROCID, 0xffff'ff00},
        {SMMU_CBn_CONTEXTIDR_Short::ASID,   0x0000'00ff},
    }),
    // EAE == 1
    register_at<SMMU_CBn_CONTEXTIDR_Long>(0x034, 32, {
        {SMMU_CBn_CONTEXTIDR_Long::PROCID, 0xffff'ffff},
    }),
    // Memory attributes
    register_at<SMMU_CBn_PRRR>(0x038, 32, {
        {SMMU_CBn_PRRR::NOS7, 0x8000'0000},
        {SMMU_CBn_PRRR::NOS6, 0x4000'0000},
        {SMMU_CBn_PRRR::NOS5, 0x2000'0000},
        {SMMU_CBn_PRRR::NOS4, 0x1000'0000},
        {SMMU_CBn_PRRR::NOS3, 0x0800'0000},
        {SMMU_CBn_PRRR::NOS2, 0x0400'0000},
        {SMMU_CBn_PRRR::NOS1, 0x0200'0000},
        {SMMU_CBn_PRRR::NOS0, 0x0100'0000},
        {SMMU_CBn_PRRR::NS1,  0x0008'0000},
        {SMMU_CBn_PRRR::NS0,  0x0004'0000},
        {SMMU_CBn_PRRR::DS1,  0x0002'0000},
        {SMMU_CBn_PRRR::DS0,  0x0001'0000},
        {SMMU_CBn_PRRR::TR7,  0x0000'c000},
        {SMMU_CBn_PRRR::TR6,  0x0000'3000},
        {SMMU_CBn_PRRR::TR5,  0x0000'0c00},
        {SMMU_CBn_PRRR::TR4,  0x0000'0300},
        {SMMU_CBn_PRRR::TR3,  0x0000'00c0},
        {SMMU_CBn_PRRR::TR2,  0x0000'0030},
        {SMMU_CBn_PRRR::TR1,  0x0000'000c},
        {SMMU_CBn_PRRR::TR0,  0x0000'0003},
    }),
    register_at<SMMU_CBn_NMRR>(0x03c, 32, {
        {SMMU_CBn_NMRR::OR7, 0xc000'0000},
        {SMMU_CBn_NMRR::OR6, 0x3000'0000},
        {SMMU_CBn_NMRR::OR5, 0x0c00'0000},
        {SMMU_CBn_NMRR::OR4, 0x0300'0000},
        {SMMU_CBn_NMRR::OR3, 0x00c0'0000},
        {SMMU_CBn_NMRR::OR2, 0x0030'0000},
        {SMMU_CBn_NMRR::OR1, 0x000c'0000},
        {SMMU_CBn_NMRR::OR0, 0x0003'0000},
        {SMMU_CBn_NMRR::IR7, 0x0000'c000},
        {SMMU_CBn_NMRR::IR6, 0x0000'3000},
        {SMMU_CBn_NMRR::IR5, 0x0000'0c00},
        {SMMU_CBn_NMRR::IR4, 0x0000'0300},
        {SMMU_CBn_NMRR::IR3, 0x0000'00c0},
        {SMMU_CBn_NMRR::IR2, 0x0000'0030},
        {SMMU_CBn_NMRR::IR1, 0x0000'000c},
        {SMMU_CBn_NMRR::IR0, 0x0000'0003},
    }),
    register_at<SMMU_CBn_MAIR0>(0x038, 32, {
        {SMMU_CBn_MAIR0::Attr3, 0xff00'0000},
        {SMMU_CBn_MAIR0::Attr2, 0x00ff'0000},
        {SMMU_CBn_MAIR0::Attr1, 0x0000'ff00},
        {SMMU_CBn_MAIR0::Attr0, 0x0000'00ff},
    }),
    register_at<SMMU_CBn_MAIR1>(0x03c, 32, {
        {SMMU_CBn_MAIR1::Attr7, 0xff00'0000},
        {SMMU_CBn_MAIR1::Attr6, 0x00ff'0000},
        {SMMU_CBn_MAIR1::Attr5, 0x0000'ff00},
        {SMMU_CBn_MAIR1::Attr4, 0x0000'00ff},
    }),
    // Faults
    register_at<SMMU_CBn_FSR>(0x058, 32, {
        {SMMU_CBn_FSR::MULTI,  0x8000'0000},
        {SMMU_CBn_FSR::SS,     0x4000'0000},
        {SMMU_CBn_FSR::FORMAT, 0x0000'0600},
        {SMMU_CBn_FSR::UUT,    0x0000'0100},
        {SMMU_CBn_FSR::ASF,    0x0000'0080},
        {SMMU_CBn_FSR::TLBLKF, 0x0000'0040},
        {SMMU_CBn_FSR::TLBMCF, 0x0000'0020},
        {SMMU_CBn_FSR::EF,     0x0000'0010},
        {SMMU_CBn_FSR::PF,     0x0000'0008},
        {SMMU_CBn_FSR::AFF,    0x0000'0004},
        {SMMU_CBn_FSR::TF,     0x0000'0002},
    }),
    register_at<SMMU_CBn_FSRRESTORE>(0x05c, 32, {
        {SMMU_CBn_FSRRESTORE::MULTI,  0x8000'0000},
        {SMMU_CBn_FSRRESTORE::UUT,    0x0000'0100},
        {SMMU_CBn_FSRRESTORE::ASF,    0x0000'0080},
        {SMMU_CBn_FSRRESTORE::TLBLKF, 0x0000'0040},
        {SMMU_CBn_FSRRESTORE::TLBMCF, 0x0000'0020},
        {SMMU_CBn_FSRRESTORE::EF,     0x0000'0010},
        {SMMU_CBn_FSRRESTORE::PF,     0x0000'0008},
        {SMMU_CBn_FSRRESTORE::AFF,    0x0000'0004},
        {SMMU_CBn_FSRRESTORE::TF,     0x0000'0002},
    }),
    register_at<SMMU_CBn_FAR>(0x060, 64, {
        {SMMU_CBn_FAR::FADDR, 0xffff'ffff'ffff'ffff},
    }),
    register_at<SMMU_CBn_FSYNR0>(0x068, 32, {
        {SMMU_CBn_FSYNR0::S1CBNDX, 0x00ff'0000},
        {SMMU_CBn_FSYNR0::AFR,     0x0000'0800},
        {SMMU_CBn_FSYNR0::PTWF,    0x0000'0400},
        {SMMU_CBn_FSYNR0::ATOF,    0x0000'0200},
        {SMMU_CBn_FSYNR0::NSATTR,  0x0000'0100},
        {SMMU_CBn_FSYNR0::NSSTATE, 0x0000'0080},
        {SMMU_CBn_FSYNR0::IND,     0x0000'0040},
        {SMMU_CBn_FSYNR0::PNU,     0x0000'0020},
        {SMMU_CBn_FSYNR0::WNR,     0x0000'0010},
        {SMMU_CBn_FSYNR0::S1PTWF,  0x0000'0008},
        {SMMU_CBn_FSYNR0::NESTED,  0x0000'0004},
        {SMMU_CBn_FSYNR0::PLVL,    0x0000'0003},
    }),
    register_at<SMMU_CBn_FSYNR1>(0x06c, 32),
    register_at<SMMU_CBn_IPAFAR>(0x070, 64, {
        {SMMU_CBn_IPAFAR::FADDR, 0xffff'ffff'ffff'ffff},
    }),
};

constexpr auto kEnumerators = std::array{
    // A fault in AArch64 tables reads 0x402: FORMAT 2 and TF
    encodes(SMMU_CBn_FSR::FORMAT, TranslationFormat::kAArch64, 2),
    encodes(SMMU_CBn_SCTLR::SHCFG, ShareabilityConfig::kOuterShareable, 1),
    encodes(SMMU_CBn_SCTLR::RACFG, AllocationConfig::kAllocate, 2),
    encodes(SMMU_CBn_SCTLR::WACFG, AllocationConfig::kNoAllocate, 3),
    encodes(SMMU_CBn_SCTLR::NSCFG, NonSecureOverride::kSecure, 2),
    encodes(SMMU_CBn_SCTLR::TRANSIENTCFG, TransientConfig::kNonTransient, 2),
    encodes(SMMU_CBn_SCTLR_Stage2::SHCFG, ShareabilityConfig::kNonShareable, 3),
    encodes(SMMU_CBn_SCTLR_Stage2::BSU, BarrierUpgrade::kInnerShareable, 1),
};

TEST(V2ContextBankGolden, GivesEveryRegisterItsOffsetAndItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(V2ContextBankGolden, PutsEveryFieldWhereTheSourcesPutIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(V2ContextBankGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(V2ContextBankGolden, NumbersEveryEnumeratorAsTheSourcesDo) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::v2
