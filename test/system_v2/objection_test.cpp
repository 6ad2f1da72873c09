// Configurations that SmmuV2::create refuses, each with its sentence, and their neighbours that it
// accepts.
#include "test/system_v2/bank.h"

namespace smmu::testing::objection_test {
namespace {

using emulator::SmmuV2;
using emulator::SmmuV2Config;
using ::testing::HasSubstr;
using namespace v2;

std::string sentence(const SmmuV2Config& config) {
  emulator::Ram ram;
  auto made = SmmuV2::create(config, {.memory = &ram});
  return made ? std::string() : made.error();
}

// A change that makes an SMMU that cannot be, and what the sentence says.
struct Refused {
  const char* says;
  void (*change)(SmmuV2Config& config);
};

template <class F>
void set0(SmmuV2Config& config, F field, typename F::Value value) {
  config.idr0.set(field, value);
}
template <class F>
void set1(SmmuV2Config& config, F field, typename F::Value value) {
  config.idr1.set(field, value);
}
template <class F>
void set2(SmmuV2Config& config, F field, typename F::Value value) {
  config.idr2.set(field, value);
}

constexpr Refused kRefused[] = {
    {"no stage",
     [](SmmuV2Config& c) {
       c.idr0.set(SMMU_IDR0::S1TS, false).set(SMMU_IDR0::S2TS, false).set(SMMU_IDR0::NTS, false);
     }},
    {"NTS is 1", [](SmmuV2Config& c) { set0(c, SMMU_IDR0::S1TS, false); }},
    {"NTS is 1", [](SmmuV2Config& c) { set0(c, SMMU_IDR0::S2TS, false); }},
    {"NUMSMRG is 0", [](SmmuV2Config& c) { set0(c, SMMU_IDR0::NUMSMRG, 0); }},
    {"NUMSMRG is above 128", [](SmmuV2Config& c) { set0(c, SMMU_IDR0::NUMSMRG, 129); }},
    {"NUMSIDB is above 7",
     [](SmmuV2Config& c) {
       c.idr0.set(SMMU_IDR0::SMS, false).set(SMMU_IDR0::EXIDS, false).set(SMMU_IDR0::NUMSIDB, 8);
     }},
    {"EXIDS is 1",
     [](SmmuV2Config& c) { c.idr0.set(SMMU_IDR0::SMS, false).set(SMMU_IDR0::NUMSIDB, 7); }},
    {"EXSMRGS is 1", [](SmmuV2Config& c) { set0(c, SMMU_IDR0::EXSMRGS, true); }},
    {"PTFS is 0b11", [](SmmuV2Config& c) { set0(c, SMMU_IDR0::PTFS, AArch32Formats{3}); }},
    {"PTFS is 0b10",
     [](SmmuV2Config& c) {
       c.idr0.set(SMMU_IDR0::PTFS, AArch32Formats::kNone);
       c.idr1.set(SMMU_IDR1::HAFDBS, HardwareUpdates::kNone);
       c.idr2 = SMMU_IDR2(0x555);
     }},
    {"NUMCB is 0", [](SmmuV2Config& c) { set1(c, SMMU_IDR1::NUMCB, 0); }},
    {"NUMCB is 0 or above 128",
     [](SmmuV2Config& c) { c.idr1.set(SMMU_IDR1::NUMPAGENDXB, 7).set(SMMU_IDR1::NUMCB, 129); }},
    {"above the number of pages", [](SmmuV2Config& c) { set1(c, SMMU_IDR1::NUMPAGENDXB, 5); }},
    {"four pages at least",
     [](SmmuV2Config& c) {
       c.idr1.set(SMMU_IDR1::NUMPAGENDXB, 0).set(SMMU_IDR1::NUMCB, 2);
       c.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 2);
     }},
    {"the page of the table",
     [](SmmuV2Config& c) {
       c.idr1.set(SMMU_IDR1::NUMPAGENDXB, 1)
           .set(SMMU_IDR1::NUMCB, 2)
           .set(SMMU_IDR1::SSDTP, SecurityTable::kIndexed);
       c.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 2);
     }},
    {"NUMS2CB is above",
     [](SmmuV2Config& c) { c.idr1.set(SMMU_IDR1::NUMCB, 7).set(SMMU_IDR1::NUMS2CB, 8); }},
    {"NUMS2CB is not 0",
     [](SmmuV2Config& c) {
       kNoStage2.change(c);
       c.idr1.set(SMMU_IDR1::NUMS2CB, 1);
     }},
    {"NUMS2CB is not NUMCB",
     [](SmmuV2Config& c) {
       kNoStage1.change(c);
       c.idr1.set(SMMU_IDR1::NUMS2CB, 127);
     }},
    {"HAFDBS is 0b10", [](SmmuV2Config& c) { set1(c, SMMU_IDR1::HAFDBS, HardwareUpdates{2}); }},
    {"HAFDBS is not 0", [](SmmuV2Config& c) { c.idr2 = SMMU_IDR2(0x555); }},
    {"SSDTP is 0b10", [](SmmuV2Config& c) { set1(c, SMMU_IDR1::SSDTP, SecurityTable{2}); }},
    {"SSDTP is not 0",
     [](SmmuV2Config& c) {
       c = c.without_secure_state();
       c.idr1.set(SMMU_IDR1::SSDTP, SecurityTable::kIndexed);
     }},
    {"SMMU_IDR1 has a reserved bit",
     [](SmmuV2Config& c) { c.idr1 = SMMU_IDR1(c.idr1.raw() | 1U << 14); }},
    {"SMMU_IDR1 has a reserved bit",
     [](SmmuV2Config& c) { c.idr1 = SMMU_IDR1(c.idr1.raw() | 1U << 27); }},
    {"IAS is above", [](SmmuV2Config& c) { set2(c, SMMU_IDR2::IAS, OutputSize::k52Bits); }},
    {"OAS is above", [](SmmuV2Config& c) { set2(c, SMMU_IDR2::OAS, OutputSize::k52Bits); }},
    {"UBS has a value", [](SmmuV2Config& c) { set2(c, SMMU_IDR2::UBS, UpstreamSize{6}); }},
    {"UBS has a value", [](SmmuV2Config& c) { set2(c, SMMU_IDR2::UBS, UpstreamSize{14}); }},
    {"EXNUMSMRG is not 0", [](SmmuV2Config& c) { set2(c, SMMU_IDR2::EXNUMSMRG, 1); }},
    {"COMPINDEXS is 1", [](SmmuV2Config& c) { set2(c, SMMU_IDR2::COMPINDEXS, true); }},
    {"VMID16S is 1",
     [](SmmuV2Config& c) {
       kNoStage2.change(c);
       c.idr2.set(SMMU_IDR2::VMID16S, true);
     }},
    {"E2HS, HADS or DIPANS",
     [](SmmuV2Config& c) {
       kNoStage1.change(c);
       c.idr2.set(SMMU_IDR2::DIPANS, true);
     }},
    {"E2HS, HADS or DIPANS",
     [](SmmuV2Config& c) {
       c.idr1.set(SMMU_IDR1::HAFDBS, HardwareUpdates::kNone);
       c.idr2 = SMMU_IDR2(0x555).set(SMMU_IDR2::E2HS, true);
     }},
    {"SMMU_IDR2 has a reserved bit",
     [](SmmuV2Config& c) { c.idr2 = SMMU_IDR2(c.idr2.raw() | 1U << 31); }},
    {"SMMU_IDR7 has a reserved bit", [](SmmuV2Config& c) { c.idr7 = SMMU_IDR7(0x120); }},
    {"scr1_reset is not 0", [](SmmuV2Config& c) { c.idr0.set(SMMU_IDR0::SES, false); }},
    {"scr1_reset has a reserved bit",
     [](SmmuV2Config& c) { c.scr1_reset = SMMU_SCR1(c.scr1_reset.raw() | 1U << 31); }},
    {"NSNUMCBO is above", [](SmmuV2Config& c) { c.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 129); }},
    {"NSNUMSMRGO is above", [](SmmuV2Config& c) { c.scr1_reset.set(SMMU_SCR1::NSNUMSMRGO, 129); }},
    {"NSNUMIRPTO is above", [](SmmuV2Config& c) { c.scr1_reset.set(SMMU_SCR1::NSNUMIRPTO, 2); }},
    {"SIZE is not 31", [](SmmuV2Config& c) { c.pmcfgr.set(SMMU_PMCFGR::SIZE, 63); }},
    {"dealt out evenly", [](SmmuV2Config& c) { c.pmcfgr.set(SMMU_PMCFGR::N, 16); }},
    {"more than 15 counters",
     [](SmmuV2Config& c) { c.pmcfgr.set(SMMU_PMCFGR::N, 15).set(SMMU_PMCFGR::NCG, 0); }},
    {"CC or CCD", [](SmmuV2Config& c) { c.pmcfgr.set(SMMU_PMCFGR::CC, true); }},
    {"CC or CCD", [](SmmuV2Config& c) { c.pmcfgr.set(SMMU_PMCFGR::CCD, true); }},
    {"NCG is above 127",
     [](SmmuV2Config& c) { c.pmcfgr.set(SMMU_PMCFGR::NCG, 255).set(SMMU_PMCFGR::N, 255); }},
    {"SMMU_PMCFGR has a reserved bit",
     [](SmmuV2Config& c) { c.pmcfgr = SMMU_PMCFGR(c.pmcfgr.raw() | 1U << 17); }},
    {"counted_stream_bits", [](SmmuV2Config& c) { c.counted_stream_bits = 17; }},
    {"most_stalled", [](SmmuV2Config& c) { c.most_stalled = 0; }},
    {"most_stalled", [](SmmuV2Config& c) { c.most_stalled = (1U << 16) + 1; }},
    {"caching.main_tlb", [](SmmuV2Config& c) { c.caching.main_tlb = {.sets = 3, .ways = 4}; }},
    {"caching.main_tlb", [](SmmuV2Config& c) { c.caching.main_tlb = {.sets = 0, .ways = 4}; }},
    {"caching.configuration",
     [](SmmuV2Config& c) { c.caching.configuration = {.sets = 1U << 24, .ways = 2}; }},
    {"caching.stage2", [](SmmuV2Config& c) { c.caching.stage2 = {.sets = 4, .ways = 3}; }},
    {"caching.walk", [](SmmuV2Config& c) { c.caching.walk = {.sets = 4, .ways = 0}; }},
    {"caching.cap", [](SmmuV2Config& c) { c.caching.cap = 0; }},
    {"caching.cap", [](SmmuV2Config& c) { c.caching.cap = (1U << 20) + 1; }},
};

