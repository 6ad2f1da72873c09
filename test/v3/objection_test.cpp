// Which configurations are refused, and that the sentence says why.
#include <gmock/gmock.h>

#include "smmu/emulator/ram.h"
#include "smmu/emulator/smmu_v3.h"

namespace smmu::emulator::objection_test {
namespace {

using ::testing::HasSubstr;
using v3::SMMU_AIDR;
using v3::SMMU_IDR0;
using v3::SMMU_IDR1;
using v3::SMMU_IDR3;
using v3::SMMU_IDR5;
using v3::SMMU_IDR6;
using v3::SMMU_S_IDR0;
using v3::SMMU_S_IDR1;
using v3::SMMU_S_IDR2;
using v3::SMMU_S_IDR3;
using v3::SMMU_S_IDR6;

// Empty: it was accepted.
std::string objection_to(const SmmuV3Config& config) {
  Ram ram;
  const auto made = SmmuV3::create(config, {.memory = &ram});
  return made ? std::string() : made.error();
}

// `everything`, with one field changed.
template <class R, class F>
SmmuV3Config with(R SmmuV3Config::*which, F field, typename F::Value value) {
  auto config = SmmuV3Config::everything();
  (config.*which).set(field, value);
  return config;
}

TEST(Configurations, ThatHaveANameAreAccepted) {
  EXPECT_EQ(objection_to(SmmuV3Config::everything()), "");
  EXPECT_EQ(objection_to(SmmuV3Config::mmu600()), "");
  EXPECT_EQ(objection_to(SmmuV3Config::qemu_virt()), "");
  EXPECT_EQ(objection_to(SmmuV3Config::minimal()), "");
}

TEST(Configurations, OfEachVersionAndOfOneStageAreAccepted) {
  for (unsigned minor = 0; minor != 5; ++minor) {
    const auto config = SmmuV3Config::everything().of_version(minor);
    EXPECT_EQ(objection_to(config), "") << minor;
    EXPECT_EQ(objection_to(config.without_stage1()), "") << minor;
    EXPECT_EQ(objection_to(config.without_stage2()), "") << minor;
  }
  // Without 64 KiB pages addresses of 52 bits go with DS.
  auto small = SmmuV3Config::everything();
  small.idr5.set(SMMU_IDR5::GRAN64K, false);
  EXPECT_EQ(objection_to(small), "");
  EXPECT_EQ(objection_to(small.of_version(3)), "");
}

TEST(Configurations, OfOneStageHaveNothingThatNeedsTheOther) {  // 6.3.1, 6.3.4
  const auto refuse = [](SmmuV3Config config, auto which, auto field, const char* name) {
    EXPECT_EQ(objection_to(config), "");
    (config.*which).set(field, true);
    EXPECT_THAT(objection_to(config), HasSubstr(name));
  };
  const auto first = SmmuV3Config::everything().without_stage2();
  const auto second = SmmuV3Config::everything().without_stage1();
  refuse(first, &SmmuV3Config::idr0, SMMU_IDR0::Hyp, "SMMU_IDR0.Hyp");
  refuse(second, &SmmuV3Config::idr0, SMMU_IDR0::Hyp, "SMMU_IDR0.Hyp");
  refuse(first, &SmmuV3Config::idr0, SMMU_IDR0::VMW, "SMMU_IDR0.VMW");
  refuse(first, &SmmuV3Config::idr3, SMMU_IDR3::PTWNNC, "SMMU_IDR3.PTWNNC");
  refuse(first, &SmmuV3Config::idr3, SMMU_IDR3::MTEPERM, "SMMU_IDR3.MTEPERM");
  refuse(second, &SmmuV3Config::idr3, SMMU_IDR3::HAD, "SMMU_IDR3.HAD");
}

// 2.9: what has come with SMMUv3.x may be in SMMUv3.(x-1), and may have to be in SMMUv3.x.
TEST(Configurations, HaveWhatTheirVersionMayHave) {
  const auto refuse = [](unsigned minor, auto which, auto field, auto value, const char* name) {
    auto config = SmmuV3Config::everything().of_version(minor);
    (config.*which).set(field, value);
    EXPECT_THAT(objection_to(config), HasSubstr(name)) << "SMMUv3." << minor;
    EXPECT_THAT(objection_to(config), HasSubstr("and later")) << "SMMUv3." << minor;
    // One version later it is there, or may be.
    config = SmmuV3Config::everything().of_version(minor + 1);
    (config.*which).set(field, value);
    EXPECT_EQ(objection_to(config), "") << "SMMUv3." << minor + 1 << " with " << name;
  };
  const auto idr3 = &SmmuV3Config::idr3;
  const auto idr5 = &SmmuV3Config::idr5;
  refuse(0, idr3, SMMU_IDR3::XNX, true, "SMMU_IDR3.XNX");
  refuse(0, idr5, SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k52Bits, "SMMU_IDR5.VAX");
  refuse(0, idr5, SMMU_IDR5::OAS, OutputSize::k52Bits, "SMMU_IDR5.OAS");
  refuse(0, idr3, SMMU_IDR3::FWB, true, "SMMU_IDR3.FWB");
  refuse(0, idr3, SMMU_IDR3::STT, true, "SMMU_IDR3.STT");
  refuse(0, idr3, SMMU_IDR3::RIL, true, "SMMU_IDR3.RIL");
  refuse(0, idr3, SMMU_IDR3::BBML, 1U, "SMMU_IDR3.BBML");
  refuse(1, &SmmuV3Config::idr0, SMMU_IDR0::ATSRECERR, true, "SMMU_IDR0.ATSRECERR");
  refuse(1, idr3, SMMU_IDR3::E0PD, true, "SMMU_IDR3.E0PD");
  refuse(1, idr3, SMMU_IDR3::PTWNNC, true, "SMMU_IDR3.PTWNNC");
  refuse(1, &SmmuV3Config::idr1, SMMU_IDR1::ECMDQ, true, "SMMU_IDR1.ECMDQ");
  refuse(2, idr3, SMMU_IDR3::EPAN, true, "SMMU_IDR3.EPAN");
  refuse(2, idr3, SMMU_IDR3::MTEPERM, true, "SMMU_IDR3.MTEPERM");
  refuse(2, idr5, SMMU_IDR5::DS, true, "SMMU_IDR5.DS");
}

TEST(Configurations, HaveWhatTheirVersionMustHave) {
  const auto refuse = [](unsigned minor, auto which, auto field, auto value, const char* name) {
    auto config = SmmuV3Config::everything().of_version(minor);
    (config.*which).set(field, value);
    EXPECT_THAT(objection_to(config), HasSubstr(name)) << "SMMUv3." << minor;
    EXPECT_THAT(objection_to(config), HasSubstr("mandatory")) << "SMMUv3." << minor;
    // One version earlier it is a choice.
    config = SmmuV3Config::everything().of_version(minor - 1);
    (config.*which).set(field, value);
    EXPECT_EQ(objection_to(config), "") << "SMMUv3." << minor - 1 << " without " << name;
  };
  const auto idr3 = &SmmuV3Config::idr3;
  refuse(1, idr3, SMMU_IDR3::HAD, false, "SMMU_IDR3.HAD");
  refuse(1, idr3, SMMU_IDR3::XNX, false, "SMMU_IDR3.XNX");
  refuse(2, &SmmuV3Config::idr0, SMMU_IDR0::Hyp, false, "SMMU_IDR0.Hyp");
  refuse(2, idr3, SMMU_IDR3::FWB, false, "SMMU_IDR3.FWB");
  refuse(2, idr3, SMMU_IDR3::RIL, false, "SMMU_IDR3.RIL");
  refuse(2, idr3, SMMU_IDR3::BBML, 0U, "SMMU_IDR3.BBML");
  refuse(3, idr3, SMMU_IDR3::E0PD, false, "SMMU_IDR3.E0PD");
  refuse(3, idr3, SMMU_IDR3::PTWNNC, false, "SMMU_IDR3.PTWNNC");
  refuse(4, idr3, SMMU_IDR3::EPAN, false, "SMMU_IDR3.EPAN");
  refuse(4, idr3, SMMU_IDR3::MTEPERM, false, "SMMU_IDR3.MTEPERM");
}

TEST(Configurations, WithAnAbsentFeatureAreRefusedByItsName) {  // docs/features.md
  const auto idr0 = [](auto field, auto value) { return with(&SmmuV3Config::idr0, field, value); };
  const auto idr1 = [](auto field, auto value) { return with(&SmmuV3Config::idr1, field, value); };
  const auto idr3 = [](auto field, auto value) { return with(&SmmuV3Config::idr3, field, value); };
  const auto idr5 = [](auto field, auto value) { return with(&SmmuV3Config::idr5, field, value); };
  auto no_stage = idr0(SMMU_IDR0::S1P, false);
  no_stage.idr0.set(SMMU_IDR0::S2P, false);
  auto narrow = idr5(SMMU_IDR5::GRAN64K, false);
  narrow.idr5.set(SMMU_IDR5::DS, false).set(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k48Bits);
  auto large_64k = idr0(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64);
  large_64k.idr5.set(SMMU_IDR5::GRAN4K, false).set(SMMU_IDR5::GRAN16K, false);
  auto no_page = with(&SmmuV3Config::idr2, v3::SMMU_IDR2::BA_VATOS, 1U);
  no_page.idr0.set(SMMU_IDR0::VATOS, false);
  auto virtual_stage1 = SmmuV3Config::everything().without_stage2();
  virtual_stage1.idr0.set(SMMU_IDR0::VATOS, true);
  auto virtual_stage2 = SmmuV3Config::everything().without_stage1();
  virtual_stage2.idr0.set(SMMU_IDR0::VATOS, true);
  const struct {
    const char* name;
    SmmuV3Config config;
  } kRefused[] = {
      {"SMMU_IDR0.S1P", no_stage},
      {"SMMU_IDR0.TTF", idr0(SMMU_IDR0::TTF, static_cast<SMMU_IDR0::TableFormats>(0))},
      {"SMMU_IDR5.GRAN4K", idr5(SMMU_IDR5::GRAN4K, false)},  // VMSAv8-32 tables need it
      {"SMMU_IDR0.BTM", idr0(SMMU_IDR0::BTM, true)},
      {"SMMU_IDR0.HTTU",
       with(&SmmuV3Config::idr0, SMMU_IDR0::HTTU, SMMU_IDR0::FlagUpdates::kTableAccessAndDirty)},
      {"SMMU_IDR0.ATOS", idr0(SMMU_IDR0::ATOS, false)},  // VATOS needs it
      {"SMMU_IDR0.VATOS", virtual_stage2},               // and both stages
      {"SMMU_IDR0.VATOS", virtual_stage1},
      {"SMMU_IDR2.BA_VATOS", no_page},
      {"SMMU_IDR0.TTENDIAN", idr0(SMMU_IDR0::TTENDIAN, static_cast<SMMU_IDR0::Endianness>(1))},
      {"SMMU_IDR0.STALL_MODEL", idr0(SMMU_IDR0::STALL_MODEL, static_cast<StallModel>(3))},
      {"SMMU_IDR5.STALL_MAX is not 0", idr0(SMMU_IDR0::STALL_MODEL, StallModel::kTerminate)},
      {"SMMU_IDR0.ST_LEVEL", with(&SmmuV3Config::idr0, SMMU_IDR0::ST_LEVEL, 2)},
      {"SMMU_IDR0.RME_IMPL", idr0(SMMU_IDR0::RME_IMPL, true)},
      {"SMMU_IDR1.SIDSIZE", idr1(SMMU_IDR1::SIDSIZE, 33U)},
      {"SMMU_IDR1.SSIDSIZE", idr1(SMMU_IDR1::SSIDSIZE, 21U)},
      {"SMMU_IDR1.EVENTQS", idr1(SMMU_IDR1::EVENTQS, 20U)},
      {"SMMU_IDR1.CMDQS", idr1(SMMU_IDR1::CMDQS, 20U)},
      {"SMMU_IDR1.PRIQS", idr1(SMMU_IDR1::PRIQS, 20U)},
      {"SMMU_IDR1.REL", idr1(SMMU_IDR1::REL, true)},
      {"SMMU_IDR1.QUEUES_PRESET", idr1(SMMU_IDR1::QUEUES_PRESET, true)},
      {"SMMU_IDR1.TABLES_PRESET", idr1(SMMU_IDR1::TABLES_PRESET, true)},
      {"SMMU_IDR1.ECMDQ is 1: it needs SMMU_IDR0.COHACC", idr0(SMMU_IDR0::COHACC, false)},
      {"SMMU_IDR1.ECMDQ is 1: it needs SMMU_IDR0.MSI", idr0(SMMU_IDR0::MSI, false)},
      {"SMMU_IDR6 is not 0", idr1(SMMU_IDR1::ECMDQ, false)},
      {"LOG2NUMP", with(&SmmuV3Config::idr6, SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 9U)},
      {"LOG2NUMQ", with(&SmmuV3Config::idr6, SMMU_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 9U)},
      {"SMMU_IDR2.BA_VATOS", with(&SmmuV3Config::idr2, v3::SMMU_IDR2::BA_VATOS, 0xfU)},
      {"SMMU_IDR3.PBHA", idr3(SMMU_IDR3::PBHA, true)},
      {"SMMU_IDR3.MPAM", idr3(SMMU_IDR3::MPAM, true)},
      {"SMMU_IDR3.BBML", idr3(SMMU_IDR3::BBML, 3U)},
      {"SMMU_IDR3.DPT", idr3(SMMU_IDR3::DPT, true)},
      {"SMMU_IDR3.PASIDTT", idr3(SMMU_IDR3::PASIDTT, true)},
      {"SMMU_IDR3.S1PI", idr3(SMMU_IDR3::S1PI, true)},
      {"SMMU_IDR3.S2PI", idr3(SMMU_IDR3::S2PI, true)},
      {"SMMU_IDR3.S2PO", idr3(SMMU_IDR3::S2PO, true)},
      {"SMMU_IDR3.THE", idr3(SMMU_IDR3::THE, true)},
      {"SMMU_IDR3.AIE", idr3(SMMU_IDR3::AIE, true)},
      {"SMMU_IDR5.OAS", idr5(SMMU_IDR5::OAS, OutputSize::k56Bits)},
      {"SMMU_IDR5.GRAN64K", narrow},  // 52-bit addresses need it, or DS
      {"SMMU_IDR5.DS", idr5(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k48Bits)},
      {"SMMU_IDR5.DS", large_64k},  // it is for the other granules
      {"SMMU_IDR5.D128", idr5(SMMU_IDR5::D128, true)},
      {"SMMU_IDR5.VAX", idr5(SMMU_IDR5::VAX, SMMU_IDR5::VirtualSize::k56Bits)},
      {"SMMU_IDR5.STALL_MAX is 0", idr5(SMMU_IDR5::STALL_MAX, 0U)},
      {"SMMU_AIDR", with(&SmmuV3Config::aidr, SMMU_AIDR::ArchMinorRev, 5)},
      {"SMMU_AIDR", with(&SmmuV3Config::aidr, SMMU_AIDR::ArchMajorRev, 1)},
  };
  for (const auto& refused : kRefused) {
    EXPECT_THAT(objection_to(refused.config), HasSubstr(refused.name));
  }
}

TEST(Configurations, PutThePagesOfVatosAnywhere) {  // 6.3.3, 6.3.54
  EXPECT_EQ(objection_to(with(&SmmuV3Config::idr2, v3::SMMU_IDR2::BA_VATOS, 0x3ffU)), "");
  EXPECT_EQ(objection_to(with(&SmmuV3Config::s_idr2, SMMU_S_IDR2::BA_S_VATOS, 0x3ffU)), "");
  EXPECT_THAT(objection_to(with(&SmmuV3Config::s_idr2, SMMU_S_IDR2::BA_S_VATOS, 0U)),
              HasSubstr("where SMMU_IDR2.BA_VATOS is"));
  // 0x100000 to 0x11ffff are those of Enhanced Command queues.
  // The Secure ones follow where those end at most.
  for (const unsigned page : {14U, 15U, 0x10eU}) {
    EXPECT_THAT(objection_to(with(&SmmuV3Config::s_idr2, SMMU_S_IDR2::BA_S_VATOS, page)),
                HasSubstr("SMMU_S_IDR2.BA_S_VATOS is where the Command queue control pages"));
  }
  auto config = SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::VATOS, false);
  EXPECT_THAT(objection_to(config), HasSubstr("SMMU_S_IDR2.BA_S_VATOS is not 0"));
  config.s_idr2 = {};
  EXPECT_EQ(objection_to(config), "");
  config.idr0.set(SMMU_IDR0::ATOS, false);
  EXPECT_EQ(objection_to(config), "");
  // Without a Secure EL2 there is no page, wherever it would be.
  auto without_el2 = SmmuV3Config::everything();
  without_el2.s_idr1.set(SMMU_S_IDR1::SEL2, false);
  EXPECT_EQ(objection_to(without_el2), "");
}

TEST(Configurations, NeedTwoLevelTablesForManyStreams) {  // 6.3.1, ST_LEVEL; 6.3.2, SIDSIZE
  auto config = SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::ST_LEVEL, 0);
  config.idr1.set(SMMU_IDR1::SIDSIZE, 6);
  config.s_idr1.set(SMMU_S_IDR1::S_SIDSIZE, 6);
  EXPECT_EQ(objection_to(config), "");
  config.idr1.set(SMMU_IDR1::SIDSIZE, 7);
  EXPECT_THAT(objection_to(config), HasSubstr("SMMU_IDR0.ST_LEVEL"));
  config.idr1.set(SMMU_IDR1::SIDSIZE, 6);
  config.s_idr1.set(SMMU_S_IDR1::S_SIDSIZE, 7);
  EXPECT_THAT(objection_to(config), HasSubstr("SMMU_S_IDR1.S_SIDSIZE"));
}

