// Defects that reserved IOVA domains have had, one test each: what it was, and that it is not here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

#include "lib/iommu/reserved_iova.h"
#include "test/heap/heap.h"
#include "test/iommu/window_tables.h"

namespace smmu::iommu::reserved_iova_defects_test {
namespace {

constexpr std::uint64_t kPage = 4096;

// What is given up is unmapped, once, and nothing was ever mapped twice.
class ReservedIovaDefects : public ::testing::Test {
 protected:
  void TearDown() override {
    tables_.before_unmap = nullptr;
    reserved_.free();
    EXPECT_EQ(tables_.mapped(), 0u);
    EXPECT_EQ(tables_.mistakes(), 0u);
  }

  WindowTables tables_;
  ReservedIova reserved_{tables_};
};

// It was looked for a window before the lock was taken, so both found none.
TEST_F(ReservedIovaDefects, TwoAllocsThatRaceDoNotBothSucceed) {
  constexpr int kRounds = 2000;
  const std::uint64_t held = heap_counts().held;
  {
    int made = 0;
    int refused = 0;
    std::mutex mutex;
    const auto note = [&](const Result<Done, std::errc>& result) {
      const std::lock_guard lock(mutex);
      if (result) ++made;
      if (!result && result.error() == std::errc::file_exists) ++refused;
    };
    std::barrier start(3);
    std::barrier finish(3, [&]() noexcept {
      EXPECT_EQ(made, 1);
      EXPECT_EQ(refused, 2);
      made = 0;
      refused = 0;
      reserved_.free();
    });
    const auto race = [&] {
      for (int round = 0; round < kRounds; ++round) {
        start.arrive_and_wait();
        note(alloc(reserved_, 16));
        finish.arrive_and_wait();
      }
    };
    std::thread second(race);
    std::thread third(race);
    race();
    second.join();
    third.join();
  }
  EXPECT_EQ(heap_counts().held, held) << "no window is left behind";
}

// The pointer was read before the lock and never cleared; what was bound stayed mapped.
TEST_F(ReservedIovaDefects, FreeTwiceAtOnceUnmapsWhatIsBoundOnceAndLeavesNothing) {
  ASSERT_TRUE(alloc(reserved_, 16));
  ASSERT_TRUE(reserved_.get(Pa(0x1000), 4, kDoorbell));
  ASSERT_TRUE(reserved_.get(Pa(0x1000), 4, kDoorbell)) << "two references";
  ASSERT_TRUE(reserved_.get(Pa(0x2000), 4, kDoorbell));

  Gate gate;
  std::atomic<int> calls{0};
  tables_.before_unmap = [&](Iova) {
    if (calls++ == 0) gate.stand();
  };
  std::thread first([&] {
    reserved_.free();
    EXPECT_EQ(tables_.mapped(), 0u);
  });
  gate.wait_until_reached();
  std::thread second([&] {
    reserved_.free();
    EXPECT_EQ(tables_.mapped(), 0u) << "it returns no sooner than the first";
  });
  EXPECT_EQ(reserved_.get(Pa(0x1000), 4, kDoorbell).error(), std::errc::invalid_argument);
  EXPECT_EQ(alloc(reserved_, 16).error(), std::errc::file_exists);
  EXPECT_TRUE(reserved_.touches(kWindow, kWindow)) << "something is mapped there still";
  gate.open();
  first.join();
  second.join();

  EXPECT_EQ(tables_.unmaps(), 2u);
  reserved_.free();
  EXPECT_EQ(tables_.unmaps(), 2u);
  EXPECT_TRUE(alloc(reserved_, 16)) << "there is room for another window";
}

// It was looked into the window before it was known that there is one.
TEST_F(ReservedIovaDefects, WithoutAWindowNothingIsFoundAndNothingIsPutBack) {
  EXPECT_EQ(reserved_.get(Pa(0x1000), 4, kDoorbell).error(), std::errc::invalid_argument);
  reserved_.put(kWindow);
  reserved_.free();
  EXPECT_EQ(tables_.maps() + tables_.unmaps(), 0u);
}

// Addresses were divided by the smallest page of the tables where the window's granule was meant.
TEST_F(ReservedIovaDefects, AddressesAreOfTheWindowsGranuleWhateverThePagesOfTheTables) {
  ASSERT_TRUE(alloc(reserved_, 4, kWindowRights, 16));
  const auto iova = reserved_.get(Pa(0x1234'5678), 4, kDoorbell);
  ASSERT_TRUE(iova);
  EXPECT_EQ(*iova, Iova(kWindow.value + 0x3'5678));
  EXPECT_EQ(tables_.iova_to_phys(*iova), Pa(0x1234'5678));
  reserved_.put(Iova(kWindow.value + 0x3'0000));
  EXPECT_EQ(tables_.mapped(), 0u) << "the first address of the granule is in the binding";
}

// The offset into a larger binding was left out.
TEST_F(ReservedIovaDefects, ARangeInsideALargerBindingIsFoundAtItsOwnOffset) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const auto all = reserved_.get(Pa(0x4'0000), 4 * kPage, kDoorbell);
  const auto part = reserved_.get(Pa(0x4'2010), 4, kDoorbell);
  ASSERT_TRUE(all && part);
  EXPECT_EQ(*part, Iova(all->value + 2 * kPage + 0x10));
  EXPECT_EQ(tables_.iova_to_phys(*part), Pa(0x4'2010));
  EXPECT_EQ(tables_.maps(), 1u);
}

// Nobody looked again after mapping, so each of two had a binding of its own.
TEST_F(ReservedIovaDefects, TwoGetsOfOneDoorbellThatMapAtOnceShareOneBinding) {
  ASSERT_TRUE(alloc(reserved_, 16));
  std::barrier both(2);
  tables_.after_map = [&](Iova) { both.arrive_and_wait(); };
  Iova first;
  Iova second;
  const auto get = [&](Iova& answer, Pa pa) {
    const auto iova = reserved_.get(pa, 4, kDoorbell);
    ASSERT_TRUE(iova);
    answer = *iova;
  };
  std::thread thread([&] { get(first, Pa(0x1010)); });
  get(second, Pa(0x1020));
  thread.join();
  EXPECT_EQ(tables_.maps(), 2u);
  EXPECT_EQ(tables_.mapped(), 1u) << "one of them was undone";
  EXPECT_EQ(second.value, first.value + 0x10);
  EXPECT_EQ(tables_.iova_to_phys(first), Pa(0x1010));

  reserved_.put(first);
  EXPECT_EQ(tables_.mapped(), 1u) << "the other still holds it";
  reserved_.put(second);
  EXPECT_EQ(tables_.mapped(), 0u);
  tables_.after_map = nullptr;
  EXPECT_TRUE(reserved_.get(Pa(0x8'0000), 16 * kPage, kDoorbell)) << "all addresses are free again";
}

// `prot & kWrite & !(...)` was 2 & 0 or 2 & 1.
TEST_F(ReservedIovaDefects, AWindowForReadingAloneIsNotWrittenThrough) {
  ASSERT_TRUE(alloc(reserved_, 16, Prot::kRead | Prot::kNoExec));
  EXPECT_EQ(reserved_.get(Pa(0x1000), 4, kDoorbell).error(), std::errc::invalid_argument);
  EXPECT_EQ(reserved_.get(Pa(0x1000), 4, kDoorbell | Prot::kRead).error(),
            std::errc::invalid_argument);
  EXPECT_EQ(tables_.maps(), 0u);
  EXPECT_TRUE(reserved_.get(Pa(0x1000), 4, Prot::kRead | Prot::kNoExec));
}

// What overlapped was taken for what contains.
TEST_F(ReservedIovaDefects, ALargerRangeThatOverlapsABindingIsReachedWhole) {
  ASSERT_TRUE(alloc(reserved_, 64));
  const auto small = reserved_.get(Pa(0x4'1000), kPage, kDoorbell);
  const auto large = reserved_.get(Pa(0x4'0000), 4 * kPage, kDoorbell);
  const auto beside = reserved_.get(Pa(0x4'3000), 2 * kPage, kDoorbell);
  ASSERT_TRUE(small && large && beside);
  for (std::uint64_t offset = 0; offset < 4 * kPage; offset += kPage) {
    EXPECT_EQ(tables_.iova_to_phys(Iova(large->value + offset)), Pa(0x4'0000 + offset));
  }
  EXPECT_EQ(tables_.iova_to_phys(Iova(beside->value + kPage)), Pa(0x4'4000));
  EXPECT_EQ(tables_.iova_to_phys(*small), Pa(0x4'1000)) << "the small one stays as it is";
}

// Sizes that wrap, shifts by more bits than there are, and granules that were found to be wrong
// only when something was mapped.
TEST_F(ReservedIovaDefects, AWindowThatCannotBeIsRefusedWhenItIsMade) {
  struct Wrong {
    std::uint64_t iova;
    std::uint64_t size;
    unsigned order;
    Prot prot = kWindowRights;
  };
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  const Wrong wrong[] = {
      {0x1000, 0, 12},                      // no bytes
      {0x1800, 0x1000, 12},                 // it begins inside a granule
      {0x1000, 0x1800, 12},                 // it ends inside one
      {kAll - kPage + 1, 2 * kPage, 12},    // it wraps
      {2 * kPage, kAll - kPage + 1, 12},    // too
      {0x1000, 0x1000, 64},                 // no number of 64 bits
      {0, 0x1000, 200},                     //
      {0, 0x1000, ~0u},                     //
      {0x1000, 0x1000, 63},                 // no window is so large
      {0x1000, 0x1000, 12, Prot::kNone},    // nothing would be allowed in it
      {0x1000, 0x1000, 12, Prot::kNoExec},  //
      {0x1000, 0x1000, 12, Prot::kMmio},
  };
  for (const Wrong& window : wrong) {
    const auto result =
        ReservedWindow::of(Iova(window.iova), window.size, window.order, window.prot);
    ASSERT_FALSE(result) << window.iova << ' ' << window.size << ' ' << window.order;
    EXPECT_EQ(result.error(), std::errc::invalid_argument);
  }
  EXPECT_TRUE(ReservedWindow::of(Iova(kAll - kPage + 1), kPage, 12, kWindowRights))
      << "the last page there is";
  EXPECT_TRUE(ReservedWindow::of(Iova(0), std::uint64_t{1} << 63, 63, kWindowRights));
}

// Addresses were given back before they were unmapped, so somebody else got them mapped.
TEST_F(ReservedIovaDefects, AddressesArePutBackOnlyWhenNoDeviceReachesThem) {
  ASSERT_TRUE(alloc(reserved_, 2));
  const auto old = reserved_.get(Pa(0x1000), 4, kDoorbell);
  ASSERT_TRUE(old);

  Gate gate;
  tables_.before_unmap = [&](Iova) { gate.stand(); };
  std::thread thread([&] { reserved_.put(*old); });
  gate.wait_until_reached();
  const auto next = reserved_.get(Pa(0x2000), 4, kDoorbell);
  ASSERT_TRUE(next);
  EXPECT_NE(*next, *old);
  EXPECT_EQ(tables_.iova_to_phys(*old), Pa(0x1000)) << "a device reaches it still";
  gate.open();
  thread.join();

  tables_.before_unmap = nullptr;
  const auto again = reserved_.get(Pa(0x3000), 4, kDoorbell);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *old);
}

// The same where one of two gets is undone.
TEST_F(ReservedIovaDefects, AddressesOfAGetThatIsUndoneAreTakenUntilItIsUnmapped) {
  ASSERT_TRUE(alloc(reserved_, 3));
  std::barrier both(2);
  std::atomic<int> mapped{0};
  tables_.after_map = [&](Iova) {
    if (mapped++ < 2) both.arrive_and_wait();
  };
  Gate gate;
  Iova undone;
  tables_.before_unmap = [&](Iova iova) {
    undone = iova;
    gate.stand();
  };
  const auto get = [&] { EXPECT_TRUE(reserved_.get(Pa(0x1000), 4, kDoorbell)); };
  std::thread one(get);
  std::thread two(get);
  gate.wait_until_reached();
  const auto other = reserved_.get(Pa(0x2000), 4, kDoorbell);
  ASSERT_TRUE(other);
  EXPECT_NE(*other, undone);
  gate.open();
  one.join();
  two.join();
  tables_.before_unmap = nullptr;
  EXPECT_EQ(*reserved_.get(Pa(0x3000), 4, kDoorbell), undone);
}

// A put knew the address alone, and a window that is opened again has the same ones.
TEST_F(ReservedIovaDefects, ALatePutTakesNothingFromTheNextWindow) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const auto late = reserved_.bind(Pa(0x1000), 4, kDoorbell);
  ASSERT_TRUE(late);
  EXPECT_TRUE(reserved_.is_open(late->window));
  reserved_.free();
  EXPECT_FALSE(reserved_.is_open(late->window));
  ASSERT_TRUE(alloc(reserved_, 16));
  const auto now = reserved_.bind(Pa(0x1000), 4, kDoorbell);
  ASSERT_TRUE(now);
  ASSERT_EQ(now->iova, late->iova);
  EXPECT_FALSE(reserved_.is_open(late->window));
  reserved_.put(*late);
  EXPECT_EQ(tables_.iova_to_phys(now->iova), Pa(0x1000));
  reserved_.put(*now);
  EXPECT_EQ(tables_.mapped(), 0u);
}

// Each group had a lock of its own, and groups of one domain shared the list of what is bound.
TEST_F(ReservedIovaDefects, ThreadsThatShareNoLockOfTheirOwnShareTheWindow) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 3000;
  ASSERT_TRUE(alloc(reserved_, 64));
  const auto use = [&](unsigned number) {
    for (unsigned round = 0; round < kRounds; ++round) {
      const Pa pa(0x10'0000 + kPage * ((round * 7 + number) % 5) + 0x40);
      const std::uint64_t size = round % 3 == 0 ? 2 * kPage : 4;
      const auto iova = reserved_.get(pa, size, kDoorbell);
      ASSERT_TRUE(iova);
      ASSERT_EQ(tables_.iova_to_phys(*iova), pa) << "it is mapped as long as somebody holds it";
      ASSERT_EQ(tables_.iova_to_phys(Iova(iova->value + size - 1)), Pa(pa.value + size - 1));
      reserved_.put(*iova);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned number = 0; number < kThreads; ++number) threads.emplace_back(use, number);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(tables_.mapped(), 0u);
  EXPECT_EQ(tables_.maps(), tables_.unmaps());
}

}  // namespace
}  // namespace smmu::iommu::reserved_iova_defects_test
