// What software maps and takes away, and what it may not.
#include "smmu/emulator/interrupt_table.h"

#include <gtest/gtest.h>

namespace smmu::emulator::interrupt_table_test {
namespace {

constexpr DeviceId kNic(3);
constexpr DeviceId kDisk(4);

InterruptTable::Limits small() {
  return {.device_bits = 8,
          .event_bits = 5,
          .first_intid = 8192,
          .last_intid = 9000,
          .devices = 3,
          .events = 4};
}

std::errc error_of(const Result<InterruptTable::Changed, std::errc>& result) {
  return result ? std::errc{} : result.error();
}

MessageEnd end_of(const InterruptTable& table, DeviceId device, std::uint32_t event) {
  return table.find(device, EventId(event)).end;
}

TEST(InterruptTable, FindsWhatIsMapped) {
  InterruptTable table(small());
  ASSERT_TRUE(table.map_device(kNic, 5));
  ASSERT_TRUE(table.map(kNic, EventId(31), 8200));
  const auto found = table.find(kNic, EventId(31));
  EXPECT_EQ(found.end, MessageEnd::kRaised);
  EXPECT_EQ(found.intid, 8200U);
}

TEST(InterruptTable, SaysWhatIsMissing) {
  InterruptTable table(small());
  ASSERT_TRUE(table.map_device(kNic, 2));
  ASSERT_TRUE(table.map(kNic, EventId(3), 8200));
  EXPECT_EQ(end_of(table, kNic, 2), MessageEnd::kUnmappedEvent);
  EXPECT_EQ(end_of(table, kNic, 4), MessageEnd::kOutOfRange);
  EXPECT_EQ(end_of(table, kNic, 0xffff'ffff), MessageEnd::kOutOfRange);
  EXPECT_EQ(end_of(table, kDisk, 3), MessageEnd::kUnmappedDevice);
  EXPECT_EQ(end_of(table, DeviceId(0xffff'ffff), 3), MessageEnd::kUnmappedDevice);
}

TEST(InterruptTable, OneEventOfTwoDevicesIsTwoInterrupts) {
  InterruptTable table(small());
  ASSERT_TRUE(table.map_device(kNic, 5));
  ASSERT_TRUE(table.map_device(kDisk, 5));
  ASSERT_TRUE(table.map(kNic, EventId(0), 8192));
  ASSERT_TRUE(table.map(kDisk, EventId(0), 9000));
  EXPECT_EQ(table.find(kNic, EventId(0)).intid, 8192U);
  EXPECT_EQ(table.find(kDisk, EventId(0)).intid, 9000U);
}

TEST(InterruptTable, TakesAwayOneEventOrAllOfADevice) {
  InterruptTable table(small());
  ASSERT_TRUE(table.map_device(kNic, 5));
  ASSERT_TRUE(table.map(kNic, EventId(0), 8192));
  ASSERT_TRUE(table.map(kNic, EventId(1), 8193));
  ASSERT_TRUE(table.discard(kNic, EventId(0)));
  EXPECT_EQ(end_of(table, kNic, 0), MessageEnd::kUnmappedEvent);
  EXPECT_EQ(end_of(table, kNic, 1), MessageEnd::kRaised);
  ASSERT_TRUE(table.unmap_device(kNic));
  EXPECT_EQ(end_of(table, kNic, 1), MessageEnd::kUnmappedDevice);
}

TEST(InterruptTable, ADeviceThatIsMappedAgainHasNoEvents) {
  InterruptTable table(small());
  ASSERT_TRUE(table.map_device(kNic, 5));
  ASSERT_TRUE(table.map(kNic, EventId(7), 8192));
  ASSERT_TRUE(table.map_device(kNic, 2));
  EXPECT_EQ(end_of(table, kNic, 7), MessageEnd::kOutOfRange);
  ASSERT_TRUE(table.map_device(kNic, 5));
  EXPECT_EQ(end_of(table, kNic, 7), MessageEnd::kUnmappedEvent);
}

TEST(InterruptTable, RefusesNumbersThatThereAreNot) {
  InterruptTable table(small());
  EXPECT_EQ(error_of(table.map_device(DeviceId(256), 5)), std::errc::invalid_argument);
  EXPECT_EQ(error_of(table.map_device(kNic, 6)), std::errc::invalid_argument);
  ASSERT_TRUE(table.map_device(DeviceId(255), 4));
  EXPECT_EQ(error_of(table.map(DeviceId(255), EventId(16), 8192)), std::errc::invalid_argument);
  EXPECT_EQ(error_of(table.map(DeviceId(255), EventId(0), 8191)), std::errc::invalid_argument);
  EXPECT_EQ(error_of(table.map(DeviceId(255), EventId(0), 9001)), std::errc::invalid_argument);
  EXPECT_TRUE(table.map(DeviceId(255), EventId(15), 9000));
}

TEST(InterruptTable, RefusesWhatItDoesNotHave) {
  InterruptTable table(small());
  EXPECT_EQ(error_of(table.map(kNic, EventId(0), 8192)), std::errc::no_such_device);
  EXPECT_EQ(error_of(table.discard(kNic, EventId(0))), std::errc::no_such_device);
  EXPECT_EQ(error_of(table.unmap_device(kNic)), std::errc::no_such_device);
  ASSERT_TRUE(table.map_device(kNic, 5));
  EXPECT_EQ(error_of(table.discard(kNic, EventId(0))), std::errc::no_such_device_or_address);
}

TEST(InterruptTable, AMappedEventStaysWhatItIs) {
  InterruptTable table(small());
  ASSERT_TRUE(table.map_device(kNic, 5));
  ASSERT_TRUE(table.map(kNic, EventId(0), 8192));
  EXPECT_EQ(error_of(table.map(kNic, EventId(0), 8193)), std::errc::file_exists);
  EXPECT_EQ(table.find(kNic, EventId(0)).intid, 8192U);
  ASSERT_TRUE(table.discard(kNic, EventId(0)));
  EXPECT_TRUE(table.map(kNic, EventId(0), 8193));
}

TEST(InterruptTable, GrowsNoFurtherThanItsLimits) {
  InterruptTable table(small());
  for (std::uint32_t device = 0; device != 3; ++device) {
    ASSERT_TRUE(table.map_device(DeviceId(device), 5));
  }
  EXPECT_EQ(error_of(table.map_device(kNic, 5)), std::errc::not_enough_memory);
  EXPECT_TRUE(table.map_device(DeviceId(2), 5));  // is there already
  for (std::uint32_t event = 0; event != 4; ++event) {
    ASSERT_TRUE(table.map(DeviceId(event % 3), EventId(event), 8192));
  }
  EXPECT_EQ(error_of(table.map(DeviceId(1), EventId(9), 8192)), std::errc::not_enough_memory);

  // What is taken away makes room, whichever way: one of event 1, two of device 0.
  ASSERT_TRUE(table.discard(DeviceId(1), EventId(1)));
  ASSERT_TRUE(table.map(DeviceId(1), EventId(9), 8192));
  ASSERT_TRUE(table.unmap_device(DeviceId(0)));
  ASSERT_TRUE(table.map_device(DeviceId(1), 5));
  for (std::uint32_t event = 0; event != 3; ++event) {
    EXPECT_TRUE(table.map(DeviceId(1), EventId(event), 8192)) << event;
  }
  EXPECT_EQ(error_of(table.map(DeviceId(1), EventId(3), 8192)), std::errc::not_enough_memory);
}

TEST(InterruptTable, TakesNumbersOf32Bits) {
  InterruptTable table({.device_bits = 32, .event_bits = 32, .last_intid = 0xffff'ffff});
  constexpr DeviceId kLast(0xffff'ffff);
  ASSERT_TRUE(table.map_device(kLast, 32));
  ASSERT_TRUE(table.map(kLast, EventId(0xffff'ffff), 0xffff'ffff));
  EXPECT_EQ(table.find(kLast, EventId(0xffff'ffff)).intid, 0xffff'ffffU);
  EXPECT_FALSE((InterruptTable::Limits{.device_bits = 33}).are_sound());
  EXPECT_FALSE((InterruptTable::Limits{.event_bits = 33}).are_sound());
  EXPECT_FALSE((InterruptTable::Limits{.first_intid = 2, .last_intid = 1}).are_sound());
}

}  // namespace
}  // namespace smmu::emulator::interrupt_table_test
