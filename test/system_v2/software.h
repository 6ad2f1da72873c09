// What software of one Security state sets up on an SMMUv2: streams that lead to banks, banks that
// have tables, a line each.
#ifndef SMMU_TEST_SYSTEM_V2_SOFTWARE_H_
#define SMMU_TEST_SYSTEM_V2_SOFTWARE_H_

#include <cstdint>

#include "test/system_v2/rig.h"

namespace smmu::testing {

// SMMU_sCR0: every global fault aborts and interrupts.
inline v2::SMMU_sCR0 everything_faults() {
  using v2::SMMU_sCR0;
  return SMMU_sCR0()
      .set(SMMU_sCR0::GFRE, true)
      .set(SMMU_sCR0::GFIE, true)
      .set(SMMU_sCR0::GCFGFRE, true)
      .set(SMMU_sCR0::GCFGFIE, true)
      .set(SMMU_sCR0::USFCFG, true)
      .set(SMMU_sCR0::SMCFCFG, true);
}

// SMMU_CBn_SCTLR: the bank translates, and its faults abort and interrupt while others go on.
inline v2::SMMU_CBn_SCTLR translating() {
  using v2::SMMU_CBn_SCTLR;
  return SMMU_CBn_SCTLR()
      .set(SMMU_CBn_SCTLR::M, true)
      .set(SMMU_CBn_SCTLR::AFE, true)
      .set(SMMU_CBn_SCTLR::TRE, true)
      .set(SMMU_CBn_SCTLR::CFRE, true)
      .set(SMMU_CBn_SCTLR::CFIE, true)
      .set(SMMU_CBn_SCTLR::HUPCF, true);
}
// The same, and faults stall.
inline v2::SMMU_CBn_SCTLR stalling() { return translating().set(v2::SMMU_CBn_SCTLR::CFCFG, true); }

// Whose translations a bank makes, with tables of AArch64.
struct BankOptions {
  std::uint32_t vmid = 0;
  std::uint32_t asid = 0;
  v2::SMMU_CBn_SCTLR control = translating();
  bool hypervisor = false;
  bool monitor = false;
};

class Software {
 public:
  explicit Software(V2Rig& rig, SecurityState security = SecurityState::kNonSecure,
                    std::uint32_t first_group = 0)
      : pages_(security == SecurityState::kSecure ? rig.secure_registers() : rig.registers()),
        gr0(pages_.global0()),
        gr1(pages_.global1()),
        non_secure(pages_.non_secure_aliases()),
        next_group_(first_group) {}

  RegisterPage bank(std::uint32_t n) const { return pages_.bank(n); }

  void enable(v2::SMMU_sCR0 control = everything_faults()) const { gr0.write(control); }

  // Gives the stream a group of its own, which is returned.
  std::uint32_t lead(StreamId stream, v2::SMMU_S2CRn_Translation to) {
    using v2::SMMU_SMRn;
    gr0.write(next_group_, to);
    gr0.write(next_group_,
              SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, stream.value));
    return next_group_++;
  }
  std::uint32_t lead(StreamId stream, std::uint32_t bank) {
    using S2cr = v2::SMMU_S2CRn_Translation;
    return lead(stream,
                S2cr().set(S2cr::TYPE, v2::StreamType::kTranslation).set(S2cr::CBNDX, bank));
  }

