// VMSAv8-64 walks by hand (DDI 0487, chapter D8).
#include "test/model/naive_walker.h"

#include <gtest/gtest.h>

#include "test/model/walk_by_hand.h"

namespace smmu::model::naive_walker_test {
namespace {

using enum FaultType;

// VA[38:30] is 0x048, VA[29:21] 0x1a2, VA[20:12] 0x167, VA[11:0] 0xabc.
constexpr std::uint64_t kVa = 0x12'3456'7abc;

constexpr std::uint64_t kLevel1 = 0x8000'0240;  // 0x8000'0000 + 0x048 * 8
constexpr std::uint64_t kLevel2 = 0x8000'1d10;  // 0x8000'1000 + 0x1a2 * 8
constexpr std::uint64_t kLevel3 = 0x8000'2b38;  // 0x8000'2000 + 0x167 * 8

// [10] AF, [9:8] Inner Shareable, [6] AP[1], [1:0] Page.
constexpr std::uint64_t kPage = 0x0000'0007'6543'2743;

// A 39-bit VA with the 4KB granule, which starts at level 1 (Table D8-18).
ByHand walk_4k() {
  ByHand hand;
  Stage1 stage1;
  stage1.t0sz = 25;
  stage1.t1sz = 25;
  stage1.ips = 0b101;
  stage1.ttb0 = 0x8000'0000;
  stage1.ttb1 = 0x9000'0000;
  stage1.mair = 0x0000'0000'0044'04ff;
  hand.regime.stage1 = stage1;
  hand.read(kVa);
  hand.word(kLevel1, 0x8000'1003).word(kLevel2, 0x8000'2003).word(kLevel3, kPage);
  return hand;
}

TEST(Stage1V8_64, APageOf4KIsFoundAtLevel3)  // D8.2.8
{
  const Translation expected{.pa = 0x7'6543'2abc,
                             .size = 0x1000,
                             .permissions = allows("rwxRW"),
                             .type = 0xff,
                             .shareability = 0b11,
                             .global = true,
                             .level = 3};
  EXPECT_EQ(walk_4k().translation(), expected);
}

TEST(Stage1V8_64, ABlockOf2MAddsVa20To0)  // Table D8-17
{
  const Translation translation = walk_4k().word(kLevel2, 0x7'6540'0741).translation();
  EXPECT_EQ(translation.pa, 0x7'6556'7abc);
  EXPECT_EQ(translation.size, 0x20'0000);
  EXPECT_EQ(translation.level, 2);
}

TEST(Stage1V8_64, ABlockOf1GAddsVa29To0)  // Table D8-17
{
  const Translation translation = walk_4k().word(kLevel1, 0x40'0000'0741).translation();
  EXPECT_EQ(translation.pa, 0x40'3456'7abc);
  EXPECT_EQ(translation.size, 0x4000'0000);
}

TEST(Stage1V8_64, ABlockIgnoresTheAddressBitsBelowItsSize)  // Table D8-52: RES0
{
  EXPECT_EQ(walk_4k().word(kLevel1, 0x40'2fff'f741).translation().pa, 0x40'3456'7abc);
}

TEST(Stage1V8_64, ALevel0BlockNeedsDs)  // Table D8-16
{
  ByHand hand = walk_4k();
  hand.regime.implementation.oas = 52;
  Stage1& stage1 = *hand.regime.stage1;
  stage1.t0sz = 16;
  stage1.ips = 0b110;
  stage1.sh0 = 0b10;
  // OA[51:50] are in [9:8], OA[49:48] in place, OA[47:39] is 1.
  hand.word(0x8000'0000, 0x0002'0080'0000'0741);
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 0));

  stage1.ds = true;
  const Translation translation = hand.translation();
  EXPECT_EQ(translation.pa, 0x000e'0092'3456'7abc);
  EXPECT_EQ(translation.size, 0x80'0000'0000);
  EXPECT_EQ(translation.shareability, 0b10);  // D8.6.2: TCR_ELx.SH0
}

TEST(Stage1V8_64, A52BitVaOf4KStartsAtLevelMinus1)  // Table D8-18
{
  ByHand hand = walk_4k();
  hand.regime.implementation.oas = 52;
  hand.regime.stage1->t0sz = 12;
  hand.regime.stage1->ips = 0b110;
  hand.regime.stage1->ds = true;
  hand.read(0x000f'0000'0000'1234);
  EXPECT_EQ(hand.fault().level, -1);
  EXPECT_EQ(hand.fault().fetch, 0x8000'0078);

  hand.word(0x8000'0078, 0x8000'3003).word(0x8000'3000, 0x0000'0080'0000'0441);
  EXPECT_EQ(hand.translation().pa, 0x80'0000'1234);
}

TEST(Stage1V8_64, WithoutDsBits49And48AreReserved)  // Table D8-52
{
  EXPECT_EQ(walk_4k().word(kLevel3, kPage | 0x0003'0000'0000'0000).translation().pa, 0x7'6543'2abc);
}

TEST(Stage1V8_64, APageOf16KIsFoundAtLevel3)  // D8.2.9
{
  ByHand hand = walk_4k();
  hand.regime.stage1->tg0 = 0b10;
  hand.regime.stage1->t0sz = 17;
  // VA[46:36] is 0x123, VA[35:25] 0x22b, VA[24:14] 0x1e2, VA[13:0] 0x1abc.
  hand.read(0x1234'5678'9abc);
  hand.word(0x8000'0918, 0x8000'4003).word(0x8000'5158, 0x8000'8003);
  hand.word(0x8000'8f10, 0x7'6543'4743);
  EXPECT_EQ(hand.translation().pa, 0x7'6543'5abc);
  EXPECT_EQ(hand.translation().size, 0x4000);
}

TEST(Stage1V8_64, ALevel1BlockOf16KNeedsDs)  // Table D8-27
{
  ByHand hand = walk_4k();
  hand.regime.implementation.oas = 52;
  hand.regime.stage1->tg0 = 0b10;
  hand.regime.stage1->t0sz = 17;
  hand.regime.stage1->ips = 0b110;
  hand.read(0x1234'5678'9abc);
  hand.word(0x8000'0918, 0x70'0000'0441);
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 1));
  hand.regime.stage1->ds = true;
  EXPECT_EQ(hand.translation().pa, 0x74'5678'9abc);
  EXPECT_EQ(hand.translation().size, 0x10'0000'0000);
}

ByHand walk_64k() {
  ByHand hand = walk_4k();
  hand.regime.stage1->tg0 = 0b01;
  hand.regime.stage1->t0sz = 22;
  // VA[41:29] is 0x91a, VA[28:16] 0x0567, VA[15:0] 0x89ab.
  hand.read(0x123'4567'89ab);
  hand.word(0x8000'48d0, 0x8001'0003).word(0x8001'2b38, 0x0000'7654'0000'0743);
  return hand;
}

TEST(Stage1V8_64, APageOf64KIsFoundAtLevel3)  // D8.2.10
{
  EXPECT_EQ(walk_64k().translation().pa, 0x7654'0000'89ab);
  EXPECT_EQ(walk_64k().translation().size, 0x1'0000);
}

TEST(Stage1V8_64, Bits15To12OfA64KDescriptorAreOa51To48)  // Table D8-52
{
  ByHand hand = walk_64k();
  hand.regime.implementation.oas = 52;
  hand.regime.stage1->ips = 0b110;
  hand.word(0x8001'2b38, 0x0000'7654'0000'5743);
  EXPECT_EQ(hand.translation().pa, 0x0005'7654'0000'89ab);
}

TEST(Stage1V8_64, Bits15To12OfA64KDescriptorExceed48Bits)  // D8.15.1.2 (RWDZFC)
{
  ByHand hand = walk_64k().word(0x8001'2b38, 0x0000'7654'0000'5743);
  EXPECT_EQ(hand.fault(), stage1_fault(kAddressSize, 3));
}

TEST(Stage1V8_64, ALevel1BlockOf64KNeeds52BitAddresses)  // Table D8-36
{
  ByHand hand = walk_64k();
  hand.regime.stage1->t0sz = 16;
  hand.read(0x0400'0000'1234);
  hand.word(0x8000'0008, 0x0800'0000'0741);
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 1));
  hand.regime.implementation.oas = 52;
  EXPECT_EQ(hand.translation().pa, 0x0800'0000'1234);
  EXPECT_EQ(hand.translation().size, 0x400'0000'0000);
}

TEST(Stage1V8_64, ASmallRangeStartsAtLevel3)  // Table D8-18, FEAT_TTST
{
  ByHand hand = walk_4k();
  hand.regime.stage1->t0sz = 48;
  hand.read(0xfabc).word(0x8000'0078, kPage);
  EXPECT_EQ(hand.translation().pa, 0x7'6543'2abc);
  EXPECT_EQ(hand.read(0x1'0abc).fault(), stage1_fault(kTranslation, 0));
}

TEST(Stage1V8_64, Va55SelectsTtb1)  // D8.2.4
{
  ByHand hand = walk_4k().read(0xffff'ff92'3456'7abc);
  hand.word(0x9000'0240, 0x40'0000'0741);
  EXPECT_EQ(hand.translation().pa, 0x40'3456'7abc);
}

TEST(Stage1V8_64, AnAddressBetweenTheRangesIsALevel0Fault)  // D8.15.1.1
{
  EXPECT_EQ(walk_4k().read(0x80'0000'0000).fault(), stage1_fault(kTranslation, 0));
  EXPECT_EQ(walk_4k().read(0xffff'ff00'0000'0000).fault(), stage1_fault(kTranslation, 0));
}

TEST(Stage1V8_64, TbiIgnoresTheTopByteOnly)  // IHI 0070, 3.4.1
{
  ByHand hand = walk_4k().read(0xab00'0000'0000'0000 | kVa);
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 0));
  hand.regime.stage1->tbi0 = true;
  EXPECT_EQ(hand.translation().pa, 0x7'6543'2abc);
  hand.read(0xab40'0000'0000'0000 | kVa);
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 0));
}

TEST(Stage1V8_64, EpdDisablesOneBase)  // D8.2.4
{
  ByHand hand = walk_4k();
  hand.regime.stage1->epd1 = true;
  EXPECT_EQ(hand.translation().level, 3);
  hand.regime.stage1->epd0 = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 0));
}

TEST(Stage1V8_64, E0pdConcernsUnprivilegedAccessesOnly)  // D8.2.4.1
{
  ByHand hand = walk_4k();
  hand.regime.stage1->e0pd0 = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 0));
  EXPECT_EQ(hand.read(kVa, true).translation().level, 3);
}

TEST(Stage1V8_64, El2HasOneRangeAndNoEpd)  // D8.1.8; IHI 0070, 5.4
{
  ByHand hand = walk_4k();
  hand.regime.stage1->world = World::kEl2;
  hand.regime.stage1->epd0 = true;
  hand.regime.stage1->e0pd0 = true;
  EXPECT_EQ(hand.translation().level, 3);
  hand.read(0xffff'ff92'3456'7abc).word(0x9000'0240, 0x40'0000'0741);
  EXPECT_EQ(hand.fault(), stage1_fault(kTranslation, 0));
}

TEST(Stage1V8_64, ATableBeyondIpsIsAnAddressSizeFaultOfItsDescriptor)  // D8.15.1.2
{
  ByHand hand = walk_4k().word(kLevel1, 0x1'0000'0003);
  hand.regime.stage1->ips = 0b000;
  EXPECT_EQ(hand.fault(), stage1_fault(kAddressSize, 1));
}

TEST(Stage1V8_64, IpsIsCappedToTheOas)  // IHI 0070, 5.4
{
  ByHand hand = walk_4k();
  hand.regime.implementation.oas = 32;
  EXPECT_EQ(hand.fault(), stage1_fault(kAddressSize, 3));
}

TEST(Stage1V8_64, ABaseBeyondIpsIsALevel0AddressSizeFault)  // D8.15.1.2
{
  ByHand hand = walk_4k();
  hand.regime.stage1->ips = 0b000;
  hand.regime.stage1->ttb0 = 0x1'8000'0000;
  EXPECT_EQ(hand.fault(), stage1_fault(kAddressSize, 0));
}

TEST(Stage1V8_64, ABaseIsAlignedToTheSizeOfItsTable)  // IHI 0070, 5.4
{
  ByHand hand = walk_4k();
  hand.regime.stage1->ttb0 = 0x8000'0ff0;
  EXPECT_EQ(hand.translation().pa, 0x7'6543'2abc);
}

TEST(Stage1V8_64, ABaseOf52BitsIsAlignedTo64Bytes)  // IHI 0070, 5.4
{
  ByHand hand = walk_4k();
  hand.regime.stage1->t0sz = 33;  // two entries
  hand.regime.stage1->ttb0 = 0x8000'0030;
  hand.read(0x4000'0123);
  EXPECT_EQ(hand.fault().fetch, 0x8000'0038);
  hand.regime.implementation.oas = 52;
  hand.regime.stage1->ips = 0b110;
  EXPECT_EQ(hand.fault().fetch, 0x8000'0008);
}

TEST(Stage1V8_64, AnInvalidDescriptorIsATranslationFaultOfItsLevel)  // D8.15.1.1
{
  EXPECT_EQ(walk_4k().word(kLevel1, 0x8000'1002).fault(), stage1_fault(kTranslation, 1));
  EXPECT_EQ(walk_4k().word(kLevel2, 0).fault(), stage1_fault(kTranslation, 2));
  EXPECT_EQ(walk_4k().word(kLevel3, kPage & ~2ULL).fault(), stage1_fault(kTranslation, 3));
}

TEST(Stage1V8_64, AnAbsentDescriptorIsAnExternalAbortOfClassTable)  // IHI 0070, 7.3.12
{
  ByHand hand = walk_4k().word(kLevel2, 0x7000'0003);
  const Fault expected{.type = kExternalAbort,
                       .stage = 1,
                       .level = 3,
                       .in = FaultClass::kTable,
                       .fetch = 0x7000'0b38};
  EXPECT_EQ(hand.fault(), expected);
}

TEST(Stage1V8_64, AClearAccessFlagFaultsUnlessAffd)  // D8.5.1.1; IHI 0070, 5.4
{
  ByHand hand = walk_4k().word(kLevel3, kPage & ~0x400ULL);
  EXPECT_EQ(hand.fault(), stage1_fault(kAccessFlag, 3));
  hand.regime.stage1->affd = true;
  EXPECT_EQ(hand.translation().level, 3);
}

TEST(Stage1V8_64, TheAccessFlagComesBeforePermissions)  // D8.15.5
{
  // [7] AP[2] forbids to write.
  ByHand hand = walk_4k().word(kLevel3, (kPage | 0x80) & ~0x400ULL).write(kVa);
  EXPECT_EQ(hand.fault(), stage1_fault(kAccessFlag, 3));
  EXPECT_EQ(hand.word(kLevel3, kPage | 0x80).fault(), stage1_fault(kPermission, 3));
}

TEST(Stage1V8_64, ApGivesReadAndWriteAccess)  // Tables D8-63 and D8-65
{
  ByHand hand = walk_4k().read(kVa, true);
  EXPECT_EQ(hand.word(kLevel3, 0x403).translation().permissions, allows("RWXx"));
  EXPECT_EQ(hand.word(kLevel3, 0x443).translation().permissions, allows("rwRWx"));
  EXPECT_EQ(hand.word(kLevel3, 0x483).translation().permissions, allows("RXx"));
  EXPECT_EQ(hand.word(kLevel3, 0x4c3).translation().permissions, allows("rRXx"));
}

TEST(Stage1V8_64, WhatEl0CannotReadItMayStillExecute)  // Table D8-65
{
  ByHand hand = walk_4k().word(kLevel3, 0x403);
  EXPECT_EQ(hand.execute(kVa).translation().level, 3);
  EXPECT_EQ(hand.read(kVa).fault(), stage1_fault(kPermission, 3));
}

TEST(Stage1V8_64, UxnAndPxnForbidToExecute)  // D8.4.1.2.3
{
  ByHand hand = walk_4k().read(kVa, true);
  EXPECT_EQ(hand.word(kLevel3, 0x0040'0000'0000'04c3).translation().permissions, allows("rRX"));
  EXPECT_EQ(hand.word(kLevel3, 0x0020'0000'0000'04c3).translation().permissions, allows("rRx"));
}

TEST(Stage1V8_64, WxnForbidsToExecuteWhatCanBeWritten)  // Table D8-65
{
  ByHand hand = walk_4k().read(kVa, true);
  hand.regime.stage1->wxn = true;
  EXPECT_EQ(hand.word(kLevel3, 0x403).translation().permissions, allows("RWx"));
  EXPECT_EQ(hand.word(kLevel3, 0x443).translation().permissions, allows("rwRW"));
  EXPECT_EQ(hand.word(kLevel3, 0x4c3).translation().permissions, allows("rRXx"));
}

TEST(Stage1V8_64, ATableLimitsTheAccessOfLaterLevels)  // Table D8-64
{
  ByHand hand = walk_4k().read(kVa, true).word(kLevel3, 0x443);
  hand.word(kLevel1, 0x2000'0000'8000'1003);
  EXPECT_EQ(hand.translation().permissions, allows("RWXx"));
  hand.word(kLevel1, 0x4000'0000'8000'1003);
  EXPECT_EQ(hand.translation().permissions, allows("rRXx"));
  hand.word(kLevel2, 0x2000'0000'8000'2003);
  EXPECT_EQ(hand.translation().permissions, allows("RXx"));
  // [60] UXNTable, [59] PXNTable.
  hand.word(kLevel2, 0x1800'0000'8000'2003);
  EXPECT_EQ(hand.translation().permissions, allows("rR"));
  hand.regime.stage1->had0 = true;
  EXPECT_EQ(hand.translation().permissions, allows("rwRWx"));
}

TEST(Stage1V8_64, PanForbidsPrivilegedDataAccessToWhatEl0Sees)  // D8.4.5
{
  ByHand hand = walk_4k();
  hand.regime.stage1->pan = true;
  EXPECT_EQ(hand.read(kVa, true).fault(), stage1_fault(kPermission, 3));
  EXPECT_EQ(hand.read(kVa).translation().permissions, allows("rwx"));
  // Execute-only for EL0: EPAN alone minds it.
  hand.word(kLevel3, 0x403).read(kVa, true);
  EXPECT_EQ(hand.translation().permissions, allows("RWXx"));
  hand.regime.stage1->epan = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 3));
  EXPECT_EQ(hand.execute(kVa, true).translation().permissions, allows("Xx"));
}

TEST(Stage1V8_64, El3HasOnePrivilegeLevel)  // Table D8-66; IHI 0070, 13.4.1
{
  ByHand hand = walk_4k();
  hand.regime.stage1->world = World::kEl3;
  hand.regime.stage1->pan = true;
  hand.word(kLevel1, 0x2800'0000'8000'1003);  // APTable[0] and [59] are RES0
  hand.word(kLevel3, 0x0020'0000'0000'0c03);  // [53] is RES0, and so is [11]
  EXPECT_EQ(hand.translation().permissions, allows("rwxRWX"));
  EXPECT_TRUE(hand.translation().global);
  EXPECT_EQ(hand.word(kLevel3, 0x0040'0000'0000'0483).translation().permissions, allows("rR"));
}

TEST(Stage1V8_64, AWriteIsDataWhateverItSays)  // IHI 0070, 13.1.2
{
  ByHand hand = walk_4k().word(kLevel3, 0x0060'0000'0000'0443);
  hand.access = {.address = kVa, .write = true, .instruction = true};
  EXPECT_EQ(hand.translation().permissions, allows("rwRW"));
}

TEST(Stage1V8_64, EndiSwapsTheDescriptors)  // IHI 0070, 5.4
{
  ByHand hand = walk_4k();
  hand.regime.stage1->big_endian = true;
  hand.word(kLevel1, 0x4107'0000'4000'0000);
  EXPECT_EQ(hand.translation().pa, 0x40'3456'7abc);
}

TEST(Stage1V8_64, NgMakesATranslationNonGlobal)  // Table D8-52
{
  EXPECT_FALSE(walk_4k().word(kLevel3, kPage | 0x800).translation().global);
}

TEST(Stage1V8_64, TheContiguousBitDoesNotEnlargeTheBlock)  // D8.7.1
{
  EXPECT_EQ(walk_4k().word(kLevel3, kPage | 0x0010'0000'0000'0000).translation().size, 0x1000);
}

TEST(Stage1V8_64, DeviceAndNonCacheableMemoryIsOuterShareable)  // IHI 0070, 13.1.7
{
  const Translation device = walk_4k().word(kLevel3, 0x447).translation();
  EXPECT_EQ(device.type, 0x04);
  EXPECT_EQ(device.shareability, 0b10);
  const Translation non_cacheable = walk_4k().word(kLevel3, 0x44b).translation();
  EXPECT_EQ(non_cacheable.type, 0x44);
  EXPECT_EQ(non_cacheable.shareability, 0b10);
}

TEST(Stage1V8_64, ReservedMairEncodingsAreThoseOfTheSmmu)  // IHI 0070, 5.4
{
  EXPECT_EQ(mair_type(0x0e, 0), 0x0c);
  EXPECT_EQ(mair_type(0x05, 0), 0x04);
  EXPECT_EQ(mair_type(0xf0, 0), 0xf3);
  EXPECT_EQ(mair_type(0x40, 0), 0x43);
  EXPECT_EQ(mair_type(0xaabb'ccdd'eeff'1122, 6), 0xbb);
}

}  // namespace
}  // namespace smmu::model::naive_walker_test
