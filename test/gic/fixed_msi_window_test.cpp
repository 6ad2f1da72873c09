// A window of interrupts in front of an SMMU's port: what the port sees, and what devices can
// raise.
#include "smmu/emulator/fixed_msi_window.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "smmu/testing/recording_controller.h"
#include "test/gic/words.h"

namespace smmu::emulator::fixed_msi_window_test {
namespace {

using smmu::testing::RecordingController;

constexpr std::uint64_t kBase = 0xfee0'0000;
constexpr std::uint64_t kEnd = 0xfef0'0000;
constexpr StreamId kNic(7);
constexpr StreamId kDisk(8);

// A port that translates everything to the same address, and remembers.
class IdentityPort final : public Port {
 public:
  using Port::translate;
  void translate(const Transaction& transaction, Outcome& outcome) override {
    note(transaction, 0);
    outcome = answer(transaction.address);
  }
  Transfer read(const Transaction& transaction, std::span<std::byte> bytes) override {
    note(transaction, bytes.size());
    std::ranges::fill(bytes, std::byte{0x5a});
    return {answer(transaction.address), bytes.size()};
  }
  Transfer write(const Transaction& transaction, std::span<const std::byte> bytes) override {
    note(transaction, bytes.size());
    if (stalls) return {Stalled{.tag = 1}, 0};
    return {answer(transaction.address), bytes.size()};
  }
  TranslationCompletion request_translation(const TranslationRequest& request) override {
    asked.push_back({request.address, 0});
    return completion;
  }
  void request_page(const PageRequest& request) override { asked.push_back({request.address, 0}); }
  Outcome refuse(const Transaction& transaction, std::uint16_t) override {
    note(transaction, 0);
    return Terminated{Response::kAbort};
  }

  struct Asked {
    Iova address;
    std::size_t bytes;
    friend bool operator==(const Asked&, const Asked&) = default;
  };
  std::vector<Asked> asked;
  std::uint64_t block = std::uint64_t{1} << 48;
  bool stalls = false;
  TranslationCompletion completion;

 private:
  void note(const Transaction& transaction, std::size_t bytes) {
    asked.push_back({transaction.address, bytes});
  }
  Outcome answer(Iova address) const {
    return Translation{.pa = Pa(address.value),
                       .size = block,
                       .attributes = {},
                       .permissions = Permissions::all(),
                       .route = Route::kDisabled};
  }
};

using Asked = std::vector<IdentityPort::Asked>;

class FixedWindow : public ::testing::Test {
 protected:
  FixedWindow() {
    auto made = FixedMsiWindow::create({}, controller);
    EXPECT_TRUE(made);
    window = *std::move(made);
    port = &window->add_port(smmu);
    for (const StreamId stream : {kNic, kDisk}) {
      EXPECT_TRUE(window->table().map_device(DeviceId(stream.value), 8));
    }
    EXPECT_TRUE(window->table().map(DeviceId(7), EventId(3), 0x41));
    EXPECT_TRUE(window->table().map(DeviceId(8), EventId(3), 0x42));
  }

  static Transaction at(std::uint64_t address, Direction direction = Direction::kRead) {
    return {.stream = kNic, .address = Iova(address), .direction = direction};
  }
  static const Translation& translation_of(const Outcome& outcome) {
    return std::get<Translation>(outcome);
  }
  static bool aborts(const Outcome& outcome) {
    const auto* end = std::get_if<Terminated>(&outcome);
    return end != nullptr && end->response == Response::kAbort;
  }

