// A bank of stage 2: where a walk starts, how large addresses are, what a leaf permits.
#include "test/system_v2/bank.h"

namespace smmu::testing::stage2_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;
using Sctlr = SMMU_CBn_SCTLR_Stage2;
using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
using Ttbr = SMMU_CBn_TTBR0_Stage2;

constexpr Iova kAddress(0x1234'5000);

struct Stage2 : Translating {
  explicit Stage2(PageTable::Options tables = {.stage = 2},
                  const SmmuV2Config& config = SmmuV2Config::generic())
      : Translating(V2Rig::Options{.config = config}, tables) {
    bank.translate_stage2(table);
  }
  void invalidate() {
    rig.registers().global0().write(SMMU_TLBIALLNSNH());
    rig.registers().global0().write(SMMU_sTLBGSYNC());
  }
};

TEST(Stage2, WalksEveryGranuleAndSize) {
  for (const unsigned granule : {12U, 14U, 16U}) {
    for (unsigned t0sz = 16; t0sz != 40; ++t0sz) {
      // A granule of 16 KiB has no level 0: sixteen tables of level 1 cover 2^40 to 2^48.
      if (granule == 14 && t0sz < 17) continue;
      SCOPED_TRACE(::testing::Message() << granule << " bits, T0SZ " << t0sz);
      Stage2 stage2({.granule_bits = granule, .t0sz = t0sz, .stage = 2});
      const std::uint64_t size = std::uint64_t{1} << granule;
      const std::uint64_t range = std::uint64_t{1} << (64 - t0sz);
      const Pa page = stage2.rig.allocate(size, size);
      stage2.table.map(Iova(range - size), page, size);
      EXPECT_THAT(stage2.translate(Iova(range - 8)), TranslatesTo(Pa(page.value + size - 8)));
      EXPECT_THAT(stage2.translate(Iova(range)), Aborts());
      EXPECT_EQ(stage2.bank.take_fault().status, 2U);
    }
  }
}

// DDI 0487, AArch64.S2InvalidSL and its like: every T0SZ with every SL0.
TEST(Stage2, StartsWhereSl0SaysOrRefuses) {
  struct Level {
    unsigned granule;
    TG0 code;
    unsigned sl0;
    unsigned below;  // address bits that the first table leaves to the others
    unsigned least_output;
  };
  // A level is legal if its first table has an index of one bit to a table's and four more, and if
  // physical addresses are large enough for it to be of use.
  constexpr Level kLevels[] = {
      {12, TG0::k4K, 0, 21, 0},  {12, TG0::k4K, 1, 30, 0},  {12, TG0::k4K, 2, 39, 44},
      {14, TG0::k16K, 0, 14, 0}, {14, TG0::k16K, 1, 25, 0}, {14, TG0::k16K, 2, 36, 42},
      {16, TG0::k64K, 0, 16, 0}, {16, TG0::k64K, 1, 29, 0}, {16, TG0::k64K, 2, 42, 44}};
  for (const auto& [oas, bits] :
       {std::pair(OutputSize::k40Bits, 40U), std::pair(OutputSize::k42Bits, 42U),
        std::pair(OutputSize::k44Bits, 44U), std::pair(OutputSize::k48Bits, 48U)}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr2.set(SMMU_IDR2::OAS, oas);
    Stage2 stage2({.stage = 2}, config);
    // The largest table there is, at the largest alignment; it is empty.
    const Pa root = stage2.rig.allocate(1 << 20, 1 << 20);
    stage2.bank.write(Ttbr().set(Ttbr::BaseAddress, root.value));
    for (const Level& level : kLevels) {
      for (unsigned t0sz = 16; t0sz != 40; ++t0sz) {
        stage2.bank.write(Tcr()
                              .set(Tcr::T0SZ, t0sz)
                              .set(Tcr::TG0, level.code)
                              .set(Tcr::SL0, level.sl0)
                              .set(Tcr::PASize, OutputSize::k48Bits));
        EXPECT_THAT(stage2.translate(Iova(0x1000)), Aborts());
        const int index = static_cast<int>(64 - t0sz) - static_cast<int>(level.below);
        const int most = static_cast<int>(level.granule) - 3 + 4;
        const bool legal = bits >= level.least_output && index >= 1 && index <= most;
        const unsigned first = 3 - (level.below - level.granule) / (level.granule - 3);
        ASSERT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, legal ? first : 0))
            << "granule " << level.granule << ", SL0 " << level.sl0 << ", T0SZ " << t0sz;
      }
    }
  }
}

