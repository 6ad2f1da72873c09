// What SMMU_SCR1 deals out to Non-secure software, and what it keeps: groups, banks, global space,
// and faults; and what Secure streams may say of their addresses.
#include "test/system_v2/software.h"

namespace smmu::testing::security_test {
namespace {

using emulator::Outcome;
using emulator::SmmuV2Config;
using emulator::Translation;
using namespace v2;

constexpr std::uint32_t kBanks = 64;   // of Non-secure software
constexpr std::uint32_t kGroups = 32;  // the same
constexpr StreamId kStream(0x123);
constexpr Iova kPage(0x12'3456'7000);
constexpr std::uint32_t kBank = 3;
constexpr std::uint32_t kSecureBank = kBanks + 1;

SmmuV2Config shared_out() {
  SmmuV2Config config = SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, kBanks).set(SMMU_SCR1::NSNUMSMRGO, kGroups);
  return config;
}

// Two worlds on an SMMU: software, and a device, of each.
class Shared : public ::testing::Test {
 protected:
  Shared() {
    EXPECT_TRUE(secure_ram.add(Pa(0x4000'0000), 1 << 26));
    software.enable();
    secure.enable();
  }

  static const Translation& passed(const Outcome& outcome) {
    EXPECT_TRUE(std::holds_alternative<Translation>(outcome));
    return std::get<Translation>(outcome);
  }

  emulator::Ram secure_ram;
  V2Rig rig{V2Rig::Options{.config = shared_out(), .secure_memory = &secure_ram}};
  Software software{rig};
  Software secure{rig, SecurityState::kSecure, kGroups};
  DmaDevice device = rig.device(kStream);
  DmaDevice secure_device = rig.device(kStream).of(SecurityState::kSecure);
};

TEST_F(Shared, IdentificationSaysWhatThereIsForWhoeverAsks) {
  const auto idr0 = software.gr0.read<SMMU_IDR0>();
  EXPECT_FALSE(idr0[SMMU_IDR0::SES]);
  EXPECT_EQ(idr0[SMMU_IDR0::NUMSMRG], kGroups);
  EXPECT_EQ(idr0[SMMU_IDR0::NUMIRPT], 1U);
  EXPECT_EQ(software.gr0.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], kBanks);
  EXPECT_EQ(secure.gr0.read<SMMU_IDR0>(), shared_out().idr0);
  EXPECT_EQ(secure.gr0.read<SMMU_IDR1>(), shared_out().idr1);

  secure.gr0.write(secure.gr0.read<SMMU_SCR1>()
                       .set(SMMU_SCR1::NSNUMCBO, 5)
                       .set(SMMU_SCR1::NSNUMSMRGO, 6)
                       .set(SMMU_SCR1::NSNUMIRPTO, 0));
  EXPECT_EQ(software.gr0.read<SMMU_IDR0>()[SMMU_IDR0::NUMSMRG], 6U);
  EXPECT_EQ(software.gr0.read<SMMU_IDR0>()[SMMU_IDR0::NUMIRPT], 0U);
  EXPECT_EQ(software.gr0.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB], 5U);
}

TEST_F(Shared, GroupsAndBanksOfSecureSoftwareAreHidden) {
  const auto smr = SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, 0x55);
  for (const bool own : {false, true}) {
    const std::uint32_t group = own ? kGroups - 1 : kGroups;
    const std::uint32_t bank = own ? kBanks - 1 : kBanks;
    SCOPED_TRACE(own);
    software.gr0.write(group, smr);
    software.gr0.write(group, SMMU_S2CRn_Bypass().set(SMMU_S2CRn_Bypass::VMID, 7));
    software.gr1.write(bank, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, 8));
    software.bank(bank).write(SMMU_CBn_FAR(0x1234));
    EXPECT_EQ(software.gr0.read<SMMU_SMRn>(group), own ? smr : SMMU_SMRn());
    EXPECT_EQ(software.gr0.read<SMMU_S2CRn>(group).raw(), own ? 7U : 0U);
    EXPECT_EQ(software.gr1.read<SMMU_CBARn>(bank).raw(), own ? 8U : 0U);
    EXPECT_EQ(software.bank(bank).read<SMMU_CBn_FAR>().raw(), own ? 0x1234U : 0U);
    // Secure software has all of them.
    EXPECT_EQ(secure.gr0.read<SMMU_SMRn>(group), own ? smr : SMMU_SMRn());
    EXPECT_EQ(secure.bank(bank).read<SMMU_CBn_FAR>().raw(), own ? 0x1234U : 0U);
  }
}

