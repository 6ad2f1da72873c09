// VMSAv8-64 stage 2 by hand, alone and behind stage 1, and the combination of
// attributes (DDI 0487, chapter D8; IHI 0070, 3.4, 5.2 and 13.1).
#include <gtest/gtest.h>

#include "test/model/naive_walker.h"
#include "test/model/walk_by_hand.h"

namespace smmu::model::naive_stage2_test {
namespace {

using enum FaultType;

// A 40-bit IPA with the 4KB granule, two concatenated tables at level 1.
ByHand walk_stage2() {
  ByHand hand;
  Stage2 stage2;
  stage2.t0sz = 24;
  stage2.sl0 = 0b01;
  stage2.ps = 0b101;
  stage2.ttb = 0x8000'0000;
  hand.regime.stage2 = stage2;
  hand.read(0x80'1234'5678);
  // [10] AF, [9:8] Inner, [7:6] S2AP, [5:2] Write-Back, a Block.
  hand.word(0x8000'1000, 0x40'0000'07fd);
  return hand;
}

TEST(Stage2V8_64, ConcatenatedTablesAreIndexedByMoreBits)  // Table D8-22
{
  const Translation expected{.pa = 0x40'1234'5678,
                             .size = 0x4000'0000,
                             .permissions = allows("rwxRWX"),
                             .type = 0xff,
                             .shareability = 0b11,
                             .global = true,
                             .level = 1,
                             .stage2_level = 1};
  EXPECT_EQ(walk_stage2().translation(), expected);
}

TEST(Stage2V8_64, SixteenConcatenatedTablesAreAlignedTogether)  // D8.2.2 (RVCLZN)
{
  ByHand hand = walk_stage2();
  hand.regime.stage2->t0sz = 21;
  hand.regime.stage2->ttb = 0x8000'fff0;
  hand.read(0x7ff'c000'0000).word(0x8000'fff8, 0x40'0000'07fd);
  EXPECT_EQ(hand.translation().pa, 0x40'0000'0000);
}

TEST(Stage2V8_64, Sl2StartsAtLevelMinus1)  // Tables D8-19 and D8-20
{
  ByHand hand = walk_stage2();
  hand.regime.implementation.oas = 52;
  Stage2& stage2 = *hand.regime.stage2;
  stage2.t0sz = 12;
  stage2.ds = true;
  stage2.sl0 = 0b00;
  stage2.sl2 = 1;
  stage2.ps = 0b110;
  hand.read(0x000f'0000'0000'0000);
  EXPECT_EQ(hand.fault().level, -1);
  EXPECT_EQ(hand.fault().fetch, 0x8000'0078);
}

TEST(Stage2V8_64, A48BitIpaOf16KStartsAtLevel1WithTwoTables)  // D8.2.2 (RDXBSH)
{
  ByHand hand = walk_stage2();
  Stage2& stage2 = *hand.regime.stage2;
  stage2.tg = 0b10;
  stage2.t0sz = 16;
  stage2.sl0 = 0b10;
  hand.read(0xffff'ffff'ffff);
  EXPECT_EQ(hand.fault().level, 1);
  EXPECT_EQ(hand.fault().fetch, 0x8000'7ff8);  // IA[47:36] is 0xfff
}

TEST(Stage2V8_64, AStartLevelThatDoesNotFitT0szIsALevel0Fault)  // D8.2.8.2
{
  ByHand hand = walk_stage2();
  hand.regime.stage2->sl0 = 0b10;
  hand.regime.stage2->t0sz = 25;
  hand.read(0x1000);
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 0, 0x1000));
  hand.regime.stage2->sl0 = 0b00;
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 0, 0x1000));
}

TEST(Stage2V8_64, AnIpaBeyondT0szIsALevel0Fault)  // D8.1.10
{
  EXPECT_EQ(walk_stage2().read(0x100'0000'0000).fault(),
            stage2_fault(kTranslation, 0, 0x100'0000'0000));
}

TEST(Stage2V8_64, AnInputBeyondTheIasIsAStage1AddressSizeFault)  // IHI 0070, 3.4
{
  EXPECT_EQ(walk_stage2().read(0x1'0000'0000'0000).fault(), stage1_fault(kAddressSize, 0));
}

TEST(Stage2V8_64, TheIasIsAtLeast40BitsWithAArch32)  // IHI 0070, 3.4
{
  ByHand hand = walk_stage2();
  hand.regime.implementation.oas = 32;
  hand.word(0x8000'1000, 0x4000'07fd);
  EXPECT_EQ(hand.translation().pa, 0x5234'5678);
  hand.regime.implementation.aarch32 = false;
  EXPECT_EQ(hand.fault(), stage1_fault(kAddressSize, 0));
}

TEST(Stage2V8_64, AnOutputBeyondPsIsAnAddressSizeFault)  // IHI 0070, 5.2, S2PS
{
  ByHand hand = walk_stage2();
  hand.regime.stage2->ps = 0b001;
  EXPECT_EQ(hand.fault(), stage2_fault(kAddressSize, 1, 0x80'1234'5678));
}

TEST(Stage2V8_64, S2apAllowsToReadAndToWriteSeparately)  // Table D8-76
{
  ByHand hand = walk_stage2().word(0x8000'1000, 0x40'0000'077d);
  EXPECT_EQ(hand.translation().permissions, allows("rxRX"));
  EXPECT_EQ(hand.write(0x80'1234'5678).fault(), stage2_fault(kPermission, 1, 0x80'1234'5678));
  hand.word(0x8000'1000, 0x40'0000'07bd);
  EXPECT_EQ(hand.translation().permissions, allows("wxWX"));
  EXPECT_EQ(hand.read(0x80'1234'5678).fault(), stage2_fault(kPermission, 1, 0x80'1234'5678));
  // To execute, read access is not needed.
  EXPECT_EQ(hand.execute(0x80'1234'5678).translation().level, 1);
}

TEST(Stage2V8_64, Xn1And0TellThePrivilegesApart)  // Table D8-78
{
  ByHand hand = walk_stage2();
  EXPECT_EQ(hand.word(0x8000'1000, 0x0020'0040'0000'07fd).translation().permissions,
            allows("rwRWx"));
  EXPECT_EQ(hand.word(0x8000'1000, 0x0040'0040'0000'07fd).translation().permissions,
            allows("rwRW"));
  EXPECT_EQ(hand.word(0x8000'1000, 0x0060'0040'0000'07fd).translation().permissions,
            allows("rwRWX"));
  hand.regime.implementation.xnx = false;  // Table D8-77
  EXPECT_EQ(hand.translation().permissions, allows("rwRW"));
  EXPECT_EQ(hand.word(0x8000'1000, 0x0020'0040'0000'07fd).translation().permissions,
            allows("rwxRWX"));
}

TEST(Stage2V8_64, AClearAccessFlagFaultsUnlessAffd)  // IHI 0070, 5.2, S2AFFD
{
  ByHand hand = walk_stage2().word(0x8000'1000, 0x40'0000'03fd);
  EXPECT_EQ(hand.fault(), stage2_fault(kAccessFlag, 1, 0x80'1234'5678));
  hand.regime.stage2->affd = true;
  EXPECT_EQ(hand.translation().level, 1);
}

TEST(Stage2V8_64, UpdatesSetAfAndS2ap1)  // D8.5.2.1
{
  ByHand hand = walk_stage2().word(0x8000'1000, 0x0008'0040'0000'037d);
  hand.regime.stage2->ha = true;
  hand.regime.stage2->hd = true;
  EXPECT_EQ(hand.translation().permissions, allows("rxRX"));
  EXPECT_EQ(hand.at(0x8000'1000), 0x0008'0040'0000'077d);
  EXPECT_EQ(hand.write(0x80'1234'5678).translation().permissions, allows("rwxRWX"));
  EXPECT_EQ(hand.at(0x8000'1000), 0x0008'0040'0000'07fd);
}

TEST(Stage2V8_64, DsTakesShareabilityFromTheSte)  // IHI 0070, 5.2, S2DS
{
  ByHand hand = walk_stage2();
  hand.regime.implementation.oas = 52;
  hand.regime.stage2->ds = true;
  hand.regime.stage2->ps = 0b110;
  hand.regime.stage2->sh0 = 0b00;
  hand.word(0x8000'1000, 0x0001'0040'0000'05fd);
  EXPECT_EQ(hand.translation().pa, 0x0005'0040'1234'5678);
  EXPECT_EQ(hand.translation().shareability, 0b00);
}

// --- Both stages. ---

// Stage 1: a page at level 3 through one table, T0SZ 34.  Stage 2: identity by
// 2MB blocks but for the page, at IPA 0x20'0000, which goes to 0x7'0000'0000.
constexpr std::uint64_t kPage = 0x20'0743;

ByHand walk_nested() {
  ByHand hand;
  Stage1 stage1;
  stage1.t0sz = 34;
  stage1.t1sz = 34;
  stage1.ips = 0b101;
  stage1.ttb0 = 0x1000;
  stage1.mair = 0xff;
  hand.regime.stage1 = stage1;
  Stage2 stage2;
  stage2.t0sz = 34;
  stage2.sl0 = 0b00;
  stage2.ps = 0b101;
  stage2.ttb = 0x10'0000;
  hand.regime.stage2 = stage2;
  hand.read(0x1abc);
  hand.word(0x1000, 0x2003).word(0x2008, kPage);
  hand.word(0x10'0000, 0x7fd).word(0x10'0008, 0x7'0000'07fd);
  return hand;
}

TEST(Nested, BothStagesTranslate)  // D8.2.1
{
  const Translation expected{.pa = 0x7'0000'0abc,
                             .size = 0x1000,
                             .permissions = allows("rwxRW"),
                             .type = 0xff,
                             .shareability = 0b11,
                             .global = true,
                             .level = 3,
                             .stage2_level = 2};
  EXPECT_EQ(walk_nested().translation(), expected);
}

TEST(Nested, TheSmallerBlockCounts) {
  ByHand hand = walk_nested().word(0x1000, 0x20'0741);
  hand.word(0x10'0008, 0x11'0003).word(0x11'0008, 0x7'0000'07ff);
  EXPECT_EQ(hand.translation().size, 0x1000);
  EXPECT_EQ(hand.translation().level, 2);
  EXPECT_EQ(hand.translation().pa, 0x7'0000'0abc);
}

TEST(Nested, AStage1TableIsTranslatedByStage2)  // D8.15.4.1; IHI 0070, 7.3.13
{
  ByHand hand = walk_nested().word(0x1000, 0x40'0003).word(0x10'0010, 0);
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 2, 0x40'0008, FaultClass::kTable));
}

TEST(Nested, AStage1TableBeyondStage2IsALevel0Fault)  // D8.1.10
{
  ByHand hand = walk_nested().word(0x1000, 0x4000'0003);
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 0, 0x4000'0008, FaultClass::kTable));
}

TEST(Nested, TheOutputAddressIsTranslatedByStage2)  // D8.15.5
{
  ByHand hand = walk_nested().word(0x10'0008, 0);
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 2, 0x20'0abc));
}

TEST(Nested, Stage1PermissionsComeBeforeStage2Faults)  // D8.15.5
{
  ByHand hand = walk_nested().word(0x10'0008, 0).word(0x2008, 0x20'07c3).write(0x1abc);
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 3));
}

TEST(Nested, AnAbortOfAStage1DescriptorIsStage1s)  // IHI 0070, 7.3.12
{
  ByHand hand = walk_nested().word(0x1000, 0x3003);
  const Fault expected{
      .type = kExternalAbort, .stage = 1, .level = 3, .in = FaultClass::kTable, .fetch = 0x3008};
  EXPECT_EQ(hand.fault(), expected);
}

TEST(Nested, AnAbortOfAStage2DescriptorIsStage2s)  // IHI 0070, 7.3.12
{
  ByHand hand = walk_nested().word(0x1000, 0x40'0003);
  Fault expected = stage2_fault(kExternalAbort, 2, 0x40'0008, FaultClass::kTable);
  expected.fetch = 0x10'0010;
  EXPECT_EQ(hand.fault(), expected);
}

TEST(Nested, PtwForbidsStage1TablesInDeviceMemory)  // IHI 0070, 5.2, S2PTW
{
  ByHand hand = walk_nested().word(0x10'0000, 0x7c1);
  EXPECT_EQ(hand.translation().pa, 0x7'0000'0abc);
  hand.regime.stage2->ptw = true;
  EXPECT_EQ(hand.fault(), stage2_fault(kPermission, 2, 0x1000, FaultClass::kTable));
  // With FWB MemAttr 0b0101 is Normal, and 0b0001 still Device (Table D8-100).
  hand.regime.stage2->fwb = true;
  EXPECT_EQ(hand.word(0x10'0000, 0x7d5).translation().pa, 0x7'0000'0abc);
  EXPECT_EQ(hand.word(0x10'0000, 0x7c5).fault().type, kPermission);
}

TEST(Nested, ATableNeedsReadAccessAtStage2Only)  // D8.4.2
{
  ByHand hand = walk_nested().write(0x1abc);
  EXPECT_EQ(hand.word(0x10'0000, 0x77d).translation().pa, 0x7'0000'0abc);
  EXPECT_EQ(hand.word(0x10'0000, 0x7bd).fault(),
            stage2_fault(kPermission, 2, 0x1000, FaultClass::kTable));
}

TEST(Nested, AStage1UpdateNeedsWriteAccessAtStage2)  // IHI 0070, 3.13.5
{
  ByHand hand = walk_nested().word(0x2008, kPage & ~0x400ULL);
  hand.regime.stage1->ha = true;
  hand.word(0x10'0000, 0x0008'0000'0000'077d);
  Fault expected = stage2_fault(kPermission, 2, 0x2008, FaultClass::kTable);
  expected.table_write = true;
  EXPECT_EQ(hand.fault(), expected);
  EXPECT_EQ(hand.at(0x2008), kPage & ~0x400ULL);

  // Writable-clean: the update dirties the memory the table is in.
  hand.regime.stage2->ha = true;
  hand.regime.stage2->hd = true;
  EXPECT_EQ(hand.translation().pa, 0x7'0000'0abc);
  EXPECT_EQ(hand.at(0x2008), kPage);
  EXPECT_EQ(hand.at(0x10'0000), 0x0008'0000'0000'07fd);
}

TEST(Nested, PermissionsAreThoseOfBothStages)  // D8.4.3
{
  EXPECT_EQ(walk_nested().word(0x10'0008, 0x0040'0007'0000'077d).translation().permissions,
            allows("rR"));
}

// --- Attributes. ---

TEST(Combine, TheStrongerDeviceTypeWins)  // Table D8-97
{
  EXPECT_EQ(combine({0x0c, 0b10}, 0b0001, 0b00, false), (Attributes{0x04, 0b10}));
  EXPECT_EQ(combine({0x00, 0b10}, 0b0011, 0b00, false), (Attributes{0x00, 0b10}));
  EXPECT_EQ(combine({0xff, 0b11}, 0b0010, 0b11, false), (Attributes{0x08, 0b10}));
  EXPECT_EQ(combine({0x08, 0b10}, 0b1111, 0b11, false), (Attributes{0x08, 0b10}));
}

TEST(Combine, TheWeakerCacheabilityWinsAtEachCacheLevel)  // Table D8-98
{
  EXPECT_EQ(combine({0xff, 0b00}, 0b1111, 0b00, false), (Attributes{0xff, 0b00}));
  EXPECT_EQ(combine({0xff, 0b00}, 0b0101, 0b00, false), (Attributes{0x44, 0b10}));
  EXPECT_EQ(combine({0xff, 0b00}, 0b0110, 0b00, false), (Attributes{0x4b, 0b00}));
  EXPECT_EQ(combine({0xff, 0b00}, 0b1101, 0b00, false), (Attributes{0xf4, 0b00}));
  EXPECT_EQ(combine({0xbf, 0b00}, 0b1111, 0b00, false), (Attributes{0xbf, 0b00}));
  // Write-Back Transient, Write-Allocate becomes Write-Through Transient.
  EXPECT_EQ(combine({0x55, 0b00}, 0b1010, 0b00, false), (Attributes{0x11, 0b00}));
}

TEST(Combine, TheStrongerShareabilityWins)  // Table D8-103
{
  EXPECT_EQ(combine({0xff, 0b00}, 0b1111, 0b11, false).shareability, 0b11);
  EXPECT_EQ(combine({0xff, 0b11}, 0b1111, 0b10, false).shareability, 0b10);
  EXPECT_EQ(combine({0xff, 0b10}, 0b1111, 0b00, false).shareability, 0b10);
  EXPECT_EQ(combine({0xff, 0b00}, 0b1111, 0b00, false).shareability, 0b00);
}

TEST(Combine, FwbForcesWriteBack)  // Table D8-101
{
  EXPECT_EQ(combine({0x04, 0b10}, 0b0110, 0b00, true), (Attributes{0xff, 0b10}));
  EXPECT_EQ(combine({0x44, 0b10}, 0b0110, 0b00, true), (Attributes{0xff, 0b10}));
  EXPECT_EQ(combine({0xaa, 0b00}, 0b0110, 0b00, true), (Attributes{0xee, 0b00}));
  EXPECT_EQ(combine({0x4a, 0b00}, 0b0110, 0b00, true), (Attributes{0xfe, 0b00}));
  // MemAttr[3] is RES0.
  EXPECT_EQ(combine({0xaa, 0b00}, 0b1110, 0b00, true), (Attributes{0xee, 0b00}));
}

TEST(Combine, FwbKeepsOrWeakensStage1)  // Tables D8-100 and D8-101
{
  EXPECT_EQ(combine({0xbb, 0b00}, 0b0111, 0b00, true), (Attributes{0xbb, 0b00}));
  EXPECT_EQ(combine({0x08, 0b10}, 0b0111, 0b00, true), (Attributes{0x08, 0b10}));
  EXPECT_EQ(combine({0xff, 0b00}, 0b0101, 0b00, true), (Attributes{0x44, 0b10}));
  EXPECT_EQ(combine({0x0c, 0b10}, 0b0101, 0b00, true), (Attributes{0x0c, 0b10}));
  EXPECT_EQ(combine({0xff, 0b00}, 0b0010, 0b00, true), (Attributes{0x08, 0b10}));
  EXPECT_EQ(combine({0x00, 0b10}, 0b0011, 0b00, true), (Attributes{0x00, 0b10}));
}

}  // namespace
}  // namespace smmu::model::naive_stage2_test
