// Snapshots of counter groups.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smmu/arch/v3/pmcg_registers.h"
#include "test/system/moved.h"

namespace smmu::testing::snapshot_counter_test {
namespace {

using emulator::CachePolicy;
using emulator::Pace;

emulator::CounterGroupConfig small_group() {
  using v3::SMMU_PMCG_CFGR;
  auto group = emulator::CounterGroupConfig::everything();
  group.cfgr.set(SMMU_PMCG_CFGR::NCTR, 1)
      .set(SMMU_PMCG_CFGR::SIZE, SMMU_PMCG_CFGR::CounterSize::k36Bits);
  return group;
}

TEST(Snapshot, HasWhatCounterGroupsHaveCounted) {
  using v3::MonitorEvent;
  using v3::SMMU_PMCG_EVTYPERn;
  Board::Options with_group = options(Pace::kAtOnce);
  with_group.config.counter_groups = {small_group()};
  Board board(with_group);
  board.bring_up();
  board.attach(StreamId(5), bypass());
  const auto group = [&]() -> emulator::CounterGroup& { return board.smmu().counter_group(0); };
  group().write32(v3::SMMU_PMCG_EVTYPERn::kOffset,
                  SMMU_PMCG_EVTYPERn()
                      .set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTransaction)
                      .set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, true)
                      .raw());
  group().write32(v3::SMMU_PMCG_SMRn::kOffset, ~0U);
  group().write32(v3::SMMU_PMCG_CNTENSET0::kOffset, 1);
  group().write32(v3::SMMU_PMCG_CR::kOffset, 1);
  const auto counted = [&] { return group().read32(0x1'0000); };
  board.device(StreamId(5)).translate(Iova(0));
  EXPECT_EQ(counted(), 1U);
  move(board, [&] { board.smmu().add_port(); });
  EXPECT_EQ(counted(), 1U);
  board.device(StreamId(5)).translate(Iova(0));
  EXPECT_EQ(counted(), 2U);
}

// A byte that is wrong: it says another state that can be, or is refused.
TEST(Snapshot, OfACounterGroupIsCheckedToTheBit) {
  Board::Options with_group = options(Pace::kStepped);
  with_group.config.counter_groups = {small_group()};
  with_group.config.caching.policy = CachePolicy::kNone;
  Board board(with_group);
  board.smmu().counter_group(0).write32(v3::SMMU_PMCG_IRQ_CTRL::kOffset, 1);
  const auto snapshot = saved(board.smmu());
  unsigned accepted = 0;
  unsigned refused = 0;
  constexpr std::size_t kGroup = 1600;  // the last thing in a snapshot
  for (std::size_t at = snapshot.size() - kGroup; at != snapshot.size(); ++at) {
    for (const std::byte bit : {std::byte{0x01}, std::byte{0x10}, std::byte{0x80}}) {
      auto changed = snapshot;
      changed[at] ^= bit;
      if (!board.smmu().restore(changed)) {
        ++refused;
        continue;
      }
      ++accepted;
      ASSERT_TRUE(saved(board.smmu()) == changed) << at;
    }
  }
  EXPECT_GT(accepted, 40U);  // two counters, their shadows, types and filters
  EXPECT_GT(refused, 4000U);
}

}  // namespace
}  // namespace smmu::testing::snapshot_counter_test
