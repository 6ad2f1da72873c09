// The arithmetic of queue indices, against counting (IHI 0070, 3.5.1).
#include "emulator/v3/queue.h"

#include <gtest/gtest.h>

namespace smmu::emulator::queue_test {
namespace {

// Every pair of indices of every small queue, and junk above the wrap bit of both.
class SmallQueues : public ::testing::TestWithParam<unsigned> {
 protected:
  static unsigned entries() { return 1U << GetParam(); }
  static unsigned laps() { return 2 * entries(); }  // an index counts modulo this

  void for_each_pair(auto&& visit) {
    for (std::uint32_t prod = 0; prod != laps(); ++prod) {
      for (std::uint32_t cons = 0; cons != laps(); ++cons) {
        // How many were produced and not consumed, if that is how it came about.
        const unsigned held = (prod + laps() - cons) % laps();
        visit(prod | kJunk << (GetParam() + 1), cons, held);
        visit(prod, cons | kJunk << (GetParam() + 1), held);
      }
    }
  }

  static constexpr std::uint32_t kJunk = 0x5;
  const Queue queue_{0x10'0000, GetParam(), 19, 4, 48};
};

TEST_P(SmallQueues, AreEmptyIfNothingIsHeld) {
  for_each_pair([&](std::uint32_t prod, std::uint32_t cons, unsigned held) {
    EXPECT_EQ(queue_.empty(prod, cons), held == 0) << prod << ' ' << cons;
  });
}

TEST_P(SmallQueues, AreFullIfEveryEntryIsHeld) {
  for_each_pair([&](std::uint32_t prod, std::uint32_t cons, unsigned held) {
    EXPECT_EQ(queue_.full(prod, cons), held == entries()) << prod << ' ' << cons;
  });
}

TEST_P(SmallQueues, CannotHoldMoreThanTheirEntries) {
  for_each_pair([&](std::uint32_t prod, std::uint32_t cons, unsigned held) {
    EXPECT_EQ(queue_.consistent(prod, cons), held <= entries()) << prod << ' ' << cons;
  });
}

TEST_P(SmallQueues, AreWalkedInCircles) {
  std::uint32_t index = 0;
  for (unsigned step = 0; step != 3 * laps(); ++step) {
    EXPECT_EQ(index, step % laps());
    EXPECT_EQ(queue_.position(index), step % entries());
    EXPECT_EQ(queue_.entry(index), Pa(0x10'0000 + 16 * std::uint64_t{step % entries()}));
    index = queue_.next(index);
  }
}

INSTANTIATE_TEST_SUITE_P(Log2Size, SmallQueues, ::testing::Values(0U, 1U, 2U, 3U, 4U));

TEST(Queues, HaveAtMostWhatIsImplemented) {  // 6.3.26, LOG2SIZE
  const Queue queue(0, 31, 7, 4, 48);
  EXPECT_TRUE(queue.full(128, 0));
  EXPECT_EQ(queue.next(127), 128U);
  EXPECT_EQ(queue.next(255), 0U);
}

TEST(Queues, AreAlignedToTheirSizeOr32Bytes) {  // 6.3.26, ADDR
  constexpr std::uint64_t kBase = 0xffff'ffff'ffe0;
  EXPECT_EQ(Queue(kBase, 0, 19, 4, 48).entry(0), Pa(0xffff'ffff'ffe0));
  EXPECT_EQ(Queue(kBase, 2, 19, 4, 48).entry(0), Pa(0xffff'ffff'ffc0));
  EXPECT_EQ(Queue(kBase, 8, 19, 4, 48).entry(0), Pa(0xffff'ffff'f000));
  EXPECT_EQ(Queue(kBase, 19, 19, 5, 48).entry(0), Pa(0xffff'ff00'0000));
}

TEST(Queues, LieWithinTheAddressesThereAre) {  // 3.4.3: the base is truncated
  EXPECT_EQ(Queue(0x00ff'ffff'ffff'ffe0, 0, 19, 4, 44).entry(0), Pa(0x0fff'ffff'ffe0));
}

}  // namespace
}  // namespace smmu::emulator::queue_test
