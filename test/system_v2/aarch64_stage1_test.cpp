// Stage 1 of AArch64: what SMMU_CBn_TCR, TCR2, SCTLR and the TTBRs say of tables.
#include "test/system_v2/bank.h"

namespace smmu::testing {
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

TG1 code1_of(unsigned granule_bits) {
  return granule_bits == 12 ? TG1::k4K : granule_bits == 14 ? TG1::k16K : TG1::k64K;
}

// The address in the upper half: above the range all bits are 1.
Iova upper(Iova address) { return Iova(address.value | 0xffff'0000'0000'0000); }

// Both halves, of tables that are made alike.
struct Halves : Translating {
  explicit Halves(PageTable::Options tables = {})
      : Translating(tables), second(rig.page_table(tables)) {
    bank.write(Ttbr1().set(Ttbr1::BaseAddress, second.root().value));
    bank.write(Tcr(bank.read<Tcr>())
                   .set(Tcr::EPD1, false)
                   .set(Tcr::TG1, code1_of(tables.granule_bits))
                   .set(Tcr::T1SZ, tables.t0sz));
  }
  PageTable second;
};

TEST(AArch64Stage1, WalksEveryGranuleAndSize) {
  for (const unsigned granule : {12U, 14U, 16U}) {
    for (unsigned t0sz = 16; t0sz != 40; ++t0sz) {
      SCOPED_TRACE(::testing::Message() << granule << " bits, T0SZ " << t0sz);
      Translating translating({.granule_bits = granule, .t0sz = t0sz});
      const std::uint64_t size = std::uint64_t{1} << granule;
      const std::uint64_t range = std::uint64_t{1} << (64 - t0sz);
      const Pa page = translating.rig.allocate(size, size);
      translating.table.map(Iova(range - size), page, size);
      EXPECT_THAT(translating.translate(Iova(range - 8)), TranslatesTo(Pa(page.value + size - 8)));
      EXPECT_THAT(translating.translate(Iova(0)), Aborts());
      const BankFault fault = translating.bank.take_fault();
      EXPECT_EQ(fault.status, 2U);
      EXPECT_THAT(translating.translate(Iova(range)), Aborts());
      EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
    }
  }
}

TEST(AArch64Stage1, RefusesSizesThatAreOutOfRange) {
  Translating translating;
  const Pa page = translating.rig.allocate(4096);
  translating.table.map(kAddress, page, 4096);
  for (const unsigned t0sz : {0U, 1U, 15U, 40U, 48U, 63U}) {
    translating.bank.set<Tcr>(Tcr::T0SZ, t0sz);
    EXPECT_THAT(translating.translate(kAddress), Aborts()) << t0sz;
    EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  }
  translating.bank.set<Tcr>(Tcr::T0SZ, 16);
  // Of a half that is disabled it may be anything.
  for (const unsigned t1sz : {0U, 15U, 40U, 63U}) {
    translating.bank.set<Tcr>(Tcr::T1SZ, t1sz);
    EXPECT_THAT(translating.translate(kAddress), TranslatesTo(page));
  }
}

TEST(AArch64Stage1, HasAnUpperHalf) {
  for (const unsigned granule : {12U, 14U, 16U}) {
    Halves halves({.granule_bits = granule, .t0sz = 25});
    const std::uint64_t size = std::uint64_t{1} << granule;
    const Iova low(0x12'3450'0000);
    const Iova high(0xffff'ff80'0000'0000 | low.value);
    const Pa first = halves.rig.allocate(size, size);
    const Pa second = halves.rig.allocate(size, size);
    halves.table.map(low, first, size);
    halves.second.map(high, second, size);
    EXPECT_THAT(halves.translate(low), TranslatesTo(first));
    EXPECT_THAT(halves.translate(high), TranslatesTo(second));
    // The bus has 49 bits, and the device knows none of those above.
    EXPECT_THAT(halves.translate(Iova(high.value & 0x0001'ffff'ffff'ffff)), TranslatesTo(second));
    EXPECT_THAT(halves.translate(Iova(high.value & 0x0001'ff7f'ffff'ffff)), Aborts());
    EXPECT_THAT(halves.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  }
}

// TG1 has codes of its own, and the halves need not be alike.
TEST(AArch64Stage1, HasHalvesOfDifferentGranules) {
  for (const unsigned lower : {12U, 14U, 16U}) {
    for (const unsigned higher : {12U, 14U, 16U}) {
      Translating translating({.granule_bits = lower, .t0sz = 22});
      PageTable second = translating.rig.page_table({.granule_bits = higher, .t0sz = 30});
      const Pa page = translating.rig.allocate(1 << 16, 1 << 16);
      const Iova low(0x12'3450'0000);
      const Iova high(0xffff'fffe'3450'0000);
      translating.table.map(low, page, std::uint64_t{1} << lower);
      second.map(high, page, std::uint64_t{1} << higher);
      translating.bank.write(Ttbr1().set(Ttbr1::BaseAddress, second.root().value));
      translating.bank.write(translating.bank.read<Tcr>()
                                 .set(Tcr::EPD1, false)
                                 .set(Tcr::TG1, code1_of(higher))
                                 .set(Tcr::T1SZ, 30));
      EXPECT_THAT(translating.translate(low), TranslatesTo(page));
      EXPECT_THAT(translating.translate(high), TranslatesTo(page));
    }
  }
}

TEST(AArch64Stage1, DisablesEachHalf) {
  Halves halves;
  const Pa page = halves.rig.allocate(4096);
  halves.table.map(kAddress, page, 4096);
  halves.second.map(upper(kAddress), page, 4096);
  for (const bool epd0 : {false, true}) {
    for (const bool epd1 : {false, true}) {
      halves.bank.write(halves.bank.read<Tcr>().set(Tcr::EPD0, epd0).set(Tcr::EPD1, epd1));
      const auto expect = [&](Iova address, bool disabled) {
        if (disabled) {
          EXPECT_THAT(halves.translate(address), Aborts());
          EXPECT_THAT(halves.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
        } else {
          EXPECT_THAT(halves.translate(address), TranslatesTo(page));
        }
      };
      // Only walks are disabled: what the TLB has still translates.
      halves.bank.write(SMMU_CBn_TLBIALL());
      halves.bank.write(SMMU_CBn_TLBSYNC());
      expect(kAddress, epd0);
      expect(upper(kAddress), epd1);
    }
  }
}

// SEP: the bit that is extended into those above it.
TEST(AArch64Stage1, TakesTheHalfByTheSignThatSepSays) {
  constexpr std::pair<SignBit, unsigned> kSigns[] = {
      {SignBit::k31, 31}, {SignBit::k35, 35}, {SignBit::k39, 39},      {SignBit::k41, 41},
      {SignBit::k43, 43}, {SignBit::k47, 47}, {SignBit::kUpstream, 48}};
  for (const auto& [code, sign] : kSigns) {
    SCOPED_TRACE(::testing::Message() << "bit " << sign);
    Halves halves({.t0sz = 39});
    const Pa first = halves.rig.allocate(4096);
    const Pa second = halves.rig.allocate(4096);
    const std::uint64_t size = std::uint64_t{1} << 25;
    const Iova low(0x123'4000);
    const Iova high(~(size - 1) | low.value);
    halves.table.map(low, first, 4096);
    halves.second.map(high, second, 4096);
    halves.bank.set<Tcr2>(Tcr2::SEP, code);
    EXPECT_THAT(halves.translate(low), TranslatesTo(first));
    EXPECT_THAT(halves.translate(high), TranslatesTo(second));
    // As many bits as the sign has below it and itself; the others are 0.
    const std::uint64_t known = (std::uint64_t{2} << sign) - 1;
    EXPECT_THAT(halves.translate(Iova(high.value & known)), TranslatesTo(second));
    EXPECT_THAT(halves.translate(Iova(high.value & known >> 1)), Aborts());
    EXPECT_THAT(halves.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
    // Neither copies of the sign nor all 0.
    if (sign == 48) continue;
    EXPECT_THAT(halves.translate(Iova(low.value | std::uint64_t{1} << (sign + 1))), Aborts());
    EXPECT_THAT(halves.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  }
}

TEST(AArch64Stage1, IgnoresTheTopByteOfEachHalf) {
  Halves halves;
  const Pa page = halves.rig.allocate(4096);
  halves.table.map(kAddress, page, 4096);
  halves.second.map(upper(kAddress), page, 4096);
  const Iova low(kAddress.value | 0x5a00'0000'0000'0000);
  const Iova high(upper(kAddress).value & 0x5aff'ffff'ffff'ffff);
  for (const bool tbi0 : {false, true}) {
    for (const bool tbi1 : {false, true}) {
      halves.bank.write(halves.bank.read<Tcr2>().set(Tcr2::TBI0, tbi0).set(Tcr2::TBI1, tbi1));
      const auto expect = [&](Iova address, bool ignored) {
        if (ignored) {
          EXPECT_THAT(halves.translate(address), TranslatesTo(page));
        } else {
          EXPECT_THAT(halves.translate(address), Aborts());
          EXPECT_THAT(halves.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
        }
      };
      expect(low, tbi0);
      expect(high, tbi1);
      EXPECT_THAT(halves.translate(kAddress), TranslatesTo(page));
    }
  }
}

// DDI 0487: what is reserved is taken for a granule that is there.
TEST(AArch64Stage1, TakesReservedGranulesForOneThatIsThere) {
  SmmuV2Config config = SmmuV2Config::generic();
  for (const unsigned smallest : {12U, 14U, 16U}) {
    if (smallest == 14) config.idr2.set(SMMU_IDR2::PTFSv8_4kB, false);
    if (smallest == 16) config.idr2.set(SMMU_IDR2::PTFSv8_16kB, false);
    Translating translating(V2Rig::Options{.config = config}, {.granule_bits = smallest});
    const std::uint64_t size = std::uint64_t{1} << smallest;
    const Pa page = translating.rig.allocate(size, size);
    translating.table.map(Iova(0x10'0000), page, size);
    translating.bank.set<Tcr>(Tcr::TG0, TG0{0b11});
    EXPECT_THAT(translating.translate(Iova(0x10'0000)), TranslatesTo(page));
    if (smallest == 12) continue;
    translating.bank.set<Tcr>(Tcr::TG0, TG0::k4K);
    EXPECT_THAT(translating.translate(Iova(0x10'0000)), TranslatesTo(page));
  }
}

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

// A bus without a bit 48 says no addresses of the upper half.
TEST(AArch64Stage1, HasTheLowerHalfAloneBehindASmallerBus) {
  for (const UpstreamSize size : {UpstreamSize::k40Bits, UpstreamSize::k44Bits}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr2.set(SMMU_IDR2::UBS, size);
    Translating translating(V2Rig::Options{.config = config});
    const Pa page = translating.rig.allocate(4096);
    translating.bank.set<Tcr>(Tcr::EPD1, false);
    const Iova address(size == UpstreamSize::k40Bits ? 0xff'ffff'f000 : 0xfff'ffff'f000);
    translating.table.map(address, page, 4096);
    EXPECT_THAT(translating.translate(address), TranslatesTo(page));
  }
}

// One of 64 bits says all of an address, as the processor does.
TEST(AArch64Stage1, HasBothHalvesBehindABusOf64Bits) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::UBS, UpstreamSize::k64Bits);
  Translating translating(V2Rig::Options{.config = config});
  PageTable second = translating.rig.page_table({});
  const Pa page = translating.rig.allocate(4096);
  second.map(upper(kAddress), page, 4096);
  translating.bank.write(Ttbr1().set(Ttbr1::BaseAddress, second.root().value));
  translating.bank.set<Tcr>(Tcr::EPD1, false);
  EXPECT_THAT(translating.translate(upper(kAddress)), TranslatesTo(page));
  EXPECT_THAT(translating.translate(Iova(0x0001'0000'0000'0000 | kAddress.value)), Aborts());
  EXPECT_THAT(translating.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  translating.bank.set<Tcr2>(Tcr2::TBI1, true);
  EXPECT_THAT(translating.translate(Iova(upper(kAddress).value & 0x12ff'ffff'ffff'ffff)),
              TranslatesTo(page));
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
}  // namespace smmu::testing
