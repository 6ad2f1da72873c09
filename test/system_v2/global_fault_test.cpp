// Faults that belong to no context bank: which bit says so, what is recorded of the first, what the
// device sees, and how software gets rid of them.
#include "test/system_v2/software.h"

namespace smmu::testing::global_fault_test {
namespace {

using emulator::Direction;
using emulator::SmmuV2Config;
using namespace v2;

constexpr StreamId kStream(0x123);
constexpr Iova kAddress(0x12'3456'7abc);
constexpr std::uint32_t kBank = 3;
constexpr std::uint32_t kMissingBank = 100;

// Non-secure software has the first 64 banks.
SmmuV2Config with_secure_banks() {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64);
  return config;
}

std::uint32_t status(V2Rig& rig) { return Software(rig).gr0.read<SMMU_sGFSR>().raw(); }

// A way to a fault, and its bit.
struct Cause {
  const char* name;
  void (*prepare)(Software& software);
  std::uint32_t status;
  bool nested = false;
};

void lead_to_nested(Software& software, std::uint32_t stage2) {
  software.gr1.write(kBank, SMMU_CBARn_Nested()
                                .set(SMMU_CBARn_Nested::TYPE, ContextType::kNested)
                                .set(SMMU_CBARn_Nested::CBNDX, stage2));
  software.lead(kStream, kBank);
}

using S2cr = SMMU_S2CRn_Translation;
const Cause kCauses[] = {
    {"a stream that is to fault",
     [](Software& software) { software.lead(kStream, S2cr().set(S2cr::TYPE, StreamType::kFault)); },
     SMMU_sGFSR().set(SMMU_sGFSR::ICF, true).raw()},
    {"a type that is reserved",
     [](Software& software) { software.lead(kStream, S2cr().set(S2cr::TYPE, StreamType{0b11})); },
     SMMU_sGFSR().set(SMMU_sGFSR::ICF, true).raw()},
    {"no group", [](Software&) {}, SMMU_sGFSR().set(SMMU_sGFSR::USF, true).raw()},
    {"two groups",
     [](Software& software) {
       software.lead(kStream, kBank);
       software.lead(kStream, kBank);
     },
     SMMU_sGFSR().set(SMMU_sGFSR::SMCF, true).raw()},
    {"a bank that Secure software keeps",
     [](Software& software) { software.lead(kStream, kMissingBank); },
     SMMU_sGFSR().set(SMMU_sGFSR::UCBF, true).raw()},
    {"a bank that is not there", [](Software& software) { software.lead(kStream, 255); },
     SMMU_sGFSR().set(SMMU_sGFSR::UCBF, true).raw()},
    {"a stage 2 that is not there", [](Software& software) { lead_to_nested(software, 255); },
     SMMU_sGFSR().set(SMMU_sGFSR::UCBF, true).raw(), true},
    {"a stage 2 that is a stage 1", [](Software& software) { lead_to_nested(software, kBank); },
     SMMU_sGFSR().set(SMMU_sGFSR::ICF, true).raw(), true},
};

TEST(GlobalFault, HasABitOfItsOwnAndTellsOfTheAccess) {
  for (const Cause& cause : kCauses) {
    SCOPED_TRACE(cause.name);
    V2Rig rig(with_secure_banks());
    Software software(rig);
    software.enable();
    cause.prepare(software);
    EXPECT_THAT(rig.device(kStream).privileged().translate(kAddress, Direction::kWrite), Aborts());
    EXPECT_EQ(status(rig), cause.status);
    EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kAddress.value);
    EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR0>(), SMMU_sGFSYNR0()
                                                      .set(SMMU_sGFSYNR0::NESTED, cause.nested)
                                                      .set(SMMU_sGFSYNR0::WNR, true)
                                                      .set(SMMU_sGFSYNR0::PNU, true));
    EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR1>(),
              SMMU_sGFSYNR1().set(SMMU_sGFSYNR1::StreamID, kStream.value));
    EXPECT_TRUE(rig.global_fault.up());
    EXPECT_FALSE(rig.configuration_fault.up());
    EXPECT_FALSE(rig.secure_global_fault.up());
  }
}

TEST(GlobalFault, OfAnInstructionFetchSaysSo) {
  V2Rig rig;
  Software software(rig);
  software.enable();
  EXPECT_THAT(rig.device(kStream).fetching_instructions().translate(kAddress), Aborts());
  EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR0>(), SMMU_sGFSYNR0().set(SMMU_sGFSYNR0::IND, true));
}

