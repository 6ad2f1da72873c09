// What Secure streams are translated to, and where their tables are: NS, NSTable
// and NSCFG, both kinds of IPAs, SIF, and the StreamWorlds (IHI 0070, 3.10.2.2,
// 5.2, 5.4, 6.3.57.2 and 13.4; DDI 0487, D8.4.6).
#include "smmu/arch/v3/control_registers.h"
#include "smmu/arch/v3/secure_registers.h"
#include "smmu/arch/vmsa/aarch64.h"
#include "test/system/two_spaces.h"

namespace smmu::testing::secure_stream_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV3Config;
using ::testing::ElementsAre;
using v3::CD;
using v3::EventClass;
using v3::EventType;
using v3::F_PERMISSION;
using v3::F_TRANSLATION;
using v3::SMMU_CR0;
using v3::SMMU_CR2;
using v3::SMMU_S_CR0;
using v3::SMMU_S_IDR1;
using v3::STE;
using vmsa::Leaf_Stage1;
using vmsa::Table_Stage1;

constexpr SecurityState kNonSecure = SecurityState::kNonSecure;
constexpr SecurityState kSecure = SecurityState::kSecure;
constexpr StreamId kStream(5);
constexpr StreamId kAnother(6);
constexpr Iova kAddress(0x8000'0000);
constexpr Pa kPage(0x4100'0000);

SmmuV3Config with(CachePolicy policy) {
  auto config = SmmuV3Config::everything();
  config.caching.policy = policy;
  return config;
}

// Sets a bit of the descriptor at `level` on the way to kAddress.
class SecureStream : public ::testing::TestWithParam<CachePolicy> {
 protected:
  SecureStream() : board_(with(GetParam())) { board_.bring_up(); }

  Board& driver() { return board_.secure(); }
  DmaDevice device(StreamId stream = kStream) { return driver().device(stream); }

  PageTable table_in(SecurityState space) {
    return PageTable(board_.memory(space), driver().allocator(), {});
  }
  // Copies what a descriptor says to the same place of another space.
  std::uint64_t word(SecurityState space, Pa pa) { return load(board_.memory(space), pa); }
  void set_word(SecurityState space, Pa pa, std::uint64_t value) {
    store(board_.memory(space), pa, value);
  }
  void set_non_secure(SecurityState space, Pa leaf) {
    set_word(space, leaf, Leaf_Stage1({word(space, leaf)}).set(Leaf_Stage1::NS, true).word(0));
  }
  Pa attach(
      const CD& cd, STE (*ste)(Pa) = [](Pa pa) { return translate(pa); },
      StreamId stream = kStream) {
    const Pa where = driver().allocate(CD::kSize, CD::kSize);
    store(board_.memory(kSecure), where, cd);
    driver().attach(stream, ste(where));
    return where;
  }

  TwoSpaces board_;
};

INSTANTIATE_TEST_SUITE_P(, SecureStream,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial),
                         [](const auto& policy) {
                           return policy.param == CachePolicy::kNone        ? "None"
                                  : policy.param == CachePolicy::kRealistic ? "Realistic"
                                                                            : "Adversarial";
                         });

TEST_P(SecureStream, GoesWhereItsLeafSays) {
  auto table = table_in(kSecure);
  table.map(kAddress, kPage, 8192);
  set_non_secure(kSecure, table.descriptor(Iova(kAddress.value + 4096)));
  attach(context(table));
  for (int again = 0; again != 2; ++again) {
    // What comes in says nothing.
    EXPECT_THAT(device().in(kNonSecure).translate(kAddress), TranslatesTo(kPage, kSecure));
    EXPECT_THAT(device().in(kSecure).translate(Iova(kAddress.value + 4096)),
                TranslatesTo(Pa(kPage.value + 4096), kNonSecure));
  }
  device().write64(kAddress, 1);
  EXPECT_EQ(word(kSecure, kPage), 1U);
  EXPECT_EQ(word(kNonSecure, kPage), 0U);
}

TEST_P(SecureStream, StaysOutsideFromATableDescriptorOn) {
  auto table = table_in(kSecure);
  table.map(kAddress, kPage, 4096);
  // The last two tables are in Non-secure memory, at the same addresses.
  auto outside = PageTable(board_.memory(kNonSecure), driver().allocator(), {});
  outside.map(kAddress, kPage, 4096);
  Pa slot = table.root();
  slot.value += (kAddress.value >> 39 & 511) * 8;
  const Table_Stage1 first({word(kSecure, slot)});
  Pa second(first[Table_Stage1::NLTA]);
  second.value += (kAddress.value >> 30 & 511) * 8;
  Pa of_outside(Table_Stage1(
      {word(kNonSecure, Pa(outside.root().value + (slot.value & 0xfff)))})[Table_Stage1::NLTA]);
  of_outside.value += second.value & 0xfff;
  set_word(kSecure, second,
           Table_Stage1({word(kNonSecure, of_outside)}).set(Table_Stage1::NSTable, true).word(0));
  attach(context(table));
  for (int again = 0; again != 2; ++again) {
    // NS of a leaf that was read outside says nothing.
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPage, kNonSecure));
  }
}

