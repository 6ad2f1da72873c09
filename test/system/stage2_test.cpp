// Stage 2, alone and below stage 1 (IHI 0070, 3.3, 5.2 and 7.3).
#include "smmu/testing/board.h"
#include "smmu/testing/matchers.h"

namespace smmu::testing::stage2_test {
namespace {

using emulator::CachePolicy;
using emulator::Direction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using v3::CMD_TLBI_NH_ALL;
using v3::CMD_TLBI_S12_VMALL;
using v3::CMD_TLBI_S2_IPA;
using v3::EventClass;
using v3::EventType;
using v3::F_PERMISSION;
using v3::F_TRANSLATION;
using v3::F_WALK_EABT;
using v3::STE;

constexpr StreamId kStream(5);
constexpr Vmid kVmid(7);
constexpr Iova kAddress(0x8000'0000);

Board::Options with(CachePolicy policy) {
  Board::Options options;
  options.config.caching.policy = policy;
  return options;
}

class Stage2 : public ::testing::Test {
 protected:
  explicit Stage2(CachePolicy policy = CachePolicy::kRealistic) : board_(with(policy)) {
    board_.bring_up();
    board_.attach(kStream, translate_stage2(table_, kVmid));
  }
  DmaDevice device() { return board_.device(kStream); }
  // The single record there is, which says that stage 2 faulted.
  F_PERMISSION single_record(EventType type) {
    const auto events = board_.events();
    EXPECT_THAT(events, ElementsAre(IsEvent(type, kStream)));
    if (events.size() != 1) return {};
    const auto record = events[0].as<F_PERMISSION>();
    EXPECT_TRUE(record[F_PERMISSION::S2]);
    return record;
  }

  Board board_;
  PageTable table_ = board_.page_table({.stage = 2});
  Pa page_ = board_.allocate(4096);
};

TEST_F(Stage2, TranslatesWhatTheDeviceSays) {
  table_.map(kAddress, page_, 4096);
  EXPECT_THAT(device().translate(Iova(kAddress.value + 0x123)),
              TranslatesTo(Pa(page_.value + 0x123)));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), TranslatesTo(page_));
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Stage2, RecordsTheIpaAndItsClass) {  // 7.3.13: IN, the input to the stage
  EXPECT_THAT(device().translate(Iova(kAddress.value + 0x123)), Aborts());
  const auto record = single_record(EventType::F_TRANSLATION);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kIn);
  EXPECT_EQ(record[F_PERMISSION::InputAddr], kAddress.value + 0x123);
  EXPECT_EQ(record[F_PERMISSION::IPA], kAddress.value);
}

TEST_F(Stage2, FaultsAreSilentWithoutS2R) {  // 5.5
  board_.attach(kStream, translate_stage2(table_, kVmid).set(STE::S2R, false));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  EXPECT_THAT(board_.events(), IsEmpty());
}

TEST_F(Stage2, AnAddressBeyondItsInputIsATranslationFault) {  // 3.4: S2T0SZ is 16
  EXPECT_THAT(device().translate(Iova(std::uint64_t{1} << 48)), Aborts());
  EXPECT_EQ(single_record(EventType::F_TRANSLATION)[F_PERMISSION::CLASS], EventClass::kIn);
}

TEST_F(Stage2, AnAddressBeyondTheIpasIsAnAddressSizeFaultOfStage1) {  // 3.4, 7.3.14
  EXPECT_THAT(device().translate(Iova(std::uint64_t{1} << 52)), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_ADDR_SIZE, kStream)));
  EXPECT_FALSE(events[0].as<F_TRANSLATION>()[F_TRANSLATION::S2]);
}

TEST_F(Stage2, PermissionsAreItsOwn) {  // DDI 0487, D8.4.2
  table_.map(kAddress, page_, 4096, {.writable = false, .unprivileged_execute_never = true});
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), Aborts());
  const auto record = single_record(EventType::F_PERMISSION);
  EXPECT_EQ(record[F_PERMISSION::CLASS], EventClass::kIn);
  EXPECT_EQ(record[F_PERMISSION::IPA], kAddress.value);
  EXPECT_FALSE(record[F_PERMISSION::RnW]);
  EXPECT_THAT(device().fetching_instructions().translate(kAddress), Aborts());
}

TEST_F(Stage2, AnAbortOfItsWalkNamesTheDescriptor) {  // 7.3.12: S2, IN
  board_.attach(kStream, translate_stage2(table_, kVmid).set(STE::S2TTB, 0x4000));
  EXPECT_THAT(device().translate(kAddress), Aborts());
  const auto events = board_.events();
  ASSERT_THAT(events, ElementsAre(IsEvent(EventType::F_WALK_EABT, kStream)));
  const auto record = events[0].as<F_WALK_EABT>();
  EXPECT_TRUE(record[F_WALK_EABT::S2]);
  EXPECT_EQ(record[F_WALK_EABT::CLASS], EventClass::kIn);
  EXPECT_EQ(record[F_WALK_EABT::FetchAddr], 0x4000U);
}