TEST(GlobalFault, OfAnUnsupportedTransactionIsTheBanksIfTheStreamHasOne) {
  V2Rig rig;
  Software software(rig);
  software.enable();
  const DmaDevice device = rig.device(kStream);
  PageTable table = rig.page_table(stage1_tables());
  software.lead(kStream, S2cr().set(S2cr::TYPE, StreamType::kBypass));
  EXPECT_THAT(device.refuse(kAddress, 0), Aborts());
  EXPECT_EQ(status(rig), SMMU_sGFSR().set(SMMU_sGFSR::UUT, true).raw());
  EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kAddress.value);
  software.gr0.write(software.gr0.read<SMMU_sGFSR>());

  software.stage1(kBank, table);
  software.gr0.write(0, S2cr().set(S2cr::CBNDX, kBank));
  EXPECT_THAT(device.refuse(kAddress, 0), Aborts());
  EXPECT_EQ(status(rig), 0U);
  EXPECT_TRUE(software.bank(kBank).read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::UUT]);
}

// What does not abort reads as zeros, and that it was a fault is known all the same.
TEST(GlobalFault, WithoutReportEnablesIsRazWiAndQuiet) {
  for (const Cause& cause : kCauses) {
    SCOPED_TRACE(cause.name);
    V2Rig rig(with_secure_banks());
    Software software(rig);
    software.enable(everything_faults().set(SMMU_sCR0::GFRE, false).set(SMMU_sCR0::GFIE, false));
    cause.prepare(software);
    EXPECT_THAT(rig.device(kStream).translate(kAddress), IsRazWi());
    EXPECT_EQ(status(rig), cause.status);
    EXPECT_TRUE(rig.quiet());
  }
}

TEST(GlobalFault, ThatIsNotConfiguredLetsTheAccessPass) {
  V2Rig rig;
  Software software(rig);
  software.enable(everything_faults().set(SMMU_sCR0::USFCFG, false).set(SMMU_sCR0::SMCFCFG, false));
  EXPECT_THAT(rig.device(kStream).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  software.lead(kStream, kBank);
  software.lead(kStream, kBank);
  EXPECT_THAT(rig.device(kStream).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_EQ(status(rig), 0U);
}

TEST(GlobalFault, TheSecondOneIsMultipleAndNothingElse) {
  V2Rig rig;
  Software software(rig);
  software.enable();
  constexpr StreamId kOther(0x77);
  software.lead(kOther, S2cr().set(S2cr::TYPE, StreamType::kFault));
  rig.device(kStream).translate(kAddress);
  rig.device(kOther).translate(Iova(0x9000), Direction::kWrite);
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(),
            SMMU_sGFSR().set(SMMU_sGFSR::USF, true).set(SMMU_sGFSR::MULTI, true));
  EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kAddress.value);
  EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR0>(), SMMU_sGFSYNR0());
  EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID], kStream.value);
  EXPECT_EQ(rig.global_fault.rises(), 1U);
}

TEST(GlobalFault, EveryBitIsClearedByItselfAndRestored) {
  V2Rig rig;
  const Software software(rig);
  software.enable();
  // All that Non-secure software has: PF is Secure software's.
  const std::uint32_t all = SMMU_sGFSR(0x8000'01ff).set(SMMU_sGFSR::PF, false).raw();
  software.gr0.write(SMMU_sGFSRRESTORE(~0U));
  EXPECT_EQ(status(rig), all);
  EXPECT_EQ(software.gr0.read<SMMU_sGFSRRESTORE>().raw(), 0U) << "write-only";
  EXPECT_TRUE(rig.global_fault.up());
  EXPECT_TRUE(rig.configuration_fault.up());
  std::uint32_t left = all;
  for (unsigned bit = 0; bit != 32; ++bit) {
    SCOPED_TRACE(bit);
    const std::uint32_t one = 1U << bit;
    software.gr0.write(SMMU_sGFSR(one));
    left &= ~one;
    EXPECT_EQ(status(rig), left);
    EXPECT_EQ(rig.global_fault.up(), (left & ~SMMU_sGFSR().set(SMMU_sGFSR::CAF, true).raw()) != 0);
    EXPECT_EQ(rig.configuration_fault.up(), SMMU_sGFSR(left)[SMMU_sGFSR::CAF]);
  }
  EXPECT_TRUE(rig.quiet());
  EXPECT_EQ(rig.global_fault.rises(), 1U);
}

TEST(GlobalFault, SyndromesAreWhatSoftwareWrites) {
  V2Rig rig;
  const Software software(rig);
  software.gr0.write(SMMU_sGFAR(0x1234'5678'9abc'def0));
  software.gr0.write(SMMU_sGFSYNR0().set(SMMU_sGFSYNR0::WNR, true));
  software.gr0.write(SMMU_sGFSYNR1().set(SMMU_sGFSYNR1::StreamID, 0x55));
  EXPECT_EQ(software.gr0.read_low_then_high<SMMU_sGFAR>().raw(), 0x0000'5678'9abc'def0U)
      << "the bus has 49 bits";
  EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR0>(), SMMU_sGFSYNR0().set(SMMU_sGFSYNR0::WNR, true));
  EXPECT_EQ(software.gr0.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID], 0x55U);
}

// UBS: what a device's bus does not have is not told.
TEST(GlobalFault, TellsOfAsManyBitsAsTheBusHas) {
  constexpr std::pair<UpstreamSize, unsigned> kSizes[] = {{UpstreamSize::k32Bits, 32},
                                                          {UpstreamSize::k44Bits, 44},
                                                          {UpstreamSize::k49Bits, 49},
                                                          {UpstreamSize::k64Bits, 64}};
  constexpr std::uint64_t kUpper = 0xffff'ff12'3456'7abc;
  for (const auto& [size, bits] : kSizes) {
    SCOPED_TRACE(bits);
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr2.set(SMMU_IDR2::UBS, size);
    V2Rig rig(config);
    const Software software(rig);
    software.enable();
    EXPECT_THAT(rig.device(kStream).translate(Iova(kUpper)), Aborts());
    const std::uint64_t told = kUpper & ~std::uint64_t{0} >> (64 - bits);
    EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], told);
    software.gr0.write(SMMU_sGFAR(0));
    software.gr0.write_high_then_low(SMMU_sGFAR(kUpper));
    EXPECT_EQ(software.gr0.read<SMMU_sGFAR>().raw(), told);
  }
}

