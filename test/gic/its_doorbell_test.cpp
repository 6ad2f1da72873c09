// The translation frame of an ITS: whose a message is, and what software makes of it (DDI 0595,
// GITS_TRANSLATER).
#include "smmu/emulator/its_doorbell.h"

#include <gtest/gtest.h>

#include "smmu/testing/recording_controller.h"
#include "test/gic/words.h"

namespace smmu::emulator::its_doorbell_test {
namespace {

using smmu::testing::RecordingController;

constexpr Requester kNic{.stream = StreamId(7)};
constexpr Requester kDisk{.stream = StreamId(8), .attributes = {.type = 0x04}};
constexpr Requester kSecureNic{.stream = StreamId(7), .security = SecurityState::kSecure};

struct Its {
  explicit Its(const ItsDoorbellConfig& config = {}) {
    auto made = ItsDoorbell::create(config, controller);
    EXPECT_TRUE(made);
    doorbell = *std::move(made);
  }

  void map(std::uint32_t device, std::uint32_t event, std::uint32_t intid) {
    ASSERT_TRUE(doorbell->table().map_device(DeviceId(device), 5));
    ASSERT_TRUE(doorbell->table().map(DeviceId(device), EventId(event), intid));
  }
  BusResponse ring(const Requester& requester, std::uint32_t event) {
    return doorbell->write_for(requester, 0x40, bytes_of<4>(event));
  }
  InterruptMessage last() const { return doorbell->messages().recent().back(); }

  RecordingController controller;
  std::unique_ptr<ItsDoorbell> doorbell;
};

TEST(ItsDoorbell, RaisesTheLpiThatTheEventIs) {
  Its its;
  its.map(7, 3, 8200);
  EXPECT_EQ(its.ring(kNic, 3), BusResponse::kOkay);
  ASSERT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8200}));
  EXPECT_EQ(its.controller.messages()[0], (InterruptMessage{.requester = kNic,
                                                            .device = DeviceId(7),
                                                            .data = 3,
                                                            .end = MessageEnd::kRaised,
                                                            .intid = 8200}));
  EXPECT_EQ(its.last(), its.controller.messages()[0]);
}

TEST(ItsDoorbell, OneEventOfTwoDevicesIsTwoInterrupts) {
  Its its;
  its.map(7, 3, 8200);
  its.map(8, 3, 8300);
  EXPECT_EQ(its.ring(kDisk, 3), BusResponse::kOkay);
  EXPECT_EQ(its.ring(kNic, 3), BusResponse::kOkay);
  EXPECT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8300, 8200}));
}

TEST(ItsDoorbell, WhatIsNotMappedIsIgnoredAndTheDeviceSeesSuccess) {
  Its its;
  its.map(7, 3, 8200);
  EXPECT_EQ(its.ring(kDisk, 3), BusResponse::kOkay);
  EXPECT_EQ(its.last().end, MessageEnd::kUnmappedDevice);
  EXPECT_EQ(its.ring(kNic, 4), BusResponse::kOkay);
  EXPECT_EQ(its.last().end, MessageEnd::kUnmappedEvent);
  EXPECT_EQ(its.ring(kNic, 32), BusResponse::kOkay);
  EXPECT_EQ(its.last().end, MessageEnd::kOutOfRange);
  EXPECT_EQ(its.last().data, 32U);
  EXPECT_TRUE(its.controller.messages().empty());
}

TEST(ItsDoorbell, WhatIsTakenAwayIsNotRaisedAgain) {
  Its its;
  its.map(7, 3, 8200);
  ASSERT_TRUE(its.doorbell->table().discard(DeviceId(7), EventId(3)));
  EXPECT_EQ(its.ring(kNic, 3), BusResponse::kOkay);
  EXPECT_TRUE(its.controller.messages().empty());
}

TEST(ItsDoorbell, SixteenBitsAreTheLowerHalf) {
  Its its;
  its.map(7, 3, 8200);
  EXPECT_EQ(its.doorbell->write_for(kNic, 0x40, bytes_of<2>(3)), BusResponse::kOkay);
  EXPECT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8200}));
}

TEST(ItsDoorbell, OtherSizesAndPlacesAreMalformed) {
  Its its;
  its.map(7, 0, 8200);
  EXPECT_EQ(its.doorbell->write_for(kNic, 0x40, bytes_of<8>(0)), BusResponse::kOkay);
  EXPECT_EQ(its.doorbell->write_for(kNic, 0x40, bytes_of<1>(0)), BusResponse::kOkay);
  EXPECT_EQ(its.doorbell->write_for(kNic, 0x42, bytes_of<2>(0)), BusResponse::kOkay);
  EXPECT_EQ(its.doorbell->write_for(kNic, 0x3c, bytes_of<8>(0)), BusResponse::kOkay);
  EXPECT_EQ(its.doorbell->messages().count(MessageEnd::kMalformed), 4U);
  EXPECT_EQ(its.last().device, DeviceId(7));
  EXPECT_TRUE(its.controller.messages().empty());
}

