// Invalidations that processors broadcast: which translations they are about, and when an SMMU does
// not listen.
#include "test/system_v2/tlb_worlds.h"

namespace smmu::testing::broadcast_test {
namespace {

using emulator::BroadcastInvalidation;
using emulator::CachePolicy;
using Regime = BroadcastInvalidation::Regime;
using Stages = BroadcastInvalidation::Stages;
using namespace v2;

constexpr std::uint64_t kX = Worlds::kPageX.value;
constexpr Vmid kA(Worlds::kVmidA);

struct Broadcast {
  const char* name;
  BroadcastInvalidation what;
  Worlds::Names reaches;
};

std::vector<Broadcast> broadcasts() {
  const Worlds::Names stage1_of_a{"a1", "a1 y", "a1 global", "a2", "a nested"};
  Worlds::Names all_of_a = stage1_of_a;
  all_of_a.insert({"a stage 2", "a nested, below"});
  Worlds::Names all_of_guests = all_of_a;
  all_of_guests.insert({"b1", "b stage 2"});
  return {
      {"all of EL1", {.stages = Stages::kBoth}, all_of_guests},
      {"a VMID", {.vmid = kA}, stage1_of_a},
      {"a VMID, both stages", {.stages = Stages::kBoth, .vmid = kA}, all_of_a},
      {"a VMID and an ASID", {.vmid = kA, .asid = Asid(1)}, {"a1", "a1 y"}},
      {"an address", {.vmid = kA, .asid = Asid(1), .address = kX}, {"a1"}},
      {"an address that is global",
       {.vmid = kA, .asid = Asid(2), .address = Worlds::kGlobalPage.value, .last_level = true},
       {"a1 global"}},
      {"an address, all ASIDs", {.vmid = kA, .address = kX}, {"a1", "a2", "a nested"}},
      {"an IPA", {.stages = Stages::kStage2, .vmid = kA, .address = kX}, {"a stage 2"}},
      {"EL2", {.regime = Regime::kEl2}, {"hypervisor", "hypervisor y"}},
      {"an address of EL2", {.regime = Regime::kEl2, .address = kX}, {"hypervisor"}},
      {"Secure EL1", {.security = SecurityState::kSecure}, {"secure 1", "secure 2"}},
      {"a Secure ASID", {.security = SecurityState::kSecure, .asid = Asid(1)}, {"secure 1"}},
      {"EL3",
       {.security = SecurityState::kSecure, .regime = Regime::kEl3},
       {"monitor", "monitor y"}},
      {"an address of EL3",
       {.security = SecurityState::kSecure, .regime = Regime::kEl3, .address = kX},
       {"monitor"}},
      {"a regime that is not there", {.regime = Regime::kEl3}, {}},
  };
}

TEST(Broadcast, ReachesWhatItIsAboutWhenItIsSynchronized) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    for (const Broadcast& broadcast : broadcasts()) {
      SCOPED_TRACE(broadcast.name);
      Worlds worlds(with_both_states(policy));
      worlds.change_tables();
      worlds.rig.smmu().invalidate(broadcast.what);
      if (policy == CachePolicy::kAdversarial) {
        EXPECT_EQ(worlds.changed(), Worlds::Names()) << "before it is synchronised";
        worlds.software.synchronize();
        worlds.secure.synchronize();
      }
      EXPECT_TRUE(worlds.rig.smmu().synchronize_broadcasts());
      Worlds::Names changed = worlds.changed();
      // Where stage 1 is walked anew, stage 2 may be, too.
      if (changed.contains("a nested") && !broadcast.reaches.contains("a nested, below")) {
        changed.erase("a nested, below");
      }
      EXPECT_EQ(changed, broadcast.reaches);
    }
  }
}

// Sends all of them, to an SMMU that was changed before.
Worlds::Names reached_of(const emulator::SmmuV2Config& config,
                         const std::function<void(Worlds&)>& prepare,
                         const BroadcastInvalidation& what) {
  Worlds worlds(config);
  prepare(worlds);
  worlds.changed();
  worlds.change_tables();
  worlds.rig.smmu().invalidate(what);
  EXPECT_TRUE(worlds.rig.smmu().synchronize_broadcasts());
  return worlds.changed();
}

