// What OpenBSD does with an SMMUv2: stage 1 if there is one, every wide identifier that there is,
// and on an AP806 stage 2 with 44 bits, of which registers are written high word first.
#ifndef SMMU_TEST_SYSTEM_V2_OPENBSD_DRIVER_H_
#define SMMU_TEST_SYSTEM_V2_OPENBSD_DRIVER_H_

#include <optional>
#include <utility>

#include "test/system_v2/rig.h"

namespace smmu::testing {
namespace openbsd {

using namespace v2;  // most of the registers are written here

class OpenBsd {
 public:
  static constexpr std::uint32_t kMostPolls = 1000;

  enum class Model { kMmu500, kAp806 };
  struct ContextFault {
    SMMU_CBn_FSR status;
    SMMU_CBn_FSYNR0 syndrome;
    Iova address;
    StreamId stream;
  };

  explicit OpenBsd(V2Rig& rig, Model model = Model::kMmu500)
      : pages_(rig.registers()), model_(model) {}

  bool probe() {
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    stage1_ = idr0[SMMU_IDR0::S1TS] && model_ != Model::kAp806;
    if (!stage1_ && !idr0[SMMU_IDR0::S2TS]) return false;
    wide_stream_ids_ = idr0[SMMU_IDR0::EXIDS];
    matches_ = idr0[SMMU_IDR0::SMS];
    groups_ = wide_stream_ids_ ? 1U << 16 : 1U << idr0[SMMU_IDR0::NUMSIDB];
    if (matches_) groups_ = idr0[SMMU_IDR0::NUMSMRG];
    if (groups_ == 0) return false;
    const auto idr1 = gr0_.read<SMMU_IDR1>();
    banks_ = idr1[SMMU_IDR1::NUMCB];
    if (idr1[SMMU_IDR1::NUMS2CB] > banks_) return false;
    next_bank_ = stage1_ ? idr1[SMMU_IDR1::NUMS2CB] : 0;
    wide_vmids_ = gr0_.read<SMMU_IDR2>()[SMMU_IDR2::VMID16S];
    return true;
  }
  std::uint32_t input_bits() const { return model_ == Model::kAp806 ? 44 : 48; }
  unsigned stage() const { return stage1_ ? 1 : 2; }