// Sixteen tables of level 1 side by side.
TEST(Stage2, ConcatenatesTheFirstTables) {
  Stage2 stage2;
  const Pa root = stage2.rig.allocate(16 << 12, 16 << 12);
  stage2.bank.write(Ttbr().set(Ttbr::BaseAddress, root.value));
  stage2.bank.write(
      Tcr().set(Tcr::T0SZ, 64 - 43).set(Tcr::SL0, 1).set(Tcr::PASize, OutputSize::k48Bits));
  // The last descriptor: a block of 1 GiB, writable, Write-Back.
  store(stage2.rig.memory(), Pa(root.value + (16 << 12) - 8), std::uint64_t{0x7ac0'0000'07fd});
  EXPECT_THAT(stage2.translate(Iova((std::uint64_t{1} << 43) - 16)),
              TranslatesTo(Pa(0x7ac0'3fff'fff0 | 0)));
}

TEST(Stage2, RefusesReservedStartsAndSizes) {
  Stage2 stage2;
  const Pa page = stage2.rig.allocate(4096);
  stage2.table.map(kAddress, page, 4096);
  EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page));
  const auto expect_refused = [&](Tcr tcr) {
    stage2.bank.write(tcr);
    stage2.invalidate();
    EXPECT_THAT(stage2.translate(kAddress), Aborts());
    EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 0));
  };
  const Tcr legal = stage2.bank.read<Tcr>();
  for (const TG0 granule : {TG0::k4K, TG0::k16K, TG0::k64K}) {
    expect_refused(Tcr(legal).set(Tcr::TG0, granule).set(Tcr::SL0, 3));
  }
  for (const unsigned t0sz : {0U, 15U, 40U, 63U}) expect_refused(Tcr(legal).set(Tcr::T0SZ, t0sz));
  stage2.bank.write(Tcr(legal.raw() | 1U << 31));
  EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page)) << "bit 31 is RES1";
}

TEST(Stage2, HasInputsOfIasBits) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::IAS, OutputSize::k40Bits);
  for (const unsigned t0sz : {24U, 23U}) {
    Stage2 stage2({.t0sz = t0sz, .stage = 2}, config);
    const Pa page = stage2.rig.allocate(4096);
    stage2.table.map(kAddress, page, 4096);
    const auto outcome = stage2.translate(kAddress);
    EXPECT_EQ(std::holds_alternative<emulator::Translation>(outcome), t0sz == 24);
  }
}

TEST(Stage2, RefusesAddressesThatAreTooLarge) {
  Stage2 stage2;
  stage2.bank.set<Tcr>(Tcr::PASize, OutputSize::k36Bits);
  stage2.table.map(kAddress, Pa(0xf'ffff'f000), 4096);
  stage2.table.map(Iova(0x2000), Pa(0x10'0000'0000), 4096);
  EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(Pa(0xf'ffff'f000)));
  EXPECT_THAT(stage2.translate(Iova(0x2000)), Aborts());
  EXPECT_EQ(stage2.bank.read<SMMU_CBn_IPAFAR>().raw(), 0x2000U);
  EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 3));
  stage2.bank.set<Ttbr>(Ttbr::BaseAddress, 0x10'0000'0000);
  stage2.invalidate();
  EXPECT_THAT(stage2.translate(kAddress), Aborts());
  EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 0));
}

// Bits [63:48] of the TTBR are nobody's, whatever a driver leaves there.
TEST(Stage2, IgnoresWhatStandsAboveTheTable) {
  Stage2 stage2;
  const Pa page = stage2.rig.allocate(4096);
  stage2.table.map(kAddress, page, 4096);
  stage2.bank.write(Ttbr(0x1234'0000'0000'0000 | stage2.table.root().value));
  EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page));
}

// S2AP and XN, of all eight.
TEST(Stage2, PermitsWhatS2apSays) {
  Stage2 stage2;
  for (unsigned i = 0; i != 8; ++i) {
    const Iova address(0x1000 * (i + 1));
    const Pa page = stage2.rig.allocate(4096);
    stage2.table.map(address, page, 4096);
    const Pa where = stage2.table.descriptor(address);
    const bool xn = (i & 4) != 0;
    std::uint64_t descriptor = load(stage2.rig.memory(), where) & ~std::uint64_t{0xc0};
    descriptor |= (i & 0b11) << 6 | (xn ? std::uint64_t{1} << 54 : 0);
    store(stage2.rig.memory(), where, descriptor);
    for (const bool privileged : {false, true}) {
      const DmaDevice device = privileged ? stage2.device.privileged() : stage2.device;
      const auto may = [&](const DmaDevice& who, Direction direction) {
        return std::holds_alternative<emulator::Translation>(who.translate(address, direction));
      };
      EXPECT_EQ(may(device, Direction::kRead), (i & 1) != 0);
      EXPECT_EQ(may(device, Direction::kWrite), (i & 2) != 0);
      if ((i & 1) != 0) {
        EXPECT_EQ(may(device.fetching_instructions(), Direction::kRead), !xn);
      }
    }
  }
  stage2.bank.take_fault();
  EXPECT_THAT(stage2.translate(Iova(0x1000)), Aborts());
  EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::PF, 3));
}

