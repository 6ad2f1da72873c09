// The MSI frame of a GICv2m, as devices and as its driver see it.
#include "smmu/emulator/gicv2m_frame.h"

#include <gtest/gtest.h>

#include "smmu/testing/recording_controller.h"
#include "test/gic/words.h"

namespace smmu::emulator::gicv2m_frame_test {
namespace {

using smmu::testing::RecordingController;

constexpr Requester kNic{.stream = StreamId(7)};
constexpr Requester kDisk{.stream = StreamId(8), .attributes = {.type = 0x04}};

class GicV2m : public ::testing::Test {
 protected:
  GicV2m() {
    auto made = GicV2mFrame::create(
        {.first_spi = 80, .spis = 32, .iidr = V2M_MSI_IIDR(0x0510'0000), .kept_messages = 8},
        controller);
    EXPECT_TRUE(made);
    frame = *std::move(made);
  }

  MessageEnd last_end() const { return frame->messages().recent().back().end; }

  RecordingController controller;
  std::unique_ptr<GicV2mFrame> frame;
};

TEST_F(GicV2m, AWriteRaisesTheSpiThatItNames) {
  EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<4>(80)), BusResponse::kOkay);
  EXPECT_EQ(frame->write_for(kDisk, 0x40, bytes_of<4>(111)), BusResponse::kOkay);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{80, 111}));
  EXPECT_EQ(controller.messages()[1].requester, kDisk);
  EXPECT_EQ(frame->messages().recent(), controller.messages());
}

TEST_F(GicV2m, AnyDeviceRaisesAnySpi) {
  for (const Requester& device : {kNic, kDisk}) {
    EXPECT_EQ(frame->write_for(device, 0x40, bytes_of<4>(90)), BusResponse::kOkay);
  }
  EXPECT_EQ(frame->write(0x40, bytes_of<4>(90)), BusResponse::kOkay);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{90, 90, 90}));
  EXPECT_FALSE(controller.messages()[2].requester);
}

TEST_F(GicV2m, SpisOfOthersAreLeftAlone) {
  for (const std::uint32_t spi : {0U, 79U, 112U, 1023U}) {
    EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<4>(spi)), BusResponse::kOkay);
    EXPECT_EQ(last_end(), MessageEnd::kOutOfRange) << spi;
  }
  EXPECT_TRUE(controller.messages().empty());
  EXPECT_EQ(frame->messages().count(), 4U);
}

TEST_F(GicV2m, SixteenBitsAreEnough) {
  EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<2>(81)), BusResponse::kOkay);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{81}));
}

TEST_F(GicV2m, BitsAboveTheNumberAreNotLookedAt) {
  EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<4>(0xffff'fc00 | 82)), BusResponse::kOkay);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{82}));
  EXPECT_EQ(controller.messages()[0].data, 0xffff'fc52U);
}

TEST_F(GicV2m, OtherSizesAndPlacesAreMalformed) {
  EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<8>(80)), BusResponse::kOkay);
  EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<1>(80)), BusResponse::kOkay);
  EXPECT_EQ(frame->write_for(kNic, 0x42, bytes_of<2>(80)), BusResponse::kOkay);
  EXPECT_EQ(frame->write_for(kNic, 0x3e, bytes_of<4>(80)), BusResponse::kOkay);
  EXPECT_EQ(frame->write_for(kNic, 0x38, bytes_of<16>(80)), BusResponse::kOkay);
  EXPECT_TRUE(controller.messages().empty());
  EXPECT_EQ(frame->messages().count(MessageEnd::kMalformed), 5U);
  EXPECT_EQ(frame->messages().recent()[0].requester, kNic);
}

TEST_F(GicV2m, AWriteElsewhereIsNoMessage) {
  for (const std::uint64_t offset : {0x0U, 0x8U, 0x3cU, 0x44U, 0x48U, 0xfccU, 0xffcU}) {
    EXPECT_EQ(frame->write_for(kNic, offset, bytes_of<4>(80)), BusResponse::kOkay);
  }
  EXPECT_EQ(frame->messages().count(), 0U);
  EXPECT_TRUE(controller.messages().empty());
}

TEST_F(GicV2m, ADriverReadsWhichSpisThereAre) {
  std::array<std::byte, 4> bytes{};
  ASSERT_EQ(frame->read(0x008, bytes), BusResponse::kOkay);
  EXPECT_EQ(value_of(bytes), 80U << 16 | 32U);
  ASSERT_EQ(frame->read(0xfcc, bytes), BusResponse::kOkay);
  EXPECT_EQ(value_of(bytes), 0x0510'0000U);
}

TEST_F(GicV2m, AllElseReadsZero) {
  for (std::uint64_t offset = 0; offset != 0x1000; offset += 4) {
    if (offset == 0x008 || offset == 0xfcc) continue;
    auto bytes = bytes_of<4>(0xffff'ffff);
    ASSERT_EQ(frame->read(offset, bytes), BusResponse::kOkay);
    EXPECT_EQ(value_of(bytes), 0U) << offset;
  }
  auto narrow = bytes_of<2>(0xffff);
  ASSERT_EQ(frame->read(0x008, narrow), BusResponse::kOkay);
  EXPECT_EQ(value_of(narrow), 0U);
  auto wide = bytes_of<8>(~std::uint64_t{0});
  ASSERT_EQ(frame->read(0x008, wide), BusResponse::kOkay);
  EXPECT_EQ(value_of(wide), 0U);
}

TEST_F(GicV2m, TheControllerMayUseTheFrame) {
  std::uint64_t seen = 0;
  controller.on_raise([&](const InterruptMessage& message) {
    seen = frame->messages().count(MessageEnd::kRaised);
    if (message.intid == 80) (void)frame->write(0x40, bytes_of<4>(81));
  });
  EXPECT_EQ(frame->write_for(kNic, 0x40, bytes_of<4>(80)), BusResponse::kOkay);
  EXPECT_EQ(controller.intids(), (std::vector<std::uint32_t>{80, 81}));
  EXPECT_EQ(seen, 2U);
}

TEST(GicV2mConfig, TakesSpisAndNothingElse) {
  RecordingController controller;
  const auto error_of = [&](const GicV2mConfig& config) {
    const auto made = GicV2mFrame::create(config, controller);
    return made ? std::errc{} : made.error();
  };
  EXPECT_EQ(error_of({.first_spi = 32, .spis = 988}), std::errc{});
  EXPECT_EQ(error_of({.first_spi = 1019, .spis = 1}), std::errc{});
  EXPECT_EQ(error_of({.first_spi = 31, .spis = 1}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.first_spi = 1020, .spis = 1}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.first_spi = 32, .spis = 989}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.first_spi = 33, .spis = 0xffff'ffff}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.first_spi = 64, .spis = 0}), std::errc::invalid_argument);
  EXPECT_EQ(error_of({.kept_messages = MessageLog::kMostKept + 1}), std::errc::invalid_argument);
}

}  // namespace
}  // namespace smmu::emulator::gicv2m_frame_test
