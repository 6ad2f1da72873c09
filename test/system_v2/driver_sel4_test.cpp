// What the kernel of seL4 does with an SMMUv2, built with stage 1 or, for hypervisors, with stage
// 2: user programs say which group, by its StreamID, leads to which bank, and ask for faults.
#include "test/system_v2/rig.h"

namespace smmu::testing::driver_sel4_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x11);  // and the number of its group
constexpr std::uint32_t kBank = 3;
constexpr std::uint32_t kAsid = 0x1e5;
constexpr Iova kAddress(0x789'abcd'e000);
constexpr Iova kMissing(kAddress.value + 4096);
constexpr std::uint32_t kMostPolls = 1000;

class SeL4 {
 public:
  enum class Build { kStage1, kStage2 };

  SeL4(V2Rig& rig, Build build) : build_(build), pages_(rig.registers()) {}

  // It takes any SMMU for what it is.
  void probe() {
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    matches_ = idr0[SMMU_IDR0::SMS];
    groups_ = matches_ ? idr0[SMMU_IDR0::NUMSMRG] : (1U << idr0[SMMU_IDR0::NUMSIDB]) - 1;
    banks_ = gr0_.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB];
    wide_vmids_ = gr0_.read<SMMU_IDR2>()[SMMU_IDR2::VMID16S];
  }

  void reset() {
    gr0_.write(SMMU_sGFSYNR0());
    gr0_.write(SMMU_sGFSYNR1());
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    using S2cr = SMMU_S2CRn_Translation;
    for (std::uint32_t i = 0; i != groups_; ++i) {
      gr0_.write(i, S2cr().set(S2cr::TYPE, StreamType::kTranslation));
    }
    if (matches_) {
      for (std::uint32_t i = 0; i != groups_; ++i) gr0_.write(i, SMMU_SMRn());
    }
    using Acr = SMMU_sACR_MMU500;
    const bool locks = gr0_.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] >= 2;
    auto auxiliary = gr0_.read<Acr>();
    if (locks) auxiliary.set(Acr::CACHE_LOCK, false);
    gr0_.write(auxiliary.set(Acr::S2CRB_TLBEN, true).set(Acr::SMTNMB_TLBEN, true));
    for (std::uint32_t n = 0; n != banks_; ++n) {
      const RegisterPage bank = pages_.bank(n);
      bank.write(SMMU_CBn_SCTLR());
      bank.write(SMMU_CBn_FAR());
      bank.write(all_faults());
      bank.write(bank.read<SMMU_CBn_ACTLR_MMU500>().set(SMMU_CBn_ACTLR_MMU500::CPRE, false));
    }
    gr0_.write(SMMU_TLBIALLH(~0U));
    gr0_.write(SMMU_TLBIALLNSNH(~0U));
    const auto control = gr0_.read<SMMU_sCR0>()
                             .set(SMMU_sCR0::GFRE, true)
                             .set(SMMU_sCR0::GFIE, true)
                             .set(SMMU_sCR0::GCFGFRE, true)
                             .set(SMMU_sCR0::GCFGFIE, true)
                             .set(SMMU_sCR0::USFCFG, true)
                             .set(SMMU_sCR0::SMCFCFG, true)
                             .set(SMMU_sCR0::VMIDPNE, true)
                             .set(SMMU_sCR0::PTM, false)
                             .set(SMMU_sCR0::FB, true)
                             .set(SMMU_sCR0::CLIENTPD, false);
    synchronize();
    gr0_.write(control);
  }

  void assign(std::uint32_t n, Pa tables, std::uint32_t asid) {
    gr1_.write(
        n,
        SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true).set(SMMU_CBA2Rn::VMID16, wide_vmids_ ? n : 0));
    if (build_ == Build::kStage1) {
      configure_stage1(n, tables, asid);
    } else {
      configure_stage2(n, tables);
    }
    pages_.bank(n).write(SMMU_CBn_SCTLR()
                             .set(SMMU_CBn_SCTLR::CFIE, true)
                             .set(SMMU_CBn_SCTLR::CFRE, true)
                             .set(SMMU_CBn_SCTLR::AFE, true)
                             .set(SMMU_CBn_SCTLR::TRE, true)
                             .set(SMMU_CBn_SCTLR::M, true));
  }
  void bind(StreamId stream, std::uint32_t n) {
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.write(stream.value, S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, n));
    if (!matches_) return;
    gr0_.write(stream.value,
               SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, stream.value));
  }
  void unbind(StreamId stream) {
    gr0_.write(stream.value, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
    if (matches_) gr0_.write(stream.value, SMMU_SMRn());
  }

  // These say whether the SMMU has answered in time; the kernel goes on all the same.
  bool invalidate_all() {
    if (build_ == Build::kStage1) {
      gr0_.write(SMMU_TLBIALLNSNH(~0U));
    } else {
      gr0_.write(SMMU_TLBIALLH(~0U));
    }
    return synchronize();
  }
  bool invalidate(std::uint32_t n, std::uint32_t asid) {
    if (build_ == Build::kStage1) {
      pages_.bank(n).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, asid));
      return synchronize(n);
    }
    gr0_.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, n));
    return synchronize();
  }
  bool invalidate(std::uint32_t n, std::uint32_t asid, Iova address) {
    if (build_ == Build::kStage1) {
      using Tlbi = SMMU_CBn_TLBIVA_AArch64;
      pages_.bank(n).write(Tlbi().set(Tlbi::ASID, asid).set(Tlbi::Address, address.value >> 12));
    } else {
      using Tlbi = SMMU_CBn_TLBIIPAS2;
      pages_.bank(n).write(Tlbi().set(Tlbi::Address, address.value >> 12));
    }
    return synchronize(n);
  }

  std::pair<SMMU_sGFSR, StreamId> global_fault() const {
    const auto status = gr0_.read<SMMU_sGFSR>();
    gr0_.read<SMMU_sGFSYNR0>();
    return {status, StreamId(gr0_.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID])};
  }
  void clear_global_fault() { gr0_.write(gr0_.read<SMMU_sGFSR>()); }
  std::pair<SMMU_CBn_FSR, Iova> context_fault(std::uint32_t n) const {
    const auto status = pages_.bank(n).read<SMMU_CBn_FSR>();
    return {status, Iova(pages_.bank(n).read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR])};
  }
  void clear_context_fault(std::uint32_t n) { pages_.bank(n).write(all_faults()); }

 private:
  // TCR2 after TCR, TTBR1 before TTBR0.
  void configure_stage1(std::uint32_t n, Pa tables, std::uint32_t asid) {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    using Tcr = SMMU_CBn_TCR_AArch64;
    using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n, Cbar()
                      .set(Cbar::TYPE, ContextType::kStage1Stage2Bypass)
                      .set(Cbar::BPSHCFG, ShareabilityConfig::kNonShareable)
                      .set(Cbar::MemAttr, 0xf));
    bank.write(
        Tcr().set(Tcr::SH0, Shareability::kOuter).set(Tcr::T0SZ, 64 - 48).set(Tcr::EPD1, true));
    bank.write(SMMU_CBn_TCR2()
                   .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits)
                   .set(SMMU_CBn_TCR2::SEP, SignBit::kUpstream)
                   .set(SMMU_CBn_TCR2::AS, true));
    bank.write(SMMU_CBn_TTBR1_AArch64());
    bank.write(Ttbr0().set(Ttbr0::ASID, asid).set(Ttbr0::BaseAddress, tables.value));
    bank.write(SMMU_CBn_MAIR0()
                   .set(SMMU_CBn_MAIR0::Attr1, 0x04)
                   .set(SMMU_CBn_MAIR0::Attr2, 0x0c)
                   .set(SMMU_CBn_MAIR0::Attr3, 0x44));
    bank.write(SMMU_CBn_MAIR1().set(SMMU_CBn_MAIR1::Attr4, 0xff));
  }
  void configure_stage2(std::uint32_t n, Pa tables) {
    using Cbar = SMMU_CBARn_Stage2;
    using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n,
               Cbar().set(Cbar::TYPE, ContextType::kStage2).set(Cbar::VMID, wide_vmids_ ? 0 : n));
    constexpr std::uint32_t kRes1 = 1U << 31;
    bank.write(Tcr(kRes1)
                   .set(Tcr::SH0, Shareability::kInner)
                   .set(Tcr::ORGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::IRGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::T0SZ, 64 - 44)
                   .set(Tcr::PASize, OutputSize::k44Bits)
                   .set(Tcr::SL0, 2));
    bank.write(SMMU_CBn_TTBR0_Stage2().set(SMMU_CBn_TTBR0_Stage2::BaseAddress, tables.value));
  }

  bool synchronize() {
    gr0_.write(SMMU_sTLBGSYNC(~0U));
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!gr0_.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]) return true;
    }
    return false;
  }
  bool synchronize(std::uint32_t n) {
    pages_.bank(n).write(SMMU_CBn_TLBSYNC(~0U));
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!pages_.bank(n).read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE]) return true;
    }
    return false;
  }

  Build build_;
  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  bool matches_ = false;
  bool wide_vmids_ = false;
  std::uint32_t groups_ = 0;
  std::uint32_t banks_ = 0;
};