TEST(Configurations, OfTheSecureInterfaceAreRefusedIfNothingCanBeThem) {  // 6.3.52 to 6.3.55
  const auto with_bits = [](auto which, auto field, auto value) {
    return with(which, field, static_cast<typename decltype(field)::Value>(value));
  };
  auto orphan = SmmuV3Config::everything();
  orphan.s_idr1.set(SMMU_S_IDR1::SECURE_IMPL, false);
  auto no_stage1 = SmmuV3Config::everything().without_stage1();
  no_stage1.s_idr1.set(SMMU_S_IDR1::SECURE_IMPL, true);
  auto no_stage2 = SmmuV3Config::everything().without_stage2();
  no_stage2.s_idr1.set(SMMU_S_IDR1::SEL2, true);
  auto of_version0 = SmmuV3Config::everything().of_version(0);
  of_version0.s_idr1.set(SMMU_S_IDR1::SEL2, true);
  of_version0.s_idr2 = SmmuV3Config::everything().s_idr2;
  auto of_version1 = SmmuV3Config::everything().of_version(1);
  of_version1.s_idr0 = SmmuV3Config::everything().s_idr0;
  auto incoherent = SmmuV3Config::everything();
  incoherent.idr0.set(SMMU_IDR0::COHACC, false);
  incoherent.idr1.set(SMMU_IDR1::ECMDQ, false);
  incoherent.idr6 = {};
  const struct {
    const char* name;
    SmmuV3Config config;
  } kRefused[] = {
      {"SMMU_S_IDR1.SECURE_IMPL is 0", orphan},
      {"SMMU_S_IDR1.SECURE_IMPL is 1", no_stage1},
      {"SMMU_S_IDR1.SEL2", no_stage2},
      {"SMMU_S_IDR1.SEL2", of_version0},
      {"SMMU_S_IDR1.S_SIDSIZE", with_bits(&SmmuV3Config::s_idr1, SMMU_S_IDR1::S_SIDSIZE, 33)},
      {"SMMU_S_IDR0.STALL_MODEL",
       with_bits(&SmmuV3Config::s_idr0, SMMU_S_IDR0::STALL_MODEL, StallModel::kTerminate)},
      {"SMMU_S_IDR6 is not 0", with_bits(&SmmuV3Config::s_idr0, SMMU_S_IDR0::ECMDQ, false)},
      {"SMMU_S_IDR0.ECMDQ is 1: it needs SMMU_S_IDR0.MSI",
       with_bits(&SmmuV3Config::s_idr0, SMMU_S_IDR0::MSI, false)},
      {"SMMU_S_IDR0.ECMDQ is 1: it needs SMMU_IDR0.COHACC", incoherent},
      {"SMMU_S_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMP",
       with_bits(&SmmuV3Config::s_idr6, SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMP, 9)},
      {"SMMU_S_IDR6.CMDQ_CONTROL_PAGE_LOG2NUMQ",
       with_bits(&SmmuV3Config::s_idr6, SMMU_S_IDR6::CMDQ_CONTROL_PAGE_LOG2NUMQ, 9)},
      {"SMMU_S_IDR0.ECMDQ is for SMMUv3.2", of_version1},
  };
  for (const auto& refused : kRefused) {
    EXPECT_THAT(objection_to(refused.config), HasSubstr(refused.name));
  }
  EXPECT_EQ(objection_to(SmmuV3Config::everything().without_secure_state()), "");
}

