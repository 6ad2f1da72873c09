// Orders in which drivers bring an SMMU up, register by register (IHI 0070, 3.11): the manual's
// own, those of operating systems and hypervisors, and what else is legal.
#include <functional>
#include <ostream>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::bring_up_order_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace v3;  // most of the registers are written here

constexpr StreamId kStream(0x18);
constexpr Iova kAddress(0xffff'b000);
constexpr unsigned kLog2Streams = 6;

// A driver that does what it is told, in the order it is told, and believes nothing that it has not
// read back.
class Driver {
 public:
  explicit Driver(Board& board)
      : board_(board),
        commands_(board.allocate(4096)),
        events_(board.allocate(4096)),
        streams_(board.allocate(64 << kLog2Streams)),
        doorbell_(board.allocate(4096)) {
    // All that is not attached aborts, in silence.
    for (std::uint32_t stream = 0; stream != 1U << kLog2Streams; ++stream) ste(stream, abort_all());
  }

  void disable() { control(0); }
  void abort_while_disabled() {
    smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
    EXPECT_FALSE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
    EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  }
  void bypass_while_disabled() { smmu().write(SMMU_GBPA().set(SMMU_GBPA::Update, true)); }

  void attributes() { smmu().write(SMMU_CR1(0xd75)); }  // Write-Back, Inner Shareable
  void invalid_streams() { smmu().write(SMMU_CR2().set(SMMU_CR2::RECINVSID, true)); }

  void stream_table() {
    smmu().write(SMMU_STRTAB_BASE()
                     .set(SMMU_STRTAB_BASE::ADDR, streams_.value)
                     .set(SMMU_STRTAB_BASE::RA, true));
    smmu().write(SMMU_STRTAB_BASE_CFG().set(SMMU_STRTAB_BASE_CFG::LOG2SIZE, kLog2Streams));
  }
  // The size first, and the base in halves, the high one first.
  void stream_table_in_halves() {
    smmu().write32(SMMU_STRTAB_BASE_CFG::kOffset, kLog2Streams);
    smmu().write32(SMMU_STRTAB_BASE::kOffset + 4, static_cast<std::uint32_t>(streams_.value >> 32));
    smmu().write32(SMMU_STRTAB_BASE::kOffset, static_cast<std::uint32_t>(streams_.value));
  }

  void command_queue() {
    smmu().write(SMMU_CMDQ_BASE(commands_.value | 8).set(SMMU_CMDQ_BASE::RA, true));
    smmu().write(SMMU_CMDQ_PROD());
    smmu().write(SMMU_CMDQ_CONS());
    produced_ = 0;
  }
  // The read index before the write index, and the base last and in halves.
  void command_queue_in_halves() {
    smmu().write(SMMU_CMDQ_CONS());
    smmu().write(SMMU_CMDQ_PROD());
    smmu().write32(SMMU_CMDQ_BASE::kOffset, static_cast<std::uint32_t>(commands_.value | 8));
    smmu().write32(SMMU_CMDQ_BASE::kOffset + 4, static_cast<std::uint32_t>(commands_.value >> 32));
    produced_ = 0;
  }
  void event_queue() {
    smmu().write(SMMU_EVENTQ_BASE(events_.value | 7).set(SMMU_EVENTQ_BASE::WA, true));
    smmu().write(SMMU_EVENTQ_PROD());
    smmu().write(SMMU_EVENTQ_CONS());
  }

  void enable_commands() { control(enabled_ | 0x8); }
  void enable_events() { control(enabled_ | 0x4); }
  void enable_queues() { control(enabled_ | 0xc); }
  void enable_translation() { control(enabled_ | 0x1); }
  void enable_all() { control(0xd); }

  void forget_configuration() {
    run(command<CMD_CFGI_STE_RANGE>().set(CMD_CFGI_STE_RANGE::Range, 31));
  }
  void forget_hypervisor() { run(command<CMD_TLBI_EL2_ALL>()); }
  void forget_translations() { run(command<CMD_TLBI_NSNH_ALL>()); }
  void sync() { run(command<CMD_SYNC>()); }
  // Completion as a store over the command itself.
  void sync_by_message() {
    const Pa own(commands_.value + 16 * std::uint64_t{produced_ % 256});
    run(command<CMD_SYNC>()
            .set(CMD_SYNC::CS, SyncSignal::kIrq)
            .set(CMD_SYNC::MSIAddress, own.value)
            .set(CMD_SYNC::MSIData, 0));
    EXPECT_EQ(static_cast<std::uint32_t>(load(board_.memory(), own)), 0U);
  }
  void sync_by_event() {
    const unsigned before = board_.wake_up_line.count();
    run(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kSev));
    EXPECT_EQ(board_.wake_up_line.count(), before + 1);
  }

  void interrupts() { interrupt_control(0x5); }
  void no_interrupts() { interrupt_control(0); }
  void wired() {
    smmu().write(SMMU_GERROR_IRQ_CFG0());
    smmu().write(SMMU_EVENTQ_IRQ_CFG0());
  }
  void messages() {
    smmu().write(SMMU_GERROR_IRQ_CFG0(doorbell_.value));
    smmu().write(SMMU_GERROR_IRQ_CFG1(0x60));
    smmu().write(SMMU_GERROR_IRQ_CFG2(0x1));
    smmu().write(SMMU_EVENTQ_IRQ_CFG0(doorbell_.value + 8));
    smmu().write(SMMU_EVENTQ_IRQ_CFG1(0x61));
    smmu().write(SMMU_EVENTQ_IRQ_CFG2(0x1));
    messages_ = true;
  }

  // What another driver left behind: an SMMU that translates, with other tables and queues, and
  // whose caches are full.
  void inherit() {
    const Pa mine = streams_;
    streams_ = board_.allocate(64 << kLog2Streams);
    stream_table();
    command_queue();
    event_queue();
    enable_all();
    attach(board_.allocate(4096));
    const DmaDevice device = board_.device(kStream);
    EXPECT_TRUE(std::holds_alternative<emulator::Translation>(device.translate(kAddress)));
    streams_ = mine;
  }

  // Then the device gets an address.
  void attach(Pa page) {
    PageTable table = board_.page_table();
    table.map(kAddress, page, 4096);
    const Pa cd = board_.allocate(64, 64);
    store(board_.memory(), cd, context(table));
    ste(kStream.value, translate(cd));
    run(command<CMD_CFGI_STE>()
            .set(CMD_CFGI_STE::StreamID, kStream.value)
            .set(CMD_CFGI_STE::Leaf, true));
    sync();
  }

  bool interrupted() const {
    if (!messages_) return board_.event_line.count() != 0;
    return load(board_.memory(), Pa(doorbell_.value + 8)) == 0x61;
  }
  // The only record in the Event queue.
  Event event() {
    EXPECT_EQ(smmu().read<SMMU_EVENTQ_PROD>().raw(), 1U);
    Event event;
    for (std::size_t i = 0; i != event.words.size(); ++i) {
      event.words[i] = load(board_.memory(), Pa(events_.value + 8 * i));
    }
    smmu().write(SMMU_EVENTQ_CONS(1));
    return event;
  }
  emulator::SmmuV3& smmu() const { return board_.smmu(); }

 private:
  void ste(std::uint32_t stream, const STE& ste) {
    store(board_.memory(), Pa(streams_.value + 64 * std::uint64_t{stream}), ste);
  }
  void control(std::uint32_t bits) {
    smmu().write(SMMU_CR0(bits));
    EXPECT_EQ(smmu().read<SMMU_CR0ACK>().raw(), bits);
    enabled_ = bits;
  }
  void interrupt_control(std::uint32_t bits) {
    smmu().write(SMMU_IRQ_CTRL(bits));
    EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), bits);
  }
  template <class C>
  void run(const C& command) {
    for (unsigned i = 0; i != 2; ++i) {
      const std::uint64_t slot = commands_.value + 16 * std::uint64_t{produced_ % 256};
      store(board_.memory(), Pa(slot + 8 * i), command.word(i));
    }
    produced_ = (produced_ + 1) % 512;
    smmu().write(SMMU_CMDQ_PROD(produced_));
    EXPECT_EQ(smmu().read<SMMU_CMDQ_CONS>().raw(), produced_);
  }

  Board& board_;
  Pa commands_;
  Pa events_;
  Pa streams_;
  Pa doorbell_;
  std::uint32_t enabled_ = 0;
  std::uint32_t produced_ = 0;
  bool messages_ = false;
};

