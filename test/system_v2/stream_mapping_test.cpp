// Which group a stream belongs to, and what becomes of streams without one, or with several.
#include <optional>
#include <tuple>

#include "test/system_v2/bank.h"

namespace smmu::testing::stream_mapping_test {
namespace {

using emulator::Route;
using emulator::SmmuV2Config;
using namespace v2;

constexpr Iova kAddress(0x1234'5000);

SMMU_SMRn matching(std::uint32_t id, std::uint32_t mask = 0) {
  return SMMU_SMRn().set(SMMU_SMRn::ID, id).set(SMMU_SMRn::MASK, mask).set(SMMU_SMRn::VALID, true);
}
SMMU_S2CRn of_type(StreamType type) { return SMMU_S2CRn().set(SMMU_S2CRn::TYPE, type); }

// Only what a group lets pass does.
struct Mapping {
  explicit Mapping(const SmmuV2Config& config = SmmuV2Config::generic()) : rig(config) {
    gr0.write(all_faults_abort());
    for (std::uint32_t n = 0; n != 128; ++n) gr0.write(n, of_type(StreamType::kBypass));
  }

  bool passes(std::uint32_t stream) {
    const auto outcome = rig.device(StreamId(stream)).translate(kAddress);
    return std::holds_alternative<emulator::Translation>(outcome);
  }
  // The fault that the last access was, which is cleared.
  std::uint32_t take_fault() {
    const std::uint32_t status = gr0.read<SMMU_sGFSR>().raw();
    gr0.write(SMMU_sGFSR(0xffff'ffff));
    return status;
  }

  V2Rig rig;
  RegisterPage gr0 = rig.registers().global0();
};

constexpr std::uint32_t kICF = 1, kUSF = 2, kSMCF = 4, kUCBF = 8;

TEST(StreamMapping, TakesTheGroupWhoseMaskLeavesTheBit) {
  Mapping mapping;
  for (std::uint32_t id = 0; id != 16; ++id) {
    for (std::uint32_t mask = 0; mask != 16; ++mask) {
      mapping.gr0.write(0, matching(id, mask));
      for (std::uint32_t stream = 0; stream != 16; ++stream) {
        bool same = true;
        for (unsigned bit = 0; bit != 4; ++bit) {
          const bool ignored = (mask >> bit & 1) != 0;
          if (!ignored && (id >> bit & 1) != (stream >> bit & 1)) same = false;
        }
        ASSERT_EQ(mapping.passes(stream), same) << id << ' ' << mask << ' ' << stream;
      }
    }
  }
}

// Every pair of groups of three bits: one matches, both do, none does.
TEST(StreamMapping, FindsEveryConflict) {
  Mapping mapping;
  std::deque<DmaDevice> devices;
  for (std::uint32_t stream = 0; stream != 8; ++stream) {
    devices.push_back(mapping.rig.device(StreamId(stream)));
  }
  for (std::uint32_t both = 0; both != 64 * 64; ++both) {
    const std::uint32_t a = both / 64;
    const std::uint32_t b = both % 64;
    mapping.gr0.write(17, matching(a / 8, a % 8));
    mapping.gr0.write(90, matching(b / 8, b % 8));
    for (std::uint32_t stream = 0; stream != 8; ++stream) {
      const unsigned hits = (((stream ^ a / 8) & ~(a % 8)) == 0 ? 1U : 0U) +
                            (((stream ^ b / 8) & ~(b % 8)) == 0 ? 1U : 0U);
      const auto outcome = devices[stream].translate(kAddress);
      ASSERT_EQ(std::holds_alternative<emulator::Translation>(outcome), hits == 1);
      ASSERT_EQ(mapping.take_fault(), hits == 0 ? kUSF : hits == 2 ? kSMCF : 0);
    }
  }
}

TEST(StreamMapping, LetsConflictsPassOrTakesTheFirst) {
  for (const bool first : {false, true}) {
    SmmuV2Config config = SmmuV2Config::generic();
    if (first) config.conflict = SmmuV2Config::Conflict::kTakesFirst;
    Mapping mapping(config);
    mapping.gr0.write(4, of_type(StreamType::kFault));
    mapping.gr0.write(4, matching(0x20, 0xf));
    mapping.gr0.write(60, matching(0x21));
    EXPECT_FALSE(mapping.passes(0x21));
    EXPECT_EQ(mapping.take_fault(), kSMCF);
    mapping.gr0.write(all_faults_abort().set(SMMU_sCR0::SMCFCFG, false));
    EXPECT_EQ(mapping.passes(0x21), !first);
    EXPECT_EQ(mapping.take_fault(), first ? kICF : 0);
    EXPECT_FALSE(mapping.passes(0x22)) << "one group alone is no conflict";
  }
}

TEST(StreamMapping, OfMmu500AlwaysFaultsConflicts) {
  Mapping mapping(SmmuV2Config::mmu500_zynqmp());
  mapping.gr0.write(all_faults_abort().set(SMMU_sCR0::SMCFCFG, false));
  mapping.gr0.write(0, matching(7));
  EXPECT_TRUE(mapping.passes(7));
  mapping.gr0.write(1, matching(7));
  EXPECT_FALSE(mapping.passes(7));
  EXPECT_EQ(mapping.take_fault(), kSMCF);
}

TEST(StreamMapping, LetsStreamsWithoutAGroupPassUnlessUsfcfg) {
  Mapping mapping;
  EXPECT_FALSE(mapping.passes(3));
  EXPECT_EQ(mapping.take_fault(), kUSF);
  mapping.gr0.write(SMMU_sCR0());
  EXPECT_TRUE(mapping.passes(3));
  EXPECT_EQ(mapping.take_fault(), 0U);
}

// Without GFRE what faults is RAZ/WI.
TEST(StreamMapping, AbortsFaultsByGfre) {
  Mapping mapping;
  const DmaDevice device = mapping.rig.device(StreamId(3));
  EXPECT_THAT(device.translate(kAddress), Aborts());
  mapping.gr0.write(all_faults_abort().set(SMMU_sCR0::GFRE, false));
  EXPECT_THAT(device.translate(kAddress), IsRazWi());
}

// The fields of sCR0 say what memory bypassing traffic wants.
TEST(StreamMapping, PassesWithTheAttributesOfTheGlobalControl) {
  const SMMU_sCR0 attributes = SMMU_sCR0()
                                   .set(SMMU_sCR0::MTCFG, true)
                                   .set(SMMU_sCR0::MemAttr, 0b1010)
                                   .set(SMMU_sCR0::SHCFG, ShareabilityConfig::kInnerShareable);
  const auto expect_attributes = [](const emulator::Outcome& outcome, Route route) {
    const auto translation = translation_of(outcome);
    EXPECT_EQ(translation.pa, Pa(kAddress.value));
    EXPECT_EQ(translation.attributes.type, 0xbb) << "Write-Through";
    EXPECT_EQ(translation.attributes.shareability, Shareability::kInner);
    EXPECT_EQ(translation.route, route);
  };
  Mapping mapping;
  const DmaDevice device = mapping.rig.device(StreamId(3));
  mapping.gr0.write(attributes);
  expect_attributes(device.translate(kAddress), Route::kBypass);
  mapping.gr0.write(SMMU_sCR0(attributes).set(SMMU_sCR0::CLIENTPD, true));
  expect_attributes(device.translate(kAddress), Route::kDisabled);
  mapping.gr0.write(attributes);
  mapping.gr0.write(0, matching(3));
  mapping.gr0.write(1, matching(3));
  expect_attributes(device.translate(kAddress), Route::kBypass);
  // A group's own attributes are its own.
  mapping.gr0.write(1, SMMU_SMRn());
  EXPECT_EQ(translation_of(device.translate(kAddress)).attributes.type, 0xff);
}

TEST(StreamMapping, IgnoresGroupsThatAreNotValid) {
  Mapping mapping;
  mapping.gr0.write(0, matching(3).set(SMMU_SMRn::VALID, false));
  EXPECT_FALSE(mapping.passes(3));
  mapping.gr0.write(127, matching(3));
  EXPECT_TRUE(mapping.passes(3));
}

TEST(StreamMapping, LooksAtTheBitsThatStreamsHave) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::NUMSIDB, 6);
  Mapping mapping(config);
  mapping.gr0.write(0, matching(0x23));
  EXPECT_TRUE(mapping.passes(0x23));
  EXPECT_TRUE(mapping.passes(0x7fe3)) << "other bits are not there";
  EXPECT_FALSE(mapping.passes(0x22));
  EXPECT_EQ(mapping.gr0.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID], 0x22U);
}

TEST(StreamMapping, HasSixteenBitsWithExidenable) {
  Mapping mapping;
  mapping.gr0.write(all_faults_abort().set(SMMU_sCR0::EXIDENABLE, true));
  using Smr = SMMU_SMRn_EXIDENABLE;
  mapping.gr0.write(5, Smr().set(Smr::ID, 0x9234).set(Smr::MASK, 0x8001));
  EXPECT_FALSE(mapping.passes(0x9234)) << "EXIDVALID is 0";
  mapping.gr0.write(5, of_type(StreamType::kBypass).set(SMMU_S2CRn::EXIDVALID, true));
  for (const std::uint32_t stream : {0x9234U, 0x1234U, 0x9235U, 0x1235U}) {
    EXPECT_TRUE(mapping.passes(stream)) << std::hex << stream;
  }
  EXPECT_FALSE(mapping.passes(0x5234));
  mapping.take_fault();
  EXPECT_FALSE(mapping.passes(0xd236));
  EXPECT_EQ(mapping.gr0.read<SMMU_sGFSYNR1>()[SMMU_sGFSYNR1::StreamID], 0xd236U);
  // Without it, bit 31 is VALID again, and streams have fifteen bits.
  mapping.gr0.write(all_faults_abort());
  EXPECT_TRUE(mapping.passes(0x9234));
  EXPECT_TRUE(mapping.passes(0x1235));
}

// Secure software may write the groups of others: they are what their owner takes them for.
TEST(StreamMapping, HasSixteenBitsByTheOwnersExidenable) {
  Mapping mapping;
  const RegisterPage secure = mapping.rig.secure_registers().global0();
  mapping.gr0.write(all_faults_abort().set(SMMU_sCR0::EXIDENABLE, true));
  using Smr = SMMU_SMRn_EXIDENABLE;
  secure.write(5, Smr().set(Smr::ID, 0x9234).set(Smr::MASK, 0x8001));
  secure.write(5, of_type(StreamType::kBypass).set(SMMU_S2CRn::EXIDVALID, true));
  EXPECT_TRUE(mapping.passes(0x9234));
  EXPECT_TRUE(mapping.passes(0x1235));
}

TEST(StreamMapping, IndexesWithoutMatching) {
  for (const unsigned bits : {0U, 4U, 7U}) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.idr0.set(SMMU_IDR0::SMS, false)
        .set(SMMU_IDR0::EXIDS, false)
        .set(SMMU_IDR0::NUMSIDB, bits);
    Mapping mapping(config);
    const std::uint32_t streams = 1U << bits;
    mapping.gr0.write(streams - 1, of_type(StreamType::kFault));
    for (std::uint32_t stream = 0; stream != streams; ++stream) {
      EXPECT_EQ(mapping.passes(stream), stream != streams - 1) << stream;
    }
    EXPECT_EQ(mapping.take_fault(), kICF);
    // There is nothing to match with.
    mapping.gr0.write(0, matching(1));
    EXPECT_EQ(mapping.gr0.read<SMMU_SMRn>(0).raw(), 0U);
  }
}

// Groups that Secure software keeps are no groups of Non-secure streams.
TEST(StreamMapping, IndexesNoFurtherThanItsShare) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::SMS, false).set(SMMU_IDR0::EXIDS, false).set(SMMU_IDR0::NUMSIDB, 4);
  config.scr1_reset.set(SMMU_SCR1::NSNUMSMRGO, 10);
  Mapping mapping(config);
  EXPECT_TRUE(mapping.passes(9));
  EXPECT_FALSE(mapping.passes(10));
  EXPECT_EQ(mapping.take_fault(), kUSF);
}

