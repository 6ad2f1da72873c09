// What an STE and SMMU_GBPA make of the attributes of what comes in (IHI 0070, 5.2, 6.3.14 and
// 13.1.4).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::attribute_override_test {
namespace {

using emulator::Content;
using emulator::Direction;
using emulator::Privilege;
using emulator::Transaction;
using ::testing::ElementsAre;
using v3::CD;
using v3::EventType;
using v3::F_TRANSLATION;
using v3::SMMU_CR0;
using v3::SMMU_GBPA;
using v3::SMMU_IDR1;
using v3::STE;

constexpr StreamId kStream(9);
constexpr StreamId kAnother(10);
constexpr Iova kAddress(0x8000'0000);

constexpr Shareability kNonShareable = Shareability::kNonShareable;
constexpr Shareability kOuter = Shareability::kOuter;
constexpr Shareability kInner = Shareability::kInner;

class Overridden : public ::testing::Test {
 protected:
  explicit Overridden(bool types = true, bool permissions = true)
      : board_({.config = config(types, permissions)}) {
    board_.bring_up();
    table_.map(kAddress, page_, 4096);
    cd_ = board_.attach(kStream, table_);
  }
  static emulator::SmmuV3Config config(bool types, bool permissions) {
    auto config = emulator::SmmuV3Config::everything();
    config.idr1.set(SMMU_IDR1::ATTR_TYPES_OVR, types).set(SMMU_IDR1::ATTR_PERMS_OVR, permissions);
    return config;
  }
  MemoryAttributes leaving(MemoryAttributes incoming = {}) {
    const auto outcome =
        port_.translate({.stream = kStream, .address = kAddress, .attributes = incoming});
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    EXPECT_NE(translation, nullptr);
    return translation == nullptr ? MemoryAttributes{} : translation->attributes;
  }
  bool allowed(Privilege privilege, Direction direction, Content content) {
    const auto outcome = port_.translate({.stream = kStream,
                                          .address = kAddress,
                                          .direction = direction,
                                          .privilege = privilege,
                                          .content = content});
    const auto* translation = std::get_if<emulator::Translation>(&outcome);
    // 5.2: what a translation says of others is of what comes in, too.
    if (translation != nullptr) {
      EXPECT_TRUE(translation->permissions.allow(privilege, direction, content));
    }
    return translation != nullptr;
  }
  // Of data, and of instructions: r, w and x of the unprivileged, then of the privileged.
  std::string rights() {
    std::string text;
    for (const Privilege privilege : {Privilege::kUnprivileged, Privilege::kPrivileged}) {
      text += allowed(privilege, Direction::kRead, Content::kData) ? 'r' : '-';
      text += allowed(privilege, Direction::kWrite, Content::kData) ? 'w' : '-';
      text += allowed(privilege, Direction::kRead, Content::kInstruction) ? 'x' : '-';
    }
    board_.events();
    return text;
  }

  Board board_;
  emulator::Port& port_ = board_.smmu().add_port();
  PageTable table_ = board_.page_table();
  Pa page_ = board_.allocate(4096);
  Pa cd_;
};

// The ways past all tables, and where their overrides are.
enum class Way { kBypass, kNoSubstream, kDisabled };

struct Fields {
  bool mtcfg = false;
  unsigned mem_attr = 0;
  unsigned alloccfg = 0;
  ShareabilityOverride shcfg = ShareabilityOverride::kIncoming;
};

class PastTheTables : public Overridden, public ::testing::WithParamInterface<Way> {
 protected:
  void use(const Fields& fields) {
    const auto set = [&]<class S>(S structure) {
      return structure.set(S::MTCFG, fields.mtcfg)
          .set(S::MemAttr, fields.mem_attr)
          .set(S::ALLOCCFG, fields.alloccfg)
          .set(S::SHCFG, fields.shcfg);
    };
    switch (GetParam()) {
      case Way::kBypass:
        return board_.attach(kStream, set(bypass()));
      case Way::kNoSubstream:  // 5.2, S1DSS
        return board_.attach(kStream, set(translate(cd_)
                                              .set(STE::S1CDMax, 1)
                                              .set(STE::S1DSS, v3::DefaultSubstream::kBypass)));
      case Way::kDisabled:
        board_.smmu().write(SMMU_CR0());
        return board_.smmu().write(set(SMMU_GBPA()).set(SMMU_GBPA::Update, true));
    }
  }
};

TEST_P(PastTheTables, TheTypeIsWhatMemAttrSays) {  // 5.2, MemAttr; 6.3.14
  constexpr std::uint8_t kTypes[] = {0x00, 0x04, 0x08, 0x0c, 0x00, 0x44, 0x4b, 0x4f,
                                     0x00, 0xb4, 0xbb, 0xbf, 0x00, 0xf4, 0xfb, 0xff};
  for (unsigned mem_attr = 0; mem_attr != 16; ++mem_attr) {
    use({.mtcfg = true, .mem_attr = mem_attr});
    // 13.1.3: what does not come in with hints gets the default ones.
    for (const unsigned code : {0xffU, 0x44U, 0x00U, 0x0cU}) {
      EXPECT_EQ(leaving({static_cast<std::uint8_t>(code), kOuter}).type, kTypes[mem_attr])
          << mem_attr;
    }
    use({.mtcfg = false, .mem_attr = mem_attr});
    EXPECT_EQ(leaving({0xbb, kOuter}).type, 0xbb);
  }
}

TEST_P(PastTheTables, HintsThatComeInStayWithAnotherType) {  // 5.2, ALLOCCFG 0b0xxx
  use({.mtcfg = true, .mem_attr = 0b1111});
  EXPECT_EQ(leaving({0xee, kInner}).type, 0xee);
  EXPECT_EQ(leaving({0xaa, kInner}).type, 0xee);
  EXPECT_EQ(leaving({0x77, kInner}).type, 0x77);
  EXPECT_EQ(leaving({0x4e, kInner}).type, 0xfe);  // the outer caches had none
  use({.mtcfg = true, .mem_attr = 0b1010});
  EXPECT_EQ(leaving({0xee, kInner}).type, 0xaa);
  EXPECT_EQ(leaving({0x77, kInner}).type, 0x33);
}

TEST_P(PastTheTables, HintsAreWhatAlloccfgSays) {  // 5.2, ALLOCCFG
  constexpr struct {
    unsigned alloccfg;
    std::uint8_t nibble;  // Write-Back
  } kHints[] = {
      {0b1000, 0xc}, {0b1001, 0xc},  // not allocated, and so not Transient
      {0b1010, 0xd}, {0b1011, 0x5}, {0b1100, 0xe}, {0b1101, 0x6}, {0b1110, 0xf}, {0b1111, 0x7},
  };
  for (const auto& [alloccfg, nibble] : kHints) {
    const unsigned both = nibble * 0x11U;
    use({.alloccfg = alloccfg});
    EXPECT_EQ(leaving({0xff, kInner}).type, both);
    EXPECT_EQ(leaving({0xcc, kInner}).type, both);
    EXPECT_EQ(leaving({0xbb, kInner}).type, both & 0xbbU);  // Write-Through
    EXPECT_EQ(leaving({0x4f, kInner}).type, 0x40U | nibble);
    for (const unsigned code : {0x44U, 0x00U, 0x0cU}) {
      EXPECT_EQ(leaving({static_cast<std::uint8_t>(code), kOuter}).type, code);
    }
    use({.mtcfg = true, .mem_attr = 0b1111, .alloccfg = alloccfg});
    EXPECT_EQ(leaving({0x00, kOuter}).type, both);
  }
  use({.alloccfg = 0b0110});  // as it comes in
  EXPECT_EQ(leaving({0xee, kInner}).type, 0xee);
}

TEST_P(PastTheTables, ShareabilityIsWhatShcfgSays) {  // 5.2, SHCFG
  constexpr struct {
    ShareabilityOverride shcfg;
    Shareability leaving;
  } kChoices[] = {{ShareabilityOverride::kNonShareable, kNonShareable},
                  {ShareabilityOverride::kOuterShareable, kOuter},
                  {ShareabilityOverride::kInnerShareable, kInner}};
  for (const Shareability incoming : {kNonShareable, kOuter, kInner}) {
    for (const auto& [shcfg, expected] : kChoices) {
      use({.shcfg = shcfg});
      EXPECT_EQ(leaving({0xff, incoming}).shareability, expected);
      EXPECT_EQ(leaving({0x4b, incoming}).shareability, expected);
      // 13.1.4: of these it is fixed.
      EXPECT_EQ(leaving({0x44, incoming}).shareability, kOuter);
      EXPECT_EQ(leaving({0x04, incoming}).shareability, kOuter);
      use({.mtcfg = true, .mem_attr = 0b0101, .shcfg = shcfg});
      EXPECT_EQ(leaving({0xff, incoming}), (MemoryAttributes{0x44, kOuter}));
    }
    use({});
    EXPECT_EQ(leaving({0xff, incoming}).shareability, incoming);
    // What comes in as Device memory was Outer Shareable, and stays so.
    use({.mtcfg = true, .mem_attr = 0b1111});
    EXPECT_EQ(leaving({0x04, incoming}).shareability, kOuter);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, PastTheTables,
                         ::testing::Values(Way::kBypass, Way::kNoSubstream, Way::kDisabled));

TEST_F(Overridden, GbpaIsObeyedFromTheUpdateOn) {  // 6.3.14.1
  board_.smmu().write(SMMU_CR0());
  EXPECT_EQ(leaving({0xff, kInner}), (MemoryAttributes{0xff, kInner}));
  const auto gbpa = SMMU_GBPA().set(SMMU_GBPA::MTCFG, true).set(SMMU_GBPA::MemAttr, 0b0101);
  board_.smmu().write(gbpa);
  EXPECT_EQ(leaving({0xff, kInner}), (MemoryAttributes{0xff, kInner}));
  board_.smmu().write(SMMU_GBPA(gbpa).set(SMMU_GBPA::Update, true));
  EXPECT_EQ(leaving({0xff, kInner}), (MemoryAttributes{0x44, kOuter}));
  // ABORT is above them.
  board_.smmu().write(SMMU_GBPA(gbpa).set(SMMU_GBPA::ABORT, true).set(SMMU_GBPA::Update, true));
  EXPECT_THAT(port_.translate({.stream = kStream, .address = kAddress}), Aborts());
  // Streams that are looked up do not see them.
  board_.smmu().write(SMMU_CR0().set(SMMU_CR0::SMMUEN, true));
  board_.smmu().write(SMMU_GBPA(gbpa).set(SMMU_GBPA::Update, true));
  EXPECT_EQ(leaving({0xff, kInner}).type, 0xff);
}

TEST_F(Overridden, OffWithOverridesItStillKnowsWhereMemoryEnds) {  // 3.4
  board_.smmu().write(SMMU_CR0());
  board_.smmu().write(SMMU_GBPA().set(SMMU_GBPA::Update, true));  // SHCFG 0: Non-shareable
  const Iova end(std::uint64_t{1} << 52);
  EXPECT_THAT(port_.translate({.stream = kStream, .address = end}), Aborts());
  EXPECT_THAT(port_.translate({.stream = kStream, .address = Iova(end.value - 1)}),
              TranslatesTo(Pa(end.value - 1)));
  EXPECT_THAT(board_.events(), ::testing::IsEmpty());
}

TEST_F(Overridden, Stage1ReplacesTypesButHints) {  // 13.4.2
  const auto use = [&](const Fields& fields) {
    board_.attach(kStream, translate(cd_)
                               .set(STE::MTCFG, fields.mtcfg)
                               .set(STE::MemAttr, fields.mem_attr)
                               .set(STE::ALLOCCFG, fields.alloccfg)
                               .set(STE::SHCFG, fields.shcfg));
  };
  // MAIR says Write-Back with every hint, and the descriptors Inner Shareable or so.
  const MemoryAttributes tables = leaving();
  EXPECT_EQ(tables.type, 0xff);
  const auto expect = [&](std::uint8_t incoming, std::uint8_t type) {
    for (unsigned hit = 0; hit != 3; ++hit) {
      EXPECT_EQ(leaving({incoming, kOuter}), (MemoryAttributes{type, tables.shareability}))
          << std::hex << unsigned{incoming};
    }
  };
  use({.shcfg = ShareabilityOverride::kOuterShareable});
  expect(0xff, 0xff);
  expect(0xee, 0xee);
  use({.alloccfg = 0b1100});
  expect(0xff, 0xee);
  expect(0xdd, 0xee);
  expect(0x44, 0xff);  // not cached where it comes in: it has no hints
  use({.alloccfg = 0b1110});
  expect(0xcc, 0xff);
  use({.mtcfg = true, .mem_attr = 0b0101});
  expect(0xee, 0xff);
  expect(0xff, 0xff);
  use({.mtcfg = true, .mem_attr = 0b1111, .alloccfg = 0b1000});
  expect(0x04, 0xcc);
  use({.mtcfg = true, .mem_attr = 0b0111, .alloccfg = 0b1000});
  expect(0xff, 0xfc);
}

TEST_F(Overridden, Stage2CombinesWithTheOverrides) {  // 13.1.4, 13.4.3
  PageTable stage2 = board_.page_table({.stage = 2});
  stage2.map(kAddress, page_, 4096);
  const STE ste = translate_stage2(stage2);
  board_.attach(kStream, ste);
  EXPECT_EQ(leaving({0xff, kNonShareable}).type, 0xff);
  board_.attach(kStream, STE(ste).set(STE::MTCFG, true).set(STE::MemAttr, 0b1010));
  EXPECT_EQ(leaving({0xff, kNonShareable}).type, 0xbb);
  EXPECT_EQ(leaving({0x00, kNonShareable}).type, 0xbb);
  board_.attach(kStream, STE(ste).set(STE::MTCFG, true).set(STE::MemAttr, 0b0001));
  EXPECT_EQ(leaving({0xff, kNonShareable}), (MemoryAttributes{0x04, kOuter}));
  board_.attach(kStream, STE(ste).set(STE::ALLOCCFG, 0b1100));
  EXPECT_EQ(leaving({0xdd, kNonShareable}).type, 0xee);
  board_.attach(kStream, STE(ste).set(STE::SHCFG, ShareabilityOverride::kOuterShareable));
  EXPECT_EQ(leaving({0xff, kNonShareable}).shareability, kOuter);
}

class Permission : public Overridden {
 protected:
  void use(PrivilegeOverride privcfg, InstructionOverride instcfg) {
    board_.attach(kStream, translate(cd_).set(STE::PRIVCFG, privcfg).set(STE::INSTCFG, instcfg));
  }
  void map(const PageAttributes& attributes) {
    table_.map(kAddress, page_, 4096, attributes);
    board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  }
  // Each twice: what is found again is found the same.
  void expect_rights(const char* expected) {
    EXPECT_EQ(rights(), expected);
    EXPECT_EQ(rights(), expected);
  }
};

constexpr auto kPrivIncoming = PrivilegeOverride::kIncoming;
constexpr auto kInstIncoming = InstructionOverride::kIncoming;

TEST_F(Permission, IsThatOfThePrivilegeThatPrivcfgSays) {  // 5.2, PRIVCFG; Table 13.4
  map({.unprivileged = false, .unprivileged_execute_never = true});
  use(kPrivIncoming, kInstIncoming);
  expect_rights("---rwx");
  use(PrivilegeOverride::kPrivileged, kInstIncoming);
  expect_rights("rwxrwx");
  use(PrivilegeOverride::kUnprivileged, kInstIncoming);
  expect_rights("------");
  use(static_cast<PrivilegeOverride>(0b01), kInstIncoming);  // reserved: incoming
  expect_rights("---rwx");
}

TEST_F(Permission, OfReadsIsThatOfWhatInstcfgSays) {  // 5.2, INSTCFG; 13.1.2
  map({.unprivileged_execute_never = true, .privileged_execute_never = true});
  use(kPrivIncoming, kInstIncoming);
  expect_rights("rw-rw-");
  use(kPrivIncoming, InstructionOverride::kData);
  expect_rights("rwxrwx");
  use(kPrivIncoming, InstructionOverride::kInstruction);  // a write is data all the same
  expect_rights("-w--w-");
  use(kPrivIncoming, static_cast<InstructionOverride>(0b01));
  expect_rights("rw-rw-");
}

TEST_F(Permission, OfOneStreamIsNotThatOfAnother) {
  map({.unprivileged = false, .unprivileged_execute_never = true});
  board_.attach(kAnother, translate(cd_));
  use(PrivilegeOverride::kPrivileged, kInstIncoming);
  for (unsigned i = 0; i != 3; ++i) {
    EXPECT_THAT(port_.translate({.stream = kStream, .address = kAddress}), TranslatesTo(page_));
    EXPECT_THAT(port_.translate({.stream = kAnother, .address = kAddress}), Aborts());
    EXPECT_THAT(port_.translate(
                    {.stream = kAnother, .address = kAddress, .privilege = Privilege::kPrivileged}),
                TranslatesTo(page_));
  }
}

TEST_F(Permission, IsRecordedAsOverridden) {  // 7.3: InD and PnU after the STE
  using v3::F_PERMISSION;
  map({.unprivileged = false, .unprivileged_execute_never = true});
  use(PrivilegeOverride::kUnprivileged, InstructionOverride::kInstruction);
  const auto record = [&](const Transaction& transaction) {
    EXPECT_THAT(port_.translate(transaction), Aborts());
    const auto events = board_.events();
    EXPECT_EQ(events.size(), 1U);
    return events.empty() ? F_PERMISSION() : events[0].as<F_PERMISSION>();
  };
  const Transaction read{
      .stream = kStream, .address = kAddress, .privilege = Privilege::kPrivileged};
  auto found = record(read);
  EXPECT_FALSE(found[F_PERMISSION::PnU]);
  EXPECT_TRUE(found[F_PERMISSION::InD]);
  auto write = read;
  write.direction = Direction::kWrite;
  found = record(write);
  EXPECT_FALSE(found[F_PERMISSION::PnU]);
  EXPECT_FALSE(found[F_PERMISSION::InD]);
  // Of a Translation fault, and of an address that is beyond a bypass.
  use(PrivilegeOverride::kPrivileged, kInstIncoming);
  const Transaction unmapped{.stream = kStream, .address = Iova(kAddress.value + 4096)};
  EXPECT_TRUE(record(unmapped)[F_PERMISSION::PnU]);
  board_.attach(kStream, bypass().set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  const Transaction beyond{.stream = kStream, .address = Iova(std::uint64_t{1} << 52)};
  EXPECT_TRUE(record(beyond)[F_PERMISSION::PnU]);
  // And of stage 2 on the way to a CD.
  PageTable stage2 = board_.page_table({.stage = 2});
  board_.attach(
      kStream,
      above_stage2(translate(cd_), stage2).set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  EXPECT_TRUE(record(read)[F_PERMISSION::PnU]);
  EXPECT_TRUE(record({.stream = kStream, .address = kAddress})[F_PERMISSION::PnU]);
}

TEST_F(Permission, OfAHalfThatIsDeniedToTheUnprivileged) {  // 5.4, E0PD0
  store(board_.memory(), cd_, context(table_).set(CD::E0PD0, true));
  // DDI 0487, D8.4: what the unprivileged may write the privileged must not execute.
  use(PrivilegeOverride::kPrivileged, kInstIncoming);
  expect_rights("rw-rw-");
  use(PrivilegeOverride::kUnprivileged, kInstIncoming);
  expect_rights("------");
}

TEST_F(Permission, OfStage2IsByPrivilegeToo) {  // 13.4.3: XNX
  PageTable stage2 = board_.page_table({.stage = 2});
  stage2.map(kAddress, page_, 4096);
  // XN 0b01: the unprivileged alone may execute.
  const Pa leaf = stage2.descriptor(kAddress);
  store(board_.memory(), leaf, load(board_.memory(), leaf) | std::uint64_t{1} << 53);
  const STE ste = translate_stage2(stage2);
  board_.attach(kStream, ste);
  expect_rights("rwxrw-");
  board_.attach(kStream, STE(ste).set(STE::PRIVCFG, PrivilegeOverride::kUnprivileged));
  expect_rights("rwxrwx");
  board_.attach(kStream, STE(ste).set(STE::PRIVCFG, PrivilegeOverride::kPrivileged));
  expect_rights("rw-rw-");
}

TEST_F(Permission, ToMakeAPageDirtyIsThatOfTheOverride) {  // 3.13.3
  store(board_.memory(), cd_, context(table_).set(CD::HA, true).set(CD::HD, true));
  map({.writable = false, .unprivileged = false});
  const Pa leaf = table_.descriptor(kAddress);
  store(board_.memory(), leaf, load(board_.memory(), leaf) | std::uint64_t{1} << 51);  // DBM
  use(PrivilegeOverride::kPrivileged, kInstIncoming);
  EXPECT_TRUE(allowed(Privilege::kUnprivileged, Direction::kRead, Content::kData));
  EXPECT_TRUE(allowed(Privilege::kUnprivileged, Direction::kWrite, Content::kData));
  EXPECT_EQ(load(board_.memory(), leaf) & std::uint64_t{1} << 7, 0U);
  EXPECT_TRUE(allowed(Privilege::kUnprivileged, Direction::kWrite, Content::kData));
}

class NoPermissionOverrides : public Overridden {
 protected:
  NoPermissionOverrides() : Overridden(true, false) {}
};

TEST_F(NoPermissionOverrides, PrivcfgAndInstcfgAreReserved) {  // 6.3.2: ATTR_PERMS_OVR 0
  table_.map(kAddress, page_, 4096, {.unprivileged = false, .unprivileged_execute_never = true});
  board_.submit_and_sync(command<v3::CMD_TLBI_NSNH_ALL>());
  board_.attach(kStream, translate(cd_)
                             .set(STE::PRIVCFG, PrivilegeOverride::kPrivileged)
                             .set(STE::INSTCFG, InstructionOverride::kData));
  EXPECT_EQ(rights(), "---rwx");
}

class NoTypeOverrides : public Overridden {
 protected:
  NoTypeOverrides() : Overridden(false, true) {}
};

TEST_F(NoTypeOverrides, AlloccfgIsReserved) {  // 6.3.2: ATTR_TYPES_OVR 0
  board_.attach(kStream, bypass().set(STE::ALLOCCFG, 0b1000));
  EXPECT_EQ(leaving({0xff, kInner}), (MemoryAttributes{0xff, kInner}));
  board_.attach(kStream, translate(cd_).set(STE::ALLOCCFG, 0b1000));
  EXPECT_EQ(leaving().type, 0xff);
}

}  // namespace
}  // namespace smmu::testing::attribute_override_test