using Step = void (Driver::*)();
struct Order {
  const char* name;
  std::vector<Step> steps;
};
void PrintTo(const Order& order, std::ostream* out) { *out << order.name; }

class BringUp : public ::testing::TestWithParam<Order> {};

TEST_P(BringUp, EndsWithAnSmmuThatTranslates) {
  for (const auto policy : {emulator::CachePolicy::kNone, emulator::CachePolicy::kRealistic,
                            emulator::CachePolicy::kAdversarial}) {
    auto config = emulator::SmmuV3Config::everything();
    config.caching.policy = policy;
    Board board({.config = config});
    Driver driver(board);
    for (const Step step : GetParam().steps) (driver.*step)();

    const DmaDevice device = board.device(kStream);
    EXPECT_THAT(device.translate(kAddress), Aborts());  // in silence: its STE says so
    const Pa page = board.allocate(4096);
    driver.attach(page);
    EXPECT_EQ(device.write64(kAddress, 0x1234).bytes, 8U);
    EXPECT_EQ(load(board.memory(), page), 0x1234U);
    EXPECT_FALSE(driver.interrupted());
    constexpr Iova kUnmapped(kAddress.value + 4096);
    EXPECT_THAT(device.translate(kUnmapped), Aborts());
    EXPECT_TRUE(driver.interrupted());
    EXPECT_THAT(driver.event(), IsEvent(EventType::F_TRANSLATION, kStream, kUnmapped));
    EXPECT_EQ(driver.smmu().read<SMMU_GERROR>().raw(), 0U);
    EXPECT_EQ(board.error_line.count(), 0U);
  }
}