TEST(Configurations, NeedAtsForWhatIsPartOfIt) {  // 6.3.1; 6.3.4, PPS
  auto none = SmmuV3Config::everything().without_secure_state();
  none.idr0.set(SMMU_IDR0::ATS, false).set(SMMU_IDR0::ATSRECERR, false);
  none.idr0.set(SMMU_IDR0::PRI, false);
  none.idr3.set(SMMU_IDR3::PPS, false);
  EXPECT_EQ(objection_to(none), "");
  auto secure = none;
  secure.s_idr1 = SmmuV3Config::everything().s_idr1;
  secure.s_idr0 = SmmuV3Config::everything().s_idr0;
  secure.s_idr2 = SmmuV3Config::everything().s_idr2;
  secure.s_idr6 = SmmuV3Config::everything().s_idr6;
  EXPECT_EQ(objection_to(secure), "");
  secure.s_idr3.set(SMMU_S_IDR3::SAMS, true);
  EXPECT_THAT(objection_to(secure), HasSubstr("SMMU_S_IDR3.SAMS"));
  const auto refuse = [&](auto field, const char* name) {
    auto config = none;
    config.idr0.set(field, true);
    EXPECT_THAT(objection_to(config), HasSubstr(name));
    config.idr0.set(SMMU_IDR0::ATS, true);
    EXPECT_EQ(objection_to(config), "") << name;
  };
  refuse(SMMU_IDR0::NS1ATS, "SMMU_IDR0.NS1ATS");
  refuse(SMMU_IDR0::PRI, "SMMU_IDR0.PRI");
  refuse(SMMU_IDR0::ATSRECERR, "SMMU_IDR0.ATSRECERR");
  // Split-stage ATS is of both stages, and PPS of page requests with SubstreamIDs.
  const auto everything = SmmuV3Config::everything();
  for (auto config : {everything.without_stage1(), everything.without_stage2()}) {
    EXPECT_EQ(objection_to(config), "");
    config.idr0.set(SMMU_IDR0::NS1ATS, true);
    EXPECT_THAT(objection_to(config), HasSubstr("SMMU_IDR0.NS1ATS"));
  }
  none.idr3.set(SMMU_IDR3::PPS, true);
  EXPECT_THAT(objection_to(none), HasSubstr("SMMU_IDR3.PPS"));
  auto no_substreams = SmmuV3Config::everything();
  no_substreams.idr1.set(SMMU_IDR1::SSIDSIZE, 0);
  EXPECT_THAT(objection_to(no_substreams), HasSubstr("SMMU_IDR3.PPS"));
  no_substreams.idr3.set(SMMU_IDR3::PPS, false);
  EXPECT_EQ(objection_to(no_substreams), "");
}