TEST(Objection, IsOneSentenceAboutWhatIsWrong) {
  for (const Refused& refused : kRefused) {
    SmmuV2Config config = SmmuV2Config::generic();
    refused.change(config);
    EXPECT_THAT(sentence(config), HasSubstr(refused.says));
  }
}

TEST(Objection, WantsMemory) {
  EXPECT_THAT(SmmuV2::create(SmmuV2Config::generic(), {}).error(), HasSubstr("memory"));
}

TEST(Objection, IsNoneToThePresets) {
  for (const auto& config : {SmmuV2Config::generic(), SmmuV2Config::pages_64k(),
                             SmmuV2Config::mmu500_zynqmp(), SmmuV2Config::mmu500_stratix10()}) {
    EXPECT_EQ(sentence(config), "");
    EXPECT_EQ(sentence(config.without_secure_state()), "");
  }
}

// The extremes that are allowed; and what is made of them translates.
constexpr V2Variant kAccepted[] = {
    {"one group",
     [](SmmuV2Config& c) {
       c.idr0.set(SMMU_IDR0::NUMSMRG, 1);
       c.scr1_reset.set(SMMU_SCR1::NSNUMSMRGO, 1);
     }},
    {"one bank",
     [](SmmuV2Config& c) {
       c.idr1.set(SMMU_IDR1::NUMCB, 1).set(SMMU_IDR1::NUMPAGENDXB, 1);
       c.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 1);
     }},
    {"no counters", [](SmmuV2Config& c) { c.pmcfgr = {}; }},
    {"one counter", [](SmmuV2Config& c) { c.pmcfgr = SMMU_PMCFGR().set(SMMU_PMCFGR::SIZE, 31); }},
    {"a table of one device",
     [](SmmuV2Config& c) {
       c.idr1.set(SMMU_IDR1::SSDTP, SecurityTable::kIndexed).set(SMMU_IDR1::NUMSSDNDXB, 0);
     }},
    {"one stalled transaction", [](SmmuV2Config& c) { c.most_stalled = 1; }},
    {"the smallest caches",
     [](SmmuV2Config& c) {
       c.caching.main_tlb = c.caching.configuration = {.sets = 1, .ways = 1};
       c.caching.stage2 = c.caching.walk = {.sets = 0, .ways = 0};
       c.caching.cap = 1;
     }},
    {"an upstream bus of 64 bits",
     [](SmmuV2Config& c) { c.idr2.set(SMMU_IDR2::UBS, UpstreamSize::k64Bits); }},
    {"an upstream bus of 32 bits",
     [](SmmuV2Config& c) { c.idr2.set(SMMU_IDR2::UBS, UpstreamSize::k32Bits); }},
    {"no AArch32", [](SmmuV2Config& c) { c.idr0.set(SMMU_IDR0::PTFS, AArch32Formats::kNone); }},
    {"256 pages", [](SmmuV2Config& c) { c.idr1.set(SMMU_IDR1::NUMPAGENDXB, 7); }},
    {"no stage 2", kNoStage2.change},
};

TEST(Objection, IsNoneToExtremesThatTranslate) {
  for (const V2Variant& accepted : kAccepted) {
    SCOPED_TRACE(accepted.name);
    SmmuV2Config config = SmmuV2Config::generic();
    accepted.change(config);
    ASSERT_EQ(sentence(config), "");
    Translating translating(V2Rig::Options{.config = config});
    const Pa page = translating.rig.allocate(4096);
    translating.table.map(Iova(0x1234'5000), page, 4096);
    expect_reaches(translating.rig, translating.device, Iova(0x1234'5000), page);
  }
}

}  // namespace
}  // namespace smmu::testing::objection_test