  void reset() {
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    for (std::uint32_t i = 0; i != groups_; ++i) {
      gr0_.write(i, SMMU_S2CRn().set(SMMU_S2CRn::TYPE, StreamType::kFault));
      if (matches_) gr0_.write(i, SMMU_SMRn());
    }
    for (std::uint32_t n = 0; n != banks_; ++n) {
      pages_.bank(n).write(SMMU_CBn_SCTLR());
      pages_.bank(n).write(all_faults());
    }
    gr0_.write(SMMU_TLBIALLH(~0U));
    gr0_.write(SMMU_TLBIALLNSNH(~0U));
    disable_prefetch();
    auto control = gr0_.read<SMMU_sCR0>();
    control.set(SMMU_sCR0::CLIENTPD, false)
        .set(SMMU_sCR0::FB, false)
        .set(SMMU_sCR0::BSU, BarrierUpgrade::kNone)
        .set(SMMU_sCR0::USFCFG, true)
        .set(SMMU_sCR0::GFRE, true)
        .set(SMMU_sCR0::GFIE, true)
        .set(SMMU_sCR0::GCFGFRE, true)
        .set(SMMU_sCR0::GCFGFIE, true)
        .set(SMMU_sCR0::VMIDPNE, true)
        .set(SMMU_sCR0::PTM, true);
    if (wide_stream_ids_) control.set(SMMU_sCR0::EXIDENABLE, true);
    if (wide_vmids_) control.set(SMMU_sCR0::VMID16EN, true);
    gr0_.write(SMMU_sTLBGSYNC(~0U));
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!gr0_.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]) break;
    }
    gr0_.write(control);
  }

  // Gives the stream a bank of its own, which is returned.
  std::uint32_t create(StreamId stream, Pa tables) {
    const std::uint32_t n = next_bank_++;
    const std::uint32_t group = matches_ ? next_group_++ : stream.value;
    configure_bank(n, tables);
    using S2cr = SMMU_S2CRn_Translation;
    gr0_.write(group, S2cr()
                          .set(S2cr::TYPE, StreamType::kTranslation)
                          .set(S2cr::CBNDX, n)
                          .set(S2cr::EXIDVALID, wide_stream_ids_ && matches_));
    if (!matches_) return n;
    if (wide_stream_ids_) {
      using Smr = SMMU_SMRn_EXIDENABLE;
      gr0_.write(group, Smr().set(Smr::ID, stream.value));
    } else {
      gr0_.write(group, SMMU_SMRn().set(SMMU_SMRn::ID, stream.value).set(SMMU_SMRn::VALID, true));
    }
    return n;
  }

  // False: the driver has given up.
  bool invalidate(std::uint32_t n, Iova address) {
    const RegisterPage bank = pages_.bank(n);
    if (stage1_) {
      using Tlbi = SMMU_CBn_TLBIVAL_AArch64;
      write_wide(bank, Tlbi().set(Tlbi::ASID, n).set(Tlbi::Address, address.value >> 12));
    } else {
      using Tlbi = SMMU_CBn_TLBIIPAS2L;
      write_wide(bank, Tlbi().set(Tlbi::Address, address.value >> 12));
    }
    bank.write(SMMU_CBn_TLBSYNC(~0U));
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!bank.read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE]) return true;
    }
    return false;
  }

  std::optional<ContextFault> handle_context_fault(std::uint32_t n) {
    const RegisterPage bank = pages_.bank(n);
    const auto status = bank.read<SMMU_CBn_FSR>();
    if ((status.raw() & all_faults().raw()) == 0) return std::nullopt;
    const auto syndrome = bank.read<SMMU_CBn_FSYNR0>();
    const auto address = model_ == Model::kAp806 ? bank.read_high_then_low<SMMU_CBn_FAR>()
                                                 : bank.read<SMMU_CBn_FAR>();
    const auto stream = gr1_.read<SMMU_CBFRSYNRAn>(n);
    bank.write(status);
    return ContextFault{status, syndrome, Iova(address[SMMU_CBn_FAR::FADDR]),
                        StreamId(stream[SMMU_CBFRSYNRAn::StreamID])};
  }
  std::optional<std::pair<SMMU_sGFSR, StreamId>> handle_global_fault() {
    const auto status = gr0_.read<SMMU_sGFSR>();
    if (status.raw() == 0) return std::nullopt;
    gr0_.read<SMMU_sGFSYNR0>();
    const auto syndrome = gr0_.read<SMMU_sGFSYNR1>();
    gr0_.read<SMMU_sGFSYNR2>();
    gr0_.write(status);
    return std::pair(status, StreamId(syndrome[SMMU_sGFSYNR1::StreamID]));
  }

 private:
  void disable_prefetch() {
    using Acr = SMMU_sACR_MMU500;
    auto auxiliary = gr0_.read<Acr>();
    if (gr0_.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] >= 2) auxiliary.set(Acr::CACHE_LOCK, false);
    gr0_.write(auxiliary.set(Acr::SMTNMB_TLBEN, true).set(Acr::S2CRB_TLBEN, true));
    for (std::uint32_t n = 0; n != banks_; ++n) {
      auto actlr = pages_.bank(n).read<SMMU_CBn_ACTLR_MMU500>();
      pages_.bank(n).write(actlr.set(SMMU_CBn_ACTLR_MMU500::CPRE, false));
    }
  }

  void configure_bank(std::uint32_t n, Pa tables) {
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n, SMMU_CBA2Rn()
                      .set(SMMU_CBA2Rn::VA64, true)
                      .set(SMMU_CBA2Rn::VMID16, wide_vmids_ ? n + 1 : 0));
    if (stage1_) {
      configure_stage1(n, tables);
    } else {
      using Tcr = SMMU_CBn_TCR_Stage2_AArch64;
      gr1_.write(n, SMMU_CBARn_Stage2().set(SMMU_CBARn_Stage2::VMID, wide_vmids_ ? 0 : n + 1));
      bank.write(Tcr()
                     .set(Tcr::T0SZ, 64 - input_bits())
                     .set(Tcr::SL0, 2)
                     .set(Tcr::PASize, OutputSize::k48Bits)
                     .set(Tcr::SH0, Shareability::kOuter));
      using Ttbr0 = SMMU_CBn_TTBR0_Stage2;
      write_wide(bank, Ttbr0().set(Ttbr0::BaseAddress, tables.value));
    }
    bank.write(SMMU_CBn_SCTLR()
                   .set(SMMU_CBn_SCTLR::M, true)
                   .set(SMMU_CBn_SCTLR::TRE, true)
                   .set(SMMU_CBn_SCTLR::AFE, true)
                   .set(SMMU_CBn_SCTLR::CFRE, true)
                   .set(SMMU_CBn_SCTLR::CFIE, true)
                   .set(SMMU_CBn_SCTLR::ASIDPNE, stage1_));
  }
  void configure_stage1(std::uint32_t n, Pa tables) {
    using Cbar = SMMU_CBARn_Stage1Stage2Bypass;
    using Tcr = SMMU_CBn_TCR_AArch64;
    using Ttbr0 = SMMU_CBn_TTBR0_AArch64;
    using Ttbr1 = SMMU_CBn_TTBR1_AArch64;
    const RegisterPage bank = pages_.bank(n);
    gr1_.write(n, Cbar()
                      .set(Cbar::TYPE, ContextType::kStage1Stage2Bypass)
                      .set(Cbar::BPSHCFG, ShareabilityConfig::kNonShareable)
                      .set(Cbar::MemAttr, 0xf));
    bank.write(SMMU_CBn_TCR2()
                   .set(SMMU_CBn_TCR2::AS, true)
                   .set(SMMU_CBn_TCR2::SEP, SignBit::kUpstream)
                   .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits));
    bank.write(Tcr()
                   .set(Tcr::T0SZ, 64 - input_bits())
                   .set(Tcr::EPD1, true)
                   .set(Tcr::SH0, Shareability::kOuter));
    write_wide(bank, Ttbr0().set(Ttbr0::ASID, n).set(Ttbr0::BaseAddress, tables.value));
    write_wide(bank, Ttbr1().set(Ttbr1::ASID, n));
    bank.write(SMMU_CBn_MAIR0()
                   .set(SMMU_CBn_MAIR0::Attr1, 0x04)
                   .set(SMMU_CBn_MAIR0::Attr2, 0x44)
                   .set(SMMU_CBn_MAIR0::Attr3, 0xff));
    bank.write(SMMU_CBn_MAIR1().set(SMMU_CBn_MAIR1::Attr4, 0xbb));
  }

  template <class R>
  void write_wide(const RegisterPage& page, R value) const {
    if (model_ == Model::kAp806) {
      page.write_high_then_low(value);
    } else {
      page.write(value);
    }
  }

  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  Model model_;
  bool stage1_ = false;
  bool matches_ = false;
  bool wide_stream_ids_ = false;
  bool wide_vmids_ = false;
  std::uint32_t groups_ = 0;
  std::uint32_t banks_ = 0;
  std::uint32_t next_group_ = 0;
  std::uint32_t next_bank_ = 0;
};

}  // namespace openbsd

using openbsd::OpenBsd;

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_OPENBSD_DRIVER_H_
