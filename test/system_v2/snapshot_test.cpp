// An SMMU that is saved, and another one that goes on; and snapshots that are not what they should
// be.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::snapshot_test {
namespace {

using emulator::CachePolicy;
using emulator::Outcome;
using emulator::Pace;
using emulator::SmmuV2Config;
using ::testing::HasSubstr;
using namespace v2;

using Snapshot = std::vector<std::byte>;

constexpr StreamId kStream(0x123);
constexpr Iova kPage(0x12'3456'7000);
constexpr Iova kMissing(0x12'3456'8000);
constexpr std::uint32_t kBank = 3;

Snapshot saved(emulator::SmmuV2& smmu) {
  auto snapshot = smmu.save();
  EXPECT_TRUE(snapshot) << snapshot.error();
  return snapshot ? *std::move(snapshot) : Snapshot();
}

// A device that can wait, and knows what does.
class Waiting final : public emulator::StallClient {
 public:
  void on_resumed(emulator::Stalled stalled, const Outcome& outcome) override {
    ended.emplace_back(stalled, outcome);
  }
  void on_restored(emulator::Stalled stalled, const emulator::Transaction& access) override {
    restored.emplace_back(stalled, access);
  }

  std::vector<std::pair<emulator::Stalled, Outcome>> ended;
  std::vector<std::pair<emulator::Stalled, emulator::Transaction>> restored;
};

SmmuV2Config config_of(CachePolicy policy, Pace pace) {
  SmmuV2Config config = small_config();
  config.caching.policy = policy;
  config.pace = pace;
  return config;
}

// An SMMU with a device that can wait and one that cannot.
class Movable {
 public:
  explicit Movable(const SmmuV2Config& config) : rig(config) {
    connect();
    table.map(kPage, target, 4096);
    software.stage1(kBank, table, {.asid = 5, .control = stalling()});
    software.lead(kStream, kBank);
    software.enable();
  }

  // Many things that have begun.
  void be_busy() {
    hasty->translate(kPage);
    waiting->translate(kPage);
    for (std::uint64_t i = 0; i != 3; ++i) waiting->translate(Iova(kMissing.value + 4096 * i));
    rig.smmu().step(3);
    rig.device(StreamId(7)).translate(kPage);
    const RegisterPage bank = software.bank(kBank);
    bank.write(all_faults());
    bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
    rig.smmu().step(1);
    waiting->translate(kMissing);
    bank.write(SMMU_CBn_ATS1PR(kPage.value));
    software.gr0.write(SMMU_sGATS12UW(kPage.value | kBank));
    bank.write(SMMU_CBn_TLBIALL());
    software.gr0.write(SMMU_TLBIALLH());
    software.synchronize(kBank);
    software.synchronize();
  }
  // Another SMMU goes on.
  void move() {
    const Snapshot snapshot = saved(rig.smmu());
    replace();
    const auto restored = rig.smmu().restore(snapshot);
    EXPECT_TRUE(restored) << restored.error();
    EXPECT_TRUE(saved(rig.smmu()) == snapshot);
  }
  void replace() {
    const std::size_t ports = ports_;
    ports_ = 0;
    rig.replace_smmu();
    software = Software(rig, SecurityState::kNonSecure, 1);
    while (ports_ != ports) connect();
  }

  V2Rig rig;
  Software software{rig};
  PageTable table = rig.page_table(stage1_tables());
  Pa target = rig.allocate(4096);
  Waiting client;
  std::optional<DmaDevice> waiting;
  std::optional<DmaDevice> hasty;

 private:
  void connect() {
    waiting = rig.device(kStream, client);
    hasty = rig.device(kStream);
    ports_ += 2;
  }