TEST_F(Shared, StreamsAreMatchedByTheGroupsOfTheirOwn) {
  PageTable table = rig.page_table(stage1_tables());
  const Pa page = rig.allocate(4096);
  table.map(kPage, page, 4096);
  software.stage1(kBank, table);
  software.lead(kStream, kBank);
  EXPECT_THAT(device.translate(kPage), TranslatesTo(page));
  EXPECT_THAT(secure_device.translate(kPage), Aborts());
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::USF, true));
  EXPECT_TRUE(rig.secure_global_fault.up());
  EXPECT_FALSE(rig.global_fault.up());
  // The same StreamID in a group of each is no conflict.
  using S2cr = SMMU_S2CRn_Translation;
  secure.lead(kStream, S2cr().set(S2cr::TYPE, StreamType::kBypass));
  EXPECT_THAT(secure_device.translate(kPage), TranslatesTo(Pa(kPage.value)));
  EXPECT_THAT(device.translate(kPage), TranslatesTo(page));
}

TEST_F(Shared, BanksOfOneAreNotThereForStreamsOfTheOther) {
  software.lead(kStream, kSecureBank);
  EXPECT_THAT(device.translate(kPage), Aborts());
  EXPECT_EQ(software.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::UCBF, true));
  secure.lead(kStream, kBank);
  EXPECT_THAT(secure_device.translate(kPage), Aborts());
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::UCBF, true));
}

TEST_F(Shared, SecureTranslationsHaveNoStage2) {
  PageTable table = rig.page_table(stage2_tables());
  secure.stage2(kSecureBank, table);
  secure.lead(kStream, kSecureBank);
  EXPECT_THAT(secure_device.translate(kPage), Aborts());
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::ICF, true));
}

TEST_F(Shared, GlobalSpaceMayBeSecureSoftwaresAlone) {
  software.gr0.write(SMMU_sGFAR(0x55));
  secure.gr0.write(secure.gr0.read<SMMU_SCR1>().set(SMMU_SCR1::GASRAE, true));
  EXPECT_EQ(software.gr0.read<SMMU_IDR1>().raw(), 0U);
  for (const std::uint32_t offset : {0x020U, 0x040U, 0x1000U, 0x3e00U}) {
    EXPECT_EQ(rig.smmu().read32(offset), 0U) << std::hex << offset;
  }
  software.gr0.write(SMMU_sGFAR(0x77));
  software.gr0.write(SMMU_sCR0().set(SMMU_sCR0::CLIENTPD, true));
  EXPECT_EQ(secure.non_secure.read<SMMU_sCR0>(), everything_faults());
  EXPECT_EQ(secure.non_secure.read<SMMU_sGFAR>().raw(), 0x55U);
  software.gr1.write(kBank, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, 8));
  EXPECT_EQ(secure.gr1.read<SMMU_CBARn>(kBank).raw(), 0U);
  // The pages of banks are no part of it.
  const RegisterPage bank(rig.smmu(), (4096U << 7) + kBank * 4096);
  bank.write(SMMU_CBn_FAR(0x1234));
  EXPECT_EQ(bank.read<SMMU_CBn_FAR>().raw(), 0x1234U);
}

TEST_F(Shared, SomeFieldsAreOfOneCopyAlone) {
  software.gr0.write(SMMU_sCR0(~0U));
  secure.gr0.write(SMMU_sCR0(~0U));
  const auto non_secure = software.gr0.read<SMMU_sCR0>();
  const auto of_secure = secure.gr0.read<SMMU_sCR0>();
  EXPECT_EQ(non_secure[SMMU_sCR0::NSCFG], NonSecureOverride::kIncoming);
  EXPECT_TRUE(non_secure[SMMU_sCR0::VMIDPNE]);
  EXPECT_EQ(of_secure[SMMU_sCR0::NSCFG], NonSecureOverride{0b11});
  EXPECT_FALSE(of_secure[SMMU_sCR0::VMIDPNE]);
}

