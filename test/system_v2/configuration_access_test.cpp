// Register accesses that go nowhere: ignored, or faults of their own with a line of their own, and
// an abort on the bus of whoever made them.
#include "test/system_v2/software.h"

namespace smmu::testing::configuration_access_test {
namespace {

using emulator::RegisterPort;
using emulator::SmmuV2Config;
using namespace v2;

constexpr std::uint32_t kNothing = 0x0F0;  // an offset of global space 0 without a register

SmmuV2Config that_faults() {
  SmmuV2Config config = SmmuV2Config::generic();
  config.illegal_access = SmmuV2Config::IllegalAccess::kFaults;
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  return config;
}
SMMU_sGFSR caf() { return SMMU_sGFSR().set(SMMU_sGFSR::CAF, true); }

BusResponse write(RegisterPort& port, std::uint32_t offset) { return port.write(offset, 4, 1); }
BusResponse read(RegisterPort& port, std::uint32_t offset) {
  std::uint64_t value = 0x55;
  const BusResponse response = port.read(offset, 4, value);
  EXPECT_EQ(value, 0U);
  return response;
}

TEST(ConfigurationAccess, ThatGoesNowhereIsIgnoredByDefault) {
  V2Rig rig;
  const Software software(rig);
  software.enable();
  EXPECT_EQ(write(rig.smmu(), kNothing), BusResponse::kOkay);
  EXPECT_EQ(read(rig.smmu(), kNothing), BusResponse::kOkay);
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
  EXPECT_TRUE(rig.quiet());
}

TEST(ConfigurationAccess, ThatGoesNowhereIsAFaultOfItsOwnLine) {
  V2Rig rig(that_faults());
  const Software software(rig);
  software.enable();
  EXPECT_EQ(write(rig.smmu(), kNothing), BusResponse::kAbort);
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), caf());
  EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], kNothing);
  EXPECT_TRUE(software.gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::WNR]);
  EXPECT_TRUE(rig.configuration_fault.up());
  EXPECT_FALSE(rig.global_fault.up());
  EXPECT_EQ(read(rig.smmu(), kNothing), BusResponse::kAbort);
  EXPECT_TRUE(software.gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::MULTI]);
  EXPECT_TRUE(software.gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::WNR]) << "of the first";
  software.gr0.write(software.gr0.read<SMMU_sGFSR>());
  EXPECT_TRUE(rig.quiet());
  EXPECT_EQ(read(rig.smmu(), kNothing), BusResponse::kAbort);
  EXPECT_FALSE(software.gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::WNR]);
  EXPECT_EQ(rig.configuration_fault.rises(), 2U);
}

TEST(ConfigurationAccess, AbortsAndInterruptsAsItsOwnEnablesSay) {
  V2Rig rig(that_faults());
  const Software software(rig);
  software.enable(
      everything_faults().set(SMMU_sCR0::GCFGFRE, false).set(SMMU_sCR0::GCFGFIE, false));
  EXPECT_EQ(write(rig.smmu(), kNothing), BusResponse::kOkay);
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), caf());
  EXPECT_TRUE(rig.quiet());
  software.enable(everything_faults().set(SMMU_sCR0::GFIE, false));
  EXPECT_TRUE(rig.configuration_fault.up()) << "the fault is still there";
}

// What is there, whatever it does, is no fault.
TEST(ConfigurationAccess, ToWhatIsThereIsNone) {
  V2Rig rig(that_faults());
  const Software software(rig);
  software.enable();
  RegisterPort& port = rig.smmu();
  for (const std::uint32_t offset :
       {SMMU_IDR0::kOffset, SMMU_IDR3::kOffset, SMMU_sGFSRRESTORE::kOffset, SMMU_TLBIALLH::kOffset,
        SMMU_sTLBGSYNC::kOffset, SMMU_sTLBGSTATUS::kOffset, SMMU_SMRn::offset(63),
        SMMU_S2CRn::offset(63), SMMU_sGATSR::kOffset, SMMU_sGATS1PR::kOffset + 4,
        SMMU_TLBIVAH64::kOffset + 4, SMMU_TLBIVALH64::kOffset + 4}) {
    SCOPED_TRACE(offset);
    std::uint64_t value = 0;
    EXPECT_EQ(port.read(offset, 4, value), BusResponse::kOkay);
    EXPECT_EQ(port.write(offset, 4, 0), BusResponse::kOkay);
  }
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
}

// TLBIASID and TLBIALL have 32 bits.
TEST(ConfigurationAccess, BesideARegisterOf32BitsIsOne) {
  const SmmuV2Config config = that_faults();
  V2Rig rig(config);
  const Software software(rig);
  software.enable();
  const std::uint32_t bank = 0x2000U << config.idr1[SMMU_IDR1::NUMPAGENDXB];
  for (const std::uint32_t offset : {SMMU_CBn_TLBIASID::kOffset, SMMU_CBn_TLBIALL::kOffset}) {
    SCOPED_TRACE(offset);
    EXPECT_EQ(read(rig.smmu(), bank + offset + 4), BusResponse::kAbort);
    EXPECT_EQ(write(rig.smmu(), bank + offset + 4), BusResponse::kAbort);
    EXPECT_TRUE(software.gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::CAF]);
    software.gr0.write(SMMU_sGFSR(~0U));
  }
}

