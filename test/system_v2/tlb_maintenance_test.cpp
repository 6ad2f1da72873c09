// Which translations each register of TLB maintenance is about: all of those, and no other, are
// made anew.
#include "test/system_v2/tlb_worlds.h"

namespace smmu::testing::tlb_maintenance_test {
namespace {

using emulator::CachePolicy;
using namespace v2;

TEST(TlbMaintenance, ReachesWhatItIsAboutAndNothingElse) {
  for (const TlbOperation& operation : tlb_operations()) {
    SCOPED_TRACE(operation.name);
    Worlds worlds(with_both_states(CachePolicy::kRealistic));
    worlds.change_tables();
    EXPECT_EQ(worlds.changed(), Worlds::Names()) << "it is all in the TLB";
    operation.write(worlds);
    synchronize(worlds, operation.synchronized_by);
    Worlds::Names changed = worlds.changed();
    // Where stage 1 is walked anew, stage 2 may be, too.
    if (changed.contains("a nested") && !operation.reaches.contains("a nested, below")) {
      changed.erase("a nested, below");
    }
    EXPECT_EQ(changed, operation.reaches);
  }
}

// Who keeps nothing has nothing to forget.
TEST(TlbMaintenance, IsNotMissedWhereNothingIsKept) {
  Worlds worlds(with_both_states(CachePolicy::kNone));
  worlds.change_tables();
  EXPECT_EQ(worlds.changed().size(), 15U);
  for (const TlbOperation& operation : tlb_operations()) {
    operation.write(worlds);
    synchronize(worlds, operation.synchronized_by);
  }
  EXPECT_EQ(worlds.changed().size(), 15U);
}

// A power-on reset empties the TLB, a warm one does not.
TEST(TlbMaintenance, IsPartOfAPowerOnResetAlone) {
  for (const emulator::Reset kind : {emulator::Reset::kWarm, emulator::Reset::kPowerOn}) {
    V2Rig rig;
    Software software(rig);
    PageTable table = rig.page_table(stage1_tables());
    const Pa before = rig.allocate(4096);
    const Pa after = rig.allocate(4096);
    table.map(Worlds::kPageX, before, 4096);
    const auto configure = [&] {
      Software again(rig);
      again.stage1(1, table, {.asid = 1});
      again.lead(StreamId(5), 1);
      again.enable();
    };
    configure();
    const DmaDevice device = rig.device(StreamId(5));
    EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(before));
    table.map(Worlds::kPageX, after, 4096);
    rig.smmu().reset(kind);
    configure();
    EXPECT_THAT(device.translate(Worlds::kPageX),
                TranslatesTo(kind == emulator::Reset::kWarm ? before : after));
  }
}

// Any page of a block names the block.
TEST(TlbMaintenance, ByAddressDropsTheWholeBlock) {
  V2Rig rig;
  Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  constexpr Iova kBlock(0x20'0000);
  const Pa before = rig.allocate(1 << 21, 1 << 21);
  const Pa after = rig.allocate(1 << 21, 1 << 21);
  table.map(kBlock, before, 1 << 21);
  software.stage1(1, table, {.asid = 1});
  software.lead(StreamId(5), 1);
  software.enable();
  const DmaDevice device = rig.device(StreamId(5));
  EXPECT_THAT(device.translate(kBlock), TranslatesTo(before));
  table.map(kBlock, after, 1 << 21);
  using Tlbi = SMMU_CBn_TLBIVAL_AArch64;
  const auto invalidate = [&](std::uint64_t address) {
    software.bank(1).write(Tlbi().set(Tlbi::Address, address >> 12).set(Tlbi::ASID, 1));
    software.synchronize(1);
  };
  invalidate(kBlock.value + (1 << 21));
  EXPECT_THAT(device.translate(kBlock), TranslatesTo(before));
  invalidate(kBlock.value + 0x12'3000);
  EXPECT_THAT(device.translate(kBlock), TranslatesTo(after));
}

// SMMU_sCR0.VMID16EN: operands have as many bits as the tags.
TEST(TlbMaintenance, VmidsHaveAsManyBitsAsTheTags) {
  for (const bool wide : {false, true}) {
    SCOPED_TRACE(wide);
    V2Rig rig;
    Software software(rig);
    PageTable table = rig.page_table(stage2_tables());
    const Pa before = rig.allocate(4096);
    const Pa after = rig.allocate(4096);
    table.map(Worlds::kPageX, before, 4096);
    software.stage2(1, table, {.vmid = 0x34});
    software.gr1.write(1,
                       SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true).set(SMMU_CBA2Rn::VMID16, 0x1234));
    software.lead(StreamId(5), 1);
    software.enable(everything_faults().set(SMMU_sCR0::VMID16EN, wide));
    const DmaDevice device = rig.device(StreamId(5));
    EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(before));
    table.map(Worlds::kPageX, after, 4096);
    software.gr0.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, 0x5634));
    software.synchronize();
    EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(wide ? before : after));
    software.gr0.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, 0x1234));
    software.synchronize();
    EXPECT_THAT(device.translate(Worlds::kPageX), TranslatesTo(after));
  }
}

// Two banks with the same tags have the same translations.
TEST(TlbMaintenance, TagsAreNotTheBank) {
  V2Rig rig;
  Software software(rig);
  PageTable table = rig.page_table(stage1_tables());
  PageTable other = rig.page_table(stage1_tables());
  const Pa page = rig.allocate(4096);
  table.map(Worlds::kPageX, page, 4096);
  other.map(Worlds::kPageX, rig.allocate(4096), 4096);
  software.stage1(1, table, {.vmid = 3, .asid = 1});
  software.stage1(2, other, {.vmid = 3, .asid = 1});
  software.lead(StreamId(5), 1);
  software.lead(StreamId(6), 2);
  software.enable();
  EXPECT_THAT(rig.device(StreamId(5)).translate(Worlds::kPageX), TranslatesTo(page));
  EXPECT_THAT(rig.device(StreamId(6)).translate(Worlds::kPageX), TranslatesTo(page));
}

}  // namespace
}  // namespace smmu::testing::tlb_maintenance_test
