// The Secure programming interface beside the other: registers, queues and
// interrupts of its own, and the few things that it has a say in of the other's
// (IHI 0070, 3.10.2 and 6.3.52 to 6.3.82).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::secure_interface_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV3Config;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using v3::CMD_RESUME;
using v3::EventType;
using v3::SMMU_CMDQ_CONS;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_EVENTQ_BASE;
using v3::SMMU_EVENTQ_IRQ_CFG0;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_GERROR;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_S_CR0;
using v3::SMMU_S_CR0ACK;
using v3::SMMU_S_GBPA;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_INIT;

constexpr SecurityState kNonSecure = SecurityState::kNonSecure;
constexpr SecurityState kSecure = SecurityState::kSecure;
constexpr StreamId kStream(5);
constexpr Iova kAddress(0x8000'0000);

SmmuV3Config with(CachePolicy policy) {
  auto config = SmmuV3Config::everything();
  config.caching.policy = policy;
  return config;
}

TEST(SecureInterface, IsNotThereForNonSecureAccesses) {
  TwoSpaces board;
  Mmio& registers = board.smmu();
  EXPECT_EQ(registers.read32(SMMU_S_IDR1::kOffset), 0U);
  registers.write32(SMMU_S_CR0::kOffset, 0xd);
  registers.write32(SMMU_S_INIT::kOffset, 1);
  EXPECT_EQ(board.smmu().secure().read<SMMU_S_CR0>().raw(), 0U);
}

TEST(SecureInterface, IsThereForSecureAccessesAndSoIsTheOther) {
  TwoSpaces board;
  Mmio& registers = board.smmu().secure();
  EXPECT_EQ(registers.read<SMMU_S_IDR0>(), board.smmu().config().s_idr0);
  EXPECT_EQ(registers.read<SMMU_S_IDR1>(), board.smmu().config().s_idr1);
  EXPECT_EQ(registers.read<SMMU_IDR1>(), board.smmu().config().idr1);
  registers.write(SMMU_CR0().set(SMMU_CR0::SMMUEN, true));
  EXPECT_TRUE(board.smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::SMMUEN]);
  EXPECT_FALSE(registers.read<SMMU_S_CR0ACK>()[SMMU_S_CR0ACK::SMMUEN]);
}