TEST(StreamMapping, FaultsByTypeAndSoDoesWhatIsReserved) {
  Mapping mapping;
  mapping.gr0.write(8, matching(3));
  for (const StreamType type : {StreamType::kFault, StreamType{0b11}}) {
    mapping.gr0.write(8, of_type(type));
    EXPECT_EQ(mapping.gr0.read<SMMU_S2CRn>(8), of_type(type));
    EXPECT_FALSE(mapping.passes(3));
    EXPECT_EQ(mapping.take_fault(), kICF);
  }
  mapping.gr0.write(8, of_type(StreamType::kBypass));
  EXPECT_TRUE(mapping.passes(3));
}

TEST(StreamMapping, FaultsWhereTheBankIsNotThere) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr1.set(SMMU_IDR1::NUMCB, 20);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 12);
  Mapping mapping(config);
  mapping.gr0.write(8, matching(3));
  for (const std::uint32_t bank : {12U, 19U, 20U, 127U, 255U}) {
    mapping.gr0.write(8, SMMU_S2CRn_Translation().set(SMMU_S2CRn_Translation::CBNDX, bank));
    EXPECT_FALSE(mapping.passes(3)) << bank;
    EXPECT_EQ(mapping.take_fault(), kUCBF) << bank;
  }
  mapping.rig.registers().global1().write(11, Bank::stage1_alone());
  mapping.gr0.write(8, SMMU_S2CRn_Translation().set(SMMU_S2CRn_Translation::CBNDX, 11));
  EXPECT_TRUE(mapping.passes(3)) << "its stage is off";
}

