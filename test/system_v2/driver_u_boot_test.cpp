// What U-Boot does with an MMU-500 that firmware has started already: it looks for a bank that
// seems free, translates nothing there, and leads a stream to it.
#include "test/system_v2/rig.h"

namespace smmu::testing::driver_u_boot_test {
namespace {

using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x1a0);
constexpr StreamId kFirmwareStream(0x7c0);
constexpr std::uint32_t kUnusedVmid = 0xff;

class UBoot {
 public:
  explicit UBoot(V2Rig& rig)
      : pages_(rig.registers()),
        groups_(gr0_.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG]),
        banks_(gr0_.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB]) {}

  // The bank that the stream has been given; none if it had a group already, or if no bank is free.
  std::optional<std::uint32_t> connect(StreamId stream) {
    if (has_group(stream)) return std::nullopt;
    const auto n = allocate_bank();
    if (!n) return std::nullopt;
    const RegisterPage bank = pages_.bank(*n);
    bank.write_low(SMMU_CBn_TTBR0_AArch64());
    bank.write_low(SMMU_CBn_TTBR1_AArch64());
    bank.write(SMMU_CBn_MAIR0());
    bank.write(SMMU_CBn_MAIR1());
    bank.write(SMMU_CBn_SCTLR()
                   .set(SMMU_CBn_SCTLR::CFIE, true)
                   .set(SMMU_CBn_SCTLR::CFRE, true)
                   .set(SMMU_CBn_SCTLR::CFCFG, true));
    bank.write(SMMU_CBn_TCR_AArch64());
    lead(stream, *n);
    return n;
  }

 private:
  bool has_group(StreamId stream) const {
    for (std::uint32_t i = 0; i != groups_; ++i) {
      const auto match = gr0_.read<SMMU_SMRn>(i);
      if (match[SMMU_SMRn::VALID] && match[SMMU_SMRn::ID] == stream.value) return true;
    }
    return false;
  }
  // A best guess, as nothing has been reset.
  std::optional<std::uint32_t> allocate_bank() {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    for (std::uint32_t n = 0; n != banks_; ++n) {
      const auto attributes = gr1_.read<Cbar>(n);
      const bool never_used = attributes[Cbar::TYPE] == ContextType::kStage2;
      const bool given_back = attributes[Cbar::TYPE] == ContextType::kStage1Stage2Bypass &&
                              attributes[Cbar::VMID] == kUnusedVmid;
      if (!never_used && !given_back) continue;
      gr1_.write(
          n, Cbar(attributes).set(Cbar::TYPE, ContextType::kStage1Stage2Bypass).set(Cbar::VMID, 0));
      gr1_.write(n, gr1_.read<SMMU_CBA2Rn>(n).set(SMMU_CBA2Rn::VA64, true));
      return n;
    }
    return std::nullopt;
  }
  // The group becomes valid before it leads to the bank.
  void lead(StreamId stream, std::uint32_t n) {
    for (std::uint32_t i = 0; i != groups_; ++i) {
      if (gr0_.read<SMMU_SMRn>(i)[SMMU_SMRn::VALID]) continue;
      gr0_.write(i, SMMU_SMRn().set(SMMU_SMRn::ID, stream.value).set(SMMU_SMRn::VALID, true));
      using S2cr = SMMU_S2CRn_Translation;
      gr0_.write(i, S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, n));
      return;
    }
  }

  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  std::uint32_t groups_;
  std::uint32_t banks_;
};

// What has started the SMMU: it has banks given back to it, and blocks streams without a group.
class Firmware {
 public:
  explicit Firmware(V2Rig& rig) : pages_(rig.registers()) {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    const std::uint32_t banks = gr0_.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB];
    for (std::uint32_t n = 0; n != banks; ++n) {
      gr1_.write(
          n, Cbar().set(Cbar::TYPE, ContextType::kStage1Stage2Bypass).set(Cbar::VMID, kUnusedVmid));
    }
    gr0_.write(gr0_.read<SMMU_sCR0>()
                   .set(SMMU_sCR0::USFCFG, true)
                   .set(SMMU_sCR0::GFRE, true)
                   .set(SMMU_sCR0::CLIENTPD, false));
  }

  // Leads a stream of its own by the last group to a bank that translates.
  void translate(StreamId stream, std::uint32_t n, Pa tables) {
    using Tcr = SMMU_CBn_TCR_AArch64;
    using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
    bank.write(SMMU_CBn_TCR2()
                   .set(SMMU_CBn_TCR2::SEP, SignBit::kUpstream)
                   .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits));
    bank.write(Tcr().set(Tcr::T0SZ, 16).set(Tcr::EPD1, true));
    bank.write(Ttbr0().set(Ttbr0::BaseAddress, tables.value));
    bank.write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::M, true));
    const std::uint32_t last = gr0_.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG] - 1;
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.write(last, S2cr().set(S2cr::TYPE, StreamType::kTranslation).set(S2cr::CBNDX, n));
    gr0_.write(last, SMMU_SMRn().set(SMMU_SMRn::ID, stream.value).set(SMMU_SMRn::VALID, true));
  }

 private:
  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
};

