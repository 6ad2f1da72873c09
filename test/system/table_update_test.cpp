// What an observer hears of the updates of descriptors (IHI 0070, 3.13).
#include <vector>

#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::table_update_test {
namespace {

using emulator::Direction;
using ::testing::SizeIs;
using v3::CD;

constexpr StreamId kStream(7);
constexpr Iova kAddress(0x40'0000);
constexpr std::uint64_t kAccessFlag = 0x400;

class Updates final : public emulator::Observer {
 public:
  void on_table_update(const emulator::TableUpdate& update) override { heard.push_back(update); }
  std::vector<emulator::TableUpdate> heard;
};

class TableUpdates : public ::testing::Test {
 protected:
  TableUpdates() {
    board_.bring_up();
    page_ = board_.allocate(4096);
  }
  DmaDevice device() { return board_.device(kStream); }

  Updates updates_;
  Board board_{{.observer = &updates_}};
  Pa page_;
};

TEST_F(TableUpdates, OfStage1AreHeard) {
  PageTable table = board_.page_table();
  table.map(kAddress, page_, 4096, {.access_flag = false});
  const Pa cd = board_.attach(kStream, table);
  store(board_.memory(), cd, context(table).set(CD::HA, true));
  const Pa leaf = table.descriptor(kAddress);
  const std::uint64_t before = load(board_.memory(), leaf);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  ASSERT_THAT(updates_.heard, SizeIs(1));
  const emulator::TableUpdate& update = updates_.heard[0];
  EXPECT_EQ(update.stage, 1);
  EXPECT_EQ(update.address, leaf);
  EXPECT_EQ(update.space, SecurityState::kNonSecure);
  EXPECT_EQ(update.expected, before);
  EXPECT_EQ(update.desired, before | kAccessFlag);
  EXPECT_EQ(update.found, before);
  EXPECT_EQ(load(board_.memory(), leaf), update.desired);
  // There is nothing left to do.
  board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(updates_.heard, SizeIs(1));
}

TEST_F(TableUpdates, OfStage2AreHeard) {
  PageTable table = board_.page_table({.t0sz = 24, .stage = 2});
  table.map(kAddress, page_, 4096, {.access_flag = false});
  board_.attach(kStream, translate_stage2(table).set(v3::STE::S2HA, true));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  ASSERT_THAT(updates_.heard, SizeIs(1));
  EXPECT_EQ(updates_.heard[0].stage, 2);
  EXPECT_EQ(updates_.heard[0].address, table.descriptor(kAddress));
  EXPECT_EQ(updates_.heard[0].desired, updates_.heard[0].expected | kAccessFlag);
}

}  // namespace
}  // namespace smmu::testing::table_update_test