// 6.2.1: both in page 0, and nothing where the others stand in page 1.
TEST(SecureInterface, HasTheEventQueuesIndicesInPage0) {
  TwoSpaces board;
  Mmio& registers = board.smmu().secure();
  registers.write(SMMU_EVENTQ_BASE().set(SMMU_EVENTQ_BASE::LOG2SIZE, 19));
  registers.write64(v3::kSecureOffset + SMMU_EVENTQ_BASE::kOffset, 19);
  registers.write32(0x80a8, 0x5);
  registers.write32(0x80ac, 0x7);
  EXPECT_EQ(registers.read64(0x80a8), 0x7'0000'0005U);
  registers.write32(0x1'80a8, 0x9);
  EXPECT_EQ(registers.read32(0x1'80a8), 0U);
  EXPECT_EQ(registers.read32(0x1'00a8), 0U);
  EXPECT_EQ(registers.read32(0x80a8), 0x5U);
}

TEST(SecureInterface, IsAbsentWithoutSecureState) {
  TwoSpaces board(SmmuV3Config::everything().without_secure_state());
  Mmio& registers = board.smmu().secure();
  registers.write32(SMMU_S_CR0::kOffset, 1);
  for (std::uint32_t offset = 0x8000; offset != 0x8200; offset += 4) {
    EXPECT_EQ(registers.read32(offset), 0U) << offset;
  }
  // 3.10.1: every stream is Non-secure.
  board.non_secure().bring_up();
  board.non_secure().attach(kStream, bypass());
  const auto device = board.non_secure().device(kStream).of(kSecure).in(kSecure);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value), kNonSecure));
}

TEST(SecureInterface, TranslatesAndBypassesByItself) {
  TwoSpaces board;
  board.secure().bring_up();
  auto device = board.non_secure().device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(device.of(kSecure).translate(kAddress), Aborts());
  EXPECT_THAT(board.secure().events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
}

TEST(SecureInterface, ReportsItsStreamsFaultsToItself) {
  TwoSpaces board;
  board.bring_up();
  auto device = board.non_secure().device(kStream);
  EXPECT_THAT(device.of(kSecure).translate(kAddress), Aborts());
  EXPECT_EQ(board.non_secure().event_line.count(), 0U);
  EXPECT_EQ(board.non_secure().secure_event_line.count(), 1U);
  EXPECT_THAT(board.secure().events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
  EXPECT_THAT(board.non_secure().events(), IsEmpty());

  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(board.non_secure().event_line.count(), 1U);
  EXPECT_EQ(board.non_secure().secure_event_line.count(), 1U);
  EXPECT_THAT(board.non_secure().events(), SizeIs(1));
  EXPECT_THAT(board.secure().events(), IsEmpty());
}

TEST(SecureInterface, StopsAtItsOwnErrorsOnly) {
  TwoSpaces board;
  board.bring_up();
  board.secure().submit(v3::CMD_SYNC());  // opcode 0
  EXPECT_EQ(board.secure().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR],
            v3::CommandError::CERROR_ILL);
  EXPECT_TRUE(board.secure().read<SMMU_GERROR>()[SMMU_GERROR::CMDQ_ERR]);
  EXPECT_FALSE(board.smmu().read<SMMU_GERROR>()[SMMU_GERROR::CMDQ_ERR]);
  EXPECT_EQ(board.non_secure().secure_error_line.count(), 1U);
  EXPECT_EQ(board.non_secure().error_line.count(), 0U);
  board.non_secure().submit_and_sync();
  EXPECT_TRUE(board.non_secure().idle());
}

// 3.18: to the Secure physical address space.
TEST(SecureInterface, SendsItsMessagesToSecureMemory) {
  TwoSpaces board;
  const Pa doorbell = board.secure().allocate(4096);
  board.secure().write(SMMU_EVENTQ_IRQ_CFG0().set(SMMU_EVENTQ_IRQ_CFG0::ADDR, doorbell.value));
  board.secure().write(SMMU_EVENTQ_IRQ_CFG1().set(SMMU_EVENTQ_IRQ_CFG1::DATA, 0x1234));
  board.secure().bring_up();
  EXPECT_THAT(board.secure().device(kStream).translate(kAddress), Aborts());
  EXPECT_EQ(load(board.memory(kSecure), doorbell), 0x1234U);
  EXPECT_EQ(load(board.memory(kNonSecure), doorbell), 0U);
}

// 6.3.63
TEST(SecureInterface, DecidesWhereBypassingAccessesGo) {
  TwoSpaces board;
  const auto device = board.secure().device(kStream);
  EXPECT_EQ(space_of(device.translate(kAddress)), kNonSecure);
  EXPECT_EQ(space_of(device.in(kSecure).translate(kAddress)), kSecure);
  const auto gbpa = board.smmu().secure().read<SMMU_S_GBPA>().set(SMMU_S_GBPA::Update, true);
  board.smmu().secure().write(
      SMMU_S_GBPA(gbpa).set(SMMU_S_GBPA::NSCFG, NonSecureOverride::kSecure));
  EXPECT_EQ(space_of(device.translate(kAddress)), kSecure);
  board.smmu().secure().write(
      SMMU_S_GBPA(gbpa).set(SMMU_S_GBPA::NSCFG, NonSecureOverride::kNonSecure));
  EXPECT_EQ(space_of(device.in(kSecure).translate(kAddress)), kNonSecure);
  board.smmu().secure().write(SMMU_S_GBPA(gbpa).set(SMMU_S_GBPA::ABORT, true));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  // The other is as it was, whatever NS says.
  EXPECT_THAT(board.non_secure().device(kStream).in(kSecure).translate(kAddress),
              TranslatesTo(Pa(kAddress.value), kNonSecure));
}

TEST(SecureInterface, HasNoSayWithoutOverridesOfPermissions) {
  auto config = SmmuV3Config::everything();
  config.idr1.set(SMMU_IDR1::ATTR_PERMS_OVR, false);
  TwoSpaces board(config);
  board.smmu().secure().write(SMMU_S_GBPA()
                                  .set(SMMU_S_GBPA::Update, true)
                                  .set(SMMU_S_GBPA::NSCFG, NonSecureOverride::kSecure));
  EXPECT_EQ(space_of(board.secure().device(kStream).translate(kAddress)), kNonSecure);
}

TEST(SecureInterface, BringsDataToWhereItLeads) {
  TwoSpaces board;
  const auto device = board.secure().device(kStream);
  const Pa page = board.secure().allocate(4096);
  device.in(kSecure).write64(Iova(page.value), 1);
  device.in(kNonSecure).write64(Iova(page.value), 2);
  EXPECT_EQ(load(board.memory(kSecure), page), 1U);
  EXPECT_EQ(load(board.memory(kNonSecure), page), 2U);
  EXPECT_EQ(device.in(kSecure).read64(Iova(page.value)), 1U);
}

// 6.3.62
TEST(SecureInterface, EmptiesEveryCache) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    TwoSpaces board(with(policy));
    board.bring_up();
    for (Board* driver : {&board.non_secure(), &board.secure()}) {
      auto table = driver->page_table();
      table.map(kAddress, Pa(0x4000'0000), 4096);
      driver->attach(kStream, table);
      const auto device = driver->device(kStream);
      EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(0x4000'0000)));
      table.unmap(kAddress);
      EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(0x4000'0000)));
      board.smmu().secure().write(SMMU_S_INIT().set(SMMU_S_INIT::INV_ALL, true));
      EXPECT_EQ(board.smmu().secure().read<SMMU_S_INIT>().raw(), 0U);
      EXPECT_THAT(device.translate(kAddress), Aborts());
    }
  }
}

// 6.3.57.1
TEST(SecureInterface, KeepsNonSecureStreamsFromStalling) {
  TwoSpaces board;
  board.smmu().secure().write(SMMU_S_CR0().set(SMMU_S_CR0::NSSTALLD, true));
  EXPECT_TRUE(board.smmu().secure().read<SMMU_S_CR0ACK>()[SMMU_S_CR0ACK::NSSTALLD]);
  EXPECT_EQ(board.smmu().read<SMMU_IDR0>()[SMMU_IDR0::STALL_MODEL], StallModel::kTerminate);
  board.non_secure().bring_up();
  auto table = board.non_secure().page_table();
  const Pa cd = board.non_secure().allocate(v3::CD::kSize);
  store(board.memory(kNonSecure), cd, context(table).set(v3::CD::S, true));
  board.non_secure().attach(kStream, translate(cd));
  EXPECT_THAT(board.non_secure().device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board.non_secure().events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream)));
  board.non_secure().submit(command<CMD_RESUME>());
  EXPECT_EQ(board.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR], v3::CommandError::CERROR_ILL);

  board.smmu().reset(emulator::Reset::kPowerOn);
  EXPECT_EQ(board.smmu().read<SMMU_IDR0>()[SMMU_IDR0::STALL_MODEL], StallModel::kStallOrTerminate);
}

TEST(SecureInterface, HasNothingToForbidWhereStallsAreNoChoice) {
  auto config = SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::STALL_MODEL, StallModel::kStallForced);
  config.s_idr0.set(SMMU_S_IDR0::STALL_MODEL, StallModel::kStallForced);
  TwoSpaces board(config);
  board.smmu().secure().write(SMMU_S_CR0().set(SMMU_S_CR0::NSSTALLD, true));
  EXPECT_EQ(board.smmu().secure().read<SMMU_S_CR0>().raw(), 0U);
  EXPECT_EQ(board.smmu().read<SMMU_IDR0>()[SMMU_IDR0::STALL_MODEL], StallModel::kStallForced);
}

TEST(SecureInterface, HasNoFieldsOfAtsAndPri) {
  TwoSpaces board;
  board.smmu().secure().write32(SMMU_S_CR0::kOffset, ~std::uint32_t{0});
  const auto cr0 = board.smmu().secure().read<SMMU_S_CR0>().raw();
  EXPECT_EQ(cr0 & ~named_bits<SMMU_S_CR0>(), 0U);
  board.smmu().secure().write32(0x8050, ~std::uint32_t{0});  // SMMU_S_IRQ_CTRL
  EXPECT_EQ(board.smmu().secure().read32(0x8050), SMMU_IRQ_CTRL()
                                                      .set(SMMU_IRQ_CTRL::GERROR_IRQEN, true)
                                                      .set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, true)
                                                      .raw());
}

}  // namespace
}  // namespace smmu::testing::secure_interface_test
