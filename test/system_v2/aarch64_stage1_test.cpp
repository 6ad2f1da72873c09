// Stage 1 of AArch64: what SMMU_CBn_TCR2, SCTLR and the TTBRs say of tables, and what these say.
#include "test/system_v2/bank.h"

namespace smmu::testing::aarch64_stage1_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;
using Sctlr = SMMU_CBn_SCTLR;
using Tcr = SMMU_CBn_TCR_AArch64;
using Tcr2 = SMMU_CBn_TCR2;
using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
using Ttbr1 = SMMU_CBn_TTBR1_AArch64;

constexpr Iova kAddress(0x1234'5000);

// A1 and AS say which number tags what is kept.
TEST(AArch64Stage1, TagsByTheAsidOfEitherRegister) {
  Halves halves;
  const Pa page = halves.rig.allocate(4096);
  halves.table.map(kAddress, page, 4096);
  halves.bank.set<Ttbr0>(Ttbr0::ASID, 0x1234);
  halves.bank.set<Ttbr1>(Ttbr1::ASID, 0x5678);
  const auto invalidate = [&](unsigned asid) {
    halves.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, asid));
    halves.bank.write(SMMU_CBn_TLBSYNC());
  };
  for (const bool a1 : {false, true}) {
    for (const bool as : {false, true}) {
      halves.bank.set<Tcr>(Tcr::A1, a1);
      halves.bank.set<Tcr2>(Tcr2::AS, as);
      const unsigned asid = (a1 ? 0x5678U : 0x1234U) & (as ? 0xffffU : 0xffU);
      halves.table.map(kAddress, page, 4096);
      expect_stale_until(halves.rig, halves.device, halves.table, kAddress, page, [&] {
        invalidate(asid ^ 1);
        EXPECT_THAT(halves.translate(kAddress), TranslatesTo(page)) << "another ASID's";
        invalidate(asid);
      });
    }
  }
}

// What is global goes with no ASID.
TEST(AArch64Stage1, KeepsGlobalEntriesThroughInvalidationByAsid) {
  Translating translating;
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(kAddress, page, 4096, {.global = true});
  EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
  translating.table.unmap(kAddress);
  translating.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, 0));
  translating.bank.write(SMMU_CBn_TLBSYNC());
  EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
  translating.bank.write(SMMU_CBn_TLBIALL());
  translating.bank.write(SMMU_CBn_TLBSYNC());
  EXPECT_THAT(translating.translate(kAddress), Aborts());
}

// PASize and OAS limit every address that tables name.
TEST(AArch64Stage1, RefusesAddressesThatAreTooLarge) {
  for (const auto& [oas, pasize] : {std::pair(OutputSize::k48Bits, OutputSize::k36Bits),
                                    std::pair(OutputSize::k36Bits, OutputSize::k48Bits),
                                    std::pair(OutputSize::k36Bits, OutputSize::k56Bits)}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr2.set(SMMU_IDR2::OAS, oas);
    Translating translating(V2Rig::Options{.config = config});
    translating.bank.set<Tcr2>(Tcr2::PASize, pasize);
    translating.table.map(kAddress, Pa(0xf'ffff'f000), 4096);
    EXPECT_THAT(translating.translate(kAddress), TranslatesTo(Pa(0xf'ffff'f000)));
    translating.table.map(Iova(0x2000), Pa(0x10'0000'0000), 4096);
    EXPECT_THAT(translating.translate(Iova(0x2000)), Aborts());
    EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 3));
    // A next table.
    store(translating.rig.memory(), Pa(translating.table.root().value + 8),
          std::uint64_t{0x10'0000'0003});
    EXPECT_THAT(translating.translate(Iova(std::uint64_t{1} << 39)), Aborts());
    EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 0));
    // And the first one.
    translating.bank.set<Ttbr0>(Ttbr0::BaseAddress, 0x10'0000'0000);
    translating.bank.write(SMMU_CBn_TLBIALL());
    EXPECT_THAT(translating.translate(kAddress), Aborts());
    EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 0));
  }
}

// WXN: what may be written is not executed.  Of unprivileged writes this is so for privileged
// fetches anyway.
TEST(AArch64Stage1, ExecutesNothingWritableWithWxn) {
  Translating translating;
  translating.table.map(Iova(0x1000), translating.rig.allocate(4096), 4096,
                        {.unprivileged = false});
  translating.table.map(Iova(0x2000), translating.rig.allocate(4096), 4096, {.writable = false});
  translating.table.map(Iova(0x3000), translating.rig.allocate(4096), 4096);
  const DmaDevice user = translating.device.fetching_instructions();
  const DmaDevice kernel = user.privileged();
  const auto fetches = [&](const DmaDevice& device, std::uint64_t address) {
    return std::holds_alternative<emulator::Translation>(device.translate(Iova(address)));
  };
  for (const bool wxn : {false, true}) {
    translating.bank.set<Sctlr>(Sctlr::WXN, wxn);
    translating.bank.write(SMMU_CBn_TLBIALL());
    translating.bank.write(SMMU_CBn_TLBSYNC());
    EXPECT_EQ(fetches(kernel, 0x1000), !wxn);
    EXPECT_TRUE(fetches(kernel, 0x2000));
    EXPECT_FALSE(fetches(kernel, 0x3000));
    EXPECT_TRUE(fetches(user, 0x1000));
    EXPECT_TRUE(fetches(user, 0x2000));
    EXPECT_EQ(fetches(user, 0x3000), !wxn);
  }
}

