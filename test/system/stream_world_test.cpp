// Streams of EL2, with and without E2H: what their translations are tagged with, what their tables
// permit, and which commands invalidate them (IHI 0070, 3.17, 4.4.2, 5.2 and 5.4.1).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/queue_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::stream_world_test {
namespace {

using emulator::CachePolicy;
using emulator::Content;
using emulator::Direction;
using emulator::Privilege;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CD;
using v3::CMD_CFGI_CD;
using v3::CMD_CFGI_STE;
using v3::CMD_TLBI_EL2_ALL;
using v3::CMD_TLBI_EL2_ASID;
using v3::CMD_TLBI_EL2_VA;
using v3::CMD_TLBI_EL2_VAA;
using v3::CMD_TLBI_NH_VA;
using v3::EventType;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_IDR0;
using v3::STE;

constexpr StreamId kStream(5);
constexpr StreamId kAnother(6);
constexpr Iova kAddress(0x8000'0000);
constexpr Asid kAsid(3);

constexpr unsigned kEl1 = 0b00;
constexpr unsigned kEl2 = 0b10;

emulator::SmmuV3Config with(CachePolicy policy, bool hyp = true) {
  auto config = emulator::SmmuV3Config::everything();
  if (!hyp) config = config.of_version(1);  // from SMMUv3.2 on it is mandatory
  config.caching.policy = policy;
  config.idr0.set(SMMU_IDR0::Hyp, hyp);
  return config;
}

// A board whose streams are given a world each.
class Worlds : public ::testing::Test {
 protected:
  explicit Worlds(const emulator::SmmuV3Config& config = with(CachePolicy::kAdversarial))
      : board_({.config = config}) {
    board_.bring_up();
    table_.map(kAddress, page_, 4096);
    other_.map(kAddress, other_page_, 4096);
  }
  // 6.3.12: only while translation is off.
  void set_e2h(bool e2h) {
    const auto cr0 = board_.smmu().read<SMMU_CR0>();
    board_.smmu().write(SMMU_CR0(cr0).set(SMMU_CR0::SMMUEN, false));
    board_.smmu().write(SMMU_CR2().set(SMMU_CR2::E2H, e2h));
    board_.smmu().write(cr0);
    EXPECT_EQ(board_.smmu().read<SMMU_CR2>()[SMMU_CR2::E2H], e2h);
  }
  void attach(StreamId stream, unsigned strw, const CD& cd) {
    const Pa at = board_.allocate(CD::kSize, CD::kSize);
    store(board_.memory(), at, cd);
    board_.attach(stream, translate(at).set(STE::STRW, strw));
  }
  emulator::Outcome translate_as(StreamId stream, Iova address = kAddress) {
    return board_.device(stream).translate(address);
  }
  void expect_bad(EventType type) {
    EXPECT_THAT(translate_as(kStream), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(type, kStream)));
  }

  Board board_;
  PageTable table_ = board_.page_table();
  PageTable other_ = board_.page_table();
  Pa page_ = board_.allocate(4096);
  Pa other_page_ = board_.allocate(4096);
};

using Strw = Worlds;

TEST_F(Strw, Bit0IsReservedAndIllegal) {  // 5.2, STRW; 5.2.2
  for (const unsigned strw : {0b01U, 0b11U}) {
    attach(kStream, strw, context(table_));
    expect_bad(EventType::C_BAD_STE);
  }
}

TEST_F(Strw, IsIgnoredWhereStage1AloneDoesNotTranslate) {  // 5.2, STRW
  board_.attach(kStream, bypass().set(STE::STRW, 0b11));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(Pa(kAddress.value)));
  PageTable stage2 = board_.page_table({.stage = 2});
  stage2.map(kAddress, page_, 4096);
  board_.attach(kStream, translate_stage2(stage2).set(STE::STRW, 0b01));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  board_.attach(kStream, abort_all().set(STE::STRW, 0b11));
  EXPECT_THAT(translate_as(kStream), Aborts());
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Strw, OfAStreamWithStage2IsEl1) {  // 5.2, STRW: the VMID is compared
  PageTable stage2 = board_.page_table({.stage = 2});
  stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), std::uint64_t{128} << 20);
  const Pa at = board_.allocate(CD::kSize, CD::kSize);
  store(board_.memory(), at, context(table_));
  board_.attach(kStream, above_stage2(translate(at), stage2, Vmid(7)).set(STE::STRW, kEl2));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  table_.unmap(kAddress);
  board_.submit_and_sync(command<CMD_TLBI_EL2_ALL>());
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  using v3::CMD_TLBI_NH_ALL;
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, 7));
  EXPECT_THAT(translate_as(kStream), Aborts());
}

