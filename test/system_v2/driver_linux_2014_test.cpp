// What the driver of Linux 3.14 does with an SMMUv2, register by register: 39-bit tables shared
// with the format of the processor, registers of 64 bits by words with the low one first, and
// faults that stall until the handler has seen them.
#include "test/system_v2/rig.h"

namespace smmu::testing::driver_linux_2014_test {
namespace {

using emulator::Direction;
using emulator::Outcome;
using emulator::SmmuV2Config;
using namespace v2;  // most of the registers are written here

constexpr StreamId kStream(0x41);
constexpr Iova kAddress(0x12'3456'7000);
constexpr Iova kMissing(kAddress.value + 4096);
// TLB_LOOP_TIMEOUT: with a microsecond between them, a second.
constexpr std::uint32_t kMostPolls = 1'000'000;

class Linux2014 {
 public:
  struct ContextFault {
    SMMU_CBn_FSR status;
    Iova address;
    Direction direction;
  };
  struct GlobalFault {
    SMMU_sGFSR status;
    StreamId stream;
  };
  // What the owner of the domain says to a fault.
  enum class Verdict { kHandled, kUnknown };

  explicit Linux2014(V2Rig& rig) : Linux2014(rig, rig.context_fault_lines()) {}
  Linux2014(V2Rig& rig, std::uint32_t context_interrupts)
      : pages_(rig.registers()), context_interrupts_(context_interrupts) {}

  bool probe() {
    v1_ = gr0_.read<SMMU_PIDR2>()[SMMU_PIDR2::REVISION] == ArchitectureRevision::kSMMUv1;
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    if (!idr0[SMMU_IDR0::S1TS] && !idr0[SMMU_IDR0::S2TS] && !idr0[SMMU_IDR0::NTS]) return false;
    if (idr0[SMMU_IDR0::SMS]) {
      groups_ = idr0[SMMU_IDR0::NUMSMRG];
      if (groups_ == 0 || !masks_cover_ids()) return false;
    }
    const auto idr1 = gr0_.read<SMMU_IDR1>();
    banks_ = idr1[SMMU_IDR1::NUMCB];
    next_bank_ = idr1[SMMU_IDR1::NUMS2CB];
    if (next_bank_ > banks_) return false;
    if (!v1_ && !gr0_.read<SMMU_IDR2>()[SMMU_IDR2::PTFSv8_4kB]) return false;
    return v1_ || banks_ == context_interrupts_;
  }

  void reset() {
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    for (std::uint32_t i = 0; i != groups_; ++i) {
      gr0_.write(i, SMMU_SMRn(~SMMU_SMRn().set(SMMU_SMRn::VALID, true).raw()));
      gr0_.write(i, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kBypass));
    }
    for (std::uint32_t i = 0; i != banks_; ++i) {
      pages_.bank(i).write(SMMU_CBn_SCTLR());
      pages_.bank(i).write(all_faults());
    }
    gr0_.write(SMMU_STLBIALL());
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
        .set(SMMU_sCR0::USFCFG, false)
        .set(SMMU_sCR0::FB, false)
        .set(SMMU_sCR0::BSU, BarrierUpgrade::kNone);
    synchronize();
    gr0_.write(control);
  }

  // Gives the stream a bank of its own, which is returned.
  std::uint32_t attach(StreamId stream, Pa tables) {
    const std::uint32_t n = next_bank_++;
    configure_bank(n, tables);
    const std::uint32_t group = next_group_++;
    gr0_.write(group, SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, stream.value));
    gr0_.write(group, SMMU_S2CRn_Translation()
                          .set(SMMU_S2CRn_Translation::TYPE, StreamType::kTranslation)
                          .set(SMMU_S2CRn_Translation::CBNDX, n));
    return n;
  }