TEST(ItsDoorbell, TheRestOfTheFrameIsNeitherReadNorWritten) {
  Its its;
  its.map(7, 0, 8200);
  for (const std::uint64_t offset : {0x0U, 0x3cU, 0x44U, 0x10U, 0xfffcU}) {
    EXPECT_EQ(its.doorbell->write_for(kNic, offset, bytes_of<4>(0)), BusResponse::kOkay);
  }
  EXPECT_EQ(its.doorbell->messages().count(), 0U);
  for (const std::uint64_t offset : {0x0U, 0x40U, 0xfffcU}) {
    auto bytes = bytes_of<4>(0xffff'ffff);
    EXPECT_EQ(its.doorbell->read(offset, bytes), BusResponse::kOkay);
    EXPECT_EQ(value_of(bytes), 0U);
  }
}

TEST(ItsDoorbell, NumbersDevicesAsTheSystemDoes) {
  Its its({.device_ids = {.first = 0x100, .first_secure = 0x200}});
  its.map(0x107, 0, 8200);
  its.map(0x207, 0, 8300);
  EXPECT_EQ(its.ring(kNic, 0), BusResponse::kOkay);
  EXPECT_EQ(its.ring(kSecureNic, 0), BusResponse::kOkay);
  EXPECT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8200, 8300}));
}

TEST(ItsDoorbell, AMessageWithoutADeviceIdAborts) {
  Its its;
  its.map(7, 0, 8200);
  EXPECT_EQ(its.doorbell->write(0x40, bytes_of<4>(0)), BusResponse::kAbort);
  EXPECT_EQ(its.last(), (InterruptMessage{.requester = std::nullopt,
                                          .device = std::nullopt,
                                          .data = 0,
                                          .end = MessageEnd::kNoDeviceId}));
  EXPECT_EQ(its.ring(kSecureNic, 0), BusResponse::kAbort);
  EXPECT_EQ(its.last().requester, kSecureNic);
  EXPECT_EQ(its.doorbell->messages().count(MessageEnd::kNoDeviceId), 2U);
  EXPECT_TRUE(its.controller.messages().empty());
}

TEST(ItsDoorbell, AStreamBeyondAllDeviceIdsHasNone) {
  Its its({.device_ids = {.first = 0xffff'fff8}, .device_bits = 32});
  its.map(0xffff'ffff, 0, 8200);
  EXPECT_EQ(its.ring(kNic, 0), BusResponse::kOkay);
  EXPECT_EQ(its.ring(kDisk, 0), BusResponse::kAbort);
  EXPECT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8200}));
}

TEST(ItsDoorbell, WhatIsBehindNoPortMayHaveADeviceId) {
  Its its({.device_ids = {.of_others = DeviceId(0x1234)}});
  its.map(0x1234, 1, 8200);
  EXPECT_EQ(its.doorbell->write(0x40, bytes_of<4>(1)), BusResponse::kOkay);
  EXPECT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8200}));
}

TEST(ItsDoorbell, LpisAreTheOnlyInterruptsThatItHas) {
  Its its({.intid_bits = 14});
  ASSERT_TRUE(its.doorbell->table().map_device(DeviceId(7), 5));
  EXPECT_FALSE(its.doorbell->table().map(DeviceId(7), EventId(0), 8191));
  EXPECT_TRUE(its.doorbell->table().map(DeviceId(7), EventId(0), 8192));
  EXPECT_TRUE(its.doorbell->table().map(DeviceId(7), EventId(1), 16383));
  EXPECT_FALSE(its.doorbell->table().map(DeviceId(7), EventId(2), 16384));
}

TEST(ItsDoorbell, TheControllerMayChangeTheTable) {
  Its its;
  its.map(7, 0, 8200);
  its.controller.on_raise([&](const InterruptMessage& message) {
    EXPECT_TRUE(its.doorbell->table().discard(*message.device, EventId(message.data)));
  });
  EXPECT_EQ(its.ring(kNic, 0), BusResponse::kOkay);
  EXPECT_EQ(its.ring(kNic, 0), BusResponse::kOkay);
  EXPECT_EQ(its.controller.intids(), (std::vector<std::uint32_t>{8200}));
}

TEST(ItsDoorbell, ForgetsOldMessagesAndCountsThem) {
  Its its({.kept_messages = 2});
  for (std::uint32_t event = 0; event != 100; ++event) {
    EXPECT_EQ(its.ring(kNic, event), BusResponse::kOkay);
  }
  const auto recent = its.doorbell->messages().recent();
  ASSERT_EQ(recent.size(), 2U);
  EXPECT_EQ(recent[0].data, 98U);
  EXPECT_EQ(recent[1].data, 99U);
  EXPECT_EQ(its.doorbell->messages().count(MessageEnd::kUnmappedDevice), 100U);
}

TEST(ItsDoorbellConfig, RefusesNumbersThatThereAreNot) {
  RecordingController controller;
  const auto error_of = [&](const ItsDoorbellConfig& config) {
    const auto made = ItsDoorbell::create(config, controller);
    return made ? std::errc{} : made.error();
  };
  EXPECT_EQ(error_of({.device_bits = 32, .event_bits = 32, .intid_bits = 32}), std::errc{});
  EXPECT_EQ(error_of({.device_bits = 33}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.event_bits = 33}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.intid_bits = 33}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.intid_bits = 13}), std::errc::invalid_argument);  // all are below 8192
  EXPECT_EQ(error_of({.kept_messages = MessageLog::kMostKept + 1}), std::errc::invalid_argument);
}

}  // namespace
}  // namespace smmu::emulator::its_doorbell_test
