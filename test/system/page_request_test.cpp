// Page requests (IHI 0070, chapter 8, 4.5.2, 6.3.33 to 6.3.36, 6.3.97, 6.3.98).
#include "smmu/arch/v3/queue_registers.h"
#include "test/system/ats_stream.h"

namespace smmu::testing::page_request_test {
namespace {

using emulator::PageGroupResponse;
using emulator::PageResponseCode;
using emulator::Pasid;
using emulator::Privilege;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_PRI_RESP;
using v3::CommandError;
using v3::EventType;
using v3::PPR;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_PRIQ_CONS;
using v3::SMMU_PRIQ_IRQ_CFG2;
using v3::SMMU_PRIQ_PROD;
using v3::STE;

constexpr auto kStream = AtsStream::kStream;
constexpr auto kAddress = AtsStream::kAddress;
constexpr PageResponseCode kSuccess = PageResponseCode::kSuccess;
constexpr PageResponseCode kFailure = PageResponseCode::kResponseFailure;

class PageRequests : public ::testing::Test, protected AtsStream {
 protected:
  explicit PageRequests(Board::Options options = {}) : AtsStream(options) {
    board.bring_up_page_requests(2);
    attach(of_stage1());
  }
  // As many as there is room for, without an end.
  void fill() {
    for (std::uint16_t i = 0; i != 4; ++i) device.ask_for_page(kAddress, i, false);
  }
  bool overflown() {
    return board.smmu().read<SMMU_PRIQ_PROD>()[SMMU_PRIQ_PROD::OVFLG] !=
           board.smmu().read<SMMU_PRIQ_CONS>()[SMMU_PRIQ_CONS::OVACKFLG];
  }
  void acknowledge_overflow() {
    const bool flag = board.smmu().read<SMMU_PRIQ_PROD>()[SMMU_PRIQ_PROD::OVFLG];
    board.smmu().write(board.smmu().read<SMMU_PRIQ_CONS>().set(SMMU_PRIQ_CONS::OVACKFLG, flag));
  }
  SMMU_GERROR errors() {
    return SMMU_GERROR(board.smmu().read<SMMU_GERROR>().raw() ^
                       board.smmu().read<SMMU_GERRORN>().raw());
  }
  void interrupt_on_last(bool last) {
    control_interrupts(false);
    board.smmu().write(SMMU_PRIQ_IRQ_CFG2().set(SMMU_PRIQ_IRQ_CFG2::LO, last));
    control_interrupts(true);
  }
  void control_interrupts(bool enabled) {
    board.smmu().write(board.smmu().read<SMMU_IRQ_CTRL>().set(SMMU_IRQ_CTRL::PRIQ_IRQEN, enabled));
  }
  PageGroupResponse response(PageResponseCode code, std::uint16_t group,
                             std::optional<SubstreamId> substream = std::nullopt) {
    return {.stream = kStream, .substream = substream, .group = group, .code = code};
  }
};

TEST_F(PageRequests, LieInTheQueueAsTheyCame) {
  device.use(Pasid{
      .substream = SubstreamId(0x12345), .execute = true, .privilege = Privilege::kPrivileged});
  device.ask_for_page(Iova(kAddress.value + 0xabc), 0x123, false, true);
  device.use(std::nullopt);
  device.ask_for_page(kAddress, 0x3ff);  // of which nine bits are carried
  const auto requests = board.page_requests();
  ASSERT_EQ(requests.size(), 2U);
  // SSV, W, R, X, Priv; SubstreamID; StreamID.
  EXPECT_EQ(requests[0].word(0), 0xbc01'2345'0000'0005U);
  EXPECT_EQ(requests[0].word(1), 0x8000'0123U);
  // Last and R.
  EXPECT_EQ(requests[1].word(0), 0x5000'0000'0000'0005U);
  EXPECT_EQ(requests[1].word(1), 0x8000'01ffU);
  EXPECT_THAT(device.responses(), IsEmpty());
}

TEST_F(PageRequests, DoNotAskTheSte) {  // 8.2: neither EATS nor ATSCHK
  check(true);
  attach(abort_all());
  device.ask_for_page(kAddress, 1);
  EXPECT_EQ(board.page_requests().size(), 1U);
}

TEST_F(PageRequests, AreAnsweredByCommand) {  // 4.5.2, 8.3
  const auto answer = [&](v3::PageResponse resp, std::uint16_t group) {
    return command<CMD_PRI_RESP>()
        .set(CMD_PRI_RESP::StreamID, kStream.value)
        .set(CMD_PRI_RESP::PRGIndex, group)
        .set(CMD_PRI_RESP::Resp, resp);
  };
  board.submit_and_sync(answer(v3::PageResponse::kSuccess, 1),
                        answer(v3::PageResponse::kInvalidRequest, 0x1ff),
                        answer(v3::PageResponse::kResponseFailure, 0),
                        answer(v3::PageResponse::kSuccess, 2)
                            .set(CMD_PRI_RESP::SSV, true)
                            .set(CMD_PRI_RESP::SubstreamID, 9U));
  EXPECT_TRUE(board.idle());
  EXPECT_THAT(device.responses(),
              ElementsAre(response(kSuccess, 1), response(PageResponseCode::kInvalidRequest, 0x1ff),
                          response(kFailure, 0), response(kSuccess, 2, SubstreamId(9))));
  // Reserved.
  board.submit_and_sync(answer(static_cast<v3::PageResponse>(0b11), 1));
  EXPECT_EQ(board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], CommandError::CERROR_ILL);
  EXPECT_THAT(device.responses(), IsEmpty());
}

TEST_F(PageRequests, AreNotAnsweredWhileTheSmmuIsOff) {
  control(SMMU_CR0::SMMUEN, false);
  board.submit_and_sync(command<CMD_PRI_RESP>().set(CMD_PRI_RESP::StreamID, kStream.value));
  EXPECT_TRUE(board.idle());
  EXPECT_THAT(device.responses(), IsEmpty());
}

TEST_F(PageRequests, InterruptWhenTheQueueCeasesToBeEmpty) {  // 6.3.36, LO 0
  device.ask_for_page(kAddress, 1, false);
  EXPECT_EQ(board.page_request_line.count(), 1U);
  device.ask_for_page(kAddress, 1);
  EXPECT_EQ(board.page_request_line.count(), 1U);
  board.page_requests();
  device.ask_for_page(kAddress, 1);
  EXPECT_EQ(board.page_request_line.count(), 2U);
  control_interrupts(false);
  board.page_requests();
  device.ask_for_page(kAddress, 1);
  EXPECT_EQ(board.page_request_line.count(), 2U);
}

TEST_F(PageRequests, InterruptAtTheLastOfAGroupIfToldSo) {  // LO 1
  interrupt_on_last(true);
  device.ask_for_page(kAddress, 1, false);
  EXPECT_EQ(board.page_request_line.count(), 0U);
  device.ask_for_page(kAddress, 1);
  device.ask_for_page(kAddress, 2);
  EXPECT_EQ(board.page_request_line.count(), 2U);
  device.ask_for_page(kAddress, 3, false);
  // Also at one that an overflow discards, and no other.
  device.ask_for_page(kAddress, 4, false);
  EXPECT_EQ(board.page_request_line.count(), 2U);
  device.ask_for_page(kAddress, 4);
  EXPECT_EQ(board.page_request_line.count(), 3U);
  control(SMMU_CR0::PRIQEN, false);
  device.ask_for_page(kAddress, 5);
  EXPECT_EQ(board.page_request_line.count(), 3U);
}

TEST_F(PageRequests, SendAMessage) {
  const Pa doorbell = board.allocate(4096);
  control_interrupts(false);
  board.smmu().write(v3::SMMU_PRIQ_IRQ_CFG0().set(v3::SMMU_PRIQ_IRQ_CFG0::ADDR, doorbell.value));
  board.smmu().write(v3::SMMU_PRIQ_IRQ_CFG1().set(v3::SMMU_PRIQ_IRQ_CFG1::DATA, 0x1234U));
  control_interrupts(true);
  // It is configured while it is off.
  board.smmu().write(v3::SMMU_PRIQ_IRQ_CFG0());
  device.ask_for_page(kAddress, 1);
  EXPECT_EQ(load(board.memory(), doorbell), 0x1234U);

  control_interrupts(false);
  board.smmu().write(v3::SMMU_PRIQ_IRQ_CFG0().set(v3::SMMU_PRIQ_IRQ_CFG0::ADDR, 0x1000U));
  control_interrupts(true);
  board.page_requests();
  device.ask_for_page(kAddress, 1);
  EXPECT_TRUE(errors()[SMMU_GERROR::MSI_PRIQ_ABT_ERR]);
  EXPECT_EQ(board.error_line.count(), 1U);
}

TEST_F(PageRequests, OverflowTheQueue) {  // 8.1
  fill();
  EXPECT_FALSE(overflown());
  device.ask_for_page(kAddress, 4, false);
  EXPECT_TRUE(overflown());
  EXPECT_THAT(device.responses(), IsEmpty());  // not the last of its group
  device.ask_for_page(kAddress, 4);
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 4)));
  // Nothing is written until it is acknowledged, whether there is room or not.
  EXPECT_EQ(board.page_requests().size(), 4U);
  device.ask_for_page(kAddress, 5);
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 5)));
  EXPECT_THAT(board.page_requests(), IsEmpty());
  acknowledge_overflow();
  device.ask_for_page(kAddress, 6);
  EXPECT_EQ(board.page_requests().size(), 1U);
  // The flag toggles.
  fill();
  device.ask_for_page(kAddress, 7);
  EXPECT_TRUE(overflown());
  EXPECT_FALSE(board.smmu().read<SMMU_PRIQ_PROD>()[SMMU_PRIQ_PROD::OVFLG]);
}

