// What Jailhouse does with an MMU-500: a bank for each cell, with its number and the tables of its
// processors, and no answer to faults.
#include "test/system_v2/rig.h"

namespace smmu::testing::driver_jailhouse_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr std::uint32_t kRootCell = 0;
constexpr std::uint32_t kCell = 2;
constexpr Iova kAddress(0x9234'5678'a000);
constexpr Iova kMissing(kAddress.value + 4096);
constexpr std::uint32_t kMostPolls = 1'000'000;
constexpr OutputSize kPhysicalSize = OutputSize::k48Bits;  // of the processors

class Jailhouse {
 public:
  explicit Jailhouse(V2Rig& rig) : pages_(rig.registers()) {}

  bool probe() {
    if (gr0_.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] != 2) return false;
    if (!gr0_.read<SMMU_sCR0>()[SMMU_sCR0::CLIENTPD]) return false;  // it is in use
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    if (!idr0[SMMU_IDR0::S2TS]) return false;
    matches_ = idr0[SMMU_IDR0::SMS];
    groups_ = matches_ ? idr0[SMMU_IDR0::NUMSMRG] : 1U << idr0[SMMU_IDR0::NUMSIDB];
    if (groups_ == 0) return false;
    const auto idr1 = gr0_.read<SMMU_IDR1>();
    banks_ = idr1[SMMU_IDR1::NUMCB];
    if (idr1[SMMU_IDR1::NUMS2CB] > banks_) return false;
    const auto idr2 = gr0_.read<SMMU_IDR2>();
    return idr2[SMMU_IDR2::IAS] >= kPhysicalSize && idr2[SMMU_IDR2::OAS] >= kPhysicalSize &&
           idr2[SMMU_IDR2::PTFSv8_4kB];
  }

  // False, as elsewhere: the SMMU does not answer.
  bool reset() {
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    for (std::uint32_t i = 0; i != groups_; ++i) {
      if (matches_) gr0_.write(i, SMMU_SMRn());
      gr0_.write(i, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
    }
    using Acr = SMMU_sACR_MMU500;
    gr0_.write(gr0_.read<Acr>()
                   .set(Acr::CACHE_LOCK, false)
                   .set(Acr::SMTNMB_TLBEN, true)
                   .set(Acr::S2CRB_TLBEN, true));
    for (std::uint32_t n = 0; n != banks_; ++n) {
      const RegisterPage bank = pages_.bank(n);
      bank.write(SMMU_CBn_SCTLR_Stage2());
      bank.write(all_faults());
      bank.write(bank.read<SMMU_CBn_ACTLR_MMU500>().set(SMMU_CBn_ACTLR_MMU500::CPRE, false));
    }
    gr0_.write(SMMU_TLBIALLH());
    gr0_.write(SMMU_TLBIALLNSNH());
    return synchronize();
  }

  bool start_cell(std::uint32_t cell, StreamId stream, Pa tables) {
    configure_bank(cell, tables);
    group_of_stream_ = next_group_++;
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.write(group_of_stream_,
               S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, cell));
    gr0_.write(group_of_stream_,
               SMMU_SMRn().set(SMMU_SMRn::ID, stream.value).set(SMMU_SMRn::VALID, true));
    return invalidate(cell);
  }
  // When the root cell is ready.
  void commit() {
    gr0_.write(SMMU_sCR0()
                   .set(SMMU_sCR0::GFRE, true)
                   .set(SMMU_sCR0::GFIE, true)
                   .set(SMMU_sCR0::GCFGFRE, true)
                   .set(SMMU_sCR0::GCFGFIE, true)
                   .set(SMMU_sCR0::VMIDPNE, true)
                   .set(SMMU_sCR0::PTM, true)
                   .set(SMMU_sCR0::USFCFG, true));
  }
  // The stream goes back to the root cell if it was once its own.
  void stop_cell(std::uint32_t cell, bool streams_of_root) {
    if (streams_of_root) {
      using S2cr = SMMU_S2CRn_Translation;
      gr0_.write(group_of_stream_,
                 S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, kRootCell));
    } else {
      gr0_.write(group_of_stream_, SMMU_SMRn());
      gr0_.write(group_of_stream_, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
    }
    pages_.bank(cell).write(SMMU_CBn_SCTLR_Stage2());
    invalidate(cell);
  }
  bool invalidate(std::uint32_t cell) {
    gr0_.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, cell));
    return synchronize();
  }
  bool synchronize() {
    gr0_.write(SMMU_sTLBGSYNC());
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!gr0_.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]) return true;
    }
    return false;
  }
  void shut_down() { gr0_.write(SMMU_sCR0().set(SMMU_sCR0::CLIENTPD, true)); }

  void configure_bank(std::uint32_t n, Pa tables) {
    gr1_.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
    gr1_.write(n, SMMU_CBARn_Stage2()
                      .set(SMMU_CBARn_Stage2::TYPE, ContextType::kStage2)
                      .set(SMMU_CBARn_Stage2::VMID, n));
    using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
    const RegisterPage bank = pages_.bank(n);
    bank.write(Tcr()
                   .set(Tcr::T0SZ, 64 - address_bits(kPhysicalSize))
                   .set(Tcr::SL0, 2)
                   .set(Tcr::IRGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::ORGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::SH0, Shareability::kInner)
                   .set(Tcr::PASize, kPhysicalSize));
    bank.write(SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, tables.value));
    using Sctlr = SMMU_CBn_SCTLR_Stage2;
    bank.write(Sctlr()
                   .set(Sctlr::CFIE, true)
                   .set(Sctlr::CFRE, true)
                   .set(Sctlr::AFE, true)
                   .set(Sctlr::TRE, true)
                   .set(Sctlr::M, true));
  }

 private:
  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  bool matches_ = false;
  std::uint32_t groups_ = 0;
  std::uint32_t banks_ = 0;
  std::uint32_t next_group_ = 0;
  std::uint32_t group_of_stream_ = 0;
};