  // After any change to a domain's tables.  False: the driver has given up.
  bool invalidate(std::uint32_t n) {
    pages_.bank(n).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, n));
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

  std::optional<ContextFault> handle_context_fault(std::uint32_t n, Verdict verdict) {
    const RegisterPage bank = pages_.bank(n);
    const auto status = bank.read<SMMU_CBn_FSR>();
    if ((status.raw() & all_faults().raw()) == 0) return std::nullopt;
    const auto syndrome = bank.read<SMMU_CBn_FSYNR0>();
    const auto address = bank.read_low_then_high<SMMU_CBn_FAR>();
    bank.write(status);
    if (status[SMMU_CBn_FSR::SS]) {
      bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, verdict == Verdict::kUnknown));
    }
    return ContextFault{status, Iova(address[SMMU_CBn_FAR::FADDR]),
                        syndrome[SMMU_CBn_FSYNR0::WNR] ? Direction::kWrite : Direction::kRead};
  }
  std::optional<GlobalFault> handle_global_fault() {
    const auto status = gr0_.read<SMMU_sGFSR>();
    if (status.raw() == 0) return std::nullopt;
    gr0_.read<SMMU_sGFSYNR0>();
    const auto syndrome = gr0_.read<SMMU_sGFSYNR1>();
    gr0_.read<SMMU_sGFSYNR2>();
    gr0_.write(status);
    return GlobalFault{status, StreamId(syndrome[SMMU_sGFSYNR1::StreamID])};
  }

 private:
  // The groups are matched by mask if a mask can have each bit that an ID can.
  bool masks_cover_ids() {
    gr0_.write(0, SMMU_SMRn().set(SMMU_SMRn::MASK, 0x7fff).set(SMMU_SMRn::ID, 0x7fff));
    const auto stuck = gr0_.read<SMMU_SMRn>(0);
    return (stuck[SMMU_SMRn::ID] & ~stuck[SMMU_SMRn::MASK]) == 0;
  }

  void configure_bank(std::uint32_t n, Pa tables) {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    gr1_.write(n, Cbar().set(Cbar::TYPE, ContextType::kStage1Stage2Bypass).set(Cbar::MemAttr, 0xf));
    gr1_.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
    const RegisterPage bank = pages_.bank(n);
    bank.write(SMMU_CBn_TCR2()
                   .set(SMMU_CBn_TCR2::SEP, SignBit::k39)
                   .set(SMMU_CBn_TCR2::PASize, OutputSize::k40Bits));
    bank.write_low_then_high(SMMU_CBn_TTBR0_AArch64()
                                 .set(SMMU_CBn_TTBR0_AArch64::BaseAddress, tables.value)
                                 .set(SMMU_CBn_TTBR0_AArch64::ASID, n));
    // Bit 31 is EAE to the driver, and means granules of 4 KiB in the other half.  That half is
    // left enabled.
    using Tcr = SMMU_CBn_TCR_AArch64;
    bank.write(Tcr()
                   .set(Tcr::TG0, TG0::k4K)
                   .set(Tcr::T0SZ, 64 - 39)
                   .set(Tcr::SH0, Shareability::kInner)
                   .set(Tcr::ORGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::IRGN0, WalkCacheability::kWriteBackReadWriteAllocate)
                   .set(Tcr::TG1, TG1::k4K));
    bank.write(SMMU_CBn_MAIR0()
                   .set(SMMU_CBn_MAIR0::Attr0, 0x44)
                   .set(SMMU_CBn_MAIR0::Attr1, 0xff)
                   .set(SMMU_CBn_MAIR0::Attr2, 0x04));
    bank.write(SMMU_CBn_SCTLR()
                   .set(SMMU_CBn_SCTLR::CFCFG, true)
                   .set(SMMU_CBn_SCTLR::CFIE, true)
                   .set(SMMU_CBn_SCTLR::CFRE, true)
                   .set(SMMU_CBn_SCTLR::M, true)
                   .set(SMMU_CBn_SCTLR::AFE, true)
                   .set(SMMU_CBn_SCTLR::TRE, true)
                   .set(SMMU_CBn_SCTLR::ASIDPNE, true));
  }

  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  std::uint32_t context_interrupts_;
  bool v1_ = false;
  std::uint32_t groups_ = 0;
  std::uint32_t banks_ = 0;
  std::uint32_t next_group_ = 0;
  std::uint32_t next_bank_ = 0;
};

// The driver after its start, with a stream that has a page.
struct Attached {
  explicit Attached(const SmmuV2Config& config = SmmuV2Config::generic()) : rig(config) {
    EXPECT_TRUE(driver.probe());
    driver.reset();
    table.map(kAddress, page, 4096);
    bank = driver.attach(kStream, table.root());
  }

  V2Rig rig;
  Linux2014 driver{rig};
  PageTable table = rig.page_table({.t0sz = 64 - 39});
  Pa page = rig.allocate(4096);
  std::uint32_t bank = 0;
};

TEST(LinuxDriver2014, TranslatesWhatItMaps) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    Attached linux(config);
    expect_reaches(linux.rig, linux.rig.device(kStream), kAddress, linux.page);
    EXPECT_TRUE(linux.rig.quiet());
  }
}

