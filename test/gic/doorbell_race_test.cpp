// Many devices ring at once while software maps and unmaps.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "smmu/emulator/fixed_msi_window.h"
#include "smmu/emulator/gicv2m_frame.h"
#include "smmu/emulator/its_doorbell.h"
#include "smmu/testing/recording_controller.h"
#include "test/gic/words.h"

namespace smmu::emulator::doorbell_race_test {
namespace {

using smmu::testing::RecordingController;

constexpr std::uint32_t kDevices = 4;
constexpr std::uint32_t kMessages = 400;

// Runs `device(n)` on a thread of its own for each, and `software(stop)` on this one, which ends
// when all have.
template <class Device, class Software>
void race(Device&& device, Software&& software) {
  std::atomic<std::uint32_t> left{kDevices};
  std::vector<std::thread> threads;
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    threads.emplace_back([&, n] {
      device(n);
      --left;
    });
  }
  while (left != 0) software();
  for (auto& thread : threads) thread.join();
}

TEST(DoorbellRace, EveryMessageThatIsMappedIsRaisedOnceAndAsItsOwnDevices) {
  RecordingController controller;
  auto its = ItsDoorbell::create({.kept_messages = 16}, controller);
  ASSERT_TRUE(its);
  ItsDoorbell& doorbell = **its;
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    ASSERT_TRUE(doorbell.table().map_device(DeviceId(n), 4));
    ASSERT_TRUE(doorbell.table().map(DeviceId(n), EventId(0), 8192 + n));
  }
  race(
      [&](std::uint32_t n) {
        const Requester requester{.stream = StreamId(n)};
        for (std::uint32_t i = 0; i != kMessages; ++i) {
          EXPECT_EQ(doorbell.write_for(requester, 0x40, bytes_of<4>(i % 2)), BusResponse::kOkay);
        }
      },
      [&] {  // event 1 comes and goes
        for (std::uint32_t n = 0; n != kDevices; ++n) {
          EXPECT_TRUE(doorbell.table().map(DeviceId(n), EventId(1), 9192 + n));
        }
        for (std::uint32_t n = 0; n != kDevices; ++n) {
          EXPECT_TRUE(doorbell.table().discard(DeviceId(n), EventId(1)));
        }
        EXPECT_LE(doorbell.messages().recent().size(), 16U);
      });

  std::array<std::uint32_t, kDevices> steady{};
  std::uint64_t raised = 0;
  for (const auto& message : controller.messages()) {
    const std::uint32_t n = message.requester->stream.value;
    EXPECT_EQ(message.intid, (message.data == 0 ? 8192 : 9192) + n);
    if (message.data == 0) ++steady[n];
    ++raised;
  }
  for (const std::uint32_t count : steady) EXPECT_EQ(count, kMessages / 2);
  EXPECT_EQ(doorbell.messages().count(MessageEnd::kRaised), raised);
  EXPECT_EQ(doorbell.messages().count(MessageEnd::kRaised) +
                doorbell.messages().count(MessageEnd::kUnmappedEvent),
            std::uint64_t{kDevices} * kMessages);
}

TEST(DoorbellRace, AFrameLosesNoSpi) {
  RecordingController controller;
  auto made = GicV2mFrame::create({.first_spi = 64, .spis = kDevices}, controller);
  ASSERT_TRUE(made);
  GicV2mFrame& frame = **made;
  race(
      [&](std::uint32_t n) {
        const Requester requester{.stream = StreamId(n)};
        for (std::uint32_t i = 0; i != kMessages; ++i) {
          EXPECT_EQ(frame.write_for(requester, 0x40, bytes_of<4>(64 + n)), BusResponse::kOkay);
        }
      },
      [&] { EXPECT_LE(frame.messages().recent().size(), 256U); });
  std::array<std::uint32_t, kDevices> counts{};
  for (const auto& message : controller.messages()) {
    EXPECT_EQ(message.intid - 64, message.requester->stream.value);
    ++counts[message.intid - 64];
  }
  for (const std::uint32_t count : counts) EXPECT_EQ(count, kMessages);
}

// A port that must not be asked.
class ForbiddenPort final : public Port {
 public:
  using Port::translate;
  void translate(const Transaction&, Outcome& outcome) override {
    ADD_FAILURE();
    outcome = Terminated{Response::kAbort};
  }
  Transfer read(const Transaction&, std::span<std::byte>) override { return failed(); }
  Transfer write(const Transaction&, std::span<const std::byte>) override { return failed(); }
  TranslationCompletion request_translation(const TranslationRequest&) override {
    ADD_FAILURE();
    return {};
  }
  void request_page(const PageRequest&) override { ADD_FAILURE(); }
  Outcome refuse(const Transaction&, std::uint16_t) override { return failed().outcome; }

 private:
  static Transfer failed() {
    ADD_FAILURE();
    return {Terminated{Response::kAbort}, 0};
  }
};

TEST(DoorbellRace, PortsOfAWindowShareItsTable) {
  RecordingController controller;
  auto made = FixedMsiWindow::create({}, controller);
  ASSERT_TRUE(made);
  FixedMsiWindow& window = **made;
  ForbiddenPort smmu;
  std::vector<Port*> ports;
  for (std::uint32_t n = 0; n != kDevices; ++n) {
    ports.push_back(&window.add_port(smmu));
    ASSERT_TRUE(window.table().map_device(DeviceId(n), 4));
    ASSERT_TRUE(window.table().map(DeviceId(n), EventId(0), 32 + n));
  }
  race(
      [&](std::uint32_t n) {
        const Transaction message{.stream = StreamId(n), .address = window.base()};
        for (std::uint32_t i = 0; i != kMessages; ++i) {
          EXPECT_EQ(ports[n]->write(message, bytes_of<4>(0)).bytes, 4U);
        }
      },
      [&] {
        EXPECT_TRUE(window.table().map_device(DeviceId(kDevices), 4));
        EXPECT_TRUE(window.table().unmap_device(DeviceId(kDevices)));
      });
  std::array<std::uint32_t, kDevices> counts{};
  for (const auto& message : controller.messages()) ++counts[message.intid - 32];
  for (const std::uint32_t count : counts) EXPECT_EQ(count, kMessages);
}

}  // namespace
}  // namespace smmu::emulator::doorbell_race_test
