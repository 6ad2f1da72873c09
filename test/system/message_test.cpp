// Messages of devices behind an SMMUv3: whose they are, and what reaches the doorbell.
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "test/system/ats_stream.h"
#include "test/system/doorbells.h"
#include "test/system/stalling_stream.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::message_test {
namespace {

using emulator::CachePolicy;
using emulator::InterruptMessage;
using emulator::MessageEnd;
using emulator::SmmuV3Config;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_SYNC;
using v3::EventType;

constexpr StreamId kNic(7);
constexpr StreamId kDisk(8);
constexpr MemoryAttributes kDevice_nGnRE{.type = 0x04, .shareability = Shareability::kOuter};
constexpr Iova kTranslater = Doorbells::kTranslater;
constexpr Iova kSetSpi = Doorbells::kSetSpi;

Board::Options with(CachePolicy policy) {
  Board::Options options;
  options.config.caching.policy = policy;
  return options;
}

class Message : public ::testing::TestWithParam<CachePolicy> {
 protected:
  Doorbells bells{with(GetParam())};
};

INSTANTIATE_TEST_SUITE_P(, Message,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial),
                         [](const auto& policy) {
                           return policy.param == CachePolicy::kNone        ? "None"
                                  : policy.param == CachePolicy::kRealistic ? "Realistic"
                                                                            : "Adversarial";
                         });

TEST_P(Message, ThroughTablesCarriesTheDeviceIdAndTheTypeOfItsLeaf) {
  bells.board.bring_up();
  bells.attach(kNic);
  bells.map_event(7, 3, 8200);
  const DmaDevice nic = bells.board.device(kNic);
  const InterruptMessage message{
      .requester = Requester{.stream = kNic, .attributes = kDevice_nGnRE},
      .device = DeviceId(7),
      .data = 3,
      .end = MessageEnd::kRaised,
      .intid = 8200};
  // The second by what the port has kept.
  EXPECT_TRUE(Doorbells::ring(nic, kTranslater, 3));
  EXPECT_TRUE(Doorbells::ring(nic, kTranslater, 3));
  EXPECT_THAT(bells.controller.messages(), ElementsAre(message, message));
  EXPECT_THAT(bells.board.events(), IsEmpty());
}

TEST_P(Message, OfTwoDevicesWithOneEventIsTwoInterrupts) {
  bells.board.bring_up();
  bells.attach(kNic, Asid(1));
  bells.attach(kDisk, Asid(2));
  bells.map_event(7, 0, 8200);
  bells.map_event(8, 0, 8300);
  // Through one port too: the stream is the access's.
  const DmaDevice disk = bells.board.device(kDisk);
  emulator::Port& shared = bells.board.smmu().add_port();
  EXPECT_TRUE(Doorbells::ring(disk, kTranslater, 0));
  for (const StreamId stream : {kNic, kDisk, kNic}) {
    EXPECT_TRUE(Doorbells::ring(DmaDevice(shared, stream), kTranslater, 0));
  }
  EXPECT_THAT(bells.controller.intids(), ElementsAre(8300, 8200, 8300, 8200));
}

TEST_P(Message, OfAStreamWithoutAMappingNeverArrives) {
  bells.board.bring_up();
  PageTable table = bells.attach(kNic);
  table.unmap(Doorbells::kItsPage);
  bells.map_event(7, 3, 8200);
  EXPECT_FALSE(Doorbells::ring(bells.board.device(kNic), kTranslater, 3));
  EXPECT_EQ(bells.its->messages().count(), 0U);
  EXPECT_THAT(bells.board.events(),
              ElementsAre(IsEvent(EventType::F_TRANSLATION, kNic, kTranslater)));
}

