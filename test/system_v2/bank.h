// A context bank as tests program it: tables, a stream that leads to it, and its fault.
#ifndef SMMU_TEST_SYSTEM_V2_BANK_H_
#define SMMU_TEST_SYSTEM_V2_BANK_H_

#include <cstdint>
#include <ostream>
#include <type_traits>
#include <variant>

#include "test/system_v2/rig.h"

namespace smmu::testing {

// The translation; zeros and a failure, if it is none.
inline emulator::Translation translation_of(const emulator::Outcome& outcome) {
  const auto* translation = std::get_if<emulator::Translation>(&outcome);
  EXPECT_NE(translation, nullptr);
  return translation != nullptr ? *translation : emulator::Translation{};
}

// Everything that may go wrong faults and aborts, and nothing bypasses.
inline v2::SMMU_sCR0 all_faults_abort() {
  using v2::SMMU_sCR0;
  return SMMU_sCR0()
      .set(SMMU_sCR0::GFRE, true)
      .set(SMMU_sCR0::USFCFG, true)
      .set(SMMU_sCR0::SMCFCFG, true);
}

// What SMMU_CBn_FSR and SMMU_CBn_FSYNR0 say of a fault.
struct BankFault {
  std::uint32_t status;
  unsigned level;

  friend std::ostream& operator<<(std::ostream& out, const BankFault& fault) {
    return out << "status 0x" << std::hex << fault.status << std::dec << " at level "
               << fault.level;
  }
};

// `status`: a field of SMMU_CBn_FSR.
MATCHER_P2(IsFault, status, level, "") {
  const BankFault& fault = arg;
  return fault.status == std::decay_t<decltype(status)>::kMask &&
         fault.level == static_cast<unsigned>(level);
}
MATCHER(IsNoFault, "") {
  const BankFault& fault = arg;
  return fault.status == 0;
}

// Context bank n, and the stream mapping group of the same number.
class Bank {
 public:
  Bank(V2Rig& rig, std::uint32_t n, SecurityState owner = SecurityState::kNonSecure)
      : n_(n), pages_(owner == SecurityState::kSecure ? rig.secure_registers() : rig.registers()) {}

  std::uint32_t number() const { return n_; }
  RegisterPage page() const { return pages_.bank(n_); }
  template <class R>
  R read() const {
    return page().read<R>();
  }
  template <class R>
  void write(R value) const {
    page().write(value);
  }
  // Changes one field.
  template <class R, class F>
  void set(F field, typename F::Value value) const {
    write(read<R>().set(field, value));
  }
  void become(v2::SMMU_CBARn cbar) const { pages_.global1().write(n_, cbar); }
  void become(v2::SMMU_CBA2Rn cba2r) const { pages_.global1().write(n_, cba2r); }

  // The group sends the stream here.  `also`: the other fields of SMMU_S2CRn.
  void take(StreamId stream, v2::SMMU_S2CRn_Translation also = {}) const {
    using v2::SMMU_SMRn;
    using S2cr = v2::SMMU_S2CRn_Translation;
    pages_.global0().write(n_,
                           also.set(S2cr::TYPE, v2::StreamType::kTranslation).set(S2cr::CBNDX, n_));
    pages_.global0().write(
        n_, SMMU_SMRn().set(SMMU_SMRn::ID, stream.value).set(SMMU_SMRn::VALID, true));
  }

  // A stage 2 that is bypassed and says nothing of memory.
  static v2::SMMU_CBARn stage1_alone(unsigned vmid = 0) {
    using Cbar = v2::SMMU_CBARn_Stage1Stage2Bypass;
    return v2::SMMU_CBARn(Cbar()
                              .set(Cbar::TYPE, v2::ContextType::kStage1Stage2Bypass)
                              .set(Cbar::VMID, vmid)
                              .set(Cbar::BPSHCFG, v2::ShareabilityConfig::kNonShareable)
                              .set(Cbar::MemAttr, 0b1111)
                              .raw());
  }
  static v2::SMMU_CBARn stage2_alone(unsigned vmid = 1) {
    using Cbar = v2::SMMU_CBARn_Stage2;
    return v2::SMMU_CBARn(
        Cbar().set(Cbar::TYPE, v2::ContextType::kStage2).set(Cbar::VMID, vmid).raw());
  }
  static v2::SMMU_CBARn above(std::uint32_t stage2_bank, unsigned vmid = 1) {
    using Cbar = v2::SMMU_CBARn_Nested;
    return v2::SMMU_CBARn(Cbar()
                              .set(Cbar::TYPE, v2::ContextType::kNested)
                              .set(Cbar::VMID, vmid)
                              .set(Cbar::CBNDX, stage2_bank)
                              .raw());
  }
  static v2::SMMU_CBA2Rn aarch64() { return v2::SMMU_CBA2Rn().set(v2::SMMU_CBA2Rn::VA64, true); }

  // Faults abort, and later transactions do not mind.
  static v2::SMMU_CBn_SCTLR on() {
    using v2::SMMU_CBn_SCTLR;
    return SMMU_CBn_SCTLR()
        .set(SMMU_CBn_SCTLR::M, true)
        .set(SMMU_CBn_SCTLR::CFRE, true)
        .set(SMMU_CBn_SCTLR::HUPCF, true);
  }

