// The driver on the SMMUv2 of the other half: faults, and accesses that wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_handler.h"
#include "test/driver_v2/attached.h"

namespace smmu::testing::fault_test {
namespace {

using emulator::Direction;
using emulator::Outcome;
using emulator::SmmuV2Config;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace iommu;

constexpr StreamId kStream = Attached::kStream;
constexpr Iova kIova(0x1234'5000);
constexpr std::uint64_t kPage = Attached::kPage;
using Stage = SmmuV2DriverConfig::Stage;
using Interrupts = SmmuV2DriverConfig::Interrupts;
using Stalls = SmmuV2DriverConfig::Stalls;

TEST(DriverV2, AFaultIsReportedToTheDomainWithItsDevice) {
  for (const Stage stage : {Stage::kStage1, Stage::kStage2}) {
    DrivenBoardV2::Options options;
    options.driver.stage = stage;
    Attached it(options);
    it.map(kIova, Prot::kRead);
    RecordingHandler handler;
    ASSERT_TRUE(it.domain->set_fault_handler(&handler));
    const DmaDevice device = it.board.device(kStream);
    EXPECT_THAT(device.translate(kIova, Direction::kWrite), Aborts());
    EXPECT_THAT(device.translate(Iova(0x9000)), Aborts());
    ASSERT_THAT(handler.faults, SizeIs(2));
    EXPECT_EQ(handler.faults[0].reason, FaultReason::kPermission);
    EXPECT_EQ(handler.faults[0].direction, FaultDirection::kWrite);
    EXPECT_EQ(handler.faults[0].iova, kIova);
    EXPECT_EQ(handler.faults[0].ipa.has_value(), stage == Stage::kStage2);
    EXPECT_EQ(handler.faults[1].reason, FaultReason::kTranslation);
    EXPECT_EQ(handler.faults[1].direction, FaultDirection::kRead);
    EXPECT_EQ(handler.faults[1].iova, Iova(0x9000));
    EXPECT_EQ(handler.faults[1].stream, kStream);
    EXPECT_FALSE(handler.faults[1].stalled);
    EXPECT_EQ(handler.devices, (std::vector{it.added, it.added}));
    EXPECT_THAT(it.board.log.sentences(), IsEmpty());
  }
}

TEST(DriverV2, AStalledAccessGoesOnWhenTheHandlerHasMappedItsPage) {
  for (const Preset& preset : presets()) {
    for (const Interrupts interrupts : {Interrupts::kAtOnce, Interrupts::kDeferred}) {
      SCOPED_TRACE(static_cast<int>(interrupts));
      DrivenBoardV2::Options options{.config = preset.smmu};
      options.driver.stalls = Stalls::kWhereDevicesCan;
      options.driver.interrupts = interrupts;
      Attached it(options, {.can_stall = true});
      const Pa page = it.board.allocate(kPage);
      RecordingHandler handler([&](Domain&, const Fault& fault) {
        EXPECT_TRUE(fault.stalled);
        EXPECT_TRUE(it.domain->map(fault.iova, page, kPage, kReadWrite));
        return FaultAction::kRetry;
      });
      ASSERT_TRUE(it.domain->set_fault_handler(&handler));
      Resumptions client;
      const Outcome outcome = it.board.device(kStream, client).translate(kIova);
      const auto end = end_of(outcome, client);
      ASSERT_TRUE(end);
      EXPECT_THAT(*end, TranslatesTo(page));
      EXPECT_THAT(handler.faults, SizeIs(1));
    }
  }
}

TEST(DriverV2, AStalledAccessFailsWhenTheHandlerSaysSoAndWhenThereIsNone) {
  for (const bool handled : {true, false}) {
    DrivenBoardV2::Options options;
    options.driver.stalls = Stalls::kWhereDevicesCan;
    Attached it(options, {.can_stall = true});
    RecordingHandler handler;
    if (handled) {
      ASSERT_TRUE(it.domain->set_fault_handler(&handler));
    }
    Resumptions client;
    const Outcome outcome = it.board.device(kStream, client).translate(kIova);
    const auto end = end_of(outcome, client);
    ASSERT_TRUE(end);
    EXPECT_THAT(*end, Aborts());
    EXPECT_THAT(it.board.log.sentences(), SizeIs(handled ? 0 : 1));
  }
}

// Interrupts come late: its fault is none of the domain that has the bank then, and ends none of
// its accesses.
TEST(DriverV2, AFaultThatNobodyHasHandledGoesWithItsDomain) {
  Attached it;
  RecordingHandler first;
  ASSERT_TRUE(it.domain->set_fault_handler(&first));
  const DmaDevice device(it.board.smmu().add_port(), kStream);  // its interrupts wait
  EXPECT_THAT(device.translate(Iova(0x9000)), Aborts());
  it.domain = it.board.domain();
  RecordingHandler second;
  ASSERT_TRUE(it.domain->set_fault_handler(&second));
  ASSERT_TRUE(it.added->group().attach(*it.domain));
  const Pa page = it.map(kIova);
  EXPECT_THAT(device.translate(kIova), TranslatesTo(page));
  it.board.driver().handle_interrupts();
  EXPECT_THAT(first.faults, IsEmpty());
  EXPECT_THAT(second.faults, IsEmpty());
  EXPECT_THAT(it.board.log.sentences(), IsEmpty());
}

TEST(DriverV2, AStalledAccessIsAbortedWhenItsDomainGoes) {
  using Config = SmmuV2Config;
  for (const auto resume : {Config::Resume::kAll, Config::Resume::kOldest}) {
    for (const auto early : {Config::EarlyResume::kObeyed, Config::EarlyResume::kIgnored}) {
      DrivenBoardV2::Options options;
      options.config.resume = resume;
      options.config.early_resume = early;
      options.driver.stalls = Stalls::kWhereDevicesCan;
      Attached it(options, {.can_stall = true});
      it.map(kIova);
      Resumptions client;
      const DmaDevice device(it.board.smmu().add_port(client), kStream);
      const std::array outcomes = {device.translate(Iova(0x9000)), device.translate(Iova(0xa000)),
                                   device.translate(kIova)};
      for (const Outcome& outcome : outcomes) ASSERT_THAT(outcome, ::smmu::testing::Stalls());
      it.domain.reset();
      std::vector<Outcome> ends;
      for (const Outcome& outcome : outcomes) {
        const auto end = client.take(outcome);
        ASSERT_TRUE(end) << "it waits for ever";
        ends.push_back(*end);
      }
      EXPECT_THAT(ends[0], Aborts());
      // What waited for the first one is translated again, where the device is led now.
      EXPECT_THAT(ends[1], TranslatesTo(Pa(0xa000)));
      EXPECT_THAT(ends[2], TranslatesTo(Pa(kIova.value)));
      it.board.driver().handle_interrupts();
      EXPECT_THAT(it.board.log.sentences(), IsEmpty());
    }
  }
}

// A deferred handler may wait for the SMMU.
TEST(DriverV2, AHandlerMayUnmapAndAttach) {
  Attached it;
  it.map(kIova);
  const DmaDevice device = it.board.device(kStream);
  const auto other = it.board.domain();
  RecordingHandler handler([&](Domain&, const Fault&) {
    EXPECT_EQ(it.domain->unmap(kIova, kPage), kPage);
    EXPECT_TRUE(it.added->group().detach());
    EXPECT_TRUE(it.added->group().attach(*other));
    return FaultAction::kTerminate;
  });
  ASSERT_TRUE(it.domain->set_fault_handler(&handler));
  EXPECT_THAT(device.translate(Iova(0x9000)), Aborts());
  EXPECT_THAT(handler.faults, SizeIs(1));
  const Pa page = it.board.allocate(kPage);
  ASSERT_TRUE(other->map(kIova, page, kPage, kReadWrite));
  EXPECT_THAT(device.translate(kIova), TranslatesTo(page));
  EXPECT_THAT(it.board.log.sentences(), IsEmpty()) << "an invalidation was waited for too long";
}

}  // namespace
}  // namespace smmu::testing::fault_test