TEST_F(Shared, SecureSoftwareConfiguresTheOthersByTheAliases) {
  secure.non_secure.write(everything_faults().set(SMMU_sCR0::CLIENTPD, true));
  EXPECT_EQ(software.gr0.read<SMMU_sCR0>(), everything_faults().set(SMMU_sCR0::CLIENTPD, true));
  EXPECT_EQ(secure.gr0.read<SMMU_sCR0>(), everything_faults());
  EXPECT_THAT(device.translate(kPage), TranslatesTo(Pa(kPage.value)));
  secure.non_secure.write(SMMU_sACR(0x1234));
  EXPECT_EQ(software.gr0.read<SMMU_sACR>().raw(), 0x1234U);
  EXPECT_EQ(secure.gr0.read<SMMU_sACR>().raw(), 0U);
  secure.non_secure.write(SMMU_sCR2().set(SMMU_sCR2::BPVMID, 9));
  EXPECT_EQ(software.gr0.read<SMMU_sCR2>()[SMMU_sCR2::BPVMID], 9U);
}

// A Secure stream that bypasses says itself where its address is, unless software does.
TEST_F(Shared, AddressesOfSecureStreamsAreInEitherSpace) {
  using S2cr = SMMU_S2CRn_Translation;
  const auto bypass = S2cr().set(S2cr::TYPE, StreamType::kBypass);
  const std::uint32_t group = secure.lead(kStream, bypass);
  const auto space = [&](SecurityState incoming) {
    return passed(secure_device.in(incoming).translate(kPage)).space;
  };
  constexpr auto kSecure = SecurityState::kSecure;
  constexpr auto kNonSecure = SecurityState::kNonSecure;
  EXPECT_EQ(space(kSecure), kSecure);
  EXPECT_EQ(space(kNonSecure), kNonSecure);
  secure.gr0.write(group, S2cr(bypass).set(S2cr::NSCFG, NonSecureOverride::kSecure));
  EXPECT_EQ(space(kNonSecure), kSecure);
  secure.gr0.write(group, S2cr(bypass).set(S2cr::NSCFG, NonSecureOverride::kNonSecure));
  EXPECT_EQ(space(kSecure), kNonSecure);
  secure.enable(everything_faults()
                    .set(SMMU_sCR0::CLIENTPD, true)
                    .set(SMMU_sCR0::NSCFG, NonSecureOverride::kNonSecure));
  EXPECT_EQ(space(kSecure), kNonSecure);
  // Non-secure streams have no say, nor their software.
  software.lead(kStream, S2cr(bypass).set(S2cr::NSCFG, NonSecureOverride::kSecure));
  EXPECT_EQ(passed(device.in(kSecure).translate(kPage)).space, kNonSecure);
}

// Tables say where a Secure bank leads to: NS of the leaf.
TEST_F(Shared, TablesOfSecureBanksLeadToEitherSpace) {
  PageTable table(
      secure_ram,
      [this](std::uint64_t bytes, std::uint64_t alignment) {
        return rig.allocate(bytes, alignment);
      },
      stage1_tables());
  const Pa page = rig.allocate(4096);
  table.map(kPage, page, 4096);
  secure.stage1(kSecureBank, table);
  secure.lead(kStream, kSecureBank);
  EXPECT_EQ(passed(secure_device.translate(kPage)).space, SecurityState::kSecure);
  EXPECT_EQ(secure_device.write64(kPage, 0x1234).bytes, 8U);
  EXPECT_EQ(load(secure_ram, page), 0x1234U);
  EXPECT_EQ(load(rig.memory(), page), 0U);
  constexpr std::uint64_t kNs = 1U << 5;
  store(secure_ram, table.descriptor(kPage), load(secure_ram, table.descriptor(kPage)) | kNs);
  secure.bank(kSecureBank).write(SMMU_CBn_TLBIALL());
  secure.synchronize(kSecureBank);
  EXPECT_EQ(passed(secure_device.translate(kPage)).space, SecurityState::kNonSecure);
  EXPECT_EQ(secure_device.write64(kPage, 0x5678).bytes, 8U);
  EXPECT_EQ(load(rig.memory(), page), 0x5678U);
}

