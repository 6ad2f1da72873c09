// What Bao does with an SMMUv2: stage 2 with the tables of the processors, which must keep the TLBs
// of the SMMU in step with their own, and faults that stall for ever.
#include "test/system_v2/rig.h"

namespace smmu::testing::driver_bao_test {
namespace {

using emulator::BroadcastInvalidation;
using emulator::Outcome;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x3e9);
constexpr Vmid kVmid(1);
constexpr Iova kAddress(0x2345'6789'a000);
constexpr Iova kMissing(kAddress.value + 4096);
constexpr OutputSize kPhysicalSize = OutputSize::k48Bits;  // of the processors

class Bao {
 public:
  explicit Bao(V2Rig& rig) : pages_(rig.registers()) {}

  bool probe() {
    if (gr0_.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] != 2) return false;
    // It means to ask for stage 2.
    if (!gr0_.read<SMMU_IDR0>()[SMMU_IDR0::S1TS]) return false;
    if (!gr0_.read<SMMU_IDR0>()[SMMU_IDR0::SMS]) return false;
    if (!gr0_.read<SMMU_IDR0>()[SMMU_IDR0::BTM]) return false;
    if (!gr0_.read<SMMU_IDR2>()[SMMU_IDR2::PTFSv8_4kB]) return false;
    return gr0_.read<SMMU_IDR2>()[SMMU_IDR2::OAS] >= kPhysicalSize &&
           gr0_.read<SMMU_IDR2>()[SMMU_IDR2::IAS] >= kPhysicalSize;
  }

  void start() {
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    // It does not know whose copy it has just cleared.
    aliases_.write(aliases_.read<SMMU_sGFSR>());
    const std::uint32_t groups = gr0_.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG];
    for (std::uint32_t i = 0; i != groups; ++i) gr0_.write(i, SMMU_SMRn());
    const std::uint32_t banks = gr0_.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB];
    for (std::uint32_t n = 0; n != banks; ++n) {
      pages_.bank(n).write(SMMU_CBn_SCTLR_Stage2());
      pages_.bank(n).write(SMMU_CBn_FSR(~0U));
    }
    const auto before = gr0_.read<SMMU_sCR0>();
    gr0_.write(SMMU_sCR0()
                   .set(SMMU_sCR0::VMID16EN, before[SMMU_sCR0::VMID16EN])
                   .set(SMMU_sCR0::HYPMODE, before[SMMU_sCR0::HYPMODE])
                   .set(SMMU_sCR0::VMIDPNE, before[SMMU_sCR0::VMIDPNE])
                   .set(SMMU_sCR0::USFCFG, true)
                   .set(SMMU_sCR0::SMCFCFG, true));
  }

  // Gives a virtual machine a bank and a group, and each bit of the group a write of its own.
  std::uint32_t add(StreamId stream, Pa tables) {
    const std::uint32_t n = next_bank_++;
    configure_bank(n, tables);
    const std::uint32_t group = next_group_++;
    gr0_.write(group, SMMU_SMRn().set(SMMU_SMRn::MASK, 0));
    gr0_.write(group, gr0_.read<SMMU_SMRn>(group).set(SMMU_SMRn::ID, stream.value));
    gr0_.write(group, gr0_.read<SMMU_SMRn>(group).set(SMMU_SMRn::VALID, true));
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.read<S2cr>(group);
    gr0_.write(group, S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, n));
    return n;
  }

 private:
  void configure_bank(std::uint32_t n, Pa tables) {
    gr1_.write(n, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, kVmid.value));
    gr1_.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
    using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
    const RegisterPage bank = pages_.bank(n);
    bank.write(Tcr()
                   .set(Tcr::PASize, kPhysicalSize)
                   .set(Tcr::TG0, TG0::k4K)
                   .set(Tcr::ORGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::IRGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::T0SZ, 64 - address_bits(kPhysicalSize))
                   .set(Tcr::SH0, Shareability::kInner)
                   .set(Tcr::SL0, 2));
    bank.write(SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, tables.value));
    using Sctlr = SMMU_CBn_SCTLR_Stage2;
    bank.write(bank.read<Sctlr>().set(Sctlr::CFCFG, true).set(Sctlr::M, true));
  }

  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage aliases_ = pages_.non_secure_aliases();
  RegisterPage gr1_ = pages_.global1();
  std::uint32_t next_group_ = 0;
  std::uint32_t next_bank_ = 0;
};