TEST_F(PageRequests, KeepThePasidInAnswersToOverflow) {  // PPS 1: PPAR is ignored
  attach(STE());
  fill();
  device.use(Pasid{SubstreamId(3)});
  device.ask_for_page(kAddress, 4);
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 4, SubstreamId(3))));
}

TEST_F(PageRequests, FailWhileTheQueueIsOff) {  // 8.2, 6.3.9.5
  device.use(Pasid{SubstreamId(3)});
  control(SMMU_CR0::PRIQEN, false);
  device.ask_for_page(kAddress, 1, false);
  device.ask_for_page(kAddress, 1);
  EXPECT_THAT(device.responses(), ElementsAre(response(kFailure, 1), response(kFailure, 1)));
  control(SMMU_CR0::PRIQEN, true);
  control(SMMU_CR0::SMMUEN, false);
  EXPECT_TRUE(board.smmu().read<v3::SMMU_CR0ACK>()[v3::SMMU_CR0ACK::PRIQEN]);
  device.ask_for_page(kAddress, 2);
  device.stop_pasid();  // is never answered
  EXPECT_THAT(device.responses(), ElementsAre(response(kFailure, 2)));
  EXPECT_THAT(board.page_requests(), IsEmpty());
  // What guards the registers is the bit itself.
  board.smmu().write(v3::SMMU_PRIQ_BASE());
  EXPECT_NE(board.smmu().read<v3::SMMU_PRIQ_BASE>().raw(), 0U);
}