TEST(AArch64Stage1, LimitsWhatLiesBelowATableUnlessHad) {
  for (const bool hads : {true, false}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr2.set(SMMU_IDR2::HADS, hads);
    Translating translating(V2Rig::Options{.config = config});
    const Pa page = translating.rig.allocate(4096);
    translating.table.map(Iova(0x1000), page, 4096);
    // APTable: read-only, and for the privileged alone.
    const Pa root = translating.table.root();
    store(translating.rig.memory(), root,
          load(translating.rig.memory(), root) | std::uint64_t{0b11} << 61);
    for (const bool had : {false, true}) {
      translating.bank.set<Tcr2>(Tcr2::HAD0, had);
      translating.bank.write(SMMU_CBn_TLBIALL());
      translating.bank.write(SMMU_CBn_TLBSYNC());
      const bool limited = !(had && hads);
      EXPECT_THAT(translating.device.privileged().translate(Iova(0x1000)), TranslatesTo(page));
      const auto user = translating.translate(Iova(0x1000));
      EXPECT_EQ(std::holds_alternative<emulator::Translation>(user), !limited);
      const auto write = translating.device.privileged().translate(Iova(0x1000), Direction::kWrite);
      EXPECT_EQ(std::holds_alternative<emulator::Translation>(write), !limited);
    }
  }
}

TEST(AArch64Stage1, ReadsBigEndianTables) {
  Translating translating;
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(kAddress, page, 4096);
  // Every descriptor on the way the other way round.
  std::uint64_t table = translating.table.root().value;
  for (const unsigned shift : {39U, 30U, 21U, 12U}) {
    const Pa slot(table + 8 * (kAddress.value >> shift & 0x1ff));
    const std::uint64_t descriptor = load(translating.rig.memory(), slot);
    store(translating.rig.memory(), slot, __builtin_bswap64(descriptor));
    table = descriptor & 0x0000'ffff'ffff'f000;
  }
  EXPECT_THAT(translating.translate(kAddress), Aborts());
  translating.bank.set<Sctlr>(Sctlr::E, true);
  EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
}

TEST(AArch64Stage1, FaultsOnceUntilTheAccessFlagIsSet) {
  Translating translating;
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(kAddress, page, 4096, {.access_flag = false});
  EXPECT_THAT(translating.translate(kAddress), Aborts());
  EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::AFF, 3));
  translating.bank.set<Sctlr>(Sctlr::AFFD, true);
  EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
  EXPECT_EQ(load(translating.rig.memory(), translating.table.descriptor(kAddress)) >> 10 & 1, 0U);
}

// HA and HD: the hardware sets the access flag, and makes what is written writable.
TEST(AArch64Stage1, UpdatesDescriptorsAsHafdbsSays) {
  for (const auto hafdbs : {HardwareUpdates::kNone, HardwareUpdates::kAccessFlag,
                            HardwareUpdates::kAccessFlagAndDirtyState}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr1.set(SMMU_IDR1::HAFDBS, hafdbs);
    Translating translating(V2Rig::Options{.config = config});
    const Pa page = translating.rig.allocate(4096);
    translating.table.map(kAddress, page, 4096, {.writable = false, .access_flag = false});
    const Pa where = translating.table.descriptor(kAddress);
    constexpr std::uint64_t kDbm = std::uint64_t{1} << 51;
    store(translating.rig.memory(), where, load(translating.rig.memory(), where) | kDbm);
    translating.bank.write(translating.bank.read<Tcr2>().set(Tcr2::HA, true).set(Tcr2::HD, true));
    const auto bit = [&](unsigned n) {
      return (load(translating.rig.memory(), where) >> n & 1) != 0;
    };
    const bool sets_flag = hafdbs != HardwareUpdates::kNone;
    const bool dirties = hafdbs == HardwareUpdates::kAccessFlagAndDirtyState;
    const auto read = translating.translate(kAddress);
    EXPECT_EQ(std::holds_alternative<emulator::Translation>(read), sets_flag);
    EXPECT_EQ(bit(10), sets_flag);
    EXPECT_TRUE(bit(7)) << "nothing was written";
    const auto write = translating.translate(kAddress, Direction::kWrite);
    EXPECT_EQ(std::holds_alternative<emulator::Translation>(write), dirties);
    EXPECT_EQ(bit(7), !dirties) << "AP[2] says read-only";
  }
}