// ATOSNS: operations that are not there, of banks as of the global space.
TEST(ConfigurationAccess, ToOperationsThatAreNotThereIsOne) {
  SmmuV2Config config = that_faults();
  config.idr0.set(SMMU_IDR0::ATOSNS, true);
  V2Rig rig(config);
  const Software software(rig);
  software.enable();
  RegisterPort& port = rig.smmu();
  const std::uint32_t bank = 0x2000U << config.idr1[SMMU_IDR1::NUMPAGENDXB];
  for (const std::uint32_t offset :
       {SMMU_sGATS1PR::kOffset, SMMU_sGATS12UW::kOffset + 4, bank + SMMU_CBn_ATS1PR::kOffset,
        bank + SMMU_CBn_ATS1UW::kOffset + 4}) {
    SCOPED_TRACE(offset);
    EXPECT_EQ(read(port, offset), BusResponse::kAbort);
    EXPECT_EQ(write(port, offset), BusResponse::kAbort);
    EXPECT_EQ(port.write(offset & ~7U, 8, 1), BusResponse::kAbort);
    EXPECT_TRUE(software.gr0.read<SMMU_sGFSR>()[SMMU_sGFSR::CAF]);
    software.gr0.write(software.gr0.read<SMMU_sGFSR>());
  }
}

// Secure software's registers, to which Non-secure software has no way.
TEST(ConfigurationAccess, ToWhatIsSecureSoftwaresIsOne) {
  V2Rig rig(that_faults());
  const Software software(rig);
  software.enable();
  const std::uint32_t page = 1U << 12;
  const std::uint32_t banks = page << (that_faults().idr1[SMMU_IDR1::NUMPAGENDXB] + 1);
  RegisterPort& port = rig.smmu();
  for (const std::uint32_t offset :
       {SMMU_SCR1::kOffset, SMMU_STLBIALL::kOffset, SMMU_STLBIALLM::kOffset, SMMU_STLBIVAM::kOffset,
        SMMU_sCR0::kOffset + kNonSecureAliases, SMMU_sGFSR::kOffset + kNonSecureAliases,
        SMMU_SMRn::offset(64), SMMU_S2CRn::offset(64), page + SMMU_CBARn::offset(64),
        page + SMMU_CBA2Rn::offset(64), banks + 64 * page,
        banks + 64 * page + SMMU_CBn_TLBSYNC::kOffset}) {
    SCOPED_TRACE(offset);
    EXPECT_EQ(read(port, offset), BusResponse::kAbort);
    EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), caf());
    EXPECT_EQ(software.gr0.read<SMMU_sGFAR>()[SMMU_sGFAR::FADDR], offset);
    software.gr0.write(caf());
    EXPECT_EQ(write(port, offset), BusResponse::kAbort);
    EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), caf());
    software.gr0.write(caf());
    // Secure software does reach it.
    std::uint64_t value = 0;
    EXPECT_EQ(rig.smmu().secure().read(offset, 4, value), BusResponse::kOkay);
  }
}

TEST(ConfigurationAccess, OfNonSecureSoftwareIsReportedWhereSecureSoftwareWantsIt) {
  V2Rig rig(that_faults());
  const Software software(rig);
  const Software secure(rig, SecurityState::kSecure);
  software.enable(everything_faults().set(SMMU_sCR0::GCFGFRE, false));
  secure.enable();
  secure.gr0.write(secure.gr0.read<SMMU_SCR1>().set(SMMU_SCR1::NSCAFRO, true));
  EXPECT_EQ(write(rig.smmu(), kNothing), BusResponse::kAbort) << "as the Secure GCFGFRE says";
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), caf());
  EXPECT_TRUE(secure.gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::NSSTATE]);
  EXPECT_TRUE(rig.secure_configuration_fault.up());
  EXPECT_FALSE(rig.configuration_fault.up());
  secure.gr0.write(caf());
  EXPECT_EQ(write(rig.smmu().secure(), kNothing), BusResponse::kAbort);
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), caf());
  EXPECT_FALSE(secure.gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::NSSTATE]);
}

// DDI 0517: these are ignored, and no fault.
TEST(ConfigurationAccess, ThatIsNotAlignedIsIgnored) {
  V2Rig rig(that_faults());
  const Software software(rig);
  software.enable();
  RegisterPort& port = rig.smmu();
  std::uint64_t value = 1;
  EXPECT_EQ(port.read(SMMU_IDR0::kOffset + 2, 4, value), BusResponse::kOkay);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(port.read(SMMU_IDR1::kOffset, 8, value), BusResponse::kOkay);
  EXPECT_EQ(value, 0U);
  EXPECT_EQ(port.read(SMMU_IDR0::kOffset, 2, value), BusResponse::kOkay);
  EXPECT_EQ(port.write(SMMU_sCR0::kOffset, 1, 0), BusResponse::kOkay);
  EXPECT_EQ(software.gr0.read<SMMU_sCR0>(), everything_faults());
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
}

}  // namespace
}  // namespace smmu::testing::configuration_access_test
