// Both stages: stage 1 in one bank, behind a stage 2 in another.
#include "test/system_v2/aarch32_tables.h"
#include "test/system_v2/bank.h"

namespace smmu::testing::nested_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;
using Sctlr = SMMU_CBn_SCTLR;
using Sctlr2 = SMMU_CBn_SCTLR_Stage2;
using Fsynr0 = SMMU_CBn_FSYNR0;

constexpr Iova kAddress(0x1234'5000);
constexpr std::uint32_t kStage2Bank = 9;

// The guest's memory is at the same addresses, but for what a test moves.
struct Nested : Translating {
  explicit Nested(const SmmuV2Config& config = SmmuV2Config::generic())
      : Translating(V2Rig::Options{.config = config}),
        stage2(rig.page_table({.t0sz = 24, .stage = 2})) {
    // All that a test allocates.
    stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 8 << 20);
    table.map(kAddress, ipa, 4096);
    stage2.map(Iova(ipa.value), page, 4096);
    below.translate_stage2(stage2, 3);
    bank.translate(table, Bank::above(kStage2Bank, 3));
  }

  void invalidate_all() {
    rig.registers().global0().write(SMMU_TLBIALLNSNH());
    rig.registers().global0().write(SMMU_sTLBGSYNC());
  }
  // The same stage 2 by pages, so that each of those with tables can be changed.
  PageTable by_pages() {
    PageTable pages = rig.page_table({.t0sz = 24, .stage = 2});
    for (std::uint64_t at = 0; at != 8 << 20; at += 4096) {
      pages.map(Iova(0x4000'0000 + at), Pa(0x4000'0000 + at), 4096);
    }
    pages.map(Iova(ipa.value), page, 4096);
    return pages;
  }
  // What stage 2 says of one page of the guest's, as bits of the descriptor.
  void change(Pa of, std::uint64_t clear, std::uint64_t set) {
    const Pa where = stage2.descriptor(Iova(of.value));
    store(rig.memory(), where, (load(rig.memory(), where) & ~clear) | set);
    invalidate_all();
  }

  PageTable stage2;
  Pa ipa{0x9'0000'0000};
  Pa page = rig.allocate(4096);
  Bank below{rig, kStage2Bank};
};

constexpr std::uint64_t kS2Read = 0x40, kS2Write = 0x80, kS2Af = 0x400;

TEST(Nested, TranslatesTwice) {
  Nested nested;
  expect_reaches(nested.rig, nested.device, kAddress, nested.page);
  EXPECT_THAT(nested.translate(Iova(kAddress.value + 0x123)),
              TranslatesTo(Pa(nested.page.value + 0x123)));
  EXPECT_TRUE(nested.rig.quiet());
}

// What both permit is permitted.
TEST(Nested, PermitsWhatBothStagesDo) {
  for (unsigned first = 0; first != 4; ++first) {
    for (unsigned second = 0; second != 4; ++second) {
      Nested nested;
      const bool writable = (first & 1) != 0;
      const bool unprivileged = (first & 2) != 0;
      nested.table.map(kAddress, nested.ipa, 4096,
                       {.writable = writable, .unprivileged = unprivileged});
      nested.change(nested.ipa, kS2Read | kS2Write, second << 6);
      const auto may = [&](const DmaDevice& device, Direction direction) {
        return std::holds_alternative<emulator::Translation>(device.translate(kAddress, direction));
      };
      const bool reads = (second & 1) != 0;
      const bool writes = (second & 2) != 0;
      EXPECT_EQ(may(nested.device, Direction::kRead), unprivileged && reads);
      EXPECT_EQ(may(nested.device, Direction::kWrite), unprivileged && writable && writes);
      EXPECT_EQ(may(nested.device.privileged(), Direction::kRead), reads);
      EXPECT_EQ(may(nested.device.privileged(), Direction::kWrite), writable && writes);
    }
  }
}