  void stage1(std::uint32_t n, const PageTable& table, const BankOptions& options = {}) const {
    using Cbar = v2::SMMU_CBARn_Stage1Stage2Bypass;
    gr1.write(n, Cbar()
                     .set(Cbar::TYPE, v2::ContextType::kStage1Stage2Bypass)
                     .set(Cbar::VMID, options.vmid)
                     .set(Cbar::HYPC, options.hypervisor)
                     .set(Cbar::BPSHCFG, v2::ShareabilityConfig::kNonShareable)
                     .set(Cbar::MemAttr, 0xf));
    set_stage1(n, table, options);
  }
  // Stage 1 of bank n above stage 2 of another one.
  void nested(std::uint32_t n, const PageTable& table, std::uint32_t stage2,
              const BankOptions& options = {}) const {
    using Cbar = v2::SMMU_CBARn_Nested;
    gr1.write(n, Cbar()
                     .set(Cbar::TYPE, v2::ContextType::kNested)
                     .set(Cbar::VMID, options.vmid)
                     .set(Cbar::CBNDX, stage2));
    set_stage1(n, table, options);
  }
  // REQUIRES: the table begins at level 1.
  void stage2(std::uint32_t n, const PageTable& table, const BankOptions& options = {}) const {
    using Cbar = v2::SMMU_CBARn_Stage2;
    using v2::SMMU_CBA2Rn;
    using Tcr = v2::SMMU_CBn_TCR_Stage2_AArch64;
    using Ttbr = v2::SMMU_CBn_TTBR0_Stage2;
    gr1.write(n, SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true));
    gr1.write(n, Cbar().set(Cbar::TYPE, v2::ContextType::kStage2).set(Cbar::VMID, options.vmid));
    bank(n).write(Tcr()
                      .set(Tcr::T0SZ, table.options().t0sz)
                      .set(Tcr::SL0, 1)
                      .set(Tcr::PASize, OutputSize::k48Bits));
    bank(n).write(Ttbr().set(Ttbr::BaseAddress, table.root().value));
    bank(n).write(options.control);
  }

  // Each waits for what the registers before it began.
  void synchronize() const { gr0.write(v2::SMMU_sTLBGSYNC()); }
  void synchronize(std::uint32_t n) const { bank(n).write(v2::SMMU_CBn_TLBSYNC()); }

 private:
  void set_stage1(std::uint32_t n, const PageTable& table, const BankOptions& options) const {
    using v2::SMMU_CBA2Rn;
    using v2::SMMU_CBn_MAIR0;
    using v2::SMMU_CBn_TCR2;
    using Tcr = v2::SMMU_CBn_TCR_AArch64;
    using Ttbr = v2::SMMU_CBn_TTBR0_AArch64;
    gr1.write(n,
              SMMU_CBA2Rn().set(SMMU_CBA2Rn::VA64, true).set(SMMU_CBA2Rn::MONC, options.monitor));
    bank(n).write(SMMU_CBn_TCR2()
                      .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits)
                      .set(SMMU_CBn_TCR2::AS, true)
                      .set(SMMU_CBn_TCR2::SEP, v2::SignBit::kUpstream));
    auto tcr = Tcr().set(Tcr::T0SZ, table.options().t0sz);
    // What has no upper half has these bits for something else.
    if (!options.hypervisor && !options.monitor) tcr.set(Tcr::EPD1, true);
    bank(n).write(tcr);
    bank(n).write(SMMU_CBn_MAIR0().set(SMMU_CBn_MAIR0::Attr0, 0xff));
    bank(n).write(Ttbr().set(Ttbr::BaseAddress, table.root().value).set(Ttbr::ASID, options.asid));
    bank(n).write(options.control);
  }

  RegisterPages pages_;

 public:
  RegisterPage gr0;
  RegisterPage gr1;
  RegisterPage non_secure;  // what gr0 has twice, of Non-secure software

 private:
  std::uint32_t next_group_;
};

// A small SMMU: eight banks and groups, of which Secure software keeps the last two, and two groups
// of two counters.
inline emulator::SmmuV2Config small_config() {
  using namespace v2;
  emulator::SmmuV2Config config = emulator::SmmuV2Config::generic();
  config.idr0.set(SMMU_IDR0::NUMSMRG, 8);
  config.idr1.set(SMMU_IDR1::NUMCB, 8).set(SMMU_IDR1::NUMPAGENDXB, 2);
  config.scr1_reset.set(SMMU_SCR1::NSNUMCBO, 6).set(SMMU_SCR1::NSNUMSMRGO, 6);
  config.pmcfgr.set(SMMU_PMCFGR::N, 3).set(SMMU_PMCFGR::NCG, 1);
  config.caching.main_tlb = {.sets = 4, .ways = 2};
  config.caching.stage2 = {.sets = 4, .ways = 1};
  config.caching.walk = {.sets = 2, .ways = 1};
  config.caching.cap = 64;
  config.most_stalled = 16;
  return config;
}

// Tables of 39 bits, which begin at level 1.
inline PageTable::Options stage1_tables() { return {.t0sz = 25}; }
inline PageTable::Options stage2_tables() { return {.t0sz = 25, .stage = 2}; }

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_SOFTWARE_H_
