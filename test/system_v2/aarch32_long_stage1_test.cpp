// Stage 1 of AArch32 with Long descriptors: ranges by T0SZ and T1SZ, addresses of 40 bits.
#include "test/system_v2/bank.h"

namespace smmu::testing::aarch32_long_stage1_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;
using Sctlr = SMMU_CBn_SCTLR;
using Tcr = SMMU_CBn_TCR_Long;
using Ttbr0 = SMMU_CBn_TTBR0_Long;
using Ttbr1 = SMMU_CBn_TTBR1_Long;

// Long descriptors are those of AArch64 with the 4 KiB granule, of 32 bits of address.
constexpr PageTable::Options of_size(unsigned txsz) { return {.t0sz = 32 + txsz}; }

struct Long : Translating {
  explicit Long(unsigned t0sz = 0, unsigned t1sz = 0, SmmuV2Config config = SmmuV2Config::generic())
      : Translating(V2Rig::Options{.config = config}, of_size(t0sz)),
        second(rig.page_table(of_size(t1sz))) {
    bank.become(SMMU_CBA2Rn());
    bank.write(Ttbr0().set(Ttbr0::BaseAddress, table.root().value));
    bank.write(Ttbr1().set(Ttbr1::BaseAddress, second.root().value));
    bank.write(Tcr().set(Tcr::EAE, true).set(Tcr::T0SZ, t0sz).set(Tcr::T1SZ, t1sz));
  }
  void invalidate() {
    bank.write(SMMU_CBn_TLBIALL());
    bank.write(SMMU_CBn_TLBSYNC());
  }
  void expect_fault(std::uint64_t address) {
    EXPECT_THAT(translate(Iova(address)), Aborts()) << std::hex << address;
    EXPECT_EQ(bank.take_fault().status, 2U);
  }
  PageTable second;
};