TEST(Broadcast, IsNotHeardWithoutTheFeature) {
  emulator::SmmuV2Config config = with_both_states(CachePolicy::kRealistic);
  config.idr0.set(SMMU_IDR0::BTM, false);
  EXPECT_EQ(reached_of(config, [](Worlds&) {}, {.stages = Stages::kBoth}), Worlds::Names());
}

// As processors write their operands: without the bits above, or with a tag there.
TEST(Broadcast, OfTheUpperHalfIsItsSignToo) {
  for (const std::uint64_t top : {0xffULL, 0x00ULL, 0x5aULL}) {
    SCOPED_TRACE(top);
    V2Rig rig;
    Software software(rig);
    PageTable lower = rig.page_table(stage1_tables());
    PageTable upper = rig.page_table(stage1_tables());
    constexpr Iova kUpper(0xffff'ffda'9876'5000);
    constexpr Iova kInTable(kUpper.value & ((std::uint64_t{1} << 39) - 1));
    const Pa before = rig.allocate(4096);
    const Pa after = rig.allocate(4096);
    upper.map(kInTable, before, 4096);
    software.stage1(1, lower, {.vmid = 3, .asid = 1});
    software.bank(1).write(SMMU_CBn_TCR_AArch64()
                               .set(SMMU_CBn_TCR_AArch64::T0SZ, 25)
                               .set(SMMU_CBn_TCR_AArch64::T1SZ, 25)
                               .set(SMMU_CBn_TCR_AArch64::TG1, TG1::k4K));
    using Ttbr1 = SMMU_CBn_TTBR1_AArch64;
    software.bank(1).write(Ttbr1().set(Ttbr1::BaseAddress, upper.root().value));
    software.lead(StreamId(5), 1);
    software.enable();
    const DmaDevice device = rig.device(StreamId(5));
    EXPECT_THAT(device.translate(kUpper), TranslatesTo(before));
    upper.map(kInTable, after, 4096);
    rig.smmu().invalidate({.vmid = Vmid(3), .asid = Asid(1), .address = kInTable.value});
    EXPECT_TRUE(rig.smmu().synchronize_broadcasts());
    EXPECT_THAT(device.translate(kUpper), TranslatesTo(before)) << "that is the lower half";
    const std::uint64_t named = (kUpper.value & (~std::uint64_t{0} >> 8)) | top << 56;
    rig.smmu().invalidate({.vmid = Vmid(3), .asid = Asid(1), .address = named});
    EXPECT_TRUE(rig.smmu().synchronize_broadcasts());
    EXPECT_THAT(device.translate(kUpper), TranslatesTo(after));
  }
}

// PTM is of each Security state by itself.
TEST(Broadcast, IsNotHeardWhereMaintenanceIsPrivate) {
  const auto config = with_both_states(CachePolicy::kRealistic);
  const auto non_secure = [](Worlds& worlds) {
    worlds.software.enable(everything_faults().set(SMMU_sCR0::PTM, true));
  };
  const auto secure = [](Worlds& worlds) {
    worlds.secure.enable(everything_faults().set(SMMU_sCR0::PTM, true));
  };
  const Worlds::Names hypervisor{"hypervisor", "hypervisor y"};
  const Worlds::Names of_secure{"secure 1", "secure 2"};
  EXPECT_EQ(reached_of(config, non_secure, {.stages = Stages::kBoth}), Worlds::Names());
  EXPECT_EQ(reached_of(config, non_secure, {.regime = Regime::kEl2}), Worlds::Names());
  EXPECT_EQ(reached_of(config, non_secure, {.security = SecurityState::kSecure}), of_secure);
  EXPECT_EQ(reached_of(config, secure, {.security = SecurityState::kSecure}), Worlds::Names());
  EXPECT_EQ(reached_of(config, secure, {.regime = Regime::kEl2}), hypervisor);
}

TEST(Broadcast, ByVmidIsNotHeardWhereVmidsArePrivate) {
  const auto config = with_both_states(CachePolicy::kRealistic);
  const auto prepare = [](Worlds& worlds) {
    worlds.software.enable(everything_faults().set(SMMU_sCR0::VMIDPNE, true));
  };
  EXPECT_EQ(reached_of(config, prepare, {.stages = Stages::kBoth, .vmid = kA}), Worlds::Names());
  EXPECT_EQ(reached_of(config, prepare, {.vmid = kA, .asid = Asid(1)}), Worlds::Names());
  EXPECT_EQ(reached_of(config, prepare, {.stages = Stages::kBoth}).size(), 9U)
      << "of all VMIDs is of private ones, too";
  EXPECT_EQ(reached_of(config, prepare, {.regime = Regime::kEl2}).size(), 2U);
}

TEST(Broadcast, ByAsidIsNotHeardWhereTheAsidIsPrivate) {
  const auto config = with_both_states(CachePolicy::kRealistic);
  const auto prepare = [](Worlds& worlds) {
    worlds.software.bank(Worlds::kA1).write(translating().set(SMMU_CBn_SCTLR::ASIDPNE, true));
  };
  EXPECT_EQ(reached_of(config, prepare, {.vmid = kA, .asid = Asid(1)}), Worlds::Names());
  EXPECT_EQ(reached_of(config, prepare, {.vmid = kA, .asid = Asid(2)}), Worlds::Names{"a2"});
  EXPECT_EQ(reached_of(config, prepare, {.vmid = Vmid(Worlds::kVmidB), .asid = Asid(1)}),
            Worlds::Names{"b1"});
  const Worlds::Names reached = reached_of(config, prepare, {.vmid = kA});
  EXPECT_TRUE(reached.contains("a1")) << "of all ASIDs is of private ones, too";
}

// The ASIDs of a hypervisor that has such are its own, and no guest's.
TEST(Broadcast, ByAsidOfEl2IsNotHeardWhereTheAsidIsPrivate) {
  const auto config = with_both_states(CachePolicy::kRealistic);
  const auto prepare = [](bool is_private) {
    return [is_private](Worlds& worlds) {
      worlds.software.enable(everything_faults().set(SMMU_sCR0::HYPMODE, true));
      worlds.software.bank(Worlds::kHypervisor)
          .write(translating().set(SMMU_CBn_SCTLR::ASIDPNE, is_private));
    };
  };
  const BroadcastInvalidation by_asid{.regime = Regime::kEl2, .asid = Asid(0)};
  const Worlds::Names hypervisor{"hypervisor", "hypervisor y"};
  EXPECT_EQ(reached_of(config, prepare(false), by_asid), hypervisor);
  EXPECT_EQ(reached_of(config, prepare(true), by_asid), Worlds::Names());
  EXPECT_EQ(reached_of(config, prepare(true), {.vmid = Vmid(0), .asid = Asid(0)}), Worlds::Names());
  EXPECT_EQ(reached_of(config, prepare(true), {.regime = Regime::kEl2}), hypervisor);
}

// The bank of a hypervisor is none of the guests', though it has the same ASID.
TEST(Broadcast, ByAsidIsNotHeardWhateverBanksOfOtherWorldsSay) {
  const auto config = with_both_states(CachePolicy::kRealistic);
  const auto prepare = [](Worlds& worlds) {
    using Ttbr = SMMU_CBn_TTBR0_AArch64;
    const RegisterPage hypervisor = worlds.software.bank(Worlds::kHypervisor);
    hypervisor.write(hypervisor.read<Ttbr>().set(Ttbr::ASID, 1));
    for (const std::uint32_t n : {Worlds::kA1, Worlds::kB1}) {
      worlds.software.bank(n).write(translating().set(SMMU_CBn_SCTLR::ASIDPNE, true));
    }
  };
  EXPECT_EQ(reached_of(config, prepare, {.asid = Asid(1)}), Worlds::Names());
}

}  // namespace
}  // namespace smmu::testing::broadcast_test