TEST_P(Message, OfAStreamThatBypassesHasTheAttributesItCameWith) {
  bells.board.bring_up();
  bells.board.attach(kNic, bypass());
  bells.map_event(7, 3, 8200);
  constexpr MemoryAttributes kNonCacheable{.type = 0x44, .shareability = Shareability::kOuter};
  emulator::Port& port = bells.board.smmu().add_port();
  EXPECT_EQ(port.write({.stream = kNic,
                        .address = Iova(Doorbells::kIts.value + 0x40),
                        .attributes = kNonCacheable},
                       Doorbells::word(3))
                .bytes,
            4U);
  ASSERT_THAT(bells.controller.intids(), ElementsAre(8200));
  EXPECT_EQ(bells.controller.messages()[0].requester,
            (Requester{.stream = kNic, .attributes = kNonCacheable}));
}

TEST_P(Message, WithTheSmmuOffCarriesTheDeviceIdToo) {
  bells.map_event(7, 3, 8200);
  const DmaDevice nic = bells.board.device(kNic);
  EXPECT_TRUE(Doorbells::ring(nic, Iova(Doorbells::kIts.value + 0x40), 3));
  ASSERT_THAT(bells.controller.intids(), ElementsAre(8200));
  EXPECT_EQ(bells.controller.messages()[0].requester->stream, kNic);
}

TEST_P(Message, Of64BitsIsNone) {
  bells.board.bring_up();
  bells.attach(kNic);
  bells.map_event(7, 3, 8200);
  const DmaDevice nic = bells.board.device(kNic);
  EXPECT_EQ(nic.write64(kTranslater, 3).bytes, 8U);
  EXPECT_EQ(nic.write64(kSetSpi, 64).bytes, 8U);
  EXPECT_EQ(bells.its->messages().count(MessageEnd::kMalformed), 1U);
  EXPECT_EQ(bells.frame->messages().count(MessageEnd::kMalformed), 1U);
  EXPECT_THAT(bells.controller.messages(), IsEmpty());
}

TEST_P(Message, ToAFrameRaisesWhateverItNames) {
  bells.board.bring_up();
  bells.attach(kNic, Asid(1));
  bells.attach(kDisk, Asid(2));
  EXPECT_TRUE(Doorbells::ring(bells.board.device(kNic), kSetSpi, 70));
  EXPECT_TRUE(Doorbells::ring(bells.board.device(kDisk), kSetSpi, 70));
  EXPECT_TRUE(Doorbells::ring(bells.board.device(kDisk), kSetSpi, 200));
  EXPECT_THAT(bells.controller.intids(), ElementsAre(70, 70));
  EXPECT_EQ(bells.frame->messages().count(MessageEnd::kOutOfRange), 1U);
}

TEST_P(Message, OfASubstreamNamesIt) {
  bells.board.bring_up();
  bells.board.attach(kNic, bypass());
  bells.map_event(7, 3, 8200);
  const DmaDevice nic = bells.board.device(kNic);
  const Iova doorbell(Doorbells::kIts.value + 0x40);
  EXPECT_TRUE(Doorbells::ring(nic, doorbell, 3));
  EXPECT_EQ(bells.controller.messages().back().requester->substream, std::nullopt);

  // CD 1 of two, whose STE says that there are substreams.
  PageTable table = bells.board.page_table();
  bells.map(table, Doorbells::kItsPage, Doorbells::kIts);
  const Pa cds = bells.board.allocate(2 * v3::CD::kSize);
  store(bells.board.memory(), Pa(cds.value + v3::CD::kSize),
        context(table).set(v3::CD::MAIR0, 0x04ff));
  bells.board.attach(kNic, translate(cds).set(v3::STE::S1CDMax, 1U));
  EXPECT_TRUE(Doorbells::ring(nic.substream(SubstreamId(1)), kTranslater, 3));
  EXPECT_EQ(bells.controller.messages().back().requester->substream, SubstreamId(1));
}

