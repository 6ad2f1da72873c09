// What the driver of today's Linux does with an SMMUv2, register by register: it remembers all that
// it has set up and writes it again whenever the SMMU has lost it.
#ifndef SMMU_TEST_SYSTEM_V2_LINUX_DRIVER_H_
#define SMMU_TEST_SYSTEM_V2_LINUX_DRIVER_H_

#include <map>
#include <optional>
#include <vector>

#include "test/system_v2/rig.h"

namespace smmu::testing {

class LinuxDriver {
 public:
  enum class Stage { kStage1, kStage2 };
  // kAp806: the SMMU of Marvell's AP806, whose registers of 64 bits are accessed by words, the high
  // one first, and which is given the tables of AArch32.
  enum class Model { kGeneric, kMmu500, kAp806 };
  struct Options {
    Stage stage = Stage::kStage1;
    Model model = Model::kGeneric;
    std::optional<std::uint32_t> context_interrupts = std::nullopt;  // none: one a bank
  };
  struct ContextFault {
    v2::SMMU_CBn_FSR status;
    v2::SMMU_CBn_FSYNR0 syndrome;
    Iova address;
    StreamId stream;
  };
  // TLB_LOOP_TIMEOUT: ten reads, and again after each of the delays 1, 2, 4 ... below a second.
  static constexpr std::uint32_t kMostPolls = 10 * 20;
  // Of an address translation operation: 50 microseconds in steps of 5, and once more.
  static constexpr std::uint32_t kMostTranslationPolls = 11;

  explicit LinuxDriver(V2Rig& rig) : LinuxDriver(rig, Options{}) {}
  LinuxDriver(V2Rig& rig, const Options& options)
      : options_(options),
        pages_(rig.registers()),
        context_interrupts_(options.context_interrupts.value_or(rig.context_fault_lines())) {}

  bool probe() {
    using namespace v2;
    const auto idr0 = gr0_.read<SMMU_IDR0>();
    if (!idr0[SMMU_IDR0::S1TS] && !idr0[SMMU_IDR0::S2TS]) return false;
    translates_ = idr0[SMMU_IDR0::S1TS] && !idr0[SMMU_IDR0::ATOSNS];
    wide_stream_ids_ = idr0[SMMU_IDR0::EXIDS];
    stream_mask_ = wide_stream_ids_ ? 0xffff : (1U << idr0[SMMU_IDR0::NUMSIDB]) - 1;
    matches_ = idr0[SMMU_IDR0::SMS];
    if (matches_ && idr0[SMMU_IDR0::NUMSMRG] == 0) return false;
    groups_.resize(matches_ ? idr0[SMMU_IDR0::NUMSMRG] : stream_mask_ + 1);
    const auto idr1 = gr0_.read<SMMU_IDR1>();
    banks_ = idr1[SMMU_IDR1::NUMCB];
    next_bank_ = options_.stage == Stage::kStage1 ? idr1[SMMU_IDR1::NUMS2CB] : 0;
    if (idr1[SMMU_IDR1::NUMS2CB] > banks_) return false;
    wide_vmids_ = gr0_.read<SMMU_IDR2>()[SMMU_IDR2::VMID16S];
    return banks_ <= context_interrupts_;
  }

  // At the start, and when power is back.
  void reset() {
    using namespace v2;
    gr0_.write(gr0_.read<SMMU_sGFSR>());
    for (std::uint32_t i = 0; i != groups_.size(); ++i) write_group(i);
    for (std::uint32_t i = 0; i != banks_; ++i) {
      write_bank(i);
      pages_.bank(i).write(all_faults());
    }
    gr0_.write(SMMU_TLBIALLH(~0U));
    gr0_.write(SMMU_TLBIALLNSNH(~0U));
    auto control = gr0_.read<SMMU_sCR0>();
    control.set(SMMU_sCR0::GFRE, true)
        .set(SMMU_sCR0::GFIE, true)
        .set(SMMU_sCR0::GCFGFRE, true)
        .set(SMMU_sCR0::GCFGFIE, true)
        .set(SMMU_sCR0::VMIDPNE, true)
        .set(SMMU_sCR0::PTM, true)
        .set(SMMU_sCR0::CLIENTPD, false)
        .set(SMMU_sCR0::USFCFG, true)
        .set(SMMU_sCR0::FB, false)
        .set(SMMU_sCR0::BSU, BarrierUpgrade::kNone);
    if (wide_vmids_) control.set(SMMU_sCR0::VMID16EN, true);
    if (wide_stream_ids_) control.set(SMMU_sCR0::EXIDENABLE, true);
    if (options_.model != Model::kGeneric) disable_prefetch();
    synchronize();
    gr0_.write(control);
  }

