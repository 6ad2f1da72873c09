// What a device asks and the system cannot do (IHI 0070, 7.3.2 and 16.7.1).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::unsupported_transaction_test {
namespace {

using emulator::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::EventType;
using v3::F_UUT;
using v3::SMMU_CR0;
using v3::STE;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x8000'0ffc);

class WaitingClient final : public emulator::StallClient {
 public:
  void on_resumed(emulator::Stalled, const emulator::Outcome&) override {}
};

class Unsupported : public ::testing::Test {
 protected:
  void SetUp() override { board_.bring_up(); }
  F_UUT single_record() {
    const auto events = board_.events();
    EXPECT_THAT(events, ElementsAre(IsEvent(EventType::F_UUT, kStream, kAddress)));
    return events.size() == 1 ? events[0].as<F_UUT>() : F_UUT();
  }

  Board board_;
  DmaDevice device_ = board_.device(kStream);
};

TEST_F(Unsupported, TransactionsAbortAndAreRecordedWithTheirReason) {
  EXPECT_THAT(device_.refuse(kAddress, 0xabcd), Aborts());
  const F_UUT record = single_record();
  EXPECT_EQ(record[F_UUT::Reason], 0xabcdU);
  EXPECT_TRUE(record[F_UUT::RnW]);
  EXPECT_FALSE(record[F_UUT::PnU]);
  EXPECT_FALSE(record[F_UUT::InD]);
  EXPECT_FALSE(record[F_UUT::SSV]);
  EXPECT_EQ(board_.event_line.count(), 1U);
}

TEST_F(Unsupported, TransactionsAreRecordedAsTheyCameIn) {  // not as the STE overrides them
  board_.attach(kStream, bypass()
                             .set(STE::PRIVCFG, PrivilegeOverride::kUnprivileged)
                             .set(STE::INSTCFG, InstructionOverride::kData));
  const DmaDevice device =
      device_.privileged().fetching_instructions().substream(SubstreamId(0x54321));
  EXPECT_THAT(device.refuse(kAddress, 1), Aborts());
  F_UUT record = single_record();
  EXPECT_TRUE(record[F_UUT::PnU]);
  EXPECT_TRUE(record[F_UUT::InD]);
  EXPECT_TRUE(record[F_UUT::SSV]);
  EXPECT_EQ(record[F_UUT::SubstreamID], 0x54321U);
  // A write is data.
  EXPECT_THAT(device.refuse(kAddress, 1, Direction::kWrite), Aborts());
  record = single_record();
  EXPECT_FALSE(record[F_UUT::RnW]);
  EXPECT_FALSE(record[F_UUT::InD]);
}

TEST_F(Unsupported, TransactionsThatAreTranslatedAreNotRecorded) {  // 3.9.1.3
  EXPECT_THAT(board_.smmu().add_port().refuse({.stream = kStream,
                                               .address = kAddress,
                                               .address_type = emulator::AddressType::kTranslated},
                                              1),
              Aborts());
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Unsupported, TransactionsAreRecordedByTheirOwnSecurityState) {  // 3.10.2.1
  Board secure = Board::secure(board_);
  secure.bring_up();
  WaitingClient client;
  const DmaDevice devices[] = {secure.device(kStream), secure.device(kStream, client)};
  for (const DmaDevice& device : devices) {
    EXPECT_THAT(device.refuse(kAddress, 7), Aborts());
    EXPECT_THAT(board_.events(), IsEmpty());
    EXPECT_THAT(secure.events(), ElementsAre(IsEvent(EventType::F_UUT, kStream, kAddress)));
  }
}

TEST_F(Unsupported, TransactionsAreSoWhateverTheStreamIs) {
  board_.attach(kStream, bypass());
  EXPECT_THAT(device_.refuse(kAddress, 1), Aborts());
  single_record();
  board_.attach(kStream, abort_all());
  EXPECT_THAT(device_.refuse(kAddress, 1), Aborts());
  single_record();
}

TEST_F(Unsupported, TransactionsAreRecordedWithTheSmmuOff) {  // 7.3.2: permitted
  board_.smmu().write(SMMU_CR0(0xc));
  EXPECT_THAT(device_.refuse(kAddress, 1), Aborts());
  single_record();
  board_.smmu().write(SMMU_CR0(0x8));
  EXPECT_THAT(device_.refuse(kAddress, 1), Aborts());
  board_.smmu().write(SMMU_CR0(0xc));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Unsupported, TransactionsDoNotStall) {
  Resumptions resumptions;
  const DmaDevice waiting = board_.device(kStream, resumptions);
  EXPECT_THAT(waiting.refuse(kAddress, 2), Aborts());
  EXPECT_EQ(single_record()[F_UUT::Reason], 2U);
}

}  // namespace
}  // namespace smmu::testing::unsupported_transaction_test
