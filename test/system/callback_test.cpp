// An SMMU that is used from inside its own accesses and interrupts.
#include <functional>
#include <utility>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::callback_test {
namespace {

using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandHeader;
using v3::EventType;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;

constexpr StreamId kStream(9);
constexpr Pa kDevice(0x1000'0000);
constexpr Iova kAddress(0x40'0000);

// A register that runs a program at each access.
class Doorbell final : public emulator::DeviceRegion {
 public:
  BusResponse read(std::uint64_t, std::span<std::byte>) override {
    if (on_read) on_read();
    return BusResponse::kOkay;
  }
  BusResponse write(std::uint64_t, std::span<const std::byte>) override {
    if (on_write) on_write();
    return BusResponse::kOkay;
  }
  std::function<void()> on_read;
  std::function<void()> on_write;
};

class Callbacks : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(board_.memory().add_device(kDevice, 4096, doorbell_));
    board_.bring_up();
    page_ = board_.allocate(4096);
    table_.map(kAddress, page_, 4096);
    table_.map(Iova(kAddress.value + 4096), kDevice, 4096);
    board_.attach(kStream, table_);
  }
  Doorbell doorbell_;
  Board board_;
  PageTable table_ = board_.page_table();
  Pa page_;
};

TEST_F(Callbacks, TheErrorHandlerMayRepairAndAcknowledge) {  // 7.1, from inside the interrupt
  const auto at = board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
  board_.error_line.on_pulse([&] {
    store(board_.memory(), Pa(board_.command_queue().value + 16 * at), command<CMD_SYNC>());
    board_.smmu().write(SMMU_GERRORN(board_.smmu().read<SMMU_GERROR>().raw()));
  });
  board_.submit(CommandHeader().set(CommandHeader::Opcode, static_cast<v3::Opcode>(0xff)),
                command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(board_.error_line.count(), 1U);
  EXPECT_EQ(board_.sync_line.count(), 1U);
}

TEST_F(Callbacks, AMessageMayCauseCommands) {  // a TLBI from inside the write of an MSI
  const DmaDevice device = board_.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(page_));
  const Pa other = board_.allocate(4096);
  bool done = false;
  doorbell_.on_write = [&] {
    if (std::exchange(done, true)) return;
    table_.map(kAddress, other, 4096);
    board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
  };
  board_.submit(command<CMD_SYNC>()
                    .set(CMD_SYNC::CS, SyncSignal::kIrq)
                    .set(CMD_SYNC::MSIAddress, kDevice.value));
  EXPECT_TRUE(done);
  EXPECT_TRUE(board_.idle());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(other));
}

TEST_F(Callbacks, ASyncWaitsForAnAccessInFlight) {  // 4.7.3, 3.21
  const DmaDevice device = board_.device(kStream);
  bool consumed_inside = true;
  doorbell_.on_read = [&] {
    board_.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    consumed_inside = board_.idle();
  };
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(device.read(Iova(kAddress.value + 4096), bytes).bytes, 8U);
  EXPECT_FALSE(consumed_inside);
  EXPECT_TRUE(board_.idle());
}

TEST_F(Callbacks, ASyncWithoutAnInvalidationWaitsToo) {  // 4.7.3
  const DmaDevice device = board_.device(kStream);
  doorbell_.on_write = [&] {
    board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
  };
  device.write64(Iova(kAddress.value + 4096), 1);
  EXPECT_TRUE(board_.idle());
  EXPECT_EQ(board_.sync_line.count(), 1U);
}

TEST_F(Callbacks, OtherPortsWorkInsideAnAccess) {
  const DmaDevice outer = board_.device(kStream);
  const DmaDevice inner = board_.device(kStream);
  doorbell_.on_write = [&] { inner.write64(kAddress, 77); };
  outer.write64(Iova(kAddress.value + 4096), 1);
  EXPECT_EQ(load(board_.memory(), page_), 77U);
}

TEST_F(Callbacks, TheEventHandlerMayConsumeTheQueue) {  // 3.18
  std::size_t seen = 0;
  board_.event_line.on_pulse([&] { seen += board_.events().size(); });
  const DmaDevice device = board_.device(StreamId(200));
  for (unsigned i = 0; i != 3; ++i) EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(seen, 3U);
  EXPECT_EQ(board_.event_line.count(), 3U);
}

// 6.3.16: what has occurred is signalled before its disabling is acknowledged.
TEST_F(Callbacks, AnInterruptIsNotSignalledAfterItsDisablingIsAcknowledged) {
  using v3::SMMU_CR0;
  using v3::SMMU_EVENTQ_BASE;
  using v3::SMMU_EVENTQ_CONS;
  using v3::SMMU_EVENTQ_PROD;
  using v3::SMMU_IRQ_CTRL;
  using v3::SMMU_IRQ_CTRLACK;
  auto& smmu = board_.smmu();
  const auto on = smmu.read<SMMU_CR0>();
  smmu.write(SMMU_CR0(on).set(SMMU_CR0::EVENTQEN, false));
  smmu.write(SMMU_EVENTQ_BASE()
                 .set(SMMU_EVENTQ_BASE::ADDR, kDevice.value)
                 .set(SMMU_EVENTQ_BASE::LOG2SIZE, 4));
  smmu.write(SMMU_EVENTQ_PROD());
  smmu.write(SMMU_EVENTQ_CONS());
  smmu.write(on);
  // Somebody disables the interrupt while the record is being written.
  doorbell_.on_write = [&] { smmu.write(SMMU_IRQ_CTRL()); };
  bool acknowledged = true;
  board_.event_line.on_pulse(
      [&] { acknowledged = smmu.read<SMMU_IRQ_CTRLACK>() == SMMU_IRQ_CTRLACK(); });
  EXPECT_THAT(board_.device(kStream).translate(Iova(0)), Aborts());
  EXPECT_EQ(board_.event_line.count(), 1U);
  EXPECT_FALSE(acknowledged);
  EXPECT_EQ(smmu.read<SMMU_IRQ_CTRLACK>(), SMMU_IRQ_CTRLACK());
}

}  // namespace
}  // namespace smmu::testing::callback_test
