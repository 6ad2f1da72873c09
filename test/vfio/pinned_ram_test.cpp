// RAM that is pinned, counted and locked.
#include "smmu/iommu/pinned_ram.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "smmu/emulator/ram.h"
#include "test/heap/heap.h"

namespace smmu::iommu::pinned_ram_test {
namespace {

using std::errc;

constexpr std::uint64_t kPage = PinnedRam::kPageSize;
constexpr Pa kBase{0x8000'0000};
constexpr std::uint64_t kSize = 64 * kPage;

// What the host keeps in memory for this program, in pages.
std::uint64_t locked_pages() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmLck:", 0) == 0) return std::stoull(line.substr(6)) * 1024 / kPage;
  }
  ADD_FAILURE() << "the host does not tell";
  return 0;
}

// Whether mlock() gets as far as the host: sanitizers answer it themselves, and lock nothing.
bool host_locks() {
  alignas(kPage) static std::byte bytes[kPage];
  const std::uint64_t before = locked_pages();
  EXPECT_EQ(::mlock(bytes, sizeof bytes), 0);
  const bool locks = locked_pages() != before;
  EXPECT_EQ(::munlock(bytes, sizeof bytes), 0);
  return locks;
}

struct PinnedRamTest : ::testing::Test {
  void SetUp() override { ASSERT_TRUE(ram.add(kBase, kSize)); }
  std::unique_ptr<PinnedRam> make(Pinning pinning = Pinning::kCount,
                                  std::uint64_t most = PinnedRam::kUnlimited) {
    auto made = PinnedRam::create(ram, kBase, kSize, pinning, most);
    return made ? std::move(*made) : nullptr;
  }
  static UserAddress page(const PinnedRam& pins, std::uint64_t number) {
    return pins.address_of(Pa(kBase.value + number * kPage));
  }
  static Pa pa(std::uint64_t number) { return Pa(kBase.value + number * kPage); }

  emulator::Ram ram;
};

TEST_F(PinnedRamTest, AnAddressOfTheProgramIsFoundInPhysicalMemory) {
  const auto pins = make();
  ASSERT_TRUE(pins);
  const auto run = pins->pin(page(*pins, 3), 5 * kPage, kReadWrite);
  ASSERT_TRUE(run);
  EXPECT_EQ(*run, (PinnedRun{pa(3), 5 * kPage}));
  *reinterpret_cast<std::uint64_t*>(page(*pins, 3).value) = 0x1234;
  EXPECT_EQ(*ram.load64(run->pa), 0x1234u);
  EXPECT_EQ(pins->pinned(), 5 * kPage);
  pins->unpin(run->pa, run->size);
  EXPECT_EQ(pins->pinned(), 0u);
}

TEST_F(PinnedRamTest, PagesAreCountedAndStayUntilTheLastUnpin) {
  const auto pins = make();
  ASSERT_TRUE(pins->pin(page(*pins, 0), 4 * kPage, kReadWrite));
  ASSERT_TRUE(pins->pin(page(*pins, 2), 4 * kPage, kReadWrite));
  EXPECT_EQ(pins->pinned(), 6 * kPage) << "two of them twice";
  EXPECT_EQ(pins->pins(pa(1)), 1u);
  EXPECT_EQ(pins->pins(pa(2)), 2u);
  // In other pieces than they were pinned.
  pins->unpin(pa(1), 3 * kPage);
  EXPECT_EQ(pins->pinned(), 5 * kPage);
  pins->unpin(pa(0), kPage);
  pins->unpin(pa(2), 4 * kPage);
  EXPECT_EQ(pins->pinned(), 0u);
}

TEST_F(PinnedRamTest, WhatIsNotInTheRegionIsABadAddress) {
  const auto pins = make();
  const UserAddress last = page(*pins, 63);
  EXPECT_TRUE(pins->pin(last, kPage, kReadWrite));
  EXPECT_EQ(pins->pin(last, 2 * kPage, kReadWrite).error(), errc::bad_address);
  EXPECT_EQ(pins->pin(UserAddress(last.value + kPage), kPage, kReadWrite).error(),
            errc::bad_address);
  EXPECT_EQ(pins->pin(UserAddress(page(*pins, 0).value - kPage), 2 * kPage, kReadWrite).error(),
            errc::bad_address);
  EXPECT_EQ(pins->pin(last, UINT64_MAX - 0xfff, kReadWrite).error(), errc::bad_address);
  EXPECT_EQ(pins->pin(last, 0, kReadWrite).error(), errc::invalid_argument);
  EXPECT_EQ(pins->pin(last, 8, kReadWrite).error(), errc::invalid_argument);
  EXPECT_EQ(pins->pin(UserAddress(last.value + 8), kPage, kReadWrite).error(),
            errc::invalid_argument);
  EXPECT_EQ(pins->pinned(), kPage);
}

TEST_F(PinnedRamTest, ARegionIsWholePagesOfOneDirectRegion) {
  const auto error = [&](Pa base, std::uint64_t size) {
    return PinnedRam::create(ram, base, size).error();
  };
  EXPECT_EQ(error(kBase, 0), errc::invalid_argument);
  EXPECT_EQ(error(kBase, kPage + 8), errc::invalid_argument);
  EXPECT_EQ(error(Pa(kBase.value + 8), kPage), errc::invalid_argument);
  EXPECT_EQ(error(kBase, kSize + kPage), errc::invalid_argument) << "beyond its end";
  EXPECT_EQ(error(Pa(0x1000), kPage), errc::invalid_argument) << "nothing is there";
  EXPECT_TRUE(PinnedRam::create(ram, pa(4), 2 * kPage)) << "a part will do";
}

TEST_F(PinnedRamTest, NoMoreIsPinnedThanItSays) {
  const auto pins = make(Pinning::kCount, 5 * kPage + 100);
  ASSERT_TRUE(pins->pin(page(*pins, 0), 4 * kPage, kReadWrite));
  EXPECT_EQ(pins->pin(page(*pins, 2), 4 * kPage, kReadWrite).error(), errc::not_enough_memory);
  EXPECT_EQ(pins->pins(pa(2)), 1u) << "all or nothing";
  EXPECT_EQ(pins->pinned(), 4 * kPage);
  EXPECT_TRUE(pins->pin(page(*pins, 0), 5 * kPage, kReadWrite)) << "four of them are pinned";
}

TEST_F(PinnedRamTest, WithoutMemoryThereIsNone) {
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = PinnedRam::create(ram, kBase, kSize);
    if (made) break;
    ASSERT_EQ(made.error(), errc::not_enough_memory);
  }
  EXPECT_GE(granted, 3u) << "there was something to refuse";
}

