// What Xen does with an SMMUv2: stage 2 alone, with the tables that the processor has too, and all
// of a guest's translations thrown away whatever has changed.
#include "test/system_v2/rig.h"

namespace smmu::testing::driver_xen_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x2b0);
constexpr Iova kAddress(0x9234'5678'a000);
constexpr Iova kMissing(kAddress.value + 4096);
constexpr std::uint32_t kMostPolls = 1'000'000;

class Xen {
 public:
  struct ContextFault {
    SMMU_CBn_FSR status;
    SMMU_CBn_FSYNR0 syndrome;
    Iova address;
  };

  explicit Xen(V2Rig& rig) : Xen(rig, rig.context_fault_lines()) {}
  Xen(V2Rig& rig, std::uint32_t context_interrupts)
      : pages_(rig.registers()), context_interrupts_(context_interrupts) {}

  bool probe() {
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    if (!idr0[SMMU_IDR0::S2TS]) return false;
    stream_mask_ = (1U << idr0[SMMU_IDR0::NUMSIDB]) - 1;
    groups_ = stream_mask_ + 1;
    matches_ = idr0[SMMU_IDR0::SMS];
    if (matches_) {
      groups_ = idr0[SMMU_IDR0::NUMSMRG];
      if (groups_ == 0) return false;
      gr0_.write(0, SMMU_SMRn().set(SMMU_SMRn::ID, stream_mask_));
      stream_mask_ = gr0_.read<SMMU_SMRn>(0)[SMMU_SMRn::ID];
      gr0_.write(0, SMMU_SMRn().set(SMMU_SMRn::MASK, stream_mask_));
      mask_mask_ = gr0_.read<SMMU_SMRn>(0)[SMMU_SMRn::MASK];
    }
    const auto idr1 = gr0_.read<SMMU_IDR1>();
    banks_ = idr1[SMMU_IDR1::NUMCB];
    if (idr1[SMMU_IDR1::NUMS2CB] > banks_) return false;
    if (!gr0_.read<SMMU_IDR2>()[SMMU_IDR2::PTFSv8_4kB]) return false;
    return banks_ == context_interrupts_;
  }
  std::uint32_t stream_mask() const { return stream_mask_; }
  std::uint32_t mask_mask() const { return mask_mask_; }