TEST_F(Stage2, CombinesWhatComesInWithItsMemoryType) {  // 13.1.4; DDI 0487, D8.6.5
  table_.map(kAddress, page_, 4096);
  const auto descriptor = load(board_.memory(), table_.descriptor(kAddress));
  // MemAttr 0b0101: Normal, Non-cacheable.
  store(board_.memory(), table_.descriptor(kAddress),
        (descriptor & ~std::uint64_t{0x3c}) | std::uint64_t{0b0101} << 2);
  const auto outcome = device().translate(kAddress);
  ASSERT_THAT(outcome, TranslatesTo(page_));
  const auto attributes = std::get<emulator::Translation>(outcome).attributes;
  EXPECT_EQ(attributes.type, MemoryAttributes::kNonCacheable);
  EXPECT_EQ(attributes.shareability, Shareability::kOuter);
}

TEST(WithTagAccess, NoTagAccessIsWriteBackMemory) {  // 3.23.1; 6.3.4, MTEPERM
  for (const bool mteperm : {false, true}) {
    for (const bool fwb : {false, true}) {
      Board::Options options;
      options.config = options.config.of_version(3);
      options.config.idr3.set(v3::SMMU_IDR3::MTEPERM, mteperm);
      Board board(options);
      board.bring_up();
      PageTable table = board.page_table({.stage = 2});
      table.map(kAddress, Pa(0x4800'0000), 4096);
      const Pa at = table.descriptor(kAddress);
      // MemAttr 0b0100: without FWB NoTagAccess, or reserved; with it reserved.
      store(board.memory(), at,
            (load(board.memory(), at) & ~std::uint64_t{0x3c}) | std::uint64_t{0b0100} << 2);
      board.attach(kStream, translate_stage2(table, kVmid).set(STE::S2FWB, fwb));
      const auto outcome = board.device(kStream).translate(kAddress);
      ASSERT_THAT(outcome, TranslatesTo(Pa(0x4800'0000)));
      EXPECT_EQ(std::get<emulator::Translation>(outcome).attributes.type,
                mteperm && !fwb ? MemoryAttributes::kWriteBack : MemoryAttributes::kDevice_nGnRnE);
    }
  }
}

TEST_F(Stage2, EveryBadFieldMakesTheSteIllegal) {  // 5.2.2
  const STE good = translate_stage2(table_, kVmid);
  const struct {
    const char* what;
    STE ste;
  } kBad[] = {
      {"T0SZ below 16", STE(good).set(STE::S2T0SZ, 15)},
      {"T0SZ above 48", STE(good).set(STE::S2T0SZ, 49)},
      {"T0SZ that does not go with SL0", STE(good).set(STE::S2T0SZ, 25)},
      {"SL0 that does not go with T0SZ", STE(good).set(STE::S2SL0, 0)},
      {"reserved granule", STE(good).set(STE::S2TG, static_cast<TG0>(3))},
      {"table beyond S2PS",
       STE(good).set(STE::S2PS, OutputSize::k32Bits).set(STE::S2TTB, std::uint64_t{1} << 32)},
      {"table beyond 48 bits",
       STE(good).set(STE::S2PS, OutputSize::k52Bits).set(STE::S2TTB, std::uint64_t{1} << 48)},
      {"AArch32 that sets the Access flag", STE(good)
                                                .set(STE::S2AA64, false)
                                                .set(STE::S2T0SZ, 0)
                                                .set(STE::S2SL0, 1)
                                                .set(STE::S2HA, true)},
      {"AArch32 with S2FWB", STE(good)
                                 .set(STE::S2AA64, false)
                                 .set(STE::S2T0SZ, 0)
                                 .set(STE::S2SL0, 1)
                                 .set(STE::S2FWB, true)},
      {"AArch32 with a level 0", STE(good).set(STE::S2AA64, false).set(STE::S2SL0, 2)},
  };
  for (const auto& bad : kBad) {
    SCOPED_TRACE(bad.what);
    board_.attach(kStream, bad.ste);
    EXPECT_THAT(device().translate(kAddress), Aborts());
    EXPECT_THAT(board_.events(), ElementsAre(IsEvent(EventType::C_BAD_STE, kStream)));
  }
}

// A first level of so many bits needs physical addresses of some size.
TEST(Stage2Levels, AreReservedWherePhysicalAddressesAreTooShort) {  // DDI 0487, S2InvalidSL()
  const struct {
    TG0 granule;
    unsigned sl0;
    bool sl2;
    unsigned t0sz;
    OutputSize least;  // of those below, 32 bits: any
  } kFirst[] = {
      {TG0::k4K, 0, true, 15, OutputSize::k52Bits},    // level -1
      {TG0::k4K, 2, false, 24, OutputSize::k44Bits},   // level 0
      {TG0::k4K, 1, false, 24, OutputSize::k32Bits},   // level 1, two tables
      {TG0::k16K, 3, false, 16, OutputSize::k52Bits},  // level 0
      {TG0::k16K, 2, false, 24, OutputSize::k42Bits},  // level 1
      {TG0::k16K, 1, false, 24, OutputSize::k32Bits},  // level 2, 16 tables
      {TG0::k64K, 2, false, 21, OutputSize::k44Bits},  // level 1
      {TG0::k64K, 1, false, 24, OutputSize::k32Bits},  // level 2
  };
  for (const auto oas : {OutputSize::k36Bits, OutputSize::k40Bits, OutputSize::k42Bits,
                         OutputSize::k44Bits, OutputSize::k48Bits, OutputSize::k52Bits}) {
    Board::Options options;
    options.config.idr5.set(v3::SMMU_IDR5::OAS, oas);
    Board board(options);
    board.bring_up();
    PageTable table = board.page_table({.granule_bits = 16, .stage = 2});
    for (const auto& first : kFirst) {
      // T0SZ has a least value of its own: 64 - IAS.
      const unsigned ias = std::max(40U, address_bits(oas));
      if (64 - first.t0sz > ias) continue;
      board.attach(kStream, translate_stage2(table, kVmid)
                                .set(STE::S2TG, first.granule)
                                .set(STE::S2SL0, first.sl0)
                                .set(STE::S2SL0_2, first.sl2)
                                .set(STE::S2DS, first.granule != TG0::k64K)
                                .set(STE::S2T0SZ, first.t0sz));
      EXPECT_THAT(board.device(kStream).translate(kAddress), Aborts());
      EXPECT_THAT(board.events(), ElementsAre(IsEvent(oas >= first.least ? EventType::F_TRANSLATION
                                                                         : EventType::C_BAD_STE,
                                                      kStream)))
          << address_bits(oas) << " bits, granule " << static_cast<unsigned>(first.granule)
          << ", SL0 " << first.sl0;
    }
  }
}

TEST_F(Stage2, SetsAccessFlagAndDirtyState) {  // 3.13: S2HA, S2HD
  board_.attach(kStream, translate_stage2(table_, kVmid).set(STE::S2HA, true).set(STE::S2HD, true));
  table_.map(kAddress, page_, 4096, {.writable = false, .access_flag = false});
  const Pa at = table_.descriptor(kAddress);
  const std::uint64_t kDbm = std::uint64_t{1} << 51;
  store(board_.memory(), at, load(board_.memory(), at) | kDbm);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  EXPECT_EQ(load(board_.memory(), at) & 0x480, 0x400U);  // AF, and S2AP[1] is clear
  EXPECT_THAT(device().translate(kAddress, Direction::kWrite), TranslatesTo(page_));
  EXPECT_EQ(load(board_.memory(), at) & 0x480, 0x480U);
  EXPECT_THAT(board_.events(), IsEmpty());
}

class Stage2Kept : public Stage2 {
 protected:
  Stage2Kept() : Stage2(CachePolicy::kAdversarial) {}
};

TEST_F(Stage2Kept, GoesWithItsIpaOrItsVmid) {  // 4.4.3, 4.4.4
  const Pa other = board_.allocate(4096);
  table_.map(kAddress, page_, 4096);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  table_.map(kAddress, other, 4096);
  const auto by_ipa = [&](std::uint16_t vmid, std::uint64_t ipa) {
    board_.submit_and_sync(command<CMD_TLBI_S2_IPA>()
                               .set(CMD_TLBI_S2_IPA::VMID, vmid)
                               .set(CMD_TLBI_S2_IPA::Address, ipa));
  };
  by_ipa(kVmid.value + 1, kAddress.value);
  by_ipa(kVmid.value, kAddress.value + 4096);
  board_.submit_and_sync(command<CMD_TLBI_NH_ALL>().set(CMD_TLBI_NH_ALL::VMID, kVmid.value));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
  by_ipa(kVmid.value, kAddress.value);
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(other));
  table_.map(kAddress, page_, 4096);
  board_.submit_and_sync(
      command<CMD_TLBI_S12_VMALL>().set(CMD_TLBI_S12_VMALL::VMID, kVmid.value + 1));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(other));
  board_.submit_and_sync(command<CMD_TLBI_S12_VMALL>().set(CMD_TLBI_S12_VMALL::VMID, kVmid.value));
  EXPECT_THAT(device().translate(kAddress), TranslatesTo(page_));
}

}  // namespace
}  // namespace smmu::testing::stage2_test