  RecordingController controller;
  IdentityPort smmu;
  std::unique_ptr<FixedMsiWindow> window;
  Port* port = nullptr;
};

TEST_F(FixedWindow, AMessageRaisesWhatItsHandleIsAndTheSmmuNeverSeesIt) {
  const Transfer done = port->write(at(kBase), bytes_of<4>(3));
  EXPECT_EQ(done.bytes, 4U);
  EXPECT_TRUE(std::holds_alternative<Translation>(done.outcome));
  ASSERT_EQ(controller.intids(), (std::vector<std::uint32_t>{0x41}));
  EXPECT_EQ(controller.messages()[0].device, DeviceId(7));
  EXPECT_EQ(controller.messages()[0].requester->stream, kNic);
  EXPECT_TRUE(smmu.asked.empty());
}

TEST_F(FixedWindow, TheWholeWindowTakesMessages) {
  for (const std::uint64_t address : {kBase, kBase + 4, kBase + 0x8'0000, kEnd - 4}) {
    EXPECT_EQ(port->write(at(address), bytes_of<4>(3)).bytes, 4U);
  }
  EXPECT_EQ(controller.messages().size(), 4U);
}

TEST_F(FixedWindow, EachDeviceHasItsOwnTable) {
  Transaction disk = at(kBase);
  disk.stream = kDisk;
  EXPECT_EQ(port->write(disk, bytes_of<4>(3)).bytes, 4U);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{0x42}));
}

TEST_F(FixedWindow, WhatTheTableDoesNotAllowIsDroppedAndTheDeviceSeesSuccess) {
  EXPECT_EQ(port->write(at(kBase), bytes_of<4>(4)).bytes, 4U);
  EXPECT_EQ(port->write(at(kBase), bytes_of<4>(0x41'0003)).bytes, 4U);
  Transaction stranger = at(kBase);
  stranger.stream = StreamId(9);
  EXPECT_EQ(port->write(stranger, bytes_of<4>(3)).bytes, 4U);
  EXPECT_TRUE(controller.messages().empty());
  EXPECT_EQ(window->messages().count(MessageEnd::kUnmappedEvent), 1U);
  EXPECT_EQ(window->messages().count(MessageEnd::kOutOfRange), 1U);
  EXPECT_EQ(window->messages().count(MessageEnd::kUnmappedDevice), 1U);
}

TEST_F(FixedWindow, OtherWritesThereAbort) {
  EXPECT_EQ(port->write(at(kBase), bytes_of<8>(3)).bytes, 0U);
  EXPECT_EQ(port->write(at(kBase), bytes_of<2>(3)).bytes, 0U);
  EXPECT_EQ(port->write(at(kBase + 2), bytes_of<4>(3)).bytes, 0U);
  EXPECT_TRUE(aborts(port->write(at(kBase), {}).outcome));
  EXPECT_EQ(window->messages().count(MessageEnd::kMalformed), 4U);
  EXPECT_TRUE(controller.messages().empty());
  EXPECT_TRUE(smmu.asked.empty());
}

TEST_F(FixedWindow, AMessageWithoutADeviceIdAborts) {
  Transaction secure = at(kBase);
  secure.security = SecurityState::kSecure;
  const Transfer done = port->write(secure, bytes_of<4>(3));
  EXPECT_EQ(done.bytes, 0U);
  EXPECT_TRUE(aborts(done.outcome));
  EXPECT_EQ(window->messages().count(MessageEnd::kNoDeviceId), 1U);
}

TEST_F(FixedWindow, ReadsThereAbort) {
  std::array<std::byte, 4> bytes{};
  const Transfer done = port->read(at(kBase), bytes);
  EXPECT_EQ(done.bytes, 0U);
  EXPECT_TRUE(aborts(done.outcome));
  EXPECT_TRUE(aborts(port->translate(at(kBase))));
  EXPECT_TRUE(smmu.asked.empty());
  EXPECT_EQ(window->messages().count(), 0U);
}

TEST_F(FixedWindow, AnAddressThatTheDeviceHasTranslatedIsNoMessage) {
  Transaction translated = at(kBase, Direction::kWrite);
  translated.address_type = AddressType::kTranslated;
  EXPECT_TRUE(aborts(port->translate(translated)));
  EXPECT_EQ(port->write(translated, bytes_of<4>(3)).bytes, 0U);
  EXPECT_TRUE(controller.messages().empty());
}

TEST_F(FixedWindow, TranslationOfAMessageIsItsAddress) {
  const Outcome outcome = port->translate(at(kBase + 0x10, Direction::kWrite));
  ASSERT_TRUE(std::holds_alternative<Translation>(outcome));
  EXPECT_EQ(translation_of(outcome).pa, Pa(kBase + 0x10));
  EXPECT_EQ(translation_of(outcome).size, kEnd - kBase);
  EXPECT_FALSE(translation_of(outcome).permissions.allow(Privilege::kPrivileged, Direction::kRead,
                                                         Content::kData));
  EXPECT_TRUE(smmu.asked.empty());
}

TEST_F(FixedWindow, WhatIsOutsideIsTheSmmus) {
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(port->read(at(kBase - 8), bytes).bytes, 8U);
  EXPECT_EQ(bytes[7], std::byte{0x5a});
  EXPECT_EQ(port->write(at(kEnd), bytes).bytes, 8U);
  (void)port->translate(at(0x1234));
  (void)port->refuse(at(0x2345), 1);
  EXPECT_EQ(smmu.asked, (Asked{{Iova(kBase - 8), 8},  //
                               {Iova(kEnd), 8},
                               {Iova(0x1234), 0},
                               {Iova(0x2345), 0}}));
  EXPECT_EQ(window->messages().count(), 0U);
}

TEST_F(FixedWindow, AnUnsupportedAccessThereIsNotTheSmmusToRecord) {
  EXPECT_TRUE(aborts(port->refuse(at(kBase), 1)));
  EXPECT_TRUE(smmu.asked.empty());
}

TEST_F(FixedWindow, AnAccessAcrossTheEdgeIsCutThere) {
  std::array<std::byte, 16> bytes{};
  const Transfer read = port->read(at(kBase - 8), bytes);
  EXPECT_EQ(read.bytes, 8U);
  EXPECT_TRUE(aborts(read.outcome));
  // The last word of the window is a message, the rest is behind it.
  auto words = bytes_of<12>(3);
  const Transfer written = port->write(at(kEnd - 4), words);
  EXPECT_EQ(written.bytes, 12U);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{0x41}));
  EXPECT_EQ(smmu.asked, (Asked{{Iova(kBase - 8), 8}, {Iova(kEnd), 8}}));
}

TEST_F(FixedWindow, ABlockEndsWhereTheWindowBegins) {
  EXPECT_EQ(translation_of(port->translate(at(kBase - 1))).size, 0x20'0000U);
  EXPECT_EQ(translation_of(port->translate(at(kEnd))).size, 0x10'0000U);
  EXPECT_EQ(translation_of(port->translate(at(0x1234))).size, 0x8000'0000U);
  EXPECT_EQ(translation_of(port->translate(at(std::uint64_t{1} << 47))).size,
            std::uint64_t{1} << 47);
  std::array<std::byte, 4> bytes{};
  EXPECT_EQ(translation_of(port->read(at(kBase - 4), bytes).outcome).size, 0x20'0000U);
  smmu.block = 4096;
  EXPECT_EQ(translation_of(port->translate(at(kBase - 1))).size, 4096U);
}

TEST_F(FixedWindow, AStallEndsTheAccessAsItDoesAtThePort) {
  smmu.stalls = true;
  const Transfer done = port->write(at(kBase - 8), bytes_of<12>(3));
  EXPECT_EQ(done.bytes, 0U);
  EXPECT_TRUE(std::holds_alternative<Stalled>(done.outcome));
  EXPECT_TRUE(controller.messages().empty());
}

TEST_F(FixedWindow, ATranslationRequestThereIsToldOfNoAccess) {
  const auto completion =
      port->request_translation({.stream = kNic, .address = Iova(kBase + 0x1234)});
  EXPECT_EQ(completion.status, CompletionStatus::kSuccess);
  ASSERT_EQ(completion.num_ranges, 1U);
  EXPECT_FALSE(completion.ranges()[0].accessible());
  EXPECT_EQ(completion.ranges()[0].address, Iova(kBase + 0x1000));
  EXPECT_EQ(completion.ranges()[0].size, 4096U);
  EXPECT_TRUE(smmu.asked.empty());
}

TEST_F(FixedWindow, ATranslationCompletionSpeaksOfNothingInTheWindow) {
  const auto range = [](std::uint64_t address, std::uint64_t size) {
    return TranslatedRange{.address = Iova(address),
                           .size = size,
                           .translated = Iova(address + 0x1'0000'0000),
                           .read = true};
  };
  // The block around both.
  smmu.completion.num_ranges = 2;
  smmu.completion.storage[0] = range(0xc000'0000, 0x4000'0000);
  smmu.completion.storage[1] = range(0x1'0000'0000, 0x4000'0000);
  auto cut = port->request_translation({.stream = kNic, .address = Iova(kBase - 0x1000)});
  ASSERT_EQ(cut.num_ranges, 1U);
  EXPECT_EQ(cut.ranges()[0].address, Iova(0xfec0'0000));
  EXPECT_EQ(cut.ranges()[0].size, 0x20'0000U);
  EXPECT_EQ(cut.ranges()[0].translated, Iova(0x1'fec0'0000));
  EXPECT_TRUE(cut.ranges()[0].read);
  // The page before it, and the page after that.
  smmu.completion.storage[0] = range(kBase - 0x1000, 0x1000);
  smmu.completion.storage[1] = range(kBase, 0x1000);
  cut = port->request_translation({.stream = kNic, .address = Iova(kBase - 0x1000), .count = 2});
  ASSERT_EQ(cut.num_ranges, 1U);
  EXPECT_EQ(cut.ranges()[0].size, 0x1000U);
  // Neither.
  smmu.completion.storage[0] = range(0x1000, 0x1000);
  smmu.completion.storage[1] = range(0x2000, 0x1000);
  EXPECT_EQ(port->request_translation({.stream = kNic, .address = Iova(0x1000)}).num_ranges, 2U);
}

TEST_F(FixedWindow, PageRequestsAreSoftwaresToAnswer) {
  port->request_page({.stream = kNic, .address = Iova(kBase)});
  EXPECT_EQ(smmu.asked.size(), 1U);
}

TEST(FixedMsiWindowConfig, RefusesWhatIsNoBlock) {
  RecordingController controller;
  const auto error_of = [&](const FixedMsiWindowConfig& config) {
    const auto made = FixedMsiWindow::create(config, controller);
    return made ? std::errc{} : made.error();
  };
  EXPECT_EQ(error_of({.base = Iova(0), .size = 4096}), std::errc{});
  EXPECT_EQ(error_of({.base = Iova(0xffff'ffff'ffff'f000), .size = 4096}), std::errc{});
  EXPECT_EQ(error_of({.size = 0}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.size = 2048}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.size = 3 * 4096}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.base = Iova(0xfee0'1000)}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.limits = {.device_bits = 33}}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.kept_messages = MessageLog::kMostKept + 1}), std::errc::invalid_argument);
}

TEST(FixedMsiWindowEnd, AWindowAtTheTopOfAllAddressesEndsThere) {
  RecordingController controller;
  auto window =
      FixedMsiWindow::create({.base = Iova(0xffff'ffff'ffff'f000), .size = 4096}, controller);
  ASSERT_TRUE(window);
  IdentityPort smmu;
  Port& port = (*window)->add_port(smmu);
  ASSERT_TRUE((*window)->table().map_device(DeviceId(7), 8));
  ASSERT_TRUE((*window)->table().map(DeviceId(7), EventId(3), 0x41));
  const Transaction last{.stream = kNic, .address = Iova(0xffff'ffff'ffff'fffc)};
  EXPECT_EQ(port.write(last, bytes_of<8>(3)).bytes, 8U);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{0x41}));
  EXPECT_EQ(smmu.asked, (Asked{{Iova(0), 4}}));
}

}  // namespace
}  // namespace smmu::emulator::fixed_msi_window_test