TEST_F(PageRequests, FailWhenTheyCannotBeWritten) {  // 8.2
  control(SMMU_CR0::PRIQEN, false);
  board.smmu().write(v3::SMMU_PRIQ_BASE().set(v3::SMMU_PRIQ_BASE::ADDR, 0x1000U));
  control(SMMU_CR0::PRIQEN, true);
  device.use(Pasid{SubstreamId(3)});
  device.ask_for_page(kAddress, 1, false);
  EXPECT_THAT(device.responses(), ElementsAre(response(kFailure, 1)));
  EXPECT_TRUE(errors()[SMMU_GERROR::PRIQ_ABT_ERR]);
  EXPECT_EQ(board.error_line.count(), 1U);
  EXPECT_EQ(board.smmu().read<SMMU_PRIQ_PROD>()[SMMU_PRIQ_PROD::WR], 0U);
  // And until that is acknowledged.
  control(SMMU_CR0::PRIQEN, false);
  board.smmu().write(
      v3::SMMU_PRIQ_BASE().set(v3::SMMU_PRIQ_BASE::ADDR, board.page_request_queue().value));
  control(SMMU_CR0::PRIQEN, true);
  device.ask_for_page(kAddress, 2);
  device.stop_pasid();
  EXPECT_THAT(device.responses(), ElementsAre(response(kFailure, 2)));
  board.smmu().write(SMMU_GERRORN(board.smmu().read<SMMU_GERROR>().raw()));
  device.ask_for_page(kAddress, 3);
  EXPECT_THAT(device.responses(), IsEmpty());
  EXPECT_EQ(board.smmu().read<SMMU_PRIQ_PROD>()[SMMU_PRIQ_PROD::WR], 1U);
}

TEST_F(PageRequests, StopAPasid) {  // a Stop Marker: LWR 0b100 with a PASID
  device.use(Pasid{SubstreamId(3)});
  device.stop_pasid();
  auto requests = board.page_requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].word(0), 0xc000'0003'0000'0005U);
  fill();
  device.stop_pasid();
  EXPECT_TRUE(overflown());
  EXPECT_THAT(device.responses(), IsEmpty());
  // The same without one is a request.
  device.use(std::nullopt);
  device.stop_pasid();
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 0)));
}

TEST_F(PageRequests, OverflowAQueueWhoseIndicesCannotBe) {  // 3.5.1
  board.smmu().write(SMMU_PRIQ_CONS().set(SMMU_PRIQ_CONS::RD, 1U));
  device.ask_for_page(kAddress, 1);
  EXPECT_TRUE(overflown());
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 1)));
}

TEST_F(PageRequests, ComeFromInsideAnInterruptToo) {
  board.page_request_line.on_pulse([&] {
    if (board.page_request_line.count() == 1) device.ask_for_page(kAddress, 2);
  });
  device.ask_for_page(kAddress, 1);
  EXPECT_EQ(board.page_requests().size(), 2U);
}

