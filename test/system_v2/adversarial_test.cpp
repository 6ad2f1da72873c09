// An SMMU that keeps whatever it may keep: what is invalidated goes with the synchronisation that
// covers it, not with any other one and not before.
#include "test/system_v2/tlb_worlds.h"

namespace smmu::testing::adversarial_test {
namespace {

using emulator::CachePolicy;
using namespace v2;

TEST(Adversarial, NothingGoesBeforeTheSynchronizationThatCoversIt) {
  for (const TlbOperation& operation : tlb_operations()) {
    SCOPED_TRACE(operation.name);
    Worlds worlds(with_both_states(CachePolicy::kAdversarial));
    worlds.change_tables();
    operation.write(worlds);
    if (operation.synchronized_by != TlbOperation::kNonSecure) {
      EXPECT_EQ(worlds.changed(), Worlds::Names()) << "before it is synchronised";
    }
    synchronize(worlds, operation.synchronized_by);
    EXPECT_EQ(worlds.changed(), operation.reaches);
  }
}

TEST(Adversarial, ABankSynchronizesItsOwnAlone) {
  Worlds worlds(with_both_states(CachePolicy::kAdversarial));
  worlds.change_tables();
  worlds.software.bank(Worlds::kA1).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, 1));
  worlds.software.gr0.write(SMMU_TLBIALLH());
  worlds.secure.bank(Worlds::kSecure1).write(SMMU_CBn_TLBIALL());
  worlds.software.synchronize(Worlds::kA2);
  worlds.software.synchronize(Worlds::kHypervisor);
  worlds.secure.synchronize(Worlds::kSecure2);
  EXPECT_EQ(worlds.changed(), Worlds::Names());
  worlds.software.synchronize(Worlds::kA1);
  EXPECT_EQ(worlds.changed(), (Worlds::Names{"a1", "a1 y"}));
}

TEST(Adversarial, GlobalSoftwareSynchronizesAllOfItsSecurityState) {
  Worlds worlds(with_both_states(CachePolicy::kAdversarial));
  worlds.change_tables();
  worlds.software.bank(Worlds::kA1).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, 1));
  worlds.software.bank(Worlds::kB1).write(SMMU_CBn_TLBIALL());
  worlds.software.gr0.write(SMMU_TLBIALLH());
  worlds.secure.bank(Worlds::kSecure1).write(SMMU_CBn_TLBIALL());
  worlds.secure.gr0.write(SMMU_STLBIALLM());
  EXPECT_EQ(worlds.changed(), Worlds::Names());
  worlds.software.synchronize();
  const Worlds::Names non_secure{"a1", "a1 y", "b1", "hypervisor", "hypervisor y"};
  EXPECT_EQ(worlds.changed(), non_secure);
  worlds.secure.synchronize();
  Worlds::Names all = non_secure;
  all.insert({"secure 1", "secure 2", "monitor", "monitor y"});
  EXPECT_EQ(worlds.changed(), all);
}

TEST(Adversarial, SecureSoftwareSynchronizesForTheOthersByTheAlias) {
  Worlds worlds(with_both_states(CachePolicy::kAdversarial));
  worlds.change_tables();
  worlds.software.gr0.write(SMMU_TLBIALLH());
  worlds.secure.synchronize();
  EXPECT_EQ(worlds.changed(), Worlds::Names());
  worlds.secure.non_secure.write(SMMU_sTLBGSYNC());
  EXPECT_EQ(worlds.changed(), (Worlds::Names{"hypervisor", "hypervisor y"}));
}

// What comes in after the invalidation, from tables as they are then, is not covered by it.
TEST(Adversarial, ASynchronizationIsAboutWhatCameBeforeIt) {
  Worlds worlds(with_both_states(CachePolicy::kAdversarial));
  worlds.software.gr0.write(SMMU_TLBIALLNSNH());
  worlds.software.synchronize();
  EXPECT_EQ(worlds.changed(), Worlds::Names());
  worlds.change_tables();
  worlds.software.synchronize();
  EXPECT_EQ(worlds.changed(), Worlds::Names()) << "nothing was invalidated since";
}

// Faults are never kept: a page that is mapped is found without an invalidation.
TEST(Adversarial, WhatWasNotMappedIsNotKept) {
  V2Rig rig(with_both_states(CachePolicy::kAdversarial));
  Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  software.stage1(1, table, {.asid = 1});
  software.lead(StreamId(5), 1);
  software.enable();
  const DmaDevice device = rig.device(StreamId(5));
  EXPECT_THAT(device.translate(Worlds::kPageX), Aborts());
  const Pa page = rig.allocate(4096);
  table.map(Worlds::kPageX, page, 4096);
  EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(page));
}

// Registers are no memory: what they say now counts, whatever was kept.
TEST(Adversarial, RegistersAreNotKept) {
  V2Rig rig(with_both_states(CachePolicy::kAdversarial));
  Software software(rig);
  PageTable one = rig.page_table(stage1_tables());
  PageTable two = rig.page_table(stage1_tables());
  const Pa page_of_one = rig.allocate(4096);
  const Pa page_of_two = rig.allocate(4096);
  one.map(Worlds::kPageX, page_of_one, 4096);
  two.map(Worlds::kPageX, page_of_two, 4096);
  software.stage1(1, one, {.asid = 1});
  software.stage1(2, two, {.asid = 2});
  const std::uint32_t group = software.lead(StreamId(5), 1);
  software.enable();
  const DmaDevice device = rig.device(StreamId(5));
  EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(page_of_one));
  using S2cr = SMMU_S2CRn_Translation;
  software.gr0.write(group, S2cr().set(S2cr::CBNDX, 2));
  EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(page_of_two));
  software.bank(2).write(translating().set(SMMU_CBn_SCTLR::M, false));
  EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(Pa(Worlds::kPageX.value)));
}

}  // namespace
}  // namespace smmu::testing::adversarial_test