const Order kOrders[] = {
    // The steps of 3.11, and nothing else that is not needed.
    {"the manual's",
     {&Driver::stream_table, &Driver::command_queue, &Driver::event_queue, &Driver::enable_queues,
      &Driver::forget_configuration, &Driver::forget_translations, &Driver::sync,
      &Driver::interrupts, &Driver::enable_translation}},
    {"Linux",
     {&Driver::disable, &Driver::attributes, &Driver::invalid_streams, &Driver::stream_table,
      &Driver::command_queue, &Driver::enable_commands, &Driver::forget_configuration,
      &Driver::sync, &Driver::forget_hypervisor, &Driver::sync, &Driver::forget_translations,
      &Driver::sync, &Driver::event_queue, &Driver::enable_events, &Driver::no_interrupts,
      &Driver::wired, &Driver::interrupts, &Driver::enable_translation}},
    {"Linux with messages",
     {&Driver::disable, &Driver::attributes, &Driver::invalid_streams, &Driver::stream_table,
      &Driver::command_queue, &Driver::enable_commands, &Driver::forget_configuration,
      &Driver::sync_by_message, &Driver::forget_hypervisor, &Driver::sync_by_message,
      &Driver::forget_translations, &Driver::sync_by_message, &Driver::event_queue,
      &Driver::enable_events, &Driver::no_interrupts, &Driver::wired, &Driver::messages,
      &Driver::interrupts, &Driver::enable_translation}},
    {"Linux after another kernel",
     {&Driver::inherit,
      &Driver::abort_while_disabled,
      &Driver::disable,
      &Driver::attributes,
      &Driver::invalid_streams,
      &Driver::stream_table,
      &Driver::command_queue,
      &Driver::enable_commands,
      &Driver::forget_configuration,
      &Driver::sync,
      &Driver::forget_hypervisor,
      &Driver::sync,
      &Driver::forget_translations,
      &Driver::sync,
      &Driver::event_queue,
      &Driver::enable_events,
      &Driver::no_interrupts,
      &Driver::wired,
      &Driver::interrupts,
      &Driver::enable_translation}},
    // As of FreeBSD: the stream table in the other order, one CMD_SYNC for all.
    {"table size first, one sync",
     {&Driver::disable, &Driver::attributes, &Driver::invalid_streams,
      &Driver::stream_table_in_halves, &Driver::command_queue, &Driver::enable_commands,
      &Driver::forget_configuration, &Driver::forget_hypervisor, &Driver::forget_translations,
      &Driver::sync, &Driver::event_queue, &Driver::enable_events, &Driver::interrupts,
      &Driver::enable_translation}},
    // As of Hafnium: deny first, both queues, then the table.
    {"deny first, queues before tables",
     {&Driver::abort_while_disabled, &Driver::disable, &Driver::command_queue, &Driver::event_queue,
      &Driver::stream_table, &Driver::attributes, &Driver::invalid_streams, &Driver::enable_events,
      &Driver::enable_commands, &Driver::forget_configuration, &Driver::forget_translations,
      &Driver::sync_by_event, &Driver::interrupts, &Driver::enable_translation}},
    // As of Xen: interrupts are on before there is anything to tell.
    {"interrupts first",
     {&Driver::no_interrupts, &Driver::wired, &Driver::interrupts, &Driver::disable,
      &Driver::attributes, &Driver::invalid_streams, &Driver::command_queue_in_halves,
      &Driver::event_queue, &Driver::enable_queues, &Driver::forget_translations, &Driver::sync,
      &Driver::forget_configuration, &Driver::sync, &Driver::stream_table,
      &Driver::enable_translation}},
    // As of Zephyr and of firmware: all enables in one store, invalidation after that.
    {"enabled at once",
     {&Driver::bypass_while_disabled, &Driver::disable, &Driver::attributes, &Driver::command_queue,
      &Driver::event_queue, &Driver::stream_table_in_halves, &Driver::interrupts,
      &Driver::enable_all, &Driver::forget_configuration, &Driver::forget_translations,
      &Driver::sync}},
    {"enabled twice",
     {&Driver::stream_table, &Driver::command_queue, &Driver::event_queue, &Driver::interrupts,
      &Driver::enable_all, &Driver::disable, &Driver::stream_table,
      &Driver::command_queue_in_halves, &Driver::event_queue, &Driver::enable_queues,
      &Driver::forget_configuration, &Driver::forget_translations, &Driver::sync,
      &Driver::enable_translation}},
};