  std::size_t ports_ = 0;
};

TEST(SnapshotV2, StalledAccessesGoOnInTheOther) {
  Movable m(config_of(CachePolicy::kRealistic, Pace::kAtOnce));
  const Outcome stalled = m.waiting->translate(kMissing, emulator::Direction::kWrite);
  ASSERT_THAT(stalled, Stalls());
  EXPECT_TRUE(m.rig.context_fault(kBank).up());
  m.move();
  ASSERT_EQ(m.client.restored.size(), 1U);
  EXPECT_EQ(m.client.restored[0].first, std::get<emulator::Stalled>(stalled));
  EXPECT_EQ(m.client.restored[0].second.address, kMissing);
  EXPECT_EQ(m.client.restored[0].second.direction, emulator::Direction::kWrite);
  EXPECT_EQ(m.software.bank(kBank).read<SMMU_CBn_FAR>().raw(), kMissing.value);
  EXPECT_TRUE(m.rig.context_fault(kBank).up()) << "it was and is";
  m.table.map(kMissing, m.target, 4096);
  m.software.bank(kBank).write(all_faults());
  EXPECT_FALSE(m.rig.context_fault(kBank).up());
  m.software.bank(kBank).write(SMMU_CBn_RESUME());
  ASSERT_EQ(m.client.ended.size(), 1U);
  EXPECT_EQ(m.client.ended[0].first, std::get<emulator::Stalled>(stalled));
  EXPECT_THAT(m.client.ended[0].second, TranslatesTo(m.target));
}

TEST(SnapshotV2, TranslationsAndInvalidationsGoAlong) {
  for (const CachePolicy policy : {CachePolicy::kRealistic, CachePolicy::kAdversarial}) {
    Movable m(config_of(policy, Pace::kAtOnce));
    EXPECT_THAT(m.hasty->translate(kPage), TranslatesTo(m.target));
    const Pa other = m.rig.allocate(4096);
    m.table.map(kPage, other, 4096);
    m.move();
    EXPECT_THAT(m.hasty->translate(kPage), TranslatesTo(m.target)) << "as it was kept";
    m.software.bank(kBank).write(SMMU_CBn_TLBIALL());
    m.move();
    if (policy == CachePolicy::kAdversarial) {
      EXPECT_THAT(m.hasty->translate(kPage), TranslatesTo(m.target)) << "it is not synchronised";
      m.software.synchronize(kBank + 1);
      EXPECT_THAT(m.hasty->translate(kPage), TranslatesTo(m.target));
    }
    m.software.synchronize(kBank);
    EXPECT_THAT(m.hasty->translate(kPage), TranslatesTo(other));
  }
}

TEST(SnapshotV2, EffectsThatWaitGoAlong) {
  Movable m(config_of(CachePolicy::kRealistic, Pace::kStepped));
  m.waiting->translate(kMissing);
  m.software.bank(kBank).write(SMMU_CBn_ATS1PR(kPage.value));
  m.software.synchronize();
  m.move();
  EXPECT_FALSE(m.rig.context_fault(kBank).up());
  EXPECT_TRUE(m.software.bank(kBank).read<SMMU_CBn_ATSR>()[SMMU_CBn_ATSR::ACTIVE]);
  EXPECT_TRUE(m.software.gr0.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]);
  EXPECT_EQ(m.rig.smmu().step(100), 4U);
  EXPECT_TRUE(m.rig.context_fault(kBank).up());
  EXPECT_EQ(m.software.bank(kBank).read<SMMU_CBn_PAR_Long>()[SMMU_CBn_PAR_Long::PA],
            m.target.value);
  EXPECT_FALSE(m.software.gr0.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]);
}

TEST(SnapshotV2, IsNotTakenFromACallback) {
  Movable m(config_of(CachePolicy::kRealistic, Pace::kAtOnce));
  class Nosy final : public LevelLine {
   public:
    void set(bool) override {
      const auto snapshot = smmu->save();
      EXPECT_FALSE(snapshot);
      EXPECT_THAT(snapshot ? "" : snapshot.error(), HasSubstr("in flight"));
      ++asked;
    }
    emulator::SmmuV2* smmu = nullptr;
    int asked = 0;
  };
  Nosy nosy;
  auto smmu =
      *emulator::SmmuV2::create(small_config(), {.memory = &m.rig.memory(), .global_fault = &nosy});
  nosy.smmu = smmu.get();
  smmu->write(everything_faults());
  EXPECT_THAT(DmaDevice(smmu->add_port(), kStream).translate(kPage), Aborts());
  EXPECT_EQ(nosy.asked, 1);
  EXPECT_TRUE(smmu->save());
}

struct Other {
  const char* name;
  void (*change)(SmmuV2Config& config);
};
constexpr Other kOthers[] = {
    {"SMMU_IDR0", [](SmmuV2Config& config) { config.idr0.set(SMMU_IDR0::CTTW, false); }},
    {"SMMU_IDR1", [](SmmuV2Config& config) { config.idr1.set(SMMU_IDR1::NUMS2CB, 1); }},
    {"SMMU_IDR2", [](SmmuV2Config& config) { config.idr2.set(SMMU_IDR2::HADS, false); }},
    {"SMMU_IDR4", [](SmmuV2Config& config) { config.idr4 = 1; }},
    {"SMMU_IDR7", [](SmmuV2Config& config) { config.idr7.set(SMMU_IDR7::MINOR, 3); }},
    {"id_block", [](SmmuV2Config& config) { config.id_block[3] = 1; }},
    {"sctlr_reset", [](SmmuV2Config& config) { config.sctlr_reset = 0x100; }},
    {"scr1_reset", [](SmmuV2Config& config) { config.scr1_reset.set(SMMU_SCR1::GEFRO, true); }},
    {"resume", [](SmmuV2Config& config) { config.resume = SmmuV2Config::Resume::kOldest; }},
    {"illegal_access",
     [](SmmuV2Config& config) { config.illegal_access = SmmuV2Config::IllegalAccess::kFaults; }},
    {"busy_reads", [](SmmuV2Config& config) { config.busy_reads = 1; }},
    {"SMMU_PMCFGR", [](SmmuV2Config& config) { config.pmcfgr.set(SMMU_PMCFGR::NCG, 0); }},
    {"SMMU_PMCEID0", [](SmmuV2Config& config) { config.pmceid0 = 1; }},
    {"most_stalled", [](SmmuV2Config& config) { config.most_stalled = 3; }},
    {"caching.policy",
     [](SmmuV2Config& config) { config.caching.policy = CachePolicy::kAdversarial; }},
    {"caching.cap", [](SmmuV2Config& config) { config.caching.cap = 65; }},
    {"pace", [](SmmuV2Config& config) { config.pace = Pace::kStepped; }},
};