TEST(GlobalFault, OfNonSecureSoftwareIsSeenBySecureSoftware) {
  V2Rig rig;
  Software software(rig);
  const Software secure(rig, SecurityState::kSecure);
  software.enable();
  rig.device(kStream).translate(kAddress);
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR()) << "its own copy knows nothing";
  EXPECT_EQ(secure.non_secure.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_EQ(secure.non_secure.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kAddress.value);
  EXPECT_EQ(secure.non_secure.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID], kStream.value);
  // Non-secure software finds nothing there.
  EXPECT_EQ(software.non_secure.read<SMMU_sGFSR>(), SMMU_sGFSR());
  software.non_secure.write(SMMU_sGFSR(~0U));
  EXPECT_EQ(status(rig), SMMU_sGFSR().set(SMMU_sGFSR::USF, true).raw());

  secure.non_secure.write(SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_EQ(status(rig), 0U);
  EXPECT_TRUE(rig.quiet());
  secure.non_secure.write(SMMU_sGFSRRESTORE().set(SMMU_sGFSRRESTORE::ICF, true));
  EXPECT_EQ(status(rig), SMMU_sGFSR().set(SMMU_sGFSR::ICF, true).raw());
  EXPECT_TRUE(rig.global_fault.up());
  EXPECT_FALSE(rig.secure_global_fault.up());
}

// GEFRO: an external abort is Secure software's, whoever owns the bank.
TEST(GlobalFault, OfTheBusIsSecureSoftwaresIfItWantsIt) {
  for (const bool wanted : {false, true}) {
    SCOPED_TRACE(wanted);
    V2Rig rig;
    Software software(rig);
    Software secure(rig, SecurityState::kSecure);
    secure.gr0.write(secure.gr0.read<SMMU_SCR1>().set(SMMU_SCR1::GEFRO, wanted));
    secure.enable(everything_faults().set(SMMU_sCR0::GFRE, false));
    software.enable();
    PageTable table = rig.page_table(stage1_tables());
    software.stage1(kBank, table);
    software.bank(kBank).write(SMMU_CBn_TTBR0_AArch64(0x10'0000'0000));
    software.lead(kStream, kBank);
    const auto outcome = rig.device(kStream).translate(kAddress, Direction::kWrite);
    const auto own = software.bank(kBank).read<SMMU_CBn_FSR>();
    const auto theirs = secure.gr0.read<SMMU_sGFSR>();
    EXPECT_EQ(status(rig), 0U);
    EXPECT_EQ(rig.secure_global_fault.up(), wanted);
    EXPECT_EQ(rig.context_fault(kBank).up(), !wanted);
    if (!wanted) {
      EXPECT_THAT(outcome, Aborts());
      EXPECT_TRUE(own[SMMU_CBn_FSR::EF]);
      EXPECT_EQ(theirs, SMMU_sGFSR());
      continue;
    }
    EXPECT_THAT(outcome, IsRazWi()) << "as the Secure copy of GFRE says";
    EXPECT_EQ(own, SMMU_CBn_FSR());
    EXPECT_EQ(theirs, SMMU_sGFSR().set(SMMU_sGFSR::EF, true));
    EXPECT_EQ(secure.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kAddress.value);
    EXPECT_EQ(secure.gr0.read<SMMU_sGFSYNR0>(), SMMU_sGFSYNR0()
                                                    .set(SMMU_sGFSYNR0::WNR, true)
                                                    .set(SMMU_sGFSYNR0::NSSTATE, true)
                                                    .set(SMMU_sGFSYNR0::NSATTR, true));
    EXPECT_EQ(secure.gr0.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID], kStream.value);
  }
}

}  // namespace
}  // namespace smmu::testing::global_fault_test
