// What the kernel of Fuchsia does with an SMMUv2: it locks every group and bank that it finds, has
// a bank that walks no tables fault everything, and reads back what that rests on.
#ifndef SMMU_TEST_SYSTEM_V2_ZIRCON_DRIVER_H_
#define SMMU_TEST_SYSTEM_V2_ZIRCON_DRIVER_H_

#include <optional>

#include "test/system_v2/rig.h"

namespace smmu::testing {
namespace zircon {

using namespace v2;  // most of the registers are written here

class Zircon {
 public:
  struct ContextFault {
    SMMU_CBn_FSR status;
    SMMU_CBn_FSYNR0 syndrome;
    Iova address;
    StreamId stream;
  };
  struct GlobalFault {
    SMMU_sGFSR status;
    SMMU_sGFSYNR0 syndrome;
    std::uint64_t address;
    StreamId stream;
  };

  explicit Zircon(V2Rig& rig) : pages_(rig.registers()) {}

  bool probe() {
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    banks_ = gr0_.read<SMMU_IDR1>()[SMMU_IDR1::NUMCB];
    groups_ = idr0[SMMU_IDR0::NUMSMRG];
    if (gr0_.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] != 2) return false;
    if (!idr0[SMMU_IDR0::SMS]) return false;
    control_ = gr0_.read<SMMU_sCR0>();
    if (idr0[SMMU_IDR0::EXIDS] && control_[SMMU_sCR0::EXIDENABLE]) return false;
    if (idr0[SMMU_IDR0::NUMIRPT] != 1) return false;
    control2_ = gr0_.read<SMMU_sCR2>();
    return !(idr0[SMMU_IDR0::EXSMRGS] && control2_[SMMU_sCR2::EXSMRGENABLE]);
  }

  void start() {
    gr0_.write(control_.set(SMMU_sCR0::VMID16EN, false)
                   .set(SMMU_sCR0::SMCFCFG, true)
                   .set(SMMU_sCR0::FB, false)
                   .set(SMMU_sCR0::PTM, true)
                   .set(SMMU_sCR0::VMIDPNE, true)
                   .set(SMMU_sCR0::USFCFG, true)
                   .set(SMMU_sCR0::GSE, false)
                   .set(SMMU_sCR0::STALLD, true)
                   .set(SMMU_sCR0::GCFGFIE, false)
                   .set(SMMU_sCR0::GCFGFRE, true)
                   .set(SMMU_sCR0::EXIDENABLE, false)
                   .set(SMMU_sCR0::GFIE, false)
                   .set(SMMU_sCR0::GFRE, true)
                   .set(SMMU_sCR0::CLIENTPD, false));
    gr0_.write(
        control2_.set(SMMU_sCR2::EXSMRGENABLE, false).set(SMMU_sCR2::COMPINDEXENABLE, false));
    for (std::uint32_t i = 0; i != groups_; ++i) disable_group(i);
    for (std::uint32_t n = 0; n != banks_; ++n) disable_bank(n);
    gr0_.write(SMMU_TLBIALLNSNH());
    gr0_.write(SMMU_sTLBGSYNC());
    while (gr0_.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]) {
    }
    gr0_.write(control_.set(SMMU_sCR0::GCFGFIE, true).set(SMMU_sCR0::GFIE, true));
  }

  // Gives the stream a bank of its own, which is returned: with tables or, without, one that lets
  // everything pass.
  std::uint32_t create(StreamId stream, std::optional<Pa> tables) {
    const std::uint32_t group = next_group_++;
    disable_group(group);
    const std::uint32_t n = next_bank_++;
    disable_bank(n);
    configure_bank(n, tables);
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.write(group, S2cr()
                          .set(S2cr::TYPE, StreamType::kTranslation)
                          .set(S2cr::CBNDX, n)
                          .set(S2cr::PRIVCFG, PrivilegeConfig::kUnprivileged));
    gr0_.write(group, SMMU_SMRn().set(SMMU_SMRn::VALID, true).set(SMMU_SMRn::ID, stream.value));
    interrupt(n, true);
    return n;
  }
  // What a bank without tables goes back to when its owner has misbehaved.  Whether that stuck.
  bool block(std::uint32_t n) {
    disable_bank(n);
    prepare_bank(n);
    const auto tcr = pages_.bank(n).read<SMMU_CBn_TCR_AArch64>();
    return tcr[SMMU_CBn_TCR_AArch64::EPD0] && tcr[SMMU_CBn_TCR_AArch64::EPD1] &&
           pages_.bank(n).read<SMMU_CBn_SCTLR>()[SMMU_CBn_SCTLR::M] &&
           gr1_.read<SMMU_CBARn>(n)[SMMU_CBARn::TYPE] == ContextType::kStage1Stage2Bypass;
  }

  void invalidate(std::uint32_t n, Iova address, std::uint64_t pages) {
    constexpr std::uint64_t kMostPages = 256;
    if (pages > kMostPages) {
      invalidate(n);
      return;
    }
    using Tlbi = SMMU_CBn_TLBIVA_AArch64;
    for (std::uint64_t i = 0; i != pages; ++i) {
      pages_.bank(n).write(
          Tlbi().set(Tlbi::ASID, asid(n)).set(Tlbi::Address, (address.value >> 12) + i));
    }
    synchronize(n);
  }