TEST(Configurations, NeedAGranule) {  // 6.3.6
  auto config = SmmuV3Config::everything();
  config.idr0.set(SMMU_IDR0::TTF, SMMU_IDR0::TableFormats::kAArch64);
  config.idr5 = SMMU_IDR5().set(SMMU_IDR5::OAS, OutputSize::k48Bits).set(SMMU_IDR5::STALL_MAX, 1);
  EXPECT_THAT(objection_to(config), HasSubstr("no granule"));
  for (const auto granule :
       {SMMU_IDR5::GRAN4K.kLo, SMMU_IDR5::GRAN16K.kLo, SMMU_IDR5::GRAN64K.kLo}) {
    auto one = config;
    one.idr5 = SMMU_IDR5(config.idr5.raw() | 1U << granule);
    EXPECT_EQ(objection_to(one), "") << granule;
  }
}

TEST(Configurations, WithReservedBitsAreRefused) {
  const auto refuse = [](auto which, auto reserved) {
    auto config = SmmuV3Config::everything();
    config.*which = reserved;
    EXPECT_THAT(objection_to(config), HasSubstr("reserved bit"));
  };
  const auto everything = SmmuV3Config::everything();
  refuse(&SmmuV3Config::idr2, v3::SMMU_IDR2(1U << 10));
  refuse(&SmmuV3Config::idr5, SMMU_IDR5(everything.idr5.raw() | 1U << 3));
  refuse(&SmmuV3Config::idr6, SMMU_IDR6(everything.idr6.raw() | 1U));
  refuse(&SmmuV3Config::aidr, SMMU_AIDR(everything.aidr.raw() | 1U << 31));
}

