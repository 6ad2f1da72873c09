// Registers whose writes take effect later: what is seen in between (IHI 0070, 6.3.9, 6.3.14 and
// 6.3.16).  A write from inside a callback is in between until the outermost call returns.
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::register_update_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_SYNC;
using v3::SMMU_CMDQ_BASE;
using v3::SMMU_CR0;
using v3::SMMU_CR0ACK;
using v3::SMMU_EVENTQ_IRQ_CFG1;
using v3::SMMU_GBPA;
using v3::SMMU_IRQ_CTRL;
using v3::SMMU_IRQ_CTRLACK;

constexpr StreamId kStream(9);
constexpr Iova kAddress(0x4000'2000);

class Updates : public ::testing::Test {
 protected:
  void SetUp() override { board_.bring_up(); }
  emulator::SmmuV3& smmu() { return board_.smmu(); }
  // Runs a program from inside the interrupt of a CMD_SYNC.
  void inside(const std::function<void()>& program) {
    bool done = false;
    board_.sync_line.on_pulse([&] {
      program();
      done = true;
    });
    board_.submit(command<CMD_SYNC>().set(CMD_SYNC::CS, SyncSignal::kIrq));
    EXPECT_TRUE(done);
  }

  Board board_;
};

TEST_F(Updates, OfGbpaAreSeenBeforeTheyAreDone) {  // 6.3.14.1
  inside([&] {
    smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
    EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
    EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
    // Ignored: the only permitted behavior in SMMUv3.2 and later.
    smmu().write(SMMU_GBPA().set(SMMU_GBPA::Update, true));
    EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  });
  EXPECT_FALSE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_TRUE(smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  smmu().write(SMMU_CR0());
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
}

TEST_F(Updates, OfCr0AreSeenBeforeTheyAreAcknowledged) {  // 6.3.9
  const auto enabled = smmu().read<SMMU_CR0>();
  const SMMU_CR0 disabled = SMMU_CR0(enabled).set(SMMU_CR0::SMMUEN, false);
  inside([&] {
    smmu().write(disabled);
    EXPECT_EQ(smmu().read<SMMU_CR0>().raw(), disabled.raw());
    EXPECT_EQ(smmu().read<SMMU_CR0ACK>().raw(), enabled.raw());
    // The value before the first write: ignored, or the end of the update.
    smmu().write(enabled);
  });
  EXPECT_EQ(smmu().read<SMMU_CR0ACK>().raw(), smmu().read<SMMU_CR0>().raw());
}

TEST_F(Updates, OfOneFieldOfCr0DoNotHinderAnother) {  // 6.3.9: fields are independent
  const auto enabled = smmu().read<SMMU_CR0>();
  inside([&] {
    SMMU_CR0 cr0 = enabled;
    smmu().write(cr0.set(SMMU_CR0::SMMUEN, false));
    smmu().write(cr0.set(SMMU_CR0::EVENTQEN, false));
  });
  const auto acknowledged = smmu().read<SMMU_CR0ACK>();
  EXPECT_FALSE(acknowledged[SMMU_CR0ACK::SMMUEN]);
  EXPECT_FALSE(acknowledged[SMMU_CR0ACK::EVENTQEN]);
  EXPECT_TRUE(acknowledged[SMMU_CR0ACK::CMDQEN]);
}

TEST_F(Updates, OfEventqenComeAfterTheRecordsOfBefore) {  // 7.2.1, 6.3.9.4
  const DmaDevice device = board_.device(kStream);
  inside([&] {
    EXPECT_THAT(device.translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), IsEmpty());
    smmu().write(SMMU_CR0(smmu().read<SMMU_CR0>()).set(SMMU_CR0::EVENTQEN, false));
  });
  EXPECT_FALSE(smmu().read<SMMU_CR0ACK>()[SMMU_CR0ACK::EVENTQEN]);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(v3::EventType::C_BAD_STE, kStream)));
}

TEST_F(Updates, KeepGuardsClosedUntilTheyAreDone) {  // 6.3.9, 6.3.26: CR0ACK counts, too
  const auto base = smmu().read<SMMU_CMDQ_BASE>();
  inside([&] {
    smmu().write(SMMU_CR0(smmu().read<SMMU_CR0>()).set(SMMU_CR0::CMDQEN, false));
    smmu().write(SMMU_CMDQ_BASE());
    EXPECT_EQ(smmu().read<SMMU_CMDQ_BASE>().raw(), base.raw());
  });
  smmu().write(SMMU_CMDQ_BASE());
  EXPECT_EQ(smmu().read<SMMU_CMDQ_BASE>().raw(), 0U);
}

TEST_F(Updates, OfIrqCtrlKeepGuardsClosedToo) {  // 6.3.21
  inside([&] {
    const auto enables = smmu().read<SMMU_IRQ_CTRL>();
    smmu().write(SMMU_IRQ_CTRL());
    EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), enables.raw());
    smmu().write(SMMU_EVENTQ_IRQ_CFG1(1));
    EXPECT_EQ(smmu().read<SMMU_EVENTQ_IRQ_CFG1>().raw(), 0U);
  });
  EXPECT_EQ(smmu().read<SMMU_IRQ_CTRLACK>().raw(), 0U);
  smmu().write(SMMU_EVENTQ_IRQ_CFG1(1));
  EXPECT_EQ(smmu().read<SMMU_EVENTQ_IRQ_CFG1>().raw(), 1U);
}

TEST_F(Updates, ThatEnableInterruptsDoNotTellOfThePast) {  // 6.3.16
  smmu().write(SMMU_IRQ_CTRL());
  board_.submit(v3::CommandHeader());  // an error
  EXPECT_THAT(board_.device(kStream).translate(kAddress), Aborts());
  smmu().write(SMMU_IRQ_CTRL()
                   .set(SMMU_IRQ_CTRL::GERROR_IRQEN, true)
                   .set(SMMU_IRQ_CTRL::EVENTQ_IRQEN, true));
  EXPECT_EQ(board_.error_line.count(), 0U);
  EXPECT_EQ(board_.event_line.count(), 0U);
}

TEST(Gbpa, ResetsToWhatTheImplementationChose) {  // 6.3.14: a default of deny
  auto config = emulator::SmmuV3Config::everything();
  config.gbpa_reset = SMMU_GBPA().set(SMMU_GBPA::ABORT, true).raw();
  Board board({.config = config});
  const DmaDevice device = board.device(kStream);
  EXPECT_TRUE(board.smmu().read<SMMU_GBPA>()[SMMU_GBPA::ABORT]);
  EXPECT_FALSE(board.smmu().read<SMMU_GBPA>()[SMMU_GBPA::Update]);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  board.smmu().write(SMMU_GBPA().set(SMMU_GBPA::Update, true));
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  board.smmu().reset(emulator::Reset::kWarm);
  EXPECT_THAT(device.translate(kAddress), Aborts());
}

TEST(Gbpa, ConcernsOnlyAnSmmuThatIsOff) {  // 6.3.14
  Board board;
  board.bring_up();
  board.attach(kStream, bypass());
  board.smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(board.events(), IsEmpty());
}

TEST(Gbpa, AbortsInSilence) {  // 6.3.14, 7.2: no event is recorded while the SMMU is off
  Board board;
  board.bring_up();
  board.smmu().write(SMMU_CR0(board.smmu().read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, false));
  board.smmu().write(SMMU_GBPA().set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  EXPECT_THAT(board.device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board.events(), IsEmpty());
}

}  // namespace
}  // namespace smmu::testing::register_update_test