// The same where descriptors are the other way round.
TEST(AArch64Stage1, UpdatesBigEndianDescriptors) {
  Translating translating({.t0sz = 39});
  const Iova address(0x1f'f000);
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(address, page, 4096, {.access_flag = false});
  const Pa where = translating.table.descriptor(address);
  for (const Pa slot : {translating.table.root(), where}) {
    store(translating.rig.memory(), slot, __builtin_bswap64(load(translating.rig.memory(), slot)));
  }
  translating.bank.set<Sctlr>(Sctlr::E, true);
  translating.bank.set<Tcr2>(Tcr2::HA, true);
  const std::uint64_t before = load(translating.rig.memory(), where);
  EXPECT_THAT(translating.translate(address), TranslatesTo(page));
  EXPECT_EQ(load(translating.rig.memory(), where), before | __builtin_bswap64(0x400));
}

TEST(AArch64Stage1, DescribesMemoryByMair) {
  Translating translating;
  using Mair0 = SMMU_CBn_MAIR0;
  using Mair1 = SMMU_CBn_MAIR1;
  translating.bank.write(Mair0(0xbb44'0400));  // Device-nGnRnE, nGnRE, Non-cacheable, Write-Through
  translating.bank.write(Mair1(0x0c08'f4ff));
  constexpr std::uint8_t kTypes[] = {0x00, 0x04, 0x44, 0xbb, 0xff, 0xf4, 0x08, 0x0c};
  for (unsigned i = 0; i != 8; ++i) {
    const Iova address(0x1000 * (i + 1));
    translating.table.map(address, translating.rig.allocate(4096), 4096);
    const Pa where = translating.table.descriptor(address);
    store(translating.rig.memory(), where, load(translating.rig.memory(), where) | i << 2U);
    EXPECT_EQ(translation_of(translating.translate(address)).attributes.type, kTypes[i]) << i;
  }
}

TEST(AArch64Stage1, TellsAnExternalAbort) {
  Translating translating;
  // A table where there is no memory.
  store(translating.rig.memory(), translating.table.root(), std::uint64_t{0x1'0000'0003});
  EXPECT_THAT(translating.translate(kAddress), Aborts());
  EXPECT_TRUE(translating.bank.read<SMMU_CBn_FSYNR0>()[SMMU_CBn_FSYNR0::PTWF]);
  EXPECT_EQ(translating.bank.read<SMMU_CBn_FAR>().raw(), kAddress.value);
  EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::EF, 1));
}

TEST(AArch64Stage1, OfSecureBanksReadsTablesOfItsSpace) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  emulator::Ram secure_ram;
  ASSERT_TRUE(secure_ram.add(Pa(0x8000'0000), 1 << 20));
  V2Rig rig({.config = config, .secure_memory = &secure_ram});
  rig.secure_registers().global0().write(all_faults_abort());
  std::uint64_t next = 0x8000'0000;
  PageTable secure(secure_ram,
                   [&](std::uint64_t bytes, std::uint64_t) { return Pa((next += bytes) - bytes); },
                   {});
  PageTable non_secure = rig.page_table({});
  secure.map(kAddress, Pa(0x5000), 4096);
  non_secure.map(kAddress, Pa(0x6000), 4096);
  const Bank bank(rig, 70, SecurityState::kSecure);
  bank.take(StreamId(5));
  const DmaDevice device = rig.device(StreamId(5)).of(SecurityState::kSecure);
  bank.translate(secure);
  auto translation = translation_of(device.translate(kAddress));
  EXPECT_EQ(translation.pa, Pa(0x5000));
  EXPECT_EQ(translation.space, SecurityState::kSecure);
  // NS of the leaf.
  const Pa where = secure.descriptor(kAddress);
  store(secure_ram, where, load(secure_ram, where) | 1U << 5U);
  bank.write(SMMU_CBn_TLBIALL());
  bank.write(SMMU_CBn_TLBSYNC());
  EXPECT_EQ(translation_of(device.translate(kAddress)).space, SecurityState::kNonSecure);
  // NSCFG0: the tables are Non-secure, and so is all that they lead to.
  bank.translate(non_secure);
  bank.set<Tcr2>(Tcr2::NSCFG0, true);
  bank.write(SMMU_CBn_TLBIALL());
  bank.write(SMMU_CBn_TLBSYNC());
  translation = translation_of(device.translate(kAddress));
  EXPECT_EQ(translation.pa, Pa(0x6000));
  EXPECT_EQ(translation.space, SecurityState::kNonSecure);
}

}  // namespace
}  // namespace smmu::testing::aarch64_stage1_test
