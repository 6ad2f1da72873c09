// The Secure Command queue: which commands it has, and whom they are about
// (IHI 0070, 3.10.2.1, 4.1.6 and 4.4).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::secure_command_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV3Config;
using ::testing::Not;
using namespace v3;  // most commands are spoken of here

constexpr SecurityState kNonSecure = SecurityState::kNonSecure;
constexpr SecurityState kSecure = SecurityState::kSecure;
constexpr StreamId kStream(5);
constexpr Iova kAddress(0x8000'0000);
constexpr Pa kPage(0x4100'0000);

SmmuV3Config adversarial(bool sel2 = true) {
  auto config = SmmuV3Config::everything();
  config.caching.policy = CachePolicy::kAdversarial;
  config.s_idr1.set(SMMU_S_IDR1::SEL2, sel2);
  return config;
}

bool is_legal(Board& driver, const std::array<std::uint64_t, 2>& words) {
  driver.submit_and_sync(CMD_SYNC(words));
  return driver.read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR] == CommandError::CERROR_NONE;
}

// Which queues have a command: with SSec 0, and with SSec 1 if it has that.
enum class Where { kBoth, kSecureOnly, kSecureEl2 };
struct Row {
  Opcode opcode;
  Where where;
  bool has_ssec = false;
};
constexpr Row kRows[] = {
    {Opcode::CMD_PREFETCH_CONFIG, Where::kBoth, true},
    {Opcode::CMD_PREFETCH_ADDR, Where::kBoth, true},
    {Opcode::CMD_CFGI_STE, Where::kBoth, true},
    {Opcode::CMD_CFGI_STE_RANGE, Where::kBoth, true},
    {Opcode::CMD_CFGI_CD, Where::kBoth, true},
    {Opcode::CMD_CFGI_CD_ALL, Where::kBoth, true},
    {Opcode::CMD_TLBI_NH_ALL, Where::kBoth},
    {Opcode::CMD_TLBI_NH_ASID, Where::kBoth},
    {Opcode::CMD_TLBI_NH_VA, Where::kBoth},
    {Opcode::CMD_TLBI_NH_VAA, Where::kBoth},
    {Opcode::CMD_TLBI_EL3_ALL, Where::kSecureOnly},
    {Opcode::CMD_TLBI_EL3_VA, Where::kSecureOnly},
    {Opcode::CMD_TLBI_EL2_ALL, Where::kBoth},
    {Opcode::CMD_TLBI_EL2_ASID, Where::kBoth},
    {Opcode::CMD_TLBI_EL2_VA, Where::kBoth},
    {Opcode::CMD_TLBI_EL2_VAA, Where::kBoth},
    {Opcode::CMD_TLBI_S_EL2_ALL, Where::kSecureEl2},
    {Opcode::CMD_TLBI_S_EL2_ASID, Where::kSecureEl2},
    {Opcode::CMD_TLBI_S_EL2_VA, Where::kSecureEl2},
    {Opcode::CMD_TLBI_S_EL2_VAA, Where::kSecureEl2},
    {Opcode::CMD_TLBI_S2_IPA, Where::kBoth},
    {Opcode::CMD_TLBI_S12_VMALL, Where::kBoth},
    {Opcode::CMD_TLBI_S_S2_IPA, Where::kSecureEl2},
    {Opcode::CMD_TLBI_S_S12_VMALL, Where::kSecureEl2},
    {Opcode::CMD_TLBI_NSNH_ALL, Where::kBoth},
    {Opcode::CMD_TLBI_SNH_ALL, Where::kSecureEl2},
    {Opcode::CMD_RESUME, Where::kBoth, true},
    {Opcode::CMD_STALL_TERM, Where::kBoth, true},
    {Opcode::CMD_SYNC, Where::kBoth},
};

TEST(SecureCommand, IsLegalWhereTheManualSaysSo) {
  for (const bool sel2 : {false, true}) {
    for (const Row& row : kRows) {
      for (const bool ssec : {false, true}) {
        if (ssec && !row.has_ssec) continue;
        const auto words = CMD_CFGI_STE()
                               .set(CMD_CFGI_STE::Opcode, row.opcode)
                               .set(CMD_CFGI_STE::SSec, ssec)
                               .words();
        SCOPED_TRACE(::testing::Message() << std::hex << static_cast<unsigned>(row.opcode)
                                          << " SSec " << ssec << " SEL2 " << sel2);
        TwoSpaces board(adversarial(sel2));
        board.bring_up();
        EXPECT_EQ(is_legal(board.secure(), words), row.where != Where::kSecureEl2 || sel2);
        EXPECT_EQ(is_legal(board.non_secure(), words), row.where == Where::kBoth && !ssec);
      }
    }
  }
}

// A translation of either Security state in the caches, and none in memory.
class SecureCommands : public ::testing::Test {
 protected:
  explicit SecureCommands(unsigned strw = 0) : board_(adversarial()) {
    board_.bring_up();
    for (Board* driver : {&board_.non_secure(), &board_.secure()}) {
      PageTable table = driver->page_table();
      table.map(kAddress, kPage, 4096);
      const Pa cd = driver->allocate(CD::kSize, CD::kSize);
      store(memory_of(*driver), cd, context(table));
      driver->attach(kStream, translate(cd).set(STE::STRW, strw));
      EXPECT_THAT(driver->device(kStream).translate(kAddress), TranslatesTo(kPage));
      table.unmap(kAddress);
    }
  }

  emulator::Ram& memory_of(Board& driver) {
    return board_.memory(&driver == &board_.secure() ? kSecure : kNonSecure);
  }
  bool is_cached(SecurityState security) {
    Board& driver = security == kSecure ? board_.secure() : board_.non_secure();
    return std::holds_alternative<emulator::Translation>(
        driver.device(kStream).translate(kAddress));
  }
  // What is left after the command on the Secure queue.
  template <class C>
  std::pair<bool, bool> left_after(const C& command) {
    board_.secure().submit_and_sync(command);
    return {is_cached(kNonSecure), is_cached(kSecure)};
  }

  TwoSpaces board_;
};

constexpr std::pair kOnlyNonSecure{true, false};
constexpr std::pair kOnlySecure{false, true};
constexpr std::pair kBoth{true, true};

TEST_F(SecureCommands, NhAllIsAboutSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_NH_ALL>()), kOnlyNonSecure);
}
TEST_F(SecureCommands, NhVaIsAboutSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_NH_VA>()
                           .set(CMD_TLBI_NH_VA::ASID, 1)
                           .set(CMD_TLBI_NH_VA::Leaf, true)
                           .set(CMD_TLBI_NH_VA::Address, kAddress.value)),
            kOnlyNonSecure);
}
TEST_F(SecureCommands, NhAsidIsAboutSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, 1)), kOnlyNonSecure);
}
TEST_F(SecureCommands, SnhAllIsAboutSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_SNH_ALL>()), kOnlyNonSecure);
}
TEST_F(SecureCommands, SS12VmallIsAboutSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_S_S12_VMALL>()), kOnlyNonSecure);
}
TEST_F(SecureCommands, NsnhAllIsAboutNonSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_NSNH_ALL>()), kOnlySecure);
}
TEST_F(SecureCommands, S12VmallIsAboutNonSecureStreams) {
  EXPECT_EQ(left_after(command<CMD_TLBI_S12_VMALL>()), kOnlySecure);
}
TEST_F(SecureCommands, SyncAloneTakesNothing) { EXPECT_EQ(left_after(command<CMD_SYNC>()), kBoth); }
TEST_F(SecureCommands, NothingOfEl2OrEl3IsOfEl1) {
  board_.secure().submit_and_sync(command<CMD_TLBI_EL3_ALL>(), command<CMD_TLBI_S_EL2_ALL>(),
                                  command<CMD_TLBI_EL2_ALL>());
  EXPECT_EQ(left_after(command<CMD_SYNC>()), kBoth);
}
TEST_F(SecureCommands, CommandsOfTheOtherQueueLeaveSecureStreams) {
  board_.non_secure().submit_and_sync(command<CMD_TLBI_NSNH_ALL>(), command<CMD_TLBI_NH_ALL>());
  EXPECT_FALSE(is_cached(kNonSecure));
  EXPECT_TRUE(is_cached(kSecure));
}