TEST_F(Shared, FaultsOfSecureBanksSayWhereTheAccessWas) {
  PageTable table(
      secure_ram,
      [this](std::uint64_t bytes, std::uint64_t alignment) {
        return rig.allocate(bytes, alignment);
      },
      stage1_tables());
  secure.stage1(kSecureBank, table);
  secure.lead(kStream, kSecureBank);
  for (const SecurityState space : {SecurityState::kSecure, SecurityState::kNonSecure}) {
    EXPECT_THAT(secure_device.in(space).translate(kPage), Aborts());
    const RegisterPage bank = secure.bank(kSecureBank);
    EXPECT_TRUE(bank.read<SMMU_CBn_FSR>()[SMMU_CBn_FSR::TF]);
    EXPECT_EQ(bank.read<SMMU_CBn_FSYNR0>()[SMMU_CBn_FSYNR0::NSATTR],
              space == SecurityState::kNonSecure);
    bank.write(all_faults());
  }
}

// SIF: Secure devices fetch no instructions from Non-secure memory.
TEST_F(Shared, SecureFetchesFromNonSecureMemoryMayFault) {
  PageTable table(
      secure_ram,
      [this](std::uint64_t bytes, std::uint64_t alignment) {
        return rig.allocate(bytes, alignment);
      },
      stage1_tables());
  const Pa page = rig.allocate(4096);
  table.map(kPage, page, 4096, {.writable = false});
  constexpr std::uint64_t kNs = 1U << 5;
  store(secure_ram, table.descriptor(kPage), load(secure_ram, table.descriptor(kPage)) | kNs);
  secure.stage1(kSecureBank, table);
  secure.lead(kStream, kSecureBank);
  const DmaDevice fetch = secure_device.fetching_instructions();
  EXPECT_THAT(fetch.translate(kPage), TranslatesTo(page));
  secure.gr0.write(secure.gr0.read<SMMU_SCR1>().set(SMMU_SCR1::SIF, true));
  secure.gr0.write(SMMU_STLBIALL());
  secure.synchronize();
  EXPECT_THAT(fetch.translate(kPage), Aborts());
  EXPECT_THAT(secure_device.translate(kPage), TranslatesTo(page)) << "data may be anywhere";
  EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::PF, true));
  EXPECT_EQ(secure.gr0.read<SMMU_sGFAR>().raw(), kPage.value);
  EXPECT_TRUE(secure.gr0.read<SMMU_sGFSYNR0>()[SMMU_sGFSYNR0::IND]);
  EXPECT_EQ(secure.bank(kSecureBank).read<SMMU_CBn_FSR>(), SMMU_CBn_FSR());
  EXPECT_TRUE(rig.secure_global_fault.up());
}

// It holds for what bypasses, by its group or because there is none, but not while the SMMU is off.
TEST_F(Shared, SecureFetchesThatBypassMayFaultButNotWithClientpd) {
  secure.gr0.write(secure.gr0.read<SMMU_SCR1>().set(SMMU_SCR1::SIF, true));
  const DmaDevice fetch = secure_device.fetching_instructions().in(SecurityState::kNonSecure);
  using S2cr = SMMU_S2CRn_Translation;
  for (const bool has_group : {false, true}) {
    SCOPED_TRACE(has_group);
    secure.enable(everything_faults().set(SMMU_sCR0::USFCFG, false));
    if (has_group) secure.lead(kStream, S2cr().set(S2cr::TYPE, StreamType::kBypass));
    EXPECT_THAT(fetch.in(SecurityState::kSecure).translate(kPage), TranslatesTo(Pa(kPage.value)));
    EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
    EXPECT_THAT(fetch.translate(kPage), Aborts());
    EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR().set(SMMU_sGFSR::PF, true));
    secure.gr0.write(secure.gr0.read<SMMU_sGFSR>());
    secure.enable(everything_faults().set(SMMU_sCR0::CLIENTPD, true));
    EXPECT_THAT(fetch.translate(kPage), TranslatesTo(Pa(kPage.value)));
    EXPECT_EQ(secure.gr0.read<SMMU_sGFSR>(), SMMU_sGFSR());
  }
}

}  // namespace
}  // namespace smmu::testing::security_test
