// The Short descriptors of VMSAv8-32 against the text of the manual (DDI 0487, G5.4.1 and G5.4.2,
// and J1.2.4.33 and J1.2.4.36 where that text leaves a bit to a figure), and whole descriptors as
// that text would have them.
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
        {Level1_Short::Type,         0, 0x0000'0003},
        {Level1_Short::Supersection, 0, 0x0004'0000},
    }),
    // G5.4.1.1, 0b01
    structure<Table_Short>(4, {
        {Table_Short::Type,   0, 0x0000'0003},
        {Table_Short::PXN,    0, 0x0000'0004},
        {Table_Short::NS,     0, 0x0000'0008},
        {Table_Short::Domain, 0, 0x0000'01e0},
        {Table_Short::Base,   0, 0xffff'fc00, kInPlace},
    }),
    // G5.4.1.1, 0b1x with bit 18 0
    structure<Section_Short>(4, {
        {Section_Short::PXN,          0, 0x0000'0001},
        {Section_Short::B,            0, 0x0000'0004},
        {Section_Short::C,            0, 0x0000'0008},
        {Section_Short::XN,           0, 0x0000'0010},
        {Section_Short::Domain,       0, 0x0000'01e0},
        {Section_Short::AP_1_0,       0, 0x0000'0c00},
        {Section_Short::TEX,          0, 0x0000'7000},
        {Section_Short::AP_2,         0, 0x0000'8000},
        {Section_Short::S,            0, 0x0001'0000},
        {Section_Short::nG,           0, 0x0002'0000},
        {Section_Short::Supersection, 0, 0x0004'0000},
        {Section_Short::NS,           0, 0x0008'0000},
        {Section_Short::Base,         0, 0xfff0'0000, kInPlace},
    }),
    // G5.4.1.1, 0b1x with bit 18 1
    structure<Supersection_Short>(4, {
        {Supersection_Short::PXN,          0, 0x0000'0001},
        {Supersection_Short::B,            0, 0x0000'0004},
        {Supersection_Short::C,            0, 0x0000'0008},
        {Supersection_Short::XN,           0, 0x0000'0010},
        {Supersection_Short::Base_39_36,   0, 0x0000'01e0},
        {Supersection_Short::AP_1_0,       0, 0x0000'0c00},
        {Supersection_Short::TEX,          0, 0x0000'7000},
        {Supersection_Short::AP_2,         0, 0x0000'8000},
        {Supersection_Short::S,            0, 0x0001'0000},
        {Supersection_Short::nG,           0, 0x0002'0000},
        {Supersection_Short::Supersection, 0, 0x0004'0000},
        {Supersection_Short::NS,           0, 0x0008'0000},
        {Supersection_Short::Base_35_32,   0, 0x00f0'0000},
        {Supersection_Short::Base_31_24,   0, 0xff00'0000, kInPlace},
    }),
    // G5.4.1.2
    structure<Level2_Short>(4, {
        {Level2_Short::Type, 0, 0x0000'0003},
    }),
    // G5.4.1.2, 0b01
    structure<LargePage_Short>(4, {
        {LargePage_Short::B,      0, 0x0000'0004},
        {LargePage_Short::C,      0, 0x0000'0008},
        {LargePage_Short::AP_1_0, 0, 0x0000'0030},
        {LargePage_Short::AP_2,   0, 0x0000'0200},
        {LargePage_Short::S,      0, 0x0000'0400},
        {LargePage_Short::nG,     0, 0x0000'0800},
        {LargePage_Short::TEX,    0, 0x0000'7000},
        {LargePage_Short::XN,     0, 0x0000'8000},
        {LargePage_Short::Base,   0, 0xffff'0000, kInPlace},
    }),
    // G5.4.1.2, 0b1x
    structure<SmallPage_Short>(4, {
        {SmallPage_Short::XN,     0, 0x0000'0001},
        {SmallPage_Short::B,      0, 0x0000'0004},
        {SmallPage_Short::C,      0, 0x0000'0008},
        {SmallPage_Short::AP_1_0, 0, 0x0000'0030},
        {SmallPage_Short::TEX,    0, 0x0000'01c0},
        {SmallPage_Short::AP_2,   0, 0x0000'0200},
        {SmallPage_Short::S,      0, 0x0000'0400},
        {SmallPage_Short::nG,     0, 0x0000'0800},
        {SmallPage_Short::Base,   0, 0xffff'f000, kInPlace},
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

// What is under this table, at 0x8765'4400, is in domain 10.
TEST(VmsaAArch32ShortGolden, WritesATable) {
  using Table = Table_Short;
  EXPECT_EQ(Table()
                .set(Table::Type, Level1Type::kTable)
                .set(Table::PXN, true)
                .set(Table::NS, true)
                .set(Table::Domain, 10)
                .set(Table::Base, 0x8765'4400)
                .word(0),
            0x8765'454dU);
}

TEST(VmsaAArch32ShortGolden, ReadsASection) {
  using Section = Section_Short;
  constexpr std::array kWord{0xabcb'5cbbU};
  EXPECT_EQ(Level1_Short(kWord)[Level1_Short::Type], Level1Type::kSectionPXN);
  EXPECT_FALSE(Level1_Short(kWord)[Level1_Short::Supersection]);

  const Section section(kWord);
  EXPECT_TRUE(section[Section::PXN]);
  EXPECT_FALSE(section[Section::B]);
  EXPECT_TRUE(section[Section::C]);
  EXPECT_TRUE(section[Section::XN]);
  EXPECT_EQ(section[Section::Domain], 5U);
  EXPECT_EQ(section[Section::AP_1_0], 3U);
  EXPECT_EQ(section[Section::TEX], 5U);
  EXPECT_FALSE(section[Section::AP_2]);
  EXPECT_TRUE(section[Section::S]);
  EXPECT_TRUE(section[Section::nG]);
  EXPECT_TRUE(section[Section::NS]);
  EXPECT_EQ(section[Section::Base], 0xabc0'0000U);
}

// At 0x5a'c300'0000, above what 32 bits can address.
TEST(VmsaAArch32ShortGolden, ReadsASupersection) {
  using Super = Supersection_Short;
  constexpr std::array kWord{0xc3a5'a8a6U};
  EXPECT_EQ(Level1_Short(kWord)[Level1_Short::Type], Level1Type::kSection);
  EXPECT_TRUE(Level1_Short(kWord)[Level1_Short::Supersection]);

  const Super supersection(kWord);
  EXPECT_FALSE(supersection[Super::PXN]);
  EXPECT_TRUE(supersection[Super::B]);
  EXPECT_FALSE(supersection[Super::C]);
  EXPECT_FALSE(supersection[Super::XN]);
  EXPECT_EQ(supersection[Super::AP_1_0], 2U);
  EXPECT_EQ(supersection[Super::TEX], 2U);
  EXPECT_TRUE(supersection[Super::AP_2]);
  EXPECT_TRUE(supersection[Super::S]);
  EXPECT_FALSE(supersection[Super::nG]);
  EXPECT_FALSE(supersection[Super::NS]);
  EXPECT_EQ(supersection[Super::Base_39_36], 0x5U);
  EXPECT_EQ(supersection[Super::Base_35_32], 0xaU);
  EXPECT_EQ(supersection[Super::Base_31_24], 0xc300'0000U);
}

TEST(VmsaAArch32ShortGolden, ReadsALargePage) {
  using Page = LargePage_Short;
  constexpr std::array kWord{0x1234'ba1dU};
  EXPECT_EQ(Level2_Short(kWord)[Level2_Short::Type], Level2Type::kLargePage);

  const Page page(kWord);
  EXPECT_TRUE(page[Page::B]);
  EXPECT_TRUE(page[Page::C]);
  EXPECT_EQ(page[Page::AP_1_0], 1U);
  EXPECT_TRUE(page[Page::AP_2]);
  EXPECT_FALSE(page[Page::S]);
  EXPECT_TRUE(page[Page::nG]);
  EXPECT_EQ(page[Page::TEX], 3U);
  EXPECT_TRUE(page[Page::XN]);
  EXPECT_EQ(page[Page::Base], 0x1234'0000U);
}

TEST(VmsaAArch32ShortGolden, ReadsASmallPage) {
  using Page = SmallPage_Short;
  constexpr std::array kWord{0x7fed'c5a7U};
  EXPECT_EQ(Level2_Short(kWord)[Level2_Short::Type], Level2Type::kSmallPageXN);

  const Page page(kWord);
  EXPECT_TRUE(page[Page::XN]);
  EXPECT_TRUE(page[Page::B]);
  EXPECT_FALSE(page[Page::C]);
  EXPECT_EQ(page[Page::AP_1_0], 2U);
  EXPECT_EQ(page[Page::TEX], 6U);
  EXPECT_FALSE(page[Page::AP_2]);
  EXPECT_TRUE(page[Page::S]);
  EXPECT_FALSE(page[Page::nG]);
  EXPECT_EQ(page[Page::Base], 0x7fed'c000U);
}

}  // namespace
}  // namespace smmu::vmsa
