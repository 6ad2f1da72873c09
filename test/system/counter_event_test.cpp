// What a counter group counts, event by event (IHI 0070, 10.3), and when it does not count.
#include <algorithm>
#include <array>
#include <vector>

#include "test/system/ats_stream.h"
#include "test/system/counter_driver.h"
#include "test/system/operation.h"
#include "test/system/stalling_stream.h"

namespace smmu::testing::counter_event_test {
namespace {

using emulator::CachePolicy;
using emulator::CounterGroupConfig;
using emulator::Direction;
using emulator::Pace;
using emulator::SmmuV3Config;
using ::testing::ElementsAre;
using v3::MonitorEvent;
using v3::SMMU_CR0;

constexpr StreamId kStream(7);
constexpr StreamId kAnother(8);
constexpr Iova kAddress(0x40'0000);
constexpr Iova kUnmapped(0x80'0000);

constexpr MonitorEvent kEvents[] = {
    MonitorEvent::kTransaction,
    MonitorEvent::kTlbMiss,
    MonitorEvent::kConfigurationCacheMiss,
    MonitorEvent::kTableWalkAccess,
    MonitorEvent::kConfigurationAccess,
    MonitorEvent::kAtsTranslationRequest,
    MonitorEvent::kAtsTranslated,
};

// Counter n counts event n.
class AllEvents : public CounterDriver {
 public:
  explicit AllEvents(Mmio& registers, std::optional<StreamId> stream = {})
      : CounterDriver(registers) {
    for (const MonitorEvent event : kEvents)
      count(static_cast<std::uint32_t>(event), event, stream);
  }
  // Events 1 to 7 since the last call.
  std::vector<std::uint64_t> take_all() {
    std::vector<std::uint64_t> counted;
    for (std::uint32_t n = 1; n != 8; ++n) counted.push_back(take(n));
    return counted;
  }
};

SmmuV3Config with(CachePolicy policy) {
  auto config = counted();
  config.caching.policy = policy;
  return config;
}

class CounterEvents : public ::testing::TestWithParam<CachePolicy> {
 protected:
  CounterEvents() {
    board_.bring_up();
    page_ = board_.allocate(16 * 4096);
    table_.map(kAddress, page_, 16 * 4096);
    cd_ = board_.attach(kStream, table_);
    events_.take_all();
  }
  static bool keeps() { return GetParam() != CachePolicy::kNone; }

  Board board_{{.config = with(GetParam())}};
  PageTable table_ = board_.page_table();
  Pa page_;
  Pa cd_;
  DmaDevice device_ = board_.device(kStream);
  AllEvents events_{board_.smmu().counter_group(0)};
};

TEST_P(CounterEvents, AMissReadsTheConfigurationAndFourTables) {
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(events_.take_all(), ElementsAre(1, 1, 1, 4, 2, 0, 0));
}

TEST_P(CounterEvents, AHitIsATransactionAndNothingElse) {
  device_.translate(kAddress);
  events_.take_all();
  for (unsigned i = 0; i != 10; ++i) device_.translate(kAddress);
  if (keeps()) {
    EXPECT_THAT(events_.take_all(), ElementsAre(10, 0, 0, 0, 0, 0, 0));
  } else {
    EXPECT_THAT(events_.take_all(), ElementsAre(10, 10, 10, 40, 20, 0, 0));
  }
}

TEST_P(CounterEvents, TheOneMissMayBeWithoutTheOther) {
  device_.translate(kAddress);
  events_.take_all();
  using v3::CMD_CFGI_STE;
  const auto cfgi = command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, kStream.value);
  if (!keeps()) return;
  board_.submit_and_sync(cfgi);
  device_.translate(kAddress);
  EXPECT_THAT(events_.take_all(), ElementsAre(1, 0, 1, 0, 2, 0, 0));
  board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  device_.translate(kAddress);
  EXPECT_EQ(events_.take(1), 1U);
  EXPECT_EQ(events_.take(2), 1U);
  EXPECT_EQ(events_.take(3), 0U);
  EXPECT_EQ(events_.take(4), 4U);
  EXPECT_EQ(events_.take(5), 0U);
}

TEST_P(CounterEvents, CountATransactionThatIsTerminated) {  // note 1
  EXPECT_THAT(device_.translate(kUnmapped), Aborts());
  EXPECT_THAT(device_.translate(kUnmapped), Aborts());
  EXPECT_EQ(events_.take(1), 2U);
  EXPECT_EQ(events_.take(2), 2U);
  EXPECT_THAT(board_.device(kAnother).translate(kAddress), Aborts());  // no valid STE
  EXPECT_EQ(events_.take(1), 1U);
  EXPECT_EQ(events_.take(2), 0U);
  EXPECT_THAT(device_.refuse(kAddress, 3), Aborts());
  EXPECT_EQ(events_.take(1), 1U);
}

// A bus transaction does not cross a boundary of 4 KiB.
TEST_P(CounterEvents, CountAnAccessPageByPage) {
  std::vector<std::byte> sent(3 * 4096, std::byte{0x5a});
  sent[4095] = std::byte{1};
  const auto written = device_.write(Iova(kAddress.value + 0x800), sent);
  EXPECT_EQ(written.bytes, sent.size());
  EXPECT_THAT(written, TranslatesTo(Pa(page_.value + 3 * 4096)));
  EXPECT_EQ(events_.take(1), 4U);
  EXPECT_EQ(events_.take(2), 4U);
  std::vector<std::byte> got(sent.size());
  EXPECT_EQ(device_.read(Iova(kAddress.value + 0x800), got).bytes, sent.size());
  EXPECT_EQ(events_.take(1), 4U);
  EXPECT_EQ(events_.take(2), keeps() ? 0U : 4U);
  EXPECT_EQ(got, sent);
  // What goes nowhere ends there.
  std::vector<std::byte> more(20 * 4096);
  const auto cut = device_.read(Iova(kAddress.value + 14 * 4096), more);
  EXPECT_EQ(cut.bytes, 2 * 4096U);
  EXPECT_THAT(cut, Aborts());
  EXPECT_EQ(events_.take(1), 3U);
  // And what is nothing is a transaction, too.
  EXPECT_EQ(device_.read(kAddress, {}).bytes, 0U);
  EXPECT_EQ(events_.take(1), 1U);
}

TEST_P(CounterEvents, CountAnUpdateOfADescriptor) {  // HTTU
  const Iova old(0x60'0000);
  table_.map(old, page_, 4096, {.access_flag = false});
  store(board_.memory(), cd_, context(table_).set(v3::CD::HA, true));
  using v3::CMD_CFGI_CD;
  board_.submit_and_sync(command<CMD_CFGI_CD>().set(CMD_CFGI_CD::StreamID, kStream.value));
  EXPECT_THAT(device_.translate(old), TranslatesTo(page_));
  EXPECT_EQ(events_.take(2), 1U);
  EXPECT_EQ(events_.take(4), 5U);
}

TEST_P(CounterEvents, APrefetchIsNoTransactionAndIsOfItsStream) {  // note 2
  using v3::CMD_PREFETCH_ADDR;
  AllEvents others(board_.smmu().counter_group(0), kAnother);
  AllEvents of_stream(board_.smmu().counter_group(0), kStream);
  board_.submit_and_sync(command<CMD_PREFETCH_ADDR>()
                             .set(CMD_PREFETCH_ADDR::StreamID, kStream.value)
                             .set(CMD_PREFETCH_ADDR::Size, 1)
                             .set(CMD_PREFETCH_ADDR::Address, kAddress.value));
  // Without caches it has nothing to do.
  const std::uint64_t tables = GetParam() == CachePolicy::kAdversarial ? 5 : keeps() ? 8 : 0;
  EXPECT_THAT(of_stream.take_all(), ElementsAre(0, 0, 0, tables, keeps() ? 2 : 0, 0, 0));
}

TEST_P(CounterEvents, WithTheSmmuOffCountTransactionsAlone) {  // 10.2
  const auto on = board_.smmu().read<SMMU_CR0>();
  board_.smmu().write(SMMU_CR0(on).set(SMMU_CR0::SMMUEN, false));
  EXPECT_THAT(device_.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(events_.take_all(), ElementsAre(1, 0, 0, 0, 0, 0, 0));
}

INSTANTIATE_TEST_SUITE_P(EveryPolicy, CounterEvents,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial));

class OneCounter : public ::testing::Test {
 protected:
  OneCounter() { counters_.count(0, MonitorEvent::kTransaction); }

  Board board_{{.config = counted()}};
  DmaDevice device_ = board_.device(kStream);
  Mmio& registers_ = board_.smmu().counter_group(0);
  CounterDriver counters_{registers_};
};

TEST_F(OneCounter, NeedsBothEnables) {  // 10.5.2.5, 10.5.2.14
  device_.translate(kAddress);
  EXPECT_EQ(counters_.value(0), 1U);
  counters_.enable(false);
  device_.translate(kAddress);
  EXPECT_EQ(counters_.value(0), 1U);
  counters_.enable(true);
  device_.translate(kAddress);
  EXPECT_EQ(counters_.value(0), 2U);
  registers_.write64(v3::SMMU_PMCG_CNTENCLR0::kOffset, 1);
  device_.translate(kAddress);
  EXPECT_EQ(counters_.value(0), 2U);
  registers_.write64(v3::SMMU_PMCG_CNTENSET0::kOffset, 1);
  device_.translate(kAddress);
  EXPECT_EQ(counters_.value(0), 3U);
}

TEST_F(OneCounter, IsOneOfSeveralOfTheSameEvent) {
  counters_.count(1, MonitorEvent::kTransaction);
  counters_.count(63, MonitorEvent::kTransaction);
  counters_.set(63, 0x1234'5678'0000'0000);
  device_.translate(kAddress);
  EXPECT_EQ(counters_.value(0), 1U);
  EXPECT_EQ(counters_.value(1), 1U);
  EXPECT_EQ(counters_.value(63), 0x1234'5678'0000'0001U);
  EXPECT_EQ(counters_.value(2), 0U);
}

TEST_F(OneCounter, OfAnEventThatThereIsNotCountsNothing) {  // 10.5.2.2, 10.5.2.16
  for (const std::uint32_t event :
       {0U, 8U, 31U, 32U, 33U, 63U, 64U, 65U, 0x7fU, 0x80U, 0x101U, 0xffffU}) {
    counters_.count(0, static_cast<MonitorEvent>(event));
    device_.translate(kAddress);
    EXPECT_EQ(counters_.value(0), 0U) << event;
    EXPECT_EQ(registers_.read32(v3::SMMU_PMCG_EVTYPERn::offset(0)) & 0xffff, event);
  }
}

TEST(CounterEventsOfAts, AreRequestsAndTranslatedTransactions) {
  AtsStream stream({.config = counted()});
  stream.attach(stream.of_stage1());
  AllEvents events(stream.board.smmu().counter_group(0));
  EXPECT_THAT(stream.device.request(AtsStream::kAddress), Grants(kReadWrite));
  EXPECT_THAT(events.take_all(), ElementsAre(1, 1, 1, 4, 2, 1, 0));
  EXPECT_THAT(stream.device.request(AtsStream::kAddress), Grants(kReadWrite));
  EXPECT_THAT(events.take_all(), ElementsAre(1, 0, 0, 0, 0, 1, 0));
  EXPECT_THAT(stream.device.access_translated(Iova(stream.page.value)), TranslatesTo(stream.page));
  EXPECT_THAT(events.take_all(), ElementsAre(1, 0, 0, 0, 0, 0, 1));
  // Whatever becomes of it.
  EXPECT_THAT(stream.device.access_translated(Iova(~std::uint64_t{0})), Aborts());
  EXPECT_THAT(events.take_all(), ElementsAre(1, 0, 0, 0, 0, 0, 1));
}

TEST(CounterEventsOfAts, WalkStage2OfWhatIsSplit) {
  AtsStream stream({.config = counted()});
  stream.attach(stream.nested(v3::AtsMode::kSplitStage));
  stream.check(true);
  AllEvents events(stream.board.smmu().counter_group(0));
  EXPECT_THAT(stream.device.access_translated(AtsStream::kPage), TranslatesTo(stream.page));
  EXPECT_EQ(events.take(7), 1U);
  EXPECT_EQ(events.take(2), 1U);
  EXPECT_EQ(events.take(3), 1U);
  EXPECT_NE(events.take(4), 0U);
  EXPECT_EQ(events.take(5), 1U);  // the STE: nothing of stage 1
}

TEST(CounterEventsOfAts, AreNotThereWithoutAts) {
  auto config = counted();
  config.idr0.set(v3::SMMU_IDR0::ATS, false)
      .set(v3::SMMU_IDR0::PRI, false)
      .set(v3::SMMU_IDR0::ATSRECERR, false);
  config.idr3.set(v3::SMMU_IDR3::PPS, false);
  config.s_idr3 = {};
  Board board({.config = config});
  AllEvents events(board.smmu().counter_group(0));
  emulator::Port& port = board.smmu().add_port();
  port.request_translation({.stream = kStream, .address = kAddress});
  EXPECT_THAT(events.take_all(), ElementsAre(1, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(port.translate({.stream = kStream,
                              .address = kAddress,
                              .address_type = emulator::AddressType::kTranslated}),
              Aborts());
  EXPECT_THAT(events.take_all(), ElementsAre(1, 0, 0, 0, 0, 0, 0));
}

class CountedOperations : public OperationTest {
 protected:
  CountedOperations() : OperationTest({.config = counted()}) {}
};

TEST_F(CountedOperations, AreNoTransactionsAndAreOfTheirStream) {  // note 2
  AllEvents events(board_.smmu().counter_group(0), kStage1Stream);
  EXPECT_EQ(ask({v3::TranslationType::kStage1, kStage1Stream, kAddress}), finds(page_.value));
  EXPECT_THAT(events.take_all(), ElementsAre(0, 0, 0, 4, 2, 0, 0));
  ask({v3::TranslationType::kStage2, kStage2Stream, kIpa});
  EXPECT_THAT(events.take_all(), ElementsAre(0, 0, 0, 0, 0, 0, 0));
}

TEST(CountedStalls, AreNotCountedAgainWhenTheyAreRetried) {  // 10.3
  StallingStream stream({.config = counted()});
  AllEvents events(stream.board.smmu().counter_group(0), StallingStream::kStream);
  const auto outcome = stream.device.translate(StallingStream::kUnmapped);
  ASSERT_THAT(outcome, Stalls());
  EXPECT_EQ(events.take(1), 1U);
  EXPECT_EQ(events.take(2), 1U);
  EXPECT_NE(events.take(4), 0U);
  stream.repair();
  stream.board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(outcome)));
  ASSERT_TRUE(stream.ends.take(outcome));
  EXPECT_EQ(events.take(1), 0U);
  EXPECT_EQ(events.take(2), 0U);
  EXPECT_NE(events.take(4), 0U);  // but the walk is one
}

TEST(CountedStalls, EndAnAccessWhereTheyComeUp) {
  StallingStream stream({.config = counted()});
  AllEvents events(stream.board.smmu().counter_group(0), StallingStream::kStream);
  const std::vector<std::byte> sent(2 * 4096, std::byte{0x5a});
  // kUnmapped is the page after kMapped.
  const auto first = stream.device.write(StallingStream::kMapped, sent);
  ASSERT_THAT(first, Stalls());
  EXPECT_EQ(first.bytes, 4096U);
  EXPECT_EQ(events.take(1), 2U);
  stream.repair();
  stream.board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(first.outcome)));
  ASSERT_TRUE(stream.ends.take(first.outcome));
  const auto rest = stream.device.write(StallingStream::kUnmapped, std::span(sent).subspan(4096));
  EXPECT_EQ(rest.bytes, 4096U);
  EXPECT_EQ(load(stream.board.memory(), Pa(stream.other_page.value + 4088)),
            0x5a5a'5a5a'5a5a'5a5aU);
  EXPECT_EQ(events.take(1), 1U);
}

// The STE that says how an answer names a PASID.
TEST(CountedPageRequests, ReadTheConfigurationOfTheirStream) {
  auto config = counted();
  config.idr3.set(v3::SMMU_IDR3::PPS, false);
  AtsStream stream({.config = config});
  stream.attach(stream.of_stage1());
  stream.board.bring_up_page_requests(0);
  stream.device.use(emulator::Pasid{.substream = SubstreamId(1)});
  AllEvents others(stream.board.smmu().counter_group(0), kStream);
  stream.device.ask_for_page(AtsStream::kAddress, 1);
  stream.device.ask_for_page(AtsStream::kAddress, 2);  // there is no room
  EXPECT_EQ(others.take(5), 0U);
  AllEvents events(stream.board.smmu().counter_group(0), AtsStream::kStream);
  stream.board.submit_and_sync(
      command<v3::CMD_CFGI_STE>().set(v3::CMD_CFGI_STE::StreamID, AtsStream::kStream.value));
  stream.device.ask_for_page(AtsStream::kAddress, 3);
  EXPECT_THAT(events.take_all(), ElementsAre(0, 0, 0, 0, 1, 0, 0));
}

TEST(CountedCycles, AreTheEffectsOfSteps) {
  auto config = counted();
  config.pace = Pace::kStepped;
  Board board({.config = config});
  CounterDriver counters(board.smmu().counter_group(0));
  counters.count(0, MonitorEvent::kClockCycle, kAnother);  // it is of no stream
  board.device(kStream).translate(kAddress);
  EXPECT_EQ(counters.value(0), 0U);
  EXPECT_EQ(board.smmu().step(10), 0U);
  EXPECT_EQ(counters.value(0), 0U);
  board.smmu().write(SMMU_CR0().set(SMMU_CR0::EVENTQEN, true));
  board.smmu().secure().write32(0x8020, 0x4);  // SMMU_S_CR0
  EXPECT_EQ(board.smmu().step(1), 1U);
  EXPECT_EQ(counters.value(0), 1U);
  EXPECT_EQ(board.smmu().step(10), 1U);
  EXPECT_EQ(counters.value(0), 2U);
}

// What the observer that a user has wired hears, with a counter group and without.
class Heard final : public emulator::Observer {
 public:
  void on_configuration_fetch(const emulator::ConfigurationFetch&) override { ++counts[0]; }
  void on_table_access(const emulator::TableAccess&) override { ++counts[1]; }
  void on_table_update(const emulator::TableUpdate&) override { ++counts[2]; }
  void on_tlb_hit(const emulator::TlbEntryInfo&) override { ++counts[3]; }
  void on_tlb_fill(const emulator::TlbEntryInfo&) override { ++counts[4]; }
  void on_tlb_evict(const emulator::TlbEntryInfo&, emulator::EvictionReason) override {
    ++counts[5];
  }
  void on_command(const emulator::CommandConsumed&) override { ++counts[6]; }
  void on_event(const emulator::EventReported&) override { ++counts[7]; }
  void on_page_request(const emulator::PageRequestReported&) override { ++counts[8]; }
  void on_stall(const emulator::StallReported&) override { ++counts[9]; }
  void on_register_access(const emulator::RegisterAccess&) override { ++counts[10]; }

  std::array<unsigned, 11> counts{};
};

// All of it at least once.
Heard play(SmmuV3Config config) {
  Heard heard;
  config.caching.main_tlb = {1, 1};
  StallingStream stream({.config = config, .observer = &heard});
  const Iova old(0x60'0000);
  stream.table.map(old, stream.other_page, 4096, {.access_flag = false});
  stream.use(context(stream.table).set(v3::CD::HA, true).set(v3::CD::S, true));
  for (const Iova address : {StallingStream::kMapped, StallingStream::kMapped, old}) {
    stream.device.translate(address);
  }
  const auto outcome = stream.device.translate(StallingStream::kUnmapped);
  stream.board.submit_and_sync(StallingStream::abort(StallingStream::tag_of(outcome)));
  stream.board.bring_up_page_requests();
  stream.board.ats_device(StallingStream::kStream).ask_for_page(old, 1);
  return heard;
}

TEST(CountedObservers, HearWhatTheyHeardWithoutAGroup) {
  const Heard alone = play(SmmuV3Config::everything());
  const Heard counted_too = play(counted());
  EXPECT_EQ(alone.counts, counted_too.counts);
  for (const unsigned count : counted_too.counts) EXPECT_NE(count, 0U);
}

}  // namespace
}  // namespace smmu::testing::counter_event_test
