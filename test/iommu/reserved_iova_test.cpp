#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/iommu/reserved_iova.h"
#include "test/iommu/window_tables.h"

namespace smmu::iommu::reserved_iova_test {
namespace {

constexpr std::uint64_t kPage = 4096;

class ReservedIovaTest : public ::testing::Test {
 protected:
  Iova get(Pa pa, std::uint64_t size = 4, Prot prot = kDoorbell) {
    const auto iova = reserved_.get(pa, size, prot);
    EXPECT_TRUE(iova.has_value());
    return iova ? *iova : Iova(0);
  }
  std::errc refusal(Pa pa, std::uint64_t size = 4, Prot prot = kDoorbell) {
    const auto iova = reserved_.get(pa, size, prot);
    EXPECT_FALSE(iova.has_value());
    return iova ? std::errc() : iova.error();
  }
  void TearDown() override {
    reserved_.free();
    EXPECT_EQ(tables_.mapped(), 0u);
    EXPECT_EQ(tables_.mistakes(), 0u);
  }

  WindowTables tables_;
  ReservedIova reserved_{tables_};
};

TEST_F(ReservedIovaTest, ADoorbellIsFoundAtItsOffsetInAWholeGranule) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova iova = get(Pa(0x5'0040));
  EXPECT_EQ(tables_.iova_to_phys(iova), Pa(0x5'0040));
  EXPECT_EQ(iova, Iova(kWindow.value + 15 * kPage + 0x40)) << "top-down";
  EXPECT_EQ(tables_.mapping_of(iova),
            (WindowTables::Mapping{Iova(kWindow.value + 15 * kPage), Pa(0x5'0000), kPage,
                                   Prot::kWrite | Prot::kNoExec | Prot::kMmio}));
}

TEST_F(ReservedIovaTest, ARangeAcrossTheEndOfAGranuleTakesBoth) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova iova = get(Pa(0x5'0ffe), 4);
  EXPECT_EQ(tables_.mapping_of(iova)->size, 2 * kPage);
  EXPECT_EQ(tables_.iova_to_phys(Iova(iova.value + 3)), Pa(0x5'1001));
}

TEST_F(ReservedIovaTest, BindingsAreNaturallyAligned) {
  ASSERT_TRUE(alloc(reserved_, 16));
  EXPECT_EQ(get(Pa(0x1'0000), kPage), Iova(kWindow.value + 15 * kPage));
  EXPECT_EQ(get(Pa(0x2'0000), 4 * kPage), Iova(kWindow.value + 8 * kPage));
  EXPECT_EQ(get(Pa(0x3'0000), 2 * kPage), Iova(kWindow.value + 12 * kPage));
  EXPECT_EQ(get(Pa(0x4'0000), 3 * kPage), Iova(kWindow.value + 4 * kPage))
      << "three granules are aligned as four";
}

TEST_F(ReservedIovaTest, AGranuleOfManyPagesIsMappedWhole) {
  ASSERT_TRUE(alloc(reserved_, 4, kWindowRights, 16));
  const Iova iova = get(Pa(0x1234'5678));
  EXPECT_EQ(tables_.mapping_of(iova)->pa, Pa(0x1234'0000));
  EXPECT_EQ(tables_.mapping_of(iova)->size, 0x1'0000u);
  EXPECT_EQ(iova.value % 0x1'0000, 0x5678u);
}

TEST_F(ReservedIovaTest, EveryGetIsMappedAsADevice) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova iova = get(Pa(0x1000), 4, Prot::kWrite | Prot::kNoExec | Prot::kCache);
  EXPECT_EQ(tables_.mapping_of(iova)->prot, Prot::kWrite | Prot::kNoExec | Prot::kMmio);
}

TEST_F(ReservedIovaTest, TheSameDoorbellIsMappedOnceAndUnmappedByTheLastPut) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova iova = get(Pa(0x1040));
  EXPECT_EQ(get(Pa(0x1040)), iova);
  EXPECT_EQ(get(Pa(0x1080)), Iova(iova.value + 0x40));
  EXPECT_EQ(tables_.maps(), 1u);
  reserved_.put(iova);
  reserved_.put(iova);
  EXPECT_EQ(tables_.mapped(), 1u);
  reserved_.put(iova);
  EXPECT_EQ(tables_.mapped(), 0u);
}

TEST_F(ReservedIovaTest, AnyAddressInsideABindingPutsItBack) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova iova = get(Pa(0x4'0000), 2 * kPage);
  reserved_.put(Iova(iova.value + 2 * kPage));
  reserved_.put(Iova(iova.value - 1));
  EXPECT_EQ(tables_.mapped(), 1u) << "these are in no binding";
  reserved_.put(Iova(iova.value + 2 * kPage - 1));
  EXPECT_EQ(tables_.mapped(), 0u);
}

TEST_F(ReservedIovaTest, PuttingMoreOftenThanGettingDoesNothing) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova other = get(Pa(0x9'0000));
  const Iova iova = get(Pa(0x1000));
  reserved_.put(iova);
  reserved_.put(iova);
  reserved_.put(Iova(0));
  reserved_.put(Iova(~std::uint64_t{0}));
  EXPECT_EQ(tables_.unmaps(), 1u);
  EXPECT_EQ(tables_.iova_to_phys(other), Pa(0x9'0000));
}

TEST_F(ReservedIovaTest, AddressesThatWerePutBackAreGivenAgain) {
  ASSERT_TRUE(alloc(reserved_, 1));
  for (std::uint64_t pa = 0; pa < 64 * kPage; pa += kPage) {
    const Iova iova = get(Pa(pa));
    EXPECT_EQ(iova, kWindow);
    EXPECT_EQ(tables_.iova_to_phys(iova), Pa(pa));
    reserved_.put(iova);
  }
}

TEST_F(ReservedIovaTest, AFullWindowRefusesWhatItDoesNotHaveBound) {
  ASSERT_TRUE(alloc(reserved_, 2));
  get(Pa(0x1000));
  const Iova second = get(Pa(0x2000));
  EXPECT_EQ(refusal(Pa(0x3000)), std::errc::not_enough_memory);
  EXPECT_EQ(get(Pa(0x2004)), Iova(second.value + 4)) << "this one is bound";
  EXPECT_EQ(tables_.maps(), 2u);
}

TEST_F(ReservedIovaTest, ARangeLargerThanTheWindowIsRefused) {
  ASSERT_TRUE(alloc(reserved_, 2));
  EXPECT_EQ(refusal(Pa(0x1000), 3 * kPage), std::errc::not_enough_memory);
  EXPECT_EQ(refusal(Pa(0x1fff), kPage + 2), std::errc::not_enough_memory);
  EXPECT_EQ(refusal(Pa(0), ~std::uint64_t{0}), std::errc::not_enough_memory);
  EXPECT_EQ(tables_.maps(), 0u);
}

TEST_F(ReservedIovaTest, RangesWithoutBytesAndThoseThatWrapAreRefused) {
  ASSERT_TRUE(alloc(reserved_, 16));
  EXPECT_EQ(refusal(Pa(0x1000), 0), std::errc::invalid_argument);
  EXPECT_EQ(refusal(Pa(~std::uint64_t{0}), 2), std::errc::invalid_argument);
  EXPECT_EQ(refusal(Pa(2), ~std::uint64_t{0}), std::errc::invalid_argument);
  EXPECT_EQ(tables_.maps(), 0u);
  EXPECT_EQ(tables_.iova_to_phys(get(Pa(~std::uint64_t{0}), 1)), Pa(~std::uint64_t{0}))
      << "the last byte there is does not wrap";
}

TEST_F(ReservedIovaTest, RightsTheWindowHasNotAreRefused) {
  ASSERT_TRUE(alloc(reserved_, 16, Prot::kWrite | Prot::kNoExec | Prot::kPriv));
  constexpr Prot kAllowed = Prot::kWrite | Prot::kNoExec | Prot::kPriv;
  EXPECT_EQ(refusal(Pa(0x1000), 4, kAllowed | Prot::kRead), std::errc::invalid_argument);
  EXPECT_EQ(refusal(Pa(0x1000), 4, Prot::kWrite | Prot::kPriv), std::errc::invalid_argument)
      << "without kNoExec it asks for instructions";
  EXPECT_EQ(refusal(Pa(0x1000), 4, Prot::kWrite | Prot::kNoExec), std::errc::invalid_argument)
      << "without kPriv it asks for unprivileged accesses";
  EXPECT_EQ(refusal(Pa(0x1000), 4, Prot::kNoExec | Prot::kPriv), std::errc::invalid_argument)
      << "it asks for neither to read nor to write";
  EXPECT_EQ(tables_.maps(), 0u);
  get(Pa(0x1000), 4, kAllowed);
}

TEST_F(ReservedIovaTest, ABindingThatAllowsMoreIsShared) {
  ASSERT_TRUE(alloc(reserved_, 16, kReadWrite));
  const Iova iova = get(Pa(0x1000), 4, kReadWrite);
  EXPECT_EQ(get(Pa(0x1000), 4, Prot::kWrite), iova);
  EXPECT_EQ(get(Pa(0x1000), 4, Prot::kRead | Prot::kNoExec), iova);
  EXPECT_EQ(get(Pa(0x1000), 4, Prot::kRead | Prot::kNoExec | Prot::kPriv), iova);
  EXPECT_EQ(tables_.maps(), 1u);
}

TEST_F(ReservedIovaTest, ABindingThatLacksARightIsLeftAndAnotherIsMade) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const Iova writable = get(Pa(0x1000), 4, kDoorbell);
  const Iova both = get(Pa(0x1000), 4, kDoorbell | Prot::kRead);
  EXPECT_NE(both, writable);
  EXPECT_EQ(tables_.mapping_of(writable)->prot, Prot::kWrite | Prot::kNoExec | Prot::kMmio);
  EXPECT_EQ(tables_.mapping_of(both)->prot, kReadWrite | Prot::kNoExec | Prot::kMmio);
  EXPECT_EQ(get(Pa(0x1000), 4, kDoorbell), both) << "of equal ranges the one that came last";
  reserved_.put(both);
  reserved_.put(both);
  EXPECT_EQ(get(Pa(0x1000), 4, kDoorbell), writable);
}

TEST_F(ReservedIovaTest, OfBindingsThatContainARangeTheOneThatBeginsHighestIsShared) {
  ASSERT_TRUE(alloc(reserved_, 64));
  const Iova middle = get(Pa(0x12'0000), 2 * kPage);
  const Iova wide = get(Pa(0x11'f000), 4 * kPage);
  EXPECT_EQ(tables_.maps(), 2u);
  EXPECT_EQ(get(Pa(0x12'1000)), Iova(middle.value + kPage));
  EXPECT_EQ(get(Pa(0x12'2000)), Iova(wide.value + 3 * kPage)) << "the other does not reach so far";
  EXPECT_EQ(get(Pa(0x11'f008)), Iova(wide.value + 8));
}

TEST_F(ReservedIovaTest, OfBindingsThatBeginTogetherTheOneThatEndsFirstIsShared) {
  ASSERT_TRUE(alloc(reserved_, 64));
  const Iova one = get(Pa(0x12'0000), kPage);
  const Iova two = get(Pa(0x12'0000), 2 * kPage);
  const Iova four = get(Pa(0x12'0000), 4 * kPage);
  EXPECT_EQ(get(Pa(0x12'0010)), Iova(one.value + 0x10));
  EXPECT_EQ(get(Pa(0x12'0010), kPage), Iova(two.value + 0x10));
  EXPECT_EQ(get(Pa(0x12'0010), 2 * kPage), Iova(four.value + 0x10));
  EXPECT_EQ(tables_.maps(), 3u);
}

TEST_F(ReservedIovaTest, BindingsThatOverlapAreEachUnmappedByItself) {
  ASSERT_TRUE(alloc(reserved_, 64));
  const Iova low = get(Pa(0x12'0000), 2 * kPage);
  const Iova high = get(Pa(0x12'1000), 2 * kPage);
  EXPECT_EQ(tables_.maps(), 2u);
  reserved_.put(low);
  EXPECT_EQ(tables_.iova_to_phys(low), std::nullopt);
  EXPECT_EQ(tables_.iova_to_phys(high), Pa(0x12'1000));
}

TEST_F(ReservedIovaTest, AMappingThatFailsChangesNothing) {
  ASSERT_TRUE(alloc(reserved_, 1));
  tables_.refuse_next(std::errc::io_error);
  EXPECT_EQ(refusal(Pa(0x1000)), std::errc::io_error);
  EXPECT_EQ(tables_.unmaps(), 0u);
  EXPECT_EQ(get(Pa(0x1000)), kWindow) << "the only address is free, and the doorbell is not bound";
}

TEST_F(ReservedIovaTest, TheWindowTouchesItsOwnAddressesAlone) {
  EXPECT_FALSE(reserved_.touches(Iova(0), Iova(~std::uint64_t{0})));
  ASSERT_TRUE(alloc(reserved_, 16));
  const std::uint64_t last = kWindow.value + 16 * kPage - 1;
  EXPECT_TRUE(reserved_.touches(kWindow, kWindow));
  EXPECT_TRUE(reserved_.touches(Iova(last), Iova(last)));
  EXPECT_TRUE(reserved_.touches(Iova(0), Iova(~std::uint64_t{0})));
  EXPECT_FALSE(reserved_.touches(Iova(0), Iova(kWindow.value - 1)));
  EXPECT_FALSE(reserved_.touches(Iova(last + 1), Iova(~std::uint64_t{0})));
  reserved_.free();
  EXPECT_FALSE(reserved_.touches(Iova(0), Iova(~std::uint64_t{0})));
}

TEST_F(ReservedIovaTest, TheWindowIsWhatWasAskedFor) {
  EXPECT_FALSE(reserved_.window().has_value());
  ASSERT_TRUE(alloc(reserved_, 4, kWindowRights, 16));
  EXPECT_EQ(reserved_.window()->first, kWindow);
  EXPECT_EQ(reserved_.window()->last, Iova(kWindow.value + 0x3'ffff));
  EXPECT_EQ(reserved_.window()->granule, 0x1'0000u);
}

TEST_F(ReservedIovaTest, AWindowAtTheVeryTopOfAddressesIsUsedToItsLastByte) {
  const Iova top(~std::uint64_t{0} - 2 * kPage + 1);
  const auto window = ReservedWindow::of(top, 2 * kPage, 12, kWindowRights);
  ASSERT_TRUE(window.has_value());
  ASSERT_TRUE(reserved_.alloc(*window).has_value());
  EXPECT_EQ(get(Pa(0x1000), 2 * kPage), top);
  EXPECT_EQ(get(Pa(0x2fff), 1), Iova(~std::uint64_t{0}));
  reserved_.put(Iova(~std::uint64_t{0}));
  reserved_.put(Iova(~std::uint64_t{0}));
  EXPECT_EQ(tables_.mapped(), 0u);
}

}  // namespace
}  // namespace smmu::iommu::reserved_iova_test
