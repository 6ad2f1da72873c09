// A window that is used by threads that do not know of each other, and from inside its own calls.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "lib/iommu/reserved_iova.h"
#include "test/iommu/window_tables.h"

namespace smmu::iommu::reserved_iova_threads_test {
namespace {

constexpr std::uint64_t kPage = 4096;

class ReservedIovaThreads : public ::testing::Test {
 protected:
  void TearDown() override {
    tables_.before_unmap = nullptr;
    tables_.after_unmap = nullptr;
    reserved_.free();
    EXPECT_EQ(tables_.mapped(), 0u);
    EXPECT_EQ(tables_.maps(), tables_.unmaps() + refused_maps_);
    EXPECT_EQ(tables_.mistakes(), 0u);
  }

  WindowTables tables_;
  ReservedIova reserved_{tables_};
  std::uint64_t refused_maps_ = 0;
};

TEST_F(ReservedIovaThreads, AGetThatMapsWhileTheWindowGoesFindsNoneAndLeavesNothingMapped) {
  ASSERT_TRUE(alloc(reserved_, 16));
  Gate gate;
  tables_.before_map = [&](Iova) { gate.stand(); };
  std::thread getter([&] {
    const auto iova = reserved_.get(Pa(0x1000), 4, kDoorbell);
    ASSERT_FALSE(iova);
    EXPECT_EQ(iova.error(), std::errc::invalid_argument);
  });
  gate.wait_until_reached();
  std::thread freer([&] {
    reserved_.free();
    EXPECT_EQ(tables_.unmaps(), 1u) << "it waits until the get has undone what it mapped";
    EXPECT_EQ(tables_.mapped(), 0u);
    EXPECT_FALSE(reserved_.touches(kWindow, kWindow));
  });
  // The get goes on only when the window is gone for others.
  while (reserved_.window()) std::this_thread::yield();
  gate.open();
  getter.join();
  freer.join();
  EXPECT_EQ(tables_.maps(), 1u);
  EXPECT_TRUE(alloc(reserved_, 16));
}

TEST_F(ReservedIovaThreads, FreeWaitsForAPutThatIsUnmapping) {
  ASSERT_TRUE(alloc(reserved_, 16));
  const auto iova = reserved_.get(Pa(0x1000), 4, kDoorbell);
  Gate gate;
  tables_.before_unmap = [&](Iova) { gate.stand(); };
  std::thread putter([&] { reserved_.put(*iova); });
  gate.wait_until_reached();
  std::thread freer([&] {
    reserved_.free();
    EXPECT_EQ(tables_.mapped(), 0u);
  });
  while (reserved_.window()) std::this_thread::yield();
  EXPECT_TRUE(reserved_.touches(*iova, *iova)) << "it is mapped still";
  gate.open();
  putter.join();
  freer.join();
  EXPECT_EQ(tables_.unmaps(), 1u);
}

TEST_F(ReservedIovaThreads, AGetWaitsForAnotherThatMapsTheSameDoorbellWhereThereIsRoomForOne) {
  ASSERT_TRUE(alloc(reserved_, 1));
  Gate gate;
  tables_.before_map = [&](Iova) { gate.stand(); };
  Iova first;
  Iova second;
  const auto get = [&](Iova& answer) {
    const auto iova = reserved_.get(Pa(0x1000), 4, kDoorbell);
    ASSERT_TRUE(iova);
    answer = *iova;
  };
  std::thread one([&] { get(first); });
  gate.wait_until_reached();
  std::thread two([&] { get(second); });
  gate.open();
  one.join();
  two.join();
  EXPECT_EQ(first, kWindow);
  EXPECT_EQ(second, kWindow);
  EXPECT_EQ(tables_.maps(), 1u);
}

TEST_F(ReservedIovaThreads, AGetWaitsForAddressesThatAreBeingUnmapped) {
  ASSERT_TRUE(alloc(reserved_, 1));
  const auto old = reserved_.get(Pa(0x1000), 4, kDoorbell);
  Gate gate;
  tables_.before_unmap = [&](Iova) { gate.stand(); };
  std::thread putter([&] { reserved_.put(*old); });
  gate.wait_until_reached();
  std::thread getter([&] {
    const auto iova = reserved_.get(Pa(0x2000), 4, kDoorbell);
    ASSERT_TRUE(iova);
    EXPECT_EQ(tables_.iova_to_phys(*iova), Pa(0x2000));
  });
  gate.open();
  putter.join();
  getter.join();
}

TEST_F(ReservedIovaThreads, AGetThatWaitedForOneThatFailedIsMadeInItsPlace) {
  ASSERT_TRUE(alloc(reserved_, 1));
  tables_.refuse_next(std::errc::io_error);
  refused_maps_ = 1;
  Gate gate;
  std::atomic<int> maps{0};
  tables_.before_map = [&](Iova) {
    if (maps++ == 0) gate.stand();
  };
  std::thread one(
      [&] { EXPECT_EQ(reserved_.get(Pa(0x1000), 4, kDoorbell).error(), std::errc::io_error); });
  gate.wait_until_reached();
  std::thread two([&] { EXPECT_TRUE(reserved_.get(Pa(0x1000), 4, kDoorbell)); });
  gate.open();
  one.join();
  two.join();
}

TEST_F(ReservedIovaThreads, AMappingThatCallsBackDoesNotWaitForItself) {
  ASSERT_TRUE(alloc(reserved_, 1));
  std::atomic<int> depth{0};
  tables_.after_map = [&](Iova) {
    if (depth++ != 0) return;
    EXPECT_EQ(reserved_.get(Pa(0x2000), 4, kDoorbell).error(), std::errc::not_enough_memory);
    reserved_.put(kWindow);
    EXPECT_EQ(alloc(reserved_, 1).error(), std::errc::file_exists);
    reserved_.free();
    EXPECT_EQ(alloc(reserved_, 1).error(), std::errc::file_exists)
        << "the window is there until the call is back";
    reserved_.free();
  };
  EXPECT_EQ(reserved_.get(Pa(0x1000), 4, kDoorbell).error(), std::errc::invalid_argument);
  EXPECT_EQ(tables_.mapped(), 0u);
  EXPECT_FALSE(reserved_.touches(kWindow, kWindow));
  EXPECT_TRUE(alloc(reserved_, 1));
}

TEST_F(ReservedIovaThreads, AnUnmappingThatCallsBackDoesNotWaitForItself) {
  ASSERT_TRUE(alloc(reserved_, 2));
  ASSERT_TRUE(reserved_.get(Pa(0x1000), 4, kDoorbell));
  const auto iova = reserved_.get(Pa(0x2000), 4, kDoorbell);
  int depth = 0;
  tables_.after_unmap = [&](Iova) {
    if (depth++ == 0) reserved_.free();
  };
  reserved_.put(*iova);
  EXPECT_EQ(tables_.mapped(), 0u);
  EXPECT_FALSE(reserved_.touches(kWindow, kWindow));
  EXPECT_EQ(tables_.unmaps(), 2u);
}

TEST_F(ReservedIovaThreads, TwoThreadsThatFreeFromInsideTheirMappingsDoNotWaitForEachOther) {
  ASSERT_TRUE(alloc(reserved_, 4));
  std::latch both(2);
  tables_.after_map = [&](Iova) {
    both.arrive_and_wait();
    reserved_.free();
  };
  const auto get = [&](Pa pa) {
    EXPECT_EQ(reserved_.get(pa, 4, kDoorbell).error(), std::errc::invalid_argument);
  };
  std::thread one([&] { get(Pa(0x1000)); });
  std::thread two([&] { get(Pa(0x2000)); });
  one.join();
  two.join();
  EXPECT_EQ(tables_.mapped(), 0u);
  EXPECT_FALSE(reserved_.touches(kWindow, kWindow));
}

TEST_F(ReservedIovaThreads, TwoThreadsThatGetFromInsideTheirMappingsDoNotWaitForEachOther) {
  ASSERT_TRUE(alloc(reserved_, 2));
  std::latch both(2);
  std::atomic<int> refused{0};
  tables_.after_map = [&](Iova) {
    both.arrive_and_wait();
    if (!reserved_.get(Pa(0x9000), 4, kDoorbell)) ++refused;
  };
  std::thread one([&] { EXPECT_TRUE(reserved_.get(Pa(0x1000), 4, kDoorbell)); });
  std::thread two([&] { EXPECT_TRUE(reserved_.get(Pa(0x2000), 4, kDoorbell)); });
  one.join();
  two.join();
  EXPECT_EQ(refused, 2);
  tables_.after_map = nullptr;
}

// Whoever asks without a lock sees one window or the other, or none, and never a mixture.
TEST_F(ReservedIovaThreads, WhereAWindowIsIsSeenWhole) {
  std::atomic<bool> done{false};
  const auto low = ReservedWindow::of(Iova(0x1'0000), kPage, 12, kWindowRights);
  const auto high = ReservedWindow::of(Iova(0x9'0000), kPage, 12, kWindowRights);
  std::thread asker([&] {
    while (!done) {
      EXPECT_FALSE(reserved_.touches(Iova(0x2'0000), Iova(0x8'ffff)));
    }
  });
  for (int round = 0; round < 20000; ++round) {
    ASSERT_TRUE(reserved_.alloc(round % 2 == 0 ? *low : *high));
    reserved_.free();
  }
  done = true;
  asker.join();
}

TEST_F(ReservedIovaThreads, WindowsComeAndGoWhileOthersGetAndPut) {
  std::atomic<bool> done{false};
  std::atomic<std::uint64_t> got{0};
  const auto use = [&](unsigned number) {
    for (unsigned round = 0; !done; ++round) {
      const Pa pa(0x10'0000 + kPage * ((round + number) % 4));
      const auto iova = reserved_.get(pa, round % 2 == 0 ? 4 : 2 * kPage, kDoorbell);
      if (!iova) {
        EXPECT_TRUE(iova.error() == std::errc::invalid_argument ||
                    iova.error() == std::errc::not_enough_memory);
        continue;
      }
      ++got;
      reserved_.put(*iova);
    }
  };
  const auto toggle = [&] {
    while (!done) {
      const auto made = alloc(reserved_, 8);
      EXPECT_TRUE(made || made.error() == std::errc::file_exists);
      std::this_thread::yield();
      reserved_.free();
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(use, 0);
  threads.emplace_back(use, 1);
  threads.emplace_back(toggle);
  threads.emplace_back(toggle);
  while (got < 5000) std::this_thread::yield();
  done = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace smmu::iommu::reserved_iova_threads_test
