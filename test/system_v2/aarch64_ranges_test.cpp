// Which addresses AArch64 translates at stage 1, and by which half: T0SZ, TG0, SEP and their like.
#include "test/system_v2/bank.h"

namespace smmu::testing::aarch64_ranges_test {
namespace {

using emulator::SmmuV2Config;
using namespace v2;
using Tcr = SMMU_CBn_TCR_AArch64;
using Tcr2 = SMMU_CBn_TCR2;
using Ttbr1 = SMMU_CBn_TTBR1_AArch64;

constexpr Iova kAddress(0x1234'5000);

TEST(AArch64Ranges, WalksEveryGranuleAndSize) {
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

TEST(AArch64Ranges, RefusesSizesThatAreOutOfRange) {
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

TEST(AArch64Ranges, HasAnUpperHalf) {
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
TEST(AArch64Ranges, HasHalvesOfDifferentGranules) {
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
                                 .set(Tcr::TG1, Bank::upper_code_of(higher))
                                 .set(Tcr::T1SZ, 30));
      EXPECT_THAT(translating.translate(low), TranslatesTo(page));
      EXPECT_THAT(translating.translate(high), TranslatesTo(page));
    }
  }
}

TEST(AArch64Ranges, DisablesEachHalf) {
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
TEST(AArch64Ranges, TakesTheHalfByTheSignThatSepSays) {
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

TEST(AArch64Ranges, IgnoresTheTopByteOfEachHalf) {
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
TEST(AArch64Ranges, TakesReservedGranulesForOneThatIsThere) {
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

// A bus without a bit 48 says no addresses of the upper half.
TEST(AArch64Ranges, HasTheLowerHalfAloneBehindASmallerBus) {
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
TEST(AArch64Ranges, HasBothHalvesBehindABusOf64Bits) {
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

}  // namespace
}  // namespace smmu::testing::aarch64_ranges_test