TEST_F(SecureCommands, CfgiIsAboutTheStreamThatSsecSays) {
  for (const bool ssec : {false, true}) {
    for (Board* driver : {&board_.non_secure(), &board_.secure()}) {
      driver->streams().set(kStream, STE());
    }
    board_.secure().submit_and_sync(command<CMD_CFGI_STE>()
                                        .set(CMD_CFGI_STE::SSec, ssec)
                                        .set(CMD_CFGI_STE::StreamID, kStream.value));
    EXPECT_EQ(is_cached(kSecure), !ssec);
    EXPECT_FALSE(is_cached(kNonSecure));
  }
}

class SecureCommandsOfEl3 : public SecureCommands {
 protected:
  SecureCommandsOfEl3() : SecureCommands(0) {
    Board& driver = board_.secure();
    PageTable table = driver.page_table();
    table.map(kAddress, kPage, 4096);
    const Pa cd = driver.allocate(CD::kSize, CD::kSize);
    store(board_.memory(kSecure), cd, context(table).set(CD::EPD1, true));
    driver.attach(kStream, translate(cd).set(STE::STRW, 0b01));
    EXPECT_THAT(driver.device(kStream).translate(kAddress), TranslatesTo(kPage));
    table.unmap(kAddress);
  }
};

TEST_F(SecureCommandsOfEl3, LeaveItToThemselves) {
  board_.secure().submit_and_sync(command<CMD_TLBI_SNH_ALL>(), command<CMD_TLBI_NH_ALL>(),
                                  command<CMD_TLBI_S_EL2_ALL>());
  EXPECT_EQ(left_after(command<CMD_SYNC>()), kBoth);
  board_.secure().submit_and_sync(
      command<CMD_TLBI_EL3_VA>().set(CMD_TLBI_EL3_VA::Address, kAddress.value + 4096));
  EXPECT_EQ(left_after(command<CMD_SYNC>()), kBoth);
  EXPECT_EQ(left_after(command<CMD_TLBI_EL3_VA>().set(CMD_TLBI_EL3_VA::Address, kAddress.value)),
            kOnlyNonSecure);
}
TEST_F(SecureCommandsOfEl3, TakeAllOfIt) {
  EXPECT_EQ(left_after(command<CMD_TLBI_EL3_ALL>()), kOnlyNonSecure);
}

