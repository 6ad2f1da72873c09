#include "smmu/iommu/its_controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/heap/heap.h"
#include "test/msi/event_log.h"

namespace smmu::iommu::its_controller_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Pa kFrame{0x809'0000};
constexpr DeviceId kNic{7};
constexpr DeviceId kDisk{8};

class Its : public ::testing::Test {
 protected:
  ItsControllerConfig config() {
    return {.translation_frame = kFrame,
            .events = &events_,
            .event_bits = 3,
            .first_lpi = 8200,
            .lpis = 12,
            .devices = 3};
  }
  void expect_refused(const ItsControllerConfig& config) {
    const auto made = ItsController::create(config);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error(), std::errc::invalid_argument);
  }

  EventLog events_;
  std::unique_ptr<ItsController> its_ = *ItsController::create(config());
};

TEST_F(Its, MessagesNameEventsAtItsTranslater) {
  EXPECT_EQ(its_->doorbell(), (Doorbell{Pa(0x809'0040), 4, DoorbellPath::kTranslated}));
  EXPECT_TRUE(its_->isolates());
  const auto range = its_->allocate(kNic, 2);
  ASSERT_TRUE(range);
  EXPECT_EQ(*range, (MsiRange{0, 2}));
  EXPECT_THAT(events_.take_calls(), ElementsAre("device 7 3 bits", "7:0 is 8200", "7:1 is 8201"));
  EXPECT_EQ(its_->interrupt(kNic, 1), 8201u);
  EXPECT_EQ(its_->interrupt(kNic, 2), std::nullopt);
  EXPECT_EQ(its_->interrupt(kDisk, 1), std::nullopt);
  its_->free(kNic, *range);
}

TEST_F(Its, ADeviceIsMappedWithItsFirstEventAndUnmappedAfterItsLast) {
  const auto first = *its_->allocate(kNic, 1);
  const auto second = *its_->allocate(kNic, 1);
  events_.take_calls();
  its_->free(kNic, first);
  EXPECT_THAT(events_.take_calls(), ElementsAre("7:0 is none"));
  EXPECT_EQ(its_->interrupt(kNic, second.first), 8201u);
  its_->free(kNic, second);
  EXPECT_THAT(events_.take_calls(), ElementsAre("7:1 is none", "no device 7"));
}

TEST_F(Its, EventsAreADevicesOwnAndLpisAreNot) {
  const auto nic = *its_->allocate(kNic, 3);
  const auto disk = *its_->allocate(kDisk, 3);
  EXPECT_EQ(nic, disk) << "both begin with event 0";
  for (std::uint32_t event = 0; event != 3; ++event) {
    EXPECT_EQ(its_->interrupt(kNic, event), 8200 + event);
    EXPECT_EQ(its_->interrupt(kDisk, event), 8203 + event);
  }
  its_->free(kNic, nic);
  its_->free(kDisk, disk);
}

TEST_F(Its, LpisThatCameBackAreGivenOutAgainWhereverTheyAre) {
  const auto a = *its_->allocate(kNic, 1);
  const auto b = *its_->allocate(kNic, 1);
  const auto c = *its_->allocate(kNic, 1);
  its_->free(kNic, a);
  its_->free(kNic, c);
  const auto two = *its_->allocate(kDisk, 2);
  EXPECT_EQ(its_->interrupt(kDisk, 0), 8200u);
  EXPECT_EQ(its_->interrupt(kDisk, 1), 8202u);
  its_->free(kDisk, two);
  its_->free(kNic, b);
}

TEST_F(Its, WhatRunsOutIsSaidAndNothingIsLost) {
  const auto all = *its_->allocate(kNic, 8);
  EXPECT_EQ(its_->allocate(kNic, 1).error(), std::errc::no_space_on_device) << "EventIDs";
  const auto four = *its_->allocate(kDisk, 3);
  events_.take_calls();
  EXPECT_EQ(its_->allocate(DeviceId(9), 2).error(), std::errc::no_space_on_device) << "LPIs";
  EXPECT_THAT(events_.take_calls(),
              ElementsAre("device 9 3 bits", "9:0 is 8211", "9:0 is none", "no device 9"));
  const auto one = *its_->allocate(DeviceId(9), 1);
  its_->free(kNic, all);
  EXPECT_EQ(its_->allocate(DeviceId(8), 9).error(), std::errc::invalid_argument);
  EXPECT_EQ(its_->allocate(DeviceId(8), 0).error(), std::errc::invalid_argument);
  EXPECT_EQ(its_->allocate(DeviceId(8), UINT32_MAX).error(), std::errc::invalid_argument);
  its_->free(kDisk, four);
  its_->free(DeviceId(9), one);
  EXPECT_THAT(events_.intids(), IsEmpty());
}

TEST_F(Its, NoMoreDevicesThanConfiguredHaveInterruptsAtOnce) {
  for (std::uint32_t device = 0; device != 3; ++device) {
    EXPECT_TRUE(its_->allocate(DeviceId(device), 1));
  }
  EXPECT_EQ(its_->allocate(DeviceId(3), 1).error(), std::errc::no_space_on_device);
  EXPECT_TRUE(its_->allocate(DeviceId(2), 1)) << "it is one of the three";
  its_->free(DeviceId(2), {1, 1});
  its_->free(DeviceId(0), {0, 1});
  EXPECT_TRUE(its_->allocate(DeviceId(3), 1));
  for (std::uint32_t device = 1; device != 4; ++device) its_->free(DeviceId(device), {0, 1});
}

TEST_F(Its, WhatTheHardwareRefusesIsHandedOnAndUndone) {
  for (unsigned n = 1; n != 5; ++n) {
    events_.fail(n, std::errc::io_error);
    EXPECT_EQ(its_->allocate(kNic, 3).error(), std::errc::io_error) << n;
    EXPECT_THAT(events_.intids(), IsEmpty());
    EXPECT_EQ(events_.devices(), 0u);
    events_.fail(0, {});
  }
  const auto range = *its_->allocate(kNic, 3);
  EXPECT_EQ(range, (MsiRange{0, 3})) << "no EventID is lost";
  EXPECT_EQ(its_->interrupt(kNic, 0), 8200u) << "no LPI either";
  its_->free(kNic, range);
}

TEST_F(Its, WithoutMemoryNothingIsMapped) {
  for (std::uint64_t granted = 0;; ++granted) {
    std::optional<Result<MsiRange, std::errc>> range;
    {
      const HeapRefusal refusal(granted);
      range = its_->allocate(kNic, 1);
    }
    if (*range) {
      EXPECT_EQ(granted, 3u);
      break;
    }
    EXPECT_EQ(range->error(), std::errc::not_enough_memory);
    EXPECT_THAT(events_.take_calls(), IsEmpty());
  }
  its_->free(kNic, {0, 1});
}

TEST_F(Its, IsNotMadeWithoutMemory) {
  std::uint64_t granted = 0;
  for (;; ++granted) {
    const HeapRefusal refusal(granted);
    const auto made = ItsController::create(config());
    if (made) break;
    EXPECT_EQ(made.error(), std::errc::not_enough_memory);
  }
  EXPECT_EQ(granted, 3u);
}

TEST_F(Its, AConfigurationThatCannotBeIsRefused) {
  auto config = this->config();
  config.events = nullptr;
  expect_refused(config);
  config = this->config();
  config.event_bits = 17;
  expect_refused(config);
  config = this->config();
  config.first_lpi = 8191;
  expect_refused(config);
  config = this->config();
  config.lpis = 0;
  expect_refused(config);
  config = this->config();
  config.lpis = UINT32_MAX;
  expect_refused(config);
  config = this->config();
  config.first_lpi = UINT32_MAX - 10;
  expect_refused(config);
  config = this->config();
  config.devices = 0;
  expect_refused(config);
  config = this->config();
  config.translation_frame = Pa(0x809'1000);
  expect_refused(config);
}

}  // namespace
}  // namespace smmu::iommu::its_controller_test