TEST_P(Message, OfTheSmmuItselfHasNoDeviceIdUnlessTheSystemGivesItOne) {
  const auto sync = [](Board& board) {
    board.submit(command<CMD_SYNC>()
                     .set(CMD_SYNC::CS, SyncSignal::kIrq)
                     .set(CMD_SYNC::MSIAddress, Doorbells::kIts.value + 0x40)
                     .set(CMD_SYNC::MSIData, 5U));
  };
  using v3::SMMU_GERROR;
  bells.board.bring_up();
  sync(bells.board);
  EXPECT_TRUE(bells.board.read<SMMU_GERROR>()[SMMU_GERROR::MSI_CMDQ_ABT_ERR]);
  EXPECT_EQ(bells.its->messages().count(MessageEnd::kNoDeviceId), 1U);
  EXPECT_THAT(bells.controller.messages(), IsEmpty());

  Doorbells numbered(with(GetParam()), {.device_ids = {.of_others = DeviceId(0x100)}});
  numbered.board.bring_up();
  numbered.map_event(0x100, 5, 8400);
  sync(numbered.board);
  EXPECT_FALSE(numbered.board.read<SMMU_GERROR>()[SMMU_GERROR::MSI_CMDQ_ABT_ERR]);
  ASSERT_THAT(numbered.controller.intids(), ElementsAre(8400));
  EXPECT_FALSE(numbered.controller.messages()[0].requester);
}

TEST(MessageThatStalls, ArrivesOnceSoftwareHasMappedTheDoorbell) {
  Resumptions ends;
  RecordingController controller;
  auto its = *emulator::ItsDoorbell::create({}, controller);
  StallingStream stream;
  ASSERT_TRUE(stream.board.memory().add_device(Doorbells::kIts, kItsTranslationFrameSize, *its));
  ASSERT_TRUE(its->table().map_device(DeviceId(9), 5));
  ASSERT_TRUE(its->table().map(DeviceId(9), EventId(3), 8200));
  const DmaDevice device = stream.board.device(StallingStream::kStream, ends);
  const Iova doorbell(StallingStream::kUnmapped.value + 0x40);
  const auto stalled = device.write(doorbell, Doorbells::word(3));
  ASSERT_THAT(stalled, Stalls());
  EXPECT_EQ(its->messages().count(), 0U);
  stream.table.map(StallingStream::kUnmapped, Doorbells::kIts, 4096);
  stream.board.submit_and_sync(StallingStream::retry(StallingStream::tag_of(stalled.outcome)));
  ASSERT_TRUE(ends.take(stalled.outcome));
  EXPECT_TRUE(Doorbells::ring(device, doorbell, 3));
  ASSERT_THAT(controller.intids(), ElementsAre(8200));
  EXPECT_EQ(controller.messages()[0].requester->stream, StallingStream::kStream);

  // Software that answers at once, from the interrupt of the event: one call.
  stream.table.unmap(StallingStream::kUnmapped);
  stream.board.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  (void)stream.board.events();
  stream.board.event_line.on_pulse([&] {
    stream.table.map(StallingStream::kUnmapped, Doorbells::kIts, 4096);
    for (const Event& event : stream.board.events()) {
      stream.board.submit(StallingStream::retry(StallingStream::tag_of(event)));
    }
  });
  EXPECT_TRUE(Doorbells::ring(device, doorbell, 3));
  EXPECT_THAT(controller.intids(), ElementsAre(8200, 8200));
}