TEST(Stage2, CombinesMemoryWithWhatComesIn) {
  Stage2 stage2;
  struct Row {
    unsigned mem_attr;
    std::uint8_t type;
  };
  constexpr Row kRows[] = {{0b0000, 0x00}, {0b0001, 0x04}, {0b0010, 0x08}, {0b0011, 0x0c},
                           {0b0101, 0x44}, {0b1010, 0xbb}, {0b1111, 0xff}, {0b0111, 0x4f}};
  for (const Row& row : kRows) {
    const Iova address(0x1000 * (row.mem_attr + 1));
    stage2.table.map(address, stage2.rig.allocate(4096), 4096);
    const Pa where = stage2.table.descriptor(address);
    store(stage2.rig.memory(), where,
          (load(stage2.rig.memory(), where) & ~std::uint64_t{0x3c}) | row.mem_attr << 2);
    EXPECT_EQ(translation_of(stage2.translate(address)).attributes.type, row.type);
  }
}

TEST(Stage2, FaultsOfTheAccessFlagOrSetsIt) {
  Stage2 stage2;
  const Pa page = stage2.rig.allocate(4096);
  stage2.table.map(kAddress, page, 4096, {.access_flag = false});
  const Pa where = stage2.table.descriptor(kAddress);
  EXPECT_THAT(stage2.translate(kAddress), Aborts());
  EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::AFF, 3));
  stage2.bank.set<Sctlr>(Sctlr::AFFD, true);
  EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page));
  EXPECT_EQ(load(stage2.rig.memory(), where) >> 10 & 1, 0U);
  stage2.bank.set<Sctlr>(Sctlr::AFFD, false);
  stage2.bank.set<Tcr>(Tcr::HA, true);
  stage2.invalidate();
  EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page));
  EXPECT_EQ(load(stage2.rig.memory(), where) >> 10 & 1, 1U);
}

// HD: what may be written has DBM, and is written into by the first write.
TEST(Stage2, MarksWhatIsWritten) {
  Stage2 stage2;
  const Pa page = stage2.rig.allocate(4096);
  stage2.table.map(kAddress, page, 4096, {.writable = false});
  const Pa where = stage2.table.descriptor(kAddress);
  store(stage2.rig.memory(), where, load(stage2.rig.memory(), where) | std::uint64_t{1} << 51);
  EXPECT_THAT(stage2.translate(kAddress, Direction::kWrite), Aborts());
  stage2.bank.write(stage2.bank.read<Tcr>().set(Tcr::HA, true).set(Tcr::HD, true));
  stage2.invalidate();
  EXPECT_THAT(stage2.translate(kAddress, Direction::kWrite), TranslatesTo(page));
  EXPECT_EQ(load(stage2.rig.memory(), where) >> 7 & 1, 1U);
}