  ContextFault handle_context_fault(std::uint32_t n) {
    const RegisterPage bank = pages_.bank(n);
    interrupt(n, false);
    const auto status = bank.read<SMMU_CBn_FSR>();
    const auto address = bank.read<SMMU_CBn_FAR>();
    const auto syndrome = bank.read<SMMU_CBn_FSYNR0>();
    const auto stream = gr1_.read<SMMU_CBFRSYNRAn>(n);
    gr1_.write(n, SMMU_CBFRSYNRAn());
    bank.write(SMMU_CBn_FAR());
    bank.write(SMMU_CBn_FSYNR0());
    bank.write(status);
    return {status, syndrome, Iova(address[SMMU_CBn_FAR::FADDR]),
            StreamId(stream[SMMU_CBFRSYNRAn::StreamID])};
  }
  // The owner has its device under control again.
  void release_quarantine(std::uint32_t n) { interrupt(n, true); }

  std::optional<GlobalFault> handle_global_fault() {
    const auto status = gr0_.read<SMMU_sGFSR>();
    if (status.raw() == 0) return std::nullopt;
    const auto address = gr0_.read<SMMU_sGFAR>();
    const auto syndrome = gr0_.read<SMMU_sGFSYNR0>();
    const auto stream = gr0_.read<SMMU_sGFSYNR1>();
    gr0_.write(SMMU_sGFAR());
    gr0_.write(SMMU_sGFSYNR0());
    gr0_.write(status);
    return GlobalFault{status, syndrome, address[SMMU_sGFAR::FADDR],
                       StreamId(stream[SMMU_sGFSYNR1::StreamID])};
  }

 private:
  static constexpr std::uint32_t kUnusedAsid = 0xffff;
  static std::uint32_t asid(std::uint32_t n) { return 0x5a00 | n; }

  void disable_group(std::uint32_t i) {
    gr0_.write(i, gr0_.read<SMMU_SMRn>(i)
                      .set(SMMU_SMRn::VALID, false)
                      .set(SMMU_SMRn::MASK, 0)
                      .set(SMMU_SMRn::ID, 0));
    gr0_.write(i, gr0_.read<SMMU_S2CRn>(i).set(SMMU_S2CRn::TYPE, StreamType::kFault));
  }
  // Translation on and no tables to walk: whatever comes here faults.
  void disable_bank(std::uint32_t n) {
    using Tcr = SMMU_CBn_TCR_AArch64;
    using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
    using Ttbr1 = SMMU_CBn_TTBR1_AArch64;
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n, gr1_.read<SMMU_CBA2Rn>(n).set(SMMU_CBA2Rn::VA64, true));
    bank.write(bank.read<Tcr>().set(Tcr::EPD0, true).set(Tcr::EPD1, true));
    bank.write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::M, true).set(SMMU_CBn_SCTLR::HUPCF, true));
    gr1_.write(n, SMMU_CBARn().set(SMMU_CBARn::TYPE, ContextType::kStage1Stage2Bypass));
    bank.write(bank.read<Ttbr0>().set(Ttbr0::BaseAddress, 0).set(Ttbr0::ASID, kUnusedAsid));
    bank.write(bank.read<Ttbr1>().set(Ttbr1::BaseAddress, 0).set(Ttbr1::ASID, kUnusedAsid));
    invalidate(n);
  }
  void prepare_bank(std::uint32_t n) {
    using Tcr = SMMU_CBn_TCR_AArch64;
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n, gr1_.read<SMMU_CBA2Rn>(n)
                      .set(SMMU_CBA2Rn::VA64, true)
                      .set(SMMU_CBA2Rn::MONC, false)
                      .set(SMMU_CBA2Rn::VMID16, 0));
    bank.write(bank.read<Tcr>()
                   .set(Tcr::TG0, TG0::k4K)
                   .set(Tcr::T0SZ, 16)
                   .set(Tcr::TG1, TG1::k4K)
                   .set(Tcr::T1SZ, 0x3f));
  }
  void configure_bank(std::uint32_t n, std::optional<Pa> tables) {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    const RegisterPage bank = pages_.bank(n);
    disable_bank(n);
    prepare_bank(n);
    gr1_.write(n, Cbar()
                      .set(Cbar::TYPE, ContextType::kStage1Stage2Bypass)
                      .set(Cbar::BPSHCFG, ShareabilityConfig::kNonShareable));
    if (tables) {
      using Tcr = SMMU_CBn_TCR_AArch64;
      using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
      bank.write(Ttbr0().set(Ttbr0::ASID, asid(n)).set(Ttbr0::BaseAddress, tables->value));
      bank.write(bank.read<Tcr>().set(Tcr::EPD0, false).set(Tcr::EPD1, true));
    }
    bank.write(SMMU_CBn_SCTLR().set(SMMU_CBn_SCTLR::M, tables.has_value()));
  }
  void interrupt(std::uint32_t n, bool enable) {
    const RegisterPage bank = pages_.bank(n);
    bank.write(bank.read<SMMU_CBn_SCTLR>().set(SMMU_CBn_SCTLR::CFIE, enable));
  }
  void invalidate(std::uint32_t n) {
    pages_.bank(n).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, asid(n)));
    synchronize(n);
  }
  // However long that takes.
  void synchronize(std::uint32_t n) {
    pages_.bank(n).write(SMMU_CBn_TLBSYNC());
    while (pages_.bank(n).read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE]) {
    }
  }

  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  SMMU_sCR0 control_;
  SMMU_sCR2 control2_;
  std::uint32_t groups_ = 0;
  std::uint32_t banks_ = 0;
  std::uint32_t next_group_ = 0;
  std::uint32_t next_bank_ = 0;
};

}  // namespace zircon

using zircon::Zircon;

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_ZIRCON_DRIVER_H_