using Build = SeL4::Build;
void PrintTo(Build build, std::ostream* out) {
  *out << (build == Build::kStage1 ? "stage 1" : "stage 2");
}

// The kernel after its start, with a stream that has a page.
struct Bound {
  explicit Bound(Build build, const SmmuV2Config& config = SmmuV2Config::mmu500_stratix10())
      : rig(config),
        kernel(rig, build),
        table(rig.page_table({.t0sz = build == Build::kStage1 ? 16U : 20U,
                              .stage = build == Build::kStage1 ? 1U : 2U})) {
    kernel.probe();
    kernel.reset();
    table.map(kAddress, page, 4096);
    kernel.assign(kBank, table.root(), kAsid);
    kernel.bind(kStream, kBank);
  }

  V2Rig rig;
  SeL4 kernel;
  PageTable table;
  Pa page = rig.allocate(4096);
};

class SeL4Driver : public ::testing::TestWithParam<Build> {};

TEST_P(SeL4Driver, TranslatesWhatAProgramHasBound) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    Bound bound(GetParam(), config);
    expect_reaches(bound.rig, bound.rig.device(kStream), kAddress, bound.page);
    EXPECT_TRUE(bound.rig.quiet());
  }
}

TEST_P(SeL4Driver, SeesANewPageOnceItHasInvalidatedTheOld) {
  Bound bound(GetParam());
  expect_stale_until(bound.rig, bound.rig.device(kStream), bound.table, kAddress, bound.page,
                     [&] { EXPECT_TRUE(bound.kernel.invalidate(kBank, kAsid, kAddress)); });
}

