// An SMMUv2 that is saved and restored, wherever that is, goes on as one that is not.
#include <random>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing::snapshot_random_test {
namespace {

using emulator::CachePolicy;
using emulator::Direction;
using emulator::Outcome;
using emulator::Pace;
using emulator::SmmuV2Config;
using namespace v2;

constexpr std::uint32_t kBanks = 8;
constexpr std::uint32_t kStreams = 8;
constexpr Iova kFirstPage(0x12'3456'0000);
constexpr std::uint32_t kPages = 8;

// Devices and software that do what a seed says: two of one seed see the same, as far as their
// SMMUs are the same.
class Random final : private emulator::StallClient {
 public:
  Random(const SmmuV2Config& config, unsigned seed) : dice_(seed), rig_(config) {
    connect();
    for (std::uint32_t n = 0; n != kBanks; ++n) {
      tables_.push_back(rig_.page_table(n % 4 == 3 ? stage2_tables() : stage1_tables()));
    }
    for (std::uint32_t n = 0; n != kPages; ++n) pages_.push_back(rig_.allocate(4096));
    for (std::uint32_t n = 0; n != 6; ++n) {
      set_up_bank(n);
      software_.lead(StreamId(n), n);
    }
    software_.enable();
    RegisterPage secure(rig_.smmu().secure(), 0);
    secure.write(everything_faults().set(SMMU_sCR0::USFCFG, false));
  }

