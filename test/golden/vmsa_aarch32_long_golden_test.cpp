// The Long descriptors of VMSAv8-32 against the text of the manual (DDI 0487, G5.5).
#include "smmu/arch/vmsa/aarch32_long.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::vmsa {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // G5.5.2.1, G5.5.3.1
    structure<Table_Stage1_Long>(8, {
        {Table_Stage1_Long::Valid,      0, 0x0000'0000'0000'0001},
        {Table_Stage1_Long::Type,       0, 0x0000'0000'0000'0002},
        {Table_Stage1_Long::NLTA,       0, 0x0000'00ff'ffff'f000, kInPlace},
        {Table_Stage1_Long::NLTA_47_40, 0, 0x0000'ff00'0000'0000, kInPlace},
        {Table_Stage1_Long::PXNTable,   0, 0x0800'0000'0000'0000},
        {Table_Stage1_Long::XNTable,    0, 0x1000'0000'0000'0000},
        {Table_Stage1_Long::APTable,    0, 0x6000'0000'0000'0000},
        {Table_Stage1_Long::NSTable,    0, 0x8000'0000'0000'0000},
    }),
    // G5.5.2.1
    structure<Table_Stage2_Long>(8, {
        {Table_Stage2_Long::Valid,      0, 0x0000'0000'0000'0001},
        {Table_Stage2_Long::Type,       0, 0x0000'0000'0000'0002},
        {Table_Stage2_Long::NLTA,       0, 0x0000'00ff'ffff'f000, kInPlace},
        {Table_Stage2_Long::NLTA_47_40, 0, 0x0000'ff00'0000'0000, kInPlace},
    }),
    // G5.5.2.2, G5.5.3.2
    structure<Leaf_Stage1_Long>(8, {
        {Leaf_Stage1_Long::Valid,      0, 0x0000'0000'0000'0001},
        {Leaf_Stage1_Long::Type,       0, 0x0000'0000'0000'0002},
        {Leaf_Stage1_Long::AttrIndx,   0, 0x0000'0000'0000'001c},
        {Leaf_Stage1_Long::NS,         0, 0x0000'0000'0000'0020},
        {Leaf_Stage1_Long::AP,         0, 0x0000'0000'0000'00c0},
        {Leaf_Stage1_Long::SH,         0, 0x0000'0000'0000'0300},
        {Leaf_Stage1_Long::AF,         0, 0x0000'0000'0000'0400},
        {Leaf_Stage1_Long::nG,         0, 0x0000'0000'0000'0800},
        {Leaf_Stage1_Long::OA,         0, 0x0000'00ff'ffff'f000, kInPlace},
        {Leaf_Stage1_Long::OA_47_40,   0, 0x0000'ff00'0000'0000, kInPlace},
        {Leaf_Stage1_Long::Contiguous, 0, 0x0010'0000'0000'0000},
        {Leaf_Stage1_Long::PXN,        0, 0x0020'0000'0000'0000},
        {Leaf_Stage1_Long::XN,         0, 0x0040'0000'0000'0000},
        {Leaf_Stage1_Long::Software,   0, 0x0780'0000'0000'0000},
        {Leaf_Stage1_Long::PBHA,       0, 0x7800'0000'0000'0000},
    }),
    // G5.5.2.2, G5.5.3.3
    structure<Leaf_Stage2_Long>(8, {
        {Leaf_Stage2_Long::Valid,      0, 0x0000'0000'0000'0001},
        {Leaf_Stage2_Long::Type,       0, 0x0000'0000'0000'0002},
        {Leaf_Stage2_Long::MemAttr,    0, 0x0000'0000'0000'003c},
        {Leaf_Stage2_Long::S2AP,       0, 0x0000'0000'0000'00c0},
        {Leaf_Stage2_Long::SH,         0, 0x0000'0000'0000'0300},
        {Leaf_Stage2_Long::AF,         0, 0x0000'0000'0000'0400},
        {Leaf_Stage2_Long::OA,         0, 0x0000'00ff'ffff'f000, kInPlace},
        {Leaf_Stage2_Long::OA_47_40,   0, 0x0000'ff00'0000'0000, kInPlace},
        {Leaf_Stage2_Long::Contiguous, 0, 0x0010'0000'0000'0000},
        {Leaf_Stage2_Long::XN,         0, 0x0060'0000'0000'0000},
        {Leaf_Stage2_Long::Software,   0, 0x0780'0000'0000'0000},
        {Leaf_Stage2_Long::PBHA,       0, 0x7800'0000'0000'0000},
    }),
};

constexpr auto kEnumerators = std::array{
    // Table G5-16
    encodes(Leaf_Stage1_Long::SH, Shareability::kNonShareable, 0),
    encodes(Leaf_Stage1_Long::SH, Shareability::kOuter,        2),
    encodes(Leaf_Stage1_Long::SH, Shareability::kInner,        3),
    encodes(Leaf_Stage2_Long::SH, Shareability::kNonShareable, 0),
    encodes(Leaf_Stage2_Long::SH, Shareability::kOuter,        2),
    encodes(Leaf_Stage2_Long::SH, Shareability::kInner,        3),
};

TEST(VmsaAArch32LongGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(VmsaAArch32LongGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(VmsaAArch32LongGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(VmsaAArch32LongGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::vmsa