  // After reset(): which bits of StreamIDs and of masks a group keeps.
  void test_masks() {
    using Smr = v2::SMMU_SMRn_EXIDENABLE;
    gr0_.write(0, Smr().set(Smr::ID, stream_mask_));
    stream_mask_ = gr0_.read<Smr>(0)[Smr::ID];
    gr0_.write(0, Smr().set(Smr::MASK, stream_mask_));
    mask_mask_ = gr0_.read<Smr>(0)[Smr::MASK];
  }
  std::uint32_t stream_mask() const { return stream_mask_; }
  std::uint32_t mask_mask() const { return mask_mask_; }

  // Firmware of some machines makes a fault of a bypass.
  bool bypass_sticks() {
    using S2cr = v2::SMMU_S2CRn_Bypass;
    const auto last = static_cast<std::uint32_t>(groups_.size() - 1);
    gr0_.write(last, S2cr().set(S2cr::TYPE, v2::StreamType::kBypass).set(S2cr::VMID, 0xff));
    return gr0_.read<S2cr>(last)[S2cr::TYPE] == v2::StreamType::kBypass;
  }
  // Whether a bank's prefetching is off, as it must be in an MMU-500.
  bool prefetches(std::uint32_t n) const {
    using v2::SMMU_CBn_ACTLR_MMU500;
    return pages_.bank(n).read<SMMU_CBn_ACTLR_MMU500>()[SMMU_CBn_ACTLR_MMU500::CPRE];
  }

  // Gives the stream a bank of its own, which is returned.
  std::uint32_t attach(StreamId stream, Pa tables) {
    const std::uint32_t n = next_bank_++;
    const std::uint32_t group = matches_ ? next_group_++ : stream.value;
    groups_[group] = {.id = stream.value, .valid = true};
    write_group(group);
    tables_.emplace(n, tables);
    write_bank(n);
    groups_[group].bank = n;
    write_stream_to_context(group);
    return n;
  }

  // One page, then all of the domain.  False: the driver has given up.
  bool invalidate_page(std::uint32_t n, Iova address) {
    using namespace v2;
    const RegisterPage bank = pages_.bank(n);
    if (options_.stage == Stage::kStage2) {
      using Tlbi = SMMU_CBn_TLBIIPAS2L;
      bank.write(Tlbi().set(Tlbi::Address, address.value >> 12));
    } else if (options_.model == Model::kAp806) {
      using Tlbi = SMMU_CBn_TLBIVAL_AArch32;
      bank.write(Tlbi().set(Tlbi::VA, address.value).set(Tlbi::ASID, n));
    } else {
      using Tlbi = SMMU_CBn_TLBIVAL_AArch64;
      bank.write(Tlbi().set(Tlbi::Address, address.value >> 12).set(Tlbi::ASID, n));
    }
    return synchronize(n);
  }
  bool invalidate_all(std::uint32_t n) {
    using namespace v2;
    if (options_.stage == Stage::kStage2) {
      gr0_.write(SMMU_TLBIVMID().set(SMMU_TLBIVMID::VMID, vmid(n)));
      return synchronize();
    }
    pages_.bank(n).write(SMMU_CBn_TLBIASID().set(SMMU_CBn_TLBIASID::ASID, n));
    return synchronize(n);
  }

  std::optional<ContextFault> handle_context_fault(std::uint32_t n) {
    using namespace v2;
    const RegisterPage bank = pages_.bank(n);
    const auto address = read_wide<SMMU_CBn_FAR>(bank);
    read_wide<SMMU_CBn_TTBR0_AArch64>(bank);
    const auto status = bank.read<SMMU_CBn_FSR>();
    const auto syndrome = bank.read<SMMU_CBn_FSYNR0>();
    bank.read<SMMU_CBn_FSYNR1>();
    const auto stream = gr1_.read<SMMU_CBFRSYNRAn>(n);
    if (options_.stage == Stage::kStage1) bank.read<SMMU_CBn_CONTEXTIDR_Long>();
    if ((status.raw() & all_faults().raw()) == 0) return std::nullopt;
    bank.write(status);
    if (status[SMMU_CBn_FSR::SS]) bank.write(SMMU_CBn_RESUME().set(SMMU_CBn_RESUME::TnR, true));
    return ContextFault{status, syndrome, Iova(address[SMMU_CBn_FAR::FADDR]),
                        StreamId(stream[SMMU_CBFRSYNRAn::StreamID])};
  }
  std::optional<std::pair<v2::SMMU_sGFSR, StreamId>> handle_global_fault() {
    using namespace v2;
    const auto status = gr0_.read<SMMU_sGFSR>();
    gr0_.read<SMMU_sGFSYNR0>();
    const auto syndrome = gr0_.read<SMMU_sGFSYNR1>();
    gr0_.read<SMMU_sGFSYNR2>();
    if (status.raw() == 0) return std::nullopt;
    gr0_.write(status);
    return std::pair(status, StreamId(syndrome[SMMU_sGFSYNR1::StreamID]));
  }