// Jailhouse after its start, with a cell whose device reaches a page.
struct Running {
  explicit Running(const SmmuV2Config& config = SmmuV2Config::mmu500_zynqmp()) : rig(config) {
    EXPECT_TRUE(jailhouse.probe());
    EXPECT_TRUE(jailhouse.reset());
    jailhouse.configure_bank(kRootCell, root_table.root());
    jailhouse.commit();
    table.map(kAddress, page, 4096);
    EXPECT_TRUE(jailhouse.start_cell(kCell, kStream, table.root()));
  }

  V2Rig rig;
  Jailhouse jailhouse{rig};
  PageTable root_table = rig.page_table({.stage = 2});
  PageTable table = rig.page_table({.stage = 2});
  Pa page = rig.allocate(4096);
};

TEST(JailhouseDriver, TranslatesWhatACellHas) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    Running cell(config);
    expect_reaches(cell.rig, cell.rig.device(kStream), kAddress, cell.page);
    EXPECT_TRUE(cell.rig.quiet());
  }
}

TEST(JailhouseDriver, SeesNewTablesOnceItHasInvalidated) {
  Running cell;
  expect_stale_until(cell.rig, cell.rig.device(kStream), cell.table, kAddress, cell.page,
                     [&] { EXPECT_TRUE(cell.jailhouse.invalidate(kCell)); });
}

TEST(JailhouseDriver, LeavesNothingOfACellToTheNextOfItsNumber) {
  Running cell;
  const DmaDevice device = cell.rig.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(cell.page));
  cell.jailhouse.stop_cell(kCell, false);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  PageTable next = cell.rig.page_table({.stage = 2});
  const Pa other = cell.rig.allocate(4096);
  next.map(kMissing, other, 4096);
  EXPECT_TRUE(cell.jailhouse.start_cell(kCell, kStream, next.root()));
  EXPECT_THAT(device.translate(kMissing), TranslatesTo(other));
  EXPECT_THAT(device.translate(kAddress), Aborts());
}

TEST(JailhouseDriver, GivesAStreamBackToTheRootCell) {
  Running cell;
  const DmaDevice device = cell.rig.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(cell.page));
  const Pa other = cell.rig.allocate(4096);
  cell.root_table.map(kAddress, other, 4096);
  cell.jailhouse.stop_cell(kCell, true);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(other));
}

TEST(JailhouseDriver, WaitsForABusyTlbAndNotForEver) {
  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  config.busy_reads = 3;
  Running cell(config);
  EXPECT_TRUE(cell.jailhouse.invalidate(kCell));
  config.busy_reads = kMostPolls;
  V2Rig rig(config);
  EXPECT_FALSE(Jailhouse(rig).synchronize());
}

TEST(JailhouseDriver, HasAFaultThatNobodyAnswersUntilTheCellEnds) {
  Running cell;
  const DmaDevice device = cell.rig.device(kStream);
  EXPECT_THAT(device.translate(kMissing, Direction::kWrite), Aborts());
  EXPECT_THAT(device.translate(kAddress), Aborts()) << "HUPCF is 0 and a fault outstanding";
  EXPECT_TRUE(cell.rig.context_fault(kCell).up());
  EXPECT_FALSE(cell.rig.global_fault.up());
  cell.jailhouse.stop_cell(kCell, false);
  EXPECT_TRUE(cell.rig.quiet());
}

TEST(JailhouseDriver, BlocksStreamsOfNoCell) {
  Running cell;
  EXPECT_THAT(cell.rig.device(StreamId(0x124)).translate(kAddress), Aborts());
  EXPECT_TRUE(cell.rig.global_fault.up());
}

TEST(JailhouseDriver, LetsEverythingPassWhenItIsShutDown) {
  Running cell;
  const DmaDevice device = cell.rig.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(cell.page));
  cell.jailhouse.shut_down();
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
}

TEST(JailhouseDriver, RefusesAnSmmuThatIsInUse) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  const RegisterPage gr0 = rig.registers().global0();
  EXPECT_TRUE(Jailhouse(rig).probe());
  gr0.write(gr0.read<SMMU_sCR0>().set(SMMU_sCR0::CLIENTPD, false));
  EXPECT_FALSE(Jailhouse(rig).probe());
}

TEST(JailhouseDriver, RefusesAnSmmuItCannotUse) {
  expect_refused<Jailhouse>(
      SmmuV2Config::mmu500_zynqmp(),
      {kRevision1,
       kNoStage2,
       kNoGroup,
       kNo4KGranule,
       {"fewer intermediate addresses than the processors have",
        [](SmmuV2Config& config) { config.idr2.set(SMMU_IDR2::IAS, OutputSize::k44Bits); }},
       {"fewer physical addresses than the processors have",
        [](SmmuV2Config& config) { config.idr2.set(SMMU_IDR2::OAS, OutputSize::k44Bits); }}});
}

}  // namespace
}  // namespace smmu::testing::driver_jailhouse_test