TEST_P(SecureStream, BeginsOutsideWhereTheCdSaysSo) {
  auto table = table_in(kNonSecure);
  table.map(kAddress, kPage, 4096);
  attach(context(table).set(CD::NSCFG0, true));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPage, kNonSecure));
  // There is no such table inside.
  attach(context(table).set(CD::NSCFG0, false).set(CD::ASID, 2));
  EXPECT_THAT(device().translate(kAddress), Aborts());
}

// 3.17.1: nG of a descriptor in Non-secure memory is taken as 1.
TEST_P(SecureStream, SharesNothingThatWasReadOutside) {
  for (const bool outside : {true, false}) {
    const SecurityState space = outside ? kNonSecure : kSecure;
    auto table = table_in(space);
    table.map(kAddress, kPage, 4096, {.global = true});
    auto other = table_in(space);
    const auto asid = [&](unsigned number) { return outside ? number : number + 2; };
    attach(context(table).set(CD::NSCFG0, outside).set(CD::ASID, asid(1)));
    attach(
        context(other).set(CD::NSCFG0, outside).set(CD::ASID, asid(2)),
        [](Pa pa) { return translate(pa); }, kAnother);
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPage));
    const bool cached = GetParam() != CachePolicy::kNone;
    if (outside || !cached) {
      EXPECT_THAT(device(kAnother).translate(kAddress), Aborts());
    } else {
      EXPECT_THAT(device(kAnother).translate(kAddress), TranslatesTo(kPage));
    }
  }
}

TEST_P(SecureStream, HasTablesOfVmsaV8_32AtEl1Only) {  // 5.4, AA64
  auto table = table_in(kSecure);
  const CD cd = context(table).set(CD::AA64, false);
  for (const unsigned strw : {1U, 2U}) {  // EL3, S-EL2
    const Pa where = attach(cd);
    driver().attach(kStream, translate(where).set(STE::STRW, strw));
    EXPECT_THAT(device().translate(Iova(0x1000)), Aborts());
    EXPECT_THAT(driver().events(), ElementsAre(IsEvent(EventType::C_BAD_CD, kStream))) << strw;
  }
  attach(cd);
  device().translate(Iova(0x1000));
  EXPECT_THAT(driver().events(),
              ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream, Iova(0x1000))));
}

TEST_P(SecureStream, BypassesToWhereItsSteSays) {
  driver().attach(kStream, bypass());
  EXPECT_EQ(space_of(device().translate(kAddress)), kNonSecure);
  EXPECT_EQ(space_of(device().in(kSecure).translate(kAddress)), kSecure);
  driver().attach(kStream, bypass().set(STE::NSCFG, NonSecureOverride::kSecure));
  EXPECT_EQ(space_of(device().translate(kAddress)), kSecure);
  driver().attach(kStream, bypass().set(STE::NSCFG, NonSecureOverride::kNonSecure));
  EXPECT_EQ(space_of(device().in(kSecure).translate(kAddress)), kNonSecure);
}

SecurityState outside_if(bool ns) { return ns ? kNonSecure : kSecure; }