  void act() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return access();
      case 4:
        return change_tables();
      case 5:
        return invalidate();
      case 6:
        return deal_with_faults();
      case 7:
        return translate_on_request();
      case 8:
        return reconfigure();
      case 9:
        return read_status();
      case 10:
        return count();
      default:
        return any_register();
    }
  }
  void step(std::uint32_t most) { seen_ << "steps " << rig_.smmu().step(most) << '\n'; }

  // Another SMMU takes the place of this one's.
  void move() {
    const auto snapshot = saved();
    restoring_ = true;
    rig_.replace_smmu();
    software_ = Software(rig_, SecurityState::kNonSecure, 6);
    connect();
    const auto restored = rig_.smmu().restore(snapshot);
    EXPECT_TRUE(restored) << restored.error();
    EXPECT_TRUE(saved() == snapshot);
    restoring_ = false;
  }
  std::vector<std::byte> saved() {
    auto snapshot = rig_.smmu().save();
    EXPECT_TRUE(snapshot) << snapshot.error();
    return snapshot ? *std::move(snapshot) : std::vector<std::byte>();
  }

  // What devices, software and lines have seen.
  std::string seen() const {
    std::ostringstream lines;
    for (std::uint32_t n = 0; n != kBanks; ++n) {
      lines << rig_.context_fault(n).up() << rig_.context_fault(n).rises() << ' ';
    }
    lines << rig_.global_fault.rises() << ' ' << rig_.combined.rises();
    return seen_.str() + lines.str();
  }
  // Of both Security states, all that is there.
  std::vector<std::uint32_t> registers() {
    std::vector<std::uint32_t> words;
    for (std::uint32_t offset = 0; offset != 16U << 12; offset += 4) {
      words.push_back(rig_.smmu().secure().read32(offset));
      if (offset < 1U << 12) words.push_back(rig_.smmu().read32(offset));
    }
    return words;
  }

 private:
  void on_resumed(emulator::Stalled stalled, const Outcome& outcome) override {
    EXPECT_FALSE(restoring_) << "nothing ends while it is restored";
    seen_ << "end of " << stalled.tag << ": ";
    note(outcome);
  }

  unsigned below(unsigned n) { return static_cast<unsigned>(dice_() % n); }
  bool one_in(unsigned n) { return below(n) == 0; }
  void note(const Outcome& outcome) {
    describe(outcome, &seen_);
    seen_ << '\n';
  }

  void connect() {
    ports_ = {&rig_.smmu().add_port(*this), &rig_.smmu().add_port(), &rig_.smmu().add_port(*this)};
  }
  SMMU_CBn_SCTLR control() {
    return translating()
        .set(SMMU_CBn_SCTLR::CFCFG, !one_in(3))
        .set(SMMU_CBn_SCTLR::HUPCF, !one_in(4))
        .set(SMMU_CBn_SCTLR::CFRE, !one_in(4))
        .set(SMMU_CBn_SCTLR::CFIE, !one_in(4))
        .set(SMMU_CBn_SCTLR::M, !one_in(10));
  }
  void set_up_bank(std::uint32_t n) {
    const BankOptions options{.vmid = below(3), .asid = below(3), .control = control()};
    if (n % 4 == 3) return software_.stage2(n, tables_[n], options);
    if (n == 2) return software_.nested(n, tables_[n], 3, options);
    software_.stage1(n, tables_[n], options);
  }

  Iova address() { return Iova(kFirstPage.value + 4096 * below(kPages) + 8 * below(4)); }
  void access() {
    emulator::Transaction transaction{.stream = StreamId(below(kStreams)), .address = address()};
    if (one_in(3)) transaction.direction = Direction::kWrite;
    if (one_in(4)) transaction.privilege = emulator::Privilege::kPrivileged;
    if (one_in(10)) transaction.security = SecurityState::kSecure;
    emulator::Port& port = *ports_[below(3)];
    if (one_in(20)) return note(port.refuse(transaction, 1));
    if (!one_in(3)) return note(port.translate(transaction));
    std::array<std::byte, 64> bytes{};
    const auto transfer = port.read(transaction, bytes);
    seen_ << transfer.bytes << " bytes, ";
    note(transfer.outcome);
  }
  void change_tables() {
    PageTable& table = tables_[below(6)];
    const Iova page(kFirstPage.value + 4096 * below(kPages));
    // Stage 2 of VMID 0 also leads to where tables are.
    if (one_in(4)) {
      table.map(Iova(0x4000'0000), Pa(0x4000'0000), 1 << 21);
    } else if (one_in(3)) {
      table.map(page, {}, 4096, {.access_flag = false});
    } else {
      table.map(page, pages_[below(kPages)], 4096, {.writable = !one_in(3), .global = one_in(4)});
    }
  }
  void invalidate() {
    const RegisterPage bank = software_.bank(below(6));
    switch (below(8)) {
      case 0:
        return bank.write(SMMU_CBn_TLBIALL());
      case 1:
        return bank.write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, below(3)));
      case 2:
        return bank.write_low_then_high(SMMU_CBn_TLBIVA_AArch64(address().value >> 12));
      case 3:
        return bank.write_high_then_low(SMMU_CBn_TLBIIPAS2(address().value >> 12));
      case 4:
        return software_.gr0.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, below(3)));
      case 5:
        rig_.smmu().invalidate({.vmid = Vmid(static_cast<std::uint16_t>(below(3)))});
        seen_ << rig_.smmu().synchronize_broadcasts() << '\n';
        return;
      case 6:
        return software_.synchronize();
      default:
        return bank.write(SMMU_CBn_TLBSYNC());
    }
  }
  void deal_with_faults() {
    const RegisterPage bank = software_.bank(below(6));
    if (!one_in(3)) bank.write(all_faults());
    if (!one_in(3)) bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, one_in(2)));
    if (one_in(6)) bank.write(SMMU_CBn_FSRRESTORE(1U << below(9)));
    if (one_in(3)) software_.gr0.write(SMMU_sGFSR(~0U));
  }
  void translate_on_request() {
    if (one_in(2)) return software_.gr0.write(SMMU_sGATS12PR(address().value | below(9)));
    software_.bank(below(6)).write(SMMU_CBn_ATS1UW(address().value));
  }
  void reconfigure() {
    if (one_in(3)) return set_up_bank(below(6));
    if (one_in(3)) return software_.bank(below(6)).write(control());
    if (one_in(12)) return rig_.smmu().reset(emulator::Reset::kWarm);
    software_.enable(everything_faults()
                         .set(SMMU_sCR0::GSE, one_in(6))
                         .set(SMMU_sCR0::STALLD, one_in(6))
                         .set(SMMU_sCR0::GFRE, one_in(2))
                         .set(SMMU_sCR0::CLIENTPD, one_in(12)));
  }
  void read_status() {
    const RegisterPage bank = software_.bank(below(6));
    seen_ << bank.read<SMMU_CBn_TLBSTATUS>().raw() << bank.read<SMMU_CBn_ATSR>().raw()
          << software_.gr0.read<SMMU_sTLBGSTATUS>().raw() << '\n';
  }
  void count() {
    const RegisterPage monitors(rig_.smmu(), 3U << 12);
    const std::uint32_t n = below(4);
    constexpr MonitorEvent kEvents[] = {MonitorEvent::kAccess, MonitorEvent::kTlbRefill,
                                        MonitorEvent::kClockCycle};
    monitors.write(n, SMMU_PMEVTYPERn().set(SMMU_PMEVTYPERn::EVENT, kEvents[below(3)]));
    monitors.write(n, SMMU_PMEVCNTRn(~0U - below(9)));
    monitors.write(n / 2, SMMU_PMCGCRn().set(SMMU_PMCGCRn::E, true));
    monitors.write(0, SMMU_PMCNTENSETn(below(16)));
    monitors.write(0, SMMU_PMINTENSETn(below(16)));
    monitors.write(0, SMMU_PMOVSCLRn(below(16)));
    monitors.write(SMMU_PMCR().set(SMMU_PMCR::E, true));
  }
  void any_register() {
    const std::uint32_t page = one_in(2) ? below(5) : 8 + below(6);
    const std::uint32_t offset = (page << 12) + 4 * below(64);
    const auto value = static_cast<std::uint32_t>(dice_());
    // Most of what it would break is set up again now and then.
    rig_.smmu().write32(offset, value);
    seen_ << rig_.smmu().read32(offset) << '\n';
  }

  std::mt19937_64 dice_;
  V2Rig rig_;
  Software software_{rig_};
  std::vector<PageTable> tables_;
  std::vector<Pa> pages_;
  std::array<emulator::Port*, 3> ports_{};
  std::ostringstream seen_;
  bool restoring_ = false;
};

