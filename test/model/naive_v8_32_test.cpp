// VMSAv8-32 walks by hand, in the Long- and the Short-descriptor format (DDI
// 0487, chapter G5; IHI 0070, 3.4 and 5.4).
#include <gtest/gtest.h>

#include "test/model/naive_walker.h"
#include "test/model/walk_by_hand.h"

namespace smmu::model::naive_v8_32_test {
namespace {

using enum FaultType;

// --- Long descriptors, stage 1. ---

// VA[31:30] is 2, VA[29:21] 0x091, VA[20:12] 0x145, VA[11:0] 0x678.
constexpr std::uint64_t kVa = 0x9234'5678;
constexpr std::uint64_t kLevel2 = 0x8000'1488;
constexpr std::uint64_t kLevel3 = 0x8000'2a28;
constexpr std::uint64_t kPage = 0xff'6543'2743;

ByHand walk_long() {
  ByHand hand;
  Stage1 stage1;
  stage1.format = Stage1Format::kVmsa8_32Long;
  stage1.ttb0 = 0x8000'0000;
  stage1.ttb1 = 0x9000'0000;
  stage1.mair = 0x44'04ff;
  hand.regime.stage1 = stage1;
  hand.read(kVa);
  hand.word(0x8000'0010, 0x8000'1003).word(kLevel2, 0x8000'2003).word(kLevel3, kPage);
  return hand;
}

TEST(Stage1Long, ThreeLevelsTranslate32Bits)  // G5.5.7.1, Table G5-6
{
  const Translation expected{.pa = 0xff'6543'2678,
                             .size = 0x1000,
                             .permissions = allows("rwxRWX"),
                             .type = 0xff,
                             .shareability = 0b11,
                             .global = true,
                             .level = 3};
  EXPECT_EQ(walk_long().translation(), expected);
}

TEST(Stage1Long, BlocksAre2MAnd1G)  // G5.5.2.1.1
{
  ByHand hand = walk_long().word(kLevel2, 0xff'0020'0741);
  EXPECT_EQ(hand.translation().pa, 0xff'0034'5678);
  EXPECT_EQ(hand.translation().size, 0x20'0000);
  hand.word(0x8000'0010, 0xff'4000'0741);
  EXPECT_EQ(hand.translation().pa, 0xff'5234'5678);
  EXPECT_EQ(hand.translation().size, 0x4000'0000);
}

TEST(Stage1Long, AnAddressOfMoreThan32BitsIsALevel1Fault)  // IHI 0070, 3.4.1
{
  EXPECT_EQ(walk_long().read(0x1'0000'0000).fault(), stage1_fault(kTranslation, 1));
}

TEST(Stage1Long, T1szAloneGivesTheTopToTtb1)  // Table G5-2
{
  ByHand hand = walk_long().read(0xfe34'5678);
  hand.regime.stage1->t1sz = 7;
  // Level 2, VA[24:21] is 1.
  hand.word(0x9000'0008, 0x40'0020'0741);
  EXPECT_EQ(hand.translation().pa, 0x40'0034'5678);
  EXPECT_EQ(hand.read(0xfdff'ffff).fault().fetch, 0x8000'0018);
}

TEST(Stage1Long, T0szAloneGivesTheRestToTtb1)  // Table G5-2
{
  ByHand hand = walk_long();
  hand.regime.stage1->t0sz = 1;
  EXPECT_EQ(hand.fault().fetch, 0x9000'0010);
  EXPECT_EQ(hand.read(0x7fff'ffff).fault().fetch, 0x8000'0008);
}

TEST(Stage1Long, BetweenTwoRangesIsALevel1Fault)  // G5.5.5, G5.11.1.2
{
  ByHand hand = walk_long();
  hand.regime.stage1->t0sz = 2;
  hand.regime.stage1->t1sz = 2;
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 1));
  EXPECT_EQ(hand.read(0xc000'0000).fault().fetch, 0x9000'0000);
}

TEST(Stage1Long, ABlockAcrossTheBorderMapsItsPartOnly)  // G5.5.5.1
{
  ByHand hand = walk_long().word(0x8000'0018, 0x40'0000'0741);
  hand.regime.stage1->t1sz = 7;
  EXPECT_EQ(hand.read(0xc000'1000).translation().size, 0x2000'0000);
  EXPECT_EQ(hand.read(0xfd00'0000).translation().size, 0x200'0000);
}

TEST(Stage1Long, EpdIsALevel1Fault)  // G5.3.4
{
  ByHand hand = walk_long();
  hand.regime.stage1->epd1 = true;
  EXPECT_EQ(hand.translation().level, 3);
  hand.regime.stage1->epd0 = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 1));
}

TEST(Stage1Long, Bits47To40AreAnAddressSizeFault)  // G5.5.2.1.1
{
  EXPECT_EQ(walk_long().word(kLevel2, 0x100'8000'2003).fault(), stage1_fault(kAddressSize, 2));
  EXPECT_EQ(walk_long().word(kLevel3, kPage | 0x8000'0000'0000).fault(),
            stage1_fault(kAddressSize, 3));
  EXPECT_EQ(walk_long().word(kLevel3, kPage | 0x1'0000'0000'0000).translation().level, 3);
}

TEST(Stage1Long, ABaseBeyond40BitsIsALevel0AddressSizeFault)  // G5.5.7, G5.11.3.1.1
{
  ByHand hand = walk_long();
  hand.regime.stage1->ttb0 = 0x100'0000'0000;
  EXPECT_EQ(hand.fault(), stage1_fault(kAddressSize, 0));
}

TEST(Stage1Long, IpsDoesNotMatter)  // IHI 0070, 5.4, IPS
{
  ByHand hand = walk_long();
  hand.regime.stage1->ips = 0b000;
  EXPECT_EQ(hand.translation().pa, 0xff'6543'2678);
}

TEST(Stage1Long, TheOutputIsTruncatedToTheOas)  // IHI 0070, 3.4
{
  ByHand hand = walk_long();
  hand.regime.implementation.oas = 36;
  EXPECT_EQ(hand.translation().pa, 0xf'6543'2678);
}

TEST(Stage1Long, ThereIsNoHardwareUpdate)  // IHI 0070, 5.4, HA
{
  ByHand hand = walk_long().word(kLevel3, kPage & ~0x400ULL);
  hand.regime.stage1->ha = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kAccessFlag, 3));
  hand.regime.stage1->affd = true;
  EXPECT_EQ(hand.translation().level, 3);
}

TEST(Stage1Long, ToExecuteReadAccessIsNeeded)  // G5.6.3
{
  EXPECT_EQ(walk_long().word(kLevel3, 0x403).read(kVa, true).translation().permissions,
            allows("RWX"));
  EXPECT_EQ(walk_long().word(kLevel3, 0x403).execute(kVa).fault(), stage1_fault(kPermission, 3));
}

TEST(Stage1Long, XnConcernsBothPrivilegesAndPxnOne)  // G5.6.3
{
  ByHand hand = walk_long();
  EXPECT_EQ(hand.word(kLevel3, 0x0040'0000'0000'0443).translation().permissions, allows("rwRW"));
  EXPECT_EQ(hand.word(kLevel3, 0x0020'0000'0000'0443).translation().permissions, allows("rwxRW"));
}

TEST(Stage1Long, WxnAndUwxnForbidToExecuteWhatCanBeWritten)  // G5.6.3.2
{
  ByHand hand = walk_long();
  hand.regime.stage1->uwxn = true;
  EXPECT_EQ(hand.translation().permissions, allows("rwxRW"));
  hand.regime.stage1->wxn = true;
  EXPECT_EQ(hand.translation().permissions, allows("rwRW"));
}

TEST(Stage1Long, ATableLimitsTheAccessOfLaterLevels)  // Table G5-8, G5.6.3.1
{
  ByHand hand = walk_long().read(kVa, true);
  hand.word(kLevel2, 0x2000'0000'8000'2003);
  EXPECT_EQ(hand.translation().permissions, allows("RWX"));
  hand.word(kLevel2, 0x4000'0000'8000'2003);
  EXPECT_EQ(hand.translation().permissions, allows("rxRX"));
  hand.word(kLevel2, 0x0800'0000'8000'2003);
  EXPECT_EQ(hand.translation().permissions, allows("rwxRW"));
  hand.word(kLevel2, 0x1000'0000'8000'2003);
  EXPECT_EQ(hand.translation().permissions, allows("rwRW"));
  hand.regime.stage1->had0 = true;
  EXPECT_EQ(hand.translation().permissions, allows("rwxRWX"));
}

TEST(Stage1Long, PanForbidsPrivilegedDataAccessToWhatEl0Sees)  // G5.6.2
{
  ByHand hand = walk_long();
  hand.regime.stage1->pan = true;
  EXPECT_EQ(hand.translation().permissions, allows("rwxX"));
  EXPECT_EQ(hand.write(kVa, true).fault(), stage1_fault(kPermission, 3));
  EXPECT_EQ(hand.execute(kVa, true).translation().level, 3);
}

TEST(Stage1Long, El2HasOneRangeAndOnePrivilegeLevel)  // G5.6.6
{
  ByHand hand = walk_long().word(kLevel3, 0x0020'0000'0000'0c03);
  hand.regime.stage1->world = World::kEl2;
  EXPECT_EQ(hand.translation().permissions, allows("rwxRWX"));
  EXPECT_TRUE(hand.translation().global);
  hand.regime.stage1->t0sz = 1;
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 1));
}

// --- Long descriptors, stage 2. ---

ByHand walk_stage2_long() {
  ByHand hand;
  Stage2 stage2;
  stage2.format = Stage2Format::kVmsa8_32Long;
  stage2.t0sz = 0x8;  // -8
  stage2.sl0 = 0b01;
  stage2.ttb = 0x8000'0000;
  hand.regime.stage2 = stage2;
  hand.read(0x80'1234'5678).word(0x8000'1000, 0x40'0000'07fd);
  return hand;
}

TEST(Stage2Long, A40BitIpaTakesTwoConcatenatedTables)  // G5.5.6.1.1
{
  EXPECT_EQ(walk_stage2_long().translation().pa, 0x40'1234'5678);
  EXPECT_EQ(walk_stage2_long().translation().permissions, allows("rwxRWX"));
}

TEST(Stage2Long, Sl0AndT0szHaveToAgree)  // Table G5-5
{
  ByHand hand = walk_stage2_long().read(0x1000);
  Stage2& stage2 = *hand.regime.stage2;
  stage2.sl0 = 0b00;
  stage2.t0sz = 0xd;  // -3
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 1, 0x1000));
  stage2.t0sz = 0xe;  // -2, sixteen tables at level 2
  EXPECT_EQ(hand.read(0x3'ffe0'0000).fault().fetch, 0x8000'fff8);
  EXPECT_EQ(hand.fault().level, 2);
  stage2.sl0 = 0b01;
  stage2.t0sz = 2;
  EXPECT_EQ(hand.read(0x1000).fault(), stage2_fault(kTranslation, 1, 0x1000));
}

TEST(Stage2Long, AnIpaBeyondT0szIsALevel1Fault)  // G5.5.6, G5.11.1.2
{
  ByHand hand = walk_stage2_long().read(0x1'0000'0000);
  hand.regime.stage2->t0sz = 0;
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 1, 0x1'0000'0000));
}

TEST(Stage2Long, ToExecuteReadAccessIsNeeded)  // Table G5-10
{
  EXPECT_EQ(walk_stage2_long()
                .word(0x8000'1000, 0x40'0000'07bd)
                .write(0x80'0000'0000)
                .translation()
                .permissions,
            allows("wW"));
}

TEST(Stage2Long, PsDoesNotMatterAndBits47To40Do)  // IHI 0070, 5.2, S2PS
{
  ByHand hand = walk_stage2_long();
  hand.regime.stage2->ps = 0b000;
  EXPECT_EQ(hand.translation().pa, 0x40'1234'5678);
  hand.word(0x8000'1000, 0x8040'0000'07fd);
  EXPECT_EQ(hand.fault(), stage2_fault(kAddressSize, 1, 0x80'1234'5678));
}

TEST(Stage2Long, OutputAndTablesAreTruncatedToTheOas)  // IHI 0070, 3.4, 7.3.12
{
  ByHand hand = walk_stage2_long();
  hand.regime.implementation.oas = 36;
  EXPECT_EQ(hand.translation().pa, 0x1234'5678);
  hand.word(0x8000'1000, 0x40'8000'2003);
  hand.word(0x8000'2488, 0xc0'0020'07fd);
  EXPECT_EQ(hand.translation().pa, 0x34'5678);
}

// --- Short descriptors. ---

// VA[31:20] is 0x123, VA[19:12] 0x45, VA[11:0] 0x678.
constexpr std::uint64_t kShortVa = 0x1234'5678;

// The level 1 descriptor is at 0x8000'048c, the upper half of its word; that
// of level 2 at 0x8000'4114, the upper half too.
ByHand walk_short(std::uint32_t level1, std::uint32_t level2 = 0) {
  ByHand hand;
  Stage1 stage1;
  stage1.format = Stage1Format::kVmsa8_32Short;
  stage1.ttb0 = 0x8000'0000;
  stage1.ttb1 = 0x9000'0000;
  hand.regime.stage1 = stage1;
  hand.read(kShortVa);
  hand.word(0x8000'0488, std::uint64_t{level1} << 32);
  hand.word(0x8000'4110, std::uint64_t{level2} << 32);
  return hand;
}

constexpr std::uint32_t kTable = 0x8000'4001;
constexpr std::uint32_t kSection = 0xabc1'1c0e;    // S, TEX 001, AP 011, C, B
constexpr std::uint32_t kSmallPage = 0x7654'303a;  // AP 011, C

TEST(Stage1Short, ASectionIs1M)  // G5.4.1.1
{
  const Translation expected{.pa = 0xabc4'5678,
                             .size = 0x10'0000,
                             .permissions = allows("rwxRWX"),
                             .type = 0xff,
                             .shareability = 0b10,
                             .global = true,
                             .level = 1};
  EXPECT_EQ(walk_short(kSection).translation(), expected);
}

TEST(Stage1Short, ASupersectionIs16MOf40Bits)  // G5.4.1.1
{
  const Translation translation = walk_short(0xab54'0cc2).translation();
  EXPECT_EQ(translation.pa, 0x65'ab34'5678);
  EXPECT_EQ(translation.size, 0x100'0000);
  EXPECT_EQ(translation.type, 0x00);
  EXPECT_EQ(translation.shareability, 0b10);
}

TEST(Stage1Short, ASmallPageIs4K)  // G5.4.1.2
{
  const Translation expected{.pa = 0x7654'3678,
                             .size = 0x1000,
                             .permissions = allows("rwxRWX"),
                             .type = 0xaa,
                             .shareability = 0b00,
                             .global = true,
                             .level = 2};
  EXPECT_EQ(walk_short(kTable, kSmallPage).translation(), expected);
}

TEST(Stage1Short, ALargePageIs64K)  // G5.4.1.2, Table G5-13
{
  // XN, TEX 101, AP 011, C: outer Write-Back, inner Write-Through.
  const Translation translation = walk_short(kTable, 0x7654'd039).translation();
  EXPECT_EQ(translation.pa, 0x7654'5678);
  EXPECT_EQ(translation.size, 0x1'0000);
  EXPECT_EQ(translation.type, 0xfa);
  EXPECT_EQ(translation.permissions, allows("rwRW"));
}

TEST(Stage1Short, PxnIsInTheLevel1Descriptor)  // G5.4.2
{
  EXPECT_EQ(walk_short(kTable | 4, kSmallPage).translation().permissions, allows("rwxRW"));
  EXPECT_EQ(walk_short(kSection | 1).translation().permissions, allows("rwxRW"));
}

TEST(Stage1Short, XnOfASmallPageIsBit0)  // G5.4.1.2
{
  EXPECT_EQ(walk_short(kTable, kSmallPage | 1).translation().permissions, allows("rwRW"));
}

TEST(Stage1Short, InvalidDescriptorsFaultAtTheirLevel)  // G5.11.1.2
{
  EXPECT_EQ(walk_short(0xabc1'1c0c).fault(), stage1_fault(kTranslation, 1));
  EXPECT_EQ(walk_short(kTable, 0x7654'3038).fault(), stage1_fault(kTranslation, 2));
}

TEST(Stage1Short, TtbcrNSplitsTheAddressMap)  // Table G5-1
{
  ByHand hand = walk_short(kSection);
  hand.regime.stage1->n = 3;
  hand.regime.stage1->ttb0 = 0x8000'0800;  // a table of 2KB
  EXPECT_EQ(hand.fault().fetch, 0x8000'0c8c);
  EXPECT_EQ(hand.read(0x2000'0000).fault().fetch, 0x9000'0800);
  EXPECT_EQ(hand.read(0x1'0000'0000).fault(), stage1_fault(kTranslation, 1));
}

TEST(Stage1Short, PdIsALevel1Fault)  // G5.3.4
{
  ByHand hand = walk_short(kSection);
  hand.regime.stage1->epd1 = true;
  EXPECT_EQ(hand.translation().level, 1);
  hand.regime.stage1->epd0 = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 1));
}

TEST(Stage1Short, AfeMakesAp0TheAccessFlag)  // G5.6.5
{
  ByHand hand = walk_short(kSection & ~0x400U);  // AP 010
  EXPECT_EQ(hand.translation().permissions, allows("rxRWX"));
  hand.regime.stage1->afe = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kAccessFlag, 1));
  hand.regime.stage1->affd = true;
  EXPECT_EQ(hand.translation().permissions, allows("rwxRWX"));
}

TEST(Stage1Short, ApGivesReadAndWriteAccess)  // Table G5-9
{
  const auto section = [](unsigned ap) {
    return walk_short((kSection & ~0x8c00U) | (ap & 4) << 13 | (ap & 3) << 10).read(kShortVa, true);
  };
  EXPECT_EQ(section(0b000).fault(), stage1_fault(kPermission, 1));
  EXPECT_EQ(section(0b001).translation().permissions, allows("RWX"));
  EXPECT_EQ(section(0b010).translation().permissions, allows("rxRWX"));
  EXPECT_EQ(section(0b011).translation().permissions, allows("rwxRWX"));
  EXPECT_EQ(section(0b101).translation().permissions, allows("RX"));
  EXPECT_EQ(section(0b110).translation().permissions, allows("rxRX"));
  EXPECT_EQ(section(0b111).translation().permissions, allows("rxRX"));
}

TEST(Stage1Short, EightEncodingsOfTexCAndBAreFixed)  // Table G5-12
{
  const auto type = [](unsigned tex, unsigned cb) {
    return walk_short((kSection & ~0x700cU) | tex << 12 | cb << 2).translation().type;
  };
  EXPECT_EQ(type(0b000, 0b00), 0x00);
  EXPECT_EQ(type(0b000, 0b01), 0x04);
  EXPECT_EQ(type(0b000, 0b10), 0xaa);
  EXPECT_EQ(type(0b000, 0b11), 0xee);
  EXPECT_EQ(type(0b001, 0b00), 0x44);
  EXPECT_EQ(type(0b001, 0b11), 0xff);
  EXPECT_EQ(type(0b010, 0b00), 0x04);
  EXPECT_EQ(type(0b110, 0b01), 0xaf);
}

TEST(Stage1Short, TexRemapLooksTex0CAndBUp)  // Tables G5-14 and G5-15
{
  ByHand hand = walk_short(kSection | 0x6000);  // TEX[2:1] do not matter
  Stage1& stage1 = *hand.regime.stage1;
  stage1.tre = true;
  stage1.prrr = 0x8008'8000;  // TR7 Normal, NS1, NOS7
  stage1.nmrr = 0x8000'4000;  // OR7 Write-Through, IR7 Write-Back
  EXPECT_EQ(hand.translation().type, 0xaf);
  EXPECT_EQ(hand.translation().shareability, 0b11);
  stage1.prrr = 0x0008'8000;
  EXPECT_EQ(hand.translation().shareability, 0b10);
  stage1.prrr = 0x8000'8000;
  EXPECT_EQ(hand.translation().shareability, 0b00);
  stage1.prrr = 0x0000'4000;
  EXPECT_EQ(hand.translation().type, 0x04);
}

TEST(Stage1Short, DomainsMatterOnlyIfAsked)  // G5.6.4
{
  ByHand hand = walk_short((kSection & ~0x8c00U) | 5 << 5);  // AP 000, domain 5
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 1));
  hand.regime.stage1->check_domains = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kDomain, 1));
  hand.regime.stage1->dacr = 3 << 10;  // Manager
  EXPECT_EQ(hand.translation().permissions, allows("rwxRWX"));
  hand.regime.stage1->dacr = 1 << 10;  // Client
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 1));
}

TEST(Stage1Short, APageIsInTheDomainOfItsTable)  // G5.11.1.5
{
  ByHand hand = walk_short(kTable | 7 << 5, kSmallPage);
  hand.regime.stage1->check_domains = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kDomain, 2));
  hand.regime.stage1->dacr = 1 << 14;
  EXPECT_EQ(hand.translation().level, 2);
}

TEST(Stage1Short, BigEndianDescriptorsAreSwappedAs32Bits)  // G5.3.1
{
  ByHand hand = walk_short(0x0e1c'c1ab);
  hand.regime.stage1->big_endian = true;
  EXPECT_EQ(hand.translation().pa, 0xabc4'5678);
}

TEST(Stage1Short, NgMakesATranslationNonGlobal)  // G5.4.2
{
  EXPECT_FALSE(walk_short(kSection | 1 << 17).translation().global);
  EXPECT_FALSE(walk_short(kTable, kSmallPage | 1 << 11).translation().global);
}

// --- Behind stage 2. ---

TEST(NestedV8_32, AShortDescriptorIsTranslatedByStage2)  // G5.4.5
{
  ByHand hand = walk_short(kTable, kSmallPage);
  hand.regime.stage2 = walk_stage2_long().regime.stage2;
  hand.regime.stage2->ttb = 0x4000'0000;
  hand.word(0x4000'0010, 0x8000'07fd).word(0x4000'0008, 0x77'4000'07fd);
  EXPECT_EQ(hand.translation().pa, 0x77'7654'3678);
  EXPECT_EQ(hand.translation().type, 0xaa);
  hand.word(0x4000'0010, 0);
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 1, 0x8000'048c, FaultClass::kTable));
}

TEST(NestedV8_32, ALongStage1GoesOverAVmsaV8_64Stage2)  // IHI 0070, 3.4
{
  ByHand hand = walk_long();
  Stage2 stage2;
  stage2.t0sz = 24;
  stage2.sl0 = 0b01;
  stage2.ps = 0b101;
  stage2.ttb = 0x4000'0000;
  hand.regime.stage2 = stage2;
  hand.word(0x4000'0010, 0x8000'07fd).word(0x4000'1fe8, 0x4000'0000'07fd);
  EXPECT_EQ(hand.translation().pa, 0x4000'2543'2678);
  stage2.t0sz = 25;
  hand.regime.stage2 = stage2;
  EXPECT_EQ(hand.fault(), stage2_fault(kTranslation, 0, 0xff'6543'2678));
}

}  // namespace
}  // namespace smmu::model::naive_v8_32_test