TEST_F(PinnedRamTest, ThreadsPinAndUnpinAtOnce) {
  const auto pins = make();
  std::vector<std::thread> threads;
  for (std::uint64_t n = 0; n != 3; ++n) {
    threads.emplace_back([&, n] {
      for (int times = 0; times != 2000; ++times) {
        const auto run = pins->pin(page(*pins, n * 8), 24 * kPage, kReadWrite);
        if (run) pins->unpin(run->pa, run->size);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(pins->pinned(), 0u);
}

TEST_F(PinnedRamTest, WhatIsNotPinnedOrElsewhereIsNotUnpinned) {
  const auto pins = make(Pinning::kCount);
  ASSERT_TRUE(pins->pin(page(*pins, 1), 2 * kPage, kReadWrite));
  pins->unpin(Pa(pa(0).value - kPage), kPage);
  pins->unpin(Pa(0), kPage);
  pins->unpin(Pa(UINT64_MAX & ~(kPage - 1)), kPage);
  pins->unpin(pa(0), kPage);
  EXPECT_EQ(pins->pinned(), 2 * kPage);
  EXPECT_EQ(pins->pins(pa(0)), 0u);
  // Of a range that goes beyond, what is there.
  pins->unpin(pa(2), UINT64_MAX);
  EXPECT_EQ(pins->pinned(), kPage);
  EXPECT_EQ(pins->pins(pa(1)), 1u);
  pins->unpin(pa(0), 3 * kPage);
  EXPECT_EQ(pins->pinned(), 0u);
}

TEST_F(PinnedRamTest, LockedPagesAreKeptByTheHost) {
  const std::uint64_t locked = host_locks() ? 1 : 0;
  const std::uint64_t before = locked_pages();
  auto pins = make(Pinning::kLock);
  ASSERT_TRUE(pins->pin(page(*pins, 0), 4 * kPage, kReadWrite));
  ASSERT_TRUE(pins->pin(page(*pins, 2), 4 * kPage, kReadWrite));
  EXPECT_EQ(locked_pages() - before, 6 * locked);
  pins->unpin(pa(0), 4 * kPage);
  EXPECT_EQ(pins->pinned(), 4 * kPage);
  EXPECT_EQ(locked_pages() - before, 4 * locked) << "two are pinned still";
  pins.reset();
  EXPECT_EQ(locked_pages(), before);
}

TEST_F(PinnedRamTest, TheHostsLimitIsNoMemory) {
  const auto pins = make(Pinning::kLock);
  const bool has_limit = host_locks();
  // In a process of its own, which may lose the right to lock more than its limit.
  const pid_t child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    const rlimit limit{8 * kPage, 8 * kPage};
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(10);
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) ::_exit(11);
    if (!pins->pin(page(*pins, 0), 8 * kPage, kReadWrite)) ::_exit(12);
    if (!has_limit) ::_exit(0);
    const auto more = pins->pin(page(*pins, 4), 8 * kPage, kReadWrite);
    if (more || more.error() != errc::not_enough_memory) ::_exit(13);
    if (pins->pinned() != 8 * kPage) ::_exit(14);
    pins->unpin(pa(0), 4 * kPage);
    if (!pins->pin(page(*pins, 8), 4 * kPage, kReadWrite)) ::_exit(15);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(PinnedRamTest, APinThatMeetsTheHostsLimitInTheMiddleLeavesLockedWhatWas) {
  if (!host_locks()) GTEST_SKIP() << "mlock() does not get as far as the host";
  const auto pins = make(Pinning::kLock);
  // In a process of its own, as above.
  const pid_t child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    const rlimit limit{8 * kPage, 8 * kPage};
    if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(10);
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0) ::_exit(11);
    if (!pins->pin(page(*pins, 2), kPage, kReadWrite)) ::_exit(12);
    if (!pins->pin(page(*pins, 10), kPage, kReadWrite)) ::_exit(13);
    // Beyond the run of pages that is too long, somebody else's: it is not looked at.
    const UserAddress other = page(*pins, 11);
    if (::mlock(reinterpret_cast<void*>(other.value), kPage) != 0) ::_exit(14);
    // Two pages can be locked, and then seven cannot.
    const auto more = pins->pin(page(*pins, 0), 12 * kPage, kReadWrite);
    if (more || more.error() != errc::not_enough_memory) ::_exit(15);
    if (locked_pages() != 3) ::_exit(16);
    if (pins->pinned() != 2 * kPage) ::_exit(17);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace smmu::iommu::pinned_ram_test