TEST(Stage2, ReadsBigEndianTables) {
  for (const bool aarch64 : {false, true}) {
    Stage2 stage2({.t0sz = 32, .stage = 2});
    if (!aarch64) {
      stage2.bank.become(SMMU_CBA2Rn());
      using Tcr32 = SMMU_CBn_TCR_Stage2_AArch32;
      stage2.bank.write(Tcr32().set(Tcr32::SL0, 1));
    }
    const Pa root = stage2.table.root();
    stage2.table.map(Iova(0x4000'0000), Pa(0x12'4000'0000), 1 << 30);
    store(stage2.rig.memory(), Pa(root.value + 8),
          __builtin_bswap64(load(stage2.rig.memory(), Pa(root.value + 8))));
    EXPECT_THAT(stage2.translate(Iova(0x4123'4567)), Aborts());
    stage2.bank.set<Sctlr>(Sctlr::E, true);
    EXPECT_THAT(stage2.translate(Iova(0x4123'4567)), TranslatesTo(Pa(0x12'4123'4567)));
  }
}

// VMIDs of 8 bits from SMMU_CBARn, or of 16 from SMMU_CBA2Rn.
TEST(Stage2, TagsByTheVmid) {
  for (const bool wide : {false, true}) {
    Stage2 stage2;
    stage2.rig.registers().global0().write(all_faults_abort().set(SMMU_sCR0::VMID16EN, wide));
    stage2.bank.translate_stage2(stage2.table, 0x42);
    stage2.bank.become(Bank::aarch64().set(SMMU_CBA2Rn::VMID16, 0x1342));
    const Pa page = stage2.rig.allocate(4096);
    stage2.table.map(kAddress, page, 4096);
    expect_stale_until(stage2.rig, stage2.device, stage2.table, kAddress, page, [&] {
      const auto invalidate = [&](unsigned vmid) {
        const RegisterPage gr0 = stage2.rig.registers().global0();
        gr0.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, vmid));
        gr0.write(SMMU_sTLBGSYNC());
      };
      invalidate(0x43);
      EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page));
      invalidate(wide ? 0x42 : 0x44);
      EXPECT_THAT(stage2.translate(kAddress), TranslatesTo(page));
      invalidate(wide ? 0x1342 : 0x42);
    });
  }
}

// Of AArch32 too, an address that memory does not have is none.
TEST(Stage2, OfAArch32RefusesAddressesThatAreTooLarge) {
  using Tcr32 = SMMU_CBn_TCR_Stage2_AArch32;
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::OAS, OutputSize::k36Bits);
  Translating stage2(V2Rig::Options{.config = config}, {.t0sz = 32, .stage = 2});
  stage2.bank.translate_stage2(stage2.table);
  stage2.bank.become(SMMU_CBA2Rn());
  stage2.bank.write(Tcr32().set(Tcr32::SL0, 1));
  stage2.table.map(Iova(0x1000), Pa(0xf'ffff'f000), 4096);
  stage2.table.map(Iova(0x2000), Pa(0x10'0000'0000), 4096);
  stage2.table.map(Iova(0x4000'0000), Pa(0x10'0000'0000), 1 << 30);
  EXPECT_THAT(stage2.translate(Iova(0x1000)), TranslatesTo(Pa(0xf'ffff'f000)));
  EXPECT_THAT(stage2.translate(Iova(0x2000)), Aborts());
  EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 3));
  EXPECT_THAT(stage2.translate(Iova(0x4000'0000)), Aborts());
  EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 1));
}

// AArch32: T0SZ has a sign, and SL0 two values.
TEST(Stage2, OfAArch32HasASignedSize) {
  using Tcr32 = SMMU_CBn_TCR_Stage2_AArch32;
  for (int t0sz = -8; t0sz != 8; ++t0sz) {
    for (unsigned sl0 = 0; sl0 != 4; ++sl0) {
      SCOPED_TRACE(::testing::Message() << "T0SZ " << t0sz << ", SL0 " << sl0);
      const unsigned bits = static_cast<unsigned>(32 - t0sz);
      Stage2 stage2;
      stage2.bank.become(SMMU_CBA2Rn());
      const Pa root = stage2.rig.allocate(1 << 17, 1 << 17);
      const unsigned shift = sl0 == 1 ? 30 : 21;
      const int index = static_cast<int>(bits) - static_cast<int>(shift);
      const bool legal = sl0 < 2 && index >= 1 && index <= 13;
      if (legal) {
        // The last descriptor of all.
        store(stage2.rig.memory(), Pa(root.value + (std::uint64_t{8} << index) - 8),
              std::uint64_t{0x0000'007d'4000'07fd});
      }
      stage2.bank.write(Ttbr().set(Ttbr::BaseAddress, root.value));
      stage2.bank.write(Tcr32()
                            .set(Tcr32::T0SZ, static_cast<unsigned>(t0sz) & 0xf)
                            .set(Tcr32::S, t0sz < 0)
                            .set(Tcr32::SL0, sl0));
      const Iova last((std::uint64_t{1} << bits) - 0x1000);
      if (legal) {
        const std::uint64_t below = (std::uint64_t{1} << shift) - 0x1000;
        EXPECT_THAT(stage2.translate(last), TranslatesTo(Pa(0x7d'4000'0000 | below)));
        EXPECT_THAT(stage2.translate(Iova(std::uint64_t{1} << bits)), Aborts());
        EXPECT_EQ(stage2.bank.take_fault().status, 2U);
      } else {
        EXPECT_THAT(stage2.translate(last), Aborts());
        EXPECT_THAT(stage2.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 1));
      }
    }
  }
}

}  // namespace
}  // namespace smmu::testing::stage2_test