TEST(Nested, RecordsWhatStage2RefusesInItsBank) {
  Nested nested;
  nested.change(nested.ipa, kS2Write, 0);
  EXPECT_THAT(nested.translate(Iova(kAddress.value + 0x10)),
              TranslatesTo(Pa(nested.page.value + 0x10)));
  EXPECT_THAT(nested.translate(Iova(kAddress.value + 0x18), Direction::kWrite), Aborts());
  EXPECT_THAT(nested.bank.take_fault(), IsNoFault());
  EXPECT_EQ(nested.below.read<SMMU_CBn_FAR>().raw(), kAddress.value + 0x18);
  EXPECT_EQ(nested.below.read<SMMU_CBn_IPAFAR>().raw(), nested.ipa.value + 0x18);
  EXPECT_EQ(nested.below.read<Fsynr0>(), Fsynr0()
                                             .set(Fsynr0::PLVL, 3)
                                             .set(Fsynr0::NESTED, true)
                                             .set(Fsynr0::WNR, true)
                                             .set(Fsynr0::S1CBNDX, 0));
  EXPECT_THAT(nested.below.take_fault(), IsFault(SMMU_CBn_FSR::PF, 3));
}

TEST(Nested, RecordsWhatStage1RefusesInItsBank) {
  Nested nested;
  EXPECT_THAT(nested.translate(Iova(kAddress.value + 0x1000)), Aborts());
  EXPECT_THAT(nested.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 3));
  EXPECT_THAT(nested.below.take_fault(), IsNoFault());
}

// The tables of stage 1 are at intermediate addresses.
TEST(Nested, FindsTheTablesOfStage1BehindStage2) {
  Nested nested;
  const Pa root = nested.table.root();
  // The root elsewhere: its page of the guest's now leads to a copy.
  const Pa copy = nested.rig.allocate(4096);
  for (std::uint64_t at = 0; at != 4096; at += 8) {
    store(nested.rig.memory(), Pa(copy.value + at), load(nested.rig.memory(), Pa(root.value + at)));
  }
  PageTable moved = nested.by_pages();
  moved.map(Iova(root.value), copy, 4096);
  nested.below.translate_stage2(moved, 3);
  store(nested.rig.memory(), root, std::uint64_t{0});
  nested.invalidate_all();
  EXPECT_THAT(nested.translate(kAddress), TranslatesTo(nested.page));

  // A table without read permission, and one that is not mapped.
  const auto expect_table_fault = [&](const auto& status, Pa table) {
    nested.invalidate_all();
    EXPECT_THAT(nested.translate(kAddress), Aborts());
    EXPECT_THAT(nested.bank.take_fault(), IsNoFault());
    EXPECT_EQ(nested.below.read<SMMU_CBn_FAR>().raw(), kAddress.value);
    EXPECT_EQ(nested.below.read<SMMU_CBn_IPAFAR>().raw() & ~std::uint64_t{0xfff}, table.value);
    const auto syndrome = nested.below.read<Fsynr0>();
    EXPECT_TRUE(syndrome[Fsynr0::S1PTWF] && syndrome[Fsynr0::NESTED]);
    EXPECT_THAT(nested.below.take_fault(), IsFault(status, 3));
  };
  const Pa where = moved.descriptor(Iova(root.value));
  const std::uint64_t descriptor = load(nested.rig.memory(), where);
  store(nested.rig.memory(), where, descriptor & ~kS2Read);
  expect_table_fault(SMMU_CBn_FSR::PF, root);
  store(nested.rig.memory(), where, descriptor & ~kS2Af);
  expect_table_fault(SMMU_CBn_FSR::AFF, root);
  store(nested.rig.memory(), where, std::uint64_t{0});
  expect_table_fault(SMMU_CBn_FSR::TF, root);
}

// PTW: a walk does not read what stage 2 maps as Device.
TEST(Nested, RefusesWalksOfDeviceMemoryWithPtw) {
  Nested nested;
  PageTable pages = nested.by_pages();
  const Pa where = pages.descriptor(Iova(nested.table.root().value));
  store(nested.rig.memory(), where, load(nested.rig.memory(), where) & ~std::uint64_t{0x3c});
  nested.below.translate_stage2(pages, 3);
  nested.invalidate_all();
  EXPECT_THAT(nested.translate(kAddress), TranslatesTo(nested.page));
  nested.below.set<Sctlr2>(Sctlr2::PTW, true);
  nested.invalidate_all();
  EXPECT_THAT(nested.translate(kAddress), Aborts());
  EXPECT_TRUE(nested.below.read<Fsynr0>()[Fsynr0::S1PTWF]);
  EXPECT_THAT(nested.below.take_fault(), IsFault(SMMU_CBn_FSR::PF, 3));
}

