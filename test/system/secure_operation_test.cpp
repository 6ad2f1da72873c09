// Address translation operations of the Secure interface (IHI 0070, chapter 9,
// 6.3.83 to 6.3.86, 6.3.90 and 6.3.103 to 6.3.106).
#include <functional>
#include <utility>

#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/secure_operation_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "test/system/interposed.h"
#include "test/system/operation.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::secure_operation_test {
namespace {

using emulator::SmmuV3Config;
using v3::CD;
using v3::CMD_TLBI_NSNH_ALL;
using v3::EventType;
using v3::SMMU_CR0;
using v3::SMMU_S_CR0;
using v3::SMMU_S_GATOS_ADDR;
using v3::SMMU_S_GATOS_CTRL;
using v3::SMMU_S_GATOS_PAR;
using v3::SMMU_S_GATOS_PAR_Fault;
using v3::SMMU_S_GATOS_SID;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR2;
using v3::SMMU_S_VATOS_SEL;
using v3::STE;
using v3::TranslationFaultReason;
using v3::TranslationOperationError;
using v3::TranslationType;
using vmsa::Leaf_Stage1;

constexpr SecurityState kNonSecure = SecurityState::kNonSecure;
constexpr SecurityState kSecure = SecurityState::kSecure;
constexpr StreamId kStream(5);
constexpr std::uint64_t kAddress = 0x8000'0000;
constexpr Pa kPage(0x4100'0000);
constexpr Pa kOtherPage(0x4200'0000);

Answer finds(std::uint64_t address, SecurityState space) {
  const Answer plain = testing::finds(address);
  return {SMMU_S_GATOS_PAR(plain.par).set(SMMU_S_GATOS_PAR::NS, space == kNonSecure).raw()};
}
Answer fails_at_ipa(TranslationFaultReason reason, std::uint64_t ipa, SecurityState space) {
  const Answer plain = fails(EventType::F_TRANSLATION, reason, ipa);
  return {SMMU_S_GATOS_PAR_Fault(plain.par)
              .set(SMMU_S_GATOS_PAR_Fault::NSIPA, space == kNonSecure)
              .raw()};
}

class SecureOperations : public ::testing::Test {
 protected:
  explicit SecureOperations(const SmmuV3Config& config = SmmuV3Config::everything())
      : board_(config) {
    board_.bring_up();
  }

  Mmio& registers() { return board_.smmu().secure(); }
  PageTable table_in(SecurityState space, PageTable::Options options = {}) {
    return PageTable(board_.memory(space), board_.secure().allocator(), options);
  }
  Pa attach(
      const CD& cd, STE (*ste)(Pa) = [](Pa pa) { return translate(pa); }) {
    const Pa where = board_.secure().allocate(CD::kSize, CD::kSize);
    store(board_.memory(kSecure), where, cd);
    board_.secure().attach(kStream, ste(where));
    return where;
  }
  void set_non_secure(Pa leaf) {
    auto& memory = board_.memory(kSecure);
    store(memory, leaf, Leaf_Stage1({load(memory, leaf)}).set(Leaf_Stage1::NS, true).word(0));
  }

  // `of`: the stream's Security state.  `ipa`: of what it is asked about, if
  // that is an IPA.
  void start(const Operation& operation, SecurityState of, SecurityState ipa) {
    registers().write(
        SMMU_S_GATOS_SID(operation.sid().raw()).set(SMMU_S_GATOS_SID::SSEC, of == kSecure));
    registers().write(
        SMMU_S_GATOS_ADDR(operation.addr().raw()).set(SMMU_S_GATOS_ADDR::NS, ipa == kNonSecure));
    registers().write(SMMU_S_GATOS_CTRL(1));
  }
  bool runs() { return registers().read<SMMU_S_GATOS_CTRL>()[SMMU_S_GATOS_CTRL::RUN]; }
  Answer answer() { return {registers().read<SMMU_S_GATOS_PAR>().raw()}; }
  Answer ask(const Operation& operation, SecurityState of = kSecure, SecurityState ipa = kSecure) {
    start(operation, of, ipa);
    EXPECT_FALSE(runs());
    return answer();
  }
  static Operation about(TranslationType type, std::uint64_t address = kAddress) {
    return {.type = type, .stream = kStream, .address = address};
  }
  static Operation fetch(TranslationType type) {
    Operation operation = about(type);
    operation.instruction = true;
    return operation;
  }
  void set_sif(bool sif) {
    const auto cr0 = SMMU_S_CR0(board_.secure().read<SMMU_CR0>().raw());
    board_.secure().write(SMMU_CR0(SMMU_S_CR0(cr0).set(SMMU_S_CR0::SIF, sif).raw()));
    board_.secure().submit_and_sync(command<v3::CMD_CFGI_STE_RANGE>()
                                        .set(v3::CMD_CFGI_STE_RANGE::Range, 31)
                                        .set(v3::CMD_CFGI_STE_RANGE::SSec, true));
  }
  void set_smmuen(Board& driver, bool enabled) {
    driver.write(SMMU_CR0(driver.read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, enabled));
  }

  TwoSpaces board_;
};

TEST_F(SecureOperations, SayWhereASecureStreamGoes) {
  auto table = table_in(kSecure);
  table.map(Iova(kAddress), kPage, 8192);
  set_non_secure(table.descriptor(Iova(kAddress + 4096)));
  attach(context(table));
  EXPECT_EQ(ask(about(TranslationType::kStage1)), finds(kPage.value, kSecure));
  EXPECT_EQ(ask(about(TranslationType::kStage1, kAddress + 4096)),
            finds(kPage.value + 4096, kNonSecure));
  // NS is of IPAs alone.
  EXPECT_EQ(ask(about(TranslationType::kStage1), kSecure, kNonSecure), finds(kPage.value, kSecure));
  EXPECT_EQ(ask(about(TranslationType::kStage1, kAddress + 8192)), fails(EventType::F_TRANSLATION));
}

TEST_F(SecureOperations, AreAboutStreamsOfEitherState) {  // 6.3.84, SSEC
  auto table = table_in(kSecure);
  table.map(Iova(kAddress), kPage, 4096);
  attach(context(table));
  EXPECT_EQ(ask(about(TranslationType::kStage1), kNonSecure), fails(EventType::C_BAD_STE));

  auto outside = board_.non_secure().page_table();
  outside.map(Iova(kAddress), kOtherPage, 4096);
  board_.non_secure().attach(kStream, outside);
  EXPECT_EQ(ask(about(TranslationType::kStage1), kNonSecure), finds(kOtherPage.value, kNonSecure));
  EXPECT_EQ(ask(about(TranslationType::kStage1), kSecure), finds(kPage.value, kSecure));
  // Neither has touched the other group, which has no SSEC.
  Board& other = board_.non_secure();
  EXPECT_EQ(other.smmu().read<v3::SMMU_GATOS_PAR>().raw(), 0U);
  other.smmu().write(v3::SMMU_GATOS_SID(SMMU_S_GATOS_SID::SSEC.kMask | kStream.value));
  EXPECT_EQ(other.smmu().read<v3::SMMU_GATOS_SID>().raw(), kStream.value);
  EXPECT_EQ(testing::ask(other, about(TranslationType::kStage1)), testing::finds(kOtherPage.value));
}

TEST_F(SecureOperations, NeedTheSmmuToBeOn) {  // 6.3.83; 9: SSEC 0 needs both
  auto table = table_in(kSecure);
  table.map(Iova(kAddress), kPage, 4096);
  attach(context(table));
  auto outside = board_.non_secure().page_table();
  outside.map(Iova(kAddress), kOtherPage, 4096);
  board_.non_secure().attach(kStream, outside);

  set_smmuen(board_.non_secure(), false);
  EXPECT_EQ(ask(about(TranslationType::kStage1)), finds(kPage.value, kSecure));
  EXPECT_EQ(ask(about(TranslationType::kStage1), kNonSecure),
            fails(TranslationOperationError::INTERNAL_ERR));
  set_smmuen(board_.non_secure(), true);
  EXPECT_EQ(ask(about(TranslationType::kStage1), kNonSecure), finds(kOtherPage.value, kNonSecure));

  const Answer before = answer();
  set_smmuen(board_.secure(), false);
  for (const SecurityState of : {kSecure, kNonSecure}) {
    EXPECT_EQ(ask(about(TranslationType::kStage2), of), before);  // ignored
  }
}

TEST_F(SecureOperations, SayWhichFetchesAreForbidden) {  // 6.3.57, SIF
  auto table = table_in(kSecure);
  table.map(Iova(kAddress), kPage, 4096);
  set_non_secure(table.descriptor(Iova(kAddress)));
  attach(context(table));
  EXPECT_EQ(ask(fetch(TranslationType::kStage1)), finds(kPage.value, kNonSecure));
  set_sif(true);
  EXPECT_EQ(ask(fetch(TranslationType::kStage1)), fails(EventType::F_PERMISSION));
  EXPECT_EQ(ask(about(TranslationType::kStage1)), finds(kPage.value, kNonSecure));
}

// Both stages, with a tree of stage 2 for either kind of IPA.
class SecureNestedOperations : public SecureOperations {
 protected:
  static constexpr Vmid kVmid{7};
  static constexpr std::uint64_t kIpa = 0x1'2345'6000;

  SecureNestedOperations() {
    secure_.map(Iova(kIpa), kPage, 4096);
    non_secure_.map(Iova(kIpa), kOtherPage, 4096);
    guest_.map(Iova(kAddress), Pa(kIpa), 16384);
    set_non_secure(guest_.descriptor(Iova(kAddress + 4096)));
    set_non_secure(guest_.descriptor(Iova(kAddress + 8192)));
    cd_ = guest_allocate();
    store(board_.memory(kSecure), cd_, context(guest_));
    board_.secure().attach(kStream, nested());
  }
  STE both_trees(const STE& ste) const {
    return with_both_trees(ste, non_secure_, secure_,
                           {.s2sw = false, .s2sa = false, .s2nsw = true, .s2nsa = true})
        .set(STE::S2VMID, kVmid.value);
  }
  STE nested() const { return both_trees(translate(cd_)); }
  Pa guest_allocate() {
    const Pa pa = board_.secure().allocate(4096);
    secure_.map(Iova(pa.value), pa, 4096);
    return pa;
  }

  PageTable secure_ = table_in(kSecure, {.t0sz = 24, .stage = 2});
  PageTable non_secure_ = table_in(kNonSecure, {.t0sz = 24, .stage = 2});
  PageTable guest_{board_.memory(kSecure),
                   [this](std::uint64_t, std::uint64_t) { return guest_allocate(); },
                   {}};
  Pa cd_;
};

TEST_F(SecureNestedOperations, SayWhichIpaAndWhichAddress) {
  EXPECT_EQ(ask(about(TranslationType::kStage1)), finds(kIpa, kSecure));
  EXPECT_EQ(ask(about(TranslationType::kBothStages)), finds(kPage.value, kSecure));
  // The leaf's NS chooses the tree.
  EXPECT_EQ(ask(about(TranslationType::kStage1, kAddress + 4096)), finds(kIpa + 4096, kNonSecure));
  non_secure_.map(Iova(kIpa + 4096), kOtherPage, 4096);
  EXPECT_EQ(ask(about(TranslationType::kBothStages, kAddress + 4096)),
            finds(kOtherPage.value, kNonSecure));
}

TEST_F(SecureNestedOperations, AreToldWhichKindOfIpaIsMeant) {  // 6.3.85, NS
  for (const bool only : {false, true}) {
    if (only) board_.secure().attach(kStream, both_trees(bypass()));
    const Operation operation = about(TranslationType::kStage2, kIpa);
    EXPECT_EQ(ask(operation, kSecure, kSecure).success()[v3::SMMU_GATOS_PAR::ADDR], kPage.value);
    EXPECT_EQ(ask(operation, kSecure, kNonSecure).success()[v3::SMMU_GATOS_PAR::ADDR],
              kOtherPage.value);
    EXPECT_TRUE(SMMU_S_GATOS_PAR(answer().par)[SMMU_S_GATOS_PAR::NS]);
  }
}

TEST_F(SecureNestedOperations, SayOfWhichKindTheIpaIsThatFailed) {  // 6.3.86, NSIPA
  EXPECT_EQ(ask(about(TranslationType::kBothStages, kAddress + 8192)),
            fails_at_ipa(TranslationFaultReason::kIn, kIpa + 8192, kNonSecure));
  EXPECT_EQ(ask(about(TranslationType::kBothStages, kAddress + 12288)),
            fails_at_ipa(TranslationFaultReason::kIn, kIpa + 12288, kSecure));
  // Where no IPA is told, neither is that.
  EXPECT_EQ(ask(about(TranslationType::kStage2, kIpa + 8192), kSecure, kNonSecure),
            fails(EventType::F_TRANSLATION, TranslationFaultReason::kIn));
}

TEST_F(SecureNestedOperations, TakeNsForAStreamThatSkipsStage1) {  // 9.1.3; 6.3.85, NS
  STE ste = nested();
  ste.set(STE::S1CDMax, 1).set(STE::S1DSS, v3::DefaultSubstream::kBypass);
  board_.secure().attach(kStream, ste);
  const Operation both = about(TranslationType::kBothStages, kIpa);
  EXPECT_EQ(ask(both, kSecure, kSecure).success()[v3::SMMU_GATOS_PAR::ADDR], kPage.value);
  EXPECT_EQ(ask(both, kSecure, kNonSecure).success()[v3::SMMU_GATOS_PAR::ADDR], kOtherPage.value);
  set_sif(true);
  Operation instruction = fetch(TranslationType::kBothStages);
  instruction.address = kIpa;
  EXPECT_FALSE(ask(instruction, kSecure, kSecure).failed());
  EXPECT_EQ(ask(instruction, kSecure, kNonSecure), fails(EventType::F_PERMISSION));
}

// The page of a Secure virtual machine.
class SecureGuestOperations : public SecureNestedOperations {
 protected:
  std::uint32_t page() {
    return 0x2'0000 + 0x1'0000 * registers().read<SMMU_S_IDR2>()[SMMU_S_IDR2::BA_S_VATOS];
  }
  void select(Vmid vmid) {
    registers().write(SMMU_S_VATOS_SEL().set(SMMU_S_VATOS_SEL::VMID, vmid.value));
  }
  Answer ask_as_guest(const Operation& operation) {
    registers().write64(page() + v3::SMMU_S_VATOS_SID::kOffset, operation.sid().raw());
    registers().write64(page() + v3::SMMU_S_VATOS_ADDR::kOffset, operation.addr().raw());
    registers().write32(page() + v3::SMMU_S_VATOS_CTRL::kOffset, 1);
    EXPECT_EQ(registers().read32(page() + v3::SMMU_S_VATOS_CTRL::kOffset), 0U);
    return {registers().read64(page() + v3::SMMU_S_VATOS_PAR::kOffset)};
  }
};

TEST_F(SecureGuestOperations, AreAnsweredAboutStreamsOfTheVmid) {  // 9.1.6
  select(kVmid);
  EXPECT_EQ(ask_as_guest(about(TranslationType::kStage1)), finds(kIpa, kSecure));
  EXPECT_EQ(ask_as_guest(about(TranslationType::kStage1, kAddress + 4096)),
            finds(kIpa + 4096, kNonSecure));
  for (const auto type : {TranslationType::kStage2, TranslationType::kBothStages}) {
    EXPECT_EQ(ask_as_guest(about(type)), fails(TranslationOperationError::INV_REQ));
  }
  select(Vmid(kVmid.value + 1));
  EXPECT_EQ(ask_as_guest(about(TranslationType::kStage1)), fails(EventType::C_BAD_STE));
}

TEST_F(SecureGuestOperations, TakeAStreamWithoutStage2ForVmid0) {  // 9.1.6; 5.2, S2VMID
  auto table = table_in(kSecure);
  table.map(Iova(kAddress), kPage, 4096);
  const Pa cd = attach(context(table));
  board_.secure().attach(kStream, translate(cd).set(STE::S2VMID, kVmid.value));
  select(kVmid);
  EXPECT_EQ(ask_as_guest(about(TranslationType::kStage1)), fails(EventType::C_BAD_STE));
  select(Vmid(0));
  EXPECT_EQ(ask_as_guest(about(TranslationType::kStage1)), finds(kPage.value, kSecure));
  // Of EL3, it has none.
  board_.secure().attach(kStream, translate(cd).set(STE::STRW, 1));
  EXPECT_EQ(ask_as_guest(about(TranslationType::kStage1)), fails(EventType::C_BAD_STE));
}

TEST_F(SecureGuestOperations, HaveAPageThatNonSecureSoftwareDoesNotSee) {  // 6.3.103 to 6.3.106
  for (std::uint32_t offset = 0; offset != 0x1'0000; offset += 4) {
    registers().write32(page() + offset, 0xffff'ffff);
    std::uint32_t after = 0;
    if (offset == 0xa08) after = 0xffff'ffff;  // SID
    if (offset == 0xa0c) after = 0x003f'ffff;  // of which bit 53 is RES1
    if (offset == 0xa10) after = 0xffff'ffc0;  // ADDR
    if (offset == 0xa14) after = 0xffff'ffff;
    if (offset == 0xa00) continue;                     // CTRL: it has run
    if (offset == 0xa18 || offset == 0xa1c) continue;  // PAR
    ASSERT_EQ(registers().read32(page() + offset), after) << std::hex << offset;
    ASSERT_EQ(board_.smmu().read32(page() + offset), 0U) << std::hex << offset;
    board_.smmu().write32(page() + offset, 0);
    ASSERT_EQ(registers().read32(page() + offset), after) << std::hex << offset;
  }
  board_.smmu().reset(emulator::Reset::kWarm);
  EXPECT_EQ(registers().read64(page() + 0xa08), std::uint64_t{1} << 53);
  registers().write64(page() + 0xa08, 0);
  EXPECT_EQ(registers().read64(page() + 0xa08), std::uint64_t{1} << 53);
}

SmmuV3Config without_secure_el2() {
  SmmuV3Config config = SmmuV3Config::everything();
  config.s_idr1.set(SMMU_S_IDR1::SEL2, false);
  config.s_idr2 = {};
  return config;
}
class SecureOperationsWithoutEl2 : public SecureOperations {
 protected:
  SecureOperationsWithoutEl2() : SecureOperations(without_secure_el2()) {}
};

TEST_F(SecureOperationsWithoutEl2, HaveNoStage2ToAskAbout) {  // 9.1.3
  auto table = table_in(kSecure);
  table.map(Iova(kAddress), kPage, 4096);
  attach(context(table));
  EXPECT_EQ(ask(about(TranslationType::kStage1)), finds(kPage.value, kSecure));
  for (const auto type : {TranslationType::kStage2, TranslationType::kBothStages}) {
    EXPECT_EQ(ask(about(type)), fails(TranslationOperationError::INV_STAGE));
  }
  // What is Non-secure has one.
  auto stage2 = board_.non_secure().page_table({.stage = 2});
  stage2.map(Iova(kAddress), kOtherPage, 4096);
  board_.non_secure().attach(kStream, translate_stage2(stage2));
  EXPECT_FALSE(ask(about(TranslationType::kStage2), kNonSecure).failed());
  // No page of a virtual machine: it would be where that of the others is not.
  registers().write64(0x3'0a08, ~std::uint64_t{0});
  EXPECT_EQ(registers().read64(0x3'0a08), 0U);
}

// About a Non-secure stream whose root table is read through a program.
class SecureOperationsThatRun : public SecureOperations {
 protected:
  static constexpr Pa kDevice{0x1000'0000};

  SecureOperationsThatRun() {
    EXPECT_TRUE(board_.memory(kNonSecure).add_device(kDevice, 4096, root_));
    table_.map(Iova(kAddress), kOtherPage, 4096);
    root_.word = load(board_.memory(kNonSecure), table_.root());
    const Pa cd = board_.non_secure().allocate(CD::kSize, CD::kSize);
    store(board_.memory(kNonSecure), cd, context(table_).set(CD::TTB0, kDevice.value));
    board_.non_secure().attach(kStream, translate(cd));
  }

  void at_first_read(std::function<void()> program) {
    root_.on_read = [program = std::move(program), done = false]() mutable {
      if (!std::exchange(done, true)) program();
    };
  }

  Interposed root_;
  PageTable table_ = board_.non_secure().page_table();
};

TEST_F(SecureOperationsThatRun, AreAwaitedByTheSecureQueue) {  // 4.7.3
  for (const bool secure : {true, false}) {
    bool completed = true;
    at_first_read([&] {
      board_.secure().submit_and_sync(command<CMD_TLBI_NSNH_ALL>());
      completed = board_.secure().idle();
    });
    if (secure) {
      EXPECT_EQ(ask(about(TranslationType::kStage1), kNonSecure),
                finds(kOtherPage.value, kNonSecure));
    } else {
      EXPECT_EQ(testing::ask(board_.non_secure(), about(TranslationType::kStage1)),
                testing::finds(kOtherPage.value));
    }
    EXPECT_FALSE(completed);
    EXPECT_TRUE(board_.secure().idle());
  }
}

TEST_F(SecureOperationsThatRun, EndWithSmmuen) {  // 6.3.37
  Answer during;
  at_first_read([&] {
    EXPECT_TRUE(runs());
    set_smmuen(board_.secure(), false);
    EXPECT_FALSE(runs());
    during = answer();
  });
  EXPECT_EQ(ask(about(TranslationType::kStage1), kNonSecure),
            fails(TranslationOperationError::INTERNAL_ERR));
  EXPECT_EQ(during, fails(TranslationOperationError::INTERNAL_ERR));
}

TEST_F(SecureOperationsThatRun, DoNotAnswerTheNextOne) {
  table_.map(Iova(kAddress + 4096), kPage, 4096);
  at_first_read([&] {
    set_smmuen(board_.secure(), false);
    set_smmuen(board_.secure(), true);
    start(about(TranslationType::kStage1, kAddress + 4096), kNonSecure, kSecure);
  });
  start(about(TranslationType::kStage1), kNonSecure, kSecure);
  EXPECT_FALSE(runs());
  EXPECT_EQ(answer(), finds(kPage.value, kNonSecure));
}

}  // namespace
}  // namespace smmu::testing::secure_operation_test
