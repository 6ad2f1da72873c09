// The Long descriptors of VMSAv8-32 against the text of the manual (DDI 0487, G5.5.2 and G5.5.3),
// and whole descriptors as that text would have them.
#include "smmu/arch/vmsa/aarch32_long.h"

#include <array>
#include <tuple>

#include "test/golden/golden.h"

namespace smmu::vmsa {
namespace {

using namespace golden;

constexpr auto kGoldens = std::tuple{
    // G5.5.2.1.1 and, for the attributes, G5.5.3.1
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
    // G5.5.2.1.1; a Table of stage 2 has no attributes
    structure<Table_Stage2_Long>(8, {
        {Table_Stage2_Long::Valid,      0, 0x0000'0000'0000'0001},
        {Table_Stage2_Long::Type,       0, 0x0000'0000'0000'0002},
        {Table_Stage2_Long::NLTA,       0, 0x0000'00ff'ffff'f000, kInPlace},
        {Table_Stage2_Long::NLTA_47_40, 0, 0x0000'ff00'0000'0000, kInPlace},
    }),
    // G5.5.2.2 and G5.5.3.2; Software is G5.7.4.2.3
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
    // G5.5.2.2 and G5.5.3.3; Software is G5.7.4.2.3
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

// The next table is at 0x12'3456'7000.  Nobody writes below it, nor executes.
TEST(VmsaAArch32LongGolden, WritesAStage1Table) {
  using Table = Table_Stage1_Long;
  EXPECT_EQ(Table()
                .set(Table::Valid, true)
                .set(Table::Type, true)
                .set(Table::NLTA, 0x0012'3456'7000)
                .set(Table::XNTable, true)
                .set(Table::APTable, 2)
                .set(Table::NSTable, true)
                .word(0),
            0xd000'0012'3456'7003);
}

// The highest table there can be, with what the table above left out.
TEST(VmsaAArch32LongGolden, WritesAPrivilegedStage1Table) {
  using Table = Table_Stage1_Long;
  EXPECT_EQ(Table()
                .set(Table::Valid, true)
                .set(Table::Type, true)
                .set(Table::NLTA, 0x00ff'ffff'f000)
                .set(Table::PXNTable, true)
                .set(Table::APTable, 1)
                .word(0),
            0x2800'00ff'ffff'f003);
}

TEST(VmsaAArch32LongGolden, WritesAStage1BlockOf1GB) {
  using Block = Leaf_Stage1_Long;
  EXPECT_EQ(Block()
                .set(Block::Valid, true)
                .set(Block::AttrIndx, 3)
                .set(Block::AP, 1)
                .set(Block::SH, Shareability::kInner)
                .set(Block::AF, true)
                .set(Block::nG, true)
                .set(Block::OA, 0x00c0'4000'0000)
                .set(Block::PXN, true)
                .set(Block::XN, true)
                .word(0),
            0x0060'00c0'4000'0f4d);
}

TEST(VmsaAArch32LongGolden, WritesAStage1BlockOf2MB) {
  using Block = Leaf_Stage1_Long;
  EXPECT_EQ(Block()
                .set(Block::Valid, true)
                .set(Block::AttrIndx, 5)
                .set(Block::NS, true)
                .set(Block::AP, 2)
                .set(Block::SH, Shareability::kOuter)
                .set(Block::AF, true)
                .set(Block::OA, 0x003f'ffe0'0000)
                .set(Block::Contiguous, true)
                .word(0),
            0x0010'003f'ffe0'06b5);
}

TEST(VmsaAArch32LongGolden, WritesAStage1Page) {
  using Page = Leaf_Stage1_Long;
  EXPECT_EQ(Page()
                .set(Page::Valid, true)
                .set(Page::Type, true)
                .set(Page::AttrIndx, 7)
                .set(Page::AP, 3)
                .set(Page::AF, true)
                .set(Page::nG, true)
                .set(Page::OA, 0x00ab'cdef'1000)
                .set(Page::Software, 9)
                .set(Page::PBHA, 10)
                .word(0),
            0x5480'00ab'cdef'1cdf);
}

// Its address is too large for this format, which is an Address size fault (G5.5.2.1.1).
TEST(VmsaAArch32LongGolden, ReadsAStage2TableAbove40Bits) {
  const Table_Stage2_Long table({0x0000'81ff'ffff'f003});
  EXPECT_EQ(table[Table_Stage2_Long::NLTA], 0x00ff'ffff'f000U);
  EXPECT_EQ(table[Table_Stage2_Long::NLTA_47_40], 0x8100'0000'0000U);
}

TEST(VmsaAArch32LongGolden, WritesAStage2BlockOf1GB) {
  using Block = Leaf_Stage2_Long;
  EXPECT_EQ(Block()
                .set(Block::Valid, true)
                .set(Block::MemAttr, 0xf)
                .set(Block::S2AP, 1)
                .set(Block::SH, Shareability::kInner)
                .set(Block::AF, true)
                .set(Block::OA, 0x0080'0000'0000)
                .set(Block::XN, 2)
                .word(0),
            0x0040'0080'0000'077d);
}

TEST(VmsaAArch32LongGolden, WritesAStage2BlockOf2MB) {
  using Block = Leaf_Stage2_Long;
  EXPECT_EQ(Block()
                .set(Block::Valid, true)
                .set(Block::MemAttr, 1)
                .set(Block::S2AP, 3)
                .set(Block::SH, Shareability::kOuter)
                .set(Block::AF, true)
                .set(Block::OA, 0x0012'3460'0000)
                .set(Block::Contiguous, true)
                .set(Block::XN, 1)
                .word(0),
            0x0030'0012'3460'06c5);
}

TEST(VmsaAArch32LongGolden, WritesAStage2Page) {
  using Page = Leaf_Stage2_Long;
  EXPECT_EQ(Page()
                .set(Page::Valid, true)
                .set(Page::Type, true)
                .set(Page::MemAttr, 5)
                .set(Page::S2AP, 2)
                .set(Page::AF, true)
                .set(Page::OA, 0x0076'5432'1000)
                .set(Page::PBHA, 11)
                .word(0),
            0x5800'0076'5432'1497);
}

}  // namespace
}  // namespace smmu::vmsa