// HA: an access flag is set where stage 2 lets descriptors be written.
TEST(Nested, WritesDescriptorsThroughStage2) {
  Nested nested;
  PageTable pages = nested.by_pages();
  nested.below.translate_stage2(pages, 3);
  nested.table.map(kAddress, nested.ipa, 4096, {.access_flag = false});
  nested.bank.set<SMMU_CBn_TCR2>(SMMU_CBn_TCR2::HA, true);
  nested.invalidate_all();
  const Pa descriptor = nested.table.descriptor(kAddress);
  const Pa where = pages.descriptor(Iova(descriptor.value));
  const std::uint64_t writable = load(nested.rig.memory(), where);
  store(nested.rig.memory(), where, writable & ~kS2Write);
  EXPECT_THAT(nested.translate(kAddress), Aborts());
  EXPECT_THAT(nested.bank.take_fault(), IsNoFault());
  EXPECT_EQ(nested.below.read<SMMU_CBn_IPAFAR>().raw(), descriptor.value);
  EXPECT_TRUE(nested.below.read<Fsynr0>()[Fsynr0::S1PTWF]);
  EXPECT_THAT(nested.below.take_fault(), IsFault(SMMU_CBn_FSR::PF, 3));
  store(nested.rig.memory(), where, writable);
  nested.invalidate_all();
  EXPECT_THAT(nested.translate(kAddress), TranslatesTo(nested.page));
  EXPECT_EQ(load(nested.rig.memory(), descriptor) >> 10 & 1, 1U);
}

TEST(Nested, CombinesMemory) {
  Nested nested;
  struct Row {
    unsigned mair;
    unsigned mem_attr;
    std::uint8_t type;
  };
  constexpr Row kRows[] = {{0xff, 0b1111, 0xff}, {0xff, 0b1010, 0xbb}, {0xff, 0b0101, 0x44},
                           {0xff, 0b0001, 0x04}, {0x44, 0b1111, 0x44}, {0x0c, 0b1111, 0x0c},
                           {0x0c, 0b0001, 0x04}, {0x04, 0b0011, 0x04}, {0xbb, 0b0111, 0x4b}};
  for (const Row& row : kRows) {
    nested.bank.write(SMMU_CBn_MAIR0(row.mair));
    nested.change(nested.ipa, 0x3c, row.mem_attr << 2);
    EXPECT_EQ(translation_of(nested.translate(kAddress)).attributes.type, row.type)
        << row.mair << ' ' << row.mem_attr;
  }
}

// The output of stage 1 has IAS bits, and the input of stage 2 what T0SZ says.
TEST(Nested, LimitsIntermediateAddresses) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::IAS, OutputSize::k40Bits);
  Nested nested(config);
  nested.table.map(Iova(0x2000), Pa(0x100'0000'0000), 4096);
  EXPECT_THAT(nested.translate(Iova(0x2000)), Aborts());
  EXPECT_THAT(nested.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 3));
  Nested wide;
  wide.table.map(Iova(0x2000), Pa(0x100'0000'0000), 4096);
  EXPECT_THAT(wide.translate(Iova(0x2000)), Aborts());
  EXPECT_THAT(wide.bank.take_fault(), IsNoFault());
  EXPECT_EQ(wide.below.read<SMMU_CBn_IPAFAR>().raw(), 0x100'0000'0000U);
  EXPECT_EQ(wide.below.take_fault().status, 2U);
}

// Two guests with the same ASID and addresses, told apart by the VMID.
TEST(Nested, TellsGuestsApartByTheVmid) {
  for (const bool wide : {false, true}) {
    Nested nested;
    nested.rig.registers().global0().write(all_faults_abort().set(SMMU_sCR0::VMID16EN, wide));
    PageTable other = nested.rig.page_table({.t0sz = 24, .stage = 2});
    const Pa second = nested.rig.allocate(4096);
    other.map(Iova(0x4000'0000), Pa(0x4000'0000), 8 << 20);
    other.map(Iova(nested.ipa.value), second, 4096);
    const Bank below(nested.rig, 20);
    const Bank bank(nested.rig, 21);
    const unsigned vmid = wide ? 3 : 4;
    below.translate_stage2(other, vmid);
    bank.translate(nested.table, Bank::above(20, vmid));
    bank.set<SMMU_CBn_TTBR0_AArch64>(SMMU_CBn_TTBR0_AArch64::ASID, 0);
    for (const Bank* of : {&below, &bank}) {
      of->become(Bank::aarch64().set(SMMU_CBA2Rn::VMID16, 0x104));
    }
    bank.take(StreamId(6));
    const DmaDevice device = nested.rig.device(StreamId(6));
    for (int i = 0; i != 2; ++i) {
      EXPECT_THAT(nested.translate(kAddress), TranslatesTo(nested.page));
      EXPECT_THAT(device.translate(kAddress), TranslatesTo(second));
    }
    // By VMID, both stages of that guest alone.
    const auto invalidate = [&](unsigned of) {
      nested.rig.registers().global0().write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, of));
      nested.rig.registers().global0().write(SMMU_sTLBGSYNC());
    };
    store(nested.rig.memory(), nested.table.descriptor(kAddress), std::uint64_t{0});
    invalidate(wide ? 0x104 : 4);
    EXPECT_THAT(device.translate(kAddress), Aborts());
    EXPECT_THAT(nested.translate(kAddress), TranslatesTo(nested.page));
    invalidate(wide ? 0 : 3);
    EXPECT_THAT(nested.translate(kAddress), Aborts());
  }
}