// 3.10.2.2, for all sixteen.
TEST_P(SecureStream, HasAStage2ForEachKindOfIpa) {
  constexpr Pa kOther(0x4200'0000);
  for (unsigned bits = 0; bits != 16; ++bits) {
    const Spaces spaces{.s2sw = (bits & 1) != 0,
                        .s2sa = (bits & 2) != 0,
                        .s2nsw = (bits & 4) != 0,
                        .s2nsa = (bits & 8) != 0};
    SCOPED_TRACE(::testing::PrintToString(spaces));
    PageTable secure(board_.memory(outside_if(spaces.s2sw)), driver().allocator(),
                     {.t0sz = 24, .stage = 2});
    PageTable non_secure(board_.memory(outside_if(spaces.s2nsw)), driver().allocator(),
                         {.t0sz = 24, .stage = 2});
    secure.map(kAddress, kPage, 4096);
    non_secure.map(kAddress, kOther, 4096);
    driver().attach(kStream, with_both_trees(bypass(), non_secure, secure, spaces));
    EXPECT_THAT(device().in(kSecure).translate(kAddress),
                TranslatesTo(kPage, outside_if(spaces.s2sw || spaces.s2sa)));
    EXPECT_THAT(device().in(kNonSecure).translate(kAddress),
                TranslatesTo(kOther, outside_if(spaces.s2sw || spaces.s2sa || spaces.s2nsw ||
                                                spaces.s2nsa)));
  }
}

// Both stages: the CD and the tables come by way of the Secure IPAs.
TEST_P(SecureStream, IsNestedInTheSpaceThatStage1Says) {
  constexpr Pa kOther(0x4200'0000);
  auto stage1 = table_in(kSecure);
  stage1.map(kAddress, kPage, 8192);
  set_non_secure(kSecure, stage1.descriptor(Iova(kAddress.value + 4096)));
  PageTable secure(board_.memory(kSecure), driver().allocator(), {.t0sz = 24, .stage = 2});
  PageTable non_secure(board_.memory(kNonSecure), driver().allocator(), {.t0sz = 24, .stage = 2});
  secure.map(Iova(0x4000'0000), Pa(0x4000'0000), kRamSize);
  non_secure.map(Iova(kPage.value + 4096), kOther, 4096);
  const Pa cd = driver().allocate(CD::kSize, CD::kSize);
  store(board_.memory(kSecure), cd, context(stage1));
  driver().attach(kStream,
                  with_both_trees(translate(cd), non_secure, secure,
                                  {.s2sw = false, .s2sa = false, .s2nsw = true, .s2nsa = true}));
  for (int again = 0; again != 2; ++again) {
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPage, kSecure));
    EXPECT_THAT(device().translate(Iova(kAddress.value + 4096)), TranslatesTo(kOther, kNonSecure));
  }
  // And what stage 2 does not map is reported with its kind.
  stage1.map(Iova(kAddress.value + 8192), Pa(0x6000'0000), 8192);
  set_non_secure(kSecure, stage1.descriptor(Iova(kAddress.value + 3 * 4096)));
  EXPECT_THAT(device().translate(Iova(kAddress.value + 8192)), Aborts());
  EXPECT_THAT(device().translate(Iova(kAddress.value + 3 * 4096)), Aborts());
  const auto events = driver().events();
  ASSERT_EQ(events.size(), 2U);
  for (const Event& event : events) {
    EXPECT_THAT(event, IsEvent(EventType::F_TRANSLATION, kStream));
    EXPECT_TRUE(event.as<F_TRANSLATION>()[F_TRANSLATION::S2]);
  }
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::NSIPA]);
  EXPECT_TRUE(events[1].as<F_TRANSLATION>()[F_TRANSLATION::NSIPA]);
}

class SecureFetches : public SecureStream {
 protected:
  void set_sif() {
    Mmio& registers = board_.smmu().secure();
    registers.write(SMMU_S_CR0(registers.read<SMMU_S_CR0>()).set(SMMU_S_CR0::SIF, true));
  }
};

INSTANTIATE_TEST_SUITE_P(, SecureFetches,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial));

TEST_P(SecureFetches, AreOfSecureMemoryOnlyThroughStage1) {
  set_sif();
  auto table = table_in(kSecure);
  table.map(kAddress, kPage, 8192);
  set_non_secure(kSecure, table.descriptor(kAddress));
  attach(context(table));
  for (int again = 0; again != 2; ++again) {
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPage));
    EXPECT_THAT(device().fetching_instructions().translate(kAddress), Aborts());
    EXPECT_THAT(device().fetching_instructions().translate(Iova(kAddress.value + 4096)),
                TranslatesTo(Pa(kPage.value + 4096)));
    const auto events = driver().events();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_THAT(events[0], IsEvent(EventType::F_PERMISSION, kStream, kAddress.value));
    const auto record = events[0].as<F_PERMISSION>();
    EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kIn);
    EXPECT_FALSE(record[F_PERMISSION::S2]);
    EXPECT_TRUE(record[F_PERMISSION::InD]);
  }
  // CD.A and R govern it.
  attach(context(table).set(CD::A, false).set(CD::R, false));
  EXPECT_THAT(device().fetching_instructions().translate(kAddress), IsRazWi());
  EXPECT_THAT(driver().events(), ::testing::IsEmpty());
}

TEST_P(SecureFetches, AreOfSecureMemoryOnlyWithoutStage1) {
  set_sif();
  driver().attach(kStream, bypass());
  EXPECT_THAT(device().fetching_instructions().translate(kAddress), Aborts());
  EXPECT_THAT(driver().events(), ElementsAre(IsEvent(EventType::F_PERMISSION, kStream)));
  EXPECT_EQ(space_of(device().fetching_instructions().in(kSecure).translate(kAddress)), kSecure);
  EXPECT_EQ(space_of(device().translate(kAddress)), kNonSecure);
  // INSTCFG has its say first.
  driver().attach(kStream, bypass().set(STE::INSTCFG, InstructionOverride::kData));
  EXPECT_EQ(space_of(device().fetching_instructions().translate(kAddress)), kNonSecure);
}