  void reset() {
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    for (std::uint32_t i = 0; i != groups_; ++i) {
      gr0_.write(i, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
      if (matches_) gr0_.write(i, SMMU_SMRn());
    }
    for (std::uint32_t i = 0; i != banks_; ++i) {
      pages_.bank(i).write(SMMU_CBn_SCTLR_Stage2());
      pages_.bank(i).write(all_faults());
    }
    gr0_.write(SMMU_STLBIALL());  // to which it has no right
    gr0_.write(SMMU_TLBIALLH());
    gr0_.write(SMMU_TLBIALLNSNH());
    auto control = gr0_.read<SMMU_sCR0>();
    control.set(SMMU_sCR0::GFRE, true)
        .set(SMMU_sCR0::GFIE, true)
        .set(SMMU_sCR0::GCFGFRE, true)
        .set(SMMU_sCR0::GCFGFIE, true)
        .set(SMMU_sCR0::VMIDPNE, true)
        .set(SMMU_sCR0::PTM, true)
        .set(SMMU_sCR0::CLIENTPD, false)
        .set(SMMU_sCR0::USFCFG, true)
        .set(SMMU_sCR0::FB, false)
        .set(SMMU_sCR0::BSU, BarrierUpgrade::kNone);
    synchronize();
    gr0_.write(control);
  }

  // Gives a guest a bank, which is returned, and a stream of a device of its own.
  std::uint32_t assign(StreamId stream, Pa tables) {
    const std::uint32_t group = next_group_++;
    gr0_.write(group, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
    gr0_.write(group, SMMU_SMRn().set(SMMU_SMRn::ID, stream.value).set(SMMU_SMRn::VALID, true));
    const std::uint32_t n = next_bank_++;
    configure_bank(n, tables);
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.write(group, S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, n));
    return n;
  }
  void deassign(std::uint32_t n) {
    gr0_.write(next_group_ - 1, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
    gr0_.write(next_group_ - 1, SMMU_SMRn());
    pages_.bank(n).write(SMMU_CBn_SCTLR_Stage2());
    invalidate(n);
  }

  // False: the driver has given up.
  bool invalidate(std::uint32_t n) {
    gr0_.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, n + 1));
    return synchronize();
  }
  bool synchronize() {
    gr0_.write(SMMU_sTLBGSYNC());
    std::uint32_t polls = 0;
    while (gr0_.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]) {
      if (++polls == kMostPolls) return false;
    }
    return true;
  }

  std::optional<ContextFault> handle_context_fault(std::uint32_t n) {
    const RegisterPage bank = pages_.bank(n);
    const auto status = bank.read<SMMU_CBn_FSR>();
    if ((status.raw() & all_faults().raw()) == 0) return std::nullopt;
    const auto syndrome = bank.read<SMMU_CBn_FSYNR0>();
    const auto address = bank.read_low_then_high<SMMU_CBn_FAR>();
    bank.write(status);
    return ContextFault{status, syndrome, Iova(address[SMMU_CBn_FAR::FADDR])};
  }
  std::optional<SMMU_sGFSR> handle_global_fault() {
    const auto status = gr0_.read<SMMU_sGFSR>();
    gr0_.read<SMMU_sGFSYNR0>();
    gr0_.read<SMMU_sGFSYNR1>();
    gr0_.read<SMMU_sGFSYNR2>();
    if (status.raw() == 0) return std::nullopt;
    gr0_.write(status);
    return status;
  }

 private:
  // The TTBR before the TCR, and by words.
  void configure_bank(std::uint32_t n, Pa tables) {
    gr1_.write(n, SMMU_CBARn_Stage2()
                      .set(SMMU_CBARn_Stage2::TYPE, ContextType::kStage2)
                      .set(SMMU_CBARn_Stage2::VMID, n + 1));
    gr1_.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
    const RegisterPage bank = pages_.bank(n);
    bank.write_low_then_high(
        SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, tables.value));
    using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
    constexpr std::uint32_t kRes1 = 1U << 31;
    bank.write(Tcr(kRes1)
                   .set(Tcr::TG0, TG0::k4K)
                   .set(Tcr::T0SZ, 64 - 48)
                   .set(Tcr::PASize, OutputSize::k48Bits)
                   .set(Tcr::SH0, Shareability::kInner)
                   .set(Tcr::ORGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::IRGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::SL0, 2));
    using Sctlr = SMMU_CBn_SCTLR_Stage2;
    bank.write(Sctlr()
                   .set(Sctlr::CFIE, true)
                   .set(Sctlr::CFRE, true)
                   .set(Sctlr::M, true)
                   .set(Sctlr::AFE, true)
                   .set(Sctlr::TRE, true));
  }

  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  std::uint32_t context_interrupts_;
  bool matches_ = false;
  std::uint32_t stream_mask_ = 0;
  std::uint32_t mask_mask_ = 0;
  std::uint32_t groups_ = 0;
  std::uint32_t banks_ = 0;
  std::uint32_t next_group_ = 0;
  std::uint32_t next_bank_ = 0;
};

// Xen after its start, with a guest whose device reaches a page.
struct Assigned {
  explicit Assigned(const SmmuV2Config& config = SmmuV2Config::mmu500_zynqmp()) : rig(config) {
    EXPECT_TRUE(xen.probe());
    xen.reset();
    table.map(kAddress, page, 4096);
    bank = xen.assign(kStream, table.root());
  }

  V2Rig rig;
  Xen xen{rig};
  PageTable table = rig.page_table({.stage = 2});
  Pa page = rig.allocate(4096);
  std::uint32_t bank = 0;
};

TEST(XenDriver, TranslatesWhatTheGuestHas) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    Assigned guest(config);
    expect_reaches(guest.rig, guest.rig.device(kStream), kAddress, guest.page);
    EXPECT_TRUE(guest.rig.quiet());
  }
}

