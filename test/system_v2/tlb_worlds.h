// Translations of every kind that a TLB tells apart, and what each register of TLB maintenance does
// to them.
#ifndef SMMU_TEST_SYSTEM_V2_TLB_WORLDS_H_
#define SMMU_TEST_SYSTEM_V2_TLB_WORLDS_H_

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "test/system_v2/software.h"

namespace smmu::testing {

// Non-secure software has the first 64 banks and groups.
inline emulator::SmmuV2Config with_both_states(emulator::CachePolicy policy) {
  using v2::SMMU_SCR1;
  emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 64).set(SMMU_SCR1::NSNUMSMRGO, 64);
  config.caching.policy = policy;
  return config;
}

// Every world has a bank, and tables of its own, where it maps some pages.  Names have its VMID (a
// or b) or what it is instead, its ASID, and the page.
class Worlds {
 public:
  static constexpr std::uint32_t kVmidA = 0x31;
  static constexpr std::uint32_t kVmidB = 0x32;
  static constexpr Iova kPageX{0x1234'5000};
  static constexpr Iova kPageY{0x2345'6000};
  static constexpr Iova kGlobalPage{0x3456'7000};
  static constexpr Ipa kIpa{0x5'4321'0000};

  // Banks.
  enum : std::uint32_t {
    kA1 = 1,
    kA2,
    kB1,
    kAStage2,
    kBStage2,
    kANested,
    kHypervisor,
    kSecure1 = 64,
    kSecure2,
    kMonitor
  };

  using Names = std::set<std::string>;

  explicit Worlds(const emulator::SmmuV2Config& config) : rig(config) {
    add_stage1("a1", kA1, {.vmid = kVmidA, .asid = 1});
    add_page("a1 y", kPageY);
    add_page("a1 global", kGlobalPage, {.global = true});
    add_stage1("a2", kA2, {.vmid = kVmidA, .asid = 2});
    add_stage1("b1", kB1, {.vmid = kVmidB, .asid = 1});
    add_stage2("a stage 2", kAStage2, kVmidA);
    add_stage2("b stage 2", kBStage2, kVmidB);
    add_nested();
    add_stage1("hypervisor", kHypervisor, {.hypervisor = true});
    add_page("hypervisor y", kPageY);
    add_stage1("secure 1", kSecure1, {.asid = 1});
    add_stage1("secure 2", kSecure2, {.asid = 2});
    add_stage1("monitor", kMonitor, {.monitor = true});
    add_page("monitor y", kPageY);
    software.enable();
    secure.enable();
    EXPECT_EQ(changed(), Names()) << "before anything has changed";
  }

  // Of all pages, the tables lead elsewhere now.
  void change_tables() {
    for (Page& page : pages_) page.table->map(page.mapped, page.after, 4096, page.attributes);
  }
  // Those that are translated by the tables as they are now; all others are as they were.
  Names changed() {
    Names names;
    for (Page& page : pages_) {
      const auto outcome = page.device.translate(page.address);
      const auto* translation = std::get_if<emulator::Translation>(&outcome);
      if (translation == nullptr) {
        ADD_FAILURE() << page.name << " is not translated";
        continue;
      }
      if (translation->pa == page.after) names.insert(page.name);
      EXPECT_TRUE(translation->pa == page.after || translation->pa == page.before) << page.name;
    }
    return names;
  }

  V2Rig rig;
  Software software{rig};
  Software secure{rig, SecurityState::kSecure, 64};

 private:
  struct Page {
    std::string name;
    DmaDevice device;
    Iova address;      // of the device
    PageTable* table;  // that changes
    Iova mapped;       // what it maps, an IPA in stage 2
    PageAttributes attributes;
    Pa before;
    Pa after;
  };

  PageTable& new_table(PageTable::Options options) {
    return tables_.emplace_back(rig.page_table(options));
  }
  void add_stage1(const std::string& name, std::uint32_t bank, const BankOptions& options) {
    const bool is_secure = bank >= kSecure1;
    PageTable& table = new_table(stage1_tables());
    Software& owner = is_secure ? secure : software;
    owner.stage1(bank, table, options);
    const StreamId stream(0x100 + bank);
    owner.lead(stream, bank);
    device_ = rig.device(stream).of(is_secure ? SecurityState::kSecure : SecurityState::kNonSecure);
    table_ = &table;
    add_page(name, kPageX);
  }
  void add_stage2(const std::string& name, std::uint32_t bank, std::uint32_t vmid) {
    PageTable& table = new_table(stage2_tables());
    software.stage2(bank, table, {.vmid = vmid});
    const StreamId stream(0x100 + bank);
    software.lead(stream, bank);
    device_ = rig.device(stream);
    table_ = &table;
    add_page(name, kPageX);
  }
  // Above the stage 2 of VMID a.  Of one page stage 1 changes, of the other one stage 2.
  void add_nested() {
    PageTable& stage1 = new_table(stage1_tables());
    PageTable& stage2 = tables_[kStage2OfA];
    software.nested(kANested, stage1, kAStage2, {.vmid = kVmidA, .asid = 3});
    const StreamId stream(0x100 + kANested);
    software.lead(stream, kANested);
    device_ = rig.device(stream);
    // Whatever stage 1 uses is where it is.
    const Iova ram(0x4000'0000);
    stage2.map(ram, Pa(ram.value), 1 << 26);
    table_ = &stage1;
    add_page("a nested", kPageX);
    stage1.map(kPageY, Pa(kIpa.value), 4096);
    add_page("a nested, below", kPageY, {}, &stage2, Iova(kIpa.value));
  }
  // Of the world that was added last.
  void add_page(const std::string& name, Iova address, PageAttributes attributes = {}) {
    add_page(name, address, attributes, table_, address);
  }
  void add_page(const std::string& name, Iova address, PageAttributes attributes, PageTable* table,
                Iova mapped) {
    const Pa before = rig.allocate(4096);
    const Pa after = rig.allocate(4096);
    table->map(mapped, before, 4096, attributes);
    pages_.push_back({name, *device_, address, table, mapped, attributes, before, after});
  }

  static constexpr std::size_t kStage2OfA = 3;  // of tables_

  std::deque<PageTable> tables_;
  std::optional<DmaDevice> device_;
  PageTable* table_ = nullptr;
  std::vector<Page> pages_;
};

// A register of TLB maintenance, and which translations it is about.
struct TlbOperation {
  // Who synchronises it: a bank, or software of a Security state.
  static constexpr std::uint32_t kNonSecure = 1000;
  static constexpr std::uint32_t kSecure = 1001;

  const char* name;
  void (*write)(const Worlds& worlds);
  Worlds::Names reaches;
  std::uint32_t synchronized_by;
};

inline void synchronize(const Worlds& worlds, std::uint32_t by) {
  if (by == TlbOperation::kNonSecure) return worlds.software.synchronize();
  if (by == TlbOperation::kSecure) return worlds.secure.synchronize();
  (by < Worlds::kSecure1 ? worlds.software : worlds.secure).synchronize(by);
}

inline std::vector<TlbOperation> tlb_operations() {
  using namespace v2;
  using W = Worlds;
  constexpr std::uint64_t kX = W::kPageX.value >> 12;
  constexpr std::uint64_t kGlobal = W::kGlobalPage.value >> 12;
  const W::Names stage1_of_a{"a1", "a1 y", "a1 global", "a2", "a nested"};
  W::Names all_of_a = stage1_of_a;
  all_of_a.insert({"a stage 2", "a nested, below"});
  W::Names all_of_guests = all_of_a;
  all_of_guests.insert({"b1", "b stage 2"});
  const W::Names hypervisor{"hypervisor", "hypervisor y"};
  const W::Names monitor{"monitor", "monitor y"};
  const W::Names secure{"secure 1", "secure 2"};
  const W::Names all_of_secure{"secure 1", "secure 2", "monitor", "monitor y"};
  constexpr std::uint32_t kNonSecure = TlbOperation::kNonSecure;
  constexpr std::uint32_t kSecure = TlbOperation::kSecure;
  using Va = SMMU_CBn_TLBIVA_AArch64;
  using Val = SMMU_CBn_TLBIVAL_AArch64;
  using Vaa = SMMU_CBn_TLBIVAA_AArch64;
  using Vaal = SMMU_CBn_TLBIVAAL_AArch64;
  return {
      // Of banks.
      {"TLBIVA",
       [](const W& w) {
         w.software.bank(W::kA1).write(Va().set(Va::Address, kX).set(Va::ASID, 1));
       },
       {"a1"},
       W::kA1},
      {"TLBIVA, of another ASID than the bank's",
       [](const W& w) {
         w.software.bank(W::kA1).write(Va().set(Va::Address, kX).set(Va::ASID, 2));
       },
       {"a2"},
       W::kA1},
      {"TLBIVA, of a page that is global",
       [](const W& w) {
         w.software.bank(W::kA2).write(Va().set(Va::Address, kGlobal).set(Va::ASID, 2));
       },
       {"a1 global"},
       W::kA2},
      {"TLBIVAL",
       [](const W& w) {
         w.software.bank(W::kA1).write(Val().set(Val::Address, kX).set(Val::ASID, 1));
       },
       {"a1"},
       W::kA1},
      {"TLBIVAA",
       [](const W& w) { w.software.bank(W::kA1).write(Vaa().set(Vaa::Address, kX)); },
       {"a1", "a2", "a nested"},
       W::kA1},
      {"TLBIVAAL",
       [](const W& w) { w.software.bank(W::kA1).write(Vaal().set(Vaal::Address, kX)); },
       {"a1", "a2", "a nested"},
       W::kA1},
      {"TLBIASID",
       [](const W& w) {
         w.software.bank(W::kA1).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, 1));
       },
       {"a1", "a1 y"},
       W::kA1},
      {"TLBIALL", [](const W& w) { w.software.bank(W::kA1).write(SMMU_CBn_TLBIALL()); },
       stage1_of_a, W::kA1},
      {"TLBIALL, of another VMID",
       [](const W& w) { w.software.bank(W::kB1).write(SMMU_CBn_TLBIALL()); },
       {"b1"},
       W::kB1},
      {"TLBIALL, of a nested bank",
       [](const W& w) { w.software.bank(W::kANested).write(SMMU_CBn_TLBIALL()); }, stage1_of_a,
       W::kANested},
      {"TLBIIPAS2",
       [](const W& w) {
         using Tlbi = SMMU_CBn_TLBIIPAS2;
         w.software.bank(W::kAStage2).write(Tlbi().set(Tlbi::Address, kX));
       },
       {"a stage 2"},
       W::kAStage2},
      {"TLBIIPAS2L",
       [](const W& w) {
         using Tlbi = SMMU_CBn_TLBIIPAS2L;
         w.software.bank(W::kBStage2).write(Tlbi().set(Tlbi::Address, kX));
       },
       {"b stage 2"},
       W::kBStage2},
      {"TLBIIPAS2 and TLBIALL, for what both stages are part of",
       [](const W& w) {
         using Tlbi = SMMU_CBn_TLBIIPAS2;
         w.software.bank(W::kAStage2).write(Tlbi().set(Tlbi::Address, W::kIpa.value >> 12));
         w.software.synchronize();
         w.software.bank(W::kANested).write(SMMU_CBn_TLBIALL());
       },
       {"a1", "a1 y", "a1 global", "a2", "a nested", "a nested, below"},
       kNonSecure},
      {"TLBIVA, of a bank of stage 2",
       [](const W& w) { w.software.bank(W::kAStage2).write(Va().set(Va::Address, kX)); },
       {},
       W::kAStage2},
      {"TLBIIPAS2, of a bank of stage 1",
       [](const W& w) {
         using Tlbi = SMMU_CBn_TLBIIPAS2;
         w.software.bank(W::kA1).write(Tlbi().set(Tlbi::Address, kX));
       },
       {},
       W::kA1},
      {"TLBIVA, of the hypervisor's bank",
       [](const W& w) { w.software.bank(W::kHypervisor).write(Va().set(Va::Address, kX)); },
       {"hypervisor"},
       W::kHypervisor},
      {"TLBIALL, of the hypervisor's bank",
       [](const W& w) { w.software.bank(W::kHypervisor).write(SMMU_CBn_TLBIALL()); }, hypervisor,
       W::kHypervisor},
      {"TLBIASID, of a Secure bank",
       [](const W& w) {
         w.secure.bank(W::kSecure1).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, 1));
       },
       {"secure 1"},
       W::kSecure1},
      {"TLBIVAA, of a Secure bank",
       [](const W& w) { w.secure.bank(W::kSecure1).write(Vaa().set(Vaa::Address, kX)); }, secure,
       W::kSecure1},
      {"TLBIALL, of a Secure bank",
       [](const W& w) { w.secure.bank(W::kSecure1).write(SMMU_CBn_TLBIALL()); }, secure,
       W::kSecure1},
      {"TLBIVAA, of the monitor's bank",
       [](const W& w) { w.secure.bank(W::kMonitor).write(Vaa().set(Vaa::Address, kX)); },
       {"monitor"},
       W::kMonitor},
      // Global ones.
      {"TLBIVMID",
       [](const W& w) {
         w.software.gr0.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, W::kVmidA));
       },
       all_of_a, kNonSecure},
      {"TLBIVMIDS1",
       [](const W& w) {
         w.software.gr0.write(SMMU_TLBIVMIDS1().set(SMMU_TLBIVMIDS1::VMID, W::kVmidA));
       },
       stage1_of_a, kNonSecure},
      {"TLBIALLNSNH", [](const W& w) { w.software.gr0.write(SMMU_TLBIALLNSNH()); }, all_of_guests,
       kNonSecure},
      {"TLBIALLH", [](const W& w) { w.software.gr0.write(SMMU_TLBIALLH()); }, hypervisor,
       kNonSecure},
      {"TLBIVAH",
       [](const W& w) {
         w.software.gr0.write(SMMU_TLBIVAH().set(SMMU_TLBIVAH::Address, W::kPageX.value));
       },
       {"hypervisor"},
       kNonSecure},
      {"TLBIVAH64",
       [](const W& w) { w.software.gr0.write(SMMU_TLBIVAH64().set(SMMU_TLBIVAH64::Address, kX)); },
       {"hypervisor"},
       kNonSecure},
      {"TLBIVALH64",
       [](const W& w) {
         w.software.gr0.write(SMMU_TLBIVALH64().set(SMMU_TLBIVALH64::Address, kX));
       },
       {"hypervisor"},
       kNonSecure},
      {"STLBIALL", [](const W& w) { w.secure.gr0.write(SMMU_STLBIALL()); }, all_of_secure, kSecure},
      {"STLBIALLM", [](const W& w) { w.secure.gr0.write(SMMU_STLBIALLM()); }, monitor, kSecure},
      {"STLBIVAM",
       [](const W& w) { w.secure.gr0.write(SMMU_STLBIVAM().set(SMMU_STLBIVAM::Address, kX)); },
       {"monitor"},
       kSecure},
      {"STLBIVALM",
       [](const W& w) { w.secure.gr0.write(SMMU_STLBIVALM().set(SMMU_STLBIVALM::Address, kX)); },
       {"monitor"},
       kSecure},
      // Those of Secure software are nothing to others.
      {"STLBIALL, STLBIALLM and STLBIVAM of Non-secure software",
       [](const W& w) {
         w.software.gr0.write(SMMU_STLBIALL());
         w.software.gr0.write(SMMU_STLBIALLM());
         w.software.gr0.write(SMMU_STLBIVAM().set(SMMU_STLBIVAM::Address, kX));
       },
       {},
       kNonSecure},
      {"TLBIALL of a Secure bank, of Non-secure software",
       [](const W& w) { w.software.bank(W::kSecure1).write(SMMU_CBn_TLBIALL()); },
       {},
       kNonSecure},
  };
}

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_TLB_WORLDS_H_
