// Hardware update of VMSAv8-64 stage 1 descriptors by hand (DDI 0487, D8.5;
// IHI 0070, 3.13).
#include <gtest/gtest.h>

#include "test/model/naive_walker.h"
#include "test/model/walk_by_hand.h"

namespace smmu::model::naive_update_test {
namespace {

using enum FaultType;

// VA[38:30] is 0x048, VA[29:21] 0x1a2, VA[20:12] 0x167.
constexpr std::uint64_t kVa = 0x12'3456'7abc;
constexpr std::uint64_t kLevel1 = 0x8000'0240;
constexpr std::uint64_t kLevel2 = 0x8000'1d10;
constexpr std::uint64_t kLevel3 = 0x8000'2b38;

// [10] AF, [9:8] Inner Shareable, [6] AP[1], [1:0] Page.
constexpr std::uint64_t kPage = 0x0000'0007'6543'2743;

// A 39-bit VA with the 4KB granule, which starts at level 1 (Table D8-18).
ByHand walk_with_updates() {
  ByHand hand;
  Stage1 stage1;
  stage1.t0sz = 25;
  stage1.t1sz = 25;
  stage1.ips = 0b101;
  stage1.ttb0 = 0x8000'0000;
  stage1.mair = 0xff;
  stage1.ha = true;
  stage1.hd = true;
  hand.regime.stage1 = stage1;
  hand.read(kVa);
  hand.word(kLevel1, 0x8000'1003).word(kLevel2, 0x8000'2003).word(kLevel3, kPage);
  return hand;
}

// [51] DBM, [7] AP[2] and [10] AF clear: writable-clean, not accessed.
constexpr std::uint64_t kClean = 0x0008'0007'6543'23c3;

TEST(Stage1Update, ARead)  // D8.5.1.2: sets the Access flag and nothing else
{
  ByHand hand = walk_with_updates().word(kLevel3, kClean);
  EXPECT_EQ(hand.translation().permissions, allows("rxR"));
  EXPECT_EQ(hand.at(kLevel3), kClean | 0x400);
}

TEST(Stage1Update, AWriteMakesACleanPageDirty)  // D8.5.2.1
{
  ByHand hand = walk_with_updates().word(kLevel3, kClean).write(kVa);
  EXPECT_EQ(hand.translation().permissions, allows("rwxRW"));
  EXPECT_EQ(hand.at(kLevel3), 0x0008'0007'6543'2743);
}

TEST(Stage1Update, WithoutDbmAReadOnlyPageStaysSo)  // D8.5.2.1 (RPZFQC)
{
  const std::uint64_t page = kClean & ~0x0008'0000'0000'0000ULL;
  ByHand hand = walk_with_updates().word(kLevel3, page).write(kVa);
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 3));
  EXPECT_EQ(hand.at(kLevel3), page);
}

TEST(Stage1Update, ApTableOverridesDbm)  // IHI 0070, 3.13.3.1
{
  ByHand hand = walk_with_updates().word(kLevel3, kClean).write(kVa);
  hand.word(kLevel1, 0x4000'0000'8000'1003);
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 3));
  EXPECT_EQ(hand.at(kLevel3), kClean);
}

TEST(Stage1Update, HdWithoutHaDoesNothing)  // IHI 0070, 5.4, HA
{
  ByHand hand = walk_with_updates().word(kLevel3, kClean | 0x400).write(kVa);
  hand.regime.stage1->ha = false;
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 3));
}

TEST(Stage1Update, HaOverridesAffd)  // IHI 0070, 5.4, AFFD
{
  ByHand hand = walk_with_updates().word(kLevel3, kPage & ~0x400ULL);
  hand.regime.stage1->affd = true;
  EXPECT_EQ(hand.translation().level, 3);
  EXPECT_EQ(hand.at(kLevel3), kPage);
}

TEST(Stage1Update, ACleanPageCountsAsWritableForWxn)  // D8.5.2.2 (RTTLCV, RNKLQN)
{
  ByHand hand = walk_with_updates().word(kLevel3, kClean);
  EXPECT_EQ(hand.execute(kVa, true).fault(), stage1_fault(kPermission, 3));
  EXPECT_EQ(hand.execute(kVa).translation().permissions, allows("rxR"));
  hand.regime.stage1->wxn = true;
  EXPECT_EQ(hand.fault(), stage1_fault(kPermission, 3));
}

TEST(Stage1Update, AnAbortOfTheUpdateIsOneOfTheWalk)  // IHI 0070, 7.3.12
{
  ByHand hand = walk_with_updates().word(kLevel3, kPage & ~0x400ULL, true);
  EXPECT_EQ(hand.fault().type, kExternalAbort);
  EXPECT_EQ(hand.fault().level, 3);
  EXPECT_EQ(hand.fault().fetch, kLevel3);
}

TEST(Stage1Update, BigEndianDescriptorsStayBigEndian)  // D8.5.1.2
{
  ByHand hand = walk_with_updates();
  hand.regime.stage1->big_endian = true;
  hand.word(kLevel1, 0x4103'0000'4000'0000);
  EXPECT_EQ(hand.translation().pa, 0x40'3456'7abc);
  EXPECT_EQ(hand.at(kLevel1), 0x4107'0000'4000'0000);
}

}  // namespace
}  // namespace smmu::model::naive_update_test