TEST(Configurations, NeedCachesOfPossibleSizes) {
  const auto objection = [](auto change) {
    auto config = SmmuV3Config::everything();
    change(config.caching);
    return objection_to(config);
  };
  EXPECT_THAT(objection([](Caching& caching) { caching.main_tlb.sets = 3; }),
              HasSubstr("caching.main_tlb"));
  EXPECT_THAT(objection([](Caching& caching) { caching.main_tlb.ways = 0; }),
              HasSubstr("caching.main_tlb"));
  EXPECT_THAT(objection([](Caching& caching) { caching.configuration.ways = 6; }),
              HasSubstr("caching.configuration"));
  EXPECT_THAT(objection([](Caching& caching) { caching.cap = (1U << 24) + 1; }),
              HasSubstr("caching.cap"));
}

TEST(Configurations, NeedAPossibleNumberOfStalledTransactions) {
  for (const std::uint32_t most : {0U, 1U, 1U << 16, (1U << 16) + 1}) {
    auto config = SmmuV3Config::everything();
    config.most_stalled = most;
    EXPECT_EQ(objection_to(config).empty(), most == 1 || most == 1U << 16) << most;
  }
}

TEST(Configurations, NeedMemory) {
  const auto made = SmmuV3::create(SmmuV3Config::everything(), {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("memory"));
}

}  // namespace
}  // namespace smmu::emulator::objection_test