TEST_P(SeL4Driver, SeesNewTablesOnceItHasInvalidatedTheBank) {
  Bound bound(GetParam());
  expect_stale_until(bound.rig, bound.rig.device(kStream), bound.table, kAddress, bound.page,
                     [&] { EXPECT_TRUE(bound.kernel.invalidate(kBank, kAsid)); });
}

TEST_P(SeL4Driver, WaitsForABusyTlbAndNotForEver) {
  for (const std::uint32_t busy : {3U, kMostPolls - 1, kMostPolls}) {
    SmmuV2Config config = SmmuV2Config::mmu500_stratix10();
    config.busy_reads = busy;
    Bound bound(GetParam(), config);
    EXPECT_EQ(bound.kernel.invalidate(kBank, kAsid), busy < kMostPolls) << busy;
    EXPECT_EQ(bound.kernel.invalidate(kBank, kAsid, kAddress), busy < kMostPolls) << busy;
  }
}

TEST_P(SeL4Driver, TellsAProgramOfItsFaultAndClearsItWhenAsked) {
  Bound bound(GetParam());
  const DmaDevice device = bound.rig.device(kStream);
  EXPECT_THAT(device.translate(kMissing, Direction::kWrite), Aborts());
  EXPECT_TRUE(bound.rig.context_fault(kBank).up());
  const auto [status, address] = bound.kernel.context_fault(kBank);
  EXPECT_TRUE(status[SMMU_CBn_FSR::TF]);
  EXPECT_EQ(address, kMissing);
  EXPECT_TRUE(bound.rig.context_fault(kBank).up());
  EXPECT_THAT(device.translate(kAddress), Aborts()) << "HUPCF is 0 and a fault outstanding";
  bound.kernel.clear_context_fault(kBank);
  EXPECT_TRUE(bound.rig.quiet());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(bound.page));
}

TEST_P(SeL4Driver, TellsOfStreamsThatAreNotBound) {
  Bound bound(GetParam());
  bound.kernel.unbind(kStream);
  EXPECT_THAT(bound.rig.device(kStream).translate(kAddress), Aborts());
  EXPECT_TRUE(bound.rig.global_fault.up());
  const auto [status, stream] = bound.kernel.global_fault();
  EXPECT_EQ(status, SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_EQ(stream, kStream);
  bound.kernel.clear_global_fault();
  EXPECT_TRUE(bound.rig.quiet());
}

INSTANTIATE_TEST_SUITE_P(Builds, SeL4Driver, ::testing::Values(Build::kStage1, Build::kStage2));

TEST(SeL4DriverOfStage1, SeesNewTablesOnceItHasInvalidatedEverything) {
  Bound bound(Build::kStage1);
  expect_stale_until(bound.rig, bound.rig.device(kStream), bound.table, kAddress, bound.page,
                     [&] { EXPECT_TRUE(bound.kernel.invalidate_all()); });
}

// What the kernel takes for everything is of the hypervisor alone.
TEST(SeL4DriverOfStage2, KeepsEntriesWhenItInvalidatesThoseOfTheHypervisor) {
  Bound bound(Build::kStage2);
  const DmaDevice device = bound.rig.device(kStream);
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(bound.page));
  bound.table.unmap(kAddress);
  EXPECT_TRUE(bound.kernel.invalidate_all());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(bound.page));
}

}  // namespace
}  // namespace smmu::testing::driver_sel4_test
