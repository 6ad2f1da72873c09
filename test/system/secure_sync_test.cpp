// CMD_SYNC of the Secure Command queue, and what it waits for (IHI 0070, 4.7.3);
// commands to devices on that queue (SMMU_S_IDR3.SAMS, 4.5).
#include <functional>
#include <utility>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/testing/ats_device.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::secure_sync_test {
namespace {

using emulator::InvalidationResult;
using emulator::SmmuV3Config;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v3::CMD_ATC_INV;
using v3::CMD_PRI_RESP;
using v3::CMD_SYNC;
using v3::CMD_TLBI_NSNH_ALL;
using v3::CommandError;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_GERROR;
using v3::SMMU_GERRORN;
using v3::SMMU_IDR0;
using v3::SMMU_S_IDR3;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x40'0000);
constexpr Pa kDoorbell(0x1000'0000);

// A register that runs a program at each write.
class Doorbell final : public emulator::DeviceRegion {
 public:
  BusResponse read(std::uint64_t, std::span<std::byte>) override { return BusResponse::kOkay; }
  BusResponse write(std::uint64_t, std::span<const std::byte>) override {
    if (on_write) std::exchange(on_write, nullptr)();
    return BusResponse::kOkay;
  }
  std::function<void()> on_write;
};

// A device of either Security state that writes to the doorbell: what that does
// happens while an access is in flight.
class SecureSyncs : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const SecurityState security : {SecurityState::kNonSecure, SecurityState::kSecure}) {
      ASSERT_TRUE(board_.memory(security).add_device(kDoorbell, 4096, doorbell_));
    }
    board_.bring_up();
    for (Board* driver : {&board_.non_secure(), &board_.secure()}) {
      PageTable table = driver->page_table();
      table.map(kAddress, kDoorbell, 4096);
      driver->attach(kStream, table);
    }
  }
  // Whether the driver's CMD_SYNC had completed before the access had, and that
  // it has afterwards.
  bool completes_during(Board& accessing, Board& syncing) {
    bool completed = false;
    doorbell_.on_write = [&] {
      syncing.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
      completed = syncing.idle();
    };
    EXPECT_EQ(accessing.device(kStream).write64(kAddress, 1).bytes, 8U);
    EXPECT_TRUE(syncing.idle());
    return completed;
  }

  Doorbell doorbell_;
  TwoSpaces board_;
};

TEST_F(SecureSyncs, WaitForSecureAccesses) {
  EXPECT_FALSE(completes_during(board_.secure(), board_.secure()));
}
TEST_F(SecureSyncs, WaitForNonSecureAccesses) {
  EXPECT_FALSE(completes_during(board_.non_secure(), board_.secure()));
}
TEST_F(SecureSyncs, OfTheNonSecureQueueDoNotWaitForSecureAccesses) {
  EXPECT_TRUE(completes_during(board_.secure(), board_.non_secure()));
}
TEST_F(SecureSyncs, WaitBesideThoseOfTheNonSecureQueue) {
  bool secure = true;
  bool non_secure = true;
  doorbell_.on_write = [&] {
    board_.secure().submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    board_.non_secure().submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    secure = board_.secure().idle();
    non_secure = board_.non_secure().idle();
  };
  EXPECT_EQ(board_.non_secure().device(kStream).write64(kAddress, 1).bytes, 8U);
  EXPECT_FALSE(secure);
  EXPECT_FALSE(non_secure);
  EXPECT_TRUE(board_.secure().idle());
  EXPECT_TRUE(board_.non_secure().idle());
}
TEST_F(SecureSyncs, OfTheNonSecureQueueDoNotWaitForThem) {
  bool non_secure = false;
  doorbell_.on_write = [&] {
    board_.secure().submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    EXPECT_FALSE(board_.secure().idle());
    board_.non_secure().submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    non_secure = board_.non_secure().idle();
  };
  EXPECT_EQ(board_.secure().device(kStream).write64(kAddress, 1).bytes, 8U);
  EXPECT_TRUE(non_secure);
  EXPECT_TRUE(board_.secure().idle());
}
TEST_F(SecureSyncs, ThatAreAbandonedHoldNothingUp) {
  doorbell_.on_write = [&] {
    Board& secure = board_.secure();
    secure.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    const SMMU_CR0 cr0 = secure.read<SMMU_CR0>();
    secure.write(SMMU_CR0(cr0).set(SMMU_CR0::CMDQEN, false));
    EXPECT_FALSE(secure.idle());
  };
  EXPECT_EQ(board_.non_secure().device(kStream).write64(kAddress, 1).bytes, 8U);
  EXPECT_FALSE(board_.secure().idle());
  EXPECT_FALSE(completes_during(board_.non_secure(), board_.non_secure()));
}