// Bao after its start, with a virtual machine whose device reaches a page.
struct Added {
  explicit Added(const SmmuV2Config& config = SmmuV2Config::mmu500_zynqmp()) : rig(config) {
    EXPECT_TRUE(bao.probe());
    bao.start();
    table.map(kAddress, page, 4096);
    bank = bao.add(kStream, table.root());
  }

  V2Rig rig;
  Bao bao{rig};
  PageTable table = rig.page_table({.stage = 2});
  Pa page = rig.allocate(4096);
  std::uint32_t bank = 0;
};

TEST(BaoDriver, TranslatesWhatTheMachineHas) {
  for (const auto& config :
       {SmmuV2Config::generic(), SmmuV2Config::generic().without_secure_state(),
        SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    Added machine(config);
    expect_reaches(machine.rig, machine.rig.device(kStream), kAddress, machine.page);
    EXPECT_TRUE(machine.rig.quiet());
  }
}

// TLBI IPAS2E1IS.
TEST(BaoDriver, SeesANewPageOnceAProcessorHasInvalidatedTheOld) {
  Added machine;
  expect_stale_until(
      machine.rig, machine.rig.device(kStream), machine.table, kAddress, machine.page, [&] {
        machine.rig.smmu().invalidate({.stages = BroadcastInvalidation::Stages::kStage2,
                                       .vmid = kVmid,
                                       .address = kAddress.value});
        EXPECT_TRUE(machine.rig.smmu().synchronize_broadcasts());
      });
}

// TLBI VMALLS12E1IS.
TEST(BaoDriver, SeesNewTablesOnceAProcessorHasInvalidatedTheMachine) {
  Added machine;
  expect_stale_until(machine.rig, machine.rig.device(kStream), machine.table, kAddress,
                     machine.page, [&] {
                       machine.rig.smmu().invalidate(
                           {.stages = BroadcastInvalidation::Stages::kBoth, .vmid = kVmid});
                       EXPECT_TRUE(machine.rig.smmu().synchronize_broadcasts());
                     });
}

TEST(BaoDriver, IsNotDisturbedByWhatProcessorsDoToAnotherMachine) {
  Added machine;
  const DmaDevice device = machine.rig.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(machine.page));
  machine.table.unmap(kAddress);
  machine.rig.smmu().invalidate(
      {.stages = BroadcastInvalidation::Stages::kBoth, .vmid = Vmid(kVmid.value + 1)});
  EXPECT_TRUE(machine.rig.smmu().synchronize_broadcasts());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(machine.page));
}

TEST(BaoDriver, StallsWhatFaultsAndTellsNobody) {
  Added machine;
  Resumptions ends;
  const DmaDevice device = machine.rig.device(kStream, ends);
  const Outcome outcome = device.translate(kMissing);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_TRUE(machine.rig.quiet());
  EXPECT_EQ(ends.take(outcome), std::nullopt);
  const auto status = machine.rig.registers().bank(machine.bank).read<SMMU_CBn_FSR>();
  EXPECT_TRUE(status[SMMU_CBn_FSR::TF]);
  EXPECT_TRUE(status[SMMU_CBn_FSR::SS]);
}

TEST(BaoDriver, DropsWhatFaultsAndCannotStall) {
  Added machine;
  EXPECT_THAT(machine.rig.device(kStream).translate(kMissing), IsRazWi());
  EXPECT_TRUE(machine.rig.quiet());
}

TEST(BaoDriver, DropsWhatStreamsOfNoMachineAskFor) {
  Added machine;
  EXPECT_THAT(machine.rig.device(StreamId(0x3ea)).translate(kAddress), IsRazWi());
  EXPECT_TRUE(machine.rig.quiet());
  EXPECT_TRUE(machine.rig.registers().global0().read<SMMU_sGFSR>()[SMMU_sGFSR::USF]);
}

TEST(BaoDriver, RefusesAnSmmuItCannotUse) {
  expect_refused<Bao>(
      SmmuV2Config::mmu500_zynqmp(),
      {kRevision1,
       kNo4KGranule,
       kNoStage1,
       kNoMatching,
       {"no ear for what processors broadcast",
        [](SmmuV2Config& config) { config.idr0.set(SMMU_IDR0::BTM, false); }},
       {"fewer physical addresses than the processors have",
        [](SmmuV2Config& config) { config.idr2.set(SMMU_IDR2::OAS, OutputSize::k44Bits); }},
       {"fewer intermediate addresses than the processors have",
        [](SmmuV2Config& config) { config.idr2.set(SMMU_IDR2::IAS, OutputSize::k44Bits); }}});
}

}  // namespace
}  // namespace smmu::testing::driver_bao_test