TEST_F(PageRequests, AreLostInPartIfTooManyComeFromInsideACallback) {
  board.page_request_line.on_pulse([&] {
    if (board.page_request_line.count() != 1) return;
    for (unsigned i = 0; i != 1100; ++i) device.ask_for_page(kAddress, 2);
  });
  device.ask_for_page(kAddress, 1);
  std::size_t failed = 0;
  std::size_t others = 0;
  for (const auto& response : device.responses()) {
    (response.code == kFailure ? failed : others) += 1;
  }
  EXPECT_EQ(failed, 1100U - 1024U);
  EXPECT_EQ(others, 1024U - 3U);  // for which there was room
}

// SMMU_IDR3.PPS 0: STE.PPAR says whether answers to overflow have a PASID.
class PageRequestsByPpar : public PageRequests {
 protected:
  static Board::Options without_pps() {
    Board::Options options;
    options.config.idr3.set(SMMU_IDR3::PPS, false);
    return options;
  }
  PageRequestsByPpar() : PageRequests(without_pps()) { fill(); }
  void overflow_with_pasid() {
    device.use(Pasid{SubstreamId(3)});
    device.ask_for_page(kAddress, 4);
  }
};

TEST_F(PageRequestsByPpar, KeepThePasidIfTheSteSaysSo) {
  overflow_with_pasid();
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 4)));
  attach(of_stage1().set(STE::PPAR, true));
  overflow_with_pasid();
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 4, SubstreamId(3))));
  // What aborts, or has no business with ATS, is a legal STE all the same.
  attach(abort_all().set(STE::PPAR, true));
  overflow_with_pasid();
  EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 4, SubstreamId(3))));
}

TEST_F(PageRequestsByPpar, FailWithoutAnSte) {
  for (const bool recorded : {false, true}) {
    record(recorded);
    attach(STE());
    overflow_with_pasid();
    EXPECT_THAT(device.responses(), ElementsAre(response(kFailure, 4)));
    const auto events = board.events();
    ASSERT_EQ(events.size(), recorded ? 1U : 0U);
    if (recorded) {
      EXPECT_THAT(events[0], IsEvent(EventType::C_BAD_STE, kStream));
    }
    // Without a PASID nothing has to be looked up.
    device.use(std::nullopt);
    device.ask_for_page(kAddress, 5);
    EXPECT_THAT(device.responses(), ElementsAre(response(kSuccess, 5)));
  }
}

TEST_F(PageRequestsByPpar, FailWithoutAStream) {
  AtsDevice nobody(board.fabric, board.smmu().add_port(), StreamId(1000));
  nobody.use(Pasid{SubstreamId(3)});
  for (const bool configuration : {false, true}) {
    for (const bool streams : {false, true}) {
      record(configuration, streams);
      nobody.ask_for_page(kAddress, 4);
      EXPECT_EQ(nobody.responses().size(), 1U);
      EXPECT_EQ(board.events().size(), configuration && streams ? 1U : 0U);
    }
  }
}

TEST(PageRequestsWithoutSubstreams, HaveNoPasid) {
  Board::Options options;
  options.config.idr1.set(SMMU_IDR1::SSIDSIZE, 0);
  options.config.idr3.set(SMMU_IDR3::PPS, false);
  AtsStream stream(options);
  stream.board.bring_up_page_requests(0);
  stream.device.use(Pasid{.substream = SubstreamId(3), .execute = true});
  stream.device.ask_for_page(kAddress, 1);
  const auto requests = stream.board.page_requests();
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].word(0), 0x5000'0000'0000'0005U);
  stream.device.ask_for_page(kAddress, 2);
  stream.device.ask_for_page(kAddress, 3);
  EXPECT_THAT(stream.device.responses(),
              ElementsAre(PageGroupResponse{
                  .stream = kStream, .substream = std::nullopt, .group = 3, .code = kSuccess}));
}

TEST(PageRequestsAbsent, Fail) {  // SMMU_IDR0.PRI 0
  Board::Options options;
  options.config.idr0.set(SMMU_IDR0::PRI, false);
  options.config.idr3.set(SMMU_IDR3::PPS, false);
  AtsStream stream(options);
  stream.board.bring_up_page_requests();
  EXPECT_FALSE(stream.board.smmu().read<SMMU_CR0>()[SMMU_CR0::PRIQEN]);
  stream.device.ask_for_page(kAddress, 1);
  ASSERT_EQ(stream.device.responses().size(), 1U);
  stream.board.submit_and_sync(command<CMD_PRI_RESP>());
  EXPECT_EQ(stream.board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR],
            CommandError::CERROR_ILL);
}

}  // namespace
}  // namespace smmu::testing::page_request_test