TEST(XenDriver, SeesNewTablesOnceItHasInvalidated) {
  for (const std::uint32_t busy : {0U, 3U}) {
    SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
    config.busy_reads = busy;
    Assigned guest(config);
    expect_stale_until(guest.rig, guest.rig.device(kStream), guest.table, kAddress, guest.page,
                       [&] { EXPECT_TRUE(guest.xen.invalidate(guest.bank)); });
  }
}

TEST(XenDriver, GivesUpOnATlbThatStaysBusyForASecond) {
  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  config.busy_reads = kMostPolls;
  V2Rig rig(config);
  EXPECT_FALSE(Xen(rig).synchronize());
}

TEST(XenDriver, ReportsAContextFaultAndGoesOn) {
  Assigned guest;
  const DmaDevice device = guest.rig.device(kStream);
  EXPECT_FALSE(guest.xen.handle_context_fault(guest.bank));
  EXPECT_THAT(device.translate(kMissing, Direction::kWrite), Aborts());
  EXPECT_TRUE(guest.rig.context_fault(guest.bank).up());
  const auto fault = guest.xen.handle_context_fault(guest.bank);
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->status[SMMU_CBn_FSR::TF]);
  EXPECT_TRUE(fault->syndrome[SMMU_CBn_FSYNR0::WNR]);
  EXPECT_FALSE(fault->syndrome[SMMU_CBn_FSYNR0::NESTED]);
  EXPECT_EQ(fault->syndrome[SMMU_CBn_FSYNR0::PLVL], 3U);
  EXPECT_EQ(fault->address, kMissing);
  EXPECT_EQ(guest.rig.registers().bank(guest.bank).read<SMMU_CBn_IPAFAR>()[SMMU_CBn_IPAFAR::FADDR],
            kMissing.value);
  EXPECT_TRUE(guest.rig.quiet());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(guest.page));
}

TEST(XenDriver, ReportsAWriteThatTheGuestMayNotMake) {
  Assigned guest;
  guest.table.map(kMissing, guest.page, 4096, {.writable = false});
  const DmaDevice device = guest.rig.device(kStream);
  EXPECT_THAT(device.translate(kMissing), TranslatesTo(guest.page));
  EXPECT_THAT(device.translate(kMissing, Direction::kWrite), Aborts());
  const auto fault = guest.xen.handle_context_fault(guest.bank);
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->status[SMMU_CBn_FSR::PF]);
  EXPECT_FALSE(fault->status[SMMU_CBn_FSR::TF]);
}

TEST(XenDriver, ReportsDevicesThatNoGuestHas) {
  Assigned guest;
  guest.xen.deassign(guest.bank);
  EXPECT_THAT(guest.rig.device(kStream).translate(kAddress), Aborts());
  EXPECT_TRUE(guest.rig.global_fault.up());
  EXPECT_EQ(guest.xen.handle_global_fault(), SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_EQ(guest.xen.handle_global_fault(), std::nullopt);
  EXPECT_TRUE(guest.rig.quiet());
}

TEST(XenDriver, FindsTheStreamIdsOutBeforeItEnablesThem) {
  for (const std::uint32_t bits : {15U, 10U}) {
    SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
    config.idr0.set(SMMU_IDR0::NUMSIDB, bits);
    V2Rig rig(config);
    Xen xen(rig);
    EXPECT_TRUE(xen.probe());
    EXPECT_EQ(xen.stream_mask(), (1U << bits) - 1);
    EXPECT_EQ(xen.mask_mask(), (1U << bits) - 1);
  }
}

TEST(XenDriver, RefusesAnSmmuItCannotUse) {
  expect_refused<Xen>(SmmuV2Config::mmu500_zynqmp(), {kNoStage2, kNoGroup, kNo4KGranule});
}

TEST(XenDriver, WantsAnInterruptForEachBankAndNoMore) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  EXPECT_TRUE(Xen(rig, 16).probe());
  EXPECT_FALSE(Xen(rig, 15).probe());
  EXPECT_FALSE(Xen(rig, 17).probe());
}

}  // namespace
}  // namespace smmu::testing::driver_xen_test