// 4.7.1, 4.7.2
// 4.7.1, 4.7.2: the Security state of the queue decides whether they are there.
TEST(SecureCommandsOfStalls, AreThereThoughNonSecureStreamsMustNotStall) {
  TwoSpaces board(adversarial());
  board.bring_up();
  const SMMU_CR0 cr0 = board.secure().read<SMMU_CR0>();
  board.secure().write(SMMU_CR0(SMMU_S_CR0(cr0.raw()).set(SMMU_S_CR0::NSSTALLD, true).raw()));
  const auto term = command<CMD_STALL_TERM>().set(CMD_STALL_TERM::StreamID, kStream.value);
  const auto resume = command<CMD_RESUME>().set(CMD_RESUME::StreamID, kStream.value);
  for (const auto& words : {term.words(), resume.words()}) {
    EXPECT_TRUE(is_legal(board.secure(), words));
  }
  EXPECT_FALSE(is_legal(board.non_secure(), term.words()));
}

TEST(SecureCommandsOfStalls, AreAboutTheStreamThatSsecSays) {
  TwoSpaces board(adversarial());
  board.bring_up();
  Resumptions resumptions;
  std::vector<emulator::Outcome> outcomes;
  for (Board* driver : {&board.non_secure(), &board.secure()}) {
    const SecurityState space = driver == &board.secure() ? kSecure : kNonSecure;
    PageTable table = driver->page_table();
    const Pa cd = driver->allocate(CD::kSize, CD::kSize);
    store(board.memory(space), cd, context(table).set(CD::S, true));
    driver->attach(kStream, translate(cd));
    outcomes.push_back(driver->device(kStream, resumptions).translate(kAddress));
    ASSERT_THAT(outcomes.back(), Stalls());
    const auto events = driver->events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].as<F_TRANSLATION>()[F_TRANSLATION::STAG], 0U);
  }
  EXPECT_NE(std::get<emulator::Stalled>(outcomes[0]), std::get<emulator::Stalled>(outcomes[1]));
  const auto term = command<CMD_STALL_TERM>().set(CMD_STALL_TERM::StreamID, kStream.value);
  board.secure().submit_and_sync(CMD_STALL_TERM(term));
  EXPECT_EQ(resumptions.size(), 1U);
  board.secure().submit_and_sync(command<CMD_RESUME>()
                                     .set(CMD_RESUME::SSec, true)
                                     .set(CMD_RESUME::StreamID, kStream.value)
                                     .set(CMD_RESUME::Ab, true));
  EXPECT_EQ(resumptions.size(), 2U);
}

}  // namespace
}  // namespace smmu::testing::secure_command_test