TEST(SecureFetchesWithTheSmmuOff, AreOfSecureMemoryOnlyAndSilent) {
  TwoSpaces board;
  Mmio& registers = board.smmu().secure();
  registers.write(SMMU_S_CR0().set(SMMU_S_CR0::SIF, true).set(SMMU_S_CR0::EVENTQEN, true));
  const auto device = board.secure().device(kStream).fetching_instructions();
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_EQ(space_of(device.in(kSecure).translate(kAddress)), kSecure);
  EXPECT_EQ(registers.read32(0x80a8), 0U);
}

TEST_P(SecureStream, IsOfTheWorldThatStrwSays) {
  auto table = table_in(kSecure);
  table.map(kAddress, kPage, 4096);
  // EL3 and EL2 have one level: AP[1] says nothing.
  auto restricted = table_in(kSecure);
  restricted.map(kAddress, kPage, 4096, {.unprivileged = false});
  const Pa cd = attach(context(restricted).set(CD::EPD1, true));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  for (const unsigned strw : {0b01U, 0b10U}) {
    driver().attach(kStream, translate(cd).set(STE::STRW, strw));
    EXPECT_THAT(device().translate(kAddress), TranslatesTo(kPage, kSecure)) << strw;
  }
  driver().attach(kStream, translate(cd).set(STE::STRW, 0b11));
  EXPECT_THAT(device().translate(kAddress), Aborts());
}

TEST(SecureStreamWithoutEl2, HasNeitherItsWorldNorStage2) {
  auto config = SmmuV3Config::everything();
  config.s_idr1.set(SMMU_S_IDR1::SEL2, false);
  TwoSpaces board(config);
  board.bring_up();
  Board& driver = board.secure();
  PageTable table(board.memory(kSecure), driver.allocator(), {});
  table.map(kAddress, kPage, 4096);
  PageTable stage2(board.memory(kSecure), driver.allocator(), {.t0sz = 24, .stage = 2});
  const Pa cd = driver.attach(kStream, table);
  const auto device = driver.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(kPage, kSecure));
  driver.attach(kStream, translate(cd).set(STE::STRW, 0b10));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  driver.attach(kStream, with_both_trees(bypass(), stage2, stage2, {}));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_THAT(driver.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream),
                                           IsEvent(EventType::C_BAD_STE, kStream)));
  // The other side has them.
  board.non_secure().attach(
      kStream, translate_stage2(PageTable(board.memory(kNonSecure), board.non_secure().allocator(),
                                          {.t0sz = 24, .stage = 2})));
  EXPECT_THAT(board.non_secure().device(kStream).translate(kAddress), Aborts());
  EXPECT_THAT(board.non_secure().events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream)));
}

// 3.9.1.3
TEST_P(SecureStream, HasNoAts) {
  driver().attach(kStream, bypass().set(STE::EATS, v3::AtsMode::kFull));
  emulator::Transaction transaction{.stream = kStream,
                                    .address = kAddress,
                                    .security = kSecure,
                                    .address_type = emulator::AddressType::kTranslated};
  EXPECT_THAT(board_.smmu().add_port().translate(transaction), Aborts());
  EXPECT_THAT(driver().events(), ElementsAre(IsEvent(EventType::F_TRANSL_FORBIDDEN, kStream)));
}

// 5.2: VMSAv8-32 at stage 2, and each field of the second tree.
TEST_P(SecureStream, IsRefusedAStage2ThatIsIllegal) {
  PageTable table(board_.memory(kSecure), driver().allocator(), {.t0sz = 24, .stage = 2});
  const STE legal = with_both_trees(bypass(), table, table, {});
  const STE illegal[] = {STE(legal).set(STE::S2AA64, false), STE(legal).set(STE::S_S2T0SZ, 63),
                         STE(legal).set(STE::S_S2SL0, 0), STE(legal).set(STE::S_S2TG, TG0(3)),
                         STE(legal).set(STE::S_S2TTB, std::uint64_t{1} << 51)};
  driver().attach(kStream, legal);
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(driver().events(), ElementsAre(IsEvent(EventType::F_TRANSLATION, kStream)));
  for (const STE& ste : illegal) {
    driver().attach(kStream, ste);
    EXPECT_THAT(device().translate(kAddress), Aborts());
    EXPECT_THAT(driver().events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
  }
}

}  // namespace
}  // namespace smmu::testing::secure_stream_test