class WithoutHyp : public Worlds {
 protected:
  WithoutHyp() : Worlds(with(CachePolicy::kAdversarial, false)) {}
};

TEST_F(WithoutHyp, StrwIsReservedAndE2hIsNot) {  // 5.2, STRW; 6.3.12, E2H
  attach(kStream, 0b11, context(table_));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  board_.smmu().write(SMMU_CR0());
  board_.smmu().write(SMMU_CR2().set(SMMU_CR2::E2H, true).set(SMMU_CR2::RECINVSID, true));
  EXPECT_EQ(board_.smmu().read<SMMU_CR2>().raw(), SMMU_CR2().set(SMMU_CR2::RECINVSID, true).raw());
}

TEST_F(WithoutHyp, TheCommandsOfEl2AreIllegal) {  // 4.4.2.7 to 4.4.2.10
  using v3::SMMU_CMDQ_CONS;
  using v3::SMMU_GERROR;
  using v3::SMMU_GERRORN;
  const auto expect_illegal = [&](const auto& command) {
    board_.submit(command);
    EXPECT_FALSE(board_.idle());
    EXPECT_EQ(board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::ERR],
              v3::CommandError::CERROR_ILL);
    // In its place comes a CMD_SYNC.
    const std::uint32_t index = board_.smmu().read<SMMU_CMDQ_CONS>()[SMMU_CMDQ_CONS::RD];
    const auto sync = smmu::testing::command<v3::CMD_SYNC>();
    store(board_.memory(), Pa(board_.command_queue().value + 16 * std::uint64_t{index}),
          sync.words()[0]);
    board_.smmu().write(SMMU_GERRORN(board_.smmu().read<SMMU_GERROR>().raw()));
    EXPECT_TRUE(board_.idle());
  };
  expect_illegal(command<CMD_TLBI_EL2_ALL>());
  expect_illegal(command<CMD_TLBI_EL2_ASID>());
  expect_illegal(command<CMD_TLBI_EL2_VA>());
  expect_illegal(command<CMD_TLBI_EL2_VAA>());
}

TEST_F(Worlds, E2hIsReadOnlyWhileTranslationIsOn) {  // 6.3.12
  board_.smmu().write(SMMU_CR2().set(SMMU_CR2::E2H, true));
  EXPECT_FALSE(board_.smmu().read<SMMU_CR2>()[SMMU_CR2::E2H]);
}

using El2Tables = Worlds;

TEST_F(El2Tables, HaveNoUpperHalfAndNoDisabledOne) {  // 5.4.1; 5.4, EPD0
  const CD cd = context(table_).set(CD::EPD0, true).set(CD::EPD1, false).set(CD::T1SZ, 63);
  attach(kStream, kEl2, cd);
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  const Iova top(0xffff'ffff'8000'0000);
  EXPECT_THAT(translate_as(kStream, top), Aborts());
  EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, top)));
  // The same CD in EL1, and in EL2 with E2H, has two halves, and T1SZ is checked.
  attach(kStream, kEl1, cd);
  expect_bad(EventType::C_BAD_CD);
  set_e2h(true);
  attach(kStream, kEl2, cd);
  expect_bad(EventType::C_BAD_CD);
}