TEST(LinuxDriver2014, LetsStreamsItDoesNotKnowPass) {
  Attached linux;
  const Iova same(linux.page.value);
  expect_reaches(linux.rig, linux.rig.device(StreamId(0x42)), same, linux.page);
}

TEST(LinuxDriver2014, SeesNewTablesOnceItHasInvalidated) {
  Attached linux;
  expect_stale_until(linux.rig, linux.rig.device(kStream), linux.table, kAddress, linux.page,
                     [&] { EXPECT_TRUE(linux.driver.invalidate(linux.bank)); });
}

TEST(LinuxDriver2014, WaitsForABusyTlb) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.busy_reads = 3;
  Attached linux(config);
  EXPECT_TRUE(linux.driver.invalidate(linux.bank));
}

TEST(LinuxDriver2014, GivesUpOnATlbThatStaysBusyForASecond) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.busy_reads = kMostPolls;
  V2Rig rig(config);
  Linux2014 driver(rig);
  ASSERT_TRUE(driver.probe());
  EXPECT_FALSE(driver.synchronize());
}

TEST(LinuxDriver2014, RetriesAStalledAccessOnceThePageIsThere) {
  Attached linux;
  Resumptions ends;
  const DmaDevice device = linux.rig.device(kStream, ends);
  const Outcome outcome = device.translate(kMissing, Direction::kWrite);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_TRUE(linux.rig.context_fault(linux.bank).up());

  const Pa late = linux.rig.allocate(4096);
  linux.table.map(kMissing, late, 4096);
  EXPECT_EQ(ends.take(outcome), std::nullopt);
  const auto fault = linux.driver.handle_context_fault(linux.bank, Linux2014::Verdict::kHandled);
  ASSERT_TRUE(fault);
  EXPECT_TRUE(fault->status[SMMU_CBn_FSR::TF]);
  EXPECT_TRUE(fault->status[SMMU_CBn_FSR::SS]);
  EXPECT_EQ(fault->status[SMMU_CBn_FSR::FORMAT], TranslationFormat::kAArch64);
  EXPECT_EQ(fault->address, kMissing);
  EXPECT_EQ(fault->direction, Direction::kWrite);
  const auto end = ends.take(outcome);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, TranslatesTo(late));
  EXPECT_TRUE(linux.rig.quiet());
  EXPECT_FALSE(linux.driver.handle_context_fault(linux.bank, Linux2014::Verdict::kHandled));
}

TEST(LinuxDriver2014, TerminatesAStalledAccessNobodyKnowsWhatToDoWith) {
  Attached linux(SmmuV2Config::mmu500_stratix10());
  Resumptions ends;
  const Outcome outcome = linux.rig.device(kStream, ends).translate(kMissing);
  EXPECT_THAT(outcome, Stalls());
  EXPECT_TRUE(linux.rig.context_fault(linux.bank).up());
  const auto fault = linux.driver.handle_context_fault(linux.bank, Linux2014::Verdict::kUnknown);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->address, kMissing);
  EXPECT_EQ(fault->direction, Direction::kRead);
  const auto end = ends.take(outcome);
  ASSERT_TRUE(end);
  EXPECT_THAT(*end, Aborts());
  EXPECT_TRUE(linux.rig.quiet());
  EXPECT_EQ(linux.rig.context_fault(linux.bank).rises(), 1U);
}

TEST(LinuxDriver2014, ReportsTwoMastersOfOneStream) {
  Attached linux(SmmuV2Config::mmu500_stratix10());
  linux.driver.attach(kStream, linux.table.root());
  EXPECT_THAT(linux.rig.device(kStream).translate(kAddress), Aborts());
  EXPECT_TRUE(linux.rig.global_fault.up());
  const auto fault = linux.driver.handle_global_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->status, SMMU_sGFSR().set(SMMU_sGFSR::SMCF, true));
  EXPECT_EQ(fault->stream, kStream);
  EXPECT_FALSE(linux.rig.global_fault.up());
  EXPECT_FALSE(linux.driver.handle_global_fault());
}

TEST(LinuxDriver2014, RefusesAnSmmuItCannotUse) {
  expect_refused<Linux2014>(SmmuV2Config::mmu500_zynqmp(), {kNo4KGranule, kNoGroup});
}

TEST(LinuxDriver2014, WantsAnInterruptForEachBankAndNoMore) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  EXPECT_TRUE(Linux2014(rig, 16).probe());
  EXPECT_FALSE(Linux2014(rig, 15).probe());
  EXPECT_FALSE(Linux2014(rig, 17).probe());
}

}  // namespace
}  // namespace smmu::testing::driver_linux_2014_test