TEST(MessageOfASecureStream, TellsWhoseItIsAndWhichSpaceItGoesTo) {
  Listener non_secure;
  Listener secure;
  TwoSpaces board;
  ASSERT_TRUE(
      board.memory(SecurityState::kNonSecure).add_device(Doorbells::kIts, 0x1000, non_secure));
  ASSERT_TRUE(board.memory(SecurityState::kSecure).add_device(Doorbells::kIts, 0x1000, secure));
  board.bring_up();
  board.secure().attach(kNic, bypass());
  board.non_secure().attach(kNic, bypass());
  const Iova doorbell(Doorbells::kIts.value + 0x40);
  const DmaDevice nic = board.secure().device(kNic);
  EXPECT_TRUE(Doorbells::ring(nic.in(SecurityState::kSecure), doorbell, 0));
  EXPECT_TRUE(Doorbells::ring(nic.in(SecurityState::kNonSecure), doorbell, 0));
  EXPECT_TRUE(Doorbells::ring(board.non_secure().device(kNic), doorbell, 0));
  EXPECT_THAT(secure.accesses,
              ElementsAre(Listener::Access{Requester{.stream = kNic,
                                                     .security = SecurityState::kSecure,
                                                     .space = SecurityState::kSecure},
                                           0x40, 4}));
  EXPECT_THAT(
      non_secure.accesses,
      ElementsAre(
          Listener::Access{Requester{.stream = kNic, .security = SecurityState::kSecure}, 0x40, 4},
          Listener::Access{Requester{.stream = kNic}, 0x40, 4}));
}

// 3.10.2.2: NS 0 in a leaf of Secure tables is the Secure space, whatever the access says.
TEST(MessageOfASecureStream, GoesToTheSpaceThatItsTablesSay) {
  Listener secure;
  TwoSpaces board;
  ASSERT_TRUE(board.memory(SecurityState::kSecure).add_device(Doorbells::kIts, 0x1000, secure));
  board.bring_up();
  PageTable table = board.secure().page_table();
  table.map(Doorbells::kItsPage, Doorbells::kIts, 4096);
  board.secure().attach(kNic, table);
  const DmaDevice nic = board.secure().device(kNic).in(SecurityState::kNonSecure);
  EXPECT_TRUE(Doorbells::ring(nic, kTranslater, 0));
  ASSERT_EQ(secure.accesses.size(), 1U);
  EXPECT_EQ(secure.accesses[0].requester.security, SecurityState::kSecure);
  EXPECT_EQ(secure.accesses[0].requester.space, SecurityState::kSecure);
}

TEST(AccessOfADevice, OfTwoPagesIsTwoEachOfItsOwnType) {
  Listener listener;
  Doorbells bells;
  constexpr Pa kListener(0x0a00'0000);
  constexpr Iova kPages(0x2'0000'0000);
  ASSERT_TRUE(bells.board.memory().add_device(kListener, 0x2000, listener));
  bells.board.bring_up();
  PageTable table = bells.attach(kNic);
  table.map(kPages, Pa(kListener.value + 0x1000), 4096);
  bells.map(table, Iova(kPages.value + 0x1000), kListener);
  const DmaDevice nic = bells.board.device(kNic);
  std::array<std::byte, 8> bytes{};
  EXPECT_EQ(nic.read(Iova(kPages.value + 0xffc), bytes).bytes, 8U);
  ASSERT_EQ(listener.accesses.size(), 2U);
  EXPECT_EQ(listener.accesses[0].offset, 0x1ffcU);
  EXPECT_EQ(listener.accesses[0].requester.attributes.type, MemoryAttributes::kWriteBack);
  EXPECT_EQ(listener.accesses[1],
            (Listener::Access{{.stream = kNic, .attributes = kDevice_nGnRE}, 0, 4}));
}

TEST(AccessOfADevice, ThatItHasTranslatedItselfTellsItsStreamToo) {
  Listener listener;
  AtsStream ats;
  constexpr Pa kListener(0x0a00'0000);
  ASSERT_TRUE(ats.board.memory().add_device(kListener, 0x1000, listener));
  ats.attach(ats.of_stage1());
  emulator::Port& port = ats.board.smmu().add_port();
  EXPECT_EQ(port.write({.stream = AtsStream::kStream,
                        .address = Iova(kListener.value),
                        .address_type = emulator::AddressType::kTranslated},
                       Doorbells::word(1))
                .bytes,
            4U);
  EXPECT_THAT(listener.accesses,
              ElementsAre(Listener::Access{Requester{.stream = AtsStream::kStream}, 0, 4}));
}

}  // namespace
}  // namespace smmu::testing::message_test