TEST_F(El2Tables, WithE2hHaveTwoHalves) {  // 3.17.5
  set_e2h(true);
  PageTable upper = board_.page_table();
  const Iova top(0xffff'ffff'8000'0000);
  upper.map(top, other_page_, 4096);
  attach(kStream, kEl2,
         context(table_)
             .set(CD::EPD1, false)
             .set(CD::T1SZ, 16)
             .set(CD::TG1, TG1::k4K)
             .set(CD::TTB1, upper.root().value));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  EXPECT_THAT(translate_as(kStream, top), TranslatesTo(other_page_));
}

// What an access to the page may do, by privilege.
struct May {
  bool read;
  bool write;
  bool execute;

  friend bool operator==(const May&, const May&) = default;
  friend std::ostream& operator<<(std::ostream& out, const May& may) {
    return out << (may.read ? 'r' : '-') << (may.write ? 'w' : '-') << (may.execute ? 'x' : '-');
  }
};

class El2Permissions : public Worlds {
 protected:
  May may(Privilege privilege) {
    emulator::Port& port = board_.smmu().add_port();
    const auto allowed = [&](Direction direction, Content content) {
      return std::holds_alternative<emulator::Translation>(port.translate({.stream = kStream,
                                                                           .address = kAddress,
                                                                           .direction = direction,
                                                                           .privilege = privilege,
                                                                           .content = content}));
    };
    return {allowed(Direction::kRead, Content::kData), allowed(Direction::kWrite, Content::kData),
            allowed(Direction::kRead, Content::kInstruction)};
  }
  // Of EL2 without E2H, to whom privilege says nothing.
  void expect(const PageAttributes& page, May expected, const CD& cd) {
    table_.map(kAddress, page_, 4096, page);
    attach(kStream, kEl2, cd);
    board_.submit_and_sync(command<CMD_TLBI_EL2_ALL>());
    EXPECT_EQ(may(Privilege::kUnprivileged), expected);
    EXPECT_EQ(may(Privilege::kPrivileged), expected);
  }
  void expect(const PageAttributes& page, May expected) { expect(page, expected, context(table_)); }
};

TEST_F(El2Permissions, KnowNoPrivilege) {  // 13.4.1: AP[1] is taken as 1; PXN is RES0
  expect({}, {true, true, true});
  expect({.unprivileged = false}, {true, true, true});
  expect({.writable = false, .unprivileged = false}, {true, false, true});
  expect({.privileged_execute_never = true}, {true, true, true});
  expect({.unprivileged_execute_never = true}, {true, true, false});
}

TEST_F(El2Permissions, IgnorePanAndE0pdButNotWxn) {  // 5.4, PAN, E0PD0, WXN
  const CD cd = context(table_);
  expect({}, {true, true, true}, CD(cd).set(CD::PAN, true));
  expect({}, {true, true, true}, CD(cd).set(CD::PAN, true).set(CD::EPAN, true));
  expect({}, {true, true, true}, CD(cd).set(CD::E0PD0, true));
  expect({}, {true, true, false}, CD(cd).set(CD::WXN, true));
  expect({.writable = false}, {true, false, true}, CD(cd).set(CD::WXN, true));
}

TEST_F(El2Permissions, AreThoseOfEl1WithE2h) {  // 13.4.1
  set_e2h(true);
  table_.map(kAddress, page_, 4096, {.unprivileged = false});
  attach(kStream, kEl2, context(table_));
  EXPECT_EQ(may(Privilege::kUnprivileged), (May{false, false, true}));
  EXPECT_EQ(may(Privilege::kPrivileged), (May{true, true, true}));
  attach(kStream, kEl2, context(table_).set(CD::E0PD0, true));
  EXPECT_EQ(may(Privilege::kUnprivileged), (May{false, false, false}));
}

TEST_F(El2Permissions, OfLongDescriptorsOfVmsav832KnowNoPrivilege) {  // 5.4, AA64; DDI 0487, G5.6.1
  // One table of four entries, whose third maps 1 GiB; AP[1] is 0.
  const Pa root = board_.allocate(4096);
  store(board_.memory(), Pa(root.value + 8 * 2), std::uint64_t{0x4000'0000 | 1 << 10 | 0b01});
  const CD cd = context(table_).set(CD::AA64, false).set(CD::T0SZ, 0).set(CD::TTB0, root.value);
  attach(kStream, kEl2, cd);
  EXPECT_EQ(may(Privilege::kUnprivileged), (May{true, true, true}));
  EXPECT_EQ(may(Privilege::kPrivileged), (May{true, true, true}));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(Pa(0x4000'0000)));
  // An address beyond T0SZ belongs to no other half.
  attach(kStream, kEl2, CD(cd).set(CD::T0SZ, 1));
  board_.submit_and_sync(command<CMD_TLBI_EL2_ALL>());
  EXPECT_THAT(translate_as(kStream), Aborts());
  board_.events();
  set_e2h(true);
  attach(kStream, kEl2, cd);
  expect_bad(EventType::C_BAD_CD);
}

TEST(El2Asids, AreIgnored) {  // 5.4, ASID: ASID16 0
  auto config = emulator::SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::ASID16, false).set(SMMU_IDR0::VMID16, false);
  Board board({.config = config});
  board.bring_up();
  PageTable table = board.page_table();
  table.map(kAddress, Pa(0x4100'0000), 4096);
  const Pa cd = board.attach(kStream, table, Asid(0x100));
  const STE ste = translate(cd).set(STE::S2VMID, 0x100).set(STE::STRW, kEl2);
  board.attach(kStream, ste);
  EXPECT_THAT(board.device(kStream).translate(kAddress), TranslatesTo(Pa(0x4100'0000)));
  // 5.2, S2VMID: in EL1 it is not.
  board.attach(kStream, STE(ste).set(STE::STRW, kEl1));
  EXPECT_THAT(board.device(kStream).translate(kAddress), Aborts());
  // And with E2H the ASID is not.
  board.smmu().write(SMMU_CR0(board.smmu().read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, false));
  board.smmu().write(SMMU_CR2().set(SMMU_CR2::E2H, true));
  board.smmu().write(SMMU_CR0(board.smmu().read<SMMU_CR0>()).set(SMMU_CR0::SMMUEN, true));
  board.attach(kStream, ste);
  EXPECT_THAT(board.device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream),
                                          IsEvent(EventType::C_BAD_CD, kStream)));
}

// A stream of each of two worlds, or ASIDs; the tables of both are emptied once translations are
// cached, so that what translates still is an entry.
class Tagged : public Worlds {
 protected:
  // The page that the stream's cached translation leads to; null: there is none.
  bool cached(StreamId stream) {
    const bool found = std::holds_alternative<emulator::Translation>(translate_as(stream));
    board_.events();
    return found;
  }
  void fill(PageAttributes attributes = {}) {
    table_.map(kAddress, page_, 4096, attributes);
    other_.map(kAddress, other_page_, 4096, attributes);
    for (const StreamId stream : {kStream, kAnother}) EXPECT_TRUE(cached(stream));
    table_.unmap(kAddress);
    other_.unmap(kAddress);
    for (const StreamId stream : {kStream, kAnother}) EXPECT_TRUE(cached(stream));
  }
  CMD_TLBI_EL2_VA el2_va(Iova address, Asid asid) {
    return command<CMD_TLBI_EL2_VA>()
        .set(CMD_TLBI_EL2_VA::ASID, asid.value)
        .set(CMD_TLBI_EL2_VA::Address, address.value);
  }
};

TEST_F(Tagged, WorldsAreApart) {  // 3.17
  attach(kStream, kEl1, context(table_, kAsid));
  attach(kAnother, kEl2, context(other_, kAsid));
  for (const bool global : {false, true}) {
    table_.map(kAddress, page_, 4096, {.global = global});
    other_.map(kAddress, other_page_, 4096, {.global = global});
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>(), command<CMD_TLBI_EL2_ALL>());
    EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
    EXPECT_THAT(translate_as(kAnother), TranslatesTo(other_page_));
  }
  // E2H is its own, too, once the configuration that says so has been read.
  set_e2h(true);
  table_.map(kAddress, page_, 4096);
  attach(kAnother, kEl2, context(table_, kAsid));
  EXPECT_THAT(translate_as(kAnother), TranslatesTo(page_));
}

TEST_F(Tagged, El2HasOneAddressSpace) {  // 3.17: all CDs are as one ASID, and nG says nothing
  attach(kStream, kEl2, context(table_, Asid(1)));
  attach(kAnother, kEl2, context(other_, Asid(2)).set(CD::ASET, false));
  for (const bool global : {false, true}) {
    board_.submit_and_sync(command<CMD_TLBI_EL2_ALL>());
    table_.map(kAddress, page_, 4096, {.global = global});
    EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
    EXPECT_THAT(translate_as(kAnother), TranslatesTo(page_));
  }
}

TEST_F(Tagged, E2hHasAsids) {  // 3.17
  set_e2h(true);
  attach(kStream, kEl2, context(table_, Asid(1)));
  attach(kAnother, kEl2, context(other_, Asid(2)));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  EXPECT_THAT(translate_as(kAnother), TranslatesTo(other_page_));
}

TEST_F(Tagged, CommandsOfEl1LeaveEl2) {  // 4.4.2.1 to 4.4.2.4, 4.4.3.2, 4.4.4.1
  for (const bool e2h : {false, true}) {
    set_e2h(e2h);
    attach(kStream, kEl1, context(table_, kAsid));
    attach(kAnother, kEl2, context(other_, kAsid));
    const auto expect_only_el1 = [&](const auto& command) {
      fill();
      board_.submit_and_sync(command);
      EXPECT_FALSE(cached(kStream));
      EXPECT_TRUE(cached(kAnother));
    };
    expect_only_el1(command<v3::CMD_TLBI_NSNH_ALL>());
    expect_only_el1(command<v3::CMD_TLBI_S12_VMALL>());
    expect_only_el1(command<v3::CMD_TLBI_NH_ALL>());
    using v3::CMD_TLBI_NH_ASID;
    expect_only_el1(command<CMD_TLBI_NH_ASID>().set(CMD_TLBI_NH_ASID::ASID, kAsid.value));
    expect_only_el1(command<CMD_TLBI_NH_VA>()
                        .set(CMD_TLBI_NH_VA::ASID, kAsid.value)
                        .set(CMD_TLBI_NH_VA::Address, kAddress.value));
    using v3::CMD_TLBI_NH_VAA;
    expect_only_el1(command<CMD_TLBI_NH_VAA>().set(CMD_TLBI_NH_VAA::Address, kAddress.value));
  }
}

TEST_F(Tagged, CommandsOfEl2LeaveEl1) {  // 4.4.2.7 to 4.4.2.9
  for (const bool e2h : {false, true}) {
    set_e2h(e2h);
    attach(kStream, kEl1, context(table_, kAsid));
    attach(kAnother, kEl2, context(other_, kAsid));
    const auto expect_only_el2 = [&](const auto& command) {
      fill();
      board_.submit_and_sync(command);
      EXPECT_TRUE(cached(kStream));
      EXPECT_FALSE(cached(kAnother));
    };
    expect_only_el2(command<CMD_TLBI_EL2_ALL>());
    expect_only_el2(el2_va(kAddress, kAsid));
    expect_only_el2(command<CMD_TLBI_EL2_VAA>().set(CMD_TLBI_EL2_VAA::Address, kAddress.value));
  }
}

TEST_F(Tagged, AnAddressOfEl2GoesWhateverTheAsid) {  // 4.4.2.8: E2H 0
  attach(kStream, kEl2, context(table_, kAsid));
  attach(kAnother, kEl2, context(table_, kAsid));
  fill();
  board_.submit_and_sync(el2_va(Iova(kAddress.value + 4096), kAsid));
  EXPECT_TRUE(cached(kStream));
  board_.submit_and_sync(el2_va(kAddress, Asid(99)));
  EXPECT_FALSE(cached(kStream));
}

TEST_F(Tagged, AnAsidIsNothingToEl2) {  // 4.4.2.10
  attach(kStream, kEl2, context(table_, kAsid));
  attach(kAnother, kEl2, context(table_, kAsid));
  fill();
  board_.submit_and_sync(command<CMD_TLBI_EL2_ASID>().set(CMD_TLBI_EL2_ASID::ASID, kAsid.value));
  EXPECT_TRUE(cached(kStream));
}

TEST_F(Tagged, AnAsidOfE2hIsTheOneThatGoes) {  // 4.4.2.8 to 4.4.2.10: E2H 1
  set_e2h(true);
  attach(kStream, kEl2, context(table_, Asid(1)));
  attach(kAnother, kEl2, context(other_, Asid(2)));
  fill();
  board_.submit_and_sync(el2_va(kAddress, Asid(2)));
  EXPECT_TRUE(cached(kStream));
  EXPECT_FALSE(cached(kAnother));
  fill();
  board_.submit_and_sync(command<CMD_TLBI_EL2_ASID>().set(CMD_TLBI_EL2_ASID::ASID, 2));
  EXPECT_TRUE(cached(kStream));
  EXPECT_FALSE(cached(kAnother));
  fill();
  board_.submit_and_sync(
      command<CMD_TLBI_EL2_VAA>().set(CMD_TLBI_EL2_VAA::Address, kAddress.value));
  EXPECT_FALSE(cached(kStream));
  EXPECT_FALSE(cached(kAnother));
}

TEST_F(Tagged, GlobalEntriesOfE2hGoByAddressAlone) {  // 4.4.2.8, 4.4.2.10
  set_e2h(true);
  attach(kStream, kEl2, context(table_, Asid(1)));
  attach(kAnother, kEl2, context(table_, Asid(2)));
  fill({.global = true});
  board_.submit_and_sync(command<CMD_TLBI_EL2_ASID>().set(CMD_TLBI_EL2_ASID::ASID, 1));
  EXPECT_TRUE(cached(kStream));
  board_.submit_and_sync(el2_va(kAddress, Asid(99)));
  EXPECT_FALSE(cached(kStream));
  EXPECT_FALSE(cached(kAnother));
}

TEST_F(Tagged, AChangeOfE2hNeedsItsInvalidations) {  // 3.17.5, 6.3.12.3
  attach(kStream, kEl2, context(table_, kAsid));
  attach(kAnother, kEl2, context(table_, kAsid));
  fill();
  set_e2h(true);
  // The stream is as it was read, and by address the commands mean the other kind now.
  EXPECT_TRUE(cached(kStream));
  board_.submit_and_sync(el2_va(kAddress, kAsid), command<CMD_TLBI_EL2_VAA>().set(
                                                      CMD_TLBI_EL2_VAA::Address, kAddress.value));
  EXPECT_TRUE(cached(kStream));
  board_.submit_and_sync(command<CMD_TLBI_EL2_ALL>());
  EXPECT_FALSE(cached(kStream));
  table_.map(kAddress, page_, 4096);
  EXPECT_TRUE(cached(kStream));
  table_.unmap(kAddress);
  board_.submit_and_sync(command<CMD_CFGI_STE>().set(CMD_CFGI_STE::StreamID, kStream.value));
  EXPECT_FALSE(cached(kStream));  // of E2H now
}

TEST_F(Tagged, GlobalEntriesAreOfASetOfAsids) {  // 3.17.1; 5.4, ASET
  for (const bool e2h : {false, true}) {
    set_e2h(e2h);
    const unsigned strw = e2h ? kEl2 : kEl1;
    for (const bool same : {true, false}) {
      attach(kStream, strw, context(table_, Asid(1)).set(CD::ASET, false));
      attach(kAnother, strw, context(other_, Asid(2)).set(CD::ASET, !same));
      table_.map(kAddress, page_, 4096, {.global = true});
      other_.map(kAddress, other_page_, 4096, {.global = true});
      EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
      EXPECT_THAT(translate_as(kAnother), TranslatesTo(same ? page_ : other_page_));
      // Whatever its set, an entry goes by its address.
      fill({.global = true});
      if (e2h) {
        board_.submit_and_sync(el2_va(kAddress, Asid(1)));
      } else {
        board_.submit_and_sync(
            command<CMD_TLBI_NH_VA>().set(CMD_TLBI_NH_VA::Address, kAddress.value));
      }
      EXPECT_FALSE(cached(kStream));
      EXPECT_FALSE(cached(kAnother));
    }
  }
}

TEST_F(Tagged, EntriesOfAnAsidAreOfBothSets) {  // 3.17: where they are not global
  attach(kStream, kEl1, context(table_, kAsid).set(CD::ASET, false));
  attach(kAnother, kEl1, context(other_, kAsid).set(CD::ASET, true));
  EXPECT_THAT(translate_as(kStream), TranslatesTo(page_));
  EXPECT_THAT(translate_as(kAnother), TranslatesTo(page_));
}

}  // namespace
}  // namespace smmu::testing::stream_world_test
