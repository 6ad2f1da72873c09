// The Short descriptors of VMSAv8-32 against the text of the manual (DDI 0487, G5.4.1 and, as it
// prints the bit numbers, AArch32.S1WalkSD() of J1.2.4.36).
#include "smmu/arch/vmsa/aarch32_short.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::vmsa {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // G5.4.1.1
    structure<Level1_Short>(4, {
        {Level1_Short::Type,         0x0000'0003},
        {Level1_Short::Supersection, 0x0004'0000},
    }),
    // G5.4.1.1, Translation table
    structure<Table_Short>(4, {
        {Table_Short::Type,   0x0000'0003},
        {Table_Short::PXN,    0x0000'0004},
        {Table_Short::NS,     0x0000'0008},
        {Table_Short::Domain, 0x0000'01e0},
        {Table_Short::Base,   0xffff'fc00, kInPlace},
    }),
    // G5.4.1.1, Section
    structure<Section_Short>(4, {
        {Section_Short::PXN,          0x0000'0001},
        {Section_Short::B,            0x0000'0004},
        {Section_Short::C,            0x0000'0008},
        {Section_Short::XN,           0x0000'0010},
        {Section_Short::Domain,       0x0000'01e0},
        {Section_Short::AP_1_0,       0x0000'0c00},
        {Section_Short::TEX,          0x0000'7000},
        {Section_Short::AP_2,         0x0000'8000},
        {Section_Short::S,            0x0001'0000},
        {Section_Short::nG,           0x0002'0000},
        {Section_Short::Supersection, 0x0004'0000},
        {Section_Short::NS,           0x0008'0000},
        {Section_Short::Base,         0xfff0'0000, kInPlace},
    }),
    // G5.4.1.1, Supersection
    structure<Supersection_Short>(4, {
        {Supersection_Short::PXN,          0x0000'0001},
        {Supersection_Short::B,            0x0000'0004},
        {Supersection_Short::C,            0x0000'0008},
        {Supersection_Short::XN,           0x0000'0010},
        {Supersection_Short::Base_39_36,   0x0000'01e0},
        {Supersection_Short::AP_1_0,       0x0000'0c00},
        {Supersection_Short::TEX,          0x0000'7000},
        {Supersection_Short::AP_2,         0x0000'8000},
        {Supersection_Short::S,            0x0001'0000},
        {Supersection_Short::nG,           0x0002'0000},
        {Supersection_Short::Supersection, 0x0004'0000},
        {Supersection_Short::NS,           0x0008'0000},
        {Supersection_Short::Base_35_32,   0x00f0'0000},
        {Supersection_Short::Base_31_24,   0xff00'0000, kInPlace},
    }),
    // G5.4.1.2
    structure<Level2_Short>(4, {
        {Level2_Short::Type, 0x0000'0003},
    }),
    // G5.4.1.2, Large page
    structure<LargePage_Short>(4, {
        {LargePage_Short::B,      0x0000'0004},
        {LargePage_Short::C,      0x0000'0008},
        {LargePage_Short::AP_1_0, 0x0000'0030},
        {LargePage_Short::AP_2,   0x0000'0200},
        {LargePage_Short::S,      0x0000'0400},
        {LargePage_Short::nG,     0x0000'0800},
        {LargePage_Short::TEX,    0x0000'7000},
        {LargePage_Short::XN,     0x0000'8000},
        {LargePage_Short::Base,   0xffff'0000, kInPlace},
    }),
    // G5.4.1.2, Small page
    structure<SmallPage_Short>(4, {
        {SmallPage_Short::XN,     0x0000'0001},
        {SmallPage_Short::B,      0x0000'0004},
        {SmallPage_Short::C,      0x0000'0008},
        {SmallPage_Short::AP_1_0, 0x0000'0030},
        {SmallPage_Short::TEX,    0x0000'01c0},
        {SmallPage_Short::AP_2,   0x0000'0200},
        {SmallPage_Short::S,      0x0000'0400},
        {SmallPage_Short::nG,     0x0000'0800},
        {SmallPage_Short::Base,   0xffff'f000, kInPlace},
    }),
};

constexpr auto kEnumerators = std::array{
    // G5.4.1.1
    is<Level1Type::kInvalid>(0),
    is<Level1Type::kTable>(1),
    is<Level1Type::kSection>(2),
    is<Level1Type::kSectionPXN>(3),
    // G5.4.1.2
    is<Level2Type::kInvalid>(0),
    is<Level2Type::kLargePage>(1),
    is<Level2Type::kSmallPage>(2),
    is<Level2Type::kSmallPageXN>(3),
};

TEST(VmsaAArch32ShortGolden, GivesEveryStructureItsSize) {
  expect_every_layout_has_its_place(kGoldens);
}

TEST(VmsaAArch32ShortGolden, PutsEveryFieldWhereTheManualPrintsIt) {
  expect_every_field_is_as_printed(kGoldens);
}

TEST(VmsaAArch32ShortGolden, HasOneLineForEveryField) { expect_every_field_has_one_line(kGoldens); }

TEST(VmsaAArch32ShortGolden, NumbersEveryEnumeratorAsTheManualDoes) {
  expect_every_enumerator_is_as_printed(kEnumerators);
}

}  // namespace
}  // namespace smmu::vmsa