// Every format of stage 1 above every format of stage 2.
TEST(Nested, PutsAArch32AboveEither) {
  for (const bool aarch64_below : {false, true}) {
    Nested nested;
    nested.stage2.map(Iova(0x1000'0000), nested.page, 4096);
    if (!aarch64_below) {
      nested.below.become(SMMU_CBA2Rn());
      using Tcr = SMMU_CBn_TCR_Stage2_AArch32;
      nested.below.write(Tcr().set(Tcr::T0SZ, 8).set(Tcr::S, true).set(Tcr::SL0, 1));
      // 40 bits from level 1: 1024 descriptors side by side, where the builder has a level above.
      const Pa root = nested.rig.allocate(0x2000, 0x2000);
      const std::uint64_t top = load(nested.rig.memory(), nested.stage2.root());
      for (std::uint64_t at = 0; at != 0x1000; at += 8) {
        store(nested.rig.memory(), Pa(root.value + at),
              load(nested.rig.memory(), Pa((top & 0xffff'ffff'f000) + at)));
      }
      nested.below.write(
          SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, root.value));
    }
    EXPECT_THAT(nested.translate(kAddress), TranslatesTo(nested.page));
    nested.invalidate_all();
    // Short descriptors: a Section of which stage 2 moves one page.
    ShortTable section(nested.rig);
    section.level1(0x1230'0000, 0x1000'0000 | 0b11U << 10 | 0b10);
    nested.bank.become(SMMU_CBA2Rn());
    nested.bank.write(SMMU_CBn_TCR_Short());
    nested.bank.page().write_low(SMMU_CBn_TTBR0_AArch64(section.root().value));
    EXPECT_THAT(nested.translate(Iova(0x1230'0123)), TranslatesTo(Pa(nested.page.value + 0x123)));
    EXPECT_THAT(nested.translate(Iova(0x1230'1000)), Aborts());
    EXPECT_THAT(nested.below.take_fault(), IsFault(SMMU_CBn_FSR::TF, 3));
    // Long ones.
    PageTable wide = nested.rig.page_table({.t0sz = 32});
    wide.map(Iova(0x1230'0000), nested.ipa, 4096);
    nested.bank.write(SMMU_CBn_TCR_Long().set(SMMU_CBn_TCR_Long::EAE, true));
    nested.bank.write(
        SMMU_CBn_TTBR0_Long().set(SMMU_CBn_TTBR0_Long::BaseAddress, wide.root().value));
    nested.invalidate_all();
    EXPECT_THAT(nested.translate(Iova(0x1230'0000)), TranslatesTo(nested.page));
  }
}

// The banks' own controls say what becomes of each fault.
TEST(Nested, TerminatesAsTheRecordingBankSays) {
  Nested nested;
  nested.below.set<Sctlr2>(Sctlr2::CFRE, false);
  nested.change(nested.ipa, kS2Read, 0);
  EXPECT_THAT(nested.translate(kAddress), IsRazWi());
  EXPECT_THAT(nested.translate(Iova(kAddress.value + 0x1000)), Aborts());
  nested.below.set<Sctlr2>(Sctlr2::CFRE, true);
  nested.bank.set<Sctlr>(Sctlr::CFRE, false);
  EXPECT_THAT(nested.translate(kAddress), Aborts());
  EXPECT_THAT(nested.translate(Iova(kAddress.value + 0x1000)), IsRazWi());
}

}  // namespace
}  // namespace smmu::testing::nested_test
