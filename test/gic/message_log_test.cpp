// What a doorbell remembers, and how little of it.
#include "smmu/emulator/message_log.h"

#include <gtest/gtest.h>

namespace smmu::emulator::message_log_test {
namespace {

InterruptMessage numbered(std::uint32_t data, MessageEnd end = MessageEnd::kRaised) {
  return {.requester = std::nullopt, .device = std::nullopt, .data = data, .end = end};
}

std::vector<std::uint32_t> kept_by(const MessageLog& log) {
  std::vector<std::uint32_t> data;
  for (const auto& message : log.recent()) data.push_back(message.data);
  return data;
}

TEST(MessageLog, KeepsWhatCameInOrder) {
  MessageLog log(4);
  EXPECT_TRUE(log.recent().empty());
  for (std::uint32_t i = 0; i != 4; ++i) log.add(numbered(i));
  EXPECT_EQ(kept_by(log), (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

TEST(MessageLog, ForgetsTheOldestAndCountsThemAll) {
  MessageLog log(4);
  for (std::uint32_t i = 0; i != 11; ++i) log.add(numbered(i));
  EXPECT_EQ(kept_by(log), (std::vector<std::uint32_t>{7, 8, 9, 10}));
  EXPECT_EQ(log.count(), 11U);
}

TEST(MessageLog, CountsByTheEnd) {
  MessageLog log(1);
  log.add(numbered(1));
  log.add(numbered(2, MessageEnd::kUnmappedEvent));
  log.add(numbered(3, MessageEnd::kUnmappedEvent));
  EXPECT_EQ(log.count(MessageEnd::kRaised), 1U);
  EXPECT_EQ(log.count(MessageEnd::kUnmappedEvent), 2U);
  EXPECT_EQ(log.count(MessageEnd::kMalformed), 0U);
  EXPECT_EQ(log.count(), 3U);
}

TEST(MessageLog, MayKeepNone) {
  MessageLog log(0);
  log.add(numbered(1));
  EXPECT_TRUE(log.recent().empty());
  EXPECT_EQ(log.count(), 1U);
}

}  // namespace
}  // namespace smmu::emulator::message_log_test