// Devices with ATS, and both queues.
class SecureMessages : public ::testing::Test {
 protected:
  explicit SecureMessages(bool sams = false) : board_(with_sams(sams)) { board_.bring_up(); }

  static SmmuV3Config with_sams(bool sams) {
    SmmuV3Config config = SmmuV3Config::everything();
    config.s_idr3.set(SMMU_S_IDR3::SAMS, sams);
    return config;
  }
  static CMD_ATC_INV invalidate() {
    return command<CMD_ATC_INV>()
        .set(CMD_ATC_INV::StreamID, kStream.value)
        .set(CMD_ATC_INV::Address, kAddress.value);
  }
  static CMD_PRI_RESP respond() {
    return command<CMD_PRI_RESP>()
        .set(CMD_PRI_RESP::StreamID, kStream.value)
        .set(CMD_PRI_RESP::PRGIndex, 7)
        .set(CMD_PRI_RESP::Resp, v3::PageResponse::kSuccess);
  }
  static CommandError error(Board& driver) {
    return driver.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR];
  }
  Fabric& fabric() { return board_.non_secure().fabric; }

  TwoSpaces board_;
};

TEST_F(SecureMessages, GoToNonSecureDevices) {
  AtsDevice device = board_.non_secure().ats_device(kStream);
  board_.secure().submit_and_sync(invalidate(), respond());
  EXPECT_TRUE(board_.secure().idle());
  EXPECT_THAT(fabric().invalidations(), SizeIs(1));
  EXPECT_THAT(device.responses(), SizeIs(1));
}
TEST_F(SecureMessages, AreIgnoredWhileSecureTranslationIsOff) {  // 4.5.1, 4.5.2
  Board& secure = board_.secure();
  secure.write(SMMU_CR0(secure.read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, false));
  secure.submit_and_sync(invalidate(), respond());
  EXPECT_TRUE(secure.idle());
  EXPECT_THAT(fabric().invalidations(), IsEmpty());
  EXPECT_THAT(fabric().responses(), IsEmpty());

  // The other SMMUEN has no say in it.
  secure.write(SMMU_CR0(secure.read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, true));
  Board& other = board_.non_secure();
  other.write(SMMU_CR0(other.read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, false));
  secure.submit_and_sync(invalidate(), respond());
  EXPECT_THAT(fabric().invalidations(), SizeIs(1));
  EXPECT_THAT(fabric().responses(), SizeIs(1));
}
TEST_F(SecureMessages, AreAwaitedByTheQueueThatSentThem) {  // 4.7.3: no other is blocked
  AtsDevice device = board_.non_secure().ats_device(kStream);
  device.set_answers(AtsDevice::Answers::kLater);
  for (Board* sender : {&board_.secure(), &board_.non_secure()}) {
    Board& other = sender == &board_.secure() ? board_.non_secure() : board_.secure();
    sender->submit_and_sync(invalidate());
    other.submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
    EXPECT_FALSE(sender->idle());
    EXPECT_TRUE(other.idle());
    device.answer();
    EXPECT_TRUE(sender->idle());
  }
}
TEST_F(SecureMessages, ThatFailAreTheSendersError) {  // 3.9.1.4
  AtsDevice device = board_.non_secure().ats_device(kStream);
  device.set_answers(AtsDevice::Answers::kLater);
  board_.secure().submit_and_sync(invalidate());
  device.answer(InvalidationResult::kNotComplete);
  EXPECT_EQ(error(board_.secure()), CommandError::CERROR_ATC_INV_SYNC);
  EXPECT_EQ(board_.secure().read<SMMU_GERROR>(), SMMU_GERROR().set(SMMU_GERROR::CMDQ_ERR, true));
  EXPECT_EQ(board_.non_secure().read<SMMU_GERROR>(), SMMU_GERROR());
}

class SecureMessagesWithoutSupport : public SecureMessages {
 protected:
  SecureMessagesWithoutSupport() : SecureMessages(true) {}
};

TEST_F(SecureMessagesWithoutSupport, AreIllegalOnTheSecureQueueAlone) {
  for (const auto& words : {invalidate().words(), respond().words()}) {
    board_.secure().submit(CMD_SYNC(words));
    EXPECT_EQ(error(board_.secure()), CommandError::CERROR_ILL);
    board_.secure().submit();  // nothing moves
    EXPECT_FALSE(board_.secure().idle());
    board_.non_secure().submit_and_sync(CMD_SYNC(words));
    EXPECT_EQ(error(board_.non_secure()), CommandError::CERROR_NONE);
  }
}

}  // namespace
}  // namespace smmu::testing::secure_sync_test
