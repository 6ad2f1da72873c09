// An SMMU that is used from inside its own accesses and interrupts.
#include <functional>
#include <utility>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing {
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

// Memory that lies behind another SMMU.
class TranslatedMemory final : public PhysicalMemory {
 public:
  explicit TranslatedMemory(const DmaDevice& device) : device_(device) {}

  BusResponse read(Pa pa, std::span<std::byte> bytes) override {
    return response(device_.read(Iova(pa.value), bytes).bytes == bytes.size());
  }
  BusResponse write(Pa pa, std::span<const std::byte> bytes) override {
    return response(device_.write(Iova(pa.value), bytes).bytes == bytes.size());
  }
  const DirectRegion* direct_region(Pa) override { return nullptr; }

 private:
  static BusResponse response(bool done) { return done ? BusResponse::kOkay : BusResponse::kAbort; }

  Result<std::uint64_t, ExternalAbort> load64_indirect(Pa pa) override {
    const auto word = device_.read64(Iova(pa.value));
    if (!word) return ExternalAbort{};
    return *word;
  }
  BusResponse store64_indirect(Pa pa, std::uint64_t value) override {
    return response(device_.write64(Iova(pa.value), value).bytes == 8);
  }
  Result<std::uint64_t, ExternalAbort> compare_exchange64_indirect(Pa, std::uint64_t,
                                                                   std::uint64_t) override {
    return ExternalAbort{};
  }

  DmaDevice device_;
};

TEST(BehindAnSmmu, AnSmmuIsADeviceLikeAnother) {
  constexpr std::uint64_t kSize = std::uint64_t{64} << 20;
  constexpr StreamId kInner(1);
  Board outer;
  outer.bring_up();
  PageTable window = outer.page_table();
  outer.attach(kInner, window);
  TranslatedMemory memory(outer.device(kInner));

  // The inner board's RAM is at its own addresses; its SMMU sees them through
  // the outer one, which maps them where copies of the tables are.
  Board inner({.ram_size = kSize, .smmu_memory = &memory});
  const Pa copy = outer.allocate(kSize / 2, std::uint64_t{2} << 20);
  window.map(Iova(0x4000'0000), copy, kSize / 2);
  store(outer.memory(), copy, bypass());
  inner.smmu().write(v3::SMMU_STRTAB_BASE(0x4000'0000));
  inner.smmu().write(v3::SMMU_CR0().set(v3::SMMU_CR0::SMMUEN, true));
  const DmaDevice device = inner.device(StreamId(0));
  EXPECT_EQ(device.write64(Iova(0x4010'0000), 42).bytes, 8U);
  EXPECT_EQ(load(outer.memory(), Pa(copy.value + 0x10'0000)), 42U);

  // Beyond the window the outer SMMU faults: the inner device sees a bus error.
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(device.read(Iova(0x4000'0000 + kSize / 2), bytes).bytes, 0U);
  EXPECT_THAT(outer.events(), ::testing::ElementsAre(IsEvent(EventType::F_TRANSLATION, kInner,
                                                             Iova(0x4000'0000 + kSize / 2))));
}

}  // namespace
}  // namespace smmu::testing
