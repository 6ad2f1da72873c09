// Devices ring on their own threads while software unmaps a doorbell, and an event.
#include <atomic>
#include <thread>
#include <vector>

#include "test/system/doorbells.h"

namespace smmu::testing::message_concurrency_test {
namespace {

constexpr std::uint32_t kDevices = 3;
constexpr unsigned kRounds = 60;

TEST(MessageConcurrency, NoMessageComesAfterTheSyncThatFollowedItsUnmapping) {  // 4.7.3
  Doorbells bells;
  bells.board.bring_up();
  std::vector<PageTable> tables;
  std::vector<DmaDevice> devices;
  std::vector<std::atomic<std::uint32_t>> heard(kDevices);
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    tables.push_back(bells.attach(StreamId(n), Asid(static_cast<std::uint16_t>(n + 1))));
    devices.push_back(bells.board.device(StreamId(n)));
    bells.map_event(n, 0, 8192 + n);
  }
  std::atomic<std::uint32_t> wrong{0};
  bells.controller.on_raise([&](const emulator::InterruptMessage& message) {
    const std::uint32_t n = message.requester->stream.value;
    if (message.intid != 8192 + n || message.device != DeviceId(n)) ++wrong;
    ++heard[n];
  });

  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    threads.emplace_back([&, n] {
      while (!stop) {
        (void)Doorbells::ring(devices[n], Doorbells::kTranslater, 0);
        std::this_thread::yield();
      }
    });
  }
  unsigned late = 0;
  for (unsigned round = 0; round != kRounds; ++round) {
    const std::uint32_t n = round % kDevices;
    const std::uint32_t before = heard[n];
    while (heard[n] == before) std::this_thread::yield();
    tables[n].unmap(Doorbells::kItsPage);
    bells.board.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
    while (!bells.board.idle()) std::this_thread::yield();
    const std::uint32_t after = heard[n];
    for (unsigned spin = 0; spin != 20; ++spin) std::this_thread::yield();
    if (heard[n] != after) ++late;
    bells.map(tables[n], Doorbells::kItsPage, Doorbells::kIts);
    (void)bells.board.events();
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(late, 0U);
  EXPECT_EQ(wrong, 0U);
}

TEST(MessageConcurrency, SoftwareMapsEventsWhileDevicesRing) {
  Doorbells bells;
  bells.board.bring_up();
  std::vector<DmaDevice> devices;
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    bells.attach(StreamId(n), Asid(static_cast<std::uint16_t>(n + 1)));
    devices.push_back(bells.board.device(StreamId(n)));
    bells.map_event(n, 0, 8192 + n);
  }
  constexpr std::uint32_t kMessages = 300;
  std::atomic<std::uint32_t> left{kDevices};
  std::vector<std::thread> threads;
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    threads.emplace_back([&, n] {
      for (std::uint32_t i = 0; i != kMessages; ++i) {
        EXPECT_TRUE(Doorbells::ring(devices[n], Doorbells::kTranslater, i % 2));
        EXPECT_TRUE(Doorbells::ring(devices[n], Doorbells::kSetSpi, 64 + n));
      }
      --left;
    });
  }
  while (left != 0) {
    EXPECT_TRUE(bells.its->table().map(DeviceId(0), EventId(1), 9000));
    EXPECT_TRUE(bells.its->table().discard(DeviceId(0), EventId(1)));
  }
  for (auto& thread : threads) thread.join();

  std::vector<std::uint32_t> lpis(kDevices);
  std::vector<std::uint32_t> spis(kDevices);
  for (const auto& message : bells.controller.messages()) {
    const std::uint32_t n = message.requester->stream.value;
    if (message.intid == 8192 + n) ++lpis[n];
    if (message.intid == 64 + n) ++spis[n];
  }
  EXPECT_EQ(lpis, std::vector<std::uint32_t>(kDevices, kMessages / 2));
  EXPECT_EQ(spis, std::vector<std::uint32_t>(kDevices, kMessages));
}

}  // namespace
}  // namespace smmu::testing::message_concurrency_test