TEST(SnapshotV2, OfAnotherConfigurationIsRefusedByName) {
  Movable m(small_config());
  const Snapshot snapshot = saved(m.rig.smmu());
  for (const Other& other : kOthers) {
    SCOPED_TRACE(other.name);
    SmmuV2Config config = small_config();
    other.change(config);
    Movable different(config);
    const auto restored = different.rig.smmu().restore(snapshot);
    ASSERT_FALSE(restored);
    EXPECT_THAT(restored.error(), HasSubstr(other.name));
    EXPECT_THAT(different.hasty->translate(kPage), TranslatesTo(different.target));
  }
}

TEST(SnapshotV2, OfOtherPortsIsRefused) {
  Movable m(small_config());
  const Snapshot snapshot = saved(m.rig.smmu());
  m.rig.device(kStream);
  EXPECT_FALSE(m.rig.smmu().restore(snapshot));
}

// What a damaged snapshot is for: refused, and nothing has changed; or an SMMU like any other.
class Damaged : public ::testing::TestWithParam<std::tuple<CachePolicy, Pace>> {};

TEST_P(Damaged, IsRefusedOrAnSmmu) {
  const auto [policy, pace] = GetParam();
  const SmmuV2Config config = config_of(policy, pace);
  Snapshot snapshot;
  std::size_t ports = 0;
  {
    Movable m(config);
    m.be_busy();
    snapshot = saved(m.rig.smmu());
    ports = 3;
  }
  // Lines are no longer what the snapshot says: nobody listens.
  emulator::Ram ram;
  ASSERT_TRUE(ram.add(Pa(0x4000'0000), 1 << 20));
  Waiting client;
  const auto make = [&] {
    auto smmu = *emulator::SmmuV2::create(config, {.memory = &ram});
    for (std::size_t i = 0; i != ports; ++i) {
      if (i == 0) {
        smmu->add_port(client);
      } else {
        smmu->add_port();
      }
    }
    return smmu;
  };
  {
    auto smmu = make();
    const auto restored = smmu->restore(snapshot);
    ASSERT_TRUE(restored) << restored.error();
    EXPECT_TRUE(saved(*smmu) == snapshot);
  }
  auto smmu = make();
  const Snapshot fresh = saved(*smmu);
  for (std::size_t length = 0; length < snapshot.size(); length += 7) {
    ASSERT_FALSE(smmu->restore(std::span(snapshot).first(length))) << length;
  }
  Snapshot longer = snapshot;
  longer.push_back({});
  EXPECT_FALSE(smmu->restore(longer));
  EXPECT_TRUE(saved(*smmu) == fresh) << "what was refused has changed nothing";
  // Each of these SMMUs has another third of the bytes changed.
  std::size_t refused = 0;
  const std::size_t first = static_cast<std::size_t>(policy);
  for (std::size_t i = first; i < snapshot.size(); i += 3) {
    Snapshot damaged = snapshot;
    damaged[i] ^= std::byte(i % 2 == 0 ? 0xff : 1U << i % 8);
    if (!smmu->restore(damaged)) {
      ++refused;
      continue;
    }
    const DmaDevice device(smmu->add_port(), kStream);
    device.translate(kPage);
    device.translate(kMissing);
    device.of(SecurityState::kSecure).translate(kPage);
    smmu->step(50);
    const RegisterPages pages(*smmu);
    for (std::uint32_t n = 0; n != 6; ++n) {
      pages.bank(n).write(all_faults());
      pages.bank(n).write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, n % 2 == 0));
      pages.bank(n).write(SMMU_CBn_ATS1PR(kPage.value));
      pages.bank(n).write(SMMU_CBn_TLBSYNC());
    }
    smmu->step(50);
    smmu->reset(emulator::Reset::kPowerOn);
    smmu->step(50);
    smmu = make();
  }
  EXPECT_GT(refused, snapshot.size() / 150);
}

INSTANTIATE_TEST_SUITE_P(SnapshotV2, Damaged,
                         ::testing::Combine(::testing::Values(CachePolicy::kNone,
                                                              CachePolicy::kRealistic,
                                                              CachePolicy::kAdversarial),
                                            ::testing::Values(Pace::kAtOnce, Pace::kStepped)));

}  // namespace
}  // namespace smmu::testing::snapshot_test