TEST(StreamMapping, TellsWhoHasFaultedAndKeepsTheFirst) {
  Mapping mapping;
  mapping.gr0.write(all_faults_abort().set(SMMU_sCR0::GFIE, true));
  const DmaDevice device = mapping.rig.device(StreamId(0x345)).privileged();
  EXPECT_THAT(device.translate(Iova(0x1'2345'6789), emulator::Direction::kWrite), Aborts());
  EXPECT_TRUE(mapping.rig.global_fault.up());
  EXPECT_FALSE(mapping.passes(0x346));
  EXPECT_EQ(mapping.gr0.read<SMMU_sGFAR>().raw(), 0x1'2345'6789U);
  EXPECT_EQ(mapping.gr0.read<SMMU_sGFSYNR0>(),
            SMMU_sGFSYNR0().set(SMMU_sGFSYNR0::WNR, true).set(SMMU_sGFSYNR0::PNU, true));
  EXPECT_EQ(mapping.gr0.read<SMMU_sGFSYNR1>().raw(), 0x345U);
  EXPECT_EQ(mapping.take_fault(), 0x8000'0000 | kUSF);
  EXPECT_FALSE(mapping.rig.global_fault.up());
}

// What no physical address can be is refused, and nobody is told.
TEST(StreamMapping, LetsNothingPassThatIsTooLarge) {
  SmmuV2Config config = SmmuV2Config::generic();
  config.idr2.set(SMMU_IDR2::OAS, OutputSize::k36Bits);
  Mapping mapping(config);
  const DmaDevice device = mapping.rig.device(StreamId(3));
  const auto expect_limited = [&] {
    EXPECT_THAT(device.translate(Iova(0xf'ffff'f000)), TranslatesTo(Pa(0xf'ffff'f000)));
    EXPECT_THAT(device.translate(Iova(0x10'0000'0000)), Aborts());
    EXPECT_EQ(mapping.take_fault(), 0U);
  };
  mapping.gr0.write(0, matching(3));
  expect_limited();
  mapping.gr0.write(0, SMMU_SMRn());
  mapping.gr0.write(SMMU_sCR0());
  expect_limited();
  mapping.gr0.write(SMMU_sCR0().set(SMMU_sCR0::CLIENTPD, true));
  expect_limited();
}

// Each copy of sCR0 is for the streams of its Security state, whoever writes it.
TEST(StreamMapping, IsSwitchedOnByEachSecurityState) {
  Mapping mapping;
  const DmaDevice device = mapping.rig.device(StreamId(3));
  const DmaDevice secure = device.of(SecurityState::kSecure);
  EXPECT_THAT(device.translate(kAddress), Aborts());
  EXPECT_THAT(secure.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  const RegisterPages pages = mapping.rig.secure_registers();
  pages.non_secure_aliases().write(all_faults_abort().set(SMMU_sCR0::CLIENTPD, true));
  pages.global0().write(all_faults_abort());
  EXPECT_THAT(device.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(secure.translate(kAddress), Aborts());
}

// Secure software's groups are the last ones, and its streams match no others.
TEST(StreamMapping, DividesTheGroupsBySecurityState) {
  Mapping mapping;
  const RegisterPage secure = mapping.rig.secure_registers().global0();
  secure.write(SMMU_SCR1().set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64));
  secure.write(all_faults_abort());
  secure.write(63, matching(1));
  secure.write(64, matching(2));
  const DmaDevice one = mapping.rig.device(StreamId(1));
  const DmaDevice two = mapping.rig.device(StreamId(2));
  EXPECT_THAT(one.translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(two.of(SecurityState::kSecure).translate(kAddress), TranslatesTo(Pa(kAddress.value)));
  EXPECT_THAT(two.translate(kAddress), Aborts());
  EXPECT_EQ(mapping.take_fault(), kUSF);
  EXPECT_THAT(one.of(SecurityState::kSecure).translate(kAddress), Aborts());
  EXPECT_EQ(mapping.take_fault(), 0U) << "that was Secure software's";
  EXPECT_EQ(secure.read<SMMU_sGFSR>().raw(), kUSF);
}

}  // namespace
}  // namespace smmu::testing::stream_mapping_test