TEST(UBootDriver, LetsAStreamPassThroughABankThatTranslatesNothing) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    V2Rig rig(config);
    const Firmware firmware(rig);
    const DmaDevice device = rig.device(kStream);
    const Pa page = rig.allocate(4096);
    EXPECT_THAT(device.translate(Iova(page.value)), Aborts());
    EXPECT_EQ(UBoot(rig).connect(kStream), 0U);
    expect_reaches(rig, device, Iova(page.value), page);
    EXPECT_TRUE(rig.quiet());
  }
}

TEST(UBootDriver, GivesEachStreamABankOfItsOwn) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  const Firmware firmware(rig);
  UBoot u_boot(rig);
  EXPECT_EQ(u_boot.connect(StreamId(0x10)), 0U);
  EXPECT_EQ(u_boot.connect(StreamId(0x11)), 1U);
  const Pa page = rig.allocate(4096);
  expect_reaches(rig, rig.device(StreamId(0x10)), Iova(page.value), page);
  expect_reaches(rig, rig.device(StreamId(0x11)), Iova(page.value), page);
}

TEST(UBootDriver, LeavesAloneAStreamThatFirmwareUses) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  Firmware firmware(rig);
  PageTable table = rig.page_table({});
  const Pa page = rig.allocate(4096);
  const Iova address(0x1'0000'0000);
  table.map(address, page, 4096);
  firmware.translate(kFirmwareStream, 5, table.root());
  EXPECT_EQ(UBoot(rig).connect(kFirmwareStream), std::nullopt);
  EXPECT_THAT(rig.device(kFirmwareStream).translate(address), TranslatesTo(page));
}

// It guesses wrongly here, and takes a bank whose translations are still in the TLB.
TEST(UBootDriver, DoesNotMeetWhatItsBankHasTranslatedBefore) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  Firmware firmware(rig);
  PageTable table = rig.page_table({});
  const Pa page = rig.allocate(4096);
  const Iova address(rig.allocate(4096).value);
  table.map(address, page, 4096);
  firmware.translate(kFirmwareStream, 0, table.root());
  EXPECT_THAT(rig.device(kFirmwareStream).translate(address), TranslatesTo(page));
  EXPECT_EQ(UBoot(rig).connect(kStream), 0U);
  EXPECT_THAT(rig.device(kStream).translate(address), TranslatesTo(Pa(address.value)));
  EXPECT_THAT(rig.device(kFirmwareStream).translate(address), TranslatesTo(Pa(address.value)));
}

// It leaves faults to whoever comes after it: an address that does not exist waits to be seen.
TEST(UBootDriver, LeavesAFaultInTheBankThatItHasGivenTheStream) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  const Firmware firmware(rig);
  const auto bank = UBoot(rig).connect(kStream);
  ASSERT_EQ(bank, 0U);
  Resumptions ends;
  const Iova beyond(std::uint64_t{1} << 48);
  EXPECT_THAT(rig.device(kStream, ends).translate(beyond, emulator::Direction::kWrite), Stalls());
  EXPECT_TRUE(rig.context_fault(*bank).up());
  const RegisterPage page = rig.registers().bank(*bank);
  EXPECT_TRUE(page.read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::ASF]);
  EXPECT_TRUE(page.read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::SS]);
  EXPECT_TRUE(page.read<SMMU_CBn_FSYNR0>()[SMMU_CBn_FSYNR0::WNR]);
  EXPECT_EQ(page.read<SMMU_CBn_FAR>()[SMMU_CBn_FAR::FADDR], beyond.value);
  EXPECT_EQ(rig.registers().global1().read<SMMU_CBFRSYNRAn>(*bank)[SMMU_CBFRSYNRAn::StreamID],
            kStream.value);
}

TEST(UBootDriver, FindsNoBankInAnMmu500OutOfReset) {
  V2Rig rig(SmmuV2Config::mmu500_zynqmp());
  EXPECT_EQ(UBoot(rig).connect(kStream), std::nullopt);
}

TEST(UBootDriver, FindsABankWhereTheyComeOutOfResetForStage2) {
  SmmuV2Config config = SmmuV2Config::mmu500_zynqmp();
  config.cbar_reset = 0;
  V2Rig rig(config);
  EXPECT_EQ(UBoot(rig).connect(kStream), 0U);
}

}  // namespace
}  // namespace smmu::testing::driver_u_boot_test