class MovedAndUnmovedV2 : public ::testing::TestWithParam<std::tuple<CachePolicy, Pace>> {
 protected:
  static SmmuV2Config config(unsigned seed) {
    SmmuV2Config config = small_config();
    std::tie(config.caching.policy, config.pace) = GetParam();
    config.caching.cap = seed % 2 == 0 ? 64 : 6;
    config.busy_reads = seed % 3;
    if (seed % 2 == 0) config.resume = SmmuV2Config::Resume::kOldest;
    if (seed % 4 == 0) config.early_resume = SmmuV2Config::EarlyResume::kIgnored;
    if (seed % 5 == 0) config.illegal_access = SmmuV2Config::IllegalAccess::kFaults;
    return config;
  }
};

TEST_P(MovedAndUnmovedV2, SeeTheSame) {
  const bool stepped = std::get<Pace>(GetParam()) == Pace::kStepped;
  for (unsigned seed = 1; seed != 9; ++seed) {
    Random unmoved(config(seed), seed);
    Random moved(config(seed), seed);
    std::mt19937_64 dice(seed);
    for (unsigned i = 0; i != 300; ++i) {
      unmoved.act();
      moved.act();
      if (stepped) {
        const auto steps = static_cast<std::uint32_t>(dice() % 4);
        unmoved.step(steps);
        moved.step(steps);
      }
      if (dice() % 12 == 0) {
        ASSERT_TRUE(unmoved.saved() == moved.saved()) << "seed " << seed << ", act " << i;
        moved.move();
      }
      if (HasFailure()) FAIL() << "seed " << seed << ", act " << i;
    }
    unmoved.step(1000);
    moved.step(1000);
    ASSERT_EQ(unmoved.seen(), moved.seen()) << "seed " << seed;
    ASSERT_EQ(unmoved.registers(), moved.registers()) << "seed " << seed;
    ASSERT_TRUE(unmoved.saved() == moved.saved()) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Everything, MovedAndUnmovedV2,
                         ::testing::Combine(::testing::Values(CachePolicy::kNone,
                                                              CachePolicy::kRealistic,
                                                              CachePolicy::kAdversarial),
                                            ::testing::Values(Pace::kAtOnce, Pace::kStepped)));

}  // namespace
}  // namespace smmu::testing::snapshot_random_test
