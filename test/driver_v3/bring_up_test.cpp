// How the driver brings an SMMU up and to rest, and which it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "smmu/arch/v3/registers.h"
#include "test/driver_v3/scripted_board.h"

namespace smmu::testing::bring_up_test {
namespace {

using emulator::SmmuV3Config;
using iommu::SmmuV3DriverConfig;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_GBPA;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR5;

// The names alone.
std::vector<std::string> names(const std::vector<std::string>& story) {
  std::vector<std::string> names;
  for (const std::string& line : story) names.push_back(line.substr(0, line.find(" = ")));
  return names;
}

TEST(BringUp, GoesInTheOrderThatKeepsEveryStepSafe) {
  ScriptedBoard board;
  ASSERT_EQ(board.start(), "");
  const std::vector<std::string> story = board.smmu.story();
  EXPECT_THAT(
      names(story),
      ElementsAre("SMMU_CR0", "SMMU_CR1", "SMMU_CR2", "SMMU_STRTAB_BASE", "SMMU_STRTAB_BASE_CFG",
                  "SMMU_CMDQ_BASE", "SMMU_CMDQ_PROD", "SMMU_CMDQ_CONS", "SMMU_CR0",
                  "CMD_CFGI_STE_RANGE", "CMD_SYNC", "CMD_TLBI_EL2_ALL", "CMD_SYNC",
                  "CMD_TLBI_NSNH_ALL", "CMD_SYNC", "SMMU_EVENTQ_BASE", "SMMU_EVENTQ_PROD",
                  "SMMU_EVENTQ_CONS", "SMMU_CR0", "SMMU_PRIQ_BASE", "SMMU_PRIQ_PROD",
                  "SMMU_PRIQ_CONS", "SMMU_CR0", "SMMU_CR0", "SMMU_IRQ_CTRL", "SMMU_GERROR_IRQ_CFG0",
                  "SMMU_EVENTQ_IRQ_CFG0", "SMMU_PRIQ_IRQ_CFG0", "SMMU_IRQ_CTRL", "SMMU_CR0"));
  std::vector<std::string> control;
  for (const std::string& line : story) {
    if (line.starts_with("SMMU_CR0") || line.starts_with("SMMU_IRQ_CTRL")) control.push_back(line);
  }
  EXPECT_THAT(control, ElementsAre("SMMU_CR0 = 0x0", "SMMU_CR0 = 0x8", "SMMU_CR0 = 0xc",
                                   "SMMU_CR0 = 0xe", "SMMU_CR0 = 0x1e", "SMMU_IRQ_CTRL = 0x0",
                                   "SMMU_IRQ_CTRL = 0x7", "SMMU_CR0 = 0x1f"));
  EXPECT_EQ(board.smmu.get<v3::SMMU_CR1>().raw(), 0xd75U);
  EXPECT_EQ(board.smmu.get<v3::SMMU_CR2>().raw(), 0x6U);
  EXPECT_EQ(board.smmu.get<v3::SMMU_STRTAB_BASE_CFG>().raw(), 0x10210U);
  EXPECT_THAT(board.log.sentences(), IsEmpty());
}

TEST(BringUp, AnSmmuThatIsOnAbortsWhatComesWhileItIsSetUpAnew) {
  ScriptedBoard board;
  board.smmu.set(SMMU_CR0(1));
  board.smmu.set(SMMU_CR0ACK(1));
  ASSERT_EQ(board.start(), "");
  const auto story = board.smmu.story();
  ASSERT_GE(story.size(), 2U);
  EXPECT_EQ(story[0], "SMMU_GBPA = 0x80100000");
  EXPECT_EQ(story[1], "SMMU_CR0 = 0x0");
  EXPECT_TRUE(board.driver->capable(iommu::Capability::kPreBootProtection, nullptr));
}

TEST(BringUp, AnErrorThatSomebodyHasLeftActiveIsAcknowledgedFirst) {
  ScriptedBoard board;
  board.smmu.set(SMMU_GERROR(0x1));
  ASSERT_EQ(board.start(), "");
  EXPECT_EQ(board.smmu.story()[1], "SMMU_GERRORN = 0x1");
}

TEST(BringUp, MessagesAreWhereTheConfigurationSays) {
  ScriptedBoard board;
  board.driver_config.event_queue_message = {{Pa(0x800'0040), 7}};
  board.driver_config.global_error_message = {{Pa(0x800'0044), 8}};
  board.driver_config.page_request_message = {{Pa(0x800'0048), 9}};
  ASSERT_EQ(board.start(), "");
  EXPECT_EQ(board.smmu.get<v3::SMMU_EVENTQ_IRQ_CFG0>().raw(), 0x800'0040U);
  EXPECT_EQ(board.smmu.get<v3::SMMU_EVENTQ_IRQ_CFG1>().raw(), 7U);
  EXPECT_EQ(board.smmu.get<v3::SMMU_EVENTQ_IRQ_CFG2>().raw(), 1U) << "Device-nGnRE";
  EXPECT_EQ(board.smmu.get<v3::SMMU_GERROR_IRQ_CFG0>().raw(), 0x800'0044U);
  EXPECT_EQ(board.smmu.get<v3::SMMU_PRIQ_IRQ_CFG1>().raw(), 9U);
}

TEST(BringUp, ShutsDownWithWhatComesThenDecided) {
  ScriptedBoard board;
  ASSERT_EQ(board.start(), "");
  board.smmu.story();
  board.driver->shut_down();
  EXPECT_THAT(board.smmu.story(),
              ElementsAre("SMMU_GBPA = 0x80100000", "SMMU_IRQ_CTRL = 0x0", "SMMU_CR0 = 0x0"));
  ScriptedBoard open;
  open.driver_config.unknown = SmmuV3DriverConfig::Unknown::kBypass;
  ASSERT_EQ(open.start(), "");
  open.driver->shut_down();
  EXPECT_FALSE(open.smmu.get<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
}

TEST(BringUp, ResumesAsItHadStarted) {
  ScriptedBoard board;
  ASSERT_EQ(board.start(), "");
  const auto first = board.smmu.story();
  ASSERT_TRUE(board.driver->suspend());
  EXPECT_EQ(board.smmu.get<SMMU_CR0>().raw(), 0U);
  board.smmu.story();
  ASSERT_TRUE(board.driver->resume());
  EXPECT_THAT(board.smmu.story(), ElementsAreArray(first));
}

// 4.5.1: with SMMU_CR0.SMMUEN 0 it would be ignored.
TEST(BringUp, DevicesForgetOnceTheSmmuIsBack) {
  ScriptedBoard board;
  ASSERT_EQ(board.start(), "");
  board.add({.streams = {{StreamId(5)}}, .pasid_bits = 0, .ats = true});
  board.add({.streams = {{StreamId(6)}}});
  iommu::Device& device =
      board.add({.streams = {{StreamId(7)}, {StreamId(9)}}, .pasid_bits = 4, .ats = true});
  const auto domain = board.domain(iommu::DomainType::kUnmanaged, {.pasid = true});
  ASSERT_TRUE(device.attach_pasid(SubstreamId(3), *domain));
  ASSERT_TRUE(board.iommu->suspend());
  board.smmu.story();
  board.smmu.commands();
  ASSERT_TRUE(board.iommu->resume());
  const auto story = board.smmu.story();
  const std::vector<std::string> end = {"CMD_ATC_INV", "CMD_ATC_INV", "CMD_ATC_INV",
                                        "CMD_ATC_INV", "CMD_ATC_INV", "CMD_SYNC"};
  ASSERT_GT(story.size(), end.size());
  EXPECT_THAT(std::vector(story.end() - 6, story.end()), ElementsAreArray(end));
  EXPECT_EQ(story[story.size() - 7], "SMMU_CR0 = 0x1f") << "SMMUEN is 1";
  const auto commands = board.smmu.commands();
  EXPECT_THAT(std::vector(commands.end() - 3, commands.end()),
              ElementsAre(CommandWords{0x7'0000'3840, 52}, CommandWords{0x9'0000'0040, 52},
                          CommandWords{0x9'0000'3840, 52}));
}

TEST(BringUp, AReservedLevelOfBreakBeforeMakePromisesNothing) {  // 6.3.4
  for (const std::uint32_t level : {0U, 1U, 2U, 3U}) {
    SmmuV3Config config = SmmuV3Config::everything();
    config.idr3.set(v3::SMMU_IDR3::BBML, level);
    ScriptedBoard board(config);
    ASSERT_EQ(board.start(), "");
    const auto domain = board.domain();
    EXPECT_EQ(domain->driver_domain().tables()->config().break_before_make, level == 3 ? 0 : level);
  }
}

TEST(BringUp, RefusesWhatItCannotDrive) {
  const auto refusal = [](auto&& change) {
    SmmuV3Config config = SmmuV3Config::everything();
    change(config);
    ScriptedBoard board(config);
    const std::string sentence = board.start();
    EXPECT_THAT(board.smmu.story(), IsEmpty()) << "a register was written";
    EXPECT_EQ(board.pool().live(), 0U);
    return sentence;
  };
  EXPECT_THAT(refusal([](SmmuV3Config& c) {
                c.idr0.set(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kBig);
              }),
              StartsWith("SMMU_IDR0.TTENDIAN"));
  EXPECT_THAT(refusal([](SmmuV3Config& c) {
                c.idr0.set(SMMU_IDR0::S1P, false).set(SMMU_IDR0::S2P, false);
              }),
              HasSubstr("neither stage"));
  EXPECT_THAT(
      refusal([](SmmuV3Config& c) { c.idr0.set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kLpae); }),
      HasSubstr("VMSAv8-64"));
  EXPECT_THAT(refusal([](SmmuV3Config& c) { c.idr1.set(SMMU_IDR1::TABLES_PRESET, true); }),
              HasSubstr("fixed"));
  EXPECT_THAT(refusal([](SmmuV3Config& c) { c.idr1.set(SMMU_IDR1::QUEUES_PRESET, true); }),
              HasSubstr("fixed"));
  EXPECT_THAT(refusal([](SmmuV3Config& c) { c.idr1.set(SMMU_IDR1::REL, true); }), HasSubstr("REL"));
  EXPECT_THAT(refusal([](SmmuV3Config& c) { c.idr1.set(SMMU_IDR1::SIDSIZE, 63); }),
              HasSubstr("SIDSIZE"));
  EXPECT_THAT(refusal([](SmmuV3Config& c) { c.idr5 = SMMU_IDR5(); }), HasSubstr("granule"));
}

TEST(BringUp, RefusesAConfigurationThatAsksForWhatIsNotThere) {
  const auto refusal = [](auto&& change) {
    ScriptedBoard board(SmmuV3Config::qemu_virt());
    change(board.driver_config);
    return board.start();
  };
  using Sync = SmmuV3DriverConfig::SyncSignal;
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.registers = nullptr; }),
              StartsWith("registers"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.pool = nullptr; }), StartsWith("pool"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.clock = nullptr; }), StartsWith("clock"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.sync = Sync::kMessage; }), StartsWith("sync"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.sync = Sync::kWakeUp; }), StartsWith("sync"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.world = SmmuV3DriverConfig::World::kEl2; }),
              StartsWith("world"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.asid_bits = 0; }), StartsWith("asid_bits"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) { c.timeout = {}; }), StartsWith("timeout"));
  EXPECT_THAT(refusal([](SmmuV3DriverConfig& c) {
                c.event_queue_message = {{Pa(2), 0}};
              }),
              StartsWith("messages"));
}

TEST(BringUp, WaitsForEveryAnswerOnlySoLong) {
  const auto failure = [](auto&& change) {
    ScriptedBoard board;
    change(board.smmu);
    const std::string sentence = board.start();
    EXPECT_GE(board.clock.now(), std::chrono::seconds(1));
    EXPECT_LT(board.clock.now(), std::chrono::seconds(10));
    EXPECT_LT(board.clock.waits(), 100'000U);
    EXPECT_EQ(board.pool().live(), 0U);
    return sentence;
  };
  EXPECT_THAT(failure([](ScriptedSmmu& s) { s.acknowledges_control = false; }),
              HasSubstr("SMMU_CR0ACK"));
  EXPECT_THAT(failure([](ScriptedSmmu& s) { s.acknowledges_interrupts = false; }),
              HasSubstr("SMMU_IRQ_CTRLACK"));
  EXPECT_THAT(failure([](ScriptedSmmu& s) { s.consumes = false; }), HasSubstr("commands"));
  EXPECT_THAT(failure([](ScriptedSmmu& s) {
                s.updates_bypass = false;
                s.set(SMMU_CR0(1));
                s.set(SMMU_CR0ACK(1));
              }),
              HasSubstr("SMMU_GBPA.Update"));
}

TEST(BringUp, SurvivesAnyIdentificationRegisters) {
  std::mt19937_64 random(1);
  unsigned driven = 0;
  for (int i = 0; i != 400; ++i) {
    ScriptedBoard board;
    board.driver_config.timeout = std::chrono::microseconds(10);
    for (const std::uint32_t offset : {0x0U, 0x4U, 0xcU, 0x14U}) {
      board.smmu.write32(offset, static_cast<std::uint32_t>(random()));
    }
    // Most of the reasons to refuse one, out of the way.
    if (i % 2 != 0) {
      board.smmu.set(board.smmu.get<SMMU_IDR0>()
                         .set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kBoth)
                         .set(SMMU_IDR0::TTENDIAN, SMMU_IDR0::Endianness::kLittle));
      board.smmu.set(board.smmu.get<SMMU_IDR1>()
                         .set(SMMU_IDR1::REL, false)
                         .set(SMMU_IDR1::TABLES_PRESET, false)
                         .set(SMMU_IDR1::QUEUES_PRESET, false));
    }
    if (!board.start().empty()) continue;
    ++driven;
    const auto domain = board.iommu->create_domain(iommu::DomainType::kUnmanaged);
    const auto device = board.iommu->add_device({.streams = {{StreamId(0)}}});
    if (domain && device) (void)(*device)->group().attach(**domain);
  }
  EXPECT_GT(driven, 20U);
}

TEST(BringUp, LeavesNothingBehindWhateverMemoryRunsOut) {
  std::uint64_t granted = 0;
  for (;; ++granted) {
    ScriptedBoard board;
    // A queue of the smallest size is better than none: all its sizes are tried.
    board.driver_config.log2_commands = board.driver_config.log2_events = 4;
    board.driver_config.log2_page_requests = 4;
    board.pool().grant(granted);
    const std::string sentence = board.start();
    if (sentence.empty()) break;
    EXPECT_THAT(sentence, HasSubstr("memory"));
    EXPECT_EQ(board.pool().live(), 0U);
  }
  EXPECT_EQ(granted, 4U) << "the Stream table and three queues";
}

TEST(BringUp, TakesSmallerQueuesWhereMemoryIsShort) {
  ScriptedBoard board;
  board.driver_config.log2_commands = 19;  // 8 MiB
  board.driver_config.log2_events = 19;    // 16 MiB
  ASSERT_EQ(board.start(), "");
  EXPECT_LT(board.smmu.get<v3::SMMU_EVENTQ_BASE>()[v3::SMMU_EVENTQ_BASE::LOG2SIZE], 19U);
  EXPECT_GT(board.smmu.get<v3::SMMU_EVENTQ_BASE>()[v3::SMMU_EVENTQ_BASE::LOG2SIZE], 10U);
}

}  // namespace
}  // namespace smmu::testing::bring_up_test
