// The descriptors of VMSAv8-64 against the text of the manual (DDI 0487, D8.3.1).
#include "smmu/arch/vmsa/aarch64.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::vmsa {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // Table D8-50
    structure<Table_Stage1>(8, {
        {Table_Stage1::Valid,     0, 0x0000'0000'0000'0001},
        {Table_Stage1::Type,      0, 0x0000'0000'0000'0002},
        {Table_Stage1::AF,        0, 0x0000'0000'0000'0400},
        {Table_Stage1::NLTA,      0, 0x0000'ffff'ffff'f000, kInPlace},
        {Table_Stage1::Protected, 0, 0x0010'0000'0000'0000},
        {Table_Stage1::PXNTable,  0, 0x0800'0000'0000'0000},
        {Table_Stage1::UXNTable,  0, 0x1000'0000'0000'0000},
        {Table_Stage1::APTable,   0, 0x6000'0000'0000'0000},
        {Table_Stage1::NSTable,   0, 0x8000'0000'0000'0000},
    }),
    // Table D8-51
    structure<Table_Stage2>(8, {
        {Table_Stage2::Valid, 0, 0x0000'0000'0000'0001},
        {Table_Stage2::Type,  0, 0x0000'0000'0000'0002},
        {Table_Stage2::AF,    0, 0x0000'0000'0000'0400},
        {Table_Stage2::NLTA,  0, 0x0000'ffff'ffff'f000, kInPlace},
    }),
    // Table D8-52, a Page
    structure<Leaf_Stage1>(8, {
        {Leaf_Stage1::Valid,      0, 0x0000'0000'0000'0001},
        {Leaf_Stage1::Type,       0, 0x0000'0000'0000'0002},
        {Leaf_Stage1::AttrIndx,   0, 0x0000'0000'0000'001c},
        {Leaf_Stage1::NS,         0, 0x0000'0000'0000'0020},
        {Leaf_Stage1::AP,         0, 0x0000'0000'0000'00c0},
        {Leaf_Stage1::SH,         0, 0x0000'0000'0000'0300},
        {Leaf_Stage1::AF,         0, 0x0000'0000'0000'0400},
        {Leaf_Stage1::nG,         0, 0x0000'0000'0000'0800},
        {Leaf_Stage1::OA,         0, 0x0000'ffff'ffff'f000, kInPlace},
        {Leaf_Stage1::GP,         0, 0x0004'0000'0000'0000},
        {Leaf_Stage1::DBM,        0, 0x0008'0000'0000'0000},
        {Leaf_Stage1::Contiguous, 0, 0x0010'0000'0000'0000},
        {Leaf_Stage1::PXN,        0, 0x0020'0000'0000'0000},
        {Leaf_Stage1::UXN,        0, 0x0040'0000'0000'0000},
        {Leaf_Stage1::Software,   0, 0x0780'0000'0000'0000},
        {Leaf_Stage1::PBHA,       0, 0x7800'0000'0000'0000},
        {Leaf_Stage1::AMEC,       0, 0x8000'0000'0000'0000},
    }),
    // Table D8-52, a Block
    structure<Block_Stage1>(8, {
        {Block_Stage1::Valid,      0, 0x0000'0000'0000'0001},
        {Block_Stage1::Type,       0, 0x0000'0000'0000'0002},
        {Block_Stage1::AttrIndx,   0, 0x0000'0000'0000'001c},
        {Block_Stage1::NS,         0, 0x0000'0000'0000'0020},
        {Block_Stage1::AP,         0, 0x0000'0000'0000'00c0},
        {Block_Stage1::SH,         0, 0x0000'0000'0000'0300},
        {Block_Stage1::AF,         0, 0x0000'0000'0000'0400},
        {Block_Stage1::nG,         0, 0x0000'0000'0000'0800},
        {Block_Stage1::nT,         0, 0x0000'0000'0001'0000},
        {Block_Stage1::OA,         0, 0x0000'ffff'fffe'0000, kInPlace},
        {Block_Stage1::GP,         0, 0x0004'0000'0000'0000},
        {Block_Stage1::DBM,        0, 0x0008'0000'0000'0000},
        {Block_Stage1::Contiguous, 0, 0x0010'0000'0000'0000},
        {Block_Stage1::PXN,        0, 0x0020'0000'0000'0000},
        {Block_Stage1::UXN,        0, 0x0040'0000'0000'0000},
        {Block_Stage1::Software,   0, 0x0780'0000'0000'0000},
        {Block_Stage1::PBHA,       0, 0x7800'0000'0000'0000},
        {Block_Stage1::AMEC,       0, 0x8000'0000'0000'0000},
    }),
    // Table D8-53, a Page
    structure<Leaf_Stage2>(8, {
        {Leaf_Stage2::Valid,       0, 0x0000'0000'0000'0001},
        {Leaf_Stage2::Type,        0, 0x0000'0000'0000'0002},
        {Leaf_Stage2::MemAttr,     0, 0x0000'0000'0000'003c},
        {Leaf_Stage2::S2AP,        0, 0x0000'0000'0000'00c0},
        {Leaf_Stage2::SH,          0, 0x0000'0000'0000'0300},
        {Leaf_Stage2::AF,          0, 0x0000'0000'0000'0400},
        {Leaf_Stage2::FnXS,        0, 0x0000'0000'0000'0800},
        {Leaf_Stage2::OA,          0, 0x0000'ffff'ffff'f000, kInPlace},
        {Leaf_Stage2::DBM,         0, 0x0008'0000'0000'0000},
        {Leaf_Stage2::Contiguous,  0, 0x0010'0000'0000'0000},
        {Leaf_Stage2::XN,          0, 0x0060'0000'0000'0000},
        {Leaf_Stage2::NS,          0, 0x0080'0000'0000'0000},
        {Leaf_Stage2::Software,    0, 0x0300'0000'0000'0000},
        {Leaf_Stage2::AssuredOnly, 0, 0x0400'0000'0000'0000},
        {Leaf_Stage2::PBHA,        0, 0x7800'0000'0000'0000},
        {Leaf_Stage2::AMEC,        0, 0x8000'0000'0000'0000},
    }),
    // Table D8-53, a Block
    structure<Block_Stage2>(8, {
        {Block_Stage2::Valid,       0, 0x0000'0000'0000'0001},
        {Block_Stage2::Type,        0, 0x0000'0000'0000'0002},
        {Block_Stage2::MemAttr,     0, 0x0000'0000'0000'003c},
        {Block_Stage2::S2AP,        0, 0x0000'0000'0000'00c0},
        {Block_Stage2::SH,          0, 0x0000'0000'0000'0300},
        {Block_Stage2::AF,          0, 0x0000'0000'0000'0400},
        {Block_Stage2::FnXS,        0, 0x0000'0000'0000'0800},
        {Block_Stage2::nT,          0, 0x0000'0000'0001'0000},
        {Block_Stage2::OA,          0, 0x0000'ffff'fffe'0000, kInPlace},
        {Block_Stage2::DBM,         0, 0x0008'0000'0000'0000},
        {Block_Stage2::Contiguous,  0, 0x0010'0000'0000'0000},
        {Block_Stage2::XN,          0, 0x0060'0000'0000'0000},
        {Block_Stage2::NS,          0, 0x0080'0000'0000'0000},
        {Block_Stage2::Software,    0, 0x0300'0000'0000'0000},
        {Block_Stage2::AssuredOnly, 0, 0x0400'0000'0000'0000},
        {Block_Stage2::PBHA,        0, 0x7800'0000'0000'0000},
        {Block_Stage2::AMEC,        0, 0x8000'0000'0000'0000},
    }),
    // Tables D8-52 and D8-53, 64KB granule with FEAT_LPA
    structure<Address_64K>(8, {
        {Address_64K::OA_51_48, 0, 0x0000'0000'0000'f000},
        {Address_64K::OA_47_16, 0, 0x0000'ffff'ffff'0000, kInPlace},
    }),
    // Tables D8-52 and D8-53, 4KB or 16KB granule with DS 1
    structure<Address_DS>(8, {
        {Address_DS::OA_51_50, 0, 0x0000'0000'0000'0300},
        {Address_DS::OA_49_12, 0, 0x0003'ffff'ffff'f000, kInPlace},
    }),
};

constexpr auto kEnumerators = std::array{
    // D8.3.1
    encodes(Leaf_Stage1::SH, Shareability::kNonShareable, 0),
    encodes(Leaf_Stage1::SH, Shareability::kOuter,        2),
    encodes(Leaf_Stage1::SH, Shareability::kInner,        3),
    encodes(Block_Stage1::SH, Shareability::kNonShareable, 0),
    encodes(Block_Stage1::SH, Shareability::kOuter,        2),
    encodes(Block_Stage1::SH, Shareability::kInner,        3),
    encodes(Leaf_Stage2::SH, Shareability::kNonShareable, 0),
    encodes(Leaf_Stage2::SH, Shareability::kOuter,        2),
    encodes(Leaf_Stage2::SH, Shareability::kInner,        3),
    encodes(Block_Stage2::SH, Shareability::kNonShareable, 0),
    encodes(Block_Stage2::SH, Shareability::kOuter,        2),
    encodes(Block_Stage2::SH, Shareability::kInner,        3),
};

TEST(VmsaAArch64Golden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(VmsaAArch64Golden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(VmsaAArch64Golden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(VmsaAArch64Golden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::vmsa
