// The test the README shows.
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

using namespace smmu;
using namespace smmu::testing;
using emulator::Direction;
using v3::EventType;

TEST(Readme, AWriteToAReadOnlyPageAbortsAndIsRecorded) {
  Board board;
  board.bring_up();
  const Pa page = board.allocate(4096);
  PageTable table = board.page_table();
  table.map(Iova(0x1000), page, 4096, {.writable = false});
  board.attach(StreamId(7), table);
  const DmaDevice nic = board.device(StreamId(7));
  EXPECT_THAT(nic.translate(Iova(0x1234)), TranslatesTo(Pa(page.value + 0x234)));
  EXPECT_THAT(nic.translate(Iova(0x1234), Direction::kWrite), Aborts());
  EXPECT_THAT(board.events(),
              ::testing::ElementsAre(IsEvent(EventType::F_PERMISSION, StreamId(7), Iova(0x1234))));
}
