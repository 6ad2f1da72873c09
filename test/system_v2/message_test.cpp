// Messages of devices behind an SMMUv2: whose they are, and of which type.
#include <array>

#include "smmu/arch/vmsa/aarch64.h"
#include "smmu/emulator/gicv2m_frame.h"
#include "smmu/emulator/its_doorbell.h"
#include "smmu/testing/board_v2.h"
#include "smmu/testing/matchers.h"
#include "smmu/testing/recording_controller.h"
#include "smmu/testing/software_v2.h"

namespace smmu::testing::message_test {
namespace {

using emulator::InterruptMessage;
using emulator::MessageEnd;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace v2;

constexpr StreamId kNic(0x127);
constexpr StreamId kDisk(0x128);
constexpr Pa kFrame(0x0802'0000);
constexpr Pa kIts(0x0809'0000);
constexpr Iova kFramePage(0x1'0000'0000);
constexpr Iova kItsPage(0x1'0001'0000);
constexpr Iova kSetSpi(kFramePage.value + 0x40);
constexpr Iova kTranslater(kItsPage.value + 0x40);

// Banks 0 and 1 have both doorbells as Device-nGnRE, for a stream each.
class MessageV2 : public ::testing::Test {
 protected:
  MessageV2() {
    EXPECT_TRUE(board.memory().add_device(kFrame, kV2mFrameSize, *frame));
    EXPECT_TRUE(board.memory().add_device(kIts, kItsTranslationFrameSize, *its));
    map(kFramePage, kFrame);
    map(kItsPage, kIts);
    for (const std::uint32_t bank : {0U, 1U}) {
      software.stage1(bank, table, {.asid = bank + 1});
      software.bank(bank).write(
          SMMU_CBn_MAIR0().set(SMMU_CBn_MAIR0::Attr0, 0xffU).set(SMMU_CBn_MAIR0::Attr1, 0x04U));
    }
    map_event(kNic, 3, 8200);
    map_event(kDisk, 3, 8300);
  }

  void map(Iova iova, Pa pa) {
    using vmsa::Leaf_Stage1;
    table.map(iova, pa, 4096);
    const Pa leaf = table.descriptor(iova);
    store(board.memory(), leaf,
          Leaf_Stage1({load(board.memory(), leaf)}).set(Leaf_Stage1::AttrIndx, 1U));
  }
  void map_event(StreamId stream, std::uint32_t event, std::uint32_t lpi) {
    EXPECT_TRUE(its->table().map_device(DeviceId(stream.value), 5));
    EXPECT_TRUE(its->table().map(DeviceId(stream.value), EventId(event), lpi));
  }
  static bool ring(const DmaDevice& device, Iova doorbell, std::uint32_t data) {
    std::array<std::byte, 4> bytes{};
    for (unsigned i = 0; i != 4; ++i) bytes[i] = static_cast<std::byte>(data >> 8 * i);
    return device.write(doorbell, bytes).bytes == 4;
  }

  RecordingController controller;
  std::unique_ptr<emulator::GicV2mFrame> frame =
      *emulator::GicV2mFrame::create({.first_spi = 64, .spis = 32}, controller);
  std::unique_ptr<emulator::ItsDoorbell> its = *emulator::ItsDoorbell::create({}, controller);
  BoardV2 board;
  SoftwareV2 software{board};
  PageTable table = board.page_table({.t0sz = 25});
};

TEST_F(MessageV2, ThroughABankCarriesTheDeviceIdAndTheTypeOfItsLeaf) {
  software.lead(kNic, 0);
  software.enable();
  const DmaDevice nic = board.device(kNic);
  const InterruptMessage message{
      .requester = Requester{.stream = kNic,
                             .attributes = {.type = 0x04, .shareability = Shareability::kOuter}},
      .device = DeviceId(kNic.value),
      .data = 3,
      .end = MessageEnd::kRaised,
      .intid = 8200};
  EXPECT_TRUE(ring(nic, kTranslater, 3));
  EXPECT_TRUE(ring(nic, kTranslater, 3));
  EXPECT_THAT(controller.messages(), ElementsAre(message, message));
  EXPECT_TRUE(board.quiet());
}

TEST_F(MessageV2, OfTwoDevicesWithOneEventIsTwoInterrupts) {
  software.lead(kNic, 0);
  software.lead(kDisk, 1);
  software.enable();
  EXPECT_TRUE(ring(board.device(kDisk), kTranslater, 3));
  EXPECT_TRUE(ring(board.device(kNic), kTranslater, 3));
  EXPECT_TRUE(ring(board.device(kDisk), kSetSpi, 70));
  EXPECT_TRUE(ring(board.device(kNic), kSetSpi, 70));
  EXPECT_THAT(controller.intids(), ElementsAre(8300, 8200, 70, 70));
}

TEST_F(MessageV2, OfAGroupThatBypassesHasTheAttributesItSays) {
  using S2cr = SMMU_S2CRn_Translation;
  software.lead(kNic, S2cr()
                          .set(S2cr::TYPE, StreamType::kBypass)
                          .set(S2cr::MTCFG, true)
                          .set(S2cr::MemAttr, 0b0001U));  // Device-nGnRE
  software.enable();
  EXPECT_TRUE(ring(board.device(kNic), Iova(kIts.value + 0x40), 3));
  ASSERT_THAT(controller.intids(), ElementsAre(8200));
  EXPECT_EQ(controller.messages()[0].requester->attributes,
            (MemoryAttributes{.type = 0x04, .shareability = Shareability::kOuter}));
}

TEST_F(MessageV2, AfterPowerOnCarriesTheDeviceIdToo) {
  EXPECT_TRUE(ring(board.device(kNic), Iova(kIts.value + 0x40), 3));
  ASSERT_THAT(controller.intids(), ElementsAre(8200));
  EXPECT_EQ(controller.messages()[0].requester->stream, kNic);
}

TEST_F(MessageV2, OfAStreamWithoutAGroupNeverArrives) {
  software.enable();
  EXPECT_FALSE(ring(board.device(kNic), kTranslater, 3));
  EXPECT_EQ(its->messages().count(), 0U);
  EXPECT_TRUE(board.global_fault.up());
}

TEST_F(MessageV2, Of64BitsIsNone) {
  software.lead(kNic, 0);
  software.enable();
  EXPECT_EQ(board.device(kNic).write64(kTranslater, 3).bytes, 8U);
  EXPECT_EQ(its->messages().count(MessageEnd::kMalformed), 1U);
  EXPECT_THAT(controller.messages(), IsEmpty());
}

TEST_F(MessageV2, OfASecureStreamTellsThatItIs) {
  emulator::Transaction transaction{.stream = kNic,
                                    .address = Iova(kIts.value + 0x40),
                                    .security = SecurityState::kSecure,
                                    .space = SecurityState::kSecure};
  const std::array<std::byte, 4> three{std::byte{3}};
  EXPECT_EQ(board.smmu().add_port().write(transaction, three).bytes, 0U);
  EXPECT_EQ(its->messages().count(MessageEnd::kNoDeviceId), 1U);
  EXPECT_EQ(its->messages().recent()[0].requester->security, SecurityState::kSecure);
  EXPECT_EQ(its->messages().recent()[0].requester->space, SecurityState::kSecure);
}

}  // namespace
}  // namespace smmu::testing::message_test
