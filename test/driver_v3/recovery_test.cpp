// What the driver makes of an SMMU that reports errors, takes its time, or gives nonsense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "smmu/arch/v3/events.h"
#include "smmu/arch/v3/page_requests.h"
#include "smmu/arch/v3/registers.h"
#include "smmu/platform/memory.h"
#include "smmu/testing/driven_board.h"
#include "smmu/testing/matchers.h"
#include "test/driver_v3/scripted_board.h"

namespace smmu::testing::recovery_test {
namespace {

using emulator::SmmuV3Config;
using iommu::DomainType;
using iommu::kReadWrite;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using v3::CommandError;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_CONS;
using v3::SMMU_EVENTQ_PROD;
using v3::SMMU_GERROR;

constexpr StreamId kNic = StreamId(7);
constexpr Iova kPage = Iova(0x1000);

// Time that passes as the SMMU takes steps.
class StepClock final : public Clock {
 public:
  std::chrono::nanoseconds now() override { return std::chrono::nanoseconds(now_); }
  void wait(std::chrono::nanoseconds duration) override {
    now_ += duration.count() + 1;
    if (smmu != nullptr) smmu->step(1);
  }
  emulator::SmmuV3* smmu = nullptr;

 private:
  std::int64_t now_ = 0;
};

TEST(Recovery, StepByStepEverythingIsWaitedFor) {
  SmmuV3Config config = SmmuV3Config::everything();
  config.pace = emulator::Pace::kStepped;
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x4000'0000), 64 << 20));
  auto pool = iommu::PagePool::create(ram, Pa(0x4000'0000), 32 << 20);
  ASSERT_TRUE(pool);
  auto smmu = emulator::SmmuV3::create(config, {.memory = &ram});
  ASSERT_TRUE(smmu);
  StepClock clock;
  clock.smmu = smmu->get();
  RecordingLog log;
  for (const auto sync : {iommu::SmmuV3DriverConfig::SyncSignal::kPoll,
                          iommu::SmmuV3DriverConfig::SyncSignal::kMessage}) {
    auto driver = iommu::SmmuV3Driver::create({.registers = smmu->get(),
                                               .pool = pool->get(),
                                               .clock = &clock,
                                               .log = &log,
                                               .sync = sync});
    ASSERT_TRUE(driver) << driver.error();
    auto iommu = iommu::Iommu::create(*std::move(driver));
    ASSERT_TRUE(iommu);
    auto device = (*iommu)->add_device({.streams = {{kNic}}});
    ASSERT_TRUE(device);
    const auto domain = (*iommu)->create_domain(DomainType::kUnmanaged);
    ASSERT_TRUE(domain);
    ASSERT_TRUE((*domain)->map(kPage, Pa(0x4300'0000), 4096, kReadWrite));
    ASSERT_TRUE((*device)->group().attach(**domain));
    DmaDevice nic((*smmu)->add_port(), kNic);
    EXPECT_THAT(nic.translate(kPage), TranslatesTo(Pa(0x4300'0000)));
    EXPECT_EQ((*domain)->unmap(kPage, 4096), 4096U);
    EXPECT_THAT(nic.translate(kPage), Aborts());
    EXPECT_THAT(log.sentences(), IsEmpty());
  }
}

// A board whose SMMU finds fault with commands.
class CommandErrors : public ::testing::Test {
 protected:
  CommandErrors() {
    EXPECT_EQ(board.start(), "");
    board.smmu.error_line = &board.driver->global_error_line();
    iommu::Device& device = board.add({.streams = {{kNic}}});
    domain = board.domain();
    EXPECT_TRUE(device.group().attach(*domain));
    board.smmu.story();
    board.smmu.commands();
  }
  // What a test says of commands is not for what comes after it.
  ~CommandErrors() override { board.smmu.judge = nullptr; }

  ScriptedBoard board;
  std::unique_ptr<iommu::Domain> domain;
};

TEST_F(CommandErrors, ACommandThatIsIllegalIsLeftOut) {
  unsigned errors = 0;
  board.smmu.judge = [&errors](const CommandWords& words) {
    const bool illegal = command_name(words) == "CMD_TLBI_NH_ASID" && errors++ == 0;
    return illegal ? CommandError::CERROR_ILL : CommandError::CERROR_NONE;
  };
  domain->flush_all();
  EXPECT_THAT(board.smmu.story(), ElementsAre("SMMU_GERRORN = 0x1", "CMD_SYNC", "CMD_SYNC"));
  EXPECT_THAT(board.log.sentences(), ElementsAre(StartsWith("CERROR_ILL at index")));
  domain->flush_all();
  EXPECT_THAT(board.smmu.story(), ElementsAre("CMD_TLBI_NH_ASID", "CMD_SYNC"));
}

// Each interrupts in the middle of what is done about the one before.
TEST_F(CommandErrors, ManyThatAreIllegalAreAllLeftOut) {
  const auto parent = board.domain(DomainType::kUnmanaged, {.nest_parent = true});
  // A guest that has got no further than bypass.
  const auto guest = board.domain(
      DomainType::kNested, {.parent = parent.get(), .guest = {.words = {0b100 << 1 | 1, 0}}});
  iommu::Device& other = board.add({.streams = {{StreamId(8)}}});
  ASSERT_TRUE(other.group().attach(*guest));
  board.smmu.judge = [](const CommandWords& words) {
    return command_name(words) == "CMD_TLBI_NH_ALL" ? CommandError::CERROR_ILL
                                                    : CommandError::CERROR_NONE;
  };
  const std::vector<std::array<std::uint64_t, 2>> commands(
      60, {static_cast<std::uint64_t>(v3::Opcode::CMD_TLBI_NH_ALL), 0});
  EXPECT_EQ(guest->invalidate(commands).commands, 60U);
  EXPECT_THAT(board.log.sentences(), ::testing::SizeIs(60));
  EXPECT_LT(board.clock.now(), std::chrono::milliseconds(1));
  board.smmu.judge = nullptr;
  EXPECT_TRUE(other.group().detach());
}

TEST_F(CommandErrors, WhatCouldNotBeReadIsReadAgain) {
  for (const CommandError error : {CommandError::CERROR_ABT, CommandError::CERROR_ATC_INV_SYNC}) {
    unsigned errors = 0;
    board.smmu.judge = [&errors, error](const CommandWords&) {
      return errors++ < 2 ? error : CommandError::CERROR_NONE;
    };
    domain->flush_all();
    EXPECT_THAT(board.smmu.commands(), ElementsAre(CommandWords{0x0001'0000'0000'0011, 0}));
    EXPECT_EQ(board.log.sentences().size(), 2U);
  }
}

TEST_F(CommandErrors, AQueueThatCannotBeReadIsGivenUp) {
  unsigned errors = 0;
  board.smmu.judge = [&errors](const CommandWords&) {
    ++errors;
    return CommandError::CERROR_ABT;
  };
  domain->flush_all();
  EXPECT_LT(errors, 20U);
  const auto sentences = board.log.sentences();
  EXPECT_THAT(sentences, Contains(HasSubstr("does not get beyond")));
  EXPECT_THAT(sentences, Contains(HasSubstr("did not complete")));
  board.smmu.judge = nullptr;
}

TEST_F(CommandErrors, AnInterruptThatIsLostIsMadeUpForByWhoWaits) {
  board.smmu.error_line = nullptr;
  unsigned errors = 0;
  board.smmu.judge = [&errors](const CommandWords&) {
    return errors++ == 0 ? CommandError::CERROR_ILL : CommandError::CERROR_NONE;
  };
  domain->flush_all();
  EXPECT_THAT(board.log.sentences(), ElementsAre(StartsWith("CERROR_ILL")));
  EXPECT_LT(board.clock.now(), std::chrono::milliseconds(1));
}

TEST_F(CommandErrors, ServiceFailureModeTurnsTheSmmuOff) {
  board.smmu.set(SMMU_GERROR(0x1fc));
  board.driver->global_error_line().pulse();
  const auto story = board.smmu.story();
  EXPECT_THAT(story, ElementsAre("SMMU_GERRORN = 0x1fc", "SMMU_GBPA = 0x80100000",
                                 "SMMU_IRQ_CTRL = 0x0", "SMMU_CR0 = 0x0"));
  EXPECT_THAT(board.log.sentences(), ::testing::SizeIs(7)) << "one for each bit";
  board.driver->global_error_line().pulse();
  EXPECT_THAT(board.smmu.story(), IsEmpty());
}

TEST_F(CommandErrors, AResetEndsServiceFailureModeUntilItComesAgain) {
  for (int i = 0; i != 2; ++i) {
    board.smmu.set(SMMU_GERROR(0x100));
    board.driver->global_error_line().pulse();
    EXPECT_THAT(board.log.sentences(), ElementsAre(HasSubstr("Service Failure Mode")));
    EXPECT_EQ(board.smmu.get<v3::SMMU_CR0>().raw(), 0U);
    ASSERT_TRUE(board.iommu->suspend());
    // What a reset makes of them.
    board.smmu.set(SMMU_GERROR());
    board.smmu.set(v3::SMMU_GERRORN());
    ASSERT_TRUE(board.iommu->resume());
    EXPECT_TRUE(board.smmu.get<v3::SMMU_CR0>()[v3::SMMU_CR0::SMMUEN]);
    board.smmu.story();
    domain->flush_all();
    EXPECT_THAT(board.smmu.story(), ElementsAre("CMD_TLBI_NH_ASID", "CMD_SYNC"));
  }
}

// Says nothing, and has the SMMU make as many records as there is room for whenever it is told of
// one.
class Refill final : public iommu::DriverLog {
 public:
  void say(std::string_view) override {
    ++said;
    if (refill) refill();
  }
  std::function<void()> refill;
  std::uint64_t said = 0;
};

// A queue of `Base`, full of such records.
template <class Base, class Produced, class Consumed, std::size_t kWords>
void expect_an_end(InterruptLine& (iommu::SmmuV3Driver::*line)(),
                   const std::array<std::uint64_t, kWords>& record) {
  ScriptedBoard board;
  Refill log;
  board.driver_config.log = &log;
  ASSERT_EQ(board.start(), "");
  iommu::Device& device = board.add({.streams = {{kNic}}});
  const auto domain = board.domain();
  ASSERT_TRUE(device.group().attach(*domain));
  const auto base = board.smmu.get<Base>();
  const std::uint32_t size = 1U << base[Base::LOG2SIZE];
  std::uint64_t* const words = board.pool().words(Pa(base[Base::ADDR]));
  for (std::size_t i = 0; i != kWords * size; ++i) words[i] = little_endian(record[i % kWords]);
  log.refill = [&] {
    const std::uint32_t first = board.smmu.get<Consumed>()[Consumed::RD];
    board.smmu.set(Produced().set(Produced::WR, (first + size) % (2 * size)));
  };
  log.refill();
  (board.driver->*line)().pulse();
  const std::uint64_t first = log.said;
  EXPECT_GE(first, size);
  EXPECT_LE(first, 17 * size);
  // Whoever comes next goes on, and nothing is lost.
  log.refill = nullptr;
  domain->flush_all();
  EXPECT_GT(log.said, first);
  EXPECT_EQ(board.smmu.get<Consumed>()[Consumed::RD], board.smmu.get<Produced>()[Produced::WR]);
}

TEST(Floods, OfEventsKeepNoThreadForEver) {
  const auto plain =
      v3::C_BAD_STREAMID().set(v3::C_BAD_STREAMID::EventNumber, v3::EventType::C_BAD_STREAMID);
  expect_an_end<SMMU_EVENTQ_BASE, SMMU_EVENTQ_PROD, SMMU_EVENTQ_CONS>(
      &iommu::SmmuV3Driver::event_queue_line, plain.words());
  // The answer to each is a command.
  const auto stalled = v3::F_TRANSLATION()
                           .set(v3::F_TRANSLATION::EventNumber, v3::EventType::F_TRANSLATION)
                           .set(v3::F_TRANSLATION::StreamID, kNic.value)
                           .set(v3::F_TRANSLATION::Stall, true);
  expect_an_end<SMMU_EVENTQ_BASE, SMMU_EVENTQ_PROD, SMMU_EVENTQ_CONS>(
      &iommu::SmmuV3Driver::event_queue_line, stalled.words());
}

TEST(Floods, OfPageRequestsKeepNoThreadForEver) {
  expect_an_end<v3::SMMU_PRIQ_BASE, v3::SMMU_PRIQ_PROD, v3::SMMU_PRIQ_CONS>(
      &iommu::SmmuV3Driver::page_request_line, v3::PPR().set(v3::PPR::Last, true).words());
}

TEST_F(CommandErrors, PulsesWithoutACauseDoNothing) {
  board.driver->global_error_line().pulse();
  board.driver->event_queue_line().pulse();
  board.driver->page_request_line().pulse();
  board.driver->command_sync_line().pulse();
  board.driver->wake_up_line().pulse();
  EXPECT_THAT(board.smmu.story(), IsEmpty());
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

TEST_F(CommandErrors, EventsOfAnyBitsAreSurvived) {
  std::mt19937_64 random(3);
  const auto base = board.smmu.get<SMMU_EVENTQ_BASE>();
  const std::uint32_t size = 1U << base[SMMU_EVENTQ_BASE::LOG2SIZE];
  std::uint32_t produced = 0;
  for (int round = 0; round != 200; ++round) {
    std::uint64_t* const words = board.pool().words(Pa(base[SMMU_EVENTQ_BASE::ADDR]));
    for (std::uint32_t i = 0; i != 4 * size; ++i) words[i] = random();
    produced = (produced + static_cast<std::uint32_t>(random() % size)) % (2 * size);
    board.smmu.set(SMMU_EVENTQ_PROD(produced));
    board.driver->event_queue_line().pulse();
    EXPECT_EQ(board.smmu.get<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::RD], produced);
  }
  board.log.sentences();
  // An overflow, and an index that cannot be.
  board.smmu.set(SMMU_EVENTQ_PROD(produced).set(SMMU_EVENTQ_PROD::OVFLG, true));
  board.driver->event_queue_line().pulse();
  EXPECT_TRUE(board.smmu.get<SMMU_EVENTQ_CONS>()[SMMU_EVENTQ_CONS::OVACKFLG]);
  EXPECT_THAT(board.log.sentences(), ElementsAre(HasSubstr("events were lost")));
  board.smmu.set(
      SMMU_EVENTQ_PROD((produced + size + 1) % (2 * size)).set(SMMU_EVENTQ_PROD::OVFLG, true));
  board.driver->event_queue_line().pulse();
  EXPECT_THAT(board.log.sentences(), ElementsAre(HasSubstr("beyond the queue")));
}

TEST_F(CommandErrors, PageRequestsOfAnyBitsAreSurvivedAndAnsweredOnce) {
  std::mt19937_64 random(4);
  const auto base = board.smmu.get<v3::SMMU_PRIQ_BASE>();
  std::uint64_t* const words = board.pool().words(Pa(base[v3::SMMU_PRIQ_BASE::ADDR]));
  std::uint32_t produced = 0;
  const std::uint32_t size = 1U << base[v3::SMMU_PRIQ_BASE::LOG2SIZE];
  for (int round = 0; round != 300; ++round) {
    const v3::PPR request({random(), random()});
    words[2 * (produced % size)] = request.word(0);
    words[2 * (produced % size) + 1] = request.word(1);
    produced = (produced + 1) % (2 * size);
    board.smmu.set(v3::SMMU_PRIQ_PROD(produced));
    board.smmu.commands();
    board.driver->page_request_line().pulse();
    const bool stop = request[v3::PPR::SSV] && request[v3::PPR::Last] && !request[v3::PPR::R] &&
                      !request[v3::PPR::W];
    const std::size_t answers = request[v3::PPR::Last] && !stop ? 1 : 0;
    EXPECT_EQ(board.smmu.commands().size(), answers);
  }
}

TEST(Threads, UnmapFromSeveralThreadsWhileADeviceReads) {
  DrivenBoard board;
  iommu::Device& device = board.add(kNic);
  const auto domain = board.domain();
  const Pa page = board.allocate(4096);
  ASSERT_TRUE(domain->map(Iova(0x10'0000), page, 4096, kReadWrite));
  ASSERT_TRUE(device.group().attach(*domain));
  std::atomic<bool> done{false};
  const DmaDevice nic = board.device(kNic);
  std::thread dma([&] {
    do {
      EXPECT_TRUE(nic.read64(Iova(0x10'0000)));
      // A page that comes and goes: never anything else.
      const auto word = nic.read64(Iova(0x1000));
      EXPECT_EQ(word.value_or(0), 0U);
    } while (!done.load());
  });
  std::vector<std::thread> threads;
  for (unsigned i = 1; i != 4; ++i) {
    threads.emplace_back([&, i] {
      const Iova iova(0x1000 * i);
      for (int round = 0; round != 300; ++round) {
        EXPECT_TRUE(domain->map(iova, page, 4096, kReadWrite));
        EXPECT_EQ(domain->unmap(iova, 4096), 4096U);
        if (round % 64 == 0) domain->flush_all();
      }
    });
  }
  threads.emplace_back([&] {
    const auto other = board.domain();
    iommu::Device& second = board.add(StreamId(9));
    for (int round = 0; round != 30; ++round) {
      EXPECT_TRUE(second.group().attach(*other));
      EXPECT_TRUE(second.group().detach());
    }
    board.iommu().remove_device(second);
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  dma.join();
  for (const std::string& sentence : board.log.sentences())
    EXPECT_THAT(sentence, AnyOf(StartsWith("F_TRANSLATION"), HasSubstr("events were lost")));
}

}  // namespace
}  // namespace smmu::testing::recovery_test