TEST(AArch32LongStage1, MapsBlocksAndPages) {
  Long stage1;
  stage1.table.map(Iova(0x4000'0000), Pa(0x12'4000'0000), 1 << 30);
  stage1.table.map(Iova(0x8020'0000), Pa(0xff'ffe0'0000), 1 << 21);
  stage1.table.map(Iova(0x8040'1000), Pa(0x3000), 4096);
  EXPECT_THAT(stage1.translate(Iova(0x7654'3210)), TranslatesTo(Pa(0x12'7654'3210)));
  EXPECT_THAT(stage1.translate(Iova(0x803f'ffff)), TranslatesTo(Pa(0xff'ffff'ffff)));
  EXPECT_THAT(stage1.translate(Iova(0x8040'1234)), TranslatesTo(Pa(0x3234)));
  EXPECT_THAT(stage1.translate(Iova(0xc000'0000)), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 1));
  EXPECT_THAT(stage1.translate(Iova(0x8060'0000)), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 2));
  EXPECT_THAT(stage1.translate(Iova(0x8040'0000)), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::TF, 3));
}

// Table G5-7: what each half has, of all pairs of T0SZ and T1SZ.
TEST(AArch32LongStage1, DividesTheRange) {
  for (unsigned t0sz = 0; t0sz != 8; ++t0sz) {
    for (unsigned t1sz = 0; t1sz != 8; ++t1sz) {
      SCOPED_TRACE(::testing::Message() << "T0SZ " << t0sz << ", T1SZ " << t1sz);
      Long stage1(t0sz, t1sz);
      constexpr std::uint64_t kAll = std::uint64_t{1} << 32;
      // The lower half ends there, the upper one begins there.
      const std::uint64_t lower_end = t0sz != 0   ? kAll >> t0sz
                                      : t1sz != 0 ? kAll - (kAll >> t1sz)
                                                  : kAll;
      const std::uint64_t upper_begin = t1sz != 0   ? kAll - (kAll >> t1sz)
                                        : t0sz != 0 ? kAll >> t0sz
                                                    : kAll;
      stage1.table.map(Iova(lower_end - 4096), Pa(0x1000), 4096);
      EXPECT_THAT(stage1.translate(Iova(lower_end - 1)), TranslatesTo(Pa(0x1fff)));
      if (upper_begin != kAll) {
        stage1.second.map(Iova(upper_begin), Pa(0x2000), 4096);
        stage1.second.map(Iova(kAll - 4096), Pa(0x3000), 4096);
        EXPECT_THAT(stage1.translate(Iova(upper_begin)), TranslatesTo(Pa(0x2000)));
        EXPECT_THAT(stage1.translate(Iova(kAll - 1)), TranslatesTo(Pa(0x3fff)));
      }
      if (lower_end < upper_begin) {
        stage1.expect_fault(lower_end);
        stage1.expect_fault(upper_begin - 1);
      }
      stage1.expect_fault(kAll);
      stage1.invalidate();
      stage1.bank.set<Tcr>(Tcr::EPD0, true);
      stage1.expect_fault(lower_end - 1);
      if (upper_begin != kAll) {
        EXPECT_THAT(stage1.translate(Iova(kAll - 1)), TranslatesTo(Pa(0x3fff)));
        stage1.invalidate();
        stage1.bank.set<Tcr>(Tcr::EPD1, true);
        stage1.expect_fault(kAll - 1);
      }
    }
  }
}

// What stands above 40 bits is an address that is too large.
TEST(AArch32LongStage1, HasAddressesOf40Bits) {
  Long stage1;
  stage1.table.map(Iova(0x1000), Pa(0x100'0000'0000), 4096);
  EXPECT_THAT(stage1.translate(Iova(0x1000)), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 3));
  stage1.bank.set<Ttbr0>(Ttbr0::BaseAddress, 0x100'0000'0000);
  EXPECT_THAT(stage1.translate(Iova(0x1000)), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 1));
}

// And what memory does not have, of tables as of what they lead to: OAS, or IAS above a stage 2.
TEST(AArch32LongStage1, RefusesAddressesThatAreTooLarge) {
  constexpr std::uint64_t kBeyond = 0x10'0000'0000;  // 36 bits
  for (const bool above_stage2 : {false, true}) {
    SCOPED_TRACE(above_stage2);
    SmmuV2Config config = SmmuV2Config::generic();
    if (above_stage2) {
      config.idr2.set(SMMU_IDR2::IAS, OutputSize::k36Bits);
    } else {
      config.idr2.set(SMMU_IDR2::OAS, OutputSize::k36Bits);
    }
    Long stage1(0, 0, config);
    Bank below(stage1.rig, 9);
    PageTable stage2 = stage1.rig.page_table({.t0sz = 28, .stage = 2});
    stage2.map(Iova(0), Pa(0), std::uint64_t{1} << 36);
    below.translate_stage2(stage2);
    if (above_stage2) stage1.bank.become(Bank::above(9));
    stage1.table.map(Iova(0x1000), Pa(kBeyond - 4096), 4096);
    stage1.table.map(Iova(0x2000), Pa(kBeyond), 4096);
    stage1.table.map(Iova(0x4000'0000), Pa(kBeyond), 1 << 30);
    EXPECT_THAT(stage1.translate(Iova(0x1000)), TranslatesTo(Pa(kBeyond - 4096)));
    EXPECT_THAT(stage1.translate(Iova(0x2000)), Aborts());
    EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 3));
    EXPECT_THAT(stage1.translate(Iova(0x4000'0000)), Aborts());
    EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 1));
    store(stage1.rig.memory(), stage1.table.descriptor(Iova(0x4000'0000)), kBeyond | 0b11);
    EXPECT_THAT(stage1.translate(Iova(0x4000'0000)), Aborts());
    EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 1));
    EXPECT_THAT(below.take_fault(), IsNoFault());
    stage1.bank.set<Ttbr0>(Ttbr0::BaseAddress, kBeyond);
    EXPECT_THAT(stage1.translate(Iova(0x3000)), Aborts());
    EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::ASF, 1));
  }
}

TEST(AArch32LongStage1, FaultsOfTheAccessFlag) {
  Long stage1;
  stage1.table.map(Iova(0x1000), Pa(0x5000), 4096, {.access_flag = false});
  EXPECT_THAT(stage1.translate(Iova(0x1000)), Aborts());
  EXPECT_THAT(stage1.bank.take_fault(), IsFault(SMMU_CBn_FSR::AFF, 3));
  stage1.bank.set<Sctlr>(Sctlr::AFFD, true);
  EXPECT_THAT(stage1.translate(Iova(0x1000)), TranslatesTo(Pa(0x5000)));
}

TEST(AArch32LongStage1, PermitsAndExecutes) {
  Long stage1;
  stage1.table.map(Iova(0x1000), Pa(0x5000), 4096, {.writable = false, .unprivileged = false});
  stage1.table.map(Iova(0x2000), Pa(0x6000), 4096);
  const auto may = [&](const DmaDevice& device, std::uint64_t address,
                       Direction direction = Direction::kRead) {
    return std::holds_alternative<emulator::Translation>(
        device.translate(Iova(address), direction));
  };
  const DmaDevice& user = stage1.device;
  EXPECT_FALSE(may(user, 0x1000));
  EXPECT_FALSE(may(user.fetching_instructions(), 0x1000)) << "to execute is to read";
  EXPECT_TRUE(may(user.privileged(), 0x1000));
  EXPECT_FALSE(may(user.privileged(), 0x1000, Direction::kWrite));
  EXPECT_TRUE(may(user, 0x2000, Direction::kWrite));
  EXPECT_TRUE(may(user.privileged().fetching_instructions(), 0x2000));
  stage1.bank.set<Sctlr>(Sctlr::UWXN, true);
  stage1.invalidate();
  EXPECT_FALSE(may(user.privileged().fetching_instructions(), 0x2000));
  EXPECT_TRUE(may(user.fetching_instructions(), 0x2000));
}

TEST(AArch32LongStage1, TagsByTheAsidOfEitherRegister) {
  Long stage1;
  const Pa page = stage1.rig.allocate(4096);
  stage1.bank.set<Ttbr0>(Ttbr0::ASID, 0x12);
  stage1.bank.set<Ttbr1>(Ttbr1::ASID, 0x56);
  for (const bool a1 : {false, true}) {
    stage1.bank.set<Tcr>(Tcr::A1, a1);
    stage1.table.map(Iova(0x1000), page, 4096);
    expect_stale_until(stage1.rig, stage1.device, stage1.table, Iova(0x1000), page, [&] {
      const auto invalidate = [&](unsigned asid) {
        stage1.bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, asid));
        stage1.bank.write(SMMU_CBn_TLBSYNC());
      };
      invalidate(a1 ? 0x12 : 0x56);
      EXPECT_THAT(stage1.translate(Iova(0x1000)), TranslatesTo(page));
      invalidate(a1 ? 0x56 : 0x12);
    });
  }
}

TEST(AArch32LongStage1, DescribesMemoryByMair) {
  Long stage1;
  stage1.bank.write(SMMU_CBn_MAIR1(0xbb00'0000));
  stage1.table.map(Iova(0x1000), Pa(0x5000), 4096);
  const Pa where = stage1.table.descriptor(Iova(0x1000));
  store(stage1.rig.memory(), where, load(stage1.rig.memory(), where) | 0b111U << 2);
  EXPECT_EQ(translation_of(stage1.translate(Iova(0x1000))).attributes,
            (MemoryAttributes{.type = 0xbb, .shareability = Shareability::kInner}));
}

TEST(AArch32LongStage1, ReadsBigEndianTables) {
  Long stage1;
  stage1.table.map(Iova(0), Pa(0x40'0000'0000), 1 << 30);
  store(stage1.rig.memory(), stage1.table.root(),
        __builtin_bswap64(load(stage1.rig.memory(), stage1.table.root())));
  stage1.bank.set<Sctlr>(Sctlr::E, true);
  EXPECT_THAT(stage1.translate(Iova(0x123'4567)), TranslatesTo(Pa(0x40'0123'4567)));
}

// HYPC without VA64: Long descriptors whatever EAE says, and the lower half alone.
TEST(AArch32LongStage1, IsWhatTheHypervisorHas) {
  Long stage1(1, 0);
  using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
  stage1.bank.become(SMMU_CBARn(Cbar(Bank::stage1_alone().raw()).set(Cbar::HYPC, true).raw()));
  stage1.bank.set<Tcr>(Tcr::EAE, false);
  stage1.table.map(Iova(0x1000), Pa(0x5000), 4096, {.unprivileged = false});
  EXPECT_THAT(stage1.translate(Iova(0x1000)), TranslatesTo(Pa(0x5000)));
  stage1.second.map(Iova(0x8000'0000), Pa(0x6000), 4096);
  stage1.expect_fault(0x8000'0000);
}

// NS and NSTable of what Secure banks read.
TEST(AArch32LongStage1, OfSecureBanksLeadsWhereNsSays) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  V2Rig rig(config);
  rig.secure_registers().global0().write(all_faults_abort());
  const Bank bank(rig, 100, SecurityState::kSecure);
  PageTable table = rig.page_table(of_size(0));
  table.map(Iova(0x1000), Pa(0x5000), 4096);
  table.map(Iova(0x4000'0000), Pa(0x4000'0000), 1 << 30);
  bank.become(Bank::stage1_alone());
  bank.write(Ttbr0().set(Ttbr0::BaseAddress, table.root().value));
  bank.write(Tcr().set(Tcr::EAE, true));
  bank.write(Bank::on());
  bank.take(StreamId(5));
  const DmaDevice device = rig.device(StreamId(5)).of(SecurityState::kSecure);
  const auto space = [&](std::uint64_t address) {
    bank.write(SMMU_CBn_TLBIALL());
    bank.write(SMMU_CBn_TLBSYNC());
    return translation_of(device.translate(Iova(address))).space;
  };
  const auto change = [&](Pa where, std::uint64_t bits) {
    store(rig.memory(), where, load(rig.memory(), where) | bits);
  };
  EXPECT_EQ(space(0x1000), SecurityState::kSecure);
  EXPECT_EQ(space(0x4000'0000), SecurityState::kSecure);
  change(table.descriptor(Iova(0x4000'0000)), 1U << 5);
  EXPECT_EQ(space(0x4000'0000), SecurityState::kNonSecure);
  change(table.root(), std::uint64_t{1} << 63);
  EXPECT_EQ(space(0x1000), SecurityState::kNonSecure);
}

}  // namespace
}  // namespace smmu::testing::aarch32_long_stage1_test