  // Stage 1 of AArch64: the lower half is `table`, there is no upper one.  Memory type 0 is
  // Write-Back.
  void translate(const PageTable& table, v2::SMMU_CBARn cbar = stage1_alone()) const {
    become(cbar);
    become(aarch64());
    using v2::SMMU_CBn_MAIR0;
    using v2::SMMU_CBn_TCR2;
    using Tcr = v2::SMMU_CBn_TCR_AArch64;
    using Ttbr = v2::SMMU_CBn_TTBR0_AArch64;
    write(Ttbr().set(Ttbr::BaseAddress, table.root().value).set(Ttbr::ASID, n_));
    write(Tcr()
              .set(Tcr::T0SZ, table.options().t0sz)
              .set(Tcr::TG0, code_of(table))
              .set(Tcr::EPD1, true)
              .set(Tcr::TG1, TG1::k4K)
              .set(Tcr::T1SZ, 16));
    write(SMMU_CBn_TCR2()
              .set(SMMU_CBn_TCR2::PASize, OutputSize::k48Bits)
              .set(SMMU_CBn_TCR2::SEP, v2::SignBit::kUpstream));
    write(SMMU_CBn_MAIR0().set(SMMU_CBn_MAIR0::Attr0, 0xff));
    write(on());
  }

  // Stage 2 of AArch64.  `sl0`: where a walk starts; that of a walk without concatenated tables.
  void translate_stage2(const PageTable& table, unsigned vmid = 1) const {
    become(stage2_alone(vmid));
    become(aarch64());
    using Ttbr = v2::SMMU_CBn_TTBR0_Stage2;
    write(Ttbr().set(Ttbr::BaseAddress, table.root().value));
    write(stage2_control(table));
    write(v2::SMMU_CBn_SCTLR_Stage2(on().raw()));
  }
  static v2::SMMU_CBn_TCR_Stage2_AArch64 stage2_control(const PageTable& table) {
    using Tcr = v2::SMMU_CBn_TCR_Stage2_AArch64;
    const unsigned granule = table.options().granule_bits;
    const unsigned levels = (64 - table.options().t0sz - granule + granule - 4) / (granule - 3);
    // SL0 counts levels from two with 4 KiB, from one with the others.
    return Tcr()
        .set(Tcr::T0SZ, table.options().t0sz)
        .set(Tcr::TG0, code_of(table))
        .set(Tcr::SL0, granule == 12 ? levels - 2 : levels - 1)
        .set(Tcr::PASize, OutputSize::k48Bits);
  }

  // TG1 has codes of its own.
  static TG1 upper_code_of(unsigned granule_bits) {
    return granule_bits == 12 ? TG1::k4K : granule_bits == 14 ? TG1::k16K : TG1::k64K;
  }

  // What it has recorded, which it forgets.
  BankFault take_fault() const {
    using v2::SMMU_CBn_FSR;
    using v2::SMMU_CBn_FSYNR0;
    constexpr std::uint32_t kFaults = 0x1fe;  // TF to UUT
    const BankFault fault{read<SMMU_CBn_FSR>().raw() & kFaults,
                          static_cast<unsigned>(read<SMMU_CBn_FSYNR0>()[SMMU_CBn_FSYNR0::PLVL])};
    write(all_faults());
    return fault;
  }

 private:
  static TG0 code_of(const PageTable& table) {
    switch (table.options().granule_bits) {
      case 12:
        return TG0::k4K;
      case 14:
        return TG0::k16K;
      default:
        return TG0::k64K;
    }
  }

  std::uint32_t n_;
  RegisterPages pages_;
};

// A rig whose stream 5 bank 0 translates, at stage 1 unless a test says otherwise.
struct Translating {
  explicit Translating(const V2Rig::Options& options, PageTable::Options tables = {})
      : rig(options), table(rig.page_table(tables)) {
    rig.registers().global0().write(all_faults_abort());
    bank.translate(table);
    bank.take(kStream);
  }
  explicit Translating(PageTable::Options tables) : Translating(V2Rig::Options{}, tables) {}
  Translating() : Translating(V2Rig::Options{}) {}

  emulator::Outcome translate(Iova address,
                              emulator::Direction direction = emulator::Direction::kRead) const {
    return device.translate(address, direction);
  }

  static constexpr StreamId kStream{5};

  V2Rig rig;
  PageTable table;
  Bank bank{rig, 0};
  DmaDevice device = rig.device(kStream);
};

// The address in the upper half: above the range all bits are 1.
inline Iova upper(Iova address) { return Iova(address.value | 0xffff'0000'0000'0000); }

// The same with an upper half, whose tables are made like those of the lower one.
struct Halves : Translating {
  using Tcr = v2::SMMU_CBn_TCR_AArch64;
  explicit Halves(PageTable::Options tables = {})
      : Translating(tables), second(rig.page_table(tables)) {
    bank.write(v2::SMMU_CBn_TTBR1_AArch64().set(v2::SMMU_CBn_TTBR1_AArch64::BaseAddress,
                                                second.root().value));
    bank.write(bank.read<Tcr>()
                   .set(Tcr::EPD1, false)
                   .set(Tcr::TG1, Bank::upper_code_of(tables.granule_bits))
                   .set(Tcr::T1SZ, tables.t0sz));
  }
  PageTable second;
};

}  // namespace smmu::testing

#endif  // SMMU_TEST_SYSTEM_V2_BANK_H_
