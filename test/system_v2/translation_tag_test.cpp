// Translations that must not be taken for each other's: of banks that share a VMID or an ASID, but
// not a stage, a regime or a Security state.
#include "test/system_v2/bank.h"

namespace smmu::testing::translation_tag_test {
namespace {

using emulator::CachePolicy;
using emulator::SmmuV2Config;
using namespace v2;
using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
using Sctlr = SMMU_CBn_SCTLR;

constexpr Iova kAddress(0x5000);
constexpr Iova kGlobal(0x9000);

// Banks with VMID 3 and ASID 0, all of which map the same addresses, each to pages of its own.
struct Tagged {
  explicit Tagged(CachePolicy policy) : rig(with(policy)) {
    rig.registers().global0().write(all_faults_abort());
    rig.secure_registers().global0().write(all_faults_abort());
  }
  static SmmuV2Config with(CachePolicy policy) {
    SmmuV2Config config = SmmuV2Config::generic();
    config.caching.policy = policy;
    config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
    return config;
  }

  struct Reached {
    DmaDevice device;
    Pa page;
    Pa global;
  };
  PageTable table_to(Reached& reached, unsigned stage) {
    PageTable table = rig.page_table({.t0sz = 24, .stage = stage});
    table.map(kAddress, reached.page, 4096);
    table.map(kGlobal, reached.global, 4096, {.global = true});
    return table;
  }
  Reached reached_by(const Bank& bank, SecurityState owner = SecurityState::kNonSecure) {
    bank.take(StreamId(bank.number()));
    return {rig.device(StreamId(bank.number())).of(owner), rig.allocate(4096), rig.allocate(4096)};
  }

  void add_stage1(std::uint32_t n, SMMU_CBARn cbar,
                  SecurityState owner = SecurityState::kNonSecure) {
    const Bank bank(rig, n, owner);
    all.push_back(reached_by(bank, owner));
    bank.translate(table_to(all.back(), 1), cbar);
    bank.set<Ttbr0>(Ttbr0::ASID, 0);
  }
  void add_stage2(std::uint32_t n) {
    const Bank bank(rig, n);
    all.push_back(reached_by(bank));
    bank.translate_stage2(table_to(all.back(), 2), 3);
  }
  // Stage 1 leads to where stage 2 of another bank maps the pages.
  void add_nested(std::uint32_t n, std::uint32_t below, PageTable& stage2) {
    const Bank bank(rig, n);
    all.push_back(reached_by(bank));
    Reached& reached = all.back();
    PageTable stage1 = rig.page_table({.t0sz = 24});
    stage1.map(kAddress, Pa(0x1'0000'5000), 4096);
    stage1.map(kGlobal, Pa(0x1'0000'9000), 4096, {.global = true});
    stage2.map(Iova(0x1'0000'5000), reached.page, 4096);
    stage2.map(Iova(0x1'0000'9000), reached.global, 4096);
    bank.translate(stage1, Bank::above(below, 3));
    bank.set<Ttbr0>(Ttbr0::ASID, 0);
  }

  void expect_each_its_own() {
    for (int i = 0; i != 2; ++i) {
      for (const Reached& reached : all) {
        EXPECT_THAT(reached.device.translate(kAddress), TranslatesTo(reached.page));
        EXPECT_THAT(reached.device.translate(kGlobal), TranslatesTo(reached.global));
      }
      std::reverse(all.begin(), all.end());
    }
  }

  V2Rig rig;
  std::vector<Reached> all;
};

SMMU_CBARn hypervisor() {
  using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
  return SMMU_CBARn(Cbar(Bank::stage1_alone(3).raw()).set(Cbar::HYPC, true).raw());
}

class TranslationTag : public ::testing::TestWithParam<CachePolicy> {};

TEST_P(TranslationTag, TellsRegimesApart) {
  Tagged tagged(GetParam());
  tagged.add_stage1(0, Bank::stage1_alone(3));
  tagged.add_stage1(1, hypervisor());
  tagged.add_stage1(100, Bank::stage1_alone(3), SecurityState::kSecure);
  tagged.add_stage1(101, Bank::stage1_alone(3), SecurityState::kSecure);
  Bank(tagged.rig, 101, SecurityState::kSecure)
      .become(Bank::aarch64().set(SMMU_CBA2Rn::MONC, true));
  tagged.expect_each_its_own();
}

TEST_P(TranslationTag, TellsVmidsAndAsidsApart) {
  Tagged tagged(GetParam());
  tagged.add_stage1(0, Bank::stage1_alone(3));
  tagged.add_stage1(1, Bank::stage1_alone(4));
  tagged.add_stage1(2, Bank::stage1_alone(5));
  Bank(tagged.rig, 2).set<Ttbr0>(Ttbr0::ASID, 7);
  tagged.expect_each_its_own();
}

// A guest whose device has only stage 2, beside one whose device has both.
TEST_P(TranslationTag, TellsStage2FromBoth) {
  Tagged tagged(GetParam());
  tagged.rig.registers().global0().write(all_faults_abort());
  const Bank below(tagged.rig, 8);
  tagged.all.push_back(tagged.reached_by(below));
  PageTable stage2 = tagged.table_to(tagged.all.back(), 2);
  // The guest's tables.
  stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 8 << 20);
  below.translate_stage2(stage2, 3);
  tagged.add_nested(9, 8, stage2);
  tagged.expect_each_its_own();
}

// Stage 1 is off for a while: addresses are then the guest's physical ones.
TEST_P(TranslationTag, TellsAStage1ThatIsOff) {
  Tagged tagged(GetParam());
  const Bank below(tagged.rig, 8);
  tagged.all.push_back(tagged.reached_by(below));
  PageTable stage2 = tagged.table_to(tagged.all.back(), 2);
  stage2.map(Iova(0x4000'0000), Pa(0x4000'0000), 8 << 20);
  below.translate_stage2(stage2, 3);
  tagged.add_nested(9, 8, stage2);
  const Bank bank(tagged.rig, 9);
  const Tagged::Reached off = tagged.all[0];
  const Tagged::Reached on = tagged.all[1];
  for (int i = 0; i != 2; ++i) {
    bank.set<Sctlr>(Sctlr::M, true);
    EXPECT_THAT(on.device.translate(kAddress), TranslatesTo(on.page));
    EXPECT_THAT(on.device.translate(kGlobal), TranslatesTo(on.global));
    bank.set<Sctlr>(Sctlr::M, false);
    EXPECT_THAT(on.device.translate(kAddress), TranslatesTo(off.page));
    EXPECT_THAT(on.device.translate(kGlobal), TranslatesTo(off.global));
  }
}

// Stage 2 alone and stage 1 alone, of one VMID.
TEST_P(TranslationTag, TellsStage1FromStage2) {
  Tagged tagged(GetParam());
  tagged.add_stage1(0, Bank::stage1_alone(3));
  tagged.add_stage2(1);
  tagged.expect_each_its_own();
}

std::string name_of(const ::testing::TestParamInfo<CachePolicy>& policy) {
  constexpr const char* kNames[] = {"None", "Realistic", "Adversarial"};
  return kNames[static_cast<std::size_t>(policy.param)];
}
INSTANTIATE_TEST_SUITE_P(AllPolicies, TranslationTag,
                         ::testing::Values(CachePolicy::kNone, CachePolicy::kRealistic,
                                           CachePolicy::kAdversarial),
                         name_of);

}  // namespace
}  // namespace smmu::testing::translation_tag_test