  // Where the tables lead, as the SMMU itself says; none if they lead nowhere, or if it does not
  // translate for software or takes too long, and software would have to look itself.
  std::optional<Pa> address_translation(std::uint32_t n, Iova address) {
    using namespace v2;
    if (!translates_) return std::nullopt;
    const RegisterPage bank = pages_.bank(n);
    const std::uint64_t page = address.value & ~std::uint64_t{0xfff};
    bank.write(SMMU_CBn_ATS1PR().set(SMMU_CBn_ATS1PR::ADDR, page));
    std::uint32_t polls = 0;
    while (bank.read<SMMU_CBn_ATSR>()[SMMU_CBn_ATSR::ACTIVE]) {
      if (++polls == kMostTranslationPolls) return std::nullopt;
    }
    const auto result = bank.read<SMMU_CBn_PAR_Long>();
    if (result[SMMU_CBn_PAR_Long::F]) return std::nullopt;
    return Pa(result[SMMU_CBn_PAR_Long::PA] | (address.value & 0xfff));
  }

  void shut_down() { gr0_.write(v2::SMMU_sCR0().set(v2::SMMU_sCR0::CLIENTPD, true)); }

 private:
  // One of the stream mapping groups, or of the streams if these are not matched.
  struct Group {
    std::uint32_t id = 0;
    bool valid = false;
    std::optional<std::uint32_t> bank = std::nullopt;  // none: its streams fault
  };

  // VMID 0 is left to stage 1.
  std::uint32_t vmid(std::uint32_t n) const { return options_.stage == Stage::kStage2 ? n + 1 : 0; }

  void write_group(std::uint32_t i) {
    write_stream_to_context(i);
    if (!matches_) return;
    if (wide_stream_ids_) {
      using Smr = v2::SMMU_SMRn_EXIDENABLE;
      gr0_.write(i, Smr().set(Smr::ID, groups_[i].id));
    } else {
      using Smr = v2::SMMU_SMRn;
      gr0_.write(i, Smr().set(Smr::ID, groups_[i].id).set(Smr::VALID, groups_[i].valid));
    }
  }
  void write_stream_to_context(std::uint32_t i) {
    using S2cr = v2::SMMU_S2CRn_Translation;
    const Group& group = groups_[i];
    gr0_.write(
        i, S2cr()
               .set(S2cr::TYPE, group.bank ? v2::StreamType::kTranslation : v2::StreamType::kFault)
               .set(S2cr::CBNDX, group.bank.value_or(0))
               .set(S2cr::EXIDVALID, wide_stream_ids_ && matches_ && group.valid));
  }

  void write_bank(std::uint32_t n);

  void disable_prefetch() {
    using namespace v2;
    using Acr = SMMU_sACR_MMU500;
    const bool locks = gr0_.read<SMMU_IDR7>()[SMMU_IDR7::MAJOR] >= 2;
    auto auxiliary = gr0_.read<Acr>();
    if (locks) auxiliary.set(Acr::CACHE_LOCK, false);
    gr0_.write(auxiliary.set(Acr::SMTNMB_TLBEN, true).set(Acr::S2CRB_TLBEN, true));
    for (std::uint32_t i = 0; i != banks_; ++i) {
      auto actlr = pages_.bank(i).read<SMMU_CBn_ACTLR_MMU500>();
      pages_.bank(i).write(actlr.set(SMMU_CBn_ACTLR_MMU500::CPRE, false));
    }
  }

  bool synchronize() {
    using namespace v2;
    gr0_.write(SMMU_sTLBGSYNC(~0U));
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!gr0_.read<SMMU_sTLBGSTATUS>()[SMMU_sTLBGSTATUS::GSACTIVE]) return true;
    }
    return false;
  }
  bool synchronize(std::uint32_t n) {
    using namespace v2;
    pages_.bank(n).write(SMMU_CBn_TLBSYNC(~0U));
    for (std::uint32_t polls = 0; polls != kMostPolls; ++polls) {
      if (!pages_.bank(n).read<SMMU_CBn_TLBSTATUS>()[SMMU_CBn_TLBSTATUS::SACTIVE]) return true;
    }
    return false;
  }

  template <class R>
  R read_wide(const RegisterPage& page) const {
    return options_.model == Model::kAp806 ? page.read_high_then_low<R>() : page.read<R>();
  }
  template <class R>
  void write_wide(const RegisterPage& page, R value) const {
    if (options_.model == Model::kAp806) {
      page.write_high_then_low(value);
    } else {
      page.write(value);
    }
  }

  Options options_;
  RegisterPages pages_;
  RegisterPage gr0_ = pages_.global0();
  RegisterPage gr1_ = pages_.global1();
  std::uint32_t context_interrupts_;
  bool translates_ = false;
  bool matches_ = false;
  bool wide_stream_ids_ = false;
  bool wide_vmids_ = false;
  std::uint32_t stream_mask_ = 0;
  std::uint32_t mask_mask_ = 0;
  std::uint32_t banks_ = 0;
  std::uint32_t next_bank_ = 0;
  std::uint32_t next_group_ = 0;
  std::vector<Group> groups_;
  std::map<std::uint32_t, Pa> tables_;  // of the banks in use
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_LINUX_DRIVER_H_
