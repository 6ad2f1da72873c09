// An SMMUv3 behind a bus that takes messages out, as on an x86.
#include "smmu/emulator/fixed_msi_window.h"

#include "test/system/doorbells.h"

namespace smmu::testing::fixed_msi_window_test {
namespace {

using emulator::FixedMsiWindow;
using emulator::MessageEnd;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::EventType;

constexpr StreamId kNic(7);
constexpr Iova kWindow(0xfee0'0000);

struct WindowedBoard {
  WindowedBoard() {
    board.bring_up();
    EXPECT_TRUE(window->table().map_device(DeviceId(7), 8));
    EXPECT_TRUE(window->table().map(DeviceId(7), EventId(3), 0x41));
  }

  RecordingController controller;
  std::unique_ptr<FixedMsiWindow> window = *FixedMsiWindow::create({}, controller);
  Board board;
  DmaDevice nic{window->add_port(board.smmu().add_port()), kNic};
};

TEST(FixedMsiWindowSystem, MessagesPassAnSmmuThatTranslatesNothingOfTheStream) {
  WindowedBoard bus;
  bus.board.attach(kNic, abort_all());
  EXPECT_TRUE(Doorbells::ring(bus.nic, kWindow, 3));
  EXPECT_THAT(bus.controller.intids(), ElementsAre(0x41));
  EXPECT_THAT(bus.nic.write64(Iova(0x1000), 0), Aborts());
  EXPECT_THAT(bus.board.events(), IsEmpty());  // STE.Config 0b000 is silent
}

TEST(FixedMsiWindowSystem, WhatTablesMapThereIsNeverReached) {
  WindowedBoard bus;
  PageTable table = bus.board.page_table();
  const Pa page = bus.board.allocate(4096);
  table.map(kWindow, page, 4096);
  bus.board.attach(kNic, table);
  EXPECT_TRUE(Doorbells::ring(bus.nic, kWindow, 3));
  EXPECT_THAT(bus.nic.write64(kWindow, 0x1234), Aborts());
  EXPECT_FALSE(bus.nic.read64(kWindow));
  EXPECT_EQ(load(bus.board.memory(), page), 0U);
  EXPECT_THAT(bus.board.events(), IsEmpty());
  EXPECT_THAT(bus.controller.intids(), ElementsAre(0x41));
}

TEST(FixedMsiWindowSystem, AnAccessThatRunsIntoTheWindowIsHalfTheSmmus) {
  WindowedBoard bus;
  PageTable table = bus.board.page_table();
  const Pa page = bus.board.allocate(4096);
  table.map(Iova(kWindow.value - 4096), page, 4096);
  bus.board.attach(kNic, table);
  std::array<std::byte, 12> bytes{};
  bytes.fill(std::byte{3});
  const auto done = bus.nic.write(Iova(kWindow.value - 8), bytes);
  EXPECT_EQ(done.bytes, 12U);  // the message is dropped
  EXPECT_EQ(load(bus.board.memory(), Pa(page.value + 4088)), 0x0303'0303'0303'0303U);
  EXPECT_EQ(bus.window->messages().count(MessageEnd::kOutOfRange), 1U);
}

TEST(FixedMsiWindowSystem, FaultsOutsideAreRecordedAsEver) {
  WindowedBoard bus;
  const PageTable table = bus.board.page_table();
  bus.board.attach(kNic, table);
  EXPECT_THAT(bus.nic.translate(Iova(0x1000)), Aborts());
  EXPECT_THAT(bus.board.events(),
              ElementsAre(IsEvent(EventType::F_TRANSLATION, kNic, Iova(0x1000))));
}

}  // namespace
}  // namespace smmu::testing::fixed_msi_window_test
