// Whose events a counter counts: by StreamID, by group and by Security state (IHI 0070, 10.4 and
// 10.6).
#include "test/system/counter_driver.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::counter_filter_test {
namespace {

using emulator::CounterGroupConfig;
using emulator::SmmuV3Config;
using v3::MonitorEvent;
using v3::SMMU_PMCG_CFGR;
using v3::SMMU_PMCG_EVTYPERn;

constexpr Iova kAddress(0x40'0000);

SMMU_PMCG_EVTYPERn transactions(bool span, bool secure = false) {
  return SMMU_PMCG_EVTYPERn()
      .set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTransaction)
      .set(SMMU_PMCG_EVTYPERn::FILTER_SID_SPAN, span)
      .set(SMMU_PMCG_EVTYPERn::FILTER_SEC_SID, secure);
}

void send(Board& board, std::initializer_list<std::uint32_t> streams) {
  for (const std::uint32_t stream : streams) board.device(StreamId(stream)).translate(kAddress);
}

TEST(CounterStreams, AreOneOrASpanOrAll) {  // 10.4
  Board board({.config = counted()});
  CounterDriver counters(board.smmu().counter_group(0));
  counters.configure(0, transactions(false), 0x16);
  counters.configure(1, transactions(true), 0x13);         // 0x10 to 0x17
  counters.configure(2, transactions(true), 0x7fff'ffff);  // all
  counters.configure(3, transactions(true), 0xffff'ffff);
  counters.configure(4, transactions(false), 0xffff'ffff);
  send(board, {0x16, 0x16, 0x17, 0x18, 0x10, 0x0f, 0, 0xffff'ffff, 0x8000'0016});
  EXPECT_EQ(counters.value(0), 2U);
  EXPECT_EQ(counters.value(1), 4U);
  EXPECT_EQ(counters.value(2), 9U);
  EXPECT_EQ(counters.value(3), 9U);
  EXPECT_EQ(counters.value(4), 1U);
}

TEST(CounterStreams, AreTheSameForReadsOfTables) {
  Board board({.config = counted()});
  board.bring_up();
  PageTable table = board.page_table();
  table.map(kAddress, board.allocate(4096), 4096);
  CounterDriver counters(board.smmu().counter_group(0));
  for (const std::uint32_t stream : {3U, 4U}) {
    board.attach(StreamId(stream), table, Asid(static_cast<std::uint16_t>(stream)));
    counters.count(stream, MonitorEvent::kTableWalkAccess, StreamId(stream));
    counters.count(10 + stream, MonitorEvent::kConfigurationAccess, StreamId(stream));
    counters.count(20 + stream, MonitorEvent::kTlbMiss, StreamId(stream));
    counters.count(30 + stream, MonitorEvent::kConfigurationCacheMiss, StreamId(stream));
  }
  const auto expect = [&](std::uint32_t stream, std::uint64_t times) {
    EXPECT_EQ(counters.value(stream), 4 * times);
    EXPECT_EQ(counters.value(10 + stream), 2 * times);
    EXPECT_EQ(counters.value(20 + stream), times);
    EXPECT_EQ(counters.value(30 + stream), times);
  };
  send(board, {3});
  expect(3, 1);
  expect(4, 0);
  send(board, {4});
  expect(3, 1);
  expect(4, 1);
}

TEST(CounterStreams, MayHaveOneFilterForAllCounters) {  // SID_FILTER_TYPE
  auto group = CounterGroupConfig::everything();
  group.cfgr.set(SMMU_PMCG_CFGR::SID_FILTER_TYPE, true);
  Board board({.config = counted(SmmuV3Config::everything(), group)});
  CounterDriver counters(board.smmu().counter_group(0));
  counters.configure(0, transactions(true), 0x11);  // 0x10 to 0x13
  counters.configure(1, transactions(false), 0x20);
  counters.configure(2, transactions(true), 0xffff'ffff);
  send(board, {0x10, 0x13, 0x14, 0x20});
  for (const std::uint32_t n : {0U, 1U, 2U}) EXPECT_EQ(counters.value(n), 2U) << n;
  // Whatever counter 0 counts.
  counters.configure(0, transactions(false).set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent(0x99)),
                     0x20);
  send(board, {0x10, 0x20});
  EXPECT_EQ(counters.value(0), 0U);
  EXPECT_EQ(counters.value(1), 3U);
}

TEST(CounterStreams, AreThoseOfTheGroup) {  // 10.2, 10.4.1
  auto config = SmmuV3Config::everything();
  for (const std::uint32_t first : {0x00U, 0x10U}) {
    auto group = CounterGroupConfig::everything();
    group.stream_bits = 4;
    group.first_stream = StreamId(first);
    config = counted(config, group);
  }
  Board board({.config = config});
  CounterDriver low(board.smmu().counter_group(0));
  CounterDriver high(board.smmu().counter_group(1));
  for (CounterDriver* counters : {&low, &high}) {
    counters->configure(0, transactions(true), 0xffff'ffff);
    counters->configure(1, transactions(false), 0x1234'5612);
    counters->configure(2, transactions(true), 0x7);  // all, in four bits
  }
  send(board, {0x02, 0x0f, 0x10, 0x12, 0x1f, 0x20, 0x1234'5612});
  EXPECT_EQ(low.value(0), 2U);
  EXPECT_EQ(low.value(1), 1U);
  EXPECT_EQ(low.value(2), 2U);
  EXPECT_EQ(high.value(0), 3U);
  EXPECT_EQ(high.value(1), 1U);
  EXPECT_EQ(high.value(2), 3U);
  // What does not fit is not stored.
  EXPECT_EQ(board.smmu().counter_group(1).read32(v3::SMMU_PMCG_SMRn::offset(1)), 2U);
}

class SecureCounters : public ::testing::Test {
 protected:
  static SmmuV3Config with_secure_state(bool group, bool smmu) {
    auto one = CounterGroupConfig::everything();
    one.secure_state = group;
    auto config = SmmuV3Config::everything();
    if (!smmu) config = config.without_secure_state();
    return counted(config, one);
  }
  explicit SecureCounters(bool group = true, bool smmu = true)
      : board_(with_secure_state(group, smmu)) {
    counters_.configure(0, transactions(false), 5);
    counters_.configure(1, transactions(false, true), 5);
    counters_.configure(2, transactions(true), 0x7fff'ffff);
    counters_.configure(3, transactions(true, true), 0x7fff'ffff);
    counters_.configure(4, transactions(true), 0xffff'ffff);
    counters_.configure(5, transactions(true, true), 0xffff'ffff);
  }
  emulator::CounterGroup& group() { return board_.smmu().counter_group(0); }
  void observe(bool secure) {
    using v3::SMMU_PMCG_SCR;
    group().secure().write(
        SMMU_PMCG_SCR().set(SMMU_PMCG_SCR::NSRA, true).set(SMMU_PMCG_SCR::SO, secure));
  }
  // Two of the one, three of the other.
  void send_both() {
    const DmaDevice device = board_.non_secure().device(StreamId(5));
    for (unsigned i = 0; i != 2; ++i) device.translate(kAddress);
    const DmaDevice secure = board_.non_secure().device(StreamId(5)).of(SecurityState::kSecure);
    for (unsigned i = 0; i != 3; ++i) secure.translate(kAddress);
  }
  std::vector<std::uint64_t> counted_now() {
    std::vector<std::uint64_t> values;
    for (std::uint32_t n = 0; n != 6; ++n) values.push_back(counters_.take(n));
    return values;
  }

  TwoSpaces board_;
  CounterDriver counters_{group().secure()};
};

TEST_F(SecureCounters, ObserveNonSecureStreamsUnlessTheyAreAllowedMore) {  // SO 0
  send_both();
  EXPECT_THAT(counted_now(), ::testing::ElementsAre(2, 2, 2, 2, 2, 2));
}

TEST_F(SecureCounters, ObserveWhatTheFilterSays) {  // SO 1
  observe(true);
  send_both();
  EXPECT_THAT(counted_now(), ::testing::ElementsAre(2, 3, 2, 3, 5, 5));
  observe(false);
  send_both();
  EXPECT_THAT(counted_now(), ::testing::ElementsAre(2, 2, 2, 2, 2, 2));
}

TEST_F(SecureCounters, ObserveWalksOfSecureStreams) {
  board_.bring_up();
  PageTable table(board_.memory(SecurityState::kSecure), board_.secure().allocator(), {});
  table.map(kAddress, Pa(0x4100'0000), 4096);
  board_.secure().attach(StreamId(5), table);
  observe(true);
  for (const std::uint32_t n : {0U, 1U}) {
    const bool secure = n == 1;
    counters_.configure(
        n,
        transactions(false, secure).set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kTableWalkAccess),
        5);
    counters_.configure(10 + n,
                        transactions(false, secure)
                            .set(SMMU_PMCG_EVTYPERn::EVENT, MonitorEvent::kConfigurationAccess),
                        5);
  }
  board_.secure().device(StreamId(5)).translate(kAddress);
  EXPECT_EQ(counters_.value(0), 0U);
  EXPECT_EQ(counters_.value(1), 4U);
  EXPECT_EQ(counters_.value(10), 0U);
  EXPECT_EQ(counters_.value(11), 2U);
}

// "If a PMCG does not support Secure state but the system does".
class WithoutSecureState : public SecureCounters {
 protected:
  WithoutSecureState() : SecureCounters(false, true) {}
};
TEST_F(WithoutSecureState, CountersObserveNonSecureStreamsAlone) {  // 10.6
  observe(true);
  send_both();
  EXPECT_THAT(counted_now(), ::testing::ElementsAre(2, 2, 2, 2, 2, 2));
}

// "If a PMCG supports Secure state but the system does not".
class InASystemWithout : public SecureCounters {
 protected:
  InASystemWithout() : SecureCounters(true, false) {}
};
TEST_F(InASystemWithout, EveryStreamIsNonSecure) {  // 10.6
  send_both();
  EXPECT_THAT(counted_now(), ::testing::ElementsAre(5, 5, 5, 5, 5, 5));
  observe(true);
  send_both();
  EXPECT_THAT(counted_now(), ::testing::ElementsAre(5, 0, 5, 0, 5, 5));
}

}  // namespace
}  // namespace smmu::testing::counter_filter_test