INSTANTIATE_TEST_SUITE_P(Orders, BringUp, ::testing::ValuesIn(kOrders));

// What QEMU's own test of its SMMUv3 does, with each of stage 1, stage 2 and both: tables that are
// both stages' at once, the registers in its order with all enables in one store, one access of
// four bytes; then everything is wiped, invalidated without a CMD_SYNC, and the next begins.
class QemuTest : public ::testing::Test {
 protected:
  static constexpr Iova kInput{0x8080'6045'67};
  static constexpr StreamId kDevice{0x10};

  QemuTest() {
    streams_ = board_.allocate(64 << 5);
    cd_ = board_.allocate(4096);
    commands_ = board_.allocate(16 << 10, 16 << 10);
    events_ = board_.allocate(32 << 10, 32 << 10);
    page_ = board_.allocate(4096);
  }

  void program() {
    auto& smmu = board_.smmu();
    smmu.write32(0x44, 0x8000'0000);
    smmu.write32(0x20, 0);
    smmu.write32(0x28, 0x0d75);
    smmu.write64(0x90, commands_.value | 10);
    smmu.write32(0x9c, 0);
    smmu.write32(0x98, 0);
    smmu.write64(0xa0, events_.value | 10);
    smmu.write32(0x1'00a8, 0);
    smmu.write32(0x1'00ac, 0);
    smmu.write32(0x88, 5);
    smmu.write64(0x80, streams_.value);
    smmu.write32(0x20, 0xd);
    EXPECT_EQ(smmu.read32(0x24), 0xdU);
  }
  void push(std::uint64_t low, std::uint64_t high) {
    auto& smmu = board_.smmu();
    const std::uint32_t produced = smmu.read32(0x98);
    store(board_.memory(), Pa(commands_.value + 16 * (produced & 1023)), low);
    store(board_.memory(), Pa(commands_.value + 16 * (produced & 1023) + 8), high);
    smmu.write32(0x98, (produced + 1) & 2047);
    EXPECT_EQ(smmu.read32(0x9c), (produced + 1) & 2047);
  }
  // A way to `to` for the page of `from`, in the tree that serves both stages.
  void map(PageTable& stage1, PageTable& stage2) {
    stage1.map(Iova(kInput.value & ~std::uint64_t{0xfff}), page_, 4096);
    stage2.map(Iova(kInput.value & ~std::uint64_t{0xfff}), page_, 4096);
    // Tables, CD and target are where they say: IPAs that are PAs.
    stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 64 << 20);
  }
  void run(SteConfig mode) {
    PageTable stage1 = board_.page_table();
    PageTable stage2 = board_.page_table({.t0sz = 20, .stage = 2});
    map(stage1, stage2);
    STE ste = translate_stage2(stage2).set(STE::Config, mode).set(STE::S1ContextPtr, cd_.value);
    store(board_.memory(), Pa(streams_.value + 64 * std::uint64_t{kDevice.value}), ste);
    store(board_.memory(), cd_, context(stage1, Asid(0x1e20)));
    program();

    constexpr std::byte kBytes[4] = {std::byte{0x78}, std::byte{0x56}, std::byte{0x34},
                                     std::byte{0x12}};
    const DmaDevice device = board_.device(kDevice);
    EXPECT_EQ(device.write(kInput, kBytes).bytes, 4U);
    std::byte seen[4] = {};
    ASSERT_EQ(board_.memory().read(Pa(page_.value + (kInput.value & 0xfff)), seen),
              BusResponse::kOkay);
    EXPECT_THAT(seen, ::testing::ElementsAreArray(kBytes));
    EXPECT_EQ(board_.smmu().read32(0x1'00a8), 0U);  // no event
    EXPECT_EQ(board_.smmu().read32(0x60), 0U);      // no error

    store(board_.memory(), Pa(streams_.value + 64 * std::uint64_t{kDevice.value}), STE());
    store(board_.memory(), cd_, CD());
    push(0x03 | std::uint64_t{kDevice.value} << 32, 0);
    push(0x05 | std::uint64_t{kDevice.value} << 32, 0);
    push(0x30, 0);
  }
  // Then nothing is reached any more.
  void expect_nothing() {
    const DmaDevice device = board_.device(kDevice);
    std::byte before[4] = {};
    std::byte after[4] = {};
    const Pa at(page_.value + (kInput.value & 0xfff));
    ASSERT_EQ(board_.memory().read(at, before), BusResponse::kOkay);
    constexpr std::byte kOthers[4] = {};
    EXPECT_THAT(device.write(kInput, kOthers), Aborts());
    ASSERT_EQ(board_.memory().read(at, after), BusResponse::kOkay);
    EXPECT_THAT(after, ::testing::ElementsAreArray(before));
  }

  Board board_;
  Pa streams_;
  Pa cd_;
  Pa commands_;
  Pa events_;
  Pa page_;
};

TEST_F(QemuTest, Stage1) {
  run(SteConfig::kS1Translate);
  expect_nothing();
}
TEST_F(QemuTest, Stage2) {
  run(SteConfig::kS2Translate);
  expect_nothing();
}
TEST_F(QemuTest, Nested) {
  run(SteConfig::kNested);
  expect_nothing();
}
TEST_F(QemuTest, OneAfterTheOther) {
  for (const auto mode : {SteConfig::kS1Translate, SteConfig::kS2Translate, SteConfig::kNested}) {
    run(mode);
  }
  expect_nothing();
}

}  // namespace
}  // namespace smmu::testing::bring_up_order_test
